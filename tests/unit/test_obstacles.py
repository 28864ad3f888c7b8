"""Each obstacle that a table may be in the way with says what is the matter and what to do."""

import pytest

from data_science.sources.postgres import obstacles


@pytest.mark.parametrize(
    ("obstacle", "kind"),
    [
        (obstacles.missing("t"), "missing"),
        (obstacles.no_grant("t"), "grant"),
        (obstacles.no_grant_on("t", ["a", "b"]), "grant"),
        (obstacles.no_grant_behind("t", "base", "owner"), "grant"),
        (obstacles.hidden("t", "base", "owner"), "hidden"),
        (obstacles.unpopulated("t", "base"), "empty"),
        (obstacles.out_of_reach("t", "far", "no server\nmore"), "foreign"),
        (obstacles.unready("t"), "empty"),
        (obstacles.empty("t"), "empty"),
        (obstacles.filling("t", "seen"), "filling"),
        (obstacles.changing("t", "it", 7), "filling"),
        (obstacles.silent(), "silent"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_waiting_may_mend_is_no_refused_login(obstacle, kind):
    assert (obstacle.kind, obstacle.login) == (kind, False)
    assert obstacle.what
    assert obstacle.remedy


def test_what_is_said_of_the_table_itself_is_not_said_of_a_table_that_it_reads():
    assert "which t reads" in obstacles.hidden("t", "base", "owner").what
    assert "which t reads" not in obstacles.hidden("t", "t", "owner").what
    assert "which t reads" in obstacles.unpopulated("t", "base").what
    assert "which t reads" not in obstacles.unpopulated("t", "t").what


def test_who_is_changing_a_table_is_named():
    assert "process 7" in obstacles.changing("t", "it", 7).remedy
    assert "pg_prepared_xacts" in obstacles.changing("t", "it", None).remedy
