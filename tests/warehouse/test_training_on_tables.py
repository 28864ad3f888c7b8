"""A table of an engine trains the model of its rows: from sums per cell, or fetched, or refused."""

import io

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_science import (
    ArtifactError,
    BayesianLogitModel,
    FitSettings,
    GateError,
    ModelSpecification,
    Prior,
    SchemaError,
    SettingsError,
    compare,
)
from data_science.examples import clients
from data_science.fitting.posterior_on import posed
from data_science.formula import design
from data_science.formula.training_data import validated as frame_validated
from data_science.likelihood import binomial
from data_science.likelihood.compression import compress, weighted_sums
from data_science.likelihood.linear_predictor import linear_predictor
from data_science.likelihood.log_joint import Statistics
from data_science.likelihood.separation import SeparationError
from data_science.warehouse import tallying, training
from data_science.warehouse.relation import Relation

TYPES = {
    "idx": "int64",
    "attr_a": "int64",
    "attr_b": "string",
    "scd_a": "float64",
    "scd_b": "int64",
    "label": "int64",
}
SQL = {"int64": "bigint", "string": "text", "float64": "double precision", "decimal": "numeric"}
SETTINGS = FitSettings(engine="nested-laplace", draws=500)


@pytest.fixture(autouse=True)
def _few_rows_are_many(monkeypatch):
    monkeypatch.setattr(tallying, "FEW", 2_000)
    monkeypatch.setattr(training, "FEW", 2_000)


@pytest.fixture(scope="module")
def rows():
    return clients(40_000)


@pytest.fixture(scope="module")
def duckdb():
    connection = ibis.duckdb.connect()

    def hold(frame):
        connection.con.register("given", frame)
        connection.raw_sql("CREATE OR REPLACE TABLE clients AS SELECT * FROM given")
        connection.con.unregister("given")
        return connection.table("clients")

    return hold


@pytest.fixture
def on_postgres(postgres):
    """Hold a frame in a table and ask by text, as the job does with its own connection."""

    def hold(frame, **other):
        types = TYPES | other
        columns = ", ".join(f'"{name}" {SQL[types[name]]}' for name in frame)
        postgres(f"DROP TABLE IF EXISTS held; CREATE TABLE held ({columns})")
        text = io.StringIO(frame.to_csv(index=False, header=False, na_rep="\\N"))
        postgres.cursor.copy_expert("COPY held FROM STDIN WITH (FORMAT csv, NULL '\\N')", text)

        def run(query):
            found = postgres(query)
            return pd.DataFrame(found, columns=[one.name for one in postgres.cursor.description])

        table = ibis.table({name: types[name] for name in frame}, name="held")
        return Relation.as_text(table, "postgres", run)

    return hold


@pytest.fixture(params=["duckdb", "postgres"])
def hold(request, duckdb):
    """Hold a frame in an engine and return the relation."""
    if request.param == "postgres":
        return request.getfixturevalue("on_postgres")
    return lambda frame: Relation.of(duckdb(frame))


@pytest.fixture(scope="module")
def on_rows(rows):
    model = BayesianLogitModel(settings=SETTINGS)
    model.fit(rows)
    return model


def test_a_table_gives_the_posterior_and_the_verdict_of_its_rows(rows, duckdb, on_rows):
    model = BayesianLogitModel(settings=SETTINGS)

    report = model.fit(duckdb(rows))

    found, expected = model.summary(), on_rows.summary()
    assert (np.abs(found["mean"] - expected["mean"]) < 1e-9 * expected["sd"]).all()
    np.testing.assert_allclose(found["sd"], expected["sd"], rtol=1e-9)
    assert report.dataset.n_rows == 40_000
    assert report.verdict.features == on_rows.verdict.features
    assert report.verdict.form == on_rows.verdict.form
    assert report.verdict.sentences[0] == on_rows.verdict.sentences[0]
    assert report.verdict.elpd_diff == pytest.approx(on_rows.verdict.elpd_diff, abs=0.01)
    assert report.verdict.labels == pytest.approx(on_rows.verdict.labels, rel=1e-9)
    assert "observed_data" not in model.posterior
    with pytest.raises(ArtifactError, match="trained on sums of a table that stayed in its engine"):
        model.bambi(rows)


