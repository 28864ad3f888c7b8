"""What docker-compose.yml promises, checked where no engine runs; tests/containers runs it."""

import re
from argparse import ArgumentParser

import compose_file
import pytest
from compose_file import COMPOSE, DATABASE_PORT, EXAMPLE, ROOT, dockerfiles, final_stage, services

from data_science.cli.verbs import VERBS
from data_science.settings import VARIABLES
from de.load import Passwords

SERVICES = services()
BUILT = sorted(name for name, service in SERVICES.items() if "build" in service)
STEPS_DOWN = {"operational-db", "ds_train"}  # start as root; their entrypoints give it up
PUBLISHED = Passwords()


def seconds(text):
    return sum(int(number) * {"s": 1, "m": 60}[unit] for number, unit in re.findall(r"(\d+)([sm])", text))


def health_checks():
    """Of each service that has one: its test and its times in seconds."""
    found = {}
    for name, service in SERVICES.items():
        if (check := service.get("healthcheck")) == {"disable": True}:
            continue
        if check:
            times = {key: seconds(value) for key, value in check.items() if key not in {"test", "retries"}}
            found[name] = (" ".join(check["test"]), times)
        elif "build" in service:
            for line in final_stage(service):
                if line.startswith("HEALTHCHECK"):
                    options, _, test = line.partition(" CMD ")
                    times = re.findall(r"--([\w-]+)=(\S+)", options)
                    found[name] = (test, {key.replace("-", "_"): seconds(value) for key, value in times})
    return found


# Variables


def test_every_variable_has_a_default_which_a_blank_value_gets_too():
    blank = dict.fromkeys(compose_file.variables(), "")

    assert services(**blank) == services()  # `substituted` fails on any other form


def test_the_passwords_are_those_of_the_contract_unless_others_are_given():
    published = (PUBLISHED.admin, PUBLISHED.ds_user, PUBLISHED.mle_user)
    others = ("an-admin's", "a-reader's", "a-writer's")
    names = ("DE_ADMIN_PASSWORD", "DS_DB_PASSWORD", "MLE_DB_PASSWORD")
    for expected, environment in ((published, {}), (others, dict(zip(names, others, strict=True)))):
        admin, ds_user, mle_user = expected
        found = {name: service.get("environment", {}) for name, service in services(**environment).items()}
        everybody = {"DS_DB_PASSWORD": ds_user, "MLE_DB_PASSWORD": mle_user}
        assert found["operational-db"].items() >= {**everybody, "POSTGRES_PASSWORD": admin}.items()
        assert found["de_load"].items() >= {**everybody, "DE_ADMIN_PASSWORD": admin}.items()
        assert found["ds_train"]["DS_DB_PASSWORD"] == found["ds_book_build"]["DS_DB_PASSWORD"] == ds_user


def test_the_example_of_env_names_every_variable_with_its_default():
    named = {name: value for name, (value, _) in compose_file.example().items()}

    assert named == {**compose_file.variables(), **compose_file.variables(DATABASE_PORT)}


def test_the_job_is_given_every_setting_that_is_its_own():
    not_its_own = {"MODEL_FOLDER", "BOOK_CACHE", "DE_SCENARIO", "DE_CLIENTS", "DE_SEED", "DE_FILES"}
    own = {variable.name for variable in VARIABLES} - not_its_own

    assert own <= SERVICES["ds_train"]["environment"].keys()


def test_readme_asks_for_an_engine_that_knows_every_word_of_a_health_check():
    assert ("start_interval" in COMPOSE) == ("Docker Engine 25 or newer" in (ROOT / "README.md").read_text())


def test_a_copy_of_the_example_changes_nothing():
    copied = {name: value for name, (value, is_set) in compose_file.example().items() if is_set}

    assert services(**copied) == services()


def test_the_readers_of_the_database_may_have_their_password_from_a_file():
    for name in ("ds_train", "ds_book_build"):
        assert "DS_DB_PASSWORD_FILE" in SERVICES[name]["environment"]

    uncommented = re.sub(r"^( *)# (secrets:|  ds_db_password:)", r"\1\2", COMPOSE, flags=re.MULTILINE)
    assert uncommented.count("# secrets") == 0
    given = services(uncommented)
    assert given["ds_train"]["secrets"] == given["ds_book_build"]["secrets"] == ["ds_db_password"]
    assert re.search(r"^secrets:\n  ds_db_password: \{file: /", uncommented, re.MULTILINE)


def test_no_password_is_written_into_an_image():
    for path, text in dockerfiles().items():
        assert "PASSWORD" not in text, path


