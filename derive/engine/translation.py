"""Update text -> one power series in gamma per state variable: its value after the step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from derive.algebra.calculus import Transfer
from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.fold import within
from derive.algebra.functions import Function, gradients, mapping
from derive.algebra.sequences import Flowing, Sequences, Standing
from derive.algebra.sums import Algebra, Sum
from derive.algebra.terms import Exponent
from derive.engine.calls import CALL_SERIES, Expressions, Gradient, Mapped, TimeFunction, Value, place_of
from derive.engine.composition import Node, composed
from derive.engine.loop import Loop
from derive.engine.pace import Paced, moved
from derive.engine.roots import Power, Vanishes
from derive.engine.series import Place, Plus, Polynomial, Series, State, Times
from derive.errors import ReductionError
from derive.language import (
    Assignment,
    Call,
    Expression,
    Name,
    Operation,
    Statement,
    derivative_symbol,
    interpret,
    names_of,
    symbolic_depth,
)
from derive.language.calls import CALLS, Partial, SchemeCall, partial_of
from derive.language.maps import map_of
from derive.scheme import Configuration
from derive.scheme.names import ahead, previous
from derive.scheme.schedule import Schedule, is_rational


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
    algebra: Callable[..., Any] = Algebra


PLAIN = Variant()


class Translation:
    """The series of a configuration; `updates[x]` is the state variable x after the step, in the units of the regime, and
    `lines[x]` what the text says x is at its end.

    `solution[x][k]` is what the series read for x at gamma^k; `unsolved` names what they have found missing.  At the power
    `tentative` it is a guess (-1: none is); `begins` is what is known of roots of what vanishes (`engine.roots`).

    Powers are those of h, gamma = h^root; `lag` and `paces` are p and the e of every state (`engine.pace`).
    """

    def __init__(self, configuration: Configuration, order: int, variant: Variant = PLAIN) -> None:
        self.configuration, self.scheme, self.order, self.variant = configuration, configuration.scheme, order, variant
        self.indices = tuple(f"step {i} of repeat" for i in range(symbolic_depth(self.scheme.statements)))
        self.depth = 0  # in repeats whose number is a symbol
        self.ring = Ring(self._symbols())
        self.root, self.lag = self.scheme.root, 0
        self.paces: Mapping[str, int] = {}
        self._check_root()
        self.functions: Mapping[str, Function] = {
            **gradients(self.scheme.losses),
            **{label: mapping(label, kind, self.scheme.inverses.get(label, "")) for label, kind in self.scheme.maps.items()},
        }
        self.algebra = self._algebra()
        if self.scheme.leading or self.scheme.whole.leading_where:
            self.use_ranges()  # what is stated need be true in the ranges of the parameters alone
        self.sequences = Sequences(self.ring, {z: rho.substitute({}, self.ring) for z, rho in variant.rest.items()})
        self.all_series: list[Series] = []
        self.unsolved: set[str] = set()
        self.states = tuple(configuration.symbol(s) for s in self.scheme.states)
        scalar = {configuration.symbol(v): self.scheme.kinds[v] == "scalar" for v in self.scheme.states}
        ahead_names = map(ahead, self.scheme.unknowns)
        self.symbols = {s: self.algebra.state(s, scalar.get(s, False)) for s in (*self.states, *ahead_names)}
        self.later = {s: self.algebra.state(later(s), scalar.get(s, False)) for s in self.symbols}
        self.solution: dict[str, dict[int, Sum]] = {s: {} for s in self.symbols}
        self.updates: dict[str, Series] = {}
        self.lines: Mapping[str, Series] = {}
        self.exploring = self.strict = False
        self.begins: dict[int, Exponent] = {}
        self.vanishing = ""  # what was last seen to vanish, in words
        self.tentative = -1
        self.solving: Collection[str] = ()

    def use_ranges(self) -> None:
        """Sizes of parameters are read in their ranges: |1-beta| is 1-beta for beta < 1."""
        from derive.engine.decay import signs_in_ranges  # start-up: most schemes need no signs

        self.algebra.sign = signs_in_ranges(self.configuration, self.ring)

    def _algebra(self) -> Any:
        """The algebra of terms; where losses are declared, with their gradients and the spaces of all state variables."""
        if not self.scheme.losses and not self.scheme.maps:
            return self.variant.algebra(self.ring)
        known = {self.configuration.symbol(s): x for s, x in self.scheme.spaces.items()}
        spaces = known | {later(s, i): x for s, x in known.items() for i in (None, *range(self.order + 2))}
        return self.variant.algebra(self.ring, self.functions, spaces if len(self.scheme.unknowns) > 1 else {})

    def explore(self, vanishing: Collection[str] = ()) -> None:
        """Compile with every state variable a symbol of its own at gamma^0, and zero where it vanishes there."""
        self.exploring = True
        for s in self.states:
            self.solution[s] = {0: {} if s in vanishing else self.symbols[s]}
        self.all_series.clear()
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

    def is_missing(self, value: Sum) -> bool:
        return self.strict and bool(self.awaited([value]))

    def unknown(self) -> Sum:
        return next((value for name in sorted(self.unsolved & self.later.keys()) if (value := self.missing(name))), {})

    def is_tentative(self, k: int) -> bool:
        return k == self.tentative

    def vanishes(self, root: int, v: Exponent, following: Exponent, what: str, place: Place | None) -> ReductionError:
        """To look further than every power that enters the equation would be to no end."""
        error = self.fail(f"the leading part vanishes {what} through gamma^{v}; add a positive constant such as eps there", place)
        return error if v > 2 * self.top else Vanishes(str(error), root, following)

    def awaited(self, values: Iterable[Sum]) -> list[str]:
        """Variables whose missing values stand in sums that were computed under `strict`."""
        labels = {f.label for total in values for t in total for f in within(t) if f.kind == "state"}
        return [name for name, symbol in self.later.items() if next(iter(symbol)).factors[0][0].label in labels]

    def _symbols(self) -> list[str]:
        symbols = list(self.configuration.free)
        texts = [a.value for a in self.scheme.lines] + list(self.configuration.bindings.values())
        if any("t" in names_of(e) for e in texts) or self.configuration.functions:
            symbols.append("t")
        for name in self.configuration.functions:
            symbols += [derivative_symbol(name, k) for k in range(self.order + 2)]
        return [*symbols, *self.variant.rest, *self.indices]

    @property
    def top(self) -> int:
        """The power at which the unknowns have the last coefficient of the field."""
        return self.order + self.root - self.lag

    def sequences_of(self, name: str) -> Sequences:
        """The equations that the sequences of a state solve."""
        if not self.lag:
            return self.sequences
        return (Flowing if self.paces[name] == self.lag else Standing)(self.ring)

    def shift(self, sequence: Ratio) -> Ratio:
        """P(n+1)."""
        return self.sequences.shift(sequence)

    def moved(self, name: str, power: Exponent, first: int) -> Sum:
        """A state after a step less the first terms of its Taylor series in the clock, at a power."""
        return moved(self.solution[name], power, self.lag, first)

    def after(self, name: str, power: int) -> Sum:
        """A state that is solved at this power, after a step."""
        if self.lag:
            return self.moved(name, power, 0)
        return {t: self.shift(c) for t, c in self.solution[name][power].items()}

    def _check_root(self) -> None:
        if self.root > 1 and (self.variant.from_rest or self.variant.corrections):
            what = "a start from rest, and a modified gradient, are read in whole powers of gamma"
            raise self.fail(f"{what}, and this expansion is in gamma**(1/{self.root})")

    def check_settled(self, leading: Sum, place: Place | None, stands: str = "") -> None:
        if self.indices and any(i in c.symbols() for c in leading.values() for i in self.indices):
            where = stands or "stands under a root, in a denominator, an absolute value or a function"
            text = f"what changes from step to step of a repeat {where}"
            raise self.fail(f"{text}; give the number of its steps, such as --set k=3", place)
        self.check_transient(leading, place, stands)

    def check_transient(self, leading: Sum, place: Place | None, stands: str) -> None:
        if any(self.sequences.has_transient(c) for c in leading.values()):
            powers = ", ".join(f"({rho})**n" for rho in self.sequences.factors.values())
            maps = ", or is taken by a map" if self.scheme.maps else ""
            where = stands or f"stands under a root, in a denominator or in an absolute value{maps}"
            raise self.fail(
                f"from rest, the transient ({powers}) {where}, so the iterates are no finite sum of n^a rho^(b n); start "
                "from the slow manifold instead (modified-eq --show-memory)",
                place,
            )

    def fail(self, message: str, place: Place | None = None) -> ReductionError:
        where = f", line {place[0]}, column {place[1]}" if place else ""
        return ReductionError(f"{self.scheme.where}{where}: {message}")

    def _compile(self) -> dict[str, Series]:
        """One series per state variable: its value after the step, in the units in which it is carried."""
        self.gamma = Polynomial(self, {self.root: self.ring.one})
        bindings = {n: self._series(e, {}) for n, e in self.configuration.bindings.items()}
        factors = {v: self._series(r.factor, bindings) for v, r in self.configuration.rescaled.items()}
        names: dict[str, Series] = dict(bindings)
        for variable in self.scheme.states:
            state = State(self, self.configuration.symbol(variable))
            names[variable] = Times(factors[variable], state) if variable in factors else state
        names |= {ahead(x): State(self, x, ahead=True) for x in self.scheme.unknowns}
        old = {previous(x): names[x] for x in self.scheme.unknowns}
        self.execute(self.scheme.statements, names)
        self.lines = names
        updates = {v: names[v] for v in self.scheme.states}
        updates |= {x: series for x, series in old.items() if x in updates and x not in self.scheme.assigned}
        for variable, factor in factors.items():
            updates[variable] = Times(updates[variable], Power(factor, Fraction(-1), None))
        return {s: self._paced(s, updates[v]) for v in updates for s in [self.configuration.symbol(v)]}

    def _paced(self, name: str, update: Series) -> Series:
        return Paced(update, State(self, name), self.paces[name], self.lag) if self.lag else update

    def execute(self, statements: Iterable[Statement], names: dict[str, Series]) -> None:
        """Carry out statements on the series of the names; what is repeated a known number of times is written out."""
        for s in statements:
            if isinstance(s, Assignment):
                names[s.target] = self._series(s.value, names)
            elif s.times is not None:
                for _ in range(s.times):
                    self.execute(s.body, names)
            else:
                index = self.indices[self.depth]
                self.depth += 1
                names |= Loop(self, s, names, index).results()
                self.depth -= 1

    def _series(self, expression: Expression, names: Mapping[str, Series]) -> Series:
        return interpret(expression, _Reading(self, names))

    def _call(self, function: str, args: list[Series], place: Place) -> Series:
        if partial := partial_of(function):
            return self._derivative(partial, args, place)
        if map_of(function, self.scheme.maps):
            return Mapped(function, args[0], args[1:], place)
        if function not in CALL_SERIES:
            return TimeFunction(self.time_derivatives(function), args[0], function, place)
        series = CALL_SERIES[function](args, place)
        return self._corrected(series, args[0], CALLS[function], place) if CALLS[function].label else series

    def _derivative(self, partial: Partial, args: list[Series], place: Place) -> Series:
        """A derivative of a loss, or its value, at the point that its first arguments are."""
        if self.variant.corrections:
            raise self._only_gradients(partial.written, place)
        point, directions = partial.divided(args)
        if not partial.variables:
            return Value(dict(zip(self.scheme.losses[partial.loss], point, strict=True)), place, partial.loss)
        slots = dict(zip(self.functions[partial.label].slots, point, strict=True))
        if directions:
            return Node(slots, partial.label, directions, place)
        return Gradient(slots, partial.label, place)

    def _corrected(self, total: Series, x: Series, call: SchemeCall, place: Place) -> Series:
        """grad(x) + gamma c_1(x) + gamma^2 c_2(x) + ..."""
        if self.variant.corrections and call.kind != "vector":
            raise self._only_gradients(call.name, place)
        for j, (source, correction) in enumerate(self.variant.corrections, 1):
            image = Transfer(source, self.algebra)(correction)
            total = Plus(total, Times(Polynomial(self, {j: self.ring.one}), composed(self, image, {"theta": x})))
        return total

    def _only_gradients(self, function: str, place: Place) -> ReductionError:
        return self.fail(f"only what is made of grad(x) can be modified, and {function}(...) stands here", place)

    def time_derivatives(self, function: str) -> list[Ratio]:
        """r, r', r'', ... at t: rational functions of t where r is one, else symbols; zero from r'' on for straight pieces."""
        setting = self.configuration.functions[function]
        through = range(self.order + 2)
        symbols = [self.ring.symbol(derivative_symbol(function, k)) for k in through]
        if isinstance(setting, Schedule):
            return [s if k < 2 or not setting.straight else self.ring.zero for k, s in enumerate(symbols)]
        if setting is None or not is_rational(setting):
            return symbols
        value = self._series(setting, {"t": Polynomial(self, {0: self.ring.symbol("t")})}).at(0)
        if not value.keys() <= {self.algebra.unit}:
            return symbols
        values = [value.get(self.algebra.unit, self.ring.zero)]
        for _ in through[1:]:
            values.append(values[-1].derivative("t"))
        return values


