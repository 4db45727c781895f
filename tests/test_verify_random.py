"""Random update texts on random losses: exact orbits have the derived field, and no perturbed one."""

from __future__ import annotations

import copy

from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import tree_schemes

from derive import inline_scheme, modified_equation
from derive.errors import ReductionError
from verify.counterexample.claimed import claimed_field
from verify.counterexample.comparison import compare


@settings(max_examples=15)
@given(st.data())
def test_random_schemes_are_confirmed_and_their_perturbations_refuted(data: st.DataObject) -> None:
    try:
        equation = modified_equation(inline_scheme(data.draw(tree_schemes())), 1)
    except ReductionError:  # a root of the two-step part at 1
        return
    found = equation.to_json()
    equations, memory = found["equations"], found["memory"]
    result = compare(claimed_field(equation.configuration, equations, memory))
    assert not result.refuted, equation.scheme.update
    assert result.radius is None
    power = data.draw(st.integers(0, 1))
    terms = equations["theta"][power]["terms"]
    if terms:
        wrong = copy.deepcopy(equations)
        entry = wrong["theta"][power]["terms"][data.draw(st.integers(0, len(terms) - 1))]
        entry["coefficient"] = f"({entry['coefficient']})*1001/1000"
        assert compare(claimed_field(equation.configuration, wrong, memory)).mismatches[0].power == power


@given(st.integers(-3, 3), st.integers(-3, 3), st.sampled_from(["1/3", "2/3", "1/2"]))
@settings(max_examples=15)
def test_random_schemes_with_decay_are_confirmed(a: int, b: int, beta: str) -> None:
    text = f"g = grad(theta + {a}*gamma*theta/7); v = {beta}*v - gamma*g - {b}*gamma**2*g; theta = theta + v + {b}*gamma*g"
    equation = modified_equation(inline_scheme(text), 2)
    data = equation.to_json()
    assert not compare(claimed_field(equation.configuration, data["equations"], data["memory"])).refuted
