"""Formulas: from SymPy or from the LaTeX of prose to a layout, from there to LaTeX, Typst and MathML."""

from .assertion import Shown as Shown
from .assertion import assertion as assertion
from .assertion import equation as equation
from .assertion import expression as expression
from .assertion import expression_latex as expression_latex
from .assertion import formula_latex as formula_latex
from .breaking import display as display
from .house import PLAIN as PLAIN
from .house import Style as Style
from .house import decimal as decimal
from .house import layout as layout
from .house import letter as letter
from .house import number as number
from .latex import latex as latex
from .latex import latex_lines as latex_lines
from .layout import EQUALS as EQUALS
from .layout import Layout as Layout
from .layout import Lines as Lines
from .mathml import mathml as mathml
from .mathml import mathml_lines as mathml_lines
from .reading import Unreadable as Unreadable
from .reading import read_math as read_math
from .typst import typst as typst
from .typst import typst_lines as typst_lines
