"""Methods whose terms are plain trees, in one normal form.

One step from n to n+1, per colour (a colour is a part of the unknowns with its own right-hand side f):

    Y_i  =  U_i x_n + gamma sum_j A_ij f(Y_j)          points at which f is evaluated
    x_n+1 =  V x_n  + gamma B f(Y)                     state: theta and memory

which is a general linear method (Burrage & Butcher 1980): Runge-Kutta methods have x = theta, momentum and two-step
schemes have memory.  V has the simple eigenvalue 1, with V r = r, l V = l, l r = 1, r_theta = 1; it carries the
slow motion.  Writing x = r z + J y with J a basis of ker l,

    z(n+1) - z(n) = l B f,      y(n+1) - W y(n) = K B f,      W = K V J without the eigenvalue 1,

so that a colour is described by the arrays of `Colour`.  All colours share the points Y_i.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.linear import Matrix, characteristic_polynomial, null_vector, solve_linear
from derive.errors import ReductionError, UsageError

Entry = Ratio | Fraction | int | str


@dataclass(frozen=True, eq=False)
class Colour:
    """theta = z + head . y and Y_i = z + out_i . y - head . y(0) + gamma sum_j stages_ij f_j  for one colour, where

    z(n+1) - z(n) = gamma weights . f,  y(n+1) - W y(n) = gamma inputs f,  relaxation = (1 - W)^-1.

    Shapes: stages (S, S), weights (S), out (S, d), head (d), inputs (d, S), relaxation and matrix W (d, d).
    """

    stages: Matrix
    weights: list[Ratio]
    out: Matrix
    head: list[Ratio]
    inputs: Matrix
    relaxation: Matrix
    matrix: Matrix

    @property
    def memory(self) -> int:
        return len(self.head)


@dataclass(frozen=True, eq=False)
class TreeMethod:
    """A method with one `Colour` a colour, over the rational functions of `ring.symbols`.

    `fields` are the names of the right-hand sides, `f` alone for one colour; `label` is 'L' where f = -grad L.
    """

    name: str
    ring: Ring
    colours: tuple[Colour, ...]
    fields: tuple[str, ...] = ("f",)
    label: str = "f"

    def __post_init__(self) -> None:
        sizes = {len(c.weights) for c in self.colours}
        if len(sizes) != 1 or len(self.fields) != len(self.colours):
            raise UsageError(f"{self.name}: all colours need the same number of stages and one name each")

    @property
    def stages(self) -> int:
        return len(self.colours[0].weights)

    @property
    def symbols(self) -> tuple[str, ...]:
        return self.ring.symbols

    @property
    def memory(self) -> int:
        return max(c.memory for c in self.colours)

    def parasitic_polynomial(self, colour: int = 0) -> list[Ratio]:
        """Coefficients of det(z - W), constant first; its roots are the factors by which transients decay.

        >>> [str(c) for c in general_linear([[0]], [[1, 0]], [[1], [1]], [[1, "1/2"], [0, "1/2"]]).parasitic_polynomial()]
        ['-1/2', '1']
        """
        return characteristic_polynomial(self.colours[colour].matrix, self.ring)


def entry(ring: Ring, value: Entry) -> Ratio:
    """A number, the text of a number, or an element of the ring."""
    if isinstance(value, Ratio):
        return value
    return ring.constant(Fraction(value))


def runge_kutta(
    a: Sequence[Sequence[Entry]], b: Sequence[Entry], name: str = "Runge-Kutta method", ring: Ring | None = None
) -> TreeMethod:
    """The Runge-Kutta method with coefficients A and weights b, explicit or implicit.

    >>> runge_kutta([[0, 0], ["1/2", 0]], [0, 1]).stages
    2
    """
    return partitioned([(a, b)], name, ring, ("f",))


def partitioned(
    tableaux: Sequence[tuple[Sequence[Sequence[Entry]], Sequence[Entry]]],
    name: str = "partitioned method",
    ring: Ring | None = None,
    fields: Sequence[str] | None = None,
) -> TreeMethod:
    """Partitioned Runge-Kutta method: colour c uses tableau c, and all share the stages.

    y_c(Y_i) = y_c + gamma sum_j A^c_ij f_c(Y_j).  Symplectic Euler, explicit in q and implicit in p:

    >>> partitioned([([[1]], [1]), ([[0]], [1])], fields=("p", "q")).fields
    ('p', 'q')
    """
    ring = ring or Ring()
    colours = []
    for a, b in tableaux:
        size = len(b)
        if len(a) != size or any(len(row) != size for row in a):
            raise UsageError(f"{name}: A must be a square table with one row for each of the {size} weights b")
        if not size:
            raise UsageError(f"{name}: a tableau has at least one stage")
        stages = [[entry(ring, x) for x in row] for row in a]
        weights = [entry(ring, x) for x in b]
        colours.append(Colour(stages, weights, [[] for _ in b], [], [], [], []))
    names = tuple(fields) if fields else tuple("f" if len(colours) == 1 else f"f{i + 1}" for i in range(len(colours)))
    return TreeMethod(name, ring, tuple(colours), names)


def general_linear(
    a: Sequence[Sequence[Entry]],
    u: Sequence[Sequence[Entry]],
    b: Sequence[Sequence[Entry]],
    v: Sequence[Sequence[Entry]],
    name: str = "general linear method",
    ring: Ring | None = None,
    label: str = "f",
) -> TreeMethod:
    """The general linear method (A, U, B, V) of one colour; the first state is theta.

    Raises ReductionError when V has no simple eigenvalue 1, when theta does not move with it, or when a point
    does not tend to theta.
    """
    ring = ring or Ring()
    tables = [[[entry(ring, x) for x in row] for row in table] for table in (a, u, b, v)]
    return TreeMethod(name, ring, (_reduce(name, ring, *tables),), label=label)


def _reduce(name: str, ring: Ring, a: Matrix, u: Matrix, b: Matrix, v: Matrix) -> Colour:
    """Split the state into the slow z = l x and the memory y that complements it."""
    size = len(v)
    shifted = [[x - ring.one if i == j else x for j, x in enumerate(row)] for i, row in enumerate(v)]
    right, left = null_vector(shifted, ring), null_vector([list(c) for c in zip(*shifted, strict=True)], ring)
    if right is None or left is None:
        raise ReductionError(f"{name}: no step of size zero leaves the state where it is (V has no eigenvalue 1)")
    if not right[0]:
        raise ReductionError(f"{name}: theta does not keep its value at gamma = 0; memory must vanish there")
    right = [(x / right[0]).reduced() for x in right]
    scale = _dot(left, right)
    if not scale:
        raise ReductionError(
            f"{name}: a relaxation factor equals 1 at gamma = 0 (a Jordan block): memory that is slow itself; "
            "trees of one colour cannot describe it"
        )
    left = [(x / scale).reduced() for x in left]
    for i, row in enumerate(u):
        if _dot(row, right) != ring.one:
            raise ReductionError(f"{name}: the point of gradient {i + 1} does not tend to theta as gamma -> 0")
    pivot = next(i for i, x in enumerate(left) if x)
    kept = [k for k in range(size) if k != pivot]
    basis = [[ring.zero - left[k] / left[pivot] if i == pivot else _delta(ring, i, k) for k in kept] for i in range(size)]
    project = [[_delta(ring, k, j) - right[k] * left[j] for j in range(size)] for k in kept]
    matrix = _product(_product(project, v), basis)
    relaxation = _inverse(name, ring, [[_delta(ring, i, j) - x for j, x in enumerate(r)] for i, r in enumerate(matrix)])
    slow = [_dot(left, [row[i] for row in b]) for i in range(len(a))]
    return Colour(a, slow, _product(u, basis), [x.reduced() for x in basis[0]], _product(project, b), relaxation, matrix)


def _inverse(name: str, ring: Ring, matrix: Matrix) -> Matrix:
    size = len(matrix)
    try:
        columns = [solve_linear(matrix, [_delta(ring, i, j) for i in range(size)]) for j in range(size)]
    except ZeroDivisionError:
        raise ReductionError(
            f"{name}: a second relaxation factor equals 1 at gamma = 0, so memory is slow itself; "
            "trees of one colour cannot describe it"
        ) from None
    return [[columns[j][i] for j in range(size)] for i in range(size)]


def _delta(ring: Ring, i: int, j: int) -> Ratio:
    return ring.one if i == j else ring.zero


def _dot(x: Sequence[Ratio], y: Sequence[Ratio]) -> Ratio:
    total = x[0].ring.zero
    for a, b in zip(x, y, strict=True):
        total = total + a * b
    return total.reduced()


def _product(x: Matrix, y: Matrix) -> Matrix:
    columns = [list(c) for c in zip(*y, strict=True)]
    return [[_dot(row, column) for column in columns] for row in x]
