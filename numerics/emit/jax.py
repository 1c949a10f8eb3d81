"""JAX source: whole arrays in double precision, compiled by XLA, and differentiable."""

from __future__ import annotations

from ..lower import Array, lower
from ..program import Program
from .arrays import body
from .emitter import Emitter
from .numpy import values
from .text import assignment, check_names, documentation, header, signature

_NOTE = (
    "Importing this module switches JAX to double precision. Constants in exponents are static: a whole number there is compiled into products, "
    "and a new value is compiled anew."
)


def emit(program: Program, title: str) -> str:
    """The source of `velocity` for JAX, under `jax.jit`; `jax.jvp` and `jax.jacfwd` take it as it is."""
    check_names(program, ("jax", "jnp", "partial", "velocity"), "JAX")
    arrays = lower(program)
    exponents = set().union(*(_in_exponents(statement.value) for statement in arrays.statements))
    static = [v.name for v in program.inputs if not v.shape and v.name in exponents]
    lines = [
        header(program, title, "JAX", note=_NOTE),
        *(["from functools import partial", ""] if static else []),
        "import jax",
        "import jax.numpy as jnp",
    ]
    lines += ["", 'jax.config.update("jax_enable_x64", True)', "", ""]
    names = ", ".join(f'"{name}"' for name in static)
    lines.append(f"@partial(jax.jit, static_argnames=({names},))" if static else "@jax.jit")
    lines += [signature(program, program.time_name), *documentation(program)]
    # An int would stay one: its powers overflow.
    scalars = [program.time_name, *(v.name for v in program.variables if not v.shape and v.name not in static)]
    lines += assignment(", ".join(scalars), ", ".join(f"jnp.float64({name})" for name in scalars), "")
    return "\n".join([*lines, *body(program, arrays, "jnp")]) + "\n"


def _in_exponents(value: Array) -> set[str]:
    """The names of which a power has its exponent."""
    found = _names(value.operands[1]) if value.op == "power" else set()
    return found.union(*(_in_exponents(operand) for operand in value.operands))


def _names(value: Array) -> set[str]:
    return {str(value.detail)} if value.op == "name" else set().union(*(_names(operand) for operand in value.operands))


EMITTER = Emitter(emit, values, 15)
