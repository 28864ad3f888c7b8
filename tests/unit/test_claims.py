"""Nothing but the verdict forms an opinion about a fit: whatever else is said is what was measured."""

import ast
import re
from pathlib import Path

import pytest
from reports import report

from data_science.report.card import model_card
from data_science.report.verdict import trouble
from tests.held_verdicts import every_verdict

ROOT = Path(__file__).parents[2]
#: Words that turn figures into an opinion about features, form or use.
CLAIM = re.compile(
    r"""
    \bimproves?\ predictions?\b | \b(add|adds)\ (nothing|anything|little|next)\b | \bnothing\ was\ found\b
    | \bundecided\b | \bpredicts?\ (measurably\ |no\ )?(better|worse)\b | \bno\ better\ than\b
    | \bcomes?\ true\b(?!\?) | \bclearly\ (different|there)\b | \bcannot\ be\ told\ (from|whether)\b | \btells?\ clients\ apart\b
    | \bform\ (is\ wrong|holds|was\ not)\b | \bstands?\ out\b | \bby\ more\ than\ chance\b | \bchance\ (does|explains)\b
    | \b(can|cannot)\ be\ (trusted|relied)\b | \btoo\ good\b | \bnot\ shown\ to\ help\b | \b(is|are)\ ruled\ out\b
    | \buse\ (it|its|their|the\ overall\ rate|this\ model)\b | \bno\ effect\b.*\bthere\b | \bmisses\ it\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
#: Where a word of a claim means something else, or where the claim is decided and phrased.
SPOKEN_ELSEWHERE = {
    "data_science/judgement/verdict.py": "decides the verdict",
    "data_science/report/verdict.py": "phrases the verdict",
    "data_science/evaluation/comparison.py": "candidates beside each other: a rule of its own, stated in each sentence",
    "data_science/watch/duel.py": "two stored versions beside each other, on labels that neither has seen",
    "data_science/judgement/gates.py": "whether the computation may be relied on, which is no opinion about the fit",
}


def literals(source):
    """Text that a module may say: its string constants, without docstrings, formatted ones put together."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            node.body[0] = ast.Pass()
    inside = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(p.value if isinstance(p, ast.Constant) else "…" for p in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value


SPEAKING = sorted(
    path
    for part in ("data_science", "book")
    for path in (ROOT / part).rglob("*.py")
    if "_build" not in path.parts and str(path.relative_to(ROOT)) not in SPOKEN_ELSEWHERE
)


def test_no_other_module_has_words_for_an_opinion():
    found = {
        str(path.relative_to(ROOT)): [
            text for text in literals(path.read_text(encoding="utf-8")) if CLAIM.search(text)
        ]
        for path in SPEAKING
    }

    assert {path: texts for path, texts in found.items() if texts} == {}


@pytest.mark.parametrize("chapter", sorted(path.name for path in (ROOT / "book").glob("*.md")))
def test_no_chapters_own_words_hold_an_opinion(chapter):
    prose = re.sub(
        r"```.*?^```",
        "",
        (ROOT / "book" / chapter).read_text(encoding="utf-8"),
        flags=re.DOTALL | re.MULTILINE,
    )

    assert CLAIM.findall(prose) == []


def test_each_claim_of_a_log_a_summary_and_a_card_is_a_sentence_of_the_verdict():
    for held in every_verdict():
        made = report(verdict=held)
        quoted = [text.rstrip(".") for text in held.sentences]
        for text in (*trouble(held).values(), str(made), model_card(made)):
            for sentence in quoted:
                text = re.sub(re.escape(sentence), "", text, flags=re.IGNORECASE)
            left = [
                line for line in text.splitlines() if CLAIM.search(line) and "'intercept only' is" not in line
            ]
            assert left == []
