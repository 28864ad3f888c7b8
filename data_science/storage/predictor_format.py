"""The predictor as files: JSON for what people may read too, npz for the draws; probes that verify both.

Changes when what serving needs changes; the procedure is in `artifact`. Neither format can hold code.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data_science.arrays import Floats
from data_science.errors import ArtifactError, FeatureError
from data_science.formula.encoding import Encoding
from data_science.prediction.correction import MOST_COVARYING, Correction
from data_science.prediction.predictor import Predictor
from data_science.storage.manifest import DRAWS, PREDICTOR
from data_science.storage.version_files import REMEDY, canonical, parse_json

if TYPE_CHECKING:
    from data_science.prediction.combinations import Combinations
    from data_science.prediction.unseen import UnseenLevel

N_PROBES = 8
PROBE_TOLERANCE = 1e-9  # absolute, in probability; same arithmetic, so only rounding
PROBE_NUMBERS = (0.0, 1.0, 0.5, -1.0, 2.0)
HEADER = re.compile(  # what NumPy writes before an array of these types; read without evaluating anything
    rb"\{'descr': '<f([48])', 'fortran_order': False, 'shape': \(([0-9]{1,15}(?:, [0-9]{1,15})*),?\), \} *\n"
)
MAGIC = b"\x93NUMPY\x01\x00"


def to_json(predictor: Predictor) -> bytes:
    """Return everything but the draws."""
    correction = predictor.correction
    unseen = {column: [level.plug_in, level.averaged] for column, level in predictor.unseen_levels.items()}
    combinations = [one.to_json() for one in predictor.combinations]
    return canonical(
        {
            "encoding": predictor.encoding.to_json(),
            "coefficients": predictor.coefficients.tolist(),
            "n_draws": len(predictor.draws),
            "threshold": float(predictor.threshold),
            "unseen": predictor.unseen,
            "response": predictor.response,
            "correction": None
            if correction is None
            else {"gap": float(correction.gap), "bound": float(correction.bound)},
            **({"unseen_levels": unseen} if unseen else {}),  # absent from what earlier code stored
            **({"combinations": combinations} if combinations else {}),
        }
    )


def to_npz(predictor: Predictor) -> bytes:
    """Return the draws, and the covariance that the correction needs.

    Raises
    ------
    ArtifactError
        If a number is not finite: no probability would follow for a row.
    """
    arrays = {"draws": predictor.draws, "group_sd_draws": predictor.group_sd_draws}
    if predictor.correction is not None and predictor.correction.covariance is not None:
        arrays["covariance"] = predictor.correction.covariance
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ArtifactError(
                f"the model's {name} has values that are not finite; nothing was saved. Train again"
            )
    stream = io.BytesIO()
    plain = {name: np.ascontiguousarray(array, dtype=_stored(array)) for name, array in arrays.items()}
    np.savez(stream, allow_pickle=False, **plain)
    return stream.getvalue()


def _stored(array: Floats) -> str:
    """Name the type on disk; many levels' draws are in single precision."""
    return "<f4" if array.dtype == np.float32 else "<f8"


def construct(document: bytes, draws: bytes, folder: Path) -> Predictor:
    """Return the predictor that :func:`to_json` and :func:`to_npz` wrote.

    Raises
    ------
    ArtifactError
        Naming the file that does not hold what it should.
    """
    content = parse_json(document, folder / PREDICTOR)
    try:
        encoding = Encoding.from_json(content["encoding"])
        n, n_draws = encoding.n_coefficients, content["n_draws"]
        shapes = {"draws": (n_draws, n), "group_sd_draws": (n_draws, encoding.n_sds)}
        correction = content["correction"]
        # Versions before this bound have a covariance of however many coefficients.
        if correction is not None and (n <= MOST_COVARYING or _holds(draws, "covariance")):
            shapes["covariance"] = (n, n)
    except Exception as error:
        raise ArtifactError(
            f"{folder / PREDICTOR} does not describe a predictor ({error!r}). {REMEDY}"
        ) from error
    arrays = _read_npz(draws, shapes, folder / DRAWS)
    try:
        predictor = Predictor(
            encoding,
            np.array(content["coefficients"], dtype=np.float64),
            arrays["draws"],
            arrays["group_sd_draws"],
            content["threshold"],
            content["unseen"],
            correction
            and Correction(float(correction["gap"]), float(correction["bound"]), arrays.get("covariance")),
            content["response"],
            _unseen_levels(content.get("unseen_levels", {})),
            _combinations(content.get("combinations", []), encoding),
        )
        predictor.warm()
    except Exception as error:
        raise ArtifactError(
            f"{folder / PREDICTOR} does not describe a predictor ({error!r}). {REMEDY}"
        ) from error
    return predictor


