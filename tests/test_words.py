"""What is printed for people says what holds: every article, page and explanation is read by rules, not by snapshots.

A rule is a condition that is computed from a result, and what the text must or must not say under it.  Each is tried on a false
sentence as well, which it must refuse.
"""

from __future__ import annotations

import html
import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from plain_schemes import PLAIN

from derive import load_scheme, modified_equation
from derive.equation import ModifiedEquation
from derive.errors import DeriveError
from derive.paper.document import article_of, paper_latex
from derive.paper.independent import Verified
from derive.readings.explain import Explanation, explain
from derive.readings.loss import ModifiedLoss, loss_of
from derive.readings.signs import Signs
from derive.scheme import Scheme, inline_scheme
from derive.scheme.ranges import comparisons
from derive.writing.explanation import explanation_lines
from derive.writing.series import notation
from verify.numbers.evaluation import evaluate
from verify.numbers.kinds import EXACT
from verify.numbers.power_series import IrrationalRoot, to_fmpq
from verify.problems.formula import parsed
from verify.report.material import Material, Request
from verify.report.sections import Sections

#: updates that no catalogue has: upwards, constant, without a gradient, fields, norms, signs, letters without a range
TYPED = {
    "ascent": "theta = theta + gamma*grad(theta)",
    "constant": "theta = theta + gamma*mu",
    "still": "theta = theta",
    "field": "theta = theta + gamma*field(theta)",
    "field with memory": "v = beta*v + gamma*field(theta); theta = theta + v",
    "sign of a field": "theta = theta + gamma*sign(field(theta))",
    "gradient at a shrunk point": "theta = theta - gamma*grad((1 - gamma*lam)*theta)",
    "norm to the fourth": "theta = theta - gamma*norm(grad(theta))**4*grad(theta)",
    "norm": "theta = theta - gamma*norm(grad(theta))*grad(theta)",
    "roots": "theta = theta - gamma*sign(grad(theta))*sqrt(abs(grad(theta)))",
    "norm and sizes": "g = grad(theta); theta = theta - gamma*norm(g)*g/abs(g)",
    "time": "theta = theta - gamma*grad(theta)/(1 + t)",
    "weight of no known sign": "theta = theta - gamma*alpha*grad(theta)",
    "negative factor": "v = -beta*v - gamma*grad(theta); theta = theta + v",
    "memory without effect": "v = beta*v; theta = theta + gamma*v",
    "scalar average": "S = beta*S + (1 - beta)*dot(grad(theta), grad(theta)); theta = theta - gamma*grad(theta)/sqrt(S + eps)",
    "slow average": "m = m + gamma*(grad(theta) - m); theta = theta - gamma*m",
    "times theta": "theta = theta - gamma*grad(theta)*theta",
}
SQUARE_OF_A_SQUARE = re.compile(r"\^\{2\}\s*\)\s*\^")


@dataclass(frozen=True)
class Facts:
    """What is known of a scheme's result, read from its JSON form and its readings."""

    label: str = "L"
    remembers: bool = False
    timed: bool = False  # a coefficient contains the time, and may have a pole there
    terms: tuple[str, ...] = ()
    further: bool = False  # a modified loss has terms beyond gamma^1
    scalar_factor: bool | None = None
    matched: bool = False
    weights: tuple[Fraction, ...] = field(default=())  # values of the loss's coefficient at parameters in their ranges


Rule = Callable[[str, Facts], bool]


def speaks_of_the_start(text: str, facts: Facts) -> bool:
    """The slow manifold where there is memory, and not where there is none."""
    return ("slow manifold" in text) == facts.remembers


def states_where_sizes_vanish(text: str, facts: Facts) -> bool:
    """Bars, norms and negative powers bring conditions; polynomials in derivatives have none."""
    sizes = any("abs(" in t for t in facts.terms)
    plain = not facts.timed and not any(re.search(r"abs\(|norm\(|sqrt\(|\*\*\(|\*\*-", t) for t in facts.terms)
    said = re.search(r"(≠|!=|\\ne|>) 0(\$)? in every component", text) is not None
    asked = re.search(r"where \$?[^.,;]*(≠|!=|\\ne|> 0)", text) is not None
    return (said if sizes else True) and (not asked if plain else True)


