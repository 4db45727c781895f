"""Modified energies: what the modified flow of a mechanical scheme conserves, and how fast friction takes it away.

    theta' = a eta + gamma F_1 + ...,  eta' = -c grad L - f eta + gamma G_1 + ...,    E = E_0 + gamma E_1 + gamma^2 E_2 + ...
    E_0 = (c/a) L + |eta|^2/2,    dE_0/dt = -f |eta|^2 + O(gamma)
    dE/dt = sum_k gamma^k sum_(i+j=k) (D_theta E_i [F_j] + D_eta E_i [G_j])

E_1, E_2, ... belong to the flow without friction (see `mechanical`).  First the Hamiltonian is tried, F = a grad_eta H and
G = -a grad_theta H: the part of H of degree d >= 1 in eta is <eta, F^(d-1)>/(a d), the rest is the potential of -G^(0)/a.  If
the map is not symplectic in these variables, E_1, ..., E_k are sought together among all scalars of weight up to k + 2 (eta
weighs 1, each derivative of L 2), where dE/dt = 0 is a linear system.  Either way dE/dt is then computed.

That no smooth E at all is conserved shows on L = x^2/2, where the flow without friction is z' = M(gamma) z with det M_0 > 0 (for
-x^2/2, if a c < 0).  Let gamma^k tau be the first trace of M that is not zero.  Along the flow, over times T/gamma^k, orbits move
from the ellipse of size r to that of size r exp(tau T/2), and E changes by O(gamma) if dE/dt = O(gamma^(k+1)): so E_0 is the
same on all ellipses, a constant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from derive.algebra.ansatz import examine_ansatz
from derive.algebra.calculus import Derivative, gradient, same
from derive.algebra.coefficients import Ratio
from derive.algebra.sums import Algebra, Sum, accumulate, reduced
from derive.algebra.terms import Term
from derive.concrete.parametric import evaluated
from derive.equation import ModifiedEquation, TermSum, modified_equation
from derive.errors import DeriveError, UsageError
from derive.readings.conclusion import EXISTS, NONE_EXISTS, NONE_FOUND, Conclusion, is_polynomial, unless
from derive.readings.mechanical import Mechanical, lifted, mechanical, substituted
from derive.readings.potential import potential_of
from derive.readings.rates import rest_rates
from derive.readings.second_order import second_order_form, time_rate
from derive.readings.weights import scalars_of_weight
from derive.readings.witness import Witness
from derive.result import Described, blocks
from derive.scheme import Scheme, load_scheme

Fields = list[tuple[Sum, Sum]]  # (F_k, G_k)


@dataclass(frozen=True, repr=False)
class ModifiedEnergy(Described):
    """E = sum_k gamma^k energy[k], conserved by the flow without friction; rate[k] is the coefficient of gamma^k in dE/dt.

    `conserved`: dE/dt vanishes identically through gamma^order for the flow as configured.  `undamped`: it does so for the flow
    without friction, damping -> 0 where there is a parameter that takes it away.  `hamiltonian`: that flow is theta' = a grad_eta
    E, eta' = -a grad_theta E.  `held`: the force would vanish with the damping as well and is held fixed.  The energy stops at
    the power before one where none is found; `conclusion` says whether none exists.
    """

    equation: ModifiedEquation
    variable: str
    energy: tuple[TermSum, ...]
    rate: tuple[TermSum, ...]
    conserved: bool
    undamped: bool
    hamiltonian: bool
    damping: str | None
    conclusion: Conclusion
    held: bool = False

    def evaluate(self, loss: str, at: str | Mapping[str, object], digits: int = 50) -> list[str]:
        """The value of every E_k at a point (eta_x=..., eta_y=... beside theta's components)."""
        values = evaluated(self.equation, self.energy, loss, at, digits, states=[self.variable], scalar=True)
        return [v[0] for v in values]

    def describe(self) -> str:
        kind = "conserved" if self.conserved else "not conserved"
        return f"{self.equation.name}, through gamma^{len(self.energy) - 1}, {kind}"

    def to_json(self) -> dict[str, Any]:
        """`energy` (list by power), `conserved`, `rate` (list by power), `undamped_conserved`, `hamiltonian`, `damping`, and the
        conclusion's keys."""
        return {
            "energy": blocks(self.energy),
            "conserved": self.conserved,
            "rate": blocks(self.rate),
            "undamped_conserved": self.undamped,
            "hamiltonian": self.hamiltonian,
            "damping": self.damping,
            **self.conclusion.to_json(),
        }


def mechanical_regime(scheme: str | Path | Scheme) -> str | None:
    """Of the regimes that rescale a variable, as v = gamma*eta, the one that follows its equation of second order most closely.

    That is the one whose theta'' = S_0 + gamma S_1 + ... is first corrected, S_k != 0, at the highest power; the first among
    equals, None where no regime rescales.

    >>> [mechanical_regime(s) for s in ("momentum", "nesterov", "gd")]
    ['leapfrog', 'inertial', None]
    """
    chosen = load_scheme(scheme)
    rescaling = [r.name for r in chosen.regimes.values() if set(r.substitutions) & set(chosen.states)]
    return max(rescaling, key=lambda r: _first_correction(chosen, r), default=None)


def _first_correction(scheme: Scheme, regime: str) -> int:
    """The first power of gamma in theta'' (2: beyond gamma^1), 0 where there is no equation of second order."""
    try:
        form = second_order_form(modified_equation(scheme, 1, regime=regime))
    except DeriveError:
        return 0
    return next((k for k, s in enumerate(form.terms) if k and s), len(form.terms))


def modified_energy(
    scheme: str | Path | Scheme,
    order: int = 2,
    *,
    regime: str | None = None,
    settings: Mapping[str, str] | None = None,
    damping: str | None = None,
) -> ModifiedEnergy:
    """The modified energy of a scheme with a velocity through gamma^order.

    damping   the parameter that takes friction away as it tends to zero; without it the one that the limit's friction vanishes
              with.  Where it is set to a number the energy is that of any value, with the number put in.
    Without a regime, that of `mechanical_regime` is taken.
    Raises ReductionError where there is no velocity or the limit is not mechanical; UsageError for an unknown damping parameter.
    Source: Hairer, Lubich & Wanner, Geometric Numerical Integration, IX.3 and IX.10.

    >>> e = modified_energy("momentum", 2, settings={"lam": "0"})
    >>> e.conserved, [str(s) for s in e.energy]
    (True, ['L + 1/2*dot(eta, eta)', '-1/2*dot(eta, grad)', '1/12*dot(grad, grad) + 1/12*dot(eta, hess(eta))'])
    """
    chosen = load_scheme(scheme)
    chosen.require_plain("energy")
    equation = modified_equation(chosen, order, regime=regime or mechanical_regime(chosen), settings=settings)
    return energy_of(equation, damping)


def energy_of(equation: ModifiedEquation, damping: str | None = None) -> ModifiedEnergy:
    """The modified energy of a derived system for (theta, eta)."""
    free = equation.configuration.free
    if damping is not None and damping not in (*free, *equation.configuration.settings):
        raise UsageError(f"--damping {damping}: no free parameter of this name (free here: {', '.join(free) or 'none'})")
    system = mechanical(equation, damping)
    if (general := lifted(system, damping)) is not None:
        return _specialised(_energy(general), equation, general.damping or "")
    return _energy(system)


def _specialised(e: ModifiedEnergy, equation: ModifiedEquation, name: str) -> ModifiedEnergy:
    """The reading with the number that the equation's setting gives a parameter."""
    energy, rate = (tuple(substituted(s, equation, name) for s in sums) for sums in (e.energy, e.rate))
    return replace(e, equation=equation, energy=energy, rate=rate, conserved=not any(rate))


def _energy(system: Mechanical) -> ModifiedEnergy:
    equation, algebra, variable = system.equation, system.algebra, system.variable
    full, order = system.fields, len(system.fields) - 1
    energy, hamiltonian, still = [system.energy], False, system.undamped
    if still is None:
        conclusion = _kept_friction(system)
    else:
        energy, hamiltonian = _hamiltonian(system, still)
        obstacle: tuple[Ratio, ...] = ()
        if not hamiltonian:
            energy, obstacle = _conserved(system, still)
        conclusion = _conclusion(system, still, len(energy), obstacle)
    rate = lie_derivative(algebra, variable, energy, full, equation)
    undamped = still is not None and not any(lie_derivative(algebra, variable, energy, still, equation))
    return ModifiedEnergy(
        equation, variable,
        tuple(TermSum(algebra, s) for s in energy), tuple(TermSum(algebra, reduced(s)) for s in rate),
        conserved=not any(rate), undamped=undamped and len(energy) > order, hamiltonian=hamiltonian, damping=system.damping,
        conclusion=conclusion, held=system.held,
    )  # fmt: skip


def lie_derivative(
    algebra: Algebra, variable: str, energy: list[Sum], fields: Fields, equation: ModifiedEquation | None = None
) -> list[Sum]:
    """dE/dt along the field, by power of gamma, through the field's order; empty sums where it vanishes identically.

    `equation` gives the rates of coefficients that depend on time.
    """
    result: list[Sum] = [{} for _ in fields]
    for j, (f, g) in enumerate(fields):
        along = Derivative(algebra, {"theta": f, variable: g}, time_rate(equation) if equation and not j else None)
        for i, e in enumerate(energy[: len(fields) - j]):
            accumulate(result[i + j], along(e))
    return [{} if algebra.is_zero(s) else s for s in result]


# ---------------------------------------------------------------------------------------------- what there is, and what not


def _about(order: int) -> str:
    return f"an energy E_0 + ... + gamma^{order} E_{order} that the flow without friction conserves"


def _kept_friction(system: Mechanical) -> Conclusion:
    said = f"the friction {system.friction} vanishes with no parameter" if system.damping is None else (
        f"the flow has no limit for {system.damping} -> 0, or keeps friction there")  # fmt: skip
    return Conclusion(NONE_FOUND, _about(len(system.fields) - 1), searched=f"E_0 alone: {said}, so there is no flow without it")


def _conclusion(system: Mechanical, fields: Fields, found: int, obstacle: tuple[Ratio, ...]) -> Conclusion:
    """About E_0 + ... + gamma^order E_order, of which `found` coefficients are found."""
    order, equations = len(fields) - 1, (system.equation,)
    if found > order:
        return Conclusion(EXISTS, _about(order), because="dE/dt = 0 term by term")
    traces = [rest_rates(system.algebra, system.variable, f, g) for f, g in fields]
    first = next((k for k, trace in enumerate(traces) if trace is None or trace), None)
    if first is not None and (trace := traces[first]) and system.force:
        reason = f"on L = x**2/2 that flow changes areas, at gamma^{first} by the witness, so its orbits cross all levels of E_0"
        witness = Witness("x**2/2", {"x": "0"}, {}, "x", str(trace))
        return Conclusion(NONE_EXISTS, _about(order), "smooth functions E of theta and the velocity, E_0 not constant",
                          because=reason, witness=witness, quantity="the divergence",
                          for_parameters=unless([trace * system.force * system.speed], *equations))  # fmt: skip
    count = len(_scalars(system, found))
    eta = system.variable
    span = f"sums of products <u, v> of trees of derivatives of L and {eta}, of weight up to k + 2 in E_k ({eta} "
    span += f"weighs 1, a derivative of L 2): {count} in E_{found}"
    if all(is_polynomial(t) for f, g in fields for t in (*f, *g)):
        reason = f"the linear equations for their coefficients through gamma^{found} have no solution"
        return Conclusion(NONE_EXISTS, _about(order), span, because=reason, for_parameters=unless(obstacle, *equations))
    return Conclusion(NONE_FOUND, _about(order), searched=span)


# ---------------------------------------------------------------------------------------------- the two searches


def _hamiltonian(system: Mechanical, fields: Fields) -> tuple[list[Sum], bool]:
    """(E, whether F = a grad_eta E and G = -a grad_theta E at every power)."""
    algebra, variable, a = system.algebra, system.variable, system.speed
    eta = algebra.state(variable)
    label = next(iter(eta)).factors[0][0]
    result: list[Sum] = []
    for f, g in fields:
        f, g = algebra.scale(f, a.inverse()), algebra.scale(g, a.inverse())
        energy: Sum = {}
        for t, c in f.items():
            part = algebra.contract(algebra.product(eta, {t: c}))
            accumulate(energy, algebra.scale(part, algebra.ring.constant(Fraction(1, 1 + _degree(t, label)))))
        rest = {t: c for t, c in g.items() if not _degree(t, label)}
        value, _ = potential_of(algebra, rest)
        accumulate(energy, value or {})
        minus = {t: -c for t, c in g.items()}
        if not (same(algebra, gradient(algebra, energy, variable), f) and same(algebra, gradient(algebra, energy), minus)):
            return result, False
        result.append(reduced(energy))
    return result, True


def _degree(term: Term, factor: object) -> int:
    """Degree in a state variable, for terms that are polynomial in it."""
    total = 0
    for f, e in term.factors:
        inner = int(f is factor) + sum(_degree(c, factor) for c in f.children)
        total += inner * (e if isinstance(e, int) else 0)
    return total


def _scalars(system: Mechanical, k: int) -> list[Term]:
    """What E_k is sought among."""
    return [t for w in range(2, k + 3) for t in scalars_of_weight(system.algebra, system.variable, w)]


def _conserved(system: Mechanical, fields: Fields) -> tuple[list[Sum], tuple[Ratio, ...]]:
    """E_0, E_1, ... with dE/dt = 0 as far as they exist among the scalars, and values that all vanish where the next one does."""
    algebra, one = system.algebra, system.algebra.ring.one
    energy = [system.energy]
    along = [Derivative(algebra, {"theta": f, system.variable: g}) for f, g in fields]
    for k in range(1, len(fields)):
        unknowns = [(j, t) for j in range(1, k + 1) for t in _scalars(system, j)]
        blocks = [
            ([along[m - j]({t: one}) if j <= m else {} for j, t in unknowns], {t: -c for t, c in along[m](energy[0]).items()})
            for m in range(1, k + 1)
        ]
        found = examine_ansatz(algebra, blocks)
        if found.values is None:
            pivots = one
            for p in found.pivots:
                pivots = pivots * p
            return energy, tuple(c * pivots for c in found.conditions)
        values = dict(zip(unknowns, found.values, strict=True))
        energy = [energy[0], *({t: x for (i, t), x in values.items() if i == j and x} for j in range(1, k + 1))]
    return energy, ()
