"""The words of `derive explain`: all readings of one scheme on one screen, or the formulas among them as LaTeX.

Each sentence has its condition: the slow manifold is spoken of where there is memory, a velocity to be matched where the order
of accuracy needs it, a scalar factor where P has no components, further terms where there are some.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.language import Expression, statement_lines, unparse
from derive.result import Blocks
from derive.writing.expression import typed
from derive.writing.formulas import gamma_power, said_power, write_term
from derive.writing.latex import Words, words
from derive.writing.losses import gradient_of, own_symbol
from derive.writing.notation import Notation
from derive.writing.regions import where
from derive.writing.series import greek, one_line, series_lines
from derive.writing.stability import brief_lines
from derive.writing.standing import remembers, transients, where_text
from derive.writing.text import map_lines, pretty, relaxation_text

if TYPE_CHECKING:
    from derive.readings.explain import Explanation, RegimeReading
    from derive.readings.loss import ModifiedLoss

_MATH = "${}$"


def explanation_lines(e: Explanation, style: Notation) -> list[str]:
    """The screen; rows of an align* environment in LaTeX."""
    if style.name == "latex":
        return _latex(e, style)
    reference = e.scheme.reference.partition(";")[0].strip()
    lines = [e.scheme.title + (f" ({reference})" if reference else "")]
    lines += [f"    {line}" for line in _update(e, style)]
    lines += [f"    {style.symbol(name)}: {words}" for name, words in e.scheme.map_words.items()]
    lines += [f"    {line}" for p in e.scheme.definitions.values() for line in map_lines(p, style)]
    for r in e.regimes:
        lines += ["", *_regime_lines(e, r, style)]
    return [*lines, "", *_loss_lines(e, style), *_stability_lines(e, style), *_start_lines(e, style)]


def _update(e: Explanation, style: Notation) -> list[str]:
    """As it is typed; as it is written in a reader's own letters."""
    if not style.letters:
        return e.scheme.update.strip().splitlines()

    def shown(value: Expression) -> str:
        return pretty(value, style, e.scheme.label)

    return statement_lines(e.scheme.statements, lambda a: f"{style.symbol(a.target)} = {shown(a.value)}", shown)


# ---------------------------------------------------------------------------------------------- regimes


def _regime_lines(e: Explanation, r: RegimeReading, style: Notation) -> list[str]:
    regime = e.scheme.regimes.get(r.name)
    title = f"regime {r.name}: {greek(regime.title, style)}" if regime else "equation"
    if substitutions := _substitutions(e, r, style):
        title += f" [{substitutions}]"
    if r.equation is None:
        return [title, f"    none: {r.reason}"]
    lines = [title] + [f"    {place}" for place in [where(r.equation, style)] if place]
    for name, sums in r.series.items():
        lines += ["    " + row for row in series_lines(_left(name, style), sums, style)]
    lines += ["    " + line for line in _accuracy_lines(r, style)]
    return lines + ["    " + relaxation_text(x, style) for x in r.equation.relaxations]


def _substitutions(e: Explanation, r: RegimeReading, style: Notation) -> str:
    regime = e.scheme.regimes.get(r.name)
    return greek(", ".join(f"{n} = {unparse(x)}" for n, x in regime.substitutions.items()), style) if regime else ""


def _left(name: str, style: Notation) -> str:
    variable = name.rstrip("'")
    return style.dot(variable, len(name) - len(variable))


def _accuracy_lines(r: RegimeReading, style: Notation) -> list[str]:
    """To which order the limit is followed, from which start and where; formulas between dollars in LaTeX."""
    assert r.equation is not None
    math = _MATH if style.name == "latex" else "{}"
    exact = f"order {r.accuracy}" if r.accuracy <= r.equation.order else f"order at least {r.accuracy}"
    limit = "(" + math.format(f"{style.symbol('gamma')} = 0") + ")"
    start = "started on the slow manifold, " if remembers(r.equation) else ""
    lines = [f"{start}the iterates follow the limit {limit} to {exact}"]
    if r.matched and r.second is not None:
        velocity = f"{style.symbol(r.second.variable)} = {_open_ended(r.matched, style)}"
        lines[0] += ", if started with the matched velocity " + math.format(velocity)
    if where := where_text(r.conditions, style, math):
        lines[0] += f", {where}"
    return lines


