"""Three notations for formulas: Unicode, ASCII and LaTeX."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from derive.algebra.terms import Factor
from derive.language.letters import GREEK, LETTERS

_SUPERSCRIPTS = str.maketrans("0123456789-/", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻ᐟ")


@dataclass(frozen=True)
class Notation:
    """How to write the pieces; every field is a function or a string of one target language."""

    name: str
    letter: Callable[[str], str]  # a parameter or variable without regard to time functions
    derivative: Callable[[str, int], str]  # label, number of arguments
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
    functions: frozenset[str] = frozenset()  # declared time functions r: dr, d2r, ... are written r', r''
    nested: Notation | None = None  # for the arguments of a derivative, where it differs
    abbreviation: Callable[[Factor], str] | None = None  # a name for a sum under a power; '' for none

    def symbol(self, name: str) -> str:
        """A parameter, a variable, or a derivative of a time function."""
        found = _TIME_DERIVATIVE.fullmatch(name)
        if found and found[2] in self.functions:
            k = int(found[1] or 1)
            return self.power(found[2], f"({k})") if k > 3 and self.name == "latex" else found[2] + "'" * k
        return self.letter(name)

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

    def knowing(self, functions: Iterable[str]) -> Notation:
        """The same notation for a scheme with these time functions."""
        return replace(self, functions=frozenset(functions))


_TIME_DERIVATIVE = re.compile(r"d(\d*)([^\W\d]\w*)")


def _letter(name: str, table: Callable[[str], str | None], index: Callable[[str], str]) -> str | None:
    stem = name.rstrip("0123456789")
    tail = name[len(stem) :]
    stem = stem.rstrip("_") if tail else stem
    letter = table(stem)
    return None if letter is None else letter + (index(tail) if tail else "")


def _unicode_symbol(name: str) -> str:
    if name == "theta_prev":
        return "θ⁻"
    subscript = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
    return _letter(name, LETTERS.get, lambda d: "_" + d if "_" in name else d.translate(subscript)) or name


def _bars(text: str) -> str:
    """The norm of a vector, the absolute value of a number."""
    return f"norm({text})" if "|" in text else f"|{text}|"


def _latex_symbol(name: str) -> str:
    if name == "theta_prev":
        return r"\theta^{-}"

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


def _unicode_derivative(label: str, k: int) -> str:
    if label == "f":
        return "f" + ("′" * k if k <= 3 else f"⁽{str(k).translate(_SUPERSCRIPTS)}⁾")
    return "∇L" if k == 0 else f"∇{str(k + 1).translate(_SUPERSCRIPTS)}L"


def _ascii_derivative(label: str, k: int) -> str:
    if label == "f":
        return "f" + "'" * k
    return ("grad L", "hess L")[k] if k < 2 else f"d{k + 1}L"


def _latex_derivative(label: str, k: int) -> str:
    if label == "f":
        return "f" + ("'" * k if k <= 3 else f"^{{({k})}}")
    return r"\nabla L" if k == 0 else rf"\nabla^{{{k + 1}}} L"


def _text_fraction(top: str, bottom: str) -> str:
    return f"{top}/{bottom}"


def _text_power(base: str, exponent: str) -> str:
    return f"{base}^{exponent}" if exponent.isdigit() else f"{base}^({exponent})"


UNICODE = Notation(
    "unicode", _unicode_symbol, _unicode_derivative, _text_power, _text_fraction, " ⊙ ", " ", "(", ")", "[", "]", ", ".join,
    lambda a, b: f"⟨{a}, {b}⟩", _bars, lambda a: f"abs({a})", lambda a: f"√{a}" if a.isalnum() else f"√({a})", " ",
)  # fmt: skip
ASCII = Notation(
    "ascii", lambda name: name, _ascii_derivative, _text_power, _text_fraction, " * ", " ", "(", ")", "[", "]", ", ".join,
    lambda a, b: f"<{a}, {b}>", _bars, lambda a: f"abs({a})", lambda a: f"sqrt({a})", " ",
)  # fmt: skip
LATEX = Notation(
    "latex", _latex_symbol, _latex_derivative, lambda a, e: f"{a}^{{{e}}}", lambda a, b: rf"\frac{{{a}}}{{{b}}}",
    r" \odot ", r"\, ", r"\left(", r"\right)", r"\left[", r"\right]", ",\\, ".join,
    lambda a, b: rf"\left\langle {a},\, {b}\right\rangle", lambda a: rf"\left\| {a}\right\|",
    lambda a: rf"\left| {a}\right|", lambda a: rf"\sqrt{{{a}}}", r"\,",
)  # fmt: skip
