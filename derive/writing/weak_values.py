"""The generator of a stochastic optimizer at a point of sample losses: the coefficient of every derivative."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from derive.writing.expression import typed
from derive.writing.latex import fragment, words
from derive.writing.text import header
from derive.writing.weak import weak_style
from derive.writing.weak_words import wrapped

if TYPE_CHECKING:
    from derive.concrete.expectation import Expectation
    from derive.weak_equation import WeakEquation

_HARD = "\xa0"


def values_text(equation: WeakEquation, values: Expectation, ascii_only: bool, letters: Mapping[str, str]) -> str:
    """One row a power of gamma and number of derivatives, wrapped."""
    style = weak_style(equation, "ascii" if ascii_only else "unicode", letters, values.names)
    g, gamma, d = equation.configuration.fresh("G"), style.symbol("gamma"), "d_" if ascii_only else "∂_"
    where = ", ".join(f"{style.renamed(n)} = {x}" for n, x in values.point.items())
    lines = wrapped(header(equation.configuration, style, g + f" at {where}" * bool(where), equation.order), "", "  ")
    for k, power in enumerate(values.values):
        head, rows = f"{gamma}^{k}", dict[int, list[str]]()
        for index, x in power.items():
            names = indexed(index, values.names)
            shown = f"{' '.join(d + style.renamed(n) for n in names)}: {x}"
            rows.setdefault(len(names), []).append(shown.replace(" ", _HARD))
        for row in rows.values() or [["0"]]:
            lines += wrapped(", ".join(row), f"  {head}  ", " " * (len(head) + 4))
            head = " " * len(head)
    return "\n".join(lines).replace(_HARD, " ")


def values_latex(equation: WeakEquation, values: Expectation, letters: Mapping[str, str]) -> str:
    r"""[gamma^k \partial_x^2] G = value."""
    style = weak_style(equation, "latex", letters, values.names)
    gamma, g = style.symbol("gamma"), equation.configuration.fresh("G")
    where = ", ".join(f"${typed(n, style)} = {typed(str(x), style)}$" for n, x in values.point.items())
    means = rf"with $[{gamma}^{{k}}\, \partial]\, {g}$ for the coefficient of ${gamma}^{{k}}\, \partial$ in ${g}$,"
    lines: list[str] = [words(f"at {where}, {means}" if where else means)]
    for k, power in enumerate(values.values):
        for index, x in power.items():
            by = Counter(typed(n, style) for n in indexed(index, values.names))
            partial = "".join(rf"\partial_{{{n}}}" + (f"^{{{e}}}" if e > 1 else "") for n, e in by.items())
            lines.append(rf"[{gamma}^{{{k}}}\, {partial}]\, {g} ={{}}& {typed(x, style)}")
    return fragment(lines)


def indexed(index: str, names: Sequence[str]) -> list[str]:
    """The names in an index.

    >>> indexed("xxy", ["x", "y"]), indexed("eta_x x", ["eta_x", "x"])
    (['x', 'x', 'y'], ['eta_x', 'x'])
    """
    return list(index) if all(len(n) == 1 for n in names) else index.split()
