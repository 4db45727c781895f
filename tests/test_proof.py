"""Proof over prime fields: the catalogue, false formulas, true ones written differently, and what is not decided."""

from __future__ import annotations

import copy
from functools import lru_cache
from random import Random
from typing import Any

import pytest
from proof_controls import false_forms, true_forms

from derive import catalogue, configure, inline_scheme, load_scheme, modified_equation
from derive.errors import UsageError
from derive.scheme import scheme_from_toml
from verify.proof import prove
from verify.proof.claim import ClaimValues, highest_derivative
from verify.proof.deciding import difference
from verify.proof.sample import Plan, Sampler
from verify.proof.statement import statement

slow = pytest.mark.slow
#: those with layers or of matrices, which take longer, are proved at order one in test_layers and test_matrix_schemes
NAMES = [n for n in catalogue(noise=False, branches=False) if not (load_scheme(n).layered or load_scheme(n).of_matrices)]
PAIRS = [(name, regime) for name in NAMES for regime in (load_scheme(name).regimes or {"": None})]


@lru_cache(maxsize=200)
def derived(name: str, regime: str, order: int, form: str = "flow") -> dict[str, Any]:
    return modified_equation(name, order=order, regime=regime or None, form=form).to_json()


def verdict(name: str, regime: str, equations: Any, memory: Any = None, **options: Any) -> Any:
    """In the variables that are found where the text states none."""
    return prove(modified_equation(name, 0, regime=regime or None).configuration, equations, memory, **options)


def free(name: str, regime: str) -> list[str]:
    return list(configure(load_scheme(name), regime or None).free)


def text(update: str, *powers: str, **options: Any) -> Any:
    """The verdict on a field given as formulas for theta."""
    return prove(configure(inline_scheme(update)), {"theta": list(powers)}, **options)


# ------------------------------------------------------------------------------------------ the catalogue


@pytest.mark.parametrize("name, regime", PAIRS)
def test_the_catalogue_is_proved(name: str, regime: str) -> None:
    equation = derived(name, regime, 2)
    found = verdict(name, regime, equation["equations"], equation["memory"], seed=1)
    assert found.proved, str(found)
    assert found.bound < -100
    assert found.samples >= 3


@slow
@pytest.mark.parametrize("name, regime", PAIRS)
def test_the_catalogue_is_proved_at_order_three(name: str, regime: str) -> None:
    equation = derived(name, regime, 3)
    assert verdict(name, regime, equation["equations"], equation["memory"]).proved


@slow
def test_adam_is_proved_at_order_four() -> None:
    equation = derived("adam", "memory", 4)
    assert verdict("adam", "memory", equation["equations"], equation["memory"]).proved


@pytest.mark.parametrize("name", ["momentum", "adam-inside", "nesterov-implicit", "bdf2", "gd-schedule"])
def test_memoryless_maps_are_proved_and_are_not_the_flow(name: str) -> None:
    regime = next(iter(load_scheme(name).regimes), "")
    flow, step = derived(name, regime, 2), derived(name, regime, 2, "map")
    assert verdict(name, regime, step["equations"], step["memory"], form="map").proved
    assert verdict(name, regime, step["equations"], step["memory"]).verdict == "refuted"
    assert verdict(name, regime, flow["equations"], flow["memory"], form="map").verdict == "refuted"


@pytest.mark.parametrize("name, regime", [("momentum", "memory"), ("nesterov", "memory"), ("adam", "memory"), ("bdf2", "")])
def test_the_memory_is_found_when_it_is_not_claimed(name: str, regime: str) -> None:
    assert verdict(name, regime, derived(name, regime, 1)["equations"]).proved


def test_a_wrong_memory_is_refuted() -> None:
    equation = derived("adam", "memory", 1)
    for power in (0, 1):
        memory = {m: [dict(p, terms=[dict(t) for t in p["terms"]]) for p in ps] for m, ps in equation["memory"].items()}
        memory["m"][power]["terms"][0]["coefficient"] += "*(1 + beta1/100)"
        found = verdict("adam", "memory", equation["equations"], memory)
        assert (found.verdict, found.variable, found.power) == ("refuted", "m", power)


