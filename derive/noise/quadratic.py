"""A stochastic scheme on a quadratic loss: its step as a random affine map of the state variables, and second moments that stay.

    L_xi(x) = (h + chi) x^2/2 + xi x       xi, chi uncorrelated, of mean zero and variances s, w, new with every sample
    X+ = sum_c chi_c A_c X  +  sum_c chi_c (sum_xi b_c xi + sum_z c_c z),      chi_c a product of different samples' chi
    S  = sum_c w^|c| (A_c S A_c^T + s b_c b_c^T + c_c c_c^T)

S = E X X^T is the second moment that a step leaves as it is, exact in gamma; E X = 0.  For two modes of curvatures h and k, along
which samples do not change the Hessian, S = A(h) S A(k)^T + s b b^T + ... with s their covariance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.linear import Matrix, solve_linear
from derive.noise.constants import Roots
from derive.noise.forests import GRADIENT
from derive.noise.lines import StepForms
from derive.noise.series import Expansion, Series
from derive.scheme import Configuration
from derive.scheme.linear_forms import Form
from derive.scheme.names import ahead

Samples = tuple[str, ...]  # whose chi are multiplied, sorted
Parts = dict[tuple[Samples, str], Ratio]  # of a form, by the chi before a state, the error of a sample or a normal vector
_XI = "xi#"
Vector = Mapping[str, Ratio]  # state variable -> coefficient


class Symbols(NamedTuple):
    """The names of the curvature, of a second one, and of the variances of gradients and of curvatures of samples."""

    curvature: str
    other: str
    noise: str
    spread: str


@dataclass(frozen=True, eq=False)
class AffineStep:
    """One step on the quadratic loss of one curvature, by the samples whose chi stand before a part.

    `linear[c][a][b]` multiplies the state b in a after the step; `sampled[c]` are the vectors of noise by samples, `normals[c]`
    those by calls of normal() and the roots in their coefficients.
    """

    ring: Ring
    states: tuple[str, ...]
    linear: Mapping[Samples, Mapping[str, Vector]]
    sampled: Mapping[Samples, Mapping[str, Vector]]
    normals: Mapping[Samples, Mapping[tuple[str, Roots], Vector]]

    def matrix(self, samples: Samples = ()) -> Matrix:
        rows = self.linear.get(samples, {})
        return [[rows.get(a, {}).get(b, self.ring.zero) for b in self.states] for a in self.states]


def symbols(configuration: Configuration) -> Symbols:
    """Names that the scheme leaves free: h, k, s, w."""
    return Symbols(*(configuration.fresh(letter) for letter in "hksw"))


class _Forms(StepForms):
    """The update in a ring that has symbols of the loss as well."""

    def __init__(self, configuration: Configuration, more: tuple[str, ...]) -> None:
        super().__init__(configuration, 1)
        self.ring = Ring((*self.ring.symbols, *more))  # nothing is in the first one yet


class QuadraticStep:
    """A configuration's step on quadratic losses; `ring` has gamma, the free parameters and the `symbols`.

    Raises ReductionError where the step is not linear there, or changes with the time.

    >>> from derive.scheme import inline_scheme, configure
    >>> sgd = QuadraticStep(configure(inline_scheme("theta = theta - gamma*sgrad(theta)"), noise=True))
    >>> str(sgd.variance()), str(sgd.covariance()), str(sgd.variance(sampled_curvature=True))
    ('gamma*s/(h*(2 - gamma*h))', 'gamma*s/(h + k - gamma*h*k)', 'gamma*s/(2*h - gamma*w - gamma*h**2)')
    """

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.symbols = symbols(configuration)
        self.forms = _Forms(configuration, self.symbols)
        self.ring = self.forms.ring
        self.rows = self._rows()

    def _rows(self) -> dict[str, Form]:
        """Every state variable after the step, by the name and in the units in which it is printed."""
        forms, scheme = self.forms, self.configuration.scheme
        after = forms.run()
        if forms.slopes:
            raise self.refuse("its step changes with the time")
        if forms.analytic:
            raise self.refuse("an exponential of gamma is not rational; write a parameter in its place, c for exp(-lam*gamma)")
        if forms.numbers or any(e.label != GRADIENT for e in forms.evaluations) or len(scheme.unknowns) > 1:
            raise self.refuse("its step is not linear on the loss h theta^2/2 (functions of gradients, players or fields)")
        symbol = self.configuration.symbol
        return {symbol(s): forms.scaled(f, forms.factor(s).inverse()) for s, f in after.items()}

    def refuse(self, problem: str) -> Exception:
        return type(self.forms.refuse(""))(f"{self.configuration.scheme.where}: no stationary variance: {problem}")

    # ------------------------------------------------------------------------------------------ the map

    def step(self, curvature: str, sampled_curvature: bool) -> AffineStep:
        """The random affine map for one curvature."""
        pieces = self._explicit({a: self._expanded(form, curvature, sampled_curvature) for a, form in self.rows.items()})
        linear: dict[Samples, dict[str, dict[str, Ratio]]] = {}
        sampled: dict[Samples, dict[str, dict[str, Ratio]]] = {}
        normals: dict[Samples, dict[tuple[str, Roots], dict[str, Ratio]]] = {}
        for a, parts in pieces.items():
            for (chis, base), c in parts.items():
                if base.startswith(_XI):
                    sampled.setdefault(chis, {}).setdefault(base, {})[a] = c
                elif base.startswith(StepForms.NORMAL):
                    for roots, part in self.forms.by_roots(c).items():
                        normals.setdefault(chis, {}).setdefault((base, roots), {})[a] = part
                elif base:
                    linear.setdefault(chis, {}).setdefault(a, {})[base] = c
                else:
                    raise self.refuse("a number is added to every component of a vector")
        return AffineStep(self.ring, tuple(self.rows), linear, sampled, normals)

    def _explicit(self, pieces: dict[str, Parts]) -> dict[str, Parts]:
        """The parts without theta_next: theta+ = m + n theta+."""
        x = next(iter(self.configuration.scheme.unknowns))
        n = pieces[x].get(((), ahead(x)), self.ring.zero)
        if any(base == ahead(x) and chis for parts in pieces.values() for chis, base in parts):
            raise self.refuse("the curvature of a sample stands at the point after the step, and divides")
        if n == self.ring.one:
            raise self.refuse(f"{ahead(x)} cancels from its own equation")
        factor = (self.ring.one - n).inverse()
        value = {key: (c * factor).reduced() for key, c in pieces[x].items() if key[1] != ahead(x)}
        return {a: _replaced(parts, ((), ahead(x)), value) for a, parts in pieces.items()}

    def _expanded(self, form: Form, curvature: str, spread: bool) -> Parts:
        """The form in states, errors xi of samples and normal vectors, by the chi before them: a gradient at x is
        (h + chi) x + xi."""
        found: Parts = {}

        def add(chis: Samples, base: str, c: Ratio) -> None:
            if len(set(chis)) < len(chis) or (base.startswith(_XI) and base.removeprefix(_XI) in chis):
                raise self.refuse(
                    "a gradient of a sample stands at a point that has a gradient of this sample, which brings in higher moments "
                    "of the sample's curvature; leave sampled curvature out, or draw a second sample: sgrad(x, 2)"
                )
            key = tuple(sorted(chis)), base
            found[key] = (found[key] + c).reduced() if key in found else c

        h = self.ring.symbol(curvature)
        for base, c in form.items():
            if not base.startswith(StepForms.GRADIENT):
                add((), base, c)
                continue
            e = self.forms.evaluations[int(base[1:])]
            for (chis, below), d in self._expanded(e.slots[0].form, curvature, spread).items():
                add(chis, below, (c * d * h).reduced())
                if e.sample and spread:
                    add((*chis, e.sample), below, (c * d).reduced())
            if e.sample:
                add((), f"{_XI}{e.sample}", c)
        return {key: c for key, c in found.items() if c}

    # ------------------------------------------------------------------------------------------ second moments

    def variance(self, sampled_curvature: bool = False) -> Ratio:
        """The stationary variance of the unknown, one mode of curvature h."""
        return self._moment(self.step(self.symbols.curvature, sampled_curvature), None)

    def covariance(self) -> Ratio:
        """The stationary covariance between two modes, of curvatures h and k, whose errors have the covariance s; given normal
        noise is independent between them."""
        one, other = (self.step(h, False) for h in (self.symbols.curvature, self.symbols.other))
        return self._moment(one, other)

    def _moment(self, one: AffineStep, other: AffineStep | None) -> Ratio:
        """The entry of the unknown in the S that a step leaves as it is."""
        size, zero = len(one.states), self.ring.zero
        places = [(i, j) for i in range(size) for j in range(size)]
        matrix = [[self.ring.one if p == q else zero for q in places] for p in places]
        for samples in one.linear:
            left, right = one.matrix(samples), (other or one).matrix(samples)
            weight = self.ring.symbol(self.symbols.spread) ** len(samples)
            for row, (i, j) in zip(matrix, places, strict=True):
                for q, (a, b) in enumerate(places):
                    if left[i][a] and right[j][b]:
                        row[q] = (row[q] - weight * left[i][a] * right[j][b]).reduced()
        noise = self._noise(one, other)
        rights = [noise.get((one.states[i], one.states[j]), zero) for i, j in places]
        try:
            solution = solve_linear(matrix, rights)
        except ZeroDivisionError:
            raise self.refuse("second moments grow for ever, or depend on the start, for all values of the parameters") from None
        unknown = one.states.index(next(iter(self.configuration.scheme.unknowns)))
        return solution[places.index((unknown, unknown))]

    def _noise(self, one: AffineStep, other: AffineStep | None) -> dict[tuple[str, str], Ratio]:
        """What a step adds to the second moments."""
        found: dict[tuple[str, str], Ratio] = {}
        for samples, vectors in one.sampled.items():
            weight = self.ring.symbol(self.symbols.spread) ** len(samples) * self.ring.symbol(self.symbols.noise)
            for sample, b in vectors.items():
                _add(found, b, (other or one).sampled.get(samples, {}).get(sample, {}), weight)
        for samples, calls in one.normals.items() if other is None else ():
            weight = self.ring.symbol(self.symbols.spread) ** len(samples)
            for (call, roots), b in calls.items():
                for (same, others), c in calls.items():
                    if same == call:
                        _add(found, b, c, weight * self._squared(roots, others))
        return found

    def _squared(self, roots: Roots, others: Roots) -> Ratio:
        if roots != others:
            raise self.refuse("one normal vector stands with two different roots")
        found = self.ring.one
        for i in roots:
            found = found * self.forms.squares[i]
        return found

    def series(self, c: Ratio, order: int) -> Series:
        """A closed form by powers of gamma.  Raises ReductionError where it has no limit."""
        try:
            return Expansion(self.ring, order, {})(c)
        except ZeroDivisionError:
            raise self.refuse("it has no limit as gamma -> 0") from None


def _replaced(parts: Parts, key: tuple[Samples, str], value: Parts) -> Parts:
    """The parts with a form in the place of one of them."""
    rest = dict(parts)
    factor = rest.pop(key, None)
    if factor is None:
        return rest
    for other, c in value.items():
        term = c * factor
        rest[other] = (rest[other] + term).reduced() if other in rest else term.reduced()
    return rest


def _add(found: dict[tuple[str, str], Ratio], a: Vector, b: Vector, weight: Ratio) -> None:
    """found += weight a b^T."""
    for i, x in a.items():
        for j, y in b.items():
            term = (weight * x * y).reduced()
            found[i, j] = (found[i, j] + term).reduced() if (i, j) in found else term