@pytest.mark.parametrize(
    "formula",
    [
        "label ~ 1 + scd_a + scd_b + (1 | attr_a) + (1 | attr_b)",
        "label ~ scd_a * attr_b + offset(scd_b) + (scd_a | attr_a)",
        "label ~ scd_b + (1 | attr_a:attr_b)",
    ],
)
def test_nodes_and_sums_are_those_of_the_rows(rows, hold, formula):
    specification = ModelSpecification(formula)
    learned = design.learn(specification, frame_validated(rows, specification, None).frame)
    encoded = design.encode(learned, rows)
    coefficients = np.random.default_rng(1).normal(size=learned.encoding.n_coefficients) / 3

    table = training.validated(hold(rows), specification).frame

    assert table.learned(specification).encoding == learned.encoding
    for name, sd in learned.sds.items():
        assert table.learned(specification).sds[name] == pytest.approx(sd, rel=1e-12)
        assert table.learned(specification).means[name] == pytest.approx(learned.means[name], rel=1e-12)
    tallied = table.encoded(learned)
    found, expected = (Statistics.of(learned.encoding, some) for some in (tallied, encoded))
    for sums in ("successes", "first", "second"):
        np.testing.assert_allclose(getattr(found, sums), getattr(expected, sums), rtol=1e-12)
    assert (found.total_successes, found.n_rows) == (pytest.approx(expected.total_successes), 40_000)
    for n_nodes in (4, 6):
        column = "scd_a" if "scd_a" in formula else None
        ours, theirs = (_sorted(compress(some, column, n_nodes)) for some in (tallied, encoded))
        np.testing.assert_allclose(ours, theirs, rtol=1e-11)
    p = binomial.probability(linear_predictor(learned.encoding, encoded, coefficients[:, None])[:, 0])
    np.testing.assert_allclose(
        table.expected(learned.encoding, coefficients),
        weighted_sums(learned.encoding, encoded, p),
        rtol=1e-11,
    )
    places = np.linspace(0, len(rows) - 1, 2_000).astype(int)
    np.testing.assert_allclose(table.sample["scd_b"], rows["scd_b"].iloc[places])
    assert table.sample.columns.isin(rows.columns).all()


def _sorted(cells):
    columns = [*cells.codes.values(), *cells.numeric.values(), cells.weights]
    found = np.column_stack(columns)
    return found[np.lexsort(np.round(found, 6).T[::-1])]


FAULTS = {
    "attr_a": ([3, 5], np.nan),
    "attr_b": ([7, 11, 13], " a"),
    "scd_a": ([17], np.inf),
    "label": ([23, 29], 2),
}


def test_faults_are_said_in_the_words_of_a_frame(rows, hold):
    frame = rows.head(5_000).copy()
    for name, (places, value) in FAULTS.items():
        frame.loc[places, name] = value
    frame = frame.astype({"label": "int64"})
    with pytest.raises(SchemaError) as expected:
        frame_validated(frame, ModelSpecification(), None)

    with pytest.raises(SchemaError) as found:
        training.validated(hold(frame.astype({"attr_a": "Int64"})), ModelSpecification())

    assert sorted(str(found.value).splitlines()) == sorted(str(expected.value).splitlines())
    assert len(str(found.value).splitlines()) == 1 + len(FAULTS)


def test_values_that_are_no_numbers_are_counted_in_a_table_and_in_a_file(duckdb, tmp_path):
    """DuckDB answers comparisons by a file's statistics, which leave NaN out."""
    values = np.linspace(-1, 1, 3_000)
    values[[1, 5, 9]], values[[2, 7]] = np.nan, np.inf
    held = pa.table({"y": np.arange(3_000) % 2, "x": pa.array(values, from_pandas=False)})
    pq.write_table(held, tmp_path / "held.parquet")

    for table in (duckdb(held), ibis.duckdb.connect().read_parquet(tmp_path / "held.parquet")):
        with pytest.raises(SchemaError) as found:
            training.validated(Relation.of(table), ModelSpecification("y ~ x"))

        assert "x: NULL or NaN in 3 of 3000 rows" in str(found.value)
        assert "x: an infinite value in 2 of 3000 rows" in str(found.value)


def test_a_repeated_key_is_refused(rows, hold):
    frame = rows.head(5_000).copy()
    frame.loc[[10, 20], "idx"] = 4
    with pytest.raises(SchemaError) as expected:
        frame_validated(frame, ModelSpecification(), None)

    with pytest.raises(SchemaError) as found:
        training.validated(hold(frame), ModelSpecification())

    assert str(found.value) == str(expected.value)


def test_a_missing_key_is_refused(rows, hold):
    frame = rows.head(5_000).assign(idx=lambda f: f["idx"].astype("Int64").mask(f["idx"] == 7))

    with pytest.raises(SchemaError, match="idx: NULL or NaN in 1 of 5000 rows; expected a value"):
        training.validated(hold(frame), ModelSpecification())


def test_decimals_are_numbers(rows, on_postgres):
    specification = ModelSpecification("label ~ scd_a")
    frame = rows.head(5_000).round({"scd_a": 9})

    found = training.validated(on_postgres(frame, scd_a="decimal"), specification).frame

    assert found.continuous == "scd_a"
    expected = design.learn(specification, frame)
    assert found.learned(specification).sds["scd_a"] == pytest.approx(expected.sds["scd_a"], rel=1e-12)


