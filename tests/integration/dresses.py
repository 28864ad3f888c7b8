"""Many dresses of one feature_store in one database: each in a schema of its own, which is what ds_user sees."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count

import pandas as pd
import psycopg2

from data_science.errors import DatabaseError
from data_science.settings import DatabaseSettings, Settings
from data_science.sources.postgres import feature_store
from data_science.sources.postgres.waiting import Patience
from de.embedded import Coordinates

COLUMNS = "idx, attr_a, attr_b, scd_a, scd_b, label"
AT_ONCE = Patience(quiet_s=0, short_quiet_s=0)


class Wardrobe:
    """A database whose feature_store can be had in other dresses; ``public.original`` holds the rows."""

    def __init__(self, company: Coordinates) -> None:
        self.company = company
        self.rows = self.run(f"SELECT {COLUMNS} FROM public.original ORDER BY idx")
        self._names = (f"dress_{number}" for number in count())
        self.schema = "public"

    def run(self, *statements: str, user: str = "admin") -> list[tuple]:
        """Execute statements as a user, in the schema of the present dress; return the last one's rows."""
        schema = getattr(self, "schema", "public")
        with closing(self.company.connect(user)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(f"SET search_path = {schema}, public")
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def put_on(self, *statements: str) -> None:
        """Make another dress: statements that make feature_store from ``original``."""
        self.schema = next(self._names)
        name = self.company.database
        self.run(
            f"CREATE SCHEMA {self.schema}; GRANT USAGE ON SCHEMA {self.schema} TO PUBLIC;"
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA {self.schema} GRANT SELECT ON TABLES TO ds_user_role;"
            f"ALTER ROLE ds_user IN DATABASE {name} SET search_path = {self.schema}, public"
        )
        self.run(*statements)

    @contextmanager
    def writing(self, *statements: str) -> Iterator[None]:
        """Run statements in a transaction that is not committed while the block runs."""
        with closing(self.company.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"SET search_path = {self.schema}, public")
            for statement in statements:
                cursor.execute(statement)
            yield
            connection.rollback()

    @property
    def settings(self) -> DatabaseSettings:
        """Those of ds_user."""
        return Settings.from_environment(self.company.environment()).database

    def read(self, **changes: object) -> pd.DataFrame:
        """Read feature_store as it is now, in the order of idx."""
        frame = feature_store.get_dataset(self.settings, 0.0, patience=AT_ONCE)
        return frame.sort_values("idx", ignore_index=True)

    def obstacle(self) -> str | None:
        """What is in the way now; None if the table is read."""
        try:
            self.read()
        except DatabaseError as error:
            return str(error)
        return None

    def shows_all(self) -> bool:
        """Whether the promised columns are read, all rows of them and as they stand in the original."""
        found = self.read()[COLUMNS.split(", ")]
        return list(found.itertuples(index=False, name=None)) == self.rows


def may_copy(wardrobe: Wardrobe) -> bool:
    """Whether ds_user may read what the model needs, as PostgreSQL sees it."""
    try:
        wardrobe.run(f"SELECT {COLUMNS} FROM feature_store", user="ds_user")
    except psycopg2.errors.InsufficientPrivilege:
        return False
    return True
