"""Every command on the site is typed by a test, as a reader would, or marked on its page with why it cannot be."""

import re
import shlex
import subprocess

import pytest
import yaml
from pages import DOCS, blocks_of
from running_service import reserved_port

from bin.system_needs import MLFLOW
from data_science.cli import command
from data_science.settings import VARIABLES
from deployment.settings import Settings

ROOT = DOCS.parent
#: Pages whose examples have a test of their own.
ELSEWHERE = {
    "scikit_learn.md": "tests/sklearn/test_examples.py",
    "warehouse.md": "tests/warehouse/test_model_door.py",
}
PAGES = {
    path.relative_to(DOCS).as_posix(): blocks_of(path)
    for path in sorted(DOCS.rglob("*.md"))
    if "_build" not in path.parts
}
LATER = [name for name, blocks in PAGES.items() if blocks and name not in {*ELSEWHERE, "tutorial.md"}]
UNRUN = [block for blocks in PAGES.values() for block in blocks if block.why_not]
NEEDS = {
    "how_to/deploy_behind_nginx.md": (pytest.mark.nginx,),
    "how_to/mlflow.md": (pytest.mark.mlflow, pytest.mark.slow),
}
PORTS = ("5000", "5001", "8443")  # on the pages; here, whatever is free


@pytest.fixture
def free_ports(walk):
    held = {port: reserved_port() for port in PORTS}
    walk.names |= {port: str(one.getsockname()[1]) for port, one in held.items()}
    yield
    for one in held.values():
        one.close()


@pytest.mark.terminal
def test_the_tutorial_does_what_it_shows(after_tutorial):
    assert (after_tutorial.folder / "models" / "LATEST").exists()


@pytest.mark.terminal
@pytest.mark.usefixtures("free_ports")
@pytest.mark.parametrize("name", [pytest.param(name, marks=NEEDS.get(name, ())) for name in LATER])
def test_a_page_does_what_it_shows_where_the_tutorial_ended(name, walk):
    if pytest.mark.mlflow in NEEDS.get(name, ()):
        walk.activate(MLFLOW)
    for block in PAGES[name]:
        walk.follow(block)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_page_that_is_run_elsewhere_is_read_there(name):
    assert name.rpartition("/")[2] in (ROOT / ELSEWHERE[name]).read_text(encoding="utf-8")


def test_every_block_is_of_a_language_that_a_reader_of_the_page_can_use():
    languages = {block.language for blocks in PAGES.values() for block in blocks}

    assert languages <= {"bash", "python", "yaml", "nginx", "ini"}


@pytest.mark.parametrize("block", UNRUN, ids=str)
def test_what_is_marked_as_not_run_is_at_least_well_formed(block):
    if block.language == "bash":
        assert subprocess.run(["bash", "-n", "-c", block.text], check=False).returncode == 0
    for line in block.text.splitlines():
        words = shlex.split(line, comments=True) if line.startswith("data-science ") else []
        assert not words or command._parsed(words[1:]).verb == words[1]
    extras = re.search(r"extras_require=\{(.*?)\}", (ROOT / "setup.py").read_text(), re.DOTALL)[1]
    named = set(re.findall(r"\[(\w+)\]['\"]", block.text)) if "pip install" in block.text else set()
    assert named <= set(re.findall(r'"(\w+)":', extras))


def test_the_volumes_of_kubernetes_fit_what_the_job_and_the_service_read_and_write(tmp_path):
    documents = {
        document["kind"]: document
        for block in PAGES["how_to/kubernetes.md"]
        if block.language == "yaml"
        for document in yaml.safe_load_all(block.text)
    }
    job = documents["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    service = documents["Deployment"]["spec"]["template"]["spec"]

    known = {variable.name for variable in VARIABLES} | {
        name.upper() for name in Settings.__dataclass_fields__
    }
    for pod in (job, service):
        (container,) = pod["containers"]
        assert {entry["name"] for entry in container["env"]} <= known
        assert {mount["name"] for mount in container["volumeMounts"]} == {
            one["name"] for one in pod["volumes"]
        }
    mounts = {mount["mountPath"]: mount for mount in service["containers"][0]["volumeMounts"]}
    given = {entry["name"]: entry["value"] for entry in service["containers"][0]["env"]}
    assert mounts[given["MODEL_FOLDER"]]["readOnly"]
    assert not mounts[given["MLE_STORAGE"]].get("readOnly")
    assert service["terminationGracePeriodSeconds"] > Settings().shutdown_timeout_s
    dockerfile = (ROOT / "deployment" / "Dockerfile").read_text(encoding="utf-8")
    assert all(f"{name}={value}" in dockerfile for name, value in given.items())
