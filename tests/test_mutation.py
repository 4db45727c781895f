"""The second route through the catalogue: exact orbits have the claimed values, and no coefficient can be changed by 1/1000.

The scheme's exact orbits do not depend on the claim, so they are computed once; a changed coefficient moves the claimed value by
the term's value/1000, and goes through the same comparison as any claim.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from flint import fmpq
from plain_schemes import PLAIN

from derive import load_scheme, modified_equation
from verify.counterexample.claimed import ClaimedField, claimed_field, values_at
from verify.counterexample.comparison import Examined, compare, examine_random, mismatches_at
from verify.counterexample.parameters import parameter_values
from verify.counterexample.samples import NoRationalPoint

#: schemes of which no exact orbit is run: roots that are rational at no point tried, and memory in units of 1/gamma; besides them
#: those with a map's lines, whose values have too many digits
WITHOUT_ORBITS = {
    "adabelief-outside", "adagrad-torch", "adam-mini", "adams", "asgd", "avagrad", "dual-averaging", "fadam",
    "ftrl", "lion-tanh", "madgrad", "padam", "rmsprop-centred-outside", "schedule-free",
    "schedule-free-adamw", "schedule-free-adamw-bias-corrected", "scion-rms", "weight-average",
}  # fmt: skip
NAMES = [n for n in PLAIN if n not in WITHOUT_ORBITS and not load_scheme(n).definitions]
REGIMES = [(n, r) for n in NAMES for r in (list(load_scheme(n).regimes) or [None])]
STEP = fmpq(1, 1000)


def points(claim: ClaimedField, count: int) -> list[Examined]:
    """Samples with rational roots, at the first parameter values that have any."""
    for values in parameter_values(claim.configuration, 0):
        source = random.Random("mutation")
        try:
            return [examine_random(claim, values, source, 2, claim.order + 3, claim.order) for _ in range(count)]
        except NoRationalPoint:
            continue
    raise AssertionError("no rational point")


def with_step(examined: Examined, variable: str, power: int, term: Any) -> dict[str, list[list[Any]]]:
    """The claimed values after the coefficient of one term grew by STEP."""
    value = values_at(examined.sample).of(term)
    claimed = {x: [list(v) for v in vectors] for x, vectors in examined.claimed.items()}
    row = claimed[variable][power]
    moved = value if isinstance(value, list) else [value] * len(row)
    claimed[variable][power] = [a + STEP * b for a, b in zip(row, moved, strict=False)]
    return claimed


@pytest.mark.parametrize("name, regime", REGIMES)
def test_exact_orbits_have_the_derived_field_and_no_changed_coefficient(name: str, regime: str | None) -> None:
    equation = modified_equation(name, 3, regime=regime)
    data = equation.to_json()
    claim = claimed_field(equation.configuration, data["equations"], data["memory"])
    examined = points(claim, 2)
    assert all(e.radius is None for e in examined)
    assert not any(e.mismatches for e in examined)
    survived = []
    for x, by_power in claim.terms.items():
        for k, items in enumerate(by_power):
            for _, term in items:
                found = [m for e in examined for m in mismatches_at(e, with_step(e, x, k, term))]
                if not found or any((m.variable, m.power) != (x, k) for m in found):
                    survived.append((x, k, term))
    assert survived == []


@pytest.mark.parametrize("name, power", [("momentum", 1), ("momentum", 2), ("adam", 1), ("bdf2", 2), ("adagrad", 1)])
def test_a_changed_coefficient_is_refuted(name: str, power: int) -> None:
    """Nothing is shortened here: the claim itself is changed, and one step differs from the flow at that power."""
    equation = modified_equation(name, 2)
    data = equation.to_json()
    data["equations"]["theta"][power]["terms"][0]["coefficient"] += " + 1/1000"
    result = compare(claimed_field(equation.configuration, data["equations"], data["memory"]))
    assert result.refuted
    assert result.mismatches[0].power == power
    assert result.step.first_nonzero_power == power + 1


def test_a_missing_and_a_superfluous_term_are_refuted() -> None:
    equation = modified_equation("gd", 2)
    blocks = equation.to_json()["equations"]["theta"]
    missing = [{**b, "terms": b["terms"][:1]} if b["power"] == 2 else b for b in blocks]
    term = {"coefficient": "1/7", "term": "grad*hess(grad)"}
    extra = [{**b, "terms": [*b["terms"], term]} if b["power"] == 1 else b for b in blocks]
    for wrong, power in ((missing, 2), (extra, 1)):
        found = compare(claimed_field(equation.configuration, {"theta": wrong})).mismatches
        assert found[0].power == power
