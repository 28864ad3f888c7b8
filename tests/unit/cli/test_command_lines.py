"""Whatever a command line holds: an exit code that is listed, words that a person can read, and no traceback."""

import contextlib
import gzip
import io
import os
import random
import sys
import threading
from types import SimpleNamespace

import pytest
from saved_models import save

from data_science import pipeline
from data_science.cli import command
from data_science.cli.exit_codes import ANSWERS, EXIT_CODES
from data_science.cli.verbs import VERBS
from data_science.errors import GateError
from data_science.formula import training_data
from data_science.formula.specification import ModelSpecification

N_LINES = 500
CODES = {*EXIT_CODES, *ANSWERS, 130, 141} - {1, 137}
GOOD = "idx,attr_a,attr_b,scd_a,scd_b,label\n1,1,c,0.55,3,0\n2,2,a,0.1,1,1\n3,1,b,0.7,2,0\n4,5,d,0.2,4,1\n"
WORDS = [
    "-", "", " ", "champion", "candidate", "previous", "2026", "nowhere.csv", "0", "1", "-1", "1e400", "nan", "0.9", "idx",
    "all", "scd_a=1", "attr_b=c", "=", "a=b=c", "1:5", "0:0", ":", "label ~ scd_a", "label ~ scd_a + (1|attr_b)",
    "label ~ nothing", "~", "label ~ label", "((((", "label ~ " + "(" * 300, "common=Normal(0, 2.5)", "common=Normal(",
    "scd_a=Cauchy(1,2,3)", "common=open('x')", "=Normal(0,1)", "\N{SNOWMAN}", "\x00", "\udcff", "x" * 5_000, ";", "\\t", "utf-16",
    "latin-1", "rot13", "no-such-code", "--", "--nope", "plug-in", "posterior", "corrected", "mark", "stop", "csv", "jsonl", "md",
    "json", "nuts", "nested-laplace", "/dev/null", "/dev/full", "/", "~nobody-here/x", "why not", "3",
]  # fmt: skip

