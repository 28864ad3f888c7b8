"""``python -m data_science``: the same as ``data-science``."""

import sys

from data_science.cli.command import main

if __name__ == "__main__":
    sys.exit(main())
