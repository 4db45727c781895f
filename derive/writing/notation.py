"""Three notations for formulas: Unicode, ASCII and LaTeX."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from derive.algebra.functions import FIELD
from derive.algebra.terms import Factor, space_of
from derive.language import derivative_symbol
from derive.language.calls import CALLS, Partial
from derive.language.letters import GREEK, LETTERS
from derive.language.maps import map_of
from derive.scheme.names import UNKNOWNS, previous

if TYPE_CHECKING:
    from derive.scheme import Scheme

_SUPERSCRIPTS = str.maketrans("0123456789-/", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻ᐟ")


@dataclass(frozen=True)
class Notation:
    """How to write the pieces; every field is a function or a string of one target language."""

    name: str
    letter: Callable[[str], str]  # a parameter or variable without regard to time functions
    derivative: Callable[[str, str, int], str]  # kind ('L' loss, 'f' field), its letter, number of arguments
    power: Callable[[str, str], str]
    fraction: Callable[[str, str], str]
    times: str  # between vectors at an index
    scale: str  # between a coefficient and a term
    left: str
    right: str
    open: str
    close: str
    argument: Callable[[list[str]], str]
    inner: Callable[[str, str], str]
    norm: Callable[[str], str]
    absolute: Callable[[str], str]
    sqrt: Callable[[str], str]
    number_gap: str
    previous: str  # behind theta for the point before
    following: str  # behind theta for the point after
    dotted: Callable[[str, int], str]  # derivatives in time
    functions: frozenset[str] = frozenset()  # declared time functions r: dr, d2r, ... are written r', r''
    letters: Mapping[str, str] = field(default_factory=dict)  # a reader's own names for those of the scheme
    sum_gap: str = ""  # around the signs of a polynomial in parentheses
    velocity: str = ""  # the variable that is written as the derivative of theta
    nested: Notation | None = None  # for the arguments of a derivative, where it differs
    abbreviation: Callable[[Factor], str] | None = None  # a name for a sum under a power; '' for none
    unknowns: tuple[str, ...] = UNKNOWNS
    part: Callable[[str], str] = "_{}".format  # behind a norm or scalar product over the layer, row or column of the free index
    maps: frozenset[str] = frozenset()  # declared maps P: dP and d2P are their derivatives
    dimension: str = "d"  # <1, 1>, the number of components
    root: int = 1  # powers are those of gamma**(1/root)
    #: what was written in this notation: terms share their factors, and a sum under a power may stand in thousands of them
    written: WeakKeyDictionary[Factor, str] = field(init=False, repr=False, compare=False, default_factory=WeakKeyDictionary)

    def symbol(self, name: str) -> str:
        """A parameter, a variable, or a derivative of a time function."""
        for x in self.unknowns:
            if name == previous(x):
                return self.symbol(x) + self.previous
        if name and name == self.velocity:
            return self.dot("theta")
        found = _TIME_DERIVATIVE.fullmatch(name)
        if found and found[2] in self.functions:
            k, function = int(found[1] or 1), self.renamed(found[2])
            return self.power(function, f"({k})") if k > 3 and self.name == "latex" else function + "'" * k
        return self.letter(self.renamed(name))

    def renamed(self, name: str) -> str:
        """The reader's own name for a name."""
        return self.letters.get(name, name)

    def derived(self, label: str, k: int, letter: str = "") -> str:
        """The derivative with k arguments of a loss 'L' or a field 'f'; of another function where `letter` names it."""
        return self.derivative(label, self.symbol(letter or label), k)

    def mapping(self, name: str) -> str:
        """A map or its derivative, P, dP, d2P; d and d^2 before the letter in LaTeX."""
        if name in CALLS:
            return getattr(CALLS[name], self.name) or name
        label, rank = map_of(name, self.maps) or (name, 0)
        if self.name == "latex" and rank > 1:
            return rf"d^{{{rank}}}{self.symbol(label)}"
        return derivative_symbol(self.symbol(label), rank)

    def dot(self, name: str, times: int = 1) -> str:
        """The derivative of a variable in time: θ'."""
        return self.dotted(self.symbol(name), times)

    def beside(self, factors: Iterable[str], gap: str) -> str:
        """Factors side by side, those that are not empty; in a text a number that is not the first has a sign before it.

        >>> UNICODE.beside(["3", "", "β", "2^(1/3)"], " ")
        '3 β · 2^(1/3)'
        """
        text = ""
        for factor in filter(None, factors):
            numeral = factor[0].isdigit() and self.name != "latex"
            text += ((" · " if self.name == "unicode" else " * ") if numeral else gap) * bool(text) + factor
        return text

    def knowing(self, scheme: Scheme, dimension: str = "d") -> Notation:
        """The same notation for a scheme, its time functions, maps and unknowns; `dimension` is a letter that it leaves free."""
        functions, maps, unknowns = frozenset(scheme.functions), frozenset(scheme.maps), tuple(scheme.unknowns)
        return replace(self, functions=functions, maps=maps, unknowns=unknowns, dimension=dimension, root=scheme.root)

    @property
    def players(self) -> bool:
        """Whether there are several unknowns, so that derivatives say by which they are taken."""
        return len(self.unknowns) > 1

    def node(self, f: Factor) -> str:
        """The name of a derivative: ∇²L, and for declared losses ∇²L₁, or ∇_x,y f where there are several unknowns."""
        loss, _, variable = f.label.partition(".")
        if not variable:
            return self.derived(loss, len(f.children))
        spaces = [space_of(c) or variable for c in f.children]  # with one unknown, all are in its space
        return self.partial(Partial(loss, (variable, *spaces)), [])

    def partial(self, partial: Partial, arguments: Sequence[str]) -> str:
        """A derivative of a declared loss at a point, ∇_x,y f(x, y)[u]; ∇²L₁(θ)[u] where there is one unknown; its value f(x, y).

        >>> replace(UNICODE, unknowns=("x", "theta")).partial(Partial("f1", ("x", "theta")), ["x", "θ", "u"])
        '∇_x,θ f1(x, θ)[u]'
        """
        point, directions = partial.divided(arguments) if arguments else ([], [])
        loss, letters = self.symbol(partial.loss), [self.symbol(x) for x in partial.variables]
        if not letters:
            name = loss
        elif self.players:
            name = self.subscripted(letters, loss)
        elif partial.loss == FIELD.label and not any(partial.variables):
            name = self.derived(FIELD.label, len(letters) - 1)
        else:
            name = self.derived("L", len(letters) - 1, partial.loss)
        name += self.left + ", ".join(point) + self.right if point else ""
        return name + (self.open + self.argument(directions) + self.close if directions else "")

    def subscripted(self, letters: Sequence[str], loss: str) -> str:
        """A derivative by unknowns; with commas, as x, y and xy may all be unknowns."""
        by = ",".join(letters)
        if self.name == "latex":
            return rf"\nabla_{{{by}}} {loss}"
        return f"{'∇' if self.name == 'unicode' else 'grad'}_{by} {loss}"


