"""A whole run: copies and workers, the map of the tests, then one mutant after the other; kept for the next run."""

import multiprocessing
import os
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from functools import cache, partial
from pathlib import Path
from typing import Any

from . import lane, listed
from .candidates import lines_of_functions
from .kept import Kept
from .mutant import Mutant
from .tests_of import Traces, test_files


def run(
    tree: Path, mutants: Mapping[str, Mutant], *, workers: int, budget_s: float, fresh: bool = False
) -> list[dict[str, Any]]:
    """Judge the mutants, by what they are called, in copies of ``tree``; return what became of each.

    What is found is kept in ``.mutation_cache``, so that a run that was stopped goes on, a changed file of tests
    is traced alone, and one with a larger budget asks again about survivors only.
    """
    kept = Kept(tree)
    if fresh:
        kept.forget()
    os.environ["OMP_NUM_THREADS"] = "1"  # before any library is imported: threads do not survive a fork
    lane.import_libraries(tree)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, _pool(tree, Path(folder), workers) as pool:
        seen = _map(pool, tree, kept)
        return _judge(pool, tree, mutants, seen, kept, budget_s)


def _pool(tree: Path, folder: Path, workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("fork")
    copies = context.SimpleQueue()
    folder.chmod(0o755)  # tests that give up root still read the code
    for number in range(workers):
        copies.put(lane.copy(tree, folder / f"copy{number}"))
    return ProcessPoolExecutor(workers, context, initializer=_enter_next, initargs=(copies,))


def _enter_next(copies: Any) -> None:
    lane.enter(copies.get())


def _map(pool: ProcessPoolExecutor, tree: Path, kept: Kept) -> Traces:
    """What each file of tests runs: read, or found by running it once."""
    seen = kept.traces()
    names = [name for name in test_files(tree) if name not in seen.files]
    names.sort(key=lambda name: "/sampling/" not in name)  # the longest first
    if names:
        print(f"running {len(names)} files of tests once, to learn which lines each of them runs", flush=True)
    traced = _as_they_end({name: pool.submit(lane.trace, name) for name in names})
    for number, (name, file) in enumerate(traced, 1):
        cpu_s = sum(file.costs.values(), file.shared).cpu_s
        print(f"[{number}/{len(names)}] {name}: {len(file.costs)} tests, {cpu_s:.1f} CPU s", flush=True)
        for nodeid in file.failed:
            print(f"  judges nothing, since it fails without a mutant: {nodeid}", flush=True)
        seen = kept.add_trace(seen, name, file)
    return seen


def _judge(
    pool: ProcessPoolExecutor,
    tree: Path,
    mutants: Mapping[str, Mutant],
    seen: Traces,
    kept: Kept,
    budget_s: float,
) -> list[dict[str, Any]]:
    """Judge all mutants but those of which ``kept`` tells enough; return the results in the mutants' order."""
    results = kept.results(budget_s)
    reasons = listed.equivalents()
    functions = cache(partial(lines_of_functions, tree))
    waiting = {}
    for shown, mutant in mutants.items():
        if mutant.key in reasons:
            results[shown] = _result(shown, mutant, lane.Verdict("equivalent"), budget_s)
        elif shown not in results:
            files = seen.files_for(mutant, functions, compiled=lane.is_compiled(mutant.file))
            waiting[shown] = pool.submit(lane.judge, mutant, list(seen.stages(files, budget_s)))
    for number, (shown, verdict) in enumerate(_as_they_end(waiting), 1):
        results[shown] = _result(shown, mutants[shown], verdict, budget_s)
        kept.add_result(results[shown])
        by = f" by {verdict.by}" if verdict.by else ""
        told = f"{verdict.status:<8} {shown}{by} {verdict.cpu_s:.0f} CPU s"
        print(f"[{number}/{len(waiting)}] {told}", flush=True)
    return [results[shown] for shown in mutants]


def _result(shown: str, mutant: Mutant, verdict: lane.Verdict, budget_s: float) -> dict[str, Any]:
    keys = ("file", "function", "operator", "text", "before", "after", "occurrence")
    return {
        "shown": shown,
        **dict(zip(keys, mutant.key, strict=True)),
        "status": verdict.status,
        "by": verdict.by,
        "budget_s": budget_s,
        "n_tests": verdict.n_tests,
        "cpu_s": round(verdict.cpu_s, 1),
        "doubted": verdict.doubted,
    }


def _as_they_end[T](futures: Mapping[str, "Future[T]"]) -> Iterator[tuple[str, T]]:
    names = {future: name for name, future in futures.items()}
    for future in as_completed(names):
        yield names[future], future.result()
