"""Settings from the environment."""

from pathlib import Path

import pytest

from data_science.settings import kinds
from deployment import settings as service
from deployment.settings import Settings, SettingsError


def test_without_variables_the_published_port_and_folder_are_used():
    settings = Settings.read({})

    assert (settings.port, settings.model_folder, settings.mle_storage) == (
        5000,
        Path("models").absolute(),
        None,
    )


def test_each_variable_sets_its_field():
    environment = {
        "MODEL_FOLDER": "/m",
        "MLE_STORAGE": "/s",
        "HOST": "::1",
        "PORT": "80",
        "MAX_BODY_BYTES": "10",
        "MAX_BATCH": "2",
        "BODY_TIMEOUT_S": "1.5",
        "MODEL_POLL_S": "2",
        "SHUTDOWN_TIMEOUT_S": "3",
        "METRICS_PORT": "9464",
        "LOG_FORMAT": "json",
        "ACCESS_LOG": "1",
    }

    assert Settings.read(environment) == Settings(
        Path("/m"), Path("/s"), "::1", 80, 10, 2, 1.5, 2.0, 3.0, 9464, "json", True
    )


def test_an_empty_variable_means_its_default():
    assert Settings.read(dict.fromkeys(("MODEL_FOLDER", "PORT", "MLE_STORAGE"), "")) == Settings.read({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "70000"),
        ("PORT", "-1"),
        ("PORT", "1e3"),
        ("MAX_BATCH", "٣"),
        ("BODY_TIMEOUT_S", "0"),
        ("METRICS_PORT", "0"),
        ("METRICS_PORT", "5000"),
        ("LOG_FORMAT", "xml"),
        ("ACCESS_LOG", "yes"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name, value):
    with pytest.raises(SettingsError, match=f"{name} is '{value}'; expected "):
        Settings.read({name: value})


def test_training_and_service_refuse_the_same_texts_as_folders():
    # Stated twice: the service is installed with the public names of the package, and knows no other.
    assert service._NO_PATH.pattern == kinds._NO_PATH.pattern
