"""The engine: run the scheme with the step number n left symbolic, order by order in gamma.

    X_n = sum_k gamma^k sum_m P_{k,m}(n) m          (m: terms; P_{k,m}: polynomials in n)

At gamma^k the update gives, for the variables that are coupled at gamma = 0 by a constant matrix A,

    X_k(n+1) - A X_k(n) = R_k(n),       R_k known from lower powers and from variables solved before,

a linear difference equation whose polynomial solution is taken: eigenvalue 1 belongs to the slow variable (its value at
n = 0 is the point itself), every other eigenvalue to a transient that the slow manifold leaves out.  The solution is put
back into the update, and the residual must vanish identically.
"""

from __future__ import annotations

from collections.abc import Callable

from derive.algebra.coefficients import Ratio
from derive.algebra.linear import solve_linear
from derive.algebra.sequences import SequenceSolver, coefficient_of_n, value_at
from derive.algebra.sums import Sum, accumulate, reduced
from derive.engine.coupling import Component, Coupling
from derive.errors import ResidualError
from derive.scheme import Configuration

__all__ = ["Component", "Derivation"]


class Derivation(Coupling):
    """One run of the engine; `fields`, `maps` and `memory` are its results.

    fields[x][k]   coefficient of gamma^k in x', for every slow variable x
    maps[x][k]     coefficient of gamma^k in (x_1 - x_0)/gamma
    memory[v][k]   coefficient of gamma^k of memory v on the slow manifold
    """

    def __init__(self, configuration: Configuration, order: int, progress: Callable[[int], None] | None = None) -> None:
        super().__init__(configuration, order)
        self.solver = SequenceSolver(self.ring)
        self._look_again: list[tuple[Component, int]] = []
        self.residual_power = order + 1
        for k in range(order + 2):
            for component in self.components if k <= order else self._needed_last():
                self._solve(component, k)
            while self._look_again:
                self._check_residual(*self._look_again.pop())
            if progress:
                progress(k)
        self._read_off()

    # ------------------------------------------------------------------ one power of gamma

    def _solve(self, component: Component, k: int) -> None:
        right: list[Sum] = []
        for name in component.names:
            self.unsolved.clear()
            right.append(self.updates[name].at(k))
            if "theta_next" in self.unsolved:
                raise self.fail("theta_next must come with a factor gamma, as in gamma*grad(theta_next)")
            if not self.unsolved <= set(component.names):  # read, but with a factor that vanishes: look again when it is known
                self._look_again.append((component, k))
        self.unsolved.clear()
        if component.slow and k == 0:
            self._check_identity(component, right)
        values = self._solution(component, right, k)
        for name, value in zip(component.names, values, strict=True):
            self.solution[name][k] = value
        self._check_residual(component, k)

    def _check_residual(self, component: Component, k: int) -> None:
        """X_k(n+1) minus the update at gamma^k must vanish identically."""
        for name in component.names:
            residual = {t: self.shift(c) for t, c in self.solution[name][k].items()}
            accumulate(residual, {t: -c for t, c in self.updates[name].at(k).items()})
            if residual and k == 0:  # a sign or a root of the variable itself, which its linear part does not show
                raise self.fail(
                    f"{name} depends on itself in a way that is not linear at gamma = 0; only constant factors are reduced"
                )
            if not self.algebra.is_zero(residual):
                raise ResidualError(f"{self.scheme.where}: residual of {name} at gamma^{k}: {residual}")

    def _check_identity(self, component: Component, right: list[Sum]) -> None:
        for name, value in zip(component.names, right, strict=True):
            for state, term in ((s, next(iter(self.symbols[s]))) for s in self.states):
                if term in value and state not in component.names:
                    raise self._jordan((state, name))
            if value and "theta" in component.names:
                raise self._no_identity("theta changes by a term without gamma", value.values())
            if value:
                raise self.fail(
                    f"{name} is driven by a term without gamma and does not relax (factor 1): it grows like 1/gamma; "
                    f'rescale it, for example {name} = "{name}_bar/gamma"'
                )

    def _solution(self, component: Component, right: list[Sum], k: int) -> list[Sum]:
        if len(component.names) == 1:
            if component.slow is None:
                a = component.matrix[0][0]
                return [{t: p for t, c in right[0].items() if (p := self.solver.relax(a, c))}]
            if k == 0:
                return [self.symbols[component.slow]]
            return [{t: p for t, c in right[0].items() if (p := self.solver.sum(c))}]
        return self._coupled_solution(component, right, k)

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
                y = self.solver.sum(force)
                r = [a - component.right[i] * force for i, a in enumerate(r)]
            z, sign = [ring.zero] * size, 1
            while any(r):  # Delta lowers the degree in n, so this ends
                r = solve_linear(matrix, r)
                z = [a + b.scaled(sign) for a, b in zip(z, r, strict=True)]
                r = [self.shift(a) - a for a in r]
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
        def part(name: str, k: int, read: Callable[[Ratio], Ratio]) -> Sum:
            return {t: v for t, c in self.solution[name].get(k, {}).items() if (v := read(c))}

        slow = [c.slow for c in self.components if c.slow]
        self.slow = tuple(s for s in self.states if s in slow)
        through = range(self.order + 1)
        self.fields = {x: [part(x, k + 1, lambda c: coefficient_of_n(c, 1)) for k in through] for x in self.slow}
        self.maps = {x: [part(x, k + 1, lambda c: value_at(c, 1)) for k in through] for x in self.slow}
        self.memory = {
            v: [reduced(part(v, k, lambda c: coefficient_of_n(c, 0))) for k in through] for v in self.states if v not in slow
        }
