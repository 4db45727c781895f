"""Terms as straight lines of code.  Every factor that is more than a name is computed once, whatever it stands in.

    d^(k+1)L[m_1, ..., m_k]  ->  along(gradient, theta, m_1, ..., m_k)    k = 0 the gradient (of a field its value)
    d^kP(u)[m_1, ..., m_k]   ->  along(P, u, m_1, ..., m_k)               of a componentwise map m_i = 1
    sum_i m_i                ->  total(m), or the sum over layers, rows or columns at every component
    x^a |x|^b                ->  sign(x)^a |x|^(a + b)         zero where x is, not zero times infinity
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from keyword import iskeyword
from types import MappingProxyType

from derive.algebra.coefficients import Ratio
from derive.algebra.fold import Fold, magnitudes
from derive.algebra.known import SLOPES
from derive.algebra.terms import TRANSPOSED, Exponent, Factor, Term
from derive.errors import UsageError
from derive.language.layers import COLUMN, LAYER, ROW
from derive.language.maps import MapKind, map_of
from derive.writing.code.targets import Target


class Program(Fold[str]):
    """Expressions of terms; `lines` define the names in them.

    `parameters` are the numbers and slow variables that the program needs, in the order in which it meets them, `calls` the
    functions beside the language's own, `maps` the declared maps, of which
    `stated` have lines.  theta is one vector, or with `matrix` one matrix.
    """

    def __init__(
        self, target: Target, loss: str, maps: Mapping[str, MapKind] = MappingProxyType({}), stated: Container[str] = (),
        matrix: bool = False, taken: Iterable[str] = (),
    ) -> None:  # fmt: skip
        super().__init__()
        self.target, self.spelling, self.loss = target, target.spelling, loss
        self.declared, self.stated, self.matrix = maps, stated, matrix
        self.lines: list[str] = []
        self._names: dict[str, str] = {}
        self.parameters: dict[str, None] = {}
        self.calls: dict[str, None] = {}
        self.maps: dict[str, None] = {}
        self.reads_loss = self.reads_layers = self.reads_other_points = False
        used = (*self.spelling.names, *taken)
        self.letter = next(x for x in ("u", "w", "part", "partial") if not any(n.startswith(x) for n in used))

    # ------------------------------------------------------------------ names

    def named(self, value: str, elementwise: bool = True) -> str:
        """A name for the value of an expression, the same for the same one."""
        written = f"{self.spelling.elementwise if elementwise else ''}{value}"
        if written not in self._names:
            self._names[written] = f"{self.letter}{len(self.lines) + 1}"
            self.lines.append(f"{self._names[written]} = {written}")
        return self._names[written]

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

    def use(self, function: str) -> str:
        """The name of one beside the language's own."""
        self.calls[function] = None
        return function

    def node(self, f: Factor) -> str:
        directions = [self._vector(c) for c in f.children]
        if self.target.differentiates:
            return self._along("gradient", ["theta", *directions])
        return self.named(f"derivative({', '.join(directions)})", elementwise=False)

    def moved(self, f: Factor) -> str:
        """The same at another point."""
        self.reads_other_points = True
        arguments = [self._spread(self.total(f.body), all(t.scalar for t, _ in f.body)), *(self._vector(c) for c in f.children)]
        if self.target.differentiates:
            return self._along("gradient", arguments)
        return self.named(f"derivative_at({', '.join(arguments)})", elementwise=False)

    def _along(self, function: str, arguments: Sequence[str]) -> str:
        """The function at the first, differentiated along the others."""
        if len(arguments) == 1:
            return self.named(f"{function}({arguments[0]})", elementwise=False)
        return self.named(f"{self.use('along')}({', '.join((function, *arguments))})", elementwise=False)

    def word(self, f: Factor) -> str:
        """A product of matrices, or a transpose."""
        letters = [self._vector(c) for c in f.children]
        if f.label == TRANSPOSED:
            return self.named(self.spelling.transposed.format(letters[0]), elementwise=False)
        return self.named(f" {self.spelling.product} ".join(letters), elementwise=False)

    def _vector(self, child: Term) -> str:
        """A direction as a name; a scalar is spread over the components."""
        return self._spread(self.term(child), child.scalar)

    def _spread(self, value: str, scalar: bool) -> str:
        if scalar:
            return f"{value} + 0*theta" if not self.spelling.elementwise else f"{value} .+ 0*theta"
        return value if value.isidentifier() else self.named(value)

    def contraction(self, f: Factor) -> str:
        child = f.children[0]
        if f.label:
            return self._over(f.label, self._vector(child))
        value = self.term(child)
        if child.scalar:
            return self.named(f"{value}*{self.spelling.functions['size']}(theta)", elementwise=False)
        return self.named(self.spelling.total.format(value if value.isidentifier() else self.named(value)), elementwise=False)

    def _over(self, part: str, value: str) -> str:
        """At every component the sum over its layer, row or column; a matrix is one layer."""
        if part == LAYER and self.matrix:
            return self.named(self._spread(self.spelling.total.format(value), True), elementwise=False)
        self.reads_layers |= part == LAYER
        return self.named(f"{self.use({LAYER: 'layers', ROW: 'rows', COLUMN: 'columns'}[part])}({value})", elementwise=False)

    def absolute(self, f: Factor) -> str:
        return self._called("abs", self.term(f.children[0]))

    def root(self, f: Factor) -> str:
        value = self.total(f.body)
        return self._called("abs", value) if f.label == "abs" else f"({value})"

    def base(self, f: Factor) -> str:
        return self.named(self.total(f.body))

    def map(self, f: Factor) -> str:
        if f.label in SLOPES:
            if f.label not in self.spelling.functions:
                raise UsageError(f"{f.label} has no name in that language")
            return self.named(self._called(f.label, self.total(f.body)))
        found = map_of(f.label, self.declared)
        assert found is not None
        name, rank = found
        self.maps[name] = None
        directions = [self._vector(c) for c in f.children]
        point = self._spread(self.total(f.body), all(t.scalar for t, _ in f.body)) if f.body else directions.pop()
        if self.declared[name] == "componentwise" and rank:
            directions = [self.named(self.target.ones(point), elementwise=False)] * rank
        if name in self.stated or self.target.differentiates:
            return self._along(name, [point, *directions])
        return self.named(f"{name}({', '.join((point, *directions))})", elementwise=False)


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
