"""C99 source: one translation unit with loops in the order of memory, no library but libm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import sympy as sp

from ..errors import Unsupported
from ..lower import Loop, LoopProgram, Nest, Sum, as_loops, fuse, lower
from ..lower.loops import Places, over
from ..program import Program
from .cells import CellDialect, sizes_used, text
from .emitter import Emitter
from .numpy import values
from .text import C_MARK, check_names, origin, shape, wrapped

_FUNCTIONS = {name: name for name in ("log", "exp", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")}
_FUNCTIONS |= {"asinh": "asinh", "acosh": "acosh", "atanh": "atanh", "abs": "fabs", "sign": "sign"}
# fmt: off
_KEYWORDS = (
    "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum", "extern", "float", "for", "goto", "if",
    "inline", "int", "long", "register", "restrict", "return", "short", "signed", "sizeof", "static", "struct", "switch", "typedef",
    "union", "unsigned", "void", "volatile", "while", "_Bool", "_Complex", "_Imaginary",
)
# fmt: on
_RESERVED = frozenset(
    [*_KEYWORDS, *_FUNCTIONS.values(), "pow", "power", "work", "velocity", "velocity_work", "size_t", "main", "NAN", "NULL", "INFINITY"]
)
_NOTE = (
    "Arrays are rows one after the other. `work` has room for velocity_work(...) doubles. The results overlap with nothing else. "
    "Compile with, for instance, cc -std=c99 -O3 -march=native -fopenmp-simd -c, and link with -lm."
)
_POWER = """
static inline double power(const double x, const double exponent)
{
    if (exponent == 2.0) return x * x;
    if (exponent == 1.0) return x;
    if (exponent == 3.0) return x * x * x;
    return pow(x, exponent);
}
"""
_SIGN = """
static inline double sign(const double x)
{
    return (double)((x > 0.0) - (x < 0.0));
}
"""


@dataclass(frozen=True)
class Kind:
    """Let `name` be a type of numbers in C: what stands for its zero, and how the text of a double becomes one.

    Numbers that are vectors come with a `tile`: so many entries are summed up side by side, since one sum alone waits for itself.
    """

    name: str = "double"
    zero: str = "0.0"
    made: str = "{}"
    tile: int = 1


def emit(program: Program, title: str) -> str:
    """The source of `void velocity(t, sizes, blocks, constants, results, work)` and of `size_t velocity_work(sizes)`."""
    told = "\n".join(f" * {line}".rstrip() for line in origin(program, title, _NOTE)).replace("*/", "* /")
    lines = [f"{C_MARK}, for C99; written by polarflow, edits will be lost.", " *", told, " */", "#include <math.h>", "#include <stddef.h>"]
    found = functions(program, Kind(), frozenset())
    return "\n".join([*lines, *helpers(found), *found]) + "\n"


def helpers(lines: Sequence[str]) -> list[str]:
    """The functions on doubles that the lines call and that C does not have."""
    calls = "\n".join(lines)
    return [helper.rstrip("\n") for helper, name in ((_POWER, "power("), (_SIGN, "sign(")) if name in calls]


def functions(program: Program, kind: Kind, reserved: AbstractSet[str], still: AbstractSet[str] = frozenset()) -> list[str]:
    """The lines of `velocity_work` and `velocity`; numbers are of the kind, but doubles for the constants in `still`.

    Raises `Unsupported` for names that C has a meaning for, or that are in `reserved`.
    """
    check_names(program, _RESERVED | reserved, "C")
    names = [*(v.name for v in program.variables), *(n.name for n in program.sizes), *(step.name for step in program.steps)]
    for name in [*names, program.time_name]:
        if not name.isascii():
            raise Unsupported(f"{name!r} cannot be a name in C99, which has ASCII letters only; rename the variable, to 'theta' for instance")
    loops = as_loops(lower(program), taken={*names, program.time_name, *_RESERVED, *reserved}, rows=kind.tile == 1)
    found = fuse(loops) if kind.tile == 1 else loops
    shapes = {**{v.name: v.shape for v in program.variables}, **{nest.name: nest.shape for nest in found.all_nests}}
    dialect = _dialect(shapes, found)
    body = [line for nest in found.nests for line in _nest(nest, dialect, found, kind)]
    scratch = [nest for nest in found.all_nests if nest.shape and nest.name not in found.results]
    lengths = [f"const size_t {symbol}" for symbol in sizes_used(program, found)]
    total = " + ".join(_count(nest.shape) for nest in scratch) or "0"
    lines = ["", f"size_t velocity_work({', '.join(lengths) or 'void'})", "{"]
    lines += [f"    (void){symbol};" for symbol in sizes_used(program, found) if not any(symbol in _symbols(nest.shape) for nest in scratch)]
    lines += [f"    return {total};", "}", "", *_signature(program, found, lengths, kind, still), "{"]
    lines += [f"    (void){name};" for name in _unused(program, found, body, scratch)]
    start = "work"
    for nest in scratch:
        lines.append(f"    {kind.name} *restrict const {nest.name} = {start}; // {shape(nest.shape)}")
        start = f"{nest.name} + {_count(nest.shape)}"
    return [*lines, *body, "}"]


def _dialect(shapes: Mapping[str, tuple[sp.Expr, ...]], found: LoopProgram) -> CellDialect:
    def entry(name: str, places: Places) -> str:
        if not places:
            return f"{name}[0]" if name in found.results else name
        return f"{name}[{_offset(places, shapes[name])}]"

    return CellDialect(entry, "(double){}", _FUNCTIONS)


def _offset(places: Places, lengths: Sequence[sp.Expr]) -> str:
    """`(i * M + j) * N + k`"""
    text = str(places[0])
    for place, length in zip(places[1:], lengths[1:], strict=True):
        row = "" if text == "0" else f"({text}) * {_length(length)}" if " " in text else f"{text} * {_length(length)}"
        text = " + ".join(part for part in (row, str(place) if place != 0 else "") if part) or "0"
    return text


def _length(length: sp.Expr) -> str:
    found = str(length)
    if not all(letter.isalnum() or letter in "_ +-*()" for letter in found):
        raise Unsupported(f"the length {length} cannot be written in C; use a size of its own for it")
    return found if found.isalnum() or found.isidentifier() else f"({found})"


def _count(lengths: Sequence[sp.Expr]) -> str:
    return " * ".join(map(_length, lengths))


def _symbols(lengths: Sequence[sp.Expr]) -> set[sp.Symbol]:
    return {symbol for length in lengths for symbol in sp.sympify(length).free_symbols}


def _signature(program: Program, found: LoopProgram, lengths: Sequence[str], kind: Kind, still: AbstractSet[str]) -> list[str]:
    types = {v.name: "double" if v.name in still else kind.name for v in program.variables}
    arguments = [f"const {kind.name} {program.time_name}", *lengths]
    arguments += [f"const {types[v.name]} *restrict {v.name}" if v.shape else f"const {types[v.name]} {v.name}" for v in program.variables]
    arguments += [f"{kind.name} *restrict {name}" for name in found.results]
    comments = ["time", *["size"] * len(lengths), *(shape(v.shape) for v in program.variables), *(shape(v.shape) for v in program.parameters)]
    lines = [f"    {argument}, // {comment}" for argument, comment in zip(arguments, comments, strict=True)]
    return ["void velocity(", *lines, f"    {kind.name} *restrict work)"]


def _unused(program: Program, found: LoopProgram, body: Sequence[str], scratch: Sequence[Nest]) -> list[str]:
    """Arguments that the loops never mention, which compilers would warn of."""
    words = {word for line in body for word in line.translate({ord(letter): " " for letter in "()[]*+-/;,<={}"}).split()}
    words |= {symbol.name for nest in scratch[:-1] for symbol in _symbols(nest.shape)}
    names = [program.time_name, *(symbol.name for symbol in sizes_used(program, found)), *(v.name for v in program.variables)]
    return [name for name in names if name not in words] + ([] if scratch else ["work"])


def _nest(nest: Nest, dialect: CellDialect, found: LoopProgram, kind: Kind) -> list[str]:
    """The lines of one nest, under a comment with the shape."""
    if not nest.shape and nest.name not in found.results:
        if nest.sums and nest.sums[0].name == nest.name:
            return _sum(nest.sums[0], dialect, 1, kind)
        return wrapped(f"const {kind.name} {nest.name} = {kind.made.format(text(nest.value, dialect))};", 1)
    lines = [f"    // {each.name} {shape(each.shape)}" for each in (nest, *nest.then)]
    for each in (nest, *nest.then):
        if each.added:
            lines += _looped(over(each.places, each.shape), [], [f"{dialect.entry(each.name, each.places)} = {kind.zero};"], 1)
    if nest.sums and nest.loops and kind.tile > 1:
        return lines + _tiled(nest, dialect, kind)
    before = [line for sum_ in nest.sums for line in _sum(sum_, dialect, max(1, len(nest.loops)) + 1, kind)]
    after = [line for each in nest.then for line in _looped(each.loops, [], [_assigned(each, dialect, kind)], 2)]
    return lines + _looped(nest.loops, before, [_assigned(nest, dialect, kind)], 1, after)


def _tiled(nest: Nest, dialect: CellDialect, kind: Kind) -> list[str]:
    """The nest with some neighbouring entries summed up together; the last of them step back, and are computed twice, to be as many."""
    *outer, loop = nest.loops
    length, index, tile = _length(loop.length), loop.index, kind.tile
    each = [f"for (size_t {index}__n = 0; {index}__n < {index}__width; {index}__n++) {{", f"    const size_t {index} = {index}__first + {index}__n;"]
    lines = [
        f"for (size_t {index}__tile = 0; {index}__tile < {length}; {index}__tile += {tile}) {{",
        f"    const size_t {index}__width = {length} < {tile} ? {length} : {tile};",
        f"    const size_t {index}__first = {index}__tile + {index}__width < {length} ? {index}__tile : {length} - {index}__width;",
    ]
    for sum_ in nest.sums:
        name, indent = f"{sum_.name}__tile", "    " * (len(sum_.loops) + 1)
        lines += [f"    {kind.name} {name}[{tile}] = {{{', '.join([kind.zero] * tile)}}};"]
        lines += ["    " * depth + _for(own) for depth, own in enumerate(sum_.loops, 1)]
        lines += [indent + line for line in (*each, f"    {name}[{index}__n] += {text(sum_.value, dialect)};", "}")]
    lines += ["    " + line for line in each]
    lines += [f"        const {kind.name} {sum_.name} = {sum_.name}__tile[{index}__n];" for sum_ in nest.sums]
    lines += [f"        {_assigned(nest, dialect, kind)}", "    }", "}"]
    return _looped(outer, [], [], 1) + ["    " * len(nest.loops) + line for line in lines]


def _assigned(nest: Nest, dialect: CellDialect, kind: Kind) -> str:
    value = text(nest.value, dialect)
    return f"{dialect.entry(nest.name, nest.places)} {f'+= {value}' if nest.added else f'= {kind.made.format(value)}'};"


def _looped(loops: Sequence[Loop], before: Sequence[str], statements: Sequence[str], depth: int, after: Sequence[str] = ()) -> list[str]:
    """The loops with lines before and after the statements, in braces where there are such lines."""
    braces = bool(before or after)
    lines = []
    for n, loop in enumerate(loops):
        last = n == len(loops) - 1
        if last and not braces:
            lines.append(f"{'    ' * depth}#pragma omp simd")
        lines.append(f"{'    ' * depth}{_for(loop)}{' {' if last and braces else ''}")
        depth += 1
    if braces and not loops:
        lines.append(f"{'    ' * depth}{{")
        depth += 1
    lines += [*before, *(line for statement in statements for line in wrapped(statement, depth)), *after]
    return [*lines, "    " * (depth - 1) + "}"] if braces else lines


def _sum(sum_: Sum, dialect: CellDialect, depth: int, kind: Kind) -> list[str]:
    lines = [f"{'    ' * depth}{kind.name} {sum_.name} = {kind.zero};"]
    for n, loop in enumerate(sum_.loops):
        if n == len(sum_.loops) - 1:
            lines.append(f"{'    ' * (depth + n)}#pragma omp simd reduction(+:{sum_.name})")
        lines.append(f"{'    ' * (depth + n)}{_for(loop)}")
    return [*lines, *wrapped(f"{sum_.name} += {text(sum_.value, dialect)};", depth + len(sum_.loops))]


def _for(loop: Loop) -> str:
    return f"for (size_t {loop.index} = 0; {loop.index} < {_length(loop.length)}; {loop.index}++)"


EMITTER = Emitter(emit, values, 15, language="C")
