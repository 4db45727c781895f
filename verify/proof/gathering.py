"""Linear combinations of sums over layers as one sum:  a dot(x, y, layer) + b dot(u, v, layer) = dot(a x y + b u v, 1, layer).

The coefficients are numbers.  A base such as |r|^2, written out, is then one function of its layer, as it is in the text.
"""

from __future__ import annotations

from collections.abc import Mapping

from derive.language import ONE, Call, Expression, Operation
from derive.language.calls import Kind
from derive.language.layers import LAYER, part_call
from derive.scheme.kinds import kind_of

DOT = part_call("dot", LAYER)


def gathered(e: Expression, kinds: Mapping[str, Kind]) -> Expression:
    """The expression with its combinations of sums over layers gathered; `kinds` says which names are vectors.

    >>> from derive.language import parse_expression, plain_arities, unparse
    >>> text = "grad/(dot(grad, grad, layer) + 2*lam*dot(theta, grad, layer) + eps)"
    >>> unparse(gathered(parse_expression(text, "example", plain_arities()), {"grad": "vector", "theta": "vector"}))
    'grad/(dot(grad*grad + 2*lam*(theta*grad), 1, layer) + eps)'
    """
    match e:
        case Operation(op, args, line, column):
            if op in ("+", "-") and (inner := _summand(e, kinds)):
                return Call(DOT, (gathered(inner, kinds), ONE), line, column)
            return Operation(op, tuple(gathered(a, kinds) for a in args), line, column)
        case Call(function, args, line, column):
            return Call(function, tuple(gathered(a, kinds) for a in args), line, column)
    return e


def _summand(e: Expression, kinds: Mapping[str, Kind]) -> Expression | None:
    """x with e = dot(x, 1, layer); None where e is not written as such a combination."""
    match e:
        case Call("dot.layer", (a, b)):
            return Operation("*", (a, b))
        case Operation("neg", (a,)):
            found = _summand(a, kinds)
            return Operation("neg", (found,)) if found else None
        case Operation("+" | "-" as op, (a, b)):
            x, y = _summand(a, kinds), _summand(b, kinds)
            return Operation(op, (x, y)) if x and y else None
        case Operation("*", (a, b)) if (found := _summand(b, kinds)) and kind_of(a, kinds) == "scalar":
            return Operation("*", (a, found))
        case Operation("*" | "/" as op, (a, b)) if (found := _summand(a, kinds)) and kind_of(b, kinds) == "scalar":
            return Operation(op, (found, b))
    return None