# ------------------------------------------------------------------------------------------ false and true


@pytest.mark.parametrize("name, regime", [("gd", ""), ("momentum", "memory"), ("momentum", "inertial"), ("sam", "proportional")])
def test_false_formulas_are_refuted(name: str, regime: str) -> None:
    equation = derived(name, regime, 2)
    for what, changed in false_forms(equation["equations"], free(name, regime)):
        found = verdict(name, regime, changed, equation["memory"])
        assert found.verdict == "refuted", f"{what}: {found}"


@pytest.mark.parametrize("name", ["rmsprop-outside", "sign-descent", "normalised-gd"])
def test_false_formulas_with_branches_are_never_proved(name: str) -> None:
    equation = derived(name, "", 1)
    for what, changed in false_forms(equation["equations"], free(name, "")[:1]):
        assert not verdict(name, "", changed, equation["memory"]).proved, what


@pytest.mark.parametrize("name", ["gd", "momentum", "rmsprop-outside", "sign-descent", "adam-inside"])
def test_true_formulas_written_differently_are_not_refused(name: str) -> None:
    regime = next(iter(load_scheme(name).regimes), "")
    equation = derived(name, regime, 1)
    for what, changed in true_forms(equation["equations"], free(name, regime)[:1]):
        found = verdict(name, regime, changed, equation["memory"])
        assert found.verdict != "refuted", f"{what}: {found}"


def test_a_factor_that_vanishes_at_the_old_parameter_values_is_seen() -> None:
    hidden = "-grad/(1 - beta) + (25*beta - 16)*(9*beta - 8)*grad"
    assert text("v = beta*v - gamma*grad(theta); theta = theta + v", hidden).verdict == "refuted"


def test_a_difference_of_one_in_a_googol_is_seen() -> None:
    assert text("theta = theta - gamma*grad(theta)", f"-grad*(1 + 1/1{'0' * 100})").verdict == "refuted"


# ------------------------------------------------------------------------------------------ dimensions


def test_identities_of_one_dimension_are_refuted() -> None:
    extra = "-1/3*hess(hess(grad)) - 1/12*d3(grad, grad) + grad*hess(hess(grad)) - hess(grad)*hess(grad)"
    assert text("theta = theta - gamma*grad(theta)", "-grad", "-1/2*hess(grad)", extra).verdict == "refuted"


@pytest.mark.parametrize("d", range(1, 13))
def test_no_dimension_is_taken_for_all(d: int) -> None:
    """-grad/d is right in d dimensions alone."""
    update = "g = grad(theta); theta = theta - gamma*g/dot(sign(g), sign(g))"
    assert not text(update, f"-grad/{d}").proved


def test_a_scalar_product_is_followed() -> None:
    assert text("g = grad(theta); theta = theta - gamma*g/dot(sign(g), sign(g))", "-grad/dot(sign(grad), sign(grad))").proved


# ------------------------------------------------------------------------------------------ branches


def test_the_sign_of_the_gradient_counts() -> None:
    update = "g = grad(theta); theta = theta - gamma*(g + abs(g))"
    assert text(update, "-grad - abs(grad)").proved
    assert text(update, "-2*grad").verdict == "refuted"


def test_every_class_of_signs_is_visited_where_reflections_do_not_act() -> None:
    found = text(
        "g = grad(theta); theta = theta - gamma*(g + abs(g))", "-grad - abs(grad)", "-1/2*(1 + sign(grad))*hess(grad + abs(grad))"
    )
    assert found.proved
    assert found.classes == 4


def test_one_sign_of_a_parameter_is_not_taken_for_both() -> None:
    assert text("theta = theta - gamma*abs(mu)*grad(theta)", "-mu*grad").verdict == "refuted"
    assert text("theta = theta - gamma*abs(mu)*grad(theta)", "-abs(mu)*grad").proved


