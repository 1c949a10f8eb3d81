"""How far flows reach, against iterated Lie brackets taken by SymPy, and every way in which a rank could come out too high."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import flint
import pytest
import sympy as sp
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from proofs_check.kernel.graph import Motion, Place, motion
from proofs_check.kernel.language import Rejected, read_statement
from proofs_check.kernel.points import precision
from proofs_check.kernel.reach import independent, reached

Json = Any
P = 2**31 - 1


# ---- the oracle: fields and their brackets, written out -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class System:
    """theta' = -rate P(gradient of the pairing) + drift in plain symbols, and the point; time is a coordinate whose velocity is 1."""

    at: Mapping[str, sp.Rational]
    controls: tuple[str, ...]
    pairing: str = "0"
    rates: Mapping[str, str] | None = None  # 1 for each coordinate if there is a pairing
    drift: Mapping[str, str] | None = None
    spheres: tuple[tuple[str, ...], ...] = ()

    @property
    def symbols(self) -> dict[str, sp.Symbol]:
        return {name: sp.Symbol(name) for name in (*self.at, *self.controls)}

    def parsed(self, text: str) -> sp.Expr:
        return sp.sympify(text, locals=self.symbols)

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(name for name in self.at if name != "t")

    def rate(self, name: str) -> str:
        return (self.rates or {}).get(name, "1" if self.pairing != "0" else "0")

    def velocities(self) -> list[sp.Expr]:
        pairing, symbols = self.parsed(self.pairing), self.symbols
        slopes = {name: sp.diff(pairing, symbols[name]) for name in self.parameters}
        for group in self.spheres:
            inner = sum(symbols[name] * slopes[name] for name in group)
            slopes |= {name: slopes[name] - symbols[name] * inner for name in group}
        found = {n: self.parsed((self.drift or {}).get(n, "0")) - self.parsed(self.rate(n)) * slopes[n] for n in self.parameters}
        return [found.get(name, sp.Integer(1)) for name in self.at]

    def bracketed(self, depth: int) -> int:
        """The rank at the point of the brackets of at most `depth` fields: the coefficients of the velocities as polynomials in the controls."""
        coordinates = [sp.Symbol(name) for name in self.at]
        moved = [sp.Poly(sp.together(v), *(sp.Symbol(c) for c in self.controls or ("none",))) for v in self.velocities()]
        monomials = {m for p in moved for m in p.monoms()}
        fields = [[p.coeff_monomial(m) for p in moved] for m in sorted(monomials)]
        values = {sp.Symbol(name): value for name, value in self.at.items()}

        def bracket(X: list[sp.Expr], Y: list[sp.Expr]) -> list[sp.Expr]:
            def along(field: list[sp.Expr], f: sp.Expr) -> sp.Expr:
                return sum((a * sp.diff(f, x) for a, x in zip(field, coordinates, strict=True) if a != 0), sp.Integer(0))

            return [sp.cancel(along(X, g) - along(Y, f)) for f, g in zip(X, Y, strict=True)]

        found, level = list(fields), list(fields)
        for _ in range(depth - 1):
            level = [b for b in (bracket(X, Y) for X in fields for Y in level) if any(b)]
            found += level
        return sp.Matrix([[sp.sympify(f).subs(values) for f in field] for field in found]).rank()


def q(*values: object) -> list[sp.Rational]:
    return [sp.Rational(str(value)) for value in values]


def named(names: str, *values: object) -> dict[str, sp.Rational]:
    return dict(zip(names.split(), q(*values), strict=True))


