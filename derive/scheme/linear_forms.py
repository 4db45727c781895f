"""Linear forms of an update text: every line run on sum_x c_x x over the state variables x.

    {"theta": 1, "v": -gamma}      theta - gamma v
    {"": beta}                     the number beta

Coefficients are rational functions of gamma and the free parameters, reduced.  What a gradient is, a multiple of its
point or an unknown of its own, is for the reader of the update to say, and so are the words of a refusal.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from fractions import Fraction

from derive.algebra.coefficients import Ratio, Ring
from derive.language import Call, Expression, Meaning, Name, Operation, interpret, unparse
from derive.language.calls import call_of, partial_of, written_name
from derive.scheme.configuration import Configuration
from derive.scheme.names import ahead, previous

Form = dict[str, Ratio]  # without zeros, but for the number zero


class LinearForms(Meaning[Form]):
    """Runs the update of a configuration; `names` are the forms of the names met so far."""

    def __init__(self, configuration: Configuration, ring: Ring) -> None:
        self.configuration, self.scheme, self.ring = configuration, configuration.scheme, ring
        self.names: dict[str, Form] = {}

    @abstractmethod
    def gradient(self, point: Form, node: Call) -> Form:
        """What the gradient, or the field, at a form is."""

    @abstractmethod
    def refuse(self, problem: str, node: Expression | None = None) -> Exception:
        """What to raise where the update has no such forms."""

    def nonlinear(self, problem: str, node: Expression) -> Exception:
        """What to raise at an operation that is not linear in the state."""
        return self.refuse(problem, node)

    def start(self, state: str) -> Form:
        """A state variable before the step."""
        return {state: self.ring.one}

    def parameters(self) -> dict[str, Form]:
        """The number that each parameter is, in gamma and the free parameters."""
        return {n: interpret(e, self) for n, e in self.configuration.bindings.items()}

    def run(self) -> dict[str, Form]:
        """state variable -> its form after the step, in state variables before the step and theta_next."""
        scheme = self.scheme
        self.names = self.parameters()
        before = {s: self.start(s) for s in scheme.states}
        self.names |= before | {ahead(x): {ahead(x): self.ring.one} for x in scheme.unknowns}
        for a in scheme.program:
            self.names[a.target] = interpret(a.value, self)
        for x in scheme.unknowns:
            if previous(x) in scheme.states and previous(x) not in scheme.assigned:
                self.names[previous(x)] = before[x]
        return {s: self.names[s] for s in scheme.states}

    def explicit(self, forms: Mapping[str, Form]) -> dict[str, Form]:
        """The forms without theta_next: forms["theta"] is what it is, theta+ = m + n theta+, so theta+ = m/(1 - n)."""
        result = dict(forms)
        for x in self.scheme.unknowns:
            value = self._solved(ahead(x), result[x])
            result = {key: self._replaced(form, ahead(x), value) for key, form in result.items()}
        return result

    def _solved(self, name: str, form: Form) -> Form:
        n = form.get(name)
        if n is None:
            return form
        if n == self.ring.one:
            raise self.refuse(f"{name} cancels from its own equation")
        return self.scaled({s: c for s, c in form.items() if s != name}, (self.ring.one - n).inverse())

    def _replaced(self, form: Form, name: str, value: Form) -> Form:
        rest = dict(form)
        factor = rest.pop(name, None)
        return form if factor is None else self.total(rest, self.scaled(value, factor))

    # ------------------------------------------------------------------------------------------ forms

    def is_number(self, x: Form) -> bool:
        return not any(x)

    def value(self, x: Form) -> Ratio:
        return x.get("", self.ring.zero)

    def total(self, x: Form, y: Form, sign: int = 1) -> Form:
        """x + sign y."""
        result = dict(x)
        for s, c in y.items():
            c = c if sign > 0 else -c
            result[s] = (result[s] + c).reduced() if s in result else c
        return result if not any(result) else {s: c for s, c in result.items() if c}

    def scaled(self, x: Form, factor: Ratio) -> Form:
        return {s: v for s, c in x.items() if (v := (c * factor).reduced()) or not s}

    # ------------------------------------------------------------------------------------------ the meaning of a text

    def number(self, value: Fraction) -> Form:
        return {"": self.ring.constant(value)}

    def name(self, node: Name) -> Form:
        if node.id == "t":
            raise self.refuse("its coefficients depend on the time t", node)
        return self.names[node.id] if node.id in self.names else {"": self.ring.symbol(node.id)}

    def negate(self, a: Form) -> Form:
        return {s: -c for s, c in a.items()}

    def add(self, a: Form, b: Form, node: Operation) -> Form:
        return self.total(a, b)

    def subtract(self, a: Form, b: Form, node: Operation) -> Form:
        return self.total(a, b, -1)

    def multiply(self, a: Form, b: Form, node: Operation) -> Form:
        form, number = (a, b) if self.is_number(b) else (b, a)
        if not self.is_number(number):
            raise self.nonlinear("vectors may be multiplied by numbers only", node)
        return self.scaled(form, self.value(number))

    def divide(self, a: Form, b: Form, node: Operation) -> Form:
        if not self.is_number(b):
            raise self.nonlinear("vectors may be multiplied by numbers only", node)
        if not self.value(b):
            raise self.refuse("division by zero", node)
        return self.scaled(a, self.value(b).inverse())

    def power(self, base: Form, exponent: Fraction | None, node: Operation) -> Form:
        if exponent is None or exponent.denominator != 1 or not self.is_number(base):
            raise self.nonlinear("only numbers may be raised to a power, an integer one", node)
        if exponent < 0 and not self.value(base):
            raise self.refuse("division by zero", node)
        return {"": (self.value(base) ** int(exponent)).reduced()}

    def derivative(self, directions: list[Form], node: Call) -> Form:
        """What the gradient's derivative in these directions is."""
        raise self.nonlinear(f"{unparse(node)} is a derivative of the gradient", node)

    def admit(self, node: Call) -> None:
        entry = call_of(node.function)
        if not entry.label or entry.kind == "scalar":
            raise self.nonlinear(f"{written_name(node.function)}(...) is not affine in the state", node)

    def call(self, node: Call, args: list[Form]) -> Form:
        if partial := partial_of(node.function):
            return self.derivative(partial.divided(args)[1], node)
        return self.gradient(args[0], node)
