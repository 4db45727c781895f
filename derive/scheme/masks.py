"""Whether the equation of a branch is right at the components where its conditions hold, whatever holds at the others.

A component of the field, and a condition, read other components through gradients, which change as the others move, and through
sums and derivatives of what has branches.  So they do not at gamma = 0, where nothing moves, if no such sum or derivative is
taken; and the field does at no power of gamma if what is carried out takes none at all, such as theta = theta - gamma*c.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from derive.language import Call, Expression, Number, Operation, assignments, names_of, walk
from derive.language.calls import PIECES, call_of, partial_of
from derive.language.layers import summed_call
from derive.language.maps import map_of
from derive.scheme.model import Scheme
from derive.scheme.names import previous


def componentwise(branch: Scheme, order: int) -> bool:
    """Whether the equation of a branch through gamma^order holds component by component.

    >>> from derive.scheme import inline_scheme
    >>> from derive.scheme.regions import regions
    >>> first = lambda text: regions(inline_scheme(text))[0]
    >>> free = first("theta = theta - gamma*max(grad(theta), 1)")
    >>> componentwise(free, 0), componentwise(free, 1)
    (True, False)
    >>> componentwise(first("g = max(grad(theta), 1); theta = theta - gamma*g/norm(g)"), 0)
    False
    >>> componentwise(first("theta = theta - gamma*max(1, grad(theta))"), 1)
    True
    """
    return not _mixed(branch.whole) and (order == 0 or not any(_couples(call, branch) for call in _carried_out(branch)))


def _couples(call: Call, scheme: Scheme, moves: bool = True) -> bool:
    """Whether a call reads other components of its arguments: a sum, a direction, a map; a gradient, if something moves."""
    name = call.function
    found = map_of(name, scheme.maps)
    if found:
        return scheme.maps[found[0]] != "componentwise"
    partial = partial_of(name)
    if partial is not None or call_of(name).label:
        return moves or bool(partial and len(partial.variables) > 1)
    return call_of(name).kind == "scalar" or bool(summed_call(name))


def _carried_out(branch: Scheme) -> Iterator[Call]:
    """The calls of the lines that the unknowns come from, but for what is multiplied by zero."""
    needed = set(branch.unknowns)
    lines = {a: _without_zeros(a.value) for a in assignments(branch.branch)}
    while more := {n for a, e in lines.items() if a.target in needed for n in names_of(e)} - needed:
        needed |= more
    return (n for a, e in lines.items() if a.target in needed for n in walk(e) if isinstance(n, Call))


def _without_zeros(e: Expression) -> Expression:
    match e:
        case Operation("*", (Number(value), _)) if not value:
            return e.args[0]
        case Operation(op, args, line, column):
            return Operation(op, tuple(map(_without_zeros, args)), line, column)
        case Call(function, args, line, column):
            return Call(function, tuple(map(_without_zeros, args)), line, column)
    return e


def _mixed(whole: Scheme) -> bool:
    """Whether a sum, a derivative in a direction or a map is taken of what has branches, or of what has moved."""
    touched: set[str] = set(map(previous, whole.unknowns))
    before: set[str] = set()
    while touched != before:  # memory carries what has branches to the next step
        before, moved = set(touched), set[str]()
        for a in whole.lines:
            if any(_couples(c, whole, False) and any(_touches(x, touched | moved) for x in c.args) for c in _calls(a.value)):
                return True
            if a.target in whole.unknowns:
                moved.add(a.target)
            elif _touches(a.value, touched | moved):
                touched.add(a.target)
    return False


def _calls(e: Expression) -> Iterator[Call]:
    return (n for n in walk(e) if isinstance(n, Call))


def _touches(e: Expression, names: Collection[str]) -> bool:
    return any(c.function in PIECES for c in _calls(e)) or not set(names).isdisjoint(names_of(e))


__all__ = ["componentwise"]
