"""A declared map by the lines that compute it, as its file states them.

[functions]                                  [maps]
P = "map, three Newton-Schulz steps"         "P(X)" = "X = X/norm(X); repeat 3: X = 3/2*X - 1/2*X @ X.T @ X; P = X"
s = "componentwise"                          "s(u)" = "s = u/sqrt(1 + u**2)"

A text of the language without losses: its argument, its own variables, parameters and numbers, and it ends by assigning the map.
Equations and proofs hold for every smooth P, and read P and its derivatives unexpanded; values and runs carry the lines out.  So
an equation holds for this P where P is smooth: where nothing vanishes under its roots, in denominators and in comparisons.

The argument is a matrix of theta's shape, or a square one, and so is the value.  Of so many components it is the square one where
there is one, else the most nearly square one with no more rows than columns.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

from derive.errors import ParseError, SchemeError, UsageError, nearest
from derive.language import (
    Assignment,
    Call,
    Expression,
    Statement,
    assignments,
    count_names,
    names_of,
    parse_update,
    plain_name,
    rebuilt,
    statement_text,
    substitute,
    unrolled,
    walk,
)
from derive.language.calls import PIECES, Kind, line_arities, plain_arities, written_name
from derive.language.layers import CROSSED, CROSSED_EXTREMA, EXTREMA, LAYERED, SUMMED
from derive.language.maps import MapKind, map_of
from derive.language.matrices import LINE_CALLS, MATRIX_CALLS
from derive.language.samples import is_noise
from derive.scheme.kinds import check_kinds, inferred, sized
from derive.scheme.names import CLOCK
from derive.scheme.shapes import THETA, Shape, Shapes, checked_shape, shape_text, shaped

#: what the lines of a map may call
_CALLS = frozenset(name for name in (*plain_arities(), *PIECES, *line_arities()) if name not in LAYERED and not is_noise(name))
_HEAD = re.compile(r"\s*([^\W\d]\w*)\s*\(\s*([^\W\d]\w*)\s*\)\s*")
EXAMPLE = '"P(X)" = "X = X/norm(X); P = 3/2*X - 1/2*X @ X.T @ X"'


@dataclass(frozen=True)
class MapProgram:
    """The map `label` of `argument`; other names are its own variables, and parameters.

    >>> p = parse_map_program("P(X)", "X = X/norm(X); repeat 2: X = a*X @ X.T @ X; P = X", "example", ["a"])
    >>> p.text, p.of_matrices, [t for t, _ in p.lines(("m", "n"))]
    ('X = X/norm(X); repeat 2: X = a*X @ X.T @ X; P = X', True, ['X', 'X', 'X', 'P'])
    """

    label: str
    argument: str
    statements: tuple[Statement, ...]
    where: str = ""
    written: str = ""  # as the file has it
    kind: MapKind = "map"
    _lines: dict[Shape, tuple[tuple[str, Expression], ...]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def variables(self) -> tuple[str, ...]:
        return (self.argument,)

    @property
    def text(self) -> str:
        return "; ".join(map(statement_text, self.statements))

    @cached_property
    def names(self) -> frozenset[str]:
        """What the lines read besides the argument and what they assign: parameters."""
        lines = [*assignments(self.statements)]
        return frozenset(n for a in lines for n in names_of(a.value)) - {self.argument, *(a.target for a in lines)}

    @cached_property
    def kinds(self) -> Mapping[str, Kind]:
        """Which names are vectors, and which numbers."""
        lines = [*assignments(self.statements)]
        return inferred(lines, {self.argument: "vector"}, [a.target for a in lines], lambda name: None)

    @cached_property
    def calls(self) -> frozenset[str]:
        """The functions that its lines call."""
        return frozenset(n.function for a in assignments(self.statements) for n in walk(a.value) if isinstance(n, Call))

    @cached_property
    def of_matrices(self) -> bool:
        """Whether the argument must be a matrix."""
        return not self.calls.isdisjoint((*MATRIX_CALLS, *CROSSED, *CROSSED_EXTREMA, *LINE_CALLS))

    def lines(self, shape: Shape) -> tuple[tuple[str, Expression], ...]:
        """Every assignment as often as it is carried out, products of matrices with the shapes of their factors.

        Raises ParseError where the shapes of an argument of this shape do not fit, or the value's shape is another one.
        """
        if shape not in self._lines:
            self._lines[shape] = tuple(self._shaped(shape))
        return self._lines[shape]

    def _shaped(self, shape: Shape) -> Iterator[tuple[str, Expression]]:
        if shape == THETA[::-1]:
            raise ParseError(f"{self.label} takes an m x n matrix or a square one; write {self.label}(x.T).T", self.where, 1, 1)
        known: dict[str, Shape] = {self.argument: shape}
        for a in unrolled(self.statements):
            found, value = checked_shape(a.value, known, self.where), shaped(a.value, known)
            known = {name: s for name, s in known.items() if name != a.target} | ({a.target: found} if found else {})
            yield a.target, value
        if (given := known.get(self.label, shape)) != shape:
            text = f"{self.label} of an {shape_text(shape)} matrix is an {shape_text(given)} one"
            raise ParseError(f"{text}; its value has the shape of its argument", self.where, 1, 1)

    def bound(self, values: Mapping[str, Expression]) -> MapProgram:
        """With expressions in place of parameters.  Raises UsageError where one of them changes with the step."""
        for name in sorted(self.names & values.keys()):
            if moving := [n for n in names_of(values[name]) if n in CLOCK]:
                text = f"{name}, which {self.label} is made of, depends on {moving[0]} here; a map is the same at every step"
                raise UsageError(f"{self.where}: {text}")
        lines = (replace(a, value=substitute(a.value, values)) for a in assignments(self.statements))
        return replace(self, statements=rebuilt(self.statements, lines), _lines={})


def parse_map_program(
    head: str, text: str, where: str, parameters: Collection[str] = (), kinds: Mapping[str, MapKind] = MappingProxyType({})
) -> MapProgram:
    """The map that a file's line [maps] "P(X)" = "..." states.

    Raises SchemeError, ParseError where it is none, with what to write.
    """
    found = _HEAD.fullmatch(head)
    if not found:
        raise SchemeError(f"{where}, [maps] '{head}': name the map with one argument, {EXAMPLE}")
    label, argument = map(plain_name, found.groups())
    where = f"{where}, [maps] {label}"
    statements = parse_update(text, where, line_arities(), parameters)
    lines = [*assignments(statements)]
    if argument in parameters or argument in CLOCK:
        raise SchemeError(f"{where}: the argument '{argument}' has a meaning already; choose another letter")
    if lines[-1].target != label or label in (n for a in lines[:-1] for n in (a.target, *names_of(a.value))):
        raise SchemeError(f"{where}: its lines end by assigning it, and do not read it before: {EXAMPLE}")
    _check_lines(statements, argument, where, parameters)
    program = MapProgram(label, argument, statements, where, text, kinds.get(label, "map"))
    if program.kind == "componentwise" and (program.of_matrices or not program.calls.isdisjoint((*SUMMED, *EXTREMA))):
        text = "it is componentwise, and its lines add components of its argument, or compare them; declare it as a map"
        raise SchemeError(f"{where}: {text}")
    for a in lines:
        check_kinds(a.value, program.kinds, where)
    measured = (replace(a, value=sized(a.value, program.kinds)) for a in lines)  # |a| of one number is no norm
    return replace(program, statements=rebuilt(statements, measured))


def _check_lines(statements: tuple[Statement, ...], argument: str, where: str, parameters: Collection[str]) -> None:
    """Repeats have numbers, names have values, and calls evaluate nothing but what they are given."""
    for name, place in count_names(statements).items():
        raise ParseError(f"repeat {name}: a map's lines are repeated a number of times", where, place.line, place.column)
    known = {argument, *parameters}
    for a in unrolled(statements):
        for node in walk(a.value):
            if isinstance(node, Call) and node.function not in _CALLS:
                text = f"{written_name(node.function)} has no place in a map, which is a function of its argument alone"
                raise ParseError(text, where, node.line, node.column)
        for name, place in names_of(a.value).items():
            if name not in known:
                hint = f"a map knows its argument {argument}, parameters and its own lines"
                text = f"'{name}' has no value here{nearest(name, known)} ({hint})"
                raise ParseError(text, where, place.line, place.column)
        if a.target in (*parameters, *CLOCK):
            raise ParseError(f"'{a.target}' is a parameter and cannot be assigned", where, a.line, a.column)
        known.add(a.target)


def check_programs(
    programs: Mapping[str, MapProgram], maps: Mapping[str, MapKind], inverses: Mapping[str, str], where: str
) -> None:
    """Raise SchemeError where what has lines is no map of the file, or a linear one, or has an inverse."""
    for label in programs:
        declare = f'declare {label} = "map, what it is" under [functions]'
        if label not in maps:
            raise SchemeError(f"{where}, [maps] {label}: no such map{nearest(label, maps)}; {declare}")
        if maps[label] == "linear" or label in inverses:
            what = f"has the inverse {inverses[label]}" if label in inverses else "is linear"
            raise SchemeError(f"{where}, [maps] {label}: it {what}, and lines do not say that; {declare}, or --set it")


def check_arguments(lines: Collection[Assignment], programs: Mapping[str, MapProgram], shapes: Mapping[str, Shape]) -> None:
    """Raise ParseError where a call of a map, or of a derivative, gives it a matrix of a shape that its lines do not take."""
    for a in lines:
        for node in walk(a.value):
            if isinstance(node, Call) and (called := map_of(node.function, programs)):
                programs[called[0]].lines(Shapes(shapes).of(node.args[0]) or THETA)


__all__ = ["MapProgram", "check_arguments", "check_programs", "parse_map_program"]
