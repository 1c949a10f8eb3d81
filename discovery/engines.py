"""The searches at explicit sizes, in the order in which they are tried: cheap ones first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from .explicit import closed
from .explicit.multiples import laws_over_laws
from .explicit.polynomials import polynomial_laws, polynomial_space
from .explicit.system import System
from .integrals import quadratures

LOW_DEGREE, HIGH_DEGREE = 2, 3
FEW_COORDINATES = 8


@dataclass(frozen=True)
class Engine:
    """Let `search` propose laws of a system beside the known ones; `searches` says in words what space it goes through.

    A `Candidate` is for the kernel to prove; what else it yields are laws given by integrals that no formula replaces.
    """

    searches: Callable[[System], str]
    search: Callable[[System, Sequence[sp.Expr], np.random.Generator], Iterator[Any]]


def _polynomials(system: System, known: Sequence[sp.Expr], random: np.random.Generator) -> Iterator[Any]:
    yield from polynomial_laws(system, known=known, degree=_degree(system), random=random)


def _degree(system: System) -> int:
    return HIGH_DEGREE if system.dimension <= FEW_COORDINATES else LOW_DEGREE


ENGINES: tuple[Engine, ...] = (
    Engine(lambda system: polynomial_space(system, _degree(system)).text, _polynomials),
    Engine(closed.searched, lambda system, known, random: closed.closed_forms(system, known, random=random)),
    Engine(
        lambda system: "polynomials of degree at most 2 with rational laws as coefficients",
        lambda system, known, random: laws_over_laws(system, known, random=random),
    ),
    Engine(quadratures.space, lambda system, known, random: quadratures.quadratures(system, known, random=random)),
)
