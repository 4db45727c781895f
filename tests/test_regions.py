"""Texts with branches: the regions, their conditions and their equations, by hand and against texts without branches."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from click.testing import CliRunner, Result

from derive import (
    ModifiedEquation,
    Scheme,
    configure,
    inline_scheme,
    load_scheme,
    modified_equation,
    modified_equations,
    region,
    stability,
)
from derive.commands.main import main
from derive.errors import LimitError, ParseError, ReductionError, UsageError
from derive.language import parse_update, unparse
from derive.scheme.regions import regions

CLIPPED = "g = grad(theta); theta = theta - gamma*where(norm(g) < c, g, c*g/norm(g))"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def by_condition(scheme: str | Scheme, order: int = 1, **options: object) -> Mapping[str, ModifiedEquation]:
    """' and '-joined conditions -> equation."""
    found = modified_equations(scheme, order, **options)  # type: ignore[arg-type]
    return {" and ".join(map(str, e.conditions)): e for e in found}


# ---------------------------------------------------------------------------------------------- the language


@pytest.mark.parametrize(
    "text",
    [
        "theta - gamma*max(grad(theta), 1)",
        "where(norm(theta) <= 2, theta, theta/2)",
        "where(a >= b, min(a, b), clip(theta, -a, b))",
        "where(dot(theta, theta) > 1, 0, 1)",
    ],
)
def test_pieces_are_written_as_they_are_read(text: str) -> None:
    (line,) = parse_update(f"theta = {text}")
    assert unparse(line.value) == text  # type: ignore[union-attr]


def test_a_comparison_is_read_in_both_notations_and_beside_scalar_products() -> None:
    assert parse_update("a = where(<x, y> ≤ |z|, x, y)") == parse_update("a = where(dot(x, y) <= norm(z), x, y)")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("theta = theta < 1", "only as the first argument of where"),
        ("theta = where(theta, 1, 2)", "where takes a comparison first"),
        ("theta = where(theta < 1, 2)", "',' is missing"),
        ("theta = where(1 < theta < 2, 1, 2)", "only as the first argument of where"),
        ("theta = max(theta)", "max takes 2 arguments, not 1"),
        ("theta = clamp(theta, 1, 2)", "write clip(x, low, high)"),
        ("theta = maximum(theta, 1)", "write max(x, y)"),
    ],
)
def test_what_is_no_piece_is_refused(text: str, words: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_update(text)
    assert words in str(caught.value)


def test_formulas_have_no_pieces() -> None:
    with pytest.raises(ParseError, match="abs"):
        modified_equation("gd")["theta"][0].coefficient("max(grad, hess(grad))")


# ---------------------------------------------------------------------------------------------- regions of a text


def test_equal_questions_about_equal_values_are_asked_once() -> None:
    text = "g = grad(theta); theta = theta - gamma*where(g > 1, g, 1) - gamma*where(1 < g, 1, 0)"
    assert len(regions(inline_scheme(text))) == 2
    later = "g = grad(theta); a = where(g > 1, g, 1); g = 2*g; theta = theta - gamma*where(g > 1, a, 0)"
    assert len(regions(inline_scheme(later))) == 4
    repeated = "g = theta; a = max(g, 1); repeat 2: g = 2*g; theta = theta - gamma*max(g, 1)*a"
    assert len(regions(inline_scheme(repeated))) == 4


def test_what_a_branch_leaves_out_is_never_asked() -> None:
    text = "g = grad(theta); theta = theta - gamma*where(g > 1, max(g, 2), g)"
    assert sorted(len(r.region.conditions) for r in regions(inline_scheme(text)) if r.region) == [1, 2, 2]


def test_a_number_in_the_place_of_a_vector_stays_one() -> None:
    """|max(g, 1)| is the root of the number of components where it is 1, and not 1."""
    found = by_condition(inline_scheme("theta = theta - gamma*norm(max(grad(theta), 1))*grad(theta)"), 0)
    assert str(found["grad < 1"]["theta"][0]) == "-dot(1, 1)**(1/2)*grad"
    assert str(found["grad > 1"]["theta"][0]) == "-grad*dot(grad, grad)**(1/2)"


def test_a_repeat_has_no_pieces_and_regions_are_bounded() -> None:
    with pytest.raises(ReductionError, match="a repeat has no pieces"):
        modified_equations(inline_scheme("y = theta; repeat 2: y = y - gamma*max(grad(y), 0); theta = y"))
    many = "; ".join(f"a{k} = max(grad(theta), {k})" for k in range(7))
    with pytest.raises(LimitError, match="more than 64 regions"):  # without going through a million of them
        regions(inline_scheme(f"theta = theta - gamma*({' + '.join(f'max(grad(theta), {k})' for k in range(20))})"))
    with pytest.raises(LimitError, match="more than 64 regions"):
        modified_equations(inline_scheme(f"{many}; theta = theta - gamma*({' + '.join(f'a{k}' for k in range(7))})"))


@pytest.mark.parametrize("text", ["max(grad(theta), grad(theta))", "max(1/2, 2/4)*grad(theta)"])
def test_ties_that_are_written_are_refused(text: str) -> None:
    with pytest.raises(ReductionError, match="tie"):
        modified_equations(inline_scheme(f"theta = theta - gamma*{text}"))


def test_a_tie_on_the_slow_manifold_is_refused() -> None:
    """m and g have one limit; which is larger is said by gamma^1, and of memory that forgets at once by nothing."""
    with pytest.raises(ReductionError, match=r"a tie, grad\(theta\) - p is zero on the slow manifold through gamma\^3"):
        modified_equations(inline_scheme("p = 1*grad(theta); theta = theta - gamma*max(grad(theta), p)"), 2)
    text = "m = beta*m + (1 - beta)*grad(theta); theta = theta - gamma*max(grad(theta), m)"
    found = modified_equations(inline_scheme(text, settings=["beta"]), 1, settings={"beta": "1/2"})
    assert [[(str(c), c.power) for c in e.conditions] for e in found] == [[("hess(grad) < 0", 1)], [("hess(grad) > 0", 1)]]


# ---------------------------------------------------------------------------------------------- by hand


def test_gradient_descent_whose_norm_is_clipped_is_normalised_where_it_is() -> None:
    """theta' = -F - gamma/2 DF F for one step theta - gamma F; with F = c g/|g|, DF u = c (Hu/|g| - g <g, Hu>/|g|^3)."""
    found = by_condition("gd-clipped-norm")
    inside, outside = found["dot(grad, grad)**(1/2) < c"], found["dot(grad, grad)**(1/2) > c"]
    assert [str(f) for f in inside["theta"]] == ["-grad", "-1/2*hess(grad)"]
    f0, f1 = outside["theta"]
    assert str(f0) == "-c*grad*dot(grad, grad)**(-1/2)"
    assert str(f1.coefficient("dot(grad, grad)**(-1)*hess(grad)")) == "-c**2/2"
    assert str(f1.coefficient("grad*dot(grad, grad)**(-2)*dot(grad, hess(grad))")) == "c**2/2"
    assert len(f1) == 2


