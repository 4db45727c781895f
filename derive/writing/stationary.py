"""Stationary laws as text and LaTeX."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from derive.algebra.coefficients import Ratio
from derive.writing.formulas import coefficient_text, gamma_power, said_power, write_coefficient
from derive.writing.latex import aligned
from derive.writing.laws import phi, sentences, sum_lines, witness_text
from derive.writing.notation import Notation
from derive.writing.readings import Lines, formula
from derive.writing.stability import brief_lines

if TYPE_CHECKING:
    from derive.readings.stationary import StationaryLaw
    from derive.readings.stationary_density import StationaryDensity

_SHORT = 110  # characters of a closed form that is printed


def stationary_lines(s: StationaryLaw, style: Notation) -> Lines:
    title = s.configuration.scheme.title + (f", regime {s.configuration.regime}" if s.configuration.regime else "")
    lines = [] if style.name == "latex" else [f"{title}: stationary law"]
    lines += [*_on_quadratic(s, style), *_spread(s, style), *_modes(s, style)]
    return lines + (_density(s.density, style) if s.density else sentences([f"for any loss: {s.no_density}"], style))


def _on_quadratic(s: StationaryLaw, style: Notation) -> Lines:
    """The variance, exact and by powers of gamma, the temperature, and where they hold."""
    h, noise, theta, batch = (style.symbol(n) for n in (s.names.curvature, s.names.noise, "theta", "B"))
    said = f"on the loss {formula(f'{h} {theta}^2/2', style)}"
    if s.names.noise in s.variance.symbols():
        over = f"{formula(f'{_sigma(style)}/{batch}', style)} for a mean over {formula(batch, style)} samples"
        said += f", with the variance {formula(noise, style)} of a step's gradient ({over})"
    variance = _variance(style)
    temperature = f"{h} {variance}" if style.name == "latex" else f"    temperature {h} {variance.strip()}"
    lines = [*sentences([f"{said}:"], style), *_equation(variance, s.variance, style), *_series(variance, s.series, style)]
    lines += _series(temperature, s.temperature, style)
    return lines + [line if style.name == "latex" else f"    {line}" for line in brief_lines(s.stability, style)]


def _spread(s: StationaryLaw, style: Notation) -> Lines:
    """The variance where curvatures are sampled."""
    if s.spread is None or s.spread == s.variance:
        return []
    h, w = (formula(style.symbol(n), style) for n in (s.names.curvature, s.names.spread))
    said = f"where samples have curvatures of the variance {w} round {h} as well, as long as second moments settle:"
    return [*sentences([said], style), *_closed_or_series(_variance(style), s.spread, s.spread_series, style)]


def _modes(s: StationaryLaw, style: Notation) -> Lines:
    if not s.covariance:
        return []
    h, k, noise = (formula(style.symbol(n), style) for n in (s.names.curvature, s.names.other, s.names.noise))
    left = r"\operatorname{Cov}" if style.name == "latex" else "    Cov"
    said = f"two modes of curvatures {h}, {k} whose errors have the covariance {noise}:"
    return [*sentences([said], style), *_closed_or_series(left, s.covariance, s.covariance_series, style)]


def _variance(style: Notation) -> str:
    theta = style.symbol("theta")
    return rf"\operatorname{{Var}} {theta}" if style.name == "latex" else f"    Var {theta}"


def _sigma(style: Notation) -> str:
    return {"unicode": "Σ", "ascii": "Sigma", "latex": r"\Sigma"}[style.name]


def _equation(left: str, value: Ratio, style: Notation) -> Lines:
    right = coefficient_text(value, style)
    return aligned(f"{left} ={{}}&", [right]) if style.name == "latex" else [f"{left} = {right}"]


def _powers(coefficients: Mapping[int, Ratio], style: Notation) -> Iterator[str]:
    """One signed row a power of gamma."""
    for k, c in coefficients.items():
        if c:
            negative, size = write_coefficient(c, style, gamma_power(k, style))
            yield f"{'-' if negative else '+'} {size or '1'}"


def _series(left: str, coefficients: Mapping[int, Ratio], style: Notation) -> Lines:
    return sum_lines(left, [*_powers(coefficients, style), _rest(max(coefficients) + 1, style)], style)


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
        lines += sentences([f"for any loss the stationary density is {density},"], style)
        lines += sum_lines(v if latex else f"    {v}", [*rows, _rest(len(d.potential), style)], style)
    return lines + sentences([*_balance(d, style)], style)


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
    yield f"{holds}, and fails at {after}: the highest derivative of {phi(style)} there is of the odd order {top}"
    yield f"witness: it is {d.witness.value} on {witness_text(d.witness, style)}"
