"""Random update texts on random losses through the exact route of `verify`: proved as derived, refuted once perturbed."""

from __future__ import annotations

import copy

from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import tree_schemes

from derive import inline_scheme, modified_equation
from derive.errors import ReductionError
from verify.exact.claimed import claimed_field
from verify.exact.proof import verify_exactly


@settings(max_examples=15)
@given(st.data())
def test_random_schemes_are_proved_and_their_perturbations_refuted(data: st.DataObject) -> None:
    try:
        equation = modified_equation(inline_scheme(data.draw(tree_schemes())), 1)
    except ReductionError:  # a root of the two-step part at 1
        return
    equations = equation.to_json()["equations"]
    result = verify_exactly(equation.configuration, claimed_field(equations))
    assert result.proved, equation.scheme.update
    power = data.draw(st.integers(0, 1))
    terms = equations["theta"][power]["terms"]
    if terms:
        wrong = copy.deepcopy(equations)
        entry = wrong["theta"][power]["terms"][data.draw(st.integers(0, len(terms) - 1))]
        entry["coefficient"] = f"({entry['coefficient']})*1001/1000"
        assert verify_exactly(equation.configuration, claimed_field(wrong)).refuted
