"""The verbs of ``data-science``: what each does, its options, its example, and where it is."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass

from data_science.cli.exit_codes import described

_REGISTRY = "data_science.cli.versions"
_CHOOSE = "a name, how one begins, champion, candidate or previous"


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb."""

    does: str
    example: str
    module: str
    add_options: Callable[[ArgumentParser], None]
    codes: tuple[int, ...] = (0, 2, 143)
    function: str = "run"

    def epilog(self) -> str:
        """Return what `--help` shows below the options."""
        if self.module == "data_science.cli.train":
            from data_science.cli.train import HELP

            return HELP
        return f"example:\n  {self.example}\n\nexit codes:\n{described(*self.codes)}"


def _train(parser: ArgumentParser) -> None:
    from data_science.cli.training_options import add_options

    add_options(parser)


def _predict(parser: ArgumentParser) -> None:
    parser.add_argument("data", metavar="DATA", help="CSV, .csv.gz or Parquet file, or - for standard input")
    _reading(parser)
    parser.add_argument(
        "--out", default="-", metavar="FILE", help="where to write (default: standard output)"
    )
    parser.add_argument("--keep-columns", metavar="A,B", help="columns to copy, or all (default: idx)")
    parser.add_argument(
        "--interval", type=float, metavar="P", help="also lower and upper of this probability"
    )
    parser.add_argument(
        "--method", choices=["plug-in", "posterior", "corrected"],
        help="of the probability, which the label then follows (default: as the model card says)",
    )  # fmt: skip
    parser.add_argument(
        "--on-error", choices=["stop", "mark"], default="stop",
        help="at a row that cannot be read: stop, or write why in a column error, and end with 3",
    )  # fmt: skip
    parser.add_argument("--format", choices=["csv", "jsonl"], default="csv", help="of the output")
    _common(parser, "what was done as JSON on standard error")


def _explain(parser: ArgumentParser) -> None:
    parser.add_argument("data", nargs="?", metavar="DATA", help="CSV, .csv.gz or Parquet file, or -")
    _reading(parser)
    parser.add_argument("--row", type=int, default=1, metavar="N", help="which row (default: the first)")
    parser.add_argument("--set", nargs="+", metavar="COLUMN=VALUE", help="the row itself, in place of DATA")
    parser.add_argument("--interval", type=float, default=0.95, metavar="P", help="default: 0.95")
    _common(parser)


def _card(parser: ArgumentParser) -> None:
    parser.add_argument("version", nargs="?", metavar="VERSION", help=f"{_CHOOSE} (default: champion)")
    parser.add_argument("--format", choices=["md", "json"], default="md", help="of the card")
    _common(parser)


def _versions(parser: ArgumentParser) -> None:
    _common(parser)


def _promote(parser: ArgumentParser) -> None:
    parser.add_argument("version", nargs="?", metavar="VERSION", help=f"{_CHOOSE} (default: candidate)")
    _changing(parser)


def _of_one(parser: ArgumentParser) -> None:
    parser.add_argument("version", metavar="VERSION", help=_CHOOSE)
    _changing(parser)


def _prune(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--keep", type=int, default=5, metavar="N", help="newest good versions kept (default: 5)"
    )
    _changing(parser)


def _duel(parser: ArgumentParser) -> None:
    parser.add_argument(
        "labels", metavar="LABELS", help="CSV, .csv.gz or Parquet file, or -: features and response, or with "
        "--log idx and response; known_at says since when a label is known"
    )  # fmt: skip
    parser.add_argument("--champion", default="champion", metavar="V", help=f"{_CHOOSE} (default: champion)")
    parser.add_argument("--candidate", default="candidate", metavar="V", help="default: candidate")
    parser.add_argument(
        "--by", metavar="COLUMN",
        help="whose each row is (default: idx if there; without either there is one look)",
    )  # fmt: skip
    parser.add_argument(
        "--margin",
        type=float,
        default=0.001,
        metavar="NATS",
        help="gain per client that matters (default: 0.001)",
    )
    parser.add_argument(
        "--alpha", type=float, default=0.05, metavar="P",
        help="chance at most of promoting what is no better, over all looks (default: 0.05)",
    )  # fmt: skip
    parser.add_argument(
        "--horizon", type=int, default=5_000, metavar="N", help="clients expected in all (default: 5000)"
    )
    parser.add_argument("--apply", action="store_true", help="promote the candidate if it is better")
    parser.add_argument("--dry-run", action="store_true", help="look without counting it")
    _of_labels(parser)
    _common(parser)


