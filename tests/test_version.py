"""The version stands in `data_science/_version.py`; whatever else shows one has it from there, or is held to it here."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import data_science

ROOT = Path(__file__).parents[1]


def test_a_version_has_three_numbers():
    assert re.fullmatch(r"\d+\.\d+\.\d+", data_science.__version__)


@pytest.mark.parametrize("setup", ["setup.py", "mle/setup.py"])
def test_every_distribution_has_the_version_of_the_package(setup, tmp_path):
    asked = [sys.executable, str(ROOT / setup), "--version"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, cwd=tmp_path)

    assert done.stdout.split()[-1] == data_science.__version__


def test_images_are_labelled_with_the_version():
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))

    assert compose["x-about"]["VERSION"] == data_science.__version__


def test_the_service_documents_the_version(tmp_path):
    from deployment.app import create_app
    from deployment.settings import Settings

    service = create_app(Settings(model_folder=tmp_path, mle_storage=tmp_path))

    assert service.version == data_science.__version__


def test_the_newest_entry_of_the_changelog_is_the_version():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert re.findall(r"^## (\d\S*)", changelog, re.MULTILINE)[0] == data_science.__version__


def test_a_new_version_is_installed_before_anything_is_made_with_it():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (job,) = re.findall(r"^\$\(JOB\): (.*)$", makefile, re.MULTILINE)
    (everything,) = re.findall(r"^\$\(STAMP\): (.*)$", makefile, re.MULTILINE)

    assert "data_science/_version.py" in job.split()
    assert "$(JOB)" in everything.split()


def test_whoever_makes_a_version_is_told_every_place_of_the_number():
    steps = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Make a version")[2]

    for place in ("data_science/_version.py", "docker-compose.yml", "CHANGELOG.md"):
        assert f"`{place}`" in steps
    assert steps.index("_version.py") < steps.rindex("`make check test`") < steps.index("Tag the commit")


@pytest.mark.parametrize("path", ["Dockerfile", "Dockerfile.book", "deployment/Dockerfile"])
def test_an_image_that_runs_setup_before_the_code_is_there_has_the_version(path):
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    asked = next(n for n, line in enumerate(lines) if line.startswith("COPY") and "setup.py" in line)
    given = next(n for n, line in enumerate(lines) if line == "COPY data_science/_version.py data_science/")
    used = next(n for n, line in enumerate(lines) if n > asked and "pip" in line and "install" in line)

    assert given < used
