"""What the verbs of `data-science` answer, on a stored model and without a fit."""

import gzip
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from saved_models import save
from serving_cases import predictor

from data_science._version import __version__
from data_science.cli import command, row_writers, typed_rows
from data_science.cli.verbs import VERBS
from data_science.prediction.correction import Correction
from data_science.prediction.unseen import UnseenLevel

NEEDED = ["attr_a", "attr_b", "scd_a", "scd_b"]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(monkeypatch, tmp_path, as_it_was):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MODEL_FOLDER", raising=False)


@pytest.fixture
def model(tmp_path):
    made = predictor()
    save(tmp_path / "models", made)
    return made


def rows(n, seed=1):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "idx": np.arange(n) + 7,
            "attr_a": rng.integers(1, 7, n),  # 6 is unseen
            "attr_b": rng.choice(list("abcd"), n),
            "scd_a": rng.random(n),
            "scd_b": rng.integers(1, 6, n),
            "note": rng.choice(['a "word"', "x,y", "", "line\nbreak", "é"], n),
        }
    )


def names():
    return [path.name for path in Path().iterdir()]


def told(capfdbinary):
    return capfdbinary.readouterr().out.decode()


@pytest.mark.parametrize("with_arrow", [True, False], ids=["by pyarrow", "by Python"])
def test_predictions_are_those_of_the_model_to_the_last_bit_in_every_chunk(
    model, tmp_path, monkeypatch, with_arrow
):
    frame = rows(1_000)
    frame.to_csv("rows.csv", index=False)
    monkeypatch.setattr(typed_rows, "N_ROWS", 64)
    if not with_arrow:
        monkeypatch.setattr(row_writers, "pyarrow", None)

    code = command.main(
        ["predict", "rows.csv", "--interval", "0.9", "--keep-columns", "all", "--out", "out.csv"]
    )

    got = pd.read_csv("out.csv", keep_default_na=False)
    assert code == 0
    pd.testing.assert_frame_equal(got[list(frame)], frame, check_dtype=False)
    np.testing.assert_array_equal(got["probability"], model.predict_proba(frame))
    np.testing.assert_array_equal(got["label"], model.predict_batch(frame))
    np.testing.assert_array_equal(got[["lower", "upper"]], model.predict_interval(frame, 0.9))
    assert sorted(names()) == ["models", "out.csv", "rows.csv"]


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("rows.csv.gz", lambda text: gzip.compress(text.encode())),
        ("rows.csv", lambda text: b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()),
    ],
    ids=["gzip", "byte-order mark and CRLF"],
)
def test_every_dress_of_a_csv_is_read(model, capfdbinary, name, write):
    frame = rows(20).drop(columns="note")
    with Path(name).open("wb") as file:
        file.write(write(frame.to_csv(index=False)))

    assert command.main(["predict", name]) == 0

    got = pd.read_csv(StringIO(told(capfdbinary)))
    assert list(got) == ["idx", "label", "probability"]
    np.testing.assert_array_equal(got["probability"], model.predict_proba(frame))


def test_parquet_and_json_lines_give_the_same(model, capfdbinary):
    frame = rows(20)
    frame.to_parquet("rows.parquet")

    assert command.main(["predict", "rows.parquet", "--format", "jsonl"]) == 0

    got = [json.loads(line) for line in told(capfdbinary).splitlines()]
    assert [row["probability"] for row in got] == model.predict_proba(frame).tolist()
    assert [row["idx"] for row in got] == frame["idx"].astype(str).tolist()


def test_a_cell_that_cannot_be_read_is_named_by_file_line_and_column(model, caplog):
    lines = rows(30)[NEEDED].to_csv(index=False).splitlines()
    lines[17] = "1,c,,3"
    with Path("wells.csv").open("w") as file:
        file.write("\n".join(lines))

    assert command.main(["predict", "wells.csv", "--out", "out.csv"]) == 3

    assert caplog.messages == ["wells.csv, line 18: scd_a is ''; expected a finite number"]
    assert not Path("out.csv").exists()


