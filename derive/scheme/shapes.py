"""The shapes of matrices in a text: theta has m rows and n columns, and so have its gradient and what is added to them.

    A @ B of m x k and k x n is m x n      A.T is n x m      trace(A) takes a square matrix

Products, sums and functions by components take one shape; numbers go with all.  m and n are different whatever their values, so
that what is found holds for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isqrt
from typing import TYPE_CHECKING, Literal

from derive.errors import ParseError
from derive.language import Assignment, Call, Expression, Meaning, Name, Operation, interpret, unparse
from derive.language.calls import call_of, partial_of, written_name
from derive.language.maps import MapKind, map_of
from derive.language.matrices import LINE_CALLS, PRODUCT, TRACE, TRANSPOSE, operator_of
from derive.scheme.names import ahead, previous

if TYPE_CHECKING:
    from derive.scheme.configuration import Configuration

Side = Literal["m", "n"]
Shape = tuple[Side, Side]
THETA: Shape = ("m", "n")


def shape_text(shape: Shape) -> str:
    """
    >>> shape_text(THETA)
    'm x n'
    """
    return " x ".join(shape)


def width_of(size: int) -> int:
    """Columns of the most nearly square matrix of so many components with no more rows than columns.

    >>> [width_of(n) for n in (1, 2, 4, 6, 12)]
    [1, 2, 2, 3, 4]
    """
    return size // next(m for m in range(isqrt(size), 0, -1) if size % m == 0)


def lines_of(size: int, rows: bool) -> list[range]:
    """The places of the components of every row, or of every column, of that matrix.

    >>> lines_of(6, True), lines_of(6, False)
    ([range(0, 3), range(3, 6)], [range(0, 6, 3), range(1, 6, 3), range(2, 6, 3)])
    """
    n = width_of(size)
    return [range(i, i + n) for i in range(0, size, n)] if rows else [range(j, size, n) for j in range(n)]


class Shapes(Meaning[Shape | None]):
    """The shape of an expression; None for a number, as for names that are not listed."""

    def __init__(self, names: Mapping[str, Shape]) -> None:
        self.names = names

    def of(self, e: Expression) -> Shape | None:
        return interpret(e, self)

    def number(self, value: object) -> None:
        return None

    def name(self, node: Name) -> Shape | None:
        return self.names.get(node.id)

    def negate(self, a: Shape | None) -> Shape | None:
        return a

    def add(self, a: Shape | None, b: Shape | None, node: Operation) -> Shape | None:
        return a or b

    subtract = multiply = divide = add

    def exponent(self, node: Expression) -> Expression:
        return node

    def power(self, base: Shape | None, exponent: Expression, node: Operation) -> Shape | None:
        return base or self.of(exponent)

    def call(self, node: Call, args: list[Shape | None]) -> Shape | None:
        entry = call_of(node.function)
        if entry.kind == "scalar":
            return None
        if node.function == PRODUCT:
            a, b = args
            return (a[0], b[1]) if a and b else None
        if node.function == TRANSPOSE:
            return (args[0][1], args[0][0]) if args[0] else None
        return THETA if entry.label else next(filter(None, args), None)


class _Checked(Shapes):
    """The same, refusing what has no meaning."""

    def __init__(self, names: Mapping[str, Shape], where: str, maps: Mapping[str, MapKind]) -> None:
        super().__init__(names)
        self.where, self.maps = where, maps

    def fail(self, text: str, node: Expression) -> ParseError:
        return ParseError(text, self.where, node.line, node.column)

    def one(self, a: Shape | None, b: Shape | None, node: Expression) -> Shape | None:
        """The shape of two that must be the same."""
        if a and b and a != b:
            text = f"an {shape_text(a)} matrix meets an {shape_text(b)} one in {_short(node)}; only @ takes two shapes"
            raise self.fail(text, node)
        return a or b

    def add(self, a: Shape | None, b: Shape | None, node: Operation) -> Shape | None:
        return self.one(a, b, node)

    subtract = multiply = divide = add

    def call(self, node: Call, args: list[Shape | None]) -> Shape | None:
        name, first = node.function, next(filter(None, args), None)
        if name == PRODUCT and args[0] and args[1] and args[0][1] != args[1][0]:
            a, b = map(shape_text, (args[0], args[1]))
            hint = "transpose one of them, as in x @ y.T, or write dot(x, y) for a scalar product"
            raise self.fail(f"{_short(node)}: a product of an {a} matrix and an {b} one; {hint}", node)
        if name in (TRACE, *LINE_CALLS) and first and first[0] != first[1]:
            raise self.fail(f"{name} takes a square matrix, not an {shape_text(first)} one", node)
        if name != PRODUCT:
            for other in args:
                self.one(first, other, node)
        if self._at_theta(name) and first not in (None, THETA):
            assert first
            raise self.fail(f"{written_name(name)} takes a matrix of theta's shape, m x n, not an {shape_text(first)} one", node)
        return super().call(node, args)

    def _at_theta(self, name: str) -> bool:
        """Whether a call takes what has a component for each of theta's, or counts them."""
        found = map_of(name, self.maps)
        return bool(call_of(name).label or partial_of(name) or name == "mean" or (found and self.maps[found[0]] == "linear"))


