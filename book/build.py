"""Build the book from the database: a site that needs no internet, and the same as a PDF.

Every build executes every chapter; an error or a warning fails it, and the previous site is unchanged.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

import yaml

from book import chapter, execution, paper, printing, site, snapshot
from book.execution import SOURCE
from book.study import Study
from data_science.errors import DataScienceError
from data_science.settings.job import Settings, without_stand_in

PDF = "book.pdf"  # in the site's folder; every page links to it
log = logging.getLogger("book")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to build, and where."""

    output: Path  # the site's folder
    cache: Path  # fits and computations to reuse
    pdf: Literal["yes", "no", "if possible"]


def build(wanted: Wanted, environ: Mapping[str, str]) -> Path:
    """Build the site, with the PDF in it if wanted, and replace the previous site with it.

    Raises
    ------
    BuildError
        If a chapter fails, or Sphinx warns, or a folder is unsuitable.
    DataScienceError
        If the database cannot be read, or the fit fails.
    PrintingError
        If the PDF is required but cannot be made.
    """
    settings = Settings.from_environment(environ)
    if settings.source != "postgres":
        raise site.BuildError(
            f"SOURCE is {settings.source!r}, but the book reads PostgreSQL: its chapters also show "
            "the tables behind feature_store. Unset SOURCE"
        )
    site.require_replaceable(wanted.output, [wanted.cache, settings.model_folder])
    _require_writable(wanted.cache)
    with (
        tempfile.TemporaryDirectory(dir=wanted.output.parent, prefix=".building-") as folder,
        tempfile.TemporaryDirectory(prefix="book-tables-") as tables,  # never beside what is served
    ):
        work = Path(folder)
        # One thread: the matrices are small, and threads would wait for each other.
        running = {"OMP_NUM_THREADS": "1", **environ, "BOOK_CACHE": str(wanted.cache.resolve())}
        with _database(running, settings) as ready:
            prepared, about = _prepare(ready, Path(tables) / "snapshot")
        if wanted.pdf != "no":
            execution.run("singlehtml", work, _config(work), prepared)
        with_pdf = wanted.pdf != "no" and _print(work, about, must=wanted.pdf == "yes")
        config = _config(work, PDF if with_pdf else None)
        execution.run("html", work, config, prepared)  # its cells are in the execution cache
        built = work / "_build" / "html"
        site.require_sound(built)
        if with_pdf:
            shutil.move(work / PDF, built / PDF)
        site.put_in_place(built, wanted.output, work / "before")
    return wanted.output


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(message)s", stream=sys.stderr)
    for ours in ("book", "data_science", "de"):
        logging.getLogger(ours).setLevel(logging.INFO)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # what was begun is cleaned up
    given = {
        "DE_SCENARIO": options.scenario,
        "DE_CLIENTS": options.clients,
        "MODEL_FOLDER": options.models,
        "BOOK_CACHE": options.cache,
    }
    asked = {name: value for name, value in given.items() if value is not None}
    environ = {**os.environ, **asked}
    try:
        with _server(options.output, options.port) if options.what == "serve" else nullcontext() as server:
            if server is None or asked or not (options.output / "index.html").exists():
                cache = Path(environ.get("BOOK_CACHE", "").strip() or SOURCE / "_build" / "cache")
                built = build(Wanted(options.output, cache, _pdf(options.what)), environ)
                log.info("the book is in %s: open %s", built, built / "index.html")
            if server is not None:
                log.info("the book is at http://localhost:%d (Ctrl-C stops)", server.server_port)
                server.serve_forever()
    except (site.BuildError, DataScienceError, printing.PrintingError) as error:
        log.error("%s", error)
        return 1
    except KeyboardInterrupt:
        log.info("stopped")
        return 130
    return 0


def _server(folder: Path, port: int) -> ThreadingHTTPServer:
    """Take the port before the build, which takes a while; only this machine is served."""
    try:
        return ThreadingHTTPServer(
            ("127.0.0.1", port), partial(SimpleHTTPRequestHandler, directory=str(folder))
        )
    except (OSError, OverflowError) as error:
        raise site.BuildError(f"port {port} is not available: {error}. Choose another with --port") from error


def _pdf(what: str) -> Literal["yes", "no", "if possible"]:
    """Whether to print: where PDF is asked for, Chromium must be there; else it is a bonus."""
    if printing.chromium() is not None:
        return "yes" if what == "pdf" else "if possible"
    if what == "pdf":
        raise site.BuildError(printing.NO_CHROMIUM)
    # No word on installing one: nobody can do that in the container that builds the book.
    log.info(
        "this book has no PDF, since Chromium is not available here; where it is, make book-pdf prints one"
    )
    return "no"