LINEAR = "+".join(f"g{i}{j}*(v{i}0*u0{j} + v{i}1*u1{j})" for i in range(2) for j in range(2))
SYMMETRIC = "+".join(f"g{i}{j}*(u{i}0*u{j}0 + u{i}1*u{j}1)" for i in range(3) for j in range(i, 3))
SYSTEMS: Mapping[str, tuple[System, int, int]] = {  # with the depth at which the oracle has the whole algebra, and its rank
    "Heisenberg": (System(named("x y z", 1, "1/2", 3), ("a", "b"), drift={"x": "a", "y": "b", "z": "(x*b - y*a)/2"}), 3, 3),
    "u v": (System(named("u1 u2 v1 v2", 1, 2, "1/3", -4), ("g1", "g2"), "g1*u1*v1 + g2*u2*v2"), 3, 2),
    "u v through one vector": (System(named("u1 u2 v1 v2", 1, 2, "1/3", -4), ("nu",), "nu*(3*u1*v1 - 5*u2*v2)"), 3, 1),
    "linear 2-2-2": (
        System(named("u00 u01 u10 u11 v00 v01 v10 v11", 1, 2, "1/3", -4, 3, "5/2", -1, 7), ("g00", "g01", "g10", "g11"), LINEAR),
        3,
        5,
    ),
    "symmetric 3-2": (
        System(named("u00 u01 u10 u11 u20 u21", 1, 2, "1/3", -4, 3, "5/2"), tuple(f"g{i}{j}" for i in range(3) for j in range(i, 3)), SYMMETRIC),
        2,
        6,
    ),
    "integrators in a row": (System(named("x y z", 1, 2, 3), ("a",), drift={"x": "a", "y": "x", "z": "y"}), 3, 3),
    "a square in a row": (System(named("x y z", 1, 2, 3), ("a",), drift={"x": "a", "y": "x**2", "z": "y*x"}), 4, 3),
    "no control": (System(named("x y", 1, 2), (), drift={"x": "y", "y": "-x"}), 3, 1),
    "time": (System(named("x y t", 1, 2, 3), ("a",), drift={"x": "a*t", "y": "a"}), 3, 3),
    "time that a law depends on": (System(named("x y t", 1, 2, 3), ("a",), drift={"x": "a", "y": "t"}), 3, 2),
    "weight decay": (System(named("u v t", 1, "2/3", "1/2"), ("g",), "g*u*v", drift={"u": "-u/2", "v": "-v/2"}), 4, 2),
    "sphere": (System(named("u0 u1 u2", "1/3", "2/3", "2/3"), ("h0", "h1", "h2"), "h0*u0 + h1*u1 + h2*u2", spheres=(("u0", "u1", "u2"),)), 2, 2),
    "polar": (
        System(
            named("r u0 u1 u2", "3/2", "1/3", "2/3", "2/3"),
            ("g0", "g1", "g2"),
            "r*(g0*u0**2 + g1*u1**2 + g2*u2**2)",
            rates={"u0": "5/2", "u1": "5/2", "u2": "5/2"},
            spheres=(("u0", "u1", "u2"),),
        ),
        3,
        3,
    ),
    "polar through one vector": (
        System(named("r u0 u1", "3/2", "3/5", "4/5"), ("nu",), "nu*r*(2*u0**2 + 7*u1**2)", spheres=(("u0", "u1"),)),
        3,
        1,
    ),
    "the square of a control": (System(named("x y", 1, 2), ("a",), drift={"x": "a", "y": "a**2"}), 2, 2),
    "a rate with a denominator": (System(named("x y", 2, 3), ("a", "b"), "a*x + b*x*y", rates={"x": "1/(x*y)", "y": "y/(1 + x)"}), 2, 2),
    "chained form": (System(named("x y z w", 1, 2, 3, 5), ("a", "b"), drift={"x": "a", "y": "b", "z": "y*a", "w": "z*a"}), 4, 4),
    "signature of two letters to depth three": (
        System(
            {f"s{w}": sp.Rational(n + 2, 3) for n, w in enumerate("".join(w) for d in (1, 2, 3) for w in product("ab", repeat=d))},
            ("a", "b"),
            drift={f"s{''.join(w)}": (f"s{''.join(w[:-1])}*" if len(w) > 1 else "") + w[-1] for d in (1, 2, 3) for w in product("ab", repeat=d)},
        ),
        3,
        5,
    ),
}


# ---- the same systems as statements ---------------------------------------------------------------------------------------------------------------


def tree(e: sp.Expr) -> Json:
    match e:
        case sp.Rational():
            return ["/", int(e.p), int(e.q)]
        case sp.Symbol():
            return e.name
        case sp.Add():
            return ["+", *map(tree, e.args)]
        case sp.Mul():
            return ["*", *map(tree, e.args)]
        case sp.Pow():
            return ["^", *map(tree, e.args)]
    return [e.func.__name__.lower(), *map(tree, e.args)]


def sym(shape: Sequence[Json], role: str) -> Json:
    return {"shape": list(shape), "role": role, "sign": "real"}


