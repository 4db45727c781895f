"""Readings as text and LaTeX: one function a reading, (reading, style) -> lines.

LaTeX lines are rows of align* environments and the sentences between them (`derive.writing.latex.fragment`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from derive.algebra.coefficients import Ratio
from derive.algebra.factored import unwrapped
from derive.language.letters import GREEK
from derive.result import Blocks, Equation
from derive.writing.expression import TypedWriter, typed
from derive.writing.formulas import coefficient_text, rows, said_power
from derive.writing.latex import aligned, words
from derive.writing.notation import Notation
from derive.writing.series import greek, one_line, series_lines

if TYPE_CHECKING:
    from derive.readings.accuracy import Accuracy
    from derive.readings.compare import Comparison
    from derive.readings.conclusion import Conclusion
    from derive.readings.energy import ModifiedEnergy
    from derive.readings.finite_step import FiniteStep
    from derive.readings.initial_layer import InitialLayer
    from derive.readings.modifying import Modifying
    from derive.readings.second_order import SecondOrder
    from derive.readings.witness import Witness

Lines = list[str]
_WRITTEN_OUT = frozenset((*GREEK, "gamma", "theta"))  # in sentences, other names could be words


def heading(equation: Equation, style: Notation, what: str) -> Lines:
    """Scheme, regime and what is read; nothing in LaTeX."""
    if style.name == "latex":
        return []
    c = equation.configuration
    regime = f", regime {c.regime}" if c.regime else ""
    return [f"{equation.scheme.title}{regime}: {what}"]


def say(text: str, style: Notation) -> str:
    """A sentence; in LaTeX what stands between dollars is a formula."""
    return words(text, style) if style.name == "latex" else text


def formula(text: str, style: Notation) -> str:
    """A formula in a sentence."""
    return f"${text}$" if style.name == "latex" else text


def word(word: str, style: Notation) -> str:
    return rf"\text{{{word}}}" if style.name == "latex" else word


def _gamma(style: Notation) -> str:
    return formula(style.symbol("gamma"), style)


# ---------------------------------------------------------------------------------------------- what is a theorem


def conclusion_lines(c: Conclusion, style: Notation, indent: str = "") -> Lines:
    """What a verdict rests on; in text, names, losses and points as they are typed."""
    latex = style.name == "latex"
    lines = []
    if c.verdict == "none exists":
        lines += [f"none exists among {c.complete_over}", f"because {c.because}"]
        lines = [", ".join(lines)] if latex else lines
    elif c.verdict == "none found":
        lines.append(f"none found among {c.searched}; whether one exists elsewhere is not said")
    elif c.verdict == "undecided":
        lines.append(f"undecided: {c.because}")
    if c.witness is not None:
        lines.append(_latex_witness(c, c.witness, style) if latex else f"witness: {_witness(c, c.witness, style)}")
    if c.for_parameters != "all in their ranges":
        lines.append(f"for the parameters: {c.for_parameters}")
    return [say(line if latex else indent + _greek_renamed(line, style), style) for line in lines]


def _greek_renamed(text: str, style: Notation) -> str:
    """Names of Greek letters in a typed sentence, in a reader's own letters."""
    return re.sub(r"[A-Za-z]+\d*", lambda m: style.renamed(m[0]) if m[0] in _WRITTEN_OUT else m[0], text)


def _witness(c: Conclusion, w: Witness, style: Notation) -> str:
    where = ", ".join(f"{style.renamed(n)} = {v}" for n, v in {**w.at, **w.parameters}.items())
    return f"{_component(c, w.component)}{c.quantity} is {w.value} on {w.loss} at {where}"


def _component(c: Conclusion, variable: str) -> str:
    """Which number of a vector the witness's value is."""
    return f"component {variable} of " if c.quantity.startswith("D") else ""


def typed_loss(text: str, style: Notation) -> str:
    """An expression, or a declared loss with its own, 'g = -f'."""
    name, equals, value = text.partition("=")
    return f"{style.symbol(name.strip())} = {typed(value.strip(), style)}" if equals else typed(text, style)


def _latex_witness(c: Conclusion, w: Witness, style: Notation) -> str:
    quantity = c.quantity if c.quantity.startswith("the ") else f"${c.quantity}$"
    where = ", ".join(f"${typed(n, style)} = {v}$" for n, v in {**w.at, **w.parameters}.items())
    loss = ", ".join(f"${typed_loss(part, style)}$" for part in w.loss.split(";"))
    return f"witness: {_component(c, f'${typed(w.component, style)}$')}{quantity} is ${w.value}$ on {loss} at {where}"


