"""The stand-in data have the shape, the shares and the effects that they promise."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

# A chance of one in ten thousand is no reason to doubt; the seed is fixed, so this cannot flicker.
DOUBT = 1e-4

SOURCES = ["customer_profiles", "customer_activity", "labels", "stores", "sales"]


@pytest.fixture(scope="module")
def feature_store(company, query):
    return query(company, "SELECT * FROM feature_store")


@pytest.fixture(scope="module")
def big_signal(shared_server, query):
    from de.embedded import add_company

    company = add_company(shared_server, "big_signal", scenario="signal", n_clients=20_000)
    return query(company, "SELECT * FROM feature_store"), query(company, "SELECT * FROM signal_truth")


@pytest.mark.parametrize(
    ("column", "shares"),
    [
        ("attr_a", {1: 0.50, 2: 0.05, 3: 0.10, 4: 0.15, 5: 0.20}),
        ("attr_b", {"a": 0.10, "b": 0.20, "c": 0.30, "d": 0.40}),
        ("scd_b", dict.fromkeys(range(1, 6), 0.2)),
        ("label", {0: 0.909, 1: 0.091}),
    ],
)
def test_every_column_has_its_published_shares(feature_store, column, shares):
    seen = feature_store[column].value_counts()
    expected = pd.Series(shares) * len(feature_store)

    assert set(seen.index) == set(shares)
    assert stats.chisquare(seen[expected.index], expected).pvalue > DOUBT


def test_scd_a_is_uniform_and_not_rounded(feature_store):
    assert stats.kstest(feature_store["scd_a"], "uniform").pvalue > DOUBT
    assert feature_store["scd_a"].nunique() == len(feature_store)


def test_clients_are_numbered_from_zero_without_gaps_or_nulls(feature_store):
    assert sorted(feature_store["idx"]) == list(range(2_000))
    assert not feature_store.isna().any(axis=None)


@pytest.mark.parametrize("feature", ["attr_a", "attr_b", "scd_b"])
def test_without_signal_the_label_does_not_depend_on_a_group(feature_store, feature):
    table = pd.crosstab(feature_store[feature], feature_store["label"])

    assert stats.chi2_contingency(table).pvalue > DOUBT


def test_without_signal_scd_a_is_the_same_in_both_classes(feature_store):
    classes = [group.to_numpy() for _, group in feature_store.groupby("label")["scd_a"]]

    assert stats.ks_2samp(*classes).pvalue > DOUBT


def test_without_signal_there_is_no_truth_table(company, query):
    assert query(company, "SELECT to_regclass('signal_truth') AS found")["found"].item() is None


def test_features_are_independent_of_each_other(feature_store):
    for one, other in [("attr_a", "attr_b"), ("attr_a", "scd_b"), ("attr_b", "scd_b")]:
        table = pd.crosstab(feature_store[one], feature_store[other])
        assert stats.chi2_contingency(table).pvalue > DOUBT, (one, other)


def test_every_client_has_one_current_spell_after_contiguous_past_ones(company, query):
    spells = query(company, "SELECT * FROM customer_activity ORDER BY idx, valid_from")
    follows = spells["idx"].eq(spells["idx"].shift())

    assert spells.groupby("idx")["valid_to"].apply(lambda ends: ends.isna().sum()).eq(1).all()
    assert spells["valid_to"].isna().equals(~spells["idx"].eq(spells["idx"].shift(-1)))
    assert (spells["valid_to"].shift()[follows] == spells["valid_from"][follows]).all()
    assert (spells["valid_from"][follows] > spells["valid_from"].shift()[follows]).all()
    assert set(spells.groupby("idx").size()) == {1, 2, 3, 4}


def test_attr_c_is_yes_for_two_thirds_and_depends_on_nothing(company, query):
    profiles = query(company, "SELECT * FROM customer_profiles JOIN labels USING (idx)")
    seen = profiles["attr_c"].value_counts()

    assert set(seen.index) == {"yes", "no"}
    assert stats.binomtest(int(seen["yes"]), len(profiles), 2 / 3).pvalue > DOUBT
    for other in ("attr_a", "attr_b", "label"):
        table = pd.crosstab(profiles["attr_c"], profiles[other])
        assert stats.chi2_contingency(table).pvalue > DOUBT, other


def test_the_stores_are_the_companys_from_index_1(company, query):
    stores = query(company, "SELECT * FROM stores ORDER BY idx")

    assert list(stores["idx"]) == [1, 2, 3, 4, 5]
    assert list(stores["location"]) == ["New York", "Lisbon", "London", "Berlin", "Paris"]


def test_sales_are_like_the_month_that_is_known(company, query):
    sales = query(company, "SELECT * FROM sales ORDER BY idx")
    days = pd.to_datetime(sales["date"]).dt.day.value_counts().reindex(range(1, 32), fill_value=0)
    stores = sales["store_idx"].value_counts().reindex(range(1, 6), fill_value=0)
    tenths = (10 * sales["value"]).round(9)

    assert len(sales) == 412
    assert sales["idx"].is_unique
    assert sales["idx"].between(0, 49_999).all()
    assert stats.kstest(sales["idx"] / 50_000, "uniform").pvalue > DOUBT
    assert {str(day)[:7] for day in sales["date"]} == {"2020-01"}
    assert stats.chisquare(days).pvalue > DOUBT
    assert stats.chisquare(stores, 412 * np.array([0.50, 0.05, 0.10, 0.15, 0.20])).pvalue > DOUBT
    assert (tenths == tenths.round()).all()
    assert sales["value"].between(0, 10).all()
    assert stats.chisquare(np.histogram(sales["value"], np.arange(0.05, 10.1, 1.0))[0]).pvalue > DOUBT
    assert len(query(company, "SELECT * FROM monthly_sales")) == 5


#: md5 of what a seed has always given; stored expectations elsewhere depend on it.
PINNED = {
    "customer_profiles": ("idx, attr_a, attr_b", "739e476d19d6d73878ec9d720628351c"),
    "customer_activity": ("idx, valid_from, valid_to, scd_a, scd_b", "1ef148b2ede3caf4ca19ae89673123c3"),
    "labels": ("idx, label", "ac68289355aa56007e1819787a5501ce"),
    "feature_store": ("idx, attr_a, attr_b, scd_a, scd_b, label", "32b0f66e689088191f340b083989f518"),
}


@pytest.mark.parametrize("table", PINNED)
def test_a_seed_gives_what_it_has_always_given(company, query, table):
    columns, digest = PINNED[table]
    order = "ORDER BY idx, valid_from" if table == "customer_activity" else "ORDER BY idx"
    text = "format('%s,%s,%s', idx, attr_a, attr_b)" if table == "customer_profiles" else "t::text"
    rows = (
        f"SELECT md5(string_agg({text}, E'\n' {order})) AS digest FROM (SELECT {columns} FROM {table}) AS t"
    )

    assert query(company, rows)["digest"].item() == digest


def test_the_same_seed_gives_the_same_rows_and_another_seed_gives_others(company, new_company, query):
    again = new_company(n_clients=2_000)
    other = new_company(n_clients=2_000, seed=2)

    for table in SOURCES:
        rows = f"SELECT md5(string_agg(t::text, '\n' ORDER BY t::text)) AS digest FROM {table} AS t"
        digest = [query(place, rows)["digest"].item() for place in (company, again, other)]
        assert digest[0] == digest[1], table
        assert table == "stores" or digest[0] != digest[2], table


def test_more_clients_leave_the_first_ones_as_they_are(company, new_company, query, feature_store):
    smaller = query(new_company(n_clients=300), "SELECT * FROM feature_store ORDER BY idx")

    pd.testing.assert_frame_equal(smaller, feature_store.sort_values("idx").head(300))


def test_with_signal_only_the_labels_differ(company, signal_company, query):
    for table in ["customer_profiles", "customer_activity", "stores", "sales"]:
        rows = f"SELECT md5(string_agg(t::text, '\n' ORDER BY t::text)) AS digest FROM {table} AS t"
        assert query(company, rows).equals(query(signal_company, rows)), table


def test_with_signal_the_rate_of_every_group_is_what_the_written_truth_says(big_signal):
    feature_store, truth = big_signal
    term = truth[truth["level"].isna()].set_index("term")["value"]
    level = {name: rows.set_index("level")["value"] for name, rows in truth.groupby("term")}
    logit = (
        term["Intercept"]
        + term["scd_a"] * feature_store["scd_a"]
        + term["scd_b"] * feature_store["scd_b"]
        + feature_store["attr_a"].astype(str).map(level["1|attr_a"])
        + feature_store["attr_b"].map(level["1|attr_b"])
    )
    chance = 1 / (1 + np.exp(-logit))
    feature_store = feature_store.assign(
        chance=chance, spread=chance * (1 - chance), band=feature_store["scd_a"] > 0.5, everyone=True
    )

    for feature in ["attr_a", "attr_b", "scd_b", "band", "everyone"]:
        for value, group in feature_store.groupby(feature):
            z = (group["label"].sum() - group["chance"].sum()) / math.sqrt(group["spread"].sum())
            assert abs(z) < stats.norm.isf(DOUBT / 2), (feature, value)
    assert 0.09 < feature_store["label"].mean() < 0.15


def test_with_signal_the_group_effects_sum_to_zero(big_signal):
    _, truth = big_signal

    for term in ["1|attr_a", "1|attr_b"]:
        assert truth.loc[truth["term"] == term, "value"].sum() == pytest.approx(0, abs=1e-12)


def test_with_signal_every_feature_moves_the_label(big_signal):
    feature_store, _ = big_signal
    feature_store = feature_store.assign(band=feature_store["scd_a"] > 0.5)

    for feature in ["attr_a", "attr_b", "scd_b", "band"]:
        table = pd.crosstab(feature_store[feature], feature_store["label"])
        assert stats.chi2_contingency(table).pvalue < DOUBT, feature


def test_a_company_of_files_is_filled_up_with_the_clients_and_by_the_seed_that_were_asked_for(
    new_company, query, tmp_path
):
    (tmp_path / "stores.csv").write_text("idx,location\n1,New York\n2,Lisbon\n")

    company = new_company(files=tmp_path, n_clients=7, seed=13)

    said = query(company, "SELECT obj_description('customer_profiles'::regclass) AS origin")["origin"].item()
    assert len(query(company, "SELECT * FROM feature_store")) == 7
    assert said == "generated, seed 13"
