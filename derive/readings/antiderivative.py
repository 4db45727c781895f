"""The search for a function with a given gradient, and the test whether there is one.

    D F [u] = (D F)^T u  for every u            =>  F = -grad V near every point (Poincare)

V of a sum of rooted trees is read off: one coefficient for all rootings of a free tree.  V of other terms is sought among the
scalars from which they can come: linear equations over the rational functions of the parameters.
"""

from __future__ import annotations

from dataclasses import dataclass

from derive.algebra.ansatz import solve_ansatz
from derive.algebra.calculus import Adjoint, Derivative, gradient, loss_term, same
from derive.algebra.coefficients import Ratio
from derive.algebra.rooted import free_tree, rooting_value
from derive.algebra.sums import Algebra, Sum, accumulate, nonzero
from derive.algebra.terms import Term, space_of
from derive.equation import TermSum
from derive.readings.identity import vanishes

ROUNDS, MOST_CANDIDATES = 3, 200  # of the search for a potential of a general field


@dataclass(frozen=True, eq=False)
class Place:
    """Where a field is asked for its potential: an algebra, the unknown in which it is a gradient, and the symbol of u,
    a vector of that unknown's space."""

    algebra: Algebra
    variable: str = "theta"
    letter: str = ""

    @property
    def direction(self) -> str:
        return self.letter or self.algebra.ring.fresh("u")

    def gradient(self, scalar: Sum) -> Sum:
        return gradient(self.algebra, scalar, self.variable)


def jacobian_asymmetry(algebra: Algebra, field: Sum, direction: str = "u", variable: str = "theta") -> Sum:
    """D F [u] - (D F)^T u for a symbolic vector u; empty exactly when F is a gradient (on a simply connected domain).

    `direction` is the symbol of u, which the field must not contain; D is the derivative with respect to the variable.
    """
    u = algebra.state(direction)
    forward = Derivative(algebra, {variable: u})(field)
    transposed = Adjoint(algebra, variable)(field, u)
    difference = algebra.add(forward, {t: -c for t, c in transposed.items()})
    return {} if vanishes(algebra, difference) else {t: c.reduced() for t, c in difference.items() if c}


def tree_potential(place: Place, field: Sum) -> tuple[Sum, Sum, tuple[tuple[TermSum, TermSum], ...]]:
    """(V, field + grad V, the free trees on which c differs).

    Where c differs, the value that leaves the fewest terms is taken for V; among equals zero, then that of the first rooting.
    """
    algebra = place.algebra
    values: dict[Term, dict[Term, Ratio]] = {}
    scalars: dict[Term, Sum] = {}
    for t in field:
        free = free_tree(algebra, t)
        key = next(iter(free))
        if key not in values:
            scalars[key] = free
            values[key] = dict.fromkeys(place.gradient(free), algebra.ring.zero)
    for t, c in field.items():
        values[next(iter(free_tree(algebra, t)))][t] = c
    potential: Sum = {}
    differing = []
    for key, free in scalars.items():
        weights = place.gradient(free)
        b = {r: (values[key][r] * rooting_value(algebra, r)).reduced() for r in sorted(weights, key=lambda r: r.key)}
        chosen = max(b.values(), key=lambda x: (sum(y == x for y in b.values()), not x))
        if any(x != chosen for x in b.values()):
            differing.append((TermSum(algebra, {key: algebra.ring.one}), TermSum(algebra, b)))
        first = next(iter(weights))
        # coefficient of `first` in grad(free) is weights[first]; wanted: -chosen / sigma(first)
        scale = -(chosen / (rooting_value(algebra, first) * weights[first]))
        accumulate(potential, algebra.scale(free, scale.reduced()))
    remainder = algebra.add(field, place.gradient(potential))
    return potential, {t: c.reduced() for t, c in remainder.items() if c}, tuple(differing)


def _candidates(place: Place, field: Sum) -> list[Term]:
    """Scalars whose gradient may contain the terms of the field: each term with its root leg joined to an argument."""
    found: dict[Term, None] = {}
    algebra, theta = place.algebra, place.algebra.state(place.variable)

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
                offer(algebra.product(rest, loss_term(algebra, f.label)) if all(r.scalar for r in rest) else {})
            function = algebra.functions[f.label]
            for i, child in enumerate(f.children):
                label = function.at(function.slot(space_of(child)))
                others: list[Sum] = [{c: algebra.ring.one} for c in (*f.children[:i], *f.children[i + 1 :])]
                scalar = algebra.contract(algebra.product({child: algebra.ring.one}, algebra.node_of_sums(label, others)))
                offer(algebra.product(rest, scalar) if all(r.scalar for r in rest) else scalar)
    return [t for t in found if t.factors]


def general_potential(place: Place, field: Sum) -> Sum | None:
    """V with field = -grad V among the candidates, and those whose gradients may cancel what theirs have too much; or None."""
    if not field:
        return {}
    algebra, target = place.algebra, {t: -c for t, c in field.items()}
    images: dict[Term, Sum] = {}
    reached = field
    for _ in range(ROUNDS):
        fresh = [t for t in _candidates(place, reached) if t not in images]
        images |= {t: place.gradient({t: algebra.ring.one}) for t in fresh}
        solution = solve_ansatz(algebra, list(images.values()), target)
        if solution is not None:
            potential = nonzero({t: x for t, x in zip(images, solution, strict=True) if x})
            assert same(algebra, place.gradient(potential), target)
            return potential
        reached = {t: algebra.ring.one for s in fresh for t in images[s]}
        if not fresh or len(images) > MOST_CANDIDATES:
            break
    return None


def gradient_part(place: Place, field: Sum) -> Sum:
    """W such that field + grad W has few terms: the terms of the field are matched one after the other, as far as that is
    possible together and without bringing in new terms."""
    algebra, terms = place.algebra, _candidates(place, field)
    images = [algebra.partial_fractions(place.gradient({t: algebra.ring.one})) for t in terms]
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
