"""[leading]: what memory is at gamma = 0, in the formula language, where the scheme says it.

    [leading]
    u = "abs(grad)"         the fixed point of u+ = F(u) at gamma = 0, with theta, other slow variables and memory in it
    [leading."e > d"]
    d = "norm(theta)"       the same of the branches in which max, min, clip or where finds e > d
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from derive.errors import ParseError, SchemeError, nearest
from derive.language import Expression, derivative_calls, parse_expression, plain_arities, plain_name
from derive.language.calls import CHOICES, SCHEME_CALLS, WHERE
from derive.language.maps import map_arities
from derive.language.syntax import Call, unparse
from derive.scheme.losses import loss_calls
from derive.scheme.model import Scheme

RANKS = 10
OF = ":"  # between the condition and the name, where a statement is about some branches


def stating(scheme: Scheme, leading: Mapping[str, str], where: str = "[leading]") -> Scheme:
    """The scheme with more values of memory at gamma = 0; those of some branches are named 'larger > smaller: name'.

    Raises SchemeError for a name that is no memory of the scheme, and for what is no condition of one with branches, ParseError
    for what is no formula.

    >>> from derive.scheme import inline_scheme
    >>> logistic = inline_scheme("u = u + c*u*(grad(theta)**2 - u); theta = theta - gamma*u", ["c"])
    >>> unparse(stating(logistic, {"u": "∇L**2"}).leading["u"])
    'grad**2'
    >>> largest = inline_scheme("d = max(d, norm(theta)); theta = theta - gamma*d*grad(theta)")
    >>> list(stating(largest, {"d < norm(theta): d": "norm(theta)"}).leading_where)
    ['norm(theta) > d']
    """
    if not leading:
        return scheme
    problem = loss_calls(scheme.losses) or {**derivative_calls("L", RANKS), **derivative_calls("f", RANKS)}
    calls = {**plain_arities(), **problem, **map_arities(scheme.maps)}
    found: dict[str, dict[str, Expression]] = {"": dict(scheme.leading), **{c: dict(v) for c, v in scheme.leading_where.items()}}
    memory = [s for s in scheme.states if s not in scheme.unknowns]
    for key, text in leading.items():
        condition, _, name = key.rpartition(OF)
        if (plain := plain_name(name.strip())) not in memory:
            known = f" (memory: {', '.join(memory) or 'none'})"
            raise SchemeError(f"{scheme.where}, {where} {key}: '{name.strip()}' is no memory{nearest(plain, memory)}{known}")
        asked = _condition(scheme, condition, f"{scheme.where}, {where} {key}") if condition else ""
        found.setdefault(asked, {})[plain] = parse_expression(text, f"{scheme.where}, {where} {key}", calls)
    return replace(scheme, leading=found.pop(""), leading_where=found)


def stated_leading(scheme: Scheme) -> dict[str, str]:
    """What `stating` was told: name, or 'larger > smaller: name', and formula."""
    of_branches = {f"{c}{OF} {n}": unparse(e) for c, values in scheme.leading_where.items() for n, e in values.items()}
    return {n: unparse(e) for n, e in scheme.leading.items()} | of_branches


def _condition(scheme: Scheme, text: str, where: str) -> str:
    """'larger > smaller' as the branches of the scheme have it."""
    if not scheme.pieces:
        raise SchemeError(f"{where}: '{text}' is asked by no branch; max, min, clip and where have some")
    try:
        choice = parse_expression(f"{WHERE}({text}, 1, 0)", where, SCHEME_CALLS)
    except ParseError as error:
        raise SchemeError(f"{where}: '{text}' is no comparison, such as 'e > d': {error.reason}") from None
    assert isinstance(choice, Call)
    left, right = choice.args[:2]
    larger, smaller = (right, left) if CHOICES[choice.function][0] == "<" else (left, right)
    return f"{unparse(larger)} > {unparse(smaller)}"
