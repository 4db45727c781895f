r"""Rows wider than a line, broken where mathematicians break them.

A row is read as a list of items (a command with its arguments, a pair of delimiters with what they enclose, a letter; each with
its scripts) and cut into pieces, at whose fronts a line may begin:

    terms      before + and -, relations and \quad, after commas
    factors    of a term that is too wide: before \odot, and at the gap \, of a product; a line then begins with \times
    openings   of a factor that is too wide: \frac{a (p + q)}{b} into \frac{a}{b}\,(p + q), other fractions into numerator /
               denominator, delimiters that grow into delimiters of fixed size around terms

Every opening leaves a shallower nesting, so this ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from derive.writing.linebreak import tokens_of, width

_ONE = "sqrt text mathrm mathbf boldsymbol mathcal mathsf mathit mathbb mathtt operatorname dot ddot tilde bar"
_ARGUMENTS = {r"\frac": 2, r"\tfrac": 2, r"\dfrac": 2} | {rf"\{name}": 1 for name in _ONE.split()}
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_SIGNS = ("+", "-")
_FRONTS = ("<", ">", "=", r"\le", r"\ge", r"\ne", r"\to", r"\quad", r"\qquad")
_GAP, _TIMES = r"\,", r"\odot"
_FUNCTIONS = tuple(rf"\{name}" for name in ("operatorname", "exp", "log", "sin", "cos", "tan", "arctan", "atan"))
_INDENT = 20.0  # \qquad before a continuation


@dataclass(frozen=True)
class Piece:
    """What stays on one line; `factor` where it is multiplied with what stands before."""

    items: tuple[str, ...]
    factor: bool = False

    @property
    def text(self) -> str:
        return spaced(self.items)


def spaced(items: Sequence[str]) -> str:
    """Items as one text: a command of letters is kept from the letters that follow it."""
    text = ""
    for item in items:
        apart = text and item[:1].isalpha() and text[-1].isalpha() and "\\" in text[text.rfind(" ") + 1 :]
        if item in (*_SIGNS, *_FRONTS, _TIMES):
            text += f"{'' if text in ('', '{}') else ' '}{item} "
        else:
            text += item + " " if item == _GAP else " " + item if apart else item
    return text.replace("  ", " ").strip()


# ---------------------------------------------------------------------------------------------- reading


def items_of(text: str) -> list[str]:
    r"""The items of a formula.

    >>> items_of(r"\frac{1}{2}\, x^{2} + \left(a + b\right)^{3}")
    ['\\frac{1}{2}', '\\,', 'x^{2}', '+', '\\left(a + b\\right)^{3}']
    """
    tokens, at, found = tokens_of(text), 0, []
    while at < len(tokens):
        end = _scripts(tokens, _end(tokens, at))
        item = "".join(tokens[at:end])
        if not item.isspace():
            found.append(item)
        at = end
    return found


def _end(tokens: Sequence[str], at: int) -> int:
    """Behind the item that begins at a token, without its scripts."""
    token = tokens[at]
    if token == r"\left":
        return _matching(tokens, at, r"\left", r"\right") + 1
    if token in _CLOSING:
        return _matching(tokens, at, token, _CLOSING[token])
    at += 1
    for _ in range(_ARGUMENTS.get(token, 0)):
        at = _end(tokens, _solid(tokens, at))
    return at


def _solid(tokens: Sequence[str], at: int) -> int:
    while at < len(tokens) - 1 and tokens[at].isspace():
        at += 1
    return at


def _matching(tokens: Sequence[str], at: int, opening: str, closing: str) -> int:
    """Behind the closing token; behind the opening one where it is never closed."""
    depth = 0
    for k in range(at, len(tokens)):
        depth += (tokens[k] == opening) - (tokens[k] == closing)
        if not depth:
            return k + 1
    return at + 1


def _scripts(tokens: Sequence[str], at: int) -> int:
    while at < len(tokens) and tokens[at] in ("^", "_", "'"):
        at = at + 1 if tokens[at] == "'" else _end(tokens, _solid(tokens, at + 1))
    return at


# ---------------------------------------------------------------------------------------------- cutting


def terms_of(text: str) -> list[Piece]:
    r"""The terms of a formula; signs at its front begin none, and products stay together.

    >>> [p.text for p in terms_of(r"{}- \gamma\, \frac{a}{b}\, \nabla L \odot u + c")]
    ['{}- \\gamma\\, \\frac{a}{b}\\, \\nabla L \\odot u', '+ c']
    """
    found: list[Piece] = [Piece(())]
    for item in items_of(text):
        begun = any(i not in ("{}", *_SIGNS) for i in found[-1].items)
        if begun and item in (*_SIGNS, *_FRONTS):
            found.append(Piece((item,)))
            continue
        found[-1] = replace(found[-1], items=(*found[-1].items, item))
        if item == "," and begun:
            found.append(Piece(()))
    return [p for p in found if p.items]


def factors_of(piece: Piece) -> list[Piece]:
    """The factors of a term, cut at gaps, before parentheses that grow and before componentwise products; signs stay in front."""
    found = [Piece((), piece.factor)]
    for item in piece.items:
        begun = any(i not in ("{}", *_SIGNS) for i in found[-1].items)
        if item == _GAP and begun:
            found.append(Piece((), factor=True))
        elif item == _TIMES and begun:
            found.append(Piece((item,)))
        elif item.startswith(r"\left(") and begun and not _is_function(found[-1].items):
            found.append(Piece((item,), factor=True))
        elif item != _GAP:
            found[-1] = replace(found[-1], items=(*found[-1].items, item))
    return [p for p in found if p.items]


def _is_function(items: Sequence[str]) -> bool:
    r"""Whether what stands in parentheses behind these is its argument: \exp, \nabla^{2} L, f'."""
    derivative = len(items) > 1 and items[-2].startswith(r"\nabla")
    return derivative or items[-1].startswith(_FUNCTIONS) or items[-1].startswith("f'") or items[-1] == "f"


