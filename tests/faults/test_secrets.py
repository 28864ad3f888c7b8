"""Nothing gives the password away; nothing that comes from outside is run, as SQL or as Python."""

import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy
from job import N_CLIENTS, ROOT, SECRET, Job, is_documented, train, watched

from data_science.errors import SettingsError
from data_science.settings import Settings
from data_science.sources.postgres import postgres
from data_science.storage.version_files import seal
from de.embedded import Coordinates, add_company
from tests.environment import inherited


def test_a_job_that_stores_a_model_puts_the_password_in_no_message_no_file_and_no_process_list(first):
    folder, ended, listed = first.folder, first.ended, first.listed

    assert ended.code == 0, ended.said
    assert "main.py" in listed
    assert SECRET[:13] not in ended.said + listed
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) >= 8
    assert [path for path in files if SECRET[:13].encode() in path.read_bytes()] == []


WRONG = SECRET + "!"
ENDINGS = {
    "wrong password": ({"DS_DB_PASSWORD": WRONG, "WAIT_TIMEOUT_S": "0"}, 2, WRONG),
    "no such host": ({"DB_HOSTNAME": "127.0.0.1", "DB_PORT": "1", "WAIT_TIMEOUT_S": "0"}, 3, SECRET),
}


@pytest.mark.parametrize(("changes", "code", "secret"), ENDINGS.values(), ids=list(ENDINGS))
def test_a_job_that_fails_keeps_the_password_to_itself(company, tmp_path, changes, code, secret):
    ended, listed = watched(Job(company, tmp_path / "models", **changes))

    assert ended.code == code, ended.said
    assert is_documented(ended)
    assert secret[:13] not in ended.said + listed


INJECTIONS = [
    "x'; DROP TABLE labels; --",
    'a" OR "1"="1',
    "companydata options='-c role=admin'",
    "host=elsewhere",
]


@pytest.mark.parametrize("name", ["DB_NAME", "DS_DB_USER"])
@pytest.mark.parametrize("value", INJECTIONS)
def test_a_hostile_setting_is_a_name_that_does_not_exist(company, name, value):
    environment = {**company.environment(), name: value}
    database = Settings.from_environment(environment).database

    from data_science.sources.postgres import feature_store

    with pytest.raises(SettingsError, match="could not be read within"):
        feature_store.wait(database, 0.0)


def execute(company: Coordinates, *statements: str) -> list:
    connection = company.connect()
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        rows = cursor.fetchall() if cursor.description else []
    connection.close()
    return rows


@pytest.mark.parametrize("user", ["ds_user", "admin"])
def test_our_connections_cannot_write_even_for_a_user_who_may(company, user):
    environment = company.environment()
    if user == "admin":
        environment |= {"DS_DB_USER": "admin", "DS_DB_PASSWORD": company.passwords.admin}
    engine = postgres.make_engine(Settings.from_environment(environment).database)

    with engine.connect() as connection, pytest.raises(sqlalchemy.exc.DBAPIError) as caught:
        connection.execute(sqlalchemy.text("DELETE FROM labels"))

    assert isinstance(
        caught.value.orig, psycopg2.errors.ReadOnlySqlTransaction | psycopg2.errors.InsufficientPrivilege
    )


SERVE = """
import sys
found = []
sys.addaudithook(lambda event, arguments: found.append(arguments) if event == "pickle.find_class" else None)
import pandas as pd
from data_science import BayesianLogitModel
model = BayesianLogitModel()
model.load(sys.argv[1])
row = pd.DataFrame([{"attr_a": 1, "attr_b": "c", "scd_a": 0.55, "scd_b": 3}])
model.predict(row), model.predict_proba(row, "posterior"), model.predict_interval(row), model.explain(row)
model.summary(), model.predict_batch(row), model.predict_with_logging(1, row)
print("unpickled", found)
"""


class Bomb:
    """Unpickling it leaves a mark."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_serving_process_never_unpickles_not_even_a_model_made_by_an_enemy(first, tmp_path):
    models, mark = Path(shutil.copytree(first.folder, tmp_path / "models")), tmp_path / "exploded"
    version = next(models.glob("2*"))
    bomb = pickle.dumps(Bomb(mark))
    (version / "bambi_model.cloudpickle").write_bytes(bomb)
    manifest = json.loads((version / "manifest.json").read_text())
    manifest["files"]["bambi_model.cloudpickle"] = {
        "bytes": len(bomb),
        "sha256": hashlib.sha256(bomb).hexdigest(),
    }
    del manifest["sha256"]
    (version / "manifest.json").write_bytes(seal(manifest))

    served = subprocess.run(
        [sys.executable, "-c", SERVE, str(models)],
        cwd=ROOT, capture_output=True, text=True, check=False, env={**inherited(), "HOME": str(tmp_path)},
    )  # fmt: skip

    assert served.stdout == "unpickled []\n", served.stderr
    assert not mark.exists()


def test_hostile_columns_and_levels_in_the_table_are_data(server, tmp_path, warm):
    company = add_company(server, "hostile", n_clients=N_CLIENTS)
    execute(
        company,
        'ALTER TABLE feature_store ADD COLUMN "x""; DROP TABLE labels; --" text',
        "ALTER TABLE feature_store ALTER attr_b TYPE text USING CASE attr_b WHEN 'a' THEN "
        "'a''); DROP TABLE labels; --' ELSE attr_b END",
    )

    ended = train(company, tmp_path, program=warm)

    assert ended.code == 0, ended.said
    assert execute(company, "SELECT count(*) FROM labels") == [(N_CLIENTS,)]
    predictor = json.loads(next(tmp_path.glob("2*/predictor.json")).read_text())
    assert "a'); DROP TABLE labels; --" in json.dumps(predictor)
