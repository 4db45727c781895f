"""Closed forms on quadratic losses: every order at once, exactly.

On L = h x^2/2 a linear scheme is a matrix M(gamma) acting on (slow, memory).  It is found by running the update text on
affine forms whose coefficients are rational power series in gamma; nothing about the scheme is written in.  The slow
manifold is the invariant subspace m = G x,

    R + S G = G (P + Q G),      M = (P Q; R S),

solved power by power, the slow map is Phi = P + Q G, and the modified equation is the matrix log(Phi)/gamma.  With one slow
variable Phi is the principal root z(gamma h) of the characteristic polynomial of M: log(1 - gamma h)/gamma for gradient
descent, log z(gamma h)/gamma for a linear two-step scheme.  The derived field on the same loss keeps its chains of hess only.

Coefficient k is a polynomial in h of degree at most k + 1, so agreement at order + 2 values of h is agreement for every
quadratic loss in any dimension (at the given parameters).  Declared losses are random quadratic polynomials of unknowns with one
component each: there are as many such games as curvatures h, each a point of the space of all.  Schemes that are not linear on a
quadratic loss (roots, products or quotients of gradients, explicit time), or that join its components (means), have no such form:
the result says so and why.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import fmpq, fmpq_mat, fmpq_series

from derive.language.layers import summed_call
from derive.scheme import Configuration
from verify.numbers.tape import Tape
from verify.numeric.affine import AFFINE, Affine, NotLinear, series, series_length
from verify.numeric.formulas import field_values, order_of
from verify.numeric.system import Layout, Recorder, layout_of
from verify.orbits.run import reads_ahead
from verify.problems.game import Game
from verify.problems.landscape import Loss
from verify.problems.layers import layers_of
from verify.problems.rich import rich_game

Matrix = list[list[Any]]  # of fmpq_series


@dataclass(frozen=True)
class QuadraticCheck:
    """`closed[k]` and `field[k]` are the matrices (rows of fractions) of coefficient k on L = x^2/2, `field` as far as derived.

    `applicable` is False, with the `reason`, for schemes that are not linear; `first_difference` is the first power at which
    the two disagree for some h of `curvatures`, None if none does; `characteristic` the scheme's characteristic polynomial on
    L = x^2/2, its coefficients of z^0, z^1, ... as power series in gamma.  With declared losses there are `games` in place of
    curvatures, and the first stands for L = x^2/2.
    """

    applicable: bool
    reason: str = ""
    order: int = 0
    variables: tuple[str, ...] = ()
    curvatures: tuple[Fraction, ...] = ()
    closed: tuple[tuple[tuple[Fraction, ...], ...], ...] = ()
    field: tuple[tuple[tuple[Fraction, ...], ...], ...] = ()
    characteristic: tuple[str, ...] = ()
    first_difference: int | None = None
    games: tuple[str, ...] = ()

    @property
    def confirmed(self) -> bool:
        return self.first_difference is None

    def to_json(self) -> dict[str, Any]:
        if not self.applicable:
            return {"applicable": False, "reason": self.reason}
        return {
            "applicable": True,
            "order": self.order,
            "variables": list(self.variables),
            "curvatures": [str(h) for h in self.curvatures],
            "closed_form": [[[str(x) for x in row] for row in m] for m in self.closed],
            "field": [[[str(x) for x in row] for row in m] for m in self.field],
            "characteristic_polynomial": list(self.characteristic),
            "compared_through": len(self.field) - 1,
            "first_difference": self.first_difference,
            "confirmed": self.confirmed,
        } | ({"games": list(self.games)} if self.games else {})


# ------------------------------------------------------------------------------------------ the scheme as a matrix


def step_matrix(recorder: Recorder, size: int, implicit: bool) -> Matrix:
    """M(gamma) on the flat state, unknowns first; theta_next enters linearly and is eliminated.

    Raises NotLinear.
    """
    one = series(Fraction(1))
    state = [Affine(series(Fraction(0)), {j: one}) for j in range(size)]
    gamma = Affine(fmpq_series([0, 1]), {})
    count = recorder.loss.dimension if implicit else 0
    later = [Affine(series(Fraction(0)), {size + i: one}) for i in range(count)]
    result = [Affine.of(x) for x in recorder.step(state, gamma, AFFINE, later or None)]
    if any(r.constant for r in result):
        raise NotLinear("the update adds a constant to the state (or reads the time)")
    zero = series(Fraction(0))
    rows = [[r.linear.get(j, zero) for j in range(size + count)] for r in result]
    for k in range(size, size + count):  # x = a + b x, x the unknown that stands in column k, is x = a/(1 - b): put it everywhere
        own = rows[k - size]
        solved = [zero if j == k else a / (one - own[k]) for j, a in enumerate(own)]
        rows = [[zero if j == k else a + row[k] * s for j, (a, s) in enumerate(zip(row, solved, strict=True))] for row in rows]
        rows[k - size] = solved
    return [row[:size] for row in rows]


def _product(a: Matrix, b: Matrix) -> Matrix:
    zero = series(Fraction(0))
    columns = list(zip(*b, strict=True)) if b else []
    return [[sum((x * y for x, y in zip(row, column, strict=True)), zero) for column in columns] for row in a]


def _combined(a: Matrix, b: Matrix, sign: int = 1) -> Matrix:
    return [[x + sign * y for x, y in zip(p, q, strict=True)] for p, q in zip(a, b, strict=True)]


def _at_zero(a: Matrix) -> Any:
    return fmpq_mat([[x[0] for x in row] for row in a])


def _constants(a: Any) -> Matrix:
    return [[fmpq_series([a[i, j]]) for j in range(a.ncols())] for i in range(a.nrows())]


def slow_map(matrix: Matrix, slow: int, powers: int) -> Matrix:
    """Phi = P + Q G.  With G_0 = (1 - S_0)^(-1) R_0, each round of Newton's method at gamma = 0 gains one power of gamma."""
    p, q = [row[:slow] for row in matrix[:slow]], [row[slow:] for row in matrix[:slow]]
    r, s = [row[:slow] for row in matrix[slow:]], [row[slow:] for row in matrix[slow:]]
    if not r:
        return p
    unit = fmpq_mat(len(s), len(s), [int(i == j) for i in range(len(s)) for j in range(len(s))])
    start = (unit - _at_zero(s)).inv() * _at_zero(r)
    inverse = _constants((_at_zero(s) - start * _at_zero(q) - unit).inv())
    g = _constants(start)
    for _ in range(powers):
        residual = _combined(_combined(r, _product(s, g)), _product(g, _combined(p, _product(q, g))), -1)
        g = _combined(g, _product(inverse, residual), -1)
    return _combined(p, _product(q, g))