def statement(system: System) -> Json:
    """Blocks on a sphere are scalars of their own, which the language does not have: they are the entries of one vector here."""

    def entry(e: Json) -> Json:
        if isinstance(e, list):
            return [e[0], *map(entry, e[1:])]
        return next((["at", f"S{n}", group.index(e)] for n, group in enumerate(system.spheres) if e in group), e)

    on_spheres = {name for group in system.spheres for name in group}
    free = [name for name in system.parameters if name not in on_spheres]
    blocks = {f"S{n}": group for n, group in enumerate(system.spheres)}
    symbols = {name: sym([], "parameter") for name in free} | {name: sym([len(group)], "parameter") for name, group in blocks.items()}
    symbols |= {name: sym([], "cotangent") for name in system.controls} | ({"t": sym([], "time")} if "t" in system.at else {})
    rates = {name: {"indices": [], "value": entry(tree(system.parsed(system.rate(name))))} for name in free}
    rates |= {name: {"indices": [["i", len(group)]], "value": entry(tree(system.parsed(system.rate(group[0]))))} for name, group in blocks.items()}
    drift = {name: {"indices": [], "value": entry(tree(system.parsed(text)))} for name, text in (system.drift or {}).items()}
    flow = {"pairing": entry(tree(system.parsed(system.pairing))), "held": [], "rates": rates, "drift": drift, "spheres": [[name] for name in blocks]}
    claim = {"kind": "count", "count": 0, "indices": []}
    return {"sizes": [], "symbols": symbols, "definitions": [], "hypotheses": [], "flow": flow, "claim": claim}


def placed(system: System) -> tuple[Motion, dict[Place, fmpq]]:
    found = motion(read_statement(statement(system)), {}, {})
    at: dict[Place, fmpq] = {(name, ()): fmpq(int(v.p), int(v.q)) for name, v in system.at.items()}
    for n, group in enumerate(system.spheres):
        at |= {(f"S{n}", (k,)): at[name, ()] for k, name in enumerate(group)}
    return found, at | {(name, ()): fmpq(3 * k + 2, 7) for k, name in enumerate(system.controls)}


def rank(system: System, *, prime: int | None = P, width: int | None = None, order: int = 8, seed: int = 0) -> int:
    found, at = placed(system)
    with precision(333):
        return reached(found, at, {"prime": prime, "width": width or len(system.at) + 4, "order": order, "seed": seed})


@cache
def bracketed(name: str, depth: int) -> int:
    return SYSTEMS[name][0].bracketed(depth)


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("prime", [P, 2**61 - 1, None])
def test_the_rank_is_that_of_the_brackets(name: str, prime: int | None) -> None:
    system, depth, known = SYSTEMS[name]
    assert bracketed(name, depth) == known
    assert rank(system, prime=prime) == known


@given(name=st.sampled_from(sorted(SYSTEMS)), order=st.integers(0, 4), width=st.integers(1, 12), seed=st.integers(0, 10**6), balls=st.booleans())
def test_short_series_reach_no_further_than_short_brackets(name: str, order: int, width: int, seed: int, balls: bool) -> None:
    """A series of order k in t is made of brackets of at most k fields; one of any length in s of the fields alone."""
    system, depth, known = SYSTEMS[name]
    most = bracketed(name, max(order, 1)) if order < depth else known
    assert rank(system, prime=None if balls else P, width=width, order=order, seed=seed) <= most


MONOMIALS = st.sampled_from(["1", "x", "y", "z", "x*y", "x**2", "y*z", "a", "b", "a*y", "b*x", "a*z"])
POLYNOMIALS = st.lists(st.tuples(st.integers(-2, 2), MONOMIALS), max_size=3)


@given(drift=st.tuples(POLYNOMIALS, POLYNOMIALS, POLYNOMIALS), order=st.integers(0, 3), seed=st.integers(0, 99))
def test_random_fields_reach_no_further_than_their_brackets(drift: tuple[list[tuple[int, str]], ...], order: int, seed: int) -> None:
    texts = {name: "+".join(f"({k})*{m}" for k, m in terms) or "0" for name, terms in zip("xyz", drift, strict=True)}
    system = System(named("x y z", 1, "1/2", -3), ("a", "b"), drift=texts)
    found = [rank(system, prime=prime, order=order, seed=seed) for prime in (P, None)]
    assert found[0] == found[1]
    assert found[0] <= system.bracketed(max(order, 1))


@pytest.mark.parametrize(("letters", "depth", "free"), [("ab", 4, 8), ("abc", 3, 14)])
def test_signatures_reach_the_free_lie_algebra(letters: str, depth: int, free: int) -> None:
    """Witt: the free Lie algebra on two letters has the dimensions 2, 1, 2, 3, on three letters 3, 3, 8."""
    words = ["".join(w) for d in range(1, depth + 1) for w in product(letters, repeat=d)]
    drift = {f"s{w}": (f"s{w[:-1]}*" if len(w) > 1 else "") + w[-1] for w in words}
    system = System({f"s{w}": sp.Rational(n + 2, 3) for n, w in enumerate(words)}, tuple(letters), drift=drift)
    found = [rank(system, order=order) for order in (0, 2, 4, 12)]
    assert found == sorted(found)
    assert found[0] == len(letters)
    assert found[-1] == free


