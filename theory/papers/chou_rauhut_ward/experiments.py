"""The reference instances I1, I2 and I6, integrated."""

from __future__ import annotations

from fractions import Fraction as Q

import sympy as sp

from ...dynamics import gradient_flow
from ...losses import square
from ...models import Model
from ...settings import Space, substitute
from ...statements import Experiment, Watched
from ...symbols import Family, Variable, total
from .setting import (
    ETA,
    R0,
    TWO,
    A,
    K,
    N,
    U,
    depth,
    eta_r,
    i,
    j,
    kappa,
    least_squares,
    log_law,
    power_law,
    r,
    u,
    y,
    z,
)


def experiments() -> tuple[Experiment, ...]:
    """The reference instances I1 (L = 2), I2 (L = 3) and I6 (L = 1), each with the laws of C6 and the variants that must be seen to move."""
    basis4 = ((Q(-1, 5), Q(3, 5), Q(1), Q(0)), (Q(-3, 5), Q(-1, 5), Q(0), Q(1)))
    basis5 = (
        (Q(1, 3), Q(-4, 3), Q(1, 3), Q(1), Q(0)),
        (Q(-7, 3), Q(1, 3), Q(2, 3), Q(0), Q(1)),
    )
    matrix4 = ((Q(1), Q(2), Q(-1), Q(1)), (Q(2), Q(-1), Q(1), Q(1)))
    matrix5 = ((Q(1), Q(0), Q(2), Q(-1), Q(1)), (Q(0), Q(1), Q(1), Q(1), Q(-1)), (Q(1), Q(1), Q(0), Q(1), Q(2)))
    signed_u = Variable("u", (N,), "parameter", "real")
    linear = Model(Space((r, signed_u), (("u",),)), Family(((i, N),), R0 * signed_u[i]))
    of_sign = gradient_flow(linear, square(A, y, (N,)), {"r": ETA, "u": K * ETA}, given=(depth, kappa, eta_r, A, y))

    def watched(label: str, law: sp.Expr, basis: tuple[tuple[Q, ...], ...]) -> Watched:
        return Watched(label, law, tuple({"z": vector} for vector in basis))

    def real(law: sp.Expr) -> sp.Expr:
        return substitute(law, {"u": Family(((i, N),), signed_u[i])})

    minus = sp.Integer(-1)
    norm = Watched("|u|^2", total(u[j] ** 2, (j, N)))
    unit = {"eta_r": Q(1)}
    return (
        Experiment(
            "I1",
            "C6",
            least_squares(TWO),
            {"A": matrix4, "y": (Q(3), Q(2)), "kappa": Q(1), "L": Q(2), **unit},
            {"r": Q(1), "u": (Q(1, 2),) * 4},
            (Q(1, 4), Q(1), Q(2), Q(4)),
            (watched("sum z (log u + kappa r^2/2)", log_law(), basis4), norm),
            (
                watched("sign flipped", log_law(-K), basis4),
                watched("1/2 missing", log_law(factor=sp.S.One), basis4),
                watched("plain gradient flow", total(z[i] * sp.log(R0 * U), (i, N)), basis4),
                watched("no term in r", total(z[i] * sp.log(U), (i, N)), basis4),
            ),
        ),
        Experiment(
            "I2",
            "C6",
            least_squares(sp.Integer(3)),
            {"A": matrix5, "y": (Q(4), Q(1, 2), Q(4)), "kappa": Q(1, 2), "L": Q(3), **unit},
            {"r": Q(5, 4), "u": (Q(1, 4), Q(1, 4), Q(1, 4), Q(1, 2), Q(3, 4))},
            (Q(1, 4), Q(1), Q(4), Q(16)),
            (watched("sum z (u exp(kappa r^2/2))^(-1)", power_law(minus), basis5), norm),
            (
                watched("sign flipped", power_law(minus, -K), basis5),
                watched("1/2 missing", power_law(minus, factor=sp.S.One), basis5),
                watched("1/kappa for kappa", power_law(minus, 1 / K), basis5),
                watched("kappa set to 1", power_law(minus, sp.S.One), basis5),
                watched("plain gradient flow", total(z[i] / (R0 * U), (i, N)), basis5),
                watched("no term in r", total(z[i] / U, (i, N)), basis5),
                watched("exponent L-2", power_law(sp.S.One), basis5),
                watched("the logarithm", log_law(), basis5),
            ),
        ),
        Experiment(
            "I6",
            "C6",
            of_sign,
            {"A": matrix4, "y": (Q(3), Q(2)), "kappa": Q(2), "L": Q(1), **unit},
            {"r": Q(1), "u": (Q(1, 2), Q(-1, 2), Q(1, 2), Q(1, 2))},
            (Q(1, 4), Q(1), Q(4)),
            (watched("sum z u exp(kappa r^2/2)", real(power_law(sp.S.One)), basis4), Watched("|u|^2", total(signed_u[j] ** 2, (j, N)))),
            (
                watched("sign flipped", real(power_law(sp.S.One, -K)), basis4),
                watched("1/2 missing", real(power_law(sp.S.One, factor=sp.S.One)), basis4),
                watched("1/kappa for kappa", real(power_law(sp.S.One, 1 / K)), basis4),
                watched("kappa set to 1", real(power_law(sp.S.One, sp.S.One)), basis4),
                watched("plain gradient flow", real(total(z[i] * R0 * U, (i, N))), basis4),
                watched("no term in r", real(total(z[i] * U, (i, N))), basis4),
            ),
        ),
    )