def test_a_component_that_is_clipped_moves_at_constant_speed() -> None:
    found = by_condition("gd-clipped-value", 2)
    assert list(found) == ["grad > c", "grad > -c and grad < c", "grad < -c"]
    assert [str(f) for f in found["grad > c"]["theta"]] == ["-c", "0", "0"]
    assert [str(f) for f in found["grad < -c"]["theta"]] == ["c", "0", "0"]
    assert found["grad > -c and grad < c"]["theta"] == modified_equation("gd", 2)["theta"]


def test_adamax_has_one_region_and_a_first_correction_without_beta2() -> None:
    """u = |g| + eps, m = g + gamma b/(1-b) H s + ..., s = g/u:  f_1 = -b/(1-b) Hs/u - 1/2 ds/dg Hs, ds/dg = eps/u^2."""
    (found,) = modified_equations("adamax")
    assert found.conditions == ()
    s = "grad*(abs(grad) + eps)**(-1)"
    f0, f1 = found["theta"]
    assert str(f0) == f"-{s}"
    assert {t: str(c) for t, c in f1.by_text.items()} == {
        f"(abs(grad) + eps)**(-2)*hess({s})": "-eps/2",
        f"(abs(grad) + eps)**(-1)*hess({s})": "-beta1/(1 - beta1)",
    }


