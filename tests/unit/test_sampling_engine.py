"""The NUTS engine with its sampler replaced: what it asks of nutpie, and what it makes of the answer."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import nutpie
import pytest
import xarray as xr
from hand_made import clients, compressed, learned

from data_science.engines import nuts as sampling
from data_science.engines.registry import FitSettings, Progress
from data_science.engines.transport_model import TransportedDensity, log_density, transport_model
from data_science.errors import SpecificationError
from data_science.likelihood.laplace import transport_at

FRAME = clients(200)
DESIGN = learned(frame=FRAME)
FOUND = compressed(DESIGN, FRAME)
TRANSPORT = transport_at(FOUND.joint, FOUND.mode)
N, N_SDS = FOUND.joint.n_coefficients, FOUND.joint.n_sds
SAME = {name: name for name in ("diverging", "energy", "n_steps", "step_size")}
SOURCES = SAME | {"lp": "logp", "tree_depth": "depth", "acceptance_rate": "mean_tree_accept"}


def answer(n_chains=2, n_draws=3, seed=1):
    """Return what nutpie would: log sds and coefficients, and statistics under its names."""
    rng = np.random.default_rng(seed)
    draws = xr.Dataset(
        {
            "point": (("chain", "draw", "k"), rng.normal(size=(n_chains, n_draws, N_SDS + N))),
        }
    )
    statistics = {
        name: (("chain", "draw"), np.full((n_chains, n_draws), k)) for k, name in enumerate(SOURCES.values())
    }
    return xr.DataTree.from_dict({"posterior": draws, "sample_stats": xr.Dataset(statistics)})


@pytest.fixture
def asked(monkeypatch):
    """Record what nutpie is asked; nothing is compiled, and Bambi's model is not built."""
    recorded = {}

    def sample(compiled, **arguments):
        recorded.update(arguments, compiled=compiled)
        return answer()

    monkeypatch.setattr(nutpie, "sample", sample)
    monkeypatch.setattr(sampling.kernel, "compiled", lambda transport: transport)
    monkeypatch.setattr(sampling.bambi_model, "build", lambda design: design)
    monkeypatch.setattr(sampling.bambi_model, "priors_of", lambda model, design: dict(design.priors))
    return recorded


@pytest.mark.parametrize(
    "settings",
    [
        FitSettings(),
        FitSettings(draws=11, tune=22, chains=3, seed=44, target_accept=0.77),
        FitSettings().stricter(),
    ],
    ids=["default", "other", "stricter"],
)
def test_the_sampler_is_given_every_setting(asked, settings):
    sampling.draw(DESIGN, FOUND, settings, lambda _: None)

    names = ("draws", "tune", "chains", "seed", "target_accept")
    assert {name: asked[name] for name in names} == {name: getattr(settings, name) for name in names}
    assert asked["save_warmup"] is False
    assert asked["progress_bar"] is False


def test_draws_come_back_on_the_raw_scale_with_statistics_under_arvizs_names(asked):
    posterior = sampling.draw(DESIGN, FOUND, FitSettings(), lambda _: None)

    tree = answer()
    points = tree["posterior"]["point"].to_numpy()
    theta, x = points[..., :N_SDS], points[..., N_SDS:]
    np.testing.assert_allclose(posterior.coefficients, FOUND.at.to_raw(x), rtol=1e-10)
    np.testing.assert_allclose(posterior.sds, np.exp(theta) / FOUND.at.block_scale)
    assert {name: values[0, 0] for name, values in posterior.statistics.items()} == {
        name: k for k, name in enumerate(SOURCES)
    }
    assert posterior.attributes == {
        "engine": "nuts",
        "inference_library": "nutpie",
        "inference_library_version": nutpie.__version__,
    }


def test_a_statistic_that_the_sampler_does_not_give_is_left_out(asked, monkeypatch):
    tree = answer()
    fewer = tree.assign({"sample_stats": xr.DataTree(tree["sample_stats"].to_dataset().drop_vars("logp"))})
    monkeypatch.setattr(nutpie, "sample", lambda *_, **__: fewer)

    posterior = sampling.draw(DESIGN, FOUND, FitSettings(), lambda _: None)

    assert set(posterior.statistics) == set(SOURCES) - {"lp"}