_TIME_DERIVATIVE = re.compile(r"d(\d*)([^\W\d]\w*)")


def _letter(name: str, table: Callable[[str], str | None], index: Callable[[str], str]) -> str | None:
    stem = name.rstrip("0123456789")
    tail = name[len(stem) :]
    stem = stem.rstrip("_") if tail else stem
    letter = table(stem)
    return None if letter is None else letter + (index(tail) if tail else "")


def _unicode_symbol(name: str) -> str:
    subscript = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
    return _letter(name, LETTERS.get, lambda d: "_" + d if "_" in name else d.translate(subscript)) or name


def _bars(text: str) -> str:
    """The norm of a vector, the absolute value of a number."""
    return f"norm({text})" if "|" in text else f"|{text}|"


def norm_over(text: str, style: Notation, part: str) -> str:
    """|x|_layer, and norm(x, layer) where x has bars itself."""
    plain = style.norm(text)
    return plain[:-1] + f", {part})" if plain.startswith("norm(") else plain + style.part(part)


def _latex_part(part: str) -> str:
    return r"_{\ell}" if part == "layer" else rf"_{{\mathrm{{{part}}}}}"


def _ascii_symbol(name: str) -> str:
    return name


def _latex_symbol(name: str) -> str:
    if name.startswith("\\"):
        return name
    if name.endswith("_bar") and name != "_bar":
        return rf"\bar{{{_latex_symbol(name.removesuffix('_bar'))}}}"

    def table(stem: str) -> str | None:
        if stem == "eps":
            return r"\varepsilon"
        if stem == "lam":
            return r"\lambda"
        if stem in (*GREEK, "gamma", "theta") and stem != "omicron":
            return "\\" + stem
        return stem if len(stem) == 1 and stem.isalpha() else None

    found = _letter(name, table, lambda d: f"_{{{d}}}")
    return found if found is not None else r"\mathrm{" + name.replace("_", r"\_") + "}"


