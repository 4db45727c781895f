"""What a term does in the equation of a player, in words.

    grad_x f                     x descends or ascends f
    hess(f, x, grad_y f)         half of grad_x |grad_y f|^2, for any unknown y, x itself too
    hess(f, x, grad_y g)         how grad_x f changes while y moves along grad_y g: x answers the other player
"""

from __future__ import annotations

from collections.abc import Sequence

from derive.language import Call, Expression, Name
from derive.language.calls import Partial, partial_of
from verify.problems.formula import Reader
from verify.report.words import Letter, Phrases, applied, field_words, ordinal


class PlayerPhrases(Phrases):
    """Noun phrases for formulas in the derivatives of declared losses."""

    def __init__(self, letter: Letter, read: Reader, unknowns: Sequence[str] = ("x", "y")) -> None:
        super().__init__(letter)
        self.unknowns = unknowns
        self.parsed = lambda text: read(text, "formula")  # type: ignore[assignment]

    def _call(self, function: str, args: tuple[Expression, ...]) -> str:
        partial = partial_of(function)
        return super()._call(function, args) if partial is None else self._partial(partial, args)

    def _inner(self, e: Expression) -> str:
        """A gradient stands without parentheses."""
        partial = partial_of(e.function) if isinstance(e, Call) else None
        return self.phrase(e) if partial and len(partial.variables) == 1 else super()._inner(e)

    def _partial(self, partial: Partial, args: tuple[Expression, ...]) -> str:
        """The phrase of a derivative of a loss."""
        point, directions = partial.divided(args)
        if partial.variables and not self.at_present(point):
            here = ", ".join(map(self.phrase, point))
            return f"{self._partial(partial, (*map(Name, self.unknowns[: len(point)]), *directions))}, taken at ({here})"
        if not partial.variables:
            text = partial.loss
        elif not directions:
            text = f"∇_{partial.variables[0]} {partial.loss}"
        else:
            which = f"{ordinal(len(directions))} derivative" if len(directions) > 1 else "change"
            moved = [f"{v} along {self._inner(u)}" for v, u in zip(partial.variables[1:], directions, strict=True)]
            text = f"the {which} of ∇_{partial.variables[0]} {partial.loss} with {applied(moved)}"
        return text


    def at_present(self, point: Sequence[Expression]) -> bool:
        """Whether the arguments of a loss are the unknowns."""
        return all(isinstance(e, Name) and e.id in self.unknowns for e in point)


def player_words(term: str, positive: bool | None, phrases: PlayerPhrases, variable: str) -> str:
    """What a term does in the equation of a player; `positive` is None where the sign of its coefficient is not known.

    >>> from derive import modified_equation
    >>> from verify.problems.formula import formula_reader
    >>> say = PlayerPhrases(str, formula_reader(modified_equation("game-simultaneous", 0).configuration))
    >>> for term in ("grad(g, y)", "hess(g, y, grad(g, x))", "hess(g, y, grad(f, x))"):
    ...     player_words(term, False, say, "y")
    'y descends g'
    'y lowers |∇_x g|²: this is half its gradient in y'
    'y moves against the change of ∇_y g with x along ∇_x f'
    """
    if positive is not None:
        match phrases.parsed(term):
            case Call(function, args) if (partial := partial_of(function)) and partial.variables[:1] == (variable,):
                point, directions = partial.divided(args)
                here = phrases.at_present(point)
                if here and not directions:
                    return f"{variable} {'ascends' if positive else 'descends'} {partial.loss}"
                if here and len(directions) == 1 and (y := _gradient_of(directions[0], partial, phrases)):
                    verb = "raises" if positive else "lowers"
                    return f"{variable} {verb} |∇_{y} {partial.loss}|²: this is half its gradient in {variable}"
        return f"{variable} moves {'along' if positive else 'against'} {phrases.of(term)}"
    return f"{variable} {field_words(term, None, phrases)}"


def _gradient_of(direction: Expression, partial: Partial, phrases: PlayerPhrases) -> str:
    """y where the direction of hess(f, x, .) is the gradient grad_y f of the same loss in y's own space; '' elsewhere."""
    inner = partial_of(direction.function) if isinstance(direction, Call) and phrases.at_present(direction.args) else None
    same = inner is not None and inner.loss == partial.loss and inner.variables == partial.variables[1:]
    return partial.variables[1] if same else ""


__all__ = ["PlayerPhrases", "player_words"]
