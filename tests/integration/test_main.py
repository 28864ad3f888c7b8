"""The job as an operator runs it: a process, its exit code, its words, and what it leaves on disk."""

import gzip
import hashlib
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_science.storage import artifact
from tests.environment import inherited
from tests.warm_command import warm_command

ROOT = Path(__file__).parents[2]
QUICK = {"ENGINE": "nested-laplace", "DE_CLIENTS": "3000", "DRAWS": "500"}


def command(models, *arguments, program=(sys.executable, ROOT / "main.py"), **variables):
    """Start main.py with a clean environment but for the given variables."""
    environment = {**inherited(), "MODEL_FOLDER": str(models), **QUICK, **variables}
    return subprocess.Popen(
        [*program, *arguments],
        env=environment,
        cwd=models,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process):
    _, words = process.communicate(timeout=600)
    return process.returncode, words


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run the job to its end, in a process that is spared the seconds of importing; `trained` is not."""
    with warm_command(tmp_path_factory.mktemp("programs"), "job", "main:main") as folder:

        def run(models, *arguments, **variables):
            return ended(command(models, *arguments, program=[folder / "job"], **variables))

        yield run


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    models = tmp_path_factory.mktemp("models")
    code, words = ended(command(models))
    return models, code, words


def test_without_a_database_an_embedded_one_is_started_and_a_model_stored(trained):
    models, code, words = trained

    assert code == 0, words
    assert (
        artifact.load(models).predictor.predict_one({"attr_a": 1, "attr_b": "c", "scd_a": 0.55, "scd_b": 3})
        == 0
    )


def test_the_run_closes_by_saying_what_it_found_and_how_to_load_it(trained):
    _, _, words = trained

    for promised in ("3,000 rows", "% positive", "r_hat", "ESS", "the features add", "Stored in", ".load("):
        assert promised in words


def stated(models):
    """The model card, the sentences and the stated sources of the newest version."""
    version = artifact.load(models).path
    card = version.joinpath("model_card.md").read_text(encoding="utf-8")
    sentences = json.loads(version.joinpath("diagnostics.json").read_text(encoding="utf-8"))["sentences"]
    manifest = json.loads(version.joinpath("manifest.json").read_text(encoding="utf-8"))
    return card, sentences, manifest["provenance"]["sources"]


def test_stand_in_data_are_called_generated_wherever_the_data_are_described(trained):
    models, _, words = trained
    sentence = "3,000 clients, all generated (scenario no-signal, seed 1)"

    card, sentences, sources = stated(models)

    assert f"Source: {sentence}" in " ".join(words.split())
    assert f"## Data\n\n{sentence}.\n\n" in card
    assert sentences["Source"] == sentence
    assert sources == {
        "customer_profiles": "generated, seed 1",
        "customer_activity": "generated, seed 1",
        "labels": "generated, seed 1, scenario no-signal",
    }


@pytest.fixture(scope="module")
def company_files(tmp_path_factory):
    """Files of the shape that the company gave: all tables but customer_activity, packed."""
    folder = tmp_path_factory.mktemp("files")
    chance = np.random.default_rng(4)
    n = 1_500
    frames = {
        "customer_profiles": pd.DataFrame(
            {
                "idx": range(n),
                "attr_a": chance.choice(5, n, p=[0.5, 0.05, 0.1, 0.15, 0.2]) + 1,
                "attr_b": chance.choice(list("abcd"), n, p=[0.1, 0.2, 0.3, 0.4]),
                "attr_c": chance.choice(["yes", "no"], n, p=[2 / 3, 1 / 3]),
            }
        ),
        "labels": pd.DataFrame({"idx": range(n), "label": (chance.random(n) < 0.1).astype(int)}),
        "stores": pd.DataFrame({"idx": [1, 2], "location": ["New York", "Lisbon"]}),
        "sales": pd.DataFrame({"idx": [27], "value": [1.3], "date": ["2020-01-21"], "store_idx": [1]}),
    }
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv.gz", index=False)
    return folder, frames


def test_the_companys_files_are_trained_on_and_told_from_what_is_generated(company_files, tmp_path, run):
    folder, frames = company_files
    sentence = "1,500 clients and labels from the company's files; activity generated"
    digests = {
        table: hashlib.sha256((folder / f"{table}.csv.gz").read_bytes()).hexdigest() for table in frames
    }

    code, words = run(tmp_path, DE_FILES=str(folder), SECOND_OPINION="0")

    assert code == 0, words
    card, sentences, sources = stated(tmp_path)
    assert f"Source: {sentence}" in " ".join(words.split())
    assert f"## Data\n\n{sentence}.\n\n- `customer_profiles`: the company's file, sha256 " in card
    assert f"\n\n1,500 rows, {frames['labels']['label'].mean():.1%} positive" in card
    assert sentences["Source"] == sentence
    assert sources == {
        "customer_profiles": f"the company's file, sha256 {digests['customer_profiles']}",
        "customer_activity": "generated, seed 1",
        "labels": f"the company's file, sha256 {digests['labels']}",
    }


def test_a_faulty_file_ends_it_with_code_3_and_the_line(company_files, tmp_path, run):
    folder, _ = company_files
    files = tmp_path / "files"
    shutil.copytree(folder, files)
    with gzip.open(files / "labels.csv.gz", "at") as labels:
        labels.write("1500,2\n")

    code, words = run(tmp_path, "--files", str(files))

    assert code == 3
    assert "labels.csv.gz, line 1502: label is '2'; expected 0 or 1" in words
    assert "no model was saved" in words
    assert "Traceback" not in words


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"DE_FILES": "nowhere"}, "DE_FILES is 'nowhere', which is not a folder"),
        ({"DE_FILES": "n" * 300}, "nnn', which is not a folder"),  # as where it may not look: no traceback
        (
            {"DE_FILES": ".", "DB_HOSTNAME": "db", "DS_DB_USER": "ds_user", "DS_DB_PASSWORD": "x"},
            "DE_FILES and DB_HOSTNAME are both set; expected only one",
        ),
    ],
)
def test_files_that_cannot_be_meant_end_it_with_code_2(tmp_path, variables, reason, run):
    code, words = run(tmp_path, **variables)

    assert code == 2
    assert reason in words
    assert "Traceback" not in words


def test_a_failed_run_leaves_the_stored_model_and_nothing_else(trained, new_company, run):
    models, _, _ = trained
    before = sorted(p.name for p in models.iterdir())
    company = new_company(scenario="no-signal")
    with company.connect("admin") as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE feature_store SET label = 2 WHERE idx = 7")

    code, words = run(models, **company.environment())

    assert code == 3
    assert "label" in words
    assert "idx 7" in words
    assert sorted(p.name for p in models.iterdir()) == before


def test_it_reads_as_ds_user_and_the_same_data_give_the_same_model(trained, tmp_path, new_company, run):
    company = new_company(n_clients=3000)

    code, words = run(tmp_path, **company.environment())

    assert code == 0, words
    provenance = [
        json.loads((artifact.load(f).path / "manifest.json").read_text())["provenance"]
        for f in (trained[0], tmp_path)
    ]
    assert provenance[0]["data"] == provenance[1]["data"]
    tables = [(artifact.load(f).path / "predictor.json").read_bytes() for f in (trained[0], tmp_path)]
    assert tables[0] == tables[1]


def test_settings_that_cannot_be_used_end_it_with_code_2(tmp_path, run):
    code, words = run(tmp_path, DB_HOSTNAME="localhost", DB_PORT="many")

    assert code == 2
    for problem in ("DB_PORT", "DS_DB_USER", "DS_DB_PASSWORD"):
        assert problem in words


def test_a_wrong_password_ends_it_with_code_2_at_its_limit_and_is_never_shown(tmp_path, company, run):
    environment = {**company.environment(), "DS_DB_PASSWORD": "s3cr3t-of-mine", "WAIT_TIMEOUT_S": "2"}

    code, words = run(tmp_path, **environment)

    assert code == 2
    assert "s3cr3t-of-mine" not in words


@pytest.mark.parametrize(("draws", "chains"), [("10", "4"), ("1", "1")])
def test_too_few_draws_are_refused_with_code_4_and_nothing_is_stored(draws, chains, tmp_path, company, run):
    sampling = {"ENGINE": "nuts", "DRAWS": draws, "TUNE": "20", "CHAINS": chains}
    environment = {**company.environment(), **sampling}

    code, words = run(tmp_path, **environment)

    assert code == 4
    assert "ESS" in words
    assert "no model was saved" in words
    assert list(tmp_path.iterdir()) == []


def test_sigterm_ends_the_wait_with_code_143(tmp_path, new_company):
    company = new_company(scenario=None)  # source tables, no feature_store
    process = command(tmp_path, **company.environment())
    for line in process.stderr:
        if "feature_store" in line and "ETL" in line:
            break

    process.send_signal(signal.SIGTERM)  # how soon it must end: test_feature_store_stopping.py
    _, words = process.communicate(timeout=120)

    assert process.returncode == 143
    assert "SIGTERM" in words
    assert "Traceback" not in words


def test_help_explains_every_variable_and_exit_code(tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), "--help"], capture_output=True, text=True, check=True
    )

    for promised in ("DS_DB_USER", "WAIT_TIMEOUT_S", "MODEL_FOLDER", "143", "--scenario"):
        assert promised in done.stdout
