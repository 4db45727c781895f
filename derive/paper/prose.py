"""Running text of schemes: escaped, with names of Greek letters, arrows, comparisons and powers as mathematics."""

from __future__ import annotations

import re

from derive.language.letters import GREEK
from derive.paper.escape import escape
from derive.paper.preamble import PAPER

_GREEK = re.compile(rf"(?<![\w\\])((?:{'|'.join([*GREEK, 'gamma', 'theta'])})_?\d*)(?!\w)|(->|<=|>=|<|>)|\*\*(\w+)")
_SIGNS = {"->": r"\to", "<=": r"\le", ">=": r"\ge", "<": "<", ">": ">"}


def prose(text: str) -> str:
    """Escaped text in which names of Greek letters, arrows and comparisons are set as mathematics.

    >>> prose("0 <= beta1 < 1, 50%")
    '0 $\\\\le$ $\\\\beta_{1}$ $<$ 1, 50\\\\%'
    """
    pieces, last = [], 0
    for m in _GREEK.finditer(text):
        pieces.append(escape(text[last : m.start()]))
        shown = PAPER.symbol(m[1]) if m[1] else _SIGNS[m[2]] if m[2] else rf"^{{\text{{{escape(m[3])}}}}}"
        pieces.append(f"${shown}$")
        last = m.end()
    return "".join([*pieces, escape(text[last:])])
