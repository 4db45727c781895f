"""What a stabiliser does, in words: a parameter e added to a size s of the gradient in a denominator, as in g/(|g| + e).

s is |g| or g^2 in every component, or the norm of g or its square; s is of degree d in g (1 or 2).  A product

    g^m (s + e)^-k   is at most of the size   e^-(k - m/d)   (bounded for k <= m/d),

reached where s is about e.  Sizes of products inside a derivative's slots multiply with that of the product around them, and a
factor e^a of the coefficient takes a away.  They say how far the terms at gamma^j can grow where g is small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from derive.language import Call, Expression, Name, Operation, constant, walk
from verify.problems.formula import parsed
from verify.report.words import Phrases, factors, listed, number_words, power_words

Equation = Mapping[str, Any]
Read = Callable[[str], Expression]
GRAD = Name("grad")
#: sizes of the gradient: (degree in the gradient, whether componentwise)
SIZES: dict[Expression, tuple[int, bool]] = {
    parsed("abs(grad)"): (1, True), parsed("grad**2"): (2, True), parsed("grad*grad"): (2, True),
    parsed("norm(grad)"): (1, False), parsed("dot(grad, grad)"): (2, False),
}  # fmt: skip


@dataclass(frozen=True)
class Guard:
    """A base s + e of a denominator."""

    base: Expression
    parameter: str
    degree: int
    componentwise: bool


def guard_of(base: Expression, parameters: Sequence[str]) -> Guard | None:
    """The guard that a base of a negative power is.

    >>> guard_of(parsed("abs(grad) + eps"), ["eps"]).degree, guard_of(parsed("eps + 1"), ["eps"])
    (1, None)
    """
    match base:
        case Operation("+", (a, b)):
            for size, e in ((a, b), (b, a)):
                if size in SIZES and isinstance(e, Name) and e.id in parameters:
                    return Guard(base, e.id, *SIZES[size])
    return None


def guards(equation: Equation, parameters: Sequence[str], read: Read = parsed) -> list[Guard]:
    """The guards in the equation (JSON form), each once; `read` knows its maps."""
    found: dict[Guard, None] = {}
    for _, _, term in _terms(equation):
        for node in walk(read(term)):
            for base, exponent in _powers(node):
                if exponent < 0 and (guard := guard_of(base, parameters)):
                    found[guard] = None
    return list(found)


def _terms(equation: Equation) -> Iterator[tuple[int, str, str]]:
    for blocks in equation["equations"].values():
        for block in blocks:
            yield from ((block["power"], item["coefficient"], item["term"]) for item in block["terms"])


def _powers(e: Expression) -> list[tuple[Expression, Fraction]]:
    """The factors of a product as (base, exponent), without regard to its sign."""
    found = []
    if isinstance(e, Operation) and e.op == "neg":
        return _powers(e.args[0])
    for factor, upside in factors(e):
        if isinstance(factor, Operation) and factor.op == "neg":
            found += [(b, x if upside else -x) for b, x in _powers(factor)]
            continue
        base, exponent = factor, Fraction(1)
        if isinstance(factor, Operation) and factor.op == "**":
            base, exponent = factor.args[0], constant(factor.args[1]) or Fraction(1)
        found.append((base, exponent if upside else -exponent))
    return found


def size(e: Expression, guard: Guard) -> Fraction:
    """The p of e^-p, to which a term can grow where the size of the gradient is about e.

    >>> g = guard_of(parsed("abs(grad) + eps"), ["eps"])
    >>> [str(size(parsed(t), g)) for t in ("grad/(abs(grad) + eps)", "hess(grad/(abs(grad) + eps))*(abs(grad) + eps)**(-2)")]
    ['0', '2']
    """
    return max(Fraction(0), _net(e, guard)) if guard.componentwise else max(Fraction(0), _count(e, guard))


def _net(e: Expression, guard: Guard) -> Fraction:
    """Componentwise: a derivative mixes components, so that only what multiplies a guard in its own product makes it smaller."""
    own, inside = Fraction(0), Fraction(0)
    for base, exponent in _powers(e):
        if (degree := _degree(base, guard)) is not None:
            own -= exponent * degree
        elif isinstance(base, Call):
            inside += sum((size(a, guard) for a in base.args), Fraction(0))
    return max(Fraction(0), own) + inside


def _count(e: Expression, guard: Guard) -> Fraction:
    """For a norm: every gradient, wherever it stands, is of the size of the norm, and derivatives are linear."""
    total = Fraction(0)
    for base, exponent in _powers(e):
        if (degree := _degree(base, guard)) is not None:
            total -= exponent * degree
        elif isinstance(base, Call):
            total += exponent * sum((_count(a, guard) for a in base.args), Fraction(0))
    return total


def _degree(base: Expression, guard: Guard) -> Fraction | None:
    """The power of e that a base is like where the size of the gradient is about e; None for a derivative or a parameter."""
    if base == guard.base:
        return Fraction(1)
    if base == GRAD:
        return Fraction(1, guard.degree)
    return Fraction(SIZES[base][0], guard.degree) if base in SIZES else None


def growth(equation: Equation, guard: Guard, read: Read = parsed) -> dict[int, Fraction]:
    """The largest p at every power of gamma."""
    found: dict[int, Fraction] = {}
    for power, coefficient, term in _terms(equation):
        taken = sum((x for base, x in _powers(parsed(coefficient)) if base == Name(guard.parameter)), Fraction(0))
        found[power] = max(found.get(power, Fraction(0)), size(read(term), guard) - taken)
    return found


def stabiliser_words(
    equation: Equation, parameters: Sequence[str], phrases: Phrases, values: Mapping[str, Fraction] | None = None
) -> list[str]:
    """A paragraph for every guard; `values` are those that are to be named.

    >>> from derive import modified_equation
    >>> print(stabiliser_words(modified_equation("adam", 1).to_json(), ["eps"], Phrases(lambda n: {"eps": "ε"}.get(n, n)))[0])
    ε in |∇L| + ε keeps the quotients finite where a component of ∇L vanishes. Where |∇L| is far above ε in every component, ε \
