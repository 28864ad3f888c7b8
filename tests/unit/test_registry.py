"""How a posterior is computed by default, how the retry is stricter, and where the engines are."""

from dataclasses import asdict, fields
from types import SimpleNamespace

import pytest

from data_science.engines import nuts_collapsed, registry
from data_science.engines.registry import FitSettings, Progress
from data_science.errors import SpecificationError


def test_the_defaults_are_the_documented_ones():
    assert asdict(FitSettings()) == {
        "engine": "nuts",
        "second_opinion": True,
        "exact": False,
        "seed": 1,
        "draws": 2000,
        "tune": 500,
        "chains": 4,
        "target_accept": 0.9,
    }


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1_000_004, 2**32 - 1_000_003, 2**32 - 1])
@pytest.mark.parametrize(("draws", "tune"), [(2000, 500), (7, 3)])
def test_the_retry_is_twice_as_long_with_smaller_steps_and_another_seed(draws, tune, seed):
    settings = FitSettings(draws=draws, tune=tune, seed=seed, chains=3, engine="nuts", exact=True)

    stricter = settings.stricter()

    assert (stricter.draws, stricter.tune) == (2 * draws, 2 * tune)
    assert 1 > stricter.target_accept == 0.98 > settings.target_accept
    assert stricter.seed == (seed + 1_000_003) % 4_294_967_296 != seed
    changed = {"draws", "tune", "target_accept", "seed"}
    for field in fields(FitSettings):
        if field.name not in changed:
            assert getattr(stricter, field.name) == getattr(settings, field.name)


def test_no_seed_is_that_of_a_retry_before():
    seeds = [FitSettings(seed=seed).stricter().seed for seed in range(100)]

    assert len({*seeds, *range(100)}) == 200


@pytest.mark.parametrize(
    ("name", "checked_by", "replaced_by"),
    [("nuts", "nested-laplace", None), ("nested-laplace", None, "nuts")],
)
def test_an_engine_is_imported_by_its_name_and_says_what_it_leaves_to_another(name, checked_by, replaced_by):
    engine = registry.engine(name)

    assert callable(engine.draw)
    assert registry.second_opinion(engine) == checked_by
    assert registry.fallback(engine) == replaced_by


def test_an_engine_that_says_nothing_of_itself_certifies_itself_and_is_called_by_its_name():
    silent = SimpleNamespace(draw=None)

    assert registry.second_opinion(silent) is None
    assert registry.fallback(silent) is None
    assert registry.title(silent, "toy") == "toy"


def test_another_engine_is_refused_and_the_known_ones_are_named():
    with pytest.raises(
        SpecificationError, match=r"engine is 'stan'; expected one of 'nuts', 'nested-laplace'"
    ):
        FitSettings(engine="stan")


def test_progress_has_no_divergences_unless_they_are_counted():
    assert Progress("nested-laplace", 5, 10).n_divergences == 0


@pytest.mark.parametrize("draws", [1, 300, 399, 400, 1_000, 2_000, 3_333])
def test_the_retry_of_an_engine_that_keeps_a_share_keeps_twice_as_many(draws):
    settings, share = FitSettings(draws=draws), nuts_collapsed._SHARE
    kept = nuts_collapsed.shortened(settings).draws

    again = nuts_collapsed.shortened(settings.stricter(worth=share * kept)).draws

    assert again >= 2 * kept - 1  # of what does not divide by the share
