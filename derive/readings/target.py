"""Target equations as text: "theta'' + lam*theta' + grad", "theta' + grad", "theta'' + 3/t*theta' + gamma*hess(theta') + grad".

The text is an expression that the target sets to zero, or an equation with one '='.  Beyond the scheme language it has
theta', theta'' and the derivatives of the loss at theta: grad, hess(x), d3(x, y), d4(x, y, z), ..., as they are printed too:
"θ'' = - λ θ' - ∇L + γ/2 ∇²L[θ']".
"""

from __future__ import annotations

from collections.abc import Mapping

from derive.engine.formula import FIRST, SECOND
from derive.errors import ParseError, UsageError
from derive.language import Expression, Operation, derivative_calls, names_of, parse_expression, plain_arities

__all__ = ["FIRST", "SECOND", "parse_primed", "parse_target"]


def _calls() -> dict[str, int | None]:
    """The calls of a target: those of schemes that evaluate no function, and the derivatives of the loss."""
    return {"grad": 1, "hess": 1, **plain_arities(), **derivative_calls("L", 10)}


def parse_target(text: str) -> Expression:
    """The expression that the target equation sets to zero.

    Raises ParseError outside the grammar, UsageError without a derivative of theta.

    >>> sorted(names_of(parse_target("theta'' + lam*theta' = -grad")))
    ['grad', 'lam', "theta'", "theta''"]
    """
    sides = text.split("=")
    if len(sides) > 2:
        raise ParseError("more than one '='", "target", 1, 1)
    before = " " * (len(sides[0]) + 1)  # columns of errors are those of the whole text
    expressions = [parse_primed(s, "target", _calls()) for s in (sides[0], *(before + s for s in sides[1:]))]
    result = expressions[0] if len(sides) == 1 else Operation("-", (expressions[0], expressions[1]))
    if not {FIRST, SECOND} & set(names_of(result)):
        raise UsageError("target: write an equation for theta, such as \"theta' + grad\" or \"theta'' + lam*theta' + grad\"")
    return result


def parse_primed(text: str, where: str, calls: Mapping[str, int | None]) -> Expression:
    """An expression in which theta' and theta'' may stand.

    >>> sorted(names_of(parse_primed("theta'' + lam*theta'", "example", {})))
    ['lam', "theta'", "theta''"]
    """
    expression = parse_expression(text, where, calls)
    if any(name.startswith(SECOND + "'") for name in names_of(expression)):
        raise UsageError(f"{where}: derivatives of theta beyond theta'' are not supported")
    return expression
