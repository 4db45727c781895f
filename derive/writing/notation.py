"""One writer for terms and coefficients, three notations: Unicode, ASCII and LaTeX."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from derive.algebra.coefficients import Ratio
from derive.algebra.terms import Exponent, Factor, Term
from derive.equation import TermSum
from derive.scheme import GREEK

_LETTERS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eps": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "iota": "ι", "kappa": "κ", "lam": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ",
    "sigma": "σ", "tau": "τ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
}  # fmt: skip
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
            return found[2] + "'" * k if k <= 3 else self.power(found[2], f"({k})")
        return self.letter(name)

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
    return _letter(name, _LETTERS.get, lambda d: d.translate(subscript)) or name


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


# ---------------------------------------------------------------------------------------------- coefficients


def write_coefficient(value: Ratio, style: Notation, front: str = "") -> tuple[bool, str]:
    """(negative, absolute value times `front`, such as a power of gamma); the text is empty for one.

    >>> from derive.algebra.coefficients import Ring
    >>> ring = Ring(["beta"]); b = ring.symbol("beta")
    >>> write_coefficient(-(ring.one + b) / ((ring.one - b) ** 3).scaled(2), UNICODE)
    (True, '(1+β)/(2 (1-β)^3)')
    """
    parts = value.factored()
    negative = parts.content < 0
    number = abs(parts.content)
    top = [_polynomial_power(f, e, style) for f, e in parts.numerator]
    bottom = [_polynomial_power(f, e, style) for f, e in parts.denominator]
    if number.numerator != 1:
        top.insert(0, str(number.numerator))
    if number.denominator != 1:
        bottom.insert(0, str(number.denominator))
    gap = style.number_gap
    if style.name == "latex" and bottom and top and front:
        front += r"\, "
    elif front:
        top.insert(int(number.numerator != 1), front)
        front = ""
    if not bottom:
        return negative, gap.join(top)
    above, below = gap.join(top) or "1", gap.join(bottom)
    if style.name == "latex":
        above = _bare(parts.numerator, number.numerator, above, style) if front or len(top) == 1 else above
        below = _bare(parts.denominator, number.denominator, below, style)
    elif len(bottom) > 1:
        below = f"({below})"
    return negative, front + style.fraction(above, below)


def _bare(factors: Any, number: int, text: str, style: Notation) -> str:
    """A single polynomial over or under a bar needs no parentheses."""
    if text.startswith("(") and number == 1 and len(factors) == 1 and factors[0][1] == 1:
        return _polynomial(factors[0][0], style)
    return text


def _polynomial_power(monomials: Any, exponent: int, style: Notation) -> str:
    text = _polynomial(monomials, style)
    if len(monomials) > 1:
        text = f"({text})"
    return text if exponent == 1 else style.power(text, str(exponent))


def _polynomial(monomials: Any, style: Notation) -> str:
    pieces = []
    first = next((i for i, (c, _) in enumerate(monomials) if c > 0), 0)
    for coefficient, powers in (monomials[first], *monomials[:first], *monomials[first + 1 :]):
        factors = [style.symbol(n) if e == 1 else style.power(style.symbol(n), str(e)) for n, e in powers]
        size = abs(coefficient)
        if size != 1 or not factors:
            factors.insert(0, str(size))
        pieces.append(("-" if coefficient < 0 else "+") + style.number_gap.join(factors))
    return "".join(pieces).removeprefix("+")


# ---------------------------------------------------------------------------------------------- terms


def settled(c: Ratio, term: Term) -> tuple[Ratio, Term]:
    """For display, 1/p p^(1/2) -> p^(-1/2) (in normal form the exponent of a root lies between 0 and 1)."""
    factors = dict(term.factors)
    for f, e in term.factors:
        if f.kind == "root" and not f.label and any(f.body[0][1].num == c.ring.factors[i] for i, _ in c.reduced().den):
            factors[f] = e - 1
            c = (c * f.body[0][1]).reduced()
    return (c, term) if factors == dict(term.factors) else (c, Term(tuple(factors.items())))


def write_term(term: Term, style: Notation) -> str:
    """A term in coordinate-free notation; scalars first, then the factors at the index.

    The product at an index is written with ⊙ (unicode), * (ascii), \\odot (latex).
    """
    scalars = [fe for fe in term.factors if fe[0].scalar]
    vectors = [fe for fe in term.factors if not fe[0].scalar]
    head = style.scale.join(_power(f, e, style) for f, e in scalars)
    body = _vector(vectors, style)
    return style.scale.join(x for x in (head, body) if x) or "1"


def _vector(factors: list[tuple[Factor, Exponent]], style: Notation) -> str:
    if style.name == "latex":  # negative powers under a bar
        above = [_power(f, e, style) for f, e in factors if e > 0]
        below = [_power(f, -e, style) for f, e in factors if e < 0]
        top = style.times.join(above) or "1"
        if len(below) == 1:
            below = [below[0].removeprefix(style.left).removesuffix(style.right)] if below[0].endswith(style.right) else below
        return style.fraction(top, style.times.join(below)) if below else style.times.join(above)
    above = [_power(f, e, style) for f, e in factors if e > 0]
    below = [_power(f, -e, style) for f, e in factors if e < 0]
    top = style.times.join(above) or ("1" if below else "")
    if not below:
        return top
    bottom = below[0] if len(below) == 1 else f"({style.times.join(below)})"
    return f"{top} / {bottom}"


def _power(f: Factor, e: Exponent, style: Notation) -> str:
    if f.kind == "sum":
        return _scalar_product(f, e, style)
    if f.kind == "base" and style.abbreviation is not None and (name := style.abbreviation(f)):
        return name if e == 1 else style.sqrt(name) if Fraction(e) == Fraction(1, 2) else style.power(name, str(e))
    text = _factor(f, style)
    if e == 1:
        return style.left + text + style.right if f.kind == "base" and len(f.body) > 1 else text
    if Fraction(e) == Fraction(1, 2) and f.kind in ("base", "root"):
        return style.sqrt(text)
    simple = _is_symbol(f)
    if Fraction(e).denominator == 2 and f.kind in ("base", "root") and style.name == "latex" and e > 0 and not simple:
        return style.power(style.left + text + style.right, str(e))
    plain = f.kind in ("state", "abs") or simple
    if f.kind == "node" and not f.children and style.name != "latex":
        plain = False
    return style.power(text if plain else style.left + text + style.right, str(e))


def _is_symbol(f: Factor) -> bool:
    """A root or base that is one symbol needs no parentheses under a power, nor does a whole number."""
    if f.kind == "root":
        value = f.body[0][1].factored()
        powers = [(powers, e) for monomials, e in value.numerator for _, powers in monomials]
        whole = not powers and value.content > 0 and value.content.denominator == 1
        single = value.content == 1 and [(e, [k for _, k in p]) for p, e in powers] == [(1, [1])]
        return not f.label and not value.denominator and (whole or single)
    return len(f.body) == 1 and len(f.body[0][0].factors) == 1 and f.body[0][0].factors[0][0].kind == "state"


def _scalar_product(f: Factor, e: Exponent, style: Notation) -> str:
    """|a|^2 for sum a_i^2, <a, b> otherwise, under the exponent e."""
    inner = f.children[0]
    if len(inner.factors) == 1 and inner.factors[0][1] == 2:
        exponent = Fraction(2 * e)
        text = style.norm(_factor(inner.factors[0][0], style))
        return text if exponent == 1 else style.power(text, str(exponent))
    items = list(inner.factors)
    if not items:
        text = "d"
    elif len(items) == 1 and items[0][1] == 1:
        text = style.inner("1", _power(*items[0], style))
    else:
        (g, p), rest = items[-1], items[:-1]
        if not rest and isinstance(p, int) and p > 1:
            rest, p = [(g, 1)], p - 1
        text = style.inner(_vector(rest, style) or "1", _power(g, p, style))
    return text if e == 1 else style.power(text, str(e))


def _factor(f: Factor, style: Notation) -> str:
    match f.kind:
        case "state":
            return style.symbol(f.label)
        case "node":
            name = style.derivative(f.label, len(f.children))
            if not f.children:
                return name
            inner = style.nested or style
            return name + style.open + style.argument([write_term(c, inner) for c in f.children]) + style.close
        case "abs":
            return style.absolute(write_term(f.children[0], style))
        case "root":
            negative, text = write_coefficient(f.body[0][1], style)
            text = ("-" if negative else "") + (text or "1")
            return (
                style.absolute(text) if f.label == "abs" else text.removeprefix("(").removesuffix(")") if _wrapped(text) else text
            )
    return write_combination(f.body, style)


def _wrapped(text: str) -> bool:
    return text.startswith("(") and text.endswith(")") and text.count("(") == 1


def write_combination(body: Iterable[tuple[Term, Ratio]], style: Notation) -> str:
    """A sum of terms in one line."""
    pieces = []
    for pair in body:
        c, term = settled(pair[1], pair[0])
        negative, coefficient = write_coefficient(c, style)
        text = write_term(term, style) if term.factors else ""
        joined = style.scale.join(x for x in (coefficient, text) if x) or "1"
        pieces.append((" - " if negative else " + ") + joined)
    text = "".join(pieces)
    return text[3:] if text.startswith(" + ") else "-" + text[3:]


def write_sum(total: TermSum, style: Notation) -> str:
    """A TermSum in one line."""
    return write_combination(((t, c) for c, t in total), style) if total else "0"
