"""What may be changed in a syntax node, and into what: a small slip of a kind that people make."""

import ast
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple


class Edit(NamedTuple):
    """A replacement in the source, by byte positions."""

    operator: str
    start: int
    end: int
    after: str


class Source:
    """A file's bytes, addressed by the positions of the syntax tree."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self._starts = [0]
        for line in content.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def start(self, node: ast.AST) -> int:
        return self._starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.AST) -> int:
        return self._starts[node.end_lineno - 1] + node.end_col_offset

    def text(self, node: ast.AST) -> str:
        return self.content[self.start(node) : self.end(node)].decode()

    def line_of(self, position: int) -> int:
        return self.content.count(b"\n", 0, position) + 1

    def find(self, pattern: str, start: int, end: int) -> tuple[int, int]:
        """Where ``pattern`` stands between two operands, past parentheses and comments."""
        between = re.sub(rb"#[^\n]*", lambda comment: b" " * len(comment.group()), self.content[start:end])
        found = re.search(pattern.encode(), between)
        assert found, f"no {pattern} in {between!r}"
        return start + found.start(), start + found.end()


_COMPARISONS = {  # the token; its boundary moved; its sense reversed
    ast.Lt: (r"<", "<=", ">="),
    ast.LtE: (r"<=", "<", ">"),
    ast.Gt: (r">", ">=", "<="),
    ast.GtE: (r">=", ">", "<"),
    ast.Eq: (r"==", None, "!="),
    ast.NotEq: (r"!=", None, "=="),
    ast.Is: (r"\bis\b", None, "is not"),
    ast.IsNot: (r"\bis\s+not\b", None, "is"),
    ast.In: (r"\bin\b", None, "not in"),
    ast.NotIn: (r"\bnot\s+in\b", None, "in"),
}
_ARITHMETIC = {
    ast.Add: (r"\+", "-"),
    ast.Sub: (r"-", "+"),
    ast.Mult: (r"\*", "/"),
    ast.Div: (r"/", "*"),
    ast.FloorDiv: (r"//", "*"),
    ast.Mod: (r"%", "*"),
    ast.Pow: (r"\*\*", "*"),
}
_OPPOSITES = dict([pair for names in ("min max", "any all", "minimum maximum", "argmin argmax", "nanmin nanmax")
                   for pair in (names.split(), names.split()[::-1])])  # fmt: skip


def _comparison(node: ast.Compare, source: Source) -> Iterator[Edit]:
    operands = [node.left, *node.comparators]
    for left, right, kind in zip(operands, operands[1:], node.ops, strict=False):
        token, moved, reversed_ = _COMPARISONS[type(kind)]
        place = source.find(token, source.end(left), source.start(right))
        if moved:
            yield Edit("boundary", *place, moved)
        yield Edit("comparison", *place, reversed_)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _arithmetic(node: ast.BinOp | ast.AugAssign, source: Source) -> Iterator[Edit]:
    left, right = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.target, node.value)
    # Texts are joined and paths are built by the same signs: there the exchange is a TypeError at once.
    if type(node.op) in _ARITHMETIC and not (_is_text(left) or _is_text(right)):
        token, other = _ARITHMETIC[type(node.op)]
        yield Edit("arithmetic", *source.find(token, source.end(left), source.start(right)), other)
    if isinstance(node, ast.AugAssign):
        yield Edit("statement removed", source.start(node), source.end(node), "pass")


def _constant(node: ast.Constant, source: Source) -> Iterator[Edit]:
    if isinstance(node.value, bool):
        after = str(not node.value)
    elif isinstance(node.value, int):
        after = str(node.value + 1)
    elif isinstance(node.value, float):
        after = repr(node.value * 2 or 1.0)
    else:
        return
    yield Edit("constant", source.start(node), source.end(node), after)


def _connective(node: ast.BoolOp, source: Source) -> Iterator[Edit]:
    token, other = (r"\band\b", "or") if isinstance(node.op, ast.And) else (r"\bor\b", "and")
    for left, right in zip(node.values, node.values[1:], strict=False):
        yield Edit("connective", *source.find(token, source.end(left), source.start(right)), other)


def _sign(node: ast.UnaryOp, source: Source) -> Iterator[Edit]:
    if isinstance(node.op, ast.Not | ast.USub):
        token = r"not\s+|not\b" if isinstance(node.op, ast.Not) else "-"
        yield Edit("sign dropped", *source.find(token, source.start(node), source.start(node.operand)), "")


def _call(node: ast.Call, source: Source) -> Iterator[Edit]:
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if name in _OPPOSITES:
        end = source.end(node.func)
        yield Edit("opposite", end - len(name), end, _OPPOSITES[name])
    for first, second in zip(node.keywords, node.keywords[1:], strict=False):
        one, other = first.value, second.value
        if first.arg and second.arg and source.text(one) != source.text(other):
            between = source.content[source.end(one) : source.start(other)].decode()
            swapped = source.text(other) + between + source.text(one)
            yield Edit("arguments swapped", source.start(one), source.end(other), swapped)


def _whole(after: str, operator: str) -> Callable[[ast.stmt, Source], Iterator[Edit]]:
    def edits(node: ast.stmt, source: Source) -> Iterator[Edit]:
        yield Edit(operator, source.start(node), source.end(node), after)

    return edits


def _return(node: ast.Return, source: Source) -> Iterator[Edit]:
    if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
        yield Edit("nothing returned", source.start(node), source.end(node), "return None")


def _expression(node: ast.Expr, source: Source) -> Iterator[Edit]:
    if isinstance(node.value, ast.Call | ast.Await):
        yield Edit("statement removed", source.start(node), source.end(node), "pass")


EDITS: dict[type[ast.AST], Callable[..., Iterator[Edit]]] = {
    ast.Compare: _comparison,
    ast.BinOp: _arithmetic,
    ast.AugAssign: _arithmetic,
    ast.Constant: _constant,
    ast.BoolOp: _connective,
    ast.UnaryOp: _sign,
    ast.Call: _call,
    ast.Expr: _expression,
    ast.Raise: _whole("pass", "raise removed"),
    ast.Return: _return,
}
