"""What a fit leaves, and the files that it becomes. Changes when something else is kept of a fit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from xarray import DataTree

from data_science.engines.posterior import fewer_draws
from data_science.formula.design import Design
from data_science.prediction.predictor import Predictor
from data_science.report.card import card_json, model_card
from data_science.report.summary import Report
from data_science.storage import artifact
from data_science.storage.references import REFERENCE
from data_science.storage.version_files import canonical, write_durably
from data_science.storage.versions import Role

CARD = "model_card.json"  # the card for machines, beside that for people
_MOST_IN_FILE = 20_000_000  # numbers in posterior.nc: 160 MB
_BAMBI_LEVELS = 5_000  # Bambi's memory grows with the square of the levels; beyond, its model is not stored


@dataclass(frozen=True)
class Fit:
    """Everything a fit leaves: for prediction, for storage and for the reader."""

    predictor: Predictor
    summary: pd.DataFrame
    posterior: DataTree
    report: Report
    design: Design
    provenance: Mapping[str, Any]
    reference: Mapping[str, Any] | None = None  # what later rows are compared with

    @property
    def diagnostics(self) -> Mapping[str, Any]:
        """What the gates measured, with JSON types."""
        return self.report.to_json()

    @property
    def model_card(self) -> str:
        """One page for people."""
        return model_card(self.report)

    def _write_card(self, path: Path) -> None:
        """Write the card for machines."""
        write_durably(path, json.dumps(card_json(self.report), ensure_ascii=False, indent=1).encode())

    def _write_reference(self, path: Path) -> None:
        """Write what later rows are compared with."""
        write_durably(path, canonical(self.reference or {}))

    def save(self, folder: str | Path, *, keep: int = 5, role: Role | None = None, why: str = "") -> Path:
        """Store this as a new version and return its folder; a fit that failed its gates is no `Fit`.

        Role and reason are those of `data_science.storage.versions.publish`.

        Raises
        ------
        ArtifactError
            If the folder cannot be written.
        """
        return artifact.save(
            folder,
            predictor=self.predictor,
            diagnostics=self.diagnostics,
            model_card=self.model_card,
            writers={
                **_writers(self.design, self.posterior),
                CARD: self._write_card,
                **({} if self.reference is None else {REFERENCE: self._write_reference}),
            },
            provenance=self.provenance,
            now=datetime.now(UTC),
            keep=keep,
            role=role,
            why=why,
        )


def _writers(learned: Design, tree: DataTree) -> dict[str, artifact.Writer]:
    def write_bambi_model(path: Path) -> None:
        from data_science.formula import bambi_model  # only NUTS has paid for importing Bambi by now

        bambi_model.write(bambi_model.build(learned), path)

    def write_posterior(path: Path) -> None:
        # Built in memory: on a full disk, HDF5 that writes to it ends the process by a segmentation fault.
        write_durably(path, bytes(fewer_draws(tree, _MOST_IN_FILE).to_netcdf(engine="h5netcdf")))

    writers: dict[str, artifact.Writer] = {"posterior.nc": write_posterior}
    if max((len(factor.levels) for factor in learned.encoding.factors), default=0) <= _BAMBI_LEVELS:
        writers["bambi_model.cloudpickle"] = write_bambi_model
    return writers
