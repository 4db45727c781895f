"""Expansions in a root h of gamma, and memory that relaxes by a power of h in a step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sympy

from derive import ModifiedEquation, modified_equation, modified_equations
from derive.algebra.coefficients import Ring
from derive.algebra.sequences import Flowing, Sequences, Standing, coefficient_of_n, rate
from derive.commands.main import main as derive
from derive.errors import ReductionError, SchemeError, UsageError
from derive.scheme import Scheme, inline_scheme, load_scheme, scheme_from_toml
from verify.certificate.writing import certificate
from verify.numeric.routes import check_slopes, random_point, rich_problem
from verify.numeric.system import chosen_parameters
from verify.proof import prove
from verify.proof.paced import _interpolated

AVERAGE = "v = v + c*gamma**(1/2)*(grad(theta) - v); theta = theta - gamma*v"
SECOND_MOMENT = "g = grad(theta); v = v + (gamma/(t + gamma))**(4/5)*(g*g - v); theta = theta - gamma*g/sqrt(v)"
ADAFACTOR = ("adafactor-vector", "adafactor-vector-momentum", "adafactor-vector-unscaled")


def scheme(update: str, root: int, parameters: str = "") -> Scheme:
    lines = update.replace("; ", "\n")
    text = f'name = "example"\nexpansion = "gamma**(1/{root})"\nupdate = """\n{lines}\n"""\n[parameters]\n{parameters}'
    return scheme_from_toml(text)


def average(order: int = 2, **options: Any) -> ModifiedEquation:
    return modified_equation(scheme(AVERAGE, 2, 'c = "rate, c > 0"'), order, **options)


def verdict(equation: ModifiedEquation, claimed: Mapping[str, Any] | None = None) -> str:
    from verify.orbits.branches import branch_text

    said, configuration = equation.to_json(), branch_text(equation.configuration)
    memory = {m: powers for m, powers in said["memory"].items() if m in configuration.scheme.states}
    return prove(configuration, claimed or said["equations"], memory, seed=1).verdict


def perturbed(equation: ModifiedEquation) -> Mapping[str, Any]:
    """The last coefficient of theta's last power by a millionth more."""
    claimed = equation.to_json()["equations"]
    last = claimed["theta"][-1]["terms"][-1]
    last["coefficient"] = f"({last['coefficient']})*1000001/1000000"
    return claimed


# ------------------------------------------------------------------------------------------ by hand


def test_an_average_by_hand() -> None:
    """With h^2 = gamma: theta' + h^2/2 theta'' = -v(t + h^2), c (g - v) = h v' + ..., so that

    v = g - h/c g' + h^2/c^2 g'' + ...,  g' = -Hg - h/c HHg,  g'' = d3(g, g) + HHg,
    theta' = -v - h^2 v' - h^2/2 theta'' = -v + h^2 Hg - h^2/2 Hg.
    """
    f = average()["theta"]
    assert [str(x) for x in f[:2]] == ["-grad", "-1/c*hess(grad)"]
    by_hand = {"hess(grad)": "1/2", "d3(grad, grad)": "-1/c**2", "hess(hess(grad))": "-2/c**2"}
    assert {t: str(f[2].coefficient(t)) for t in by_hand} == by_hand
    assert len(f[2]) == len(by_hand)


def test_a_second_moment_by_hand() -> None:
    """h^5 = gamma: g^2 - v = (t/gamma)^(4/5) gamma v', v' = 2 g H theta' = -2 g H sign(g), so v = g^2 + 2 h t^(4/5) g H sign(g);
    theta' = -g/sqrt(v) = -sign(g) + h t^(4/5) H sign(g)/|g|."""
    equation = modified_equation(scheme(SECOND_MOMENT, 5), 1)
    assert str(equation["v"][1]) == "2*t**(4/5)*grad*hess(grad*abs(grad)**(-1))"
    assert str(equation["theta"][0]) == "-grad*abs(grad)**(-1)"
    assert str(equation["theta"][1]) == "t**(4/5)*abs(grad)**(-1)*hess(grad*abs(grad)**(-1))"


def test_the_first_correction_of_adafactor_by_hand() -> None:
    """Without decay and clipping the correction is that of the second moment; clipping divides u = sign(g) (1 - h q/2), with
    q = t^(4/5) (g^2)'/g^2 of the mean a, by 1 + h a/2: where a < 0, u grows less than its root mean square says."""
    kept, clipped = modified_equations("adafactor-vector-unscaled", 1, settings={"lam": "0"})
    plain = "t**(4/5)*abs(grad)**(-1)*hess(grad*abs(grad)**(-1))"
    signs = {str(kept["theta"][1]): str(kept.conditions[0]), str(clipped["theta"][1]): str(clipped.conditions[0])}
    curvature = "dot(grad**(-1), hess(grad*abs(grad)**(-1)))"
    assert signs[plain] == f"{curvature} > 0"
    (other,) = signs.keys() - {plain}
    assert signs[other] == f"{curvature} < 0"
    assert clipped["theta"][1].coefficient(f"t**(4/5)*dot(1, 1)**(-1)*{curvature}*grad*abs(grad)**(-1)").number() == -1


