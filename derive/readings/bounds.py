"""The interval of q around q = 0+ on which given rational functions of q and parameters are all positive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise, product
from typing import Any

from derive.algebra.coefficients import Ratio, Ring
from derive.errors import DeriveError, ReductionError, UsageError
from derive.language import Call, Expression, Name, Number, Operation, constant, names_of, parse_expression
from derive.scheme import Configuration
from derive.scheme.ranges import comparisons
from derive.scheme.schedule import evaluate

_SAMPLES = ("1/20", "1/4", "9/20", "7/10", "47/50")


def stable_interval(configuration: Configuration, conditions: Sequence[Ratio], q: str) -> tuple[str, str] | None:
    """(lower, upper) as expressions, 'oo' where there is no bound; None where no small q > 0 (nor a later interval) is stable."""
    import sympy as sp

    symbols = {s: sp.Symbol(s, real=True) for c in conditions for s in c.symbols()}
    variable = symbols.get(q, sp.Symbol(q, real=True))
    forms = [to_sympy(c, symbols) for c in conditions]
    roots = [r for f in forms for r in _roots(sp, f, variable)]
    lowers: dict[Any, None] = {}
    uppers: dict[Any, None] = {}
    for sample in _samples(configuration, [s for s in symbols if s != q]):
        values = {symbols[s]: sp.Rational(x) for s, x in sample.items()}
        found = _at_sample(sp, [f.subs(values) for f in forms], variable, [(r, r.subs(values)) for r in roots])
        if found is None:
            return None
        lowers[found[0]], uppers[found[1]] = None, None
    return _text(sp, list(lowers), sp.Max), _text(sp, list(uppers), sp.Min)


def _text(sp: Any, ends: list[Any], join: Any) -> str:
    ends = list(dict.fromkeys(sp.factor(e) if e.is_finite is not False else e for e in ends))
    return tidy(str(ends[0])) if len(ends) == 1 else str(join(*ends))


def tidy(text: str) -> str:
    """A rational expression in the normal form of coefficients; other text as it is.

    >>> tidy("-2*(gamma*lam - 2)/gamma")
    '2*(2 - gamma*lam)/gamma'
    """
    try:
        expression = parse_expression(text, "bound")
        ring = Ring(sorted(names_of(expression)))
        return parenthesised(str(_ratio(expression, ring).reduced()))
    except DeriveError:
        return text


def parenthesised(text: str) -> str:
    """Without one pair of parentheses around the whole."""
    return text[1:-1] if text.startswith("(") and text.endswith(")") and text.count("(") == 1 else text


def _ratio(e: Expression, ring: Ring) -> Ratio:
    match e:
        case Number(value):
            return ring.constant(value)
        case Name(id):
            return ring.symbol(id)
        case Operation("neg", (a,)):
            return -_ratio(a, ring)
        case Operation("**", (a, b)) if (power := constant(b)) is not None and power.denominator == 1:
            return _ratio(a, ring) ** int(power)
        case Operation("+" | "-" | "*" | "/" as op, (a, b)):
            x, y = _ratio(a, ring), _ratio(b, ring)
            return x + y if op == "+" else x - y if op == "-" else x * y if op == "*" else x / y
    raise UsageError("not rational")


def to_sympy(c: Ratio, symbols: dict[str, Any]) -> Any:
    """A coefficient as a sympy expression."""
    import sympy as sp

    names = c.ring.names

    def polynomial(p: Any) -> Any:
        total = sp.Integer(0)
        for exponents, k in p.to_dict().items():
            total += sp.Rational(int(k.p), int(k.q)) * sp.Mul(
                *(symbols[n] ** int(e) for n, e in zip(names, exponents, strict=True) if e)
            )
        return total

    c = c.reduced()
    return polynomial(c.num) / sp.Mul(*(polynomial(c.ring.factors[i]) ** e for i, e in c.den))


def _roots(sp: Any, form: Any, q: Any) -> list[Any]:
    """Roots in q of the numerator and poles, as expressions; of univariate polynomials of any degree, else through degree 2."""
    top, bottom = sp.fraction(sp.together(form))
    result: list[Any] = []
    for side in (top, bottom):
        for f, _ in sp.factor_list(side)[1]:
            if not f.has(q):
                continue
            polynomial = sp.Poly(f, q)
            if polynomial.free_symbols_in_domain == set() and polynomial.degree() > 2:
                result += sp.real_roots(polynomial)
            elif polynomial.degree() <= 2:
                result += list(sp.roots(polynomial))
            else:
                raise ReductionError(
                    f"a stability bound is a root of the polynomial {f} in q = gamma*h, which has no short closed form; "
                    "set the parameters with --set"
                )
    return list(dict.fromkeys(result))


def _samples(configuration: Configuration, names: list[str]) -> list[dict[str, str]]:
    """Parameter values inside the stated ranges (0 to 1 where none is stated)."""
    result = []
    for i, values in enumerate(product(_SAMPLES, repeat=min(len(names), 3))):
        sample = {n: values[j % 3] for j, n in enumerate(names)}
        if "gamma" in sample:
            sample["gamma"] = ("1/100", "1/1000")[i % 2]
        if _admissible(configuration, sample):
            result.append(sample)
    return result[:: max(1, len(result) // 12)] or [dict.fromkeys(names, "1/4")]


def _admissible(configuration: Configuration, sample: dict[str, str]) -> bool:
    values = {n: Fraction(x) for n, x in sample.items()}
    for name in sample:
        parameter = configuration.scheme.parameters.get(name)
        for left, op, right in comparisons(parameter) if parameter else []:
            try:
                a, b = (evaluate(parse_expression(s, "range"), values) for s in (left, right))
            except DeriveError:
                continue
            if not {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[op]:
                return False
    return True


def _at_sample(sp: Any, forms: list[Any], q: Any, roots: list[tuple[Any, Any]]) -> tuple[Any, Any] | None:
    """The expressions that bound the stable interval next to 0+, or the first one after it."""
    numeric: dict[Any, Any] = {}
    for expression, value in roots:
        if value.is_real and value.is_finite:
            numeric.setdefault(sp.N(value, 30), expression)
    points = sorted(numeric)

    def stable(x: Any) -> bool:
        return all((v := sp.N(f.subs(q, x), 30)).is_finite and v > 0 for f in forms)

    ends: list[Any] = [-sp.oo, *points, sp.oo]
    segments = list(pairwise(ends))
    good = [stable(_middle(sp, a, b)) for a, b in segments]
    start = next((i for i, (a, b) in enumerate(segments) if b > 0 and good[i]), None)
    if start is None:
        return None
    stop = start
    while stop + 1 < len(segments) and good[stop + 1]:
        stop += 1
    while start > 0 and good[start - 1]:
        start -= 1
    return numeric.get(segments[start][0], -sp.oo), numeric.get(segments[stop][1], sp.oo)


def _middle(sp: Any, a: Any, b: Any) -> Any:
    if a == -sp.oo:
        return sp.Integer(0) if b == sp.oo else b - 1
    return a + 1 if b == sp.oo else (a + b) / 2


def end_expression(end: str, names: Iterable[str] = ()) -> Any:
    """The sympy expression of an end of an interval, read by our own grammar.

    >>> end_expression("2*(1 + beta)", ["beta"])
    2*beta + 2
    """
    import sympy as sp

    from derive.concrete.explicit import to_sympy

    symbols = {n: sp.Symbol(n) for n in (*names, "x")} | {"oo": sp.oo}

    def read(e: Expression) -> Any:
        match e:
            case Call("CRootOf", (polynomial, index)):
                return sp.CRootOf(to_sympy(polynomial, symbols), int(constant(index) or 0))
            case Call("sqrt", (a,)):
                return sp.sqrt(read(a))
            case Operation("neg", (a,)):
                return -read(a)
            case Operation("*", (a, b)):
                return read(a) * read(b)
            case Operation("/", (a, b)):
                return read(a) / read(b)
            case Operation("+", (a, b)):
                return read(a) + read(b)
            case Operation("-", (a, b)):
                return read(a) - read(b)
        return to_sympy(e, symbols)

    return read(parse_expression(end, "interval", {"CRootOf": 2, "sqrt": 1}))
