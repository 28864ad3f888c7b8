"""The Bambi model of a design: family, priors there and back, and what its pickle leaves out."""

import bambi as bmb
import cloudpickle
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import expit

from data_science.errors import SpecificationError
from data_science.formula.bambi_model import build, priors_of, write
from data_science.formula.design import abridged, learn
from data_science.formula.encoding import Encoding
from data_science.formula.functions import FUNCTIONS, Function
from data_science.formula.priors import COMMON, GROUP_SD, Prior
from data_science.formula.specification import ModelSpecification
from data_science.prediction.predictor import Predictor

FRAME = pd.DataFrame(
    {
        "x": np.linspace(-3, 5, 24),
        "g": list("abc") * 8,
        "label": [0, 1] * 12,
        "s": np.arange(24) % 4,
        "n": 4 + np.arange(24) % 3,
    }
)
FORMULA = "label ~ x + (x | g)"


@pytest.mark.parametrize("family", [*COMMON, *GROUP_SD])
def test_a_prior_of_any_family_is_held_by_bambi_as_it_was_stated(family):
    kinds = {**COMMON, **GROUP_SD}[family]
    prior = Prior(family, **{argument: 0.5 + place for place, argument in enumerate(kinds)})
    key = "group_sd" if family in GROUP_SD else "common"
    design = learn(ModelSpecification(FORMULA, priors={key: prior}), FRAME)

    held = priors_of(build(design), design)

    assert {name: str(prior) for name, prior in held.items()} == {
        name: str(prior) for name, prior in design.priors.items()
    }
    assert held == design.priors
    assert family in {prior.name for prior in held.values()}


@pytest.mark.parametrize(
    ("formula", "family"), [(FORMULA, "bernoulli"), ("p(s, n) ~ x + (1 | g)", "binomial")]
)
def test_the_family_follows_the_response(formula, family):
    model = build(learn(ModelSpecification(formula), FRAME))

    assert model.family.name == family
    assert "g" in model.data.columns
    assert not model.auto_scale


def test_effects_of_groups_are_normal_around_zero_with_the_priors_sd():
    design = learn(ModelSpecification(FORMULA), FRAME)

    terms = build(design).parameters["p"].terms

    for name in ("1|g", "x|g"):
        prior = terms[name].prior
        assert (prior.name, prior.args["mu"], prior.args["sigma"].name) == ("Normal", 0, "HalfNormal")
        assert prior.args["sigma"].args["sigma"] == pytest.approx(design.priors[name].arguments["sigma"])


def test_a_prior_of_another_kind_is_refused_and_named():
    design = learn(ModelSpecification("label ~ x"), FRAME)
    model = build(design)
    model.parameters["p"].terms["x"].prior = bmb.Prior("Normal", mu=[0, 1], sigma=1)

    with pytest.raises(
        SpecificationError,
        match=r"Bambi's prior of 'x' is Normal.*; expected numbers, one or one for each column",
    ):
        priors_of(model, design)


def test_a_stored_model_reads_back_without_the_names_around_its_making(tmp_path):
    design = learn(ModelSpecification(FORMULA), FRAME)

    write(build(design), tmp_path / "model.pkl")

    content = (tmp_path / "model.pkl").read_bytes()
    assert priors_of(cloudpickle.loads(content), design) == design.priors
    assert b"data_science" not in content  # formulae captures the caller's design and module


@pytest.mark.parametrize("n_levels", [2, 3])
def test_every_column_of_a_basis_is_held_with_the_prior_of_its_own_unit(n_levels):
    formula = "label ~ bs(x, df=4) + T(g, 'c'):poly(x, 2) + S(s) + (poly(x, 2) | n) + offset(exp(x))"
    design = abridged(learn(ModelSpecification(formula), FRAME), n_levels)

    model = build(design)

    assert priors_of(model, design) == design.priors
    sigma = model.parameters["p"].terms["bs(x, df=4)"].prior.args["sigma"]
    assert sigma == pytest.approx([1 / design.sds[f"bs(x, df=4)[{k}]"] for k in range(4)])
    model.parameters["p"].terms["bs(x, df=4)"].prior = bmb.Prior("Normal", mu=0, sigma=2 * sigma)
    held = priors_of(model, design)
    assert [name for name in held if held[name] != design.priors[name]] == ["bs(x, df=4)"]


def test_bambi_predicts_with_the_own_column_of_each_of_several_offsets():
    formula = "label ~ offset(x) + offset(exp(x)) + sqrt(n) + offset(log(n)) + (1 | g)"
    model = build(learn(ModelSpecification(formula), FRAME))
    draws = {"Intercept": 0.1, "sqrt(n)": -0.3, "1|g_sigma": 1.0}
    posterior = {name: (("chain", "draw"), np.full((1, 2), value)) for name, value in draws.items()}
    posterior["1|g"] = (("chain", "draw", "g__factor_dim"), np.tile([0.5, 0.0, -0.5], (1, 2, 1)))
    tree = xr.DataTree.from_dict(
        {"posterior": xr.Dataset(posterior, {"g__factor_dim": ["a", "b", "c"], "chain": [0], "draw": [0, 1]})}
    )
    rows = FRAME[["x", "n", "g"]].drop_duplicates().head(8)

    found = model.predict(tree, data=rows, inplace=False)["posterior"]["p"].to_numpy()[0, 0]

    x, n = rows["x"], rows["n"]
    effect = rows["g"].map({"a": 0.5, "b": 0.0, "c": -0.5})
    eta = 0.1 + x + np.exp(x) - 0.3 * np.sqrt(n) + np.log(n) + effect
    np.testing.assert_allclose(found, expit(eta), rtol=1e-12)


def test_a_function_is_one_entry_of_the_registry_learned_served_and_known_to_bambi(monkeypatch):
    monkeypatch.setitem(FUNCTIONS, "cube", Function(lambda x, _: [x**3]))
    design = learn(ModelSpecification("label ~ cube(scale(x))"), FRAME)
    coefficients = np.array([0.5, -0.25])
    predictor = Predictor(
        Encoding.from_json(design.encoding.to_json()), coefficients, coefficients[None], np.ones((1, 0))
    )

    explained = predictor.explain({"x": 2.5})

    cube = ((2.5 - FRAME["x"].mean()) / FRAME["x"].std(ddof=0)) ** 3
    assert explained == pytest.approx({"Intercept": 0.5, "cube(scale(x))": -0.25 * cube})
    matrices = build(design).parameters["p"].design
    assert matrices.common.evaluate_new_data(pd.DataFrame({"x": [2.5]})).design_matrix == pytest.approx(
        np.array([[1.0, cube]])
    )