def _logarithm(phi: Matrix, powers: int) -> Matrix:
    """log(1 + X) = X - X^2/2 + ... for X = O(gamma)."""
    size = len(phi)
    one = [[series(Fraction(int(i == j))) for j in range(size)] for i in range(size)]
    x = _combined(phi, one, -1)
    if any(entry[0] for row in x for entry in row):
        raise NotLinear("at gamma = 0 the step is not the identity on the slow variables")
    power, total = x, x
    for j in range(2, powers + 1):
        power = _product(power, x)
        total = [[t + y * fmpq((-1) ** (j + 1), j) for t, y in zip(a, b, strict=True)] for a, b in zip(total, power, strict=True)]
    return total


def _characteristic(matrix: Matrix) -> list[Any]:
    """Coefficients from z^0 up of det(z - M), by Faddeev and Le Verrier."""
    size = len(matrix)
    one = [[series(Fraction(int(i == j))) for j in range(size)] for i in range(size)]
    coefficients, current = [series(Fraction(1))], one
    for k in range(1, size + 1):
        moved = _product(matrix, current)
        c = sum((moved[i][i] for i in range(size)), series(Fraction(0))) * fmpq(-1, k)
        coefficients.append(c)
        current = [[x + c * y for x, y in zip(a, b, strict=True)] for a, b in zip(moved, one, strict=True)]
    return coefficients[::-1]


# ------------------------------------------------------------------------------------------ comparison


def closed_form(
    configuration: Configuration,
    parameters: Mapping[str, Fraction],
    slow: Sequence[str],
    order: int,
    curvature: Fraction = Fraction(1),
) -> tuple[list[list[list[Fraction]]], list[str]]:
    """The modified equation on L = h x^2/2, or on the game of that number, through gamma^order, as matrices, and the
    characteristic polynomial.

    Raises NotLinear.

    >>> from derive import configure, load_scheme
    >>> [str(m[0][0]) for m in closed_form(configure(load_scheme("gd")), {}, ["theta"], 3)[0]]
    ['-1', '-1/2', '-1/3', '-1/4']
    """
    recorder, layout = _recorder(configuration, parameters, slow, curvature)
    if layout.timed:
        raise NotLinear("the update depends on time")
    powers = order + 4
    with series_length(powers + 2):
        size = sum(high - low for low, high in layout.slots.values())
        matrix = step_matrix(recorder, size, reads_ahead(configuration.scheme))
        if any(map(summed_call, configuration.scheme.called)):
            raise NotLinear("the update sums over components, which one variable does not stand for")
        logarithm = _logarithm(slow_map(matrix, len(slow), powers), powers)
        text = [_series_text(c) for c in _characteristic(matrix)]
        return [[[_fraction(x[k + 1]) for x in row] for row in logarithm] for k in range(order + 1)], text


