"""The polar flow on the diagonal model: its symbols, its settings, and how its statements are cited."""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Literal

import sympy as sp

from ...charts import polar, rederive
from ...dynamics import gradient_flow
from ...losses import Loss, any_loss_of, square
from ...models import power
from ...settings import Instance, Setting, Space
from ...statements import Evidence, Part, Statement
from ...symbols import Family, Variable, index, size, total

CITATION = "Chou, Rauhut, Ward: Robust implicit regularization via weight normalization, arXiv:2305.05448, Information and Inference 13(3), 2024"
PROVENANCE = "re-derived from the setting of the paper"

N, M = size("N"), size("M")
i, j, k = index("i"), index("j"), index("k")
HALF = sp.Rational(1, 2)

w = Variable("w", (N,), "parameter", "positive")
r = Variable("r", (), "parameter", "positive")
u = Variable("u", (N,), "parameter", "positive")
depth = Variable("L", (), "constant", "positive")
kappa = Variable("kappa", (), "constant", "positive")
eta_r = Variable("eta_r", (), "constant", "positive")
A = Variable("A", (M, N))
y = Variable("y", (M,))
z = Variable("z", (N,))
KERNEL = Family(((k, M),), total(A[k, i] * z[i], (i, N)))

L, K, ETA = depth[()], kappa[()], eta_r[()]
R0, U = r[()], u[i]
TWO = sp.Integer(2)


def at_sizes(level: int | None = None, *, rows: int = 2, columns: int = 4) -> Instance:
    values = {} if level is None else {"L": Q(level)}
    return Instance({"N": columns, "M": rows}, values)


def _polar(level: sp.Expr, loss: Loss, *instances: Instance) -> Setting:
    return rederive(power(w, level), loss, polar(w), {"r": ETA, "u": K * ETA}, given=(depth, kappa, eta_r, A, y), instances=instances)


def any_of_A(level: sp.Expr = L, *instances: Instance) -> Setting:
    """The polar flow for every loss f(Ax)."""
    return _polar(level, any_loss_of(A, (N,)), *instances)


def least_squares(level: sp.Expr = L, *instances: Instance) -> Setting:
    """The polar flow for the square loss."""
    return _polar(level, square(A, y, (N,)), *instances)


def unprojected(level: sp.Expr, *instances: Instance) -> Setting:
    """The flow with the plain gradient in u in place of the projected one."""
    model = power(w, level).after(Space((r, u)), {"w": Family(((i, N),), R0 * U)})
    return gradient_flow(model, any_loss_of(A, (N,)), {"r": ETA, "u": K * ETA}, given=(depth, kappa, eta_r, A), instances=instances)


def in_kernel(setting: Setting) -> Setting:
    """The setting with a vector z of the kernel of A."""
    return setting.having(z, hypotheses=(KERNEL,))


def statement(
    name: str,
    title: str,
    parts: list[Part],
    mutants: list[Part],
    *,
    domain: str = "r > 0, u_i > 0, |u| = 1",
    given: tuple[str, ...] = (),
    required: Evidence = "exact",
    expect: Literal["proved", "supported"] = "proved",
) -> Statement:
    """A statement of this paper."""
    return Statement(name, title, tuple(parts), tuple(mutants), domain, given, CITATION, PROVENANCE, required, expect)


def log_law(ratio: sp.Expr = K, factor: sp.Expr = HALF) -> sp.Expr:
    """sum_i z_i (log u_i + kappa r^2/2)."""
    return total(z[i] * (sp.log(U) + factor * ratio * R0**2), (i, N))


def power_law(exponent: sp.Expr, ratio: sp.Expr = K, factor: sp.Expr = HALF) -> sp.Expr:
    """sum_i z_i (u_i exp(kappa r^2/2))^exponent."""
    return total(z[i] * (U * sp.exp(factor * ratio * R0**2)) ** exponent, (i, N))
