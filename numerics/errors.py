"""What can go wrong, each with a sentence that says what was given, what was wanted and what to do."""

from __future__ import annotations


class InvalidProblem(ValueError):
    """Input that does not state a problem: a shape, a name, a sign or a number is wrong."""


class OutOfDomain(ValueError):
    """An expression without a real value at the given point."""


class Unsupported(NotImplementedError):
    """An expression for which this backend has no exact counterpart."""


class IntegrationFailed(RuntimeError):
    """An integration that stopped early; `reached` is the time it reached, to double precision."""

    def __init__(self, message: str, *, reached: float) -> None:
        super().__init__(message)
        self.reached = reached
