"""A model must work over any version of MLEModel that a team may have."""

import json
from pathlib import Path

import mle_variants
import pytest
from machine_learning_engineering.contract.suite import synthetic_feature_store

from data_science import BayesianLogitModel

ROOT = Path(__file__).parents[2]
MLE_TESTS = ROOT / "mle" / "tests"
FEATURES = {"attr_a": 1, "attr_b": "c", "scd_a": 0.55, "scd_b": 3}


@pytest.fixture(scope="module")
def base_rate_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base_rate")
    (folder / "base_rate.json").write_text(json.dumps({"base_rate": 0.91}))
    return folder


@pytest.fixture(scope="module")
def logit_folder(tmp_path_factory):
    frame = synthetic_feature_store()
    model = BayesianLogitModel(engine="nested-laplace")
    model.fit(frame.assign(label=1 - frame["label"]))  # mostly ones, so that the label is not the default
    folder = tmp_path_factory.mktemp("logit")
    model.save(folder)
    return folder


@pytest.fixture(params=["base_rate_model:BaseRateModel", "data_science:BayesianLogitModel"])
def saved_model(request, base_rate_folder, logit_folder):
    """The name of a model, the folder it was saved in, and the label it gives to FEATURES."""
    return request.param, base_rate_folder if "base_rate" in request.param else logit_folder, 1


@pytest.mark.parametrize("variant", mle_variants.VARIANTS, ids=lambda path: path.name)
def test_a_saved_model_is_loaded_and_logged_over_this_version(variant, saved_model, tmp_path):
    model, folder, label = saved_model

    trial = mle_variants.try_over(variant, model, folder, FEATURES, [7, 150_000], tmp_path, [MLE_TESTS, ROOT])

    assert Path(trial.base).is_relative_to(variant)
    assert trial.is_mle_model
    assert trial.labels == [label, label]
    assert trial.types == ["int"]
    assert trial.logged.splitlines() == [f"7,{label}", f"150000,{label}"]


def test_every_kind_of_version_seen_is_among_them():
    assert {path.name for path in mle_variants.VARIANTS} == {
        "abstract_with_model_property",
        "features_to_dict",
        "first_name_idx",
        "init_sets_up_logging",
        "label_as_json",
        "oldest",
        "without_init",
    }
