"""Inequalities from the statement to the verdict: what must be proved, what must not, and by which route."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import Any

import pytest
import sympy as sp
from flint import Ordering, fmpq, fmpq_mat, fmpq_mpoly_ctx

from polarflow.formula import formula_latex
from polarflow.printing import formula, kind
from proofs_check.exact import verdict
from proofs_check.inequalities import all_sizes, at_instance, on_cells
from proofs_check.instances import instances_of
from proofs_check.kernel import Rejected, check
from proofs_check.squares import ldl, sum_of_squares
from theory.charts import polar, rederive
from theory.inequalities import above_tangent, box
from theory.losses import square
from theory.models import power
from theory.settings import Definition, Flow, Instance, Setting, Space, family
from theory.statements import AtMost, Evolves, Part, TimeDerivative
from theory.symbols import Family, Variable, index, size, total

Json = Any
N, M = size("N"), size("M")
i, j = index("i"), index("j")
x, y = Variable("x"), Variable("y")
X, Y = x[()], y[()]
p, q = Variable("p", (), "constant", "positive"), Variable("q", (), "constant", "positive")
P, Q = p[()], q[()]
ZERO, ONE, HALF = sp.S.Zero, sp.S.One, sp.S.Half
MOTZKIN = X**4 * Y**2 + X**2 * Y**4 - 3 * X**2 * Y**2 + 1


def claimed(left: sp.Expr, right: sp.Expr, *variables: Variable, **more: Any) -> Part:
    return Part(Setting(variables or (x, y)), AtMost(left, right, **more))


# ---- the inequality of Polyak and Lojasiewicz for the polar flow -----------------------------------------------------------------------------------


depth, kappa, eta = (Variable(name, (), "constant", "positive") for name in ("L", "kappa", "eta_r"))
data, target = Variable("A", (M, N)), Variable("y", (M,))
w, r, u = Variable("w", (N,), "parameter", "positive"), Variable("r", (), "parameter", "positive"), Variable("u", (N,), "parameter", "positive")
L, K, ETA, R0, U = depth[()], kappa[()], eta[()], r[()], u[i]
SETTING = rederive(
    power(w, L),
    square(data, target, (N,)),
    polar(w),
    {"r": ETA, "u": K * ETA},
    given=(depth, kappa, eta, data, target),
    instances=(Instance({"N": 4, "M": 2}, {"L": Fraction(2)}), Instance({"N": 3, "M": 2}, {"L": Fraction(3)})),
)
DISSIPATION = TimeDerivative(SETTING["F"][()])
SLOPE = L * SETTING["G"][i] * (R0 * U) ** (L - 1)  # the gradient by w
ALONG = total(u[j] * SLOPE.xreplace({i: j}), (j, N))
FLOOR = L**2 * ETA * total((R0 * U) ** (2 * L - 2) * SETTING["G"][i] ** 2, (i, N))
SLOW = Definition("slow", family(1 - K * R0**2))  # kappa r^2 <= 1: the direction moves more slowly than under plain gradient flow
FAST = Definition("fast", family(K * R0**2 - 1))
LOJASIEWICZ = {
    "kappa r^2 <= 1": Part(SETTING, AtMost(DISSIPATION, -K * R0**2 * FLOOR, where=(SLOW,), because=ETA * SLOW[()] * ALONG**2)),
    "kappa r^2 >= 1": Part(SETTING, AtMost(DISSIPATION, -FLOOR, where=(FAST,), because=ETA * FAST[()] * total((SLOPE - U * ALONG) ** 2, (i, N)))),
}
NOT_LOJASIEWICZ = {
    "1 for the minimum": AtMost(DISSIPATION, -FLOOR),
    "kappa r^2 for the minimum": AtMost(DISSIPATION, -K * R0**2 * FLOOR),
    "the cases exchanged": AtMost(DISSIPATION, -FLOOR, where=(SLOW,)),
    "kappa for kappa r^2": AtMost(DISSIPATION, -K * FLOOR, where=(SLOW,)),
    "a factor 2": AtMost(DISSIPATION, -2 * K * R0**2 * FLOOR, where=(SLOW,)),
    "the sign flipped": AtMost(TimeDerivative(-SETTING["F"][()]), ZERO),
}


@pytest.mark.parametrize("case", LOJASIEWICZ)
def test_the_lojasiewicz_inequality_for_all_sizes_and_depths(case: str) -> None:
    found = verdict(LOJASIEWICZ[case])
    assert (found.outcome, found.grade, found.scope) == ("proved", "exact", "all sizes")
    assert {f.route for f in found.findings if f.outcome == "proved"} == {"all sizes", "N=4 M=2 L=2", "N=3 M=2 L=3"}
    assert not any(f.conditions for f in found.findings)


@pytest.mark.parametrize("case", NOT_LOJASIEWICZ)
def test_its_variants_are_refuted_at_a_rational_point(case: str) -> None:
    found = verdict(Part(SETTING, NOT_LOJASIEWICZ[case]))
    assert found.outcome == "refuted"
    assert check(json.loads(json.dumps(found.decisive.certificate))).outcome == "refuted"


def test_a_witness_of_the_other_case_is_not_accepted() -> None:
    first, second = (part.assertion for part in LOJASIEWICZ.values())
    wrong = AtMost(first.left, first.right, where=first.where, because=2 * first.because)
    other = AtMost(first.left, first.right, where=(SLOW, FAST), because=second.because)
    for assertion in (wrong, other):
        for found in (all_sizes(Part(SETTING, assertion)), at_instance(Part(SETTING, assertion), SETTING.instances[0])):
            assert found.outcome == "unknown"


def dissipation_and_floor(values: Json, depth: int) -> tuple[Fraction, Fraction, Fraction]:
    """-dF/dt, the floor without its factor, and kappa r^2, from the matrices alone."""
    A, b, r, v, eta, kappa = values
    x = [(r * entry) ** depth for entry in v]
    error = [sum(a * entry for a, entry in zip(row, x, strict=True)) - target for row, target in zip(A, b, strict=True)]
    G = [sum(row[n] * e for row, e in zip(A, error, strict=True)) for n in range(len(v))]
    h = [depth * g * (r * entry) ** (depth - 1) for g, entry in zip(G, v, strict=True)]
    inner = sum(a * c for a, c in zip(v, h, strict=True))
    radial, tangential = -eta * inner, [-kappa * eta * r * (c - a * inner) for a, c in zip(v, h, strict=True)]
    w = [radial * a + r * t for a, t in zip(v, tangential, strict=True)]
    return -sum(a * c for a, c in zip(h, w, strict=True)), eta * sum(c * c for c in h), kappa * r**2


def test_the_inequality_and_its_slack_from_the_matrices_alone() -> None:
    random, sides = Random(2), set()
    for _ in range(60):
        n = random.choice((2, 3))
        entry = lambda: Fraction(random.randint(-6, 6), random.randint(1, 4))  # noqa: E731
        v = [Fraction(3, 5), Fraction(4, 5)] if n == 2 else [Fraction(1, 3), Fraction(2, 3), Fraction(2, 3)]
        A, b = [[entry() for _ in range(n)] for _ in range(2)], [entry(), entry()]
        r, eta, kappa = (Fraction(random.randint(1, 9), random.randint(2, 6)) for _ in range(3))
        rate, floor, ratio = dissipation_and_floor((A, b, r, v, eta, kappa), random.choice((2, 3)))
        assert rate >= min(ratio, 1) * floor
        sides.add(ratio > 1)
    assert sides == {True, False}


# ---- other inequalities --------------------------------------------------------------------------------------------------------------------------

a, b = Variable("a", (N,)), Variable("b", (N,))
PRODUCTS = total(a[i] * b[i], (i, N)) ** 2, total(a[i] ** 2, (i, N)) * total(b[i] ** 2, (i, N))
LAGRANGE = total((a[i] * b[j] - a[j] * b[i]) ** 2, (i, N), (j, N)) / 2
weights, entries = Variable("c", (N,), "constant", "nonnegative"), Variable("e", (N,), "constant", "positive")
MEAN = sp.exp(total(weights[i] * sp.log(entries[i]), (i, N)))
CONVEX = Family((), total(weights[i], (i, N)) - 1)
first, second = Variable("f", (N,), "constant", "positive"), Variable("g", (N,), "constant", "positive")
DIVERGENCE = total(first[i] * sp.log(first[i] / second[i]), (i, N))
MASSES = total(first[i], (i, N)) - total(second[i], (i, N))

FOR_ALL_SIZES = {
    "the tangent of the logarithm": claimed(sp.log(P), P - 1, p, because=above_tangent(P)),
    "the tangent of the exponential": claimed(1 + X, sp.exp(X), because=above_tangent(sp.exp(X))),
    "Cauchy and Schwarz": claimed(*PRODUCTS, a, b, because=LAGRANGE),
    "weighted means": Part(
        Setting((weights, entries), hypotheses=(CONVEX,)),
        AtMost(
            MEAN,
            total(weights[i] * entries[i], (i, N)),
            because=sp.Mul(MEAN, total(weights[i] * above_tangent(entries[i] / MEAN), (i, N)), evaluate=False),
        ),
    ),
    "Kullback and Leibler": claimed(MASSES, DIVERGENCE, first, second, because=total(first[i] * above_tangent(second[i] / first[i]), (i, N))),
    "entry by entry": claimed(2 * a[i] * b[i], a[i] ** 2 + b[i] ** 2, a, b, indices=((i, N),), because=(a[i] - b[i]) ** 2),
    "by its normal form": claimed(ZERO, total(a[i] ** 2 * b[i] ** 2, (i, N)), a, b),
    "strict": claimed(ZERO, total(entries[i], (i, N)) / P, entries, p, strict=True),
}


@pytest.mark.parametrize("case", FOR_ALL_SIZES)
def test_proved_for_all_sizes(case: str) -> None:
    found = verdict(FOR_ALL_SIZES[case])
    general = found.findings[0]
    assert (found.outcome, general.outcome, general.grade) == ("proved", "proved", "exact"), general.reason
    assert check(json.loads(json.dumps(general.certificate))).outcome == "proved"


WITHOUT_A_HINT = {
    **{case: FOR_ALL_SIZES[case] for case in FOR_ALL_SIZES if case != "weighted means"},
    "a logarithm times its argument": claimed(P - 1, P * sp.log(P), p),
    "an exponential that decays": claimed(1 - X, sp.exp(-X), x),
    "with weights": claimed(2 * total(entries[i] * a[i] * b[i], (i, N)), total(entries[i] * (a[i] ** 2 + b[i] ** 2), (i, N)), a, b, entries),
    "the square of a mean": claimed(total(a[i], (i, N)) ** 2, N * total(a[i] ** 2, (i, N)), a),
    "two squares with a common letter": claimed(2 * X * Y + 2 * Y * Q, 2 * X**2 + 2 * Y**2 + Q**2, x, y, q),
}


@pytest.mark.parametrize("case", WITHOUT_A_HINT)
def test_witnesses_are_found(case: str) -> None:
    part = WITHOUT_A_HINT[case]
    found = verdict(replace(part, assertion=replace(part.assertion, because=None)))
    assert (found.outcome, found.grade) == ("proved", "exact")
    assert found.findings[0].outcome == "proved", found.findings[0].reason


def test_no_witness_is_found_for_what_fails_at_large_sizes() -> None:
    """At N = 1 it holds with equality."""
    found = all_sizes(claimed(total(a[i], (i, N)) ** 2, total(a[i] ** 2, (i, N)), a))
    assert found.outcome == "unknown"


BY_SQUARES = {
    "a square": claimed(2 * X * Y, X**2 + Y**2),
    "Motzkin's form": claimed(ZERO, MOTZKIN),
    "a quartic": claimed(ZERO, 2 * X**4 + 2 * X**3 * Y - X**2 * Y**2 + 5 * Y**4),
    "a strict one": claimed(X * Y, X**2 + Y**2 + 1, strict=True),
    "an orthant": claimed(3 * P * Q, P**3 + Q**3 + 1, p, q),
    "an interval": claimed(X**2, X, x, where=box(x, 0, 1)),
    "two layers of one unit": claimed(ZERO, ZERO),  # put in below
    "a quotient": claimed(2 * X / (1 + X**2), ONE, x),
}
u1, v1 = Variable("u", (), "parameter"), Variable("v", (), "parameter")
LOSS = (u1[()] * v1[()] - 1) ** 2 / 2
UNITS = Setting(
    (u1, v1),
    (Definition("F", family(LOSS)),),
    flow=Flow(Space((u1, v1)), LOSS, (), {"u": family(ONE), "v": family(ONE)}),
)
RATE = TimeDerivative(UNITS["F"][()])
GAP = u1[()] ** 2 - v1[()] ** 2  # which is conserved
BY_SQUARES["two layers of one unit"] = Part(UNITS, AtMost(RATE, -2 * GAP * UNITS["F"][()]))


@pytest.mark.parametrize("case", BY_SQUARES)
def test_proved_by_squares(case: str) -> None:
    part = BY_SQUARES[case]
    found = at_instance(part, instances_of(part.setting)[0])
    assert (found.outcome, found.grade) == ("proved", "exact"), found.reason
    assert check(json.loads(json.dumps(found.certificate))).outcome == "proved"
    assert verdict(part).outcome == "proved"


def test_two_layers_of_one_unit_and_their_slack() -> None:
    slack = 2 * v1[()] ** 2 * (u1[()] * v1[()] - 1) ** 2
    found = verdict(Part(UNITS, AtMost(RATE, -2 * GAP * UNITS["F"][()], because=slack)))
    assert (found.outcome, found.findings[0].outcome) == ("proved", "proved")
    assert verdict(Part(UNITS, Evolves(GAP))).outcome == "proved"
    assert verdict(Part(UNITS, AtMost(RATE, -3 * GAP * UNITS["F"][()]))).outcome == "refuted"


def test_spheres_and_simplices_are_hypotheses() -> None:
    on_sphere = Setting((a,), hypotheses=(Family((), total(a[i] ** 2, (i, N)) - 1),), instances=(Instance({"N": 3}),))
    on_simplex = Setting((weights,), hypotheses=(CONVEX,), instances=(Instance({"N": 3}),))
    square = total(weights[i], (i, N)) ** 2
    assert verdict(Part(on_sphere, AtMost(a[sp.Integer(0)] * a[sp.Integer(1)], HALF))).outcome == "proved"
    assert verdict(Part(on_sphere, AtMost(a[sp.Integer(0)] * a[sp.Integer(1)], sp.Rational(12, 25)))).outcome == "refuted"
    assert verdict(Part(on_simplex, AtMost(total(weights[i] ** 2, (i, N)), square))).outcome == "proved"
    assert verdict(Part(on_simplex, AtMost(square, 2 * total(weights[i] ** 2, (i, N))))).outcome == "refuted"


ON_CELLS = {
    "an exponential": claimed(sp.exp(X), 1 + 2 * X, x, where=box(x, 0, 1)),
    "a sine": claimed(sp.sin(X), X + sp.Rational(1, 1000), x, strict=True, where=box(x, 0, 3)),
    "a logarithm of two": claimed(sp.log(P + Q), P + Q - sp.Rational(99, 100), p, q, where=(*box(p, HALF, 2), *box(q, HALF, 2))),
}


@pytest.mark.parametrize("case", ON_CELLS)
def test_proved_on_cells(case: str) -> None:
    part = ON_CELLS[case]
    found = on_cells(part, instances_of(part.setting)[0])
    assert (found.outcome, found.grade) == ("proved", "enclosed"), found.reason
    assert check(json.loads(json.dumps(found.certificate))).outcome == "proved"
    assert verdict(part).outcome == "proved"


REFUTED = {
    "not definite": claimed(3 * X**2 * Y**2, X**4 + Y**4),
    "Motzkin's form, strictly": claimed(ZERO, MOTZKIN, strict=True),
    "Motzkin's form with 4 for 3": claimed(X**2 * Y**2, MOTZKIN),
    "above its tangent": claimed(sp.log(P), P - sp.Rational(101, 100), p),
    "Cauchy and Schwarz, strictly": claimed(*PRODUCTS, a, b, strict=True),
    "Cauchy and Schwarz with 101/100": claimed(sp.Rational(101, 100) * PRODUCTS[0], PRODUCTS[1], a, b),
    "half of the divergence": claimed(MASSES, DIVERGENCE / 2, first, second),
    "outside the box": claimed(X**2, X, x, where=box(x, 0, 2)),
    "an exponential": claimed(sp.exp(X), 1 + sp.Rational(17, 10) * X, x, where=box(x, 0, 1)),
    "at larger sizes alone": Part(
        Setting((entries,), instances=(Instance({"N": 1}),)), AtMost(total(entries[i], (i, N)) ** 2, total(entries[i] ** 2, (i, N)))
    ),
}


@pytest.mark.parametrize("case", REFUTED)
def test_what_is_false_is_refuted_and_proved_by_no_route(case: str) -> None:
    found = verdict(REFUTED[case])
    assert found.outcome == "refuted", [f.reason for f in found.findings]
    assert not any(f.outcome == "proved" and f.route in ("all sizes", "exact") for f in found.findings)
    assert not found.contradictory
    certificate = json.loads(json.dumps(found.decisive.certificate))
    assert "less the right one" in check(certificate).text


def test_what_is_beyond_the_routes_is_only_supported() -> None:
    found = verdict(claimed(sp.log(P), P / 2, p))
    assert (found.outcome, found.grade) == ("supported", "sampled")
    assert found.decisive.samples == 6


def test_a_proof_for_some_values_is_not_one_for_all() -> None:
    """With p = 1 it is a square, with p > 1 it fails."""
    fixed = Setting((x, y, p), instances=(Instance({}, {"p": Fraction(1)}),))
    part = Part(fixed, AtMost(2 * P * X * Y, X**2 + Y**2))
    assert at_instance(part, fixed.instances[0]).route == "p=1"
    found = verdict(part)
    assert not any(f.outcome == "proved" and f.route in ("all sizes", "exact") for f in found.findings)


def test_a_claim_about_nothing_is_unknown() -> None:
    never = Definition("never", family(-1 - X**2))
    found = verdict(claimed(ONE, ZERO, x, where=(never,), because=never[()] + X**2))
    assert found.outcome == "unknown"


# ---- certificates --------------------------------------------------------------------------------------------------------------------------------


def changed(node: Json) -> Iterator[Json]:
    """The certificate with one number changed; points and precisions, which are free, are left alone."""
    if isinstance(node, bool):
        yield not node
    elif isinstance(node, int):
        yield from (node + 1, node - 1)
    elif isinstance(node, str) and node.lstrip("-").replace("/", "").isdigit():
        yield from (str(Fraction(node) - 1), str(Fraction(node) + 1))
    elif isinstance(node, list):
        for n, part in enumerate(node):
            yield from ([*node[:n], other, *node[n + 1 :]] for other in changed(part))
    elif isinstance(node, dict):
        for key, part in node.items():
            if key not in ("point", "bits"):
                yield from ({**node, key: other} for other in changed(part))


def differences(first: Json, second: Json, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where two pieces of JSON of one shape differ."""
    if isinstance(first, dict):
        for key in first:
            yield from differences(first[key], second[key], (*path, key))
    elif isinstance(first, list):
        for n, (a_, b_) in enumerate(zip(first, second, strict=True)):
            yield from differences(a_, b_, (*path, n))
    elif first != second:
        yield path


