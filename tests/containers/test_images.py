import json
import re
import subprocess

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

    assert labels["org.opencontainers.image.title"]
    assert labels["org.opencontainers.image.description"]


@pytest.mark.parametrize("service", OURS)
def test_no_image_has_a_compiler(images, service):
    found = inside(service, "sh", "-c", "command -v cc gcc g++ clang || echo none")

    assert found == "none"


@pytest.mark.parametrize("service", ["deployment", "de_load", "ds_book_build", "ds_book"])
def test_images_that_need_no_root_start_as_another_user(images, service):
    assert inside(service, "id", "-u") != "0"


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
    installed.pop("setuptools", None)  # PyTensor brings it; a tool for installing is not pinned
    assert "numpy" in installed
    assert {name: version for name, version in installed.items() if tested.get(name) != version} == {}


@pytest.mark.parametrize("name", list(PASSWORDS))
def test_compose_refuses_to_start_without_a_password_and_names_it(images, stack, name):
    without = (stack.folder / ".env").read_text().replace(f"{name}={PASSWORDS[name]}", f"{name}=")
    (stack.folder / ".env").write_text(without)

    with pytest.raises(
        AssertionError, match=rf"required variable {name} is missing a value: cp .env.example"
    ):
        stack.compose("config")

    stack.compose("config", **{name: "given"})  # and the stack can be taken down again
    (stack.folder / ".env").write_text(f"{without}{name}=given\n")


def test_the_example_of_env_names_every_password_and_gives_none_to_admin(images):
    from compose_stack import REPOSITORY

    example = (REPOSITORY / ".env.example").read_text()

    assert re.search(r"^DE_ADMIN_PASSWORD=$", example, re.MULTILINE)
    assert all(f"\n{name}=" in example for name in PASSWORDS)
