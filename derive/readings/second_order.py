"""Second-order form: the velocity eliminated from a system for (theta, eta).

    theta' = F(theta, eta),  eta' = G(theta, eta),   p = theta':
    eta = E(theta, p)  inverts  p = F(theta, eta)  as a power series in gamma,
    theta'' = D_theta F [p] + D_eta F [G] + dF/dt   at eta = E(theta, p)  =  S_0 + gamma S_1 + gamma^2 S_2 + ...

The result does not depend on which velocity variable the scheme carries: it is a statement about theta(t) alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from derive.algebra.calculus import Derivative, mentions
from derive.algebra.coefficients import Ratio
from derive.algebra.sums import Sum, accumulate, reduced
from derive.concrete.parametric import evaluated
from derive.engine.composition import Given, Workspace, composed
from derive.equation import ModifiedEquation, TermSum, modified_equation
from derive.errors import DeriveError, ReductionError
from derive.language import derivative_symbol
from derive.readings.conclusion import EXISTS, Conclusion
from derive.result import Described, blocks
from derive.scheme import Scheme, load_scheme
from derive.scheme.schedule import Schedule

P = "p"  # theta', where no name of the scheme is in the way


@dataclass(frozen=True, repr=False)
class SecondOrder(Described):
    """theta'' = sum_k gamma^k terms[k], in theta and p = theta'; `velocity[k]` is eta = sum_k gamma^k velocity[k].

    `variable` is the scheme's own velocity variable, eta; `derivative` the symbol that stands for theta', p.
    """

    equation: ModifiedEquation
    variable: str
    terms: tuple[TermSum, ...]
    velocity: tuple[TermSum, ...]
    derivative: str

    def evaluate(self, loss: str, at: str | Mapping[str, object], digits: int = 50) -> list[list[str]]:
        """values[k][i]: component i of the coefficient of gamma^k at a point; theta' is given as p_x, p_y, ... (or eta_x, ...).

        Raises UsageError, ParseError, SingularPointError as ModifiedEquation.evaluate.
        """
        point = velocity_point(at, self.variable, self.derivative)
        return evaluated(self.equation, self.terms, loss, point, digits, states=[self.derivative])

    def describe(self) -> str:
        return f"{self.equation.name}, through gamma^{len(self.terms) - 1}"

    def to_json(self) -> dict[str, Any]:
        """`equation` (list by power, p is theta'), `velocity` (the scheme's velocity variable in terms of p), `conclusion`."""
        return {
            "equation": blocks(self.terms), "velocity": {self.variable: blocks(self.velocity)},
            **said(self.derivative), **self.conclusion.to_json(),
        }  # fmt: skip

    @property
    def conclusion(self) -> Conclusion:
        """The elimination is an identity: there is the equation that it gives."""
        return Conclusion(EXISTS, "an equation of second order for theta alone", because="the velocity put back gives theta'")


def said(derivative: str) -> dict[str, str]:
    """JSON: which symbol stands for theta', where it is not p."""
    return {} if derivative == P else {"derivative": derivative}


def velocity_point(at: str | Mapping[str, object], variable: str, derivative: str) -> dict[str, object]:
    """A point with theta' named p_x: eta_x is accepted for it."""
    items = at.items() if isinstance(at, Mapping) else [p.partition("=")[::2] for p in at.split(",") if p.strip()]
    result: dict[str, object] = {}
    for name, value in items:
        name = str(name).strip()
        if name.startswith(variable + "_"):
            name = derivative + name[len(variable) :]
        result[name] = value
    return result


