"""A weak modified equation as text and LaTeX: the generator, and what it says as a stochastic differential equation.

    G = b . d + 1/2 D : d^2 + ...         d theta = b dt + S dW,  S S^T = D          at the time n gamma
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

from flint import fmpq

from derive.algebra.coefficients import Ratio
from derive.noise.forests import NORMAL, Forest, Tree, nodes, text, tree_text
from derive.noise.sums import ForestSum
from derive.writing.expression import typed
from derive.writing.forests import ForestWriter, blocks
from derive.writing.formulas import gamma_power, said_power, write_coefficient
from derive.writing.latex import Words, aligned, fragment, words
from derive.writing.letters import for_reading
from derive.writing.notation import Notation
from derive.writing.series import STYLES
from derive.writing.text import header, update_lines

if TYPE_CHECKING:
    from derive.concrete.expectation import Expectation
    from derive.weak_equation import WeakEquation

WIDTH = 100
_HARD = "\xa0"  # a blank at which no line ends


def weak_text(equation: WeakEquation, ascii_only: bool = False, letters: Mapping[str, str] | None = None) -> str:
    """The update, the generator power by power, drift, diffusion matrix and what is beyond, and what the words mean."""
    style = _style(equation, "ascii" if ascii_only else "unicode", letters or {})
    report = _Report(equation, style)
    lines = [header(equation.configuration, style, "weak modified equation", equation.order)]
    lines += [f"    {line}" for line in (*update_lines(equation.configuration, style), *report.drawn())]
    lines += [*report.generator_lines(), *report.sde_lines(), *report.beyond_lines()]
    return "\n".join([*lines, *report.where_lines()])


def weak_latex(equation: WeakEquation, letters: Mapping[str, str] | None = None) -> str:
    """Sentences and displays that compile as pasted."""
    report = _Report(equation, _style(equation, "latex", letters or {}))
    said = [words(line, report.style) for line in (*report.drawn(), report.law())]
    lines: list[str] = [*said, *report.sde_lines(), *report.beyond_lines()]
    return fragment([*lines, *(words(line, report.style) for line in report.meanings())])


def _style(equation: WeakEquation, output: str, letters: Mapping[str, str]) -> Notation:
    c = equation.configuration
    return replace(STYLES[output], letters=for_reading(letters, equation, output == "latex")).knowing(c.scheme, c.fresh("d"))


def wrapped(text: str, first: str, later: str) -> list[str]:
    """Lines of at most WIDTH columns, words kept whole."""
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=later, break_long_words=False, break_on_hyphens=False)


class _Report:
    """The parts of the page; `to` learns which words want an explanation."""

    def __init__(self, equation: WeakEquation, style: Notation) -> None:
        self.equation, self.style = equation, style
        self.to = ForestWriter(equation.generator, style)
        self.latex, self.unicode = style.name == "latex", style.name == "unicode"
        self.gamma = style.symbol("gamma")
        self.slow, self.phi = equation.generator.slow, self.pick("φ", "phi", r"\varphi")

    def math(self, text: str) -> str:
        return f"${text}$" if self.latex else text

    def pick(self, unicode: str, ascii_text: str, latex: str) -> str:
        return latex if self.latex else unicode if self.unicode else ascii_text

    def indexed(self, letter: str, *variables: str) -> str:
        """b, or b_θ where there are several slow variables."""
        letter = self.style.letter(self.equation.configuration.fresh(letter))
        if len(self.slow) == 1:
            return letter
        names = [self.style.symbol(v) for v in variables]
        return f"{letter}_{{{' '.join(names)}}}" if self.latex else f"{letter}_{','.join(names)}"

    # ------------------------------------------------------------------------------------------ sentences

    def drawn(self) -> Iterator[str]:
        """What is random in a step."""
        used = {t.label for power in self.equation.generator.powers for f in power for t in nodes(r.tree for r in f) if t.tie}
        xi, z, batch = self.to.letter("", 1), self.to.letter(NORMAL, 1), self.equation.batch
        if batch != "1":
            one = f"a batch of {self.math(self.style.symbol(batch))} samples, and {self.math(xi)} one of them"
        else:
            one = f"the sample {self.math(xi)}"
        if used - {NORMAL}:
            yield f"with {one}, drawn anew at every step, independent of all others"
        if NORMAL in used:
            yield f"with {self.math(z)} a vector of independent standard normal numbers, drawn anew at every step"

    def law(self) -> str:
        """E phi(theta_n) = exp(n gamma G) phi."""
        g = self.equation.configuration.fresh("G")
        x = ", ".join(self.style.symbol(v) for v in self.slow)
        n, zero = (f"({x})_{{n}}", f"({x})_{{0}}") if len(self.slow) > 1 else (f"{x}_{{n}}", f"{x}_{{0}}")
        phi = self.phi
        if self.latex:
            law = rf"\mathbb{{E}}\, {phi}({n}) = (e^{{n {self.gamma} {g}}} {phi})({zero})"
        else:
            n, zero = n.replace("{", "").replace("}", ""), zero.replace("{", "").replace("}", "")
            law = f"E {phi}({n}) = (exp(n {self.gamma} {g}) {phi})({zero})"
        fast = "" if len(self.slow) == len(self.equation.scheme.states) else ", once memory has settled"
        return f"with time {self.math(f'n {self.gamma}')}, {self.math(law)}{fast}"

    def generator_lines(self) -> list[str]:
        """Every power of gamma, wrapped."""
        g, lines = self.equation.configuration.fresh("G"), [f"{self.law()}:"]
        for k, power in enumerate(self.equation.powers):
            pieces = [self.signed(power.terms[f], text(f), "").replace(" ", _HARD) for f in power.forests]
            head = f"    {g + ' =' if not k else '':{len(g) + 2}} {gamma_power(k, self.style) or '1':<{len(self.gamma) + 2}} ("
            joined = " ".join(pieces).removeprefix(f"+{_HARD}") or "0"
            lines += wrapped(joined + ")", head, " " * len(head))
        return [line.replace(_HARD, " ") for line in lines]

    def signed(self, c: Ratio, text: str, front: str) -> str:
        negative, size = write_coefficient(c, self.style, front)
        return f"{'-' if negative else '+'} {self.style.beside([size, text], self.style.scale)}"

    # ------------------------------------------------------------------------------------------ drift and diffusion

    def sde_lines(self) -> list[str]:
        """d theta = b dt + S dW, b and D = S S^T by powers of gamma."""
        equation = self.equation
        lines = [] if self.latex else [f"read as {self.sde()}:"]
        for v in self.slow:
            rows = list(self.rows(equation.drift, lambda f, v=v: list(blocks(equation.generator, f)) == [v], self.whole))
            lines += self.sum_lines(self.indexed("b", v), rows)
        for pair in combinations_with_replacement(self.slow, 2):
            rows = list(self.rows(equation.diffusion, lambda f, p=pair: tuple(blocks(equation.generator, f)) == p, self.halved))
            if rows or len(self.slow) == 1:
                lines += self.sum_lines(self.indexed("D", *pair), rows)
        return [words(f"this is {self.sde()}, with", self.style), *lines] if self.latex else lines

    def sde(self) -> str:
        c, x = self.equation.configuration, ", ".join(self.style.symbol(v) for v in self.slow)
        b, d, s, w = (c.fresh(letter) for letter in "bDSW")
        if len(self.slow) > 1:
            x = f"({x})"
        if self.latex:
            return rf"$d{x} = {b}\, dt + {s}\, d{w}$ with ${s} {s}^{{T}} = {d}$"
        return f"d{'' if self.unicode else ' '}{x} = {b} dt + {s} d{w}, {s} {s}{self.to.signs.transposed} = {d}"

    def rows(
        self, powers: Sequence[ForestSum], chosen: Callable[[Forest], bool], write: Callable[[Forest], tuple[Fraction, str]]
    ) -> Iterator[str]:
        """One row a power and text: different forests may be one and the same tensor."""
        for k, power in enumerate(powers):
            found: dict[str, Ratio] = {}
            for f in filter(chosen, power.forests):
                factor, text = write(f)
                c = power.terms[f].scaled(fmpq(factor.numerator, factor.denominator))
                found[text] = (found[text] + c).reduced() if text in found else c.reduced()
            yield from (self.signed(c, text, gamma_power(k, self.style)) for text, c in found.items() if c)

    def whole(self, f: Forest) -> tuple[Fraction, str]:
        return Fraction(1), self.to.written(f)[0]

    def halved(self, f: Forest) -> tuple[Fraction, str]:
        """c (M + M^T)/2 on the diagonal, c M/2 in a block beside it."""
        texts = self.to.written(f)
        if len(texts) == 1:
            beside = len(set(blocks(self.equation.generator, f))) > 1
            return Fraction(1, 1 + beside), texts[0]
        return Fraction(1, 2), f"{self.style.left}{' + '.join(texts)}{self.style.right}"

    def sum_lines(self, left: str, rows: Sequence[str]) -> list[str]:
        first, *rest = rows or ["0"]
        first = first.removeprefix("+ ")
        if self.latex:
            return aligned(f"{left} ={{}}&", [first, *rest])
        return [f"    {left} = {first}", *(" " * (len(left) + 5) + row for row in rest)]

    # ------------------------------------------------------------------------------------------ beyond

    def beyond_lines(self) -> list[str]:
        """From which power on no stochastic differential equation has this law."""
        first = self.equation.no_sde_from
        g = self.math(self.equation.configuration.fresh("G"))
        if first is None:
            through = said_power(self.equation.order, self.style)
            said = f"{g} has derivatives of first and second order alone through {through}"
            return [words(said, self.style)] if self.latex else [said]
        third = all(len(f) == 3 and len({r.tree for r in f}) == 1 and not f[0].tree.children for f in self.equation.beyond[first].terms)
        zero = ", which vanishes there with the third cumulant" if third else ""
        said = f"no stochastic differential equation has this law from {said_power(first, self.style)} on: {g} has a part of third"
        said += f" order and more{zero}"
        rows = list(self.rows(self.equation.beyond, lambda f: True, self.with_variables))
        if self.latex:
            begin, *rest = rows
            return [words(said, self.style), *aligned("&", [begin.removeprefix("+ "), *rest])]
        return [*wrapped(said + ":", "", ""), *(f"    {row}" for row in rows)]

    def with_variables(self, f: Forest) -> tuple[Fraction, str]:
        """The tensor, and by what it differentiates where there are several slow variables."""
        text = self.to.written(f)[0]
        if len(self.slow) == 1:
            return Fraction(1), text
        names = [self.style.symbol(v) for v in blocks(self.equation.generator, f)]
        shown = [rf"\partial_{{{x}}}" if self.latex else self.pick("∂_", "d_", "") + x for x in names]
        return Fraction(1), self.style.scale.join([text, *shown])

    # ------------------------------------------------------------------------------------------ meanings

    def where_lines(self) -> list[str]:
        return ["where", *(line for said in (*self.meanings(), self.legend()) for line in wrapped(said, "    ", "      "))]

    def legend(self) -> str:
        """How forests are read."""
        used = {(t.label, t.tie > 0) for power in self.equation.generator.powers for f in power for t in nodes(r.tree for r in f)}
        mean = next((text for label, text in (("g", "g is the mean gradient, "),) if (label, False) in used), "")
        tied = next((tree_text(Tree(label, 1)) for label, shared in sorted(used) if shared and label != NORMAL), "")
        parts = [f"in {self.equation.configuration.fresh('G')} a tree is a vector along which {self.phi} is differentiated; {mean}in "
                 "brackets stand the vectors along which a node is differentiated"]  # fmt: skip
        if tied:
            parts.append(f"nodes of one number are of one sample and stand for their joint cumulant, {tied} {tied} for the covariance")
        if (NORMAL, True) in used:
            parts.append("n1, n1 are one standard normal vector")
        return "; ".join(parts)

    def meanings(self) -> Iterator[str]:
        """What the words that were used mean."""
        signs, math = self.to.signs, self.math
        mean, joint = signs.mean.strip(), signs.cumulant.strip()
        gradient = self.to.function("g", ())
        sample = self.to.subscripted(gradient, self.to.letter("g", 1))
        less, loss = f"({sample} - {gradient})", self.style.symbol("L")
        said = {
            "covariance": f"{math(f'{signs.covariance} = {signs.mean}{less} {less}{signs.transposed}')}, the covariance of the "
                          f"gradients of samples",
            "cov": f"{math(f'{signs.cov}(u, v) = {signs.mean}(u - {signs.mean}u)(v - {signs.mean}v){signs.transposed}')}, and "
                   f"{math(f'{signs.cov}(u) = {signs.cov}(u, u)')}",
            "applied": f"{math(f'{signs.cov}(A, u) = {signs.mean}(A - {signs.mean}A)[u - {signs.mean}u]')} of a matrix and a vector",
            "centred": f"{math(f'{signs.centred}{sample} = {sample} - {gradient}')}, and so for higher derivatives",
            "mean": f"{math(mean)} the mean of what stands behind it",
            "joint": f"{math(joint)} the joint cumulant, over every sample, of what stands behind it",
            "normal": f"{math('Z, Y, X')} independent standard normal vectors",
            "laplacian": f"{math(signs.laplacian + loss)} the Laplacian of {math(loss)}",
            "symmetric": f"{math(f'{signs.symmetric}(M) = (M + M{signs.transposed})/2')}",
            "identity": f"{math('I')} the identity",
        }  # fmt: skip
        for word in self.to.used:
            kind, _, label = word.partition(" ")
            if kind == "opaque":
                u = self.to.function(label, ())
                drawn = self.to.subscripted(u, self.to.letter(label, 1))
                yield f"{math(drawn)} is {self.equation.generator.opaque[label]}, and {math(u)} its mean"
            else:
                yield said[kind] if kind in said else self.named_cumulant(int(kind[1:]), sample)

    def named_cumulant(self, order: int, sample: str) -> str:
        which = {3: "third", 4: "fourth", 5: "fifth", 6: "sixth"}.get(order, f"{order}th")
        return f"{self.math(self.to.cumulant(order))} the {which} cumulant of {self.math(sample)}, a symmetric tensor"


# ---------------------------------------------------------------------------------------------- values


def values_text(equation: WeakEquation, values: Expectation, ascii_only: bool, letters: Mapping[str, str]) -> str:
    """G phi at a point, one row a power of gamma and number of derivatives."""
    style = _style(equation, "ascii" if ascii_only else "unicode", letters)
    where = ", ".join(f"{style.renamed(n)} = {x}" for n, x in values.point.items())
    gamma, d = style.symbol("gamma"), "d_" if ascii_only else "∂_"
    lines = wrapped(header(equation.configuration, style, f"G{' at ' + where if where else ''}", equation.order), "", "  ")
    for k, power in enumerate(values.values):
        rows = {len(indexed(i, values.names)): [] for i in power}
        for i, x in power.items():
            names = indexed(i, values.names)
            rows[len(names)].append(f"{' '.join(d + style.renamed(n) for n in names)}: {x}".replace(" ", _HARD))
        head = f"{gamma}^{k}"
        for row in rows.values():
            lines += [line.replace(_HARD, " ") for line in wrapped(", ".join(row), f"  {head}  ", " " * (len(head) + 4))]
            head = " " * len(head)
    return "\n".join(lines)


def values_latex(equation: WeakEquation, values: Expectation, letters: Mapping[str, str]) -> str:
    r"""[gamma^k] G = value \partial_x + ..., at the point."""
    style = _style(equation, "latex", letters)
    gamma, g = style.symbol("gamma"), equation.configuration.fresh("G")
    where = ", ".join(f"${typed(n, style)} = {typed(str(x), style)}$" for n, x in values.point.items())
    lines: list[str] = [words(f"{f'at {where}, ' if where else ''}with $[{gamma}^{{k}}]$ for the coefficient of ${gamma}^{{k}}$,")]
    for k, power in enumerate(values.values):
        rows = []
        for i, x in power.items():
            by = "".join(rf"\partial_{{{typed(n, style)}}}" for n in indexed(i, values.names))
            rows.append(rf"+ \left({typed(x, style)}\right) {by}")
        first, *rest = rows or ["0"]
        lines += aligned(rf"[{gamma}^{{{k}}}]\, {g} ={{}}&", [first.removeprefix("+ "), *rest])
    return fragment(lines)


def indexed(index: str, names: Sequence[str]) -> list[str]:
    """The names in an index.

    >>> indexed("xxy", ["x", "y"]), indexed("eta_x x", ["eta_x", "x"])
    (['x', 'x', 'y'], ['eta_x', 'x'])
    """
    return list(index) if all(len(n) == 1 for n in names) else index.split()
