"""The kernel: re-checks certificates with exact and ball arithmetic, and believes no engine.

It imports python-flint and the standard library alone. A certificate is plain JSON, `{"format": FORMAT, "kind": ..., "statement": ...}`;
`check` either returns what was established, in words, or raises `Rejected`.
"""

from .checking import FORMAT, KINDS, Accepted, check
from .language import Rejected

__all__ = ["FORMAT", "KINDS", "Accepted", "Rejected", "check"]
