"""Labels that stand for functions of a sample's gradient and of slow variables, such as u = sgrad(theta)/norm(sgrad(theta)).

Their derivatives are those of the function as it is written, at the world's point.  One that is linear in fast memory m is
kept as its values at the unit vectors of m, so that u[m:g] is the function with g in the place of m.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from derive.errors import ParseError, UndecidedError
from derive.language import Assignment, Call, Expression, Name, names_of, parse_update, walk
from derive.language.layers import summed_call
from verify.numbers.evaluation import elementary, evaluate, summed
from verify.sde.elements import Element, Elements
from verify.sde.reading import draws_or_evaluates
from verify.sde.scalars import Array
from verify.sde.world import World, label_of


def with_functions(world: World, opaque: Mapping[str, str], fast: Sequence[str]) -> World:
    """The world with the derivatives of these functions; `fast` are the fast memory variables."""
    jets, linear = dict(world.jets), {}
    for label, text in opaque.items():
        expression = _read(label, text)
        of = [m for m in fast if m in names_of(expression)]
        if len(of) > 1:
            raise UndecidedError(f"a function of the fast variables {', '.join(of)}")
        if of:
            linear[label] = of[0]
            units = [_evaluated(world, expression, {of[0]: k}) for k in range(world.shape.dimension)]
            jets[label] = np.stack(units, axis=1)
        else:
            jets[label] = _evaluated(world, expression, {})
    return replace(world, jets=jets, fast=tuple(fast), linear=linear)


def _read(label: str, text: str) -> Expression:
    try:
        (line,) = parse_update(f"theta = {text}")
    except ParseError as error:
        raise UndecidedError(f"what {label} stands for, {text}: {error}") from None
    assert isinstance(line, Assignment)
    return line.value


def _evaluated(world: World, expression: Expression, units: Mapping[str, int]) -> Array:
    """samples x components x coefficients of a function, memory being the unit vector of that number."""
    numbers, shape = Elements(world.ring), world.shape
    names: dict[str, Any] = world.names(numbers)
    for x in shape.slow:
        names[x] = [numbers.variable(k) + numbers.number(v) for k, v in zip(shape.places(x), world.point[x])]
    for m, k in units.items():
        names[m] = [numbers.number(int(j == k)) for j in range(shape.dimension)]

    def call(function: str, args: list[Any]) -> Any:
        label = label_of(function)
        if summed_call(function):
            return summed(function, args, shape.dimension, (), numbers)
        if label not in world.jets:
            return elementary(function, args, numbers)
        return [Element(world.ring, world.jets[label][:, i]) for i in range(world.jets[label].shape[1])]

    for node in walk(expression):
        if isinstance(node, Call) and draws_or_evaluates(node.function) and not all(isinstance(a, Name) for a in node.args):
            raise UndecidedError("a function of a gradient at another point")
    found = evaluate(expression, names, numbers, call)
    values = [x.plain().values for x in (found if isinstance(found, list) else [found] * shape.dimension)]
    return np.array([np.broadcast_to(v, (shape.samples, len(world.ring))) for v in values]).swapaxes(0, 1)
