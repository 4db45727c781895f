"""A scheme started from rest: its step about the present point, at step n.

    X_(n+1) - X_n = gamma (M_0(X_n; n) + gamma M_1(X_n; n) + ...),        n steps done before

With n a number the text is carried out n + 1 times.  With n a symbol the engine runs from rest, and the M_k have coefficients
rational in n and the rho^n, where M_0 does not depend on n.  So it is with bias correction: m_n = (1 - rho^n) grad L at gamma^0,
and m_n/(1 - rho^n) depends on n at gamma^1 first.  M_1 needs X_n through gamma^1 alone, which is X_0 + n gamma M_0; M_2 needs
the sum of M_1 over n, and a rational function of rho^n has none in closed form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from derive.algebra.coefficients import Ratio
from derive.algebra.fold import within
from derive.algebra.sequences import NoClosedSum
from derive.algebra.sums import Algebra, Sum, accumulate, reduced
from derive.engine.composition import Given, Workspace, composed
from derive.engine.decay import signs_in_ranges
from derive.engine.run import Derivation
from derive.engine.series import Place, Polynomial, Series, Times
from derive.engine.translation import Translation, Variant
from derive.errors import ReductionError
from derive.language import names_of
from derive.scheme import Configuration
from derive.scheme.names import ahead, previous

_COUNTED = "give the number of steps done before, such as 5 (--step 5, in Python step=5)"
Powers = Mapping[str, Sequence[Sum]]  # by variable and power of gamma


def about_present(algebra: Algebra, points: Powers, steps: Powers) -> dict[str, list[Sum]]:
    """M with  sum_k gamma^k M_k(sum_j gamma^j points[j]) = sum_k gamma^k steps[k]:

    M_k = steps[k] - sum_(j<k) (M_j at the points, at gamma^(k-j)).
    """
    workspace = Workspace(algebra)
    states: dict[str, Series] = {x: Given(workspace, values) for x, values in points.items()}
    maps: dict[str, list[Sum]] = {}
    for x, values in steps.items():
        earlier: list[Series] = []
        maps[x] = []
        for k, step in enumerate(values):
            total = dict(step)
            for j, series in enumerate(earlier):
                accumulate(total, {t: -c for t, c in series.at(k - j).items()})
            maps[x].append(reduced(total))
            earlier.append(composed(workspace, maps[x][k], states))
    return maps


class StartedRun(Derivation):
    """The engine from rest through gamma^order with n a symbol; `maps[x][k]` is M_k for every unknown x.

    Raises ReductionError where M_0 depends on n, or where a rational function of rho^n would have to be summed over n.
    """

    def __init__(self, configuration: Configuration, order: int, rest: Mapping[str, Ratio]) -> None:
        super().__init__(configuration, order, variant=Variant(from_rest=True, rest=rest))

    def check_transient(self, leading: Sum, place: Place | None, stands: str) -> None:
        """A transient may stand in a denominator: whether it cancels is seen in what it drives."""

    def _solve_all(self, progress: Callable[[int], None] | None) -> None:
        self.strict = True
        for k in range(self.order + 1):
            self._solve_or_say(k)
            for x in self.states:
                self._check_free_of_n(self.solution[x][k])
            for x in self.scheme.unknowns if k == 1 else ():
                self._check_leading(self.solution[x][1])

    def _solve_or_say(self, k: int) -> None:
        try:
            self._solve_power(k, self.components)
        except NoClosedSum:
            if k < 2:
                raise self._depends_on_n() from None
            needs = f"M_{k} needs the sum over n of M_{k - 1}, which is rational in {self._powers()}"
            raise self.fail(f"{needs}: it has no closed form; take order {k - 1}, or {_COUNTED}") from None

    def _powers(self) -> str:
        return ", ".join(f"({rho})**n" for rho in self.sequences.factors.values())

    def _check_free_of_n(self, value: Sum) -> None:
        """Terms are the same for every n: n and rho^n stand in coefficients alone."""
        if any(self._moves(c) for t in value for f in within(t) for _, c in f.body):
            where = "under a root, in a sum in a denominator, or in what a function is taken of"
            raise self.fail(f"from rest, the step depends on its number n already at gamma^0, {where}; {_COUNTED}")

    def _check_leading(self, value: Sum) -> None:
        """X_n = X_0 + gamma n M_0."""
        if any(self._moves((c / self.ring.n).reduced()) for c in value.values()):
            raise self._depends_on_n()

    def _moves(self, c: Ratio) -> bool:
        return bool({self.ring.names[0], *self.sequences.factors} & c.symbols())

    def _depends_on_n(self) -> ReductionError:
        what = "from rest, the step depends on its number n already at gamma^0, as it does without bias correction"
        return self.fail(f"{what}; {_COUNTED}, or take order 0")

    def _read_off(self) -> None:
        unknowns, powers = self.scheme.unknowns, range(self.order + 1)
        self.slow = tuple(c.slow for c in self.components if c.slow)
        points = {x: [self.solution[x][k] for k in powers] for x in unknowns}
        self._solve_small_memory()
        steps = {x: [self._step(x, k + 1) for k in powers] for x in unknowns}
        self.maps = about_present(self.algebra, points, steps)

    def _solve_small_memory(self) -> None:
        """Memory of order gamma, as in theta = theta + v, at the power after the last, where it needs no unknowns there."""
        for component in self._needed_last():
            if not {*component.names} & {*self.scheme.unknowns}:
                self.solve(component, self.order + 1)
        for x in self.scheme.unknowns:
            self.solution[x][self.order + 1] = {}  # the update less X_n is the step there too

    def _step(self, x: str, k: int) -> Sum:
        value = _difference(self.updates[x].at(k), self.solution[x][k])
        if waits := self.awaited([value]):
            raise self.fail(f"{waits[0]} changes with {x} itself, at the same power of gamma; {_COUNTED}")
        self._check_free_of_n(value)
        return value


def _difference(a: Sum, b: Sum) -> Sum:
    total = dict(a)
    accumulate(total, {t: -c for t, c in b.items()})
    return reduced(total)


class CountedRun(Translation):
    """The text carried out n + 1 times from rest, n a number; `maps[x][k]` is M_k for every unknown x."""

    def __init__(self, configuration: Configuration, order: int, n: int) -> None:
        super().__init__(configuration, order)
        self._check_explicit()
        self.gamma = Polynomial(self, {1: self.ring.one})
        names = self._at_rest()
        for _ in range(n):
            self._carry_out(names)
            for series in self._unknowns(names).values():  # in turn, so that no step is reached through all after it
                series.at(order + 1)
        before = self._unknowns(names)
        self._carry_out(names)
        after = self._unknowns(names)
        powers = range(order + 1)
        points = {x: [series.at(k) for k in powers] for x, series in before.items()}
        steps = {x: [_difference(after[x].at(k + 1), before[x].at(k + 1)) for k in powers] for x in after}
        self.maps = about_present(self.algebra, points, steps)
        self._check_roots()

    def _check_explicit(self) -> None:
        if any(ahead(x) in names_of(line.value) for x in self.scheme.unknowns for line in self.scheme.lines):
            raise self.fail("an implicit step is not carried out; leave out the number of steps")

    def _check_roots(self) -> None:
        """Powers count what stands under a root as positive, which is known where n is large alone."""
        sign = signs_in_ranges(self.configuration, self.ring)
        factors = (f for values in self.maps.values() for value in values for t in value for f in within(t))
        for c in (c for f in factors if f.kind == "root" for _, c in f.body if not c.is_number and sign(c) != 1):
            names = ", ".join(sorted(c.symbols()))
            raise self.fail(f"a root of {c} is left, which is not seen to be positive; give {names} a value")

    def _at_rest(self) -> dict[str, Series]:
        """The unknowns at their own symbols, memory as [initial] says, zero by default."""
        scheme, bindings = self.scheme, {n: self._series(e, {}) for n, e in self.configuration.bindings.items()}
        factors = {v: self._series(r.factor, bindings) for v, r in self.configuration.rescaled.items()}
        names: dict[str, Series] = dict(bindings)
        for v in scheme.states:
            start = self._series(scheme.initial[v], bindings) if v in scheme.initial else Polynomial(self, {})
            names[v] = Times(factors[v], start) if v in factors else start
        for x in scheme.unknowns:
            names[x] = names[previous(x)] = Given(self, [self.symbols[x]])
        return names

    def _carry_out(self, names: dict[str, Series]) -> None:
        before = self._unknowns(names)
        self.execute(self.scheme.statements, names)
        for x, series in before.items():
            if previous(x) not in self.scheme.assigned:
                names[previous(x)] = series

    def _unknowns(self, names: Mapping[str, Series]) -> dict[str, Series]:
        return {x: names[x].require_whole(self.order + 1) for x in self.scheme.unknowns}
