"""The environment of a process that a test starts: this one's, without what a person set for the job.

`SEED=3 make test` or `make test DE_FILES=DIR` must not change what the tests' own jobs and books are given.
"""

import os

from data_science.settings import VARIABLES

_OURS = {variable.name for variable in VARIABLES} | {
    "BOOK_SNAPSHOT"
}  # the last: what a build tells its chapters


def inherited() -> dict[str, str]:
    """Return the variables of this process that are no settings of the job or the book."""
    return {name: value for name, value in os.environ.items() if name not in _OURS}