def test_without_a_key_no_first_row_is_named(rows, duckdb):
    frame = rows.head(5_000).assign(scd_a=lambda f: f["scd_a"].mask(f.index == 9))

    with pytest.raises(SchemaError, match="scd_a: NULL or NaN in 1 of 5000 rows; expected a value"):
        BayesianLogitModel(ModelSpecification("label ~ scd_a"), settings=SETTINGS).fit(duckdb(frame))


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        ("label ~ scd_a + z", "scd_a and z are continuous"),
        ("label ~ log(scd_a)", r"log\(scd_a\) is a function of columns"),
        ("label ~ scd_a + offset(log(scd_b))", r"log\(scd_b\)\) is a function of columns"),
        ("p(label, scd_b) ~ scd_a", r"label counts trials"),
    ],
)
def test_what_needs_rows_is_fetched_if_it_is_small_and_refused_by_name_otherwise(
    rows, duckdb, formula, reason, monkeypatch
):
    frame = rows.head(5_000).assign(
        z=np.random.default_rng(1).random(5_000), scd_a=lambda f: f["scd_a"] + 0.1
    )
    relation, specification = Relation.of(duckdb(frame)), ModelSpecification(formula)

    fetched = training.validated(relation, specification).frame

    used = [*specification.columns, *specification.response.wanted]
    pd.testing.assert_frame_equal(fetched[used], frame_validated(frame, specification, None).frame[used])
    monkeypatch.setattr(training, "MOST_FETCHED", 4_999)
    with pytest.raises(SettingsError, match=f"5,000 rows, which stay in their engine, and .*{reason}"):
        training.validated(relation, specification)


@pytest.mark.parametrize("n_before", [2, 4])
def test_a_table_that_changes_between_statements_is_refused(rows, duckdb, n_before):
    found, asked = Relation.of(duckdb(rows)), []

    def ask(query):
        if len(asked) == n_before:
            duckdb(rows.head(39_000))
        asked.append(query)
        return found.ask(query)

    with pytest.raises(SchemaError, match="had 40,000 rows, then 39,000"):
        training.validated(Relation(found.table, found.dialect, ask), ModelSpecification("label ~ scd_a"))


def test_rows_are_fetched_or_copied_where_nodes_are_not_good_enough(rows, duckdb, monkeypatch):
    def not_enough(*_, **__):
        raise GateError("6 nodes would change the posterior")

    monkeypatch.setattr(training, "compress_tallied", not_enough)
    relation, specification = Relation.of(duckdb(rows)), ModelSpecification("label ~ scd_a")

    assert len(training.validated(relation, specification).frame) == 40_000

    monkeypatch.setattr(training, "MOST_FETCHED", 4_999)
    with pytest.raises(SettingsError, match="6 nodes would change the posterior; expected a formula"):
        training.validated(relation, specification)
    copying = Relation(relation.table, relation.dialect, relation.ask, lambda: rows.head(30_000))
    assert len(training.validated(copying, specification).frame) == 30_000


def test_the_check_of_all_rows_is_asked_for_once(rows, duckdb):
    found, asked = Relation.of(duckdb(rows)), []
    relation = Relation(found.table, found.dialect, lambda query: asked.append(query) or found.ask(query))
    specification = ModelSpecification("label ~ scd_a")
    table = training.validated(relation, specification, settings=SETTINGS).frame
    n_asked = len(asked)

    posed(table, specification, SETTINGS)

    assert len(asked) == n_asked == 5


def test_separation_is_seen_in_the_outermost_rows(rows, duckdb):
    flat = {"common": Prior("Normal", mu=0, sigma=1e6)}
    specification = ModelSpecification("label ~ scd_a", priors=flat)
    above = rows.assign(label=(rows["scd_a"] > rows["scd_a"].mean()).astype(int))
    mixed = above.assign(label=above["label"].where(above["scd_a"] != above["scd_a"].min(), 1))

    with pytest.raises(SeparationError, match="scd_a separates the response"):
        training.validated(Relation.of(duckdb(above)), specification)

    training.validated(
        Relation.of(duckdb(mixed)), specification
    )  # one row contradicts, although no node does


def test_candidates_are_compared_on_the_rows_of_a_table(rows, duckdb, monkeypatch):
    candidates = [ModelSpecification("label ~ 1"), ModelSpecification("label ~ scd_b")]
    frame = rows.head(3_000)

    found = compare(candidates, duckdb(frame), settings=SETTINGS, expand=False)

    pd.testing.assert_frame_equal(
        found.table, compare(candidates, frame, settings=SETTINGS, expand=False).table
    )
    monkeypatch.setattr(training, "MOST_FETCHED", 2_999)
    with pytest.raises(SettingsError, match="3,000 rows, and comparing candidates needs them here"):
        compare(candidates, duckdb(frame))
