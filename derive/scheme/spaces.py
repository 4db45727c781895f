"""In which unknown's space the vectors of a text lie: gradients with respect to x, and what is added to them, in that of x.

Numbers go with all vectors; vectors of two spaces are neither added nor multiplied, as they have different components.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from derive.errors import ParseError
from derive.language import Assignment, Call, Expression, Meaning, Name, Operation, interpret, walk
from derive.language.calls import call_of, partial_of
from derive.scheme.names import ahead, previous


class Spaces(Meaning[str]):
    """The unknown in whose space an expression lies; the empty text for a number, as for names that are not listed."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def of(self, e: Expression) -> str:
        return interpret(e, self)

    def number(self, value: Fraction) -> str:
        return ""

    def name(self, node: Name) -> str:
        return self.names.get(node.id, "")

    def negate(self, a: str) -> str:
        return a

    def add(self, a: str, b: str, node: Operation) -> str:
        return a or b

    subtract = multiply = divide = add

    def exponent(self, node: Expression) -> Expression:
        return node

    def power(self, base: str, exponent: Expression, node: Operation) -> str:
        return base or self.of(exponent)

    def call(self, node: Call, args: list[str]) -> str:
        partial = partial_of(node.function)
        if partial and partial.variables:
            return partial.variables[0] or next(filter(None, args), "")
        return "" if call_of(node.function).kind == "scalar" else next(filter(None, args), "")


class _Checked(Spaces):
    """The same, refusing two spaces in one sum, product or scalar product, and arguments of the wrong space."""

    def __init__(self, names: Mapping[str, str], where: str, losses: Mapping[str, Sequence[str]]) -> None:
        super().__init__(names)
        self.where, self.losses = where, losses

    def refuse(self, a: str, b: str, node: Expression) -> ParseError:
        text = f"a vector of {a}'s space meets one of {b}'s; only vectors of one space are added, multiplied or compared"
        return ParseError(text, self.where, node.line, node.column)

    def add(self, a: str, b: str, node: Operation) -> str:
        if a and b and a != b:
            raise self.refuse(a, b, node)
        return a or b

    subtract = multiply = divide = add

    def call(self, node: Call, args: list[str]) -> str:
        partial = partial_of(node.function)
        if partial is None:
            found = list(dict.fromkeys(filter(None, args)))
            if len(found) > 1:
                raise self.refuse(found[0], found[1], node)
            return super().call(node, args)
        slots = self.losses[partial.loss]
        point, directions = partial.divided(args)
        for slot, space in zip(slots, point, strict=True):
            if space != slot:
                what = f"a vector of {space}'s space" if space else "a number"
                raise ParseError(f"{partial.loss} takes {slot} where {what} stands", self.where, node.line, node.column)
        for space, meant in zip(directions, partial.variables[1:], strict=True):
            if space not in slots or space != meant:
                what = f"not one of {space}'s space" if space else "not a number"
                text = f"a direction of a derivative of {partial.loss} is a vector that {partial.loss} depends on, {what}"
                raise ParseError(text, self.where, node.line, node.column)
        return super().call(node, args)


def spaces_of(
    program: Sequence[Assignment], unknowns: Sequence[str], where: str, losses: Mapping[str, Sequence[str]] | None = None
) -> dict[str, str]:
    """name -> the unknown in whose space it lies, for every vector of the program; a name has one space.

    >>> from derive.language import parse_update
    >>> spaces_of(parse_update("u = 2*x; y = y + 3*y"), ["x", "y"], "example")["u"]
    'x'
    """
    found = {name: x for x in unknowns for name in (x, previous(x), ahead(x))} | _kept(program, losses or {})
    changed = True
    while changed:  # a name only ever goes from no space to one, so this ends
        changed = False
        for a in program:
            space = Spaces(found).of(a.value)
            old = found.get(a.target, "")
            if space and old and space != old:
                text = f"'{a.target}' is a vector of {old}'s space and here one of {space}'s; use two names"
                raise ParseError(text, where, a.line, a.column)
            if space and not old:
                found[a.target], changed = space, True
    return found


def _kept(program: Sequence[Assignment], losses: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """What never changes, w = w, and stands for an argument of a loss, as in grad(f(w, y), x): a vector of that space."""
    kept = {a.target for a in program if a.value == Name(a.target)} - {a.target for a in program if a.value != Name(a.target)}
    found: dict[str, str] = {}
    for node in (n for a in program for n in walk(a.value)):
        partial = partial_of(node.function) if isinstance(node, Call) else None
        if partial and isinstance(node, Call):
            point, _ = partial.divided(node.args)
            found |= {p.id: x for p, x in zip(point, losses.get(partial.loss, ())) if isinstance(p, Name) and p.id in kept}
    return found


def check_spaces(
    program: Sequence[Assignment], spaces: Mapping[str, str], losses: Mapping[str, Sequence[str]], where: str
) -> None:
    """Raise ParseError where vectors of two spaces meet."""
    for a in program:
        interpret(a.value, _Checked(spaces, where, losses))
