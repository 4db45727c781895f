"""Linear forms of an update text that draws at random: sums over state variables, gradients and normal vectors.

    {"theta": 1, "@0": -gamma, "~0": q}      theta - gamma (gradient 0) + q (normal vector 0)

Roots and exponentials of parameters are symbols of their own: q with q^2 known, and e with a known series in gamma.  What is
not linear, such as g/norm(g), is a vector of its own, or a number "!0", as long as it is made of gradients of one sample at one
point: a function of theta and the sample.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import isqrt

from derive.algebra.coefficients import Ratio, Ring
from derive.errors import ReductionError
from derive.language import (
    Call,
    Expression,
    Name,
    Number,
    Operation,
    derivative_symbol,
    interpret,
    names_of,
    substitute,
    unparse,
    walk,
)
from derive.language.calls import call_of, partial_of
from derive.language.samples import NORMAL, sample_of
from derive.noise.forests import GRADIENT
from derive.noise.series import Expansion, Series, monomial
from derive.scheme import Configuration
from derive.scheme.linear_forms import Form, LinearForms
from derive.scheme.names import ahead

_ROOTS = 4  # whose quotient's power of gamma is looked for so far
Roots = tuple[int, ...]  # those in a coefficient with an odd power


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


class StepForms(LinearForms):
    """Runs the update of a configuration, noting its gradients and normal vectors; coefficients through gamma^order.

    `slopes` are the symbols that change with t, each with the symbol of its derivative, or none for 1.  Where gradients are
    means over large batches, `batches`, they fluctuate about the mean gradient like memory, and functions take them as arguments.
    """

    GRADIENT, NUMBER, NORMAL, ROOT, ANALYTIC = "@", "!", "~", "q#", "e#"

    def __init__(self, configuration: Configuration, order: int, batches: bool = False) -> None:
        self.order, self.slopes, self.batches = order, _slopes(configuration, order), batches
        program = configuration.scheme.program
        calls = sum(isinstance(node, Call) for a in program for node in walk(a.value)) + len(configuration.rescaled)
        own = [f"{mark}{i}" for mark in (self.ANALYTIC, self.ROOT) for i in range(calls)]
        last = [s for s in self.slopes.values() if s and s not in self.slopes]
        super().__init__(configuration, Ring(["gamma", *configuration.free, *self.slopes, *last, *own]))
        self.evaluations: list[Evaluation] = []
        self.numbers: list[Evaluation] = []
        unknown = next(iter(self.scheme.unknowns))
        self.spaces = {configuration.symbol(s): self.scheme.spaces.get(s, unknown) for s in self.scheme.states}
        self.normals = 0
        self.squares: list[Ratio] = []
        self.analytic: dict[str, Series] = {}
        self.opaque: dict[str, str] = {}

    def refuse(self, problem: str, node: Expression | None = None) -> ReductionError:
        at = f" ({unparse(node)})" if node is not None else ""
        return ReductionError(f"{self.scheme.where}: no weak modified equation: {problem}{at}")

    def factor(self, state: str) -> Ratio:
        """What the state variable is of the one that is printed."""
        rescaled = self.configuration.rescaled.get(state)
        return self.value(interpret(rescaled.factor, self)) if rescaled else self.ring.one

    def start(self, state: str) -> Form:
        if self.scheme.kinds[state] != "vector":
            raise self.refuse(f"the memory {state} is a number")
        return {self.configuration.symbol(state): self.factor(state)}

    def name(self, node: Name) -> Form:
        return {"": self.ring.symbol("t")} if node.id == "t" else super().name(node)

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

    def number_of(self, node: Call, function: str, args: list[Ratio]) -> Form:
        """A root, an exponential or a function of time."""
        if function in self.configuration.functions:
            return {"": self.time_function(node, function, args[0])}
        if function == "sqrt":
            return {"": self.root(args[0].reduced(), node)}
        if function == "exp":
            series = self.series(args[0], node)
            if series.coefficients[0]:
                raise self.refuse("an exponential whose exponent does not vanish with gamma; name it as a parameter", node)
            return {"": self.symbol_for(series.exp())}
        raise self.refuse("a function of parameters; name it as a parameter", node)

    def root(self, x: Ratio, node: Call) -> Ratio:
        if x.is_number and (root := rational_root(x.number())) is not None:
            return self.ring.constant(root)
        for i, square in enumerate(self.squares):
            if (factor := self.positive_root((x / square).reduced())) is not None:
                return factor * self.ring.symbol(f"{self.ROOT}{i}")
        self.squares.append(x)
        return self.ring.symbol(f"{self.ROOT}{len(self.squares) - 1}")

    def positive_root(self, x: Ratio) -> Ratio | None:
        """The root of q^2 gamma^(2m), a number q > 0: of two roots the same one is a multiple of the other."""
        power = next((m for m in range(-_ROOTS, _ROOTS + 1) if (x * self.ring.symbol("gamma") ** (-2 * m)).is_number), None)
        if power is None:
            return None
        root = rational_root((x * self.ring.symbol("gamma") ** (-2 * power)).number())
        return None if root is None else self.ring.constant(root) * self.ring.symbol("gamma") ** power

    def symbol_for(self, series: Series) -> Ratio:
        """A symbol that stands for a series."""
        name = f"{self.ANALYTIC}{len(self.analytic)}"
        self.analytic[name] = series
        return self.ring.symbol(name)

    def expand(self, c: Ratio) -> Series:
        """A coefficient as a power series in gamma; ZeroDivisionError where it has none."""
        return Expansion(self.ring, self.order, self.analytic)(c)

    def series(self, c: Ratio, node: Expression) -> Series:
        try:
            return self.expand(c)
        except ZeroDivisionError:
            raise self.refuse("it has no limit as gamma -> 0", node) from None

    def time_function(self, node: Call, name: str, at: Ratio) -> Ratio:
        """r(t + d) = sum_k r^(k)(t) d^k / k!, for d that vanishes with gamma."""
        value = self.configuration.functions[name]
        if not isinstance(value, Number | Name | Call | Operation | None):
            raise self.refuse("a schedule in pieces is not smooth; give it as a formula in t", node)
        distance = self.series(at - self.ring.symbol("t"), node)
        if distance.coefficients[0]:
            raise self.refuse(f"{name} is read at a time that does not tend to t", node)
        if value is not None:
            return self.value(interpret(substitute(value, {"t": node.args[0]}), self))
        power = monomial(self.ring, self.ring.one, 0, self.order)
        total = power.scaled(self.ring.symbol(name))
        for k in range(1, self.order + 1):
            power = power * distance.scaled(self.ring.constant(Fraction(1, k)))
            total = total + power.scaled(self.ring.symbol(derivative_symbol(name, k)))
        return self.symbol_for(total)

    # ------------------------------------------------------------------------------------------ what roots leave

    def by_roots(self, c: Ratio) -> dict[Roots, Ratio]:
        """The coefficient by the roots that stand in it with an odd power."""
        marks = [(i, self.ring.names.index(f"{self.ROOT}{i}")) for i in range(len(self.squares))]
        if not marks:
            return {(): c}
        if any(s.startswith(self.ROOT) for s in Ratio(self.ring, self.ring.expand(c.den), ()).symbols()):
            raise self.refuse("a root in a denominator; multiply numerator and denominator by it")
        found: dict[Roots, Ratio] = {}
        for exponents, value in c.num.to_dict().items():
            rest = [0 if k in {p for _, p in marks} else e for k, e in enumerate(exponents)]
            part = Ratio(self.ring, self.ring.context.from_dict({tuple(rest): value}), c.den)
            odd = tuple(i for i, p in marks if exponents[p] % 2)
            for i, p in marks:
                part = part * self.squares[i] ** int(exponents[p] // 2)
            found[odd] = (found[odd] + part if odd in found else part).reduced()
        return {odd: part for odd, part in found.items() if part}

    def replace_ahead(self, x: str, value: Form) -> None:
        """The points of gradients with x_next = value."""
        self.evaluations = [
            replace(e, slots=tuple(replace(s, form=self._replaced(s.form, ahead(x), value)) for s in e.slots))
            for e in self.evaluations
        ]


def rational_root(q: Fraction) -> Fraction | None:
    """The root of a square of a rational number.

    >>> [rational_root(Fraction(q)) for q in ("9/4", "2", "-1")]
    [Fraction(3, 2), None, None]
    """
    if q < 0:
        return None
    root = Fraction(isqrt(q.numerator), isqrt(q.denominator))
    return root if root**2 == q else None


def _slopes(c: Configuration, order: int) -> dict[str, str]:
    """Every symbol that changes with t, with its derivative's, or none for t itself."""
    open_ = [r for r, value in c.functions.items() if value is None]
    found = {derivative_symbol(r, k): derivative_symbol(r, k + 1) for r in open_ for k in range(order + 1)}
    texts = (*c.bindings.values(), *(a.value for a in c.scheme.program))
    return found | ({"t": ""} if any("t" in names_of(e) for e in texts) else {})


def _placed(slot: Slot, slots: list[Slot]) -> str:
    """The place of an argument among others; one that stands twice is not linear."""
    for k, known in enumerate(slots):
        if known.form == slot.form:
            slots[k] = Slot(slot.form, False)
            return f"{{{k}}}"
    slots.append(slot)
    return f"{{{len(slots) - 1}}}"
