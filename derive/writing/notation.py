"""Three notations for formulas: Unicode, ASCII and LaTeX."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from derive.algebra.terms import Factor, space_of
from derive.language.calls import Partial
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
    players: bool = False  # whether there are several unknowns, so that derivatives say by which they are taken

    def symbol(self, name: str) -> str:
        """A parameter, a variable, or a derivative of a time function."""
        found = _TIME_DERIVATIVE.fullmatch(name)
        if found and found[2] in self.functions:
            k = int(found[1] or 1)
            return found[2] + "'" * k if k <= 3 else self.power(found[2], f"({k})")
        return self.letter(name)

    def telling_norms(self) -> Notation:
        """The same notation for a text in which |x| is componentwise: norms have double bars (in LaTeX they always have)."""
        bars = {"unicode": "‖", "ascii": "||"}.get(self.name)
        return self if bars is None else replace(self, norm=lambda a: f"{bars}{a}{bars}")

    def knowing(self, functions: Iterable[str], unknowns: Collection[str] = ()) -> Notation:
        """The same notation for a scheme with these time functions and unknowns."""
        return replace(self, functions=frozenset(functions), players=len(unknowns) > 1)

    def node(self, f: Factor) -> str:
        """The name of a derivative: ∇²L, and for declared losses ∇²L₁, or ∇_xy f where there are several unknowns."""
        loss, _, variable = f.label.partition(".")
        if not variable:
            return self.derivative(loss, len(f.children))
        spaces = [space_of(c) or variable for c in f.children]  # with one unknown, all are in its space
        return self.partial(Partial(loss, (variable, *spaces)), [])

    def partial(self, partial: Partial, arguments: Sequence[str]) -> str:
        """A derivative of a declared loss at a point, ∇_xy f(x, y)[u]; ∇²L₁(θ)[u] where there is one unknown.

        >>> replace(UNICODE, players=True).partial(Partial("f1", ("x", "theta")), ["x", "θ", "u"])
        '∇_xθ f1(x, θ)[u]'
        """
        point, directions = partial.divided(arguments) if arguments else ([], [])
        loss, letters = self.symbol(partial.loss), [self.symbol(x) for x in partial.variables]
        if self.players:
            name = self.subscripted(letters, loss)
        else:
            name = self.derivative("L", len(letters) - 1).replace("L", loss)
        name += self.left + ", ".join(point) + self.right if point else ""
        return name + (self.open + self.argument(directions) + self.close if directions else "")

    def subscripted(self, letters: Sequence[str], loss: str) -> str:
        """A derivative by several unknowns; a comma where a letter is a word."""
        if self.name == "latex":
            return rf"\nabla_{{{' '.join(letters)}}} {loss}"
        joint = "" if all(len(x) == 1 for x in letters) else ","
        return f"{'∇' if self.name == 'unicode' else 'grad'}_{joint.join(letters)} {loss}"


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
    return _letter(name, LETTERS.get, lambda d: d.translate(subscript)) or name


def _ascii_symbol(name: str) -> str:
    return "theta-" if name == "theta_prev" else name


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
        return "f" + ("'" * k if k <= 3 else f"^({k})")
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
    lambda a, b: f"⟨{a}, {b}⟩", lambda a: f"|{a}|", lambda a: f"|{a}|", lambda a: f"√{a}" if a.isalnum() else f"√({a})", " ",
)  # fmt: skip
ASCII = Notation(
    "ascii", _ascii_symbol, _ascii_derivative, _text_power, _text_fraction, " * ", " ", "(", ")", "[", "]", ", ".join,
    lambda a, b: f"<{a}, {b}>", lambda a: f"|{a}|", lambda a: f"|{a}|", lambda a: f"sqrt({a})", " ",
)  # fmt: skip
LATEX = Notation(
    "latex", _latex_symbol, _latex_derivative, lambda a, e: f"{a}^{{{e}}}", lambda a, b: rf"\frac{{{a}}}{{{b}}}",
    r" \odot ", r"\, ", r"\left(", r"\right)", r"\left[", r"\right]", ",\\, ".join,
    lambda a, b: rf"\left\langle {a},\, {b}\right\rangle", lambda a: rf"\left\| {a}\right\|",
    lambda a: rf"\left| {a}\right|", lambda a: rf"\sqrt{{{a}}}", r"\,",
)  # fmt: skip
