"""Potentials: whether a field is a gradient, of what, and what stands in the way.

    F(theta) = -grad V(theta)

A sum of rooted trees is a gradient for every L exactly when c(tau) = coefficient * sigma(tau) takes one value on all
rootings tau of the same free tree, because  grad <free tree> = sum over rootings (sigma_free / sigma(tau)) F(tau).  A
general field is a gradient exactly when its Jacobian is symmetric, D F [u] = (D F)^T u for every u: symmetry is proved by
cancellation of terms, asymmetry by a loss and a point where it shows, in exact numbers (for that loss there is no potential at
all, of whatever form); the potential is then sought among the scalars from which its terms can come, and differentiated back.
That none is found there says nothing; nor does an asymmetry that neither cancels nor shows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from derive.algebra.ansatz import solve_ansatz
from derive.algebra.calculus import Adjoint, Derivative, gradient, loss_term, same
from derive.algebra.coefficients import Ratio
from derive.algebra.fold import terms_within
from derive.algebra.rooted import free_tree, rooting_value
from derive.algebra.sums import Algebra, Sum, accumulate, nonzero
from derive.algebra.terms import Term, term_text
from derive.equation import ModifiedEquation, TermSum
from derive.readings.conclusion import EXISTS, NONE_EXISTS, NONE_FOUND, UNDECIDED, Conclusion, where_nonzero, witness_of
from derive.readings.identity import vanishes
from derive.readings.witness import Witness
from derive.result import Described, blocks

ROUNDS, MOST_CANDIDATES = 3, 200  # of the search for a potential of a general field
Rootings = tuple[tuple[Term, tuple[tuple[Term, Ratio], ...]], ...]  # free tree -> (rooting, its c)


@dataclass(frozen=True, repr=False)
class Obstruction(Described):
    """Why the field at gamma^power is no gradient.

    `trees` pairs each free tree on which c differs with the sum of c(tau) tau over its rootings, c = coefficient * sigma
    (with the sign of the terms as printed, in derivatives of L: (-1)^nodes times b of `derive trees`; some may be zero); empty
    for general terms, where `asymmetry` is D F [u] - (D F)^T u.  `gradient_part` is a scalar whose negative gradient is the
    part of the field that still is a gradient, `remainder` the rest.  `direction` is the symbol of u.  `witness` is a loss and
    a point where the asymmetry is not zero, `for_parameters` says for which parameters it is not identically zero.
    """

    power: int
    trees: tuple[tuple[TermSum, TermSum], ...]
    asymmetry: TermSum
    gradient_part: TermSum
    remainder: TermSum
    direction: str = "u"
    witness: Witness | None = None
    for_parameters: str = ""

    @property
    def decided(self) -> bool:
        """Whether it is proved that the field is no gradient; else its terms are not seen to cancel, nor a value not to."""
        return bool(self.trees) or self.witness is not None

    @property
    def rootings(self) -> Rootings:
        """(free tree, ((rooting, its c), ...)) for each free tree on which c differs."""
        return tuple((next(iter(free.sum)), tuple((t, b) for b, t in values)) for free, values in self.trees)

    def describe(self) -> str:
        if not self.decided:
            return f"at gamma^{self.power}: not decided whether the Jacobian is symmetric"
        return f"at gamma^{self.power}: " + ("c differs between rootings" if self.trees else "the Jacobian is not symmetric")

    def to_json(self) -> dict[str, Any]:
        return {
            "power": self.power,
            "rootings": [
                {"free_tree": term_text(tree), "values": [{"term": term_text(t), "value": str(b)} for t, b in values]}
                for tree, values in self.rootings
            ],
            "asymmetry": self.asymmetry.to_json(),
            "gradient_part": self.gradient_part.to_json(),
            "remainder": self.remainder.to_json(),
            "decided": self.decided,
            "witness": self.witness.to_json() if self.witness else None,
        }


@dataclass(frozen=True, repr=False)
class ModifiedLoss(Described):
    """The potential V of a field, field = -P grad V with P = 1, or the scheme's own elementwise factor.

    `potential[k]` is V_k, for k up to `exists_through` (-1: not even the limit field is a gradient).  At the powers `unwritten`
    the field is a gradient, but V_k was not found as a sum of terms (it may contain a logarithm, say) and is left empty here,
    null in JSON.  `obstruction` is None where every power asked for has a potential; it need not be `decided`.  `preconditioned`
    is the same reading with P (componentwise schemes), in which the field is `divided` by P.
    """

    equation: ModifiedEquation
    exists_through: int
    potential: tuple[TermSum, ...]
    obstruction: Obstruction | None
    unwritten: tuple[int, ...] = ()
    preconditioner: TermSum | None = None
    preconditioned: ModifiedLoss | None = None
    limits: tuple[tuple[str, ModifiedLoss], ...] = ()
    divided: bool = False

    @property
    def descent(self) -> str:
        """The equation that a potential solves, as it is typed.

        >>> from derive.equation import modified_equation
        >>> replace(read_fields(modified_equation("gd", 0, form="map"), []), divided=True).descent
        'theta+ = theta - gamma P grad V'
        """
        left = "theta' = -" if self.equation.form == "flow" else "theta+ = theta - gamma "
        return f"{left}{'P ' if self.divided else ''}grad V"

    @property
    def factor(self) -> str:
        """What P is: 'scalar' where it has no components, such as 1/|grad L|, else 'elementwise'."""
        return "scalar" if self.preconditioner is not None and all(t.scalar for t in self.preconditioner.sum) else "elementwise"

    @property
    def divides_by(self) -> tuple[Term, ...]:
        """Vectors by whose sizes the potential divides: where a component of one vanishes V is not continuous.

        >>> from derive.readings.loss import modified_loss
        >>> modified_loss("sign-descent", 0).divides_by, modified_loss("gd", 0).divides_by
        ((grad,), ())
        """
        terms = (u for s in self.potential for t in s.sum for u in terms_within(t))
        sizes = (f for u in terms for f, e in u.factors if f.kind == "abs" and e < 0)
        return tuple(dict.fromkeys(child for f in sizes for child in f.children))

    def describe(self) -> str:
        return f"{self.equation.name}, {self.equation.form}: a potential through gamma^{self.exists_through}"

    @property
    def conclusion(self) -> Conclusion:
        """Whether the field is -grad V for every loss at all powers asked for, with a V that is written down."""
        o = self.obstruction
        if o is None:
            about = f"a potential through gamma^{self.exists_through}"
            if not self.unwritten:
                where = "".join(f", where no component of {term_text(t)} vanishes" for t in self.divides_by)
                return Conclusion(EXISTS, about, because=f"its gradient gives the field back{where}")
            said = "the Jacobian is symmetric, so near every point where the field is smooth it is a gradient"
            return Conclusion(NONE_FOUND, about, searched="sums of scalars whose gradients have terms of the field", because=said)
        about = f"a potential at gamma^{o.power}"
        if not o.decided:
            return Conclusion(UNDECIDED, about, because="the terms of DF - DF^T do not cancel, and no point tried shows a value")
        of = " of F, the field divided by P," if self.divided else ""
        reason = f"c{of} differs between the rootings of one free tree" if o.trees else f"the Jacobian{of} is not symmetric"
        return Conclusion(
            NONE_EXISTS, about, f"functions V of theta with {self.descent} for every loss", because=reason, witness=o.witness,
            for_parameters=o.for_parameters, quantity=f"DF[{o.direction}] - DF^T {o.direction}",
        )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """`exists_through`, `potential` (list by power), `obstruction`, and the conclusion's keys."""
        data: dict[str, Any] = {
            "exists_through": self.exists_through,
            "potential": [b | {"terms": None} if b["power"] in self.unwritten else b for b in blocks(self.potential)],
            "obstruction": self.obstruction.to_json() if self.obstruction else None,
            **self.conclusion.to_json(),
        }
        if self.preconditioner is not None:
            data["preconditioner"] = self.preconditioner.to_json()
        if self.preconditioned is not None:
            data["preconditioned"] = self.preconditioned.to_json()
        if self.limits:
            data["limits"] = {name: v.to_json() for name, v in self.limits}
        return data


