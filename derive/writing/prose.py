"""Running text of schemes: escaped, with names of Greek letters, arrows, comparisons and powers as mathematics."""

from __future__ import annotations

import re

from derive.language.letters import GREEK
from derive.writing.escape import escape
from derive.writing.notation import LATEX, Notation

_PRIMED = r"theta('{1,2})"
_GRADIENT = r"(-?)grad ([A-Z])(?!\w)"
_GREEK = re.compile(
    rf"(?<![\w\\]){_PRIMED}|{_GRADIENT}|"
    rf"(?<![\w\\])((?:{'|'.join([*GREEK, 'gamma', 'theta'])})_?\d*)(?!\w)|(->|<=|>=|<|>)|\*\*(\w+)"
)
_SIGNS = {"->": r"\to", "<=": r"\le", ">=": r"\ge", "<": "<", ">": ">"}


def prose(text: str, style: Notation = LATEX) -> str:
    """Escaped text in which names of Greek letters, arrows and comparisons are set as mathematics.

    >>> prose("0 <= beta1 < 1, 50%")
    '0 $\\\\le$ $\\\\beta_{1}$ $<$ 1, 50\\\\%'
    """
    pieces, last = [], 0
    for m in _GREEK.finditer(text):
        pieces.append(escape(text[last : m.start()]))
        pieces.append(f"${_shown(m, style)}$")
        last = m.end()
    return "".join([*pieces, escape(text[last:])])


def _shown(m: re.Match[str], style: Notation) -> str:
    primes, sign, function, letter, relation, power = m.groups()
    if primes:
        return style.dot("theta", len(primes))
    if function:
        return sign + style.derived("L", 0, function)
    return style.symbol(letter) if letter else _SIGNS[relation] if relation else rf"^{{\text{{{escape(power)}}}}}"
