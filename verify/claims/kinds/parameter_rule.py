"""Kind parameter-rule: relations between hyperparameters that are functions of the step gamma.

    alpha = gamma**2/(1 + lam*gamma/2),  beta = (1 - lam*gamma/2)/(1 + lam*gamma/2)            (fixed lam)
    rule            gamma = sqrt(alpha);  beta < 1
    scaled alpha=r  alpha(gamma_new) = r*alpha(gamma);  beta_new = beta(gamma_new) = 1 - (1 - beta)*sqrt(r)

Both sides of an equation are expanded in gamma exactly.  It holds to leading order when the sides differ by less than the
first term in which the left side depends on gamma.  A comparison is decided for all positive values within the bounds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from derive.errors import UndecidedError, UsageError
from derive.language import LOSS_CALLS, names_of, parse_expression
from derive.readings.domain import Range, stated
from derive.readings.formula import power_of
from derive.reals import All, Proved, Refuted, Undecided, compare, decide, example
from derive.reals.reading import read_all
from verify.claims.judgment import Judgment, Kind, Stated, leading, proved, refuted
from verify.claims.symbolic import by_powers, equal, relation_of, symbol, symbolic, symbolic_tree, text_of

DEPTH = 4  # powers of gamma looked at
NOT = {"<": ">=", ">": "<=", "<=": ">", ">=": "<"}
ZERO = symbolic("0", "zero")


@dataclass(frozen=True)
class RuleClaim:
    """parameters: name -> function of gamma and constants; rule: an equation or a comparison; scaled: one parameter -> the
    factor it changes by, which moves gamma to gamma_new and every parameter x to x_new;  through: the power of gamma through
    which an equation claims to hold;  bounds: open ranges, for a comparison, {r = ["0", "1"]}."""

    parameters: Mapping[str, str]
    rule: str
    scaled: Mapping[str, str] | None = None
    through: int | None = None
    bounds: Mapping[str, tuple[str, ...]] | None = None

    def __post_init__(self) -> None:
        if not self.parameters:
            raise UsageError("parameters: say what the parameters are as functions of gamma")
        op, *texts = relation_of(self.rule, "rule")
        if (self.through is not None and op != "=") or (self.bounds is not None and op == "="):
            raise UsageError("rule: 'through' goes with an equation, 'bounds' with a comparison")
        sides = [parse_expression(side, "rule", LOSS_CALLS) for side in texts]
        used = {n.removesuffix("_new") for side in sides for n in names_of(side)} | set(self.scaled or {})
        for name in self.parameters:
            if name not in used:
                raise UsageError(f"parameters: '{name}' does not occur in the rule")
            if name == "gamma" or name.endswith("_new"):
                raise UsageError(f"parameters: '{name}' has its meaning already")
            inner = set(names_of(parse_expression(self.parameters[name], f"parameters, {name}", LOSS_CALLS)))
            if other := inner & set(self.parameters):
                raise UsageError(f"parameters: '{name}' is to be a function of gamma and constants, not of '{min(other)}'")
        if self.scaled and not any(n.endswith("_new") for side in sides for n in names_of(side)):
            raise UsageError("scaled: the rule speaks of no new value, such as beta_new")
        self.ranges  # noqa: B018  (raises what is wrong with them)

    @property
    def ranges(self) -> tuple[Range, ...]:
        """Raises UsageError for bounds of no name in use."""
        texts = [*self.parameters.values(), *(self.scaled or {}).values(), self.rule]
        words = {w for t in texts for w in re.findall(r"[A-Za-z_]\w*", t)}
        for name in self.bounds or {}:
            if name not in words or name in LOSS_CALLS:
                raise UsageError(f"bounds: '{name}' does not occur")
            if name in self.parameters or name.endswith("_new"):
                raise UsageError(f"bounds: '{name}' is a function of gamma and constants; bound those")
        return stated(self.bounds or {}, "bounds")


def states_rule(data: RuleClaim) -> Stated:
    """What is stated."""
    where = ", ".join(f"{n} = {t}" for n, t in data.parameters.items())
    scaled = "".join(f"gamma_new > 0 is where {n} becomes ({t})*{n}" for n, t in (data.scaled or {}).items())
    rest = f" + O({power_of('gamma', data.through + 1)})" if data.through is not None else ""
    ranges = (r.text for r in data.ranges)
    real = "positive gamma and constants for which both sides are real"
    return Stated(data.rule + rest, tuple(x for x in (where, scaled, *ranges, real) if x))


def judge_rule(data: RuleClaim) -> Judgment:
    """parameter-rule: exact, to leading order with the next term, or wrong at leading order."""
    gamma = symbol("gamma")
    table = {n: symbolic(t, f"parameters, {n}") for n, t in data.parameters.items()}
    names = dict(table) | (_moved(data, table) if data.scaled else {})
    op, *texts = relation_of(data.rule, "rule")
    left, right = (_side(side, names) for side in texts)
    if op != "=":
        return _compared(data, left, op, right, names.get("gamma_new", gamma))
    if equal(left, right):
        return proved(f"both sides are {text_of(left)}")
    a, b = (by_powers(x, gamma, DEPTH if data.through is None else data.through + 1) for x in (left, right))
    k = next((p for p in sorted({*a, *b}) if not equal(a.get(p, ZERO), b.get(p, ZERO))), None)
    first = next((p for p in a if p != 0), DEPTH)
    if k is None and data.through is not None:
        return proved(f"both sides are {_series(a)} + O({power_of('gamma', data.through + 1)})")
    if k is None:
        verdict = leading if first < DEPTH else refuted
        agree = f"the sides agree through gamma**{DEPTH - 1}, and are not equal"
        return verdict(f"the left side is {text_of(left)}", agree, _example(data, left, right))
    term = f"{power_of('gamma', k)}*({text_of(a.get(k, ZERO) - b.get(k, ZERO))})"
    evidence = [f"left = {_series(a)} + ...", f"right = {_series(b)} + ...", f"next term (left minus right): {term}"]
    correct = _in_old_values(data, table, left) or f"{data.rule} + {term} + ..."
    evidence.append(_example(data, left, right))
    return leading(correct, *evidence) if k > first and data.through is None else refuted(correct, *evidence)


def _compared(data: RuleClaim, left: Any, op: str, right: Any, new: Any) -> Judgment:
    """A comparison for all positive values within the bounds, the new step positive too."""
    import sympy as sp

    if odd := [a for x in (left, right, new) for a in x.atoms(sp.Function, sp.NumberSymbol)]:
        raise UndecidedError(f"{odd[0]} is not algebraic: comparisons are decided of rational functions and roots")
    reading = read_all([str(left), str(right), str(new)], where="rule")
    ring, values = reading.ring, [reading.values[str(x)] for x in (left, right)]
    positive = (compare(ring.symbol(n), ">", ring.zero) for n in ring.symbols if n.isidentifier())
    ranges = (r.formula for r in data.ranges)
    given = All((reading.given, reading.exists, *positive, compare(reading.values[str(new)], ">", ring.zero), *ranges))
    if example(given) is None:
        raise UndecidedError("no positive values lie within the bounds: everything holds for them, and nothing is shown")
    verdict = decide(compare(values[0], op, values[1]), given)
    shown = f"left = {text_of(left)}, right = {text_of(right)}"
    if isinstance(verdict, Undecided):
        raise UndecidedError(verdict.reason)
    if isinstance(verdict, Refuted):
        at = ", ".join(f"{n} = {v}" for n, v in verdict.values.items() if n.isidentifier())
        flipped = isinstance(decide(compare(values[0], NOT[op], values[1]), given), Proved)
        correct = data.rule.replace(op, NOT[op]) if flipped else f"not for all values: {shown}"
        return refuted(correct, shown, f"counterexample: {at}")
    return proved(shown)


def _side(text: str, names: Mapping[str, Any]) -> Any:
    e = parse_expression(text, "rule", LOSS_CALLS)
    for n in names_of(e):
        if n.endswith("_new") and n not in names:
            raise UsageError(f"rule: '{n}' has no value; say under 'scaled' which parameter changes")
    return symbolic_tree(e, names)


def expansion(value: Any, gamma: Any) -> list[Any]:
    """Taylor coefficients in gamma through DEPTH - 1."""
    found = by_powers(value, gamma, DEPTH)
    if any(p not in range(DEPTH) for p in found):
        raise UndecidedError(f"{text_of(value)} is not regular at gamma = 0")
    return [found.get(k, ZERO) for k in range(DEPTH)]


def _series(coefficients: Mapping[Any, Any]) -> str:
    parts = [text_of(c) if k == 0 else f"{power_of('gamma', k)}*({text_of(c)})" for k, c in coefficients.items()]
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
        raise UndecidedError(f"scaled: no unique new step follows from {name}_new = ({text})*{name}")
    return good[0]


def _in_old_values(data: RuleClaim, table: Mapping[str, Any], left: Any) -> str:
    """For beta_new: its expansion in powers of beta(0) - beta, the constants eliminated: 1 - sqrt(r)*(1 - beta) + ..."""
    import sympy as sp

    name = relation_of(data.rule, "rule")[1]
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


def _example(data: RuleClaim, left: Any, right: Any) -> str:
    import sympy as sp

    values = {s: sp.Rational(1, 4) if str(s) == "r" else sp.Rational(1, 10) if str(s) == "gamma" else sp.Integer(1)
              for s in {*left.free_symbols, *right.free_symbols}}  # fmt: skip
    at = ", ".join(f"{s} = {v}" for s, v in sorted(values.items(), key=str))
    return f"at {at}: left {sp.N(left.subs(values), 10)}, right {sp.N(right.subs(values), 10)}"


KIND = Kind("parameter-rule", RuleClaim, states_rule, judge_rule)