def _check(parser: ArgumentParser) -> None:
    parser.add_argument(
        "data", nargs="?", metavar="DATA", help="CSV, .csv.gz or Parquet file of new rows, or -"
    )
    parser.add_argument("--version", metavar="VERSION", help=f"{_CHOOSE} (default: champion)")
    parser.add_argument("--labels", metavar="FILE", help="with --log: idx, response and perhaps known_at")
    parser.add_argument("--since", metavar="AGE", help="of the log, what is younger: 36h, 7d (default: all)")
    parser.add_argument("--by", metavar="COLUMN", help="whose each row is (default: idx if there)")
    for name, default, said, unless in (
        ("distance", 0.2, "Jensen-Shannon distance of a column", ""),
        ("score", 0.01, "nats per row below the model's own expectation", ", less of rare labels"),
        ("rate", 0.02, "observed minus predicted rate", ", less of rare labels"),
        ("effect", 0.01, "change of the share of label 1, and of the expected cost", ""),
    ):
        parser.add_argument(
            f"--{name}",
            type=float,
            default=default,
            metavar="X",
            help=f"{said} that matters (default: {default:g}{unless})",
        )
    parser.add_argument("--every", metavar="AGE", help="check again each time, until stopped: 24h")
    parser.add_argument(
        "--metrics", metavar="FILE", help="also write it for node_exporter's textfile collector"
    )
    _of_labels(parser)
    _common(parser)


def _of_labels(parser: ArgumentParser) -> None:
    parser.add_argument("--log", metavar="FOLDER", help="the service's prediction log (MLE_STORAGE)")
    parser.add_argument("--positive", metavar="VALUE", help="value of a text response that counts as 1")
    parser.add_argument("--delimiter", default=",", metavar="C", help="between the cells of a CSV")
    parser.add_argument("--encoding", default="utf-8-sig", metavar="E", help="of a CSV")


def _changing(parser: ArgumentParser) -> None:
    parser.add_argument("--why", default="", metavar="TEXT", help="for the history")
    parser.add_argument("--dry-run", action="store_true", help="show what would be done")
    parser.add_argument(
        "--lock-timeout", type=float, default=60.0, metavar="S", help="seconds to wait for another writer"
    )
    _common(parser, "the history's line as JSON")


def _reading(parser: ArgumentParser) -> None:
    parser.add_argument("--version", metavar="VERSION", help=f"{_CHOOSE} (default: champion)")
    parser.add_argument("--delimiter", default=",", metavar="C", help="between the cells of a CSV")
    parser.add_argument("--encoding", default="utf-8-sig", metavar="E", help="of a CSV")


def _common(parser: ArgumentParser, json: str = "the result as one JSON object") -> None:
    parser.add_argument("--models", metavar="FOLDER", help="folder of versions (MODEL_FOLDER)")
    parser.add_argument("--json", action="store_true", help=json)
    parser.add_argument("--quiet", action="store_true", help="say errors only")
    parser.add_argument("--verbose", action="store_true", help="also log details")


VERBS = {
    "train": Verb(
        "train a model on a table, judge it and store it",
        'data-science train wells.csv --formula "switch ~ dist100 + arsenic"',
        "data_science.cli.train", _train, (0, 2, 3, 4, 143),
    ),
    "predict": Verb(
        "write label and probability of every row of a table",
        "data-science predict wells.csv --interval 0.9 --out scores.csv",
        "data_science.cli.predict", _predict, (0, 2, 3, 143),
    ),
    "explain": Verb(
        "show what each term adds to the answer for one row",
        "data-science explain --set dist100=0.4 arsenic=2.36",
        "data_science.cli.explain", _explain, (0, 2, 3, 143),
    ),
    "card": Verb("show the model card of a version", "data-science card", "data_science.cli.card", _card),
    "versions": Verb(
        "list the stored versions and their roles", "data-science versions",
        _REGISTRY, _versions, function="show",
    ),
    "duel": Verb(
        "compare the version that serves with a candidate on labels that neither has seen",
        "data-science duel wells.csv --apply", "data_science.cli.duel", _duel, (0, 2, 3, 10, 11, 143),
    ),
    "check": Verb(
        "compare new rows, and their labels, with what a version was trained on",
        "data-science check wells.csv", "data_science.cli.check", _check, (0, 2, 3, 10, 11, 143),
    ),
    "promote": Verb(
        "let a version serve", 'data-science promote candidate --why "better on the labels of March"',
        _REGISTRY, _promote, function="change",
    ),
    "rollback": Verb(
        "let the version serve that served before; trainings then wait for a promotion",
        'data-science rollback --why "too many refusals"', _REGISTRY, _changing, function="change",
    ),
    "hold": Verb(
        "keep a version from being pruned, and if it serves from being replaced by a training",
        'data-science hold champion --why "audit"', _REGISTRY, _of_one, function="change",
    ),
    "release": Verb("end a hold", "data-science release champion", _REGISTRY, _of_one, function="change"),
    "prune": Verb(
        "remove old versions that have no role", "data-science prune --keep 3",
        _REGISTRY, _prune, function="change",
    ),
}  # fmt: skip
