"""Terms in index notation: d_i d_j L d_j L.

Every index except the free one is summed over, within the smallest parentheses or bars around it.  Sums that stand
under powers (the base |g| + eps of Adam) have names, S_i with an index, S without, so that a term stays short.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import count

from derive.algebra.terms import Exponent, Factor, Term
from derive.export.notation import Notation, _factor, settled, write_coefficient

_NAMES = "jklmpqabcehuvwxyz"
_GAP = r"\,"


class IndexWriter:
    """Writes terms at one free index; `used` collects the sums under powers that were named."""

    def __init__(self, style: Notation, name_of: Callable[[Factor], str], free: str = "i") -> None:
        self.style, self.name_of, self.free = style, name_of, free
        self.used: dict[Factor, None] = {}

    def __call__(self, term: Term) -> str:
        return self.term(term, self.free, self._fresh())

    def definition(self, f: Factor) -> str:
        """'S_i = |d_i L| + eps'."""
        index = "" if f.scalar else f"_{{{self.free}}}"
        return f"{self.name_of(f)}{index} = {self._body(f)}"

    def _fresh(self) -> Iterator[str]:
        return (c if k == 0 else f"{c}_{{{k}}}" for k in count() for c in _NAMES)

    def _body(self, f: Factor) -> str:
        text = ""
        for term, ratio in f.body:
            c, t = settled(ratio, term)
            negative, coefficient = write_coefficient(c, self.style)
            written = self.term(t, self.free, self._fresh()) if t.factors else ""
            text += ("-" if negative else "+") + (r"\,".join(x for x in (coefficient, written) if x) or "1")
        return text.removeprefix("+")

    def term(self, term: Term, index: str, fresh: Iterator[str]) -> str:
        """The factors at an index, negative powers under a bar."""
        above = [self.power(f, e, index, fresh) for f, e in term.factors if e > 0]
        below = [self.power(f, -e, index, fresh) for f, e in term.factors if e < 0]
        top = r"\,".join(above)
        return rf"\frac{{{top or '1'}}}{{{_GAP.join(below)}}}" if below else top

    def power(self, f: Factor, e: Exponent, index: str, fresh: Iterator[str]) -> str:
        if f.kind == "sum":
            return self.contraction(f, e, fresh)
        text = self.factor(f, index, fresh)
        if e == 1:
            return text
        if Fraction(e) == Fraction(1, 2) and f.kind in ("base", "root"):
            return rf"\sqrt{{{text}}}"
        if f.kind == "base":
            return f"{text}^{{{e}}}"
        plain = f.kind == "abs" or (f.kind == "root" and text.isalnum())
        return f"{text}^{{{e}}}" if plain else rf"({text})^{{{e}}}"

    def contraction(self, f: Factor, e: Exponent, fresh: Iterator[str]) -> str:
        inner = f.children[0]
        text = self.term(inner, next(fresh), fresh) if inner.factors else "d"
        return text if e == 1 or text == "d" else rf"({text})^{{{e}}}" if e != Fraction(1, 2) else rf"\sqrt{{{text}}}"

    def factor(self, f: Factor, index: str, fresh: Iterator[str]) -> str:
        match f.kind:
            case "state":
                symbol = self.style.symbol(f.label)
                return symbol if f.scalar else f"{{{symbol}}}_{{{index}}}"
            case "node":
                return self.node(f, index, fresh)
            case "abs":
                return rf"\abs{{{self.term(f.children[0], index, fresh)}}}"
            case "base":
                self.used.setdefault(f)
                name = self.name_of(f)
                return name if f.scalar else f"{{{name}}}_{{{index}}}"
        return _factor(f, self.style)  # a root of parameters carries no index

    def node(self, f: Factor, index: str, fresh: Iterator[str]) -> str:
        slots = [next(fresh) for _ in f.children]
        arguments = [self.term(c, s, fresh) for c, s in zip(f.children, slots, strict=True)]
        if f.label == "f":
            head = "".join(rf"\pd{{{s}}}" for s in slots) + rf"f_{{{index}}}"
        else:
            head = "".join(rf"\pd{{{s}}}" for s in (index, *slots)) + "L"
        return r"\,".join([head, *arguments])
