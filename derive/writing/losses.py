"""Modified losses as text and LaTeX: the potential of theta, or of every player, and what stands in its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.result import Combination, Equation
from derive.writing.formulas import coefficient_text, said_power, write_term
from derive.writing.notation import Notation
from derive.writing.readings import Lines, conclusion_lines, formula, heading, say, typed_loss, word
from derive.writing.series import one_line, series_lines

if TYPE_CHECKING:
    from derive.readings.loss import ModifiedLoss, ModifiedLosses, Obstruction


def loss_lines(v: ModifiedLoss, style: Notation) -> Lines:
    lines = [*_loss_heading(v.equation, style, "modified loss"), *_descent_lines(v, style)]
    if v.preconditioner is not None and v.preconditioned is not None:
        factor = formula(style.symbol("P"), style)
        lines.append(say(f"with the scheme's own {v.factor} factor {factor}:", style))
        lines.append(_descent(v, style.symbol("P") + (style.scale if v.factor == "scalar" else style.times), style))
        lines += series_lines(style.symbol("P"), [v.preconditioner], style)
        lines += _potential_lines(v.preconditioned, style)
        for name, limit in v.limits:
            lines.append(say(f"in the limit {_arrow(name, style)}:", style))
            if limit.preconditioner is not None:
                lines += series_lines(style.symbol("P"), [limit.preconditioner], style)
            lines += _potential_lines(limit, style, brief=True)
    return lines


def losses_lines(v: ModifiedLosses, style: Notation) -> Lines:
    """Every unknown's own."""
    lines = _loss_heading(v.equation, style, "modified loss" + ("es of the players" if len(v.players) > 1 else ""))
    for own in v.players.values():
        lines += ([""] if len(v.players) > 1 and style.name != "latex" else []) + _descent_lines(own, style)
    for name, special in v.special.items():
        kind = "zero-sum game" if "-" in name else "game of common payoff"
        lines += [] if style.name == "latex" else [""]
        lines.append(say(f"in the {kind} {formula(typed_loss(name, style), style)}:", style))
        for own in special.players.values():
            lines += _potential_lines(own, style, brief=True)
    return lines


def _loss_heading(equation: Equation, style: Notation, what: str) -> Lines:
    return heading(equation, style, f"{what}, {'flow form' if equation.form == 'flow' else 'memoryless map'}")


def _descent_lines(v: ModifiedLoss, style: Notation) -> Lines:
    """theta' = -grad V, V, and where it ends."""
    return ([_descent(v, "", style)] if v.potential or style.name != "latex" else []) + _potential_lines(v, style)


def own_symbol(v: ModifiedLoss, letter: str, style: Notation) -> str:
    """V, or V_x for a player's."""
    symbol = style.symbol(letter)
    if not v.player:
        return symbol
    return f"{symbol}_{{{style.symbol(v.player)}}}" if style.name == "latex" else f"{symbol}_{style.symbol(v.player)}"


def gradient_of(v: ModifiedLoss, letter: str, style: Notation) -> str:
    """grad V, or grad_x V_x."""
    if not v.player:
        return style.derived("L", 0, letter)
    return style.subscripted([style.symbol(v.player)], own_symbol(v, letter, style))


def _descent(v: ModifiedLoss, factor: str, style: Notation) -> str:
    """theta' = -P grad V, or theta+ = theta - gamma P grad V."""
    variable = v.player or "theta"
    theta, gamma, gradient = style.symbol(variable), style.symbol("gamma"), gradient_of(v, "V", style)
    latex = style.name == "latex"
    equals = " ={}& " if latex else " = "
    if v.equation.form == "flow":
        return f"{style.dot(variable)}{equals}-{factor}{gradient}"
    following = theta + (style.following if latex else "+")
    return f"{following}{equals}{theta} - {gamma}{style.scale}{factor}{gradient}"


def _arrow(name: str, style: Notation) -> str:
    """'eps -> infinity' in the notation."""
    parameter, _, end = name.split(" ")
    signs = {"unicode": ("→", "∞"), "latex": (r"\to", r"\infty"), "ascii": ("->", "infinity")}[style.name]
    return formula(f"{style.symbol(parameter)} {signs[0]} {signs[1] if end == 'infinity' else end}", style)


def _potential_lines(v: ModifiedLoss, style: Notation, brief: bool = False) -> Lines:
    lines = series_lines(own_symbol(v, "V", style), v.potential, style) if v.potential else []
    for t in v.divides_by:
        term, symbol = formula(write_term(t, style), style), formula(own_symbol(v, "V", style), style)
        lines.append(say(f"only where no component of {term} vanishes: {symbol} jumps there", style))
    for k in v.unwritten:
        lines.append(
            say(f"at {said_power(k, style)} the field is a gradient, of a function not found as a sum of terms", style)
        )
    if v.obstruction is None:
        return [*lines, say(f"a potential through {said_power(v.exists_through, style)}, all that was asked for", style)]
    if not v.obstruction.decided:
        lines.append(say(f"whether there is a potential at {said_power(v.obstruction.power, style)} is not decided", style))
    else:
        reason = "" if brief else _reason(v.obstruction)
        lines.append(say(f"no potential at {said_power(v.obstruction.power, style)}{reason}", style))
    shown = [] if brief else _obstruction_lines(v, v.obstruction, style)
    return lines + shown + conclusion_lines(v.conclusion, style, "    ")


def _reason(o: Obstruction) -> str:
    if o.rootings:
        return ": c = (coefficient x symmetry) differs between the rootings of one free tree"
    return ": the Jacobian is not symmetric"


def _obstruction_lines(v: ModifiedLoss, o: Obstruction, style: Notation) -> Lines:
    latex = style.name == "latex"
    lines = []
    for tree, values in o.rootings:
        lines.append(say(f"{'' if latex else '    '}free tree {formula(write_term(tree, style), style)}", style))
        for t, b in values:
            term, value = write_term(t, style), coefficient_text(b, style)
            lines.append(rf"c\left({term}\right) ={{}}& {value}" if latex else f"        {term}: c = {value}")
    if o.asymmetry:
        shown = _short(o.asymmetry, style)
        left = o.antisymmetric.replace(f"{o.direction}", style.symbol(o.direction))
        lines.append(f"{left.replace('^T', '^{T}')} ={{}}& {shown}" if latex else f"    {left} = {shown}")
    if o.gradient_part:
        w, of = own_symbol(v, "W", style), f"-grad{f'_{style.symbol(v.player)}' if v.player else ''}"
        if latex:
            lines.append(say(f"the gradient part is ${'-' + gradient_of(v, 'W', style)}$, and the remainder", style))
        lines += series_lines(w if latex else f"    gradient part: {of} of {w}, {w}", [o.gradient_part], style)
    return lines + series_lines(word("remainder", style) if latex else "    remainder", [o.remainder], style)


def _short(total: Combination, style: Notation, limit: int = 4) -> str:
    if len(total) <= limit:
        return one_line([total], style)
    part = Combination(total.algebra, dict(total.algebra.sorted(total.sum)[:limit]))
    more = rf"\cdots \quad \text{{({len(total)} terms)}}" if style.name == "latex" else f"... ({len(total)} terms)"
    return f"{one_line([part], style)} + {more}"
