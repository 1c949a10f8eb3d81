"""The difference of two models, for predictions of either sign."""

from __future__ import annotations

from ..settings import Space
from ..symbols import Family
from .model import Model


def difference(plus: Model, minus: Model) -> Model:
    """Let $x^\\pm$ be two models of the same output shape over different blocks: $x = x^+ - x^-$."""
    shared = {v.name for v in plus.space.parameters} & {v.name for v in minus.space.parameters}
    if shared:
        raise ValueError(f"the two models share the blocks {', '.join(sorted(shared))}; a difference needs blocks of its own on either side")
    if [length for _, length in plus.output.indices] != [length for _, length in minus.output.indices]:
        raise ValueError("the two models have outputs of different shapes")
    space = Space((*plus.space.parameters, *minus.space.parameters), (*plus.space.spheres, *minus.space.spheres))
    own = [name for name, _ in plus.output.indices]
    return Model(space, Family(plus.output.indices, plus.output.value - minus.output.at(own)))