class _CheckedLines(_Checked):
    """The same in the lines of a map, where everything is a matrix of its own size."""

    def _at_theta(self, name: str) -> bool:
        return False


def checked_shape(expression: Expression, names: Mapping[str, Shape], where: str) -> Shape | None:
    """The shape of an expression in the lines of a map, None for a number.  Raises ParseError where shapes do not fit."""
    return interpret(expression, _CheckedLines(names, where, {}))


def shaped(expression: Expression, names: Mapping[str, Shape]) -> Expression:
    """The expression with the shapes of arguments told in the names of products and transposes.

    >>> from derive.language import parse_update
    >>> shaped(parse_update("theta = theta @ theta.T @ theta")[0].value, {"theta": THETA}).function
    '@mmn'
    """
    if not isinstance(expression, Operation | Call):
        return expression
    args = tuple(shaped(a, names) for a in expression.args)
    place = expression.line, expression.column
    if isinstance(expression, Operation):
        return Operation(expression.op, args, *place)
    name = expression.function
    shapes = [Shapes(names).of(a) or THETA for a in expression.args]
    if name == PRODUCT:
        name += "".join((*shapes[0], shapes[1][1]))
    elif name == TRANSPOSE:
        name += "".join(shapes[0])
    return Call(name, args, *place)


def shaped_formula(expression: Expression, configuration: Configuration, where: str) -> Expression:
    """A formula about a scheme with the shapes told.  Raises ParseError where they do not fit."""
    if not (names := shapes_in_results(configuration)):
        return expression
    interpret(expression, _Checked(names, where, configuration.scheme.maps))
    return shaped(expression, names)


def shape_in(function: str) -> list[str]:
    """The shapes of its arguments that a call's name tells.

    >>> shape_in("@mnm"), shape_in("@Tmn")
    (['mn', 'nm'], ['mn'])
    """
    told = function.removeprefix(operator_of(function) or "")
    return [told[i : i + 2] for i in range(len(told) - 1)]


def shapes_in_results(configuration: Configuration) -> dict[str, Shape]:
    """The shapes of matrices by the names that they have in results; none where the text has no products of matrices."""
    scheme = configuration.scheme
    if not scheme.of_matrices:
        return {}
    found = {configuration.symbol(s): scheme.shapes[s] for s in scheme.states if s in scheme.shapes}
    return {**found, "grad": THETA, "field": THETA}


def _short(node: Expression) -> str:
    text = unparse(node)
    return text if len(text) <= 40 else f"{text[:40]}..."


def shapes_of(program: Sequence[Assignment], vectors: Sequence[str], where: str, maps: Mapping[str, MapKind]) -> dict[str, Shape]:
    """name -> its shape, for every vector of the program; one of which nothing is known has theta's.

    Raises ParseError where shapes do not fit.

    >>> from derive.language import parse_update
    >>> program = parse_update("S = b*S + theta @ theta.T; theta = theta - S @ theta")
    >>> shapes_of(program, ["S", "theta"], "example", {})["S"]
    ('m', 'm')
    """
    found: dict[str, Shape] = dict.fromkeys(("theta", previous("theta"), ahead("theta")), THETA)
    changed = True
    while changed:  # a name only ever goes from no shape to one, so this ends
        changed = False
        for a in program:
            shape, old = Shapes(found).of(a.value), found.get(a.target)
            if shape and old and shape != old:
                text = f"'{a.target}' is an {shape_text(old)} matrix and here an {shape_text(shape)} one; use two names"
                raise ParseError(text, where, a.line, a.column)
            if shape and not old:
                found[a.target], changed = shape, True
    found = {**dict.fromkeys(vectors, THETA), **found}
    for a in program:
        interpret(a.value, _Checked(found, where, maps))
    return found
