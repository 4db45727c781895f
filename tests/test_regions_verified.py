"""Regions against the text itself: with real comparisons, inside and outside; and what is wrong is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from derive import ModifiedEquation, configure, inline_scheme, modified_equation, modified_equations
from derive.errors import ReductionError
from verify.commands.main import main
from verify.numbers.kinds import FRACTIONS
from verify.numeric.regions import Margins, check_choice
from verify.numeric.routes import rich_problem
from verify.numeric.system import chosen_parameters
from verify.orbits.branches import branch_text, real_text
from verify.orbits.run import Runner
from verify.problems.landscape import Loss
from verify.proof import prove
from verify.verification import Options, Verification, verify_scheme


def choice(equation: ModifiedEquation, **changed: object) -> str:
    """What the text with its comparisons says against a region, some of whose JSON keys are changed."""
    whole = real_text(equation.configuration)
    loss = rich_problem(equation.configuration, 4)
    data = {**equation.to_json(), **changed}
    return check_choice(equation.configuration, data, loss, chosen_parameters(whole)).witness


@pytest.mark.parametrize("name", ["gd-clipped-value", "gd-clipped-norm", "adamax", "amsgrad", "cautious-adamw"])
def test_every_region_of_the_catalogue_is_chosen_where_it_is_claimed(name: str) -> None:
    for equation in modified_equations(name, 1):
        assert choice(equation) == ""


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("dot(grad, grad)**(1/2) > c/2", "the conditions hold and another branch is chosen"),  # too weak
        ("dot(grad, grad)**(1/2) > 2*c", "the conditions do not hold and this branch is chosen"),  # too strong
        ("dot(grad, grad)**(1/2) < c", "the conditions"),
        ("dot(theta, theta)**(1/2) > c", "the conditions"),
    ],
)
def test_a_wrong_condition_is_refuted(condition: str, words: str) -> None:
    equation = modified_equation("gd-clipped-norm", assume=["norm(grad) > c"])
    assert choice(equation) == ""
    assert words in choice(equation, condition=[condition])


def test_a_condition_that_is_left_out_is_refuted() -> None:
    middle = modified_equation("gd-clipped-value", assume=["grad < c", "grad > -c"])
    assert "another branch is chosen" in choice(middle, condition=["grad < c"])


def test_a_condition_on_the_first_power_has_its_sign_proved_by_runs() -> None:
    """AMSGrad's w is v where v grows: on its own slow manifold, at gamma^1."""
    grows = modified_equations("amsgrad")[1]
    (text,) = grows.to_json()["condition"]
    assert choice(grows) == ""
    assert choice(grows, condition=[text.replace("<", ">")])


def test_the_wrong_branch_is_refuted() -> None:
    """A branch that is not what the text carries out inside: normalised to another size."""
    equation = modified_equation("gd-clipped-norm", assume=["norm(grad) > c"])
    other = inline_scheme("g = grad(theta); theta = theta - gamma*where(norm(g) < c, g, 2*c*g/norm(g))", ["c"])
    wrong = modified_equation(other, assume=["norm(grad) > c", "c > 0"])
    region = equation.configuration.scheme.region
    assert region is not None
    claimed = replace(wrong.configuration, scheme=replace(wrong.configuration.scheme, region=region))
    assert "does not step as the branch does" in choice(replace(wrong, configuration=claimed))


def test_branches_where_theta_is_a_function_of_other_states() -> None:
    """Both texts, the branch and that with comparisons, start with s = x0 - theta; a wrong condition is seen there too."""
    text = "d = max(d, c*norm(theta)); s = s + gamma*d*grad(theta); x0 = x0; theta = x0 - s"
    stays, follows = modified_equations(inline_scheme(text, ["c"]), assume=["c > 0"])
    assert stays.scheme.eliminated
    assert (choice(stays), choice(follows)) == ("", "")
    granted, condition = stays.to_json()["condition"]
    assert granted == "c > 0"
    assert choice(stays, condition=[granted, condition.replace(">", "> 2*")])


def test_nothing_is_claimed_of_parameters_that_an_assumption_excludes() -> None:
    """Under c > 0: for c < 0 the text takes the branch elsewhere, which says nothing against the claim."""
    text = inline_scheme("theta = theta - gamma*min(c*grad(theta), 1)", ["c"])
    (clipped,) = modified_equations(text, assume=["c > 0", "grad > 1/c"])
    assert clipped.to_json()["condition"][0] == "c > 0"
    assert choice(clipped) == ""
    assert choice(clipped, condition=["c > 0", "grad > 0"])


def test_a_perturbed_coefficient_of_a_branch_is_refuted() -> None:
    equation = modified_equation("adamax")
    data = equation.to_json()
    branch = branch_text(equation.configuration)
    memory = {m: p for m, p in data["memory"].items() if m in branch.scheme.states}
    assert prove(branch, data["equations"], memory).verdict == "proved"
    data["equations"]["theta"][1]["terms"][0]["coefficient"] = "-eps/3"
    assert prove(branch, data["equations"], memory).verdict == "refuted"


