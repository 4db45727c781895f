"""Gradients of numbers in formulas that somebody states: a claimed modified loss, gradient(dot(grad, grad)), ∇|∇L|²."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction

from derive.errors import ParseError
from derive.language import Call, Expression, Name, Number, Operation, constant, names_of, parse_expression, walk
from derive.language.calls import Kind
from derive.scheme.kinds import kind_of
from verify.problems.formula import CALLS, DERIVATIVES

_NO_NUMBER = (
    "the gradient of a number is built from L, dot(u, v) and norm(u), as 2*hess(grad) is that of dot(grad, grad); with gamma in "
    "them, other points than theta are expanded, as in grad - gamma*hess(grad), and a product is written {}*(...)"
)


def differentiated(text: str, where: str, maps: Mapping[str, int] | None = None, vectors: Collection[str] = ()) -> Expression:
    """The tree of a formula that somebody states, which may call maps, with the gradients of numbers in it written out.

    grad(x) of a vector x, in which theta or one of these `vectors` stands, is the gradient at the point x, and stays.
    Raises ParseError where neither a number is differentiated nor such a point stands.

    >>> from derive.language import unparse
    >>> unparse(differentiated("-grad - gamma/4*grad(dot(grad, grad))", "example"))
    '-grad - gamma/4*(hess(grad) + hess(grad))'
    >>> unparse(differentiated("-grad(theta + rho*grad)", "example"))
    '-grad(theta + rho*grad)'
    """
    kinds: dict[str, Kind] = dict.fromkeys((*vectors, "theta", "grad", "field"), "vector")
    return _written_out(parse_expression(text, where, {**CALLS, "gradient": 1, **(maps or {})}), where, kinds)


def _written_out(e: Expression, where: str, kinds: Mapping[str, Kind]) -> Expression:
    match e:
        case Call("grad" | "field" as function, (point,)) if _is_point(point, kinds):
            return Call(function, (_written_out(point, where, kinds),), e.line, e.column)
        case Call("gradient" | "grad" | "field" as function, (scalar,)):
            inner = _written_out(scalar, where, kinds)
            try:
                if not _is_constant(inner):
                    return gradient_formula(inner)
            except ParseError:
                pass
            raise ParseError(_NO_NUMBER.format(function.removesuffix("ient")), where, e.line, e.column)
        case Operation(op, args, line, column):
            return Operation(op, tuple(_written_out(a, where, kinds) for a in args), line, column)
        case Call(function, args, line, column):
            return Call(function, tuple(_written_out(a, where, kinds) for a in args), line, column)
    return e


def _is_point(e: Expression, kinds: Mapping[str, Kind]) -> bool:
    """Whether it is a vector that is made of a point, and does not move with gamma."""
    names = names_of(e).keys()
    return "gamma" not in names and bool(names & kinds.keys() - {"grad", "field"}) and kind_of(e, kinds, DERIVATIVES) == "vector"


def gradient_formula(scalar: Expression) -> Expression:
    """The gradient of a scalar formula: L, dot(u, v), products and powers of these, with numbers and parameters.

        grad of dot(u, v)  =  D(u) v + D(v) u,
        D(d^(k+1)L[m_1..m_k]) w  =  d^(k+2)L[m_1..m_k, w] + sum_i D(m_i) d^(k+1)L[m_1, without m_i, ..m_k, w]

    where D(u) is the transposed Jacobian of u.  Every derivative of L is a symmetric form, so these are formulas again.

    >>> from derive.language import unparse
    >>> from verify.problems.formula import parsed
    >>> unparse(gradient_formula(parsed("dot(grad, grad)/4")))
    '(hess(grad) + hess(grad))/4'
    """
    if _is_constant(scalar):
        return Number(Fraction(0))
    match scalar:
        case Name("L"):
            return Name("grad")
        case Operation("neg", (a,)):
            return Operation("neg", (gradient_formula(a),))
        case Operation("+" | "-", (a, b)):
            return _plus(gradient_formula(a), gradient_formula(b), scalar.op)
        case Operation("*", (a, b)):
            return _plus(_scaled(gradient_formula(a), b), _scaled(gradient_formula(b), a))
        case Operation("/", (a, b)):
            if not _is_constant(b):
                return gradient_formula(Operation("*", (a, Operation("**", (b, Number(Fraction(-1)))))))
            return Operation("/", (gradient_formula(a), b))
        case Operation("**", (a, b)):
            power = constant(b)
            if power is not None:
                outer = Operation("*", (Number(power), Operation("**", (a, Number(power - 1)))))
                return _scaled(gradient_formula(a), outer)
        case Call("dot", (u, v)):
            return _plus(pulled_back(u, v), pulled_back(v, u))
        case Call("norm", (u,)):
            return gradient_formula(Operation("**", (Call("dot", (u, u)), Number(Fraction(1, 2)))))
        case Call("sqrt", (a,)):
            return gradient_formula(Operation("**", (a, Number(Fraction(1, 2)))))
    raise ParseError(
        "a modified loss is built from L, dot(u, v), norm(u), numbers and parameters", "loss", scalar.line, scalar.column
    )


def pulled_back(u: Expression, w: Expression) -> Expression:
    """sum_j w_j (d u_j / d theta_i) for a vector formula u and a fixed vector w."""
    if _is_constant(u):
        return Number(Fraction(0))
    match u:
        case Name("grad"):
            return Call("hess", (w,))
        case Name("theta"):
            return w
        case Call("sqrt", (a,)):
            return pulled_back(Operation("**", (a, Number(Fraction(1, 2)))), w)
        case Call("abs", (a,)):
            return pulled_back(a, _scaled(w, Call("sign", (a,))))
        case Operation("neg", (a,)):
            return Operation("neg", (pulled_back(a, w),))
        case Operation("+" | "-", (a, b)):
            return _plus(pulled_back(a, w), pulled_back(b, w), u.op)
        case Operation("*", (a, b)):
            return _plus(pulled_back(a, _scaled(w, b)), pulled_back(b, _scaled(w, a)))
        case Operation("/", (a, b)):
            return pulled_back(Operation("*", (a, Operation("**", (b, Number(Fraction(-1)))))), w)
        case Operation("**", (a, b)):
            power = constant(b)
            if power is not None:
                outer = Operation("*", (Number(power), Operation("**", (a, Number(power - 1)))))
                return pulled_back(a, _scaled(w, outer))
        case Call("hess" | "d3" | "d4" | "d5" | "d6" | "d7", args):
            rank = len(args)
            total: Expression = Call(f"d{rank + 2}", (*args, w))
            for i, m in enumerate(args):
                others = args[:i] + args[i + 1 :]
                inner = Call(u.function, (*others, w))
                total = _plus(total, pulled_back(m, inner))
            return total
        case Call("dot", (a, b)):
            raise ParseError("a dot product inside a vector is not supported in a modified loss", "loss", u.line, u.column)
    raise ParseError("this cannot be differentiated in a modified loss", "loss", u.line, u.column)


def _is_constant(e: Expression) -> bool:
    """Whether neither theta nor the loss stands in it."""
    varying = ("L", "grad", "theta")
    return not any(n.function in DERIVATIVES if isinstance(n, Call) else isinstance(n, Name) and n.id in varying for n in walk(e))


def _is_zero(e: Expression) -> bool:
    return isinstance(e, Number) and e.value == 0


def _plus(a: Expression, b: Expression, op: str = "+") -> Expression:
    if _is_zero(b):
        return a
    if _is_zero(a):
        return b if op == "+" else Operation("neg", (b,))
    return Operation(op, (a, b))


def _scaled(vector: Expression, scalar: Expression) -> Expression:
    if _is_zero(vector) or _is_zero(scalar):
        return Number(Fraction(0))
    return Operation("*", (scalar, vector))
