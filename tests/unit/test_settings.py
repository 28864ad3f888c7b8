"""What the environment may say, and what is said back when it is wrong."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from data_science import Costs, FitSettings
from data_science.errors import SettingsError
from data_science.settings import VARIABLES, DatabaseSettings, Settings, StandInSettings

REMOTE = {"DB_HOSTNAME": "operational-db", "DS_DB_USER": "reader", "DS_DB_PASSWORD": "s3cret-word"}
NAMES = [variable.name for variable in VARIABLES]


def test_an_empty_environment_gives_the_documented_defaults():
    settings = Settings.from_environment({})

    assert settings == Settings()
    assert settings.database == DatabaseSettings(
        user="ds_user", password="ds_user", hostname=None, port=5432, name="companydata", sslmode="prefer"
    )


def test_every_variable_reaches_its_setting():
    settings = Settings.from_environment(
        REMOTE
        | {
            "SOURCE": "postgres",
            "DB_PORT": "6543",
            "DB_NAME": "other",
            "DB_SSLMODE": "require",
            "WAIT_TIMEOUT_S": "1.5",
            "MODEL_FOLDER": "/srv/models",
            "MODEL_OWNER": "the analysts",
            "KEEP_MODELS": "2",
            "ENGINE": "nested-laplace",
            "SECOND_OPINION": "no",
            "EXACT": "TRUE",
            "SEED": "0",
            "DRAWS": "10",
            "TUNE": "20",
            "CHAINS": "2",
            "COST_FALSE_POSITIVE": "0.5",
            "COST_FALSE_NEGATIVE": "1e3",
            "DE_SCENARIO": "signal",
            "DE_CLIENTS": "300",
            "DE_SEED": "9",
        }
    )

    assert settings.database == DatabaseSettings(
        "reader", "s3cret-word", "operational-db", 6543, "other", "require"
    )
    assert settings.wait_timeout_s == 1.5
    assert settings.owner == "the analysts"
    assert settings.model_folder == Path("/srv/models")
    assert (settings.keep, settings.engine, settings.second_opinion, settings.exact) == (
        2,
        "nested-laplace",
        False,
        True,
    )
    assert (settings.seed, settings.draws, settings.tune, settings.chains) == (0, 10, 20, 2)
    assert (settings.cost_false_positive, settings.cost_false_negative) == (0.5, 1000.0)
    stand_in = settings.stand_in
    assert (stand_in.scenario, stand_in.clients, stand_in.seed) == ("signal", 300, 9)


@pytest.mark.parametrize("name", NAMES)
def test_a_blank_variable_counts_as_unset(name):
    assert Settings.from_environment({name: " "}) == Settings()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("DB_PORT", "five", "DB_PORT is 'five'; expected a whole number from 1 to 65535"),
        ("DB_PORT", "0", "DB_PORT is '0'"),
        ("DB_PORT", "65536", "DB_PORT is '65536'"),
        ("DB_PORT", "5_432", "DB_PORT is '5_432'"),
        ("DB_PORT", "9" * 5000, "DB_PORT is '9999"),
        (
            "DB_HOSTNAME",
            "a\nb",
            r"DB_HOSTNAME is 'a\\nb'; expected printable text, the name alone: no URL, and no",
        ),
        ("DB_SSLMODE", "yes", "DB_SSLMODE is 'yes'; expected one of disable, allow, prefer, require"),
        ("WAIT_TIMEOUT_S", "nan", "WAIT_TIMEOUT_S is 'nan'; expected a finite number of at least 0"),
        ("WAIT_TIMEOUT_S", "-1", "WAIT_TIMEOUT_S is '-1'"),
        ("WAIT_TIMEOUT_S", "\N{ARABIC-INDIC DIGIT THREE}", "expected a finite number of at least 0"),
        ("COST_FALSE_POSITIVE", "\N{FULLWIDTH DIGIT TWO}", "expected a finite number above 0"),
        ("COST_FALSE_NEGATIVE", "1_0", "COST_FALSE_NEGATIVE is '1_0'"),
        ("WAIT_TIMEOUT_S", "10m", "WAIT_TIMEOUT_S is '10m'"),
        ("MODEL_FOLDER", "a\0b", "MODEL_FOLDER is .*expected a path"),
        ("KEEP_MODELS", "0", "KEEP_MODELS is '0'; expected a whole number from 1"),
        ("SOURCE", "oracle", "SOURCE is 'oracle'; expected one of postgres"),
        ("ENGINE", "Nuts", "ENGINE is 'Nuts'; expected one of nuts, nested-laplace"),
        ("EXACT", "2", "EXACT is '2'; expected one of 1, true"),
        ("SEED", "1.0", "SEED is '1.0'"),
        ("COST_FALSE_POSITIVE", "0", "COST_FALSE_POSITIVE is '0'; expected a finite number above 0"),
        ("COST_FALSE_NEGATIVE", "inf", "COST_FALSE_NEGATIVE is 'inf'"),
        ("DE_SCENARIO", "noise", "DE_SCENARIO is 'noise'; expected one of no-signal, signal"),
    ],
)
def test_a_malformed_value_is_named_with_what_was_expected(name, value, message):
    with pytest.raises(SettingsError, match=message):
        Settings.from_environment(REMOTE | {name: value})


BOUNDS = {
    "DB_PORT": (1, 65_535),
    "KEEP_MODELS": (1, 1_000_000),
    "SEED": (0, 2**32 - 1),
    "DRAWS": (1, 1_000_000),
    "TUNE": (1, 1_000_000),
    "CHAINS": (1, 1_000),
    "DE_CLIENTS": (1, 100_000_000),
    "DE_SEED": (0, 2**32 - 1),
}


@pytest.mark.parametrize(("name", "bounds"), BOUNDS.items(), ids=BOUNDS)
def test_a_whole_number_may_be_anything_between_its_bounds_and_nothing_else(name, bounds):
    def read(value):
        found = Settings.from_environment({name: str(value)})
        places = {
            "DB_PORT": found.database.port,
            "KEEP_MODELS": found.keep,
            "DE_CLIENTS": found.stand_in.clients,
            "DE_SEED": found.stand_in.seed,
        }
        return places.get(name, getattr(found, name.lower(), None))

    low, high = bounds
    assert [read(low), read(high)] == [low, high]
    for beyond in (low - 1, high + 1):
        with pytest.raises(
            SettingsError, match=f"{name} is '{beyond}'; expected a whole number from {low} to {high}"
        ):
            read(beyond)


@pytest.mark.parametrize(
    ("name", "least", "refused"),
    [
        ("WAIT_TIMEOUT_S", "0", "-0.001"),
        ("COST_FALSE_POSITIVE", "1e-9", "0"),
        ("COST_FALSE_NEGATIVE", "1e-9", "0.0"),
    ],
)
def test_a_number_may_be_as_small_as_it_makes_sense(name, least, refused):
    assert getattr(Settings.from_environment({name: least}), name.lower()) == float(least)
    for value in (refused, "1_0", "inf", "nan"):
        with pytest.raises(SettingsError, match=name):
            Settings.from_environment({name: value})


@pytest.mark.parametrize("name", ["SECOND_OPINION", "EXACT"])
@pytest.mark.parametrize(
    ("text", "value"),
    [("1", True), ("true", True), ("Yes", True), ("0", False), ("FALSE", False), ("no", False)],
)
def test_a_flag_is_read_in_each_of_its_spellings(name, text, value):
    assert getattr(Settings.from_environment({name: text}), name.lower()) is value


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ENGINE", ("nuts", "nested-laplace")),
        ("DE_SCENARIO", ("no-signal", "signal")),
        ("DB_SSLMODE", ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")),
    ],
)
def test_each_option_of_a_choice_is_taken(name, options):
    for option in options:
        found = Settings.from_environment({name: option})
        assert option in (found.engine, found.stand_in.scenario, found.database.sslmode)


def test_what_surrounds_a_value_is_dropped_but_not_from_a_password():
    environment = REMOTE | {"DS_DB_PASSWORD": " s3cret ", "SEED": " 7 ", "BOOK_CACHE": " /cache "}

    settings = Settings.from_environment(environment)

    assert (settings.seed, settings.book_cache) == (7, Path("/cache"))
    assert settings.database.password == " s3cret "


@pytest.mark.parametrize("name", ["DS_DB_PASSWORD"])
def test_only_the_password_is_a_secret(name):
    assert [variable.name for variable in VARIABLES if variable.secret] == [name]


@pytest.mark.parametrize("missing", ["DS_DB_USER", "DS_DB_PASSWORD"])
def test_each_of_user_and_password_is_required_for_a_real_server_only(missing):
    given = {name: value for name, value in REMOTE.items() if name != missing}

    with pytest.raises(SettingsError, match=f"- {missing} is unset") as caught:
        Settings.from_environment(given)

    assert len(str(caught.value).splitlines()) == 2
    del given["DB_HOSTNAME"]
    assert Settings.from_environment(given).database.hostname is None


def test_the_defaults_are_those_that_are_documented():
    assert Settings() == Settings(
        DatabaseSettings("ds_user", "ds_user", None, 5432, "companydata", "prefer"),
        StandInSettings("no-signal", 150_000, 1),
        Path("models"), 5, "nuts", True, False, 1, 2000, 500, 4, 1.0, 1.0, None, Path("book/_build/cache"),
    )  # fmt: skip


def test_the_default_that_is_shown_is_the_one_that_is_taken():
    shown = {variable.name: variable.default for variable in VARIABLES}

    assert Settings.from_environment(shown | {"DB_HOSTNAME": ""}) == Settings()
    assert shown["DS_DB_PASSWORD"] == shown["WAIT_TIMEOUT_S"] == shown["DB_HOSTNAME"] == ""


def test_a_fit_has_one_set_of_defaults_whoever_asks_for_it():
    assert Settings().fit == FitSettings()
    assert Settings().costs == Costs()


def test_the_job_hands_each_of_its_settings_on_to_the_fit_and_the_costs():
    settings = Settings(
        engine="nested-laplace", second_opinion=False, exact=True, seed=2, draws=3, tune=4, chains=5,
        cost_false_positive=6, cost_false_negative=7,
    )  # fmt: skip

    assert settings.fit == FitSettings("nested-laplace", False, True, 2, 3, 4, 5)
    assert settings.costs == Costs(6, 7)


def test_all_problems_are_reported_at_once():
    with pytest.raises(SettingsError, match="invalid environment variables") as caught:
        Settings.from_environment({"DB_HOSTNAME": "db", "DB_PORT": "x", "SEED": "y"})

    for name in ("DS_DB_USER", "DS_DB_PASSWORD", "DB_PORT", "SEED"):
        assert f"- {name} is" in str(caught.value)


# The first text that hypothesis draws loads its table of Unicode, which is slow and not our doing.
@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=40) | st.sampled_from(["1", "0.5", "nuts"])))
def test_any_environment_gives_settings_or_one_settings_error(environ):
    with contextlib.suppress(SettingsError):
        settings = Settings.from_environment(environ)
        assert 1 <= settings.database.port <= 65_535
