"""Labels and titles that were written for a terminal, set as a person would: kappa as κ, u_i with its index, L = 2 in italics."""

from __future__ import annotations

import re

from ..formula import PLAIN, Layout, Style, Unreadable, letter, read_math
from ..formula.house import GREEK
from ..formula.layout import Kind, Letter, Name, Script, Sign, row
from .document import Formula, Inline, Text

_ARGUMENT = r"(?:\([^()]*\)|[A-Za-z0-9]+|\+|-)"
_GREEK = "|".join(sorted(GREEK, key=len, reverse=True))
_ROUND = r"\((?:[^()]|\([^()]*\))*\)"
_SCRIPTED = re.compile(
    rf"(?P<raised>(?:\b(?:exp|log))?{_ROUND}\^(?:\d+|\([^()]*\)))|(?P<applied>\bexp{_ROUND}|\blog\|[^|]+\|(?!\^))|"
    rf"(?P<product>\bA [a-z](?= = |$|[,.;)]))|"
    rf"(?P<half>\b[uwz][+-](?=\s|$))|(?P<transposed>\b[A-Z](?:_\d)?\^T\b)|"
    rf"(?P<bars>\|(?:{_GREEK}|[A-Za-z])(?:[_^]\w+)?\|(?:[_^]\d+)?)|(?P<tens>\b\d+\^-?\d+)|"
    r"(?P<float>-?\b\d+(?:\.\d+)?e[+-]?\d+)|(?P<entry>\b[A-Za-z]\w*\[\w+(?:, ?\w+)*\])|"
    r"(?<![\w.\\'])(?:"
    rf"(?P<moved>d)?(?P<greek>{_GREEK})(?P<below>_\w+)?(?P<above>\^{_ARGUMENT})?"
    rf"|(?P<name>[b-zB-HJ-Z])(?P<scripts>(?:[_^]{_ARGUMENT})+)?"
    r")(?![\w.]|'[a-z])"
)
IN = Sign("∈", "relation")
_SIGNS = {"!=": "≠", "<=": "≤", ">=": "≥", " - ": " − "}


def words(text: str, style: Style = PLAIN) -> tuple[Inline, ...]:
    """Plain text in which letters with scripts, Greek names and single letters become formulas; what is not recognised stays as it is.

    >>> from .document import text_of
    >>> text_of(words("L = 2: rate of log u_i + kappa r^2/2"))
    'L = 2: rate of log u_{i} + \\\\kappa r^{2}/2'
    """
    for written, sign in _SIGNS.items():
        text = text.replace(written, sign)
    text = re.sub(r"(?<=\w)\*(?=\w)", " ", text)
    text = re.sub(r"(?<![\w)^])-(?=\w)", "−", text)
    text = re.sub(r"<(\w+, \w+)>", r"⟨\1⟩", text)
    matrices = "".join(dict.fromkeys(re.findall(r"\b([A-Z])\d?\^T\b", text)))
    text = re.sub(rf"\b([{matrices}])(\d)\b", r"\1_\2", text) if matrices else text  # where there is W2^T, W1 is a letter with an index
    found: list[Inline] = []
    place = 0
    for match in _SCRIPTED.finditer(text):
        if text[max(0, match.start() - 2) : match.end() + 3].find("d/dt") >= 0:
            continue
        try:
            formula = Formula(_layout(match, style))
        except Unreadable:
            continue
        if match.start() > place:
            found.append(Text(text[place : match.start()]))
        found.append(formula)
        place = match.end()
    if place < len(text):
        found.append(Text(text[place:]))
    return tuple(_joined(found))


