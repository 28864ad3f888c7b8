"""Builds the book in its container; `book.build` waits for the tables as training does."""

import sys

from book import build

if __name__ == "__main__":
    sys.exit(build.main(["html", "--output", "/site/html", "--cache", "/site/cache"]))
