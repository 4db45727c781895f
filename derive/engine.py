"""The engine: run the scheme with the step number n left symbolic, order by order in gamma.

    X_n = sum_k gamma^k sum_m P_{k,m}(n) m          (m: terms; P_{k,m}: polynomials in n)

At gamma^k the update gives, for the variables that are coupled at gamma = 0 by a constant matrix A,

    X_k(n+1) - A X_k(n) = R_k(n),       R_k known from lower powers and from variables solved before,

a linear difference equation whose polynomial solution is taken: eigenvalue 1 belongs to the slow variable (its value at
n = 0 is the point itself), every other eigenvalue to a transient that the slow manifold leaves out.  The solution is put
back into the update, and the residual must vanish identically.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.linear import characteristic_polynomial, null_vector, solve_linear
from derive.algebra.sequences import SequenceSolver
from derive.algebra.sequences import shift as polynomial_shift
from derive.algebra.sums import Algebra, Sum, accumulate, reduced
from derive.algebra.terms import Term
from derive.errors import ReductionError, ResidualError
from derive.language import Call, Expression, Name, Number, Operation, constant, names_of, walk
from derive.schedule import Schedule
from derive.scheme import Configuration
from derive.series import (
    Contraction,
    Gradient,
    Magnitude,
    Place,
    Plus,
    Polynomial,
    Power,
    Series,
    State,
    TimeFunction,
    Times,
)


def derivative_symbol(name: str, k: int) -> str:
    """Symbol of the k-th derivative of a time function: r, dr, d2r, d3r, ..."""
    return name if k == 0 else f"d{name}" if k == 1 else f"d{k}{name}"


@dataclass
class Component:
    """State variables coupled at gamma = 0: X+ = A X + ...; `slow` is the one that carries eigenvalue 1, if any."""

    names: tuple[str, ...]
    matrix: list[list[Ratio]]
    slow: str | None = None
    left: list[Ratio] = field(default_factory=list)  # l A = l
    right: list[Ratio] = field(default_factory=list)  # A r = r, l r = 1, r[slow] = 1


class Derivation:
    """One run of the engine; `fields`, `maps` and `memory` are its results.

    fields[x][k]   coefficient of gamma^k in x', for every slow variable x
    maps[x][k]     coefficient of gamma^k in (x_1 - x_0)/gamma
    memory[v][k]   coefficient of gamma^k of memory v on the slow manifold
    """

    def __init__(self, configuration: Configuration, order: int, progress: Callable[[int], None] | None = None) -> None:
        self.configuration, self.scheme, self.order = configuration, configuration.scheme, order
        self.ring = Ring(self._symbols())
        self.algebra = Algebra(self.ring)
        self.solver = SequenceSolver(self.ring)
        self.all_series: list[Series] = []
        self.unsolved: set[str] = set()
        self.exploring = False
        self._look_again: list[tuple[Component, int]] = []
        self.states = tuple(configuration.symbol(s) for s in self.scheme.states)
        self.solution: dict[str, dict[int, Sum]] = {s: {} for s in (*self.states, "theta_next")}
        self.gamma = Polynomial(self, {1: self.ring.one})
        self.updates = self._compile()
        self.components = self._explore()
        self.residual_power = order + 1
        for k in range(order + 2):
            for component in self.components if k <= order else self._needed_last():
                self._solve(component, k)
            while self._look_again:
                self._check_residual(*self._look_again.pop())
            if progress:
                progress(k)
        self._read_off()

    def _symbols(self) -> list[str]:
        symbols = list(self.configuration.free)
        texts = [a.value for a in self.scheme.program] + list(self.configuration.bindings.values())
        if any("t" in names_of(e) for e in texts) or self.configuration.functions:
            symbols.append("t")
        for name in self.configuration.functions:
            symbols += [derivative_symbol(name, k) for k in range(self.order + 2)]
        return symbols

    def shift(self, sequence: Ratio) -> Ratio:
        """P(n+1); sequences of another kind (transients) override it."""
        return polynomial_shift(sequence)

    def fail(self, message: str, place: Place | None = None) -> ReductionError:
        where = f", line {place[0]}, column {place[1]}" if place else ""
        return ReductionError(f"{self.scheme.where}{where}: {message}")

    # ------------------------------------------------------------------ update text -> series

    def _compile(self) -> dict[str, Series]:
        """One series per state variable: its value after the step, in the units in which it is carried."""
        bindings = {n: self._series(e, {}) for n, e in self.configuration.bindings.items()}
        factors = {v: self._series(r.factor, bindings) for v, r in self.configuration.rescaled.items()}
        names: dict[str, Series] = dict(bindings)
        for variable in self.scheme.states:
            state = State(self, self.configuration.symbol(variable))
            names[variable] = Times(factors[variable], state) if variable in factors else state
        names["theta_next"] = State(self, "theta", ahead=True)
        old_theta = names["theta"]
        for assignment in self.scheme.program:
            names[assignment.target] = self._series(assignment.value, names)
        updates = {v: names[v] for v in self.scheme.states}
        if "theta_prev" in updates and "theta_prev" not in self.scheme.assigned:
            updates["theta_prev"] = old_theta
        for variable, factor in factors.items():
            updates[variable] = Times(updates[variable], Power(factor, Fraction(-1), None))
        return {self.configuration.symbol(v): series for v, series in updates.items()}

    def _series(self, expression: Expression, names: dict[str, Series]) -> Series:
        place = (expression.line, expression.column)
        match expression:
            case Number(value):
                return Polynomial(self, {0: self.ring.constant(value)})
            case Name("gamma"):
                return self.gamma
            case Name("t") if "t" not in names:
                return Polynomial(self, {0: self.ring.symbol("t"), 1: self.ring.n})
            case Name(id):
                return names[id] if id in names else Polynomial(self, {0: self.ring.symbol(id)})
            case Operation("neg", (a,)):
                return Times(Polynomial(self, {0: -self.ring.one}), self._series(a, names))
            case Operation("**", (a, b)):
                return self._power(self._series(a, names), b, place)
            case Operation(op, (a, b)):
                x, y = self._series(a, names), self._series(b, names)
                if op == "/":
                    y = Power(y, Fraction(-1), (b.line, b.column))
                return Times(x, y) if op in "*/" else Plus(x, y, 1 if op == "+" else -1)
            case Call(function, args):
                return self._call(function, [self._series(a, names) for a in args], place)
        raise AssertionError(expression)

    def _power(self, base: Series, exponent: Expression, place: Place) -> Series:
        e = constant(exponent)
        if e is None:
            raise self.fail("an exponent must be a rational number, such as 2 or 1/2", (exponent.line, exponent.column))
        if abs(e.numerator) > 64 or e.denominator > 64:
            raise self.fail(f"the exponent {e} is beyond 64", (exponent.line, exponent.column))
        if e.denominator > 1 or e < 0:
            return Power(base, e, place)
        result: Series = Polynomial(self, {0: self.ring.one})
        for _ in range(int(e)):
            result = Times(base, result) if _ else base
        return result

    def _call(self, function: str, args: list[Series], place: Place) -> Series:
        match function:
            case "grad" | "field":
                return Gradient(args[0], self.scheme.label, place)
            case "sqrt":
                return Power(args[0], Fraction(1, 2), place)
            case "abs" | "sign":
                return Magnitude(args[0], function == "sign", place)
            case "dot":
                return Contraction(Times(*args))
            case "norm":
                return Power(Contraction(Times(args[0], args[0])), Fraction(1, 2), place)
        return TimeFunction(self._derivatives(function), args[0], function, place)

    def _derivatives(self, function: str) -> list[Ratio]:
        """r, r', r'', ... at t: symbols; rational functions of t where r is one; zero from r'' on for linear pieces."""
        setting = self.configuration.functions[function]
        through = range(self.order + 2)
        symbols = [self.ring.symbol(derivative_symbol(function, k)) for k in through]
        if isinstance(setting, Schedule):
            return [s if k < 2 else self.ring.zero for k, s in enumerate(symbols)]
        if setting is None or any(isinstance(e, Call) for e in walk(setting)):
            return symbols
        series = self._series(setting, {"t": Polynomial(self, {0: self.ring.symbol("t")})})
        values = [series.at(0).get(self.algebra.unit, self.ring.zero)]
        for _ in through[1:]:
            values.append(values[-1].derivative("t"))
        return values

    # ------------------------------------------------------------------ what is coupled at gamma = 0

    def _explore(self) -> list[Component]:
        """Components in an order in which they can be solved.

        Every state variable is given the value of a symbol of its own; the updates at gamma^0 then show on which
        variables each depends, and through which constants.
        """
        self.exploring = True
        scalar = {self.configuration.symbol(v): self.scheme.kinds[v] == "scalar" for v in self.scheme.states}
        symbols = {s: self.algebra.state(s, scalar.get(s, False)) for s in (*self.states, "theta_next")}
        for s in self.states:
            self.solution[s][0] = symbols[s]
        leading: dict[str, Sum] = {}
        for s, update in self.updates.items():
            self._check_divisible(s, update)
            leading[s] = update.at(0)
        self.exploring = False
        for series in self.all_series:
            series.known.clear()
            if isinstance(series, Power):
                series._inverse = None
        for s in self.states:
            self.solution[s].clear()
        self.symbols = symbols
        needs = {s: self._depends(leading[s]) for s in self.states}
        self._needs = needs
        return [self._component(names, leading, needs) for names in _strong_components(needs)]

    def _check_divisible(self, state: str, update: Series) -> None:
        for k in range(update.low, 0):
            if update.at(k):
                raise self.fail(
                    f"after the step {state} is of order gamma^{k}, not of order 1; rescale it with another power of gamma"
                )

    def _depends(self, value: Sum) -> set[str]:
        """State variables on which a sum of terms depends; every derivative of L depends on theta."""
        found: set[str] = set()

        def visit(term: Term) -> None:
            for f, _ in term.factors:
                if f.kind == "state":
                    found.add("theta" if f.label == "theta_next" else f.label)
                elif f.kind == "node":
                    found.add("theta")
                for child in f.children:
                    visit(child)
                for inner, _ in f.body:
                    visit(inner)

        for term in value:
            visit(term)
        return found & set(self.states)

    def _component(self, names: tuple[str, ...], leading: dict[str, Sum], needs: dict[str, set[str]]) -> Component:
        terms = {s: next(iter(self.symbols[s])) for s in names}
        matrix = []
        for s in names:
            linear = {x: leading[s].get(terms[x], self.ring.zero) for x in names}
            rest = {t: c for t, c in leading[s].items() if t not in terms.values()}
            if self._depends(rest) & set(names):
                raise self._nonlinear(s, names, rest)
            matrix.append([linear[x] for x in names])
        component = Component(names, matrix)
        self._find_slow(component)
        return component

    def _nonlinear(self, state: str, names: tuple[str, ...], rest: Sum) -> ReductionError:
        if any(f.kind == "node" and self._depends(dict.fromkeys(f.children, self.ring.one)) for t in rest for f, _ in t.factors):
            return self.fail(f"the gradient is taken at a point that moves with {state}, which is not small; it must tend to theta")
        if "theta" in names:
            return self._no_identity("theta changes by a term without gamma")
        return self.fail(
            f"the relaxation of {state} depends on theta or is not linear at gamma = 0; only constant relaxation factors are "
            "reduced (for a root of an average, keep its square as the memory)"
        )

    def _no_identity(self, what: str) -> ReductionError:
        free = [n for n in ("alpha", "lr", "eta", "h", "s") if n in self.configuration.free]
        hint = f"; say how it scales, for example --set {free[0]}=gamma" if free else "; write the step size as gamma"
        return self.fail(f"the step does not tend to the identity as gamma -> 0: {what}{hint}")

    def _find_slow(self, component: Component) -> None:
        """Eigenvalue 1 of A: none (memory), simple (a slow variable), or a Jordan block (refused)."""
        one, zero = self.ring.one, self.ring.zero
        size = len(component.names)
        excess = [[a - (one if i == j else zero) for j, a in enumerate(row)] for i, row in enumerate(component.matrix)]
        right = null_vector(excess, self.ring)
        if right is None:
            if "theta" in component.names:
                raise self._no_identity("theta is multiplied by another factor than 1")
            return
        left = null_vector([list(column) for column in zip(*excess, strict=True)], self.ring)
        assert left is not None
        pairing = sum((a * b for a, b in zip(left, right, strict=True)), zero)
        if not pairing:
            raise self._jordan(component.names)
        order = sorted(range(size), key=lambda i: component.names[i] != "theta")
        slow = next(i for i in order if right[i])
        component.slow = component.names[slow]
        component.right = [r / right[slow] for r in right]
        component.left = [a * right[slow] / pairing for a in left]

    def _jordan(self, names: Iterable[str]) -> ReductionError:
        memory = next((n for n in names if n != "theta"), "v")
        variable = next((v for v in self.scheme.states if self.configuration.symbol(v) == memory), memory)
        return self.fail(
            f"the relaxation factor of {variable} is 1 at gamma = 0 and it drives theta, a Jordan block; rescale it so that it "
            f'becomes a slow variable, with a regime that has {variable} = "gamma*eta" and a step gamma**2 '
            "(the result is then an equation for theta and eta)"
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
            if not self.algebra.is_zero(residual):
                raise ResidualError(f"{self.scheme.where}: residual of {name} at gamma^{k}: {residual}")

    def _check_identity(self, component: Component, right: list[Sum]) -> None:
        for name, value in zip(component.names, right, strict=True):
            for state, term in ((s, next(iter(self.symbols[s]))) for s in self.states):
                if term in value and state not in component.names:
                    raise self._jordan((state, name))
            if value and "theta" in component.names:
                raise self._no_identity("theta changes by a term without gamma")
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
        from derive.algebra.sequences import coefficient_of_n, value_at

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

    def relaxations(self) -> list[tuple[tuple[str, ...], list[Ratio]]]:
        """For every component with memory: its variables and det(z E - A)/(z - 1)^[slow], coefficients from z^0 up."""
        result = []
        for component in self.components:
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
