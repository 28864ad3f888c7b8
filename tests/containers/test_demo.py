"""The services as a person starts them, in the orders in which that happens."""

import json
import os
import time
import urllib.request

import pytest
from compose_stack import docker

pytestmark = pytest.mark.timeout(1800)

EXAMPLE = {"idx": 150000, "features": {"attr_a": 1, "attr_b": "c", "scd_a": 0.55, "scd_b": 3}}
NO_TABLE = "waiting for feature_store at operational-db:5432/companydata as ds_user: there is no table"
QUICK = {"ENGINE": "nested-laplace", "SECOND_OPINION": "0"}  # where the fit is not what is tested


def get(address, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return response.read().decode()


def versions(folder):
    return [path for path in folder.iterdir() if (path / "manifest.json").exists()]


def ready(address):
    """Whether a request is answered well."""
    try:
        return bool(get(address))
    except urllib.error.HTTPError as not_yet:
        not_yet.close()
        return False


def assert_one_model_belongs_to(folder, user_id):
    (version,) = versions(folder)
    assert (folder / "LATEST").read_text().strip() == version.name
    assert {path.stat().st_uid for path in (folder, version, *folder.iterdir(), *version.iterdir())} == {
        user_id
    }


def test_from_nothing_to_predictions_and_a_book_and_down_again(stack):
    the_job_waits_for_a_table_that_does_not_exist(stack)
    the_job_outlives_a_restart_of_the_database(stack)
    the_job_ends_with_a_model_when_the_data_are_loaded(stack)
    the_database_ends_well_when_it_is_stopped(stack)
    the_service_answers_the_published_example(stack)
    the_book_is_announced_built_and_served(stack)
    taking_everything_down_leaves_the_models(stack)


def the_job_waits_for_a_table_that_does_not_exist(stack):
    stack.up("ds_train")

    stack.wait_until_said("ds_train", NO_TABLE)
    assert stack.state("ds_train")["Running"]
    assert stack.user_ids("ds_train") == {1000}
    assert 0 not in stack.user_ids("operational-db")


def the_job_outlives_a_restart_of_the_database(stack):
    stack.compose("restart", "--timeout", "5", "operational-db")
    stack.wait_until_healthy("operational-db")

    assert stack.state("ds_train")["Running"]


def the_job_ends_with_a_model_when_the_data_are_loaded(stack):
    stack.load_data()

    assert stack.exit_code("ds_train") == 0, stack.logs("ds_train")
    assert "nothing was found in the features" in stack.logs("ds_train")
    assert_one_model_belongs_to(stack.models, 1000)


def the_database_ends_well_when_it_is_stopped(stack):
    stack.compose("stop", "--timeout", "60", "operational-db")

    assert stack.state("operational-db")["ExitCode"] == 0
    stack.up("--wait", "operational-db")


def the_service_answers_the_published_example(stack):
    stack.up("--wait", "deployment")
    address = stack.address("deployment", 5000)
    stack.wait_until(lambda: ready(f"{address}/health/ready"), "a model", "deployment")

    answer = get(f"{address}/predict", EXAMPLE)
    assert answer == '{"label":0}'
    assert stack.user_ids("deployment") == {1000}
    with pytest.raises(AssertionError, match="Read-only file system"):
        stack.compose("exec", "deployment", "touch", "/models/new")
    # On record, in a volume that outlives the container.
    stack.compose("restart", "deployment")
    assert '"idx":150000' in stack.compose("exec", "deployment", "sh", "-c", "cat /var/lib/mle_storage/*")


def the_book_is_announced_built_and_served(stack):
    stack.up("--wait", "ds_book")
    address = stack.address("ds_book", 8080)
    with pytest.raises(urllib.error.HTTPError, match="503") as not_yet:
        get(address)
    assert "The book is being built" in not_yet.value.read().decode()
    not_yet.value.close()

    assert stack.exit_code("ds_book_build") == 0, stack.logs("ds_book_build")
    assert "make book-pdf" in stack.logs("ds_book_build")
    assert "<title>" in get(f"{address}/index.html")
    assert get(f"{address}/vendor/mathjax-tex-svg.js")
    assert stack.user_ids("ds_book") == {101}


def taking_everything_down_leaves_the_models(stack):
    stack.down()

    assert_one_model_belongs_to(stack.models, 1000)


def test_the_job_may_start_before_the_database_and_stores_for_the_owner_of_the_folder(stack):
    stack.models.mkdir()
    if os.geteuid() == 0:
        os.chown(stack.models, 4321, 4321)
    owner = stack.models.stat().st_uid

    stack.up("--no-deps", "ds_train", **QUICK)
    stack.wait_until_said("ds_train", "waiting for feature_store at operational-db:5432")
    assert stack.user_ids("ds_train") == {owner}
    stack.up("operational-db")
    stack.wait_until_said("ds_train", NO_TABLE)
    stack.load_data()

    assert stack.exit_code("ds_train") == 0, stack.logs("ds_train")
    assert_one_model_belongs_to(stack.models, owner)

    # Nobody else may look into the folder: the service does it as the user of the environment.
    stack.models.chmod(0o700)
    stack.up("--wait", "deployment", APP_UID=str(owner), APP_GID=str(stack.models.stat().st_gid))
    address = stack.address("deployment", 5000)
    stack.wait_until(lambda: ready(f"{address}/health/ready"), "a model", "deployment")
    assert get(f"{address}/predict", EXAMPLE) == '{"label":0}'
    assert stack.user_ids("deployment") == {owner}


def test_a_fresh_clone_needs_no_settings_and_all_of_the_demo_is_healthy_at_once(stack):
    stack.settings.unlink()

    stack.up("--wait", DEPLOYMENT_PORT="0", BOOK_PORT="0", **QUICK)  # any free ports

    for service in ("operational-db", "deployment", "ds_book"):
        assert stack.state(service)["Health"]["Status"] == "healthy"
    assert docker("port", stack.container("operational-db")) == ""
    assert stack.exit_code("de_load") == 0, stack.logs("de_load")
    assert stack.exit_code("ds_train") == 0, stack.logs("ds_train")
    address = stack.address("deployment", 5000)
    stack.wait_until(lambda: ready(f"{address}/health/ready"), "a model", "deployment")
    assert get(f"{address}/predict", EXAMPLE) == '{"label":0}'


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ('volumes: ["./models:/models:ro"]', "Read-only file system"),
        ('user: "12345:0"', "Permission denied"),
    ],
    ids=["read-only", "another user"],
)
def test_a_model_folder_that_cannot_be_written_ends_the_job_before_it_waits(stack, other, reason):
    stack.models.mkdir()  # by root, where root runs this: the entrypoint would hand it on
    (stack.folder / "other.yml").write_text(f"services: {{ds_train: {{{other}}}}}\n")
    files = ("--file", "docker-compose.yml", "--file", "other.yml")

    stack.compose(*files, "up", "--detach", "--no-build", "--no-deps", "ds_train", WAIT_TIMEOUT_S="3")

    assert stack.exit_code("ds_train") == 2, stack.logs("ds_train")
    assert f"/models could not be written ({reason})" in stack.logs("ds_train")
    for later in ("waiting for", "chown", "importing"):
        assert later not in stack.logs("ds_train")


