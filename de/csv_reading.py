"""One CSV file, plain or gzipped, as records with the line that each begins on; changes with the format."""

import csv
import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from de.errors import LoadError

_CHUNK = 2**14  # bytes inflated at a time; of a damaged piece one at a time, to know how far it is whole


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, as an editor counts it: the header is on line 1."""

    path: Path
    line: int

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}"


def fault(place: Place, came: str, expected: str) -> LoadError:
    """Return the error that refuses a file: where, what came, what was expected."""
    return LoadError(f"{place}: {came}; expected {expected}. Correct the file; nothing was loaded")


@dataclass(frozen=True, slots=True)
class Content:
    """The text of a file, and the bytes it was read from."""

    path: Path
    text: str
    given: bytes


def read(path: Path) -> Content:
    """Return the text of a file in UTF-8, with or without a byte order mark.

    Raises
    ------
    LoadError
        If the file cannot be read or decompressed, or holds other bytes than UTF-8.
    """
    try:
        given = path.read_bytes()
    except OSError as error:
        raise LoadError(f"{path} cannot be read ({error.strerror}); expected a file") from error
    data = _inflated(path, given) if path.suffix == ".gz" else given
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The codec has taken the mark away; what comes before the error is text.
        where = Place(path, _line_at(error.object[: error.start].decode("utf-8")))
        hint = " (a gzip file's name ends in .gz)" if data.startswith(b"\x1f\x8b") else ""
        raise fault(
            where, f"byte 0x{error.object[error.start]:02x} is not UTF-8", f"UTF-8 text{hint}"
        ) from error
    if "\0" in text:
        raise fault(Place(path, _line_at(text[: text.index("\0")])), "a NUL character", "text")
    return Content(path, text, given)


def records(content: Content) -> Iterator[tuple[Place, list[str]]]:
    """Yield every record, header first, with its place; empty lines at the end are not records.

    Raises
    ------
    LoadError
        If a quoted field does not end, or continues after its closing quote.
    """
    # newline="" leaves line ends inside quotes as they are, and counts LF, CR LF and CR as one line each.
    reader = csv.reader(io.StringIO(content.text.rstrip("\r\n"), newline=""), strict=True)
    begins = 1
    try:
        for record in reader:
            yield Place(content.path, begins), record
            begins = reader.line_num + 1
    except csv.Error as error:
        where = Place(content.path, begins)
        raise fault(where, f"broken quotes ({error})", 'quoted fields as in "a ""b"" c"') from error


def digest(contents: list[Content]) -> str:
    """Return the sha256 of the bytes of the files as given, one after another."""
    whole = hashlib.sha256()
    for content in contents:
        whole.update(content.given)
    return whole.hexdigest()


def _line_at(text_before: str) -> int:
    return len(re.findall(r"\r\n|\r|\n", text_before)) + 1


def _inflated(path: Path, data: bytes) -> bytes:
    parts: list[bytes] = []
    problem = None
    at = 0
    while at < len(data) and problem is None:
        member = zlib.decompressobj(wbits=31)  # 31: a gzip member, its checksum compared
        while at < len(data) and not member.eof and problem is None:
            piece, before = data[at : at + _CHUNK], member.copy()
            try:
                parts.append(member.decompress(piece))
            except zlib.error as error:
                parts.extend(_whole_part(before, piece))
                problem = _reason(error)
            at += len(piece) - len(member.unused_data)
        if problem is None and not member.eof:
            problem = "the compressed file ends too early here"
        while data[at : at + 1] == b"\0":  # gzip lets a member be padded
            at += 1
    text = b"".join(parts)
    if problem:
        line = _line_at(text.decode("latin-1"))  # any bytes, the line ends among them
        raise fault(Place(path, line), problem, "a complete gzip file: fetch it again")
    return text


def _whole_part(member: "zlib._Decompress", piece: bytes) -> Iterator[bytes]:
    """Yield what a damaged piece holds before the damage."""
    try:
        for at in range(len(piece)):
            yield member.decompress(piece[at : at + 1])
    except zlib.error:
        return


def _reason(error: zlib.error) -> str:
    if "incorrect data check" in str(error) or "incorrect length check" in str(error):
        return f"the checksum does not match: the file is damaged at this line or before ({error})"
    return f"the file is not gzip, or damaged here ({error})"
