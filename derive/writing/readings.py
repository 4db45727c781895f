"""Readings as text and LaTeX: one function a reading, (reading, style) -> lines.

LaTeX lines are rows of one align* environment; text that belongs to them is written with \\text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.algebra.coefficients import Ratio
from derive.algebra.factored import unwrapped
from derive.result import Combination, Equation
from derive.writing.formulas import coefficient_text, said_power, write_term
from derive.writing.notation import Notation
from derive.writing.series import greek, one_line, series_lines

if TYPE_CHECKING:
    from derive.readings.accuracy import Accuracy
    from derive.readings.compare import Comparison
    from derive.readings.conclusion import Conclusion
    from derive.readings.energy import ModifiedEnergy
    from derive.readings.initial_layer import InitialLayer
    from derive.readings.loss import ModifiedLoss, Obstruction
    from derive.readings.modifying import Modifying
    from derive.readings.second_order import SecondOrder

Lines = list[str]
_IN_TEXT = str.maketrans({"_": r"\_", "^": r"\^{}", "<": r"\textless{}", ">": r"\textgreater{}"})


def heading(equation: Equation, style: Notation, what: str) -> Lines:
    """Scheme, regime and what is read; nothing in LaTeX."""
    if style.name == "latex":
        return []
    c = equation.configuration
    regime = f", regime {c.regime}" if c.regime else ""
    return [f"{equation.scheme.title}{regime}: {what}"]


def say(text: str, style: Notation) -> str:
    """A sentence; in LaTeX a row of text, with formulas between dollars."""
    if style.name != "latex":
        return text
    parts = text.split("$")
    return rf"&\text{{{'$'.join(p if i % 2 else p.translate(_IN_TEXT) for i, p in enumerate(parts))}}}"


def _word(word: str, style: Notation) -> str:
    return rf"\text{{{word}}}" if style.name == "latex" else word


def _gamma(style: Notation) -> str:
    return r"$\gamma$" if style.name == "latex" else style.symbol("gamma")


def _theta(style: Notation) -> tuple[str, str, str]:
    """theta', theta'', gradient sign."""
    if style.name == "latex":
        return r"\dot{\theta}", r"\ddot{\theta}", r"\nabla"
    name = style.symbol("theta")
    return f"{name}'", f"{name}''", "∇" if style.name == "unicode" else "grad "


# ---------------------------------------------------------------------------------------------- what is a theorem


def conclusion_lines(c: Conclusion, style: Notation, indent: str = "") -> Lines:
    """What a verdict rests on; names, losses and points as they are typed."""
    lines = []
    if c.verdict == "none exists":
        lines.append(f"none exists among {c.complete_over}")
        lines.append(f"because {c.because}")
    elif c.verdict == "none found":
        lines.append(f"none found among {c.searched}; whether one exists elsewhere is not said")
    elif c.verdict == "undecided":
        lines.append(f"undecided: {c.because}")
    if c.witness is not None:
        where = ", ".join(f"{n} = {v}" for n, v in {**c.witness.at, **c.witness.parameters}.items())
        lines.append(f"witness: {c.quantity} is {c.witness.value} on {c.witness.loss} at {where}")
    if c.for_parameters != "all in their ranges":
        lines.append(f"for the parameters: {c.for_parameters}")
    return [say(indent + line, style) for line in lines]


# ---------------------------------------------------------------------------------------------- modified loss


def loss_lines(v: ModifiedLoss, style: Notation) -> Lines:
    first, _, nabla = _theta(style)
    flow = v.equation.form == "flow"
    lines = heading(v.equation, style, f"modified loss, {'flow form' if flow else 'memoryless map'}")
    theta, gamma = style.symbol("theta"), style.symbol("gamma")
    if style.name == "latex":
        left = r"\dot{\theta} ={}& -" if flow else r"\theta^{+} ={}& \theta - \gamma\, "
    else:
        left = f"{first} = -" if flow else f"{theta}+ = {theta} - {gamma} "
    if v.potential or style.name != "latex":
        lines.append(f"{left}{nabla} V" if style.name == "latex" else f"{left}{nabla}V")
    lines += _potential_lines(v, style)
    if v.preconditioner is not None and v.preconditioned is not None:
        lines.append(say(f"with the scheme's own {v.factor} factor P:", style))
        if style.name == "latex":
            lines.append(f"{left}P {'' if v.factor == 'scalar' else chr(92) + 'odot '}{nabla} V")
        else:
            times = "" if v.factor == "scalar" else "⊙ " if style.name == "unicode" else "* "
            lines.append(f"{left}P {times}{nabla}V")
        lines += series_lines("P", [v.preconditioner], style)
        lines += _potential_lines(v.preconditioned, style)
        for name, limit in v.limits:
            lines.append(say(f"in the limit {_arrow(name, style)}:", style))
            lines += _potential_lines(limit, style, brief=True)
    return lines