def names_the_problem(text: str, facts: Facts) -> bool:
    """Fields are not losses."""
    wrong = "every smooth loss" if facts.label == "f" else "every smooth vector field"
    return wrong not in text


def has_ordinals(text: str, facts: Facts) -> bool:
    return re.search(r"(?<!1)[123]th\b", text) is None


def writes_powers_of_norms_once(text: str, facts: Facts) -> bool:
    """No ‖x‖²², no root of a squared norm, no square of a sum that hides its index."""
    return re.search(r"‖[²³⁴⁵⁶⁷⁸⁹]{2,}|√‖|of the squared norm|squared norm of [a-z ()]* to the power", text) is None and not (
        SQUARE_OF_A_SQUARE.search(text)
    )


def has_one_meaning_of_bars(text: str, facts: Facts) -> bool:
    """Componentwise sizes are written abs(x); where they are written with bars, a norm has double ones."""
    sizes = any("abs(" in t for t in facts.terms) and "abs(" not in text
    return not (sizes and re.search(r"(?<![|‖])\|[^|‖\s]+\|\^[2-9]", text))


def ends_where_nothing_follows(text: str, facts: Facts) -> bool:
    return facts.further or "+ ..." not in text


def names_the_factor(text: str, facts: Facts) -> bool:
    if facts.scalar_factor is None:
        return "factor P" not in text and "factor $P$" not in text
    return ("elementwise factor" in text, "scalar factor" in text) == (not facts.scalar_factor, facts.scalar_factor)


def asks_for_a_matched_velocity(text: str, facts: Facts) -> bool:
    return ("matched velocity" in text) == facts.matched


def minimises_downwards(text: str, facts: Facts) -> bool:
    """Up or down as the loss's weight is for parameters in their ranges; neither where it may be both or is not there."""
    up, down = "maximis" in text, re.search(r"minimis(?!ed\.</p>)", text) is not None
    positive = bool(facts.weights) and all(w > 0 for w in facts.weights)
    negative = bool(facts.weights) and all(w < 0 for w in facts.weights)
    return (positive or not down) and (negative or not up)


#: rule -> a false sentence, and the facts under which it is false
EXPLANATION: Mapping[Rule, tuple[str, Facts]] = {
    speaks_of_the_start: ("the iterates follow the limit to order 1", Facts(remembers=True)),
    states_where_sizes_vanish: ("follow the limit to order 1", Facts(terms=("grad*(abs(grad) + eps)**(-1)",))),
    has_one_meaning_of_bars: ("γ |∇L|^2 and ⟨1, |∇L|⟩", Facts(terms=("abs(grad)",))),
    ends_where_nothing_follows: ("modified loss: L + ... (through γ^2)", Facts()),
    names_the_factor: ("with the elementwise factor P = |∇L|", Facts(scalar_factor=True)),
    asks_for_a_matched_velocity: ("the iterates follow the limit (γ = 0) to order 2", Facts(matched=True)),
    names_the_problem: ("for every smooth loss", Facts("f")),
}
ARTICLE: Mapping[Rule, tuple[str, Facts]] = {
    speaks_of_the_start: ("the iterates follow, to all orders,", Facts(remembers=True)),
    states_where_sizes_vanish: ("every smooth loss in any dimension, where $\\gradL \\ne 0$", Facts(terms=("hess(grad)",))),
    names_the_problem: ("for every smooth vector field in any dimension", Facts("L")),
    writes_powers_of_norms_once: (r"((\pd{j}L)^{2})^{3/2}", Facts()),
    names_the_factor: ("the scheme's own elementwise factor $P$", Facts(scalar_factor=True)),
    has_ordinals: ("the 2th derivative", Facts()),
}
PAGE: Mapping[Rule, tuple[str, Facts]] = {
    speaks_of_the_start: ("passes through the iterates, θ(nγ) = θₙ", Facts(remembers=True)),
    states_where_sizes_vanish: ("It holds for every smooth loss in any dimension.", Facts(terms=("grad*abs(grad)**(-1)",))),
    names_the_problem: ("It holds for every smooth loss in any dimension.", Facts("f")),
    has_ordinals: ("the 22th derivative", Facts()),
    writes_powers_of_norms_once: ("divided by ‖∇L‖²²", Facts()),
    names_the_factor: ("With the elementwise factor P", Facts(scalar_factor=True)),
    minimises_downwards: ("Besides minimising the loss, the scheme:", Facts(weights=(Fraction(-1),))),
}


