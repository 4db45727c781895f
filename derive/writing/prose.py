"""Running text of schemes: escaped, with names of Greek letters, arrows, comparisons and powers as mathematics."""

from __future__ import annotations

import re

from derive.language.letters import GREEK
from derive.writing.escape import escape
from derive.writing.notation import LATEX, Notation

_PRIMED = r"theta('{1,2})"
_GRADIENT = r"(-?)grad ([A-Z])(?!\w)"
_WORD = r"-?(?:P grad V|grad V|theta_A|theta|gamma|c_1|\.\.\.)"
_EQUATION = rf"(?:theta'{{1,2}}|theta\+|theta_B) = {_WORD}(?: (?:[-+] )?{_WORD})*"  # those that verdicts are about
_GREEK = re.compile(
    rf"(?<![\w\\])(?:({_EQUATION})|{_PRIMED})|{_GRADIENT}|(?:(?<=functions )|(?<= of ))([A-Z])(?= of|,)|(?<!\w)([A-Z]_\w)(?!\w)|"
    r"(?<!\w)(n\^a rho\^\(b n\))|(?<!\w)([A-Za-z]+_prev)(?!\w)|"
    rf"(?<![\w\\])((?:{'|'.join([*GREEK, 'gamma', 'theta'])})_?\d*)(?:\^(\d+))?(?!\w)|(->|<=|>=|<|>)|\*\*(\w+)"
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
    equation, primes, sign, function, alone, indexed, sequence, before, letter, exponent, relation, power = m.groups()
    if equation:
        return _typeset(equation, style)
    if alone or indexed:
        return alone or indexed
    if sequence:
        return rf"n^a {style.symbol('rho')}^{{b n}}"
    if before:
        return style.symbol(before)
    if primes:
        return style.dot("theta", len(primes))
    if function:
        return sign + style.derived("L", 0, function)
    if letter:
        return style.power(style.symbol(letter), exponent) if exponent else style.symbol(letter)
    return _SIGNS[relation] if relation else rf"^{{\text{{{escape(power)}}}}}"


def _typeset(equation: str, style: Notation) -> str:
    r"""An equation in which every word is a symbol.

    >>> print(_typeset("theta+ = theta - gamma P grad V", LATEX))
    \theta^{+} = \theta - \gamma\, P\, \nabla V
    """
    theta, nabla = style.symbol("theta"), style.derived("L", 0, "V")
    symbols = {
        "theta''": style.dot("theta", 2), "theta'": style.dot("theta"), "theta+": theta + style.following,
        "theta_A": f"{theta}_A", "theta_B": f"{theta}_B",
        "theta": theta, "gamma": style.symbol("gamma"), "grad_V": nabla, "...": r"\cdots",
    }  # fmt: skip
    equation = re.sub(r"(?<![-+=]) (?![-+=])", lambda _: style.scale, equation.replace("grad V", "grad_V"))
    for word, symbol in symbols.items():
        equation = re.sub(rf"(?<![\w\\]){re.escape(word)}(?![\w'+])", symbol.replace("\\", r"\\"), equation)
    return equation