def second_order(
    scheme: str | Path | Scheme,
    order: int = 1,
    *,
    regime: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> SecondOrder:
    """The second-order form of a scheme in a regime with a velocity, through gamma^order.

    Raises ReductionError where the regime has no velocity, more than one, or one that does not determine theta' linearly.
    Source: the high-resolution equations of Shi, Du, Jordan & Su (Math. Prog. 2022) are its first-order truncations.

    >>> s = second_order("momentum", 1, regime="inertial")
    >>> [str(t) for t in s.terms]
    ['-lam*p - grad', '-lam**2/2*p - lam/2*grad']
    """
    return second_order_form(modified_equation(scheme, order, regime=regime, settings=settings))


def second_order_form(equation: ModifiedEquation, derivative: str | None = None) -> SecondOrder:
    """Eliminate the velocity from a derived equation (form 'flow'); `derivative` names theta', p where the scheme has none."""
    equation.scheme.require_plain("second-order")
    variable = velocity_variable(equation)
    derivative = derivative or equation.configuration.fresh(P)
    algebra, order = equation.algebra, equation.order
    first = [s.sum for s in equation.equations["theta"]]
    second = [s.sum for s in equation.equations[variable]]
    velocity = _inverse(equation, variable, first, algebra.state(derivative))
    workspace = Workspace(algebra)
    states = {variable: Given(workspace, velocity)}
    p = algebra.state(derivative)
    rate = time_rate(equation)
    result: list[Sum] = [{} for _ in range(order + 1)]
    drift = Derivative(algebra, {"theta": p}, rate)
    forces = [Derivative(algebra, {variable: g}) for g in second]
    for i, f in enumerate(first):
        for j in range(order + 1 - i):
            image = algebra.add(drift(f) if j == 0 else {}, forces[j](f))
            series = composed(workspace, image, states)
            for k in range(i + j, order + 1):
                accumulate(result[k], series.at(k - i - j))
    return SecondOrder(
        equation, variable,
        tuple(TermSum(algebra, reduced(s)) for s in result), tuple(TermSum(algebra, reduced(s)) for s in velocity),
        derivative,
    )  # fmt: skip


def regime_with_velocity(scheme: str | Path | Scheme) -> str | None:
    """The first regime in which theta is not the only slow variable.

    >>> regime_with_velocity("momentum"), regime_with_velocity("gd")
    ('inertial', None)
    """
    chosen = load_scheme(scheme)
    return next((r for r in chosen.regimes if _slow_variables(chosen, r) > 1), None)


def _slow_variables(scheme: Scheme, regime: str) -> int:
    try:
        return len(modified_equation(scheme, 0, regime=regime).equations)
    except DeriveError:
        return 0


def velocity_variable(equation: ModifiedEquation) -> str:
    """The one vector variable besides theta; ReductionError where there is none or more."""
    others = [v for v in equation.equations if v != "theta"]
    where = equation.scheme.where
    if not others:
        regimes = [r for r in equation.scheme.regimes if r != equation.configuration.regime]
        hint = f"; take another --regime ({', '.join(regimes)})" if regimes else ""
        raise ReductionError(f"{where}: theta alone is slow here, so there is no velocity to eliminate{hint}")
    if len(others) > 1 or equation.scheme_kind(others[0]) == "scalar":
        raise ReductionError(f"{where}: exactly one velocity is needed; the slow variables are theta, {', '.join(others)}")
    return others[0]


def _inverse(equation: ModifiedEquation, variable: str, first: list[Sum], p: Sum) -> list[Sum]:
    """E with F(theta, E(theta, p)) = p:  E_0 = (p - h)/a where F_0 = a eta + h(theta), and
    a E_k = -[sum_(j>=1) gamma^j F_j(theta, E)]_k, which needs E through k - 1 only."""
    algebra = equation.algebra
    eta = next(iter(algebra.state(variable)))
    a = first[0].get(eta)
    rest = {t: c for t, c in first[0].items() if t is not eta}
    if not a or any(mentions(t, frozenset((variable,))) for t in rest):
        raise ReductionError(
            f"{equation.scheme.where}: theta' = {TermSum(algebra, first[0])} at gamma^0 is not a constant times {variable} plus "
            f"a function of theta, so {variable} cannot be eliminated by the expansion used here (none found; none is ruled out)"
        )
    inverse = a.inverse()
    result = [algebra.scale(algebra.add(p, {t: -c for t, c in rest.items()}), inverse)]
    for k in range(1, len(first)):
        workspace = Workspace(algebra)
        states = {variable: Given(workspace, result)}
        total: Sum = {}
        for j in range(1, k + 1):
            accumulate(total, composed(workspace, first[j], states).at(k - j))
        result.append(reduced(algebra.scale(total, -inverse)))
    return result


def time_rate(equation: ModifiedEquation) -> Callable[[Ratio], Ratio] | None:
    """d/dt of a coefficient: through t itself, and r -> r' -> r'' for time functions; None for autonomous equations."""
    ring, functions = equation.algebra.ring, equation.configuration.functions
    if "t" not in ring.symbols:
        return None

    def rate(c: Ratio) -> Ratio:
        used = c.symbols()
        total = c.derivative("t") if "t" in used else ring.zero
        for name, setting in functions.items():
            straight = isinstance(setting, Schedule) and setting.straight
            for k in range(2 if straight else equation.order + 2):
                symbol, following = derivative_symbol(name, k), derivative_symbol(name, k + 1)
                if symbol in used and not (straight and k == 1):
                    if following not in ring.symbols:
                        raise ReductionError(f"{equation.scheme.where}: {following} is beyond the order derived")
                    total = total + c.derivative(symbol) * ring.symbol(following)
        return total

    return rate
