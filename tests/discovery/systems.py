"""The systems on which discovery is measured, with what is known of their laws; each is a theory file in examples/conservation.

Laws are written in the language of theory files, entry by entry, for the values in the file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Literal

FOLDER = Path(__file__).parents[2] / "examples" / "conservation"


@dataclass(frozen=True)
class Expected:
    """What is known of a flow in `dimension` coordinates: its parameters, and time where laws depend on time.

    At most `possible` independent laws there are. Of them `found` are closed formulas in the functions that discovery searches, and `quadratures`
    more are integrals on the common level sets of the others; the list is `complete` when together they are all that is possible. `laws` are formulas
    of independent laws, at least as many as are found. Constants without values are not counted: as coordinates that stand still they would be
    `frozen` more coordinates, and as many more laws.
    """

    file: str
    dimension: int
    possible: int
    found: int
    complete: bool
    laws: tuple[str, ...]
    quadratures: int = 0
    time: bool = False
    frozen: int = 0
    losses: Literal["every", "given"] = "every"

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.file}.toml"


KERNEL_2_4 = ((-1, -1, 1, 0), (-2, 1, 0, 1))  # of [[1, 0, 1, 2], [0, 1, 1, -1]]
KERNEL_2_3 = ((-2, 1, 1),)  # of [[1, 0, 2], [0, 1, -1]]
KERNEL_1_3 = ((-2, 1, 0), (1, 0, 1))  # of [[1, 2, -1]], and of the example p of linear_one_input


def _kernel(vectors: tuple[tuple[int, ...], ...], term: str, factor: str = "") -> tuple[str, ...]:
    """For each z the sum of z_i times the term, in which # stands for the index."""
    sums = (" + ".join(f"({z})*({term.replace('#', str(i))})" for i, z in enumerate(vector) if z) for vector in vectors)
    return tuple(f"{factor}*({text})" if factor else text for text in sums)


def _entries(count: int, term: str) -> tuple[str, ...]:
    return tuple(term.replace("#", str(i)) for i in range(count))


def _symmetric(width: int, entry: Callable[[int, int], str]) -> tuple[str, ...]:
    return tuple(entry(i, j) for i, j in combinations_with_replacement(range(width), 2))


def _balance(upper: str, rows: int, lower: str, columns: int, width: int = 2, weights: tuple[int, int] = (1, 1)) -> tuple[str, ...]:
    """The entries of a U^T U - b V V^T."""

    def entry(i: int, j: int) -> str:
        above = " + ".join(f"{upper}[{k},{i}]*{upper}[{k},{j}]" for k in range(rows))
        below = " + ".join(f"{lower}[{i},{k}]*{lower}[{j},{k}]" for k in range(columns))
        return f"{weights[0]}*({above}) - {weights[1]}*({below})"

    return _symmetric(width, entry)


def _norm2(name: str, count: int = 4) -> str:
    return "(" + " + ".join(f"{name}[{i}]**2" for i in range(count)) + ")"


