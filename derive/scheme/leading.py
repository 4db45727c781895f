"""[leading]: what memory is at gamma = 0, in the formula language, where the scheme says it.

    [leading]
    u = "abs(grad)"         the fixed point of u+ = F(u) at gamma = 0, with theta, other slow variables and memory in it
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from derive.errors import SchemeError, nearest
from derive.language import Expression, derivative_calls, parse_expression, plain_arities, plain_name
from derive.language.maps import map_arities
from derive.scheme.losses import loss_calls
from derive.scheme.model import Scheme

RANKS = 10


def stating(scheme: Scheme, leading: Mapping[str, str], where: str = "[leading]") -> Scheme:
    """The scheme with more values of memory at gamma = 0.

    Raises SchemeError for a name that is no memory of the scheme, ParseError for what is no formula.

    >>> from derive.language import unparse; from derive.scheme import inline_scheme
    >>> logistic = inline_scheme("u = u + c*u*(grad(theta)**2 - u); theta = theta - gamma*u", ["c"])
    >>> unparse(stating(logistic, {"u": "∇L**2"}).leading["u"])
    'grad**2'
    """
    if not leading:
        return scheme
    problem = loss_calls(scheme.losses) or {**derivative_calls("L", RANKS), **derivative_calls("f", RANKS)}
    calls = {**plain_arities(), **problem, **map_arities(scheme.maps)}
    found: dict[str, Expression] = dict(scheme.leading)
    memory = [s for s in scheme.states if s not in scheme.unknowns]
    for name, text in leading.items():
        if (plain := plain_name(name)) not in memory:
            known = f" (memory: {', '.join(memory) or 'none'})"
            raise SchemeError(f"{scheme.where}, {where} {name}: '{name}' is no memory{nearest(plain, memory)}{known}")
        found[plain] = parse_expression(text, f"{scheme.where}, {where} {name}", calls)
    return replace(scheme, leading=found)
