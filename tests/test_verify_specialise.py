"""With a concrete time function: proved for every r(t), and the concrete equation is its special case."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest

from derive import modified_equation
from verify.counterexample.specialise import is_special_case, with_arbitrary_functions


@pytest.mark.parametrize("setting", ["1/(1+t)", "(1 + t)**2/3", "cos(t)", "decay(3, 1/10)"])
def test_the_concrete_equation_is_a_special_case(setting: str) -> None:
    concrete = modified_equation("momentum-schedule", 2, settings={"r(t)": setting})
    general = with_arbitrary_functions(concrete)
    assert general.configuration.functions == {"r": None}
    assert is_special_case(concrete, general)


def test_a_wrong_coefficient_is_no_special_case() -> None:
    concrete = modified_equation("gd-schedule", 2, settings={"r(t)": "1/(1+t)"})
    general = with_arbitrary_functions(concrete)
    for power in range(3):
        data = copy.deepcopy(concrete.to_json())
        entry = data["equations"]["theta"][power]["terms"][0]
        entry["coefficient"] = f"({entry['coefficient']})*1001/1000"
        wrong = SimpleNamespace(configuration=concrete.configuration, order=2, to_json=lambda data=data: data)
        assert not is_special_case(wrong, general)  # type: ignore[arg-type]


def test_without_a_concrete_function_nothing_changes() -> None:
    equation = modified_equation("gd-schedule", 1)
    assert with_arbitrary_functions(equation) is equation
