"""Terms as straight lines of code.  Every factor that is more than a name is computed once, whatever it stands in.

    d^(k+1)L[m_1, ..., m_k]  ->  derivative(m_1, ..., m_k)     k = 0 the gradient (of a field its value)
    sum_i m_i                ->  total(m)
    x^a |x|^b                ->  sign(x)^a |x|^(a + b)         zero where x is, not zero times infinity
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from keyword import iskeyword

from derive.algebra.coefficients import Ratio
from derive.algebra.fold import Fold, magnitudes
from derive.algebra.known import SLOPES
from derive.algebra.terms import Exponent, Factor, Term
from derive.errors import UsageError


@dataclass(frozen=True)
class Spelling:
    """How a language writes functions of numbers and arrays; `names` are those that a program must not use."""

    power: str  # of **
    comment: str
    functions: dict[str, str]  # ours -> the language's
    total: str
    elementwise: str = ""  # what stands before a line of products and sums
    names: frozenset[str] = frozenset()


class Program(Fold[str]):
    """Expressions of terms; `lines` define the names in them.

    `parameters` are the numbers and slow variables that the program needs, in the order in which it meets them.
    """

    def __init__(self, spelling: Spelling, loss: str, taken: Iterable[str] = ()) -> None:
        super().__init__()
        self.spelling, self.loss = spelling, loss
        self.lines: list[str] = []
        self.parameters: dict[str, None] = {}
        self.reads_loss = False
        used = (*spelling.names, *taken)
        self.letter = next(x for x in ("u", "w", "part", "partial") if not any(n.startswith(x) for n in used))

    # ------------------------------------------------------------------ names

    def named(self, value: str, elementwise: bool = True) -> str:
        """A name for the value of an expression."""
        name = f"{self.letter}{len(self.lines) + 1}"
        self.lines.append(f"{name} = {self.spelling.elementwise if elementwise else ''}{value}")
        return name

    def parameter(self, name: str) -> str:
        if iskeyword(name) or name in self.spelling.names:
            raise UsageError(f"{name} has a meaning of its own in that language; rename the parameter, or choose another target")
        self.parameters[name] = None
        return name

    def _called(self, function: str, argument: str) -> str:
        return f"{self.spelling.functions[function]}({argument})"

    # ------------------------------------------------------------------ sums

    def total(self, items: Iterable[tuple[Term, Ratio]]) -> str:
        """sum of coefficients times terms, as an expression."""
        result = ""
        for term, c in items:
            part = self.scaled(c, self.term(term))
            result += part if not result else f" - {part[1:]}" if part.startswith("-") else f" + {part}"
        return result or "0.0"

    def scaled(self, c: Ratio, value: str) -> str:
        number = self.coefficient(c)
        if value == "1":
            return number
        if number in ("1", "-1"):
            return number[:-1] + value
        return f"{number}*{value}"

    def coefficient(self, c: Ratio) -> str:
        for name in sorted(c.symbols()):
            self.parameter(name)
        text = str(c).replace("**", self.spelling.power)
        return text if _plain(text) else f"({text})"

    # ------------------------------------------------------------------ products

    def one(self) -> str:
        return "1"

    def times(self, a: str, b: str) -> str:
        return b if a == "1" else a if b == "1" else f"{a}*{b}"

    def term(self, term: Term) -> str:
        found = self._terms.get(term)
        if found is None:
            signs, rest = magnitudes(term)
            parts = [self._signed(x, a, b) for x, a, b in signs] + [self.power(self.factor(f), e, f) for f, e in rest]
            found = "1"
            for part in parts:
                found = self.times(found, part)
            self._terms[term] = found
        return found

    def _signed(self, x: Factor, a: int, b: Exponent) -> str:
        """sign(x)^a |x|^b."""
        value = self.factor(x)
        sign = self._called("sign", value) if a % 2 else "1"
        return sign if b == 0 else self.times(sign, self.raised(self._called("abs", value), b))

    def power(self, value: str, exponent: Exponent, f: Factor) -> str:
        return self.raised(value, exponent)

    def raised(self, value: str, exponent: Exponent) -> str:
        if exponent == 1:
            return value
        written = str(exponent) if exponent.denominator == 1 and exponent >= 0 else f"({exponent})"
        return f"{value}{self.spelling.power}{written}"

    # ------------------------------------------------------------------ the kinds of factors

    def state(self, f: Factor) -> str:
        if f.label == "theta":
            return "theta"
        if f.label == self.loss:
            self.reads_loss = True
            return "value"
        return self.parameter(f.label)

    def node(self, f: Factor) -> str:
        arguments = ", ".join(self._vector(c) for c in f.children)
        return self.named(f"derivative({arguments})", elementwise=False)

    def moved(self, f: Factor) -> str:
        raise UsageError("the equation has derivatives at points away from theta; eq.function computes them")

    def word(self, f: Factor) -> str:
        raise UsageError("this code is for vectors, and the equation has products of matrices; eq.function computes them")

    def _vector(self, child: Term) -> str:
        """A direction as a name; a scalar is spread over the components."""
        value = self.term(child)
        if child.scalar:
            return f"{value} + 0*theta" if not self.spelling.elementwise else f"{value} .+ 0*theta"
        return value if value.isidentifier() else self.named(value)

    def contraction(self, f: Factor) -> str:
        if f.label:
            raise UsageError("sums over layers need the layers; this code is for one vector of parameters")
        child = f.children[0]
        value = self.term(child)
        if child.scalar:
            return self.named(f"{value}*{self.spelling.functions['size']}(theta)", elementwise=False)
        return self.named(self.spelling.total.format(value if value.isidentifier() else self.named(value)), elementwise=False)

    def absolute(self, f: Factor) -> str:
        return self._called("abs", self.term(f.children[0]))

    def root(self, f: Factor) -> str:
        value = self.total(f.body)
        return self._called("abs", value) if f.label == "abs" else f"({value})"

    def base(self, f: Factor) -> str:
        return self.named(self.total(f.body))

    def map(self, f: Factor) -> str:
        if f.label not in SLOPES:
            raise UsageError(f"{f.label} is a map, and no code is written of it; set it (--set), or use eq.function(maps=...)")
        if f.label not in self.spelling.functions:
            raise UsageError(f"{f.label} has no name in that language")
        return self.named(self._called(f.label, self.total(f.body)))


def _plain(text: str) -> bool:
    """Whether a coefficient may stand before a product as it is."""
    depth = 0
    for i, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if c in "+-" and i and depth == 0:
            return False
    return True


def widths(names: Sequence[str]) -> str:
    """The names of parameters, separated."""
    return "".join(f", {n}" for n in names)
