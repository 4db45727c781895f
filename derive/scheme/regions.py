"""A text with pieces as texts without: one for each choice of branches, with the conditions under which it is carried out.

    max(a, b) = a where a - b > 0, b where b - a > 0;       min(a, b) with the branches exchanged
    where(a < b, x, y) = x where b - a > 0, y where a - b > 0
    clip(x, low, high) = min(max(x, low), high)

    u = max(beta*u, abs(g))     comes to        condition1 = beta*u - abs(g); u = beta*u
                                and to          condition1 = abs(g) - beta*u; u = abs(g)

A condition is a line of its own before the statement that asks it, so that its value is read like any other.  Equal questions
about equal values are asked once.  What holds at a tie is not said: there no branch is smooth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING

from derive.errors import LimitError, ReductionError, SchemeError
from derive.language import (
    Assignment,
    Call,
    Expression,
    Number,
    Operation,
    Repeat,
    Statement,
    assignments,
    constant,
    fresh_name,
    walk,
)
from derive.language.calls import CHOICES, PIECES, Kind, written_name
from derive.language.syntax import names_of, unparse
from derive.scheme.kinds import kind_of

if TYPE_CHECKING:
    from derive.scheme.model import Scheme

MOST_REGIONS = 64
_ZERO = Number(Fraction(0))


@dataclass(frozen=True)
class Condition:
    """larger > smaller, whose difference is the value of the line `name`; of a vector it is asked at every component."""

    name: str
    larger: Expression
    smaller: Expression
    kind: Kind

    def __str__(self) -> str:
        return f"{unparse(self.larger)} > {unparse(self.smaller)}"

    @property
    def difference(self) -> str:
        return unparse(Operation("-", (self.larger, self.smaller)))


@dataclass(frozen=True)
class Region:
    """What one text without pieces is a region of: the whole text, and under which conditions it is carried out."""

    whole: Scheme
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class _Path:
    """The choices made so far: (larger, smaller) -> whether it is so; how often each name was assigned; the lines."""

    kinds: Mapping[str, Kind]
    stem: str
    answers: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    assigned: Mapping[str, int] = field(default_factory=dict)
    lines: tuple[Statement, ...] = ()
    conditions: tuple[Condition, ...] = ()

    def choose(self, a: Expression, b: Expression, where: str) -> Iterator[tuple[bool, _Path]]:
        """Whether a > b, in every way in which it can be answered."""
        known, numbers = (self._named(a), self._named(b)), (constant(a), constant(b))
        if known[0] == known[1]:
            raise ReductionError(f"{where}: {unparse(a)} is compared with itself, a tie: no branch is chosen there")
        if numbers[0] is not None and numbers[1] is not None:
            if numbers[0] == numbers[1]:
                raise ReductionError(f"{where}: {unparse(a)} = {unparse(b)} is a tie: no branch is chosen there")
            yield numbers[0] > numbers[1], self
        elif known in self.answers:
            yield self.answers[known], self
        else:
            for answer in (True, False):
                yield answer, self._answered(a, b, answer)

    def _named(self, e: Expression) -> str:
        """The expression with the state in which its names are."""
        return ", ".join((unparse(e), *(f"{n} {self.assigned.get(n, 0)}" for n in names_of(e))))

    def _answered(self, a: Expression, b: Expression, answer: bool) -> _Path:
        larger, smaller = (a, b) if answer else (b, a)
        difference = larger if smaller == _ZERO else Operation("-", (larger, smaller), a.line, a.column)
        name = f"{self.stem}{len(self.conditions) + 1}"
        asked = Condition(name, larger, smaller, kind_of(difference, self.kinds))
        known = self._named(a), self._named(b)
        return replace(
            self,
            answers={**self.answers, known: answer, known[::-1]: not answer},
            lines=(*self.lines, Assignment(name, difference, a.line, a.column)),
            conditions=(*self.conditions, asked),
        )

    def stated(self, scheme: Scheme) -> dict[str, Expression]:
        """What the scheme says of memory at gamma = 0 under these conditions."""
        return {m: e for c in self.conditions for m, e in scheme.leading_where.get(str(c), {}).items()}

    def after(self, line: Statement) -> _Path:
        changed = {a.target: self.assigned.get(a.target, 0) + 1 for a in assignments([line])}
        return replace(self, lines=(*self.lines, line), assigned={**self.assigned, **changed})


def regions(scheme: Scheme) -> tuple[Scheme, ...]:
    """The regions of a scheme with pieces, each without pieces; a scheme without pieces alone.

    Raises ReductionError for a tie and for pieces in a repeat, LimitError for more than MOST_REGIONS regions.

    >>> from derive.scheme import inline_scheme
    >>> for r in regions(inline_scheme("theta = theta - gamma*max(grad(theta), 0)")):
    ...     print(*r.region.conditions, "|", unparse(r.lines[-1].value))
    grad(theta) > 0 | theta - gamma*grad(theta)
    0 > grad(theta) | theta - gamma*(0 + 0*grad(theta))
    """
    if not scheme.pieces:
        return (scheme,)
    for s in scheme.statements:
        if isinstance(s, Repeat) and any(_pieces(a.value) for a in assignments([s])):
            raise ReductionError(f"{scheme.where}, line {s.line}: a repeat has no pieces; write its statements out")
    stem = fresh_name("condition", {n.rstrip("0123456789") for n in (*scheme.names, *scheme.assigned)})
    found = [_Path(scheme.kinds, stem)]
    for s in scheme.statements:
        every = (longer for path in found for longer in _carried_out(s, path, scheme.where))
        found = list(islice(every, MOST_REGIONS + 1))
        if len(found) > MOST_REGIONS:
            raise LimitError(f"{scheme.where}: more than {MOST_REGIONS} regions; write the branches that hold for some pieces")
    _require_conditions(scheme, found)
    return tuple(
        replace(
            scheme, statements=p.lines, region=Region(scheme, p.conditions), given_kinds=scheme.kinds,
            leading={**scheme.leading, **p.stated(scheme)}, leading_where={},
        )
        for p in found
    )  # fmt: skip


def _require_conditions(scheme: Scheme, found: Sequence[_Path]) -> None:
    """Raise SchemeError for a value of memory at gamma = 0 that is of no branch."""
    asked = {str(c): None for p in found for c in p.conditions}
    for text in scheme.leading_where:
        if text not in asked:
            raise SchemeError(f"{scheme.where}, [leading] {text}: no branch asks this; they ask {', '.join(asked)}")


def _carried_out(s: Statement, path: _Path, where: str) -> Iterator[_Path]:
    if isinstance(s, Repeat):
        yield path.after(s)
        return
    for value, longer in _branches(s.value, path, f"{where}, line {s.line}"):
        yield longer.after(replace(s, value=value))


def _pieces(e: Expression) -> list[str]:
    return [node.function for node in walk(e) if isinstance(node, Call) and node.function in PIECES]


def _branches(e: Expression, path: _Path, where: str) -> Iterator[tuple[Expression, _Path]]:
    """The expression without its pieces, in every way; what a branch leaves out is never asked."""
    match e:
        case Call(function, args) if function in PIECES:
            for value, longer in _chosen(function, args, path, where):
                yield _as_vector(value, e, path.kinds), longer
        case Call(function, args, line, column):
            for values, longer in _all(args, path, where):
                yield Call(function, values, line, column), longer
        case Operation(op, args, line, column):
            for values, longer in _all(args, path, where):
                yield Operation(op, values, line, column), longer
        case _:
            yield e, path


def _all(args: tuple[Expression, ...], path: _Path, where: str) -> Iterator[tuple[tuple[Expression, ...], _Path]]:
    if not args:
        yield (), path
        return
    for first, longer in _branches(args[0], path, where):
        for rest, longest in _all(args[1:], longer, where):
            yield (first, *rest), longest


def _chosen(function: str, args: tuple[Expression, ...], path: _Path, where: str) -> Iterator[tuple[Expression, _Path]]:
    """The branch of one piece that holds, and what it makes of its own pieces."""
    if function == "clip":
        x, low, high = args
        yield from _chosen("min", (Call("max", (x, low), x.line, x.column), high), path, where)
        return
    for (a, b), asked in _all(args[:2], path, where):
        if function in CHOICES:
            lower, higher = (a, b) if CHOICES[function][0] == "<" else (b, a)
            for answer, longer in asked.choose(higher, lower, where):
                yield from _branches(args[2] if answer else args[3], longer, where)
        else:
            for answer, longer in asked.choose(a, b, where):
                yield (a if answer == (function == "max") else b), longer


def _as_vector(branch: Expression, piece: Call, kinds: Mapping[str, Kind]) -> Expression:
    """A number in a place of a vector stays one: max(v, c) is a vector where it is c, and |max(v, c)| sums over components."""
    if kind_of(piece, kinds) == kind_of(branch, kinds):
        return branch
    vector = next(a for a in piece.args if kind_of(a, kinds) == "vector")
    shape = next(n for n in reversed(list(walk(vector))) if kind_of(n, kinds) == "vector" and not _pieces(n))
    return Operation("+", (branch, Operation("*", (_ZERO, shape))), branch.line, branch.column)


def names_of_pieces(scheme: Scheme) -> str:
    """How the text calls its pieces.

    >>> from derive.scheme import inline_scheme
    >>> names_of_pieces(inline_scheme("theta = theta - gamma*min(grad(theta), where(grad(theta) < 1, 1, 2))"))
    'where, min'
    """
    return ", ".join(dict.fromkeys(written_name(f) for a in scheme.lines for f in _pieces(a.value)))
