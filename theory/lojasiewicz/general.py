"""A bound that asks for nothing but the degree and the number of variables."""

from __future__ import annotations

import sympy as sp

from .answer import Exponent
from .germs import Germ

CITATION = (
    "D. D'Acunto, K. Kurdyka, Explicit bounds for the Lojasiewicz exponent in the gradient inequality for polynomials, "
    "Ann. Polon. Math. 87 (2005), 51-61"
)


def by_degree(f: Germ) -> Exponent:
    """Let $f$ be a polynomial of degree $d \\ge 2$ in $n$ variables: $\\theta \\le 1 - 1/(d (3d-3)^{n-1})$, as stated in the literature.

    Nothing here checks it. For $n = 1$ it is $1 - 1/d$.
    """
    degree, count = f.polynomial.total_degree(), len(f.symbols)
    bound = degree * (3 * degree - 3) ** (count - 1)
    return Exponent(1 - sp.Rational(1, bound), "at most", f"every polynomial of degree {degree} in {count} variables", (), CITATION)
