"""Separable laws of a polar flow, found by the method of characteristics.

Let a scalar $r$ and a vector $u$ move so that all that couples the coordinates is one sum $S$:
$$\\dot r = \\alpha(r)\\,S, \\qquad \\dot u_i = \\beta(r, u_i)\\,G_i + \\gamma(r, u_i)\\,S .$$
A function $f(u_i, r)$ forgets $S$ when $\\alpha f_r + \\gamma f_a = 0$: it is constant along $da/dr = \\gamma/\\alpha$, that is $f = \\varphi(c)$
with $c(a, r)$ the constant of integration. Then $\\frac d{dt} f(u_i, r) = \\varphi'(c)\\,c_a\\,\\beta\\,G_i$, and the factor of $G_i$ is the same
for all $i$ when $\\varphi'$ cancels its dependence on $c$. Then $\\sum_i z_i f(u_i, r)$ is conserved for every $z \\in \\ker A$.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import sympy as sp

from .derivations import Derivation, Step, dot
from .settings import Definition, Setting
from .statements import Equal, Evolves, Part
from .symbols import Family, Variable


@dataclass(frozen=True)
class DualCoordinate:
    """Let $\\theta_i = f(u_i, r)$ with $\\dot\\theta_i = \\mathrm{rate}(r)\\,G_i$.

    `value` and `rate` are in the placeholder `a` for $u_i$ and in $r$; `condition` says for which constants this is the solution.
    """

    radius: Variable
    direction: Variable
    a: sp.Symbol
    value: sp.Expr
    rate: sp.Expr
    condition: sp.Basic
    derivation: Derivation

    def at(self, i: sp.Expr) -> sp.Expr:
        """$f(u_i, r)$."""
        return self.value.xreplace({self.a: self.direction[i]})


class NotSeparable(ValueError):
    """The flow does not have the form the method needs; the text says where it departs from it."""


def dual_coordinates(setting: Setting, radius: str = "r", direction: str = "u") -> tuple[DualCoordinate, ...]:
    """The dual coordinates of the flow: one for each case of the constants (for the diagonal model, $L = 2$ and $L \\ne 2$).

    Raises `NotSeparable` when the coordinates are coupled otherwise than through one sum, or an integral has no closed form.
    """
    flow = setting.flow
    if flow is None:
        raise NotSeparable("the setting has no flow")
    r, u = flow.space[radius], flow.space[direction]
    ((i, _),) = flow.velocities[direction].indices
    a, c = sp.Symbol("a", positive=True), sp.Symbol("c", real=True)
    alpha, beta, gamma = _coefficients(setting, r, u, i, a)

    slope = sp.powsimp(sp.expand_power_base(gamma / alpha), combine="exp", force=True)
    factors = sp.separatevars(slope, symbols=(a, r[()]), dict=True)
    if factors is None:
        raise NotSeparable(f"the characteristic da/dr = {slope} does not separate")
    left = _antiderivative(1 / factors[a], a)
    right = _antiderivative(factors["coeff"] * factors[r[()]], r[()])
    constant = sp.expand(left - right)
    solved = _inverse(left, c + right, a)

    local = sp.expand(sp.expand_power_base(sp.diff(left, a) * beta), power_exp=True).xreplace({a: solved})
    parts = sp.separatevars(sp.expand(sp.expand_power_base(local)), symbols=(c, r[()]), dict=True)
    if parts is None:
        raise NotSeparable(f"the factor {local} of {cotangent_name(setting)} does not separate into the constant of integration and the radius")
    found = []
    for phi, condition in _integrated(sp.powsimp(1 / parts[c]), c):
        scale = sp.cancel(sp.powsimp(sp.diff(phi, c) * parts[c], combine="exp"))
        rate = sp.powsimp(sp.factor_terms(scale * parts["coeff"] * parts[r[()]]), combine="exp")
        case = {condition.lhs: condition.rhs} if isinstance(condition, sp.Eq) else {}
        dual = DualCoordinate(r, u, a, _shape(phi, c, constant), sp.powsimp(rate.subs(case)), condition, Derivation("", ()))
        found.append(replace(dual, derivation=_derivation(setting, dual, slope, constant, i, case)))
    return tuple(found)


def _coefficients(setting: Setting, r: Variable, u: Variable, i: sp.Symbol, a: sp.Symbol) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """alpha, beta and gamma."""
    assert setting.flow is not None
    radial = sp.expand(setting.flow.velocities[r.name].value)
    tangential = sp.expand(setting.flow.velocities[u.name].value)
    sums = [node for node in sp.Add.make_args(radial) for node in node.atoms(sp.Sum)]
    if len(set(sums)) != 1:
        raise NotSeparable(f"the velocity of {r.name} should be a multiple of one sum, and is {radial}")
    coupling = sums[0]
    mark = sp.Symbol("S")
    local = setting[cotangent_name(setting)]
    radial = radial.xreplace({coupling: mark})
    pieces = {"G": sp.S.Zero, "S": sp.S.Zero}
    for term in sp.Add.make_args(tangential):
        key = _same_sum(term, coupling)
        if key is not None:
            pieces["S"] += key
        else:
            pieces["G"] += term / local[i]
    alpha = radial.coeff(mark, 1)
    beta, gamma = (piece.xreplace({u[i]: a}) for piece in (pieces["G"], pieces["S"]))
    for name, value in (("alpha", alpha), ("beta", beta), ("gamma", gamma)):
        if value.has(sp.Sum) or value.has(sp.Indexed):
            raise NotSeparable(f"{name} = {value} depends on more than the radius and its own coordinate")
    return alpha, beta, gamma


def _same_sum(term: sp.Expr, coupling: sp.Expr) -> sp.Expr | None:
    """What multiplies the sum in this term, whatever the name of its index; None when there is no sum."""
    found = [factor for factor in sp.Mul.make_args(term) if isinstance(factor, sp.Sum)]
    if not found:
        return None
    (bound,) = coupling.variables
    (own,) = found[0].variables
    if len(found) > 1 or found[0].function.xreplace({own: bound}) != coupling.function:
        raise NotSeparable(f"the coordinates are coupled through more than one sum: {found[0]}")
    return term / found[0]


def _antiderivative(integrand: sp.Expr, x: sp.Symbol) -> sp.Expr:
    """One in x, of a sum of powers and of polynomials times exponentials. Raises `NotSeparable` for others, which may take SymPy for ever."""
    terms = [sp.powsimp(term, combine="exp") for term in sp.Add.make_args(sp.expand(integrand))]
    for term in terms:
        if not _elementary(term.as_independent(x, as_Add=False)[1], x):
            raise NotSeparable(f"{term} is neither a power of {x} nor a polynomial times an exponential, and is not integrated")
    return sp.integrate(sp.Add(*terms), x)


def _elementary(term: sp.Expr, x: sp.Symbol) -> bool:
    """Whether it is 1, x^e, or x^n exp(k x) with a small natural number n."""
    factors = sp.Mul.make_args(term)
    exponentials = [factor for factor in factors if isinstance(factor, sp.exp)]
    base, exponent = sp.Mul(*(factor for factor in factors if factor not in exponentials)).as_base_exp()
    if any(sp.diff(factor.exp, x).has(x) for factor in exponentials):
        return False
    return base == 1 or (base == x and (exponent in (1, 2, 3, 4) if exponentials else not exponent.has(x)))


def _inverse(function: sp.Expr, value: sp.Expr, x: sp.Symbol) -> sp.Expr:
    """The positive x at which a multiple of a logarithm or of a power has this value."""
    factor, dependent = function.as_independent(x, as_Add=False)
    if dependent == sp.log(x):
        return sp.exp(value / factor)
    base, exponent = dependent.as_base_exp()
    if base != x or exponent.has(x):
        raise NotSeparable(f"{function} is neither a logarithm nor a power of {x}, and is not inverted")
    return (value / factor) ** (1 / exponent)


def _integrated(slope: sp.Expr, c: sp.Symbol) -> list[tuple[sp.Expr, sp.Basic]]:
    """Antiderivatives of the slope in c: every branch that the constants allow, without constant factors."""
    solution = _antiderivative(slope, c)
    branches = list(solution.args) if isinstance(solution, sp.Piecewise) else [(solution, sp.true)]
    known = [condition for _, condition in branches if condition != sp.true]
    found = []
    for value, condition in branches:
        if condition == sp.true and known:
            condition = sp.Not(sp.Or(*known))
        found.append((sp.powsimp(value / value.as_independent(c, as_Add=False)[0]), condition))
    return found


def _shape(phi: sp.Expr, c: sp.Symbol, constant: sp.Expr) -> sp.Expr:
    """phi at the constant of integration, with exp(m (log a + k)) shown as (a exp(k))^m."""
    exponent = sp.cancel(sp.powsimp(sp.expand(sp.diff(phi, c) / phi)))
    if exponent.has(c):
        return phi.xreplace({c: constant})
    bases = [term.args[0] if isinstance(term, sp.log) else sp.exp(term) for term in sp.Add.make_args(constant)]
    return sp.Mul(*bases) ** exponent


def cotangent_name(setting: Setting) -> str:
    """The name of the gradient of the loss in the setting."""
    return next(iter(setting.flow.held)) if setting.flow else "G"


def _derivation(setting: Setting, dual: DualCoordinate, slope: sp.Expr, constant: sp.Expr, i: sp.Symbol, case: dict[sp.Expr, sp.Expr]) -> Derivation:
    assert setting.flow is not None
    ((_, length),) = setting.flow.velocities[dual.direction.name].indices
    setting = specialised(setting, case)
    cotangent = setting[cotangent_name(setting)][i]
    r, a = dual.radius[()], dual.a
    f = sp.Function("f")(a, r)
    placeholder = Variable("a", (), "constant", "positive")
    scalars = tuple(v for v in setting.variables if not v.shape and v.name != dual.radius.name and v.role == "constant")
    plane = Setting((placeholder, Variable(dual.radius.name, (), "constant", "positive"), *scalars))
    transported = sp.diff(dual.value, a) * slope + sp.diff(dual.value, r)
    steps = (
        Step("f is to forget the sum S that couples the coordinates", sp.Derivative(f, r) + slope * sp.Derivative(f, a), sp.S.Zero),
        Step("the characteristics", sp.Derivative(a, r), slope),
        Step("their constant of integration", sp.Symbol("c"), constant),
        Step(
            "the function of c whose rate is the same for every coordinate",
            f,
            dual.value,
            Part(plane, Equal(transported, sp.S.Zero), "f is constant along the characteristics"),
        ),
        Step(
            "d/dt of the dual coordinate",
            dot(dual.at(i)),
            dual.rate * cotangent,
            Part(setting, Evolves(dual.at(i), dual.rate * cotangent, ((i, length),)), "rate of the dual coordinate"),
        ),
    )
    return Derivation("dual coordinates" + _case(dual.condition), steps)


def _case(condition: sp.Basic) -> str:
    if condition == sp.true:
        return ""
    sign = "=" if isinstance(condition, sp.Eq) else "!="
    return f" for {condition.lhs} {sign} {condition.rhs}" if isinstance(condition, sp.Eq | sp.Ne) else f" for {condition}"


def specialised(setting: Setting, case: dict[sp.Expr, sp.Expr]) -> Setting:
    """The setting with some of its constants given values."""
    flow = setting.flow
    if flow is None or not case:
        return setting

    def put(family: Family) -> Family:
        return Family(family.indices, family.value.subs(case))

    return Setting(
        setting.variables,
        tuple(Definition(d.name, put(d.family)) for d in setting.definitions),
        tuple(put(h) for h in setting.hypotheses),
        replace(
            flow,
            pairing=flow.pairing.subs(case),
            rates={name: put(rate) for name, rate in flow.rates.items()},
            drift={name: put(drift) for name, drift in flow.drift.items()},
        ),
        setting.instances,
    )
