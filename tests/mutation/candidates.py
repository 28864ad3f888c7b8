"""Every mutant of a file: the operators at each place whose change a user could feel."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from .mutant import Mutant
from .operators import EDITS, Source

_SPEAKS = {"log", "logger", "logging", "warnings", "print"}  # what is said is not what is done


def candidates(tree: Path, file: str) -> list[Mutant]:
    """All mutants of ``file``, a path relative to ``tree``, in the order of the source."""
    content = (tree / file).read_bytes()
    return list(_Finder(file, content).mutants(ast.parse(content)))


def lines_of_functions(tree: Path, file: str) -> frozenset[int]:
    """The lines that run when a function of ``file`` is called, not when the file is imported."""
    found: set[int] = set()
    for node in ast.walk(ast.parse((tree / file).read_bytes())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.update(range(node.body[0].lineno, node.end_lineno + 1))
    return frozenset(found)


class _Finder:
    """Walks a syntax tree with what a place's meaning depends on: function, statement, time of running."""

    def __init__(self, file: str, content: bytes) -> None:
        self.file = file
        self.source = Source(content)
        self.lines = content.decode().splitlines()
        self.seen: Counter[tuple[str, ...]] = Counter()

    def mutants(
        self,
        node: ast.AST,
        names: tuple[str, ...] = (),
        statement: tuple[int, int] = (1, 1),
        inside: bool = False,
    ) -> Iterator[Mutant]:
        if _only_speaks(node):
            return
        if isinstance(node, ast.stmt):
            statement = _own_lines(node)
        for operator, start, end, after in EDITS.get(type(node), _nothing)(node, self.source):
            line = self.source.line_of(start)
            before = self.source.content[start:end].decode()
            key = (".".join(names), operator, self.lines[line - 1].strip(), before, after)
            self.seen[key] += 1
            yield Mutant(self.file, *key, self.seen[key], start, end, line, statement, not inside)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names = (*names, node.name)
        runs_later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in _children(node):
            later = inside or (runs_later and isinstance(child, ast.stmt))
            yield from self.mutants(child, names, statement, later)


def _nothing(node: ast.AST, source: Source) -> Iterator[tuple[str, int, int, str]]:
    return iter(())


def _own_lines(node: ast.stmt) -> tuple[int, int]:
    """The lines of a statement without those of the block it opens."""
    body = getattr(node, "body", None)
    return node.lineno, max(node.lineno, body[0].lineno - 1) if body else node.end_lineno


def _only_speaks(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name)) | ast.Name(id=name))):
            return name in _SPEAKS
    return False


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node that do something: not annotations, decorators, messages, or what only types see."""
    match node:
        case ast.JoinedStr() | ast.Import() | ast.ImportFrom() | ast.TypeAlias() | ast.Raise():
            return
        case ast.Expr(value=ast.Constant()) | ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            return
        case ast.AnnAssign():
            yield from (part for part in (node.value,) if part)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield from (default for default in (*node.args.defaults, *node.args.kw_defaults) if default)
            yield from node.body
        case ast.ClassDef():
            yield from node.body
        case ast.Assert():
            yield node.test
        case _:
            yield from ast.iter_child_nodes(node)