hardly matters. Where a component falls to about ε, terms can grow to the size of 1/ε at γ¹: near such points the series can be \
relied on only while γ is far below ε.
    """
    read, given = phrases.parsed, values or {}
    return [_paragraph(g, growth(equation, g, read), phrases, given.get(g.parameter)) for g in guards(equation, parameters, read)]


def _paragraph(guard: Guard, found: Mapping[int, Fraction], phrases: Phrases, value: Fraction | None) -> str:
    e, base = phrases.letter(guard.parameter), phrases.of_symbols(guard.base)
    where = "a component of ∇L" if guard.componentwise else "∇L"
    size = "|∇L|" if guard.componentwise else "‖∇L‖"
    level = _raised(e, Fraction(1, guard.degree))
    here = "" if value is None else f" (here {number_words(value)})"
    text = f"{e}{here} in {base} keeps the quotients finite where {where} vanishes. "
    text += f"Where {size} is far above {level}{' in every component' if guard.componentwise else ''}, {e} hardly matters."
    grown = [f"1/{_raised(e, p)} at {power_words(k)}" for k, p in sorted(found.items()) if k and p > 0]
    if not grown:
        return text
    limit = found.get(0, Fraction(0))
    ratios = [(p - limit) / k for k, p in found.items() if k and p > limit]
    which = "a component" if guard.componentwise else "it"
    text += f" Where {which} falls to about {level}, terms can grow to the size of {listed(grown)}"
    if not ratios:
        return text + ", as the limit field does."
    return f"{text}: near such points the series can be relied on only while γ is far below {_raised(e, max(ratios))}."


def _raised(letter: str, p: Fraction) -> str:
    """A power of a letter.

    >>> [_raised("ε", Fraction(p)) for p in ("1", "1/2", "2", "3/2")]
    ['ε', '√ε', 'ε²', 'ε^(3/2)']
    """
    if p == Fraction(1, 2):
        return f"√{letter}"
    return letter if p == 1 else letter + power_words(int(p))[1:] if p.denominator == 1 else f"{letter}^({p})"


__all__ = ["Guard", "growth", "guards", "size", "stabiliser_words"]
