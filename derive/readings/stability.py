"""Linear stability: for which curvatures h the iterates on L = h theta^2/2 tend to zero, as exact inequalities.

Of a scheme of two players, on a zero-sum game with the coupling s in the place of h (`derive.scheme.game_map`).

With q = gamma h the characteristic polynomial P(z) = det(z E - M) has all roots inside the unit disc exactly when
(Jury 1962; Schur-Cohn)

    P(1) > 0,   (-1)^d P(-1) > 0,   and |a_0| < a_d for P and for its Schur transforms (a_d P - a_0 P*)/z down to degree 2.

The interval of q is bounded by roots of these conditions.  Which roots, and for which parameters, is proved (`pieces`): the
ranges of the parameters that the scheme states are cut where the answer changes, and nothing is read off samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from derive.algebra.coefficients import Ratio, Ring
from derive.errors import ReductionError, UsageError
from derive.readings.bounds import quadratic_texts
from derive.readings.domain import Range, domain, nonzero, satisfiable, stated
from derive.readings.pieces import PROVED, Piece, pieces
from derive.readings.positive import Positive
from derive.reals import All, Budget, Either, Not, Proved, compare, decide
from derive.result import Described, named
from derive.scheme import Configuration, Scheme, configure, load_scheme
from derive.scheme.game_map import BILINEAR, Game, game_map, game_of, own_letter
from derive.scheme.linear_map import LinearMap, linear_map


@dataclass(frozen=True, repr=False)
class Stability(Described):
    """The characteristic polynomial (coefficients from z^0 up, in q = gamma h), the Jury conditions (each > 0), the interval.

    `q` and `curvature` are the symbols for q and h: these letters, where the scheme has no such names.
    `game` is the game, where the scheme is one of two players; `curvature` is then its s.
    `strict` is the set of stable q as inequalities, `pieces` are ranges of the parameters with the interval proved on each,
    `ranges` the stated ones that they make up.
    `interval` is (lower, upper) for q = gamma h, exact expressions ('oo' for no bound), where one interval is proved for all
    parameters in the stated ranges, else None; `weak_pieces` and `weak_interval` the same for all roots on the closed disc,
    simple on its rim (undamped schemes).
    """

    configuration: Configuration
    polynomial: tuple[Ratio, ...]
    conditions: tuple[Ratio, ...]
    ranges: tuple[Range, ...]
    strict: Positive
    curvature: str
    pieces: tuple[Piece, ...]
    weak_pieces: tuple[Piece, ...] = ()
    game: Game | None = None

    @property
    def q(self) -> str:
        return self.strict.q

    @property
    def interval(self) -> tuple[str, str] | None:
        return _whole(self.pieces)

    @property
    def weak_interval(self) -> tuple[str, str] | None:
        return _whole(self.weak_pieces)

    @property
    def never(self) -> bool:
        """Proved: no q > 0 is strictly stable, for any parameters in their ranges."""
        return all(p.proved and p.interval is None for p in self.pieces)

    @cached_property
    def diverges(self) -> bool:
        """Proved: for every q > 0 and all parameters in their ranges some root lies outside the unit disc."""
        return self.never and not self.weak_pieces and proved_outside(self.polynomial, self.strict, self.ranges)

    @property
    def roots(self) -> tuple[str, ...]:
        """The roots of a polynomial of degree two, as expressions; a root of a negative number is imaginary."""
        if len(self.polynomial) != 3:
            return ()
        ring = self.strict.ring
        below = ring.one
        for c in self.polynomial:
            below = below * Ratio(ring, ring.expand((c * below).reduced().den), ())
        return tuple(quadratic_texts(*((c * below).reduced() for c in self.polynomial)))

    @property
    def proof(self) -> str:
        """"proved", or why something is undecided."""
        return next((p.proof for p in self.pieces if not p.proved), PROVED)

    @property
    def range(self) -> str:
        """The stated ranges of the parameters that occur, and gamma > 0 where it does."""
        return " and ".join(r.text for r in self.ranges)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Symbols besides q that the polynomial contains."""
        used = {s for c in self.polynomial for s in c.symbols()}
        return tuple(s for s in self.polynomial[0].ring.symbols if s in used and s != self.q)

    def spectral_radius(self, q: Any, values: Mapping[str, Any] | None = None) -> float:
        """max |root| of P at numbers (floating point: a check, not part of any result)."""
        numbers = {n: float(Fraction(v) if isinstance(v, str) else v) for n, v in (values or {}).items()}
        return float(self.spectral_radii(float(q), numbers))

    def spectral_radii(self, q: Any, values: Mapping[str, Any]) -> Any:
        """The same over arrays that numpy broadcasts: the eigenvalues of companion matrices; a root is infinite where the
        coefficient of its power vanishes."""
        import numpy as np

        c = np.stack(np.broadcast_arrays(*(at_numbers(c, {self.q: q, **values}) for c in self.polynomial)), axis=-1)
        degree = c.shape[-1] - 1
        if not degree:
            return np.zeros(c.shape[:-1])
        last = c[..., -1:]
        companion = np.zeros((*c.shape[:-1], degree, degree))
        companion[..., range(1, degree), range(degree - 1)] = 1
        companion[..., -1] = -c[..., :-1] / np.where(last == 0, 1, last)
        return np.where(last[..., 0] == 0, np.inf, abs(np.linalg.eigvals(companion)).max(axis=-1))

    def describe(self) -> str:
        ends = self.interval or self.weak_interval
        several = "never stable" if self.never and not self.weak_pieces else f"{len(self.pieces)} ranges of the parameters"
        found = f"{ends[0]} < gamma*{self.curvature} < {ends[1]}" if ends else several
        return f"{named(self.configuration)}: " + (found if self.proof == PROVED else "undecided")

    def to_json(self) -> dict[str, Any]:
        """`interval` (two expressions for gamma*h), `polynomial` (coefficients of z^0, z^1, ...), `conditions` (each > 0)."""
        return {
            "polynomial": [str(c) for c in self.polynomial],
            "conditions": [f"{c} > 0" for c in self.conditions],
            "interval": list(self.interval) if self.interval else None,
            "weak_interval": list(self.weak_interval) if self.weak_interval else None,
            self.q: f"gamma*{self.curvature}",
            "range": self.range,
            "proof": self.proof,
            "pieces": [p.to_json() for p in self.pieces],
            "weak_pieces": [p.to_json() for p in self.weak_pieces],
        } | ({} if self.game is None else {
            "game": self.game.kind, "losses": self.game.texts, "eigenvalues": list(self.roots) or None, "diverges": self.diverges,
        })  # fmt: skip


