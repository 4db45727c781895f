"""Scheme, loss and formula texts -> syntax trees with positions.  Nothing in a text is ever executed.

    statement  :=  name = expression  |  name += expression   (also -=, *=, /=)
    expression :=  number | name | - e | e + e | e - e | e * e | e / e | e ** e | f(e, ...)

Python's own `ast` reads the text (it only parses); whatever is not in this grammar is refused with its line and
column.  Numbers are exact: 0.9 is nine tenths, 1e-8 is 1/100000000.
"""

from __future__ import annotations

import ast
import textwrap
import warnings
from collections.abc import Mapping
from fractions import Fraction

from derive.errors import ParseError, nearest
from derive.language.calls import arities
from derive.language.syntax import Assignment, Call, Expression, Name, Number, Operation

MAX_LENGTH, MAX_DEPTH, MAX_DIGITS = 20_000, 200, 400

_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
_ADVICE = {
    ast.BitXor: "'^' is not an operator here; write '**' for a power",
    ast.Attribute: "attribute access is not part of the language; write names, numbers, + - * / ** and the listed functions",
    ast.Import: "imports are not part of the language",
    ast.ImportFrom: "imports are not part of the language",
    ast.Subscript: "indexing is not part of the language; products of vectors are componentwise",
    ast.Compare: "comparisons are not part of the language",
    ast.Lambda: "functions cannot be defined here",
    ast.MatMult: "'@' is not an operator here; write dot(x, y)",
    ast.Expr: "a line must be an assignment, 'name = expression'",
}  # fmt: skip


class _Reader:
    """Turns one parsed text into our trees, refusing every node outside the grammar."""

    def __init__(self, text: str, where: str, calls: Mapping[str, int | None]) -> None:
        self.where, self.calls = where, calls
        self.lines = text.split("\n")

    def fail(self, message: str, node: ast.AST) -> ParseError:
        return ParseError(message, self.where, *self.position(node))

    def position(self, node: ast.AST) -> tuple[int, int]:
        line = getattr(node, "lineno", 1)
        # ast counts columns in UTF-8 bytes; people count characters
        prefix = self.lines[line - 1].encode()[: getattr(node, "col_offset", 0)] if line <= len(self.lines) else b""
        return line, len(prefix.decode(errors="ignore")) + 1

    def outside(self, node: ast.AST) -> ParseError:
        kind = type(node)
        return self.fail(_ADVICE.get(kind, f"{kind.__name__} is not part of the language"), node)

    def literal(self, node: ast.Constant) -> Number:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self.fail("only numbers may stand here, such as 3, 1/2 or 0.9", node)
        source = self.lines[node.lineno - 1].encode()[node.col_offset : node.end_col_offset].decode()
        source = source.replace("_", "")
        exponent = source.lower().partition("e")[2]
        if len(source) > MAX_DIGITS or (exponent and abs(int(exponent)) > MAX_DIGITS):
            raise self.fail(f"a number of more than {MAX_DIGITS} digits; write a parameter instead", node)
        try:
            return Number(Fraction(source), *self.position(node))
        except ValueError:
            raise self.fail(f"'{source}' is not a decimal number", node) from None

    def expression(self, node: ast.expr, depth: int = 0) -> Expression:
        if depth > MAX_DEPTH:
            raise self.fail(f"nested deeper than {MAX_DEPTH}; name the inner part on a line of its own", node)
        place = self.position(node)
        match node:
            case ast.Constant():
                return self.literal(node)
            case ast.Name():
                return Name(node.id, *place)
            case ast.UnaryOp(op=ast.USub()):
                return Operation("neg", (self.expression(node.operand, depth + 1),), *place)
            case ast.UnaryOp(op=ast.UAdd()):
                return self.expression(node.operand, depth + 1)
            case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.Pow()):
                left = self.expression(node.left, depth + 1)
                right = self.expression(node.right, depth + 1)
                return Operation(_OPERATORS[type(node.op)], (left, right), *place)
            case ast.BinOp():
                raise self.fail(
                    _ADVICE.get(type(node.op), f"operator {type(node.op).__name__} is not part of the language"), node
                )
            case ast.Call():
                return self.call(node, depth)
        raise self.outside(node)

    def call(self, node: ast.Call, depth: int) -> Expression:
        if not isinstance(node.func, ast.Name):
            raise self.outside(node.func)
        name = node.func.id
        if name not in self.calls:
            known = ", ".join(list(self.calls)[:12]) + (", ..." if len(self.calls) > 12 else "")
            raise self.fail(f"unknown function '{name}'{nearest(name, self.calls)} (known: {known})", node)
        if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            raise self.fail(f"{name} takes plain arguments only", node)
        arity = self.calls[name]
        if arity is not None and len(node.args) != arity:
            raise self.fail(f"{name} takes {arity} argument{'s' * (arity != 1)}, not {len(node.args)}", node)
        return Call(name, tuple(self.expression(a, depth + 1) for a in node.args), *self.position(node))

    def statement(self, node: ast.stmt) -> Assignment:
        match node:
            case ast.Assign(targets=[ast.Name(id=target)]):
                return Assignment(target, self.expression(node.value), *self.position(node))
            case ast.AugAssign(target=ast.Name(id=target)) if type(node.op) in _OPERATORS:
                place = self.position(node)
                old = Name(target, *place)
                value = Operation(_OPERATORS[type(node.op)], (old, self.expression(node.value)), *place)
                return Assignment(target, value, *place)
            case ast.Assign():
                raise self.fail("the left side must be one name, 'name = expression'", node)
            case ast.Expr(value=ast.Call() | ast.Attribute()):
                raise self.fail("a line must be an assignment, 'name = expression'; nothing is ever executed", node)
        raise self.outside(node)


