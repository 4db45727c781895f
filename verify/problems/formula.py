"""The formula language: terms and coefficients as text, evaluated on a concrete loss.

    L, grad, hess(u), d3(u, v), d4(u, v, w), ...     the loss, its derivatives;  field, dfield(u), d2field(u, v), ... of a field
    grad(x), hess(x, u), d3(x, u, v), ...            these at another point
    grad(f, x), hess(f, x, u), d3(f, x, u, v), ...   derivatives of a declared loss;  grad(f(a, b), x), ... at another point
    gradient(s), grad(s), ∇|u|²                       the gradient of a number, in stated formulas (`verify.problems.gradients`)
    theta, slow variables, parameters, t, r, dr, ...  + - * / **, sqrt, abs, sign, dot(u, v), norm(u), mean(u)
    dot(u, v, layer), norm(u, layer), mean(u, layer)  over the layer of each component

The same is read as it is printed: ∇L, ∇²L[u], f'[u], ⟨u, v⟩, |u|, √x, γ^2, and factors side by side.

Products, quotients and powers are componentwise; numbers join every component.  Any type of number will do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

from derive.errors import ParseError, UsageError, nearest
from derive.language import (
    Call,
    Expression,
    Name,
    Number,
    Operation,
    constant,
    derivative_calls,
    names_of,
    parse_expression,
    plain_arities,
)
from derive.language.calls import ELSEWHERE, Partial, partial_of
from derive.language.layers import NORMS, summed_call
from derive.language.maps import map_arities
from derive.scheme import Configuration
from derive.scheme.losses import formula_calls, present_formula
from derive.scheme.shapes import shaped_formula
from verify.numbers.evaluation import COMBINE, componentwise, elementary, mapped, summed
from verify.numbers.kinds import Numbers
from verify.problems.game import Game, divided
from verify.problems.maps import NO_MAPS, ConcreteMaps
from verify.problems.matrices import is_of_matrices, of_matrices
from verify.problems.problem import Problem

MAX_RANK = 40
DERIVATIVES = {**derivative_calls("L", MAX_RANK), **derivative_calls("f", MAX_RANK)}
CALLS: dict[str, int | None] = {**DERIVATIVES, **plain_arities(), **ELSEWHERE}


@lru_cache(maxsize=20_000)
def parsed(text: str, where: str = "formula", maps: tuple[tuple[str, int], ...] = ()) -> Expression:
    """The tree of a formula, which may call these maps; equal texts are parsed once.

    Raises ParseError with the column of what is not in the language.

    >>> parsed("-grad/(1 - beta)").op
    '/'
    """
    return parse_expression(text, where, CALLS | dict(maps))


@lru_cache(maxsize=20_000)
def _parsed(text: str, where: str, calls: tuple[tuple[str, int | None], ...]) -> Expression:
    return parse_expression(text, where, dict(calls))


Reader = Callable[[str, str], Expression]


def formula_reader(configuration: Configuration) -> Reader:
    """(text, where it stands) -> the tree of a formula about a scheme, derivatives of its declared losses as one call each."""
    read = _reader(configuration)
    if not configuration.scheme.of_matrices:
        return read
    return lambda text, where: shaped_formula(read(text, where), configuration, where)


def _reader(configuration: Configuration) -> Reader:
    scheme = configuration.scheme
    if not scheme.losses:
        return partial(parsed, maps=tuple(map_arities(scheme.maps).items()))
    calls = tuple({**formula_calls(configuration), **map_arities(scheme.maps)}.items())

    def read(text: str, where: str) -> Expression:
        return present_formula(configuration, _parsed(text, where, calls), where)

    return lru_cache(maxsize=5_000)(read)


class FormulaValues:
    """Values of formulas at one point (or along one power series) of a problem; equal parts are evaluated once.

    theta     list of numbers, or of power series: the components of all unknowns;   names   parameters and slow variables:
    number or list;   read   how texts are read;   maps   what declared maps are
    """

    def __init__(
        self, problem: Problem | Game, theta: Sequence[Any], names: Mapping[str, Any], numbers: Numbers,
        read: Reader | None = None, maps: ConcreteMaps = NO_MAPS,
    ) -> None:  # fmt: skip
        self.problem, self.theta, self.numbers, self.maps = problem, list(theta), numbers, maps
        self.read = read or partial(parsed, maps=maps.calls)
        self.points = divided(theta, problem.sizes)
        self.names = {**names, **self.points}
        if not isinstance(problem, Game):
            self.table = problem.monomials(theta)
            leaf = "grad" if problem.potential is not None else "field"
            self.names[leaf] = problem.tensor(theta, (), self.table)
            if problem.potential is not None:
                self.names.setdefault("L", problem.value(theta))
        else:
            at = {f: [self.points[x] for x in slots] for f, slots in problem.slots.items()}
            self.names |= {f: problem.gradient(Partial(f, ()), point, []) for f, point in at.items()}
        self._known: dict[Expression, Any] = {}

    def __getitem__(self, text: str) -> Any:
        return self.of(self.read(text, "formula"))

    def vector(self, text: str) -> list[Any]:
        """The value with one entry a component."""
        return self._as_vector(self[text])

    def _as_vector(self, value: Any) -> list[Any]:
        return value if isinstance(value, list) else [value] * len(self.theta)

    def of(self, expression: Expression) -> Any:
        """The value of a tree: a list for vectors, a number for scalars."""
        if isinstance(expression, Number):
            return self.numbers.lift(expression.value)
        if isinstance(expression, Name):
            if expression.id not in self.names:
                known = nearest(expression.id, self.names)
                raise UsageError(f"formula: '{expression.id}' has no meaning here{known}")
            return self.names[expression.id]
        found = self._known.get(expression)
        if found is None:
            found = self._known[expression] = self._compound(expression)
        return found

    def _compound(self, expression: Operation | Call) -> Any:
        if isinstance(expression, Call):
            args = [self.of(a) for a in expression.args]
            if isinstance(self.problem, Game):
                if partial := partial_of(expression.function):
                    return self.problem.gradient(partial, *partial.divided(args))
            elif expression.function in DERIVATIVES:
                return self.problem.tensor(self.theta, [self._as_vector(a) for a in args], self.table)
            elif expression.function in ELSEWHERE or partial_of(expression.function):
                point, *directions = map(self._as_vector, args)
                return self.problem.tensor(point, directions, self.problem.monomials(point))
            if expression.function in self.maps:
                return self.maps.value(expression.function, args, self.problem.dimension, self.numbers)
            if is_of_matrices(expression.function):
                return of_matrices(expression.function, args)
            if summed_call(expression.function):
                return summed(expression.function, args, len(self.theta), self.problem.layers, self.numbers)
            return elementary(expression.function, args, self.numbers)
        if expression.op == "neg":
            return mapped(lambda x: -x, self.of(expression.args[0]))
        if expression.op == "**":
            exponent = constant(expression.args[1])
            if exponent is None:
                raise UsageError("formula: an exponent must be a rational number, such as 2 or -1/2")
            return mapped(lambda x: self.numbers.power(x, exponent), self.of(expression.args[0]))
        return componentwise(self.of(expression.args[0]), self.of(expression.args[1]), COMBINE[expression.op])


def split_powers(expression: Expression, order: int, root: int = 1) -> list[Expression]:
    """The coefficients of h^0, ..., h^order of a formula that is a polynomial in h, gamma = h^root.

    Raises UsageError when gamma stands where it cannot be expanded (in a denominator, under a power).

    >>> from derive.language import unparse
    >>> [unparse(e) for e in split_powers(parsed("-grad - gamma/2*hess(grad)"), 1)]
    ['-grad', '-(1/2*hess(grad))']
    """
    powers = _powers(expression, root)
    if max(powers) > order:
        power = Fraction(max(powers), root)
        written = f"gamma**{power}" if power.denominator == 1 else f"gamma**({power})"
        raise UsageError(f"the formula has a power {written} above the order {order}; raise --order")
    return [powers.get(k, Number(Fraction(0))) for k in range(order + 1)]


def _powers(e: Expression, root: int) -> dict[int, Expression]:
    """power of h, gamma = h^root -> coefficient."""
    if "gamma" not in names_of(e):
        return {0: e}
    match e:
        case Name():
            return {root: Number(Fraction(1))}
        case Operation("neg", (a,)):
            return {k: Operation("neg", (x,)) for k, x in _powers(a, root).items()}
        case Operation("+" | "-", (a, b)):
            left, right = _powers(a, root), _powers(b, root)
            return {k: _joined(e.op, left.get(k), right.get(k)) for k in sorted({*left, *right})}
        case Operation("*", (a, b)):
            return _convolved(_powers(a, root), _powers(b, root))
        case Operation("/", (a, b)) if "gamma" not in names_of(b):
            return {k: Operation("/", (x, b)) for k, x in _powers(a, root).items()}
        case Operation("**", (Name("gamma"), b)) if root > 1 and (power := _whole(constant(b), root)):
            return {power: Number(Fraction(1))}
        case Operation("**", (a, b)):
            exponent = constant(b)
            if exponent is not None and exponent.denominator == 1 and 1 <= exponent <= 16:
                result = _powers(a, root)
                for _ in range(int(exponent) - 1):
                    result = _convolved(result, _powers(a, root))
                return result
    raise ParseError("gamma must appear as a polynomial here", "formula", e.line, e.column)


def _whole(exponent: Fraction | None, root: int) -> int:
    """The exponent times the root, where that is a whole number through sixteen gammas; else zero."""
    power = Fraction(0) if exponent is None else exponent * root
    return int(power) if power.denominator == 1 and 0 < power <= 16 * root else 0


def squared_norms(e: Expression) -> Expression:
    """Even powers of norms as powers of scalar products, which are smooth where the vector vanishes.

    >>> from derive.language import unparse
    >>> unparse(squared_norms(parsed("|grad|^2 hess(|grad|^4 grad)/norm(grad)^3")))
    'dot(grad, grad)*hess(dot(grad, grad)**2*grad)/norm(grad)**3'
    """
    match e:
        case Operation("**", (Call(norm, (u,)), b)) if norm in NORMS and (r := constant(b)) is not None and r % 2 == 0:
            u = squared_norms(u)
            square = Call(norm.replace("norm", "dot"), (u, u), e.line, e.column)
            return square if r == 2 else Operation("**", (square, Number(r / 2)), e.line, e.column)
        case Operation(op, args, line, column):
            return Operation(op, tuple(squared_norms(a) for a in args), line, column)
        case Call(function, args, line, column):
            return Call(function, tuple(squared_norms(a) for a in args), line, column)
    return e


def _joined(op: str, a: Expression | None, b: Expression | None) -> Expression:
    if a is None:
        assert b is not None
        return b if op == "+" else Operation("neg", (b,))
    return a if b is None else Operation(op, (a, b))


def _convolved(a: Mapping[int, Expression], b: Mapping[int, Expression]) -> dict[int, Expression]:
    result: dict[int, Expression] = {}
    for i, x in a.items():
        for j, y in b.items():
            one = next((v for u, v in ((x, y), (y, x)) if isinstance(u, Number) and u.value == 1), None)
            item = one if one is not None else Operation("*", (x, y))
            result[i + j] = Operation("+", (result[i + j], item)) if i + j in result else item
    return result