def test_amsgrad_is_adam_where_the_second_moment_grows_and_has_constant_rates_where_it_does_not() -> None:
    """(g^2)' = 2 g H theta' > 0 to leading order: g H(g/(|g|+eps)) < 0."""
    found = by_condition("amsgrad")
    growing = found["grad*hess(grad*(abs(grad) + eps)**(-1)) < 0"]
    assert [c.power for c in growing.conditions] == [1]
    assert growing["theta"] == modified_equation("adam", 1)["theta"]
    constant = found["w > grad**2"]
    assert [str(f) for f in constant["w"]] == ["0", "0"]
    f1 = constant["theta"][1]  # preconditioned heavy ball with the constant metric 1/(sqrt(w) + eps)
    assert str(f1) == "-(1 + beta1)/(2*(1 - beta1))*(w**(1/2) + eps)**(-1)*hess(grad*(w**(1/2) + eps)**(-1))"


@pytest.mark.parametrize(("name", "plain"), [("cautious-adamw", "adamw"), ("grams", "adam")])
def test_caution_is_part_of_the_transient(name: str, plain: str) -> None:
    (found,) = modified_equations(name)
    assert found.conditions == ()
    assert found["theta"] == modified_equation(plain)["theta"]


def test_the_distance_of_dog_is_the_largest_while_it_grows() -> None:
    found = modified_equations("dog")
    assert [[(str(c), c.power) for c in e.conditions] for e in found] == [
        [("r > (dot(x0, x0) + dot(theta, theta) - 2*dot(theta, x0))**(1/2)", 0)],
        [("dot(x0, grad) > dot(theta, grad)", 1)],
    ]
    assert list(found[0].equations) == ["theta", "x0", "r", "S"]


# ---------------------------------------------------------------------------------------------- what conditions say


def test_conditions_of_vectors_are_asked_of_every_component_where_components_know_each_other() -> None:
    assert {c: e.holds for c, e in by_condition("gd-clipped-value", 1).items()} == {
        "grad > c": "each component", "grad > -c and grad < c": "every component", "grad < -c": "each component",
    }  # fmt: skip
    assert {e.holds for e in modified_equations("gd-clipped-value", 0)} == {"each component"}
    coupled = "p = clip(grad(theta), -1, 1); theta = theta - gamma*p/norm(p)"
    assert {e.holds for e in modified_equations(inline_scheme(coupled), 0)} == {"every component"}
    assert {e.holds for e in modified_equations("gd-clipped-norm")} == {""}
    assert [e.holds for e in modified_equations("amsgrad", 0)] == ["each component", "every component"]


def test_parameters_without_a_range_leave_their_signs_open() -> None:
    scheme = inline_scheme("theta = theta - gamma*clip(grad(theta), -c, c)", ["c"])
    assert len(modified_equations(scheme, 0)) == 4
    assert len(modified_equations(scheme, 0, assume=["c > 0"])) == 3
    assert len(modified_equations(scheme, 0, settings={"c": "2"})) == 3


def test_what_follows_from_an_assumption_about_parameters_has_it_as_its_condition() -> None:
    text = "g = grad(theta); u = max(beta*u, abs(g) + eps); theta = theta - gamma*g/u"
    (found,) = modified_equations(inline_scheme(text), 0, assume=["eps > 0", "beta < 1", "beta > 0"])
    assert [str(c) for c in found.conditions] == ["eps > 0", "(1 - beta) > 0", "beta > 0"]
    assert str(found["theta"][0]) == "-grad*(abs(grad) + eps)**(-1)"
    assert modified_equation("adamax", 0, assume=["eps > 0"]).conditions == ()
    scheme = inline_scheme("theta = theta - gamma*clip(grad(theta), -c, c)", ["c"])
    assert [str(c) for c in modified_equation(scheme, 0, assume=["c > 0", "grad > c"]).conditions] == ["c > 0", "grad > c"]


