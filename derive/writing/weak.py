"""A weak modified equation as text and LaTeX: the generator, and what it says as a stochastic differential equation.

    G = b . d + 1/2 D : d^2 + ...         d theta = b dt + S dW,  S S^T = D          at the time n gamma
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

from flint import fmpq

from derive.algebra.coefficients import Ratio
from derive.noise.forests import Forest, text
from derive.noise.sums import ForestSum
from derive.writing.forests import ForestWriter, blocks, variable_of
from derive.writing.formulas import gamma_power, said_power, write_coefficient
from derive.writing.latex import aligned, fragment, words
from derive.writing.letters import OWN, checked, names_in
from derive.writing.notation import Notation
from derive.writing.series import STYLES
from derive.writing.text import header, update_lines
from derive.writing.weak_words import drawn, legend, meanings, wrapped

if TYPE_CHECKING:
    from derive.weak_equation import WeakEquation

_HARD = "\xa0"  # a blank at which no line ends


def weak_text(equation: WeakEquation, ascii_only: bool = False, letters: Mapping[str, str] | None = None) -> str:
    """The update, the generator power by power, drift, diffusion matrix and what is beyond, and what the words mean."""
    style = weak_style(equation, "ascii" if ascii_only else "unicode", letters or {})
    report = LawReport(equation, style)
    c, generator = equation.configuration, equation.generator
    lines = wrapped(header(c, style, "weak modified equation", equation.order), "", "  ")
    lines += [f"    {line}" for line in (*update_lines(c, style), *drawn(report.to, equation))]
    lines += [f"{report.law}:", *report.generator_lines(), f"read as {report.sde}:", *report.sde_lines()]
    first, *rest = report.beyond_lines()
    lines += [*wrapped(first, "", ""), *rest, "where"]
    said = (*meanings(report.to), legend(generator, c.fresh("G"), report.phi))
    return "\n".join([*lines, *(line for text in said for line in wrapped(text, "    ", "      "))])


def weak_latex(equation: WeakEquation, letters: Mapping[str, str] | None = None) -> str:
    """Sentences and displays that compile as pasted."""
    style = weak_style(equation, "latex", letters or {})
    report = LawReport(equation, style)
    sentences = [*drawn(report.to, equation), report.law, f"in the words of a stochastic differential equation {report.sde} with"]
    lines: list[str] = [*(words(s, style) for s in sentences), *report.sde_lines()]
    first, *rest = report.beyond_lines()
    lines += [words(first, style), *rest]
    return fragment([*lines, *(words(s, style) for s in meanings(report.to))])


def weak_style(equation: WeakEquation, output: str, letters: Mapping[str, str], components: Sequence[str] = ()) -> Notation:
    """The notation of the scheme, in the reader's letters, which may rename `components` of a point."""
    c = equation.configuration
    batch = [] if equation.batch.isdigit() else [equation.batch]
    names = [*names_in(c), *batch, *components, *OWN[type(equation).__name__].split()]
    return replace(STYLES[output], letters=checked(letters, names, output == "latex")).knowing(c.scheme, c.fresh("d"))