def test_too_little_memory_ends_the_job_with_the_code_that_is_explained(stack):
    stack.up("--no-deps", "ds_train", TRAIN_MEMORY="24m")

    assert stack.exit_code("ds_train") == 137


def test_sigterm_ends_a_waiting_job_at_once(stack):
    stack.up("--no-deps", "ds_train")
    stack.wait_until_said("ds_train", "waiting for feature_store")

    started = time.monotonic()
    stack.compose("stop", "ds_train")

    assert time.monotonic() - started < 5
    assert stack.state("ds_train")["ExitCode"] == 143
    assert "stopped by SIGTERM; no model was saved" in stack.logs("ds_train")


def test_sigterm_ends_a_fit_and_nothing_is_stored(stack):
    stack.up("--wait", "operational-db")
    stack.load_data()
    stack.up("ds_train", DRAWS="100000")
    stack.wait_until_said("ds_train", "nuts: ")

    started = time.monotonic()
    stack.compose("stop", "ds_train")

    assert time.monotonic() - started < 10
    assert stack.state("ds_train")["ExitCode"] == 143
    assert versions(stack.models) == []


def test_a_wrong_password_is_said_and_ends_the_job_with_the_code_for_settings(stack):
    stack.up("--wait", "operational-db")

    stack.up("--no-deps", "ds_train", DS_DB_PASSWORD="wrong", WAIT_TIMEOUT_S="3")

    assert stack.exit_code("ds_train") == 2
    assert "wrong" not in stack.logs("ds_train").replace("wrong password", "")


def test_a_service_without_a_model_says_so_and_takes_up_the_first_one(stack):
    stack.up("deployment")
    address = stack.address("deployment", 5000)
    stack.wait_until_healthy("deployment")  # it serves; whether there is a model is another question
    with pytest.raises(urllib.error.HTTPError, match="503") as refused:
        get(f"{address}/predict", EXAMPLE)
    refused.value.close()

    stack.up("--wait", "operational-db")
    stack.load_data()
    stack.up("ds_train", **QUICK)
    stack.exit_code("ds_train")

    stack.wait_until(lambda: ready(f"{address}/health/ready"), "a model", "deployment")
    assert get(f"{address}/predict", EXAMPLE) == '{"label":0}'
