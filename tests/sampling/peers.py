"""Plain Bambi on raw rows, with the priors of a design: what our posterior is compared with."""

from collections.abc import Iterator

import bambi as bmb
import numpy as np
import pandas as pd
import xarray as xr
from pytensor.compile.mode import Mode

from data_science.formula.design import Design
from data_science.formula.encoding import Term

INTERPRETED = Mode(linker="py", optimizer="fast_compile")  # a few evaluations: compiling costs more


def bambi_prior(design: Design, term: Term) -> bmb.Prior:
    priors = [design.prior(term, column) for column in range(term.n_expressions)]
    arguments = {name: np.array([prior.arguments[name] for prior in priors]) for name in priors[0].arguments}
    if not term.bases:
        arguments = {name: values[0] for name, values in arguments.items()}
    is_group_specific = term.is_group_specific
    own = bmb.Prior(priors[0].name, auto_scale=False, **arguments)
    return bmb.Prior("Normal", auto_scale=False, mu=0, sigma=own) if is_group_specific else own


def bambi_on(frame: pd.DataFrame, design: Design, *, noncentered: bool = False) -> bmb.Model:
    """The user's own model: raw rows, explicit priors."""
    specification = design.specification
    priors = {term.name: bambi_prior(design, term) for term in design.encoding.terms}
    family = "bernoulli" if specification.response.trials is None else "binomial"
    texts = {c: object for c in frame if pd.api.types.is_string_dtype(frame[c])}  # as Bambi selects them
    model = bmb.Model(
        specification.formula,
        frame.astype(texts),
        family=family,
        priors=priors,
        auto_scale=False,
        noncentered=noncentered,
        extra_namespace={"np": np, "log1p": np.log1p, "sqrt": np.sqrt},
    )
    model.build()
    return model


def named_coordinates(model: bmb.Model) -> dict[str, tuple[str, ...]]:
    coordinates = model.backend.model.coords
    return {name: tuple(map(str, values)) for name, values in coordinates.items() if name != "__obs__"}


def points(model: bmb.Model, draws: xr.Dataset, centred_intercept: np.ndarray) -> Iterator[dict]:
    """Each draw as values of the (centred-parametrised) PyMC model's own variables."""
    pymc_model = model.backend.model
    own = [t for t in model.parameters["p"].terms if "|" not in t and not t.startswith("offset")]
    centres = len(own) > 1
    for draw in draws["draw"].values:
        point = {}
        for variable in pymc_model.free_RVs:
            values = draws[variable.name].sel(chain=0, draw=draw)
            dims = pymc_model.named_vars_to_dims.get(variable.name)
            array = (values.transpose(*dims) if dims else values).to_numpy()
            if variable.name == "Intercept" and centres:
                array = np.asarray(centred_intercept[draw])
            name = pymc_model.rvs_to_values[variable].name
            point[name] = np.log(array) if name.endswith("_log__") else array
        yield point


def log_densities(model: bmb.Model, draws: xr.Dataset, centred_intercept: np.ndarray) -> np.ndarray:
    """PyMC's compiled log-density on raw rows, shape (draw,)."""
    evaluate = model.backend.model.compile_logp(mode=INTERPRETED)
    return np.array([float(evaluate(point)) for point in points(model, draws, centred_intercept)])
