"""The scheme, its modified equation and the loss as JavaScript, generated from the exact field.

Update text, terms, coefficients and the derivatives of the loss are recorded on one tape (`numbers.tape`), the hyperparameters
among its inputs; each function of the model is the part of the tape that its outputs need, written in double precision.

    field(s, p)       rows f_0, ..., f_N of the slow coordinates s     potential(s, p)   V_0, V_1, ... as far as they exist
    step(z, g, p, a)  the whole state z = s, memory one step later     loss(s)           L
    memory(s, g, p)   the slow manifold through gamma^M                rest(s, g, p)     the memory users start with
    first(s, g, p)    the slow manifold to its lowest power            factors(s, p)     relaxation factors, those that are alone

The code consists of numbers, operators, `Math.` and the letters s, z, g, p, a, v: no text of a user reaches it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

from derive.language import fresh_name
from derive.scheme import Configuration
from verify.numbers.tape import Node, Tape
from verify.numeric.formulas import combination, field_values, scalar_names
from verify.numeric.system import Layout, Recorder, layout_of
from verify.orbits.run import reads_ahead
from verify.problems.formula import FormulaValues
from verify.problems.maps import maps_of
from verify.problems.plane_game import Planar

Equation = Mapping[str, Any]
_FUNCTIONS = {name: f"Math.{name}" for name in ("sin", "cos", "sinh", "cosh", "log", "atan")}


def number(value: Any) -> str:
    """A rational number as the nearest double.

    >>> number(Fraction(-1, 3))
    '(-0.3333333333333333)'
    """
    q = Fraction(value)
    text = str(q.numerator) if q.denominator == 1 and abs(q.numerator) < 2**53 else repr(float(q))
    return f"({text})" if q < 0 else text


def power(base: str, exponent: Fraction) -> str:
    """base^exponent for a fractional or negative exponent.

    >>> power("v1", Fraction(-1, 2)), power("v1", Fraction(-2)), power("v1", Fraction(1, 3))
    ('1/Math.sqrt(v1)', '1/(v1*v1)', 'Math.pow(v1, 0.3333333333333333)')
    """
    size = abs(exponent)
    if size == Fraction(1, 2):
        text = f"Math.sqrt({base})"
    elif size == 1:
        text = base
    elif size == 2:
        text = f"({base}*{base})"
    else:
        return f"Math.pow({base}, {number(exponent)})"
    return f"1/{text}" if exponent < 0 else text


def statement(operation: str, args: Sequence[str], extra: Any) -> str:
    """The JavaScript expression of one operation of a tape."""
    match operation:
        case "constant":
            return number(extra)
        case "scaled":
            return f"{number(extra)}*{args[0]}"
        case "+" | "*" | "/":
            return operation.join(args)
        case "**":
            return power(args[0], Fraction(extra))
        case "sign":
            return f"Math.sign({args[0]})"
        case "exp":
            return f"Math.exp({args[0]})"
        case "primitive":
            return f"{_FUNCTIONS[extra]}({args[0]})"
        case "turn":
            return f"{_FUNCTIONS[extra[0]]}({args[0]})"
    raise AssertionError(operation)


def function_text(tape: Tape, arguments: str, names: Mapping[int, str], rows: Sequence[Sequence[Node]], flat: bool) -> str:
    """A JavaScript function whose value is the rows of nodes (one row alone if `flat`)."""
    lines = []
    # sin and cos record each other as arguments, for their series; a value needs its first argument only
    for index in _order(tape, [n for row in rows for n in row]):
        operation, args, extra = tape.operations[index]
        text = names[index] if operation == "input" else statement(operation, [f"v{a}" for a in args], extra)
        lines.append(f"const v{index}={text};")
    shown = [f"[{','.join(f'v{n.index}' for n in row)}]" for row in rows]
    value = shown[0] if flat else f"[{','.join(shown)}]"
    return f"({arguments})=>{{{''.join(lines)}return {value};}}"


def _order(tape: Tape, outputs: Sequence[Node]) -> list[int]:
    found: set[int] = set()
    frontier = [o.index for o in outputs]
    while frontier:
        index = frontier.pop()
        if index not in found:
            found.add(index)
            operation, args, _ = tape.operations[index]
            frontier.extend(args[:1] if operation in ("turn", "primitive") else args)
    return sorted(found)


class Model:
    """The generated model of one scheme on one two-dimensional loss.

    equation   JSON form through gamma^N;   longer   the same through a higher power, for the memory's slow manifold
    potential  terms of V_0, V_1, ... as JSON blocks, empty where no modified loss exists
    """

    def __init__(
        self, configuration: Configuration, equation: Equation, longer: Equation, loss: Planar, potential: Sequence[Any] = ()
    ) -> None:
        self.configuration, self.equation, self.longer, self.loss = configuration, equation, longer, loss
        self.potential = potential
        self.layout: Layout = layout_of(configuration, equation, loss)
        self.size = max((high for _, high in self.layout.slots.values()), default=0)
        self.slow_size = max(high for n, (_, high) in self.layout.slots.items() if n not in self.layout.memory)
        self.parameters = configuration.free
        self.tape = Tape(self.size + 1 + len(self.parameters) + loss.dimension)
        inputs = self.tape.inputs
        self.state, self.gamma = inputs[: self.size], inputs[self.size]
        self.values: Any = dict(zip(self.parameters, inputs[self.size + 1 :], strict=False))
        self.ahead = inputs[-loss.dimension :]
        self.recorder = Recorder(configuration, self.layout, loss, self.values)

    @property
    def implicit(self) -> bool:
        return reads_ahead(self.configuration.scheme)

    @cached_property
    def coordinates(self) -> list[str]:
        """Names of the state's components, slow ones first: 'x', 'y', 'eta_x', ..."""
        names = []
        for n, (low, high) in self.layout.slots.items():
            parts = self.loss.variables if high - low > 1 or n in self.recorder.vectors else ("",)
            names += [v if n == "theta" else f"{n}_{v}" if v else n for v in parts]
        return names

    def _names(self, state: str) -> dict[int, str]:
        names = {n.index: f"{state}[{i}]" for i, n in enumerate(self.state)}
        names |= {n.index: f"p[{i}]" for i, n in enumerate(self.values.values())}
        names |= {n.index: f"a[{i}]" for i, n in enumerate(self.ahead)}
        return {**names, self.gamma.index: "g"}

    def _function(self, arguments: str, rows: Sequence[Sequence[Any]], flat: bool = True) -> str:
        lifted = [[self.tape.lift(x) for x in row] for row in rows]
        return function_text(self.tape, arguments, self._names(arguments[0]), lifted, flat)

    def _formulas(self) -> FormulaValues:
        slow = self.layout.split(self.state[: self.slow_size], self.recorder.vectors)
        names = scalar_names(self.configuration, self.values, slow.get("t"), self.tape, self.longer)
        if not self.loss.is_field:
            names[fresh_name("L", names)] = self.loss.value(slow["theta"])
        names = {**slow, **names}
        return FormulaValues(self.loss, slow["theta"], names, self.tape.numbers, maps=maps_of(self.configuration, names))  # type: ignore[arg-type]

    def _field(self) -> list[list[Any]]:
        point = self.state[: self.slow_size]
        vectors, parameters = self.recorder.vectors, self.values
        return field_values(self.configuration, self.equation, self.layout, vectors, self.loss, parameters, point)

    def _step(self) -> list[Any]:
        ahead = self.ahead if self.implicit else None
        return self.recorder.step(self.state, self.gamma, self.tape.numbers, ahead)

    def _memory(self, lowest: bool = False) -> list[Any]:
        """sum_k gamma^k M_k, or its first block that is not empty alone (for theta_prev, held as a difference, the first two)."""
        values, found = self._formulas(), []
        for name in self.layout.memory:
            low, high = self.layout.slots[name]
            total: list[Any] = [Fraction(0)] * (high - low)
            blocks = [b for b in self.longer["memory"][name] if b["terms"]]
            for block in blocks[: 1 + (name == "theta_prev")] if lowest else blocks:
                weight = self.gamma ** block["power"]
                total = [a + weight * x for a, x in zip(total, combination(block["terms"], values, high - low), strict=True)]
            if name == "theta_prev":
                total = [a - x for a, x in zip(total, self.state[:2], strict=True)]
            found += total
        return found

    def _factors(self) -> list[Any]:
        values = self._formulas()
        alone = [p for r in self.equation["relaxation"] if len(p := r.get("polynomial", ())) == 2]
        return [-values[polynomial[0]] for polynomial in alone]

    def _rest(self) -> list[Any]:
        slow = self.layout.split(self.state[: self.slow_size], self.recorder.vectors)
        state = self.recorder.runner(self.tape.numbers).at_rest(slow, self.gamma, slow.get("t", self.tape.lift(0)))
        values = [state[name] for name in self.layout.memory]
        return [x for value in values for x in (value if isinstance(value, list) else [value])]

    def _potentials(self) -> list[list[Any]]:
        values = self._formulas()
        return [[sum((values[i["coefficient"]] * values[i["term"]] for i in block["terms"]), self.tape.lift(0))
                 for block in self.potential]]  # fmt: skip

    def text(self) -> str:
        """The model as one JavaScript object."""
        parts = {
            "field": self._function("s,p", self._field(), False),
            "step": self._function("z,g,p,a", [self._step()]),
            "memory": self._function("s,g,p", [self._memory()]),
            "first": self._function("s,g,p", [self._memory(lowest=True)]),
            "rest": self._function("s,g,p", [self._rest()]),
            "factors": self._function("s,p", [self._factors()]),
            "loss": "null" if self.loss.is_field else self._function("s", [[self.loss.value(self.state[:2])]]),
            "potential": self._function("s,p", self._potentials()) if self.potential else "null",
        }
        body = ",\n".join(f"{name}:{text}" for name, text in parts.items())
        flags = f"size:{self.size},slow:{self.slow_size},implicit:{'true' if self.implicit else 'false'}"
        return f"{{{flags},\n{body}}}"
