"""Terms as text of the formula language: grad, hess(u), d3(u, v), ..., products and powers at an index, dot(a, b).

For a general vector field the derivatives are field, dfield(u), d2field(u, v), ...
"""

from __future__ import annotations

from fractions import Fraction

from derive.algebra.terms import Exponent, Factor, Term


def node_name(label: str, rank: int) -> str:
    """Name of the derivative with `rank` arguments.

    >>> [node_name("L", k) for k in range(4)], node_name("f", 2)
    (['grad', 'hess', 'd3', 'd4'], 'd2field')
    """
    if label == "L":
        return ("grad", "hess")[rank] if rank < 2 else f"d{rank + 1}"
    return ("field", "dfield")[rank] if rank < 2 else f"d{rank}field"


def term_text(term: Term) -> str:
    """
    >>> from derive.algebra.coefficients import Ring; from derive.algebra.sums import Algebra
    >>> a = Algebra(Ring()); g = a.node_sum("L", []); (t,) = g
    >>> term_text(next(iter(a.product(g, a.node_sum("L", [t])))))
    'grad*hess(grad)'
    """
    if not term.factors:
        return "1"
    return "*".join(_power(f, e) for f, e in term.factors)


def _power(f: Factor, e: Exponent) -> str:
    text = _factor(f)
    if e == 1:
        return f"({text})" if f.kind == "base" and len(f.body) > 1 else text
    atomic = f.kind not in ("base", "root") or text.isidentifier()
    exponent = str(e) if isinstance(e, int) and e > 0 else f"({Fraction(e)})"
    return f"{text if atomic else f'({text})'}**{exponent}"


def _factor(f: Factor) -> str:
    children = [term_text(c) for c in f.children]
    match f.kind:
        case "state":
            return f.label
        case "node":
            name = node_name(f.label, len(children))
            return f"{name}({', '.join(children)})" if children else name
        case "sum":
            return _contraction(f.children[0])
        case "abs":
            inner = children[0]
            return f"abs{inner}" if f.children[0].factors[0][0].kind == "base" else f"abs({inner})"
        case "root":
            text = str(f.body[0][1])
            text = text[1:-1] if text.startswith("(") and text.endswith(")") and text.count("(") == 1 else text
            return f"abs({text})" if f.label == "abs" else text
    return combination_text(f.body)


def _contraction(term: Term) -> str:
    """sum_i of a product, as dot(one factor, the others); a square as dot(x, x)."""
    items = list(term.factors)
    if not items:
        return "dot(1, 1)"  # the dimension
    f, e = items[-1]
    if isinstance(e, int) and e > 1:
        first = _power(f, e // 2)
        rest = [_power(f, e - e // 2)]
        return f"dot({'*'.join([*(_power(*i) for i in items[:-1]), first])}, {rest[0]})"
    if len(items) == 1:
        return f"dot({_power(f, e)}, 1)"
    return f"dot({'*'.join(_power(*i) for i in items[:-1])}, {_power(f, e)})"


def combination_text(body: object) -> str:
    """A sum of terms with coefficients."""
    pieces = []
    for term, ratio in body:  # type: ignore[attr-defined]
        c = str(ratio)
        sign, c = (" - ", c[1:]) if c.startswith("-") else (" + ", c)
        if term.factors and c == "1":
            c = term_text(term)
        elif term.factors:
            c = f"{c}*{term_text(term)}"
        pieces.append(sign + c)
    text = "".join(pieces)
    return text[3:] if text.startswith(" + ") else "-" + text[3:]
