"""Where the equation holds and from which start it is followed: the slow manifold, the transients beside it, its conditions.

Each sentence has its condition: without memory there is no slow manifold to speak of, and nothing to wait for.
"""

from __future__ import annotations

from derive.errors import DeriveError
from derive.paper.context import Article
from derive.paper.pieces import gamma_power, series_summands
from derive.readings.initial_layer import InitialLayer, initial_layer
from derive.writing.formulas import coefficient_text
from derive.writing.latex import align
from derive.writing.linebreak import Summand, rows
from derive.writing.prose import prose
from derive.writing.standing import remembers, transients, where_text

MATH = "${}$"
_ORDER = 1  # of the layer that is written out


def started(article: Article) -> str:
    """'started on the slow manifold, ' where there is memory."""
    return "started on the slow manifold (Section~\\ref{sec:start}), " if remembers(article.equation) else ""


def where(article: Article) -> str:
    """', where S > 0 in every component'; nothing where there is no condition."""
    said = where_text(article.conditions, article.style, MATH)
    return f", {said}" if said else ""


def start_section(article: Article) -> str:
    """Start, transients, conditions."""
    text = [r"\section{From which start, and where}\label{sec:start}", _followed(article)]
    if remembers(article.equation):
        text.append(_beside(article))
    if article.conditions:
        text.append(
            f"The expansion is made near points {where_text(article.conditions, article.style, MATH)}; elsewhere the terms above "
            "are not defined or not smooth."
        )
    return "\n".join(text)


def _followed(article: Article) -> str:
    slow = ", ".join(f"${article.style.symbol(x)}$" for x in article.equation.equations)
    series = (
        rf"The equation is a series in $\step$, in general without a sum: cut after $\step^{{{article.order}}}$,"
        rf" its solution differs from the iterates by $O({gamma_power(article.order + 1)})$ over bounded times."
    )
    if remembers(article.equation):
        return (
            "The equation holds for iterates on the slow manifold, where the memory is the function of the slow variables that"
            f" Section~\\ref{{sec:result}} gives. {series}"
        )
    return f"The state of the scheme consists of {slow} alone: there is no memory, so there are no transients. {series}"


def _beside(article: Article) -> str:
    """What happens off the slow manifold."""
    left_out = transients(article.equation, article.style, MATH)
    if not left_out:
        return (
            "From any other start the first steps differ: memory with factor 0 forgets in finitely many steps, and after them the"
            r" iterates follow the equation from a point that these steps have moved."
        )
    said = f"From any other start the iterates also contain transients, {left_out}, which the equation leaves out."
    return f"{said}\n{_from_rest(article)}"


def _from_rest(article: Article) -> str:
    c = article.equation.configuration
    try:
        layer = initial_layer(c.scheme, _ORDER, regime=c.regime or None, settings=dict(c.settings))
    except DeriveError as error:
        reason = (str(error).partition(": ")[2] or str(error)).partition(";")[0].removeprefix("from rest, ")
        return f"No closed form of them from rest is given here: {prose(reason, article.style)}."
    return _layer(article, layer)


def _layer(article: Article, layer: InitialLayer) -> str:
    """theta_n = flow from the shifted point + transient."""
    style = article.style
    factors = ", ".join(f"${style.symbol(z)} = {_power(coefficient_text(rho, style))}$" for z, rho in layer.factors.items())
    start = series_summands(enumerate(layer.shift), style)
    moving = series_summands(enumerate(layer.transient), style)
    rest = Summand("+", (rf"O({gamma_power(_ORDER + 1)})",))
    theta = style.symbol("theta")
    lines = rows(r"\Theta", [Summand("+", (rf"{theta}_0",)), *start, rest])
    lines += rows(rf"{theta}_{{n}} - \varphi_{{n\step}}(\Theta)", [*moving, rest])
    moved = (
        r"Even where the transients have decayed, the iterates are thus $O(\step)$ away from the solution through"
        rf" ${theta}_0$, to whatever order the equation is taken."
    )
    return f"""They decay where {_decaying(layer, article)}. From rest, with {factors},
the flow $\\varphi_t$ of the modified equation and the shifted starting point $\\Theta$,
{align(lines)}
{moved if any(layer.shift) else ''}"""


def _decaying(layer: InitialLayer, article: Article) -> str:
    return ", ".join(rf"$\abs{{{coefficient_text(rho, article.style)}}} < 1$" for rho in layer.factors.values())


def _power(base: str) -> str:
    """The n-th power of a factor, in parentheses where it is a sum, a product or a quotient."""
    simple = not any(c in base for c in "+-, ") and r"\frac" not in base
    return f"{{{base}}}^{{n}}" if simple else rf"\left({base}\right)^{{n}}"
