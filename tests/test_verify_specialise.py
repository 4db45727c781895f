"""With a concrete time function: proved for every r(t), and the concrete equation is its special case."""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace

import pytest

from derive import load_scheme, modified_equation
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


def test_every_function_is_left_open_where_one_is_set(tmp_path: Path) -> None:
    path = tmp_path / "two.toml"
    path.write_text(
        'name = "two"\ntitle = "Two schedules"\nupdate = "theta = theta - gamma*(r(t) + s(t))*grad(theta)"\n'
        '[functions]\nr = "schedule"\ns = "schedule"\n'
    )
    concrete = modified_equation(load_scheme(str(path)), 1, settings={"r(t)": "1/(1+t)"})
    general = with_arbitrary_functions(concrete)
    assert general.configuration.functions == {"r": None, "s": None}
    assert is_special_case(concrete, general)


def test_settings_of_parameters_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was derived once is derived again, however many terms there are."""
    monkeypatch.setattr("derive.equation.MAX_TERMS", 1)
    concrete = modified_equation("momentum-schedule", 5, settings={"r(t)": "1/(1+t)", "beta": "1/2"}, force=True)
    general = with_arbitrary_functions(concrete)
    assert general.configuration.settings == {"beta": "1/2"}
    assert is_special_case(concrete, general)
