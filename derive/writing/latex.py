"""A modified equation as LaTeX that compiles under amsmath as it stands."""

from __future__ import annotations

from derive.result import Combination, Equation
from derive.writing.notation import LATEX, Notation, settled, write_coefficient, write_term


def equation_latex(equation: Equation, show_memory: bool = False) -> str:
    """An align* environment; one row a term, so that no row outgrows the margin at the orders people print.

    >>> from derive import modified_equation
    >>> print(modified_equation("gd", order=1).latex())
    \\begin{align*}
    \\dot{\\theta} ={}& - \\nabla L\\\\
    &{}- \\frac{\\gamma}{2}\\, \\nabla^{2} L\\left[\\nabla L\\right]
    \\end{align*}
    """
    rows: list[str] = []
    style = LATEX.knowing(equation.configuration.functions)
    for variable, sums in equation.equations.items():
        symbol = style.symbol(variable)
        flow = equation.form == "flow"
        left = rf"\dot{{{symbol}}} ={{}}&" if flow else rf"{symbol}^{{+}} ={{}}& {symbol}"
        rows += _rows(left, sums, 0 if flow else 1, style)
    if show_memory:
        for variable, sums in equation.memory.items():
            rows += _rows(rf"{style.symbol(variable)} ={{}}&", sums, 0, style)
    return "\\begin{align*}\n" + "\\\\\n".join(rows) + "\n\\end{align*}"


def gamma_power(k: int) -> str:
    return "" if k == 0 else r"\gamma" if k == 1 else rf"\gamma^{{{k}}}"


def _rows(left: str, sums: tuple[Combination, ...], first_power: int, style: Notation) -> list[str]:
    """One row a term; first_power is 1 for the map theta+ = theta + gamma m_0 + gamma^2 m_1 + ..."""
    rows: list[str] = []
    for k, total in enumerate(sums, first_power):
        for pair in total:
            coefficient, term = settled(*pair)
            negative, text = write_coefficient(coefficient, style, gamma_power(k))
            body = r"\, ".join(x for x in (text, write_term(term, style) if term.factors else "") if x) or "1"
            sign = "-" if negative else "+" if rows or first_power else ""
            rows.append(f"&{{}}{sign} {body}" if rows else f"{left} {sign} {body}".replace("  ", " "))
    return rows or [left if first_power else f"{left} 0"]
