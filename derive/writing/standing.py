"""How an equation stands to its iterates, in words: from which start they follow it, what it leaves out, and where it holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from derive.algebra.coefficients import Ratio
from derive.algebra.factored import unwrapped
from derive.result import Equation, Relaxation
from derive.writing.formulas import coefficient_text, write_coefficient, write_combination, write_sum
from derive.writing.notation import Notation

if TYPE_CHECKING:
    from derive.readings.conditions import Condition

_MAPSTO = {"unicode": "↦", "ascii": "->", "latex": r"\mapsto"}
_NONZERO = {"unicode": "≠", "ascii": "!=", "latex": r"\ne"}


def condition_parts(c: Condition, style: Notation) -> tuple[str, str]:
    """(formula, words after it): ('S > 0', ' in every component')."""
    sign = ">" if c.op == ">" else _NONZERO[style.name]
    return f"{unwrapped(write_combination(c.body, style))} {sign} 0", " in every component" if c.scope == "every" else ""


def listed(parts: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def where_text(conditions: Sequence[Condition], style: Notation, math: str = "{}") -> str:
    """'where S > 0 in every component and ∇L ≠ 0'; nothing where there is no condition.  `math` sets a formula."""
    said = [math.format(formula) + words for formula, words in (condition_parts(c, style) for c in conditions)]
    return f"where {listed(said)}" if said else ""


def polynomial_text(r: Relaxation, style: Notation) -> str:
    """The polynomial whose roots are the relaxation factors: 'z^2 - β z + 1'."""
    return polynomial_in(r.polynomial, style.symbol("z"), style)


def polynomial_in(coefficients: Sequence[Ratio], z: str, style: Notation) -> str:
    """A polynomial with coefficients from z^0 up: 'z^2 - (1 - q + β) z + β'; a positive sum at the end has no parentheses."""
    text = ""
    for k, p in reversed(list(enumerate(coefficients))):
        if p:
            negative, size = write_coefficient(p, style)
            size = unwrapped(size) if k == 0 and not negative else size
            power = "" if k == 0 else z if k == 1 else style.power(z, str(k))
            piece = style.scale.join(x for x in (size, power) if x) or "1"
            text += f" {'-' if negative else '+'} {piece}" if text else ("-" if negative else "") + piece
    return text


def transients(equation: Equation, style: Notation, math: str = "{}") -> str:
    """What the equation leaves out: 'products of powers of β₁ and β₂', each once; nothing where no transient outlasts a step."""
    factors: dict[str, None] = {}
    for r in equation.relaxations:
        if r.images:
            factors[map_text(r, style, math)] = None
        elif r.factor is None:
            factors["the roots of " + math.format(polynomial_text(r, style))] = None
        elif r.factor:
            factors[math.format(coefficient_text(r.factor, style))] = None
    return f"{'products of ' if len(factors) > 1 else ''}powers of {listed(list(factors))}" if factors else ""


def map_text(r: Relaxation, style: Notation, math: str = "{}") -> str:
    """The factor that depends on the point, or the map of which it is one: 'u ↦ ...'."""
    if r.formula is not None:
        return math.format(write_sum(r.formula, style))
    maps = (f"{style.symbol(x)} {_MAPSTO[style.name]} {write_sum(image, style)}"
            for x, image in zip(r.variables, r.images, strict=True))  # fmt: skip
    return f"the linear map {', '.join(math.format(text) for text in maps)}"


def remembers(equation: Equation) -> bool:
    """Whether there is memory, so that iterates follow the equation from the slow manifold only."""
    return bool(equation.relaxations or equation.memory)


__all__ = ["condition_parts", "listed", "map_text", "polynomial_text", "remembers", "transients", "where_text"]