def test_positive_by_a_range() -> None:
    scheme = configure(load_scheme("rmsprop"), "memory")
    equation = derived("rmsprop", "memory", 1)
    positive = [{**p, "terms": [{**t, "coefficient": t["coefficient"].replace("eps", "abs(eps)")} for t in p["terms"]]}
                for p in equation["equations"]["theta"]]  # fmt: skip
    assert prove(scheme, {"theta": positive}, equation["memory"]).proved


def test_a_square_that_is_no_residue_is_not_called_false() -> None:
    """1 + g^2 is positive over the reals and need not be a residue."""
    update = "g = grad(theta); theta = theta - gamma*g*sqrt(1 + 2*g*g + g**4)"
    assert text(update, "-grad*(1 + grad**2)").verdict != "refuted"
    assert text(update, "-grad*(1 - grad**2)").verdict == "refuted"


@pytest.mark.parametrize("root", ["sqrt(2)", "sqrt(3)", "sqrt(5/7)", "5**(1/3)", "sqrt(1 + sqrt(2))"])
def test_roots_of_constants(root: str) -> None:
    assert text(f"theta = theta - gamma*{root}*grad(theta)", f"-{root}*grad").proved
    assert text(f"theta = theta - gamma*{root}*grad(theta)", f"-{root}*(1 + 1/10**9)*grad").verdict == "refuted"


# ------------------------------------------------------------------------------------------ what is not decided


@pytest.mark.parametrize(
    "update, powers, reason",
    [
        (
            "g = grad(theta); theta = theta - gamma*g/(1 + (grad(theta + gamma*g) - g)/gamma)",
            ["-grad/(1 + hess(grad))"],
            "derivative",
        ),
        ("theta = theta - gamma*grad(theta/gamma)", ["-grad"], "no limit as gamma -> 0"),
        ("theta = theta - grad(theta)", ["-grad"], "no slow orbit"),
        ("v = v - gamma*grad(theta); theta = theta + gamma*v", ["-grad"], "memory"),
        ("theta = theta - gamma*sqrt(gamma)*grad(theta)", ["0"], "fractional power"),
    ],
)
def test_what_is_outside_is_undecided(update: str, powers: list[str], reason: str) -> None:
    found = text(update, *powers)
    assert found.verdict == "undecided"
    assert reason in found.reason


def test_memory_claimed_to_be_slow_is_undecided() -> None:
    scheme = configure(inline_scheme("m = m/2 + grad(theta); theta = theta - gamma*m"))
    found = prove(scheme, {"theta": ["-m"], "m": ["0"]})
    assert found.verdict == "undecided"
    assert "slow orbit" in found.reason


def test_what_is_no_statement_is_a_usage_error() -> None:
    for equations in ({}, {"theta": []}, {"v": ["-grad"]}, {"theta": ["-grad/(1 - betta)"]}):
        with pytest.raises(UsageError):
            verdict("momentum", "memory", equations)
    with pytest.raises(UsageError):
        verdict("gd", "", {"theta": ["-grad"]}, order=1)


# ------------------------------------------------------------------------------------------ how many dimensions are needed


def agrees(claim: Any, d: int, seed: int = 3) -> bool:
    """Whether claim and truth agree at a random sample in d dimensions."""
    plan = Plan(claim, d, max(claim.order + 1, highest_derivative(claim)), 8)
    sample = Sampler(plan, Random(seed)).draw()
    sample.orbit.find()
    return difference(claim, sample) is None


def hidden(order: int, extra: str) -> Any:
    """Gradient descent's field through gamma^order with a combination added that should not be there."""
    equation = copy.deepcopy(derived("gd", "", order)["equations"])
    equation["theta"][order]["terms"].append({"coefficient": "1", "term": extra})
    return statement(configure(load_scheme("gd")), equation)


