"""Statements with a repeat whose number k is a symbol: proved for every k by being proved for enough numbers.

A true coefficient is a polynomial in k over a power of k, a claimed one a quotient N/D.  Their difference, over a common
denominator, has a numerator whose degree is bounded here: it is zero for all k if it is zero for more numbers than that.
For k = 1, 2, 3, ... the update is written out, and proved as every other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

from derive.language import (
    Call,
    Expression,
    Meaning,
    Name,
    Number,
    Operation,
    Repeat,
    counted,
    interpret,
    parse_expression,
    substitute,
    unparse,
)
from derive.language.calls import partial_of
from derive.language.repeats import length, repeats
from derive.language.size import MAX_REPEATED
from derive.scheme import Configuration
from verify.proof.count_degrees import Degrees
from verify.proof.errors import Undecided
from verify.proof.statement import CALLS, DERIVATIVES, Claimed, Statement, Summands, interned
from verify.proof.step_degrees import StepDegrees

MOST_NUMBERS = 200


def numbers_of_steps(configuration: Configuration) -> tuple[str, ...]:
    """The symbols that are numbers of repetitions."""
    found = (r.count for r in repeats(configuration.scheme.statements) if r.times is None)
    symbols = (configuration.bindings[n.id] for n in found if isinstance(n, Name))
    return tuple(dict.fromkeys(s.id for s in symbols if isinstance(s, Name)))


def at(configuration: Configuration, values: Mapping[str, int]) -> Configuration:
    """The configuration with numbers of repetitions in place of symbols, wherever these stand.

    >>> from derive import configure, inline_scheme
    >>> c = configure(inline_scheme("repeat k: theta = theta - gamma*grad(theta)/k", ["k"]))
    >>> at(c, {"k": 3}).bindings["k"], len(at(c, {"k": 3}).scheme.program)
    (Number(value=Fraction(3, 1), line=1, column=1), 3)
    """
    numbers: dict[str, Expression] = {n: Number(Fraction(k)) for n, k in values.items()}

    def times(r: Repeat) -> int | None:
        symbol = configuration.bindings[r.count.id] if r.times is None and isinstance(r.count, Name) else None
        return values[symbol.id] if isinstance(symbol, Name) else r.times

    return replace(
        configuration,
        scheme=replace(configuration.scheme, statements=counted(configuration.scheme.statements, times)),
        bindings={n: substitute(e, numbers) for n, e in configuration.bindings.items()},
        free=tuple(n for n in configuration.free if n not in values),
        rescaled={v: replace(r, factor=substitute(r.factor, numbers)) for v, r in configuration.rescaled.items()},
        functions={f: substitute(e, numbers) if isinstance(e, Expression) else e for f, e in configuration.functions.items()},
    )


def specialised(claim: Statement, configuration: Configuration, values: Mapping[str, int]) -> Statement:
    """The statement at these numbers of repetitions."""
    written = at(configuration, values)
    numbers: dict[str, Expression] = {n: Number(Fraction(k)) for n, k in values.items()}

    known: dict[Any, Expression] = {}

    def fixed(powers: tuple[Summands, ...]) -> tuple[Summands, ...]:
        return tuple(tuple(interned(substitute(e, numbers), known) for e in summands) for summands in powers)

    return replace(
        claim,
        program=written.scheme.program,
        parameters={n: text for n, text in claim.parameters.items() if n not in values},
        bindings={n: e for n, e in written.bindings.items() if e != Name(n)},
        rescaled=written.rescaled,
        functions={f: e for f, e in written.functions.items() if e is None or isinstance(e, Expression)},
        fields={x: fixed(powers) for x, powers in claim.fields.items()},
        memory={m: fixed(powers) for m, powers in claim.memory.items()},
    )


def written(equations: Claimed, values: Mapping[str, int], calls: Mapping[str, int | None] = CALLS) -> dict[str, list[Any]]:
    """The `equations` of a result's JSON form with numbers of repetitions in place of symbols.

    >>> written({"theta": [{"power": 0, "terms": [{"coefficient": "-k/2", "term": "grad"}]}]}, {"k": 3})["theta"][0]["terms"]
    [{'coefficient': '-3/2', 'term': 'grad'}]
    """
    numbers: dict[str, Expression] = {n: Number(Fraction(k)) for n, k in values.items()}

    def fixed(text: str) -> str:
        return unparse(substitute(parse_expression(text, "claim", calls), numbers))

    return {
        x: [{**p, "terms": [{key: fixed(text) for key, text in item.items()} for item in p["terms"]]} for p in powers]
        for x, powers in equations.items()
    }


def enough(claim: Statement, configuration: Configuration) -> list[dict[str, int]]:
    """Numbers of repetitions at which a statement has to be proved, so that it is proved for all."""
    symbols = numbers_of_steps(configuration)
    counts = [range(1, degree_bound(claim, configuration, k) + 2) for k in symbols]
    if (many := prod(map(len, counts))) > MOST_NUMBERS:
        raise Undecided(f"{many} numbers of repetitions would have to be tried; the limit is {MOST_NUMBERS}")
    found = [dict(zip(symbols, values)) for values in product(*counts)]
    if length(at(configuration, found[-1]).scheme.statements) > MAX_REPEATED:
        raise Undecided(f"the update would have to be written out for {named(found[-1])}, more than {MAX_REPEATED} assignments")
    return found


def named(values: Mapping[str, int]) -> str:
    """
    >>> named({"k": 3, "m": 1})
    'k = 3, m = 1'
    """
    return ", ".join(f"{n} = {k}" for n, k in values.items())


def degree_bound(claim: Statement, configuration: Configuration, count: str) -> int:
    """The degree in k of the numerator of claimed minus true coefficients.

    With true = k^-l T, deg T = h + l, and claimed = N/D, it is that of  T D - k^l N.
    """
    states = StepDegrees(configuration, count, claim.slow, claim.order + 2).states
    degree = 0
    pairs = [(s, states[x][k + 1]) for x, powers in claim.fields.items() for k, s in enumerate(powers)]
    pairs += [(s, states[m][k]) for m, powers in claim.memory.items() for k, s in enumerate(powers)]
    for summands, true in pairs:
        top, bottom = _total([interpret(e, _Claimed(count)) for e in summands])
        low, high = true or (0, 0)
        pole = max(0, -low)
        degree = max(degree, high + pole + bottom, pole + top)
    return degree


def _total(parts: Sequence[Degrees]) -> Degrees:
    """Degrees of the numerator and of the denominator of a sum."""
    bottom = sum(d for _, d in parts)
    return max((n + bottom - d for n, d in parts), default=0), bottom


class _Claimed(Meaning[Degrees]):
    """Degrees in k of the numerator and of the denominator of what is claimed."""

    def __init__(self, count: str) -> None:
        self.count = count

    def number(self, value: Fraction) -> Degrees:
        return 0, 0

    def name(self, node: Name) -> Degrees:
        return int(node.id == self.count), 0

    def negate(self, a: Degrees) -> Degrees:
        return a

    def add(self, a: Degrees, b: Degrees, node: Operation) -> Degrees:
        return _total([a, b])

    subtract = add

    def multiply(self, a: Degrees, b: Degrees, node: Operation) -> Degrees:
        return a[0] + b[0], a[1] + b[1]

    def divide(self, a: Degrees, b: Degrees, node: Operation) -> Degrees:
        return a[0] + b[1], a[1] + b[0]

    def power(self, base: Degrees, exponent: Fraction | None, node: Operation) -> Degrees:
        if base == (0, 0):
            return base
        if exponent is None or exponent.denominator > 1:
            raise Undecided(f"{self.count} stands under a root in the claim")
        e = int(abs(exponent))
        return (e * base[0], e * base[1]) if exponent > 0 else (e * base[1], e * base[0])

    def call(self, node: Call, args: list[Degrees]) -> Degrees:
        """Derivatives of the loss and scalar products are linear in each argument; nothing else may have k in it."""
        if partial := partial_of(node.function):
            point, args = partial.divided(args)
        else:
            point = [] if node.function in (*DERIVATIVES, "dot") else args
        if any(a != (0, 0) for a in point):
            raise Undecided(f"{self.count} stands under {node.function} in the claim")
        return sum(n for n, _ in args), sum(d for _, d in args)
