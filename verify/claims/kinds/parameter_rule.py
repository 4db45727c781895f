"""Kind parameter-rule: relations between hyperparameters that are functions of the step gamma.

    alpha = gamma**2/(1 + lam*gamma/2),  beta = (1 - lam*gamma/2)/(1 + lam*gamma/2)            (fixed lam)
    rule            gamma = sqrt(alpha)
    scaled alpha=r  alpha(gamma_new) = r*alpha(gamma);  beta_new = beta(gamma_new) = 1 - (1 - beta)*sqrt(r)

Both sides are expanded in gamma exactly.  The rule holds to leading order when the sides differ by less than the first term
in which the left side depends on gamma.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from derive.errors import UsageError
from derive.language import LOSS_CALLS, names_of, parse_expression
from derive.readings.formula import power_of
from verify.claims.judgment import Judgment, Kind, leading, proved, refuted
from verify.claims.symbolic import equation_of, symbol, symbolic, symbolic_tree, text_of

DEPTH = 4  # powers of gamma looked at


@dataclass(frozen=True)
class RuleClaim:
    """parameters: name -> function of gamma and constants; rule: an equation; scaled: one parameter -> the factor it changes by,
    which moves gamma to gamma_new and every parameter x to x_new."""

    parameters: Mapping[str, str]
    rule: str
    scaled: Mapping[str, str] | None = None


def judge_rule(data: RuleClaim) -> Judgment:
    """parameter-rule: exact, to leading order with the next term, or wrong at leading order."""
    import sympy as sp

    gamma = symbol("gamma")
    table = {n: symbolic(t, f"parameters, {n}") for n, t in data.parameters.items()}
    names = dict(table) | (_moved(data, table) if data.scaled else {})
    left, right = (_side(side, names) for side in equation_of(data.rule, "rule"))
    difference = sp.simplify(right - left)
    if difference == 0:
        return proved(f"both sides are {text_of(left)}")
    a, b = (expansion(x, gamma) for x in (left, right))
    k = next((i for i in range(DEPTH) if sp.simplify(b[i] - a[i]) != 0), None)
    if k is None:
        raise UsageError(f"rule: the sides agree through gamma**{DEPTH - 1}, but are not seen to be equal")
    first = next((i for i in range(1, DEPTH) if a[i] != 0), DEPTH)
    term = f"{power_of('gamma', k)}*({text_of(a[k] - b[k])})"
    evidence = [f"left = {_series(a)} + ...", f"right = {_series(b)} + ...", f"next term (left minus right): {term}"]
    correct = _in_old_values(data, table, left) or f"{data.rule} + {term} + ..."
    evidence.append(_example(data, table, left, right))
    return leading(correct, *evidence) if k > first else refuted(correct, *evidence)


def _side(text: str, names: Mapping[str, Any]) -> Any:
    e = parse_expression(text, "rule", LOSS_CALLS)
    for n in names_of(e):
        if n.endswith("_new") and n not in names:
            raise UsageError(f"rule: '{n}' has no value; say under 'scaled' which parameter changes")
    return symbolic_tree(e, names)


def expansion(value: Any, gamma: Any) -> list[Any]:
    """Taylor coefficients in gamma through DEPTH - 1."""
    import sympy as sp

    series = sp.series(value, gamma, 0, DEPTH).removeO()
    return [sp.factor(sp.expand(series).coeff(gamma, k)) for k in range(DEPTH)]


def _series(coefficients: list[Any]) -> str:
    parts = [text_of(c) if k == 0 else f"{power_of('gamma', k)}*({text_of(c)})" for k, c in enumerate(coefficients) if c != 0]
    return " + ".join(parts) or "0"


def _moved(data: RuleClaim, table: Mapping[str, Any]) -> dict[str, Any]:
    """The new values: gamma_new solves x(gamma_new) = factor*x(gamma), exactly where that is possible."""
    gamma_new = _new_gamma(data, table)
    gamma = symbol("gamma")
    return {"gamma_new": gamma_new} | {f"{n}_new": e.subs(gamma, gamma_new) for n, e in table.items()}


def _new_gamma(data: RuleClaim, table: Mapping[str, Any]) -> Any:
    import sympy as sp

    scaled = data.scaled or {}
    if len(scaled) != 1 or next(iter(scaled)) not in table:
        raise UsageError(f"scaled: name one of the parameters ({', '.join(table)}) and its factor, {{alpha = \"r\"}}")
    name, text = next(iter(scaled.items()))
    gamma, new = symbol("gamma"), sp.Symbol("new", positive=True)
    factor = symbolic(text, "scaled")
    if gamma in factor.free_symbols:
        raise UsageError("scaled: the factor may not depend on gamma")
    roots = sp.solve(sp.numer(sp.together(table[name].subs(gamma, new) - factor * table[name])), new)
    good = []
    for root in roots:
        if root.has(gamma) and sp.simplify(sp.limit(root / gamma, gamma, 0)).is_positive:
            good.append(root)
    if len(good) != 1:
        raise UsageError(f"scaled: no unique new step follows from {name}_new = ({text})*{name}")
    return good[0]


def _in_old_values(data: RuleClaim, table: Mapping[str, Any], left: Any) -> str:
    """For beta_new: its expansion in powers of beta(0) - beta, the constants eliminated: 1 - sqrt(r)*(1 - beta) + ..."""
    import sympy as sp

    name = equation_of(data.rule, "rule")[0]
    gamma, u = symbol("gamma"), sp.Symbol("u", positive=True)
    if not data.scaled or name.removesuffix("_new") not in table or name in table:
        return ""
    old = table[name.removesuffix("_new")]
    a = expansion(old.subs(gamma, 0) - old, gamma)
    if a[1] == 0:
        return ""
    # gamma = u/a1 - a2 u^2/a1^3 + ...
    inverse = u / a[1] - a[2] * u**2 / a[1] ** 3 + (2 * a[2] ** 2 - a[1] * a[3]) * u**3 / a[1] ** 5
    series = sum(c * gamma**k for k, c in enumerate(expansion(left, gamma)))
    polynomial = sp.expand(series.subs(gamma, inverse))
    parts = [sp.factor(sp.simplify(polynomial.coeff(u, k))) for k in range(3)]
    shown = f"({text_of(old.subs(gamma, 0))} - {name.removesuffix('_new')})"
    terms = [text_of(parts[0]), f"({text_of(parts[1])})*{shown}", f"({text_of(parts[2])})*{shown}**2"]
    return f"{name} = {' + '.join(terms)} + O({shown}**3)"


def _example(data: RuleClaim, table: Mapping[str, Any], left: Any, right: Any) -> str:
    import sympy as sp

    values = {s: sp.Rational(1, 4) if str(s) == "r" else sp.Rational(1, 10) if str(s) == "gamma" else sp.Integer(1)
              for s in {*left.free_symbols, *right.free_symbols}}  # fmt: skip
    at = ", ".join(f"{s} = {v}" for s, v in sorted(values.items(), key=str))
    return f"at {at}: left {sp.N(left.subs(values), 10)}, right {sp.N(right.subs(values), 10)}"


KIND = Kind("parameter-rule", RuleClaim, judge_rule)