def test_rates_that_vanish_with_gamma_are_those_of_fixed_ones() -> None:
    """The equation of v = v + c (g - v) at c = C h, gamma = h^2, expanded in h: another way to the same coefficients."""
    c, h = sympy.symbols("c h", positive=True)
    fixed = modified_equation(inline_scheme(AVERAGE.replace("*gamma**(1/2)", ""), ["c"]), 3)
    found = average(3)["theta"]
    total: dict[str, sympy.Expr] = {}
    for k, part in enumerate(fixed["theta"]):
        for coefficient, term in part:
            value = coefficient.sympy().subs("c", c * h) * h ** (2 * k)
            total[str(term)] = total.get(str(term), sympy.Integer(0)) + value
    for term, value in total.items():
        series = sympy.series(sympy.expand(value), h, 0, 4).removeO()
        for k in range(4):
            expected = found[k].coefficient(term).sympy().subs("c", c) if term in map(str, (t for _, t in found[k])) else 0
            assert sympy.simplify(series.coeff(h, k) - expected) == 0, (term, k)


# ------------------------------------------------------------------------------------------ the equations of sequences


@pytest.mark.parametrize("degree", range(5))
def test_sequences_in_the_clock_of_memory(degree: int) -> None:
    """P' = R; P' + (1 - a) P = R; (1 - a) P = R."""
    ring = Ring(["a"])
    a, right = ring.symbol("a"), ring.n**degree + ring.n
    flowing, standing = Flowing(ring), Standing(ring)
    total = flowing.sum(right)
    assert not rate(total) - right
    assert not coefficient_of_n(total, 0)
    p = flowing.relax(a, right)
    assert not (rate(p) + (ring.one - a) * p - right).reduced()
    assert not (standing.relax(a, right) * (ring.one - a) - right).reduced()
    assert degree < 2 or flowing.relax(a, right) != Sequences(ring).relax(a, right)


def test_interpolation_of_the_proof() -> None:
    from verify.proof.field import PrimeField

    ring, coefficients = PrimeField(10007), [3, 0, 7, 5]
    values = [sum(c * n**i for i, c in enumerate(coefficients)) % ring.p for n in range(4)]
    assert _interpolated(ring, values) == coefficients


# ------------------------------------------------------------------------------------------ proofs


