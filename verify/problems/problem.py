"""Concrete losses and fields: polynomials with exact coefficients, their derivatives of every order, at a point.

    L(theta_0 + delta) = sum_e c_e delta^e,        d^a L(theta_0) = a! c_a

A `Problem` is the gradient of a loss, or a vector field, as polynomials in delta = theta - theta_0 with the coefficients
of any number type.  A loss that is no polynomial is replaced by its Taylor polynomial, with ball coefficients: orbits that
start at theta_0 and move by O(gamma) do not see the rest below the power where it is cut.  Elsewhere it says nothing (`local`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from math import factorial, prod
from typing import Any

from flint import arb, fmpq

from derive.errors import UsageError
from derive.language import LOSS_CALLS, Expression, components, names_of, parse_expression
from verify.numbers.evaluation import evaluate
from verify.numbers.kinds import BALLS
from verify.numbers.power_series import Series, sum_of
from verify.problems.differentiation import differentiate
from verify.problems.layers import Layers
from verify.problems.polynomials import VARIABLES, Index, Polynomial, derivative, polynomial_of, polynomial_text, raised, shifted

#: components of a vector with their places
Placed = Sequence[tuple[int, Any]]

_NO_COORDINATES = {"pi": "a number", "e": "a number", "gamma": "the step size"}
_RATIONAL = {"pi": "355/113", "e": "193/71", "gamma": "1/10"}


def parse_loss(text: str, label: str = "L") -> tuple[tuple[str, ...], list[Expression]]:
    """Variables (sorted) and expression of a loss, or the components of a field in the order of the variables.

    >>> parse_loss("x**2*y")[0]
    ('x', 'y')
    """
    where = "loss" if label == "L" else "field"
    named, parts = ((), [text]) if label == "L" else components(text)
    expressions = [parse_expression(p, where, LOSS_CALLS) for p in parts]
    variables = tuple(sorted({*named, *(n for e in expressions for n in names_of(e))}))
    for name, what in _NO_COORDINATES.items():
        if name in variables:
            raise UsageError(f"the {where}: {name} is {what}; runs are exact, write a rational number, such as {_RATIONAL[name]}")
    if not variables:
        raise UsageError(f"the {where} '{text}' has no variables")
    if label == "f" and len(expressions) != len(variables):
        raise UsageError(f"the field '{text}' needs {len(variables)} components, separated by ';'")
    return variables, expressions


def check_coordinates(variables: Collection[str], parameters: Collection[str], where: str = "loss") -> None:
    """Raise UsageError where a parameter of the scheme stands among the variables of a loss or field, as if it were one.

    >>> check_coordinates(("beta", "x"), ("alpha", "beta"))
    Traceback (most recent call last):
    derive.errors.UsageError: the loss: 'beta' is a parameter of the scheme and no coordinate; write a number there
    """
    if taken := sorted({*variables} & {*parameters}):
        raise UsageError(f"the {where}: '{taken[0]}' is a parameter of the scheme and no coordinate; write a number there")


@dataclass(frozen=True)
class Problem:
    """A loss (`potential`) or a field (`parts`) about a point, as polynomials in delta.

    `gradient` is grad L, or the field; `tensor` its derivatives contracted with vectors; `layers`, if the components come in
    layers, are the places of each.
    """

    point: tuple[Any, ...]
    potential: Polynomial | None
    components: tuple[Polynomial, ...] = ()
    layers: Layers = ()
    local: bool = False  # Taylor polynomials, which say nothing away from the point
    _derivatives: dict[tuple[int, Index], Polynomial] = field(default_factory=dict, compare=False)

    @property
    def dimension(self) -> int:
        return len(self.point)

    @property
    def sizes(self) -> dict[str, int]:
        """How many components each unknown has."""
        return {"theta": self.dimension}

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """Names of the components of each unknown."""
        return {"theta": VARIABLES[: self.dimension]}

    @property
    def gradient_size(self) -> int:
        """How many components the gradient or field has."""
        return self.dimension

    @cached_property
    def parts(self) -> list[Polynomial]:
        """The components of grad L, or of the field."""
        if self.potential is None:
            return list(self.components)
        return [derivative(self.potential, i) for i in range(self.dimension)]

    def _derived(self, component: int, index: Index) -> Polynomial:
        found = self._derivatives.get((component, index))
        if found is None:
            axis = next((i for i, k in enumerate(index) if k), None)
            if axis is None:
                found = self.parts[component]
            else:
                found = derivative(self._derived(component, raised(index, axis, -1)), axis)
            self._derivatives[component, index] = found
        return found

    def monomials(self, theta: Sequence[Any]) -> dict[Index, Any] | None:
        """delta^e for every exponent that can occur, for power series theta or another point; None at the point itself."""
        return self._monomials(theta, self.parts)

    def _monomials(self, theta: Sequence[Any], polynomials: Sequence[Polynomial]) -> dict[Index, Any] | None:
        series = isinstance(theta[0], Series)
        if not series and all(x is p or x == p for x, p in zip(theta, self.point, strict=True)):
            return None
        deltas = [x - p for x, p in zip(theta, self.point, strict=True)]
        degree = max((sum(e) for p in polynomials for e in p), default=0)
        away = not series or any(_is_away(x[0]) for x in deltas)
        if away and self.local:
            raise UsageError("a derivative is taken away from the point about which the loss is expanded; give a polynomial")
        zero = (0,) * self.dimension
        table: dict[Index, Any] = {zero: None}
        layer: list[Index] = [zero]
        for _ in range(degree if away else min(degree, deltas[0].length - 1)):
            new: dict[Index, Any] = {}
            for e in layer:
                last = max((i for i, k in enumerate(e) if k), default=0)
                for axis in range(last, self.dimension):
                    new[raised(e, axis)] = deltas[axis] if table[e] is None else table[e] * deltas[axis]
            table |= new
            layer = list(new)
        return table

    def _value(self, p: Polynomial, table: dict[Index, Any] | None, like: Any) -> Any:
        zero = (0,) * self.dimension
        if table is None:
            return p.get(zero, fmpq(0))
        total = like * 0 + p.get(zero, fmpq(0))
        for e, c in p.items():
            if e in table and e != zero:
                total = total + table[e] * c
        return total

    def value(self, theta: Sequence[Any]) -> Any:
        """The loss at the point, or at a power series that starts there."""
        assert self.potential is not None
        return self._value(self.potential, self._monomials(theta, [self.potential]), theta[0])

    def gradient(self, theta: Sequence[Any]) -> list[Any]:
        """grad L (or the field) at the point, or at a power series that starts there."""
        table = self.monomials(theta)
        return [self._value(p, table, theta[0]) for p in self.parts]

    def tensor(self, theta: Sequence[Any], arguments: Sequence[Sequence[Any]], table: dict[Index, Any] | None) -> list[Any]:
        """sum over j..k of d_j..d_k (grad L)_i u_j .. v_k, at theta with its table of monomials."""
        return self.partial(theta, range(self.dimension), [list(enumerate(u)) for u in arguments], table)

    def partial(self, theta: Sequence[Any], wanted: Sequence[int], arguments: Sequence[Placed], table: Any) -> list[Any]:
        """Some components of the same, the arguments' components given with their places."""
        zero = (0,) * self.dimension
        return [self._contracted(i, zero, theta, arguments, table) for i in wanted]

    def _contracted(self, i: int, index: Index, theta: Sequence[Any], arguments: Sequence[Placed], table: Any) -> Any:
        if not arguments:
            return self._value(self._derived(i, index), table, theta[0])
        first, *rest = arguments
        return sum_of([u * self._contracted(i, raised(index, j), theta, rest, table) for j, u in first])

    def written(self, deltas: Sequence[str]) -> str:
        """The loss, or the components of the field separated by ';', in texts for the components of delta."""
        parts = self.components if self.potential is None else (self.potential,)
        return "; ".join(polynomial_text(p, deltas) for p in parts)

    # ------------------------------------------------------------------------------------------ other problems

    def each(self, change: Callable[[Problem], Problem]) -> Problem:
        """The problem changed."""
        return change(self)

    def with_coefficients(self, f: Callable[[Any], Any]) -> Problem:
        """f of every coefficient."""
        potential, *components = ({e: f(c) for e, c in (p or {}).items()} for p in (self.potential, *self.components))
        changed = None if self.potential is None else potential
        return Problem(self.point, changed, tuple(components), self.layers, self.local)

    def with_gradient(self, component: int, x: Any) -> Problem:
        """The same loss (or field) with another component of the gradient at the point.

        >>> Problem((0,), {(1,): 2, (2,): 3}).with_gradient(0, 5).gradient((0,))
        [5]
        """
        zero = (0,) * self.dimension
        if self.potential is not None:
            return Problem(self.point, {**self.potential, raised(zero, component): x}, layers=self.layers, local=self.local)
        parts = [{**p, zero: x} if i == component else p for i, p in enumerate(self.components)]
        return Problem(self.point, None, tuple(parts), self.layers, self.local)

    def moved(self, point: Sequence[Any]) -> Problem:
        """The same polynomials in theta - point about another point."""
        return replace(self, point=tuple(point), _derivatives={})


