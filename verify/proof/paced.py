"""The orbit where memory relaxes by h^e a step, gamma = h^q: (U(x) - x)/h^e has a limit, 0 < e < q.  U is the update text.

With p the largest such e, and N counting h^-p steps, the states are polynomials in N at every power of h: X_k of degree <= k as
N comes with h^(q-p), by which the points move while N grows by one, and h^p is a step.  Coefficients at h^(k + e) of
x(N + h^p) = U(x(N)) are, for a slow variable with e = p and for memory,

    x_k'            = [h^(k+p)] (U(x) - x) - sum_(j>1) x_(k+p-pj)^(j)/j!                      (U(x) - x known from lower orders)
    [e = p] x_k'    = M x_k + R_k         (M the response of (U(x) - x)/h^e at h^0 to a change of the memory, R_k without x_k)

U(x) - x at h^(k+e) does not see what x is beyond h^k.  Its values at N = 0, ..., k give it for all N; M x = [e = p] x' - R is
solved from the highest coefficient of N down, and has one solution where M is invertible.  The point moves by h^(q-p) f_k N.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from math import comb
from typing import TYPE_CHECKING, Any

from verify.proof.errors import Rejected, Undecided
from verify.proof.program import Stepper
from verify.proof.series import Algebra, Series

if TYPE_CHECKING:
    from verify.proof.orbit import Orbit
    from verify.proof.sample import Sampler
    from verify.proof.statement import Statement

Polynomials = dict[str, list[list[list[Any]]]]  # state -> power of h -> component -> coefficients of N
DRAWS = 2000


def find(orbit: Orbit) -> None:
    """The memory and the fields of an orbit whose leads are a fixed point."""
    claim, first = orbit.claim, orbit.start(orbit.algebra(1), 1)
    found: Polynomials = {x: [[[s.at(0)] for s in _components(value)]] for x, value in first.items()}
    for k in range(1, claim.top + 1):
        _append_slow(orbit, found, k)
        if claim.fast:
            _append_memory(orbit, found, k)
    orbit.last = algebra = _algebra(orbit, claim.top, notes=True)
    for n in range(claim.top + 1):
        _after(orbit, algebra, found, claim.top, n)
    orbit.memory = {m: [[c[0] for c in power] for power in found[m][: claim.order + 2]] for m in claim.fast}
    for x in claim.fields:
        orbit.fields[x] = [_field(orbit, found[x], k) for k in range(claim.order + 1)]


def _append_slow(orbit: Orbit, found: Polynomials, k: int) -> None:
    """X(N) = integral of R from 0."""
    ring, slow = orbit.ring, orbit.claim.fields
    for x, right in _right(orbit, found, slow, k).items():
        found[x].append([[ring.zero, *(ring.scale(c, Fraction(1, i + 1)) for i, c in enumerate(r))] for r in right])


def _append_memory(orbit: Orbit, found: Polynomials, k: int) -> None:
    """M X_i = [e = p] (i + 1) X_(i+1) - R_i, of the coefficients of N^i."""
    ring, claim = orbit.ring, orbit.claim
    right = _right(orbit, found, claim.fast, k)
    flat = [(claim.paces[m] == claim.lag, r) for m in claim.fast for r in right[m]]
    above = [ring.zero] * len(flat)
    rows: list[list[Any]] = []
    for i in reversed(range(k + 1)):
        moving = [ring.scale(a, Fraction(i + 1)) if moves else ring.zero for (moves, _), a in zip(flat, above, strict=True)]
        above = orbit.relaxed([ring.add(a, ring.neg(r[i])) for (_, r), a in zip(flat, moving, strict=True)])
        rows.insert(0, above)
    columns = iter(zip(*rows, strict=True))
    for m in claim.fast:
        found[m].append([list(next(columns)) for _ in right[m]])


def _right(orbit: Orbit, found: Polynomials, names: Sequence[str] | Mapping[str, Any], k: int) -> dict[str, list[list[Any]]]:
    """[h^(k+e)] of U(x) - x less the terms of the Taylor series of x(N + h^p) beyond x and [e = p] h^p x'."""
    ring, claim = orbit.ring, orbit.claim
    algebra = _algebra(orbit, k)
    pairs = [_after(orbit, algebra, found, k, n) for n in range(k + 1)]
    result = {}
    for x in names:
        e = min(claim.paces[x], claim.lag)
        powers = [[(b - a).at(k + e) for a, b in zip(before[x], after[x], strict=True)] for before, after in pairs]
        rows = [_interpolated(ring, column) for column in zip(*powers, strict=True)]
        for j in range(e // claim.lag + 1, k + e + 1):
            if 0 <= k + e - claim.lag * j < len(found[x]):
                moved = [_derivative(ring, c, j) for c in found[x][k + e - claim.lag * j]]
                rows = [_less(ring, row, c) for row, c in zip(rows, moved, strict=True)]
        result[x] = rows
    return result


def _after(
    orbit: Orbit, algebra: Algebra, found: Polynomials, k: int, n: int
) -> tuple[dict[str, list[Series]], dict[str, list[Series]]]:
    """The states at N = n, known through h^k and zero beyond, and what a step makes of them."""
    ring, claim = orbit.ring, orbit.claim
    before: dict[str, list[Series]] = {}
    for x, powers in found.items():
        columns = zip(*([_at(ring, c, n) for c in power] for power in powers), strict=True)
        before[x] = [Series(algebra, 0, _padded(ring, list(column), algebra.length)) for column in columns]
    states = {x: value[0] if x in claim.scalars else value for x, value in before.items()}
    algebra.step = n
    return before, {x: _components(v) for x, v in Stepper(claim, orbit.point, algebra).step(states, n).items()}


def _algebra(orbit: Orbit, k: int, notes: bool = False) -> Algebra:
    return orbit.algebra(k + orbit.claim.lag + 1, notes)


def _field(orbit: Orbit, powers: Sequence[Sequence[Sequence[Any]]], k: int) -> list[Any]:
    """f_k from x(N), or (x after a step - x)/gamma at h^k."""
    ring, claim = orbit.ring, orbit.claim
    if claim.form == "flow":
        return [c[1] for c in powers[k + claim.root - claim.lag]]
    total = [ring.zero] * len(powers[0])
    for j in range(1, k + claim.root + 1):
        power = k + claim.root - claim.lag * j
        if power >= j:
            total = [ring.add(a, c[j]) for a, c in zip(total, powers[power], strict=True)]
    return total


def _padded(ring: Any, values: list[Any], length: int) -> list[Any]:
    return [*values, *[ring.zero] * (length - len(values))]


def _at(ring: Any, coefficients: Sequence[Any], n: int) -> Any:
    total = ring.zero
    for i, c in enumerate(coefficients):
        if n or not i:
            total = ring.add(total, ring.scale(c, Fraction(n**i)))
    return total


def _derivative(ring: Any, coefficients: Sequence[Any], j: int) -> list[Any]:
    """x^(j)/j!."""
    return [ring.scale(c, Fraction(comb(i, j))) for i, c in enumerate(coefficients) if i >= j]


def _less(ring: Any, a: Sequence[Any], b: Sequence[Any]) -> list[Any]:
    b = [*b, *[ring.zero] * (len(a) - len(b))]
    return [ring.add(x, ring.neg(y)) for x, y in zip(a, b, strict=True)]


def _interpolated(ring: Any, values: Sequence[Any]) -> list[Any]:
    """The coefficients of the polynomial with these values at 0, 1, ....

    >>> from verify.proof.field import PrimeField
    >>> _interpolated(PrimeField(101), [1, 6, 17])
    [1, 2, 3]
    """
    found = []
    for weights in _weights(len(values)):
        total = ring.zero
        for x, w in zip(values, weights, strict=True):
            total = ring.add(total, ring.scale(x, w))
        found.append(total)
    return found


@cache
def _weights(size: int) -> tuple[tuple[Fraction, ...], ...]:
    """By power of N, what every value at 0, ..., size - 1 counts: the coefficients of prod_(i != m) (N - i)/(m - i)."""
    columns = []
    for m in range(size):
        basis = [Fraction(1)]
        for i in (i for i in range(size) if i != m):
            shifted, kept = [Fraction(0), *basis], [*(-i * c for c in basis), Fraction(0)]
            basis = [(a + b) / (m - i) for a, b in zip(shifted, kept, strict=True)]
        columns.append(basis)
    return tuple(tuple(row) for row in zip(*columns, strict=True))


def _components(value: Any) -> list[Series]:
    return value if isinstance(value, list) else [value]


def require_no_vanishing(orbit: Orbit) -> None:
    """Undecided where a root, sign or denominator is taken of what vanishes at gamma = 0 and moves with the states."""
    found: list[dict[Any, Any]] = []
    for moves in (False, True):
        algebra = orbit.algebra(2 + orbit.claim.lag)
        states = orbit.start(algebra, 2 + orbit.claim.lag)
        change = algebra.gamma if moves else algebra.constant(0)
        shifted = {x: [s + change for s in v] if isinstance(v, list) else v + change for x, v in states.items()}
        Stepper(orbit.claim, orbit.point, algebra).step(shifted, 0)
        found.append({place: (root.v, root.c) for place, root in algebra.roots.items()})
    if orbit.leading is None and found[0] != found[1]:
        raise Undecided("what vanishes with gamma stands under a root, sign or denominator beside memory that relaxes slowly")


# ------------------------------------------------------------------------------------------ paces


def with_paces(claim: Statement, sampler: Sampler) -> Statement:
    """The statement with the power of h by which every state changes in a step, as a random point and memory there show it."""
    for _ in range(DRAWS):
        try:
            raw = sampler.paces()
        except (Rejected, ZeroDivisionError):
            continue
        break
    else:
        raise Undecided("no point was found at which the text has a step")
    for x in claim.fields:
        if any(raw[m] for m in claim.fast) and raw[x] < claim.root:
            raise Undecided(f"{x} is claimed to be slow, and changes by less than the power gamma^1 in a step")
    for m in claim.fast:
        if raw[m] >= claim.root:
            raise Undecided(f"{m} is claimed to be memory, and changes by gamma or less in a step")
    return replace(claim, paces=raw)


def valuations(before: Mapping[str, Any], after: Mapping[str, Any], root: int) -> dict[str, int]:
    """The power of h at which a step changes every state; `root` where it is that or more."""
    found = {}
    for x, value in before.items():
        changes = [b - a for a, b in zip(_components(value), _components(after[x]), strict=True)]
        found[x] = min([c.v for c in changes if c.c], default=root)
    return {x: min(e, root) for x, e in found.items()}


__all__ = ["find", "valuations", "with_paces"]
