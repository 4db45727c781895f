"""The engine: run the scheme with the step number n left symbolic, order by order in gamma.

    X_n = sum_k gamma^k sum_m P_{k,m}(n) m          (m: terms; P_{k,m}: polynomials in n)

At gamma^k the update gives, for the variables that are coupled at gamma = 0 by a constant matrix A (for memory that is coupled
by factors of the point, A its linear map at the fixed point: `fixed_point`),

    X_k(n+1) - A X_k(n) = R_k(n),       R_k known from lower powers and from variables solved before,

a linear difference equation whose polynomial solution is taken: eigenvalue 1 belongs to the slow variable (its value at
n = 0 is the point itself), every other eigenvalue to a transient that the slow manifold leaves out.  The solution is put
back into the update, and the residual must vanish identically.

Started from rest, a memory variable's transient is kept: its value at n = 0 is given, and P also contains rho^n.
"""

from __future__ import annotations

from collections.abc import Callable

from derive.algebra.coefficients import Ratio
from derive.algebra.fold import is_polynomial
from derive.algebra.linear import null_vector, solve_linear
from derive.algebra.poles import gathered
from derive.algebra.sequences import coefficient_of_n, value_at
from derive.algebra.sums import Algebra, Sum, accumulate, reduced
from derive.engine.coupling import Component
from derive.engine.fixed_point import FixedPoints
from derive.engine.passes import settle
from derive.engine.roots import Leading
from derive.engine.series import lattice
from derive.engine.translation import PLAIN, Variant
from derive.errors import SIMPLER_ROOTS, ReductionError, ResidualError, UndecidedError
from derive.scheme import Configuration
from derive.scheme.names import ahead

__all__ = ["Component", "Derivation"]


