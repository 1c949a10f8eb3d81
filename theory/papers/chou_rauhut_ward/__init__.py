"""Weight normalisation on the diagonal linear model: the polar flow, its dual coordinates, laws and mirror potential.

The setting is that of H.-H. Chou, H. Rauhut, R. Ward, "Robust implicit regularization via weight normalization", arXiv:2305.05448, Information
and Inference 13(3), 2024. The formulas below were re-derived from that setting and are checked here; none is a quotation of a theorem.

Let $A \\in \\mathbb R^{M \\times N}$, $x = w^{\\odot L}$ with $w = r u$, $r > 0$, $\\|u\\| = 1$, $u_i > 0$, and $G = \\nabla F(x)$.
The radius moves with rate $\\eta_r$ and the direction with $\\kappa\\eta_r$. The ratio $\\kappa$ is not scale free:
$(x, y) \\to c\\,(x, y)$ takes $\\kappa$ to $\\kappa c^{-2/L}$.
"""

from __future__ import annotations

from ...derivations import energy_dissipation, equations_of_motion
from ...separable import dual_coordinates
from ...statements import Paper
from .dynamics import c1, c2, c3, c4, c5
from .experiments import experiments
from .laws import c6, c7, c8
from .limit import c11, c12, c13, c14, c15, c16, c17, c21
from .mirror import c9, c10
from .rates import c18, c19, c19_seen, c20, c20_seen, c22
from .setting import CITATION, R0, K, L, N, any_of_A, depth, in_kernel, j, kappa, least_squares, log_law, power_law, u

__all__ = [
    "R0",
    "K",
    "L",
    "N",
    "any_of_A",
    "c1",
    "c2",
    "c3",
    "c4",
    "c5",
    "c6",
    "depth",
    "in_kernel",
    "j",
    "kappa",
    "least_squares",
    "log_law",
    "paper",
    "power_law",
    "u",
]

STATEMENTS = (
    *(c1, c2, c3, c4, c5, c6, c7, c8, c9, c10),
    *(c11, c12, c13, c14, c15, c16, c17, c18, c19, c19_seen, c20, c20_seen, c21, c22),
)


def paper() -> Paper:
    """The statements C1 to C22, the derivations they rest on, and the experiments."""
    setting = least_squares(L)
    duals = dual_coordinates(setting)
    derivations = (equations_of_motion(setting), energy_dissipation(setting)[1], *(dual.derivation for dual in duals))
    return Paper(
        "chou_rauhut_ward",
        "Robust implicit regularization via weight normalization: the polar flow",
        CITATION,
        setting,
        tuple(build() for build in STATEMENTS),
        derivations,
        experiments(),
    )
