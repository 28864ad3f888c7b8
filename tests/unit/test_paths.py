"""Folders as operators name them: `~` is the home folder wherever one is named, and a path outlives a `chdir`."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from serving_cases import ROW, predictor

from data_science import BayesianLogitModel
from data_science.errors import ArtifactError, SettingsError
from data_science.settings import Settings
from data_science.storage import artifact, manifest
from data_science.storage.writing import require_writable
from de import load
from deployment.settings import Settings as ServiceSettings
from deployment.settings import SettingsError as ServiceSettingsError

NOBODY = "~nobody-of-this-name/models"


@pytest.fixture(autouse=True)
def at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)


def save(folder):
    return artifact.save(
        folder, predictor=predictor(n_draws=17), diagnostics={}, model_card="", provenance={},
        writers={"posterior.nc": lambda path: path.write_bytes(b"a posterior")}, now=datetime(2026, 11, 22, tzinfo=UTC),
    )  # fmt: skip


def test_a_model_is_tried_for_stored_and_loaded_at_home(tmp_path):
    require_writable("~/models")
    path = save("~/models")

    assert path.parent == tmp_path / "home" / "models"
    assert artifact.load(Path("~/models")).path == path
    assert not (tmp_path / "~").exists()


@pytest.mark.parametrize("name", ["MODEL_FOLDER", "BOOK_CACHE", "DE_FILES", "DS_DB_PASSWORD_FILE"])
def test_every_folder_of_the_job_may_be_at_home(tmp_path, name):
    (tmp_path / "home" / "x").write_text("secret\n")
    settings = Settings.from_environment({name: "~/x"})

    found = {
        "MODEL_FOLDER": settings.model_folder,
        "BOOK_CACHE": settings.book_cache,
        "DE_FILES": settings.stand_in.files,
        "DS_DB_PASSWORD_FILE": settings.database.password,
    }[name]
    assert found in (tmp_path / "home" / "x", "secret")


@pytest.mark.parametrize("name", ["MODEL_FOLDER", "MLE_STORAGE"])
def test_every_folder_of_the_service_may_be_at_home(tmp_path, name):
    settings = ServiceSettings.read({name: "~/x"})

    assert getattr(settings, name.lower()) == tmp_path / "home" / "x"


def test_a_home_that_is_not_known_is_named_at_once():
    with pytest.raises(SettingsError, match=f"MODEL_FOLDER is '{NOBODY}'; expected a path"):
        Settings.from_environment({"MODEL_FOLDER": NOBODY})
    with pytest.raises(ServiceSettingsError, match=f"MODEL_FOLDER is '{NOBODY}'; expected a path"):
        ServiceSettings.read({"MODEL_FOLDER": NOBODY})
    for use in (save, artifact.load, require_writable):
        with pytest.raises(ArtifactError, match="names a home folder that does not exist here"):
            use(NOBODY)


@pytest.mark.parametrize("named", ["models", Path("models"), "./models/../models"])
def test_a_model_loaded_by_a_relative_path_still_has_its_files_after_chdir(tmp_path, monkeypatch, named):
    save("models")
    model, loaded = BayesianLogitModel(), artifact.load(named)
    model.load(named)

    monkeypatch.chdir(tmp_path / "home")

    assert model.predict_one(ROW) in (0, 1)
    assert manifest.read_listed(loaded.path, "posterior.nc", keep=True) == b"a posterior"


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_the_newline_at_the_end_of_a_password_is_no_part_of_it(tmp_path, end):
    (tmp_path / "secret").write_bytes(f" pass word{end}".encode())
    server = {"DB_HOSTNAME": "db", "DS_DB_USER": f"reader{end}"}

    for given in ({"DS_DB_PASSWORD": f" pass word{end}"}, {"DS_DB_PASSWORD_FILE": str(tmp_path / "secret")}):
        database = Settings.from_environment(server | given).database
        assert (database.user, database.password) == ("reader", " pass word")


def test_a_newline_inside_a_password_is_kept_and_shown_nowhere():
    settings = Settings.from_environment(
        {"DB_HOSTNAME": "db", "DS_DB_USER": "u", "DS_DB_PASSWORD": "pass\nword-of-mine"}
    )

    assert settings.database.password == "pass\nword-of-mine"
    assert "word-of-mine" not in repr(settings)
    with pytest.raises(SettingsError) as raised:
        Settings.from_environment({"DS_DB_PASSWORD": "pass\nword\0of-mine", "DB_PORT": "x"})
    assert "of-mine" not in str(raised.value)


@pytest.mark.parametrize(
    "given",
    [None, 3, b"models", ["models"], 0.5, "", " ", "a\0b", "\ud800", object()],
    ids=lambda one: "an object" if type(one) is object else repr(one),
)
def test_what_is_no_path_is_refused_as_a_folder_of_models_would_be(given):
    for use in (BayesianLogitModel().load, artifact.load, require_writable):
        with pytest.raises(ArtifactError, match=r"the model folder is .*(expected a path|Give another path)"):
            use(given)


@pytest.mark.parametrize("keep", [0, -1, "5", None, 2.5, True, [1]])
def test_a_number_of_versions_that_is_none_is_refused_before_anything_is_written(tmp_path, keep):
    with pytest.raises(SettingsError, match=r"keep is .*; expected a whole number of at least 1"):
        artifact.save(
            tmp_path, predictor=predictor(), diagnostics={}, model_card="", writers={}, provenance={},
            now=datetime.now(UTC), keep=keep,
        )  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_the_company_files_may_be_at_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))

    for way in (["--csv", "~/files"], ["--csv=~/files"]):
        assert load._arguments(way).csv == tmp_path / "files"
    monkeypatch.setenv("DE_FILES", "~/files")
    assert load._arguments([]).csv == tmp_path / "files"
    with pytest.raises(SystemExit):
        load._arguments(["--csv=~no-such-user/files"])


#: As env files and compose files hold them, which no shell reads.
NO_PATHS = [
    "$HOME/models", "${HOME}/models", "${MODELS:-models}", "%USERPROFILE%\\\\models", "'models'", '"models"', ' "/models" ',
    "file:///models", "s3://bucket/models", "https://host/models", "postgresql:/h",
    "models/$RUN", "a/%USER%", "/srv/%USER%/models", "/srv/run-${RUN}", "a\\$RUN",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_PATHS)
def test_what_a_shell_or_a_library_would_have_to_read_is_no_folder_and_is_refused_at_once(text):
    for name in ("MODEL_FOLDER", "BOOK_CACHE", "DE_FILES"):
        with pytest.raises(SettingsError, match=f"{name} is .*expected a path without"):
            Settings.from_environment({name: text})
    for name in ("MODEL_FOLDER", "MLE_STORAGE"):
        with pytest.raises(ServiceSettingsError, match=f"{name} is .*expected a path without"):
            ServiceSettings.read({name: text})


@pytest.mark.parametrize(
    "text", ["models", "./models", "/a b/c$d", "C$", "it's", "a:b", "100%", "x/%n", "modèles"]
)
def test_any_other_path_is_one(text):
    assert Settings.from_environment({"MODEL_FOLDER": text}).model_folder == Path(text)
    assert ServiceSettings.read({"MODEL_FOLDER": text}).model_folder == Path(text).absolute()
