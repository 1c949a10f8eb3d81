"""Layouts in MathML Core, which browsers lay out and screen readers read without any script."""

from __future__ import annotations

from html import escape

from .latex import latex, latex_lines
from .layout import Accent, Big, Fence, Fraction, Gap, Layout, Letter, Lines, Name, Number, Root, Row, Script, Sign, Words, tall

MARKS = {"dot": "˙", "bar": "¯", "hat": "^", "tilde": "~"}
FACES = {"bold": 0x1D400, "script": 0x1D49C}
BLACKBOARD = {"R": "ℝ", "N": "ℕ", "Z": "ℤ", "Q": "ℚ", "C": "ℂ", "E": "𝔼", "P": "ℙ"}
ROOM = {"binary": "0.222em", "relation": "0.278em"}


def mathml(node: Layout, *, block: bool = False) -> str:
    """A formula within a line of text, or one of its own with `block`."""
    return _math(_put(node), latex(node), block)


def mathml_lines(shown: Lines) -> str:
    """A displayed formula, aligned where it has several lines."""
    if len(shown.lines) == 1:
        ((left, right),) = shown.lines
        return _math(_put(left) + _put(right), latex_lines(shown), True)
    rows = "".join(f"<mtr><mtd>{_put(left)}</mtd><mtd>{_put(right)}</mtd></mtr>" for left, right in shown.lines)
    return _math(f'<mtable class="lines" displaystyle="true">{rows}</mtable>', latex_lines(shown), True)


def _math(inner: str, told: str, block: bool) -> str:
    display = ' display="block"' if block else ""
    annotation = f'<annotation encoding="application/x-tex">{escape(told, quote=False)}</annotation>'
    return f"<math{display}><semantics><mrow>{inner}</mrow>{annotation}</semantics></math>"


def _put(node: Layout) -> str:
    match node:
        case Letter(text, style):
            return _letter(text, style)
        case Number(text):
            return f"<mn>{escape(text)}</mn>"
        case Sign(text, "open" | "close"):
            size = "1.9em" if text.startswith("large ") else "1.2em"
            return f'<mo stretchy="true" symmetric="true" minsize="{size}" maxsize="{size}">{escape(text.removeprefix("large "))}</mo>'
        case Sign(text, "binary" | "relation" as kind):
            return f'<mo lspace="{ROOM[kind]}" rspace="{ROOM[kind]}">{escape(text)}</mo>'
        case Sign(text, "prefix"):
            return f'<mo form="prefix" lspace="0" rspace="0.06em">{escape(text)}</mo>'
        case Sign(text, "punctuation"):
            return f'<mo lspace="0" rspace="0.17em">{escape(text)}</mo>'
        case Sign(text, _):
            return f'<mo lspace="0" rspace="0" stretchy="false">{escape(text)}</mo>'
        case Name(text):
            return f"<mi>{escape(text)}</mi>"
        case Words(text):
            return f"<mtext>{escape(text).replace(' ', chr(0xA0))}</mtext>"  # spaces at the ends would be dropped
        case Gap(em):
            return f'<mspace width="{em:g}em"/>'
        case Row(items):
            return "".join(_between(items, n) + _put(item) for n, item in enumerate(items))
        case Fraction(above, below):
            return f"<mfrac>{_one(above)}{_one(below)}</mfrac>"
        case Script(base, below, above):
            return _scripts("msub", "msup", "msubsup", _one(base), below, above)
        case Big("∫", below, above):
            return _scripts("msub", "msup", "msubsup", '<mo lspace="0" rspace="0.1em">∫</mo>', below, above)
        case Big(text, below, above):
            return _scripts("munder", "mover", "munderover", f'<mo movablelimits="true" lspace="0" rspace="0.1em">{text}</mo>', below, above)
        case Root(body, None):
            return f"<msqrt>{_put(body)}</msqrt>"
        case Root(body, degree):
            assert degree is not None
            return f"<mroot>{_one(body)}{_one(degree)}</mroot>"
        case Fence(left, body, right):
            grows = tall(body)
            return f"<mrow>{_bracket(left, 'prefix', grows)}{_put(body)}{_bracket(right, 'postfix', grows)}</mrow>"
        case Accent(mark, base):
            return f'<mover accent="true">{_one(base)}<mo class="{mark}" stretchy="false">{MARKS[mark]}</mo></mover>'


def _between(items: tuple[Layout, ...], n: int) -> str:
    """The thin space on both sides of the name of a function, and before a big sign, that TeX and Typst put in of themselves."""
    if n == 0:
        return ""
    before, item = items[n - 1], items[n]
    named = _named(item) and not isinstance(before, Sign | Gap | Big)
    argument = _named(before) and not isinstance(item, Fence | Sign | Gap)
    return '<mspace width="0.167em"/>' if named or argument or (isinstance(item, Big) and not isinstance(before, Sign | Gap | Big)) else ""


def _named(node: Layout) -> bool:
    return isinstance(node, Name) or (isinstance(node, Script) and isinstance(node.base, Name))


def _letter(text: str, style: str) -> str:
    if style == "blackboard":
        return f'<mi mathvariant="normal">{BLACKBOARD.get(text, text)}</mi>'
    if style in FACES and len(text) == 1 and text.isascii():
        place = ord(text) - ord("A") if text.isupper() else 26 + ord(text) - ord("a")
        return f'<mi mathvariant="normal">{chr(FACES[style] + place)}</mi>'
    upright = style == "upright" or (len(text) == 1 and text in "ΓΔΘΛΞΠΣΦΨΩ")
    normal = ' mathvariant="normal"' if upright and len(text) == 1 else ""
    return f"<mi{normal}>{escape(text)}</mi>"


def _one(node: Layout) -> str:
    """A layout as exactly one element."""
    inner = _put(node)
    return f"<mrow>{inner}</mrow>" if isinstance(node, Row) else inner


def _bracket(text: str, form: str, grows: bool) -> str:
    stretchy = 'stretchy="true" symmetric="true"' if grows else 'stretchy="false"'
    return f'<mo form="{form}" fence="true" {stretchy} lspace="0" rspace="0">{escape(text)}</mo>' if text else ""


def _scripts(under: str, over: str, both: str, base: str, below: Layout | None, above: Layout | None) -> str:
    if below is not None and above is not None:
        return f"<{both}>{base}{_one(below)}{_one(above)}</{both}>"
    if below is not None:
        return f"<{under}>{base}{_one(below)}</{under}>"
    return f"<{over}>{base}{_one(above)}</{over}>" if above is not None else base
