"""Update text -> one power series in gamma per state variable: its value after the step."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.sequences import shift as polynomial_shift
from derive.algebra.sums import Algebra, Sum
from derive.engine.series import CALL_SERIES, Place, Plus, Polynomial, Power, Series, State, TimeFunction, Times
from derive.errors import ReductionError
from derive.language import Call, Expression, Meaning, Name, Operation, derivative_symbol, interpret, names_of, walk
from derive.scheme import Configuration
from derive.scheme.schedule import Schedule


class Translation:
    """The series of a configuration; `updates[x]` is the state variable x after the step, in the units of the regime.

    `solution[x][k]` is what the series read for x at gamma^k; `unsolved` names what they have found missing.
    """

    def __init__(self, configuration: Configuration, order: int) -> None:
        self.configuration, self.scheme, self.order = configuration, configuration.scheme, order
        self.ring = Ring(self._symbols())
        self.algebra = Algebra(self.ring)
        self.all_series: list[Series] = []
        self.unsolved: set[str] = set()
        self.exploring = False
        self.states = tuple(configuration.symbol(s) for s in self.scheme.states)
        self.solution: dict[str, dict[int, Sum]] = {s: {} for s in (*self.states, "theta_next")}
        self.gamma = Polynomial(self, {1: self.ring.one})
        self.updates = self._compile()

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

    def _series(self, expression: Expression, names: Mapping[str, Series]) -> Series:
        return interpret(expression, _Reading(self, names))

    def _call(self, function: str, args: list[Series], place: Place) -> Series:
        if function in CALL_SERIES:
            return CALL_SERIES[function](args, place)
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


class _Reading(Meaning[Series]):
    """The series of an expression of the update text; `names` gives those of the variables met so far."""

    def __init__(self, context: Translation, names: Mapping[str, Series]) -> None:
        self.context, self.ring, self.names = context, context.ring, names

    def constant(self, value: Ratio) -> Series:
        return Polynomial(self.context, {0: value})

    def number(self, value: Fraction) -> Series:
        return self.constant(self.ring.constant(value))

    def name(self, node: Name) -> Series:
        if node.id == "gamma":
            return self.context.gamma
        if node.id in self.names:
            return self.names[node.id]
        if node.id == "t":
            return Polynomial(self.context, {0: self.ring.symbol("t"), 1: self.ring.n})
        return self.constant(self.ring.symbol(node.id))

    def negate(self, a: Series) -> Series:
        return Times(self.constant(-self.ring.one), a)

    def add(self, a: Series, b: Series, node: Operation) -> Series:
        return Plus(a, b)

    def subtract(self, a: Series, b: Series, node: Operation) -> Series:
        return Plus(a, b, -1)

    def multiply(self, a: Series, b: Series, node: Operation) -> Series:
        return Times(a, b)

    def divide(self, a: Series, b: Series, node: Operation) -> Series:
        return Times(a, Power(b, Fraction(-1), _place(node.args[1])))

    def power(self, base: Series, exponent: Fraction | None, node: Operation) -> Series:
        place = _place(node.args[1])
        if exponent is None:
            raise self.context.fail("an exponent must be a rational number, such as 2 or 1/2", place)
        if abs(exponent.numerator) > 64 or exponent.denominator > 64:
            raise self.context.fail(f"the exponent {exponent} is beyond 64", place)
        if exponent.denominator > 1 or exponent < 0:
            return Power(base, exponent, _place(node))
        result = base if exponent else self.number(Fraction(1))
        for _ in range(int(exponent) - 1):
            result = Times(base, result)
        return result

    def call(self, node: Call, args: list[Series]) -> Series:
        return self.context._call(node.function, args, _place(node))


def _place(node: Expression) -> Place:
    return node.line, node.column
