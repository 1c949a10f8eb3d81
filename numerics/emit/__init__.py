"""Readable source of a velocity, one printer per target; a new one is a file here and a line in `EMITTERS`."""

from __future__ import annotations

from collections.abc import Mapping

from theory.settings import Setting

from ..program import program
from .arb import EMITTER as _arb
from .c import EMITTER as _c
from .emitter import Emitter
from .heyoka import EMITTER as _heyoka
from .jax import EMITTER as _jax
from .load import compile
from .mpmath import EMITTER as _mpmath
from .numba import EMITTER as _numba
from .numpy import EMITTER as _numpy

EMITTERS: Mapping[str, Emitter] = {
    "numpy": _numpy,
    "numba": _numba,
    "jax": _jax,
    "mpmath": _mpmath,
    "arb": _arb,
    "heyoka": _heyoka,
    "c": _c,
}


def source(setting: Setting, target: str, *, title: str = "") -> str:
    """Let a setting with a flow be given: the source of `velocity(t, ..., *, ...)` for a target among `EMITTERS`.

    The title goes into the header. Raises `KeyError` for an unknown target.
    """
    if target not in EMITTERS:
        raise KeyError(f"there is no printer for {target!r}; choose one of {', '.join(EMITTERS)}")
    return EMITTERS[target].emit(program(setting), title)


__all__ = ["EMITTERS", "Emitter", "compile", "source"]
