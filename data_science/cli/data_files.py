"""DATA of a command: a CSV file, perhaps compressed, Parquet, or standard input; its faults are named."""

from __future__ import annotations

import csv
import gzip
import sys
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pandas as pd

from data_science.errors import SchemaError, SettingsError, installing

STANDARD_INPUT = "-"
MISSING = ("", "NA", "NaN", "NULL")  # what stands for a missing value in a CSV
_OTHER_DELIMITERS = {";": "';'", "\t": r"$'\t'", "|": "'|'", ",": ","}  # as a shell takes them
_ENCODING = "utf-8-sig"  # with or without the byte-order mark that spreadsheets write


@dataclass(frozen=True, slots=True)
class DataFile:
    """A table that a command was given by name."""

    path: str
    delimiter: str = ","
    encoding: str = _ENCODING

    def __post_init__(self) -> None:
        if len(self.delimiter) != 1 or self.delimiter in '"\r\n' or ord(self.delimiter) > 127:
            raise SettingsError(f"--delimiter is {self.delimiter!r}; expected one character, such as ';'")
        try:
            "".encode(self.encoding)
        except (LookupError, ValueError) as error:
            raise SettingsError(
                f"--encoding is {self.encoding!r}; expected an encoding that Python knows, such as latin-1"
            ) from error

    @property
    def name(self) -> str:
        """What messages call it."""
        return "standard input" if self.path == STANDARD_INPUT else self.path

    @property
    def is_parquet(self) -> bool:
        """Whether it is read as Parquet, by its name."""
        return self.path.endswith((".parquet", ".pq"))

    @property
    def n_rows(self) -> int:
        """Rows of a Parquet file, as it states them; 0 if it cannot be read, as reading it will say."""
        try:
            from pyarrow.parquet import read_metadata

            return int(read_metadata(self.path).num_rows)
        except (
            ImportError,
            OSError,
            ValueError,
        ):  # of Arrow's own errors, what is not Parquet raises the last
            return 0

    @contextmanager
    def opened(self) -> Iterator[tuple[tuple[str, ...], IO[str]]]:
        """Give the names in the header, and the text behind it.

        Raises
        ------
        SchemaError
            If it cannot be read, also while the block reads; it names the file and what to do.
        """
        with self.named_faults(), self._text() as text:
            header = next(csv.reader(text, delimiter=self.delimiter), None)
            if not header:
                raise SchemaError(f"{self.name} is empty; expected a line with the names of the columns")
            self._require_delimiter(header)
            yield tuple(header), text

    def _require_delimiter(self, header: list[str]) -> None:
        if len(header) > 1 or not (others := [c for c in _OTHER_DELIMITERS if c in header[0]]):
            return
        raise SchemaError(
            f"{self.name} has no {self.delimiter!r} in its first line, but {others[0]!r}; expected the names "
            f"of the columns with {self.delimiter!r} between them. "
            f"Give --delimiter {_OTHER_DELIMITERS[others[0]]}"
        )

    @contextmanager
    def named_faults(self) -> Iterator[None]:
        """Say which file cannot be read and why."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", pd.errors.ParserWarning)  # a row with more cells than names
                yield
        except UnicodeError as error:
            raise SchemaError(
                f"{self.name} is not text in {self.encoding.removesuffix('-sig')} ({error}); "
                "name the encoding, such as --encoding latin-1 or utf-16, or give a CSV file"
            ) from error
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise SchemaError(f"{self.name} is not a whole gzip file ({error}). Compress it again") from error
        except OSError as error:
            raise SchemaError(f"{self.name} cannot be read ({error.strerror or error})") from error
        except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError, csv.Error) as error:
            text = " ".join(str(error).removeprefix("Error tokenizing data. C error: ").split())
            raise SchemaError(
                f"{self.name} is no regular CSV: {text}. Expected as many cells in every row as in the header"
            ) from error

    @contextmanager
    def _text(self) -> Iterator[IO[str]]:
        if self.path == STANDARD_INPUT:
            source: Any = getattr(sys.stdin, "buffer", None)
            if source is None:
                raise SchemaError("standard input is closed; expected a CSV there")
            import io

            text = io.TextIOWrapper(source, encoding=self.encoding, newline="")
            try:
                yield text
            finally:
                if not source.closed:
                    text.detach()  # standard input stays open
            return
        if "\0" in self.path:
            raise SchemaError(f"{self.path!r} is no path; expected the name of a file")
        if Path(self.path).is_dir():
            raise SchemaError(f"{self.path} is a folder; expected a CSV file")
        opener: Any = gzip.open if self.path.endswith(".gz") else open
        with opener(self.path, "rt", encoding=self.encoding, newline="") as text:
            yield text

    def whole(self) -> pd.DataFrame:
        """Return all rows, each column as what all of its values are: numbers, truth values or text.

        Raises
        ------
        SchemaError
            If it cannot be read.
        """
        if self.is_parquet:
            with self.named_faults():
                return parquet(self)
        with self.opened() as (header, text):
            require_unique(self, header, header)
            frame: pd.DataFrame = pd.read_csv(text, names=list(header), low_memory=False, **self.reading())
            return frame

    def reading(self) -> dict[str, Any]:
        """Return how pandas is to read the text behind the header."""
        return {
            "header": None,
            "index_col": False,  # else a cell too many would shift every column
            "sep": self.delimiter,
            "na_values": list(MISSING),
            "keep_default_na": False,
        }

    def line_of(self, row: int) -> int | None:
        """Return the number of the line in which a row ends, if the file can be read again."""
        if self.path == STANDARD_INPUT or self.is_parquet or not Path(self.path).is_file():
            return None
        with self.opened() as (_, text):
            reader = csv.reader(text, delimiter=self.delimiter)
            rows = (cells for cells in reader if cells)  # blank lines are no rows
            for _ in range(row + 1):
                if next(rows, None) is None:
                    return None
            return reader.line_num + 1


def parquet(data: DataFile) -> pd.DataFrame:
    """Return the rows of a Parquet file."""
    if "\0" in data.path or Path(data.path).is_dir():
        raise SchemaError(f"{data.path!r} is no file; expected a Parquet file")
    try:
        return pd.read_parquet(data.path)
    except ImportError as error:
        raise SchemaError(f"{data.name} is Parquet, which pyarrow reads: {installing('train')}") from error
    except OSError:
        raise
    except Exception as error:  # whatever pyarrow raises on what is not Parquet
        raise SchemaError(f"{data.name} is no Parquet file ({error})") from error


def require_unique(data: DataFile, header: tuple[str, ...], needed: tuple[str, ...]) -> None:
    """Refuse a header in which a needed column occurs twice."""
    if len(set(header)) == len(header):
        return
    for name in dict.fromkeys(needed):
        if header.count(name) > 1:
            raise SchemaError(
                f"{data.name}: the column {name!r} appears {header.count(name)} times; expected once"
            )