def test_rows_that_cannot_be_read_may_be_marked_and_the_rest_predicted(model, monkeypatch, capsys):
    frame = rows(300)[NEEDED].astype({"scd_a": object, "attr_a": object})
    frame.loc[100, "scd_a"], frame.loc[101, "attr_a"], frame.loc[200, "scd_a"] = "half", "one", None
    frame.to_csv("rows.csv", index=False)
    monkeypatch.setattr(typed_rows, "N_ROWS", 64)
    good = frame.drop([100, 101, 200]).astype({"scd_a": float, "attr_a": int})

    code = command.main(["predict", "rows.csv", "--on-error", "mark", "--json", "--out", "out.csv"])

    got = pd.read_csv("out.csv")
    assert code == 3
    assert got["error"].dropna().to_dict() == {
        100: "scd_a is 'half'; expected a finite number",
        101: "attr_a is 'one'; expected an integer such as 1, 2, 3, 4, 5",
        200: "scd_a is ''; expected a finite number",
    }
    np.testing.assert_array_equal(got["probability"].drop([100, 101, 200]), model.predict_proba(good))
    assert {"rows": 300, "refused": 3}.items() <= json.loads(capsys.readouterr().err).items()


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_a_header_alone_gives_a_header_alone(model, capfdbinary, end):
    with Path("rows.csv").open("w") as file:
        file.write(",".join(["idx", *NEEDED]) + end)

    assert command.main(["predict", "rows.csv"]) == 0

    assert told(capfdbinary) == "idx,label,probability\n"


def test_an_explanation_adds_up_to_the_models_own_answer(model, capfdbinary):
    row = {"attr_a": 1, "attr_b": "c", "scd_a": 0.55, "scd_b": 3}
    pd.DataFrame([row | {"scd_a": 0.1}, row]).to_csv("rows.csv", index=False)

    codes = [
        command.main(["explain", "--json", "--set", *(f"{name}={value}" for name, value in row.items())]),
        command.main(["explain", "rows.csv", "--row", "2", "--json"]),
    ]

    by_set, by_row = (json.loads(line) for line in told(capfdbinary).splitlines())
    assert codes == [0, 0]
    assert by_set == by_row
    assert {term["term"]: term["logit"] for term in by_set["terms"]} == model.explain(row)
    assert by_set["probability"] == model.predict_proba_one(row)
    assert by_set["interval"] == list(model.predict_interval_one(row))
    assert by_set["terms"][3]["value"] == {"attr_a": 1}


@pytest.mark.parametrize("method", [None, "plug-in", "posterior", "corrected"])
def test_the_label_in_a_file_follows_the_probability_beside_it(tmp_path, capfdbinary, method):
    frame, made = rows(60).drop(columns="note"), predictor()
    threshold = float(np.median(made.predict_proba(frame, method)))
    save(tmp_path / "models", replace(made, threshold=threshold))
    frame.to_csv("rows.csv", index=False)

    assert command.main(["predict", "rows.csv", *(["--method", method] if method else [])]) == 0

    got = pd.read_csv(StringIO(told(capfdbinary)))
    np.testing.assert_array_equal(got["probability"], made.predict_proba(frame, method))
    assert got["label"].tolist() == (got["probability"] > threshold).astype(int).tolist()


def test_an_explanation_says_where_its_probability_is_not_what_the_terms_add_up_to(tmp_path, capfdbinary):
    made = replace(
        predictor(),
        unseen_levels={"attr_a": UnseenLevel(0.02, 0.05)},
        correction=Correction(0.1, 0.005, 0.5 * np.eye(12)),
    )
    save(tmp_path / "models", made)
    told_of = {}
    for attr_a in (1, 9):
        row = {"attr_a": attr_a, "attr_b": "c", "scd_a": 0.55, "scd_b": 3}
        asked = ["explain", "--set", *(f"{name}={value}" for name, value in row.items())]

        assert command.main(asked) == command.main([*asked, "--json"]) == 0

        *text, document = told(capfdbinary).splitlines()
        found = json.loads(document)
        total = sum(term["logit"] for term in found["terms"])
        assert found["plug_in"] == pytest.approx(1 / (1 + np.exp(-total)), rel=1e-12)
        assert found["label"] == (found["decides"] > found["threshold"])
        averaged, follows = f"add up to {found['plug_in']:.4g}", f"label follows {found['decides']:.4g}"
        told_of[attr_a] = averaged in "\n".join(text), follows in "\n".join(text)

    assert told_of == {1: (False, True), 9: (True, False)}


def test_the_card_is_shown_as_it_was_stored_and_as_json(model, capfdbinary):
    assert command.main(["card"]) == 0
    assert told(capfdbinary) == "# A model\n"

    assert command.main(["card", "--json"]) == 0
    assert json.loads(told(capfdbinary))["effects"] == [{"parameter": "Intercept", "mean": -1.0}]


def test_a_version_is_found_by_how_its_name_begins_and_one_that_is_not_there_is_refused(model, caplog):
    assert command.main(["card", "2026"]) == 0
    assert command.main(["card", "2025"]) == 2
    assert "'2025' is no version in models" in caplog.text