def test_progress_adds_up_over_chains(asked):
    said = []
    sampling.draw(DESIGN, FOUND, FitSettings(), said.append)
    chains = [
        SimpleNamespace(finished_draws=10, total_draws=100, divergences=1),
        SimpleNamespace(finished_draws=20, total_draws=100, divergences=0),
        SimpleNamespace(finished_draws=30, total_draws=100, divergences=5),
    ]

    asked["progress_callback"](chains)

    assert said == [Progress("nuts", 60, 300, 6)]


@pytest.mark.parametrize("name", list(DESIGN.priors))
def test_a_prior_that_bambi_reads_otherwise_stops_the_fit_and_is_named(name, asked, monkeypatch):
    wider = {**DESIGN.priors, name: DESIGN.priors[name].scaled(2.0)}
    monkeypatch.setattr(sampling.bambi_model, "priors_of", lambda model, design: wider)

    with pytest.raises(SpecificationError) as refusal:
        sampling.draw(DESIGN, FOUND, FitSettings(), lambda _: None)

    assert str(refusal.value) == (
        f"the priors in Bambi differ from those in the density: {name}: {wider[name]}, expected {DESIGN.priors[name]}"
    )
    assert asked == {}


def test_the_models_log_density_and_gradient_are_the_transports():
    evaluate = log_density(transport_model(TRANSPORT))
    rng = np.random.default_rng(2)
    theta, z = FOUND.mode.theta + rng.normal(size=N_SDS), rng.normal(size=N)

    value, gradient = evaluate(np.concatenate([theta, z]))

    expected = TRANSPORT.log_density(theta, z)
    assert value == pytest.approx(expected[0], rel=1e-12)
    np.testing.assert_allclose(gradient, np.concatenate(expected[1:]), rtol=1e-10)


def test_sds_at_which_nothing_can_be_factored_are_a_divergence_and_no_crash():
    def fail(theta, z):
        raise np.linalg.LinAlgError("not positive definite")

    operation, storage = TransportedDensity(SimpleNamespace(log_density=fail)), [[None], [None], [None]]

    operation.perform(None, [np.ones(2), np.ones(3)], storage)

    assert storage[0][0] == -np.inf
    assert storage[1][0].tolist() == [0.0, 0.0]
    assert storage[2][0].tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("wrong", ["value", "gradient", "not a number"])
def test_a_compiled_density_that_differs_from_the_pymc_models_is_not_sampled(wrong, monkeypatch, caplog):
    expected = log_density(transport_model(TRANSPORT))

    def differing(point):
        value, gradient = expected(point)
        if wrong == "gradient":
            gradient = gradient * (1 + 1e-6 * (np.arange(len(gradient)) == 1))
        return {"value": value + 1e-5, "gradient": value, "not a number": np.nan}[wrong], gradient

    monkeypatch.setattr(sampling, "pointer", lambda *_: differing)

    model, cores = sampling._sampled(TRANSPORT, partial(sampling._initial_point, FOUND.mode, N))

    assert not isinstance(model, sampling.PointerModel)
    assert cores == 1
    assert (
        "the compiled density differs from the PyMC model's: the model itself is sampled" in caplog.messages
    )


def test_draws_are_the_same_whether_nutpie_calls_the_c_function_or_the_pymc_model(monkeypatch):
    settings = FitSettings(draws=20, tune=30, chains=2)
    by_pointer = sampling.draw(DESIGN, FOUND, settings, lambda _: None)

    monkeypatch.setattr(sampling, "_is_same", lambda *_: False)
    by_model = sampling.draw(DESIGN, FOUND, settings, lambda _: None)

    # Rounding grows along a trajectory: by the end of fifty draws it has reached a millionth.
    np.testing.assert_allclose(by_model.coefficients, by_pointer.coefficients, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(by_model.sds, by_pointer.sds, rtol=1e-3)


def test_chains_start_around_the_mode_each_from_its_own_seed():
    points = np.array([sampling._initial_point(FOUND.mode, N, seed) for seed in range(400)])

    away = points[:, :N_SDS] - FOUND.mode.theta
    assert points.shape == (400, N_SDS + N)
    assert (np.abs(away) <= 0.5).all()
    assert away.min(axis=0).max() < -0.45
    assert away.max(axis=0).min() > 0.45
    np.testing.assert_allclose(points[:, N_SDS:].std(axis=0), 1, rtol=0.15)
    np.testing.assert_array_equal(sampling._initial_point(FOUND.mode, N, 7), points[7])
    assert len(np.unique(points[:, 0])) == 400
