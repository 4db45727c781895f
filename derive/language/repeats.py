"""Statements that are carried out more than once, and the assignments that they come to.

    repeat 2: {y = y - gamma*grad(y); z = y}        y = y - gamma*grad(y);  z = y;  y = y - gamma*grad(y);  z = y

A count by name is a parameter; it is unrolled once `times` says which number it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from derive.language.samples import in_pass
from derive.language.syntax import (
    Assignment,
    Call,
    Expression,
    Name,
    Operation,
    Repeat,
    Statement,
    names_of,
    unparse,
)


def assignments(statements: Iterable[Statement]) -> Iterator[Assignment]:
    """Every assignment that is written, once, in the order of the text.

    >>> from derive.language import parse_update
    >>> [a.target for a in assignments(parse_update("repeat 3: {y = 2; repeat 2: z = y}; theta = z"))]
    ['y', 'z', 'theta']
    """
    for s in statements:
        if isinstance(s, Repeat):
            yield from assignments(s.body)
        else:
            yield s


def repeats(statements: Iterable[Statement]) -> Iterator[Repeat]:
    """Every repeat, the outer ones first."""
    for s in statements:
        if isinstance(s, Repeat):
            yield s
            yield from repeats(s.body)


def unrolled(statements: Iterable[Statement]) -> Iterator[Assignment]:
    """Every assignment as often as it is carried out; all numbers of repetitions are known.

    >>> from derive.language import parse_update
    >>> "".join(a.target for a in unrolled(parse_update("repeat 2: {y = 2; repeat 3: z = y}; theta = z")))[:9]
    'yzzzyzzzt'
    """
    for s in statements:
        if isinstance(s, Repeat):
            assert s.times is not None
            for k in range(1, s.times + 1):
                for a in unrolled(s.body):
                    yield replace(a, value=_in_pass(a.value, k))
        else:
            yield s


def _in_pass(e: Expression, count: int) -> Expression:
    """The expression in one pass of a repeat, with samples of its own; a tree of its own, as readers know trees by identity."""
    match e:
        case Call(function, args, line, column):
            return Call(in_pass(function, count), tuple(_in_pass(a, count) for a in args), line, column)
        case Operation(op, args, line, column):
            return Operation(op, tuple(_in_pass(a, count) for a in args), line, column)
    return replace(e)


def carried(repeat: Repeat) -> tuple[str, ...]:
    """The variables that a step of the body finds and leaves behind: read before they are assigned, and assigned.

    >>> from derive.language import parse_update
    >>> carried(*parse_update("repeat k: {g = grad(y) + c; y = y - g; z = y}"))
    ('y',)
    """
    assigned: set[str] = set()
    read: dict[str, None] = {}
    for a in assignments(repeat.body):
        read |= {n: None for n in names_of(a.value) if n not in assigned}
        assigned.add(a.target)
    return tuple(n for n in read if n in assigned)


def length(statements: Iterable[Statement]) -> int:
    """How many assignments are carried out, a symbol counted as one time.

    >>> from derive.language import parse_update
    >>> length(parse_update("repeat 4: {y = 2; repeat 3: z = y}; theta = z"))
    17
    """
    return sum((s.times or 1) * length(s.body) if isinstance(s, Repeat) else 1 for s in statements)


def rebuilt(statements: Iterable[Statement], lines: Iterator[Assignment]) -> tuple[Statement, ...]:
    """The same with other assignments, one for each that is written."""
    return tuple(replace(s, body=rebuilt(s.body, lines)) if isinstance(s, Repeat) else next(lines) for s in statements)


def counted(statements: Iterable[Statement], times: Callable[[Repeat], int | None]) -> tuple[Statement, ...]:
    """The same with other numbers of repetitions."""
    return tuple(
        replace(s, times=times(s), body=counted(s.body, times)) if isinstance(s, Repeat) else s for s in statements
    )


def statement_lines(
    statements: Iterable[Statement], line: Callable[[Assignment], str], count: Callable[[Expression], str] = unparse
) -> list[str]:
    """The text of statements, each assignment as `line` writes it; a body of one assignment stands behind its colon.

    >>> from derive.language import parse_update
    >>> text = parse_update("repeat k: {y = 1; repeat 2: z = y}")
    >>> statement_lines(text, lambda a: f"{a.target} = {unparse(a.value)}")
    ['repeat k: {', '    y = 1', '    repeat 2: z = y', '}']
    """
    lines: list[str] = []
    for s in statements:
        if isinstance(s, Assignment):
            lines.append(line(s))
            continue
        head, body = f"repeat {count(s.count)}:", statement_lines(s.body, line, count)
        if len(body) == 1:
            lines.append(f"{head} {body[0]}")
        else:
            lines += [f"{head} {{", *(f"    {b}" for b in body), "}"]
    return lines


def statement_text(statement: Statement) -> str:
    """The text of a statement on one line.

    >>> from derive.language import parse_update
    >>> statement_text(*parse_update("repeat k: {y = 1; repeat 2: z = y}"))
    'repeat k: {y = 1; repeat 2: z = y}'
    """
    if isinstance(statement, Assignment):
        return f"{statement.target} = {unparse(statement.value)}"
    body = "; ".join(map(statement_text, statement.body))
    return f"repeat {unparse(statement.count)}: {body if len(statement.body) == 1 else f'{{{body}}}'}"


def symbolic(statements: Iterable[Statement]) -> Repeat | None:
    """The first repeat whose number is not known."""
    return next((r for r in repeats(statements) if r.times is None), None)


def symbolic_depth(statements: Iterable[Statement]) -> int:
    """How many repeats whose numbers are not known stand within each other, at most.

    >>> from derive.language import parse_update
    >>> symbolic_depth(parse_update("repeat k: {repeat 2: y = 1; repeat 3: repeat m: z = y}; repeat l: z = y"))
    2
    """
    return max(((s.times is None) + symbolic_depth(s.body) for s in statements if isinstance(s, Repeat)), default=0)


def count_names(statements: Iterable[Statement]) -> dict[str, Name]:
    """The names by which numbers of repetitions are given, each with its place."""
    return {r.count.id: r.count for r in reversed(list(repeats(statements))) if isinstance(r.count, Name)}