def read_fields(equation: ModifiedEquation, fields: list[Sum]) -> ModifiedLoss:
    """The potential of a list of fields f_0, f_1, ... of the equation's algebra, as far as it exists."""
    algebra = equation.algebra
    potentials: list[TermSum] = []
    unwritten: list[int] = []
    for k, field in enumerate(fields):
        value, obstruction = potential_of(algebra, field, k, equation)
        if obstruction is not None:
            return ModifiedLoss(equation, k - 1, tuple(potentials), obstruction, tuple(unwritten))
        if value is None:
            unwritten.append(k)
        potentials.append(TermSum(algebra, value or {}))
    return ModifiedLoss(equation, len(fields) - 1, tuple(potentials), None, tuple(unwritten))


# ---------------------------------------------------------------------------------------------- one field


def potential_of(
    algebra: Algebra, field: Sum, power: int = 0, *equations: ModifiedEquation
) -> tuple[Sum | None, Obstruction | None]:
    """(V, None) with field = -grad V; (None, obstruction); (None, None) where V exists and was not found as a sum of terms.

    `equations` give the ranges of the parameters.
    """
    if all(t.is_tree for t in field):
        value, remainder, trees = _tree_potential(algebra, field)
        if not remainder:
            return value, None
        empty = TermSum(algebra, {})
        found = Obstruction(power, trees, empty, TermSum(algebra, value), TermSum(algebra, remainder))
        return None, _witnessed(found, jacobian_asymmetry(algebra, field), equations)
    direction = algebra.ring.fresh("u")
    asymmetry = jacobian_asymmetry(algebra, field, direction)
    if not asymmetry:
        return _general_potential(algebra, field), None
    part = _gradient_part(algebra, field)
    remainder = nonzero(algebra.add(field, gradient(algebra, part)))
    shown = TermSum(algebra, asymmetry)
    found = Obstruction(power, (), shown, TermSum(algebra, part), TermSum(algebra, remainder), direction)
    return None, _witnessed(found, asymmetry, equations)


