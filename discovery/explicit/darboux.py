"""Darboux polynomials of low degree: the hypersurfaces that a flow cannot leave, whatever its controls.

Let $p = \\langle a, m\\rangle$ be a combination of monomials m with $X_c\\,p = k_c\\,p$ for every control c. Where p vanishes, it vanishes along the
trajectory, so that a annihilates all Taylor coefficients of m there: the square matrix N(x) of the first of them is singular. On a random line
x(t), the roots of det N in $\\mathbb F_p$ are candidates, and a is read off the left kernel of N at the root (the extactic curve: Pereira,
Vector fields, invariant varieties and linear systems, Ann. Inst. Fourier 51, 2001).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from itertools import combinations_with_replacement
from math import lcm
from operator import xor

import numpy as np
import sympy as sp
from flint import nmod_mat, nmod_poly

from .jets import Sample
from .modular import Array, P, integral, inverse, nullspace, rationals
from .series import monomials, trajectory
from .signs import characters
from .system import Points, System

Monomial = Mapping[int, int]
MOST_MOVING = 12  # coordinates, for quadratic polynomials
MOST_ROOTS = 128
MOST_TURNS = 12
TALLEST = 1000  # a larger coefficient is a residue that no small rational has


def linear(system: System, *, random: np.random.Generator, most: int = 40) -> Iterator[sp.Expr]:
    """The affine forms in what moves that divide their own rate of change, primitive and with coprime integer coefficients.

    Nothing is found in a system with more than `most` coordinates but coordinates that are such forms themselves.
    """
    found: list[sp.Expr] = []
    rows = _moving(system, random)
    for k in rows:
        if _is_invariant_coordinate(system, k, random):
            found.append(system.symbols[k])
            yield system.symbols[k]
    if len(rows) < most:
        yield from _new(found, invariant(system, [{}, *({k: 1} for k in rows)], random=random))


def quadratic(system: System, known: Sequence[sp.Expr] = (), *, random: np.random.Generator, most: int = 24) -> Iterator[sp.Expr]:
    """The irreducible quadratic polynomials that divide their own rate of change, as far as sign changes of the coordinates leave them as they are.

    Monomials are taken together when every flip of signs that preserves the family acts on them alike; a class of more than `most` is left out.
    """
    rows = _moving(system, random)
    if len(rows) > MOST_MOVING:
        return
    words = characters(system).tolist()
    classes: dict[int, list[Monomial]] = {}
    for pair in [(), *((k,) for k in rows), *combinations_with_replacement(rows, 2)]:
        classes.setdefault(reduce(xor, (words[k] for k in pair), 0), []).append({k: pair.count(k) for k in pair})
    found = list(known)
    for members in classes.values():
        if 1 < len(members) <= most:
            # a conic meets a random line over the field only every other time
            for _ in range(4):
                for p in _new(found, invariant(system, members, random=random, turns=2)):
                    if sp.Poly(p).total_degree() == 2 and [n for _, n in sp.factor_list(p)[1]] == [1]:
                        yield p


def _new(found: list[sp.Expr], polys: Iterator[sp.Expr]) -> Iterator[sp.Expr]:
    for p in polys:
        if p not in found:
            found.append(p)
            yield p


def invariant(system: System, basis: Sequence[Monomial], *, random: np.random.Generator, turns: int = MOST_TURNS) -> Iterator[sp.Expr]:
    """The combinations of monomials that divide their own rate of change, from random lines; each was tried with fresh controls.

    Monomials that are dependent along trajectories are taken a part at a time: each of them has its turn, together with those that act on it,
    as far as `turns` allows.
    """
    waiting, near = list(range(len(basis))), _interactions(system, random)
    for turn in range(turns):
        order = _from(basis, waiting[0], near) if turn else waiting
        chosen = [order[n] for n in _independent(system, [basis[n] for n in order], random)]
        yield from _on_a_line(system, [basis[n] for n in chosen], random)
        waiting = [n for n in waiting if n not in chosen]
        if not waiting:
            break


def _interactions(system: System, random: np.random.Generator) -> Mapping[int, set[int]]:
    """For each coordinate those whose velocities depend on it, and those that its own velocity depends on."""
    start = system.random(1, random)
    found: dict[int, set[int]] = {k: {k} for k in range(system.dimension)}
    velocity = system.velocity(start)
    for k in range(system.dimension):
        moved = Points(start.x.copy(), start.c)
        moved.x[k] = random.integers(1, P)
        for j in np.flatnonzero((system.velocity(moved) - velocity) % P):
            found[k].add(int(j))
            found[int(j)].add(k)
    return found


def _from(basis: Sequence[Monomial], first: int, near: Mapping[int, set[int]]) -> list[int]:
    """The numbers of all monomials, that one and those in coordinates that act on it first."""
    reached, rings = set(basis[first]), [set(basis[first])]
    while ring := {j for k in rings[-1] for j in near[k]} - reached:
        reached |= ring
        rings.append(ring)
    distance = {k: n for n, ring in enumerate(rings) for k in ring}
    others = (n for n in range(len(basis)) if n != first)
    return [first, *sorted(others, key=lambda n: max((distance.get(k, len(rings)) for k in basis[n]), default=0))]


def _on_a_line(system: System, chosen: Sequence[Monomial], random: np.random.Generator) -> Iterator[sp.Expr]:
    if len(chosen) < 2:
        return
    line = _line(system, random)
    numerator = _numerator(system, chosen, line)
    if numerator is None or numerator.degree() < 1:
        return
    roots = [int(root) for root, _ in numerator.roots()][:MOST_ROOTS]
    if not roots:
        return
    at = _on(line, np.array(roots, dtype=np.int64))
    table = monomials(trajectory(system, at, len(chosen)), chosen)
    kernels = [kernel[0] for n in range(len(roots)) if len(kernel := nullspace(table[:, :, n])) == 1]
    found = [p for kernel in kernels if (p := _polynomial(system, chosen, kernel)) is not None]
    for p in sorted(found, key=lambda p: (len(p.free_symbols), sorted(map(system.symbols.index, p.free_symbols)), str(p))):
        if is_invariant(system, p, random):
            yield p


def is_invariant(system: System, p: sp.Expr, random: np.random.Generator, *, points: int = 6) -> bool:
    """Whether p divides its rate of change, judged at random points where p vanishes, each with a control of its own."""
    tried = 0
    for _ in range(12 * points):
        line = _line(system, random)
        parameters = np.arange(4, dtype=np.int64)
        at = _on(line, parameters)
        values = Sample(system, at, np.zeros_like(at.x)).polynomial(p).value
        restricted = _interpolated(parameters, values)
        roots = [int(root) for root, _ in restricted.roots()] if restricted.degree() > 0 else []
        if not roots:
            continue
        at = _on(line, np.array(roots, dtype=np.int64))
        at = Points(at.x, random.integers(1, P, at.c.shape, dtype=np.int64))
        if Sample(system, at, system.velocity(at)).polynomial(p).rate.any():
            return False
        tried += len(roots)
        if tried >= points:
            return True
    return False


def _moving(system: System, random: np.random.Generator) -> list[int]:
    """The coordinates that move."""
    velocity = system.velocity(system.random(3, random))
    return [k for k in range(system.dimension) if velocity[k].any()]


def _is_invariant_coordinate(system: System, k: int, random: np.random.Generator) -> bool:
    """Whether a coordinate divides its velocity: both vanish together, and the quotient stays finite."""
    points = system.random(6, random)
    points.x[k] = 0
    return not system.velocity(points)[k].any() and _stays_at_zero(system, k, points)


def _stays_at_zero(system: System, k: int, points: Points) -> bool:
    """A negative power of zero is given the value 0 modulo p: the velocity as a rational function of the coordinate tells whether one was there."""
    series = [system.velocity(Points(np.where(np.arange(len(points.x))[:, None] == k, h, points.x), points.c))[k] for h in range(1, 13)]
    table = np.array(series, dtype=np.int64)
    for column in table.T:
        fitted = _rational_function(np.arange(1, 13, dtype=np.int64), column)
        if fitted is None or int(fitted[0](0)) != 0 or int(fitted[1](0)) == 0:
            return False
    return True


def _independent(system: System, basis: Sequence[Monomial], random: np.random.Generator) -> list[int]:
    """The numbers of monomials, the first ones preferred, of which no combination vanishes along a random trajectory."""
    series = monomials(trajectory(system, system.random(1, random), len(basis)), basis)[:, :, 0]
    relations = nullspace(series)  # in an echelon form: the last entry of each relation belongs to it alone
    dropped = {int(np.flatnonzero(row)[-1]) for row in relations}
    return [n for n in range(len(basis)) if n not in dropped]


def _line(system: System, random: np.random.Generator) -> tuple[Points, Array]:
    return system.random(1, random), random.integers(1, P, (system.dimension, 1), dtype=np.int64)


def _on(line: tuple[Points, Array], parameters: Array) -> Points:
    start, direction = line
    return Points((start.x + direction * parameters % P) % P, np.repeat(start.c, len(parameters), axis=1))


def _numerator(system: System, basis: Sequence[Monomial], line: tuple[Points, Array], *, most: int = 4096) -> nmod_poly | None:
    """The numerator of det N on the line, from as many points as it takes to recognise the rational function."""
    count, times, values = 64, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    while count <= most:
        new = np.arange(len(times) + 1, count + 1, dtype=np.int64)
        table = monomials(trajectory(system, _on(line, new), len(basis)), basis)
        found = [int(nmod_mat(len(basis), len(basis), table[:, :, n].ravel().tolist(), P).det()) for n in range(len(new))]
        times, values = np.concatenate([times, new]), np.concatenate([values, np.array(found, dtype=np.int64)])
        fitted = _rational_function(times, values)
        if fitted is not None:
            return fitted[0]
        count *= 2
    return None


def _rational_function(times: Array, values: Array) -> tuple[nmod_poly, nmod_poly] | None:
    """Numerator and denominator of the least degree through the points, if these are more than it takes."""
    if not values.any():
        return None
    above, below = _vanishing(times), _interpolated(times, values)
    s, t = nmod_poly([0], P), nmod_poly([1], P)
    best = below, t
    while below.degree() > 0:
        quotient, rest = divmod(above, below)
        above, below, s, t = below, rest, t, s - quotient * t
        if below.degree() + t.degree() < best[0].degree() + best[1].degree():
            best = below, t
    return best if best[0].degree() + best[1].degree() + 3 < len(times) and not best[1].gcd(best[0]).degree() > 0 else None


def _vanishing(times: Array) -> nmod_poly:
    """The product of t - t_k, halves first."""
    if len(times) == 1:
        return nmod_poly([-int(times[0]), 1], P)
    half = len(times) // 2
    return _vanishing(times[:half]) * _vanishing(times[half:])


def _interpolated(times: Array, values: Array) -> nmod_poly:
    """The polynomial of least degree through the points, from Newton's divided differences."""
    differences, coefficients = values % P, [int(values[0])]
    for k in range(1, len(times)):
        differences = (differences[1:] - differences[:-1]) % P * inverse((times[k:] - times[:-k]) % P) % P
        coefficients.append(int(differences[0]))
    result = nmod_poly([coefficients[-1]], P)
    for k in range(len(times) - 2, -1, -1):
        result = result * nmod_poly([-int(times[k]), 1], P) + coefficients[k]
    return result