class Derivation(FixedPoints):
    """One run of the engine; `fields`, `maps` and `memory` are its results.

    fields[x][k]   coefficient of gamma^k in x', for every slow variable x
    maps[x][k]     coefficient of gamma^k in (x_1 - x_0)/gamma
    memory[v][k]   coefficient of gamma^k of memory v on the slow manifold

    Started from rest (`variant`), only `solution` is meant: it has all there is to know.
    """

    def __init__(
        self,
        configuration: Configuration,
        order: int,
        progress: Callable[[int], None] | None = None,
        variant: Variant = PLAIN,
    ) -> None:
        super().__init__(configuration, order, variant)
        self._begun(lambda: self._solve_all(progress))
        self.residual_power = self.top
        self._read_off()

    def _solve_all(self, progress: Callable[[int], None] | None) -> None:
        if self.strict:  # begun before, with roots that begin later
            self.strict, self.tentative = False, -1
            self.components = self._explore()
        self.strict = True
        for k in range(self.top + 1):
            self._solve_power(k, self.components if k <= self.order else self._needed_last())
            if progress:
                progress(k)
        for update in self.updates.values():
            update.require_whole(self.top)
        for series in self.all_series:
            if isinstance(series, Leading):
                series.check_below()

    # ------------------------------------------------------------------ one power of gamma

    def _solve_power(self, k: int, wanted: list[Component]) -> None:
        """Every component in an order in which it finds what it needs at this power; then all residuals."""
        queue = list(wanted)
        while queue:
            waiting = [c for c in queue if not self.solve(c, k)]
            if len(waiting) == len(queue):
                missing = {s for c in queue for s in self._right(c, k)[1]}
                added = [c for c in self.components if c not in queue and missing & set(c.names) - set(self._solved(k))]
                if not added:
                    if not (k and settle(self, queue, k)):
                        raise self._too_late(queue[0].names[0], sorted(missing)[0])
                    break
                waiting = [*added, *waiting]
            queue = waiting
        for component in self.components:
            if component.names[0] in self._solved(k):
                self._check_residual(component, k)

    def _solved(self, k: int) -> list[str]:
        return [s for s in self.states if k in self.solution[s]]

    def _right(self, component: Component, k: int) -> tuple[list[Sum], list[str]]:
        """The updates at gamma^k, less A X for the component's own values X there; and which values of others they wait for."""
        self.solving = component.names
        self.unsolved.clear()
        right = [dict(self.updates[name].at(k)) for name in component.names]
        for x in self.scheme.unknowns:
            if ahead(x) in self.unsolved:
                raise self.fail(f"{ahead(x)} must come with a factor gamma, as in gamma*grad({ahead(x)})")
        self.solving = ()
        for total, row in zip(right, component.matrix or [[]] * len(right), strict=True):
            for name, a in zip(component.names, row, strict=bool(row)):
                if a and k in self.solution[name]:
                    accumulate(total, self.algebra.scale(self.solution[name][k], -a))
        return right, self.awaited(right) if self.unsolved - set(component.names) else []

    def solve(self, component: Component, k: int) -> bool:
        """Whether the component could be solved: nothing that it needs is missing."""
        if k == 0 and not component.matrix and not self.settle(component):
            return False
        if k == 0 and component.leads:
            return True
        right, missing = self._right(component, k)
        if missing:
            return False
        if component.slow and k == 0:
            self._check_identity(component, right)
        for name, value in zip(component.names, self._solution(component, right, k), strict=True):
            self.solution[name][k] = value
        if k == 0:
            self.check_stated(component)
        return True

    def _check_residual(self, component: Component, k: int) -> None:
        """X_k(n+1) minus the update at gamma^k must vanish identically, whatever is not solved yet; and so must the update at
        negative powers."""
        for name in component.names:
            for p in lattice(self.updates[name].low, 0, self.updates[name].step):
                if p < 0 and not self.algebra.is_zero(below := self.updates[name].at(p)):
                    if later := self.awaited([below]):
                        raise self._too_late(name, later[0])
                    raise ResidualError(f"{self.scheme.where}: residual of {name} at gamma^{p}: {below}")
            self.unsolved.clear()
            residual = {t: self.sequences_of(name).shift(c) for t, c in self.solution[name][k].items()}
            accumulate(residual, {t: -c for t, c in self.updates[name].at(k).items()})
            if self.unsolved and (later := self.awaited([residual])):
                raise self._too_late(name, later[0])
            if residual and k == 0 and not component.leads:  # a sign or a root of itself, which its linear part does not show
                raise self.fail(
                    f"{name} depends on itself in a way that is not linear at gamma = 0; only constant factors are reduced"
                )
            if not self.algebra.is_zero(residual):
                if not is_polynomial(residual):
                    what = f"the solution for {name} at gamma^{k} is not seen to leave no residual"
                    raise UndecidedError(f"{self.scheme.where}: {what}; {SIMPLER_ROOTS}")
                raise ResidualError(f"{self.scheme.where}: residual of {name} at gamma^{k}: {residual}")

    def _too_late(self, name: str, other: str) -> ReductionError:
        if self.vanishing:
            return ReductionError(self.vanishing)
        return self.fail(
            f"the update of {name} divides by gamma what depends on {other}, and so needs {other} at a later power than it is "
            f'solved at; carry what is small in its own units, as in {other} = "gamma*{other}_bar" under a regime'
        )

    def _check_identity(self, component: Component, right: list[Sum]) -> None:
        for name, value in zip(component.names, right, strict=True):
            for state, term in ((s, next(iter(self.symbols[s]))) for s in self.states):
                if term in value and state not in component.names:
                    raise self._jordan((state, name))
            if value and (x := self._unknown(component.names)):
                raise self._no_change(x, value.values())
            if value:
                raise self._driven(name)

    def _solution(self, component: Component, right: list[Sum], k: int) -> list[Sum]:
        if component.linear is not None:
            return self.relaxed(component, right)
        if len(component.names) == 1:
            if component.slow is None:
                return [self._relaxed(component.names[0], component.matrix[0][0], right[0], k)]
            if k == 0:
                return [self.symbols[component.slow]]
            total = self.sequences_of(component.slow).sum
            return [{t: p for t, c in right[0].items() if (p := total(c))}]
        if self.variant.from_rest:
            return self._pair_from_rest(component, right, k)
        return self._coupled_solution(component, right, k)

    def _relaxed(self, name: str, a: Ratio, right: Sum, k: int) -> Sum:
        if not self.variant.from_rest:
            relax = self.sequences_of(name).relax
            return {t: p for t, c in right.items() if (p := relax(a, c))}
        start, zero = self._start(name, k), self.ring.zero
        terms = dict.fromkeys((*right, *start))
        return {t: p for t in terms if (p := self.sequences.relax(a, right.get(t, zero), start.get(t, zero)))}

    def _start(self, symbol: str, k: int) -> Sum:
        """The memory's initial value at gamma^k: what the scheme's [initial] says, else zero."""
        variable = next(v for v in self.scheme.states if self.configuration.symbol(v) == symbol)
        expression = self.scheme.initial.get(variable)
        if expression is None:
            return {}
        bindings = {n: self._series(e, {}) for n, e in self.configuration.bindings.items()}
        return self._series(expression, bindings).at(k)

    def _pair_from_rest(self, component: Component, right: list[Sum], k: int) -> list[Sum]:
        """theta with theta_prev: eigenvalues 1 (l, r) and rho (m, s);  X = r y + s w, both from rest, X_k(0) = 0 for k >= 1."""
        ring, zero = self.ring, self.ring.zero
        if k == 0:
            assert component.slow is not None
            return [self.algebra.scale(self.symbols[component.slow], r) for r in component.right]
        rho = (component.matrix[0][0] + component.matrix[1][1] - ring.one).reduced()
        excess = [[a - (rho if i == j else zero) for j, a in enumerate(row)] for i, row in enumerate(component.matrix)]
        s = null_vector(excess, ring)
        m = null_vector([list(column) for column in zip(*excess, strict=True)], ring)
        assert s is not None
        assert m is not None
        scale = (m[0] * s[0] + m[1] * s[1]).inverse()
        result: list[Sum] = [{}, {}]
        for t in dict.fromkeys((*right[0], *right[1])):
            a, b = right[0].get(t, zero), right[1].get(t, zero)
            y = self.sequences.sum(component.left[0] * a + component.left[1] * b)
            w = self.sequences.relax(rho, (m[0] * a + m[1] * b) * scale, zero)
            for i in range(2):
                if x := (component.right[i] * y + s[i] * w).reduced():
                    result[i][t] = x
        return result

    def _coupled_solution(self, component: Component, right: list[Sum], k: int) -> list[Sum]:
        """(Delta + E - A) X = R.  With l A = l, A r = r, l r = 1: y = l X obeys Delta y = l R, and the rest Z = X - r y,
        on which E - A + r l is invertible and equal to E - A, is Z = sum_j (-1)^j (E - A + r l)^(-j-1) Delta^j (R - r l R)."""
        size, ring = len(component.names), self.ring
        result: list[Sum] = [{} for _ in range(size)]
        matrix = [[(ring.one if i == j else ring.zero) - a for j, a in enumerate(row)] for i, row in enumerate(component.matrix)]
        if component.slow:
            matrix = [[m + component.right[i] * component.left[j] for j, m in enumerate(row)] for i, row in enumerate(matrix)]
        for term in {t: None for value in right for t in value}:
            r = [value.get(term, ring.zero) for value in right]
            y = ring.zero
            if component.slow:
                force = sum((a * b for a, b in zip(component.left, r, strict=True)), ring.zero)
                y = self.sequences_of(component.slow).sum(force)
                r = [a - component.right[i] * force for i, a in enumerate(r)]
            z, sign = [ring.zero] * size, 1
            while any(r):  # Delta lowers the degree in n, so this ends
                r = solve_linear(matrix, r)
                z = [a + b.scaled(sign) for a, b in zip(z, r, strict=True)]
                r = [self.sequences_of(x).shift(a) - a for x, a in zip(component.names, r, strict=True)]
                sign = -sign
            x = [a + component.right[i] * y if component.slow else a for i, a in enumerate(z)]
            if component.slow:  # the slow variable starts at the point itself: X_slow(0) = 0 for k >= 1
                start = x[component.names.index(component.slow)]
                offset = Ratio(ring, ring.by_powers_of_n(start.num).get(0, ring.zero.num), start.den)
                x = [a - component.right[i] * offset for i, a in enumerate(x)]
            for value, a in zip(result, x, strict=True):
                if a := a.reduced():
                    value[term] = a
        if component.slow and k == 0:
            for i, value in enumerate(result):
                accumulate(value, self.algebra.scale(self.symbols[component.slow], component.right[i]))
        return result

    # ------------------------------------------------------------------ results

    def _read_off(self) -> None:
        def part(total: Sum, read: Callable[[Ratio], Ratio]) -> Sum:
            found = {t: v for t, c in total.items() if (v := read(c))}
            return gathered(self.algebra, found) if isinstance(self.algebra, Algebra) else found

        slow = [c.slow for c in self.components if c.slow]
        self.slow = tuple(s for s in self.states if s in slow)
        through = range(self.order + 1)

        x_k, moves = self.solution, self.root - self.lag
        self.fields = {x: [part(x_k[x][k + moves], lambda c: coefficient_of_n(c, 1)) for k in through] for x in self.slow}
        self.maps = {x: [part(*self._after_one(x, k + self.root)) for k in through] for x in self.slow}
        self.memory = {
            v: [reduced(part(x_k[v].get(k, {}), lambda c: coefficient_of_n(c, 0))) for k in through]
            for v in self.states
            if v not in slow
        }

    def _after_one(self, x: str, k: int) -> tuple[Sum, Callable[[Ratio], Ratio]]:
        """What x changes by in the first step, at a power, and where in n it is read."""
        if self.lag:
            return self.moved(x, k, 1), lambda c: value_at(c, 0)
        return self.solution[x][k], lambda c: value_at(c, 1)
