"""Ways to run the same density under NUTS: PyTensor's own graph compiled by numba or JAX, or the closed form.

Prints compile and sampling seconds of each, one process each; run twice to see what numba's cache gives.
JAX is measured where it is installed.

    python -m benchmarks.backends
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import numpy as np

SETUP = """
import sys, time
import numpy as np, pymc as pm, pytensor.tensor as pt, nutpie
from benchmarks.settings import company
from data_science.formula import design
from data_science.engines.registry import FitSettings
from data_science.likelihood.fidelity import compress_enough
from data_science.likelihood.laplace import transport_at
from data_science.formula.specification import ModelSpecification
frame = company(150_000, signal=True)
learned = design.learn(ModelSpecification(), frame)
c = compress_enough(learned, design.encode(learned, frame))
t = transport_at(c.joint, c.mode)
"""

GRAPH = """
j = c.joint
member = np.repeat(np.eye(j.n_sds), j.block_sizes, axis=1)
member = np.hstack([np.zeros((j.n_sds, j.n_common)), member])
mu, sd = j.common_priors.arguments[:, 0], j.common_priors.arguments[:, 1]
scale = j.sd_priors.arguments[:, 1]
with pm.Model() as model:
    theta, z = pm.Flat("theta", shape=j.n_sds), pm.Flat("z", shape=j.n_coefficients)
    precision = t.common_precision + pt.exp(-2 * theta) @ member
    lower = pt.linalg.cholesky(t.hessian.c + pt.diag(precision))
    y = pt.linalg.solve_triangular(lower, t.linear, lower=True)
    x = pt.linalg.solve_triangular(lower.T, y + z, lower=False)
    likelihood = pt.dot(j.successes, x) - pt.dot(j.weights, pt.softplus(j.matrix @ x))
    group = -0.5 * pt.sum((pt.exp(-2 * theta) @ member) * x**2) - pt.sum(theta * j.block_sizes)
    common = -0.5 * pt.sum(((x[: j.n_common] - mu) / sd) ** 2)
    hyper = pt.sum(-0.5 * (pt.exp(theta) / scale) ** 2 + theta)
    pm.Potential("joint", likelihood + group + common + hyper - pt.sum(pt.log(pt.diag(lower))))
started = time.perf_counter()
compiled = nutpie.compile_pymc_model(model, backend=sys.argv[1], **({"gradient_backend": "jax"} if sys.argv[1] == "jax" else {}))
middle = time.perf_counter()
nutpie.sample(compiled, draws=1000, tune=500, chains=4, cores=2, seed=1, target_accept=0.9, progress_bar=False)
print(middle - started, time.perf_counter() - middle)
"""

CLOSED_FORM = """
from data_science.likelihood.compiled import kernel
from data_science.engines import nuts as sampling
theta, z = c.mode.theta, np.zeros(c.joint.n_coefficients)
if sys.argv[1] == "numpy":
    kernel.LARGEST_WORK = -1
started = time.perf_counter()
(kernel.compiled(t) or t.log_density)(theta, z)
middle = time.perf_counter()
sampling.draw(learned, c, FitSettings(), lambda _: None)
print(middle - started, time.perf_counter() - middle)
"""


def run(code: str, argument: str) -> tuple[float, float]:
    """Compile and sampling seconds of one way, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SETUP + code, argument],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    compiling, sampling = map(float, done.stdout.split()[-2:])
    return compiling, sampling


def main() -> None:
    """Print the table."""
    ways = {
        "closed form, numba": (CLOSED_FORM, "kernel"),
        "closed form, NumPy": (CLOSED_FORM, "numpy"),
        "PyTensor graph, numba": (GRAPH, "numba"),
    }
    if importlib.util.find_spec("jax"):
        ways["PyTensor graph, JAX"] = (GRAPH, "jax")
    print(f"{'4 x (500 + 1000) draws':<24}{'compile s':>11}{'sample s':>10}")
    totals = {}
    for name, (code, argument) in ways.items():
        compiling, sampling = run(code, argument)
        totals[name] = compiling + sampling
        print(f"{name:<24}{compiling:>11.1f}{sampling:>10.1f}", flush=True)
    best = min(totals, key=lambda name: totals[name])
    print(
        f"fastest in total: {best}; the others take {[f'{v / totals[best]:.1f}x' for v in np.sort([*totals.values()])[1:]]}"
    )


if __name__ == "__main__":
    main()
