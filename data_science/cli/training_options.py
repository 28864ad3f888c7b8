"""What ``train`` may be told, and the settings and the specification that follow from it."""

from __future__ import annotations

import ast
import os
import re
from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from data_science.errors import SettingsError, SpecificationError
from data_science.extension import ENGINES

if TYPE_CHECKING:
    from data_science.formula.priors import Prior
    from data_science.formula.specification import ModelSpecification

_PRIOR = re.compile(r"(?P<key>.+?)\s*=\s*(?P<call>[A-Za-z]\w*\s*\(.*\))", re.DOTALL)
_DELIMITER, _ENCODING = ",", "utf-8-sig"
_OF_A_DATABASE = ("DB_", "DS_DB_", "DE_")  # variables that a file makes meaningless


def add_options(parser: ArgumentParser) -> None:
    """Add the options of ``train``."""
    parser.add_argument(
        "data", nargs="?", metavar="DATA", help="CSV, .csv.gz or Parquet file, or - (default: feature_store)"
    )
    parser.add_argument("--formula", metavar="F", help='such as "switch ~ dist100 + arsenic"')
    parser.add_argument("--positive", metavar="VALUE", help="value of a text response that counts as 1")
    parser.add_argument(
        "--prior", metavar="KEY=PRIOR", action="append", default=[],
        help="such as 'common=Normal(0, 2.5)'; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--standardize", action=BooleanOptionalAction, default=None, help="priors apply per sd of a column"
    )
    parser.add_argument("--models", metavar="FOLDER", help="folder of versions (MODEL_FOLDER)")
    parser.add_argument("--engine", choices=list(ENGINES), help="how to fit (ENGINE)")
    parser.add_argument("--seed", metavar="N", help="seed of the sampler (SEED)")
    parser.add_argument("--costs", metavar="FP:FN", help="costs of a wrong 1 and of a wrong 0")
    parser.add_argument("--keep", metavar="N", help="newest versions kept (KEEP_MODELS)")
    parser.add_argument(
        "--as", dest="role", choices=["champion", "candidate"],
        help="serve at once, or wait (default: serve, unless a rollback, a candidate or a hold says wait)",
    )  # fmt: skip
    parser.add_argument("--note", metavar="TEXT", help="for the history of the folder")
    parser.add_argument("--drop-missing", action="store_true", help="leave out rows with a missing value")
    parser.add_argument("--check-only", action="store_true", help="read and validate; fit nothing")
    parser.add_argument("--delimiter", default=_DELIMITER, metavar="C", help="between the cells of a CSV")
    parser.add_argument("--encoding", default=_ENCODING, metavar="E", help="of a CSV")
    parser.add_argument(
        "--scenario", choices=["no-signal", "signal"], help="stand-in data to train on (DE_SCENARIO)"
    )
    parser.add_argument("--clients", metavar="N", help="how many stand-in clients (DE_CLIENTS)")
    parser.add_argument("--files", metavar="DIR", help="the company's CSV files (DE_FILES)")
    parser.add_argument("--json", action="store_true", help="the result as one JSON object")
    parser.add_argument("--quiet", action="store_true", help="say warnings and errors only")
    parser.add_argument("--verbose", action="store_true", help="also log details")


def environment(options: Namespace) -> Mapping[str, str]:
    """Read the environment; an option that is given overrides its variable."""
    _require_a_file(options)
    false_positive, false_negative = _costs(options.costs)
    given = {
        "MODEL_FOLDER": options.models,
        "ENGINE": options.engine,
        "SEED": options.seed,
        "KEEP_MODELS": options.keep,
        "COST_FALSE_POSITIVE": false_positive,
        "COST_FALSE_NEGATIVE": false_negative,
        "DE_SCENARIO": options.scenario,
        "DE_CLIENTS": options.clients,
        "DE_FILES": options.files,
    }
    if options.data is not None and (
        useless := [n for n in ("scenario", "clients", "files") if given[f"DE_{n.upper()}"]]
    ):
        raise SettingsError(
            f"--{useless[0]} is about a database, and {options.data} is a file; give one of them"
        )
    found = {**os.environ, **{name: value for name, value in given.items() if value is not None}}
    if options.data is None:
        return found
    return {name: value for name, value in found.items() if not name.startswith(_OF_A_DATABASE)}


def _require_a_file(options: Namespace) -> None:
    of_a_file = {
        "--positive": options.positive is not None,
        "--drop-missing": options.drop_missing,
        "--delimiter": options.delimiter != _DELIMITER,
        "--encoding": options.encoding != _ENCODING,
    }
    given = [name for name, is_given in of_a_file.items() if is_given]
    if options.data is None and given:
        raise SettingsError(
            f"{', '.join(given)}: expected only beside DATA, a file of rows, which is missing"
        )


def specification_of(options: Namespace) -> ModelSpecification | None:
    """Return what is to be fitted; None: the job's own formula and priors."""
    if options.formula is None:
        if options.data is not None:
            raise SettingsError(
                "--formula is missing; expected what to predict from which columns, such as "
                '--formula "switch ~ dist100 + arsenic"'
            )
        if options.prior or options.positive is not None or options.standardize is not None:
            raise SettingsError("--prior, --positive and --standardize belong to --formula, which is missing")
        return None
    from data_science.formula.specification import ModelSpecification

    priors = dict(map(_prior, options.prior))
    return ModelSpecification(
        options.formula,
        priors=priors,
        standardize=True if options.standardize is None else options.standardize,
    )


def _prior(text: str) -> tuple[str, Prior]:
    """Read KEY=Family(arguments), by name or in PyMC's order."""
    from data_science.formula.priors import COMMON, GROUP_SD, Prior

    expected = "expected KEY=Family(numbers), such as 'common=Normal(0, 2.5)' or '1|herd=Exponential(1)'"
    match = _PRIOR.fullmatch(text.strip())
    if match is None:
        raise SpecificationError(f"--prior is {text!r}; {expected}")
    try:
        call = ast.parse(match["call"].strip(), mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            raise ValueError(match["call"])
        by_place: Sequence[Any] = [ast.literal_eval(value) for value in call.args]
        by_name = {str(one.arg): ast.literal_eval(one.value) for one in call.keywords}
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise SpecificationError(f"--prior is {text!r}; {expected}") from error
    family = call.func.id
    names = [*({**COMMON, **GROUP_SD}.get(family, {}))]
    if len(by_place) > len(names) or set(names[: len(by_place)]) & set(by_name):
        raise SpecificationError(f"--prior is {text!r}: {family} has the arguments {names}; {expected}")
    arguments = dict(zip(names, by_place, strict=False)) | by_name
    arguments.pop("name", None)
    return match["key"].strip(), Prior(family, **arguments)


def _costs(text: str | None) -> tuple[str | None, str | None]:
    if text is None:
        return None, None
    false_positive, colon, false_negative = text.partition(":")
    if not (colon and false_positive.strip() and false_negative.strip()):
        raise SettingsError(
            f"--costs is {text!r}; expected FP:FN, such as 1:5 where a missed 1 costs five times"
        )
    return false_positive, false_negative
