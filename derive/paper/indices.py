"""Terms in index notation: d_i d_j L d_j L.

Every index except the free one is summed over, within the smallest parentheses, bars or root that hold all its places; the sum
of a scalar is written out, (sum_j (d_j L)^2)^(1/2), since there one place is all there is.  Sums that stand
under powers (the base |g| + eps of Adam) have names, S_i with an index, S without, so that a term stays short.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from fractions import Fraction
from itertools import count

from derive.algebra.terms import Cases, Exponent, Factor, Term
from derive.writing.formulas import settled, write_coefficient, write_factor
from derive.writing.notation import Notation

_NAMES = "jklmpqabcehuvwxyz"
_GAP = r"\,"
Parts = tuple[list[str], list[str]]


class IndexWriter:
    """Writes terms at one free index; `used` collects the sums under powers that were named."""

    def __init__(self, style: Notation, name_of: Callable[[Factor], str], taken: Collection[str] = (), free: str = "i") -> None:
        self.style, self.name_of, self.free = style, name_of, free
        self.names = [c for c in _NAMES if c not in taken]
        self.used: dict[Factor, None] = {}
        self.counted = False  # whether the dimension d was written

    def __call__(self, term: Term) -> str:
        return self.term(term, self.free, self._fresh())

    def definitions(self) -> Iterator[str]:
        """'S_i = |d_i L| + eps' for every name used; a definition may use further ones."""
        done = 0
        while done < len(self.used):
            f = list(self.used)[done]
            index = "" if f.scalar else f"_{{{self.free}}}"
            yield f"{self.name_of(f)}{index} = {self._body(f)}"
            done += 1

    def _fresh(self) -> Iterator[str]:
        return (c if k == 0 else f"{c}_{{{k}}}" for k in count() for c in self.names)

    def _body(self, f: Factor) -> str:
        text = ""
        for term, ratio in f.body:
            c, t = settled(ratio, term)
            negative, coefficient = write_coefficient(c, self.style)
            written = self.term(t, self.free, self._fresh()) if t.factors else ""
            text += ("-" if negative else "+") + (r"\,".join(x for x in (coefficient, written) if x) or "1")
        return text.removeprefix("+")

    def term(self, term: Term, index: str, fresh: Iterator[str]) -> str:
        """The components at an index are numbers, so all quotients are gathered under one bar."""
        above, below = self.parts(term, index, fresh)
        top = _GAP.join(above)
        return rf"\frac{{{top or '1'}}}{{{_GAP.join(below)}}}" if below else top

    def parts(self, term: Term, index: str, fresh: Iterator[str]) -> Parts:
        """(factors above the bar, factors below)."""
        above: list[str] = []
        below: list[str] = []
        for f, e in term.factors:
            size: Exponent = e if e > 0 else -e
            if f.kind == "node" and e == 1:
                up, down = self.node(f, index, fresh)
                above += up
                below += down
            else:
                (above if e > 0 else below).append(self.power(f, size, index, fresh))
        return above, below

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
        plain = f.kind == "abs" or (f.kind == "root" and text.isdigit())
        return f"{text}^{{{e}}}" if plain else f"{_wrapped(text)}^{{{e}}}"

    def contraction(self, f: Factor, e: Exponent, fresh: Iterator[str]) -> str:
        inner = f.children[0]
        if not inner.factors:
            self.counted = True
            d = self.style.symbol(self.style.dimension)
            return d if e == 1 else f"{d}^{{{e}}}"
        index = next(fresh)
        text = rf"\sum_{{{index}}} {self.term(inner, index, fresh)}"
        if Fraction(e) == Fraction(1, 2):
            return rf"\sqrt{{{text}}}"
        return _wrapped(text) if e == 1 else f"{_wrapped(text)}^{{{e}}}"

    def factor(self, f: Factor, index: str, fresh: Iterator[str]) -> str:
        return _AtIndex(self, index, fresh).of_kind(f)

    def node(self, f: Factor, index: str, fresh: Iterator[str]) -> Parts:
        slots = [next(fresh) for _ in f.children]
        places = slots if f.label == "f" else [index, *slots]
        function = rf"f_{{{index}}}" if f.label == "f" else self.style.symbol("L")
        above, below = ["".join(rf"\pd{{{s}}}" for s in places) + function], list[str]()
        for child, slot in zip(f.children, slots, strict=True):
            up, down = self.parts(child, slot, fresh)
            above += up
            below += down
        return above, below


class _AtIndex(Cases[str]):
    """A factor without its exponent at one index."""

    def __init__(self, writer: IndexWriter, index: str, fresh: Iterator[str]) -> None:
        self.writer, self.index, self.fresh = writer, index, fresh

    def indexed(self, f: Factor, name: str) -> str:
        return name if f.scalar else f"{{{name}}}_{{{self.index}}}"

    def state(self, f: Factor) -> str:
        return self.indexed(f, self.writer.style.symbol(f.label))

    def node(self, f: Factor) -> str:
        above, below = self.writer.node(f, self.index, self.fresh)
        return rf"\frac{{{_GAP.join(above)}}}{{{_GAP.join(below)}}}" if below else _GAP.join(above)

    def contraction(self, f: Factor) -> str:
        return self.writer.contraction(f, 1, self.fresh)

    def absolute(self, f: Factor) -> str:
        return rf"\abs{{{self.writer.term(f.children[0], self.index, self.fresh)}}}"

    def root(self, f: Factor) -> str:
        return write_factor(f, self.writer.style)  # parameters carry no index

    def map(self, f: Factor) -> str:
        """A component of the value, with its arguments as vectors."""
        text = write_factor(f, self.writer.style)
        return text if f.scalar else rf"\left({text}\right)_{{{self.index}}}"

    moved = word = map

    def base(self, f: Factor) -> str:
        self.writer.used.setdefault(f)
        return self.indexed(f, self.writer.name_of(f))


def _wrapped(text: str) -> str:
    return rf"\left({text}\right)" if r"\frac" in text or r"\sum" in text else f"({text})"