# Every service


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_limited_and_without_rights_it_does_not_need(name):
    service = SERVICES[name]

    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["mem_limit"]
    assert service["pids_limit"] > 0
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
    assert service["restart"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_an_init_that_can_pass_on_a_signal(name):
    service = SERVICES[name]

    assert service["init"] is True
    # init keeps the user that the container starts as; another user's process needs CAP_KILL.
    assert ("KILL" in service.get("cap_add", [])) == (name in STEPS_DOWN)


@pytest.mark.parametrize("name", BUILT)
def test_a_service_of_ours_runs_as_a_number_unless_its_entrypoint_steps_down(name):
    users = [line.split()[1] for line in final_stage(SERVICES[name]) if line.startswith("USER ")]

    if name in STEPS_DOWN:
        assert users == []
        assert {"SETUID", "SETGID"} <= set(SERVICES[name]["cap_add"])
        assert "setpriv --reuid=" in (ROOT / "docker/train-entrypoint.sh").read_text(encoding="utf-8")
    else:
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1])
        assert "cap_add" not in SERVICES[name]


def test_whoever_mounts_the_models_does_it_as_the_user_of_the_environment():
    given = services(APP_UID="4321", APP_GID="8765")

    mounting = {
        name for name, service in SERVICES.items() if "./models:/models" in str(service.get("volumes"))
    }
    assert mounting == {"ds_train", "deployment", "ds_book_build", "watch"}
    for name in mounting - STEPS_DOWN:
        assert given[name]["user"] == "4321:8765"
        assert SERVICES[name]["user"] == "1000:1000"
    handed_on = given["ds_train"]["environment"]
    assert (str(handed_on["APP_UID"]), str(handed_on["APP_GID"])) == ("4321", "8765")


@pytest.mark.parametrize(
    ("name", "folder"), [("deployment", "/var/lib/mle_storage"), ("ds_book_build", "/site")]
)
def test_whoever_the_user_is_may_write_in_the_volume(name, folder):
    assert any(volume.endswith(f":{folder}") for volume in SERVICES[name]["volumes"])
    assert any(f"-m 1777 {folder}" in line for line in final_stage(SERVICES[name]))


def test_what_computes_has_time_to_clean_up_when_it_is_stopped():
    for name in ("ds_train", "ds_book_build", "deployment", "operational-db"):
        assert seconds(SERVICES[name]["stop_grace_period"]) >= 30


# Ports


@pytest.mark.parametrize("text", [COMPOSE, DATABASE_PORT])
def test_ports_are_published_on_the_loopback_only(text):
    for service in services(text).values():
        for port in service.get("ports", []):
            assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)


def test_the_port_of_the_database_is_published_only_by_the_file_for_it():
    assert "ports" not in SERVICES["operational-db"]
    assert services(DATABASE_PORT) == {"operational-db": {"ports": ["127.0.0.1:5432:5432"]}}


def test_nothing_outside_the_demo_waits_for_the_demo():
    demo = {name for name, service in SERVICES.items() if "demo" in service.get("profiles", [])}

    assert demo == {"de_load"}
    for name in SERVICES.keys() - demo:
        assert not demo & SERVICES[name].get("depends_on", {}).keys()


def test_the_watch_reads_what_it_judges_reaches_nobody_and_is_a_command_that_there_is():
    watch = SERVICES["watch"]

    assert all(volume.endswith(":ro") for volume in watch["volumes"])
    assert watch["network_mode"] == "none"
    parser = ArgumentParser()
    VERBS["check"].add_options(parser)
    asked = parser.parse_args(watch["command"][4:])
    assert watch["command"][:4] == ["python", "-m", "data_science", "check"]
    assert (asked.labels, asked.since, asked.every) == ("", "7d", "24h")


# Health


def test_health_asks_whether_a_service_serves_and_no_more():
    tests = {name: test for name, (test, _) in health_checks().items()}

    assert tests.keys() == {"operational-db", "deployment", "ds_book"}
    assert "pg_isready -h 127.0.0.1 " in tests["operational-db"]
    assert "probe.py" in tests["deployment"]
    assert b"/health/live" in (ROOT / "deployment/probe.py").read_bytes()
    assert "/health/live" in tests["ds_book"]
    live = re.search(
        r"location = /health/live \{([^}]*)\}", (ROOT / "docker/book-nginx.conf").read_text(encoding="utf-8")
    )
    assert "return 200 " in live[1]
    assert "html" not in live[1]  # with or without a book


def test_health_is_asked_often_at_the_start_and_seldom_afterwards():
    for name, (_, times) in health_checks().items():
        assert times["interval"] >= 30, name
        assert times["timeout"] >= 10, name
        assert times["start_period"] >= 60, name
        assert times["start_interval"] <= 2, name


def test_too_little_memory_is_explained_where_one_looks_for_it():
    from main import EXIT_CODES

    assert "memory" in EXIT_CODES[137]
    assert "TRAIN_MEMORY" in EXIT_CODES[137]
    assert "137" in EXAMPLE
