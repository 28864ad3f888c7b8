"""Loads the company's files and reads back where each table says it is from."""

import hashlib
from contextlib import closing

from de.load import load_csv, process_data

TABLES = ("customer_profiles", "customer_activity", "labels", "stores", "sales")


def load(company, folder, **wanted):
    with closing(company.connect()) as connection:
        load_csv(connection, folder, **wanted)
        process_data(connection)


def origins(company, query):
    """What ds_user reads of where each table comes from."""
    names = ", ".join(f"obj_description('{table}'::regclass, 'pg_class') AS {table}" for table in TABLES)
    return query(company, f"SELECT {names}", user="ds_user").loc[0].to_dict()


def from_file(path):
    return f"the company's file, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}"
