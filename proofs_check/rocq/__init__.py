"""Claims as theorems of the Rocq prover (formerly Coq), and what it says of them."""

from .checking import Checked, NotInstalled, check, compiler, installed, rocq_check
from .exporting import PRELUDE, Exported, Module, Refused, export, prelude
from .finding import finding
from .reading import Misread, read_back
from .terms import Unexportable

__all__ = [
    "PRELUDE",
    "Checked",
    "Exported",
    "Misread",
    "Module",
    "NotInstalled",
    "Refused",
    "Unexportable",
    "check",
    "compiler",
    "export",
    "finding",
    "installed",
    "prelude",
    "read_back",
    "rocq_check",
]
