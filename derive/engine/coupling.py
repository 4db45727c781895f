"""What is coupled at gamma = 0: components of state variables, their matrices, and which of them are slow."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeVar

from derive.algebra.affine import Linear, Resolvent
from derive.algebra.calculus import is_loss
from derive.algebra.coefficients import Ratio
from derive.algebra.fold import within
from derive.algebra.linear import characteristic_polynomial, null_vector
from derive.algebra.sums import Sum, accumulate, reduced
from derive.engine.roots import Vanishes
from derive.engine.series import Series, lattice
from derive.engine.translation import PLAIN, Translation, Variant
from derive.errors import GrowthError, IncrementError, LimitError, ReductionError
from derive.language import fresh_name, names_of
from derive.scheme import Configuration
from derive.scheme.names import ahead

MAX_COUPLED = 16
Result = TypeVar("Result")


@dataclass
class Component:
    """State variables coupled at gamma = 0: X+ = A X + ...; `slow` is the one that carries eigenvalue 1, if any.

    Memory whose step at gamma = 0 is not affine with constant factors has no matrix at first: its fixed point `leads` gives one,
    or the map `linear` where it depends on the point (see `fixed_point`).
    """

    names: tuple[str, ...]
    matrix: list[list[Ratio]]
    slow: str | None = None
    left: list[Ratio] = field(default_factory=list)  # l A = l
    right: list[Ratio] = field(default_factory=list)  # A r = r, l r = 1, r[slow] = 1
    leads: list[Sum] = field(default_factory=list)
    linear: Linear | None = None
    resolvent: Resolvent | None = None


class Coupling(Translation):
    """A configuration with its components, in an order in which they can be solved."""

    def __init__(self, configuration: Configuration, order: int, variant: Variant = PLAIN) -> None:
        super().__init__(configuration, order, variant)
        self.components = self._begun(self._explore)

    def _begun(self, work: Callable[[], Result]) -> Result:
        """The work, again whenever it finds that what stands under a root begins at a later power than it seemed to."""
        while True:
            try:
                return work()
            except Vanishes as found:
                inner = {root: v for root, v in self.begins.items() if root < found.root}  # built later may contain it
                self.begins = inner | {found.root: found.following}
                self.vanishing = str(found)
                self.use_ranges()  # sqrt(c^2 X) is |c| sqrt(X)

    def _explore(self) -> list[Component]:
        """Components in an order in which they can be solved.

        Every state variable is given the value of a symbol of its own; the updates at gamma^0 then show on which
        variables each depends, and through which constants.  Memory that is only multiplied by a factor there is zero on
        the slow manifold; what it multiplies then matters no more.
        """
        if self.root > 1:
            self._find_paces()
        leading = self._leading(())
        needs = {s: self._depends(value) for s, value in leading.items()}
        vanishing: dict[str, None] = {}
        while fresh := [] if self.variant.from_rest else self._vanishing(leading, vanishing):
            vanishing |= dict.fromkeys(fresh)
            now = self._leading(vanishing)
            leading |= {s: now[s] for s in self.states if s not in vanishing}
        if vanishing:  # x needs z at the same power where it changes with z, all others that vanish being zero
            needs = {s: self._depends(value) for s, value in leading.items()}
            for z in vanishing:
                for s, value in self._leading(vanishing.keys() - {z}).items():
                    needs[s] |= self._depends(value) & {z}
            self._leading(vanishing)
        for s, update in self.updates.items():
            self._check_divisible(s, update, leading[s])
            self._check_driven(s, leading[s])
        self.end_exploring()
        self._needs = needs
        return [self._component(names, leading, needs) for names in _strong_components(needs)]

    def _find_paces(self) -> None:
        """By which power of h, gamma = h^root, every state changes in a step; of those that are less than gamma, the last."""
        self.lag, self.paces = 0, {}
        self.explore(())
        found = {s: self._pace(s) for s in self.states}
        self.lag = max((e for e in found.values() if e < self.root), default=0)
        self.paces = {s: min(e, self.lag) for s, e in found.items()}
        for x in self.scheme.unknowns if self.lag else ():
            if found[x] < self.root:
                e = Fraction(found[x], self.root)
                raise self.fail(f"{x} changes by a term of order gamma^({e}) in a step, and must change by one of order gamma")

    def _pace(self, state: str) -> int:
        """The first power of h at which U(x) - x is not zero, at most that of gamma."""
        before = (self.symbols[state], *[{}] * self.root)
        changes = (self._less(self.updates[state].at(k), before[k]) for k in range(self.root))
        return next((k for k, change in enumerate(changes) if change), self.root)

    def _leading(self, vanishing: Collection[str]) -> dict[str, Sum]:
        """Every state variable after the step, at gamma^0."""
        self.explore(vanishing)
        return {s: update.at(0) for s, update in self.updates.items()}

    def _vanishing(self, leading: dict[str, Sum], known: Collection[str]) -> list[str]:
        """Memory x with x+ = a x at gamma^0, a a constant other than 1."""
        found = []
        for s in self.states:
            (term,) = self.symbols[s]
            a = leading[s].get(term, self.ring.zero)
            if s not in self.scheme.unknowns and s not in known and leading[s].keys() <= {term} and a != self.ring.one:
                found.append(s)
        return found

    def _check_divisible(self, state: str, update: Series, leading: Sum) -> None:
        """Refuse S = a S + gamma^k r with k < 0: S is of order gamma^k where it relaxes, and gamma^(k - 1) where it does not."""
        for k in lattice(update.low, 0, update.step):
            if k < 0 and update.at(k):
                text = f"after the step {state} is of order gamma^{k}, not of order 1; rescale it with another power of gamma"
                (term,) = self.symbols[state]
                power = Fraction(-k) / self.root + (leading.get(term) == self.ring.one)
                raise GrowthError(str(self.fail(text)), state, power)

    def _check_driven(self, state: str, leading: Sum) -> None:
        """Refuse S = S + r at gamma^0 where r is made of the unknowns alone: no other memory can make it vanish."""
        rest = dict(leading)
        (term,) = self.symbols[state]
        own = rest.pop(term, self.ring.zero)
        if rest and own == self.ring.one and state not in self.scheme.unknowns and self._depends(rest) <= {*self.scheme.unknowns}:
            raise self._driven(state)

    def _driven(self, state: str) -> GrowthError:
        pace = self.paces.get(state, 0)
        power = Fraction(self.root - pace, self.root)
        driven, grows = ("a term without gamma", "gamma") if not pace else (f"gamma^({1 - power})", f"gamma^({power})")
        text = (
            f"{state} is driven by {driven} and does not relax (factor 1): it grows like 1/{grows}; "
            f'rescale it, for example {state} = "{state}_bar/{grows.replace("^", "**")}"'
        )
        return GrowthError(str(self.fail(text)), state, power)

    def _depends(self, value: Sum) -> set[str]:
        """State variables on which a sum of terms depends: those in it, and those that the functions in it depend on."""
        factors = [f for term in value for f in within(term)]
        found = {f.label for f in factors if f.kind == "state"}
        found |= {slot for f in factors if f.kind == "node" for slot in self.functions[f.label].slots}
        found |= {slot for f in factors if is_loss(f, self.algebra) for slot in self.algebra.losses[f.label]}
        return (found | {x for x in self.scheme.unknowns if ahead(x) in found}) & set(self.states)

    def _component(self, names: tuple[str, ...], leading: dict[str, Sum], needs: dict[str, set[str]]) -> Component:
        if len(names) > MAX_COUPLED:
            raise LimitError(f"{self.scheme.where}: {len(names)} variables depend on each other; the limit is {MAX_COUPLED}")
        if len({self.paces.get(s, 0) for s in names}) > 1:
            raise self.fail(f"{', '.join(names)} depend on each other at gamma = 0 and relax by different powers of gamma")
        terms = {s: next(iter(self.symbols[s])) for s in names}
        matrix = []
        for s in names:
            linear = {x: leading[s].get(terms[x], self.ring.zero) for x in names}
            rest = {t: c for t, c in leading[s].items() if t not in terms.values()}
            if self._depends(rest) & set(names):
                self._check_nonlinear(s, names, rest)
                return Component(names, [])
            matrix.append([linear[x] for x in names])
        component = Component(names, matrix)
        self._find_slow(component)
        return component

    def _check_nonlinear(self, state: str, names: tuple[str, ...], rest: Sum) -> None:
        """Memory alone may depend on itself otherwise than by constant factors, and not through where a gradient is taken."""
        moved = (f for t in rest for f, _ in t.factors if f.kind == "moved")
        if any(self._depends(dict(f.body)) & set(names) for f in moved):
            raise self.fail(
                f"the gradient is taken at a point that moves with {state}, not small; it must tend to one without {state}"
            )
        if x := self._unknown(names):
            raise self._no_change(x, rest.values())

    def _unknown(self, names: Collection[str]) -> str:
        """The unknown among the names, or the empty text."""
        return next((x for x in self.scheme.unknowns if x in names), "")

    def _no_change(self, unknown: str, excess: Iterable[Ratio]) -> ReductionError:
        """The unknown plus something that does not vanish with gamma."""
        scaled = any("gamma" in names_of(a.value) for a in self.scheme.program) or "gamma" in self._bound()
        hint = "give every term of its change a factor gamma" if scaled else "write the step size as gamma"
        return self._no_identity(unknown, f"{unknown} changes by a term without gamma", excess, hint)

    def _no_factor(self, unknown: str, excess: Iterable[Ratio]) -> ReductionError:
        """Something in place of the unknown plus its change."""
        hint = f"write its change as an increment, {unknown} = {unknown} + ..."
        return self._no_identity(unknown, f"{unknown} is multiplied by another factor than 1", excess, hint)

    def _bound(self) -> set[str]:
        """The names by which parameters are expressed."""
        return {n for e in self.configuration.bindings.values() for n in names_of(e)}

    def _no_identity(self, unknown: str, what: str, excess: Iterable[Ratio], hint: str) -> ReductionError:
        """`excess`: the coefficients of what must vanish; a parameter with which they all do is a step size."""
        parts = list(excess)
        free = [n for n in self.configuration.free if all(c.vanishes_with(n) for c in parts)]
        hint = f"say how it scales, for example --set {free[0]}=gamma" if free else hint
        return IncrementError(str(self.fail(f"the step does not tend to the identity as gamma -> 0: {what}; {hint}")), unknown)

    def _find_slow(self, component: Component) -> None:
        """Eigenvalue 1 of A: none (memory), simple (a slow variable), or a Jordan block (refused)."""
        one, zero = self.ring.one, self.ring.zero
        size = len(component.names)
        excess = [[a - (one if i == j else zero) for j, a in enumerate(row)] for i, row in enumerate(component.matrix)]
        right = null_vector(excess, self.ring)
        if right is None:
            if x := self._unknown(component.names):
                raise self._no_factor(x, excess[component.names.index(x)])
            return
        left = null_vector([list(column) for column in zip(*excess, strict=True)], self.ring)
        assert left is not None
        pairing = sum((a * b for a, b in zip(left, right, strict=True)), zero)
        if not pairing:
            raise self._jordan(component.names)
        order = sorted(range(size), key=lambda i: component.names[i] not in self.scheme.unknowns)
        slow = next(i for i in order if right[i])
        component.slow = component.names[slow]
        component.right = [r / right[slow] for r in right]
        component.left = [a * right[slow] / pairing for a in left]

    def _jordan(self, names: Collection[str]) -> ReductionError:
        driven = self._unknown(names) or next(iter(self.scheme.unknowns))
        memory = next((n for n in names if n not in self.scheme.unknowns), "v")
        variable = next((v for v in self.scheme.states if self.configuration.symbol(v) == memory), memory)
        symbol = fresh_name("eta", {*self.scheme.parameters, *self.scheme.assigned})
        return self.fail(
            f"the relaxation factor of {variable} is 1 at gamma = 0 and it drives {driven}, a Jordan block; rescale it so that "
            f'it becomes a slow variable, with a regime that has {variable} = "gamma*{symbol}" and a step gamma**2 '
            f"(the result is then an equation for {driven} and {symbol})"
        )

    def _needed_last(self) -> list[Component]:
        """At the last power only what the slow variables need: memory is not wanted beyond gamma^order."""
        wanted = {c.slow for c in self.components if c.slow}
        frontier = list(wanted)
        while frontier:
            for name in self._needs[str(frontier.pop())] - wanted:
                wanted.add(name)
                frontier.append(name)
        return [c for c in self.components if wanted & set(c.names)]

    def pace_of(self, component: Component) -> Fraction:
        """The power of gamma by which its memory relaxes in a step."""
        return Fraction(self.paces.get(component.names[0], 0), self.root)

    def lost(self, component: Component) -> list[Sum]:
        """(1 - A) u, u the variables of the component."""
        u = [self.symbols[x] for x in component.names]
        images = component.linear(u) if component.linear else [self._combined(row, u) for row in component.matrix]
        return [self._less(x, image) for x, image in zip(u, images, strict=True)]

    def lost_factor(self, component: Component) -> Sum | None:
        """1 - A where it is one factor."""
        if len(component.names) > 1 or (component.linear and component.linear.products):
            return None
        a = component.linear.matrix[0][0] if component.linear else self.algebra.constant(component.matrix[0][0])
        return self._less(self.algebra.constant(self.ring.one), a)

    def _combined(self, row: Sequence[Ratio], values: Sequence[Sum]) -> Sum:
        total: Sum = {}
        for a, value in zip(row, values, strict=True):
            accumulate(total, self.algebra.scale(value, a))
        return total

    def _less(self, a: Sum, b: Sum) -> Sum:
        total = dict(a)
        accumulate(total, {t: -c for t, c in b.items()})
        return reduced(total)

    def relaxations(self) -> list[tuple[tuple[str, ...], list[Ratio]]]:
        """For every component with constant factors and memory: its variables and det(z E - A)/(z - 1)^[slow], coefficients from
        z^0 up."""
        result = []
        for component in (c for c in self.components if not self.pace_of(c)):
            polynomial = characteristic_polynomial(component.matrix, self.ring)
            if component.slow:  # divide by z - 1, from the top
                quotient = [self.ring.zero] * (len(polynomial) - 1)
                carry = self.ring.zero
                for i in range(len(polynomial) - 1, 0, -1):
                    carry = carry + polynomial[i]
                    quotient[i - 1] = carry.reduced()
                polynomial = quotient
            if len(polynomial) > 1:
                result.append((component.names, polynomial))
        return result


def _strong_components(needs: dict[str, set[str]]) -> list[tuple[str, ...]]:
    """Strongly connected components of the graph x -> needs[x], those needed first in front."""
    reach = {x: set(needs[x]) | {x} for x in needs}
    for middle in needs:
        for x in needs:
            if middle in reach[x]:
                reach[x] |= reach[middle]
    components: list[tuple[str, ...]] = []
    for x in needs:
        names = tuple(y for y in needs if y in reach[x] and x in reach[y])
        if names not in components:
            components.append(names)
    # if A needs B, A reaches everything that B reaches and more
    return sorted(components, key=lambda names: len(reach[names[0]]))
