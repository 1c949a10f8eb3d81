"""Layouts in the mathematics of Typst."""

from __future__ import annotations

from .layout import Accent, Big, Fence, Fraction, Gap, Layout, Letter, Lines, Name, Number, Root, Row, Script, Sign, Words

# Characters that mean something to Typst in mathematics, by their names.
SAFE = {
    ",": "comma", ";": "semi", "(": "paren.l", ")": "paren.r", "[": "bracket.l", "]": "bracket.r", "{": "brace.l", "}": "brace.r",
    "|": "bar.v", "‖": "bar.v.double", "/": "slash", "#": "\\#", "*": "\\*", "_": "\\_", "^": "\\^", "&": "\\&", "$": "\\$", "'": "prime", "!": "!",
    "⟨": "chevron.l", "⟩": "chevron.r", ":": "colon", ".": ".",
}  # fmt: skip
FACES = {"bold": "bold", "blackboard": "bb", "script": "cal", "upright": "upright"}


def typst(node: Layout) -> str:
    """A layout on one line of Typst mathematics."""
    match node:
        case Letter(text, style):
            inner = text if len(text) == 1 else f'"{text}"'
            return inner if style == "italic" else f"{FACES[style]}({inner})"
        case Number(text):
            return f'"{text}"' if not text.isdigit() else text
        case Sign(text, "open" | "close" as kind):
            size = "1.9em" if text.startswith("large ") else "1.2em"
            told = SAFE.get(text.removeprefix("large "), text.removeprefix("large "))
            return f'class("{"opening" if kind == "open" else "closing"}", lr(size: #{size}, {told}))'
        case Sign(text, "prefix"):
            return f'class("unary", {_sign(text)})'
        case Sign(text, kind):
            return f'class("normal", {_sign(text)})' if kind == "ordinary" and text in ("/", "|") else _sign(text)
        case Name(text):
            return f'op("{text}")'
        case Words(text):
            return f'"{quoted(text)}"'
        case Gap(em):
            return f"#h({em:g}em)"
        case Row(items):
            return " ".join(typst(item) + _apart(items, n) for n, item in enumerate(items))
        case Fraction(above, below):
            return f"frac({typst(above)}, {typst(below)})"
        case Script(base, below, above):
            return f"attach({typst(base)}{_limits(below, above)})"
        case Big(text, below, above):
            return f"attach({text}{_limits(below, above)})"
        case Root(body, degree):
            return f"root({typst(degree)}, {typst(body)})" if degree is not None else f"sqrt({typst(body)})"
        case Fence(left, body, right):
            return f"lr({_sign(left)} {typst(body)} {_sign(right)})"
        case Accent(mark, base):
            return f"{ {'bar': 'macron'}.get(mark, mark) }({typst(base)})"


def typst_lines(shown: Lines) -> str:
    """A displayed formula between its dollar signs."""
    if len(shown.lines) == 1:
        left, right = shown.lines[0]
        return f"{typst(left)} {typst(right)}".strip()
    return " \\\n  ".join(f"{typst(left)} & {typst(right)}".strip() for left, right in shown.lines)


def quoted(text: str) -> str:
    """Text for a string of Typst."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _apart(items: tuple[Layout, ...], n: int) -> str:
    """Room behind a sign that begins a line: Typst takes it for that of a negative number."""
    item = items[n]
    begins = isinstance(item, Sign) and item.kind == "binary" and all(isinstance(before, Gap) for before in items[:n])
    return " #h(0.22em)" if begins else ""


def _limits(below: Layout | None, above: Layout | None) -> str:
    return (f", b: {typst(below)}" if below is not None else "") + (f", t: {typst(above)}" if above is not None else "")


def _sign(text: str) -> str:
    return SAFE.get(text, text)