# ---- flows with roots and functions ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("drift", "wanted"),
    [
        ({"x": "a", "y": "a*exp(x)"}, 1),  # y - exp x
        ({"x": "a", "y": "a*sqrt(1 + x**2)"}, 1),
        ({"x": "a", "y": "a*(log(x) + asinh(x) + atan(x) + sin(x) + cos(x))"}, 1),
        ({"x": "a", "y": "a*atanh(x/9)*Abs(x - 5)"}, 1),
        ({"x": "a*y", "y": "b*exp(x)"}, 2),
        ({"x": "a", "y": "a*exp(y)*x"}, 1),
        ({"x": "a", "y": "exp(x)"}, 2),
    ],
)
@pytest.mark.parametrize("order", [0, 1, 2, 11, 14])
def test_functions_are_computed_in_balls(drift: Mapping[str, str], wanted: int, order: int) -> None:
    found, at = placed(System(named("x y", "3/2", "1/3"), ("a", "b"), drift=drift))
    with precision(400):
        here = reached(found, at, {"prime": None, "width": 15, "order": order, "seed": 1})
        with pytest.raises(Rejected, match="in balls, not modulo a prime"):
            reached(found, at, {"prime": P, "width": 15, "order": order, "seed": 1})
    assert here <= wanted
    assert order < 2 or here == wanted


def test_series_longer_than_flint_keeps_by_itself_are_not_cut() -> None:
    """x' = a and y' = a + b - b: the sum would be cut at ten terms, as FLINT does by default, and x - y would be lost."""
    system = System(named("x y", 1, 1), ("a", "b"), drift={"x": "a", "y": "a + b**2"})
    node = statement(system)
    node["flow"]["drift"]["y"]["value"] = ["+", "a", ["*", "b", "b"], ["*", -1, "b", "b"]]
    found, at = motion(read_statement(node), {}, {}), placed(system)[1]
    before = flint.ctx.cap
    for order in (0, 13):
        with precision(100):
            assert reached(found, at, {"prime": None, "width": 30, "order": order, "seed": 0}) == 1
    assert flint.ctx.cap == before


def test_series_that_were_cut_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofs_check.kernel.reach._uncut", nullcontext)
    found, at = placed(System(named("x y", 1, 1), ("a", "b"), drift={"x": "a", "y": "a + b"}))
    with precision(100), pytest.raises(Rejected, match="30 are needed"):
        reached(found, at, {"prime": None, "width": 30, "order": 0, "seed": 0})


@pytest.mark.parametrize("prime", [P, None])
def test_what_is_held_moves_all_the_same(prime: int | None) -> None:
    """x' = -nu y and y' = nu x, with the gradient (nu y, -nu x) held: x^2 + y^2 is left."""
    node = statement(System(named("x y", 1, 2), ("nu",), "nu*x*y"))
    node["definitions"] = [
        {"name": "G", "indices": [], "value": ["*", "nu", "y"]},
        {"name": "H", "indices": [], "value": ["*", -1, "nu", "x"]},
    ]
    node["flow"] |= {"pairing": ["+", ["*", "G", "x"], ["*", "H", "y"]], "held": ["G", "H"]}
    at = {("x", ()): fmpq(1), ("y", ()): fmpq(2), ("nu", ()): fmpq(3)}
    with precision(100):
        assert reached(motion(read_statement(node), {}, {}), at, {"prime": prime, "width": 6, "order": 6, "seed": 0}) == 1


# ---- what is refused ------------------------------------------------------------------------------------------------------------------------------

LINE = System(named("x y", 2, 0), ("a",), drift={"x": "a", "y": "x"})
CONTROLS: Json = {"prime": P, "width": 4, "order": 3, "seed": 0}


@pytest.mark.parametrize(
    "wrong",
    [{"prime": p} for p in (1, 2, 101, 2**31, 2**61 + 1, 2**89 - 1, -P, True, "7", 1.0, (2**31 - 1) * (2**30 + 3))]
    + [{"width": n} for n in (0, -1, 10**9, True, "4", 4.0, None)]
    + [{"order": n} for n in (-1, 61, True, "4", 2.0, None)]
    + [{"seed": n} for n in (True, "0", 0.5, None)],
)
def test_controls_that_are_none_are_refused(wrong: Json) -> None:
    found, at = placed(LINE)
    assert reached(found, at, CONTROLS) == 2
    with pytest.raises(Rejected):
        reached(found, at, CONTROLS | wrong)