def _arrow(name: str, style: Notation) -> str:
    """'eps -> infinity' in the notation."""
    parameter, _, end = name.split(" ")
    signs = {"unicode": ("→", "∞"), "latex": (r"$\to$", r"$\infty$"), "ascii": ("->", "infinity")}[style.name]
    symbol = f"${style.symbol(parameter)}$" if style.name == "latex" else style.symbol(parameter)
    return f"{symbol} {signs[0]} {signs[1] if end == 'infinity' else end}"


def _potential_lines(v: ModifiedLoss, style: Notation, brief: bool = False) -> Lines:
    lines = series_lines("V", v.potential, style) if v.potential else []
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
    shown = [] if brief else _obstruction_lines(v.obstruction, style)
    return lines + shown + conclusion_lines(v.conclusion, style, "    ")


def _reason(o: Obstruction) -> str:
    if o.rootings:
        return ": b = (coefficient x symmetry) differs between the rootings of one free tree"
    return ": the Jacobian is not symmetric"


def _obstruction_lines(o: Obstruction, style: Notation) -> Lines:
    latex = style.name == "latex"
    lines = []
    for tree, values in o.rootings:
        if latex:
            shown = r",\quad ".join(rf"b\left({write_term(t, style)}\right) = {coefficient_text(b, style)}" for t, b in values)
            lines.append(f"&{write_term(tree, style)}:\\quad {shown}")
        else:
            lines.append(f"    free tree {write_term(tree, style)}")
            lines += [f"        {write_term(t, style)}: b = {coefficient_text(b, style)}" for t, b in values]
    if o.asymmetry and not latex:
        u = style.symbol(o.direction)
        lines.append(f"    DF[{u}] - DF^T {u} = {_short(o.asymmetry, style)}")
    if o.gradient_part:
        lines += series_lines("W" if latex else "    gradient part: -grad of W, W", [o.gradient_part], style)
    if not latex:
        lines += series_lines("    remainder", [o.remainder], style)
    return lines


def _short(total: Combination, style: Notation, limit: int = 4) -> str:
    if len(total) <= limit:
        return one_line([total], style)
    part = Combination(total.algebra, dict(total.algebra.sorted(total.sum)[:limit]))
    return f"{one_line([part], style)} + ... ({len(total)} terms)"


# ---------------------------------------------------------------------------------------------- the other readings


def second_order_lines(s: SecondOrder, style: Notation) -> Lines:
    _, second, _ = _theta(style)
    lines = heading(s.equation, style, f"second-order form, the velocity {style.symbol(s.variable)} eliminated")
    lines += series_lines(second, s.terms, style)
    if style.name != "latex":
        lines.append("where the scheme's velocity is")
    return lines + series_lines(style.symbol(s.variable), s.velocity, style)


def accuracy_lines(a: Accuracy, style: Notation) -> Lines:
    target = a.target if style.name != "latex" else rf"\mathtt{{{a.target.replace('_', chr(92) + '_')}}}"
    lines = heading(a.equation, style, f"accuracy for {greek(target, style)}" + ("" if "=" in a.target else " = 0"))
    if a.exact_through is not None:
        return [*lines, say(f"no defect through {said_power(a.exact_through, style)}: order at least {a.order}", style)]
    decided = a.conclusion.verdict == "exists"
    divided = f", divided by {said_power(a.lead, style) if a.lead != 1 else _gamma(style)}," if a.lead else ""
    order = f"order {a.order}" if decided else f"order at least {a.order}"
    lines.append(say(f"{order}; on the modified flow the target's expression{divided} is", style))
    lines += series_lines(_word("defect", style), {a.order: a.defect}, style)
    return lines + conclusion_lines(a.conclusion, style)


def energy_lines(e: ModifiedEnergy, style: Notation) -> Lines:
    lines = heading(e.equation, style, "modified energy")
    lines += series_lines("E", e.energy, style)
    damping = _without_friction(e, style)
    order = len(e.rate) - 1
    if len(e.energy) <= order:
        lines.append(say(f"no energy conserved{damping} at {said_power(len(e.energy), style)}:", style))
        lines += conclusion_lines(e.conclusion, style, "    ")
    elif e.undamped:
        kind = "a Hamiltonian: " if e.hamiltonian else ""
        said = f"{kind}conserved by the modified flow{damping}: dE/dt = 0 identically through {said_power(order, style)}"
        lines.append(say(said, style))
    if any(e.rate):
        lines += series_lines(r"\dot{E}" if style.name == "latex" else "dE/dt", e.rate, style)
    return lines


