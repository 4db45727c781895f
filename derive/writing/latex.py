"""LaTeX that compiles as pasted, with amsmath and amssymb and nothing else: sentences, and formulas in align* environments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from derive.result import Equation
from derive.writing.boxes import broken
from derive.writing.formulas import rows, series_rows
from derive.writing.linebreak import width
from derive.writing.notation import LATEX, Notation
from derive.writing.prose import prose
from derive.writing.regions import where

LINE = 340.0  # the text width of article at 10 pt, 345 pt, less what an estimate may miss
_LONG = 60.0  # points of a formula in a sentence that may stick out of a line
_PAGE = 10  # rows from which a display may end a page


class Words(str):
    """A sentence, or a paragraph's end where it is empty; what stands between dollars is a formula."""


def words(text: str, style: Notation = LATEX) -> Words:
    r"""A sentence, escaped outside of its formulas.

    >>> words("at $n^2$: 50% of a_b")
    'at $n^2$: 50\\% of a\\_b'
    """
    parts = text.split("$")
    return Words("".join(prose(p, style) if i % 2 == 0 else f"${p}$" for i, p in enumerate(parts)))


def equation_latex(
    equation: Equation, show_memory: bool = False, letters: Mapping[str, str] | None = None, paged: bool = True
) -> str:
    """An align* environment; one row a term, a long one on several lines.

    >>> from derive import modified_equation
    >>> print(modified_equation("gd", order=1).latex())
    \\begin{align*}
    \\dot{\\theta} ={}& - \\nabla L\\\\
    &{}- \\frac{\\gamma}{2}\\, \\nabla^{2} L\\left[\\nabla L\\right]
    \\end{align*}
    """
    return equations_latex([equation], show_memory, letters, paged)


def equations_latex(
    equations: Sequence[Equation], show_memory: bool = False, letters: Mapping[str, str] | None = None, paged: bool = True
) -> str:
    """An align* environment for every region of a text with branches, with a sentence that says where it holds."""
    lines: list[str] = []
    for equation in equations:
        known = LATEX.knowing(equation.scheme, equation.configuration.fresh("d"))
        style = replace(known, letters=dict(letters or {}))
        place = where(equation, style, "${}$")
        lines += [*([words(place, style)] if place else ()), *_equation_rows(equation, style, show_memory)]
    return fragment(lines, paged)


def _equation_rows(equation: Equation, style: Notation, show_memory: bool) -> list[str]:
    lines: list[str] = []
    for variable, sums in equation.equations.items():
        symbol = style.symbol(variable)
        if equation.form == "flow":
            lines += aligned(rf"{style.dot(variable)} ={{}}&", series_rows(sums, style))
        else:
            lines += aligned(rf"{symbol}^{{+}} ={{}}& {symbol}", rows(sums, style, style.root))
    if show_memory:
        for variable, sums in equation.memory.items():
            lines += aligned(rf"{style.symbol(variable)} ={{}}&", series_rows(sums, style))
    return lines


# ---------------------------------------------------------------------------------------------- layout


def fragment(lines: Iterable[str], paged: bool = True) -> str:
    """Formulas in align* environments, long rows broken, and the sentences between them.

    A long display may go over pages; with `paged` off it is one for readers other than TeX, with neither pages nor lines.
    """
    groups = [(said, list(group)) for said, group in groupby(lines, lambda line: isinstance(line, Words))]
    parts = []
    for k, (said, group) in enumerate(groups):
        last = k == len(groups) - 1
        parts.append(_paragraph(group, "." if last else ":") if said else _display(_laid_out(group) if paged else group, paged))
    return "\n".join(parts).strip("\n")


def align(lines: Sequence[str]) -> str:
    """An align* environment; groups of lines may stand in one environment."""
    return "\\begin{align*}\n" + "\\\\\n".join(lines) + "\n\\end{align*}"


def _display(lines: Sequence[str], paged: bool) -> str:
    text = align(lines)
    return f"\\begingroup\\allowdisplaybreaks\n{text}\n\\endgroup" if paged and len(lines) >= _PAGE else text


def _paragraph(sentences: Sequence[str], end: str) -> str:
    """Sentences, the last of which leads to a formula where `end` is a colon; lines with long formulas may be set loosely."""
    *before, last = sentences
    if end == "." or not last:
        before, last = [*sentences], ""
    text = "\n".join(_sentence(s, ".") for s in before)
    if any(width(f) > _LONG for s in before for f in s.split("$")[1::2]):
        text = f"\\begin{{sloppypar}}\n{text.strip(chr(10))}\n\\end{{sloppypar}}"
    return "\n".join(x for x in (text, _sentence(last, end)) if x) if before else _sentence(last, end)


def _sentence(text: str, end: str) -> str:
    """With a capital, and a full stop or what leads to a formula."""
    if not text or text[-1] in ".:," or (end == ":" and text.endswith((" with", " where", " is", " at"))):
        end = ""
    elif ": " in re.sub(r"\([^()]*\)", "", text):
        end = "."
    begins = not text.startswith(("where ", "which ", "and "))  # else it goes on after a formula
    return (text[:1].upper() + text[1:] if begins else text) + end


def _laid_out(rows_: Sequence[str]) -> list[str]:
    """Rows 'left & right' with right sides broken in the room that the widest left side leaves."""
    split = [_sides(row) for row in rows_]
    room = LINE - max((width(left) for left, _ in split), default=0.0)
    lines = []
    for left, right in split:
        first, *rest = broken(right, room)
        lines += [f"{left}&{' ' if left else ''}{first}", *(f"&{line}" for line in rest)]
    return lines


def _sides(row: str) -> tuple[str, str]:
    left, _, right = row.partition("&")
    return left, right.strip()


def aligned(left: str, rows: Sequence[str]) -> list[str]:
    """The left side with the first row, and one line for every further row."""
    return [" ".join((left, *rows[:1])), *(f"&{{}}{row}" for row in rows[1:])]


__all__ = ["Words", "align", "aligned", "equation_latex", "equations_latex", "fragment", "words"]