def _open_ended(sums: Blocks, style: Notation) -> str:
    """a + gamma b + O(gamma^2)."""
    rest = f"O({gamma_power(len(sums), style)})"
    return f"{one_line(sums, style)} + {rest}" if any(sums) else rest


# ---------------------------------------------------------------------------------------------- the modified loss


def _loss_lines(e: Explanation, style: Notation) -> list[str]:
    lines = []
    for flow, player, v in e.potentials:
        name = (f"modified loss{_first(e)}" if flow else "of the memoryless map") + _of(player, style)
        if isinstance(v, str):
            lines += [f"{name}: {v}"] if flow else []
            continue
        lines.append(f"{name}: {_potential(v, style, e.order)}")
        inner = v.preconditioned
        if v.preconditioner is not None and inner is not None:
            factor = f"with the {v.factor} factor P = {one_line([v.preconditioner], style)}"
            lines.append(f"    {factor}: {_potential(inner, style, e.order)}")
            lines += [f"    {greek(limit, style)}: {_potential(w, style, e.order)}" for limit, w in v.limits]
    return lines


def _of(player: str, style: Notation) -> str:
    """Whose modified loss it is, where there are players."""
    symbol = style.symbol(player) if player else ""
    return f" of {f'${symbol}$' if style.name == 'latex' else symbol}" if player else ""


def _first(e: Explanation) -> str:
    """Which regime the readings below the equations are about, where there are several."""
    return f", regime {e.regimes[0].name}" if len(e.regimes) > 1 else ""


def _potential(v: ModifiedLoss, style: Notation, order: int) -> str:
    if not v.potential:
        decided = v.obstruction is None or v.obstruction.decided
        no = "is not a gradient for every loss" if decided else "is not shown to be a gradient, nor not to be one"
        return f"none, the limit field {no}"
    shown = one_line(v.potential[: order + 1], style) + (" + ..." if any(v.potential[order + 1 :]) else "")
    if 0 in v.unwritten and not any(v.potential):
        shown = "a function"
    said = _ends(v, style)
    return f"{shown}; {'; '.join(said)}" if said else f"{shown} (through {said_power(v.exists_through, style)})"


def _math(text: str, style: Notation) -> str:
    return (_MATH if style.name == "latex" else "{}").format(text)


def _ends(v: ModifiedLoss, style: Notation) -> list[str]:
    """Powers at which the potential is no sum of terms, and the one at which there is none, or none is known."""
    found = [f"not found as a sum of terms at {said_power(k, style)}, where the field is a gradient" for k in v.unwritten]
    found += [f"only where no component of {_math(write_term(t, style), style)} vanishes" for t in v.divides_by]
    o = v.obstruction
    return found + ([f"{'no gradient' if o.decided else 'not decided'} at {said_power(o.power, style)}"] if o is not None else [])


# ---------------------------------------------------------------------------------------------- stability, start


def _stability_lines(e: Explanation, style: Notation) -> list[str]:
    s = e.stability
    return [f"stability{_first(e)}: {s}"] if isinstance(s, str) else brief_lines(s, style)


def _start_lines(e: Explanation, style: Notation) -> list[str]:
    return [f"from rest{_first(e)}: {_start(e, style)}"]