def _without_friction(e: ModifiedEnergy, style: Notation) -> str:
    if not e.damping:
        return ""
    symbol = style.symbol(e.damping)
    latex = style.name == "latex"
    if not e.held:
        return f" without damping ({f'${symbol}$' if latex else symbol} = 0)"
    arrow = {"unicode": "→", "latex": r"\to", "ascii": "->"}[style.name]
    limit = f"{symbol} {arrow} 0"
    return f" without damping ({f'${limit}$' if latex else limit} with the force held fixed)"


def modifying_lines(m: Modifying, style: Notation) -> Lines:
    latex = style.name == "latex"
    label = "-grad L" if m.equation.scheme.label == "L" else "f"
    lines = heading(m.equation, style, f"the field to hand to the scheme in place of {label}")
    lines += series_lines(r"\tilde{f}" if latex else "f~", m.field, style)
    if m.loss and m.equation.scheme.label == "L":
        whole = len(m.loss) == len(m.field)
        if not latex:
            through = "" if whole else f" through {said_power(len(m.loss) - 1, style)} only"
            lines.append(f"which is -grad of a corrected loss{through}:")
        lines += series_lines(r"\tilde{L}" if latex else "L~", m.loss, style)
    if not latex:
        limit = f"{_theta(style)[0]} = {one_line([m.limit], style)}"
        lines.append(f"the scheme then follows {limit} through {said_power(len(m.field) - 1, style)} (checked)")
    return lines


def initial_layer_lines(s: InitialLayer, style: Notation) -> Lines:
    latex = style.name == "latex"
    lines = heading(s.equation, style, "started from rest")
    if not latex:
        lines.append("the modified flow starts at")
    sign = "= " if not latex else "={}& "
    for variable, shift in s.shifts.items():
        if variable != "theta" and not any(shift):
            continue
        x = style.symbol(variable)
        start = f"{{{x}}}_0" if latex and "_" in x else f"{x}_0"
        first, *rest = series_lines(f"{x}(0)", shift, style)
        lines += [first.replace(sign, f"{sign}{start} + ", 1).replace("+ - ", "- ").replace("_0 + 0", "_0"), *rest]
    moving = {x: t for x, t in s.transients.items() if any(t)}
    if moving:
        factors = ((name, _base(rho, style)) for name, rho in s.factors.items())
        legend = ", ".join(f"${name} = {rho}^n$" if latex else f"{name} = {rho}^n" for name, rho in factors)
        lines.append(say(f"and to it the iterates add, with {legend},", style))
    for variable, transient in moving.items():
        x = style.symbol(variable)
        left = rf"{x}_n - {x}(n\gamma)" if latex else f"{x}_n - {x}(n {style.symbol('gamma')})"
        lines += series_lines(left, transient, style)
    return lines


def _base(rho: Ratio, style: Notation) -> str:
    """Something that can stand under an exponent."""
    text = coefficient_text(rho, style)
    symbols = list(rho.symbols())
    alone = len(symbols) == 1 and rho == rho.ring.symbol(symbols[0])
    return text if alone or text.isalnum() or unwrapped(text) != text else f"({text})"


def comparison_lines(c: Comparison, style: Notation) -> Lines:
    names = [e.scheme.name + (f" ({e.configuration.regime})" if e.configuration.regime else "") for e in (c.first, c.second)]
    form = "second-order forms" if c.second_order else "modified equations"
    lines = [] if style.name == "latex" else [f"{names[0]} against {names[1]}, {form} through {said_power(c.order, style)}"]
    if c.same_through == c.order:
        return [*lines, say(f"the same through {said_power(c.order, style)}", style)]
    if c.same_through >= 0:
        lines.append(say(f"the same through {said_power(c.same_through, style)}; then the second minus the first is", style))
    else:
        lines.append(say("the limits differ; the second minus the first is", style))
    lines += series_lines(_word("difference", style), {c.same_through + 1: c.difference}, style)
    theta = style.symbol("theta")
    if c.same_through < 0 and c.step_ratio is not None:
        step = f"{coefficient_text(c.step_ratio, style)} {style.symbol('gamma')}"
        step = f"${step}$" if style.name == "latex" else step
        lines.append(say(f"with the step {step} in the second: the same through {said_power(c.same_rescaled, style)}", style))
    change = c.change if c.change is not None else c.rescaled_change
    if change is not None:
        if any(change):
            lines.append(say(f"the same through {said_power(c.order, style)} in the variable", style))
            lines += series_lines(f"{theta}_B - {theta}_A", dict(enumerate(change, 1)), style)
        return lines
    reached = max(c.change_through, c.rescaled_through)
    if reached >= 0:
        lines.append(say(f"a change of variables that brings them together at {said_power(reached + 1, style)}:", style))
    else:
        lines.append(say("a change of variables:", style))
    return lines + conclusion_lines(c.conclusion, style, "    ")
