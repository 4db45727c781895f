"""Witnesses: a concrete loss and a point at which a sum of terms is not zero, in exact numbers.

    sum(L, point, parameters) != 0    =>    the sum is not identically zero

Values are rational, or balls (real numbers enclosed between two rationals) where a root is irrational: a ball that does not
contain zero is a proof as well.  That no witness was found among those tried proves nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any

from flint import ctx, fmpq

from derive.algebra.coefficients import Ratio
from derive.algebra.fold import within
from derive.algebra.functions import declared_losses
from derive.algebra.terms import DERIVATIVES, Exponent, Factor, space_of
from derive.concrete.games import parse_game
from derive.concrete.jets import Value, exact, real_power
from derive.concrete.point import Point
from derive.concrete.problem import Problem, parse_field, parse_loss
from derive.concrete.values import PRECISION, ExactNumbers, decimal, depth_of, time_values
from derive.errors import DeriveError, SingularPointError
from derive.language import derivative_symbol
from derive.reals import TRUE, Formula, example, holds
from derive.reals.formula import names_in
from derive.result import Combination, Described

BITS, DIGITS = 256, 12
ATTEMPTS = 3  # choices of the parameters for every loss
MOST_DERIVATIVES = 20  # of time functions
_SIMPLE = {
    True: ("x**2/2", "x**3/3 + x", "x**4/4 + x*y**2", "x**4/4 + x*y**2 + y**3/3 + x*y"),
    False: ("x**2 + x", "x*y + 1; x**2 - y", "x**3 + x*y + 1; x*y**2 + y + 2"),
}


@dataclass(frozen=True, repr=False)
class Witness(Described):
    """The value of a sum at a point of a loss (or field): not zero.

    `at` has the components of theta, of other vectors (eta_x, ...) and scalars; `parameters` also the time t.  `component` is
    the variable whose component `value` is; exact where it is rational, else decimals of a ball that excludes zero.
    """

    loss: str
    at: Mapping[str, str]
    parameters: Mapping[str, str]
    component: str
    value: str

    def describe(self) -> str:
        where = ", ".join(f"{n} = {v}" for n, v in {**self.at, **self.parameters}.items())
        return f"{self.loss} at {where}: {self.value}"

    def to_json(self) -> dict[str, Any]:
        return {
            "loss": self.loss, "at": dict(self.at), "parameters": dict(self.parameters),
            "component": self.component, "value": self.value,
        }  # fmt: skip


def find_witness(
    total: Combination, given: Formula = TRUE, functions: Mapping[str, Any] | None = None
) -> Witness | None:
    """A witness that the sum is not identically zero, with parameters in the ranges `given`; None where none was found.

    `functions` are time functions with their settings (None: free).

    >>> from derive.equation import modified_equation
    >>> find_witness(modified_equation("gd", 1)["theta"][1])
    <Witness x**2/2 at x = 1: -1/2>
    """
    if not total:
        return None
    for problem in _problems(total):
        for attempt in range(ATTEMPTS):
            found = _tried(total, problem, attempt, given, functions or {})
            if found is not None:
                return found
    return None


def is_nonzero(total: Combination) -> bool:
    """Whether some point shows, exactly, that the sum is not identically zero."""
    return find_witness(total) is not None


def _nodes(total: Combination) -> list[Factor]:
    return [f for t in total.sum for f in within(t) if f.kind in DERIVATIVES]


def _problems(total: Combination) -> Iterator[Problem]:
    """Simple losses (or fields), then ones in two and three variables with every derivative that occurs."""
    if losses := declared_losses(total.algebra.functions):
        yield from games(losses, depth_of([total]) + 1)
        return
    of_loss = all(total.algebra.functions[f.label].is_loss for f in _nodes(total))
    parse = parse_loss if of_loss else parse_field
    yield from map(parse, _SIMPLE[of_loss])
    for seed, names in enumerate(("xy", "xy", "xyz", "xyz")):
        random = Random(f"{names}{seed}")
        rows = 1 if of_loss else len(names)
        yield parse("; ".join(_dense(names, depth_of([total]) + of_loss, random) for _ in range(rows)))


def games(losses: Mapping[str, Sequence[str]], degree: int) -> Iterator[Problem]:
    """Polynomial losses in two components of every unknown: of two and three monomials, then with every derivative."""
    unknowns = list(dict.fromkeys(x for slots in losses.values() for x in slots))
    blocks = {x: [f"{x}{i}" for i in (1, 2)] for x in unknowns} if len(unknowns) > 1 else {unknowns[0]: ["x", "y"]}
    names = {f: [v for x in slots for v in blocks[x]] for f, slots in losses.items()}
    variables, sizes = {x: ", ".join(block) for x, block in blocks.items()}, [len(own) for own in names.values()]
    for count in (2, 2, 2, 2, 3, 3, 3, 3):
        for top in range(2, degree + 1):
            random = Random(f"{sizes} {count} {top}")
            yield parse_game(losses, unknowns, {f: _sparse(own, top, count, random) for f, own in names.items()}, variables)
    for seed in range(2):
        random = Random(f"{sizes} {seed}")
        yield parse_game(losses, unknowns, {f: _dense(own, degree, random) for f, own in names.items()}, variables)


def _sparse(names: Sequence[str], degree: int, count: int, random: Random) -> str:
    """A few monomials of a degree, x1*y1 + x2*y2**2, say."""
    chosen = [sorted(Counter(random.choices(names, k=degree)).items()) for _ in range(count)]
    return " + ".join(dict.fromkeys("*".join(n if k == 1 else f"{n}**{k}" for n, k in m) for m in chosen))


def _dense(names: Sequence[str], degree: int, random: Random) -> str:
    """Powers of linear forms: x/2 + (x + 2*y)**2/3 + ... through the degree."""
    parts = []
    for power in range(1, degree + 1):
        for _ in range(min(power + 1, 3)):
            form = " + ".join(f"{random.choice([-2, -1, 1, 2, 3])}*{n}" for n in names)
            parts.append(f"({form})**{power}/{random.randint(2, 7)}")
    return " + ".join(parts)


def _tried(
    total: Combination, problem: Problem, attempt: int, given: Formula, functions: Mapping[str, Any]
) -> Witness | None:
    random = Random(f"{_anonymous(problem)} {attempt}")
    symbols = _parameters(total, random, given, functions)
    if symbols is None:
        return None
    try:
        with PRECISION, ctx.workprec(BITS):
            numbers = _Numbers(total, problem, random if attempt else None, symbols, functions)
            values = Point(numbers, problem.spans).total((t, c) for c, t in total)
            place = next((i for i, x in enumerate(values) if excludes_zero(x)), None)
            if place is None:
                return None
            text = shown(values[place])
    except (DeriveError, ZeroDivisionError, ValueError):
        return None
    at = {n: str(v) for n, v in numbers.used.items()}
    space = next(filter(None, map(space_of, total.sum)), "")
    return Witness(problem.text, at, {n: str(v) for n, v in symbols.items()}, problem.components(space)[place], text)


def _anonymous(problem: Problem) -> str:
    """The text, declared losses and their variables by number: other letters have the same witness."""
    places = {n: f"_{i}" for i, n in enumerate((*problem.losses, *problem.variables))} if problem.losses else {}
    return re.sub(r"[^\W\d]\w*", lambda m: places.get(m[0], m[0]), problem.text)


def excludes_zero(x: Value) -> bool:
    """Whether a rational, or every number in a ball, is not zero."""
    return bool(x != 0) if isinstance(x, fmpq) else not x.contains(0)


def shown(x: Value) -> str:
    """A rational, or the decimals of a ball."""
    return str(x) if isinstance(x, fmpq) else decimal(x, DIGITS)


def _parameters(
    total: Combination, random: Random, given: Formula, functions: Mapping[str, Any]
) -> dict[str, Fraction] | None:
    """Numbers for every symbol that occurs; instead of time functions that are set, and their derivatives, for the time."""
    concrete = {derivative_symbol(n, k) for n, f in functions.items() if f is not None for k in range(MOST_DERIVATIVES)}
    used = parameters_of(total)
    return sample((used - concrete) | ({"t"} if used & concrete else set()), given, random)


def sample(names: set[str], given: Formula, random: Random | None = None) -> dict[str, Fraction] | None:
    """Rational numbers for the names, those between 0 and 1 first, with which `given` holds; None where none are found.

    >>> sample({"beta"}, TRUE, Random(1))
    {'beta': Fraction(1, 3)}
    """
    random = random or Random(0)
    every = sorted(names | names_in(given))
    for _ in range(20):
        values = {n: Fraction(random.randint(1, d - 1), d) for n in every for d in [random.choice([2, 3, 4, 5])]}
        if holds(given, values) is True:
            return {n: values[n] for n in sorted(names)}
    found = example(given)
    if not isinstance(found, Mapping):
        return None
    rational = {n: v for n, v in found.items() if isinstance(v, Fraction)}
    return {n: rational.get(n, Fraction(1, 2)) for n in sorted(names)} if len(rational) == len(found) else None


def parameters_of(total: Combination) -> set[str]:
    """The symbols in coefficients, also those inside of terms."""
    return {s for c in total.sum.values() for s in c.symbols()} | inner_parameters(total)


def inner_parameters(total: Combination) -> set[str]:
    """Those inside of terms."""
    return {s for t in total.sum for f in within(t) for _, c in f.body for s in c.symbols()}


class _Numbers(ExactNumbers):
    """Those at a point that is chosen as it is asked for."""

    def __init__(
        self, total: Combination, problem: Problem, random: Random | None, symbols: Mapping[str, Fraction],
        functions: Mapping[str, Any],
    ) -> None:  # fmt: skip
        super().__init__(total.algebra, problem)
        self.random = random
        self.used: dict[str, Fraction] = {}
        self.symbols: dict[str, Value] = {n: exact(v) for n, v in symbols.items()}
        if "t" in symbols:
            self.symbols |= time_values(functions, self.symbols["t"], MOST_DERIVATIVES)
        centre = [self.named(x) for x in problem.variables]
        self.jets = problem.jets(centre, depth_of([total]))

    def named(self, name: str) -> Value:
        """A positive number, so that roots of state variables exist: 1, 2, 3, ... at the first attempt, then any."""
        if name not in self.used:
            n = len(self.used) + 1
            self.used[name] = Fraction(self.random.randint(1, 4), self.random.randint(1, 3)) if self.random else Fraction(n)
        return exact(self.used[name])

    def power(self, x: Value, exponent: Exponent, f: Factor) -> Value:
        e = Fraction(exponent)
        if not isinstance(x, fmpq) and (e < 0 or e.denominator > 1) and x.contains(0):
            raise SingularPointError("not told from zero")
        return real_power(x, e)

    def coefficient(self, c: Ratio) -> Value:
        return c.at(self.symbols, exact)
