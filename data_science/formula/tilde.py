"""Where a formula's left side ends; without formulae, for those who must not import it."""

from __future__ import annotations

import re

#: Up to the first tilde that is in no name and not in quotes.
_LEFT = re.compile(r"(?:`[^`]*`|'[^']*'|\"[^\"]*\"|[^`'\"~])*(?=~)")


def sides(formula: str) -> tuple[str, str]:
    """Return what is left and what is right of the tilde; without a tilde all of it is right."""
    left = _LEFT.match(formula)
    if left is None:
        return "", formula.strip()
    return left[0].strip(), formula[left.end() + 1 :].strip()
