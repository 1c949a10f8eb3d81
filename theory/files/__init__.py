"""Theory files: TOML with formulas, read by a grammar of our own and never executed."""

from .errors import TheoryFileError
from .reader import Theory, read, read_text

__all__ = ["Theory", "TheoryFileError", "read", "read_text"]