@pytest.mark.parametrize("rules", [EXPLANATION, ARTICLE, PAGE], ids=["explanation", "article", "page"])
def test_every_rule_refuses_a_false_sentence(rules: Mapping[Rule, tuple[str, Facts]]) -> None:
    for rule, (text, facts) in rules.items():
        assert not rule(text, facts), rule.__name__


# ------------------------------------------------------------------------------------------ the texts and their facts


def chosen(name: str) -> Scheme:
    return inline_scheme(TYPED[name]) if name in TYPED else load_scheme(name)


def cases() -> Iterator[tuple[str, str | None]]:
    for name in (*PLAIN, *TYPED):
        yield from ((name, r) for r in tuple(chosen(name).regimes) or (None,))


def through(name: str) -> int:
    """The order: madgrad has more than 250,000 products of terms at gamma^2."""
    return 1 if name == "madgrad" else 2


def terms_of(*equations: ModifiedEquation) -> tuple[str, ...]:
    blocks = [b for e in equations for sums in e.to_json()["equations"].values() for b in sums]
    return tuple({t["term"] for b in blocks for t in b["terms"]})


def losses_of(*found: ModifiedLoss | str | None) -> list[ModifiedLoss]:
    """Readings, and those behind a factor and in limits."""
    read = [v for v in found if isinstance(v, ModifiedLoss)]
    return read + losses_of(*(w for v in read for w in (v.preconditioned, *(x for _, x in v.limits)))) if read else []


def scalar_factor(*found: ModifiedLoss | str) -> bool | None:
    factors = [v.preconditioner for v in found if isinstance(v, ModifiedLoss) and v.preconditioner and v.preconditioned]
    return all(t.scalar for p in factors for t in p.sum) if factors else None


@cache
def values_in_ranges(equation_name: tuple[str, str | None]) -> tuple[dict[str, Fraction], ...]:
    """Ten draws of all parameters inside their stated ranges; letters without a range are of either sign."""
    name, regime = equation_name
    c = modified_equation(chosen(name), 0, regime=regime).configuration
    source = random.Random(5)
    draws: list[dict[str, Fraction]] = []
    for _ in range(10):
        values = {}
        for n in c.free:
            parameter = c.scheme.parameters.get(n)
            sides = {s.strip() for x in (comparisons(parameter) if parameter else []) for s in (x[0], x[2])}
            inside = Fraction(source.randint(1, 99), 100)
            values[n] = inside if "1" in sides or "0" in sides else inside * source.choice((-1, 1))
        draws.append(values | {"t": Fraction(source.randint(1, 30), 10)})
    return tuple(draws)


def sampled(value: Any, where: tuple[str, str | None]) -> list[Fraction]:
    """The coefficient at those values, as far as they are rational."""
    found = []
    for values in values_in_ranges(where):
        try:
            x = evaluate(parsed(str(value)), {n: to_fmpq(v) for n, v in values.items()}, EXACT, lambda f, a: 1)
        except (IrrationalRoot, ArithmeticError, TypeError, DeriveError):
            continue
        found.append(Fraction(int(x.p), int(x.q)))
    return found


def without_remarks(article: str) -> str:
    """What the file of a scheme remarks is its author's."""
    body = article.partition(r"\begin{document}")[2]
    return re.sub(r"\\paragraph\{Remarks\..*", "", body)


class Plain:
    """Formulas as their LaTeX."""

    def svg(self, latex: str) -> str:
        return f" ${latex}$ "