def test_a_prime_that_divides_a_denominator_is_refused() -> None:
    p = 1048583
    found, at = placed(LINE)
    with pytest.raises(Rejected, match="divides a denominator"):
        reached(found, at | {("x", ()): fmpq(1, p)}, CONTROLS | {"prime": p})
    singular = System(named("x y", 2 + p, 0), ("a",), drift={"x": "a/(x - 2)", "y": "x"})
    with pytest.raises(Rejected, match="modulo the prime"):
        rank(singular, prime=p)
    assert rank(singular) == 2


UNDEFINED: Sequence[tuple[Json, str]] = [
    (["+", "a", ["*", 0, ["log", -1]]], "log of"),  # falls out of the velocities
    (["*", "a", ["^", ["log", -1], 0]], "log of"),
    (["*", "a", "y", ["^", "y", -1]], "denominator"),  # y = 0: a removable singularity is one
    (["*", "a", ["abs", "y"]], "abs of"),
    (["*", "a", ["^", "y", ["/", 1, 2]]], "base of a root"),
    (["*", "a", ["^", "y", "x"]], "log of"),
    (["*", "a", ["atanh", "x"]], "atanh of"),
    (["*", "a", ["^", ["+", "y", ["exp", ["+", "x", -2]], -1], -1]], "denominator"),
]


@pytest.mark.parametrize(("drift", "reason"), UNDEFINED)
@pytest.mark.parametrize("prime", [P, None])
def test_a_flow_that_is_not_defined_at_the_point_is_refused(drift: Json, reason: str, prime: int | None) -> None:
    node = statement(LINE)
    node["flow"]["drift"]["x"]["value"] = drift
    found, at = motion(read_statement(node), {}, {}), placed(LINE)[1]
    with precision(100), pytest.raises(Rejected, match=reason):
        reached(found, at, CONTROLS | {"prime": prime})


def test_a_pairing_that_is_not_defined_is_refused() -> None:
    node = statement(System(named("x y", 2, 0), ("a",), "a*x*y"))
    node["flow"]["pairing"] = ["+", node["flow"]["pairing"], ["log", -1]]
    found, at = motion(read_statement(node), {}, {}), placed(LINE)[1]
    with pytest.raises(Rejected, match="log of"):
        reached(found, at, CONTROLS)


def test_what_has_no_value_is_named() -> None:
    """x' = a k with a constant k."""
    node = statement(System(named("x y", 2, 0), ("a",), drift={"x": "a", "y": "x"}))
    node["symbols"]["k"] = sym([], "constant")
    node["flow"]["drift"]["x"]["value"] = ["*", "a", "k"]
    at = placed(LINE)[1]
    assert reached(motion(read_statement(node), {}, {("k", ()): fmpq(5)}), at, CONTROLS) == 2
    with pytest.raises(Rejected, match=r"k\[\] has no value, and the flow needs it"):
        reached(motion(read_statement(node), {}, {}), at, CONTROLS)


def test_the_rank_of_gradients_whose_denominators_the_prime_divides() -> None:
    """Modulo 2^61 - 1 these rows cannot be written, and in the rationals their ranks are 1 and 2."""
    p = 2**61 - 1
    x, y = ("x", ()), ("y", ())
    assert independent([{x: fmpq(1, p), y: fmpq(1)}, {x: fmpq(1), y: fmpq(p)}], (x, y)) == 1
    assert independent([{x: fmpq(1, p), y: fmpq(1)}, {x: fmpq(1), y: fmpq(p + 1)}, {y: fmpq(2)}], (x, y)) == 2


def test_the_rank_of_gradients_is_exact_or_certain() -> None:
    x, y = ("x", ()), ("y", ())
    third = fmpq(1, 3)
    assert independent([], (x, y)) == 0
    assert independent([{x: fmpq(1), y: third}, {x: fmpq(3), y: fmpq(1)}], (x, y)) == 1
    with precision(100):
        root = arb(2).sqrt()
        assert independent([{x: fmpq(1), y: root}, {x: root, y: fmpq(2)}], (x, y)) == 1  # dependent: no pivot is certain
        assert independent([{x: fmpq(1), y: root}, {x: root, y: fmpq(3)}], (x, y)) == 2
        assert independent([{x: arb.nan(), y: fmpq(1)}, {x: fmpq(0), y: arb.pos_inf()}], (x, y)) <= 1
