"""Mutation of the field: every coefficient of every catalogue scheme, changed by 1/1000, is refuted by the exact route.

The scheme's exact orbits do not depend on the claim, so they are computed once; a changed coefficient moves the claimed value by
the term's value/1000, and goes through the same comparison as any claim.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from flint import fmpq

from derive import load_scheme, modified_equation
from derive.language import Number, Operation, parse_expression
from derive.scheme import catalogue
from verify.exact.claimed import ClaimedField, claimed_field, claimed_values, with_numbers
from verify.exact.examined import Examined, examine, mismatches_at
from verify.exact.one_step import step_against_flow
from verify.exact.parameters import possible_supports
from verify.exact.proof import verify_exactly
from verify.numbers.kinds import EXACT
from verify.problems.formula import FormulaValues

REGIMES = [(n, r) for n in catalogue() for r in (list(load_scheme(n).regimes) or [None])]
STEP = fmpq(1, 1000)


def points(claim: ClaimedField, configuration: Any, count: int) -> list[Examined]:
    supports = next(possible_supports(configuration, claim.slow, 1, 0))
    claim = with_numbers(claim, supports.values)
    source = random.Random("mutation")
    return [examine(supports, claim, source, 2, claim.order) for _ in range(count)]


def with_step(examined: Examined, variable: str, power: int, term: Any) -> dict[str, list[list[Any]]]:
    """The claimed values after the coefficient of one term grew by STEP."""
    sample = examined.sample
    value = FormulaValues(sample.problem, sample.problem.point, sample.names(), EXACT).of(term)
    claimed = {x: [list(v) for v in vectors] for x, vectors in examined.claimed.items()}
    row = claimed[variable][power]
    moved = value if isinstance(value, list) else [value] * len(row)
    claimed[variable][power] = [a + STEP * b for a, b in zip(row, moved, strict=False)]
    return claimed


@pytest.mark.parametrize("name, regime", REGIMES)
def test_every_changed_coefficient_is_refuted(name: str, regime: str | None) -> None:
    equation = modified_equation(name, 3, regime=regime)
    claim = claimed_field(equation.to_json()["equations"])
    examined = points(claim, equation.configuration, 2)
    assert not any(mismatches_at(e) for e in examined)
    survived = []
    for x, by_power in claim.terms.items():
        for k, items in enumerate(by_power):
            for _, term in items:
                found = [m for e in examined for m in mismatches_at(e, with_step(e, x, k, term))]
                if not found or any((m.variable, m.power) != (x, k) for m in found):
                    survived.append((x, k, term))
    assert survived == []


@pytest.mark.parametrize("name, power", [("momentum", 1), ("momentum", 2), ("adam", 1), ("bdf2", 2), ("adagrad", 1)])
def test_the_whole_route_refutes_a_changed_coefficient(name: str, power: int) -> None:
    """Nothing is shortened here: the claim itself is changed, and one step differs from the flow at that power."""
    equation = modified_equation(name, 2)
    data = equation.to_json()["equations"]
    data["theta"][power]["terms"][0]["coefficient"] += " + 1/1000"
    claim = claimed_field(data)
    result = verify_exactly(equation.configuration, claim)
    assert result.refuted
    assert not result.proved
    assert result.mismatches[0].power == power
    assert result.first_nonzero_power == power + 1


def test_a_missing_and_a_superfluous_term_are_refuted() -> None:
    equation = modified_equation("gd", 2)
    data = equation.to_json()["equations"]
    missing = [{**b, "terms": b["terms"][:1]} if b["power"] == 2 else b for b in data["theta"]]
    assert verify_exactly(equation.configuration, claimed_field({"theta": missing})).refuted
    extra = [
        {**b, "terms": [*b["terms"], {"coefficient": "1/7", "term": "grad*hess(grad)"}]} if b["power"] == 1 else b
        for b in data["theta"]
    ]
    assert verify_exactly(equation.configuration, claimed_field({"theta": extra})).refuted


def test_step_and_flow_see_a_wrong_field() -> None:
    """The literal comparison by itself: a wrong f_1 shows at gamma^2."""
    equation = modified_equation("rmsprop", 1)
    claim = claimed_field(equation.to_json()["equations"])
    (e,) = points(claim, equation.configuration, 1)
    power, _ = step_against_flow(e.orbit, e.sample, with_numbers(claim, e.sample.values).terms, 1)
    assert power == 3
    (c, term), *rest = claim.terms["theta"][1]
    wrong = Operation("+", (c, parse_expression("1/1000", "step")))
    changed = with_numbers(ClaimedField({"theta": [claim.terms["theta"][0], [(wrong, term), *rest]]}), e.sample.values)
    assert isinstance(changed.terms["theta"][1][0][0], Number)
    power, _ = step_against_flow(e.orbit, e.sample, changed.terms, 1)
    assert power == 2
    assert claimed_values(changed, e.sample) != e.claimed
