"""What the numbers say, in sentences: the book's claims, each decided by the data it is about.

Changes when another module of claims is added. A sentence states what was measured, then how it is read.
"""

from types import FunctionType

from data_science.report.findings.bridge import *  # noqa: F403
from data_science.report.findings.data import *  # noqa: F403 (whatever is public there)
from data_science.report.findings.fit import *  # noqa: F403
from data_science.report.findings.prediction import *  # noqa: F403

__all__ = [
    name
    for name, value in globals().items()
    if isinstance(value, FunctionType) and value.__module__.startswith(f"{__name__}.")
]
