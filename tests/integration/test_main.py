"""The job as an operator runs it: a process, its exit code, its words, and what it leaves on disk."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from data_science.storage import artifact

ROOT = Path(__file__).parents[2]
QUICK = {"ENGINE": "nested-laplace", "DE_CLIENTS": "3000", "DRAWS": "500"}


def command(models, *arguments, **variables):
    """Start main.py with a clean environment but for the given variables."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("DB_", "DS_", "DE_"))}
    environment = {**keep, "MODEL_FOLDER": str(models), **QUICK, **variables}
    return subprocess.Popen(
        [sys.executable, str(ROOT / "main.py"), *arguments],
        env=environment,
        cwd=models,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(models, *arguments, **variables):
    process = command(models, *arguments, **variables)
    _, words = process.communicate(timeout=600)
    return process.returncode, words


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    models = tmp_path_factory.mktemp("models")
    code, words = run(models)
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


def test_a_failed_run_leaves_the_stored_model_and_nothing_else(trained, new_company):
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


def test_it_reads_as_ds_user_and_the_same_data_give_the_same_model(trained, tmp_path, new_company):
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


def test_settings_that_cannot_be_used_end_it_with_code_2(tmp_path):
    code, words = run(tmp_path, DB_HOSTNAME="localhost", DB_PORT="many")

    assert code == 2
    for problem in ("DB_PORT", "DS_DB_USER", "DS_DB_PASSWORD"):
        assert problem in words


def test_a_wrong_password_ends_it_with_code_2_at_its_limit_and_is_never_shown(tmp_path, company):
    environment = {**company.environment(), "DS_DB_PASSWORD": "s3cr3t-of-mine", "WAIT_TIMEOUT_S": "2"}

    code, words = run(tmp_path, **environment)

    assert code == 2
    assert "s3cr3t-of-mine" not in words


@pytest.mark.parametrize(("draws", "chains"), [("10", "4"), ("1", "1")])
def test_too_few_draws_are_refused_with_code_4_and_nothing_is_stored(draws, chains, tmp_path, company):
    sampling = {"ENGINE": "nuts", "DRAWS": draws, "TUNE": "20", "CHAINS": chains}
    environment = {**company.environment(), **sampling}

    code, words = run(tmp_path, **environment)

    assert code == 4
    assert "ESS" in words
    assert "nothing was stored" in words
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