def page_of(equation: ModifiedEquation, potential: ModifiedLoss | str) -> str:
    """The sections of a page that speak of the equation and of its loss."""
    nothing: Any = None
    model: Any = SimpleNamespace(equation=equation.to_json(), parameters=equation.configuration.free)
    material = Material(
        Request(equation.scheme), equation, model, nothing, {}, {}, (), (), Fraction(1), potential, "left out", "left out"
    )
    plain: Any = Plain()
    sections = Sections(material, plain)
    text = sections.equation() + sections.terms() + sections.loss()
    return html.unescape(re.sub(r'href="[^"]*"', "", text))


def facts_of(equation: ModifiedEquation, *potentials: ModifiedLoss | str) -> Facts:
    remembers = bool(equation.to_json()["relaxation"] or equation.memory)
    return Facts(
        equation.scheme.label, remembers, timed(equation), terms_of(equation), scalar_factor=scalar_factor(*potentials)
    )


def timed(*equations: ModifiedEquation) -> bool:
    blocks = [b for e in equations for sums in e.to_json()["equations"].values() for b in sums]
    return any(re.search(r"\bt\b", t["coefficient"]) for b in blocks for t in b["terms"])


def potential_of(equation: ModifiedEquation) -> ModifiedLoss | str:
    try:
        return loss_of(equation)
    except DeriveError as error:
        return str(error)


# ------------------------------------------------------------------------------------------ every text


@pytest.mark.parametrize("name", [*PLAIN, *TYPED])
def test_explanations(name: str) -> None:
    e = explain(chosen(name))
    equations = [r.equation for r in e.regimes if r.equation is not None]
    for facts, style in ((explained(e, equations), s) for s in ("unicode", "ascii", "latex")):
        text = "\n".join(explanation_lines(e, notation(style, e.equation, e.derivative)))
        for rule in EXPLANATION:
            if style == "latex" and rule in (names_the_factor, has_one_meaning_of_bars):
                continue  # P has a row of its own, and norms always have double bars
            assert rule(text, facts), (rule.__name__, style, text)
        if style == "latex":
            assert all(f"regime {r}" in text for r in e.scheme.regimes)
            assert text.count(r"\nabla V$") >= len([v for v in (e.loss, e.map_loss) if isinstance(v, ModifiedLoss)])


def explained(e: Explanation, equations: list[ModifiedEquation]) -> Facts:
    found = losses_of(e.loss, e.map_loss)
    matched = any(r.second is not None and r.accuracy > 1 and any(r.second.velocity[1 : r.accuracy]) for r in e.regimes)
    label = e.scheme.label
    terms = terms_of(*equations)
    return Facts(
        label, any(x.relaxations for x in equations), timed(*equations), terms, any(any(v.potential[2:]) for v in found),
        scalar_factor(e.loss, e.map_loss), matched,
    )  # fmt: skip


@pytest.mark.parametrize(("name", "regime"), list(cases()))
def test_articles(name: str, regime: str | None) -> None:
    article = article_of(chosen(name), through(name), regime)
    text = without_remarks(paper_latex(article, Verified(150)))
    facts = facts_of(article.equation, potential_of(article.equation))
    for rule in ARTICLE:
        assert rule(text, facts), (rule.__name__, text)
    assert "sec:start" in text
    order = through(name)
    flow, one = (modified_equation(chosen(name), order, regime=regime, form=f).to_json()["equations"] for f in ("flow", "map"))
    assert ("its coefficients differ" in text) == (flow != one)
    if any(r.get("polynomial") != ["0", "1"] for r in article.equation.to_json()["relaxation"]):
        assert "transients" in text
    assert (r"where $m$ runs over expressions in $\theta$" in text) or any("theta" not in t for t in facts.terms)


@pytest.mark.parametrize(("name", "regime"), list(cases()))
def test_pages(name: str, regime: str | None) -> None:
    equation = modified_equation(chosen(name), 1, regime=regime)
    potential = potential_of(equation)
    facts = facts_of(equation, potential)
    both = (potential, getattr(potential, "preconditioned", None))  # one that jumps is shown with the factor in front alone
    read = [v for v in both if isinstance(v, ModifiedLoss) and v.potential and not v.divides_by]
    weights = tuple(x for v in read for x in sampled(v.potential[0].coefficient("L"), (name, regime)))
    text = page_of(equation, potential)
    for rule in PAGE:
        assert rule(text, replace(facts, weights=weights)), (rule.__name__, text)


