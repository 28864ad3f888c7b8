"""Probes: made-up rows whose stored answers a loaded predictor must give again, all but rounding."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hand_made import learned
from serving_cases import ATTR_A, COMMON_FACTOR, DEFAULT, predictor

from data_science.errors import ArtifactError, FeatureError
from data_science.prediction.correction import Correction
from data_science.storage import predictor_format as form

ANSWERS = ("label", "probability", "lower bound", "upper bound")


def moved(probes, row, answer, by):
    changed = json.loads(json.dumps(probes))
    changed[row]["answer"][answer] += by
    return changed


@pytest.mark.parametrize("answer", range(4), ids=ANSWERS)
@pytest.mark.parametrize("row", [0, 7], ids=["first", "last"])
def test_an_answer_that_moved_by_more_than_rounding_is_refused(tmp_path, row, answer):
    model = predictor()
    probes = form.probe(model)

    form.reproduce(model, probes, tmp_path)
    for by in (1e-10, -1e-10):
        form.reproduce(model, moved(probes, row, answer, by), tmp_path)
    for by in (1e-8, -1e-8):
        with pytest.raises(ArtifactError, match=r"a probe differs by 1e-08 .* at most 1e-09"):
            form.reproduce(model, moved(probes, row, answer, by), tmp_path)


def test_the_largest_difference_is_the_one_that_is_named(tmp_path):
    model = predictor()
    probes = moved(moved(form.probe(model), 2, 1, 0.25), 5, 3, 1e-3)

    with pytest.raises(ArtifactError, match=r"a probe differs by 0\.25 from"):
        form.reproduce(model, probes, tmp_path)


def test_probes_visit_every_level_and_odd_numbers_and_are_what_the_predictor_says():
    model = predictor()
    probes = form.probe(model)
    rows = [probe["features"] for probe in probes]

    assert len(rows) == 8
    assert {row["attr_a"] for row in rows} == set(ATTR_A.levels)
    assert [row["attr_a"] for row in rows] == [1, 2, 3, 4, 5, 1, 2, 3]
    assert [row["attr_b"] for row in rows] == ["a", "c", "a", "c", "a", "c", "a", "c"]
    assert [row["scd_a"] for row in rows] == [0.0, 1.0, 0.5, -1.0, 2.0, 0.0, 1.0, 0.5]
    assert [row["scd_b"] for row in rows] == [1.0, 0.5, -1.0, 2.0, 0.0, 1.0, 0.5, -1.0]
    for probe in probes:
        row = probe["features"]
        assert probe["answer"] == [
            model.predict_one(row),
            model.predict_proba_one(row),
            *model.predict_interval_one(row),
        ]


def of_two_columns(formula, high):
    """Return a predictor of a function of `a` and `b`, where b lies between 0 and ``high`` below a."""
    rng = np.random.default_rng(1)
    a = rng.uniform(0, 1, 200)
    frame = pd.DataFrame({"a": a, "b": a - high * rng.uniform(0.5, 1, 200), "label": np.arange(200) % 2})
    return predictor(learned(formula, frame).encoding)


@pytest.mark.parametrize("formula", ["label ~ log(a - b)", "label ~ log(b + 0.11 - a)"])
def test_rows_where_a_function_of_two_columns_is_not_defined_are_left_out_wherever_they_stand(
    tmp_path, formula
):
    model = of_two_columns(formula, high=0.1)

    probes = form.probe(model)

    assert 0 < len(probes) < form.N_PROBES
    form.reproduce(model, probes, tmp_path)


def test_a_function_that_no_probe_can_be_made_for_is_refused_in_its_own_words():
    with pytest.raises(FeatureError, match=r"log.* has no finite value where"):
        form.probe(of_two_columns("label ~ log(a - b) + log(0.000002 - a + b)", high=1e-6))


@pytest.mark.parametrize("row", range(form.N_PROBES))
def test_one_probe_that_can_be_made_is_enough_whichever_it_is(monkeypatch, row):
    model, asked = of_two_columns("label ~ log(a - b)", high=0.1), []

    def answer(*given):
        asked.append(given)
        if len(asked) != row + 1:
            raise FeatureError("not defined here", "a")
        return [1.0]

    monkeypatch.setattr(form, "_answer", answer)

    (probe,) = form.probe(model)

    assert probe == {"features": asked[row][1], "answer": [1.0]}


CORRECTED = Correction(0.0123, 0.005, np.diag(np.arange(1.0, 13.0)))
OPTIONS = {
    "default": (DEFAULT, {}),
    "a threshold": (DEFAULT, {"threshold": 0.2}),
    "another response": (DEFAULT, {"response": "churn"}),
    "unseen levels refused": (COMMON_FACTOR, {"unseen": "refuse"}),
    "other sizes": (DEFAULT, {"n_draws": 17}),
}


@pytest.mark.parametrize("corrected", [False, True], ids=["as it is", "corrected"])
@pytest.mark.parametrize(("encoding", "options"), OPTIONS.values(), ids=OPTIONS)
def test_what_is_read_is_what_was_written_in_every_part(tmp_path, encoding, options, corrected):
    model = predictor(encoding, **options)
    if corrected:
        n = encoding.n_coefficients
        model = replace(
            model, correction=replace(CORRECTED, covariance=np.arange(n * n, dtype=float).reshape(n, n))
        )

    read = form.construct(form.to_json(model), form.to_npz(model), tmp_path)

    for part in ("encoding", "threshold", "unseen", "response"):
        assert getattr(read, part) == getattr(model, part)
    for part in ("coefficients", "draws", "group_sd_draws"):
        assert getattr(read, part).tolist() == getattr(model, part).tolist()
    if not corrected:
        assert read.correction is None
    else:
        assert (read.correction.gap, read.correction.bound) == (0.0123, 0.005)
        assert read.correction.covariance.tolist() == model.correction.covariance.tolist()


def test_draws_in_single_precision_take_half_the_bytes_and_stay_what_they_are(tmp_path):
    model = predictor()
    single = replace(model, draws=model.draws.astype(np.float32))

    data = form.to_npz(single)
    read = form.construct(form.to_json(single), data, tmp_path)

    assert read.draws.dtype == np.float32
    assert read.draws.tolist() == single.draws.tolist()
    assert len(form.to_npz(model)) - len(data) >= 4 * model.draws.size - 64  # headers are padded


@pytest.mark.parametrize("name", ["draws", "group_sd_draws", "covariance"])
@pytest.mark.parametrize(
    "spoil",
    [lambda a: a[:-1], lambda a: a.astype("<f2"), lambda a: np.asfortranarray(a), lambda a: a.astype(">f8")],
    ids=["another shape", "half precision", "columns first", "other bytes"],
)
def test_an_array_of_another_shape_order_or_type_is_refused(tmp_path, monkeypatch, name, spoil):
    model = replace(predictor(), correction=CORRECTED)
    savez = np.savez

    def spoilt(stream, *, allow_pickle, **arrays):
        savez(stream, allow_pickle=allow_pickle, **{**arrays, name: spoil(arrays[name])})

    monkeypatch.setattr(np, "savez", spoilt)
    draws = form.to_npz(model)

    with pytest.raises(ArtifactError, match=rf"draws\.npz does not contain the draws .{name} has"):
        form.construct(form.to_json(model), draws, tmp_path)


def test_arrays_that_are_compressed_are_refused_before_they_are_unpacked(tmp_path, monkeypatch):
    model = predictor()
    monkeypatch.setattr(np, "savez", np.savez_compressed)

    with pytest.raises(ArtifactError, match="draws is compressed; expected stored"):
        form.construct(form.to_json(model), form.to_npz(model), tmp_path)


def test_a_correction_without_a_covariance_is_read_as_it_was_written(tmp_path, monkeypatch):
    monkeypatch.setattr(form, "MOST_COVARYING", 3)
    model = replace(predictor(), correction=replace(CORRECTED, covariance=None))

    read = form.construct(form.to_json(model), form.to_npz(model), tmp_path)

    assert read.correction.covariance is None
    assert (read.correction.gap, read.correction.bound) == (0.0123, 0.005)


def test_a_covariance_of_many_coefficients_that_was_stored_before_there_was_a_bound_is_read(
    tmp_path, monkeypatch
):
    model = replace(predictor(), correction=CORRECTED)
    stored = form.to_json(model), form.to_npz(model)
    monkeypatch.setattr(form, "MOST_COVARYING", 3)

    read = form.construct(*stored, tmp_path)

    np.testing.assert_array_equal(read.correction.covariance, CORRECTED.covariance)