class LawReport:
    """The parts of the page; `to` learns which words want an explanation."""

    def __init__(self, equation: WeakEquation, style: Notation) -> None:
        self.equation, self.style = equation, style
        self.to = ForestWriter(equation.generator, style)
        self.latex = style.name == "latex"
        self.slow, self.phi = equation.generator.slow, self.pick("φ", "phi", r"\varphi")

    def pick(self, unicode: str, ascii_text: str, latex: str) -> str:
        return {"unicode": unicode, "ascii": ascii_text, "latex": latex}[self.style.name]

    def fresh(self, letter: str) -> str:
        return self.style.symbol(self.equation.configuration.fresh(letter))

    def variables(self) -> str:
        """theta, or (x, y)."""
        names = ", ".join(map(self.style.symbol, self.slow))
        return f"({names})" if len(self.slow) > 1 else names

    @property
    def law(self) -> str:
        """E phi(theta_n) = exp(n gamma G) phi; in epochs of m steps n m in the place of n."""
        epochs, g, x = self.equation.epochs, self.fresh("G"), self.variables()
        steps = "n" if epochs is None else f"{epochs.batches} n" if epochs.batches.isdigit() else f"n {epochs.batches}"
        time = f"{steps} {self.style.symbol('gamma')}"
        if self.timed:
            g = f"({g} + {self.to.partial('t')})"
        end = f"_({steps})" if " " in steps else f"_{steps}"
        law = self.pick(
            f"E φ({x}{end}) = (exp({time} {g}) φ)({x}_0)", f"E phi({x}{end}) = (exp({time} {g}) phi)({x}_0)",
            rf"\mathbb{{E}}\, {self.phi}({x}_{{{steps}}}) = (e^{{{time} {g}}} {self.phi})({x}_{{0}})",
        )  # fmt: skip
        fast = " once memory has settled" if len(self.slow) < len(self.equation.scheme.states) else ""
        return f"with time {self.to.math(time)}, {self.to.math(law)}{fast}"

    @property
    def timed(self) -> bool:
        """Whether the generator depends on time."""
        epochs = self.equation.epochs
        own = (epochs.batches, *epochs.symbols) if epochs else (self.equation.batch,)
        constant = {*self.equation.configuration.free, *own}
        return any(c.symbols() - constant for power in self.equation.generator.powers for c in power.values())

    @property
    def sde(self) -> str:
        x = self.variables()
        b, d, s, w = map(self.fresh, "bDSW")
        if self.latex:
            return rf"$d{x} = {b}\, dt + {s}\, d{w}$, $\,{s} {s}^{{T}} = {d}$,"
        return f"d{'' if self.style.name == 'unicode' else ' '}{x} = {b} dt + {s} d{w}, {s} {s}{self.to.signs.transposed} = {d}"

    def generator_lines(self) -> list[str]:
        """Every power of gamma, wrapped."""
        g, lines = self.fresh("G"), list[str]()
        for k, power in enumerate(self.equation.powers):
            pieces = [self.signed(power.terms[f], text(f), "").replace(" ", _HARD) for f in power.forests]
            joined = " ".join(pieces).removeprefix(f"+{_HARD}") or "0"
            left = f"{g} =" if k == 0 else " " * (len(g) + 2)
            head = f"    {left} {gamma_power(k, self.style) or '1':<{len(self.style.symbol('gamma')) + 2}} ("
            lines += wrapped(joined + ")", head, " " * len(head))
        return [line.replace(_HARD, " ") for line in lines]

    def signed(self, c: Ratio, term: str, front: str) -> str:
        negative, size = write_coefficient(c, self.style, front)
        return f"{'-' if negative else '+'} {self.style.beside([size, term], self.style.scale)}"

    # ------------------------------------------------------------------------------------------ drift and diffusion

    def sde_lines(self) -> list[str]:
        """b and D by powers of gamma, one of each variable and pair of variables."""
        lines: list[str] = []
        for v in self.slow:
            lines += self.sum_lines(self.indexed("b", v), self.rows(self.equation.drift, self.whole, (v,)))
        for pair in combinations_with_replacement(self.slow, 2):
            rows = self.rows(self.equation.diffusion, self.halved, pair)
            lines += self.sum_lines(self.indexed("D", *pair), rows) if rows or len(self.slow) == 1 else []
        return lines

    def indexed(self, letter: str, *variables: str) -> str:
        """b, or b_θ where there are several slow variables."""
        if len(self.slow) == 1:
            return self.fresh(letter)
        names = ",".join(map(self.style.symbol, variables))
        return f"{self.fresh(letter)}_{{{names}}}" if self.latex else f"{self.fresh(letter)}_{names}"

    def rows(
        self, powers: Sequence[ForestSum], write: Callable[[Forest], tuple[Fraction, str]], variables: tuple[str, ...] = ()
    ) -> list[str]:
        """One row a power and text, of the forests that differentiate by these variables, or by any: different ones may be one
        and the same tensor."""
        lines: list[str] = []
        for k, power in enumerate(powers):
            found: dict[str, Ratio] = {}
            for f in power.forests:
                if not variables or blocks(self.equation.generator, f) == variables:
                    factor, term = write(f)
                    c = power.terms[f].scaled(fmpq(factor.numerator, factor.denominator))
                    found[term] = (found[term] + c if term in found else c).reduced()
            lines += [self.signed(c, term, gamma_power(k, self.style)) for term, c in found.items() if c]
        return lines

    def whole(self, f: Forest) -> tuple[Fraction, str]:
        return Fraction(1), self.to.written(f)[0]

    def halved(self, f: Forest) -> tuple[Fraction, str]:
        """c (M + M^T)/2 on the diagonal, c M/2 in a block beside it."""
        texts = self.to.written(f)
        if len(texts) == 1:
            beside = len({*blocks(self.equation.generator, f)}) > 1
            return Fraction(1, 1 + beside), texts[0]
        return Fraction(1, 2), f"{self.style.left}{' + '.join(texts)}{self.style.right}"

    def sum_lines(self, left: str, rows: Sequence[str]) -> list[str]:
        first, *rest = rows or ["0"]
        first = first.removeprefix("+ ")
        if self.latex:
            return aligned(f"{left} ={{}}&", [first, *rest])
        return [*self.row(first, f"    {left} = "), *(line for row in rest for line in self.row(row, " " * (len(left) + 5)))]

    def row(self, text: str, left: str) -> list[str]:
        """A term behind what stands to its left, on several lines where it is long."""
        return wrapped(text, left, " " * (len(left) + 4))

    # ------------------------------------------------------------------------------------------ beyond

    def beyond_lines(self) -> Iterator[str]:
        """From which power on no stochastic differential equation has this law: a sentence, and the rest of the generator."""
        first, g = self.equation.no_sde_from, self.to.math(self.fresh("G"))
        if first is None:
            sign = ""
            if (self.equation.epochs or len(self.slow) > 1) and any(map(len, self.equation.diffusion)):
                d = self.to.math(self.fresh("D"))
                sign = f"; where {d} has negative directions no stochastic differential equation has this law"
            yield f"{g} has no derivatives beyond the second through {said_power(self.equation.order, self.style)}{sign}"
            return
        vanishes = all(_cumulant(f) for f in self.equation.beyond[first].terms)
        zero = f", which vanishes at {said_power(first, self.style)} with the third cumulant" if vanishes else ""
        no = "no stochastic differential equation has this law from"
        yield f"{no} {said_power(first, self.style)} on: {g} has a part of third order and more{zero}" + ":" * (not self.latex)
        begin, *rest = self.rows(self.equation.beyond, self.with_variables)
        lines = [begin.removeprefix("+ "), *rest]
        yield from aligned("&", lines) if self.latex else (line for row in [begin, *rest] for line in self.row(row, "    "))

    def with_variables(self, f: Forest) -> tuple[Fraction, str]:
        """The tensor, and by what it differentiates where there are several slow variables."""
        tensor = self.to.written(f)[0]
        if len(self.slow) == 1:
            return Fraction(1), tensor
        by = (variable_of(self.equation.generator, r) for r in f)
        return Fraction(1), self.style.scale.join([tensor, *map(self.to.partial, by)])


def _cumulant(f: Forest) -> bool:
    """Whether a forest is the third cumulant of a gradient."""
    return len(f) == 3 and len({r.tree for r in f}) == 1 and not f[0].tree.children
