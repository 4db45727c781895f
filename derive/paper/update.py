"""The update text as displayed formulas: v <- beta v - gamma grad L(theta)."""

from __future__ import annotations

from fractions import Fraction

from derive.equation import ModifiedEquation
from derive.language import ONE, Call, Expression, Meaning, Name, Number, Operation, Written, interpret, walk
from derive.language.calls import call_of, write_call
from derive.paper.escape import escape
from derive.paper.linebreak import Summand
from derive.scheme import Configuration, Scheme
from derive.scheme.kinds import kind_of
from derive.scheme.schedule import Schedule
from derive.writing.notation import Notation


def _wrapped(text: str) -> str:
    """In parentheses that grow only where something tall stands inside."""
    return rf"\left({text}\right)" if r"frac" in text or r"\sqrt" in text else f"({text})"


class ExpressionWriter(Meaning[Written]):
    """Scheme text in LaTeX; products of vectors are componentwise and written with \\had."""

    def __init__(self, scheme: Scheme, style: Notation) -> None:
        self.scheme, self.style = scheme, style

    def __call__(self, e: Expression, parent: int = 0) -> str:
        return interpret(e, self).within(parent, _wrapped)

    def summands(self, e: Expression) -> list[Summand]:
        """Top-level sums taken apart, for line breaking."""
        match e:
            case Operation("+" | "-" as op, (a, b)):
                negative, text = self._signed(b)
                return [*self.summands(a), Summand("-" if (op == "-") != negative else "+", (text,))]
        negative, text = self._signed(e)
        return [Summand("-" if negative else "+", (text,))]

    def _signed(self, e: Expression) -> tuple[bool, str]:
        match e:
            case Operation("neg", (a,)):
                return True, self(a, 2)
            case Number(value) if value < 0:
                return True, self(Number(-value), 2)
        return False, self(e, 2)

    def number(self, value: Fraction) -> Written:
        if value.denominator == 1:
            return Written(str(value), 5 if value >= 0 else 1)
        sign = "-" if value < 0 else ""
        return Written(rf"{sign}\tfrac{{{abs(value.numerator)}}}{{{value.denominator}}}", 1 if sign else 3)

    def name(self, node: Name) -> Written:
        if node.id == "theta_next":
            return Written(r"\theta^{+}", 3)
        return Written(self.style.symbol(node.id), 3 if node.id == "theta_prev" else 5)

    def negate(self, a: Written) -> Written:
        return Written("-" + a.within(2, _wrapped), 1)

    def add(self, a: Written, b: Written, node: Operation) -> Written:
        return Written(f"{a.within(1, _wrapped)} {node.op} {b.within(2, _wrapped)}", 1)

    subtract = add

    def multiply(self, a: Written, b: Written, node: Operation) -> Written:
        if node.args[1] == ONE:
            return a
        return Written(a.within(2, _wrapped) + self._times(*node.args) + b.within(3, _wrapped), 2)

    def divide(self, a: Written, b: Written, node: Operation) -> Written:
        return Written(rf"\frac{{{a.text}}}{{{b.text}}}", 3)

    def exponent(self, node: Expression) -> Expression:
        return node

    def power(self, base: Written, exponent: Expression, node: Operation) -> Written:
        return Written(f"{base.within(5, _wrapped)}^{{{self(exponent)}}}", 4)

    def call(self, node: Call, args: list[Written]) -> Written:
        name = node.function
        head = rf"\operatorname{{{escape(name)}}}" if len(name) > 1 else self.style.symbol(name)
        return Written(write_call(name, [a.text for a in args], "latex", head, _wrapped), 5)

    def _times(self, a: Expression, b: Expression) -> str:
        if self.is_vector(a) and self.is_vector(b):
            return r" \had "
        return r" \cdot " if isinstance(b, Number) and b.value.denominator == 1 else r"\, "

    def is_vector(self, e: Expression) -> bool:
        return kind_of(e, self.scheme.kinds) == "vector"


def bound_parameters(c: Configuration) -> list[tuple[str, Expression]]:
    """Parameters that the regime or a setting expresses by others."""
    return [(n, e) for n, e in c.bindings.items() if e != Name(n)]


def function_settings(c: Configuration, write: ExpressionWriter) -> list[tuple[str, str]]:
    """Concrete time functions: name and formula or description."""
    return [(n, escape(str(s)) if isinstance(s, Schedule) else f"${write(s)}$") for n, s in c.functions.items() if s is not None]


def uses_products(equation: ModifiedEquation) -> bool:
    """Whether the update multiplies, divides or takes roots of vectors, so that 'componentwise' needs saying."""
    kinds = equation.scheme.kinds

    def componentwise(node: Expression) -> bool:
        match node:
            case Operation("*", args):
                return all(kind_of(a, kinds) == "vector" for a in args)
            case Operation("/", (_, operand)) | Operation("**", (operand, _)):
                return kind_of(operand, kinds) == "vector"
            case Call(function, args):
                return call_of(function).kind == "argument" and any(kind_of(a, kinds) == "vector" for a in args)
        return False

    return any(componentwise(node) for a in equation.scheme.program for node in walk(a.value))