# ---------------------------------------------------------------------------------------------- the other readings


def second_order_lines(s: SecondOrder, style: Notation) -> Lines:
    lines = heading(s.equation, style, f"second-order form, the velocity {style.symbol(s.variable)} eliminated")
    lines += series_lines(style.dot("theta", 2), s.terms, style)
    lines.append(say("where the scheme's velocity is", style))
    return lines + series_lines(style.symbol(s.variable), s.velocity, style)


def accuracy_lines(a: Accuracy, style: Notation) -> Lines:
    latex = style.name == "latex"
    lines = heading(a.equation, style, f"accuracy for {greek(a.target, style)}" + ("" if "=" in a.target else " = 0"))
    target = f"for ${TypedWriter(style)(a.expression)} = 0$: " if latex else ""
    if a.exact_through is not None:
        return [*lines, say(f"{target}no defect through {said_power(a.exact_through, style)}: order at least {a.order}", style)]
    decided = a.conclusion.verdict == "exists"
    divided = f", divided by {said_power(a.lead, style) if a.lead != 1 else _gamma(style)}," if a.lead else ""
    order = f"order {a.order}" if decided else f"order at least {a.order}"
    lines.append(say(f"{target}{order}; on the modified flow the target's expression{divided} is", style))
    lines += series_lines(word("defect", style), {a.order: a.defect}, style)
    return lines + conclusion_lines(a.conclusion, style)


def energy_lines(e: ModifiedEnergy, style: Notation) -> Lines:
    lines = heading(e.equation, style, "modified energy")
    energy = style.symbol("E")
    lines += series_lines(energy, e.energy, style)
    damping = _without_friction(e, style)
    order = len(e.rate) - 1
    if len(e.energy) <= order:
        lines.append(say(f"no energy conserved{damping} at {said_power(len(e.energy), style)}:", style))
        lines += conclusion_lines(e.conclusion, style, "    ")
    elif e.undamped:
        kind = "a Hamiltonian: " if e.hamiltonian else ""
        rate = formula(f"d{energy}/d{style.symbol('t')} = 0", style)
        said = f"{kind}conserved by the modified flow{damping}: {rate} identically through {said_power(order, style)}"
        lines.append(say(said, style))
    if any(e.rate):
        lines += series_lines(style.dot("E") if style.name == "latex" else f"d{energy}/d{style.symbol('t')}", e.rate, style)
    return lines


def _without_friction(e: ModifiedEnergy, style: Notation) -> str:
    if not e.damping:
        return ""
    symbol = style.symbol(e.damping)
    if not e.held:
        return f" without damping ({formula(f'{symbol} = 0', style)})"
    arrow = {"unicode": "→", "latex": r"\to", "ascii": "->"}[style.name]
    return f" without damping ({formula(f'{symbol} {arrow} 0', style)} with the force held fixed)"


def modifying_lines(m: Modifying, style: Notation) -> Lines:
    latex = style.name == "latex"
    of_loss = m.equation.scheme.label == "L"
    label = ("-grad " if of_loss else "") + style.symbol(m.equation.scheme.label)
    lines = heading(m.equation, style, f"the field to hand to the scheme in place of {label}")
    lines += series_lines(_tilde("f", style), m.field, style)
    if m.loss and of_loss:
        whole = len(m.loss) == len(m.field)
        through = "" if whole else f" through {said_power(len(m.loss) - 1, style)} only"
        gradient = f"${'-' + style.derived('L', 0, 'L')}$" if latex else "-grad"
        lines.append(say(f"which is {'minus the gradient' if latex else gradient} of a corrected loss{through}:", style))
        lines += series_lines(_tilde("L", style), m.loss, style)
    limit = formula(f"{style.dot('theta')} = {one_line([m.limit], style)}", style)
    return [*lines, say(f"the scheme then follows {limit} through {said_power(len(m.field) - 1, style)} (checked)", style)]


def _tilde(name: str, style: Notation) -> str:
    return rf"\tilde{{{style.symbol(name)}}}" if style.name == "latex" else f"{style.symbol(name)}~"


