"""Update text -> one power series in gamma per state variable: its value after the step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from derive.algebra.calculus import Transfer
from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.fold import within
from derive.algebra.sequences import Sequences
from derive.algebra.sums import Algebra, Sum
from derive.engine.composition import composed
from derive.engine.series import (
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
from derive.errors import ReductionError
from derive.language import Call, Expression, Name, Number, Operation, constant, derivative_symbol, names_of, walk
from derive.scheme import Configuration
from derive.scheme.schedule import Schedule


@dataclass(frozen=True, eq=False)
class Variant:
    """What is run, where it is not the plain scheme on its slow manifold.

    from_rest     memory starts as the scheme's [initial] says, 0 by default; every variable is then determined
    rest          symbol that stands for rho^n -> rho, for each relaxation factor rho of the memory
    corrections   c_1, c_2, ..., each with its algebra: grad is replaced by grad + gamma c_1 + gamma^2 c_2 + ...
    algebra       what computes with terms (`algebra.protocol.TermAlgebra`)
    """

    from_rest: bool = False
    rest: Mapping[str, Ratio] = field(default_factory=dict)
    corrections: Sequence[tuple[Algebra, Sum]] = ()
    algebra: Callable[[Ring], Any] = Algebra


PLAIN = Variant()


class Translation:
    """The series of a configuration; `updates[x]` is the state variable x after the step, in the units of the regime.

    `solution[x][k]` is what the series read for x at gamma^k; `unsolved` names what they have found missing.
    """

    def __init__(self, configuration: Configuration, order: int, variant: Variant = PLAIN) -> None:
        self.configuration, self.scheme, self.order, self.variant = configuration, configuration.scheme, order, variant
        self.ring = Ring(self._symbols())
        self.algebra = variant.algebra(self.ring)
        self.sequences = Sequences(self.ring, {z: rho.substitute({}, self.ring) for z, rho in variant.rest.items()})
        self.all_series: list[Series] = []
        self.unsolved: set[str] = set()
        self.states = tuple(configuration.symbol(s) for s in self.scheme.states)
        scalar = {configuration.symbol(v): self.scheme.kinds[v] == "scalar" for v in self.scheme.states}
        self.symbols = {s: self.algebra.state(s, scalar.get(s, False)) for s in (*self.states, "theta_next")}
        self.later = {s: self.algebra.state(f"{s} later", scalar.get(s, False)) for s in self.symbols}
        self.solution: dict[str, dict[int, Sum]] = {s: {} for s in self.symbols}
        self.updates: dict[str, Series] = {}
        self.exploring = self.strict = False
        self.solving: Collection[str] = ()

    def explore(self, vanishing: Collection[str] = ()) -> None:
        """Compile with every state variable a symbol of its own at gamma^0, and zero where it vanishes there."""
        self.exploring = True
        for s in self.states:
            self.solution[s] = {0: {} if s in vanishing else self.symbols[s]}
        self.all_series.clear()
        self.gamma = Polynomial(self, {1: self.ring.one})
        self.updates = self._compile()

    def end_exploring(self) -> None:
        self.exploring = False
        for series in self.all_series:
            series.forget()
        for s in self.states:
            self.solution[s].clear()

    def missing(self, name: str) -> Sum:
        """Zero; a symbol of its own where it is checked that nothing depends on what is not solved yet (`strict`), beside the
        variables that are being solved."""
        return self.later[name] if self.strict and name not in self.solving else {}

    def awaited(self, values: Iterable[Sum]) -> list[str]:
        """Variables whose missing values stand in sums that were computed under `strict`."""
        labels = {f.label for total in values for t in total for f in within(t) if f.kind == "state"}
        return [name for name, symbol in self.later.items() if next(iter(symbol)).factors[0][0].label in labels]

    def _symbols(self) -> list[str]:
        symbols = list(self.configuration.free)
        texts = [a.value for a in self.scheme.program] + list(self.configuration.bindings.values())
        if any("t" in names_of(e) for e in texts) or self.configuration.functions:
            symbols.append("t")
        for name in self.configuration.functions:
            symbols += [derivative_symbol(name, k) for k in range(self.order + 2)]
        return [*symbols, *self.variant.rest]

    def shift(self, sequence: Ratio) -> Ratio:
        """P(n+1)."""
        return self.sequences.shift(sequence)

    def check_settled(self, leading: Sum, place: Place | None) -> None:
        if any(self.sequences.has_transient(c) for c in leading.values()):
            powers = ", ".join(f"({rho})**n" for rho in self.sequences.factors.values())
            raise self.fail(
                f"from rest, the transient ({powers}) stands under a root, in a denominator or in an absolute value, "
                "so the iterates are no finite sum of n^a rho^(b n); start from the slow manifold instead "
                "(modified-eq --show-memory)",
                place,
            )

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
                return self._gradient(args[0], place)
            case "sqrt":
                return Power(args[0], Fraction(1, 2), place)
            case "abs" | "sign":
                return Magnitude(args[0], function == "sign", place)
            case "dot":
                return Contraction(Times(*args))
            case "norm":
                return Power(Contraction(Times(args[0], args[0])), Fraction(1, 2), place)
        return TimeFunction(self.time_derivatives(function), args[0], function, place)

    def _gradient(self, x: Series, place: Place) -> Series:
        total: Series = Gradient(x, self.scheme.label, place)
        for j, (source, correction) in enumerate(self.variant.corrections, 1):
            image = Transfer(source, self.algebra)(correction)
            total = Plus(total, Times(Polynomial(self, {j: self.ring.one}), composed(self, image, {"theta": x})))
        return total

    def time_derivatives(self, function: str) -> list[Ratio]:
        """r, r', r'', ... at t: rational functions of t where r is one, else symbols; zero from r'' on for linear pieces."""
        setting = self.configuration.functions[function]
        through = range(self.order + 2)
        symbols = [self.ring.symbol(derivative_symbol(function, k)) for k in through]
        if isinstance(setting, Schedule):
            return [s if k < 2 else self.ring.zero for k, s in enumerate(symbols)]
        if setting is None or any(isinstance(e, Call) for e in walk(setting)):
            return symbols
        value = self._series(setting, {"t": Polynomial(self, {0: self.ring.symbol("t")})}).at(0)
        if not value.keys() <= {self.algebra.unit}:
            return symbols
        values = [value.get(self.algebra.unit, self.ring.zero)]
        for _ in through[1:]:
            values.append(values[-1].derivative("t"))
        return values
