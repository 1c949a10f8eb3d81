"""Layouts in LaTeX: what amsmath and every renderer on the web understands."""

from __future__ import annotations

from .layout import (
    Accent,
    Big,
    Fence,
    Fraction,
    Gap,
    Layout,
    Letter,
    Lines,
    Name,
    Number,
    Root,
    Row,
    Script,
    Sign,
    Words,
    tall,
)

COMMANDS = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta", "η": "eta", "θ": "theta", "ι": "iota", "κ": "kappa",
    "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "υ": "upsilon", "φ": "varphi", "χ": "chi",
    "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi",
    "Ω": "Omega", "ℓ": "ell", "∂": "partial", "∇": "nabla", "∞": "infty", "⊙": "odot", "·": "cdot", "×": "times", "≤": "le", "≥": "ge", "≠": "ne",
    "∈": "in", "→": "to", "↦": "mapsto", "⟂": "perp", "⊤": "top", "‖": "Vert", "⟨": "langle", "⟩": "rangle", "∑": "sum", "∏": "prod", "∫": "int",
    "≈": "approx", "≪": "ll", "≫": "gg", "∼": "sim", "…": "dots", "⋯": "cdots", "∝": "propto", "⟶": "longrightarrow", "⇒": "Rightarrow",
    "⇔": "Leftrightarrow", "±": "pm", "∖": "setminus", "⊂": "subset", "∪": "cup", "∩": "cap", "≔": "coloneq", "≡": "equiv",
    "∀": "forall", "′": "prime", "{": "{", "}": "}", "#": "#", "%": "%",
}  # fmt: skip
ASCII = {"−": "-", "≔": ":="}
NAMES = {
    "log",
    "exp",
    "sin",
    "cos",
    "tan",
    "sinh",
    "cosh",
    "tanh",
    "arcsin",
    "arccos",
    "arctan",
    "min",
    "max",
    "inf",
    "sup",
    "lim",
    "det",
    "ker",
    "dim",
}
FACES = {"bold": "mathbf", "blackboard": "mathbb", "script": "mathcal", "upright": "mathrm"}
GAPS = ((0.2, r"\,"), (0.25, r"\:"), (0.3, r"\;"), (1.1, r"\quad "), (9.0, r"\qquad "))


def latex(node: Layout) -> str:
    """A layout on one line of LaTeX."""
    match node:
        case Letter(text, style):
            upright = style == "upright" and text not in COMMANDS
            return _sign(text) if style == "italic" or (style == "upright" and not upright) else rf"\{FACES[style]}{{{text}}}"
        case Number(text):
            return text
        case Sign(text, "open" | "close" as kind):
            size = ("Bigl", "Bigr") if text.startswith("large ") else ("bigl", "bigr")
            return rf"\{size[kind == 'close']}{_delimiter(text.removeprefix('large '))}"
        case Sign(text, kind):
            told = _sign(text)
            return {"binary": f" {told} ", "relation": f" {told} ", "punctuation": f"{told} ", "prefix": told}.get(kind, told)
        case Name(text):
            return rf"\{text}" if text in NAMES else rf"\operatorname{{{text}}}"
        case Words(text):
            return rf"\text{{{escaped(text)}}}"
        case Gap(em):
            return next(told for most, told in GAPS if em <= most) if em > 0 else r"\!"
        case Row(items):
            return _joined([latex(item) for item in items])
        case Fraction(above, below):
            return rf"\frac{{{latex(above)}}}{{{latex(below)}}}"
        case Script(base, below, above):
            inner = latex(base)
            inner = f"{{{inner}}}" if isinstance(base, Row | Script | Fraction | Root) else inner
            return inner + _limits(below, above)
        case Big(text, below, above):
            return rf"\{COMMANDS[text]}" + _limits(below, above) + " "
        case Root(body, degree):
            return rf"\sqrt{f'[{latex(degree)}]' if degree is not None else ''}{{{latex(body)}}}"
        case Fence(left, body, right) if left and right and not tall(body):
            return f"{_sign(left)}{latex(body)}{_sign(right)}" if left != "‖" else rf"\Vert {latex(body)}\Vert "
        case Fence(left, body, right):
            return rf"\left{_delimiter(left)}{latex(body)}\right{_delimiter(right)}"
        case Accent(mark, base):
            return rf"\{mark}{{{latex(base)}}}"


def latex_lines(shown: Lines) -> str:
    """A displayed formula, aligned where it has several lines; without the marks that open and close a display."""
    if len(shown.lines) == 1:
        left, right = shown.lines[0]
        return _joined([latex(left), latex(right)]).strip()
    body = " \\\\\n".join(f"{latex(left)} & {latex(right)}".strip() for left, right in shown.lines)
    return "\\begin{aligned}\n" + body + "\n\\end{aligned}"


def escaped(text: str) -> str:
    """Text with LaTeX's own characters made harmless, and what its usual fonts lack written in mathematics."""
    table = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", **{c: "\\" + c for c in "{}#$%&_"}}
    table |= {
        "|": r"\textbar{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "“": "``",
        "”": "''",
        "’": "'",
        "–": "--",
        "…": r"\dots{}",
        "\u00a0": "~",
    }
    return "".join(table[c] if c in table else rf"\ensuremath{{{_sign(c).strip()}}}" if c in COMMANDS or c in ASCII else c for c in text)


def _joined(parts: list[str]) -> str:
    """The parts side by side, with a space where a command would run into a letter."""
    told = ""
    for part in parts:
        if told and part and part[0].isalpha() and told.split("\\")[-1].isalpha() and "\\" in told and not told.endswith(" "):
            told += " "
        told += part
    return told.replace("  ", " ")


def _limits(below: Layout | None, above: Layout | None) -> str:
    return (f"_{{{latex(below)}}}" if below is not None else "") + (f"^{{{latex(above)}}}" if above is not None else "")


def _sign(text: str) -> str:
    if text in ASCII:
        return ASCII[text]
    return rf"\{COMMANDS[text]}" if text in COMMANDS else text


def _delimiter(text: str) -> str:
    told = _sign(text) if text else "."
    return told + " " if told[-1].isalpha() else told