def _is_away(x: Any) -> bool:
    """Whether a difference is not zero; a ball, for certain."""
    return not x.contains(0) if isinstance(x, arb) else bool(x != 0)


def problem_of(text: str, point: Sequence[Any], degree: int, label: str = "L") -> Problem:
    """The given loss or field about a point: exact for a polynomial, else its Taylor polynomial with ball coefficients."""
    variables, expressions = parse_loss(text, label)
    polynomials = [polynomial_of(e, variables) for e in expressions]
    taylor = any(p is None for p in polynomials)
    if taylor:
        polynomials = [_taylor(e, variables, point, degree) for e in expressions]
        local = [p or {} for p in polynomials]
    else:
        local = [shifted(p or {}, point) for p in polynomials]
    if label == "L":
        return Problem(tuple(point), local[0], local=taylor)
    return Problem(tuple(point), None, tuple(local), local=taylor)


def _taylor(expression: Expression, variables: Sequence[str], point: Sequence[Any], degree: int) -> Polynomial:
    """Taylor coefficients d^e L / e! as balls, by differentiating the expression."""
    known: dict[Index, Expression] = {(0,) * len(variables): expression}
    names = {v: arb(1) * x for v, x in zip(variables, point, strict=True)}
    result: Polynomial = {}
    for e in sorted(product(range(degree + 1), repeat=len(variables)), key=sum):
        if sum(e) > degree:
            continue
        if e not in known:
            axis = next(i for i, k in enumerate(e) if k)
            known[e] = differentiate(known[raised(e, axis, -1)], variables[axis])
        result[e] = evaluate(known[e], names, BALLS, _elementary_ball) / prod(map(factorial, e))
    return result


def _elementary_ball(function: str, args: list[Any]) -> Any:
    return getattr(arb(1) * args[0], function)()