def _unseen_levels(stored: Mapping[str, tuple[Any, Any]]) -> dict[str, UnseenLevel]:
    if not stored:
        return {}
    from data_science.prediction.unseen import UnseenLevel  # a cold start pays for what its model has

    return {
        column: UnseenLevel(float(plug_in), float(averaged)) for column, (plug_in, averaged) in stored.items()
    }


def _combinations(stored: list[Any], encoding: Encoding) -> tuple[Combinations, ...]:
    if not stored:
        return ()
    from data_science.prediction.combinations import Combinations

    return tuple(Combinations.from_json(one, encoding) for one in stored)


def probe(predictor: Predictor) -> list[dict[str, Any]]:
    """Return made-up rows, none of them from training, with what the predictor says about them."""
    factors = predictor.encoding.factors
    rows = []
    for row in range(N_PROBES):
        features: dict[str, Any] = {
            factor.column: factor.levels[row * (place + 1) % len(factor.levels)]
            for place, factor in enumerate(factors)
        }
        ranges = {one.column: one for one in predictor.encoding.inputs}
        for place, column in enumerate(predictor.encoding.number_columns):
            number = PROBE_NUMBERS[(row + place) % len(PROBE_NUMBERS)]
            if column in ranges:  # functions need not be defined elsewhere
                low, high = ranges[column].low, ranges[column].high
                number = low + (high - low) * (2 + number) / 5
            features.setdefault(column, number)
        try:
            rows.append({"features": features, "answer": _answer(predictor, features)})
        except FeatureError:  # functions of two columns need not be defined between training rows
            if not predictor.encoding.derived or (row == N_PROBES - 1 and not rows):
                raise
    return rows


def reproduce(predictor: Predictor, probes: list[Mapping[str, Any]], folder: Path) -> None:
    """Refuse a predictor that no longer answers as it did when it was saved."""
    try:
        gaps = [
            abs(now - then)
            for row in probes
            for now, then in zip(_answer(predictor, row["features"]), row["answer"], strict=True)
        ]
    except Exception as error:
        raise ArtifactError(
            f"{folder / PREDICTOR} cannot answer its own probes ({error!r}). {REMEDY}"
        ) from error
    if not gaps or not max(gaps) <= PROBE_TOLERANCE:
        worst = max(gaps, default=math.nan)
        raise ArtifactError(
            f"{folder / PREDICTOR}: a probe differs by {worst:.2g} from what was saved; expected at most "
            f"{PROBE_TOLERANCE:g}. The files or the code that reads them changed: train again, do not serve"
        )


def _answer(predictor: Predictor, features: Mapping[str, Any]) -> list[float]:
    """Return label, probability, lower and upper bound."""
    return [
        float(predictor.predict_one(features)),
        predictor.predict_proba_one(features),
        *predictor.predict_interval_one(features),
    ]


def _holds(data: bytes, name: str) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return f"{name}.npy" in archive.namelist()
    except Exception:  # noqa: BLE001 - whatever is wrong with it, who reads it says so
        return False


def _read_npz(data: bytes, shapes: Mapping[str, tuple[int, ...]], path: Path) -> dict[str, Floats]:
    """Read exactly the expected arrays, each only after its header was seen to promise the expected shape."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {info.filename: info for info in archive.infolist()}
            if sorted(members) != sorted(f"{name}.npy" for name in shapes):
                raise ValueError(f"it contains {sorted(members)}, expected {sorted(shapes)}")
            arrays = {}
            for name, shape in shapes.items():
                member = members[f"{name}.npy"]
                if member.compress_type != zipfile.ZIP_STORED or member.file_size > len(data):
                    raise ValueError(f"{name} is compressed; expected stored")
                arrays[name] = _read_array(archive.read(member), shape, name)
    except Exception as error:
        raise ArtifactError(f"{path} does not contain the draws ({error}). {REMEDY}") from error
    return arrays


def _read_array(data: bytes, shape: tuple[int, ...], name: str) -> Floats:
    start = len(MAGIC) + 2
    end = start + int.from_bytes(data[len(MAGIC) : start], "little")
    header = HEADER.fullmatch(data, start, end) if data.startswith(MAGIC) else None
    found = header and tuple(map(int, header[2].split(b",")))
    if found != shape:
        has = f"shape {found}" if found else f"the header {data[:80]!r}"
        raise ValueError(f"{name} has {has}, expected shape {shape} of floats in npy format 1.0")
    size = int(header[1]) if header else 8
    if len(data) - end != size * prod(shape):
        raise ValueError(f"{name} has {len(data) - end} bytes, expected {size * prod(shape)}")
    array = np.frombuffer(data, f"<f{size}", offset=end).reshape(shape)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has numbers that are not finite")
    return array