def test_a_condition_is_read_up_to_positive_factors() -> None:
    factor = "where(dot(theta, theta)*norm(grad(theta)) < c*norm(theta)**2, 1, 0)"
    for text in ("min(1, c/norm(grad(theta)))*grad(theta)", f"{factor}*grad(theta)"):
        found = modified_equations(inline_scheme(f"theta = theta - gamma*{text}", ["c"]), 0, assume=["norm(grad) < c", "c > 0"])
        assert [str(e["theta"][0]) for e in found] == ["-grad"]


# ---------------------------------------------------------------------------------------------- picking


def test_an_assumption_picks_a_region_and_its_negation_the_other() -> None:
    outside = modified_equation("gd-clipped-norm", assume=["norm(grad) > c"])
    assert str(outside["theta"][0]) == "-c*grad*dot(grad, grad)**(-1/2)"
    assert str(modified_equation("gd-clipped-norm", assume=["c > norm(grad)"])["theta"][0]) == "-grad"
    stronger = modified_equation("gd-clipped-norm", assume=["norm(grad) > 2*c"])
    assert stronger["theta"] == outside["theta"]


@pytest.mark.parametrize(
    ("assume", "words"),
    [
        ([], "has 2 regions, and one is read here; pick it with --assume"),
        (["norm(theta) > c"], "decides between none of the regions"),
        (["norm(grad) > c", "norm(grad) < c"], "no region is left"),
    ],
)
def test_what_picks_no_region_is_refused_with_the_regions(assume: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        modified_equation("gd-clipped-norm", assume=assume)
    assert "dot(grad, grad)**(1/2) > c" in str(caught.value)


@pytest.mark.parametrize("text", ["norm(grad)", "grad >", "grad == 1", "grax > 1", "1 < grad < 2"])
def test_what_is_no_assumption_is_refused_in_one_line(text: str) -> None:
    found = run("modified-eq", "gd-clipped-norm", "--assume", text)
    assert found.stdout == ""
    assert isinstance(found.exception, ParseError)
    assert f"'{text}' is no comparison of formulas, such as 'norm(grad) > c'" in str(found.exception)
    assert "\n" not in str(found.exception)


def test_an_assumption_about_memory_is_read_on_the_slow_manifold_of_each_branch() -> None:
    """w = grad**2 in the second region of AMSGrad, so that it is not where w > grad**2, and its own condition picks it."""
    constant, growing = modified_equations("amsgrad", 0)
    assert modified_equation("amsgrad", 0, assume=["w > grad**2"])["theta"] == constant["theta"]
    assert modified_equation("amsgrad", 0, assume=[str(*growing.conditions)])["theta"] == growing["theta"]


def test_two_schemes_are_compared_in_a_region() -> None:
    found = run("compare", "gd-clipped-norm", "gd", "--assume", "norm(grad) < c", "--ascii")
    assert "the same through gamma^2" in found.stdout
    for a, b, words in (("gd-clipped-norm", "gd", "has 2 regions"), ("gd", "heun", "neither scheme has branches")):
        refused = run("compare", a, b, *(["--assume", "grad > 1"] if a == "gd" else []))
        assert refused.exit_code != 0
        assert words in str(refused.exception) + refused.stderr


def test_a_text_without_branches_takes_no_assumption() -> None:
    for call in (modified_equation, region):
        with pytest.raises(UsageError, match="has no branches"):
            call("gd", assume=["grad > 1"])  # type: ignore[operator]


def test_a_branch_is_a_scheme_for_every_reading() -> None:
    chosen = region("gd-clipped-norm", ["norm(grad) < c"])
    assert stability(chosen).interval == stability("gd").interval
    assert modified_equation(chosen)["theta"] == modified_equation("gd")["theta"]
    assert modified_equation(chosen).conditions
    with pytest.raises(ReductionError, match=r"has branches \(where\)"):
        configure(load_scheme("gd-clipped-norm"))


# ---------------------------------------------------------------------------------------------- printed


def test_regions_are_printed_one_after_another() -> None:
    found = run("modified-eq", "gd-clipped-norm", "--ascii")
    assert found.exit_code == 0
    places = [line for line in found.stdout.splitlines() if line.startswith("where")]
    assert places == ["where |grad L| < c:", "where |grad L| > c:"]
    assert found.stdout.count("theta' =") == 2
    assert found.stdout.count("theta = theta - gamma where(|g| < c, g, c g/|g|)") == 1


def test_one_region_that_holds_everywhere_is_printed_as_an_equation_is() -> None:
    assert "where" not in run("modified-eq", "adamax").stdout


def test_json_lists_the_regions() -> None:
    data = json.loads(run("modified-eq", "gd-clipped-value", "--format", "json").stdout)
    assert list(data) == ["scheme", "title", "reference", "regime", "order", "regions"]
    assert [r["condition"] for r in data["regions"]] == [["grad > c"], ["grad > -c", "grad < c"], ["grad < -c"]]
    assert data["regions"][0]["branch"] == ["theta = theta - gamma*(c + 0*grad(theta))"]
    assert data["regions"][1]["holds"] == "every component"
    one = json.loads(run("modified-eq", "gd-clipped-value", "--assume", "grad > c", "--format", "json").stdout)
    assert one["regions"] == data["regions"][:1]
    assert "regions" not in json.loads(run("modified-eq", "gd", "--format", "json").stdout)


def test_latex_says_where() -> None:
    text = run("modified-eq", "gd-clipped-norm", "--format", "latex").stdout
    assert text.startswith("For $\\left\\| \\nabla L\\right\\| < c$:\n\\begin{align*}")
    assert text.count("\\begin{align*}") == 2


def test_readings_ask_for_a_region_and_explain_names_it() -> None:
    several = run("explain", "gd-clipped-norm")
    assert several.exit_code != 0
    assert isinstance(several.exception, UsageError)
    assert "norm" not in several.stdout
    found = run("explain", "gd-clipped-norm", "--assume", "norm(grad) > c", "--ascii")
    assert "    where |grad L| > c" in found.stdout.splitlines()
    data = json.loads(run("explain", "gd-clipped-norm", "--assume", "norm(grad) > c", "--format", "json").stdout)
    assert data["regimes"][0]["condition"] == ["dot(grad, grad)**(1/2) > c"]


def test_adamax_is_read_without_an_assumption() -> None:
    assert "beta2" not in run("modified-loss", "adamax", "--ascii").stdout


@pytest.mark.parametrize("arguments", [
    ("modified-sde", "gd-clipped-norm", "--assume", "norm(grad) < c"),
    ("modified-sde", "adamax"),
    ("modified-sde", "--update", "theta = theta - gamma*clip(sgrad(theta), -1, 1)"),
    ("stationary-law", "gd-clipped-norm", "--assume", "norm(grad) < c"),
])  # fmt: skip
def test_laws_have_no_branches(arguments: tuple[str, ...]) -> None:
    """The branch of the mean gradient is not that of a sample's."""
    found = run(*arguments)
    assert found.stdout == ""
    assert "depends on its sample: no law is derived" in str(found.exception)


def test_a_bound_that_vanishes_with_gamma_is_compared_at_the_power_at_which_it_moves() -> None:
    """d = gamma |theta| after a step, theta' = -gamma |theta| grad: it grows by gamma**2 |theta|' = -gamma**3 <theta, grad>."""
    found = modified_equations(inline_scheme("d = max(d, gamma*norm(theta)); theta = theta - gamma*d*grad(theta)"))
    assert [[(str(c), c.power) for c in e.conditions] for e in found] == [[("d > 0", 0)], [("dot(theta, grad) < 0", 3)]]
    assert [str(e["theta"][1]) for e in found] == ["-1/2*d**2*hess(grad)", "-grad*dot(theta, theta)**(1/2)"]
