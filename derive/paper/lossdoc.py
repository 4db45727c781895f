"""The section on the modified loss, its obstruction, and the preconditioned reading of componentwise schemes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from derive.algebra.coefficients import Ratio
from derive.equation import TermSum
from derive.errors import DeriveError
from derive.paper.context import Article
from derive.paper.pieces import coefficient_chunks, gamma_power, series_summands, summands
from derive.readings.loss import ModifiedLoss, Obstruction, loss_of
from derive.readings.second_order import second_order_form
from derive.writing.escape import escape
from derive.writing.formulas import coefficient_text, write_term
from derive.writing.latex import align
from derive.writing.linebreak import Entry, Summand, block, rows
from derive.writing.notation import Notation

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
    second = _second_order(article) if loss is None else ""
    if second:
        return second
    if loss is None:
        reason = why.partition(";")[0] or "the field is not of this kind"
        return f"{head}\nNo modified loss is read off here: {escape(reason)}."
    flow = article.style.dot("theta")
    text = [head, rf"Is the field a gradient, ${flow} = -\nabla V({article.point})$ with $V = V_0 + \step V_1 + \cdots$?"]
    text += _potential(article, loss)
    if loss.preconditioner is not None and loss.preconditioned is not None:
        times = r"\," if loss.factor == "scalar" else r"\had"
        split = rf"${flow} = P{times}(h_0+\step h_1+\cdots)$"
        text.append(rf"With the scheme's own {loss.factor} factor $P$ in front, {split} and $h=-\nabla V$,")
        text += _potential(article, loss.preconditioned, "h", first=[("P", summands(loss.preconditioner, article.style))])
        for name, limit in loss.limits:
            text.append(rf"\par\noindent In the limit ${_arrow(name, article.style)}$,")
            text += _potential(article, limit, "")
    return "\n".join(text)


def _second_order(article: Article) -> str:
    """theta'' = ... for a pair (theta, velocity); empty where there is no such pair."""
    try:
        form = second_order_form(article.equation)
    except DeriveError:
        return ""
    style = _with_velocity(article.style, form.derivative)
    entries = [(f"F_{{{k}}}", summands(s, style)) for k, s in enumerate(form.terms)]
    velocity = style.symbol(form.variable)
    known = form.velocity[:2]
    rest = Summand("+", (rf"O({gamma_power(len(known))})",))
    value = rows(velocity, [*series_summands(enumerate(known), style), rest])
    powers = " + ".join(f"{gamma_power(k)} F_{{{k}}}".strip() for k in range(len(form.terms)))
    return rf"""\section{{The equation of second order}}
With two slow variables the equation is no gradient flow in ${article.point}$ alone. Eliminating ${velocity}$ by means of the
first equation, solved for it as
{align(value)}
gives ${article.style.dot("theta", 2)} = {powers} + O(\step^{{{len(form.terms)}}})$ with
{align(block(entries))}"""


def _with_velocity(style: Notation, velocity: str) -> Notation:
    """The velocity of second-order forms is written as the derivative of theta."""
    letter, moving = style.letter, style.dot("theta")
    changed = replace(style, letter=lambda name: moving if name == velocity else letter(name))
    return replace(changed, nested=replace(style.nested, letter=changed.letter) if style.nested else None)


def _arrow(name: str, style: Notation) -> str:
    parameter, _, end = name.split(" ")
    return rf"{style.symbol(parameter)} \to {end.replace('infinity', chr(92) + 'infty')}"


def _potential(article: Article, loss: ModifiedLoss, field: str = "f", first: Sequence[Entry] = ()) -> list[str]:
    """V as far as it exists, and why not further; without a name for the field, that it ends."""
    text = []
    if loss.potential or first:
        known = [(f"V_{{{k}}}", summands(v, article.style)) for k, v in enumerate(loss.potential) if k not in loss.unwritten]
        if first or known:
            text.append(align(block([*first, *known])))
    for k in loss.unwritten:
        text.append(rf"At $\step^{{{k}}}$ the field is a gradient, but $V_{{{k}}}$ was not found as a sum of terms.")
    if loss.obstruction is None:
        text.append(rf"The potential exists through $\step^{{{loss.exists_through}}}$, all that was asked for.")
        return text
    if not loss.obstruction.decided:
        text.append(rf"Whether there is a potential at $\step^{{{loss.obstruction.power}}}$ is not decided.")
        return text
    reason = _reason(article, loss.obstruction) if field else "."
    text.append(rf"At $\step^{{{loss.obstruction.power}}}$ there is no potential{reason}")
    return text + _obstruction(article, loss.obstruction, field) if field else text


def _reason(article: Article, o: Obstruction) -> str:
    if o.rootings:
        return (
            rf": a sum of trees is a gradient for every ${article.loss}$ exactly when the number $c(\tau)$ = coefficient $\times$"
            " symmetry of the tree is the same on all rootings of a free tree, and here it differs,"
        )
    return ": the Jacobian is not symmetric,"


def _obstruction(article: Article, o: Obstruction, field: str) -> list[str]:
    style, text = article.style, []
    u = style.symbol(o.direction)
    lines: list[str] = []
    for tree, values in o.rootings:
        left = write_term(tree, style)
        lines += _listed(left, [_value(write_term(t, style), b, style) for t, b in values])
    if o.asymmetry:
        lines += _truncated(rf"{field}_{{{o.power}}}'[{u}] - ({field}_{{{o.power}}}')^{{\mathsf T}}{u}", o.asymmetry, article, 6)
    if lines:
        text.append(align(lines))
    if o.gradient_part and o.remainder:
        rest = f"the rest is no gradient for every ${article.loss}$"
        text.append(rf"With the following $W$, one of many, $-\nabla W$ is a gradient, and {rest},")
        before: Entry = ("W", summands(o.gradient_part, style))
        text.append(align(_truncated(rf"{field}_{{{o.power}}} + \nabla W", o.remainder, article, MAX_SHOWN, before)))
    return text


def _value(term: str, b: Ratio, style: Notation) -> Summand:
    """c(term) = b, which may be broken inside b."""
    text = coefficient_text(b, style)
    head = rf"c\bigl({term}\bigr) = "
    sign = "-" if text.startswith("-") else ""
    return Summand("+", (head + sign, *coefficient_chunks(b, style, "")), head + text)


def _listed(left: str, items: list[Summand]) -> list[str]:
    """free tree: c(...) = ..., c(...) = ... filled into lines."""
    lines = rows(left, [*(Summand("+", (*s.chunks, r",\quad"), s.whole + r",\quad") for s in items[:-1]), items[-1]])
    return [x.replace(r"={}&", r":{}&\quad ", 1).replace(r"\quad + ", r"\quad ").replace("&{}+ ", r"&\quad ") for x in lines]


def _truncated(left: str, total: TermSum, article: Article, limit: int, *before: Entry) -> list[str]:
    """Rows of a sum, after other entries of the same block; of a long one the first terms and how many there are."""
    items = summands(total, article.style)
    lines = block([*before, (left, items[:limit])])
    if len(items) > limit:
        lines[-1] += rf" + \cdots\quad\text{{({len(items)} terms)}}"
    return lines


__all__ = ["gamma_power", "loss_reading", "loss_section"]