def _witnessed(found: Obstruction, asymmetry: Sum, equations: tuple[ModifiedEquation, ...]) -> Obstruction:
    total = TermSum(found.remainder.algebra, asymmetry)
    witness = witness_of(total, *equations)
    return replace(found, witness=witness, for_parameters=where_nonzero(total, *equations))


def jacobian_asymmetry(algebra: Algebra, field: Sum, direction: str = "u") -> Sum:
    """D F [u] - (D F)^T u for a symbolic vector u; empty exactly when F is a gradient (on a simply connected domain).

    `direction` is the symbol of u, which the field must not contain.
    """
    u = algebra.state(direction)
    forward = Derivative(algebra, {"theta": u})(field)
    transposed = Adjoint(algebra)(field, u)
    difference = algebra.add(forward, {t: -c for t, c in transposed.items()})
    return {} if vanishes(algebra, difference) else {t: c.reduced() for t, c in difference.items() if c}


def _tree_potential(algebra: Algebra, field: Sum) -> tuple[Sum, Sum, tuple[tuple[TermSum, TermSum], ...]]:
    """(V, field + grad V, the free trees on which c differs).

    Where c differs, the value that leaves the fewest terms is taken for V; among equals that of the first rooting.
    """
    values: dict[Term, dict[Term, Ratio]] = {}
    scalars: dict[Term, Sum] = {}
    for t in field:
        free = free_tree(algebra, t)
        key = next(iter(free))
        if key not in values:
            scalars[key] = free
            values[key] = dict.fromkeys(gradient(algebra, free), algebra.ring.zero)
    for t, c in field.items():
        values[next(iter(free_tree(algebra, t)))][t] = c
    potential: Sum = {}
    differing = []
    for key, free in scalars.items():
        weights = gradient(algebra, free)
        b = {r: (values[key][r] * rooting_value(algebra, r)).reduced() for r in sorted(weights, key=lambda r: r.key)}
        chosen = max(b.values(), key=lambda x: sum(y == x for y in b.values()))
        if any(x != chosen for x in b.values()):
            differing.append((TermSum(algebra, {key: algebra.ring.one}), TermSum(algebra, b)))
        first = next(iter(weights))
        # coefficient of `first` in grad(free) is weights[first]; wanted: -chosen / sigma(first)
        scale = -(chosen / (rooting_value(algebra, first) * weights[first]))
        accumulate(potential, algebra.scale(free, scale.reduced()))
    remainder = algebra.add(field, gradient(algebra, potential))
    return potential, {t: c.reduced() for t, c in remainder.items() if c}, tuple(differing)


