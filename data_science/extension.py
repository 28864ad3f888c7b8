"""Where engines, priors and sources of rows are: names and homes as text, so that listing them imports none.

To add one takes one file and one line: below, or ``register`` in one's own code, or an entry
point of an installed package in the group ``data_science.engines``, ``.priors`` or ``.sources``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from data_science.errors import SpecificationError


@dataclass(frozen=True, slots=True)
class Registry:
    """The extensions of one kind.

    Attributes
    ----------
    kind : str
        What they are, in an error.
    homes : dict of str
        Where each is: ``package.module``, or ``package.module:attribute``.
    """

    kind: str
    homes: dict[str, str] = field(default_factory=dict)

    @property
    def group(self) -> str:
        """Entry points in which installed packages state theirs."""
        return f"data_science.{self.kind}s"

    def register(self, name: str, home: str) -> None:
        """Add one for this process.

        Parameters
        ----------
        name : str
            What users call it.
        home : str
            Where it is; imported when it is first used.

        Raises
        ------
        SpecificationError
            If the name is taken.
        """
        if name in self:
            raise SpecificationError(f"{self.kind} {name!r} is already registered; expected another name")
        self.homes[name] = home

    def unregister(self, name: str) -> None:
        """Take back a registration."""
        del self.homes[name]

    def load(self, name: str) -> Any:
        """Import one and return it.

        Raises
        ------
        SpecificationError
            If there is none of that name, or if an installed package's cannot be imported.
        """
        from importlib.metadata import EntryPoint  # slow to import, and serving needs none of it

        self.require(name)
        if name in self.homes:  # not asked of every installed package: that takes longer than the import
            return EntryPoint(name, self.homes[name], self.group).load()
        home = self._installed()[name]
        try:
            return EntryPoint(name, home, self.group).load()
        except Exception as error:  # whatever a stranger's module raises when it is imported
            raise SpecificationError(
                f"{self.kind} {name!r} is an installed package's, {home}, which cannot be imported "
                f"({type(error).__name__}: {error}). Repair or uninstall that package, or name another "
                f"{self.kind}"
            ) from error

    def all_homes(self) -> dict[str, str]:
        """Return where each is, by name; those of installed packages come last, and never replace ours."""
        return {**self.homes, **self._installed(), **self.homes}

    def require(self, name: str) -> None:
        """Raise a SpecificationError, with the names there are, if there is none of this name."""
        if name not in self:
            names = ", ".join(map(repr, self))
            raise SpecificationError(f"{self.kind} is {name!r}; expected one of {names}")

    def __str__(self) -> str:
        return f"one of {', '.join(self)}"

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in self.homes or name in self._installed())

    def __iter__(self) -> Iterator[str]:
        return iter(self.all_homes())

    def _installed(self) -> dict[str, str]:
        from importlib.metadata import entry_points

        return {point.name: point.value for point in entry_points(group=self.group)}


#: Modules with ``draw``; see `data_science.engines.registry`.
ENGINES = Registry(
    "engine", {"nuts": "data_science.engines.nuts", "nested-laplace": "data_science.engines.nested_laplace"}
)
#: Values of `data_science.formula.priors.Family`, by PyMC's names.
PRIORS = Registry(
    "prior",
    {
        "Normal": "data_science.formula.priors.normal:NORMAL",
        "StudentT": "data_science.formula.priors.student_t:STUDENT_T",
        "Cauchy": "data_science.formula.priors.student_t:CAUCHY",
        "Logistic": "data_science.formula.priors.logistic:LOGISTIC",
        "HalfNormal": "data_science.formula.priors.normal:HALF_NORMAL",
        "Exponential": "data_science.formula.priors.gamma:EXPONENTIAL",
        "HalfStudentT": "data_science.formula.priors.student_t:HALF_STUDENT_T",
        "HalfCauchy": "data_science.formula.priors.student_t:HALF_CAUCHY",
        "Gamma": "data_science.formula.priors.gamma:GAMMA",
        "InverseGamma": "data_science.formula.priors.inverse_gamma:INVERSE_GAMMA",
    },
)
#: Modules with ``read``; see `data_science.sources.registry`.
SOURCES = Registry("source", {"postgres": "data_science.sources.postgres.feature_store"})
