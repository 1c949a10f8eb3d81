"""A model is a map from parameters to predictions, written in index notation."""

from __future__ import annotations

from dataclasses import dataclass

from ..settings import Definition, Space, substitute
from ..symbols import Family


@dataclass(frozen=True)
class Model:
    """Let $x(\\theta)$ be the prediction, entry by entry, of the parameters of a space."""

    space: Space
    output: Family

    @property
    def definition(self) -> Definition:
        """The prediction under its name $x$."""
        return Definition("x", self.output)

    def after(self, space: Space, reparametrisation: dict[str, Family]) -> Model:
        """The model composed with a map from a new space to the old one."""
        return Model(space, Family(self.output.indices, substitute(self.output.value, reparametrisation)))
