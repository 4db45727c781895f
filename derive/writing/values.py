"""An equation on a concrete loss: its explicit formulas, and its exact values at a point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from derive.language import LOSS_CALLS, Name, parse_expression, substitute, unparse
from derive.result import Equation
from derive.writing.expression import typed
from derive.writing.formulas import gamma_power
from derive.writing.latex import aligned, fragment, words
from derive.writing.letters import checked, names_in
from derive.writing.notation import Notation

if TYPE_CHECKING:
    from derive.concrete.problem import Problem
    from derive.concrete.values import Values


def _components(equation: Equation, name: str, problem: Problem, style: Notation) -> list[str]:
    """Names of the components of a slow variable on a concrete problem, as they are typed."""
    components = problem.components(equation.space(name))
    if problem.is_unknown(name):
        return list(components)
    own = style.renamed(name)
    return [own] if equation.scheme_kind(name) == "scalar" else [f"{own}_{x}" for x in components]


def _on(equation: Equation, problem: Problem, style: Notation) -> str:
    what = f"{style.renamed('L')} = {problem.text}" if problem.is_loss else f"the field ({problem.text})"
    what = problem.text if problem.losses else what
    last = equation.order + (equation.form == "map") * style.root
    return f"{equation.scheme.title} on {what}, through {style.renamed('gamma')}^{_exponent(last, style)}"


def _exponent(k: int, style: Notation) -> str:
    """k, or the k/q that it stands for in an expansion in gamma**(1/q)."""
    power = Fraction(k, style.root)
    return str(power) if power.denominator == 1 else f"({power})"


def _gamma(k: int, style: Notation) -> str:
    gamma = style.renamed("gamma")
    return "" if k == 0 else f"{gamma}*" if k == style.root else f"{gamma}**{_exponent(k, style)}*"


def _renamed(text: str, style: Notation) -> str:
    """A typed value in the reader's letters."""
    if not style.letters or not any(c.isalpha() for c in text):
        return text
    return unparse(substitute(parse_expression(text, "value", LOSS_CALLS), {n: Name(m) for n, m in style.letters.items()}))


Explicit = Mapping[str, tuple[tuple[Any, ...], ...]]


def explicit_text(equation: Equation, problem: Problem, explicit: Explicit, style: Notation) -> str:
    """The equation in the variables of a concrete loss: one formula a component and power of gamma."""
    from derive.concrete.explicit import expression_text

    flow = equation.form == "flow"
    if style.name == "latex":
        return _explicit_latex(equation, explicit, problem, style)
    lines = [_on(equation, problem, style)]
    for name, powers in explicit.items():
        for i, component in enumerate(_components(equation, name, problem, style)):
            left = f"{component}' =" if flow else f"{component}+ = {component} +"
            blocks = enumerate(powers, 0 if flow else style.root)
            rows = [(k, _symbols_renamed(block[i], style)) for k, block in blocks if block[i] != 0]
            pieces = [_gamma(k, style) + f"({expression_text(e)})" if k else expression_text(e) for k, e in rows]
            lines.append(f"{left} {pieces[0] if pieces else 0}")
            lines += [f"{' ' * (left.index('=') - 1)} + {piece}" for piece in pieces[1:]]
    return "\n".join(lines)


def problem_letters(letters: Mapping[str, str], equation: Equation, problem: Problem, latex: bool) -> dict[str, str]:
    """The letters of an output about a concrete problem, whose coordinates are names as well."""
    if not letters:
        return {}
    return checked(letters, [*names_in(equation.configuration), *problem.variables], latex)


def _symbols_renamed(e: Any, style: Notation) -> Any:
    from sympy import Symbol

    return e.xreplace({s: Symbol(style.renamed(s.name)) for s in e.free_symbols}) if style.letters else e


def _explicit_latex(equation: Equation, explicit: Explicit, problem: Problem, style: Notation) -> str:
    import sympy as sp

    flow = equation.form == "flow"
    lines: list[str] = []
    for name, powers in explicit.items():
        for i, component in enumerate(_components(equation, name, problem, style)):
            symbol = typed(component, style)
            pieces = []
            for k, block in enumerate(powers, 0 if flow else style.root):
                if block[i] != 0:
                    letters = {x: typed(x.name, style) for x in block[i].free_symbols}
                    shown = sp.latex(block[i], symbol_names=letters)
                    pieces.append(rf"{gamma_power(k, style)} \left({shown}\right)" if k else shown)
            first, *rest = pieces or ["0"]
            left = rf"\dot{{{symbol}}} ={{}}&" if flow else rf"{symbol}^{{+}} ={{}}& {symbol} +"
            lines += aligned(left, [first, *(f"+ {piece}" for piece in rest)])
    return fragment(lines)


def values_text(equation: Equation, problem: Problem, values: Values, style: Notation) -> str:
    """The exact coefficients at a point: one row a power of gamma and variable."""
    if style.name == "latex":
        return _values_latex(equation, problem, values, style)
    where = ", ".join(f"{_renamed(n, style)} = {x}" for n, x in values.point.items())
    lines = [f"{_on(equation, problem, style)}, at {where}"]
    for name, powers in values.values.items():
        components = _components(equation, name, problem, style)
        for k, block in enumerate(powers, first := 0 if equation.form == "flow" else style.root):
            own = style.renamed(name)
            head = f"{own}' " if equation.form == "flow" else f"{own}+ - {own} "
            shown = ", ".join(f"{c}: {_renamed(x, style)}" for c, x in zip(components, block, strict=True))
            gamma = style.renamed("gamma")
            lines.append(f"{head if k == first else ' ' * len(head)} {gamma}^{_exponent(k, style)}  {shown}")
    return "\n".join(lines)


def _values_latex(equation: Equation, problem: Problem, values: Values, style: Notation) -> str:
    """[gamma^k] dot x = value: the coefficient of gamma^k in a component, at the point."""
    gamma, flow = style.symbol("gamma"), equation.form == "flow"
    where = ", ".join(f"${typed(n, style)} = {typed(str(x), style)}$" for n, x in values.point.items())
    lines: list[str] = [words(f"at {where}, with $[{gamma}^{{k}}]$ for the coefficient of ${gamma}^{{k}}$,")]
    for name, powers in values.values.items():
        for i, component in enumerate(_components(equation, name, problem, style)):
            x = typed(component, style)
            of = rf"\dot{{{x}}}" if flow else rf"\left({x}^{{+}} - {x}\right)"
            for k, block in enumerate(powers, 0 if flow else style.root):
                lines.append(rf"[{gamma}^{{{Fraction(k, style.root)}}}]\, {of} ={{}}& {typed(block[i], style)}")
    return fragment(lines)


def value_text(values: Mapping[str, Any], style: Notation) -> str:
    """Values of a reading: one row a power of gamma."""
    rows = [(name, k, block) for name, powers in values.items() for k, block in enumerate(powers)]
    if style.name != "latex":
        return "\n".join(f"{style.renamed(name)} {style.renamed('gamma')}^{k}  {', '.join(block)}" for name, k, block in rows)
    gamma = style.symbol("gamma")
    lines = [rf"[{gamma}^{{{k}}}] ={{}}& {_vector([typed(x, style) for x in block])}" for _, k, block in rows]
    return fragment([words(f"with $[{gamma}^{{k}}]$ for the coefficient of ${gamma}^{{k}}$,"), *lines])


def _vector(components: Sequence[str]) -> str:
    return rf"\left({', '.join(components)}\right)" if len(components) > 1 else components[0]


__all__ = ["explicit_text", "problem_letters", "value_text", "values_text"]
