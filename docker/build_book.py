"""Builds the book in its container: waits for feature_store as training does, then runs `book.build`."""

import logging
import os
import signal
import sys

from book import build
from data_science.database import feature_store
from data_science.errors import DataScienceError
from data_science.settings import Settings


def main() -> int:
    """Return the exit code of `book.build`, or 1 with the reason logged if there is nothing to build from."""
    # As the first process of a container, it would ignore SIGTERM without a handler.
    signal.signal(signal.SIGTERM, lambda signum, _: sys.exit(128 + signum))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        settings = Settings.from_environment(os.environ)
        # Here and not in a chapter: a chapter has a time limit, and the table may take the whole day.
        feature_store.wait(settings.database, settings.wait_timeout_s)
    except DataScienceError as error:
        logging.error("%s", error)
        return 1
    return build.main(["html", "--output", "/site/html", "--cache", "/site/cache"])


if __name__ == "__main__":
    sys.exit(main())
