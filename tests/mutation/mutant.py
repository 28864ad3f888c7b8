"""One change of one file, and how it is found again after other lines have moved."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change of ``file``: the bytes from ``start`` to ``end`` become ``after``."""

    file: str  # relative to the tree
    function: str  # qualified name; "" at module level
    operator: str
    text: str  # the line that is changed, stripped
    before: str
    after: str
    occurrence: int  # counts what is equal in all the fields above, from 1
    start: int  # bytes
    end: int
    line: int  # of the change, for people
    statement: tuple[int, int]  # first and last line of the statement that is changed
    runs_at_import: bool

    @property
    def key(self) -> tuple[str, str, str, str, str, str, int]:
        """What identifies the mutant; no line number, so that it outlives edits elsewhere in the file."""
        return (self.file, self.function, self.operator, self.text, self.before, self.after, self.occurrence)

    def apply(self, source: bytes) -> bytes:
        """The source of the file with the change made."""
        return source[: self.start] + self.after.encode() + source[self.end :]

    def __str__(self) -> str:
        before, after = (" ".join(text.split()) for text in (self.before, self.after))
        return f"{self.file}:{self.line} {self.operator}: {before} -> {after}"
