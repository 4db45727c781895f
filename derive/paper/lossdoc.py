"""The section on the modified loss, its obstruction, and the preconditioned reading of componentwise schemes."""

from __future__ import annotations

from derive.equation import TermSum
from derive.errors import DeriveError
from derive.export.notation import write_term
from derive.paper.context import Article
from derive.paper.escape import escape
from derive.paper.linebreak import Summand, align, block, rows
from derive.paper.pieces import coefficient_text, gamma_power, summands
from derive.structure.loss import ModifiedLoss, Obstruction, loss_of

MAX_SHOWN = 24  # terms of an asymmetry or a remainder


def loss_reading(article: Article) -> tuple[ModifiedLoss | None, str]:
    """(the modified loss, why there is none)."""
    try:
        return loss_of(article.equation), ""
    except DeriveError as error:
        return None, str(error).partition(": ")[2]


def loss_section(article: Article, loss: ModifiedLoss | None, why: str) -> str:
    """As far as the potential exists, and what stands in the way after that."""
    head = r"\section{The modified loss}"
    if loss is None:
        reason = why or "the field is not of this kind"
        return f"{head}\nNo modified loss is read off here: {escape(reason)}."
    text = [head, r"Is the field a gradient, $\dot\theta = -\nabla V(\theta)$ with $V = V_0 + \step V_1 + \cdots$?"]
    text += _potential(article, loss)
    if loss.preconditioner is not None and loss.preconditioned is not None:
        text.append(r"With the scheme's own elementwise factor $P$ in front, $\dot\theta = -P\had\nabla V$,")
        text.append(align(rows("P", summands(loss.preconditioner, article.style))))
        text += _potential(article, loss.preconditioned)
        for name, limit in loss.limits:
            text.append(rf"In the limit ${_arrow(name)}$:")
            text += _potential(article, limit, brief=True)
    return "\n".join(text)


def _arrow(name: str) -> str:
    return name.replace("eps", r"\varepsilon").replace("->", r"\to").replace("infinity", r"\infty")


def _potential(article: Article, loss: ModifiedLoss, brief: bool = False) -> list[str]:
    text = []
    if loss.potential:
        entries = [(f"V_{{{k}}}", summands(v, article.style)) for k, v in enumerate(loss.potential)]
        text.append(align(block(entries)))
    if loss.obstruction is None:
        text.append(rf"The potential exists through $\step^{{{loss.exists_through}}}$, all that was asked for.")
        return text
    text.append(rf"At $\step^{{{loss.obstruction.power}}}$ there is no potential" + ("." if brief else _reason(loss.obstruction)))
    return text if brief else text + _obstruction(article, loss.obstruction)


def _reason(o: Obstruction) -> str:
    if o.rootings:
        return (
            r": a sum of trees is a gradient for every $L$ exactly when the number $c(\tau)$ = coefficient $\times$ symmetry of "
            r"the tree is the same on all rootings of a free tree, and here it differs,"
        )
    return r": the Jacobian $f'$ of the field is not symmetric,"


def _obstruction(article: Article, o: Obstruction) -> list[str]:
    style, text = article.style, []
    lines: list[str] = []
    for tree, values in o.rootings:
        left = write_term(tree, style)
        pairs = [rf"c\bigl({write_term(t, style)}\bigr) = {coefficient_text(b, style)}" for t, b in values]
        lines += _listed(left, pairs)
    if o.asymmetry:
        lines += _truncated(rf"f_{{{o.power}}}'[u] - (f_{{{o.power}}}')^{{\mathsf T}}u", o.asymmetry, article, 6)
    if lines:
        text.append(align(lines))
    if o.gradient_part and o.remainder:
        text.append(r"What can be written as a gradient is $-\nabla W$, and the rest remains,")
        k = o.power
        lines = rows("W", summands(o.gradient_part, style))
        text.append(align(lines + _truncated(rf"f_{{{k}}} + \nabla W", o.remainder, article, MAX_SHOWN)))
    return text


def _listed(left: str, pairs: list[str]) -> list[str]:
    """free tree: c(...) = ..., c(...) = ... filled into lines."""
    items = [Summand("+", (p + r",\quad",)) for p in pairs[:-1]] + [Summand("+", (pairs[-1],))]
    lines = rows(left, items)
    return [x.replace(r"={}&", r":{}&\quad ", 1).replace(r"\quad + ", r"\quad ").replace("&{}+ ", r"&\quad ") for x in lines]


def _truncated(left: str, total: TermSum, article: Article, limit: int) -> list[str]:
    items = summands(total, article.style)
    lines = rows(left, items[:limit])
    if len(items) > limit:
        lines[-1] += rf" + \cdots\quad\text{{({len(items)} terms)}}"
    return lines


__all__ = ["gamma_power", "loss_reading", "loss_section"]
