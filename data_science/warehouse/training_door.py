"""What a fit asks of a table that may be an engine's; Ibis is imported for such a table only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_science.data.queried import Queried
from data_science.errors import needing
from data_science.formula import training_data

if TYPE_CHECKING:
    from collections.abc import Collection

    from data_science.data.dataset import Schema
    from data_science.formula.specification import ModelSpecification
    from data_science.settings.fit import FitSettings


def is_table(data: object) -> bool:
    """Whether data are an Ibis table, or one that is asked by text."""
    return isinstance(data, Queried) or type(data).__module__.startswith("ibis.")


def validated(
    data: Any, specification: ModelSpecification, schema: Schema | None, settings: FitSettings | None = None
) -> Any:
    """Check rows, or sums of the rows of a table that stays in its engine.

    Returns
    -------
    Dataset or TableData
        See `data_science.formula.training_data` and `data_science.warehouse.training`.
    """
    if not is_table(data):
        return training_data.validated(data, specification, schema)
    with needing("warehouse", "training on a table of an engine"):
        from data_science.warehouse import training
        from data_science.warehouse.relation import Relation
    relation = Relation.of_queried(data) if isinstance(data, Queried) else Relation.of(data)
    return training.validated(relation, specification, schema, settings)


def rows_of(data: Any, columns: Collection[str]) -> Any:
    """Fetch some columns of a table of an engine, of those that there are."""
    with needing("warehouse", "comparing candidates on a table of an engine"):
        from data_science.warehouse import training
        from data_science.warehouse.relation import Relation
    relation = Relation.of_queried(data) if isinstance(data, Queried) else Relation.of(data)
    return training.fetched(relation, columns)
