"""Memory whose step at gamma = 0 is a map u+ = F(u) with factors that depend on the point: its fixed point, and the map there.

    F(u*) = u*,      A = dF/du at u*,      X_k(n+1) - A X_k(n) = R_k(n)  at gamma^k,   A the same for every n, so that

    X_k = sum_j (-1)^j (1 - A)^(-j-1) Delta^j R_k                    (Delta lowers the degree in n: the sum ends)

solves it and leaves out the transients A^n.  u* is what the scheme states under [leading], checked; else it is found where F is
affine in u, or a root of what is affine in a power of u: u+ = sqrt(beta u^2 + (1-beta) g^2) has u* = |g|.
A is read off the updates at gamma^1, where whatever is not solved yet stands as a symbol of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from derive.algebra.affine import Linear, Resolvent, affine
from derive.algebra.coefficients import Ratio
from derive.algebra.fold import within
from derive.algebra.sums import Sum, accumulate
from derive.algebra.terms import Factor, combination_text
from derive.engine.coupling import Component, Coupling
from derive.engine.formula import read_value
from derive.errors import ReductionError
from derive.scheme.losses import declared_formula

_STATE_IT = "say what it is at gamma = 0, under [leading] or with --leading"
Values = Mapping[str, Sum]


class FixedPoints(Coupling):
    """A coupling with the fixed points of its memory at gamma = 0."""

    def settle(self, component: Component) -> bool:
        """Find the fixed point and the map there, once everything that the component needs at gamma^0 is solved."""
        names = component.names
        if self.variant.from_rest:
            raise self.fail(
                f"the transient of {', '.join(names)} is no sum of powers of constant factors: its relaxation depends on theta "
                "or is not linear at gamma = 0; start from the slow manifold instead (modified-eq --show-memory)"
            )
        stated = {x: value for x in names if (value := self.stated(x)) is not None}
        free = [x for x in names if x not in stated]
        values = self._after({**{x: self.symbols[x] for x in free}, **stated})
        if self.unsolved:
            self._open(names)
            return False
        if not stated and (matrix := self._constants(names, values)):  # what made it look otherwise vanishes at gamma = 0
            component.matrix = matrix
            self._find_slow(component)
            self._open(names)
            return True
        leads = {**stated, **dict(zip(free, self._found(free, values), strict=True))}
        self._check_fixed(leads)
        component.leads = [leads[x] for x in names]
        self._linearise(component)
        return True

    def _constants(self, names: Sequence[str], values: Values) -> list[list[Ratio]] | None:
        """The matrix of a step that is affine with constant factors."""
        found = affine(self.algebra, [values[x] for x in names], [_symbol(self.symbols[x]) for x in names])
        return found[0].constants if found else None

    def _open(self, names: Sequence[str]) -> None:
        """The variables are not solved."""
        for x in names:
            self.solution[x].clear()
        self._forget()

    def stated(self, symbol: str) -> Sum | None:
        """What the scheme says of the memory at gamma = 0, where it does."""
        variable = next(v for v in self.scheme.states if self.configuration.symbol(v) == symbol)
        expression = self.scheme.leading.get(variable)
        if expression is None:
            return None
        if self.scheme.losses:
            expression = declared_formula(self.configuration, expression, f"[leading] {variable}")
        values = {x: self.solution[x][0] for x in self.states if 0 in self.solution[x] and x != symbol}
        bindings = {n: self._series(e, {}).at(0) for n, e in self.configuration.bindings.items()}
        kinds = {self.configuration.symbol(v): self.scheme.kinds[v] for v in self.scheme.states}
        vectors = [x for x in values if kinds[x] == "vector"]
        return read_value(self.algebra, expression, {**bindings, **values}, vectors)

    def check_stated(self, component: Component) -> None:
        """What the scheme says of memory that is found without it must be true."""
        for x in component.names:
            value = None if self.variant.from_rest else self.stated(x)
            if value is not None and component.slow == x:
                raise self.fail(f"[leading] {x}: {x} is a slow variable, whose value is free; leave it out")
            if value is not None and not self._same(value, true := self.solution[x][0]):
                raise self.fail(f"[leading] {x} is {self._text(value)}, and at gamma = 0 it is {self._text(true)}")

    def relaxed(self, component: Component, right: Sequence[Sum]) -> list[Sum]:
        """sum_j (-1)^j (1 - A)^(-j-1) Delta^j R."""
        assert component.resolvent is not None
        result: list[Sum] = [{} for _ in right]
        while any(right):
            right = component.resolvent(right)
            for total, value in zip(result, right, strict=True):
                accumulate(total, value)
            right = [self._slowed(x, value) for x, value in zip(component.names, right, strict=True)]
        return result

    def _slowed(self, name: str, value: Sum) -> Sum:
        """-Delta R."""
        shift = self.sequences_of(name).shift
        return {t: d for t, c in value.items() if (d := (c - shift(c)).reduced())}

    # ------------------------------------------------------------------ the fixed point

    def _after(self, values: Values) -> dict[str, Sum]:
        """F(u): these variables after the step, at gamma^0; `unsolved` says what they wait for."""
        for x, value in values.items():
            self.solution[x] = {0: value}
        self._forget()
        self.unsolved.clear()
        return {x: self.updates[x].at(0) for x in values}

    def _forget(self) -> None:
        for series in self.all_series:
            series.forget()

    def _found(self, names: Sequence[str], values: Values) -> list[Sum]:
        """The fixed point of variables that are symbols in their values after the step."""
        variables = [_symbol(self.symbols[x]) for x in names]
        if found := affine(self.algebra, [values[x] for x in names], variables):
            linear, right = found
            return self._resolvent(names, linear)(right)
        lead = self._root(variables[0], values[names[0]]) if len(names) == 1 else None
        if lead is None:
            raise self.fail(
                f"the relaxation of {', '.join(names)} depends on theta or is not linear at gamma = 0, and its fixed point is "
                f"found only where its step is affine in it, or a root of what is affine in a power of it; {_STATE_IT}"
            )
        return [lead]

    def _root(self, u: Factor, value: Sum) -> Sum | None:
        """The fixed point of u+ = c B^(1/q) where u^q = c^q B is affine in u^q; None where it is nothing like that."""
        held = [(t, f, Fraction(e)) for t in value for f, e in t.factors if u in (f, *_within(f))]
        if len(value) != 1 or len(held) != 1 or held[0][1].kind != "base" or (1 / held[0][2]).denominator > 1:
            return None
        (term, base, e), algebra = held[0], self.algebra
        factor = {algebra.interner.term({f: k for f, k in term.factors if f is not base}): value[term]}
        body = algebra.product(algebra.power(factor, 1 / e), dict(base.body))
        if any(k != 1 / e for t in body for f, k in t.factors if f is u):
            return None
        once = {algebra.interner.term({f: 1 if f is u else k for f, k in t.factors}): c for t, c in body.items()}
        if (found := affine(algebra, [once], [u])) is None:
            return None
        (lead,) = self._resolvent([u.label], found[0])(found[1])
        root: Sum = algebra.power(lead, e)
        return root

    def _check_fixed(self, leads: Values) -> None:
        for x, value in self._after(leads).items():
            if not self._same(value, leads[x]):
                lead, after = self._text(leads[x]), f"after a step it is {self._text(value)}"
                raise self.fail(f"{x} = {lead} is no fixed point of the memory at gamma = 0: {after}; {_STATE_IT}")

    def _linearise(self, component: Component) -> None:
        """A, from what a change of the memory at gamma^1 makes of it at gamma^1."""
        names = component.names
        self.unsolved.clear()
        values = [self.updates[x].at(1) for x in names]
        found = affine(self.algebra, values, [_symbol(self.later[x]) for x in names])
        if found is None:
            what = "takes derivatives of the loss along it, or sums it over layers"
            raise self.fail(f"at gamma = 0 a change of {', '.join(names)} relaxes by a map that {what}; only factors are reduced")
        linear, _ = found
        component.resolvent = self._resolvent(names, linear)
        component.matrix = linear.constants or []
        component.linear = None if component.matrix else linear

    def _resolvent(self, names: Sequence[str], linear: Linear) -> Resolvent:
        try:
            return Resolvent(linear)
        except ReductionError:
            raise self.fail(f"{', '.join(names)} does not relax at gamma = 0: its factor there is 1") from None

    def _same(self, a: Sum, b: Sum) -> bool:
        return bool(self.algebra.is_zero(self.algebra.add(a, {t: -c for t, c in b.items()})))

    def _text(self, value: Sum) -> str:
        return combination_text(self.algebra.sorted(value)) if value else "0"


def _symbol(value: Sum) -> Factor:
    """The variable that a sum is."""
    ((factor, _),) = next(iter(value)).factors
    return factor


def _within(f: Factor) -> list[Factor]:
    return [g for t in (*f.children, *(t for t, _ in f.body)) for g in within(t)]