def test_a_mean_in_a_denominator_is_proved_and_a_wrong_factor_refuted() -> None:
    """The mask of cautious AdamW is divided by its mean, as is g here by that of 1 + g^2."""
    equation = modified_equation(inline_scheme("g = grad(theta); theta = theta - gamma*g/mean(1 + g*g)"), 0)
    data = equation.to_json()["equations"]
    assert prove(equation.configuration, data).verdict == "proved"
    data["theta"][0]["terms"][0]["coefficient"] = "-2"
    assert prove(equation.configuration, data).verdict == "refuted"


def verified(equation: ModifiedEquation) -> Verification:
    return verify_scheme(equation, Options())


@pytest.mark.parametrize("name", ["adamax", "gd-clipped-norm"])
def test_all_routes_agree_on_every_region(name: str) -> None:
    for equation in modified_equations(name, 1):
        found = verified(equation)
        assert found.verdict == "verified", found.to_json()
        assert found.table.confirmed
        assert found.recovery.confirmed


def test_routes_that_run_the_text_refute_the_equation_of_another_region() -> None:
    """Plain gradient descent is proved to be its branch, and is not what the text does outside."""
    inside, outside = modified_equations("gd-clipped-norm")
    claimed = replace(inside, conditions=outside.conditions)
    assert verified(claimed).refuted_by == ["region", "slopes", "recovered"]


def test_the_command_judges_all_regions_and_writes_no_certificate(tmp_path: Path) -> None:
    text = "theta = theta - gamma*clip(grad(theta), -1, 1)"
    found = CliRunner().invoke(main, ["scheme", "--update", text, "--order", "0", "--format", "json"])
    data = json.loads(found.stdout)
    assert (data["verdict"], len(data["regions"])) == ("verified", 3)
    assert all(r["region"]["checked"]["witness"] is None for r in data["regions"])
    refused = CliRunner().invoke(main, ["scheme", "adamax", "-o", str(tmp_path / "adamax.json")])
    assert not list(tmp_path.iterdir())
    assert isinstance(refused.exception, ReductionError)
    assert "a certificate has no branches" in str(refused.exception)


@pytest.mark.parametrize(("factor", "verdict"), [("2", "confirmed through gamma^1"), ("3", "refuted at gamma^1")])
def test_a_formula_is_judged_of_the_branch_that_is_assumed(factor: str, verdict: str) -> None:
    says = f"theta: -grad - gamma/{factor}*hess(grad)"
    options = ["--scheme", "gd-clipped-norm", "--order", "1", "--says", says]
    found = CliRunner().invoke(main, ["formula", *options, "--assume", "norm(grad) < c"])
    assert verdict in found.stdout
    assert "of the branch g = grad(theta); theta = theta - gamma*g, taken where dot(grad, grad)**(1/2) < c" in found.stdout
    several = CliRunner().invoke(main, ["formula", *options])
    assert "has 2 regions" in str(several.exception)


# ---------------------------------------------------------------------------------------------- random texts

LOSS = "x**3/3 + x**2 - x/5"
NUMBERS = st.sampled_from(["1", "1/2", "-1/3", "2", "-3/2"])


def pieces(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("max({}, {})".format, inner, inner),
        st.builds("min({}, {})".format, inner, inner),
        st.builds("clip({}, -1, {})".format, inner, inner),
        st.builds("where({} < {}, {}, {})".format, inner, inner, inner, inner),
        st.builds("({} - {})".format, inner, inner),
        st.builds("{}*{}".format, NUMBERS.map("({})".format), inner),
    )


TEXTS = st.recursive(st.one_of(NUMBERS, st.sampled_from(["g", "theta", "abs(g)", "g*g"])), pieces, max_leaves=5)
POINTS = st.fractions(Fraction(-2), Fraction(2), max_denominator=50)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(TEXTS, POINTS)
def test_one_region_of_a_random_text_holds_at_a_point_and_its_map_is_the_step(text: str, x: Fraction) -> None:
    """theta+ = theta + gamma m_0 + gamma^2 m_1 + O(gamma^3) of the text with its comparisons, in one dimension."""
    scheme = inline_scheme(f"g = grad(theta); theta = theta - gamma*({text})")
    try:
        found = modified_equations(scheme, 1, form="map")
    except ReductionError as error:
        assume("tie" not in str(error))
        raise
    loss = Loss(LOSS, False)
    margins = [Margins(real_text(e.configuration), e.to_json(), loss, {}).at([x]) for e in found]
    assume(all(abs(m) > 1e-9 for row in margins for m in row))
    holding = [e for e, row in zip(found, margins, strict=True) if all(m > 0 for m in row)]
    assert len(holding) == 1
    gamma = Fraction(1, 10**7)
    runner = Runner(configure(scheme, pieces=True), lambda p: [p[0] ** 2 + 2 * p[0] - Fraction(1, 5)], {}, FRACTIONS)
    (after,) = runner.step({"theta": [x]}, gamma)["theta"]
    values = holding[0].evaluate(LOSS, {"x": str(x)}).values["theta"]
    m0, m1 = (Fraction(v[0]) for v in values)
    assert after == x + gamma * m0 + gamma**2 * m1


def test_a_branch_that_depends_on_time_is_run_at_times_of_its_own() -> None:
    early = modified_equation(inline_scheme("theta = theta - gamma*where(t < 1, 2, 1)*grad(theta)"), 0, assume=["t < 1"])
    assert choice(early) == ""
    assert choice(early, condition=["t < 2"])
