"""A modified equation as terminal text, Unicode or ASCII."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from derive.algebra.coefficients import Ratio
from derive.algebra.fold import within
from derive.language import (
    ONE,
    Call,
    Expression,
    Meaning,
    Name,
    Number,
    Operation,
    Written,
    constant,
    interpret,
    names_of,
    statement_lines,
)
from derive.language.calls import Medium, Partial, call_of, partial_of, write_call
from derive.language.layers import summed_call
from derive.language.letters import GREEK
from derive.language.samples import NORMAL, sample_of
from derive.result import Combination, Equation, Relaxation
from derive.scheme import Configuration, Scheme
from derive.scheme.map_programs import MapProgram
from derive.scheme.names import ahead
from derive.scheme.schedule import Schedule
from derive.writing.formulas import coefficient_text, rows, said_power, series_rows
from derive.writing.matrices import write_matrices
from derive.writing.notation import Notation, norm_over
from derive.writing.regions import where
from derive.writing.series import notation
from derive.writing.standing import map_text, polynomial_text


def equation_text(
    equation: Equation, ascii_only: bool = False, show_memory: bool = False, letters: Mapping[str, str] | None = None
) -> str:
    """The header, the update, the equation of every slow variable, and what was checked."""
    return equations_text([equation], ascii_only, show_memory, letters)


def equations_text(
    equations: Sequence[Equation], ascii_only: bool = False, show_memory: bool = False, letters: Mapping[str, str] | None = None
) -> str:
    """The same of every region of a text with branches, the header and the update once."""
    first = equations[0]
    style = notation("ascii" if ascii_only else "unicode", first, letters=letters)
    dimension = max((_dimension_lines(e, style, show_memory) for e in equations), key=len)
    lines = [_header(first, style), *("    " + line for line in (*update_lines(first.configuration, style), *dimension))]
    for equation in equations:
        lines += _body(equation, style, show_memory)
    return "\n".join(lines)


def _body(equation: Equation, style: Notation, show_memory: bool) -> list[str]:
    """Where the equation holds, the equation, its memory, and what was checked."""
    place = where(equation, style)
    lines = [f"{place}:"] if place else []
    for variable, sums in equation.equations.items():
        lines += _equation_lines(variable, sums, style, equation.form)
    if show_memory:
        lines += _memory_lines(equation, style)
    return lines + _footer(equation, style)


def _greek(text: str, style: Notation) -> str:
    """Names of Greek letters in running text."""
    return re.sub(rf"\b(?:{'|'.join([*GREEK, 'gamma', 'theta'])})\d*\b", lambda m: style.symbol(m.group()), text)


def _header(equation: Equation, style: Notation) -> str:
    form = "flow form" if equation.form == "flow" else "memoryless map"
    return header(equation.configuration, style, form, equation.order + (equation.form == "map") * style.root)


def header(c: Configuration, style: Notation, what: str, order: int) -> str:
    """The scheme, its regime, and what follows."""
    reference = c.scheme.reference.partition(";")[0].strip()
    parts = [c.scheme.title + (f" ({reference})" if reference else "")]
    if c.regime:
        parts.append(f"regime {c.regime}" + (f": {_greek(c.title, style)}" if c.title else ""))
    return ", ".join([*parts, what, f"through {said_power(order, style)}"])


def update_lines(c: Configuration, style: Notation) -> list[str]:
    """The update as people write it, with what its names stand for."""
    bound = {n: e for n, e in c.bindings.items() if e != Name(n)}

    def typed(e: Expression) -> str:
        return pretty(_with_values(e, bound), style, c.scheme.label)

    lines = statement_lines(c.scheme.whole.written, lambda a: f"{style.symbol(a.target)} = {typed(a.value)}", typed)
    lines += [f"with {style.symbol(n)} = {typed(e)} {when}" for n, e, when in _eliminations(c.scheme)]
    for v, r in c.rescaled.items():
        factor = pretty(_folded(r.factor), style, "L", 2)
        found = f", {style.symbol(r.symbol)} of order 1" if v in c.scheme.units else ""
        lines.append(f"with {style.symbol(v)} = {factor} {style.symbol(r.symbol)}{found}")
    for name, setting in c.functions.items():
        if setting is not None:
            shown = str(setting) if isinstance(setting, Schedule) else pretty(setting, style, "L")
            lines.append(f"with {name}(t) = {shown}")
    lines += [f"with {style.symbol(name)}: {_greek(words, style)}" for name, words in c.scheme.map_words.items()]
    for name, f in c.maps.items():
        set_to = f"with {style.symbol(name)}({', '.join(f.variables)}) = {f.text}"
        lines += map_lines(f, style) if isinstance(f, MapProgram) else [set_to]
    return lines + (_clock_lines(c, style) if c.scheme.losses else [])


def map_lines(p: MapProgram, style: Notation) -> list[str]:
    """The lines of a map that is stated by some; the equation holds where they are smooth."""

    def typed(e: Expression) -> str:
        return pretty(e, style, "L")

    lines = statement_lines(p.statements, lambda a: f"{style.symbol(a.target)} = {typed(a.value)}", typed)
    return [f"with {style.symbol(p.label)}({style.symbol(p.argument)}), where it is smooth:", *(f"    {line}" for line in lines)]


def _eliminations(scheme: Scheme) -> list[tuple[str, Expression, str]]:
    """States that are functions of the others, as every step leaves them, and the lags that are memory in their place."""
    found = [(z, e, "at the start of every step, the first too") for z, e in scheme.eliminated.items()]
    return found + [(a.target, a.value, "after every step, memory") for a in scheme.lines if a.target in scheme.lags]


def _clock_lines(c: Configuration, style: Notation) -> list[str]:
    """The clock of a scheme with losses of its own, and what subscripts mean, on the first loss of several unknowns."""
    every = " for every unknown" if style.players else ""
    lines = [f"with time {style.symbol('gamma')} a step{every}; these lines are one step"]
    losses = {f: slots for f, slots in c.scheme.losses.items() if len(slots) > 1}
    for f, (x, y, *_) in list(losses.items())[:1]:
        second, first = (style.partial(Partial(f, variables), []) for variables in ((x, y), (x,)))
        lines.append(f"with {second}[...] the derivative of {first} by {style.symbol(y)}, applied to what stands in brackets")
    return lines


def _dimension_lines(equation: Equation, style: Notation, show_memory: bool) -> list[str]:
    """What the letter for the dimension means, where it stands in the equation."""
    shown = [*equation.equations.values(), *(equation.memory.values() if show_memory else ())]
    terms = (t for sums in shown for total in sums for _, t in total)
    if not any(f.kind == "sum" and not f.children[0].factors for t in terms for f in within(t)):
        return []
    return [f"with {style.symbol(style.dimension)} = {style.inner('1', '1')}, the number of components"]


def _with_values(expression: Expression, values: Mapping[str, Expression]) -> Expression:
    """The expression with names replaced, numbers that come together by it worked out, and what is zero or one left out.

    >>> from derive.language import SCHEME_CALLS, parse_expression, unparse
    >>> e = parse_expression("(1 - lam*gamma/2)/(1 + lam*gamma/2)*v + (1 - 3*lam)*grad(theta)/2", "example", SCHEME_CALLS)
    >>> [unparse(_with_values(e, {"lam": Number(Fraction(x))})) for x in (0, 1)]
    ['v + grad(theta)/2', '(1 - gamma/2)/(1 + gamma/2)*v + -2*grad(theta)/2']
    """
    if not names_of(expression).keys() & values.keys():
        return expression
    match expression:
        case Name(id):
            return _folded(values[id])
        case Call(function, args, line, column):
            return Call(function, tuple(_with_values(a, values) for a in args), line, column)
        case Operation(op, args, line, column):
            return _worked_out(Operation(op, tuple(_with_values(a, values) for a in args), line, column))
    return expression


def _folded(expression: Expression) -> Expression:
    """The same within an expression in which values stand already."""
    if isinstance(expression, Operation):
        return _worked_out(replace(expression, args=tuple(map(_folded, expression.args))))
    return expression


def _worked_out(node: Operation) -> Expression:
    """A number where the node is one, or the operand to which it comes down."""
    value = constant(node)
    if value is not None:
        return Number(value) if value >= 0 else Operation("neg", (Number(-value),))
    match node.op, [constant(a) for a in node.args]:
        case ("+", [0, _]) | ("*", [1, _]):
            return node.args[1]
        case ("+" | "-", [_, 0]) | ("*" | "/" | "**", [_, 1]):
            return node.args[0]
        case "-", [0, _]:
            return Operation("neg", node.args[1:])
        case ("*" | "/", [0, _]) | ("*", [_, 0]):
            return Number(Fraction(0))
    return node


class _Pretty(Meaning[Written]):
    """Scheme text as people write it, each piece with the level at which it binds."""

    def __init__(self, style: Notation) -> None:
        self.style = style
        self.medium: Medium = "unicode" if style.name == "unicode" else "ascii"

    def number(self, value: Fraction) -> Written:
        return Written(str(value), 5 if value.denominator == 1 else 2)

    def name(self, node: Name) -> Written:
        for x in self.style.unknowns:
            if node.id == ahead(x):
                later = "_next" if self.medium == "ascii" else self.style.following  # θ+ would be a sum
                return Written(self.style.symbol(x) + later, 5)
        return Written(self.style.symbol(node.id), 5)

    def negate(self, a: Written) -> Written:
        return Written("-" + a.within(3), 3)

    def add(self, a: Written, b: Written, node: Operation) -> Written:
        return Written(f"{a.within(1)} + {b.within(2)}", 1)

    def subtract(self, a: Written, b: Written, node: Operation) -> Written:
        return Written(f"{a.within(1)} - {b.within(2)}", 1)

    def multiply(self, a: Written, b: Written, node: Operation) -> Written:
        return a if node.args[1] == ONE else Written(self.style.beside([a.within(2), b.within(4)], " "), 2)

    def divide(self, a: Written, b: Written, node: Operation) -> Written:
        return Written(f"{a.within(2)}/{b.within(3)}", 2)

    def exponent(self, node: Expression) -> Expression:
        return node

    def power(self, base: Written, exponent: Expression, node: Operation) -> Written:
        return Written(f"{base.within(5)}^{interpret(exponent, self).within(4)}", 4)

    def call(self, node: Call, args: list[Written]) -> Written:
        sample = sample_letter(node.function, self.medium)
        if derivative := partial_of(node.function):
            named = replace(derivative, loss=derivative.loss + sample)
            return Written(self.style.partial(named, [a.text for a in args]), 5)
        entry = call_of(node.function)
        if node.function == NORMAL:
            return Written(entry.unicode if self.medium == "unicode" else entry.ascii, 5)
        if entry.label:
            head = self.style.derived(entry.label, 0) + sample if entry.kind == "vector" else self.style.symbol(entry.label)
            return Written(f"{head}({args[0].text})", 5)
        summed = summed_call(node.function)
        if summed and summed[0] == "norm":
            plain, part = args[0].text, summed[1]
            return Written(norm_over(plain, self.style, part) if part else self.style.norm(plain), 5)
        if found := write_matrices(node.function, args, self.medium):
            return found
        text = write_call(node.function, [a.text for a in args], self.medium)
        return Written(text, 4 if text[0] == "√" and text[-1] != ")" else 5)


def sample_letter(function: str, medium: Medium) -> str:
    """Behind the gradient of a sample, its letter: xi, and xi2 for a second sample of the step.

    >>> sample_letter("grad#1", "unicode"), sample_letter("grad#2", "ascii"), sample_letter("grad", "ascii")
    ('_ξ', '_xi2', '')
    """
    sample = sample_of(function)[1]
    return "_" + ("ξ" if medium == "unicode" else "xi") + (sample if sample != "1" else "") if sample else ""


def pretty(expression: Expression, style: Notation, label: str, parent: int = 0) -> str:
    """Scheme text as people write it: v = β v - γ ∇L(θ)."""
    return interpret(expression, _Pretty(style)).within(parent)


def _equation_lines(variable: str, sums: tuple[Combination, ...], style: Notation, form: str) -> list[str]:
    """One line a term, aligned behind the left side."""
    name = style.symbol(variable)
    left = {"flow": f"{style.dot(variable)} =", "map": f"{name}{style.following} = {name}", "memory": f"  {name} ="}[form]
    shown = rows(sums, style, style.root) if form == "map" else series_rows(sums, style)
    first, *rest = [" ".join((left, *shown[:1])), *shown[1:]]
    return [first, *(" " * (left.index("=") + 2) + row for row in rest)]


def _memory_lines(equation: Equation, style: Notation) -> list[str]:
    lines = ["on the slow manifold:"] if equation.memory else ["no memory variable: every state variable is slow"]
    for variable, sums in equation.memory.items():
        lines += _equation_lines(variable, sums, style, "memory")
    return lines


def relaxation_text(relaxation: Relaxation, style: Notation, math: str = "{}") -> str:
    """What the memory does at gamma = 0: its factor, and whether it decays.  `math` sets a formula."""
    names = ", ".join(math.format(style.symbol(v)) for v in relaxation.variables if v != "theta")
    factor = relaxation.factor
    if relaxation.pace:
        return f"memory {names} relaxes by {_by(relaxation, style, math)}"
    if relaxation.images:
        text = map_text(relaxation, style, math)
        if relaxation.formula is None:
            return f"memory {names} relaxes with {text} (decays where its spectral radius is below 1)"
        where = "decays: it lies between -1 and 1 everywhere" if relaxation.decays else "decays where it lies between -1 and 1"
        return f"memory {names} relaxes with factor {text} ({where})"
    what = "parasitic root" if "theta" in relaxation.variables else f"memory {names} relaxes with factor"
    if len(relaxation.polynomial) == 2 and factor is not None:
        return f"{what} {math.format(coefficient_text(factor, style))} ({decay(factor, style, math)})"
    roots = math.format(polynomial_text(relaxation, style))
    return f"memory {names} relaxes with the roots of {roots} (decays where they lie inside the unit disc)"


def _by(r: Relaxation, style: Notation, math: str) -> str:
    """What memory loses of a small change in a step, by a power of gamma."""
    text = f"{math.format(said_power(r.pace, replace(style, root=1)).strip('$'))} times {map_text(r, style, math)} a step"
    if r.formula is None:
        return f"{text} (decays where its eigenvalues have positive real parts)"
    return f"{text} ({'decays: it is positive' if r.decays else 'decays where it is positive'})"


def decay(factor: Ratio, style: Notation, math: str = "{}") -> str:
    """decays / only weakly stable / grows, or the condition on the parameters."""
    if factor.is_number:
        size = abs(factor.number())
        if size == 0:
            return "forgets at once"
        return "decays" if size < 1 else "does not decay: weakly stable" if size == 1 else "grows: unstable"
    return "decays for " + math.format(f"|{coefficient_text(factor, style)}| < 1")


def _footer(equation: Equation, style: Notation) -> list[str]:
    parts = [relaxation_text(r, style) for r in equation.relaxations]
    if len(parts) == 1 and parts[0].startswith("memory "):
        words = parts[0].split(" ")
        if words[2] == "relaxes":
            parts[0] = " ".join([words[0], *words[2:]])
    if equation.relaxations == () and not equation.memory:
        parts.append("no memory")
    parts.append(f"residual: zero through {said_power(equation.residual_power, style)}")
    return ["; ".join(parts)]


__all__ = ["equation_text", "equations_text", "header", "pretty", "relaxation_text", "update_lines"]
