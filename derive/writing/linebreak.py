"""Breaking displayed formulas: estimated widths in points (10 pt Latin Modern), and rows of an align environment.

A sum is a list of `Summand`; a summand is a list of chunks, and lines may end between summands, or, where one summand
alone is wider than a line, between its chunks.  A chunk that is still too wide is scaled down to the line.
Widths are meant to err on the wide side: a line that is judged to fit does fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

TEXT_WIDTH = 455.0  # 160 mm
_INDENT = 20.0  # \qquad before a continuation inside a summand
_SCALES = (1.0, 1.0, 0.74, 0.6)  # display, text, script, scriptscript

_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|[{}^_&]|.", re.S)
_SPACES = {r"\,": 1.7, r"\:": 2.3, r"\;": 2.8, r"\!": -1.7, r"\ ": 3.4, r"\quad": 10.0, r"\qquad": 20.0, r"\\": 0.0, "~": 3.4}
_COMMANDS = {
    r"\nabla": 8.4, r"\gradL": 15.5, r"\derL": 15.5, r"\partial": 5.9, r"\odot": 12.3, r"\had": 12.3, r"\cdot": 7.3,
    r"\times": 12.3, r"\to": 15.6, r"\leftarrow": 15.6, r"\cdots": 12.5, r"\dots": 12.5, r"\ldots": 12.5, r"\sum": 14.5,
    r"\gamma": 5.8, r"\beta": 6.2, r"\theta": 4.9, r"\eta": 5.2, r"\alpha": 6.6, r"\lambda": 5.9, r"\rho": 5.2, r"\mu": 6.1,
    r"\varepsilon": 4.7, r"\bigl": 0.0, r"\bigr": 0.0, r"\Bigl": 1.6, r"\Bigr": 1.6, r"\left": 3.2, r"\right": 3.2,
    r"\biggl": 3.2, r"\biggr": 3.2, r"\displaystyle": 0.0, r"\textstyle": 0.0, r"\dot": 0.6, r"\ddot": 0.6, r"\tilde": 0.6,
    r"\bar": 0.6, r"\mathopen": 0.0, r"\mathclose": 0.0, r"\le": 13.4, r"\ge": 13.4, r"\infty": 10.0, r"\langle": 4.0,
    r"\rangle": 4.0, r"\|": 5.1, r"\{": 5.1, r"\}": 5.1, r"\mathrm": 0.0, r"\operatorname": 1.7, r"\text": 0.0, r"\mbox": 0.0,
    r"\pd": 5.9, r"\step": 5.8, r"\omega": 6.5, r"\xi": 4.8, r"\phi": 6.2, r"\psi": 6.9, r"\chi": 6.5, r"\nu": 5.3,
}  # fmt: skip
_WRAPPERS = {r"\args": 9.0, r"\norm": 12.5, r"\abs": 8.0, r"\sqrt": 10.5}
_LETTERS = {
    "L": 7.0, "m": 9.0, "w": 7.4, "i": 3.6, "j": 4.4, "l": 3.2, "t": 3.8, "r": 4.8, "f": 6.2, "G": 8.1, "D": 8.5, "M": 10.6,
    "W": 10.7, "(": 4.0, ")": 4.0, "[": 3.0, "]": 3.0, ",": 4.6, ".": 2.9, "'": 3.1, "|": 2.9, "/": 5.1, ":": 8.4, " ": 0.0,
}  # fmt: skip


@dataclass(frozen=True)
class Summand:
    """sign '+' or '-', and the pieces between which a line may end if it must; `whole` is how it looks on one line."""

    sign: str
    chunks: tuple[str, ...]
    whole: str = ""

    @property
    def text(self) -> str:
        return self.whole or "".join(self.chunks)


class _Ruler:
    def __init__(self, text: str) -> None:
        self.tokens, self.at = tokens_of(text), 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def run(self, style: int, until: str = "") -> float:
        total = 0.0
        while self.at < len(self.tokens) and self.peek() != until:
            total += self.item(style)
        self.at += 1
        return total

    def argument(self, style: int) -> float:
        while self.peek() == " ":
            self.at += 1
        if self.peek() == "{":
            self.at += 1
            return self.run(style, "}")
        return self.item(style)

    def item(self, style: int) -> float:
        token = self.tokens[self.at]
        self.at += 1
        scale = _SCALES[min(style, 3)]
        if token == "{":
            return self.run(style, "}")
        if token in ("^", "_"):
            return self.script(token, style)
        if token in (r"\frac", r"\tfrac", r"\dfrac"):
            inner = style + 1 if token == r"\frac" else 2 if token == r"\tfrac" else 1
            return max(self.argument(inner), self.argument(inner)) + 3.0
        if token in _WRAPPERS:
            return _WRAPPERS[token] * scale + self.argument(style)
        if token == r"\inner":
            return 14.0 * scale + self.argument(style) + self.argument(style)
        if token == r"\derL":
            return 15.5 * scale + self.argument(style + 2)
        if token == r"\pd":
            return 6.2 * scale + self.argument(style + 2)
        return scale * self.symbol(token)

    def script(self, token: str, style: int) -> float:
        width = self.argument(max(style, 1) + 1)
        if self.peek() in ("^", "_") and self.peek() != token:
            self.at += 1
            width = max(width, self.argument(max(style, 1) + 1))
        return width + 0.6

    @staticmethod
    def symbol(token: str) -> float:
        if token in _SPACES:
            return _SPACES[token]
        if token in ("+", "-"):
            return 12.4
        if token in ("=", "<", ">"):
            return 13.4
        if token == "&":
            return 0.0
        if token.startswith("\\"):
            return _COMMANDS.get(token, 7.0)
        return _LETTERS.get(token, 5.1 if token.isdigit() else 5.8)


def tokens_of(text: str) -> list[str]:
    """Commands, escaped characters, braces and scripts, single characters."""
    return _TOKEN.findall(text)


def width(text: str) -> float:
    """Estimated width of display mathematics in points.

    >>> 20 < width(r"\\frac{\\gamma}{2}\\, \\gradL") < 30
    True
    """
    return _Ruler(text).run(0)


Entry = tuple[str, Sequence[Summand]]  # left side, sum


def block(entries: Sequence[Entry], limit: float = TEXT_WIDTH) -> list[str]:
    """Rows of one align* environment: 'left &= a + b', continued by '&{}+ c'; empty sums are zero.

    The right sides share what the widest left side leaves.
    """
    room = limit - max((width(left) for left, _ in entries), default=0.0) - 23.0
    lines: list[str] = []
    for left, summands in entries:
        first, *rest = _lines(summands, room) or ["0"]
        lines += [f"{left} ={{}}& {first}", *(f"&{line}" for line in rest)]
    return lines


def rows(left: str, summands: Sequence[Summand], limit: float = TEXT_WIDTH) -> list[str]:
    """The rows of a single sum."""
    return block([(left, summands)], limit)


def _lines(summands: Iterable[Summand], room: float) -> list[str]:
    lines: list[str] = []
    used = 0.0
    for position, s in enumerate(summands):
        first = position == 0
        sign = ("" if s.sign == "+" else "{-}") if first else f"{s.sign} "
        size = width(s.text) + (12.4 if sign else 0.0)
        if lines and used + size <= room:
            lines[-1] += f" {sign}{s.text}"
            used += size
        elif size <= room or len(s.chunks) == 1:
            text = _fitted(s.text, room - (12.4 if sign else 0.0))
            lines.append(f"{sign}{text}" if first else f"{{}}{sign}{text}")
            used = min(size, room)
        else:
            broken, used = _broken(s.chunks, "" if first else "{}" + sign, sign, room)
            lines += broken
    return lines


def _broken(chunks: Sequence[str], lead: str, sign: str, room: float) -> tuple[list[str], float]:
    """One summand over several lines; continuation lines are indented."""
    lines, used = [lead or sign], 12.4
    for chunk in chunks:
        size = width(chunk)
        if used + size > room and used > 12.4:
            lines.append(r"\qquad{}")
            used = _INDENT
        lines[-1] += _fitted(chunk, room - _INDENT)
        used += size
    return lines, used


def _fitted(text: str, room: float) -> str:
    """The text, scaled down if it alone is wider than the room."""
    size = width(text)
    if size <= room:
        return text
    return rf"\scalebox{{{room / size:.3f}}}{{$\displaystyle {text}$}}"
