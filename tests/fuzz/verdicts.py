"""Counts what a property test accepted and refused: a property of what is never reached holds of any code."""


class Verdicts:
    """A context for one example, used again and again; swallows the error that refuses it, and no other."""

    def __init__(self, refusal: type[Exception], match: str = "") -> None:
        self.refusal, self.match = refusal, match
        self.accepted = self.refused = 0

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> bool:
        is_refusal = isinstance(error, self.refusal) and self.match in str(error)
        self.refused += is_refusal
        self.accepted += kind is None
        return is_refusal

    def require(self, least: int) -> None:
        """Assert that at least so many were accepted, and so many refused."""
        assert min(self.accepted, self.refused) >= least, f"{self.accepted} accepted, {self.refused} refused"
