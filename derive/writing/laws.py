"""Readings of laws as text and LaTeX: two laws side by side, stationary laws, the law from rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from derive.algebra.coefficients import Ratio
from derive.algebra.factored import unwrapped
from derive.noise.forests import Forest, parse
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
from derive.writing.stability import brief_lines
from derive.writing.weak_words import legend, meanings, wrapped

if TYPE_CHECKING:
    from derive.readings.initial_law import InitialLaw
    from derive.readings.law_witness import LawWitness
    from derive.readings.laws import LawComparison
    from derive.readings.stationary import StationaryLaw
    from derive.readings.stationary_density import StationaryDensity

_SHORT = 90  # characters of a closed form that is printed
_PARTS = {1: "drift", 2: "diffusion", 3: "third order"}


def _title(generator: Generator, what: str, style: Notation) -> Lines:
    """Scheme, regime and what is read; nothing in LaTeX."""
    return [] if style.name == "latex" else [f"{generator.configuration.scheme.title}{_regime(generator)}: {what}"]


def _regime(generator: Generator) -> str:
    regime = generator.configuration.regime
    return f", regime {regime}" if regime else ""


def _sums(left: str, rows: Sequence[str], style: Notation) -> Lines:
    """left = sum of the rows, one below the other."""
    first, *rest = rows or ["0"]
    first = first.removeprefix("+ ")
    if style.name == "latex":
        return aligned(f"{left} ={{}}&", [first, *rest])
    return [f"{left} = {first}", *(" " * (len(left) + 1) + row for row in rest)]


def _powers(coefficients: Mapping[int, Ratio], style: Notation) -> Iterator[str]:
    """One signed row a power of gamma."""
    for k, c in coefficients.items():
        if c:
            negative, size = write_coefficient(c, style, gamma_power(k, style))
            yield f"{'-' if negative else '+'} {size or '1'}"


def _said(lines: Sequence[str], style: Notation) -> Lines:
    """Sentences, wrapped in a text."""
    return [say(s, style) for s in lines] if style.name == "latex" else [w for s in lines for w in wrapped(s, "", "    ")]


# ---------------------------------------------------------------------------------------------- two laws


def law_comparison_lines(c: LawComparison, style: Notation) -> Lines:
    epochs = [isinstance(g, EpochGenerator) for g in (c.first, c.second)]
    names = [named(g.configuration) + ", reshuffled" * e for g, e in zip((c.first, c.second), epochs, strict=True)]
    lines = [] if style.name == "latex" else [f"{names[0]} against {names[1]}, in law, through {said_power(c.order, style)}"]
    if not c.rule.plain:
        lines += _said([_rule(c, style)], style)
    same = f"the generators are the same through {said_power(c.same_through, style)}"
    samples = "samples" if any(epochs) else "independent samples"
    meaning = f"for every smooth loss, every law of {samples} and all values of the parameters"
    if c.same_through >= 0:
        lines += _said([f"{same}, {meaning}"], style)
    if c.same_through == c.order:
        return lines
    first = said_power(c.same_through + 1, style)
    others = [f"the {_PARTS[r]} is the same through {said_power(k, style)}" for r, k in c.parts.items()
              if r in _PARTS and k > c.same_through]  # fmt: skip
    lines += _said([f"they differ at {first}{'; ' * bool(others)}{', '.join(others)}:"], style)
    writer = ForestWriter(c.first, style)
    lines += _pairs(c, writer, style)
    explained = meanings(writer) if style.name == "latex" else [legend(c.first, "the list", _phi(style))]
    return [*lines, *_said([*_shown(c.witness, c, style), *explained], style)]


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
    yield f"witness: at {power} the second less the first is {w.value} on {_witnessed(w, style)}"


def _witnessed(w: LawWitness, style: Notation) -> str:
    """The losses, the samples, the test function, the point; in text as they are typed."""
    losses = [f"{name} = {value}" for name, value in w.losses.items()]
    where = [f"{n} = {v}" for n, v in {**w.at, **w.parameters}.items()]
    if style.name == "latex":
        losses, where = ([f"${typed_loss(x, style)}$" for x in texts] for texts in (losses, where))
    test = f"${typed(w.test, style)}$" if style.name == "latex" else w.test
    samples = [w.samples.replace("xi", _xi(style), 1)] if w.samples else []
    return f"{', '.join([*losses, *samples])}, {_phi(style)} = {test} at {', '.join(where)}"


def _xi(style: Notation) -> str:
    return r"$\xi$" if style.name == "latex" else "xi"


def _phi(style: Notation) -> str:
    return {"unicode": "φ", "ascii": "phi", "latex": r"$\varphi$"}[style.name]


# ---------------------------------------------------------------------------------------------- stationary laws


def stationary_lines(s: StationaryLaw, style: Notation) -> Lines:
    latex, names = style.name == "latex", s.names
    h, k, noise, w = (style.symbol(n) for n in names)
    theta, batch = style.symbol("theta"), style.symbol("B")
    title = s.configuration.scheme.title + (f", regime {s.configuration.regime}" if s.configuration.regime else "")
    lines = [] if latex else [f"{title}: stationary law"]
    loss = formula(f"{h} {theta}^2/2", style)
    of = f"of a step's gradient ({formula(f'{_sigma(style)}/{batch}', style)} for a mean over {formula(batch, style)} samples)"
    lines += _said([f"on the loss {loss}, with the variance {formula(noise, style)} {of}:"], style)
    variance = rf"\operatorname{{Var}} {theta}" if latex else f"    Var {theta}"
    lines += _equation(variance, s.variance, style)
    lines += _series(variance, s.series, style)
    temperature = f"{h} {variance.strip()}" if latex else f"    temperature {h} {variance.strip()}"
    lines += _series(temperature, s.temperature, style)
    lines += brief_lines(s.stability, style) if latex else [f"    {line}" for line in brief_lines(s.stability, style)]
    if s.spread is not None and s.spread != s.variance:
        curvatures = f"curvatures of the variance {formula(w, style)} round {formula(h, style)}"
        lines += _said([f"where samples have {curvatures} as well:"], style)
        lines += _closed_or_series(variance, s.spread, s.spread_series, style)
    if s.covariance:
        modes = f"two modes of curvatures {formula(h, style)}, {formula(k, style)}"
        lines += _said([f"{modes} whose errors have the covariance {formula(noise, style)}:"], style)
        lines += _closed_or_series(r"\operatorname{Cov}" if latex else "    Cov", s.covariance, s.covariance_series, style)
    return lines + (_density(s.density, style) if s.density else _said([f"for any loss: {s.no_density}"], style))


def _sigma(style: Notation) -> str:
    return {"unicode": "Σ", "ascii": "Sigma", "latex": r"\Sigma"}[style.name]


def _equation(left: str, value: Ratio, style: Notation) -> Lines:
    right = coefficient_text(value, style)
    return aligned(f"{left} ={{}}&", [right]) if style.name == "latex" else [f"{left} = {right}"]


def _series(left: str, coefficients: Mapping[int, Ratio], style: Notation) -> Lines:
    return _sums(left, [*_powers(coefficients, style), _rest(max(coefficients) + 1, style)], style)


def _closed_or_series(left: str, value: Ratio, series: Mapping[int, Ratio], style: Notation) -> Lines:
    """The closed form where it is short."""
    return _equation(left, value, style) if len(str(value)) <= _SHORT else _series(left, series, style)


def _rest(power: int, style: Notation) -> str:
    gamma = gamma_power(power, style)
    return rf"+ O\left({gamma}\right)" if style.name == "latex" else f"+ O({gamma})"


_SQUARE = r"\left\| \nabla L\right\|^{2}"
_TERMS = {
    "unicode": {"|grad L|^2": "|∇L|^2", "Lap L": "ΔL", "tr Sigma": "tr Σ"},
    "ascii": {},
    "latex": {"|grad L|^2": _SQUARE, "Lap L": r"\Delta L", "tr Sigma": r"\operatorname{tr} \Sigma"},
}
#: pieces of the typed sentences of a reading that are formulas
_FORMULAS = {
    "Sigma grad V_0 - div Sigma": ("Σ ∇V_0 - div Σ", r"\Sigma \nabla V_0 - \operatorname{div} \Sigma"),
    "multiple of I": ("multiple of I", "multiple of $I$"), "H S is": ("H S is", "$H S$ is"),
    "Sigma and H": ("Σ and H", r"$\Sigma$ and $H$"), "where Sigma is": ("where Σ is", r"where $\Sigma$ is"),
    "over d": ("over d", "over $d$"),
    "L = x**2/2 + y**2, L_xi = L + xi*(x + y), E xi**2 = 1": (
        "L = x^2/2 + y^2, L_ξ = L + ξ (x + y), E ξ^2 = 1",
        r"$L = x^2/2 + y^2$, $L_\xi = L + \xi (x + y)$, $\mathbb{E}\, \xi^2 = 1$",
    ),
    "E(theta_2 theta_1' - theta_1 theta_2')/gamma": (
        "E(THETA_2 THETA_1' - THETA_1 THETA_2')/GAMMA",
        r"\mathbb{E} ({THETA}_2 \dot{THETA}_1 - {THETA}_1 \dot{THETA}_2)/GAMMA",
    ),
}


def _typed(text: str, style: Notation) -> str:
    """A sentence of a reading in the notation."""
    for plain, (unicode, latex) in _FORMULAS.items() if style.name != "ascii" else ():
        shown = unicode if style.name == "unicode" else latex if "$" in latex else f"${latex}$"
        text = text.replace(plain, shown)
    return text.replace("GAMMA", style.symbol("gamma")).replace("THETA", style.symbol("theta"))


def _density(d: StationaryDensity, style: Notation) -> Lines:
    latex = style.name == "latex"
    rows = []
    for k, power in enumerate(d.potential):
        for term, c in power.items():
            negative, size = write_coefficient(c, style, gamma_power(k, style))
            rows.append(f"{'-' if negative else '+'} {style.beside([size, _TERMS[style.name].get(term, term)], style.scale)}")
    lines: Lines = []
    if rows:
        v = style.symbol("V")
        density = f"$e^{{-{v}}}$" if latex else f"exp(-{v})"
        lines += _said([f"for any loss the stationary density is {density},"], style)
        lines += _sums(v if latex else f"    {v}", [*rows, _rest(len(d.potential), style)], style)
    return lines + _said([*_balance(d, style)], style)


def _balance(d: StationaryDensity, style: Notation) -> Iterator[str]:
    power, after = (said_power(d.balance_power + k, style) for k in (0, 1))
    if d.curl is not None:
        yield f"detailed balance fails at {power}: {_typed(d.because, style)}"
        yield f"witness: {formula(coefficient_text(d.curl, style), style)} is {_typed(d.example, style)}"
        return
    holds = f"detailed balance holds through {power}, for every smooth loss"
    if d.witness is None:
        yield holds
        return
    top = max(map(len, d.generator.powers[d.balance_power + 1]))
    yield f"{holds}, and fails at {after}: the highest derivative of {_phi(style)} there is of the odd order {top}"
    yield f"witness: it is {d.witness.value} on {_witnessed(d.witness, style)}"


# ---------------------------------------------------------------------------------------------- from rest


def initial_law_lines(s: InitialLaw, style: Notation) -> Lines:
    latex, writer = style.name == "latex", ForestWriter(s.settled, style)
    gamma, x = style.symbol("gamma"), ", ".join(map(style.symbol, s.settled.slow))
    lines = _title(s.settled, "started from rest, in law", style)
    if not any(s.settled.powers):
        return [*lines, *_said([f"the modified law starts at {formula(x, style)} itself: no memory has to settle"], style)]
    when = f"once memory has settled, the law at the time {formula(f'n {gamma}', style)} is the modified law"
    lines += _said([f"{when}, started at random with"], style)
    start = rf"{x}_{{0}}" if latex else f"{x}_0"
    indent = "" if latex else "    "
    mean, covariance = (rf"\operatorname{{{m}}}" if latex else m for m in ("mean", "Cov"))
    rows = [*_rows(s.mean, writer, style)]
    lines += _sums(f"{indent}{mean}", [start, *rows] if rows else [start], style)
    lines += _sums(f"{indent}{covariance}", [*_rows(s.covariance, writer, style)], style)
    if beyond := [*_rows(s.beyond, writer, style)]:
        lines += _said(["and with further cumulants, each over the factorial of its order,"], style)
        lines += _sums(f"{indent}{style.symbol('K')}", beyond, style)
    lines += _said([*_decaying(s, style)], style)
    return lines + _said([*meanings(writer)], style)


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
    yield f"what else there is from {said_power(first, style)} on decays like {factors} or faster"
