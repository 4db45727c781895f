"""One writer for coefficients, terms and sums of terms, in any notation."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from derive.algebra.coefficients import Ratio
from derive.algebra.factored import joined, sign_first, unwrapped
from derive.algebra.layers import split_layered
from derive.algebra.terms import TRANSPOSED, Cases, Exponent, Factor, Term, arguments, is_word
from derive.result import Blocks, Combination, by_power
from derive.writing.notation import Notation, norm_over

# ---------------------------------------------------------------------------------------------- coefficients


def write_coefficient(value: Ratio, style: Notation, front: str = "") -> tuple[bool, str]:
    """(negative, absolute value times `front`, such as a power of gamma); the text is empty for one.

    >>> from derive.algebra.coefficients import Ring; from derive.writing.notation import UNICODE
    >>> ring = Ring(["beta"]); b = ring.symbol("beta")
    >>> write_coefficient(-(ring.one + b) / ((ring.one - b) ** 3).scaled(2), UNICODE)
    (True, '(1+β)/(2 (1-β)^3)')
    """
    parts = value.factored()
    negative = parts.content < 0
    number = abs(parts.content)
    top = [polynomial_power(f, e, style) for f, e in parts.numerator]
    bottom = [polynomial_power(f, e, style) for f, e in parts.denominator]
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
        return negative, style.beside(top, gap)
    above, below = style.beside(top, gap) or "1", style.beside(bottom, gap)
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


def polynomial_power(monomials: Any, exponent: int, style: Notation) -> str:
    text = _polynomial(monomials, style)
    if len(monomials) > 1:
        text = f"({text})"
    return text if exponent == 1 else style.power(text, str(exponent))


def _polynomial(monomials: Any, style: Notation) -> str:
    pieces: list[str] = []
    for coefficient, powers in sign_first(monomials):
        factors = [style.symbol(n) if e == 1 else style.power(style.symbol(n), str(e)) for n, e in powers]
        size = abs(coefficient)
        if size != 1 or not factors:
            factors.insert(0, str(size))
        sign = "-" if coefficient < 0 else "+"
        pieces.append((f"{style.sum_gap}{sign}{style.sum_gap}" if pieces else sign) + style.number_gap.join(factors))
    return "".join(pieces).removeprefix("+")


def coefficient_text(value: Ratio, style: Notation) -> str:
    """A coefficient alone, with its sign."""
    negative, text = write_coefficient(value, style)
    text = text or ("1" if value else "0")
    return f"-{text}" if negative else text


def gamma_power(k: int, style: Notation) -> str:
    """gamma^k in front of a term; nothing for k = 0."""
    gamma = style.symbol("gamma")
    return "" if k == 0 else gamma if k == style.root else f"{gamma}^{_power_of_gamma(k, style)}"


def said_power(k: int | Fraction, style: Notation) -> str:
    """gamma^k in a sentence, also for k = 0 and 1."""
    text = f"{style.symbol('gamma')}^{_power_of_gamma(k, style)}"
    return f"${text}$" if style.name == "latex" else text


def _power_of_gamma(k: int | Fraction, style: Notation) -> str:
    """k, or the k/q that it stands for in an expansion in gamma**(1/q)."""
    power = Fraction(k) / style.root
    return f"{{{power}}}" if style.name == "latex" else f"({power})" if power.denominator > 1 else str(power)


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
    """A term in coordinate-free notation; first scalars and what is one number a layer, then the factors at the index.

    The product at an index is written with ⊙ (unicode), * (ascii), \\odot (latex).
    """
    scalars, vectors = split_layered(term)
    head = [_power(f, e, style) for f, e in scalars]
    return style.beside([*head, _vector(vectors, style)], style.scale) or "1"


def _vector(factors: list[tuple[Factor, Exponent]], style: Notation) -> str:
    if len(factors) == 1 and is_word(factors[0][0]) and factors[0][1] == 1:
        return write_factor(factors[0][0], style)
    if style.name == "latex":  # negative powers under a bar
        above = [_power(f, e, style) for f, e in factors if not _is_below(f, e)]
        below = [_power(f, -e, style) for f, e in factors if _is_below(f, e)]
        top = style.times.join(above) or "1"
        if len(below) == 1:
            below = [below[0].removeprefix(style.left).removesuffix(style.right)] if below[0].endswith(style.right) else below
        return style.fraction(top, style.times.join(below)) if below else style.times.join(above)
    above = [_power(f, e, style) for f, e in factors if not _is_below(f, e)]
    below = [_power(f, -e, style) for f, e in factors if _is_below(f, e)]
    top = style.times.join(above) or ("1" if below else "")
    if not below:
        return top
    bottom = below[0] if len(below) == 1 else f"({style.times.join(below)})"
    return f"{top} / {bottom}"


def _is_below(f: Factor, e: Exponent) -> bool:
    """Whether a power is written in the denominator: exp(u)^(-1) is exp(-u)."""
    return e < 0 and not _is_exponential(f)


def _is_exponential(f: Factor) -> bool:
    return f.kind == "map" and f.label == "exp"


def _power(f: Factor, e: Exponent, style: Notation) -> str:
    if _is_exponential(f):
        body = [(t, c * c.ring.constant(Fraction(e))) for t, c in f.body]
        return style.mapping(f.label) + style.left + write_combination(body, style) + style.right
    if f.kind == "sum":
        return _scalar_product(f, e, style)
    if f.kind == "base" and style.abbreviation is not None and (name := style.abbreviation(f)):
        return name if e == 1 else style.sqrt(name) if Fraction(e) == Fraction(1, 2) else style.power(name, str(e))
    text = write_factor(f, style)
    if is_word(f) and e == 1:
        return style.left + text + style.right
    if e == 1:
        return style.left + text + style.right if f.kind == "base" and len(f.body) > 1 else text
    if Fraction(e) == Fraction(1, 2) and f.kind in ("base", "root"):
        return style.sqrt(text)
    simple = _is_symbol(f)
    if Fraction(e).denominator == 2 and f.kind in ("base", "root") and style.name == "latex" and e > 0 and not simple:
        return style.power(style.left + text + style.right, str(e))
    plain = f.kind in ("state", "abs") or simple or (f.kind == "map" and style.name != "latex" and not f.children)
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
    """|a|^2 for sum a_i^2, <a, b> otherwise, under the exponent e; over a layer with a subscript."""
    inner, layer = f.children[0], style.part(f.label) if f.label else ""
    if len(inner.factors) == 1 and inner.factors[0][1] == 2:
        exponent = Fraction(2 * e)
        vector = write_factor(inner.factors[0][0], style)
        text = norm_over(vector, style, f.label) if layer else style.norm(vector)
        return text if exponent == 1 else style.power(text, str(exponent))
    items = list(inner.factors)
    if not items:
        text = style.inner("1", "1") + layer if layer else style.symbol(style.dimension)
    elif len(items) == 1 and items[0][1] == 1:
        text = style.inner("1", _side(*items[0], style)) + layer
    else:
        (g, p), rest = items[-1], items[:-1]
        if not rest and isinstance(p, int) and p > 1:
            rest, p = [(g, 1)], p - 1
        text = style.inner(_vector(rest, style) or "1", _side(g, p, style)) + layer
    return text if e == 1 else style.power(text, str(e))


def _side(f: Factor, e: Exponent, style: Notation) -> str:
    """A factor alone on one side of a scalar product."""
    return write_factor(f, style) if is_word(f) and e == 1 else _power(f, e, style)


def write_factor(f: Factor, style: Notation) -> str:
    """A factor without its exponent."""
    found = style.written.get(f)
    if found is None:
        found = style.written[f] = _Factors(style).of_kind(f)
    return found


class _Factors(Cases[str]):
    def __init__(self, style: Notation) -> None:
        self.style = style

    def state(self, f: Factor) -> str:
        return self.style.symbol(f.label)

    def node(self, f: Factor) -> str:
        style = self.style
        name = style.node(f)
        if not f.children:
            return name
        inner = style.nested or style
        return name + style.open + style.argument([write_term(c, inner) for c in f.children]) + style.close

    def contraction(self, f: Factor) -> str:
        return _scalar_product(f, 1, self.style)

    def absolute(self, f: Factor) -> str:
        inside = f.children[0].factors
        if self.style.name == "latex":
            alone = len(inside) == 1 and inside[0][0].kind == "base" and inside[0][1] == 1
            text = write_factor(inside[0][0], self.style) if alone else write_term(f.children[0], self.style)
            return self.style.absolute(text)  # bars enclose a sum as parentheses do
        text = write_term(f.children[0], self.style)
        return self.style.norm(text) if f.scalar else self.style.absolute(text)

    def root(self, f: Factor) -> str:
        text = coefficient_text(f.body[0][1], self.style)
        size = self.style.absolute if self.style.name == "latex" else self.style.norm
        return size(text) if f.label == "abs" else unwrapped(text)

    def base(self, f: Factor) -> str:
        return write_combination(f.body, self.style)

    def map(self, f: Factor) -> str:
        """dP(u)[v]; A(u) of a linear map."""
        style, directions = self.style, [write_term(c, self.style) for c in f.children]
        argument = write_combination(f.body, style) if f.body else directions.pop()
        text = style.mapping(f.label) + style.left + argument + style.right
        return text + (style.open + style.argument(directions) + style.close if directions else "")

    def moved(self, f: Factor) -> str:
        """∇²L(θ + ρ ∇L)[u]."""
        style = self.style
        inner = style.nested or style
        point = [write_combination(p, style) if p else "0" for p in arguments(f)]
        text = style.node(f) + style.left + ", ".join(point) + style.right
        directions = [write_term(c, inner) for c in f.children]
        return text + (style.open + style.argument(directions) + style.close if directions else "")

    def word(self, f: Factor) -> str:
        style = self.style
        letters = [_letter(m, style) for m in f.children]
        if f.label == TRANSPOSED:
            return letters[0] + (r"^{\top}" if style.name == "latex" else ".T")
        return (r"\, " if style.name == "latex" else " @ ").join(letters)


def _letter(term: Term, style: Notation) -> str:
    """A letter of a word, in parentheses where it is a product by components."""
    text = write_term(term, style)
    several = len(term.factors) > 1 or term.factors[0][1] != 1
    return style.left + text + style.right if several else text


# ---------------------------------------------------------------------------------------------- sums


def signed_term(coefficient: Ratio, term: Term, style: Notation, front: str = "") -> tuple[bool, str]:
    """(negative, the rest) of coefficient times `front` times term."""
    coefficient, term = settled(coefficient, term)
    negative, text = write_coefficient(coefficient, style, front)
    return negative, style.beside([text, write_term(term, style) if term.factors else ""], style.scale) or "1"


def write_combination(body: Iterable[tuple[Term, Ratio]], style: Notation) -> str:
    """A sum of terms in one line."""
    signed = [signed_term(c, t, style) for t, c in body]
    return joined([(" - " if negative else " + ") + text for negative, text in signed])


def write_sum(total: Combination, style: Notation) -> str:
    """A combination in one line."""
    return write_combination(((t, c) for c, t in total), style) if total else "0"


def rows(sums: Blocks, style: Notation, first_power: int = 0) -> list[str]:
    """sum_k gamma^k (...), one signed row a term: '+ γ/4 |∇L|^2'.

    `first_power` is 1 for the map theta+ = theta + gamma m_0 + gamma^2 m_1 + ...
    """
    found = []
    for k, total in by_power(sums, first_power):
        for c, t in total:
            negative, text = signed_term(c, t, style, gamma_power(k, style))
            found.append(f"{'-' if negative else '+'} {text}")
    return found


def series_rows(sums: Blocks, style: Notation) -> list[str]:
    """The rows of a whole right side: no plus sign in front, and a zero where there is no term."""
    first, *rest = rows(sums, style) or ["0"]
    return [first.removeprefix("+ "), *rest]
