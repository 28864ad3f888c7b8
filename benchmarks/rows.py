"""Does the fit grow with the number of rows? Compression per row, and both engines, at 10^5, 10^6 and 10^7 rows.

Each fit is the fastest of three: what the machine does beside it only adds.

    python -m benchmarks.rows
"""

from __future__ import annotations

from functools import partial
from time import perf_counter
from timeit import repeat

from benchmarks.settings import company
from data_science.engines.registry import FitSettings, engine
from data_science.formula import design
from data_science.formula.specification import ModelSpecification
from data_science.likelihood.fidelity import compress_enough

REPEATS = 3


def main() -> None:
    """Print the table."""
    print(
        f"{'rows':>12}{'compress s':>12}{'ns/row':>9}{'nodes':>7}{'nuts s':>9}{'nested-laplace s':>18}{'nuts ratio':>12}"
    )
    first = None
    for n_rows in (100_000, 1_000_000, 10_000_000):
        frame = company(n_rows, signal=True)
        started = perf_counter()
        learned = design.learn(ModelSpecification(), frame)
        compressed = compress_enough(learned, design.encode(learned, frame))
        compressing = perf_counter() - started
        seconds = {}
        for name in ("nuts", "nested-laplace"):
            if first is None:  # the first call imports and loads compiled code
                engine(name).draw(learned, compressed, FitSettings(draws=100, tune=100), lambda _: None)
            fit = partial(engine(name).draw, learned, compressed, FitSettings(), lambda _: None)
            seconds[name] = min(repeat(fit, number=1, repeat=REPEATS))
        first = first or seconds["nuts"]
        print(
            f"{n_rows:>12,}{compressing:>12.2f}{compressing / n_rows * 1e9:>9.0f}{len(compressed.cells):>7}"
            f"{seconds['nuts']:>9.2f}{seconds['nested-laplace']:>18.2f}{seconds['nuts'] / first:>12.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
