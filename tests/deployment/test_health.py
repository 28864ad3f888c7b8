"""What an operator, or the platform in their place, is told."""

import pytest
from running_service import PUBLISHED
from small_models import store

from deployment.health import storage_problem


def test_with_a_model_and_a_writable_log_it_is_ready(service):
    assert service.get("/health/live").json() == {"live": True}
    ready = service.get("/health/ready")
    assert (ready.status_code, ready.json()["ready"], ready.json()["problems"]) == (200, True, [])
    assert service.get("/health").json() == {"live": True, **ready.json()}


def test_what_a_request_claims_about_where_it_came_from_changes_nothing_and_no_request_is_written_down(
    service,
):
    claims = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}

    plain, claiming = (service.client.get("/health/", headers=headers) for headers in ({}, claims))

    assert plain.is_redirect
    assert claiming.headers["location"] == plain.headers["location"] == f"{service.url}/health"
    assert "server" not in plain.headers
    assert "/health" not in service.said()


def test_without_a_model_it_lives_and_says_what_is_missing(start, tmp_path):
    running = start()

    assert running.get("/health/live").status_code == 200
    for path in ("/health", "/health/ready"):
        answer = running.get(path)
        assert answer.status_code == 503
        assert (answer.json()["ready"], answer.json()["model_version"]) == (False, None)
        assert "Train one first" in answer.json()["problems"][0]
    refused = running.post("/predict", PUBLISHED)
    assert refused.status_code == 503
    assert refused.json()["detail"].startswith("no model is loaded yet")
    assert "no model is served" in running.said()


def test_it_becomes_ready_when_a_model_appears(start, tmp_path):
    running = start()
    assert running.get("/health/ready").status_code == 503

    version = store(tmp_path / "models")

    running.wait_for(lambda: running.get("/health/ready").status_code == 200)
    assert running.version() == version.name
    assert running.post("/predict", PUBLISHED).json() == {"label": 0}


def test_predictions_that_cannot_be_stored_are_not_answered(start, tmp_path):
    store(tmp_path / "models")
    (tmp_path / "log").write_text("a file where a folder is expected")
    running = start()

    refused = running.post("/predict", PUBLISHED)
    batch = running.post("/predict/batch", {"clients": [PUBLISHED, PUBLISHED]})

    for answer in (refused, batch):
        assert answer.status_code == 503
        assert "could not be recorded" in answer.json()["detail"]
        assert str(tmp_path) not in answer.text
    assert running.get("/health/ready").status_code == 503
    assert "predictions cannot be stored" in running.get("/health").json()["problems"][0]

    assert running.said().count("was not stored in") == 1  # not a line for each of the two, or the thousands

    (tmp_path / "log").unlink()
    assert running.get("/health/ready").status_code == 200
    assert running.post("/predict", PUBLISHED).status_code == 200


def test_a_storage_folder_that_can_be_written_has_no_problem_and_keeps_no_file(tmp_path):
    for folder in (tmp_path / "new", tmp_path / "new", tmp_path / "several" / "new"):
        assert storage_problem(folder) is None
        assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"PORT": "http"}, "PORT is 'http'; expected a whole number from 1 to 65535"),
        ({"MAX_BATCH": "0"}, "MAX_BATCH is '0'; expected a whole number from 1 to 1000000"),
        ({"MODEL_POLL_S": "nan"}, "MODEL_POLL_S is 'nan'; expected seconds"),
    ],
)
def test_a_setting_that_cannot_be_used_ends_the_start_with_words(start, environment, message):
    with pytest.raises(AssertionError, match=message):
        start(**environment)
