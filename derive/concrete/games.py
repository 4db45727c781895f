"""Concrete losses of a scheme that declares its own: one expression a loss, and the variables that each unknown consists of.

    losses      "f = x1**2*y1 - x2; g = x1*y1"            (a lone loss needs no name)
    variables   "x = x1, x2; y = y1"                      (left out: x and x1, x2, ... belong to x)
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from derive.concrete.problem import CONSTANTS, MAX_VARIABLES, Problem, exponentials
from derive.errors import UsageError, nearest
from derive.language import LOSS_CALLS, names_of, parse_expression

Texts = str | Mapping[str, object]


def parse_game(
    losses: Mapping[str, Sequence[str]],
    unknowns: Sequence[str],
    text: Texts,
    variables: Texts | None = None,
    parameters: Collection[str] = (),
) -> Problem:
    """The losses with the variables of every unknown; each loss may contain those of the unknowns it depends on.

    >>> parse_game({"f": ["x"]}, ["x"], "a*x1*x2", "x = x2, x1", ["a"]).variables
    ('x2', 'x1')
    """
    texts = dict(_losses(losses, text))
    expressions = {f: exponentials(parse_expression(e, f"loss {f}", LOSS_CALLS, parameters)) for f, e in texts.items()}
    for f in losses:
        if f not in expressions:
            raise UsageError(f"loss: {f} is missing; write for example {f} = ..., separated by ';' from the others")
    names = {f: set(names_of(e)) - CONSTANTS for f, e in expressions.items()}
    used = {f: found - {*parameters} for f, found in names.items()}
    if "gamma" in set().union(*names.values()):
        raise UsageError("the losses: gamma is the step size and no variable; choose another name for a coordinate")
    blocks = _blocks(unknowns, set().union(*used.values()), variables)
    for f, found in used.items():
        allowed = [v for x in losses[f] for v in blocks[x]]
        for name in sorted(found - set(allowed)):
            owner = next((x for x, block in blocks.items() if name in block), "")
            what = f"is a variable of {owner}, on which {f} does not depend" if owner else "belongs to no unknown"
            raise UsageError(f"loss {f}: '{name}' {what}{nearest(name, allowed)} (its variables: {', '.join(allowed)})")
    every = tuple(v for block in blocks.values() for v in block)
    if len(every) > MAX_VARIABLES:
        raise UsageError(f"the losses have {len(every)} variables; the limit is {MAX_VARIABLES}")
    shown = "; ".join(f"{f} = {e}" for f, e in texts.items())
    others = tuple(sorted(set().union(*names.values()) & {*parameters}))
    return Problem(shown, tuple(expressions[f] for f in losses), every, True, others, tuple(losses), blocks)


def _losses(losses: Mapping[str, object], text: Texts) -> Iterator[tuple[str, str]]:
    """(loss, its text), as they are written."""
    seen: set[str] = set()
    for name, value in items(text, "loss", next(iter(losses)) if len(losses) == 1 else ""):
        if name not in losses:
            raise UsageError(f"loss: '{name}' is no loss of the scheme{nearest(name, losses)} (losses: {', '.join(losses)})")
        if name in seen:
            raise UsageError(f"loss: {name} is given twice")
        seen.add(name)
        yield name, value


def items(text: Texts, what: str, alone: str = "") -> Iterator[tuple[str, str]]:
    """'a = ...; b = ...' or a mapping; one part without a name is called `alone`."""
    if isinstance(text, Mapping):
        yield from ((str(n).strip(), str(v)) for n, v in text.items())
        return
    for part in (p for p in text.split(";") if p.strip()):
        name, equals, value = part.partition("=")
        if not equals and alone:
            name, value = alone, part
        if not name.strip().isidentifier() or not value.strip():
            raise UsageError(f"{what}: '{part.strip()}' is not of the form name = ..., separated by ';'")
        yield name.strip(), value.strip()


def _blocks(unknowns: Sequence[str], used: set[str], variables: Texts | None) -> dict[str, tuple[str, ...]]:
    blocks = _named(unknowns, variables) if variables is not None else _guessed(unknowns, used)
    every = [v for block in blocks.values() for v in block]
    if twice := next((v for v in every if every.count(v) > 1), None):
        raise UsageError(f"variables: '{twice}' is given twice")
    for x in unknowns:
        if not blocks.get(x):
            example = "; ".join(f"{u} = {u}1, {u}2" for u in unknowns)
            raise UsageError(f"variables: {x} has none; write --variables '{example}'")
    return {x: blocks[x] for x in unknowns}


def _named(unknowns: Sequence[str], variables: Texts) -> dict[str, tuple[str, ...]]:
    blocks: dict[str, tuple[str, ...]] = {}
    for x, value in items(variables, "variables", unknowns[0] if len(unknowns) == 1 else ""):
        if x not in unknowns:
            raise UsageError(f"variables: '{x}' is no unknown{nearest(x, unknowns)} (unknowns: {', '.join(unknowns)})")
        blocks[x] = tuple(v.strip() for v in value.split(","))
        if bad := next((v for v in blocks[x] if not v.isidentifier()), None):
            raise UsageError(f"variables: '{bad}' is no name; write for example {x} = {x}1, {x}2")
    return blocks


def _guessed(unknowns: Sequence[str], used: set[str]) -> dict[str, tuple[str, ...]]:
    """x, x1, x2, ... belong to x; with one unknown all variables are its own."""
    if len(unknowns) == 1:
        return {unknowns[0]: tuple(sorted(used))}
    blocks: dict[str, tuple[str, ...]] = {}
    for x in unknowns:
        own = [v for v in used if re.fullmatch(rf"{x}_?\d*", v)]
        blocks[x] = tuple(sorted(own, key=lambda v: (len(v), v)))
    if stray := sorted(used - {v for block in blocks.values() for v in block}):
        example = "; ".join(f"{u} = {u}1, {u}2" for u in unknowns)
        raise UsageError(f"loss: to which unknown does '{stray[0]}' belong? say so with --variables '{example}'")
    return blocks