def _whole(found: Sequence[Piece]) -> tuple[str, str] | None:
    return found[0].interval if len(found) == 1 else None


def stability(
    scheme: str | Path | Scheme,
    *,
    regime: str | None = None,
    settings: Mapping[str, str] | None = None,
    ranges: Sequence[Range] = (),
    budget: Budget | None = None,
    game: str = BILINEAR,
) -> Stability:
    """The stability interval of a scheme on quadratics; `ranges` in place of those that the scheme states
    for the same parameters.  A scheme of two players is read on a 'bilinear' or a 'quadratic' zero-sum `game`.

    Raises ReductionError for schemes that are no linear map of the state there (the reason is in the message).
    Source: heavy ball 2(1+beta), Polyak 1964; Nesterov (2+2 beta)/(1+2 beta).

    >>> stability("momentum").interval
    ('0', '2*(1 + beta)')
    >>> stability("game-extragradient").interval, stability("game-simultaneous").diverges
    (('0', '1'), True)
    """
    configuration = configure(load_scheme(scheme), regime, settings)
    played = game_of(configuration, game) if configuration.scheme.losses else None
    linear = game_map(configuration, played) if played else linear_map(configuration)
    return stability_of(linear, played, ranges, budget)


def stability_of(
    linear: LinearMap, played: Game | None = None, ranges: Sequence[Range] = (), budget: Budget | None = None
) -> Stability:
    """The stability interval of a linear map whose entries have gamma and a curvature in them."""
    configuration = linear.configuration
    given = {n for r in ranges for n in r.names}
    ranges = (*ranges, *stated({n: ("0", "oo") for n in (played.curvatures if played else ()) if n not in given}))
    q = own_letter(configuration, "q") if played else configuration.fresh("q")
    ring = Ring([q, *(s for s in linear.ring.symbols if s != linear.curvature)])
    curvature = ring.symbol(q) / ring.symbol("gamma")
    polynomial = [c.substitute({linear.curvature: curvature}, ring) for c in _minimal(linear.polynomial())]
    conditions = jury_conditions(polynomial)
    ranges = (*ranges, *domain(configuration, {s for c in polynomial for s in c.symbols()} - {q}, ranges))
    ranges = (*ranges, *nonzero(polynomial, q, ranges))
    satisfiable(ranges, configuration.scheme.where)
    strict = Positive(tuple(conditions), tuple(polynomial), q)
    weak: tuple[Piece, ...] = ()
    if len(polynomial) == 3 and not all(conditions):
        weak = pieces(Positive(tuple(c for c in conditions if c), tuple(polynomial), q), ranges, budget)
        weak = weak if any(p.interval for p in weak) else ()
    shown = tuple(c for c in conditions if not (c.is_number and c.number() > 0))  # 0 > 0 says that it is never so
    found = pieces(strict, ranges, budget)
    return Stability(configuration, tuple(polynomial), shown, ranges, strict, linear.curvature, found, weak, played)


