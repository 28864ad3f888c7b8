"""What flags and variables make of a run, and what --help says of them."""

import re
from pathlib import Path

import pytest

import main as job
from data_science.cli import console
from data_science.settings import VARIABLES, Settings

pytestmark = pytest.mark.usefixtures("remote")


@pytest.mark.parametrize(
    ("flags", "setting"),
    [
        (["--models", "/elsewhere"], lambda found: found.model_folder == Path("/elsewhere")),
        (["--engine", "nested-laplace"], lambda found: found.engine == "nested-laplace"),
        (["--seed", "7"], lambda found: found.seed == 7),
        (["--scenario", "signal"], lambda found: found.stand_in.scenario == "signal"),
        (["--clients", "77"], lambda found: found.stand_in.clients == 77),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_flag_wins_over_its_variable_and_an_absent_one_leaves_it(
    monkeypatch, remote, trained, flags, setting
):
    given = {
        "MODEL_FOLDER": "/given",
        "ENGINE": "nuts",
        "SEED": "3",
        "DE_SCENARIO": "no-signal",
        "DE_CLIENTS": "33",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    assert job.main([]) == 0
    assert job.main(flags) == 0

    without, with_flag = trained
    assert without == Settings.from_environment(remote | given)
    assert not setting(without)
    assert setting(with_flag)


def test_verbose_is_handed_on(trained):
    job.main(["--verbose"])

    assert console.opened[0].verbose is True


@pytest.mark.parametrize(
    ("flag", "meaning"),
    [
        ("--models FOLDER", "folder of versions (MODEL_FOLDER)"),
        ("--seed N", "seed of the sampler (SEED)"),
        ("--clients N", "how many stand-in clients (DE_CLIENTS)"),
        ("--files DIR", "the company's CSV files (DE_FILES)"),
        ("--engine {nuts,nested-laplace}", "how to fit (ENGINE)"),
        ("--verbose", "also log details"),
    ],
)
def test_help_shows_what_a_flag_takes_and_means(capsys, monkeypatch, flag, meaning):
    monkeypatch.setenv("COLUMNS", "120")  # argparse breaks its lines at the width of the terminal

    with pytest.raises(SystemExit):
        job.main(["--help"])

    assert re.search(rf"^  {re.escape(flag)}\s+{re.escape(meaning)}$", capsys.readouterr().out, re.MULTILINE)


def test_help_says_every_variable_with_its_default_and_every_exit_code(capsys):
    with pytest.raises(SystemExit) as ended:
        job.main(["--help"])

    assert ended.value.code == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    for variable in VARIABLES:
        meant = f"{variable.meaning} (default: {variable.default or 'none'})"
        assert f"{variable.name:<22}{meant}" in lines
    for code, meaning in job.EXIT_CODES.items():
        assert f"{code:<5}{meaning}" in lines
