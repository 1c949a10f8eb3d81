"""Arrays that are linear in registers: what can wait until a series has to be multiplied."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .constants import Constant
from .tape import Register, Whole

Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Term:
    """Let entry n be `coefficient[n] * register[places[n]]`; a single coefficient stands for all."""

    register: Register
    places: Whole
    coefficient: Fraction | NDArray[Any]


@dataclass(frozen=True)
class View:
    """Let an array of a given shape be a sum of terms and a constant: linear in registers, and no operation yet."""

    shape: Shape
    terms: tuple[Term, ...]
    constant: Constant | None = None


Value: TypeAlias = "Constant | View"


def single(value: int | Fraction) -> Constant:
    """One number as an array without axes."""
    found = np.empty((), dtype=object)
    found[()] = Fraction(value)
    return found


def array(value: Any) -> Constant:
    """An array also where NumPy gave back a single number."""
    return np.asarray(value, dtype=object)


def alone(view: View) -> tuple[Register, Fraction] | None:
    """The register and the factor, when the view is a whole register times a number."""
    if view.constant is not None or len(view.terms) != 1:
        return None
    (term,) = view.terms
    if isinstance(term.coefficient, np.ndarray) or len(term.places) != term.register.size:
        return None
    return (term.register, term.coefficient) if np.array_equal(term.places, np.arange(term.register.size)) else None


def viewed(view: View, places: Whole, shape: Shape) -> View:
    """The view whose entry n is entry `places[n]` of another."""
    terms = tuple(
        Term(t.register, t.places[places], t.coefficient[places] if isinstance(t.coefficient, np.ndarray) else t.coefficient) for t in view.terms
    )
    constant = None if view.constant is None else view.constant.reshape(-1)[places].reshape(shape)
    return View(shape, terms, constant)


def spread(view: View, shape: Shape) -> View:
    """The view broadcast to a shape."""
    if view.shape == shape:
        return view
    places = np.broadcast_to(np.arange(prod(view.shape)).reshape(view.shape), shape).reshape(-1)
    return viewed(view, places, shape)
