"""Draws under Bambi's names, and a few of them evenly from all chains."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hand_made import clients, independent, learned

from data_science.engines.posterior import Posterior, fewer_draws, labels, names, to_tree, with_observations
from data_science.evaluation.diagnostics import summary
from data_science.formula.design import blocks

FORMULAS = [
    "label ~ 1",
    "label ~ 1 + scd_a + scd_b + (1 | attr_a) + (1 | attr_b)",
    "label ~ scd_a * attr_b + (scd_a | attr_a)",
    "label ~ 0 + attr_b:C(scd_b) + (C(scd_b) | attr_a) + (1 | attr_a:attr_b)",
]


def constant_by_chain(n_chains=4, n_draws=2000):
    chain = np.broadcast_to(np.arange(n_chains)[:, None, None], (n_chains, n_draws, 2))
    return Posterior(chain * 1.0, chain[..., :1] * 10.0, {}, {})


@pytest.mark.parametrize("n_draws", [4, 100, 1000, 8000])
def test_a_few_draws_come_evenly_from_every_chain(n_draws):
    coefficients, sds = constant_by_chain().thinned(n_draws)

    assert np.bincount(coefficients[:, 0].astype(int)).tolist() == [n_draws // 4] * 4
    np.testing.assert_array_equal(sds[:, 0], 10 * coefficients[:, 1])


def test_thinned_draws_are_evenly_spaced_from_the_first_to_the_last():
    draws = np.arange(4000.0).reshape(4, 1000, 1)

    coefficients, sds = Posterior(draws, -draws, {}, {}).thinned(101)

    assert coefficients[[0, -1], 0].tolist() == [0, 3999]
    assert set(np.diff(coefficients[:, 0])) <= {39.0, 40.0, 41.0}
    np.testing.assert_array_equal(sds, -coefficients)
    assert len(Posterior(draws, draws, {}, {}).thinned(5000)[0]) == 4000


def test_a_stored_posterior_keeps_draws_along_every_chain_and_says_how_many():
    draws = np.arange(400.0).reshape(4, 100, 1) + np.zeros(2)
    posterior = Posterior(draws, draws[..., :0], {"lp": draws[..., 0]}, {"engine": "nuts"})
    tree = to_tree(learned("label ~ 1 + scd_a"), posterior)

    whole, fewer = fewer_draws(tree, 800), fewer_draws(tree, 799)

    assert whole is tree
    assert fewer["posterior"]["draw"].values.tolist() == list(range(0, 100, 2))
    assert fewer["posterior"]["scd_a"].values[1, 3] == 106
    assert fewer["sample_stats"]["lp"].values[1, 3] == 106
    assert fewer["posterior"].attrs == {**tree["posterior"].attrs, "thinned": 2}


@pytest.mark.parametrize("formula", FORMULAS)
def test_every_coefficient_and_sd_stands_under_its_own_name(formula):
    design = learned(formula)
    n, n_sds = design.encoding.n_coefficients, len(list(blocks(design.encoding)))
    values = np.arange(n + n_sds) * np.ones((2, 3, 1))
    values += np.array([-1e-6, 0, 1e-6])[:, None]  # constant draws have no r_hat

    table = summary(to_tree(design, Posterior(values[..., :n], values[..., n:], {}, {})))

    assert len(set(names(design))) == n + n_sds
    assert table["mean"].round(3).to_dict() == {name: float(k) for k, name in enumerate(names(design))}


def test_names_read_as_bambi_writes_them():
    found = names(learned("label ~ scd_a + attr_b + scd_a:attr_b + (attr_b | attr_a) + (1 | attr_a:attr_b)"))

    assert found[:8] == [
        *("Intercept", "scd_a", "attr_b[b]", "attr_b[c]", "attr_b[d]"),
        *("scd_a:attr_b[b]", "scd_a:attr_b[c]", "scd_a:attr_b[d]"),
    ]
    assert {"1|attr_a[1]", "attr_b|attr_a[b, 5]", "1|attr_a:attr_b[5:d]"} <= set(found)
    assert found[-5:] == [
        *("1|attr_a_sigma", "attr_b|attr_a_sigma[b]", "attr_b|attr_a_sigma[c]", "attr_b|attr_a_sigma[d]"),
        "1|attr_a:attr_b_sigma",
    ]


LEVELS = ["a", "a:b", "b", "b:a", ":", "a, b", "b, a", ",", "a\\", "\\:b", "\\,", "", "a\\:b"]


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ g + h + g:h",
        "y ~ 0 + g:h",
        "y ~ (1 | g:h)",
        "y ~ (h | g)",
        "y ~ (0 + h | g) + (1 | g)",
        "y ~ (h | g:k)",
    ],
)
def test_no_two_levels_share_a_name_whatever_their_text_and_the_table_has_the_same_names(formula):
    pairs = list(product(LEVELS, LEVELS))
    frame = pd.DataFrame(pairs, columns=["g", "h"])
    frame = frame.assign(k=frame["h"].to_numpy()[::-1], y=np.arange(len(frame)) % 2)
    design = learned(formula, frame)
    n, n_sds = design.encoding.n_coefficients, len(list(blocks(design.encoding)))
    draws = np.random.default_rng(1).normal(size=(2, 4, n + n_sds))

    tree = to_tree(design, Posterior(draws[..., :n], draws[..., n:], {}, {}))

    found = names(design)
    assert len(set(found)) == n + n_sds
    assert all(index.is_unique for index in tree["posterior"].ds.indexes.values())
    np.testing.assert_allclose(summary(tree).loc[found, "mean"], draws.mean(axis=(0, 1)), atol=1e-12)


def test_a_level_of_a_factor_alone_is_written_as_it_is():
    frame = pd.DataFrame({"g": ["a:b", "a, b", "c\\"] * 4, "y": [0, 1] * 6})

    assert set(names(learned("y ~ 0 + g + (1 | g)", frame))) == {
        *("g[a:b]", "g[a, b]", "g[c\\]", "1|g[a:b]", "1|g[a, b]", "1|g[c\\]", "1|g_sigma")
    }


def test_a_separator_inside_a_joined_level_is_escaped():
    frame = pd.DataFrame({"g": ["a:b", "c", "d\\"] * 4, "h": ["u", "v", "v", "u"] * 3, "y": [0, 1] * 6})

    assert {"1|g:h[a\\:b:u]", "1|g:h[c:v]", "1|g:h[d\\\\:u]"} <= set(names(learned("y ~ (1 | g:h)", frame)))


def test_labels_are_empty_where_a_term_has_no_such_axis():
    terms = {term.name: term for term in learned("label ~ attr_b + (1 | attr_a)").encoding.terms}

    assert labels(terms["Intercept"]) == ([], [])
    assert labels(terms["attr_b"]) == (["b", "c", "d"], [])
    assert labels(terms["1|attr_a"]) == ([], ["1", "2", "3", "4", "5"])


def test_a_tree_has_chains_and_draws_attributes_and_only_the_statistics_there_are():
    design = learned()
    posterior = independent(design, n_chains=3, n_draws=5, attributes={"khat": 0.3})

    tree = to_tree(design, posterior)
    bare = to_tree(design, Posterior(posterior.coefficients, posterior.sds, {}, {"engine": "x"}))

    assert dict(tree["posterior"].sizes)["chain"] == 3
    assert tree["posterior"]["draw"].to_numpy().tolist() == [0, 1, 2, 3, 4]
    assert tree["posterior"].attrs == {"modeling_interface": "bambi", "engine": "nuts", "khat": 0.3}
    np.testing.assert_array_equal(tree["sample_stats"]["energy"], posterior.statistics["energy"])
    assert tree["sample_stats"].attrs["modeling_interface"] == "bambi"
    assert set(bare.children) == {"posterior"}


@pytest.mark.parametrize(
    ("largest", "dtype"), [(1, np.uint8), (255, np.uint8), (256, np.uint16), (70_000, np.uint32)]
)
def test_observed_counts_take_as_few_bytes_as_they_need(largest, dtype):
    frame = clients(40).assign(n=100_000, s=3)
    design = learned("p(s, n) ~ 1", frame)
    tree = to_tree(design, independent(design, n_draws=5))

    observed = with_observations(tree, design, np.array([0.0, largest]))["observed_data"]

    assert observed["p(s, n)"].dtype == dtype
    assert observed["p(s, n)"].to_numpy().tolist() == [0, largest]
    assert observed["__obs__"].to_numpy().tolist() == [0, 1]
    assert observed.attrs == {"modeling_interface": "bambi"}
    assert set(with_observations(tree, learned(), np.ones(3))["observed_data"].data_vars) == {"label"}