def _candidates(algebra: Algebra, field: Sum) -> list[Term]:
    """Scalars whose gradient may contain the terms of the field: each term with its root leg joined to an argument."""
    found: dict[Term, None] = {}
    theta = algebra.state("theta")

    def offer(scalar: Sum) -> None:
        for t in scalar:
            found.setdefault(t)

    for t in field:
        whole = {t: algebra.ring.one}
        offer(algebra.contract(algebra.product(theta, whole)))
        for f, e in t.factors:
            if f.kind != "node" or e != 1:
                continue
            rest = algebra.normal({g: x for g, x in t.factors if g is not f})
            if not f.children:
                offer(algebra.product(rest, loss_term(algebra)) if all(r.scalar for r in rest) else {})
            for i, child in enumerate(f.children):
                others: list[Sum] = [{c: algebra.ring.one} for c in (*f.children[:i], *f.children[i + 1 :])]
                scalar = algebra.contract(algebra.product({child: algebra.ring.one}, algebra.node_of_sums("L", others)))
                offer(algebra.product(rest, scalar) if all(r.scalar for r in rest) else scalar)
    return [t for t in found if t.factors]


def _general_potential(algebra: Algebra, field: Sum) -> Sum | None:
    """V with field = -grad V among the candidates, and those whose gradients may cancel what theirs have too much; or None."""
    if not field:
        return {}
    target = {t: -c for t, c in field.items()}
    images: dict[Term, Sum] = {}
    reached = field
    for _ in range(ROUNDS):
        fresh = [t for t in _candidates(algebra, reached) if t not in images]
        images |= {t: gradient(algebra, {t: algebra.ring.one}) for t in fresh}
        solution = solve_ansatz(algebra, list(images.values()), target)
        if solution is not None:
            potential = nonzero({t: x for t, x in zip(images, solution, strict=True) if x})
            assert same(algebra, gradient(algebra, potential), target)
            return potential
        reached = {t: algebra.ring.one for s in fresh for t in images[s]}
        if not fresh or len(images) > MOST_CANDIDATES:
            break
    return None


def _gradient_part(algebra: Algebra, field: Sum) -> Sum:
    """W such that field + grad W has few terms: the terms of the field are matched one after the other, as far as that is
    possible together and without bringing in new terms."""
    terms = _candidates(algebra, field)
    images = [algebra.partial_fractions(gradient(algebra, {t: algebra.ring.one})) for t in terms]
    target = algebra.partial_fractions({t: -c for t, c in field.items()})
    rows = {t for image in images for t in image} - set(target)  # no new terms
    solution = [algebra.ring.zero] * len(terms)
    for t in sorted(target, key=lambda t: t.key):
        kept = rows | {t}
        restricted = [{r: c for r, c in image.items() if r in kept} for image in images]
        found = solve_ansatz(algebra, restricted, {r: c for r, c in target.items() if r in kept})
        if found is not None:
            rows, solution = kept, found
    return nonzero({t: x for t, x in zip(terms, solution, strict=True) if x})