TAMPERED = {  # with the places of the statement at which another number makes another true statement that the rest of the certificate proves
    "squares": (BY_SQUARES["Motzkin's form"], set()),
    "a tangent": (FOR_ALL_SIZES["Kullback and Leibler"], set()),
    "the dissipation": (LOJASIEWICZ["kappa r^2 <= 1"], {("statement", "definitions", 1, "value", 1, 1)}),  # a multiple of y for y
    "cells": (ON_CELLS["an exponential"], {("statement", "claim", "right", 1), ("statement", "claim", "right", 2, 1)}),  # 2 + 2x, 1 + 3x
}


@pytest.mark.parametrize("case", TAMPERED)
def test_no_number_of_a_certificate_can_be_changed_to_prove_something_false(case: str) -> None:
    part, true = TAMPERED[case]
    certificate = dict(verdict(part).decisive.certificate)
    accepted, count = set(), 0
    for tampered in changed(certificate):
        count += 1
        try:
            check(tampered)
        except Rejected:
            continue
        accepted |= set(differences(certificate, tampered))
    assert (accepted, count > 10) == (true, True)


# ---- squares -------------------------------------------------------------------------------------------------------------------------------------


def test_squares_add_up_to_the_polynomial() -> None:
    ring = fmpq_mpoly_ctx.get(["s", "t"], Ordering.lex)
    s, t = ring.gens()
    random = Random(3)
    for _ in range(8):
        basis = [ring.constant(1), s, t, s * t, s**2]
        forms = [sum((fmpq(random.randint(-3, 3)) * m for m in basis), ring.constant(0)) for _ in range(random.choice((1, 5)))]
        wanted = sum((form**2 for form in forms), ring.constant(0))
        found = sum_of_squares(wanted, (), (), 4)
        assert found is not None
        assert sum((block.multiplier * sum((d * g**2 for d, g in block.squares), ring.constant(0)) for block in found), ring.constant(0)) == wanted
        assert all(d > 0 for block in found for d, _ in block.squares)
    for wrong in (s**2 - fmpq(1, 10**6), s * t, s**4 - 3 * s**2 * t**2 + t**4):
        assert sum_of_squares(wrong, (), (), 4) is None


@pytest.mark.parametrize(
    ("rows", "definite"), [([[2, 1], [1, 2]], True), ([[1, 1], [1, 1]], True), ([[1, 2], [2, 1]], False), ([[0, 1], [1, 5]], False)]
)
def test_ldl(rows: list[list[int]], definite: bool) -> None:
    matrix = [[fmpq(entry) for entry in row] for row in rows]
    found = ldl(matrix)
    assert (found is not None) == definite
    if found is not None:
        total_ = fmpq_mat(2, 2)
        for d, row in found:
            total_ += fmpq_mat(2, 2, [d * a * b for a in row for b in row])
        assert total_ == fmpq_mat(matrix)


# ---- words -----------------------------------------------------------------------------------------------------------------------------------------


def test_formulas() -> None:
    assertion = LOJASIEWICZ["kappa r^2 <= 1"].assertion
    assert formula(assertion).startswith("d/dt F <= ")
    assert formula(assertion).endswith("where -kappa*r**2 + 1 >= 0")
    assert r"\le" in formula_latex(assertion)
    assert kind(assertion) == "Inequality"
    strict = AtMost(a[i], b[i], ((i, N),), strict=True)
    assert formula(strict) == "a[i] < b[i]   for all i"
