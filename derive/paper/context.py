"""What every section of an article needs: the run of the engine, its equation, names, notation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from derive.algebra.sums import Sum
from derive.algebra.terms import Factor
from derive.engine.run import Derivation
from derive.equation import ModifiedEquation, TermSum
from derive.paper.multistep import Multistep, multistep
from derive.paper.preamble import article_notation
from derive.readings.conditions import Condition, conditions
from derive.scheme import Configuration
from derive.writing.notation import Notation

_NAMES = ("S", "T", "U", "Y", "Z", "Q", "R", "K", r"\Sigma")


class Page(Protocol):
    """What is said of an update needs this much of an article."""

    @property
    def configuration(self) -> Configuration: ...
    @property
    def style(self) -> Notation: ...
    @property
    def point(self) -> str: ...


@dataclass(frozen=True, eq=False)
class Article:
    """A derivation and the equation read off it."""

    derivation: Derivation
    equation: ModifiedEquation
    letters: Mapping[str, str]  # the reader's own

    @property
    def order(self) -> int:
        return self.equation.order

    @property
    def configuration(self) -> Configuration:
        return self.equation.configuration

    @cached_property
    def style(self) -> Notation:
        return article_notation(self.equation.scheme, self.name_of, self.letters)

    @cached_property
    def bases(self) -> dict[Factor, str]:
        """Sums under powers and their names, in the order in which the article meets them."""
        return {}

    def name_of(self, base: Factor) -> str:
        """S for the first sum under a power, then T, U, ..."""
        if base not in self.bases:
            names = [c for c in _NAMES if c not in self.taken]
            round_, k = divmod(len(self.bases), len(names))
            self.bases[base] = names[k] + (f"_{{{round_}}}" if round_ else "")
        return self.bases[base]

    @cached_property
    def taken(self) -> frozenset[str]:
        """Names that the scheme uses itself, or that its reader wants."""
        scheme, c = self.equation.scheme, self.equation.configuration
        symbols = {c.symbol(s) for s in scheme.states} | {*self.letters.values()}
        functions = {*scheme.functions, *scheme.maps}
        return frozenset({*scheme.states, *scheme.assigned, *scheme.parameters, *functions, *c.free, *symbols})

    @cached_property
    def multistep(self) -> Multistep | None:
        return multistep(self.derivation)

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """Where the field, and the sequences it is read off, are defined and smooth."""
        solved = (s for powers in self.derivation.solution.values() for s in powers.values())
        return conditions(self.equation, solved)

    @property
    def is_loss(self) -> bool:
        return self.equation.scheme.label == "L"

    @property
    def point(self) -> str:
        """How theta is written."""
        return self.style.symbol("theta")

    @property
    def loss(self) -> str:
        """How the loss is written."""
        return self.style.symbol("L")

    @property
    def trees(self) -> bool:
        """Whether every term of the field is a rooted tree."""
        return list(self.equation.equations) == ["theta"] and all(t.is_tree for total in self.equation["theta"] for _, t in total)

    def sum(self, total: Sum) -> TermSum:
        return TermSum(self.derivation.algebra, total)

    def field(self, variable: str, k: int | str) -> str:
        """f_k for theta, f^eta_k for another slow variable."""
        if len(self.equation.equations) == 1:
            return f"f_{{{k}}}"
        return f"f^{{{self.style.symbol(variable)}}}_{{{k}}}"

    def expansion(self, variable: str) -> str:
        r"""\dot{\theta} = f_0 + gamma f_1 + ... + O(gamma^(N+1))."""
        powers = [self.field(variable, 0)]
        powers += [(r"\step " if k == 1 else rf"\step^{{{k}}}") + self.field(variable, k) for k in range(1, self.order + 1)]
        shown = powers if len(powers) <= 5 else [*powers[:2], r"\cdots", powers[-1]]
        o = r"\step" if self.order == 0 else rf"\step^{{{self.order + 1}}}"
        return rf"\dot{{{self.style.symbol(variable)}}} = {' + '.join(shown)} + O({o})"
