import json
import re
import shutil
import subprocess
from importlib.metadata import version

import pytest
from compose_stack import PASSWORDS, PROJECT, docker

pytestmark = pytest.mark.timeout(1800)  # the first test builds the images

#: Each image, and words that one of its layers must hold: proof that a search sees the layers.
WORDS = {
    "ds_train": "Gives up root before any Python runs",
    "deployment": "run the service until SIGTERM or SIGINT",
    "de_load": "the DE's steps as functions and as a command",
    "ds_book_build": "waits for the tables as training does",
    "ds_book": "The book is being built",
}
OURS = tuple(WORDS)


def image(service):
    return f"{PROJECT}-{service}"


def inside(service, *command):
    return docker("run", "--rm", "--entrypoint", command[0], image(service), *command[1:])


@pytest.mark.parametrize("service", OURS)
def test_no_layer_and_no_step_of_an_image_holds_a_password(images, service):
    described = docker("history", "--no-trunc", image(service)) + docker("inspect", image(service))
    assert not [name for name, value in PASSWORDS.items() if value in described]

    # The passwords lay in .env beside the Dockerfile while it was built.
    wanted = [argument for text in (*PASSWORDS.values(), WORDS[service]) for argument in ("-e", text)]
    saved = subprocess.Popen(["docker", "save", image(service)], stdout=subprocess.PIPE)
    found = subprocess.run(["grep", "-aoF", *wanted], stdin=saved.stdout, stdout=-1, text=True, check=True)
    saved.stdout.close()
    assert saved.wait() == 0
    assert set(found.stdout.splitlines()) == {WORDS[service]}


@pytest.mark.parametrize("service", OURS)
def test_every_image_says_what_it_is(images, service):
    labels = json.loads(docker("inspect", "--format", "{{json .Config.Labels}}", image(service)))

    for label in ("title", "description", "base.name"):
        assert labels[f"org.opencontainers.image.{label}"]
    assert labels["org.opencontainers.image.version"] == version("data_science")
    assert labels["org.opencontainers.image.revision"] == "unknown"  # nobody said


@pytest.mark.parametrize("service", OURS)
def test_no_image_has_a_compiler(images, service):
    found = inside(service, "sh", "-c", "command -v cc gcc g++ clang || echo none")

    assert found == "none"


@pytest.mark.parametrize("service", ["deployment", "de_load", "ds_book_build", "ds_book"])
def test_images_that_need_no_root_start_as_another_user_who_is_a_number(images, service):
    assert inside(service, "id", "-u") != "0"
    assert re.fullmatch(r"\d+:\d+", docker("inspect", "--format", "{{.Config.User}}", image(service)))


@pytest.mark.parametrize("service", ["ds_train", "deployment", "de_load", "ds_book_build"])
def test_an_image_holds_nothing_of_ours_that_it_does_not_run(images, service):
    left = "find /app /opt/app /tmp /run 2>/dev/null | grep -iE '(dockerfile|readme[^/]*|requirements.txt|constraints.txt)$'"

    assert inside(service, "sh", "-c", f"{left} || true") == ""


@pytest.mark.parametrize("package", ["pymc", "bambi", "arviz", "sqlalchemy", "psycopg2"])
def test_the_service_has_the_light_package_only(images, package):
    program = f"import importlib.util; print(importlib.util.find_spec({package!r}))"

    assert inside("deployment", "python", "-c", program) == "None"


@pytest.mark.parametrize("service", ["ds_train", "deployment", "ds_book_build"])
def test_the_versions_are_those_that_were_tested(images, service):
    constraints = (images.folder / "constraints.txt").read_text()
    tested = dict(re.findall(r"^([\w.-]+)==(\S+)", constraints.replace("_", "-").lower(), re.MULTILINE))

    program = (
        "from importlib.metadata import distributions as all_; import json, re, sys;"
        "name = lambda d: re.sub('[-_.]+', '-', d.name).lower();"
        "print(json.dumps({name(d): d.version for d in all_(path=sys.path[-1:])}))"
    )
    installed = json.loads(inside(service, "python", "-c", program))

    tested = {re.sub("[-_.]+", "-", name): version for name, version in tested.items()}
    assert "numpy" in installed
    assert {name: version for name, version in installed.items() if tested.get(name) != version} == {}


@pytest.mark.parametrize("settings", ["none", "the example", "blank passwords"])
def test_every_command_of_compose_works_without_a_setting(images, stack, settings):
    if settings == "none":
        stack.settings.unlink()
    elif settings == "the example":
        shutil.copy(stack.folder / ".env.example", stack.settings)
    else:
        stack.settings.write_text("".join(f"{name}=\n" for name in PASSWORDS))

    assert stack.compose("config", "--quiet") == ""  # not even a warning
    for command in ("ps", "logs", "down"):
        stack.compose(command)

    default = stack.compose("config", "--format", "json")
    stack.settings.write_text("DE_ADMIN_PASSWORD=admin\nDS_DB_PASSWORD=ds_user\nMLE_DB_PASSWORD=mle_user\n")
    assert json.loads(default) == json.loads(stack.compose("config", "--format", "json"))


def test_the_port_of_the_database_is_published_by_its_own_file_only(images, stack):
    files = ("--file", "docker-compose.yml", "--file", "docker/database-port.yml")

    without, with_port = (
        json.loads(stack.compose(*chosen, "config", "--format", "json"))["services"]["operational-db"]
        for chosen in ((), files)
    )

    assert "ports" not in without
    assert [port["host_ip"] for port in with_port["ports"]] == ["127.0.0.1"]