def _unicode_derivative(label: str, letter: str, k: int) -> str:
    if label == "f":
        return letter + ("′" * k if k <= 3 else f"⁽{str(k).translate(_SUPERSCRIPTS)}⁾")
    return f"∇{letter}" if k == 0 else f"∇{str(k + 1).translate(_SUPERSCRIPTS)}{letter}"


def _ascii_derivative(label: str, letter: str, k: int) -> str:
    if label == "f":
        return letter + "'" * k
    return f"{('grad', 'hess')[k] if k < 2 else f'd{k + 1}'}{' ' if k < 2 else ''}{letter}"


def _latex_derivative(label: str, letter: str, k: int) -> str:
    if label == "f":
        return letter + ("'" * k if k <= 3 else f"^{{({k})}}")
    return rf"\nabla {letter}" if k == 0 else rf"\nabla^{{{k + 1}}} {letter}"


def _primes(name: str, times: int) -> str:
    return name + "'" * times


def _dots(name: str, times: int) -> str:
    return rf"\{'d' * times}ot{{{name}}}"


def _text_fraction(top: str, bottom: str) -> str:
    return f"{top}/{bottom}"


def _text_power(base: str, exponent: str) -> str:
    return f"{base}^{exponent}" if exponent.isdigit() else f"{base}^({exponent})"


UNICODE = Notation(
    "unicode", _unicode_symbol, _unicode_derivative, _text_power, _text_fraction, " ⊙ ", " ", "(", ")", "[", "]", ", ".join,
    lambda a, b: f"⟨{a}, {b}⟩", _bars, lambda a: f"abs({a})", lambda a: f"√{a}" if a.isalnum() else f"√({a})", " ",
    "⁻", "⁺", _primes,
)  # fmt: skip
ASCII = Notation(
    "ascii", _ascii_symbol, _ascii_derivative, _text_power, _text_fraction, " * ", " ", "(", ")", "[", "]", ", ".join,
    lambda a, b: f"<{a}, {b}>", _bars, lambda a: f"abs({a})", lambda a: f"sqrt({a})", " ",
    "_prev", "+", _primes,
)  # fmt: skip
LATEX = Notation(
    "latex", _latex_symbol, _latex_derivative, lambda a, e: f"{a}^{{{e}}}", lambda a, b: rf"\frac{{{a}}}{{{b}}}",
    r" \odot ", r"\, ", r"\left(", r"\right)", r"\left[", r"\right]", ",\\, ".join,
    lambda a, b: rf"\left\langle {a},\, {b}\right\rangle", lambda a: rf"\left\| {a}\right\|",
    lambda a: rf"\left| {a}\right|", lambda a: rf"\sqrt{{{a}}}", r"\,",
    "^{-}", "^{+}", _dots, part=_latex_part,
)  # fmt: skip