def _start(e: Explanation, style: Notation) -> str:
    if isinstance(e.layer, str):
        return e.layer
    if not remembers(e.layer.equation):
        return "no transient, the flow starts at the initial point"
    math = _MATH if style.name == "latex" else "{}"
    layer = e.layer
    starts = (f"{style.symbol(x)}_0 + {_open_ended(layer.shifts[x], style)}" for x in layer.unknowns)
    start = ", ".join(math.format(s.replace("+ - ", "- ").replace("+ -", "- ")) for s in starts)
    left_out = transients(e.layer.equation, style, math)
    return f"once {left_out} have decayed, the iterates follow the flow that starts at {start}"


# ---------------------------------------------------------------------------------------------- LaTeX


def _latex(e: Explanation, style: Notation) -> list[str]:
    """The same as displays and the sentences between them, a paragraph a regime and reading."""
    rows: list[str] = []
    for r in e.regimes:
        rows += [*_latex_regime(e, r, style), Words("")]
    rows += [*_latex_loss(e, style), Words("")]
    s = e.stability
    rows += [words(f"stability{_first(e)}: {s}", style)] if isinstance(s, str) else brief_lines(s, style)
    return rows + [words(line, style) for line in _start_lines(e, style)]


def _latex_regime(e: Explanation, r: RegimeReading, style: Notation) -> list[str]:
    title = rf"regime {r.name}" if r.name else "equation"
    regime = e.scheme.regimes.get(r.name)
    meaning = f"{regime.title}, " if regime and regime.title else ""
    settings = [f"${style.symbol(n)} = {typed(unparse(x), style)}$" for n, x in regime.substitutions.items()] if regime else []
    if settings:
        title += f" ({meaning}{', '.join(settings)})"
    if r.equation is None:
        return [words(f"{title}: none, {r.reason}", style)]
    rows: list[str] = [words(", ".join(x for x in (title, where(r.equation, style, _MATH)) if x), style)]
    for name, sums in r.series.items():
        rows += series_lines(_left(name, style), sums, style)
    relaxations = [relaxation_text(x, style, _MATH) for x in r.equation.relaxations]
    return rows + [words(line, style) for line in (*_accuracy_lines(r, style), *relaxations)]


def _latex_loss(e: Explanation, style: Notation) -> list[str]:
    rows: list[str] = []
    gamma = style.symbol("gamma")
    for flow, player, v in e.potentials:
        x = style.symbol(player or "theta")
        name = (f"modified loss{_first(e)}" if flow else "modified loss of the memoryless map") + _of(player, style)
        left = f"{style.dot(player or 'theta')} = -" if flow else rf"{x}{style.following} = {x} - {gamma}\,"
        if isinstance(v, str):
            rows += [words(f"{name}: {v}", style)] if flow else []
            continue
        rows += _latex_potential(name, left, v, style)
        if v.preconditioner is not None and v.preconditioned is not None:
            rows.append(words(f"with the {v.factor} factor", style))
            factor = style.symbol("P")
            rows += series_lines(factor, [v.preconditioner], style)
            times = rf"{factor}\," if v.factor == "scalar" else rf"{factor} \odot "
            rows += _latex_potential("", left + times, v.preconditioned, style)
            for limit, w in v.limits:
                parameter, _, end = limit.split(" ")
                arrow = rf"{style.symbol(parameter)} \to {end.replace('infinity', chr(92) + 'infty')}"
                rows += _latex_potential(f"in the limit ${arrow}$", "", w, style)
    return rows


def _latex_potential(name: str, left: str, v: ModifiedLoss, style: Notation) -> list[str]:
    """'name: theta' = -grad V', V, and where it ends."""
    meaning = f"${left} {gradient_of(v, 'V', style)}$" if left else ""
    head = ": ".join(x for x in (name, meaning) if x)
    if not v.potential:
        return [words(f"{head}: none, the limit field is not a gradient for every loss", style)]
    rows: list[str] = [words(head + " with", style)] if head else []
    rows += series_lines(own_symbol(v, "V", style), v.potential, style)
    ends = _ends(v, style) or [f"a potential through {said_power(v.exists_through, style)}"]
    return [*rows, words("; ".join(ends), style)]
