"""The update text as displayed formulas: v <- beta v - gamma grad L(theta)."""

from __future__ import annotations

from derive.equation import ModifiedEquation
from derive.language import Call, Expression, Name, Number, Operation, names_of
from derive.paper.escape import escape
from derive.paper.linebreak import Summand
from derive.scheme import Configuration, Scheme, substitute
from derive.scheme.schedule import Schedule
from derive.writing.notation import Notation

_LEVEL = {"+": 1, "-": 1, "*": 2, "/": 5, "neg": 2, "**": 4}


def _wrapped(text: str) -> str:
    """In parentheses that grow only where something tall stands inside."""
    return rf"\left({text}\right)" if r"frac" in text or r"\sqrt" in text else f"({text})"


class ExpressionWriter:
    """Scheme text in LaTeX; products of vectors are componentwise and written with \\had."""

    def __init__(self, scheme: Scheme, style: Notation) -> None:
        self.scheme, self.style = scheme, style

    def __call__(self, e: Expression, parent: int = 0) -> str:
        text, level = self._text(e)
        return _wrapped(text) if level < parent else text

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

    def _text(self, e: Expression) -> tuple[str, int]:
        match e:
            case Number(value):
                if value.denominator == 1:
                    return str(value), 5 if value >= 0 else 1
                sign = "-" if value < 0 else ""
                return rf"{sign}\tfrac{{{abs(value.numerator)}}}{{{value.denominator}}}", 1 if sign else 3
            case Name("theta_next"):
                return r"\theta^{+}", 3
            case Name(id):
                return self.style.symbol(id), 3 if id == "theta_prev" else 5
            case Call(function, args):
                return self._call(function, args), 5
            case Operation("neg", (a,)):
                return "-" + self(a, 2), 1
            case Operation("*", (a, Number(value))) if value == 1:
                return self._text(a)
            case Operation("*", (a, b)):
                return self(a, 2) + self._times(a, b) + self(b, 3), 2
            case Operation("/", (a, b)):
                return rf"\frac{{{self(a)}}}{{{self(b)}}}", 3
            case Operation("**", (a, b)):
                return f"{self(a, 5)}^{{{self(b)}}}", 4
            case Operation(op, (a, b)):
                return f"{self(a, 1)} {op} {self(b, 2)}", 1
        raise AssertionError(e)

    def _times(self, a: Expression, b: Expression) -> str:
        if self.is_vector(a) and self.is_vector(b):
            return r" \had "
        return r" \cdot " if isinstance(b, Number) and b.value.denominator == 1 else r"\, "

    def is_vector(self, e: Expression) -> bool:
        match e:
            case Name(id):
                return self.scheme.kinds.get(id, "scalar") == "vector"
            case Call(function, args):
                if function in ("grad", "field", "dot", "norm"):
                    return function in ("grad", "field")
                return any(self.is_vector(a) for a in args)
            case Operation(_, args):
                return any(self.is_vector(a) for a in args)
        return False

    def _call(self, function: str, args: tuple[Expression, ...]) -> str:
        inner = [self(a) for a in args]
        match function:
            case "grad":
                return r"\gradL" + _wrapped(inner[0])
            case "field":
                return "f" + _wrapped(inner[0])
            case "sqrt":
                return rf"\sqrt{{{inner[0]}}}"
            case "dot":
                return rf"\inner{{{inner[0]}}}{{{inner[1]}}}"
            case "norm":
                return rf"\norm{{{inner[0]}}}"
            case "abs":
                return rf"\abs{{{inner[0]}}}"
        name = rf"\operatorname{{{escape(function)}}}" if len(function) > 1 else self.style.symbol(function)
        return name + _wrapped(", ".join(inner))


def bound_parameters(c: Configuration) -> list[tuple[str, Expression]]:
    """Parameters that the regime or a setting expresses by others."""
    return [(n, e) for n, e in c.bindings.items() if e != Name(n)]


def function_settings(c: Configuration, write: ExpressionWriter) -> list[tuple[str, str]]:
    """Concrete time functions: name and formula or description."""
    return [(n, escape(str(s)) if isinstance(s, Schedule) else f"${write(s)}$") for n, s in c.functions.items() if s is not None]


def uses_products(equation: ModifiedEquation) -> bool:
    """Whether the update multiplies, divides or takes roots of vectors, so that 'componentwise' needs saying."""
    write = ExpressionWriter(equation.scheme, None)  # type: ignore[arg-type]

    def visit(e: Expression) -> bool:
        match e:
            case Operation("*", (a, b)) if write.is_vector(a) and write.is_vector(b):
                return True
            case Operation("/", (_, b)) if write.is_vector(b):
                return True
            case Operation("**", (a, _)) if write.is_vector(a):
                return True
            case Call("sqrt" | "abs" | "sign", (a,)) if write.is_vector(a):
                return True
            case Call(_, args) | Operation(_, args):
                return any(visit(a) for a in args)
        return False

    return any(visit(a.value) for a in equation.scheme.program)


__all__ = ["ExpressionWriter", "bound_parameters", "function_settings", "names_of", "substitute", "uses_products"]
