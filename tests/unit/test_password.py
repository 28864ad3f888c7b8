"""Where the password of the database comes from, and that it shows nowhere."""

import pytest

from data_science.errors import SettingsError
from data_science.settings import VARIABLES, Settings

REMOTE = {"DB_HOSTNAME": "operational-db", "DS_DB_USER": "reader", "DS_DB_PASSWORD": "s3cret-word"}


def test_a_database_without_a_password_is_refused_before_anything_connects():
    with pytest.raises(SettingsError, match=r"DS_DB_PASSWORD is unset; .* or DS_DB_PASSWORD_FILE"):
        Settings.from_environment({"DB_HOSTNAME": "db", "DS_DB_USER": "reader"})


def test_the_password_may_come_from_a_file_without_its_final_newline(tmp_path):
    file = tmp_path / "password"
    file.write_text(" a b \n", encoding="utf-8")

    settings = Settings.from_environment(
        {"DB_HOSTNAME": "db", "DS_DB_USER": "reader", "DS_DB_PASSWORD_FILE": str(file)}
    )

    assert settings.database.password == " a b "


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_byte_order_mark_before_a_password_is_no_part_of_it(tmp_path, mark, end):
    file = tmp_path / "password"
    file.write_bytes(f"{mark}\ufeffh\u00fcsh{end}".encode() if mark else f"h\u00fcsh{end}".encode())

    settings = Settings.from_environment(
        {"DB_HOSTNAME": "db", "DS_DB_USER": "reader", "DS_DB_PASSWORD_FILE": str(file)}
    )

    assert settings.database.password == ("\ufeffh\u00fcsh" if mark else "h\u00fcsh")  # one mark, not two


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read .No such file or directory."),
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\xff\xfe", "not UTF-8 text"),
        (b"hush\0hush", "not UTF-8 text without NUL"),
    ],
    ids=["absent", "empty", "a mark only", "not text", "with NUL"],
)
def test_a_password_file_that_cannot_serve_is_named(tmp_path, content, message):
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SettingsError, match=f"DS_DB_PASSWORD_FILE is .*{message}") as caught:
        Settings.from_environment(
            {"DB_HOSTNAME": "db", "DS_DB_USER": "reader", "DS_DB_PASSWORD_FILE": str(file)}
        )

    assert "hush" not in str(caught.value)


def test_two_sources_for_the_password_are_refused_as_ambiguous(tmp_path):
    with pytest.raises(SettingsError, match="both set; expected only one"):
        Settings.from_environment(REMOTE | {"DS_DB_PASSWORD_FILE": str(tmp_path / "password")})


def test_the_published_default_that_compose_passes_beside_a_file_is_not_a_second_source(tmp_path):
    (tmp_path / "password").write_text("hush")
    given = REMOTE | {"DS_DB_PASSWORD": "ds_user", "DS_DB_PASSWORD_FILE": str(tmp_path / "password")}

    assert Settings.from_environment(given).database.password == "hush"


def test_the_password_shows_in_no_repr_and_no_error():
    with pytest.raises(SettingsError, match=r"DS_DB_PASSWORD is the given value \(not shown\)") as caught:
        Settings.from_environment(REMOTE | {"DS_DB_PASSWORD": "s3cret\0word"})

    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(Settings.from_environment(REMOTE))


URLS = [
    "postgresql://reader:p1xel@db/companydata",
    "postgres://reader:p1xel@db",
    "jdbc:postgresql://db/x?user=reader&password=p1xel",
    "host=db password=p1xel",
    "postgresql+psycopg2://:p1xel@/x",
]


@pytest.mark.parametrize("url", URLS)
def test_a_url_with_a_password_in_any_variable_is_never_shown(url):
    for variable in VARIABLES:
        said = shown_of(REMOTE | {variable.name: url})

        assert "p1xel" not in said, variable.name
        if variable.name in ("DB_HOSTNAME", "DB_NAME", "DS_DB_USER"):
            assert f"{variable.name} is the given value (not shown); expected" in said


def shown_of(environ):
    try:
        return repr(Settings.from_environment(environ).database)
    except SettingsError as error:
        return str(error)


@pytest.mark.parametrize(
    "name", ["db", "db.example.com", "::1", "/var/run/postgresql", "a,b", "Bär 7", "u@server"]
)
def test_what_may_be_a_name_is_one(name):
    for variable in ("DB_HOSTNAME", "DB_NAME", "DS_DB_USER"):
        Settings.from_environment(REMOTE | {variable: name})
