"""What every section of an article on a law needs: the weak modified equation, its notation, the losses of the example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from derive.concrete.expectation import component_names
from derive.errors import DeriveError
from derive.language import Call, Written
from derive.language.samples import NORMAL
from derive.noise.forests import NORMAL as VECTOR
from derive.scheme import Configuration
from derive.weak_equation import OnLosses, WeakEquation
from derive.writing.escape import escape
from derive.writing.expression import ExpressionWriter
from derive.writing.notation import LATEX, Notation
from derive.writing.weak import LawReport, weak_style

#: losses of samples in two variables, as unequal as their probabilities
LOSSES, WEIGHTS = ("x**2/2", "x**2/2 + x*y", "y**4"), ("1/2", "1/3", "1/6")
FIELDS = ("-x, x*y", "y, -x", "x**2, x - y")
POINT = ("1/2", "1/3", "1/4", "1/5", "2/3", "3/4")


@dataclass(frozen=True)
class Example:
    """Losses of samples, and a point; `own` where a reader gave them, who is told what is wrong with them."""

    losses: str | Sequence[str]
    weights: str | Sequence[str] | None = None
    at: str | None = None
    variables: str | None = None
    own: bool = True


@dataclass(frozen=True, eq=False)
class LawArticle:
    """A weak modified equation and what is shown of it."""

    equation: WeakEquation
    letters: Mapping[str, str] = field(default_factory=dict)
    example: Example | None = None

    @property
    def configuration(self) -> Configuration:
        return self.equation.configuration

    @property
    def point(self) -> str:
        return self.report.variables()

    @property
    def order(self) -> int:
        return self.equation.order

    @property
    def memory(self) -> bool:
        """Whether some variable is fast, so that laws hold once memory has settled."""
        return len(self.equation.generator.slow) < len(self.equation.scheme.states)

    @cached_property
    def style(self) -> Notation:
        components = self.data.samples.problem.variables if self.data else ()
        return replace(weak_style(self.equation, "latex", self.letters, components), letter=_letter)

    @cached_property
    def report(self) -> LawReport:
        return LawReport(self.equation, self.style)

    @cached_property
    def data(self) -> OnLosses | None:
        """The equation on the losses of the example.  Raises UsageError for losses of the reader's that are none."""
        chosen = self.example or example_for(self.equation)
        if chosen is None:
            return None
        try:
            return self.equation.on_losses(chosen.losses, chosen.weights, (), chosen.variables)
        except DeriveError:
            if chosen.own:
                raise
            return None

    def at(self) -> str:
        """The point of the example: the reader's, or simple fractions for all components."""
        chosen = self.example
        if chosen is not None and chosen.own:
            return chosen.at or ""
        assert self.data is not None
        names = [n for each in component_names(self.data.equation.generator, self.data.samples).values() for n in each]
        return ",".join(f"{n}={POINT[k % len(POINT)]}" for k, n in enumerate(names))


def example_for(equation: WeakEquation) -> Example | None:
    """Losses, or fields, for a scheme that declares none of its own."""
    scheme = equation.scheme
    if scheme.losses or scheme.layered or scheme.maps:
        return None
    losses = LOSSES if scheme.label == "L" else FIELDS
    return Example(losses, None if equation.epochs else WEIGHTS, own=False)


class SampledWriter(ExpressionWriter):
    """The update with normal vectors as letters."""

    def call(self, node: Call, args: list[Written]) -> Written:
        found = super().call(node, args)
        return replace(found, text=found.text.removesuffix("()")) if node.function == NORMAL else found


def _letter(name: str) -> str:
    """Names of letters that are no ASCII are set upright."""
    return LATEX.letter(name) if name.isascii() else rf"\text{{{escape(name)}}}"


def draws(article: LawArticle) -> tuple[bool, bool]:
    """(whether samples are drawn, whether normal vectors are)."""
    from derive.writing.weak_words import labels

    used = [label for label, shared in labels(article.equation.generator) if shared]
    return any(label != VECTOR for label in used), VECTOR in used