def _series_text(value: Any, shown: int = 4) -> str:
    """A power series in gamma as text; one that does not end is cut after some terms."""
    coefficients = [_fraction(c) for c in value.coeffs()]
    powers = [k for k, c in enumerate(coefficients) if c]
    ends = len(powers) <= shown
    terms = [str(coefficients[k]) if k == 0 else f"({coefficients[k]})*gamma**{k}" for k in powers[:shown]]
    return " + ".join([*(terms or ["0"]), *([] if ends else ["..."])])


def _fraction(x: Any) -> Fraction:
    return Fraction(int(x.p), int(x.q))


def _recorder(
    configuration: Configuration, parameters: Mapping[str, Fraction], slow: Sequence[str], curvature: Fraction
) -> tuple[Recorder, Layout]:
    loss = _problem(configuration, curvature)
    layout = layout_of(configuration, {"equations": dict.fromkeys(slow)}, loss)
    return Recorder(configuration, layout, loss, parameters), layout


def _problem(configuration: Configuration, curvature: Fraction) -> Loss | Game:
    """L = h x^2/2, or quadratic losses that depend on h: all second derivatives, which are the game, are random."""
    scheme = configuration.scheme
    if scheme.losses:
        return rich_game(scheme.losses, dict.fromkeys(scheme.unknowns, 1), 2, int(2 * curvature), lowest=2)
    is_field = scheme.label == "f"
    text = f"-({curvature})*x" if is_field else f"({curvature})/2*x**2"
    return Loss(text, is_field, layers=layers_of([1]) if scheme.layered else ())


def _field_matrices(
    configuration: Configuration, equation: Mapping[str, Any], parameters: Mapping[str, Fraction], curvature: Fraction
) -> list[Any]:
    """The field's coefficients on L = h x^2/2: the columns are its exact values at the unit vectors."""
    recorder, layout = _recorder(configuration, parameters, tuple(equation["equations"]), curvature)
    chains = {
        variable: [{**block, "terms": [t for t in block["terms"] if not re.search(r"\bd\d", t["term"])]} for block in blocks]
        for variable, blocks in equation["equations"].items()
    }
    size = len(layout.slow)
    columns = []
    for j in range(size):
        tape = Tape(0)
        point = [tape.lift(int(i == j)) for i in range(size)]
        rows = field_values(configuration, {"equations": chains}, layout, recorder.vectors, recorder.loss, parameters, point)
        columns.append([[tape.exact(tape.lift(x)) for x in row] for row in rows])
    return [[[columns[j][k][i] for j in range(size)] for i in range(size)] for k in range(len(columns[0]))]


def check_quadratic(
    configuration: Configuration, equation: Mapping[str, Any], parameters: Mapping[str, Fraction], order: int = 12
) -> QuadraticCheck:
    """Compare the field with the closed form through its own order; the closed form is given through `order` at least."""
    slow = tuple(equation["equations"])
    known = order_of(equation)
    order = max(order, known)
    curvatures = tuple(Fraction(h, 2) for h in range(1, known + 3))
    try:
        closed, characteristic = closed_form(configuration, parameters, slow, order)
        differences = []
        for h in curvatures:
            exact, _ = closed_form(configuration, parameters, slow, known, h)
            field = _field_matrices(configuration, equation, parameters, h)
            differences += [k for k in range(known + 1) if exact[k] != field[k]]
        field = _field_matrices(configuration, equation, parameters, Fraction(1))
    except NotLinear as error:
        return QuadraticCheck(False, str(error))
    first = min(differences) if differences else None
    games: tuple[str, ...] = ()
    if configuration.scheme.losses:
        games, curvatures = tuple(_problem(configuration, h).text for h in sorted(curvatures, key=lambda h: h != 1)), ()
    return QuadraticCheck(True, "", order, slow, curvatures, _frozen(closed), _frozen(field), tuple(characteristic), first, games)


def _frozen(matrices: Sequence[Sequence[Sequence[Fraction]]]) -> tuple[tuple[tuple[Fraction, ...], ...], ...]:
    return tuple(tuple(tuple(row) for row in m) for m in matrices)