def _parse(text: str, where: str, mode: str) -> ast.AST:
    if len(text) > MAX_LENGTH:
        raise ParseError(f"longer than {MAX_LENGTH} characters", where, 1, 1)
    if "\0" in text:
        raise ParseError("contains a NUL character", where, 1, text.index("\0") + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice to Python programmers, such as "perhaps you missed a comma"
            return ast.parse(text, mode=mode)
    except SyntaxError as error:
        line, column = error.lineno or 1, error.offset or 1
        advice = "; 'lambda' is a reserved word, write 'lam'" if "lambda" in text else ""
        raise ParseError(f"syntax error: {error.msg}{advice}", where, line, column) from None
    except (RecursionError, MemoryError, ValueError):
        raise ParseError(f"nested deeper than {MAX_DEPTH}", where, 1, 1) from None


def parse_update(text: str, where: str = "update", functions: Mapping[str, int | None] | None = None) -> tuple[Assignment, ...]:
    """The assignments of an update text.

    `functions` adds declared time functions (name -> number of arguments) to the calls of the language.

    >>> parse_update("theta = theta - 0.5*grad(theta)")[0].value.args[1].args[0].value
    Fraction(1, 2)
    """
    text = textwrap.dedent(text).strip("\n")
    module = _parse(text, where, "exec")
    assert isinstance(module, ast.Module)
    reader = _Reader(text, where, {**arities(), **(functions or {})})
    statements = tuple(reader.statement(node) for node in module.body)
    if not statements:
        raise ParseError("no assignment; write for example 'theta = theta - gamma*grad(theta)'", where, 1, 1)
    return statements


def parse_expression(text: str, where: str, calls: Mapping[str, int | None] | None = None) -> Expression:
    """One expression, with the given functions (none by default).

    >>> parse_expression("1 - lam*gamma", "beta").op
    '-'
    """
    text = text.strip()
    if not text:
        raise ParseError("an expression is missing", where, 1, 1)
    tree = _parse(text, where, "eval")
    assert isinstance(tree, ast.Expression)
    return _Reader(text, where, calls or {}).expression(tree.body)