def _require_writable(cache: Path) -> None:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache):
            pass
    except OSError as error:
        raise site.BuildError(
            f"the cache {cache} cannot be made or written: {error.strerror}. "
            "Choose another folder with --cache or BOOK_CACHE"
        ) from error


def _prepare(environ: Mapping[str, str], folder: Path) -> tuple[Mapping[str, str], paper.About]:
    """Read the database once, and do here, with progress messages, what takes long.

    Chapters then find everything in the snapshot and the cache: all of them the same rows. Returns their
    environment, and what the front page says.
    """
    log.info("reading the database")
    settings = Settings.from_environment(environ)
    snapshot.take(settings, folder)
    study = Study(settings, folder)
    log.info("%s clients; fitting, or finding the fit", f"{study.data.n_rows:,}")
    log.info("fitted (%s); comparing candidates", study.version.path.name)
    log.info("compared %d candidates; cross-validating", len(study.comparison.names))
    log.info("cross-validated %d methods; planting effects", len(study.cross_validation.probability.columns))
    log.info("planted %d effects; executing chapters", len(study.planted.table))
    return chapter.handed_on(environ, folder), _about(settings.owner, study.source)


def _print(work: Path, about: paper.About, *, must: bool) -> bool:
    """Print the PDF, and return whether that worked."""
    page = work / "_build" / "singlehtml" / "index.html"
    try:
        paper.print_book(page, work / PDF, about)
    except printing.PrintingError as error:
        if must:
            raise
        log.warning("the site will have no PDF: %s", error)
        return False
    return True


def _written_config() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((SOURCE / "_config.yml").read_text(encoding="utf-8"))
    return found


def _config(work: Path, pdf: str | None = None) -> Path:
    """Write the configuration of this run: a fresh execution cache, and the PDF's link if there is one."""
    config = _written_config()
    config["execute"]["cache"] = str(work / "executed")
    config["sphinx"]["local_extensions"] = {
        name: str(SOURCE / folder) for name, folder in config["sphinx"]["local_extensions"].items()
    }
    if pdf is not None:
        icon = {"name": "Download the book as PDF", "url": pdf, "icon": "fa-solid fa-file-pdf"}
        config["sphinx"]["config"]["html_theme_options"]["icon_links"] = [icon]
        config["sphinx"]["config"]["html_context"]["pdf"] = pdf
    path = work / "_config.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def _about(owner: str | None, source: str) -> paper.About:
    written, today = _written_config(), datetime.now().astimezone().date()
    return paper.About(written["title"], owner or written["author"], today, source)


@contextmanager
def _database(environ: Mapping[str, str], settings: Settings) -> Iterator[Mapping[str, str]]:
    """Return the environment of the chapters, with the DE's stand-in in it if no database is named."""
    # Chapters run in their own folder.
    environ, asked = {**environ, "MODEL_FOLDER": str(settings.model_folder.resolve())}, settings.stand_in
    if not settings.wants_stand_in:
        yield environ
        return
    try:
        from de import embedded, stand_in  # noqa: F401 (whether it is there)
        from de.errors import LoadError, ServerError, VariableError
    except ModuleNotFoundError as error:  # as in the image, which has no part of the DE's
        raise without_stand_in(error.name) from error
    try:
        with stand_in.environment(
            environ, asked.scenario, asked.clients, asked.seed, files=asked.files
        ) as ready:
            yield ready
    except (LoadError, ServerError, VariableError) as error:
        raise site.BuildError(str(error)) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m book.build", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["html", "pdf", "serve"], default="html")
    parser.add_argument("--scenario", choices=["no-signal", "signal"], help="stand-in data (DE_SCENARIO)")
    parser.add_argument("--clients", metavar="N", help="how many stand-in clients (DE_CLIENTS)")
    parser.add_argument("--models", metavar="FOLDER", help="stored models to reuse (MODEL_FOLDER)")
    parser.add_argument("--output", type=Path, default=SOURCE / "_build" / "html", help="the site's folder")
    parser.add_argument(
        "--cache", metavar="FOLDER", help="fits to reuse (BOOK_CACHE; default: beside the site)"
    )
    parser.add_argument("--port", type=int, default=8000, help="where `serve` listens (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