SUITABLE = {
    "--models": "models", "--version": "2026", "--delimiter": ";", "--encoding": "utf-16", "--interval": "0.9",
    "--row": "3", "--set": "scd_a=1", "--out": "out.csv", "--keep-columns": "all", "--costs": "1:5",
    "--champion": "champion", "--margin": "0.01", "--alpha": "0.1", "--horizon": "500", "--log": "log", "--since": "7d",
    "--distance": "0.1", "--score": "0.1", "--rate": "0.1", "--effect": "0.1", "--metrics": "out.prom", "--labels": "good.csv",
    "--by": "idx", "--prior": "common=Normal(0, 2.5)", "--seed": "3", "--keep": "2", "--positive": "yes",
}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a model and files of every kind."""
    folder = tmp_path_factory.mktemp("lines")
    save(folder / "models")
    files = {
        "good.csv": GOOD.encode(),
        "bom.csv": b"\xef\xbb\xbf" + GOOD.encode(),
        "crlf.csv": GOOD.replace("\n", "\r\n").encode(),
        "cr.csv": GOOD.replace("\n", "\r").encode(),
        "utf16.csv": GOOD.encode("utf-16"),
        "latin.csv": GOOD.replace("c", "\xe9").encode("latin-1"),
        "binary.csv": bytes(range(256)) * 50,
        "nul.csv": GOOD.replace("0.55", "\0").encode(),
        "empty.csv": b"",
        "blank.csv": b"\n\n\n",
        "header.csv": GOOD.splitlines()[0].encode(),
        "ragged.csv": (GOOD + "1,2\n1,1,c,0.5,3,0,7,8\n").encode(),
        "longer.csv": "\n".join(
            line + ",9" if n else line for n, line in enumerate(GOOD.splitlines())
        ).encode(),
        "quote.csv": (GOOD + '5,1,"c,0.1,2,0\n').encode(),
        "quoted.csv": GOOD.replace(",c,", ',"c\n",').encode(),
        "twice.csv": GOOD.replace("idx", "scd_a", 1).encode(),
        "text.csv": GOOD.replace("0.55", "half").encode(),
        "missing.csv": GOOD.replace("0.55", "").encode(),
        "infinite.csv": GOOD.replace("0.55", "inf").encode(),
        "huge.csv": GOOD.replace("0.55", "1" * 400).encode(),
        "unseen.csv": GOOD.replace(",c,", ",q,").encode(),
        "words.csv": GOOD.replace(",0\n", ",no\n").replace(",1\n", ",yes\n").encode(),
        "semicolon.csv": GOOD.replace(",", ";").encode(),
        "wide.csv": (",".join(map(str, range(10**5))) + "\n" + ",".join("1" * 10**5) + "\n").encode(),
        "cell.csv": ("x" * 200_000 + "\n1\n").encode(),
        "good.csv.gz": gzip.compress(GOOD.encode()),
        "cut.csv.gz": gzip.compress(GOOD.encode() * 99)[:-20],
        "not.csv.gz": GOOD.encode(),
        "not.parquet": GOOD.encode(),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "folder.csv").mkdir()
    (folder / "locked").mkdir()
    (folder / "damaged").mkdir()
    damaged = save(folder / "damaged")
    (damaged / "predictor.json").write_text("{}")
    os.mkfifo(folder / "pipe.csv")
    return SimpleNamespace(folder=folder, files=[*files, "folder.csv", "pipe.csv", "models", "damaged"])


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch, place, as_it_was):
    """No database, no fit; logging and handlers as before."""

    def fit(frame, specification=None, **_):
        training_data.validated(frame, specification or ModelSpecification(), None)
        raise GateError("nothing is fitted here")

    monkeypatch.setattr(pipeline, "fit", fit)
    monkeypatch.chdir(place.folder)
    for name in list(os.environ):
        if name.startswith(("DB_", "DS_DB_", "DE_", "MODEL_FOLDER", "SOURCE")):
            monkeypatch.delenv(name)


def options_of(verb):
    """Every option of a verb, and whether it takes a value."""
    import argparse

    parser = argparse.ArgumentParser()
    VERBS[verb].add_options(parser)
    return [
        (name, action.nargs != 0)
        for action in parser._actions
        for name in action.option_strings
        if name != "-h"
    ]


def made_lines(files):
    rng = random.Random(20261129)
    options = {verb: options_of(verb) for verb in VERBS}
    verbs = [*sorted(VERBS), "train"]  # which has the most ways to go wrong
    for n in range(N_LINES):
        verb = verbs[n % len(verbs)]
        line = [verb] if rng.random() < 0.97 else [rng.choice(WORDS)]
        if rng.random() < 0.9:
            line.append(rng.choice(files) if rng.random() < 0.8 else rng.choice(WORDS))
        if verb == "train" and rng.random() < 0.8:
            line += [
                "--formula",
                rng.choice(["label ~ scd_a", "label ~ scd_a + (1|attr_b)", rng.choice(WORDS)]),
            ]
        for _ in range(rng.choice([0, 0, 1, 1, 2])):
            name, takes = rng.choice(options[verb])
            value = SUITABLE.get(name, "csv") if rng.random() < 0.7 else rng.choice([*WORDS, *files])
            line += [name, *([value] if takes and rng.random() < 0.95 else [])]
        if rng.random() < 0.05:
            rng.shuffle(line)
        yield line


@contextlib.contextmanager
def standard(content):
    """Give what is said on standard error, of a process whose standard input has this content."""
    kept = sys.stdin, sys.stdout, sys.stderr
    streams = [io.TextIOWrapper(io.BytesIO(b), errors="backslashreplace") for b in (content, b"", b"")]
    sys.stdin, sys.stdout, sys.stderr = streams
    try:
        yield sys.stderr
    finally:
        sys.stdin, sys.stdout, sys.stderr = kept


def fed(path):
    """Write to a pipe for whoever opens it, as a shell's <(...) does."""

    def write():
        with contextlib.suppress(OSError), path.open("wb") as pipe:
            pipe.write(GOOD.encode())

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


def ended(line):
    try:
        return command.main(line)
    except SystemExit as end:  # argparse's
        return 0 if end.code is None else end.code


def test_500_command_lines_end_with_a_listed_code_and_no_traceback(place):
    codes = {}
    for number, line in enumerate(made_lines(place.files)):
        pipe = fed(place.folder / "pipe.csv") if "pipe.csv" in line else None
        with standard(GOOD.encode() if number % 2 else b"\xff\xfe\x00") as stderr:
            code = ended(line)
            stderr.flush()
            said = stderr.buffer.getvalue().decode()
        if pipe is not None and pipe.is_alive():  # nobody opened it
            os.close(os.open(place.folder / "pipe.csv", os.O_RDONLY | os.O_NONBLOCK))

        assert code in CODES, (line, said)
        assert "Traceback" not in said, (line, said)
        assert code in (0, *ANSWERS) or said.strip(), line
        codes[code] = codes.get(code, 0) + 1

    print("codes:", codes)
    assert {0, 2, 3, 4} <= set(codes)  # the lines reach every part
