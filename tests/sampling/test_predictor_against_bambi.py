"""Every number the predictor gives, against `bambi.Model.predict` on the same draws."""

import bambi as bmb
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from data_science.formula.encoding import Coding, Encoding, Factor, Term
from data_science.prediction.predictor import Predictor

N_CHAINS, N_DRAWS = 2, 50
TOLERANCE = 1e-10

A = Factor("attr_a", (1, 2, 3, 4, 5))
B = Factor("attr_b", ("a", "b", "c", "d"))
INTERCEPT = Term("Intercept")
SCD_A, SCD_B = Term("scd_a", ("scd_a",)), Term("scd_b", ("scd_b",))
BY_A, BY_B = Term("1|attr_a", groups=(A,)), Term("1|attr_b", groups=(B,))

FORMULAS = {
    "label ~ 1 + scd_a + scd_b + (1 | attr_a) + (1 | attr_b)": (INTERCEPT, SCD_A, SCD_B, BY_A, BY_B),
    "label ~ attr_b + scd_a": (INTERCEPT, Term("attr_b", codings=(Coding(B, True),)), SCD_A),
    "label ~ 0 + attr_b": (Term("attr_b", codings=(Coding(B, False),)),),
    "label ~ scd_a * attr_b": (
        INTERCEPT,
        SCD_A,
        Term("attr_b", codings=(Coding(B, True),)),
        Term("scd_a:attr_b", ("scd_a",), (Coding(B, True),)),
    ),
    "label ~ scd_a * scd_b": (INTERCEPT, SCD_A, SCD_B, Term("scd_a:scd_b", ("scd_a", "scd_b"))),
    "label ~ attr_b * C(attr_a)": (
        INTERCEPT,
        Term("attr_b", codings=(Coding(B, True),)),
        Term("C(attr_a)", codings=(Coding(A, True),)),
        Term("attr_b:C(attr_a)", codings=(Coding(B, True), Coding(A, True))),
    ),
    "label ~ scd_b + (scd_a | attr_b)": (
        INTERCEPT,
        SCD_B,
        BY_B,
        Term("scd_a|attr_b", ("scd_a",), groups=(B,)),
    ),
    "label ~ 1 + (1 | attr_a:attr_b)": (INTERCEPT, Term("1|attr_a:attr_b", groups=(A, B))),
    "label ~ 1 + (0 + attr_b | attr_a)": (
        INTERCEPT,
        Term("attr_b|attr_a", codings=(Coding(B, False),), groups=(A,)),
    ),
}


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(20261122)
    n_rows = 300
    return pd.DataFrame(
        {
            "attr_a": np.resize(A.levels, n_rows),
            "attr_b": rng.choice(B.levels, n_rows),
            "scd_a": rng.random(n_rows),
            "scd_b": rng.integers(1, 6, n_rows),
            "label": np.resize([0, 1], n_rows),
        }
    )


@pytest.fixture(params=FORMULAS, scope="module")
def pair(request, frame):
    """Bambi's probabilities for the rows, shape (row, draw), and our predictor on the same draws."""
    encoding = Encoding(FORMULAS[request.param])
    data = frame.assign(attr_b=frame["attr_b"].astype("category"))
    model = bmb.Model(request.param, data, family="bernoulli", noncentered=False)
    model.build()
    posterior, draws = posterior_of(model, encoding)
    predicted = model.predict(posterior, kind="response_params", data=data, inplace=False)
    probabilities = predicted.posterior["p"].stack(sample=("chain", "draw")).to_numpy()
    n_sds = sum(term.n_expressions for term in encoding.group_specific)
    sds = np.full((len(draws), n_sds), 0.5)
    return probabilities, Predictor(encoding, draws.mean(axis=0), draws, sds), model, posterior, data


def posterior_of(model, encoding):
    """Make up draws for each of the model's parameters; return them Bambi's way and ours."""
    rng = np.random.default_rng(1)
    coords = {key: list(values) for key, values in model.backend.model.coords.items()}
    dims = model.backend.model.named_vars_to_dims
    variables, flat = {}, []
    for term in encoding.terms:
        names = tuple(dims.get(term.name, ()))
        lengths = [len(coords[name]) for name in names]
        assert np.prod(lengths, dtype=int) == term.n_coefficients, (term.name, names, term.shape)
        values = rng.normal(0, 0.5, (N_CHAINS, N_DRAWS, *lengths))
        variables[term.name] = (("chain", "draw", *names), values)
        # Bambi's tables have the groups first, ours the expression.
        ours = np.moveaxis(values, 2, -1) if term.groups else values
        flat.append(ours.reshape(N_CHAINS * N_DRAWS, -1))
    used = {name: coords[name] for _, (names, _) in variables.items() for name in names[2:]}
    dataset = xr.Dataset(variables, coords={"chain": range(N_CHAINS), "draw": range(N_DRAWS), **used})
    return xr.DataTree.from_dict({"posterior": dataset}), np.concatenate(flat, axis=1)


def test_posterior_mean_probabilities_are_bambis(pair, frame):
    probabilities, predictor, *_ = pair

    found = predictor.predict_proba(frame, method="posterior")

    np.testing.assert_allclose(found, probabilities.mean(axis=1), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("prob", [0.5, 0.95])
def test_intervals_are_quantiles_of_bambis_probabilities(pair, frame, prob):
    probabilities, predictor, *_ = pair

    found = predictor.predict_interval(frame, prob=prob)

    expected = np.quantile(probabilities, [(1 - prob) / 2, (1 + prob) / 2], axis=1).T
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)


def test_plug_in_probabilities_are_bambis_at_the_mean_coefficients(pair, frame):
    _, predictor, model, posterior, data = pair
    mean = posterior.posterior.dataset.mean(("chain", "draw")).expand_dims(chain=[0], draw=[0])
    at_mean = model.predict(
        xr.DataTree.from_dict({"posterior": mean}), kind="response_params", data=data, inplace=False
    )
    expected = at_mean.posterior["p"].to_numpy().ravel()

    np.testing.assert_allclose(predictor.predict_proba(frame), expected, rtol=0, atol=TOLERANCE)
    rows = frame.to_dict("records")
    one_by_one = [predictor.predict_proba_one(row) for row in rows]
    np.testing.assert_allclose(one_by_one, expected, rtol=0, atol=TOLERANCE)
    assert predictor.predict_batch(frame).tolist() == (expected > 0.5).astype(int).tolist()
    assert [predictor.predict_one(row) for row in rows] == (expected > 0.5).astype(int).tolist()
    logits = [sum(predictor.explain(row).values()) for row in rows]
    np.testing.assert_allclose(1 / (1 + np.exp(-np.array(logits))), expected, rtol=0, atol=TOLERANCE)
