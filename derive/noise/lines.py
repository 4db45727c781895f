"""Linear forms of an update text that draws at random: sums over state variables, gradients and normal vectors.

    {"theta": 1, "@0": -gamma, "~0": q}      theta - gamma (gradient 0) + q (normal vector 0)

Roots and exponentials of parameters are symbols of their own: q with q^2 known, and e with a known series in gamma.  What is
not linear, such as g/norm(g), is a vector of its own as long as it is made of gradients at one point.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

from derive.algebra.coefficients import Ratio, Ring
from derive.errors import ReductionError
from derive.language import Call, Expression, Name, Number, Operation, derivative_symbol, interpret, names_of, unparse, walk
from derive.language.calls import partial_of
from derive.language.samples import NORMAL, sample_of
from derive.noise.forests import GRADIENT
from derive.noise.series import Expansion, Series, monomial
from derive.scheme import Configuration
from derive.scheme.linear_forms import Form, LinearForms
from derive.scheme.names import ahead

Roots = tuple[int, ...]  # those in a coefficient with an odd power


@dataclass(frozen=True)
class Evaluation:
    """A gradient in the text: its label, in whose space it lies, its sample, and its point by unknowns."""

    label: str
    space: str
    sample: str
    point: Mapping[str, Form]


class StepForms(LinearForms):
    """Runs the update of a configuration, noting its gradients and normal vectors; coefficients through gamma^order.

    `slopes` are the symbols that change with t, each with the symbol of its derivative, or none for 1.
    """

    GRADIENT, NORMAL, ROOT, ANALYTIC = "@", "~", "q#", "e#"

    def __init__(self, configuration: Configuration, order: int) -> None:
        self.order, self.slopes = order, _slopes(configuration, order)
        program = configuration.scheme.program
        calls = sum(isinstance(node, Call) for a in program for node in walk(a.value)) + len(configuration.rescaled)
        own = [f"{mark}{i}" for mark in (self.ANALYTIC, self.ROOT) for i in range(calls)]
        last = [s for s in self.slopes.values() if s and s not in self.slopes]
        super().__init__(configuration, Ring(["gamma", *configuration.free, *self.slopes, *last, *own]))
        self.evaluations: list[Evaluation] = []
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
        function, sample = sample_of(node.function)
        if function == NORMAL:
            self.normals += 1
            return {f"{self.NORMAL}{self.normals - 1}": self.ring.one}
        partial = partial_of(function)
        if partial and len(partial.variables) == 1 and partial.variables[0]:
            slots = self.scheme.losses[partial.loss]
            return self.evaluate(Evaluation(function, partial.variables[0], sample, dict(zip(slots, args, strict=True))))
        if function in ("grad", "field"):
            x = next(iter(self.scheme.unknowns))
            return self.evaluate(Evaluation(GRADIENT if function == "grad" else "f", x, sample, {x: args[0]}))
        if all(map(self.is_number, args)):
            return self.number_of(node, function, [self.value(a) for a in args])
        raise self.nonlinear("it is not linear in state variables, gradients and normal vectors", node)

    def gradient(self, point: Form, node: Call) -> Form:
        raise NotImplementedError

    def evaluate(self, e: Evaluation) -> Form:
        self.evaluations.append(e)
        return {f"{self.GRADIENT}{len(self.evaluations) - 1}": self.ring.one}

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
        if x.is_number and (q := x.number()) >= 0:
            root = Fraction(isqrt(q.numerator), isqrt(q.denominator))
            if root**2 == q:
                return self.ring.constant(root)
        if x not in self.squares:
            self.squares.append(x)
        return self.ring.symbol(f"{self.ROOT}{self.squares.index(x)}")

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
            return self.value(interpret(value, _Timed(self, at)))
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
            Evaluation(e.label, e.space, e.sample, {s: self._replaced(f, ahead(x), value) for s, f in e.point.items()})
            for e in self.evaluations
        ]


def _slopes(c: Configuration, order: int) -> dict[str, str]:
    """Every symbol that changes with t, with its derivative's, or none for t itself."""
    open_ = [r for r, value in c.functions.items() if value is None]
    found = {derivative_symbol(r, k): derivative_symbol(r, k + 1) for r in open_ for k in range(order + 1)}
    texts = (*c.bindings.values(), *(a.value for a in c.scheme.program))
    return found | ({"t": ""} if any("t" in names_of(e) for e in texts) else {})


class _Timed(StepForms):
    """A formula in t, read at another time."""

    def __init__(self, forms: StepForms, at: Ratio) -> None:
        self.__dict__.update(forms.__dict__)
        self.at = at

    def name(self, node: Name) -> Form:
        return {"": self.at} if node.id == "t" else super().name(node)

