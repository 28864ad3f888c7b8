"""What a model offers to tables; Ibis is imported when the first question comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_science.errors import needing

if TYPE_CHECKING:
    from types import ModuleType

    import ibis.expr.types as ir

    from data_science.prediction.predictor import Predictor
    from data_science.warehouse import scoring


class ScoresTables:
    """Questions that the engine of a table answers; for a class whose ``model`` is a predictor."""

    def score(
        self,
        table: ir.Table,
        *,
        interval: float | None = 0.95,
        averaged: scoring.Averaged = "unread",
    ) -> ir.Table:
        """Return an Ibis table with the scores of every row, to be computed by the engine that holds it.

        Parameters
        ----------
        table : ibis table
            Of a connection. Its own columns are kept, but for those of the names below; its rows come in
            no order, so keep a key among them, to join on.
        interval : float, optional
            Posterior probability between ``lower`` and ``upper``; None leaves them out.
        averaged : {"unread", "plug-in"}
            Where the model averages rows with a level that training has not seen over the posterior (see
            `predict_proba`), and also reads numbers: such an average has no form in SQL. These rows are
            marked unread, or scored without it, which is not what `predict_proba` gives.

        Returns
        -------
        ibis table
            ``probability`` and ``label`` as `predict_proba` and `predict_batch` give them; ``lower`` and
            ``upper``, of the normal interval of the logit (`predict_interval` has quantiles of draws);
            ``unseen``, whether a level or a combination of levels is new; ``unread``, whether
            `predict_batch` would refuse the row, which then has no score.

        Raises
        ------
        FeatureError
            If a column is missing.
        SettingsError
            If the query cannot be written: no engine, too many levels.
        SpecificationError
            If a function in the formula has no form in SQL.
        """
        found: ir.Table = _scoring().score(self._predictor, table, interval=interval, averaged=averaged)
        return found

    def sql(
        self,
        dialect: str,
        table: ir.Table | str = "features",
        *,
        interval: float | None = 0.95,
        averaged: scoring.Averaged = "unread",
    ) -> str:
        """Return :meth:`score`'s query as the text of one SELECT.

        Parameters
        ----------
        dialect : str
            As Ibis names it: "duckdb", "postgres", "databricks" (also for Spark), "snowflake", ...
        table : ibis table or str
            Its name and types; of a name alone, the types that the columns had in training are assumed.
        interval, averaged
            As in :meth:`score`.
        """
        return str(_scoring().sql(self._predictor, dialect, table, interval=interval, averaged=averaged))

    @property
    def _predictor(self) -> Predictor:
        found: Predictor = self.model  # type: ignore[attr-defined]  # of the class that has it
        return found


def _scoring() -> ModuleType:
    with needing("warehouse", "scoring in the engine"):
        from data_science.warehouse import scoring
    return scoring
