"""What the commands make of words in cells, of columns they write themselves, and of where results go."""

import io
import stat
import sys
from contextlib import nullcontext
from pathlib import Path

import pandas as pd
import pytest
from saved_models import save
from serving_cases import predictor

from data_science.cli import command, output, train, training_rows, typed_rows
from data_science.cli.data_files import DataFile
from data_science.cli.typed_rows import chunks
from data_science.errors import ArtifactError, SettingsError
from data_science.formula.specification import ModelSpecification
from data_science.storage.registry import Registry


@pytest.fixture(autouse=True)
def _in_an_empty_folder(monkeypatch, tmp_path, as_it_was):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MODEL_FOLDER", raising=False)


class NoColumns:
    """What reads nothing of a row."""

    columns = ()

    class reader:  # noqa: N801
        columns = ()


class FailingDisk(io.StringIO):
    """A file whose rows cannot be read to the end."""

    def read(self, size=-1):
        if found := super().read(size):
            return found
        raise OSError(5, "Input/output error")


def rows(**columns):
    frame = pd.DataFrame({"attr_a": [1, 2], "attr_b": ["a", "b"], "scd_a": [0.1, 0.2], "scd_b": [1, 2]})
    return frame.assign(**columns)


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_a_model_that_reads_no_column_has_as_many_rows_as_the_file(name):
    frame = pd.DataFrame({"other": ["x", "y", "z"]})
    frame.to_csv(name, index=False) if name.endswith("csv") else frame.to_parquet(name)

    (chunk,) = chunks(DataFile(name), NoColumns(), None)

    assert len(chunk.features) == len(chunk.kept) == 3


@pytest.mark.parametrize("name", ["/proc/self/mem", "later.csv"])
def test_data_that_cannot_be_read_on_are_not_taken_for_the_output(name, monkeypatch, capsys):
    save("models", predictor())
    if name == "later.csv":
        monkeypatch.setattr(DataFile, "_text", lambda _: nullcontext(FailingDisk(rows().to_csv(index=False))))

    code = command.main(["predict", name, "--out", "out.csv"])

    said = capsys.readouterr().err
    assert code != 0
    assert f"{name} cannot be read (Input/output error)" in said
    assert "written" not in said
    assert not Path("out.csv").exists()


def test_the_words_for_missing_are_missing_in_features_and_stay_in_kept_columns():
    save("models", predictor())
    rows(attr_b=["NA", "a"], note=["NA", "NULL"]).to_csv("rows.csv", index=False)

    (chunk,) = chunks(DataFile("rows.csv"), predictor(), ["note", "attr_b"])
    code = command.main(["predict", "rows.csv", "--on-error", "mark", "--out", "out.csv"])

    assert chunk.features["attr_b"].isna().tolist() == [True, False]
    assert chunk.kept.to_numpy().tolist() == [["NA", "NA"], ["NULL", "a"]]
    got = pd.read_csv("out.csv")
    assert code == 3
    assert got["error"].notna().tolist() == [True, False]
    assert got["probability"].notna().tolist() == [False, True]


def test_a_kept_column_that_a_prediction_is_called_is_refused(caplog):
    save("models", predictor())
    rows(label=[0, 1], lower=[0, 0]).to_csv("rows.csv", index=False)

    assert command.main(["predict", "rows.csv", "--keep-columns", "lower", "--out", "out.csv"]) == 0
    assert command.main(["predict", "rows.csv", "--keep-columns", "all", "--interval", "0.9"]) == 2

    assert "--keep-columns would keep label, lower" in caplog.text


@pytest.mark.parametrize("values", [["blue", "red", "green"], ["yes", "no", "yes"]])
def test_the_response_of_an_event_is_left_as_it_is(values):
    frame = pd.DataFrame({"choice": values, "x": [1.0, 2.0, 3.0]})

    specification = ModelSpecification(f"choice['{values[0]}'] ~ x")

    found = training_rows._with_numbers(frame, specification, None, "rows.csv")

    pd.testing.assert_frame_equal(found, frame)
    with pytest.raises(SettingsError, match="the formula names what counts as 1"):
        training_rows._with_numbers(frame, specification, values[1], "rows.csv")


def test_a_file_keeps_its_rights_when_it_is_replaced():
    Path("scores.csv").write_text("secret")
    Path("scores.csv").chmod(0o600)

    with output.written_to("scores.csv") as stream:
        stream.write(b"new")

    assert stat.S_IMODE(Path("scores.csv").stat().st_mode) == 0o600
    assert Path("scores.csv").read_text() == "new"


def test_a_closed_standard_output_is_named(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)

    with pytest.raises(ArtifactError, match="standard output is closed"):
        output.say("done")


@pytest.mark.parametrize(
    "option", [["--positive", "yes"], ["--drop-missing"], ["--delimiter", ";"], ["--encoding", "latin-1"]]
)
def test_an_option_of_a_file_is_refused_without_one(option, capsys):
    assert command.main(["train", "--formula", "label ~ scd_a", *option]) == 2

    assert f"{option[0]}: expected only beside DATA" in capsys.readouterr().err


def test_a_stop_after_a_candidate_was_stored_says_so(tmp_path):
    save("models", predictor())
    saved = train._Saved.until_now(Path("models"))
    assert str(saved) == "no model was saved"

    candidate = save("models", predictor(), role="candidate").name

    assert str(saved) == f"version {candidate} had been saved in models, as candidate"
    assert not saved.serves
    Registry("models").promote()
    assert saved.serves


@pytest.mark.parametrize(("delimiter", "quoted"), [(";", "';'"), ("\t", r"$'\t'"), ("|", "'|'")])
def test_a_file_with_another_delimiter_is_told_how_to_name_it(capfd, delimiter, quoted):
    rows(label=[0, 1]).to_csv("rows.csv", index=False, sep=delimiter)

    code = command.main(["train", "rows.csv", "--formula", "label ~ scd_a", "--check-only"])

    assert code == 3
    said = capfd.readouterr().err
    assert f"no ',' in its first line, but {delimiter!r}" in said
    assert f"Give --delimiter {quoted}" in said


def test_a_check_shows_what_each_column_is_read_as(capfd):
    commas = [f"{age},5" for age in range(7)]  # a decimal comma makes text of a number
    pd.DataFrame({"age": commas, "size": range(7), "y": [0, 1, 0, 1, 0, 1, 1]}).to_csv(
        "rows.csv", index=False
    )

    assert command.main(["train", "rows.csv", "--formula", "y ~ age + size", "--check-only"]) == 0

    said = capfd.readouterr().out
    assert "  age: 7 levels: '0,5', '1,5', '2,5', '3,5', '4,5', ...\n" in said
    assert "  size: numbers from 0 to 6\n" in said


@pytest.mark.parametrize("long", ["x" * 63, "x" * 64, "é" * 90], ids=len)
def test_kept_cells_of_any_length_come_out_as_they_went_in(monkeypatch, long):
    save("models", predictor())
    monkeypatch.setattr(typed_rows, "N_ROWS", 4)
    cells = ["007", "", " 8 ", "NA", "1e3", "a,b", 'say "x"', long, "é", "-0", "+1"]
    part = rows().loc[[0] * len(cells)].reset_index(drop=True)
    part.assign(key=cells).to_csv("rows.csv", index=False)

    assert command.main(["predict", "rows.csv", "--keep-columns", "key", "--out", "out.csv"]) == 0

    got = pd.read_csv("out.csv", dtype=str, keep_default_na=False)
    assert got["key"].tolist() == cells