SYSTEMS = (
    Expected("diagonal_square", 4, 2, 2, True, _kernel(KERNEL_2_4, "log(w[#])")),
    Expected("diagonal_fifth", 4, 2, 2, True, _kernel(KERNEL_2_4, "w[#]**(-3)")),
    Expected("diagonal_square_symbolic", 3, 2, 2, True, ("log(w[0])/A[0,0] - log(w[1])/A[0,1]", "log(w[0])/A[0,0] - log(w[2])/A[0,2]"), frozen=3),
    Expected("product_uv", 8, 6, 6, True, (*_entries(4, "u[#]**2 - v[#]**2"), *_kernel(KERNEL_2_4, "log(u[#] + v[#])"))),
    Expected(
        "product_uv_rates",
        8,
        6,
        4,
        True,
        (*_entries(4, "3*u[#]**2 - v[#]**2"), *_kernel(KERNEL_2_4, "log(sqrt(3)*u[#] + v[#])")),
        quadratures=2,
    ),
    Expected("descent_ascent", 8, 6, 6, True, (*_entries(4, "u[#]**2 + v[#]**2"), *_kernel(KERNEL_2_4, "atan(v[#]/u[#])"))),
    Expected("difference_square", 8, 6, 6, True, (*_entries(4, "u[#]*v[#]"), *_kernel(KERNEL_2_4, "log(u[#])"))),
    Expected("difference_cubic", 8, 6, 6, True, (*_entries(4, "1/u[#] + 1/v[#]"), *_kernel(KERNEL_2_4, "1/u[#]"))),
    Expected(
        "square_product",
        6,
        4,
        3,
        True,
        (
            *_entries(3, "u[#]**2 - 2*v[#]**2"),
            *_kernel(KERNEL_2_3, "atan(v[#]*sqrt(2)/sqrt(u[#]**2 - 2*v[#]**2))/sqrt(u[#]**2 - 2*v[#]**2)"),  # real where u^2 > 2 v^2
        ),
        quadratures=1,
    ),
    Expected("elliptic_uvw", 9, 7, 6, True, (*_entries(3, "u[#]**2 - v[#]**2"), *_entries(3, "v[#]**2 - w[#]**2")), quadratures=1),
    Expected("exponential_factor", 6, 5, 3, True, _entries(3, "u[#]**2 - 2*v[#]"), quadratures=2),
    Expected("exponential_factor_adjoined", 9, 8, 6, True, (*_entries(3, "u[#]**2 - 2*v[#]"), *_entries(3, "log(E[#]) - v[#]")), quadratures=2),
    Expected("polar_square", 5, 3, 3, True, (_norm2("u"), *_kernel(KERNEL_2_4, "log(u[#]) + r**2/3"))),
    Expected("polar_square_off_sphere", 5, 3, 3, True, (f"log(1 - {_norm2('u')}) + 2*r**2/3", *_kernel(KERNEL_2_4, "log(u[#]) + r**2/3"))),
    Expected("polar_square_symbolic", 5, 3, 3, True, (_norm2("u"), *_kernel(KERNEL_2_4, "log(u[#]) + r**2/(2*eta)")), frozen=1),
    Expected("polar_cubic", 5, 3, 3, True, (_norm2("u"), *_kernel(KERNEL_2_4, "1/u[#]", "exp(-r**2/3)"))),
    Expected("polar_cubic_off_sphere", 5, 3, 3, True, (f"3*log(1 - {_norm2('u')}) + 2*r**2", *_kernel(KERNEL_2_4, "1/u[#]", "exp(-r**2/3)"))),
    Expected("weight_norm_square", 5, 3, 3, True, (_norm2("v"), *_kernel(KERNEL_2_4, f"log(v[#]) + g**2/(2*{_norm2('v')})"))),
    Expected("linear_2_2_2", 8, 3, 3, True, _balance("U", 2, "V", 2)),
    Expected("linear_2_2_2_rates", 8, 3, 3, True, _balance("U", 2, "V", 2, weights=(5, 2))),
    Expected("linear_2_2_2_1", 10, 6, 6, True, (*_balance("W2", 2, "W1", 2), *_balance("W3", 1, "W2", 2))),
    Expected(
        "linear_one_input",
        10,
        7,
        7,
        True,
        (*_balance("U", 2, "V", 3), *_kernel(KERNEL_1_3, "V[0,#]"), *_kernel(KERNEL_1_3, "V[1,#]")),
    ),
    Expected("relu_2_3_2_bias", 15, 3, 3, True, _entries(3, "U[0,#]**2 + U[1,#]**2 - V[#,0]**2 - V[#,1]**2 - b[#]**2")),
    Expected("norm_gain", 9, 3, 3, True, _entries(3, "g[#]**2 - W[#,0]**2 - W[#,1]**2")),
    Expected("scale_invariant", 4, 1, 1, True, (_norm2("w"),)),
    Expected("symmetric_3_2", 6, 0, 0, True, ()),
    Expected("entropic", 4, 2, 2, True, _kernel(KERNEL_2_4, "log(p[#])")),
    Expected("logistic_replicator", 4, 2, 2, True, _kernel(KERNEL_2_4, "log(theta[#]) - log(1 - theta[#])")),
    Expected("hypentropy", 8, 6, 6, True, (*_entries(4, "s[#]**2 - p[#]**2"), *_kernel(KERNEL_2_4, "log(p[#] + s[#])"))),
    Expected("hypentropy_root", 4, 2, 2, True, _kernel(KERNEL_2_4, "asinh(p[#]/b[#])")),
    Expected(
        "heavy_ball_linear",
        13,
        1,
        1,
        True,
        ("exp(t)*(W1[0,0]*V1[1,0] - W1[1,0]*V1[0,0] + W1[0,1]*V1[1,1] - W1[1,1]*V1[0,1] + W2[0,0]*V2[0,1] - W2[0,1]*V2[0,0])",),
        time=True,
    ),
    Expected("weight_decay_linear", 5, 3, 3, True, tuple(f"exp(2*lambda*t)*({law})" for law in _balance("W2", 1, "W1", 1)), time=True),
    Expected(
        "regression_square_loss",
        3,
        2,
        2,
        True,
        (
            "3*log(w[0] - w[1] + 2) - log(3*w[0] + 3*w[1] - 4)",
            "5*log(w[0] - w[1] + 2) - log(5*w[2] - 3)",
        ),
        losses="given",
    ),
    Expected("square_loss_one_field", 3, 2, 1, False, _kernel(KERNEL_2_3, "log(w[#])"), losses="given"),
    Expected("random_quadratic", 4, 3, 0, False, ()),
)
