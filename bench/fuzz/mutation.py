"""Mutants of theory files: damage to bytes, to the structure of TOML, and expressions that the grammar of formulas allows."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[2]
CANARY = "opened-by-an-expression"
_BLOCK = re.compile(r"^```toml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_TOKEN = re.compile(r"[A-Za-z_]\w*|\d+(?:\.\d+)?|\*\*|\S")
_NAME = re.compile(r"\b[A-Za-z_]\w*\b")

NUMBERS = (
    "0",
    "-1",
    "1",
    "2",
    "7",
    "64",
    "65",
    "1000",
    "1001",
    "1e9",
    "1e-60",
    "9" * 60,
    "9" * 61,
    "1/0",
    "0.5",
    "inf",
    "nan",
    "0x10",
    "1_000",
    "1e999999999",
)
FUNCTIONS = ("log", "exp", "sqrt", "sin", "tan", "asin", "acos", "acosh", "atanh", "tanh", "abs", "dot", "norm", "norm2", "sum", "prod", "max", "ln")
VALUES = (
    *NUMBERS,
    *(f'"{number}"' for number in NUMBERS),
    '""', '" "', "true", "[]", "[[]]", "[1, [2]]", "{}", "{ a = 1 }", "1979-05-27", "07:32:00", '"N"', '"scalar"', '"N x N"', '"N x N x N x N x N"',
    '"N, positive, sphere"', '"N x N, symmetric"', '"N x N, skew"', '"N, sphere(S), sphere(T)"', '"kernel(A)"', '"solution(A, y)"',
    '"any"', '"any(A)"',
    '"square(A, y)"', '"exponential(A, y)"', '"logistic"', "[[1, 2], [3]]", "[" * 200 + "]" * 200, '{ shape = "N", value = [1, 2] }', '{ value = 1 }',
    '{ sign = "positive", value = -1 }', '"refuted"', '"x[i,j] = u[i]*v[j]"',
)  # fmt: skip
HEADS = (
    "[sizes]",
    "[constants]",
    "[data]",
    "[arbitrary]",
    "[parameters]",
    "[definitions]",
    "[model]",
    "[flow]",
    "[[claim]]",
    "[claim]",
    "[start]",
    "[run]",
)
INJECTED = (
    f"__import__('os').system('touch {CANARY}')",
    f'open("{CANARY}", "w")',
    "().__class__.__bases__[0].__subclasses__()",
    f"exec('import pathlib; pathlib.Path(\\'{CANARY}\\').touch()')",
    "lambda: 0",
    "Symbol('u')",
    "{0.__class__}",
    "%s%n",
    "import os",
    "x if x else y",
    "S.Infinity",
    "zoo",
    "I",
    "oo",
)
CHARACTERS = "\x00\x07\x1b\u00e9\u03ba\u2212\u00b2\u2211\u202e\ufeff\ud7ff\U0001f600\u0660\uff11\u212a'\"\\#=[](){},.^*/+-%@|!;:~`$&"

Mutate = Callable[[str, Random, Sequence[str]], str]


def corpus() -> tuple[str, ...]:
    """The theory files of examples/ and those printed in the documentation."""
    files = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "examples").rglob("*.toml"))]
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return (*files, *(block for page in pages for block in _BLOCK.findall(page.read_text(encoding="utf-8"))))


def mutant(dice: Random, texts: Sequence[str]) -> bytes:
    """One of the texts after some damage; most often a little, so that it comes far."""
    text = dice.choice(texts)
    for _ in range(min(12, 1 + int(dice.expovariate(0.8)))):
        text = dice.choices([mutate for mutate, _ in MUTATIONS], [weight for _, weight in MUTATIONS])[0](text, dice, texts)
    raw = text.encode("utf-8", "surrogatepass")
    return _bytes(raw, dice) if dice.random() < 0.03 else raw


def _bytes(raw: bytes, dice: Random) -> bytes:
    at = dice.randrange(len(raw) + 1)
    return raw[:at] + dice.randbytes(dice.randint(1, 8)) + raw[at + dice.randint(0, 8) :]


# ---- characters ------------------------------------------------------------------------------------------------------------------------------


def _span(text: str, dice: Random, longest: int) -> tuple[int, int]:
    at = dice.randrange(len(text) + 1)
    return at, min(len(text), at + dice.randint(0, longest))


def _insert(text: str, dice: Random, _: Sequence[str]) -> str:
    at, end = _span(text, dice, 3)
    return text[:at] + "".join(dice.choices(CHARACTERS + "uvwxNrk019 \n", k=dice.randint(1, 5))) + text[end:]


def _delete(text: str, dice: Random, _: Sequence[str]) -> str:
    at, end = _span(text, dice, 30)
    return text[:at] + text[end:]


def _splice(text: str, dice: Random, texts: Sequence[str]) -> str:
    other = dice.choice(texts)
    (at, end), (first, last) = _span(text, dice, 20), _span(other, dice, 200)
    return text[:at] + other[first:last] + text[end:]


# ---- lines and values ------------------------------------------------------------------------------------------------------------------------


def _lines(text: str, dice: Random, texts: Sequence[str]) -> str:
    lines = text.split("\n")
    at, to = dice.randrange(len(lines)), dice.randrange(len(lines))
    match dice.randrange(6):
        case 0:
            del lines[at]
        case 1:
            lines.insert(to, lines[at])
        case 2:
            lines[at], lines[to] = lines[to], lines[at]
        case 3:
            lines.insert(at, dice.choice(HEADS))
        case 4:
            lines.insert(at, dice.choice(dice.choice(texts).split("\n")))
        case _:
            lines.insert(at, f"{dice.choice(_names(text))} = {dice.choice(VALUES)}")
    return "\n".join(lines)


def _value(text: str, dice: Random, _: Sequence[str]) -> str:
    lines = text.split("\n")
    places = [n for n, line in enumerate(lines) if "=" in line]
    if places:
        at = dice.choice(places)
        lines[at] = f"{lines[at].split('=')[0]}= {dice.choice(VALUES)}"
    return "\n".join(lines)


def _size(text: str, dice: Random, _: Sequence[str]) -> str:
    return re.sub(
        r"^([A-Z]\w*) = \d+$", lambda found: f"{found[1]} = {dice.choice([0, 1, 2, 3, 17, 1000, 1000, 1001, -1])}", text, flags=re.MULTILINE
    )


def _rename(text: str, dice: Random, _: Sequence[str]) -> str:
    names = _names(text)
    old, new = dice.choice(names), dice.choice([*names, "x", "G", "F", "nu", "t", "i", "pi", "e", "lambda", "__class__", "N" * 61, *FUNCTIONS])
    return re.sub(rf"\b{old}\b", new, text, count=dice.choice([0, 1, 2]))


def _names(text: str) -> list[str]:
    return _NAME.findall(text) or ["u"]


def _repeat(text: str, dice: Random, _: Sequence[str]) -> str:
    """A line many times, with its names numbered or not, or a part of one many times: what costs more than it looks."""
    lines, often = text.split("\n"), dice.choice([2, 5, 20, 100, 1_000, 30_000])
    at = dice.randrange(len(lines))
    line = lines[at][:120]
    match dice.randrange(4):
        case 0:
            lines[at] = "\n".join([line] * often)
        case 1:
            lines[at] = "\n".join(re.sub(r"^(\w+)|\"(\w)", rf"\g<0>{n}", line) for n in range(often))
        case 2:
            first, last = sorted((dice.randrange(len(line) + 1), dice.randrange(len(line) + 1)))
            lines[at] = line[:first] + line[first:last] * often + line[last:]
        case _:
            words = _NAME.findall(line)
            lines[at] = line.replace(words[-1], " x ".join([words[-1]] * dice.choice([2, 3, 4, 100]))) if words else line
    return "\n".join(lines)[:900_000]


# ---- formulas --------------------------------------------------------------------------------------------------------------------------------


def _token(text: str, dice: Random, _: Sequence[str]) -> str:
    found = list(_TOKEN.finditer(text))
    if not found:
        return text
    at, other = dice.choice(found), dice.choice(found)
    put = dice.choice([other.group(), dice.choice(NUMBERS), dice.choice("+-*/^=(),[]"), dice.choice(_names(text)), ""])
    return text[: at.start()] + put + text[at.end() :]


def _formula(text: str, dice: Random, _: Sequence[str]) -> str:
    """A quoted text, put into something or replaced by an expression of its own."""
    found = list(re.finditer(r'"([^"\n]*)"', text))
    if not found:
        return text
    at = dice.choice(found)
    old, names = at[1], _names(text)
    match dice.randrange(9):
        case 0:
            put = f"{dice.choice(FUNCTIONS)}({old})"
        case 1:
            put = f"({old}){dice.choice(['**', '^', '/', '-', '*'])}({expression(dice, names, 2)})"
        case 2:
            put = f"sum({dice.choice('ijklpq')}, {old})"
        case 3:
            deep = dice.choice([5, 20, 60, 98, 150, 3000])
            left, right = dice.choice(
                [("(", ")"), ("abs(", ")"), ("exp(", ")"), ("sqrt(1+", ")"), ("-", ""), ("2**", ""), ("1/(1+", ")"), ("sum(i, ", ")")]
            )
            put = left * deep + old + right * deep
        case 4:
            put = dice.choice(INJECTED)
        case 5:
            put = dice.choice([" + ", "*", "**", "/", " = "]).join([old] * dice.choice([2, 3, 10, 100]))
        case 6:
            put = f"{old} = {expression(dice, names, 3)}"
        case _:
            left = old.split("=")[0] + "= " if "=" in old else ""
            put = left + expression(dice, names, dice.randint(1, 6))
    return text[: at.start(1)] + put + text[at.end(1) :]


def expression(dice: Random, names: Sequence[str], depth: int) -> str:
    """A text of the grammar over these names; whether it means anything is left to chance."""
    if depth == 0:
        name, indices = dice.choice(names), dice.choices(["i", "j", "k", "0", "1", "3"], k=dice.randint(1, 2))
        return dice.choice([name, f"{name}[{', '.join(indices)}]", f"{name}[i]", dice.choice(NUMBERS[:10])])
    one, two = (expression(dice, names, depth - 1) for _ in range(2))
    return dice.choice(
        [
            f"{one} + {two}",
            f"{one} - {two}",
            f"({one})*({two})",
            f"({one})/({two})",
            f"({one})**{dice.choice(['2', '3', '(1/2)', '-1', '64', '0', two])}",
            f"{dice.choice(FUNCTIONS)}({one})",
            f"sum({dice.choice('ijk')}, {one})",
            f"sum(i, j, ({one})*({two}))",
            f"-({one})",
        ]
    )


MUTATIONS: tuple[tuple[Mutate, int], ...] = (
    (_formula, 8), (_token, 6), (_value, 4), (_lines, 4), (_rename, 3), (_insert, 2), (_delete, 2), (_splice, 1), (_size, 2), (_repeat, 2),
)  # fmt: skip