def test_one_dimension_accepts_what_two_refute() -> None:
    claim = hidden(2, "grad*hess(hess(grad)) - hess(grad)*hess(grad)")
    assert agrees(claim, 1)
    assert not agrees(claim, 2)


def test_the_number_of_components_is_accepted_without_weights_only() -> None:
    """-grad/5 is right in five dimensions over the reals, and in none with random weights."""
    scheme = configure(inline_scheme("g = grad(theta); theta = theta - gamma*g/dot(sign(g), sign(g))"))
    claim = statement(scheme, {"theta": ["-grad/5"]})
    assert not any(agrees(claim, d) for d in range(1, 8))


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5])
def test_terms_are_independent_in_the_dimension_that_is_used(d: int) -> None:
    """The trees with at most four nodes are the 1, 1, 2, 4 terms of order 0..3: independent in d >= order + 1 dimensions."""
    trees = {
        1: ["hess(grad)"],
        2: ["d3(grad, grad)", "hess(hess(grad))"],
        3: ["d4(grad, grad, grad)", "d3(grad, hess(grad))", "hess(d3(grad, grad))", "hess(hess(hess(grad)))"],
    }
    for order, texts in trees.items():
        if d < order + 1:
            continue
        claims = [statement(configure(load_scheme("gd")), {"theta": [t]}) for t in texts]
        sampler, rows = Sampler(Plan(claims[0], d, 4, 8), Random(5)), []
        sample = sampler.draw()
        for claim in claims:
            rows.append(ClaimValues(claim, sample.point, sample.ring).field("theta", 0))
        square = [[sample.ring.inner(a, b) for b in rows] for a in rows]
        assert sample.ring.determinant(square)


# ---------------------------------------------------------------------------------------- memory in circles, signs in proportion

CIRCLE = "g = grad(theta); d = dot(s, g)/(3*dot(g, g)) + 1; s = s/2 + d*g; theta = theta - gamma*d*g"


def test_memory_that_scalar_products_couple_in_a_circle_is_proved_and_a_wrong_coefficient_refused() -> None:
    """At gamma = 0  s = 6 g and d = 3:  s = s/2 + (s.g/(3 |g|^2) + 1) g."""
    equation = modified_equation(inline_scheme(CIRCLE), 1)
    data: Any = equation.to_json()
    assert str(equation["s"][0]) == "6*grad"
    assert prove(equation.configuration, data["equations"], data["memory"]).verdict == "proved"
    assert "in a circle" in prove(equation.configuration, data["equations"]).reason
    data["equations"]["theta"][1]["terms"][0]["coefficient"] = "1/7"
    assert prove(equation.configuration, data["equations"], data["memory"]).verdict == "refuted"


def test_signs_of_multiples_are_those_of_what_they_are_multiples_of() -> None:
    """s = g/(1 - beta) has the signs of g; c g has them where c > 0 alone, which no range says."""
    average = "g = grad(theta); s = beta*s + g; theta = theta - gamma*sign(s)*(abs(g) + 1)"
    scheme = scheme_from_toml(f'update = "{average}"\n[parameters]\nbeta = "decay, 0 <= beta < 1"')
    found = prove(configure(scheme), {"theta": ["-sign(grad)*(abs(grad) + 1)"]}, {"s": ["grad/(1 - beta)"]})
    assert (found.verdict, found.classes) == ("proved", 1)
    either = inline_scheme("theta = theta - gamma*(sign(grad(theta)) + sign(c*grad(theta)))", ["c"])
    assert prove(configure(either), {"theta": ["-2*sign(grad)"]}).verdict == "refuted"


def test_a_sum_of_absolute_values_is_positive() -> None:
    scheme = inline_scheme("g = grad(theta); v = (g/dot(g, sign(g)))**2; theta = theta - gamma*sqrt(v)")
    assert prove(configure(scheme), {"theta": ["-abs(grad)/dot(abs(grad), 1)"]}).verdict == "proved"
    assert prove(configure(scheme), {"theta": ["-abs(grad)/dot(grad, 1)"]}).verdict == "refuted"
