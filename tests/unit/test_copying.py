"""How columns are written for COPY, and what arrives is kept, without a server."""

import pytest

from data_science.sources.postgres import copying
from data_science.sources.postgres.relations import Column


class Supervised:
    def __init__(self):
        self.n_heard = 0

    def heard(self):
        self.n_heard += 1


def test_bytes_that_arrive_are_kept_and_are_signs_of_life():
    supervised = Supervised()
    content = copying._Listening(supervised)

    assert content.write(b"1,a\n") == 4
    assert content.write(b"2,b\n") == 4
    assert content.getvalue() == b"1,a\n2,b\n"
    assert supervised.n_heard == 2


@pytest.mark.parametrize(
    ("sql_type", "written"),
    [
        ("real", "Composed([Identifier('x'), SQL('::double precision')])"),
        ("double precision", "Identifier('x')"),
    ],
)
def test_a_real_is_written_with_all_its_digits(sql_type, written):
    assert repr(copying._exactly(Column("x", sql_type, readable=True, is_text=True))) == written
