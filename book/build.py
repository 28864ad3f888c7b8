"""Build the book from the database: a site that needs no internet, and the same as a PDF.

Every build executes every chapter; an error or a warning fails it, and the site built before stays.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

from book import paper, printing
from data_science.errors import DataScienceError
from data_science.settings import Settings

SOURCE = Path(__file__).parent
PDF = "book.pdf"  # in the site's folder; every page links to it
log = logging.getLogger("book")


class BuildError(Exception):
    """The book cannot be built; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to build, and where."""

    output: Path  # the site's folder
    cache: Path  # fits and computations to reuse
    with_pdf: bool


def build(wanted: Wanted, environ: Mapping[str, str]) -> Path:
    """Build the site, with the PDF in it if wanted, and put it in the place of the one before.

    Raises
    ------
    BuildError
        If a chapter fails, or Sphinx warns; the output of the build has said where.
    """
    wanted.output.parent.mkdir(parents=True, exist_ok=True)
    try:
        wanted.cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BuildError(
            f"the cache {wanted.cache} cannot be made: {error.strerror}. "
            "Name another folder in --cache or BOOK_CACHE"
        ) from error
    with tempfile.TemporaryDirectory(dir=wanted.output.parent, prefix=".building-") as folder:
        work = Path(folder)
        config = _config(work, wanted.with_pdf)
        # One thread: the matrices are small, and threads would wait for each other.
        running = {"OMP_NUM_THREADS": "1", **environ, "BOOK_CACHE": str(wanted.cache.resolve())}
        with _database(running) as ready:
            _jupyter_book("html", work, config, ready)
            if wanted.with_pdf:
                _jupyter_book("singlehtml", work, config, ready)  # its cells are in the execution cache
        site = work / "_build" / "html"
        if wanted.with_pdf:
            paper.print_book(work / "_build" / "singlehtml" / "index.html", site / PDF, _about(config))
        _replace(wanted.output, site, work / "before")
    return wanted.output


def serve(site: Path, port: int) -> None:
    """Serve the site on all addresses until interrupted."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(site))
    with ThreadingHTTPServer(("", port), handler) as server:
        log.info("the book is at http://localhost:%d (Ctrl-C stops)", server.server_port)
        server.serve_forever()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    given = {
        "DE_SCENARIO": options.scenario,
        "DE_CLIENTS": options.clients,
        "MODEL_FOLDER": options.models,
        "BOOK_CACHE": options.cache,
    }
    environ = {**os.environ, **{name: value for name, value in given.items() if value is not None}}
    try:
        if options.what != "serve" or not (options.output / "index.html").exists():
            cache = Path(environ.get("BOOK_CACHE", "").strip() or SOURCE / "_build" / "cache")
            site = build(Wanted(options.output, cache, _with_pdf(options.what)), environ)
            log.info("the book is in %s: open %s", site, site / "index.html")
        if options.what == "serve":
            serve(options.output, options.port)
    except (BuildError, DataScienceError, printing.PrintingError) as error:
        log.error("%s", error)
        return 1
    except KeyboardInterrupt:
        log.info("stopped")
        return 130
    return 0


def _with_pdf(what: str) -> bool:
    """Whether to print: where PDF is asked for, Chromium must be there; else it is a bonus."""
    if printing.chromium() is not None:
        return True
    if what == "pdf":
        raise BuildError(printing.NO_CHROMIUM)
    log.warning("the site will have no PDF: %s", printing.NO_CHROMIUM)
    return False


def _config(work: Path, with_pdf: bool) -> Path:
    """Write the configuration of this run: a fresh execution cache, and the PDF's link if there is one."""
    config = yaml.safe_load((SOURCE / "_config.yml").read_text(encoding="utf-8"))
    config["execute"]["cache"] = str(work / "executed")
    config["sphinx"]["local_extensions"] = {
        name: str(SOURCE / folder) for name, folder in config["sphinx"]["local_extensions"].items()
    }
    if with_pdf:
        icon = {"name": "Download the book as PDF", "url": PDF, "icon": "fa-solid fa-file-pdf"}
        config["sphinx"]["config"]["html_theme_options"]["icon_links"] = [icon]
        config["sphinx"]["config"]["html_context"]["pdf"] = PDF
    path = work / "_config.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def _about(config: Path) -> paper.About:
    written = yaml.safe_load(config.read_text(encoding="utf-8"))
    return paper.About(written["title"], written["author"], datetime.now().astimezone().date())


def _jupyter_book(builder: str, work: Path, config: Path, environ: Mapping[str, str]) -> None:
    program = "from jupyter_book.cli.main import main; main()"  # the package has no __main__
    command = [sys.executable, "-c", program, "build", str(SOURCE), "--path-output", str(work)]
    command += ["--config", str(config), "--builder", builder, "-W", "-n", "--keep-going", "--quiet"]
    repository = str(SOURCE.parent)
    path = os.pathsep.join(filter(None, [repository, environ.get("PYTHONPATH")]))
    done = subprocess.run(command, env={**environ, "PYTHONPATH": path}, check=False)  # noqa: S603
    if done.returncode:
        raise BuildError(
            f"Jupyter Book ({builder}) ended with code {done.returncode}: its warnings and the errors of "
            "chapters are above, and each must be mended. The site built before is unchanged"
        )


@contextmanager
def _database(environ: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """With DB_HOSTNAME unset, an embedded PostgreSQL plays the company's database for this build."""
    settings = Settings.from_environment(environ)
    absolute = {"MODEL_FOLDER": str(settings.model_folder.resolve())}  # chapters run in their own folder
    if settings.database.hostname is not None:
        yield {**environ, **absolute}
        return
    try:
        from de.embedded import ServerError, embedded_company
    except ModuleNotFoundError as error:
        raise BuildError(
            f"DB_HOSTNAME is unset and the embedded PostgreSQL is not installed ({error.name}). "
            "Set DB_HOSTNAME, or pip install 'data_science[embedded]' and run from the repository"
        ) from error
    stand_in = settings.stand_in
    log.info("embedded PostgreSQL with %s stand-in clients (%s)", f"{stand_in.clients:,}", stand_in.scenario)
    try:
        with embedded_company(stand_in.scenario, stand_in.clients, stand_in.seed) as company:
            yield {**environ, **absolute, **company.environment()}
    except ServerError as error:
        raise BuildError(f"the embedded PostgreSQL failed: {error}") from error


def _replace(output: Path, site: Path, aside: Path) -> None:
    if output.exists():
        output.rename(aside)
    shutil.rmtree(site / ".doctrees", ignore_errors=True)
    site.rename(output)


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