def _polynomial(system: System, basis: Sequence[Monomial], vector: Array) -> sp.Expr | None:
    """The polynomial with these coefficients up to a factor, if they are rationals of small height."""
    lead = next(int(v) for v in vector if v)
    found = rationals(vector * pow(lead, -1, P) % P)
    if found is None or max(max(abs(q.numerator), q.denominator) for q in found) > TALLEST:
        return None
    below = lcm(*(q.denominator for q in found))
    (whole,) = integral([[q * below for q in found]])
    pairs = sorted((sorted(monomial.items()), c) for c, monomial in zip(whole, basis, strict=True) if c)
    p = sp.Add(*(c * sp.Mul(*(system.symbols[k] ** n for k, n in monomial)) for monomial, c in pairs))
    return _signed(p, [c for monomial, c in pairs if monomial])


def _signed(p: sp.Expr, coefficients: Sequence[int]) -> sp.Expr | None:
    """The multiple by 1 or -1 that people write: the first coefficient positive, but 1 - x for x - 1; nothing for a constant."""
    if not coefficients:
        return None
    constant = p.as_coeff_Add()[0]
    falling = abs(constant) == 1 and all(c * constant < 0 for c in coefficients)
    return -p if (constant < 0 if falling else coefficients[0] < 0) else p
