"""What the Dockerfiles promise, checked where no engine runs; tests/containers builds and runs the images."""

import re
from importlib.metadata import version

import compose_file
import pytest
from compose_file import ROOT, dockerfiles, final_stage, services

SERVICES = services()
BUILT = sorted(name for name, service in SERVICES.items() if "build" in service)


@pytest.mark.parametrize("name", BUILT)
def test_every_image_says_what_it_is_and_what_it_was_built_from(name):
    stage = final_stage(SERVICES[name])
    labels = " ".join(line for line in stage if line.startswith("LABEL "))

    for label in ("title", "description", "version", "revision", "base.name"):
        assert f"org.opencontainers.image.{label}=" in labels
    base = stage[0].split()[1]
    assert f'base.name="docker.io/library/{base}"' in labels
    assert SERVICES[name]["build"]["args"] == {"VERSION": version("data_science"), "REVISION": "unknown"}
    assert services(REVISION="abc123")[name]["build"]["args"]["REVISION"] == "abc123"
    assert "ARG VERSION" in " ".join(stage)
    # After everything that takes time: another revision makes no layer again.
    arguments = next(n for n, line in enumerate(stage) if line.startswith("ARG "))
    assert not [line for line in stage[arguments:] if line.split()[0] in {"RUN", "COPY", "ADD"}]


@pytest.mark.parametrize("path", sorted(dockerfiles()))
def test_what_an_image_installs_has_the_versions_that_were_tested(path):
    for line in compose_file.instructions(dockerfiles()[path]):
        for command in re.findall(r"pip (?:--python \S+ )?install[^&]*", line):
            assert "-c " in command or "--no-deps" in command, command


@pytest.mark.parametrize("path", sorted(dockerfiles()))
def test_what_builds_a_package_has_the_version_that_was_tested_too(path):
    stages = compose_file.stages(dockerfiles()[path])
    for stage in stages.values():
        before = [*stages.get(stage[0].split()[1], [])]  # of the stage that it continues
        for line in stage:
            installs = re.findall(r"pip (?:--python \S+ )?install[^&]*", line)
            if any(re.search(r"\s'?\.", it) and "--no-build-isolation" not in it for it in installs):
                settings = " ".join(it for it in before if it.startswith("ENV "))
                assert "PIP_CONSTRAINT=/src/constraints.txt" in settings
                assert "PIP_BUILD_CONSTRAINT=/src/constraints.txt" in settings
                assert {"WORKDIR /src", "COPY constraints.txt ./"} <= set(before)
            before.append(line)


def test_the_installer_is_among_the_tested_versions_and_stays_there():
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    lock = re.search(r"^lock:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)

    assert re.search(r"^setuptools==\S+$", constraints, re.MULTILINE)
    assert "constraints.txt" in lock[1]
    assert "setuptools" not in lock[1]


@pytest.mark.parametrize("path", sorted(dockerfiles()))
def test_a_word_in_a_readme_builds_nothing_again(path):
    copied = [line for line in compose_file.instructions(dockerfiles()[path]) if line.startswith("COPY ")]

    assert not [line for line in copied if "README" in line]
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "!README.md" not in ignored
    assert {"*", "**/README.md", "**/*Dockerfile*", "**/.env*"} <= set(ignored)


def test_the_warm_up_depends_on_the_package_and_its_dependencies_only():
    *before, last = compose_file.stages(dockerfiles()["Dockerfile"]).values()
    warm_up = next(n for n, line in enumerate(last) if "warm_up.py" in line)

    assert "main.py" not in str(before)
    assert next(n for n, line in enumerate(last) if line.startswith("COPY") and "main.py" in line) > warm_up


def test_both_dockerfiles_of_the_training_libraries_share_their_first_layers():
    train, book = (compose_file.stages(dockerfiles()[name]) for name in ("Dockerfile", "Dockerfile.book"))

    assert train["dependencies"] == book["dependencies"]
