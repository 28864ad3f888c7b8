"""Few rows, many levels, long and hostile levels: a good model or a message that names the fault."""

import logging
import resource
import time

import numpy as np
import pandas as pd
import pytest
from clients import clients

from data_science import BayesianLogitModel, GateError, SchemaError
from data_science.errors import DataScienceError

log = logging.getLogger(__name__)
HOSTILE = [
    "x'; DROP TABLE labels; --",
    'quo"ted',
    "two\nlines",
    "tab\there",
    "Ünïcødé ☃",
    "日本",
    "%s {0} \\0",
]


def trained(frame):
    model = BayesianLogitModel(engine="nested-laplace")
    model.fit(frame)
    return model


@pytest.mark.parametrize(
    ("n_rows", "message"),
    [
        (0, "expected at least one row"),
        (1, "label: 0 in every row"),
        (2, "attr_b: the constant 'a'"),
    ],
)
def test_too_few_rows_are_refused_with_the_reason(n_rows, message):
    with pytest.raises(SchemaError, match=message):
        trained(clients(n_rows))


def test_one_client_again_and_again_is_refused_with_the_reason():
    with pytest.raises(SchemaError, match="idx: a repeated value in 50 of 50 rows"):
        trained(clients(50).assign(idx=7))


@pytest.mark.parametrize("n_rows", [4, 6, 10, 50])
def test_a_handful_of_rows_gives_a_model_or_says_why_not(n_rows):
    try:
        model = trained(clients(n_rows))
    except (SchemaError, GateError) as error:
        log.info("%d rows: %s", n_rows, error)
        return
    low, high = model.predict_interval(clients(1))[0]
    assert high - low > 0.1  # so little data cannot be sure


def test_hostile_levels_are_learned_stored_and_served_as_they_are(tmp_path):
    n = 40 * len(HOSTILE)
    rng = np.random.default_rng(3)
    frame = clients(n).assign(attr_b=np.resize(HOSTILE, n))
    frame["label"] = (rng.random(n) < np.resize(np.linspace(0.05, 0.9, len(HOSTILE)), n)).astype(int)
    model = trained(frame)
    model.save(tmp_path)
    loaded = BayesianLogitModel()
    loaded.load(tmp_path)

    rows = frame.drop_duplicates("attr_b").assign(attr_a=1, scd_a=0.5, scd_b=3)
    answers = dict(zip(rows["attr_b"], loaded.predict_proba(rows), strict=True))
    assert list(answers.values()) == sorted(answers.values())
    assert {name for name in loaded.summary().index if name.startswith("1|attr_b[")} == {
        f"1|attr_b[{level}]" for level in HOSTILE
    }
    assert np.array_equal(model.predict_proba(rows), loaded.predict_proba(rows))
    pd.testing.assert_frame_equal(loaded.summary(), model.summary())
    assert len(loaded.posterior["posterior"].coords["attr_b__factor_dim"]) == len(HOSTILE)


def test_a_level_of_forty_kilobytes_is_learned_stored_and_served(tmp_path):
    long = "long " * 8_000 + "end"
    frame = clients(300).replace({"attr_b": {"b": long}})
    model = trained(frame)
    model.save(tmp_path)
    loaded = BayesianLogitModel()
    loaded.load(tmp_path)

    rows = frame.head(6)
    assert np.array_equal(loaded.predict_proba(rows), model.predict_proba(rows))
    unseen = rows.assign(attr_b=long[:-1])
    assert not np.array_equal(loaded.predict_proba(unseen), model.predict_proba(rows))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("n_levels", [1_000, 10_000])
def test_many_group_levels_cost_time_but_not_the_machine(n_levels, tmp_path):
    n = 5 * n_levels
    rng = np.random.default_rng(4)
    effect = rng.normal(0, 0.8, n_levels)
    group = rng.permutation(np.arange(n) % n_levels)
    frame = clients(n).assign(attr_a=group)
    frame["label"] = (rng.random(n) < 1 / (1 + np.exp(1 - effect[group]))).astype(int)
    began = time.monotonic()

    model = trained(frame)
    fitted = time.monotonic()
    model.save(tmp_path)

    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    log.info(
        "%d levels, %d rows: fit %.1f s, save %.1f s, peak memory %.0f MB; %s",
        *(n_levels, n, fitted - began, time.monotonic() - fitted, peak_mb, model.model.correction.gap),
    )
    sd = model.summary().loc["1|attr_a_sigma"]
    assert sd["q5"] < 0.8 < sd["q95"]
    assert peak_mb < 6_000


def test_an_error_is_always_of_the_documented_tree():
    frames = [
        clients(50).assign(label=np.nan),
        clients(50).assign(scd_a=np.inf),
        clients(50).drop(columns="scd_b"),
        clients(50).assign(attr_a=[[1]] * 50),
        clients(50).assign(scd_a=1e308),
        clients(50).assign(scd_a=np.linspace(-1e300, 1e300, 50)),
        clients(50).assign(scd_a=np.linspace(0, 1e-300, 50)),
        clients(50).assign(scd_a=np.linspace(-1e49, 1e49, 50)),
        clients(50).assign(scd_a=np.linspace(0, 1e-49, 50)),
        clients(50).assign(scd_a=np.linspace(1e15, 1e15 + 100, 50)),
    ]
    for frame in frames:
        try:
            report = trained(frame)
        except DataScienceError as error:
            log.info("%s", error)
        else:
            assert report.model.predict(clients(1)) in (0, 1)