def _minimal(polynomial: list[Ratio]) -> list[Ratio]:
    """Without roots z = 0: memory that does not outlive a step."""
    while len(polynomial) > 2 and not polynomial[0]:
        polynomial = polynomial[1:]
    return polynomial


def jury_conditions(polynomial: Sequence[Ratio]) -> list[Ratio]:
    """Expressions whose joint positivity puts all roots inside the unit disc; the leading coefficient must be 1.

    >>> ring = Ring(["a", "b"]); a, b = ring.symbol("a"), ring.symbol("b")
    >>> [str(c) for c in jury_conditions([b, a, ring.one])]
    ['(1 + a + b)', '(1 - a + b)', '(1 - b)', '(1 + b)']
    """
    ring = polynomial[0].ring
    degree = len(polynomial) - 1
    plus = sum(polynomial, ring.zero)
    minus = sum((c.scaled((-1) ** (degree - k)) for k, c in enumerate(polynomial)), ring.zero)
    result = [plus.reduced(), minus.reduced()]
    current = list(polynomial)
    while len(current) > 2:
        first, last = current[0], current[-1]
        result += [(last - first).reduced(), (last + first).reduced()]
        size = len(current)
        current = [(last * current[k + 1] - first * current[size - 2 - k]).reduced() for k in range(size - 1)]
    return result


def proved_outside(polynomial: Sequence[Ratio], s: Positive, ranges: Sequence[Range]) -> bool:
    """Whether for every q > 0 one of these is proved: |a_0| > 1, the product of the roots, or P(1) < 0 or (-1)^d P(-1) < 0,
    which put a real root beyond 1 or -1."""
    ring = s.ring
    beyond = [polynomial[0] - ring.one, -polynomial[0] - ring.one, *(-c for c in jury_conditions(polynomial)[:2])]
    shown = Either(tuple(compare(c, ">", ring.zero) for c in beyond))
    claim = Either((Not(s.above_zero()), shown))
    return isinstance(decide(claim, All(tuple(r.formula for r in ranges))), Proved)


def at_numbers(c: Ratio, values: Mapping[str, Any]) -> Any:
    """A coefficient at floating-point numbers, or arrays of them; UsageError where a symbol has no value."""
    for name in sorted(c.symbols() - set(values)):
        raise UsageError(f"'{name}' has no value; set it with --set {name}=...")
    return c.at(values, float)


__all__ = ["ReductionError", "Stability", "jury_conditions", "stability"]
