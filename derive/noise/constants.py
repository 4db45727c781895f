"""The numbers of an update text that draws at random, as elements of a ring that are expanded in gamma later.

Roots and exponentials of parameters are symbols of their own: q with q^2 known, and e with a known series in gamma.  Functions of
time are symbols with all their derivatives.
"""

from __future__ import annotations

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
from derive.noise.series import Expansion, Series, monomial
from derive.scheme import Configuration
from derive.scheme.linear_forms import Form, LinearForms

_ROOTS = 4  # whose quotient's power of gamma is looked for so far
Roots = tuple[int, ...]  # those in a coefficient with an odd power


class NumberForms(LinearForms):
    """Linear forms whose numbers are roots, exponentials and functions of time too; coefficients through gamma^order.

    `slopes` are the symbols that change with t, each with the symbol of its derivative, or none for 1.
    """

    ROOT, ANALYTIC = "q#", "e#"

    def __init__(self, configuration: Configuration, order: int) -> None:
        self.order, self.slopes = order, _slopes(configuration, order)
        program = configuration.scheme.program
        calls = sum(isinstance(node, Call) for a in program for node in walk(a.value)) + len(configuration.rescaled)
        own = [f"{mark}{i}" for mark in (self.ANALYTIC, self.ROOT) for i in range(calls)]
        last = [s for s in self.slopes.values() if s and s not in self.slopes]
        super().__init__(configuration, Ring(["gamma", *configuration.free, *self.slopes, *last, *own]))
        self.squares: list[Ratio] = []
        self.analytic: dict[str, Series] = {}

    def refuse(self, problem: str, node: Expression | None = None) -> ReductionError:
        at = f" ({unparse(node)})" if node is not None else ""
        return ReductionError(f"{self.scheme.where}: no weak modified equation: {problem}{at}")

    def name(self, node: Name) -> Form:
        return {"": self.ring.symbol("t")} if node.id == "t" else super().name(node)

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
