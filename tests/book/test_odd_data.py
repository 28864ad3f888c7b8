"""Books of data that nobody expected, built as `make book` does: no crash, no broken page."""

import subprocess
import sys
from contextlib import closing

import pytest

from de.embedded import embedded_company
from de.load import process_data
from tests.book.conftest import REPOSITORY
from tests.environment import inherited

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_200)]

ODD = {
    "names that could be markup, mathematics or too long": [
        "UPDATE stores SET location = 'Cash$ & Carry_$' WHERE idx = 1",
        "UPDATE stores SET location = '\u5317\u4eac \N{GRINNING FACE}' WHERE idx = 2",
        "UPDATE stores SET location = repeat('a very long name ', 9) WHERE idx = 3",
        "UPDATE customer_profiles SET attr_b = '$' WHERE idx < 30",
    ],
    "a level with one client, a tiny scale, half a month of sales": [
        "UPDATE customer_profiles SET attr_b = 'z' WHERE idx = 3",
        "UPDATE customer_activity SET scd_a = scd_a * 0.001",
        "DELETE FROM sales WHERE date >= '2020-01-16'",
    ],
    "most labels are 1, and one client is far out": [
        "UPDATE labels SET label = CASE WHEN idx % 10 < 7 THEN 1 ELSE 0 END",
        "UPDATE customer_activity SET scd_a = 1e6 WHERE idx = 5",
    ],
}


@pytest.mark.parametrize("statements", ODD.values(), ids=ODD)
def test_a_book_of_odd_data_is_built(statements, tmp_path):
    with embedded_company("signal", 400) as company:
        with closing(company.connect()) as connection:
            with connection, connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
            process_data(connection)
        command = [sys.executable, "-m", "book.build", "html", "--output", str(tmp_path / "html")]
        command += ["--cache", str(tmp_path / "cache"), "--models", str(tmp_path / "models")]
        environ = {**inherited(), **company.environment(), "WAIT_TIMEOUT_S": "60"}

        done = subprocess.run(
            command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=False
        )

    assert done.returncode == 0, done.stderr[-5_000:]
    assert (tmp_path / "html" / "index.html").exists()
