"""The gradient of a number with respect to an unknown, as a text: the text of the number differentiated backwards.

    gradient(dot(grad(f, x), grad(f, x))/2, y)   is   hess(f, y, grad(f, x))

Every line below is one rule  <w, D e [u]> = <pulled back w, u>;  derivatives of losses are symmetric, so that a free index and a
direction change places.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction

from derive.errors import ParseError
from derive.language import ONE, Call, Expression, Name, Number, Operation, constant, names_of, substitute
from derive.language.calls import KNOWN_FUNCTIONS, Partial, partial_of
from derive.scheme.spaces import Spaces

ZERO, TWO = Number(Fraction(0)), Number(Fraction(2))


def gradient_of(e: Expression, x: str, unknowns: Sequence[str], assigned: Collection[str], where: str) -> Expression:
    """The gradient of the number e with respect to x; e is a text of the unknowns and parameters, not of assigned names.

    >>> from derive.language import SCHEME_CALLS, parse_expression, unparse
    >>> unparse(gradient_of(parse_expression("a*dot(x, x)/2", "s", SCHEME_CALLS), "x", ["x", "y"], [], "example"))
    'a*x'
    """
    pullback = _Pullback(x, Spaces({u: u for u in unknowns}), frozenset(assigned), where)
    if pullback.space(e):
        raise pullback.fail("gradient takes a number, such as dot(u, u)/2", e)
    found = pullback.parts(e, ONE)
    if not found:
        return Operation("*", (ZERO, Name(x, e.line, e.column)), e.line, e.column)
    total = found[0]
    for part in found[1:]:
        total = Operation("+", (total, part), e.line, e.column)
    return total


@dataclass(frozen=True)
class _Pullback:
    x: str
    spaces: Spaces
    assigned: frozenset[str]
    where: str

    def fail(self, message: str, e: Expression) -> ParseError:
        return ParseError(message, self.where, e.line, e.column)

    def space(self, e: Expression) -> str:
        return self.spaces.of(e)

    def parts(self, e: Expression, w: Expression) -> list[Expression]:
        """Summands of the pulled back w, a number where e is one and a vector of e's space where it is one."""
        match e:
            case Name(name) if name in self.assigned:
                raise self.fail(f"gradient(s, {self.x}) sees through no assigned name: write {name} out in its place", e)
            case Name(name):
                return [w] if name == self.x else []
            case Number():
                return []
            case Operation("neg", (a,)):
                return self.parts(a, _negative(w))
            case Operation("+" | "-" as op, (a, b)):
                self._same_kind(a, b, e)
                return self.parts(a, w) + self.parts(b, w if op == "+" else _negative(w))
            case Operation("*", (a, b)) if a == b:
                return self._factor(a, _times(TWO, b), w)
            case Operation("*", (a, b)):
                return self._factor(a, b, w) + self._factor(b, a, w)
            case Operation("/", (a, b)):
                inverse = _over(ONE, b)
                return self._factor(a, inverse, w) + self._factor(b, _negative(_over(a, _times(b, b))), w)
            case Operation("**", (a, exponent)):
                return self._power(a, exponent, w)
        assert isinstance(e, Call)
        return self._called(e, w)

    def _same_kind(self, a: Expression, b: Expression, e: Expression) -> None:
        if bool(self.space(a)) != bool(self.space(b)):
            raise self.fail("a number is added to a vector under gradient(...); write the vector out", e)

    def _factor(self, a: Expression, other: Expression, w: Expression) -> list[Expression]:
        """For a*other with respect to a."""
        if not self.space(a) and self.space(w):
            return self.parts(a, Call("dot", (w, other)))  # other is a vector, since the product is one
        return self.parts(a, _times(other, w))

    def _power(self, a: Expression, exponent: Expression, w: Expression) -> list[Expression]:
        r = constant(exponent)
        if r is None:
            raise self.fail("an exponent must be a rational number, such as 2 or 1/2", exponent)
        if not r:
            return []
        slope = _times(Number(r), Operation("**", (a, Number(r - 1)))) if r != 1 else Number(r)
        return self.parts(a, _times(slope, w))

    def _called(self, e: Call, w: Expression) -> list[Expression]:
        match e:
            case Call("dot", (a, b)) if a == b:
                return self.parts(a, _times(_times(TWO, w), a))
            case Call("dot", (a, b)):
                return self.parts(a, _times(w, b)) + self.parts(b, _times(w, a))
            case Call("norm", (a,)):
                return self.parts(a, _times(_over(w, e), a))
            case Call("sqrt", (a,)):
                return self.parts(a, _over(w, _times(TWO, e)))
            case Call("abs", (a,)):
                return self.parts(a, _times(w, Call("sign", (a,))))
            case Call("sign", _):
                return []
        if partial := partial_of(e.function):
            return self._derivative(partial, e, w)
        if e.function in KNOWN_FUNCTIONS:
            from derive.algebra.known import slope_of  # of no use to who reads a scheme and computes nothing

            (a,) = e.args
            return self.parts(a, _times(w, substitute(slope_of(e.function), {"x": a, "y": e})))
        if names_of(e).keys() & {*self.spaces.names, *self.assigned}:
            known = "losses and their derivatives, dot, norm, sqrt, abs, powers and exp, log, sin, ..."
            raise self.fail(f"gradient(s, {self.x}) sees through {known}, not through {e.function}(...)", e)
        return []  # a function of time

    def _derivative(self, partial: Partial, e: Call, w: Expression) -> list[Expression]:
        point, directions = partial.divided(e.args)
        found: list[Expression] = []
        if not partial.variables:
            for p in point:
                slope = Call(Partial(partial.loss, (self.space(p),)).call, e.args, e.line, e.column)
                found += self.parts(p, _times(w, slope))
            return found
        root, *others = partial.variables
        for p in point:
            call = Partial(partial.loss, (self.space(p), *others, root)).call
            found += self.parts(p, Call(call, (*e.args, w), e.line, e.column))
        for i, u in enumerate(directions):
            call = Partial(partial.loss, (others[i], *others[:i], *others[i + 1 :], root)).call
            rest = (*point, *directions[:i], *directions[i + 1 :], w)
            found += self.parts(u, Call(call, rest, e.line, e.column))
        return found


def _times(a: Expression, b: Expression) -> Expression:
    match a, b:
        case Number(x), Number(y):
            return Number(x * y, a.line, a.column)
        case Number(x), _ if x == 1:
            return b
        case Number(x), Operation("*", (Number(y), rest)):
            return _times(Number(x * y, a.line, a.column), rest)
        case _, Number():
            return _times(b, a)
        case _, Operation("*", (Number() as number, rest)):
            return _times(number, _times(a, rest))
    return Operation("*", (a, b), a.line, a.column)


def _over(a: Expression, b: Expression) -> Expression:
    match a, b:
        case Number(x), Number(y) if y:
            return Number(x / y, b.line, b.column)
    return Operation("/", (a, b), b.line, b.column)


def _negative(a: Expression) -> Expression:
    if isinstance(a, Number):
        return Number(-a.value, a.line, a.column)
    return Operation("neg", (a,), a.line, a.column)
