"""Declared maps with formulas: those that are stated or set, and random polynomials with small coefficients for the others.

    map            P(x, y)_i = x_i + c x_(i+1) + a sum of quadratic, cubic and quartic monomials
    componentwise  p(u) = u + c_2 u^2 + c_3 u^3 + c_4 u^4
    linear         A(x, y)_i = x_i + sum_j c_ij x_j
    inverses       pairs with rational inverses, see `inverse_texts`

The same name has the same map in every run, so that a counterexample can state it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import product
from random import Random
from typing import Any

from derive.errors import UsageError
from derive.language import Expression, parse_expression
from derive.language.maps import MapKind, map_arities, map_of
from derive.scheme import Configuration
from derive.scheme.map_programs import MapProgram
from derive.scheme.map_settings import MapFormula
from verify.numbers.evaluation import elementary, evaluate, mapped
from verify.numbers.kinds import Numbers
from verify.numbers.power_series import sum_of
from verify.problems.differentiation import differentiate
from verify.problems.map_lines import derivative_along
from verify.problems.polynomials import VARIABLES, Index, derivative, polynomial_of, raised

DEGREE = 4


@dataclass
class _Formula:
    """A formula with its derivatives, each found once: polynomials stay polynomials."""

    formula: MapFormula
    _known: dict[tuple[int, Index], Any] = field(default_factory=dict)

    def value(self, i: int, index: Index, point: Sequence[Any], numbers: Numbers) -> Any:
        """d^index P_i at a point."""
        found = self._derivative(i, index)
        if not isinstance(found, dict):
            names = dict(zip(self.formula.variables, point, strict=True))
            return evaluate(found, names, numbers, lambda f, args: _elementary(f, args, numbers))
        total: Any = point[0] * 0
        for exponents, c in sorted(found.items()):
            factor: Any = numbers.lift(Fraction(int(c.p), int(c.q)))
            for x, e in zip(point, exponents, strict=True):
                for _ in range(e):
                    factor = x * factor
            total = total + factor
        return total

    def _derivative(self, i: int, index: Index) -> Any:
        found = self._known.get((i, index))
        if found is None:
            axis = next((j for j, k in enumerate(index) if k), None)
            if axis is None:
                expression = self.formula.components[i]
                found = polynomial_of(expression, self.formula.variables) or expression
            else:
                lower = self._derivative(i, raised(index, axis, -1))
                found = derivative(lower, axis) if isinstance(lower, dict) else self._differentiated(lower, axis)
            self._known[i, index] = found
        return found

    def _differentiated(self, lower: Expression, axis: int) -> Expression:
        return differentiate(lower, self.formula.variables[axis])


def _elementary(function: str, args: list[Any], numbers: Numbers) -> Any:
    if function in ("sqrt", "abs", "sign"):
        return elementary(function, args, numbers)
    return mapped(lambda x: getattr(x, function)(), args[0])


@dataclass
class ConcreteMaps:
    """Values of the maps of a configuration on any numbers."""

    kinds: Mapping[str, MapKind] = field(default_factory=dict)
    given: Mapping[str, MapFormula | MapProgram] = field(default_factory=dict)
    inverses: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, Any] = field(default_factory=dict)  # parameters, for maps that are made of some
    _formulas: dict[tuple[str, int], _Formula] = field(default_factory=dict)

    @cached_property
    def calls(self) -> tuple[tuple[str, int], ...]:
        """What a formula may call, with the number of arguments."""
        return tuple(map_arities(self.kinds).items())

    def __contains__(self, function: object) -> bool:
        return map_of(str(function), self.kinds) is not None

    def value(self, function: str, args: Sequence[Any], dimension: int, numbers: Numbers) -> Any:
        """P(u), or d^kP(u)[v, ..] by its name; a number among the arguments is the same in all `dimension` components."""
        label, rank = map_of(function, self.kinds) or ("", 0)
        program = self.given.get(label)
        if self.kinds[label] == "componentwise":
            if isinstance(program, MapProgram):
                return mapped(lambda x: derivative_along(program, [x], [[x * 0 + 1]] * rank, self.names, numbers)[0], args[0])
            p = self._formula(label, 1)
            return mapped(lambda x: p.value(0, (rank,), [x], numbers), args[0])
        point, *directions = (x if isinstance(x, list) else [x] * dimension for x in args)
        if isinstance(program, MapProgram):
            return derivative_along(program, point, directions, self.names, numbers)
        return list(self._contracted(self._formula(label, len(point)), point, directions, numbers))

    def _contracted(
        self, p: _Formula, point: Sequence[Any], directions: Sequence[Sequence[Any]], numbers: Numbers
    ) -> Iterator[Any]:
        places = range(len(point))
        for i in places:
            terms = []
            for chosen in product(places, repeat=len(directions)):
                index = tuple(chosen.count(j) for j in places)
                term = p.value(i, index, point, numbers)
                for u, j in zip(directions, chosen, strict=True):
                    term = u[j] * term
                terms.append(term)
            yield sum_of(terms)

    def _formula(self, label: str, dimension: int) -> _Formula:
        found = self._formulas.get((label, dimension))
        if found is None:
            formula = self.given.get(label) or self._chosen(label, dimension)
            assert isinstance(formula, MapFormula)
            if len(formula.variables) != dimension:
                raise UsageError(f"the map {label} has {len(formula.variables)} components, vectors here have {dimension}")
            found = self._formulas[label, dimension] = _Formula(formula)
        return found

    def _chosen(self, label: str, dimension: int) -> MapFormula:
        kind, other = self.kinds[label], self.inverses.get(label)
        if other is None:
            return random_formula(label, kind, dimension)
        if other in self.given:
            raise UsageError(f"{other} is set and its inverse {label} is not; set both")
        return inverse_formula(kind, dimension, label < other)

    def texts(self, dimension: int) -> list[str]:
        """Every map as a text: P(x, y) = ...; ..."""
        stated = [f"{p.label}({p.argument}): {p.text}" for p in self.given.values() if isinstance(p, MapProgram)]
        kinds = {p: kind for p, kind in self.kinds.items() if not isinstance(self.given.get(p), MapProgram)}
        sizes = {label: 1 if kind == "componentwise" else dimension for label, kind in kinds.items()}
        formulas = {label: self._formula(label, d).formula for label, d in sizes.items()}
        return stated + [f"{label}({', '.join(f.variables)}) = {f.text}" for label, f in formulas.items()]


NO_MAPS = ConcreteMaps()


def maps_of(configuration: Configuration, names: Mapping[str, Any] | None = None) -> ConcreteMaps:
    """The maps of a scheme, as they are stated or set, with these values of parameters."""
    return ConcreteMaps(configuration.scheme.maps, configuration.maps, configuration.scheme.inverses, names or {})


def random_formula(label: str, kind: MapKind, dimension: int) -> MapFormula:
    """A polynomial map near the identity.

    >>> random_formula("p", "componentwise", 1).variables
    ('u',)
    """
    source = Random(f"map {label} {kind} {dimension}")
    variables = ("u",) if kind == "componentwise" else VARIABLES[:dimension]
    parts = [_component(i, kind, variables, source) for i in range(len(variables))]
    components = tuple(parse_expression(p, "map") for p in parts)
    return MapFormula(kind, variables, components, "; ".join(parts))


def inverse_formula(kind: MapKind, dimension: int, first: bool) -> MapFormula:
    """One of a pair of maps that undo each other.

    In one dimension u/(1 - u/7) and u/(1 + u/7), or 2 u and u/2; in two, (x + s(y), y) and then (x, y + t(x)), or back.

    >>> inverse_formula("componentwise", 1, True).text
    'u/(1 - u/7)'
    """
    if dimension > 2:
        raise UsageError("the numerical routes know no pair of inverse maps in more than two dimensions; set both")
    variables = ("u",) if dimension == 1 else VARIABLES[:2]
    parts = _one(kind, first) if dimension == 1 else _two("({})/3" if kind == "linear" else "({})/3 + ({})**2/5", first)
    return MapFormula(kind, variables, tuple(parse_expression(p, "map") for p in parts), "; ".join(parts))


def _one(kind: MapKind, first: bool) -> list[str]:
    if kind == "linear":
        return ["2*u" if first else "u/2"]
    return [f"u/(1 {'-' if first else '+'} u/7)"]


def _two(shear: str, first: bool) -> list[str]:
    """(x + s(y), y + t(x + s(y))), or its inverse (x - s(y - t(x)), y - t(x)), with t = -s/2."""
    if first:
        x = f"x + {shear.format('y', 'y')}"
        return [x, f"y - ({shear.format(x, x)})/2"]
    y = f"y + ({shear.format('x', 'x')})/2"
    return [f"x - ({shear.format(y, y)})", y]


def _component(i: int, kind: MapKind, variables: Sequence[str], source: Random) -> str:
    x, others = variables[i], [v for v in variables if v != variables[i]]
    monomials = list(others)
    for power in range(2, DEGREE + 1) if kind != "linear" else ():
        lower = x if power == 2 else f"{x}**{power - 1}"
        monomials += [f"{x}**{power}", *(f"{lower}*{v}" for v in others)]
    return x + "".join(f" {source.choice('+-')} {m}/{source.randint(3, 9)}" for m in monomials)
