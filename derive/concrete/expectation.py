"""The generator of a stochastic optimizer on sample losses: exact coefficients of the derivatives of the test function.

    G phi = sum_k gamma^k sum_index value_k[index] d_index phi

An index names what is differentiated by, sorted: "x", "xy", "yyy"; every unordered index stands once, so that "xy" is the
coefficient of d_x d_y, both orders together.  Where a name has more letters than one, names are set apart: "eta_x x".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from flint import arb, ctx, fmpq

from derive.algebra.coefficients import Ratio, Ring
from derive.concrete.jets import Value, exact, is_zero
from derive.concrete.point import Index
from derive.concrete.sampled_functions import SampledFunctions
from derive.concrete.samples import Samples
from derive.concrete.symbols import Formula
from derive.concrete.tied import Derivatives, TiedForests, depth
from derive.concrete.values import MAX_BITS, PRECISION, Undecided, settled, time_values
from derive.errors import SingularPointError, UsageError, nearest
from derive.noise.forests import Forest
from derive.noise.generator import Generator
from derive.result import Described

NOUGHT = 8


@dataclass(frozen=True, repr=False)
class Expectation(Described):
    """`values[k]` gives the coefficient of gamma^k of every derivative, by its index, as text; an index that is not there has 0.

    `numbers[k]` is the same as `Fraction`s, coefficients where symbols stayed, else mpmath numbers with the digits asked for.
    """

    names: tuple[str, ...]
    point: Mapping[str, Fraction]
    values: tuple[Mapping[str, str], ...]
    numbers: tuple[Mapping[str, Any], ...] = field(compare=False, default=())

    def __getitem__(self, power: int) -> Mapping[str, Any]:
        return self.numbers[power]

    def describe(self) -> str:
        where = ", ".join(f"{n}={x}" for n, x in self.point.items())
        return f"at {where or 'any point'}, through gamma^{len(self.values) - 1}"


def index_text(index: Index, names: Sequence[str]) -> str:
    """
    >>> index_text((2, 1), ["y", "x"]), index_text((2, 1), ["eta_x", "x"])
    ('xyy', 'eta_x eta_x x')
    """
    found = sorted(n for n, e in zip(names, index, strict=True) for _ in range(e))
    return ("" if all(len(n) == 1 for n in names) else " ").join(found)


def component_names(generator: Generator, samples: Samples) -> dict[str, tuple[str, ...]]:
    """Slow variable -> the names of its components, by which a point gives them: x, y; eta_x, eta_y."""
    found = {v: samples.problem.components(generator.spaces[v]) for v in generator.slow}
    return {v: b if samples.problem.is_unknown(v) else tuple(f"{v}_{x}" for x in b) for v, b in found.items()}


def expectation(generator: Generator, samples: Samples, point: Mapping[str, Fraction], digits: int = 50) -> Expectation:
    """The generator's coefficients on the samples; what the point gives no value stays a symbol.

    An irrational value that agrees with 0 to NOUGHT times the digits counts as 0.

    Raises UsageError (names, digits; symbols where a value is no rational function), SingularPointError.
    """
    if not 1 <= digits <= 10_000:
        raise UsageError(f"digits must be between 1 and 10000, not {digits}")
    blocks = component_names(generator, samples)
    names = [n for block in blocks.values() for n in block]
    if twice := next((n for n in names if names.count(n) > 1 or n in samples.problem.parameters), None):
        raise UsageError(f"the losses: '{twice}' means two things; rename a variable of the losses")
    symbols = _symbols(generator)
    known = dict.fromkeys((*names, *samples.problem.parameters, *sorted(symbols | {"t"})))
    for name in point:
        if name not in known:
            raise UsageError(f"point: unknown name '{name}'{nearest(name, known)} (known: {', '.join(known)})")
    if clash := sorted(symbols.intersection(names)):
        raise UsageError(f"the losses: '{clash[0]}' is a parameter of the scheme too; rename it, or set --set {clash[0]}=...")
    bits = first = int(digits * 3.33) + 64
    while True:
        try:
            with PRECISION, ctx.workprec(bits):
                at = _Evaluation(generator, samples, point, blocks)
                found = [_settled(power, digits, bits >= NOUGHT * first) for power in at.powers()]
        except Undecided:
            bits *= 2
            if bits > MAX_BITS:
                raise SingularPointError("a quantity under a root or a sign is not told from zero at this point") from None
            continue
        return _as_texts(found, names, point)


def _settled(power: Mapping[Index, Any], digits: int, last: bool) -> dict[Index, tuple[str, Any]]:
    """The texts and numbers of a power of gamma."""
    nought = {i for i, x in power.items() if last and isinstance(x, arb) and x.contains(0)}
    return {i: settled(x, digits) for i, x in power.items() if i not in nought}


def _symbols(generator: Generator) -> set[str]:
    """What may want a value: the symbols of coefficients, and of functions that stand for nodes."""
    free = generator.configuration.free if generator.opaque else ()
    return {*free, *(s for power in generator.powers for c in power.values() for s in c.symbols())}


def _as_texts(
    found: Sequence[Mapping[Index, tuple[str, Any]]], names: Sequence[str], point: Mapping[str, Fraction]
) -> Expectation:
    each = [{index_text(i, names): pair for i, pair in power.items()} for power in found]
    ordered = [dict(sorted(power.items(), key=lambda item: (_degree(item[0], names), item[0]))) for power in each]
    texts = tuple({i: t for i, (t, _) in power.items()} for power in ordered)
    return Expectation(tuple(names), dict(point), texts, tuple({i: x for i, (_, x) in power.items()} for power in ordered))


def _degree(index: str, names: Sequence[str]) -> int:
    return len(index) if all(len(n) == 1 for n in names) else len(index.split())


class _Evaluation:
    """Numbers are rational, or balls, where everything has a value, else rational functions of what has none."""

    def __init__(
        self, generator: Generator, samples: Samples, point: Mapping[str, Fraction], blocks: Mapping[str, tuple[str, ...]]
    ) -> None:
        self.generator, problem = generator, samples.problem
        names = [*problem.parameters, *(n for block in blocks.values() for n in block)]
        self.values = {n: exact(x) for n, x in point.items()}
        if "t" in point:
            self.values |= time_values(generator.configuration.functions, exact(point["t"]), generator.order + 2)
        self.ring = Ring(sorted((_symbols(generator) | {*names}) - self.values.keys()))
        numbers = self.values | {n: Formula(self.ring.symbol(n)) for n in self.ring.symbols}
        degree = depth(f for p in generator.powers for f in p)
        jets = problem.jets([numbers[x] for x in problem.variables], degree, numbers)
        state = {v: [numbers[n] for n in block] for v, block in blocks.items()}
        functions = SampledFunctions(generator, samples, jets, state, degree - 1, numbers)
        self.forests = TiedForests(generator, samples, jets, state, functions)

    def powers(self) -> list[dict[Index, Any]]:
        return [self._total(power) for power in self.generator.powers]

    def _total(self, power: Mapping[Forest, Ratio]) -> dict[Index, Any]:
        total: Derivatives = {}
        for forest, coefficient in power.items():
            c = self._coefficient(coefficient)
            for index, value in self.forests.forest(forest).items():
                total[index] = total[index] + c * value if index in total else c * value
        return {i: v.ratio if isinstance(v, Formula) else v for i, v in total.items() if not is_zero(v)}

    def _coefficient(self, c: Ratio) -> Value:
        """A number where all of its symbols have values."""
        try:
            if c.symbols() <= self.values.keys():
                return c.at(self.values, exact)
            values = {n: self.ring.constant(x) for n, x in self.values.items() if isinstance(x, fmpq)}
            if inexact := sorted(c.symbols() & (self.values.keys() - values.keys())):
                raise UsageError(f"{inexact[0]} is irrational at this time, and {c.reduced()} has symbols left; give all a value")
            return Formula(c.substitute(values, self.ring))
        except ZeroDivisionError:
            raise SingularPointError(f"division by zero in {c.reduced()}") from None
