"""Tables whose truth is known, by the letter of their kind and the number of their rows."""

import numpy as np

from data_science.examples import clients

ROOT_2, ROOT_12 = 2**0.5, 12**0.5


def _labelled(eta, seed):
    p = 1 / (1 + np.exp(-np.asarray(eta, dtype=float)))
    return (np.random.default_rng(seed + 1_000).random(len(p)) < p).astype(int)


ETA = {
    "bend": lambda f: -3.3 + 10.15 * (f["scd_a"] - 0.5) ** 2,
    "product": lambda f: -2.5 + 2.4 * (f["scd_a"] - 0.5) * (f["scd_b"] - 3) / ROOT_2,
    "bend and product": lambda f: (
        -3.3 + 8 * (f["scd_a"] - 0.5) ** 2 + 2.4 * (f["scd_a"] - 0.5) * (f["scd_b"] - 3) / ROOT_2
    ),
    "wave": lambda f: -2.3 + 0.6 * np.sin(10 * np.pi * f["scd_a"]),
    "slopes": lambda f: -2.3 + np.where(f["attr_b"].isin(["a", "c"]), 2, -2) * (f["scd_a"] - 0.5),
    "level": lambda f: -2.3 + 0.6 * (f["attr_b"] == "a"),
    "tail": lambda f: -2.6 + 10 * np.maximum(0, f["scd_a"] - 0.8),
    "slight": lambda f: -2.3 + 0.15 * ROOT_12 * (f["scd_a"] - 0.5),
    "even": lambda f: 0 * f["scd_a"],
    "rare": lambda f: -6.9 + 0 * f["scd_a"],
}


def world(kind, n_rows, seed=1):
    """Clients of one world; "noise" and "signal" are those of `data_science.examples`."""
    frame = clients(n_rows, signal=kind == "signal", seed=seed)
    if kind in ETA:
        return frame.assign(label=_labelled(ETA[kind](frame), seed))
    if kind == "leak":
        return frame.assign(scd_a=0.7 * frame["label"] + 0.3 * frame["scd_a"])
    if kind == "five":
        return frame.assign(label=(frame.index % (n_rows // 5) == 0).astype(int))
    return frame