def initial_layer_lines(s: InitialLayer, style: Notation) -> Lines:
    latex = style.name == "latex"
    lines = heading(s.equation, style, "started from rest")
    lines.append(say("the modified flow starts at", style))
    for variable, shift in s.shifts.items():
        if variable in s.unknowns or any(shift):
            lines += _shifted(style.symbol(variable), shift, style)
    moving = {x: t for x, t in s.transients.items() if any(t)}
    n, gamma = style.symbol("n"), style.symbol("gamma")
    if moving:
        lines.append(say(f"and to it the iterates add, with {_powers(s.factors, style)},", style))
    for variable, transient in moving.items():
        x = style.symbol(variable)
        left = rf"{_indexed(x, n, style)} - {x}({n}{style.scale if latex else ' '}{gamma})"
        lines += series_lines(left, transient, style)
    return lines


def finite_step_lines(s: FiniteStep, style: Notation) -> Lines:
    """x_(n+1) - x_n = gamma M_0 + gamma^2 M_1 + ..., and what of it decays with n."""
    n = style.symbol("n") if s.step is None else str(s.step)
    after = f"after {formula(n, style)} steps from rest the next one is"
    lines = heading(s.equation, style, "started from rest")
    lines.append(say(f"{after}, with {_powers(s.factors, style)}," if s.factors else after, style))
    for variable, maps in s.maps.items():
        x, following = style.symbol(variable), str(s.step + 1) if s.step is not None else f"{n}+1"
        index = f"{{{following}}}" if style.name == "latex" else f"({following})" if s.step is None else following
        lines += series_lines(f"{_indexed(x, index, style)} - {_indexed(x, n, style)}", _from_gamma(maps), style)
    for variable, excess in s.excess.items():
        if any(excess):
            which = f" of {formula(style.symbol(variable), style)}" if len(s.maps) > 1 else ""
            lines.append(say(f"which is beyond the step on the slow manifold{which} by", style))
            lines += series_lines(style.symbol("delta") + f"_{n}", _from_gamma(excess), style)
    return lines


def _from_gamma(maps: Blocks) -> Blocks:
    """By powers of gamma: the first map stands at gamma^1."""
    return (type(maps[0])(maps[0].algebra, {}), *maps)


def _powers(factors: Mapping[str, Ratio], style: Notation) -> str:
    """z = beta^n, ..."""
    n = style.symbol("n")
    return ", ".join(formula(f"{style.symbol(name)} = {_base(rho, style)}^{n}", style) for name, rho in factors.items())


def _indexed(x: str, index: str, style: Notation) -> str:
    return f"{{{x}}}_{index}" if style.name == "latex" and "_" in x else f"{x}_{index}"


def _shifted(x: str, shift: Blocks, style: Notation) -> Lines:
    """x(0) = x_0 + shift; without the sum where there is no shift."""
    start = _indexed(x, "0", style)
    shown = rows(shift, style)
    if style.name == "latex":
        return aligned(rf"{x}(0) ={{}}& {start}", shown)
    left = f"{x}(0)"
    first, *rest = shown or [""]
    return [f"{left} = {start} {first}".rstrip(), *(" " * (len(left) + 1) + row for row in rest)]


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
    players = len(c.differences) > 1
    for x, difference in c.differences.items():
        of = f" of {x}'" if players else ""
        lines += series_lines(word(f"difference{of}", style), {c.same_through + 1: difference}, style)
    if c.same_through < 0 and c.step_ratio is not None:
        step = formula(f"{coefficient_text(c.step_ratio, style)} {style.symbol('gamma')}", style)
        lines.append(say(f"with the step {step} in the second: the same through {said_power(c.same_rescaled, style)}", style))
    changes = c.changes if c.changes is not None else c.rescaled_changes
    if changes is not None:
        if any(map(any, changes.values())):
            lines.append(say(f"the same through {said_power(c.order, style)} in the variable{'s' * players}", style))
            for x, change in changes.items():
                symbol = style.symbol(x)
                lines += series_lines(f"{symbol}_B - {symbol}_A", dict(enumerate(change, 1)), style)
        return lines
    reached = max(c.change_through, c.rescaled_through)
    if reached >= 0:
        lines.append(say(f"a change of variables that brings them together at {said_power(reached + 1, style)}:", style))
    else:
        lines.append(say("a change of variables:", style))
    return lines + conclusion_lines(c.conclusion, style, "    ")
