"""Puts roles, tables and data into a company database: the DE's steps as functions and as a command."""

import argparse
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 (psycopg2 names its class in lower case)
from psycopg2.extensions import encrypt_password

from de import script
from de.csv_files import load_csv
from de.errors import LoadError
from de.stand_in import N_CLIENTS, Scenario, generate

__all__ = [
    "N_CLIENTS",
    "LoadError",
    "Passwords",
    "Scenario",
    "create_roles",
    "create_tables",
    "generate",
    "load_csv",
    "main",
    "process_data",
]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Passwords:
    """Passwords of the three users; the defaults are the contract of the development database."""

    admin: str = field(default="admin", repr=False)
    ds_user: str = field(default="ds_user", repr=False)
    mle_user: str = field(default="mle_user", repr=False)


def create_roles(connection: Connection, passwords: Passwords) -> None:
    """Create the roles, grants and default privileges, or bring them up to date."""

    def verifier(user: str, password: str) -> str:
        # The server logs statements that fail: send the SCRAM verifier, never the password.
        return encrypt_password(password, user, scope=connection, algorithm="scram-sha-256")

    with connection:
        script.run(
            connection,
            "setup_users.sql",
            admin_password=verifier("admin", passwords.admin),
            ds_password=verifier("ds_user", passwords.ds_user),
            mle_password=verifier("mle_user", passwords.mle_user),
        )


def create_tables(connection: Connection) -> None:
    """Create the source tables that do not exist yet."""
    with connection:
        script.run(connection, "create_tables.sql")


def process_data(connection: Connection) -> None:
    """Build ``feature_store`` and ``monthly_sales`` from the source tables and swap them in at once."""
    with script.transaction(connection):
        with connection.cursor() as cursor:  # what is told apart by words is told in the server's language
            cursor.execute("SET LOCAL client_min_messages = warning")
        remarks = script.run(connection, "process_data.sql")
    for remark in remarks:
        log.warning("%s", remark)


_ENVIRONMENT = (
    "Environment: DB_HOSTNAME (localhost), DB_PORT (5432), DB_NAME (companydata), DB_SSLMODE (prefer); "
    "DE_ADMIN_USER (admin), a superuser, and DE_ADMIN_PASSWORD, which the role admin gets too; "
    "DS_DB_PASSWORD and MLE_DB_PASSWORD, which ds_user and mle_user get; DE_FILES, for --csv."
)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m de.load", description=__doc__, epilog=_ENVIRONMENT)
    parser.add_argument(
        "--csv",
        type=_folder,
        metavar="DIR",
        default=os.environ.get("DE_FILES", "").strip() or None,
        help="load these CSV files, plain or .gz, and generate only what is missing (DE_FILES)",
    )
    parser.add_argument(
        "--scenario",
        choices=get_args(Scenario),
        default="no-signal",
        help="of generated labels (%(default)s)",
    )
    parser.add_argument("--clients", type=int, default=N_CLIENTS, help="stand-in clients (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the stand-in data (%(default)s)")
    return parser.parse_args(arguments)


def _folder(text: str) -> Path:
    try:
        return Path(text).expanduser()  # an env file, and --csv=~/..., are expanded by no shell
    except RuntimeError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} names a home folder that is not there ({error})"
        ) from error


def _passwords(environment: Mapping[str, str]) -> Passwords:
    names = ("DE_ADMIN_PASSWORD", "DS_DB_PASSWORD", "MLE_DB_PASSWORD")
    # As who logs in with it reads it: `echo` ends a secret with a newline that is no part of it.
    given = {name: environment.get(name, "").rstrip("\r\n") for name in names}
    missing = [name for name in names if not given[name]]
    if missing:
        raise LoadError(f"{', '.join(missing)} not set or empty. {_ENVIRONMENT}")
    return Passwords(*given.values())


def _connect(environment: Mapping[str, str], password: str) -> Connection:
    def given(name: str, default: str) -> str:
        return environment.get(name, "").strip() or default

    try:
        return psycopg2.connect(
            host=given("DB_HOSTNAME", "localhost"),
            port=given("DB_PORT", "5432"),
            dbname=given("DB_NAME", "companydata"),
            sslmode=given("DB_SSLMODE", "prefer"),
            user=given("DE_ADMIN_USER", "admin"),
            password=password,
            connect_timeout=10,
            client_encoding="utf8",
        )
    except UnicodeDecodeError as error:  # a server's refusal in another encoding
        raise LoadError(error.object.decode(errors="replace").strip()) from error


def _load(wanted: argparse.Namespace, environment: Mapping[str, str]) -> None:
    passwords = _passwords(environment)
    with closing(_connect(environment, passwords.admin)) as connection:
        create_roles(connection, passwords)
        create_tables(connection)
        with script.transaction(connection):  # a load that the ETL refuses replaces nothing
            if wanted.csv:
                log.info("loading the CSV files of %s", wanted.csv)
                load_csv(
                    connection,
                    wanted.csv,
                    scenario=wanted.scenario,
                    n_clients=wanted.clients,
                    seed=wanted.seed,
                )
            else:
                log.info("generating %d stand-in clients, scenario %s", wanted.clients, wanted.scenario)
                generate(connection, wanted.scenario, wanted.clients, wanted.seed)
            process_data(connection)


def main(arguments: Sequence[str] | None = None) -> int:
    """Load what the command line asks for; return 0, or 1 with the reason logged."""
    wanted = _arguments(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    try:
        _load(wanted, os.environ)
    except (LoadError, psycopg2.Error) as error:
        log.error("nothing was loaded: %s", str(error).strip())
        return 1
    log.info("feature_store and monthly_sales are ready")
    return 0


if __name__ == "__main__":
    sys.exit(main())
