"""Syntax trees of texts: numbers, names, operations and calls, each with its place (line and column) in the text."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from derive.language.layers import over_components
from derive.language.matrices import PRODUCT, TRANSPOSE, operator_of
from derive.language.samples import sample_of, sampled_name


@dataclass(frozen=True)
class Number:
    value: Fraction
    line: int = field(default=1, compare=False)
    column: int = field(default=1, compare=False)


ONE = Number(Fraction(1))


@dataclass(frozen=True)
class Name:
    id: str
    line: int = field(default=1, compare=False)
    column: int = field(default=1, compare=False)


@dataclass(frozen=True)
class Operation:
    """`op` is one of + - * / ** with two operands, or neg with one."""

    op: str
    args: tuple[Expression, ...]
    line: int = field(default=1, compare=False)
    column: int = field(default=1, compare=False)


@dataclass(frozen=True)
class Call:
    function: str
    args: tuple[Expression, ...]
    line: int = field(default=1, compare=False)
    column: int = field(default=1, compare=False)


Expression = Number | Name | Operation | Call


@dataclass(frozen=True)
class Assignment:
    """target = value; executed in order, a later line sees the new value."""

    target: str
    value: Expression
    line: int = field(default=1, compare=False)
    column: int = field(default=1, compare=False)


@dataclass(frozen=True)
class Repeat:
    """repeat count: {body}, the body carried out `times` times, one after another.

    `count` is what is written, a number or a parameter; `times` is None while the parameter stays a symbol.
    """

    count: Number | Name
    body: tuple[Statement, ...]
    times: int | None
    line: int = field(default=1, compare=False)
    column: int = field(default=1, compare=False)


Statement = Assignment | Repeat


def walk(expression: Expression) -> Iterator[Expression]:
    """Every node of the tree, operands first."""
    if isinstance(expression, Operation | Call):
        for argument in expression.args:
            yield from walk(argument)
    yield expression


def names_of(expression: Expression) -> dict[str, Name]:
    """Names read by the expression, each with its first place."""
    found: dict[str, Name] = {}
    for node in walk(expression):
        if isinstance(node, Name):
            found.setdefault(node.id, node)
    return found


def substitute(expression: Expression, values: Mapping[str, Expression]) -> Expression:
    """The expression with names replaced by expressions.

    >>> unparse(substitute(Operation("**", (Name("x"), Name("k"))), {"x": Operation("-", (Name("y"), Name("k")))}))
    '(y - k)**k'
    """
    match expression:
        case Name(id) if id in values:
            return values[id]
        case Operation(op, args, line, column):
            return Operation(op, tuple(substitute(a, values) for a in args), line, column)
        case Call(function, args, line, column):
            return Call(function, tuple(substitute(a, values) for a in args), line, column)
    return expression


def derivative_symbol(name: str, k: int) -> str:
    """Symbol of the k-th derivative of a time function in coefficients: r, dr, d2r, d3r, ...

    >>> [derivative_symbol("r", k) for k in range(3)]
    ['r', 'dr', 'd2r']
    """
    return name if k == 0 else f"d{name}" if k == 1 else f"d{k}{name}"


def plain_primes(expression: Expression, functions: Collection[str]) -> Expression:
    """The expression with r', r'' of these time functions by the names that they have in coefficients.

    >>> unparse(plain_primes(Operation("*", (Name("r''"), Name("theta'"))), {"r"}))
    "d2r*theta'"
    """
    names = {n: n.rstrip("'") for n in names_of(expression) if n.endswith("'")}
    values = {n: Name(derivative_symbol(r, len(n) - len(r))) for n, r in names.items() if r in functions}
    return substitute(expression, values) if values else expression


def fresh_name(letter: str, taken: Collection[str]) -> str:
    """A letter of our own beside names that others chose: the letter, doubled until nobody has it.

    >>> fresh_name("p", {"theta", "v"}), fresh_name("p", {"p", "pp"})
    ('p', 'ppp')
    """
    name = letter
    while name in taken:
        name += letter
    return name


def whole_number(e: Expression) -> str | None:
    """The digits of a literal whole number from 1.

    >>> whole_number(Number(Fraction(2))), whole_number(Number(Fraction(1, 2)))
    ('2', None)
    """
    return str(e.value) if isinstance(e, Number) and e.value.denominator == 1 and e.value > 0 else None


def _call_text(function: str, arguments: Sequence[str]) -> str:
    """
    >>> _call_text("f.x.y", ["x", "y", "u"]), _call_text("L..", ["x", "u"]), _call_text("f()", ["x", "y"])
    ('hess(f(x, y), x, u)', 'hess(x, u)', 'f(x, y)')
    >>> _call_text("grad#1", ["x"]), _call_text("f.x#2", ["x", "y"])
    ('sgrad(x)', 'sgrad(f(x, y), x, 2)')
    >>> _call_text("where<=", ["a", "b", "x", "y"])
    'where(a <= b, x, y)'
    """
    function, sample = sample_of(function)
    if sample:
        inner = _call_text(function, arguments)
        return f"{sampled_name(function)}{inner[inner.index('('):-1]}{', ' + sample if sample != '1' else ''})"
    if function.startswith("where") and len(arguments) == 4:
        a, b, x, y = arguments
        return f"where({a} {function.removeprefix('where')} {b}, {x}, {y})"
    loss, *variables = function.split(".")
    if over_components(function):
        function, arguments = loss, [*arguments, *variables]
    elif variables:
        cut = len(arguments) - len(variables) + 1
        function = ("grad", "hess")[len(variables) - 1] if len(variables) < 3 else f"d{len(variables)}"
        if variables[0]:
            arguments = [f"{loss}({', '.join(arguments[:cut])})", variables[0], *arguments[cut:]]
    return f"{function.removesuffix('()')}({', '.join(arguments)})"


_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, PRODUCT: 2, "neg": 3, "**": 4}


def unparse(expression: Expression, parent: int = 0) -> str:
    """The text of a tree, in the language itself.

    >>> unparse(Operation("/", (Name("a"), Operation("*", (Name("b"), Operation("neg", (Name("c"),)))))))
    'a/(b*-c)'
    >>> unparse(Operation("*", (Name("a"), Call("@", (Name("b"), Call("@T", (Operation("+", (Name("b"), Name("c"))),)))))))
    'a*(b @ (b + c).T)'
    """
    if isinstance(expression, Call) and (operator := operator_of(expression.function)):
        expression = Call(operator, expression.args)  # without the shapes
    match expression:
        case Number(value):
            text, level = str(value), 5 if value.denominator == 1 and value >= 0 else 2
        case Name(id):
            text, level = id, 5
        case Call(function, (a,)) if function == TRANSPOSE:
            text, level = f"{unparse(a, 5)}.T", 5
        case Call(function, args) if function != PRODUCT:
            text, level = _call_text(function, [unparse(a) for a in args]), 5
        case Operation("neg", (a,)):
            text, level = "-" + unparse(a, 3), 3
        case Operation(op, (a, b)) | Call(op, (a, b)):
            level = _PRECEDENCE[op]
            space = " " if level == 1 or op == PRODUCT else ""
            left, right = (level + 1, level) if op == "**" else (level, level + 1)
            text = f"{unparse(a, left)}{space}{op}{space}{unparse(b, right)}"
    return f"({text})" if level < parent else text
