"""Store a small model as an example of today's format: python -m tests.compatibility.store_artifact

Run once for each new number of the format, before the code changes again; examples are never made anew.
"""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.settings import company
from data_science import pipeline
from data_science.storage import artifact
from data_science.storage.manifest import PROTOCOL

EXAMPLES = Path(__file__).parent / "artifacts"


def main() -> None:
    folder = EXAMPLES / f"format_{PROTOCOL}"
    if folder.exists():
        raise SystemExit(f"{folder} holds the example of this format already")
    fitted = pipeline.fit(company(3_000, signal=True), engine="nested-laplace")
    whole = fitted.predictor
    artifact.save(
        folder,
        # Fewer draws and no posterior.nc: a repository keeps this for ever.
        predictor=replace(whole, draws=whole.draws[::10], group_sd_draws=whole.group_sd_draws[::10]),
        diagnostics=fitted.diagnostics,
        model_card=fitted.model_card,
        writers={},
        provenance=fitted.provenance,
        now=datetime.now(UTC),
    )


if __name__ == "__main__":
    main()