@pytest.mark.parametrize(("name", "regime"), list(cases()))
def test_signs_are_those_of_parameters_in_their_ranges(name: str, regime: str | None) -> None:
    """The words' directions: no draw of the parameters has the opposite sign."""
    equation = modified_equation(chosen(name), through(name), regime=regime)
    signs = Signs(equation)
    for sums in equation.equations.values():
        for total in sums:
            for c, _ in total:
                sign = signs.of(c)
                assert sign is None or all(sign * x >= 0 for x in sampled(c, (name, regime))), str(c)


# ------------------------------------------------------------------------------------------ single sentences


def test_signs_know_what_they_cannot_know() -> None:
    """Not the sign of a letter without a range, nor of the difference of two factors; |beta| < 1 where memory decays."""
    letter = modified_equation(chosen("weight of no known sign"), 0)
    assert Signs(letter).of(letter["theta"][0].coefficient("grad")) is None
    typed = modified_equation(inline_scheme("v = beta*v - gamma*grad(theta); theta = theta + v"), 1)
    leading = [total.coefficient(t) for total, t in zip(typed["theta"], ("grad", "hess(grad)"), strict=True)]
    assert [Signs(typed).of(c) for c in leading] == [-1, -1]
    set_off = modified_equation("momentum", 1, settings={"beta": "3/2"})
    assert Signs(set_off).of(set_off["theta"][0].coefficient("grad")) == 1


def test_poles_in_time_are_stated() -> None:
    """3/t of Nesterov's scheme for convex losses; 1/(1 - beta) is none where beta < 1."""
    for name, said in (("nesterov-convex", "where t ≠ 0"), ("time", "where 1+t ≠ 0")):
        e = explain(chosen(name))
        assert said in "\n".join(explanation_lines(e, notation("unicode", e.equation, e.derivative)))
    e = explain("momentum")
    assert "where" not in "\n".join(explanation_lines(e, notation("unicode", e.equation, e.derivative)))


@pytest.mark.parametrize(("order", "whole"), [(5, True), (6, False)])
def test_trees_that_are_not_listed(order: int, whole: bool) -> None:
    """37 trees with at most six nodes fit into the table; of the 85 with at most seven most are left out."""
    text = paper_latex(article_of(load_scheme("gd"), order))
    rows = [line for line in text.splitlines() if r"\rootedtree{" in line and r"\\[" in line]
    assert (len(rows) == sum(len(s) for s in modified_equation("gd", order)["theta"])) == whole
    assert ("not listed have" in text, "shows the first 37 of the" in text) == (whole, not whole)


def test_the_proof_is_quoted_as_it_was_found() -> None:
    article = article_of(load_scheme("gd"), 1)
    proved, undecided = (paper_latex(article, v) for v in (Verified(150), Verified(reason="2^40 classes of signs")))
    assert "probability below $2^{-150}$" in proved
    assert "parameters in their ranges" not in proved
    assert "parameters in their ranges" in paper_latex(article_of(load_scheme("momentum"), 1), Verified(150))
    assert "not completed" in undecided
    assert "probability below" not in undecided


def test_a_power_without_a_written_potential_is_named() -> None:
    v = loss_of(modified_equation("gd", 1))
    missing = replace(v, potential=(v.potential[0], type(v.potential[0])(v.equation.algebra, {})), unwritten=(1,))
    page = page_of(v.equation, missing)
    assert "not found as a sum of terms" in page
    assert "what is minimised is the loss itself" not in page
    e = replace(explain("gd"), loss=missing)
    for style in ("unicode", "latex"):
        assert "not found as a sum of terms" in "\n".join(explanation_lines(e, notation(style, e.equation)))


def test_corrections_that_only_weigh_the_loss_are_corrections() -> None:
    """The map of SGDW at gamma^1, and a page after it, do not say that L itself is minimised."""
    equation = modified_equation("gd-schedule", 1)
    assert "changes the weight of the loss" in page_of(equation, loss_of(equation))
    plain = modified_equation("bdf2", 1)
    assert "what is minimised is the loss itself" in page_of(plain, loss_of(plain))
