"""Modified energies: what the modified flow of a mechanical scheme conserves, and how fast friction takes it away.

    theta' = F(theta, eta; gamma),  eta' = G(theta, eta; gamma),    E = E_0 + gamma E_1 + gamma^2 E_2 + ...
    dE/dt = sum_k gamma^k sum_(i+j=k) (D_theta E_i [F_j] + D_eta E_i [G_j])

First the Hamiltonian is tried, F = grad_eta H, G = -grad_theta H: the part of H of degree d >= 1 in eta is <eta, F^(d-1)>/d,
the rest is the potential of -G^(0).  If the map is not symplectic in these variables, E_k is sought among all scalars of
weight up to k + 2 (eta weighs 1, each derivative of L 2), where dE/dt = 0 is a linear system.  Either way dE/dt is then computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from derive.algebra.ansatz import solve_ansatz
from derive.algebra.calculus import Derivative, gradient, loss_term, same
from derive.algebra.sums import Algebra, Sum, accumulate, reduced
from derive.algebra.terms import Term
from derive.concrete.values import evaluated
from derive.equation import ModifiedEquation, TermSum, modified_equation
from derive.errors import DeriveError, ReductionError, UsageError
from derive.readings.potential import potential_of
from derive.readings.second_order import second_order_form, velocity_variable
from derive.result import Described, blocks
from derive.scheme import Scheme, load_scheme


@dataclass(frozen=True, repr=False)
class ModifiedEnergy(Described):
    """E = sum_k gamma^k energy[k], conserved by the flow without damping; rate[k] is the coefficient of gamma^k in dE/dt.

    `conserved`: dE/dt vanishes identically through gamma^order for the flow as configured.  `undamped`: it does so at
    damping = 0.  `hamiltonian`: the flow without damping is theta' = grad_eta E, eta' = -grad_theta E.  The energy stops at
    the power before one where none exists.
    """

    equation: ModifiedEquation
    variable: str
    energy: tuple[TermSum, ...]
    rate: tuple[TermSum, ...]
    conserved: bool
    undamped: bool
    hamiltonian: bool
    damping: str | None

    def evaluate(self, loss: str, at: str | Mapping[str, object], digits: int = 50) -> list[str]:
        """The value of every E_k at a point (eta_x=..., eta_y=... beside theta's components)."""
        values = evaluated(self.equation, self.energy, loss, at, digits, states=[self.variable], scalar=True)
        return [v[0] for v in values]

    def describe(self) -> str:
        kind = "conserved" if self.conserved else "dissipated"
        return f"{self.equation.name}, through gamma^{len(self.energy) - 1}, {kind}"

    def to_json(self) -> dict[str, Any]:
        """`energy` (list by power), `conserved`, `rate` (list by power), `undamped_conserved`, `hamiltonian`, `damping`."""
        return {
            "energy": blocks(self.energy),
            "conserved": self.conserved,
            "rate": blocks(self.rate),
            "undamped_conserved": self.undamped,
            "hamiltonian": self.hamiltonian,
            "damping": self.damping,
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


def damping_of(equation: ModifiedEquation, variable: str) -> str | None:
    """The parameter without which the limit has no friction: with it vanishes the velocity's coefficient in its own equation.

    >>> damping_of(modified_equation("nesterov", 0, regime="strongly-convex"), "eta")
    'lam'
    """
    algebra = equation.algebra
    friction = equation.equations[variable][0].sum.get(next(iter(algebra.state(variable))), algebra.ring.zero)
    return next((n for n in equation.configuration.free if friction and friction.vanishes_with(n)), None)


def modified_energy(
    scheme: str | Path | Scheme,
    order: int = 2,
    *,
    regime: str | None = None,
    settings: Mapping[str, str] | None = None,
    damping: str | None = None,
) -> ModifiedEnergy:
    """The modified energy of a scheme with a velocity through gamma^order.

    damping   the parameter that is zero in the undamped scheme; without it the one that the limit's friction vanishes with
    Without a regime, that of `mechanical_regime` is taken.
    Raises ReductionError where there is no velocity or no energy at gamma^0; UsageError for an unknown damping parameter.
    Source: Hairer, Lubich & Wanner, Geometric Numerical Integration, IX.3 and IX.10.

    >>> e = modified_energy("momentum", 2, settings={"lam": "0"})
    >>> e.conserved, [str(s) for s in e.energy]
    (True, ['L + 1/2*dot(eta, eta)', '-1/2*dot(eta, grad)', '1/12*dot(grad, grad) + 1/12*dot(eta, hess(eta))'])
    """
    chosen = load_scheme(scheme)
    equation = modified_equation(chosen, order, regime=regime or mechanical_regime(chosen), settings=settings)
    return energy_of(equation, damping)


def energy_of(equation: ModifiedEquation, damping: str | None = None) -> ModifiedEnergy:
    """The modified energy of a derived system for (theta, eta)."""
    if equation.scheme.label != "L":
        raise ReductionError(f"{equation.scheme.where}: an energy needs a loss; this scheme is written for a vector field")
    free = equation.configuration.free
    if damping is not None and damping not in free:
        raise UsageError(f"--damping {damping}: no free parameter of this name (free here: {', '.join(free) or 'none'})")
    variable = velocity_variable(equation)
    damping = damping or damping_of(equation, variable)
    algebra = equation.algebra
    full = [(f.sum, g.sum) for f, g in zip(equation.equations["theta"], equation.equations[variable], strict=True)]
    undamped = [(_without(algebra, f, damping), _without(algebra, g, damping)) for f, g in full]
    energy, hamiltonian = _hamiltonian(algebra, variable, undamped)
    if not hamiltonian:
        energy = _conserved(equation, variable, undamped, energy)
    still = lie_derivative(algebra, variable, energy, undamped)
    rate = lie_derivative(algebra, variable, energy, full)
    return ModifiedEnergy(
        equation, variable,
        tuple(TermSum(algebra, s) for s in energy), tuple(TermSum(algebra, reduced(s)) for s in rate),
        conserved=not any(rate), undamped=not any(still), hamiltonian=hamiltonian, damping=damping,
    )  # fmt: skip


def _without(algebra: Algebra, field: Sum, damping: str | None) -> Sum:
    if damping is None:
        return field
    zero = {damping: algebra.ring.zero}
    return {t: x for t, c in field.items() if (x := c.substitute(zero, algebra.ring))}


def lie_derivative(algebra: Algebra, variable: str, energy: list[Sum], fields: list[tuple[Sum, Sum]]) -> list[Sum]:
    """dE/dt along the field, by power of gamma, through the field's order; empty sums where it vanishes identically."""
    result: list[Sum] = [{} for _ in fields]
    for j, (f, g) in enumerate(fields):
        along = Derivative(algebra, {"theta": f, variable: g})
        for i, e in enumerate(energy[: len(fields) - j]):
            accumulate(result[i + j], along(e))
    return [{} if algebra.is_zero(s) else s for s in result]


def _hamiltonian(algebra: Algebra, variable: str, fields: list[tuple[Sum, Sum]]) -> tuple[list[Sum], bool]:
    """(E, whether F = grad_eta E and G = -grad_theta E at every power)."""
    eta = algebra.state(variable)
    label = next(iter(eta)).factors[0][0]
    result: list[Sum] = []
    for f, g in fields:
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


def _conserved(equation: ModifiedEquation, variable: str, fields: list[tuple[Sum, Sum]], known: list[Sum]) -> list[Sum]:
    """E_k from  D E_k [F_0, G_0] = - sum_(i<k) D E_i [F_(k-i), G_(k-i)], as far as it is solvable."""
    algebra = equation.algebra
    if not known:
        raise ReductionError(
            f"{equation.scheme.where}: the limit equation theta' = {TermSum(algebra, fields[0][0])}, {variable}' = "
            f"{TermSum(algebra, fields[0][1])} is not mechanical (theta' = eta, eta' = -grad L), so it has no energy to modify"
        )
    energy = known[:1]
    first = Derivative(algebra, {"theta": fields[0][0], variable: fields[0][1]})
    for k in range(1, len(fields)):
        candidates = [t for w in range(2, k + 3) for t in scalars_of_weight(algebra, variable, w)]
        right: Sum = {}
        for i, e in enumerate(energy):
            f, g = fields[k - i]
            accumulate(right, Derivative(algebra, {"theta": f, variable: g})(e))
        images = [first({t: algebra.ring.one}) for t in candidates]
        solution = solve_ansatz(algebra, images, {t: -c for t, c in right.items()})
        if solution is None:
            break
        energy.append({t: x for t, x in zip(candidates, solution, strict=True) if x})
    return energy


def scalars_of_weight(algebra: Algebra, variable: str, weight: int) -> list[Term]:
    """All free trees of derivatives of L with leaves eta: eta weighs 1, a derivative of L 2 (and L itself 2).

    >>> from derive.algebra.coefficients import Ring
    >>> [str(t) for t in scalars_of_weight(Algebra(Ring()), "eta", 4)]
    ['dot(grad, grad)', 'dot(eta, hess(eta))']
    """
    trees = [vectors_of_weight(algebra, variable, w) for w in range(weight)]
    found: dict[Term, None] = dict.fromkeys(loss_term(algebra)) if weight == 2 else {}
    for w in range(1, weight // 2 + 1):
        for a in trees[w]:
            for b in trees[weight - w]:
                pair = algebra.product({a: algebra.ring.one}, {b: algebra.ring.one})
                found |= dict.fromkeys(algebra.contract(pair))
    return sorted(found, key=lambda t: t.key)


def vectors_of_weight(algebra: Algebra, variable: str, weight: int) -> list[Term]:
    """All rooted trees of derivatives of L with leaves eta (weight 1; a derivative of L weighs 2)."""
    trees: list[list[Term]] = [[], [next(iter(algebra.state(variable)))]]
    for w in range(2, weight + 1):
        trees.append([t for children in _multisets(trees, w - 2, w, 0) for t in algebra.node("L", children)])
    return trees[weight]


def _multisets(trees: list[list[Term]], total: int, size: int, index: int) -> list[tuple[Term, ...]]:
    """Multisets of trees of total weight, none before (size descending, index)."""
    if not total:
        return [()]
    result = []
    for w in range(min(total, size), 0, -1):
        start = index if w == size else 0
        if w >= len(trees):
            continue
        for i in range(start, len(trees[w])):
            result += [(trees[w][i], *rest) for rest in _multisets(trees, total - w, w, i)]
    return result
