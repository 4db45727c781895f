"""Linear forms of an update text that draws at random: sums over state variables, gradients and normal vectors.

    {"theta": 1, "@0": -gamma, "~0": q}      theta - gamma (gradient 0) + q (normal vector 0)

What is not linear, such as g/norm(g), is a vector of its own, or a number "!0", as long as it is made of gradients of one sample
at one point: a function of theta and the sample.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from derive.algebra.coefficients import Ratio
from derive.language import (
    Call,
    Expression,
    Name,
    Number,
    Operation,
    interpret,
    unparse,
)
from derive.language.calls import call_of, partial_of
from derive.language.samples import NORMAL, sample_of
from derive.noise.constants import NumberForms
from derive.noise.forests import GRADIENT
from derive.scheme import Configuration
from derive.scheme.linear_forms import Form
from derive.scheme.names import ahead


@dataclass(frozen=True)
class Slot:
    """An argument of a gradient, or of a function of gradients and state variables, and whether it is linear in it."""

    form: Form
    linear: bool


@dataclass(frozen=True)
class Evaluation:
    """A gradient in the text, or a function: its label ('' for a function), in whose space it lies ('' for a number), its sample,
    its arguments, and its text, with {0}, {1} in their place; `variables` are those of a loss."""

    label: str
    space: str
    sample: str
    slots: tuple[Slot, ...]
    text: str
    variables: tuple[str, ...] = ()


class StepForms(NumberForms):
    """Runs the update of a configuration, noting its gradients and normal vectors; coefficients through gamma^order.

    Where gradients are means over large batches, `batches`, they fluctuate about the mean gradient like memory, and functions
    take them as arguments.
    """

    GRADIENT, NUMBER, NORMAL = "@", "!", "~"

    def __init__(self, configuration: Configuration, order: int, batches: bool = False) -> None:
        super().__init__(configuration, order)
        self.batches = batches
        self.evaluations: list[Evaluation] = []
        self.numbers: list[Evaluation] = []
        unknown = next(iter(self.scheme.unknowns))
        self.spaces = {configuration.symbol(s): self.scheme.spaces.get(s, unknown) for s in self.scheme.states}
        self.normals = 0
        self.opaque: dict[str, str] = {}

    def factor(self, state: str) -> Ratio:
        """What the state variable is of the one that is printed."""
        rescaled = self.configuration.rescaled.get(state)
        return self.value(interpret(rescaled.factor, self)) if rescaled else self.ring.one

    def start(self, state: str) -> Form:
        if self.scheme.kinds[state] != "vector":
            raise self.refuse(f"the memory {state} is a number")
        return {self.configuration.symbol(state): self.factor(state)}

    # ------------------------------------------------------------------------------------------ calls

    def admit(self, node: Call) -> None:
        """Every call is looked at with its arguments."""

    def call(self, node: Call, args: list[Form]) -> Form:
        function, _ = sample_of(node.function)
        if function == NORMAL:
            self.normals += 1
            return {f"{self.NORMAL}{self.normals - 1}": self.ring.one}
        partial = partial_of(function)
        if partial and len(partial.variables) == 1 and partial.variables[0]:
            return self.derivative_of(node, function, self.scheme.losses[partial.loss], partial.variables[0], args)
        if function in ("grad", "field"):
            x = next(iter(self.scheme.unknowns))
            return self.derivative_of(node, GRADIENT if function == "grad" else "f", (x,), x, args)
        if all(map(self.is_number, args)):
            return self.number_of(node, function, [self.value(a) for a in args])
        number = call_of(function).kind == "scalar"
        return self.function_of(args, lambda texts: unparse(Call(function, tuple(map(Name, texts)))), node, number=number)

    def gradient(self, point: Form, node: Call) -> Form:
        raise NotImplementedError

    def derivative_of(self, node: Call, label: str, variables: Sequence[str], space: str, args: list[Form]) -> Form:
        """A gradient with respect to a variable, at a point."""
        text = unparse(Call(node.function, tuple(Name(f"{{{k}}}") for k in range(len(args)))))
        slots = tuple(Slot(a, False) for a in args)
        return self.evaluate(Evaluation(label, space, sample_of(node.function)[1], slots, text, tuple(variables)))

    def evaluate(self, e: Evaluation) -> Form:
        found, mark = (self.evaluations, self.GRADIENT) if e.space else (self.numbers, self.NUMBER)
        if e not in found:
            found.append(e)
        return {f"{mark}{found.index(e)}": self.ring.one}

    # ------------------------------------------------------------------------------------------ functions

    def function_of(
        self, args: list[Form], write: Callable[[list[str]], str], node: Expression, linear: int = 0, number: bool = False
    ) -> Form:
        """What is not linear: a function of theta, the sample and state variables; linear in its first arguments, so many, and a
        number or, where an argument is one, a vector."""
        slots: list[Slot] = []
        texts = [self.written(a, slots, k < linear, node) for k, a in enumerate(args)]
        parts = [self.part(key) for a in args if not self.moving(a) for key in a if key]
        samples = {p.sample for p in parts} - {""}
        if len(samples) > 1:
            raise self.nonlinear("a function of gradients of two samples", node)
        spaces = (self.spaces.get(key) or self.space(key) for a in args for key in a)
        space = "" if number else next(filter(None, spaces), "")
        return self.evaluate(Evaluation("", space, next(iter(samples), ""), tuple(slots), write(texts)))

    def moving(self, form: Form) -> bool:
        """Whether state variables or normal vectors are in it, or gradients that fluctuate like these."""
        return any(key and (key[0] not in (self.GRADIENT, self.NUMBER) or self.fluctuates(key)) for key in form)

    def fluctuates(self, key: str) -> bool:
        return self.batches and key[0] == self.GRADIENT and bool(self.part(key).label)

    def space(self, key: str) -> str:
        """In whose space a gradient or a function lies."""
        return self.part(key).space if key[:1] in (self.GRADIENT, self.NUMBER) else ""

    def part(self, key: str) -> Evaluation:
        return (self.evaluations if key[0] == self.GRADIENT else self.numbers)[int(key[1:])]

    def written(self, form: Form, slots: list[Slot], linear: bool, node: Expression) -> str:
        """The text of an argument: what has state variables in it fills a slot, the rest is written out."""
        terms = []
        moving = self.moving(form)
        if moving:
            terms.append(_placed(Slot({key: c for key, c in form.items() if key}, linear), slots))
        for key, c in form.items():
            if key and moving:
                continue
            if "gamma" in c.symbols() or any(s.startswith((self.ROOT, self.ANALYTIC)) for s in c.symbols()):
                raise self.nonlinear("a function that changes with gamma itself", node)
            if not key:
                terms.append(str(c))
                continue
            inner = self.part(key)
            text = inner.text.format(*(_placed(Slot(s.form, s.linear and linear), slots) for s in inner.slots))
            terms.append(text if c == 1 else f"({c})*{text}")
        return terms[0] if len(terms) == 1 else f"({' + '.join(terms)})"

    def without_factor(self, form: Form) -> tuple[Ratio, Form]:
        """A form as a factor and the rest: the coefficient of its one term, or the power of gamma that all have."""
        if len(form) == 1:
            ((key, c),) = form.items()
            return c, {key: self.ring.one}
        factor, gamma = self.ring.one, self.ring.symbol("gamma")
        while form and all(c.vanishes_with("gamma") for c in form.values()):
            factor, form = factor * gamma, self.scaled(form, gamma.inverse())
        return factor, form

    def multiply(self, a: Form, b: Form, node: Operation) -> Form:
        if self.is_number(a) or self.is_number(b):
            return super().multiply(a, b, node)
        (c, a), (d, b) = self.without_factor(a), self.without_factor(b)
        return self.scaled(self.function_of([a, b], "*".join, node, 2), c * d)

    def divide(self, a: Form, b: Form, node: Operation) -> Form:
        if self.is_number(b):
            return super().divide(a, b, node)
        (c, a), (d, b) = self.without_factor(a), self.without_factor(b)
        return self.scaled(self.function_of([a, b], "/".join, node, 1), c * d.inverse())

    def power(self, base: Form, exponent: Fraction | None, node: Operation) -> Form:
        if self.is_number(base) or exponent is None:
            return super().power(base, exponent, node)
        raised = unparse(Number(exponent), 5)
        return self.function_of([base], lambda texts: f"{texts[0]}**{raised}", node)

    def replace_ahead(self, x: str, value: Form) -> None:
        """The points of gradients with x_next = value."""
        self.evaluations = [
            replace(e, slots=tuple(replace(s, form=self._replaced(s.form, ahead(x), value)) for s in e.slots))
            for e in self.evaluations
        ]


def _placed(slot: Slot, slots: list[Slot]) -> str:
    """The place of an argument among others; one that stands twice is not linear."""
    for k, known in enumerate(slots):
        if known.form == slot.form:
            slots[k] = Slot(slot.form, False)
            return f"{{{k}}}"
    slots.append(slot)
    return f"{{{len(slots) - 1}}}"