def _finer(piece: Piece) -> list[Piece]:
    """A piece that is too wide for a line in smaller ones; itself alone where there is nothing to cut or open."""
    factors = factors_of(piece)
    return factors if len(factors) > 1 else _opened(piece)


def _opened(piece: Piece) -> list[Piece]:
    at = max(range(len(piece.items)), key=lambda k: width(piece.items[k]))
    first, *rest = _opened_item(piece.items[at]) or [Piece((piece.items[at],))]
    found = [Piece((*piece.items[:at], *first.items), piece.factor), *rest]
    found[-1] = replace(found[-1], items=(*found[-1].items, *piece.items[at + 1 :]))
    return found


def _opened_item(item: str) -> list[Piece]:
    tokens = tokens_of(item)
    if tokens[0] in (r"\frac", r"\tfrac", r"\dfrac"):
        middle = _end(tokens, _solid(tokens, 1))
        above, below = "".join(tokens[1:middle]), "".join(tokens[middle : _end(tokens, _solid(tokens, middle))])
        return _opened_fraction(above.strip()[1:-1], below.strip()[1:-1])
    if tokens[0] == r"\left":
        end = _matching(tokens, 0, r"\left", r"\right")
        return _delimited(tokens[1], "".join(tokens[2 : end - 1]), tokens[end], "".join(tokens[end + 1 :]))
    if tokens[0] in ("(", "["):
        end = _end(tokens, 0)
        return _delimited(tokens[0], "".join(tokens[1 : end - 1]), tokens[end - 1], "".join(tokens[end:]))
    if tokens[0] == r"\sqrt" and _end(tokens, 0) == len(tokens):
        return _delimited("(", "".join(tokens[2:-1]), ")", "^{1/2}")
    return []


def _delimited(left: str, inside: str, right: str, scripts: str) -> list[Piece]:
    size = "bigg" if r"\frac" in inside else "big"
    found = terms_of(inside)
    if found:
        found[0] = replace(found[0], items=(rf"\{size}l{left}", *found[0].items))
        found[-1] = replace(found[-1], items=(*found[-1].items, rf"\{size}r{right}{scripts}"))
    return found


def _opened_fraction(above: str, below: str) -> list[Piece]:
    r"""\frac{a}{b}\,(p + q) where there is a sum above, else above / below."""
    parts = terms_of(above)
    if any(p.items[0] in _SIGNS for p in parts[1:]):
        first, *rest = _delimited("(", above, ")", "")
        return [Piece((rf"\frac{{1}}{{{below}}}",)), replace(first, factor=True), *rest]
    items = [i for i in items_of(above) if i != _GAP]
    sums = [i for i in items if i.startswith("(")]
    if sums:
        head = _GAP.join(i for i in items if i not in sums) or "1"
        return [Piece((rf"\frac{{{head}}}{{{below}}}",)), *(Piece((s,), factor=True) for s in sums)]
    last = below if len(items_of(below)) == 1 else rf"\bigl({below}\bigr)"
    return [*parts, Piece((r"\big/", last))]


# ---------------------------------------------------------------------------------------------- filling


def broken(row: str, room: float) -> list[str]:
    r"""The lines of a row, the later ones indented.

    >>> broken(r"a + b + \frac{\gamma\,(1+\beta)}{2}\, u", 84)
    ['a + b', '\\qquad{}+ \\frac{\\gamma\\,(1+\\beta)}{2}\\, u']
    >>> broken(r"\frac{\gamma\,(1+\beta)}{2}\, u", 48)
    ['\\frac{\\gamma}{2}\\, \\bigl(1 + \\beta\\bigr)', '\\qquad{}\\times u']
    """
    if width(row) <= room:
        return [row]
    pieces = terms_of(row)
    while True:
        finer = [q for p in pieces for q in (_finer(p) if width(p.text) > room - _INDENT else [p])]
        if finer == pieces:
            break
        pieces = finer
    return _filled(pieces, room)


def _filled(pieces: Sequence[Piece], room: float) -> list[str]:
    lines: list[str] = []
    used = 0.0
    for p in pieces:
        size = width(p.text) + (2.0 if p.factor else 0.0)
        if lines and used + size > room:
            lines.append(r"\qquad{}" + (r"\times " if p.factor else "") + p.text)
            used = _INDENT + size + (12.4 if p.factor else 0.0)
        elif lines:
            lines[-1] += (r"\, " if p.factor else " ") + p.text
            used += size
        else:
            lines, used = [p.text], size
    return lines
