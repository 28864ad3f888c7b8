"""The fenced blocks of a page: what a reader is to type, what he then sees, and the files he is to write."""

import re
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
COMMANDS = ("bash", "python")
FILES = ("bash", "python", "yaml", "nginx", "ini", "text")
OUTPUT = "text"
_FENCE = re.compile(
    r"^(?:% not run here: (?P<why>[^\n]+)\n)?(?P<ticks>`{3,})(?P<info>[^\n`]+)\n"
    r"(?::caption: (?P<caption>\S+)\n+)?(?P<text>.*?)^(?P=ticks)$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: str
    line: int
    language: str
    text: str
    file: str | None  # name under which the reader is to write it
    why_not: str | None  # why it cannot be run by a test
    output: str | None  # of a command, as far as the page shows it

    def __str__(self) -> str:
        return f"{self.page} line {self.line}"


def blocks_of(page: Path) -> list[Block]:
    """Return what the page has a reader write and type, in order; the output that follows a command is its own."""
    text = page.read_text(encoding="utf-8")
    found: list[Block] = []
    end = 0
    for match in _FENCE.finditer(text):
        language = match["info"].removeprefix("{code-block}").strip()
        directly_after = not text[end : match.start()].strip()
        end = match.end()
        if language.startswith("{"):  # a directive of Sphinx
            continue
        if language == OUTPUT and not match["caption"] and found and directly_after:
            found[-1] = Block(**{**vars(found[-1]), "output": match["text"]})
            continue
        line = text.count("\n", 0, match.start("ticks")) + 1
        name = page.relative_to(DOCS).as_posix()
        found.append(Block(name, line, language, match["text"], match["caption"], match["why"], None))
    return found
