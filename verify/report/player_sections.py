"""The sections of a page about two players: who descends what, and losses and stability that each player has of its own."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from derive import ModifiedEquation
from derive.errors import DeriveError
from derive.readings.loss import losses_of
from derive.readings.stability import stability
from derive.writing.losses import losses_lines
from derive.writing.notation import UNICODE
from derive.writing.stability import stability_lines
from verify.problems.formula import formula_reader
from verify.problems.plane_game import PlaneGame
from verify.report.parts import section
from verify.report.player_words import PlayerPhrases, player_words
from verify.report.sections import Sections
from verify.report.words import listed


class PlayerSections(Sections):
    """Writes the page's sections for a game."""

    phrases: PlayerPhrases

    def phrases_of(self, equation: ModifiedEquation) -> PlayerPhrases:
        return PlayerPhrases(self.plain.symbol, formula_reader(equation.configuration), tuple(equation.scheme.unknowns))

    def words_of(self, term: str, positive: bool | None, variable: str, k: int) -> str:
        return player_words(term, positive, self.phrases, variable)

    def passes(self) -> tuple[str, str]:
        x = listed([f"{x}(nγ) = {x}ₙ" for x in self.material.equation.scheme.unknowns])
        return x, f"choice of the losses {listed(list(self.material.equation.scheme.losses))}"

    def scheme(self) -> str:
        return super().scheme() + section("players", "The players", f"<p>{escape(self._players())}</p>")

    def _players(self) -> str:
        """What every player does at the lowest power of gamma, in general and in the game of the pictures."""
        players = [self._leading(x) for x in self.material.equation.scheme.unknowns]
        game = self.material.loss
        text = f"At the lowest power of γ, {listed([p for p in players if p])}. In the pictures {game.text}"
        if not (isinstance(game, PlaneGame) and game.zero_sum):
            return f"{text}."
        first, second = game.losses
        return f"{text}, a zero-sum game: to descend {second} is to ascend {first}."

    def _leading(self, x: str) -> str:
        equation = self.material.equation
        sums = next((list(s) for s in equation.equations[x] if len(list(s))), [])
        said = [player_words(str(term), self.positive(c), self.phrases, x) for c, term in sums]
        return "; ".join(said)

    def loss(self) -> str:
        equation = self.material.equation
        text = _read(lambda: "\n".join(losses_lines(losses_of(equation), self.plain)[1:]))
        return section("loss", "The players' modified losses", text) + self._stability()

    def _stability(self) -> str:
        r = self.material.request
        text = _read(lambda: "\n".join(stability_lines(stability(r.scheme, regime=r.regime, settings=r.settings), UNICODE)))
        return section("stability", "Stability on the bilinear game", text)


def _read(lines: Callable[[], str]) -> str:
    """A reading as it is printed, or why there is none."""
    try:
        return f'<pre class="scroll" tabindex="0" role="group" aria-label="text"><code>{escape(lines().strip())}</code></pre>'
    except DeriveError as error:
        return f"<p>None: {escape(str(error))}.</p>"


__all__ = ["PlayerSections"]
