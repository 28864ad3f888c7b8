"""Every table says what it was made from, also where its rows travel, and nothing breaks where it does not."""

from contextlib import closing

import pytest

from book import snapshot
from data_science.settings import Settings
from data_science.sources.postgres import feature_store
from de.load import generate, load_csv, process_data
from tests.integration.company_files import TABLES, from_file, load, origins


def stated(company):
    database = Settings.from_environment(company.environment()).database
    return feature_store.get_dataset_and_provenance(database)[1].tables


def test_feature_store_says_what_its_own_rows_were_made_from(new_company, partial):
    folder, _ = partial
    company = new_company(n_clients=6, seed=4)
    generated = {
        "customer_profiles": "generated, seed 4",
        "labels": "generated, seed 4, scenario no-signal",
        "customer_activity": "generated, seed 4",
    }
    with closing(company.connect()) as connection:
        load_csv(connection, folder)  # the sources are new, feature_store is still made from the old

        assert stated(company) == generated
        process_data(connection)

    assert stated(company) == {
        "customer_profiles": from_file(folder / "customer_profiles.csv.gz"),
        "labels": from_file(folder / "labels.csv"),
        "customer_activity": "generated, seed 1",
    }


def test_a_table_that_is_read_brings_its_own_comment_along_also_through_a_snapshot(
    new_company, partial, tmp_path
):
    folder, _ = partial
    company = new_company(scenario=None)
    load(company, folder)
    settings = Settings.from_environment(company.environment())

    snapshot.take(settings, tmp_path / "snapshot")

    labels, stores, monthly = (
        snapshot.read(settings, name, tmp_path / "snapshot").attrs["comment"]
        for name in ("labels", "stores", "monthly_sales")
    )
    assert (labels, stores) == (from_file(folder / "labels.csv"), from_file(folder / "stores.csv.gz"))
    assert monthly is None


def test_stand_in_data_after_files_no_longer_claim_the_files(new_company, query, partial):
    folder, _ = partial
    company = new_company(scenario=None)
    load(company, folder)

    with closing(company.connect()) as connection:
        generate(connection, "signal", 20, 3)

    assert origins(company, query) == {
        **dict.fromkeys(TABLES, "generated, seed 3"),
        "labels": "generated, seed 3, scenario signal",
    }


@pytest.mark.parametrize(
    "statement",
    [
        "COMMENT ON TABLE feature_store IS NULL",
        "COMMENT ON TABLE feature_store IS 'for the data scientists'",
        "REVOKE SELECT ON pg_description FROM PUBLIC",
        "ALTER TABLE feature_store RENAME TO other; CREATE VIEW feature_store AS SELECT * FROM other; "
        "GRANT SELECT ON feature_store TO ds_user_role",
    ],
    ids=["none", "other words", "may not be read", "a view"],
)
def test_a_database_that_does_not_state_it_is_read_all_the_same(new_company, query, statement):
    company = new_company(n_clients=20)
    query(company, statement)
    database = Settings.from_environment(company.environment()).database

    frame, source = feature_store.get_dataset_and_provenance(database)

    assert len(frame) == 20
    assert set(source.tables.values()) == {"not stated"}
