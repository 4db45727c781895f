"""Which expressions are vectors, one component a parameter of the model, and which are one number."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction

from derive.errors import ParseError
from derive.language import Call, Expression, Meaning, Name, Operation, interpret
from derive.language.calls import Kind, call_of


class _Kinds(Meaning[Kind]):
    """The kind of an expression: a vector as soon as one operand is one, and what the table says of calls."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self.kinds = kinds

    def number(self, value: Fraction) -> Kind:
        return "scalar"

    def name(self, node: Name) -> Kind:
        return self.kinds.get(node.id, "scalar")

    def negate(self, a: Kind) -> Kind:
        return a

    def add(self, a: Kind, b: Kind, node: Operation) -> Kind:
        return "vector" if "vector" in (a, b) else "scalar"

    subtract = multiply = divide = add

    def exponent(self, node: Expression) -> Expression:
        return node

    def power(self, base: Kind, exponent: Expression, node: Operation) -> Kind:
        return self.add(base, interpret(exponent, self), node)

    def call(self, node: Call, args: list[Kind]) -> Kind:
        return call_of(node.function).kind_for(args)


class _Derived(_Kinds):
    """The same where some calls are vectors whatever they are given: derivatives of the loss."""

    def __init__(self, kinds: Mapping[str, Kind], vectors: Collection[str]) -> None:
        super().__init__(kinds)
        self.vectors = vectors

    def call(self, node: Call, args: list[Kind]) -> Kind:
        return "vector" if node.function in self.vectors else super().call(node, args)


class _Checked(_Kinds):
    """The same, refusing scalars where a call takes vectors."""

    def __init__(self, kinds: Mapping[str, Kind], where: str, of_vectors: Collection[str]) -> None:
        super().__init__(kinds)
        self.where, self.of_vectors = where, of_vectors

    def call(self, node: Call, args: list[Kind]) -> Kind:
        if (call_of(node.function).of_vectors or node.function in self.of_vectors) and "scalar" in args:
            raise ParseError(f"{node.function} takes vectors", self.where, node.line, node.column)
        return super().call(node, args)


def kind_of(expression: Expression, kinds: Mapping[str, Kind]) -> Kind:
    """'vector' or 'scalar'; names that are not listed are scalars.

    >>> from derive.language import SCHEME_CALLS, parse_expression
    >>> [kind_of(parse_expression(e, "example", SCHEME_CALLS), {"u": "vector"}) for e in ("a*sqrt(u)", "a*norm(u)", "a**2")]
    ['vector', 'scalar', 'scalar']
    """
    return interpret(expression, _Kinds(kinds))


def check_kinds(expression: Expression, kinds: Mapping[str, Kind], where: str, of_vectors: Collection[str] = ()) -> None:
    """Raise ParseError at a call of vectors, such as dot or one of those named, that is given a number."""
    interpret(expression, _Checked(kinds, where, of_vectors))


def sized(expression: Expression, kinds: Mapping[str, Kind], vectors: Collection[str] = ()) -> Expression:
    """The expression with the norm of one number, |a|, as its absolute value; `vectors` are calls that are always vectors.

    >>> from derive.language import SCHEME_CALLS, parse_expression, unparse
    >>> unparse(sized(parse_expression("|u|*|1 - |b u||", "example", SCHEME_CALLS), {"u": "vector"}))
    'norm(u)*abs(1 - norm(b*u))'
    """
    match expression:
        case Operation(op, args, line, column):
            return Operation(op, tuple(sized(a, kinds, vectors) for a in args), line, column)
        case Call(function, args, line, column):
            if function == "norm" and interpret(args[0], _Derived(kinds, vectors)) == "scalar":
                function = "abs"
            return Call(function, tuple(sized(a, kinds, vectors) for a in args), line, column)
    return expression
