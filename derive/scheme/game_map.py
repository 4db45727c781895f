"""A scheme of two players on a zero-sum game, bilinear or quadratic: its update text run on linear forms in the state variables.

    bilinear      f = s x y,                          g = -f
    quadratic     f = s (a x^2/2 + x y - b y^2/2),    g = -f

x and y stand for the coordinates along a pair of singular vectors of the coupling, s its singular value; a and b are the
players' own curvatures in units of s.  One execution of the text is one period; a scheme with one loss says by its signs
who descends and who ascends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from derive.algebra.coefficients import Ratio, Ring
from derive.errors import ReductionError, UsageError
from derive.language import Call, fresh_name
from derive.language.calls import partial_of
from derive.scheme.configuration import Configuration
from derive.scheme.linear_forms import Form
from derive.scheme.linear_map import LinearMap, Quadratic, require_constant

KINDS = BILINEAR, QUADRATIC = ("bilinear", "quadratic")


@dataclass(frozen=True)
class Game:
    """Which game: its kind, the players, the losses, the symbols for s and, of a quadratic one, for a and b."""

    kind: str
    players: tuple[str, str]
    losses: tuple[str, ...]
    coupling: str
    curvatures: tuple[str, ...] = ()

    @property
    def texts(self) -> dict[str, str]:
        """Every loss as an expression in x, y and the symbols."""
        (x, y), s = self.players, self.coupling
        first = f"{s}*{x}*{y}"
        if self.curvatures:
            a, b = self.curvatures
            first = f"{s}*({a}*{x}**2/2 + {x}*{y} - {b}*{y}**2/2)"
        return dict(zip(self.losses, (first, f"-{self.losses[0]}"), strict=False))


def game_of(configuration: Configuration, kind: str = BILINEAR) -> Game:
    """The game of this kind for a scheme of two players with one or two losses of both.  Raises ReductionError for others."""
    if kind not in KINDS:
        raise UsageError(f"a game is {' or '.join(KINDS)}, not '{kind}'")
    scheme = configuration.scheme
    names = ", ".join(f"{f}({', '.join(slots)})" for f, slots in scheme.losses.items())
    if len(scheme.unknowns) != 2 or len(scheme.losses) > 2 or any(len(slots) != 2 for slots in scheme.losses.values()):
        raise ReductionError(
            f"{scheme.where}: stability is read on zero-sum games of two players, f(x, y) and g = -f; this scheme has {names}"
        )
    x, y = scheme.unknowns
    letters = ("a", "b") if kind == QUADRATIC else ()
    s, *curvatures = (own_letter(configuration, n) for n in ("s", *letters))
    return Game(kind, (x, y), tuple(scheme.losses), s, tuple(curvatures))


def own_letter(configuration: Configuration, letter: str) -> str:
    """A symbol beside those that stand in a map on a game: parameters, players, losses; memory has no name there."""
    scheme = configuration.scheme
    return fresh_name(letter, {*configuration.free, *scheme.parameters, *scheme.unknowns, *scheme.losses})


def game_map(configuration: Configuration, game: Game) -> LinearMap:
    """The scheme's update on the game as a matrix, over the ring of gamma, the game's symbols and the free parameters.

    >>> from derive.scheme import configure, load_scheme
    >>> c = configure(load_scheme("game-alternating"), settings={"mu": "1"})
    >>> [str(x) for x in game_map(c, game_of(c)).polynomial()]
    ['1', '-(2 - gamma**2*s**2)', '1']
    """
    require_constant(configuration)
    ring = Ring(["gamma", game.coupling, *game.curvatures, *configuration.free])
    states = configuration.scheme.states
    matrix = [[row.get(s, ring.zero) for s in states] for row in _OnGame(configuration, ring, game).rows()]
    return LinearMap(configuration, ring, game.coupling, states, matrix)


class _OnGame(Quadratic):
    """The update where grad(f, x) is s (a x + y), grad(f, y) is s (x - b y), and g's the opposite."""

    problem = "game"

    def __init__(self, configuration: Configuration, ring: Ring, game: Game) -> None:
        super().__init__(configuration, ring, game.coupling)
        (x, y), (a, b) = game.players, map(ring.symbol, game.curvatures) if game.curvatures else (ring.zero, ring.zero)
        self.second: Mapping[tuple[str, str], Ratio] = {(x, x): a, (x, y): ring.one, (y, x): ring.one, (y, y): -b}
        self.signs = dict(zip(game.losses, (ring.one, -ring.one), strict=False))

    def call(self, node: Call, args: list[Form]) -> Form:
        partial = partial_of(node.function)
        if partial is None or not partial.variables:
            return super().call(node, args)
        point, directions = partial.divided(args)
        if len(directions) > 1:
            return {}
        if directions:
            of, vectors = partial.variables[1:], directions
        else:
            of, vectors = self.scheme.losses[partial.loss], point
        total: Form = {}
        for z, vector in zip(of, vectors, strict=True):
            entry = self.second[partial.variables[0], z] * self.signs[partial.loss] * self.curvature
            total = self.total(total, self.scaled(vector, entry))
        return total
