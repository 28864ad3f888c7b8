"""From nothing to the first label: import, load, predict, each in a fresh process, against peers.

Run: ``python -m benchmarks.cold_start`` (needs the `train` extra, scikit-learn and joblib). CPU time and peak
memory are the operating system's account of the finished process; medians over rounds that alternate. This
process stays small, because a child's account of its memory starts with its parent's.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 11
ROW = {"attr_a": 1, "attr_b": "c", "scd_a": 0.55, "scd_b": 3}
ROOT = Path(__file__).resolve().parents[1]
PATH = (ROOT, ROOT / "mle")

MAPPING = f"""
from data_science import BayesianLogitModel
model = BayesianLogitModel()
model.load("models")
assert model.predict_one({ROW}) in (0, 1)
"""
FRAME = f"""
import pandas as pd
from data_science import BayesianLogitModel
model = BayesianLogitModel()
model.load("models")
assert model.predict(pd.DataFrame([{ROW}])) in (0, 1)
"""
SCIKIT_LEARN = f"""
import joblib, pandas as pd
model = joblib.load("pipeline.joblib")
assert model.predict(pd.DataFrame([{ROW}]))[0] in (0, 1)
"""
BAMBI = f"""
import cloudpickle, pandas as pd
model = cloudpickle.loads(open("bambi.cloudpickle", "rb").read())
posterior = cloudpickle.loads(open("posterior.cloudpickle", "rb").read())
model.predict(posterior, kind="response_params", data=pd.DataFrame([{ROW}]), inplace=False)
"""
PREPARE = """
from pathlib import Path
import cloudpickle, joblib
from benchmarks import peers
from data_science.formula import bambi_model
peers.store(Path("models"))
joblib.dump(peers.scikit_learn(), "pipeline.joblib")
model, posterior = peers.bambi()
bambi_model.write(model, Path("bambi.cloudpickle"))
Path("posterior.cloudpickle").write_bytes(cloudpickle.dumps(posterior))
"""
PROGRAMS = {
    "bare interpreter": "pass",
    "import numpy": "import numpy",
    "ours, mapping": MAPPING,
    "ours, one-row frame": FRAME,
    "scikit-learn, joblib": SCIKIT_LEARN,
    "Bambi, cloudpickle": BAMBI,
}


def cost(program: str, folder: Path) -> tuple[float, float]:
    """Return CPU seconds and peak memory in MB of one fresh process."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, PATH)),
        "OMP_NUM_THREADS": "1",
        # An installed package brings its byte code, so a checkout gets the same, whatever is set here.
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(folder / "byte-code"),
    }
    process = subprocess.Popen([sys.executable, "-c", program], cwd=folder, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"a measured program failed: {program}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    """Print the table; exit with 1 if a target is missed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cost(PREPARE, folder)
        for program in PROGRAMS.values():
            cost(program, folder)  # compiles what is imported for the first time
        rounds = [{name: cost(code, folder) for name, code in PROGRAMS.items()} for _ in range(ROUNDS)]
    cpu = {name: statistics.median(each[name][0] for each in rounds) for name in PROGRAMS}
    memory = {name: statistics.median(each[name][1] for each in rounds) for name in PROGRAMS}
    print(f"{'import, load, first label':24} {'CPU ms':>8} {'MB':>6}")
    for name in PROGRAMS:
        print(f"{name:24} {cpu[name] * 1e3:8.0f} {memory[name]:6.0f}")
    ours = cpu["ours, mapping"]
    targets = {
        "ours / import numpy": (ours / cpu["import numpy"], "at most", 1.5),
        "memory, MB": (memory["ours, mapping"], "at most", 60),
        "scikit-learn / ours": (cpu["scikit-learn, joblib"] / ours, "at least", 8),
        "Bambi / ours": (cpu["Bambi, cloudpickle"] / ours, "at least", 0),
    }
    for what, (found, sign, target) in targets.items():
        print(f"{what:24} {found:8.2f}   target: {sign} {target}")
    if any(
        found > target if sign == "at most" else found < target for found, sign, target in targets.values()
    ):
        raise SystemExit("a target was missed")


if __name__ == "__main__":
    main()