SEVERAL = "v = v + gamma**(1/3)*(grad(theta) - v); w = w + gamma**(2/3)*c*(v - w); m = b*m + (1 - b)*w; theta = theta - gamma*m"
EXAMPLES = {
    "average": (AVERAGE, 2, 'c = "rate, c > 0"'),
    "second moment": (SECOND_MOMENT, 5, ""),
    "no memory": ("theta = theta - gamma*grad(theta)*(1 + gamma**(1/2)*grad(theta))", 2, ""),
    "three rates": (SEVERAL, 3, 'c = "c, c > 0"\nb = "b, 0 <= b < 1"'),
    "slow sum": ("v = v + gamma**(1/2)*(grad(theta) - v); S = S + gamma*v*v; theta = theta - gamma*v/sqrt(S)", 2, ""),
    "implicit": ("v = v + gamma**(1/2)*(grad(theta_next) - v); theta = theta - gamma*v", 2, ""),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_proved_and_changes_refused(name: str) -> None:
    equation = modified_equation(scheme(*EXAMPLES[name]), 1)
    assert verdict(equation) == "proved"
    assert verdict(equation, perturbed(equation)) == "refuted"


@pytest.mark.parametrize("form", ["flow", "map"])
def test_both_forms_are_proved(form: str) -> None:
    equation = average(2, form=form)
    said = equation.to_json()
    for claimed, expected in ((said["equations"], "proved"), (perturbed(equation), "refuted")):
        assert prove(equation.configuration, claimed, said["memory"], form=form, seed=1).verdict == expected


@pytest.mark.parametrize("name", [*(pytest.param(n, marks=pytest.mark.slow) for n in ADAFACTOR[:2]), ADAFACTOR[2]])
def test_adafactor_is_proved_in_every_region(name: str) -> None:
    found = modified_equations(name, 1)
    assert len(found) == (2 if name.endswith("unscaled") else 4)
    for equation in found:
        assert verdict(equation) == "proved"
        assert verdict(equation, perturbed(equation)) == "refuted"


def test_memory_that_is_claimed_slow_is_refused() -> None:
    equation = average(0)
    found = prove(equation.configuration, {"theta": ["-v"], "v": ["0*grad"]}, seed=1)
    assert found.verdict == "undecided"
    assert found.reason == "v at gamma^(1/2) changes from step to step, by more than gamma: it is no slow variable"


def test_slopes_count_powers_of_the_root() -> None:
    equation = modified_equation(scheme(SECOND_MOMENT, 5), 1)
    configuration, said = equation.configuration, equation.to_json()
    problem = (rich_problem(configuration, 4), random_point(2, 0))
    table = check_slopes(configuration, said, chosen_parameters(configuration), *problem)
    assert table.root == 5
    assert table.confirmed
    assert [round(float(s or 0), 3) for s in table.slopes] == [1, 2]
    said["equations"]["theta"][1]["terms"][0]["coefficient"] = "1001/1000"
    assert not check_slopes(configuration, said, {}, *problem).confirmed


# ------------------------------------------------------------------------------------------ what is printed


def test_powers_are_printed_as_those_of_gamma(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    equation = average(1)
    assert "     - γ^(1/2)/c ∇²L[∇L]\n" in str(equation)
    assert "memory relaxes by γ^(1/2) times c a step (decays: it is positive); residual: zero through γ^1" in str(equation)
    assert r"\frac{\gamma^{1/2}}{c}\, \nabla^{2} L" in equation.latex()
    assert r"\frac{\gamma^{3/2}}{c}\, \nabla^{2} L" in average(1, form="map").latex()
    assert repr(equation) == "<ModifiedEquation example, flow, through gamma^(1/2)>"
    said = equation.to_json()
    assert said["expansion"] == "gamma**(1/2)"
    assert said["relaxation"][0]["pace"] == "1/2"
    assert "expansion" not in modified_equation("momentum", 0).to_json()
    file = tmp_path / "example.toml"
    file.write_text(f'expansion = "gamma**(1/2)"\nupdate = "{AVERAGE.replace("c*", "")}"')
    derive(["code", str(file), "--target", "python"], standalone_mode=False)
    assert "return theta_0 + gamma**(1/2)*theta_1" in capsys.readouterr().out
    on_loss = ["modified-eq", "--scheme", str(file), "--loss", "x**2/2"]
    derive(on_loss, standalone_mode=False)
    assert "   + gamma**(1/2)*(-x)\n" in capsys.readouterr().out
    derive([*on_loss, "--at", "x=3", "--form", "map"], standalone_mode=False)
    assert "gamma^(3/2)  x: -3\n" in capsys.readouterr().out
    derive(["modified-eq", "--scheme", str(file), "--format", "json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out)["equations"]["theta"][1]["power"] == 1


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ("theta: -grad - gamma**(1/2)/c*hess(grad)", "confirmed"),
        ("theta: -grad - 2*gamma**(1/2)/c*hess(grad)", "refuted"),
    ],
)
def test_formulas_are_written_in_roots(says: str, expected: str) -> None:
    from verify.formula_verdict import check_formula
    from verify.stated_formula import _Given, _stated

    stated = _stated(scheme(AVERAGE, 2, 'c = "rate, c > 0"'), _Given(None, None, None, None, {}, (says,)))
    found = check_formula(stated)
    assert found.verdict == expected
    assert expected == "confirmed" or "-1/c*hess(grad)" in found.correct


# ------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize("text", ["gamma**2", "h", "gamma**(1/1000)", "gamma**(2/5)", "1"])
def test_what_is_no_root_of_gamma(text: str) -> None:
    with pytest.raises(SchemeError, match=r"is no root of gamma; write expansion = \"gamma\*\*\(1/5\)\""):
        scheme_from_toml(f'expansion = "{text}"\nupdate = "theta = theta - gamma*grad(theta)"')


@pytest.mark.parametrize(
    ("update", "reason"),
    [
        (
            "v = v + gamma**(1/2)*(grad(theta) - v); theta = theta - gamma**(1/2)*v",
            r"theta changes by a term of order gamma\^\(1/2\)",
        ),
        (
            "v = v + gamma**(1/2)*(u - v); u = u/2 + v/4 + grad(theta); theta = theta - gamma*v",
            "relax by different powers of gamma",
        ),
        ("v = v + gamma**(1/2)*grad(theta); theta = theta - gamma*v", r"grows like 1/gamma\^\(1/2\)"),
        ("v = v + gamma**(1/4)*(grad(theta) - v); theta = theta - gamma*v", "only whole powers"),
    ],
)
def test_texts_without_such_an_expansion(update: str, reason: str) -> None:
    with pytest.raises(ReductionError, match=reason):
        modified_equation(scheme(update, 2))


def test_readings_in_whole_powers_say_so() -> None:
    from derive import initial_layer, modified_loss, modified_sde

    example = scheme(AVERAGE, 2, 'c = "rate, c > 0"')
    for reading in (modified_loss, initial_layer, modified_sde):
        with pytest.raises(UsageError, match=r"in whole powers of gamma, and this expansion is in gamma\*\*\(1/2\)"):
            reading(example, 1)
    equation = average(0)
    with pytest.raises(UsageError, match="certificates are written in whole powers of gamma"):
        certificate(equation.configuration, equation.to_json()["equations"])


def test_a_text_without_a_root_is_what_it_was() -> None:
    assert load_scheme("momentum").root == 1
    with pytest.raises(ReductionError, match="only whole powers of gamma may appear"):
        modified_equation(inline_scheme(AVERAGE, ["c"]), 1)
