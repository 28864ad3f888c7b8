"""A combination of known levels that no row of training has is as new as a new level."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_unseen import FAR, NEAR

from data_science.errors import ArtifactError, FeatureError
from data_science.formula.derived import Contrasts
from data_science.formula.encoding import Basis, Coding, Encoding, Factor, Term
from data_science.formula.rows import Rows
from data_science.likelihood.binomial import probability
from data_science.prediction.combinations import Combinations, incomplete
from data_science.prediction.draws import Draws
from data_science.prediction.measured import measure_unseen
from data_science.prediction.predictor import Predictor
from data_science.storage import predictor_format as form

G, H = Factor("g", ("a", "b", "c")), Factor("h", (1, 2))
BOTH = Encoding(
    (Term("Intercept"), Term("x", ("x",)), Term("1|g:h", groups=(G, H)), Term("x|g:h", ("x",), groups=(G, H)))
)
COMMON = Encoding((*BOTH.terms[:2], Term("g", codings=(Coding(G, True),)), Term("h", codings=(Coding(H, True),)),
                   Term("1|g:h", groups=(G, H))))  # fmt: skip
SEEN = np.array([True, True, False, True, True, False])  # neither b:1 nor c:2


def of_pairs(encoding=BOTH, seen=SEEN, threshold=0.03, **options):
    """Rare events, and much between the combinations; what no row informs has the distribution of its group."""
    rng = np.random.default_rng(3)
    n = encoding.n_coefficients
    draws = np.r_[-4.0, 0.2, rng.normal(0, 1, n - 2)] + rng.normal(0, 0.2, (400, n))
    sds = np.abs(rng.normal(2.5, 0.3, (400, encoding.n_sds)))
    start = encoding.slices["1|g:h"].start
    for place in np.flatnonzero(~seen):
        draws[:, start + place] = rng.permutation(np.linspace(-2, 2, 400)) * sds[:, 0]
    combinations = (Combinations(("g", "h"), (3, 2), seen),) if not seen.all() else ()
    return Predictor(
        encoding, draws.mean(axis=0), draws, sds, threshold=threshold, combinations=combinations, **options
    )


EVERY = pd.DataFrame([{"x": 0.5, "g": g, "h": h} for g in [*G.levels, "new"] for h in [*H.levels, 9]])
KNOWN = pd.Series(
    [s for pair in SEEN.reshape(3, 2).tolist() for s in (*pair, False)] + [False] * 3
)  # fmt: skip


def test_a_row_of_an_unseen_combination_is_averaged_as_one_of_an_unseen_level_is():
    model = of_pairs(unseen_levels={"g:h": FAR})
    plug_in, averaged = (model.predict_proba(EVERY, method) for method in ("plug-in", "posterior"))

    given = model.predict_proba(EVERY)

    np.testing.assert_array_equal(given, np.where(KNOWN, plug_in, averaged))
    assert (averaged > 1.1 * plug_in)[~KNOWN].all()
    rows = EVERY.to_dict("records")
    np.testing.assert_allclose([model.predict_proba_one(row) for row in rows], given, rtol=1e-13)
    labels = (given > model.threshold).astype(int).tolist()
    assert model.predict_batch(EVERY).tolist() == labels
    assert [model.predict_one(row) for row in rows] == labels
    odd = [{**row, "h": float(row["h"]), "g": np.str_(f" {row['g']} ")} for row in rows]
    assert [model.reader.has_unseen(row) for row in odd] == (~KNOWN).tolist()


def test_refusing_the_unseen_refuses_a_new_combination_too_however_it_is_asked_and_names_it():
    model = of_pairs(unseen="refuse")
    assert measure_unseen(model, model.reader.all_rows(EVERY[KNOWN])).unseen_levels == {}

    for row in EVERY[KNOWN].to_dict("records"):
        assert model.predict_one(row) == model.predict(pd.DataFrame([row]))
    for row in EVERY[~KNOWN & EVERY["g"].ne("new") & EVERY["h"].ne(9)].to_dict("records"):
        words = rf"g:h is '{row['g']}':{row['h']}, a combination not seen in training"
        many = pd.concat([EVERY[KNOWN], pd.DataFrame([row])])
        one = (model.predict_one, model.predict_proba_one, model.predict_interval_one, model.explain)
        for ask in one:
            with pytest.raises(FeatureError, match=f"^{words}"):
                ask(row)
        for ask in (model.predict_batch, model.predict_proba, model.predict_interval):
            with pytest.raises(FeatureError, match=f"^row {KNOWN.sum()}: {words}"):
                ask(many)


def test_scores_of_a_batch_average_its_new_rows_once(monkeypatch):
    model, asked = of_pairs(unseen_levels={"g:h": FAR}), []
    average = Draws.mean_probability
    monkeypatch.setattr(
        Draws, "mean_probability", lambda d, rows: asked.append(len(rows)) or average(d, rows)
    )

    (scores,) = model.score_batches([EVERY])

    assert asked == [(~KNOWN).sum()]
    assert scores.label.tolist() == (scores.probability > model.threshold).astype(int).tolist()


@pytest.mark.parametrize("seen", [SEEN, np.ones(6, dtype=bool)])
def test_where_nothing_is_far_or_nothing_is_missing_known_levels_get_the_plug_in(seen):
    model = of_pairs(seen=seen, unseen_levels={"g": FAR if seen.all() else NEAR})
    inside = EVERY[EVERY["g"].ne("new") & EVERY["h"].ne(9)]

    assert model.predict_proba(inside).tolist() == model.predict_proba(inside, "plug-in").tolist()


@pytest.mark.parametrize(("encoding", "measured"), [(BOTH, ["g", "h", "g:h"]), (COMMON, ["g:h"])])
def test_an_unseen_combination_is_measured_on_those_that_are_missing(encoding, measured):
    model = of_pairs(encoding)
    rows = Rows({"g": np.zeros(4, dtype=np.intp), "h": np.zeros(4, dtype=np.intp)}, {"x": np.arange(4.0)}, 4)

    found = measure_unseen(model, rows).unseen_levels

    assert list(found) == measured
    pairs = [("b", 1), ("b", 1), ("b", 1), ("c", 2)]  # evenly spaced through two
    moved = pd.DataFrame({"x": np.arange(4.0), "g": [g for g, _ in pairs], "h": [h for _, h in pairs]})
    for method, value in (("plug-in", found["g:h"].plug_in), ("posterior", found["g:h"].averaged)):
        assert value == pytest.approx(model.predict_proba(moved, method).mean())
    assert found["g:h"].is_far
    assert 0 < probability(np.array([-4.0]))[0] < found["g:h"].averaged


def test_contrasts_follow_the_levels_that_a_row_is_moved_to():
    contrasts = Contrasts("g", ("s1", "s2"), ((1.0, 0.0), (0.0, 1.0), (-1.0, -1.0)))
    terms = (
        Term("Intercept"),
        Term("s", codings=(Basis(("s1", "s2"), ("a", "b")),)),
        Term("1|g:h", groups=(G, H)),
    )
    model = of_pairs(Encoding(terms, contrasts=((G, contrasts),)))
    rows = model.reader.all_rows(EVERY[KNOWN].head(1))

    found = measure_unseen(model, rows).unseen_levels["g:h"]

    moved = pd.DataFrame([{"g": "b", "h": 1}])
    assert found.plug_in == pytest.approx(model.predict_proba(moved, "plug-in").item())
    assert found.averaged == pytest.approx(model.predict_proba(moved, "posterior").item())


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 4)), min_size=1, max_size=12),
    st.booleans(),
)
def test_what_is_new_is_what_no_row_has_for_any_rows_and_any_number_of_columns(rows, three):
    factors = (G, H, Factor("k", tuple("vwxyz")))[: 3 if three else 2]
    encoding = Encoding((Term("Intercept"), Term("t", groups=factors), Term("u", ("x",), groups=factors)))
    columns = [factor.column for factor in factors]
    codes = {column: np.array([row[place] for row in rows]) for place, column in enumerate(columns)}

    found = incomplete(encoding, Rows(codes, {}, len(rows)))

    seen = {row[: len(factors)] for row in rows}
    grid = np.indices([len(f.levels) + 1 for f in factors]).reshape(len(factors), -1)
    if len(seen) == np.prod([len(f.levels) for f in factors]):
        assert found == ()
        return
    (one,) = found
    expected = [
        all(c < len(f.levels) for c, f in zip(cell, factors, strict=True)) and tuple(cell) not in seen
        for cell in grid.T.tolist()
    ]
    read = Combinations.from_json(one.to_json(), encoding)
    assert (read.columns, read.lengths, read.seen.tolist()) == (one.columns, one.lengths, one.seen.tolist())
    assert one.name == ":".join(columns)
    assert read.are_new(dict(zip(columns, grid, strict=True))).tolist() == expected
    assert [bool(read.are_new(dict(zip(columns, cell, strict=True)))) for cell in grid.T.tolist()] == expected
    chosen = read.some_unseen(40)
    assert read.are_new(chosen).all()
    assert len(set(zip(*(chosen[c].tolist() for c in columns), strict=True))) == min(40, sum(expected))


def test_a_formula_without_combinations_or_with_all_of_them_stores_none(tmp_path):
    rows = Rows({"g": np.repeat([0, 1, 2], 2), "h": np.tile([0, 1], 3)}, {}, 6)
    alone = Encoding((Term("Intercept"), Term("1|g", groups=(G,)), Term("1|h", groups=(H,))))

    assert incomplete(BOTH, rows) == incomplete(alone, rows.take(slice(1))) == ()
    assert b'"combinations"' not in form.to_json(of_pairs(seen=np.ones(6, dtype=bool)))


def test_they_are_stored_and_read_back_and_what_does_not_fit_is_refused(tmp_path):
    model = of_pairs(unseen_levels={"g:h": FAR})
    document, draws = form.to_json(model), form.to_npz(model)

    read = form.construct(document, draws, tmp_path)

    assert read.predict_proba(EVERY).tolist() == model.predict_proba(EVERY).tolist()
    assert replace(model, combinations=()).predict_proba(EVERY).tolist() != read.predict_proba(EVERY).tolist()
    (right,) = json.loads(document)["combinations"]
    wrong = [
        {**right, "seen": one} for one in ("", "00ff", "zz", 7, ["d8"], None, right["seen"].upper() + " ")
    ]
    wrong += [{**right, "columns": one} for one in (["g", "k"], ["g"], ["h", "g"], 7, [])]
    for one in [*wrong, {}, 7, "g:h", {**right, "more": 1}]:
        forged = json.dumps(json.loads(document) | {"combinations": [one]}).encode()
        with pytest.raises(ArtifactError, match=r"does not describe a predictor"):
            form.construct(forged, draws, tmp_path)
