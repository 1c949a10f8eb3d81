"""What the printers have in common: the header, the signature, the documentation, and how long lines are broken."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Sequence

import sympy as sp

from ..errors import Unsupported
from ..program import Program, Step

MARK = '"""Velocity of a gradient flow'
C_MARK = "/* Velocity of a gradient flow"
WIDTH = 110


def header(program: Program, title: str, target: str, *, note: str = "") -> str:
    """The docstring of the module: what the source was generated from, and a note on its use."""
    first, *rest = origin(program, title, note)
    text = "\n".join(["", first, *rest]).replace("\\", "\\\\").replace('"', "'")
    return f'{MARK}, for {target}; written by polarflow, edits will be lost.\n{text}\n"""\n'


def origin(program: Program, title: str, note: str = "") -> list[str]:
    """The title, the equations and the note, as lines of text."""
    lines = textwrap.wrap(f"Generated from: {' '.join(title.split())}", WIDTH) if title.strip() else ["Generated from:"]
    for step in program.definitions:
        lines += _equation(entry(step), "=", step.family.value)
    for block, step in zip(program.parameters, program.velocities, strict=True):
        lines += _equation(f"d/dt {entry(Step(block.name, step.family))}", "=", step.family.value)
    return [*lines, "", *textwrap.wrap(note, WIDTH)] if note else lines


def check_names(program: Program, reserved: Collection[str], target: str) -> None:
    """Raises `Unsupported` when a name of the program means something else in the generated source."""
    names = [program.time_name, *(v.name for v in program.variables), *(step.name for step in program.steps), *(n.name for n in program.sizes)]
    taken = sorted(set(names) & set(reserved))
    if taken:
        raise Unsupported(f"{taken[0]!r} has a meaning of its own in source for {target}; rename the variable, to '{taken[0]}_0' for instance")


def _equation(left: str, relation: str, right: sp.Expr) -> list[str]:
    return textwrap.wrap(f"{left} {relation} {right}", WIDTH, initial_indent="    ", subsequent_indent="        ", break_long_words=False)


def entry(step: Step) -> str:
    """`G[i]` for a family over i."""
    own = ", ".join(index.name for index, _ in step.family.indices)
    return f"{step.name}[{own}]" if own else step.name


def signature(program: Program, time: str) -> str:
    """`def velocity(t, r, u, *, A, y):`"""
    arguments = [time, *(block.name for block in program.parameters)]
    if program.inputs:
        arguments += ["*", *(variable.name for variable in program.inputs)]
    return f"def velocity({', '.join(arguments)}):"


def documentation(program: Program) -> list[str]:
    """The docstring of the function: the shapes of what goes in and what comes out."""
    lines = ['    """The velocities of the blocks, in this order: ' + ", ".join(f"{v.name} {shape(v.shape)}" for v in program.parameters) + "."]
    if program.inputs:
        constants = ", ".join(f"{v.name} {shape(v.shape)}" for v in program.inputs)
        lines += ["", *textwrap.wrap(f"Constants: {constants}.", WIDTH, initial_indent="    ", subsequent_indent="    "), '    """']
    else:
        lines[-1] += '"""'
    return lines


def shape(lengths: Sequence[sp.Expr]) -> str:
    """A shape in Python's spelling: `()`, `(N,)`, `(M, N)`."""
    return f"({', '.join(map(str, lengths))}{',' if len(lengths) == 1 else ''})"


def power(base: str, exponent: str) -> str:
    """`u**L`, and `x ** (L - 1)` where a part is not a single word."""
    single = all(part.isidentifier() or part.isdigit() for part in (base, exponent))
    return f"{base}**{exponent}" if single else f"{base} ** {exponent}"


def assignment(name: str, text: str, comment: str, indent: str = "    ") -> list[str]:
    """`name = text  # comment`, broken at operators when it is too long for one line."""
    line = f"{indent}{name} = {text}"
    if len(line) <= WIDTH:
        return [f"{line}  # {comment}" if comment else line]
    first, *rest = broken(text, indent) if _is_bracketed(text) else [f"{indent}(", *broken(text, indent + "    "), f"{indent})"]
    return [f"{indent}{name} = {first.strip()}" + (f"  # {comment}" if comment else ""), *rest]


def wrapped(text: str, depth: int) -> list[str]:
    """A statement of C, indented, continued on further lines where it is too long."""
    indent = "    " * depth
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "    ", break_long_words=False, break_on_hyphens=False)


# Where a line may be broken, the weakest first.
_BREAKS = ((" for ",), (" + ", " - "), (", ",), (" * ", " / ", " @ "))


def broken(text: str, indent: str) -> list[str]:
    """Let the text stand inside brackets: its lines, broken outside its own brackets where possible, otherwise inside them."""
    if len(indent) + len(text) <= WIDTH:
        return [indent + text]
    for marks in _BREAKS:
        pieces = _split(text, marks)
        if len(pieces) > 1:
            return [line for piece in pieces for line in broken(piece, indent)]
    start = next((n for n, letter in enumerate(text) if letter in "(["), None)
    if start is None:
        return [indent + text]
    stop = _closing(text, start)
    inner = broken(text[start + 1 : stop], indent + "    ")
    return [f"{indent}{text[: start + 1]}", *inner, *broken(text[stop:], indent)]


def _split(text: str, marks: Sequence[str]) -> list[str]:
    """The text cut at marks outside all brackets: before an operator or a `for`, after a comma."""
    pieces, depth, start = [], 0, 0
    for n, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        mark = next((mark for mark in marks if text.startswith(mark, n)), None)
        if depth == 0 and mark and n > start:
            cut = n + 1
            pieces.append(text[start:cut].strip())
            start = cut
    return [*pieces, text[start:].strip()]


def _closing(text: str, start: int) -> int:
    depth = 0
    for n in range(start, len(text)):
        depth += (text[n] in "([") - (text[n] in ")]")
        if depth == 0:
            return n
    raise ValueError(f"a bracket is not closed in {text!r}")


def _is_bracketed(text: str) -> bool:
    return text[0] in "([" and _closing(text, 0) == len(text) - 1


def lengths_used(program: Program, used: set[sp.Symbol]) -> list[tuple[sp.Symbol, str, int]]:
    """For each size: an argument that has it, and on which axis."""
    found = []
    for length in program.sizes:
        if length in used:
            for variable in program.variables:
                if length in variable.shape:
                    found.append((length, variable.name, variable.shape.index(length)))
                    break
            else:
                raise Unsupported(f"no argument of the velocity has the length {length}, so the source cannot know it; use a number for it")
    return found