def test_a_text_response_is_trained_if_it_is_clear_what_counts_as_1(capfdbinary):
    frame = rows(40).assign(switch=["yes", "no"] * 20, mood=["good", "bad"] * 20)
    frame.loc[5, "scd_a"] = None
    frame.to_csv("rows.csv", index=False)
    check = ["train", "rows.csv", "--check-only", "--json", "--drop-missing", "--formula"]

    assert command.main([*check, "switch ~ scd_a", "--prior", "scd_a=Normal(0, 2)"]) == 0
    assert command.main([*check, "mood ~ scd_a", "--positive", "bad"]) == 0
    assert command.main([*check, "mood ~ scd_a"]) == 3

    said = capfdbinary.readouterr()
    one, other = map(json.loads, said.out.splitlines())
    assert (one["rows"], one["base_rate"]) == (39, 20 / 39)
    assert one["priors"]["scd_a"] == {"name": "Normal", "mu": 0.0, "sigma": 2.0}
    assert other["base_rate"] == 19 / 39
    assert b"--positive names the one that counts as 1" in said.err


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_an_example_that_the_verb_takes_and_its_exit_codes(verb, capsys):
    import shlex

    with pytest.raises(SystemExit) as ended:
        command.main([verb, "--help"])

    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"example:\n  {VERBS[verb].example}" in shown
    assert "exit codes:" in shown
    program, *arguments = shlex.split(VERBS[verb].example)
    assert program == "data-science"
    assert command._parsed(arguments).verb == verb


def test_every_example_of_the_help_runs_as_it_is_printed(monkeypatch, capfdbinary):
    import shlex

    rng = np.random.default_rng(1)
    wells = pd.DataFrame({"arsenic": rng.uniform(0.5, 5, 300), "dist100": rng.uniform(0, 3, 300)})
    chance = 1 / (1 + np.exp(0.9 * wells["dist100"] - 0.5 * wells["arsenic"]))
    wells.assign(switch=np.where(rng.random(300) < chance, "yes", "no")).to_csv("wells.csv", index=False)
    monkeypatch.setenv("ENGINE", "nested-laplace")
    monkeypatch.setenv("SECOND_OPINION", "0")
    examples = {verb: shlex.split(one.example)[1:] for verb, one in VERBS.items()}

    codes = {"train": command.main(examples["train"])}
    said = capfdbinary.readouterr()
    codes["another"] = command.main([*examples["train"], "--as", "candidate", "--json", "--costs", "1:4"])
    trained = json.loads(told(capfdbinary))
    codes |= {verb: command.main(examples[verb]) for verb in examples if verb != "train"}

    # The candidate differs by its costs only, and 300 labels say little about probabilities.
    assert codes == dict.fromkeys(codes, 0) | {"duel": 10, "check": 11}
    assert b"Traceback" not in said.err
    assert trained["role"] == "candidate"
    assert trained["rows"] == 300
    assert len(Path("scores.csv").read_text().splitlines()) == 301


def started(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "data_science", *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        **options,
    )


def test_a_real_process_ends_by_signals_closed_pipes_and_full_disks_with_their_codes(model):
    rows(200_000).drop(columns="note").to_csv("rows.csv", index=False)
    os.mkfifo("slow.csv")

    version = started("--version", stdout=subprocess.PIPE)
    waiting = started("predict", "slow.csv", "--out", "out.csv")
    closed = started("predict", "rows.csv", stdout=subprocess.PIPE)
    with Path("/dev/full").open("wb") as disk:
        full = started("predict", "rows.csv", stdout=disk)
    with Path("slow.csv").open("w") as pipe:  # opens when the process reads
        pipe.write(",".join(NEEDED) + "\n")
        pipe.flush()
        while not [name for name in names() if name.startswith(".out.csv")]:
            time.sleep(0.02)
        waiting.terminate()
        said = {"143": waiting.communicate()[1]}
    closed.stdout.readline()
    closed.stdout.close()
    said |= {"141": closed.stderr.read(), "2": full.communicate()[1]}
    closed.stderr.close()

    assert version.communicate() == (f"{__version__}\n".encode(), b"")
    assert [p.wait() for p in (version, waiting, closed, full)] == [0, 143, 141, 2], said
    assert said["143"] == said["141"] == b""
    assert said["2"].startswith(b"data-science: standard output could not be written (No space left")
    assert sorted(names()) == ["models", "rows.csv", "slow.csv"]
