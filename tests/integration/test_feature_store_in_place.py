"""A large `feature_store` stays in its database: the job asks for sums, and finds what a copy would give."""

import numpy as np
import pytest

from data_science import FitSettings, ModelSpecification
from data_science.data.dataset import FEATURE_STORE
from data_science.data.queried import Queried
from data_science.fitting.posterior_on import posterior_on
from data_science.formula.training_data import validated
from data_science.settings.job import Settings
from data_science.sources.postgres import feature_store, in_place
from data_science.warehouse import tallying, training, training_door

SPECIFICATION = ModelSpecification()
QUICK = FitSettings(engine="nested-laplace", draws=250)


@pytest.fixture(autouse=True)
def _few_rows_are_many(monkeypatch):
    monkeypatch.setattr(in_place, "LEAST_ROWS", 1_000)
    monkeypatch.setattr(tallying, "FEW", 400)
    monkeypatch.setattr(training, "FEW", 400)


def _read(company):
    return feature_store.read(Settings.from_environment(company.environment()))


def test_rows_come_in_the_order_in_which_they_lie_and_numbers_to_the_last_bit(signal_company):
    table, _ = _read(signal_company)

    found = table.run("SELECT current_setting('synchronize_seqscans') AS together, 0.1::float8 + 0.2 AS sum")

    assert found.to_dict("records") == [{"together": "off", "sum": 0.1 + 0.2}]


def test_the_posterior_from_sums_is_that_of_the_copied_rows(signal_company, monkeypatch):
    table, provenance = _read(signal_company)
    monkeypatch.setattr(in_place, "LEAST_ROWS", 10_000)
    frame, same = _read(signal_company)

    found = training_door.validated(table, SPECIFICATION, FEATURE_STORE)

    assert isinstance(table, Queried)
    assert provenance == same
    expected = validated(frame, SPECIFICATION, FEATURE_STORE)
    assert (found.n_rows, found.base_rate) == (expected.n_rows, pytest.approx(expected.base_rate))
    of_table, of_rows = (
        posterior_on(data.frame, SPECIFICATION, QUICK).posterior for data in (found, expected)
    )
    sds = of_rows.coefficients.reshape(-1, of_rows.coefficients.shape[-1]).std(axis=0)
    assert (np.abs(of_table.mean - of_rows.mean) < 1e-3 * sds).all()  # small cells keep rows, or get nodes


def test_without_ibis_the_rows_are_copied_and_how_to_leave_them_is_said(signal_company, monkeypatch, caplog):
    monkeypatch.setattr(in_place, "find_spec", lambda _: None)

    with caplog.at_level("INFO", in_place.__name__):
        table, _ = _read(signal_company)

    assert len(table) == 2_000
    assert "the rows are copied; to leave them in the database, " in caplog.text
    assert "warehouse" in caplog.text


def test_a_column_of_a_type_without_queries_has_the_rows_copied(signal_company, monkeypatch):
    monkeypatch.setattr(in_place, "_TYPES", {"integer": "int32"})

    table, _ = _read(signal_company)

    assert len(table) == 2_000
