"""The game of a page's pictures: two players x and y of one number each, in the plane (x, y).

    x' = -grad_x f,   y' = -grad_y g          the limit flow of gradient descent;   g = -f where one text is given (zero sum)

The default is bounded for every relative rate m of y: for x' = -f_x, y' = m f_y

    (m x^2 + y^2)'/2 = -m (x^4 + y^4)/8,

which damps so weakly near the origin that simultaneous steps do not come to rest there, as their limit flow does: the first
correction drives them outwards by gamma m/2 (x, y).
"""

from __future__ import annotations

from collections.abc import Sequence

from derive.errors import UsageError
from derive.scheme import Scheme
from verify.numeric.formulas import formula_values, scalar_names
from verify.orbits.run import space_of
from verify.problems.formula import FormulaValues
from verify.problems.landscape import Loss
from verify.problems.plane_game import PlaneGame
from verify.problems.problem import check_coordinates
from verify.report.javascript import Model

GAME = "x*y + x**4/32 - y**4/32"
DRAWN = "a report of a game draws two players of one number each, whose losses read both"


def require_drawn(scheme: Scheme) -> None:
    """Raise UsageError for declared losses that are no game in the plane of the pictures."""
    scheme.require_no_maps("report of a game")
    x, reason = tuple(scheme.unknowns), ""
    if len(x) != 2:
        reason = f"the unknowns here are {', '.join(x)}"
    elif any(sorted(slots) != sorted(x) for slots in scheme.losses.values()) or len(scheme.losses) > 2:
        reason = "the losses here are " + ", ".join(f"{f}({', '.join(slots)})" for f, slots in scheme.losses.items())
    elif ahead := [s for s in scheme.states if s.endswith("_prev")]:
        reason = f"this scheme reads the previous point {ahead[0]}; give it a name of its own in the update"
    if reason:
        raise UsageError(f"{scheme.where}: {DRAWN}; {reason}")


def plane_game(scheme: Scheme, text: str | None, taken: Sequence[str] = ()) -> PlaneGame:
    """The game of the pictures: a text for every loss, separated by ';', or one alone, which the second player ascends.

    >>> from derive import load_scheme
    >>> plane_game(load_scheme("game-simultaneous"), "x*y").text
    'f = x*y; g = -f'
    """
    require_drawn(scheme)
    x = tuple(scheme.unknowns)
    parts = [p.strip() for p in (text or _default(x)).split(";")]
    zero_sum = len(parts) < len(scheme.losses) == 2
    if zero_sum:
        parts.append(f"-({parts[0]})")
    if len(parts) != len(scheme.losses):
        names = ", ".join(scheme.losses)
        raise UsageError(f"the losses '{text}': {len(parts)} texts for {names}; write one each, separated by ';'")
    losses = {f: _loss(p, slots) for (f, slots), p in zip(scheme.losses.items(), parts, strict=True)}
    check_coordinates(x, taken)
    return PlaneGame(dict(scheme.losses), dict.fromkeys(x, 1), losses, zero_sum)


def _default(unknowns: Sequence[str]) -> str:
    letters = dict(zip("xy", unknowns, strict=True))
    return "".join(letters.get(c, c) for c in GAME)


def _loss(text: str, slots: Sequence[str]) -> Loss:
    found = Loss(text).variables
    if others := sorted({*found} - {*slots}):
        plane = ", ".join(slots)
        raise UsageError(f"the loss '{text}' has the variable {others[0]}; a report of a game draws the plane ({plane})")
    return Loss(text, variables=slots)


class GameModel(Model):
    """The generated model of one scheme on one game in the plane."""

    @property
    def coordinates(self) -> list[str]:
        """Names of the state's components: those of the unknowns, and of variables of each space with its unknown."""
        scheme, known = self.configuration.scheme, self.layout.unknowns
        space = {self.configuration.symbol(s): space_of(scheme, s) for s in scheme.states}
        return [n if n in known or n not in self.recorder.vectors else f"{n}_{space[n]}" for n in self.layout.slots]

    def _formulas(self) -> FormulaValues:
        slow = self.layout.split(self.state[: self.slow_size], self.recorder.vectors)
        names = scalar_names(self.configuration, self.values, slow.get("t"), self.tape, self.longer)
        return formula_values(self.configuration, self.loss, self.layout, {**slow, **names}, self.tape.numbers)


__all__ = ["GAME", "GameModel", "plane_game", "require_drawn"]