def declared(text: str, style: Style = PLAIN) -> tuple[Inline, ...]:
    """What a theory file declares of a name, as it is written on paper; anything else as `words`.

    >>> from .document import text_of
    >>> text_of(declared("z: kernel(A)"))
    'z \\\\in \\\\ker A'
    >>> text_of(declared("h: N x M, positive"))
    'h \\\\in \\\\mathbb{R}^{N \\\\times M}, positive'
    """
    name, _, told = text.partition(": ")
    if kernel := re.fullmatch(r"kernel\((\w+)\)", told):
        return (Formula(row(letter(name, style), IN, Name("ker"), letter(kernel[1], style))),)
    shape, comma, rest = told.partition(", ")
    if name.isidentifier() and re.fullmatch(r"[A-Z]\w*( x [A-Z]\w*)*", shape):
        lengths = [letter(one, style) for one in shape.split(" x ")]
        sizes = row(*(part for n, one in enumerate(lengths) for part in ((Sign("×", "binary"), one) if n else (one,))))
        return Formula(row(letter(name, style), IN, Script(Letter("R", "blackboard"), None, sizes))), *words(comma + rest, style)
    return words(text, style)


def _layout(match: re.Match[str], style: Style) -> Layout:
    if match["raised"] or match["applied"] or match["product"]:
        told = re.sub(r"\^\(([^()]*)\)", r"^{\1}", match[0].replace("−", "-"))
        told = re.sub(r"\b([a-z])(\d)\b", r"\1_{\2}", told)
        told = re.sub(r"_([a-z]{2,})", r"_{\\mathrm{\1}}", told)
        return read_math(_named(re.sub(r"\b(exp|log)\b", r"\\\1 ", told)))
    if match["half"]:
        return Script(letter(match["half"][0], style), None, Sign(match["half"][1].replace("-", "−")))
    if match["transposed"]:
        base, top = letter(match["transposed"].removesuffix("^T"), style), Letter("⊤")
        return Script(base.base, base.below, top) if isinstance(base, Script) and base.above is None else Script(base, None, top)
    if match["bars"] or match["tens"]:
        return read_math(_named(re.sub(r"([_^])(-?\w{2,}|-\w)", r"\1{\2}", match[0])))
    if match["float"]:
        front, _, power = match["float"].partition("e")
        return read_math(rf"{front}\cdot 10^{{{int(power)}}}")
    if match["entry"]:
        name, _, indices = match["entry"].removesuffix("]").partition("[")
        base, below = letter(name, style), read_math(indices.replace(", ", ","))
        return Script(base.base, below, base.above) if isinstance(base, Script) and base.below is None else Script(base, below)
    if match["greek"]:
        endless = match["below"] == "_inf"
        base = Script(letter(match["greek"], style), Letter("∞")) if endless else letter(match["greek"] + (match["below"] or ""), style)
        if match["above"]:
            base = Script(base, None, _argument(match["above"][1:]))
        return row(Letter("d", "upright"), base) if match["moved"] else base
    if not match["scripts"]:
        return letter(match["name"], style)
    scripts = re.sub(r"\(([^()]*)\)", r"{\1}", match["scripts"]).replace("_inf", r"_{\infty}")
    return read_math(_named(match["name"] + re.sub(r"([_^])([A-Za-z0-9]{2,})", r"\1{\2}", scripts)))


def _argument(told: str) -> Layout:
    return read_math(_named(told.removeprefix("(").removesuffix(")")))


def _named(told: str) -> str:
    """Greek letters as commands."""
    return re.sub(rf"(?<![\\\w])({_GREEK})(?![A-Za-z0-9])", lambda match: "\\" + match[1].replace("lamda", "lambda"), told)


def _joined(found: list[Inline]) -> list[Inline]:
    """Formula, relation, number or formula as one formula, so that they are spaced and broken as one."""
    joined: list[Inline] = []
    for one in found:
        match joined[-2:], one:
            case [Formula(left), Text(said)], Formula(right) if bare := re.fullmatch(r" ([=≠≤≥<>]) ", said):
                joined[-2:] = [Formula(row(left, Sign(bare[1], "relation"), right))]
                continue
        relation = re.match(r" ([=≠≤≥<>−+]) (\d+(?:/\d+)?)(?![\w./])", one.text) if isinstance(one, Text) else None
        if relation and joined and isinstance(joined[-1], Formula):
            kind: Kind = "binary" if relation[1] in "−+" else "relation"
            joined[-1] = Formula(row(joined[-1].layout, Sign(relation[1], kind), read_math(relation[2])))
            rest = one.text[relation.end() :]  # type: ignore[union-attr]
            joined += [Text(rest)] if rest else []
        else:
            joined.append(one)
    return joined
