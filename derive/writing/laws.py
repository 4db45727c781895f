"""Readings of laws as text and LaTeX: two laws side by side, the law from rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from derive.algebra.factored import unwrapped
from derive.noise.forests import Forest, parse, text
from derive.noise.generator import Generator
from derive.noise.reshuffled import EpochGenerator
from derive.noise.sums import ForestSum
from derive.result import named
from derive.writing.expression import typed
from derive.writing.forests import ForestWriter
from derive.writing.formulas import coefficient_text, gamma_power, said_power, write_coefficient
from derive.writing.latex import aligned
from derive.writing.notation import Notation
from derive.writing.readings import Lines, formula, say, typed_loss
from derive.writing.weak_words import legend, meanings, wrapped

if TYPE_CHECKING:
    from derive.readings.initial_law import InitialLaw
    from derive.readings.law_witness import LawWitness
    from derive.readings.laws import LawComparison

_PARTS = {1: "drift", 2: "diffusion", 3: "third order"}


def _title(generator: Generator, what: str, style: Notation) -> Lines:
    """Scheme, regime and what is read; nothing in LaTeX."""
    return [] if style.name == "latex" else [f"{generator.configuration.scheme.title}{_regime(generator)}: {what}"]


def _regime(generator: Generator) -> str:
    regime = generator.configuration.regime
    return f", regime {regime}" if regime else ""


def sum_lines(left: str, rows: Sequence[str], style: Notation) -> Lines:
    """left = sum of the rows, one below the other."""
    first, *rest = rows or ["0"]
    first = first.removeprefix("+ ")
    if style.name == "latex":
        return aligned(f"{left} ={{}}&", [first, *rest])
    return [f"{left} = {first}", *(" " * (len(left) + 1) + row for row in rest)]


def sentences(lines: Sequence[str], style: Notation) -> Lines:
    """Sentences, wrapped in a text."""
    return [say(s, style) for s in lines] if style.name == "latex" else [w for s in lines for w in wrapped(s, "", "    ")]


# ---------------------------------------------------------------------------------------------- two laws


def law_comparison_lines(c: LawComparison, style: Notation) -> Lines:
    epochs = [isinstance(g, EpochGenerator) for g in (c.first, c.second)]
    names = [named(g.configuration) + ", reshuffled" * e for g, e in zip((c.first, c.second), epochs, strict=True)]
    lines = [] if style.name == "latex" else [f"{names[0]} against {names[1]}, in law, through {said_power(c.order, style)}"]
    if not c.rule.plain:
        lines += sentences([_rule(c, style)], style)
    same = f"the generators are the same through {said_power(c.same_through, style)}"
    samples = "samples" if any(epochs) else "independent samples"
    meaning = f"for every smooth loss, every law of {samples} and all values of the parameters"
    if c.same_through >= 0:
        lines += sentences([f"{same}, {meaning}"], style)
    if c.same_through == c.order:
        return lines
    first = said_power(c.same_through + 1, style)
    others = [f"the {_PARTS[r]} is the same through {said_power(k, style)}" for r, k in c.parts.items()
              if r in _PARTS and k > c.same_through]  # fmt: skip
    lines += sentences([f"they differ at {first}{'; ' * bool(others)}{', '.join(others)}:"], style)
    writer = ForestWriter(c.first, style)
    lines += _pairs(c, writer, style)
    explained = meanings(writer) if style.name == "latex" else [legend(c.first, "the list", phi(style))]
    return [*lines, *sentences([*_shown(c.witness, c, style), *explained], style)]


def _rule(c: LawComparison, style: Notation) -> str:
    _, steps, batch = (unwrapped(coefficient_text(x, style)) for x in c.rule)
    long = formula(style.beside([coefficient_text(c.rule.step, style), style.symbol("gamma")], style.scale), style)
    if c.searched:
        return f"the second with the step {long}, with which it has the limit of the first:"
    batches = f"batches {formula(batch, style)} times as large and the step {long}"
    return f"the second with {batches}, one of its steps against {formula(steps, style)} of the first:"


def _pairs(c: LawComparison, writer: ForestWriter, style: Notation) -> Lines:
    """The forests that differ, each with both coefficients."""
    shown = [(f, *(coefficient_text(x, style) for x in pair)) for f, pair in c.differences.items()]
    if style.name == "latex":
        return [line for f, a, b in shown for line in aligned(f"{writer.written(parse(f))[0]}:{{}}&", [rf"{a}, \quad {b}"])]
    width = max(len(f) for f, *_ in shown)
    return [f"    {f:<{width}}   {a} against {b}" for f, a, b in shown]


def _shown(w: LawWitness | None, c: LawComparison, style: Notation) -> Iterator[str]:
    if w is None:
        yield "no loss that shows it was found; the forests are different as formulas"
        return
    power = said_power(c.same_through + 1, style)
    yield f"witness: at {power} the second less the first is {w.value} on {witness_text(w, style)}"


def witness_text(w: LawWitness, style: Notation) -> str:
    """The losses, the samples, the test function, the point; in text as they are typed."""
    losses = [f"{name} = {value}" for name, value in w.losses.items()]
    where = [f"{n} = {v}" for n, v in {**w.at, **w.parameters}.items()]
    if style.name == "latex":
        losses, where = ([f"${typed_loss(x, style)}$" for x in texts] for texts in (losses, where))
    test = f"${typed(w.test, style)}$" if style.name == "latex" else w.test
    samples = [w.samples.replace("xi", _xi(style), 1)] if w.samples else []
    return f"{', '.join([*losses, *samples])}, {phi(style)} = {test} at {', '.join(where)}"


def _xi(style: Notation) -> str:
    return r"$\xi$" if style.name == "latex" else "xi"


def phi(style: Notation) -> str:
    return {"unicode": "φ", "ascii": "phi", "latex": r"$\varphi$"}[style.name]


# ---------------------------------------------------------------------------------------------- from rest


def initial_law_lines(s: InitialLaw, style: Notation) -> Lines:
    gamma, x = style.symbol("gamma"), ", ".join(map(style.symbol, s.settled.slow))
    lines = _title(s.settled, "started from rest, in law", style)
    if not any(s.settled.powers):
        return [*lines, *sentences([f"the modified law starts at {formula(x, style)} itself: no memory has to settle"], style)]
    when = f"once memory has settled, the law at the time {formula(f'n {gamma}', style)} is the modified law"
    lines += sentences([f"{when}, started at random with"], style)
    return lines + (_cumulants(s, style) if len(s.settled.slow) == 1 else _forests(s, style))


def _cumulants(s: InitialLaw, style: Notation) -> Lines:
    """The mean, the covariance and what is beyond, of one slow variable."""
    latex, writer, x = style.name == "latex", ForestWriter(s.settled, style), style.symbol(s.settled.slow[0])
    mean, covariance = (rf"\operatorname{{{m}}}" if latex else f"    {m}" for m in ("mean", "Cov"))
    lines = sum_lines(mean, [rf"{x}_{{0}}" if latex else f"{x}_0", *_rows(s.mean, writer, style)], style)
    lines += sum_lines(covariance, [*_rows(s.covariance, writer, style)], style)
    if beyond := [*_rows(s.beyond, writer, style)]:
        lines += sentences(["and with further cumulants, each over the factorial of its order,"], style)
        lines += sum_lines(style.symbol("K") if latex else f"    {style.symbol('K')}", beyond, style)
    return lines + sentences([*_decaying(s, style), *meanings(writer)], style)


def _forests(s: InitialLaw, style: Notation) -> Lines:
    """The generating function of the cumulants in tied forests, of several slow variables."""
    latex, rows = style.name == "latex", list[str]()
    for k, power in enumerate(s.settled.powers):
        for f, c in power.items():
            negative, size = write_coefficient(c, style, gamma_power(k, style))
            shown = rf"\mathtt{{{text(f)}}}".replace(" ", r"\ ").replace("_", r"\_") if latex else text(f)
            rows.append(f"{'-' if negative else '+'} {style.beside([size, shown], style.scale)}")
    name = style.symbol("K")
    said = f"its cumulants, each over the factorial of its order, by trees in {formula(name, style)}:"
    lines = [*sentences([said], style), *sum_lines(name if latex else f"    {name}", rows, style)]
    return lines + sentences([*_decaying(s, style), legend(s.settled, formula(name, style), phi(style))], style)


def _rows(powers: Sequence[ForestSum], writer: ForestWriter, style: Notation) -> Iterator[str]:
    """One signed row a power and tensor; of one that is not symmetric, c (M + M^T)/2."""
    for k, power in enumerate(powers):
        for f in power.forests:
            c, (factor, shown) = power.terms[f], _written(f, writer, style)
            negative, size = write_coefficient(c * c.ring.constant(factor), style, gamma_power(k, style))
            yield f"{'-' if negative else '+'} {style.beside([size, shown], style.scale)}"


def _written(f: Forest, writer: ForestWriter, style: Notation) -> tuple[Fraction, str]:
    texts = writer.written(f)
    if len(texts) == 1:
        return Fraction(1), texts[0]
    return Fraction(1, 2), f"{style.left}{' + '.join(texts)}{style.right}"


def _decaying(s: InitialLaw, style: Notation) -> Iterator[str]:
    first = next((k for k, power in enumerate(s.decaying.powers) if power), None)
    if first is None:
        return
    n = style.symbol("n")
    factors = ", ".join(formula(f"{coefficient_text(rho, style)}^{n}", style) for rho in s.factors.values())
    powers = f"{factors}, times powers of {formula(n, style)}, or faster"
    yield f"what else there is from {said_power(first, style)} on decays like {powers}"
