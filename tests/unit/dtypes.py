"""Every dtype that a column of whole numbers or truth values can come in, and a few extreme values of each."""

import numpy as np
import pandas as pd
from hypothesis import strategies as st

INTEGERS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
NULLABLE = [name.replace("i", "I", 1).replace("u", "U", 1) for name in INTEGERS]
ARROW = [f"{name}[pyarrow]" for name in INTEGERS]
FLOATS = ["float16", "float32", "float64", "Float32", "Float64", "float[pyarrow]", "double[pyarrow]"]
TRUTHS = ["bool", "boolean", "bool[pyarrow]"]
NUMERIC = [*INTEGERS, *NULLABLE, *ARROW, *FLOATS, *TRUTHS]
#: The same values in a dtype that is not numeric.
WRAPPED = ["category", "ordered category", "object"]


def column(values, dtype, wrapped=None):
    """Return the values as a column of ``dtype``, or of categories or objects of it."""
    if wrapped is not None and dtype == "float16":
        dtype = "float32"  # pandas has no index, and so no categories, of float16
    series = pd.Series(values, dtype=dtype, name="c")
    if wrapped == "ordered category":
        falling = series.drop_duplicates().sort_values(ascending=False)
        return pd.Series(pd.Categorical(series, categories=pd.Index(falling), ordered=True), name="c")
    return series if wrapped is None else series.astype(wrapped)


def is_truth(dtype):
    """Whether the dtype holds truth values."""
    return dtype.startswith("bool")


def limits(dtype):
    """Return the least and the greatest whole number that the dtype holds exactly, beside its neighbours."""
    name = dtype.removesuffix("[pyarrow]").lower()
    if is_truth(name):
        return 0, 1
    exact = {"float16": 2**11, "float32": 2**24, "float": 2**24, "float64": 2**53, "double": 2**53}
    if name in exact:
        return -exact[name], exact[name]
    return int(np.iinfo(name).min), int(np.iinfo(name).max)


@st.composite
def columns(draw, least=-3, most=6, wrapped=(None, *WRAPPED)):
    """Draw a column near some levels, its dtype, and what it is wrapped in; sometimes the dtype's extremes."""
    dtype = draw(st.sampled_from(NUMERIC))
    low, high = limits(dtype)
    near = st.integers(max(low, least), min(high, most))
    far = st.sampled_from([low, high, max(low, -1), high - 1 if high > 1 else 0])
    values = draw(st.lists(st.one_of(near, near, far), min_size=1, max_size=6))
    values = [bool(value) for value in values] if is_truth(dtype) else values
    return column(values, dtype, draw(st.sampled_from(wrapped)))
