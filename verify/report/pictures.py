"""The error plot as SVG: one curve a truncation, told apart by colour, marker and dashes; colours come from the page's style."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from html import escape
from math import ceil, floor, inf, log2, log10

from verify.numeric.slopes import SlopeTable
from verify.report.words import power_words

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 560, 360, 62, 14, 12, 44
MARKERS = 5
Point = tuple[float, float]


def runs(table: SlopeTable) -> list[tuple[int, int]]:
    """First and last truncation of each series: truncations with the same errors are one (coefficients that vanish)."""
    found: list[tuple[int, int]] = []
    for k, row in enumerate(table.errors):
        if found and row == table.errors[found[-1][0]]:
            found[-1] = (found[-1][0], k)
        else:
            found.append((k, k))
    return found


def marker(kind: int, x: float, y: float, r: float = 5.0) -> str:
    """A small figure about a point: circle, square, triangle, diamond, cross."""
    match kind % MARKERS:
        case 0:
            return f"M{x - r:.1f} {y:.1f}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0z"
        case 1:
            return f"M{x - r:.1f} {y - r:.1f}h{2 * r}v{2 * r}h{-2 * r}z"
        case 2:
            return f"M{x:.1f} {y - r:.1f}l{r} {2 * r}h{-2 * r}z"
        case 3:
            return f"M{x:.1f} {y - 1.3 * r:.1f}l{r} {1.3 * r}l{-r} {1.3 * r}l{-r} {-1.3 * r}z"
    return f"M{x - r:.1f} {y - r:.1f}l{2 * r} {2 * r}m0 {-2 * r}l{-2 * r} {2 * r}"


def marker_sample(kind: int) -> str:
    """The marker with its line, for a table."""
    shape = f'<path class="mark" d="{marker(kind, 24, 8)}"/>'
    return f'<svg class="sample series s{kind % MARKERS}" viewBox="0 0 48 16" aria-hidden="true"><path d="M0 8H48"/>{shape}</svg>'


def through(run: tuple[int, int]) -> str:
    """'through γ¹', 'through γ¹ to γ²'."""
    first, last = run
    return f"through {power_words(first)}" + (f" to {power_words(last)}" if last > first else "")


def _scale(values: Sequence[float], low: float, high: float) -> Callable[[float], float]:
    bottom, top = min(values), max(values)
    size = (top - bottom) or 1.0
    return lambda v: low + (high - low) * (v - bottom) / size


def error_plot(table: SlopeTable) -> str:
    """The errors of every truncation against gamma, both axes logarithmic; lines have the nearest integer slope."""
    series = [(i, run, _points(table, run[0])) for i, run in enumerate(runs(table))]
    heights = [y for _, _, points in series for _, y in points] or [0.0]
    decades = [float(floor(min(heights))), float(ceil(max(heights)))]
    gammas = [log2(g) for g in table.gammas]
    across, down = _scale([min(gammas) - 0.3, max(gammas) + 0.3], LEFT, WIDTH - RIGHT), _scale(decades, HEIGHT - BOTTOM, TOP)
    parts = [_axes(table, decades, across, down)]
    for i, (first, _), points in series:
        slope = table.slopes[first]
        placed = [(across(x), down(y)) for x, y in points]
        line = "" if slope is None or not points else _reference(points, round(slope), across, down)
        marks = "".join(marker(i, x, y) for x, y in placed)
        parts.append(f'<g class="series s{i % MARKERS}"><path d="{line}"/><path class="mark" d="{marks}"/></g>')
    words = "; ".join(f"{through(run)}: {slope_words(table, run[0])}" for _, run, _ in series)
    label = escape(f"Error at time {table.time} against the step gamma. {words}.", quote=True)
    return f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def step_text(g: Fraction) -> str:
    """A power of two as such.

    >>> step_text(Fraction(1, 4096)), step_text(Fraction(1, 2)), step_text(Fraction(3, 40))
    ('2⁻¹²', '1/2', '3/40')
    """
    k = g.denominator.bit_length() - 1
    return f"2⁻{power_words(k)[1:]}" if g.numerator == 1 and g.denominator == 2**k and k > 1 else str(g)


def slope_words(table: SlopeTable, k: int) -> str:
    """'slope 2.0000 (expected 2)'."""
    slope = table.slopes[k]
    if slope is None:
        return "no error to the working precision"
    return f"slope {slope:.4f} (expected {expected(table, k)})"


def expected(table: SlopeTable, k: int) -> str:
    """The slope the field claims; 'at least' where the field vanishes beyond k as far as it is known."""
    wanted = table.expected[k]
    open_ended = wanted == len(table.slopes) and wanted > k + 1
    return f"at least {wanted}" if open_ended else str(wanted)


def _points(table: SlopeTable, k: int) -> list[Point]:
    return [(log2(g), log10(e)) for g, e in zip(table.gammas, table.errors[k], strict=True) if 0 < e < inf]


def _reference(points: Sequence[Point], slope: int, across: Callable[[float], float], down: Callable[[float], float]) -> str:
    x, y = points[-1]
    ends = [(u, y + slope * (u - x) * log10(2)) for u, _ in (points[0], points[-1])]
    return "M" + "L".join(f"{across(u):.1f} {down(v):.1f}" for u, v in ends)


def _axes(table: SlopeTable, decades: Sequence[float], across: Callable[[float], float], down: Callable[[float], float]) -> str:
    parts = []
    for g in table.gammas:
        x = across(log2(g))
        parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{escape(step_text(g))}</text>')
    gap = max(1, ceil((decades[1] - decades[0]) / 8))
    for power in range(int(decades[0]), int(decades[1]) + 1, gap):
        y = down(power)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">1e{power}</text>')
    parts.append(f'<text class="name" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">step γ</text>')
    parts.append(f'<text class="name" x="{LEFT + 8}" y="{TOP + 14}">error</text>')
    return f'<g class="axes">{"".join(parts)}</g>'


__all__ = ["error_plot", "expected", "marker", "marker_sample", "runs", "slope_words", "through"]
