"""Series of term sums as text, LaTeX and JSON, for all readings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from derive.algebra.coefficients import Ratio
from derive.equation import ModifiedEquation, TermSum
from derive.errors import UsageError
from derive.writing.latex import gamma_power
from derive.writing.notation import ASCII, LATEX, UNICODE, Notation, write_coefficient, write_term

_INFINITY = {"unicode": "∞", "ascii": "oo", "latex": r"\infty"}
Blocks = Mapping[int, TermSum] | Sequence[TermSum]  # by power


def notation(output: str, equation: ModifiedEquation | None = None, velocity: str | None = None) -> Notation:
    """'unicode', 'ascii' or 'latex', with theta' for the symbol `velocity` and r', r'' for time functions."""
    style = {"unicode": UNICODE, "ascii": ASCII, "latex": LATEX}[output]
    dot = {"unicode": "θ'", "ascii": "theta'", "latex": r"\dot{\theta}"}[output]
    letter = style.letter
    style = replace(style, letter=lambda name: dot if name == velocity else letter(name))
    return style.knowing(equation.configuration.functions) if equation is not None else style


def term_rows(sums: Blocks, style: Notation) -> list[str]:
    """One signed row a term, with its power of gamma: '+ γ/4 |∇L|^2'."""
    items = sums.items() if isinstance(sums, Mapping) else enumerate(sums)
    rows = []
    for k, total in items:
        power = _power(k, style)
        for coefficient, term in total:
            negative, text = write_coefficient(coefficient, style, power)
            gap = r"\, " if style.name == "latex" else " "
            body = gap.join(x for x in (text, write_term(term, style) if term.factors else "") if x) or "1"
            rows.append(f"{'-' if negative else '+'} {body}")
    return rows


def _power(k: int, style: Notation) -> str:
    if style.name == "latex":
        return gamma_power(k)
    gamma = style.symbol("gamma")
    return "" if k == 0 else gamma if k == 1 else f"{gamma}^{k}"


def series_lines(left: str, sums: Blocks, style: Notation) -> list[str]:
    """'left = row', then one aligned row a term; rows of an align* environment for LaTeX."""
    rows = term_rows(sums, style) or ["0"]
    first = rows[0].removeprefix("+ ")
    if style.name == "latex":
        return [f"{left} ={{}}& {first}", *(f"&{{}}{row}" for row in rows[1:])]
    return [f"{left} = {first}", *(" " * (len(left) + 1) + row for row in rows[1:])]


def one_line(sums: Blocks, style: Notation) -> str:
    """The series in one line."""
    return " ".join(term_rows(sums, style) or ["0"]).removeprefix("+ ")


def align(rows: Sequence[str]) -> str:
    """An align* environment."""
    return "\\begin{align*}\n" + "\\\\\n".join(rows) + "\n\\end{align*}"


def greek(text: str, style: Notation) -> str:
    """An expression as text with Greek letters, oo as infinity, and no signs of multiplication."""
    words = re.sub(r"[A-Za-z_]\w*", lambda m: style.symbol(m.group()) if m.group() != "oo" else _INFINITY[style.name], text)
    return words.replace("**", "^").replace("*", " ")


def coefficient(value: Ratio, style: Notation) -> str:
    """A coefficient alone."""
    negative, text = write_coefficient(value, style)
    text = text or ("1" if value else "0")
    return f"-{text}" if negative else text


def blocks(sums: Blocks) -> list[dict[str, Any]]:
    """JSON: [{"power": k, "terms": [{"coefficient": ..., "term": ...}]}, ...]."""
    items = sums.items() if isinstance(sums, Mapping) else enumerate(sums)
    return [{"power": k, "terms": s.to_json()} for k, s in items]


def evaluated(
    equation: ModifiedEquation, sums: Sequence[TermSum], loss: str, at: str | Mapping[str, object], digits: int = 50,
    states: Sequence[str] = (), scalar: bool = False,
) -> list[list[str]]:  # fmt: skip
    """Values of term sums at a point, one string a component (one in all for scalars); see ModifiedEquation.evaluate.

    `states` names the vector variables other than theta that the sums contain; the point gives them as eta_x, eta_y, ...
    A loss term L is evaluated with everything else.
    """
    from derive.concrete.values import evaluate_equation

    algebra = sums[0].algebra
    plain = [TermSum(algebra, {t: c for t, c in s.sum.items() if not _is_loss(t, algebra.loss)}) for s in sums]
    equations: dict[str, tuple[TermSum, ...]] = {"theta": tuple(plain)} | dict.fromkeys(states, ())
    values = evaluate_equation(replace(equation, equations=equations), loss, at, digits).values["theta"]
    if not scalar:
        return values
    return [_with_loss(s, v[0], loss, at) for s, v in zip(sums, values, strict=True)]


def _is_loss(term: Any, name: str) -> bool:
    return any(f.kind == "state" and f.label == name and f.scalar for f, _ in term.factors)


def _with_loss(total: TermSum, value: str, loss: str, at: str | Mapping[str, object]) -> list[str]:
    """Add c L(x) to a value."""
    lossy = {t: c for t, c in total.sum.items() if _is_loss(t, total.algebra.loss)}
    if not lossy:
        return [value]
    from derive.concrete.problem import parse_loss, parse_point

    problem, point = parse_loss(loss), parse_point(at)
    height = problem.jets([_rational(point[x]) for x in problem.variables], 0)[0][(0,) * len(problem.variables)]
    c = next(iter(lossy.values()))
    if len(lossy) > 1 or len(next(iter(lossy)).factors) > 1 or not c.is_number:
        raise UsageError("the loss enters with parameters that have no value; set them with --set")
    q = c.number()
    from derive.concrete.values import _text

    try:
        return [_text(_number(value) + _rational(q) * height, 50)]
    except ValueError:
        raise UsageError("the loss enters with parameters that have no value; set them with --set") from None


def _rational(q: Any) -> Any:
    from derive.concrete.problem import exact

    return exact(q)


def _number(text: str) -> Any:
    from fractions import Fraction

    from derive.concrete.problem import exact

    return exact(Fraction(text))
