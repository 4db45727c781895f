"""What an article says of the update text: parameters that are bound, time functions, products of vectors."""

from __future__ import annotations

from derive.language import Call, Expression, Name, Operation, walk
from derive.language.calls import call_of
from derive.scheme import Configuration, Scheme
from derive.scheme.kinds import kind_of
from derive.scheme.schedule import Schedule
from derive.writing.escape import escape
from derive.writing.expression import ExpressionWriter


def bound_parameters(c: Configuration) -> list[tuple[str, Expression]]:
    """Parameters that the regime or a setting expresses by others."""
    return [(n, e) for n, e in c.bindings.items() if e != Name(n)]


def function_settings(c: Configuration, write: ExpressionWriter) -> list[tuple[str, str]]:
    """Concrete time functions: name and formula or description."""
    return [(n, escape(str(s)) if isinstance(s, Schedule) else f"${write(s)}$") for n, s in c.functions.items() if s is not None]


def uses_products(scheme: Scheme) -> bool:
    """Whether the update multiplies, divides or takes roots of vectors, so that 'componentwise' needs saying."""
    kinds = scheme.kinds

    def componentwise(node: Expression) -> bool:
        match node:
            case Operation("*", args):
                return all(kind_of(a, kinds) == "vector" for a in args)
            case Operation("/", (_, operand)) | Operation("**", (operand, _)):
                return kind_of(operand, kinds) == "vector"
            case Call(function, args):
                return call_of(function).kind == "argument" and any(kind_of(a, kinds) == "vector" for a in args)
        return False

    return any(componentwise(node) for a in scheme.lines for node in walk(a.value))