def later(state: str, power: int | None = None) -> str:
    """The symbol for a value that is not solved yet; for its coefficient of n^power where it is guessed."""
    return f"{state} later" if power is None else f"{state} later {power}"


class _Reading(Expressions):
    """The series of an expression of the update text; `names` gives those of the variables met so far."""

    context: Translation

    def __init__(self, context: Translation, names: Mapping[str, Series]) -> None:
        self.context, self.ring, self.names = context, context.ring, names

    def name(self, node: Name) -> Series:
        if node.id == "gamma":
            return self.context.gamma
        if node.id in self.names:
            return self.names[node.id]
        if node.id == "t":
            elapsed = self.context.root - self.context.lag
            return Polynomial(self.context, {0: self.ring.symbol("t"), elapsed: self.ring.n})
        return self.constant(self.ring.symbol(node.id))

    def power(self, base: Series, exponent: Fraction | None, node: Operation) -> Series:
        place = place_of(node.args[1])
        if exponent is None:
            raise self.context.fail("an exponent must be a rational number, such as 2 or 1/2", place)
        if abs(exponent.numerator) > 64 or exponent.denominator > 64:
            raise self.context.fail(f"the exponent {exponent} is beyond 64", place)
        if exponent.denominator > 1 or exponent < 0:
            return Power(base, exponent, place_of(node))
        result = base if exponent else self.number(Fraction(1))
        for _ in range(int(exponent) - 1):
            result = Times(base, result)
        return result

    def call(self, node: Call, args: list[Series]) -> Series:
        return self.context._call(node.function, args, place_of(node))
