"""Unknowns that are set from states, theta = Phi(z, S), and memory that grows: equations, proofs, refusals.

Hand computations stand above what they are compared with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import pytest
from click.testing import CliRunner

from derive import modified_equation
from derive.commands.main import main as derive_main
from derive.errors import ReductionError
from derive.language import parse_expression
from derive.scheme import catalogue, inline_scheme, load_scheme, scheme_from_toml
from verify.certificate.writing import require_certifiable
from verify.proof import prove

AVERAGED = "z = z - gamma*grad(theta); x = x + (z - x)/(k + 1); theta = (1 - beta)*z + beta*x; k = k + 1"
LAGGING = "z = z - gamma*grad(theta); theta = beta*theta + (1 - beta)*z"
NEW = ("adagrad-torch", "asgd", "dual-averaging", "ftrl", "schedule-free", "schedule-free-adamw", "weight-average", "weight-ema")


def texts(scheme: object, order: int = 1, **keywords: object) -> dict[str, list[str]]:
    equation = modified_equation(scheme, order, **keywords)  # type: ignore[arg-type]
    return {x: [str(s) for s in sums] for x, sums in equation.equations.items()}


def typed(update: str, order: int = 1, settings: Mapping[str, str] | None = None) -> dict[str, list[str]]:
    return texts(inline_scheme(update), order, settings=settings)


# ---------------------------------------------------------------------------------------------- unknowns set from states


@pytest.mark.parametrize("update", [
    "z = z - gamma*grad(theta); theta = z",
    "z = z + gamma*grad(theta); theta = x0 - z; x0 = x0",
    "z = z + grad(theta); theta = -gamma*z",
    "z = z - gamma*grad(theta)/2; y = 3*z; theta = 2*y/3",
    "N = S + 1; z = z - gamma*grad(theta); S = N; theta = z + 0*N",
])  # fmt: skip
def test_what_is_gradient_descent_has_its_equation(update: str) -> None:
    assert typed(update, 2)["theta"] == texts("gd", 2)["theta"]


def test_an_exponential_is_undone_by_a_logarithm() -> None:
    """theta = exp(z) is theta+ = theta*exp(-gamma*grad): by hand theta' = -theta*grad - gamma/2 theta*hess(theta*grad)."""
    assert typed("z = z - gamma*grad(theta); theta = exp(z)") == typed("theta = theta*exp(-gamma*grad(theta))")


def test_a_map_is_undone_by_its_declared_inverse() -> None:
    file = 'update = """\nz = z - gamma*grad(theta)\ntheta = Q(z)\n"""\n[functions]\n'
    pair = 'P = "map, mirror map"\nQ = "inverse of P"\n'
    mirror = scheme_from_toml(f'update = "theta = Q(P(theta) - gamma*grad(theta))"\n[functions]\n{pair}')
    own = scheme_from_toml(file + pair)
    assert texts(own) == texts(mirror)
    with pytest.raises(ReductionError, match="not solved for z; a map of a state can be undone where its inverse is declared"):
        modified_equation(scheme_from_toml(file + 'Q = "map, mirror map"\n'))


def test_a_part_of_theta_that_is_kept_is_momentum() -> None:
    """theta+ = beta theta + (1 - beta) z+ is heavy ball with the rate (1 - beta) gamma.

    f_1 = -(1 + beta)/(2 (1 - beta)) hess(grad).
    """
    found = modified_equation(inline_scheme(LAGGING), 2)
    momentum = modified_equation(inline_scheme("v = beta*v - gamma*(1 - beta)*grad(theta); theta = theta + v"), 2)
    assert [str(s) for s in found["theta"]] == [str(s) for s in momentum["theta"]]
    assert str(found["theta"][1]) == "-(1 + beta)/(2*(1 - beta))*hess(grad)"
    assert [str(r.factor) for r in found.relaxations] == ["beta"]


def test_the_average_of_weights_of_schedule_free_descent() -> None:
    """x' = (z - x)/k with z - x = (theta - x)/(1 - beta), theta' = -(1 - beta) grad + beta (z - x)/k."""
    found = typed(AVERAGED, 0)
    assert found["theta"] == ["-(1 - beta)*grad + beta/(1 - beta)*k_bar**(-1)*theta - beta/(1 - beta)*k_bar**(-1)*x"]
    assert found["x"] == ["1/(1 - beta)*k_bar**(-1)*theta - 1/(1 - beta)*k_bar**(-1)*x"]
    assert found["k_bar"] == ["1"]


def test_dual_averaging_is_pulled_to_its_start() -> None:
    """theta = x0 - z/sqrt(k), z' = grad: theta' = -grad/sqrt(k) + z/(2 k^(3/2)) = -grad/sqrt(k) + (x0 - theta)/(2 k)."""
    assert texts("dual-averaging", 0)["theta"] == ["-1/2*k_bar**(-1)*theta + 1/2*k_bar**(-1)*x0 - grad*k_bar**(-1/2)"]


def test_ftrl_without_l1_is_adagrad() -> None:
    """z = -theta q and q+ - q = (sqrt(N) - sqrt(S))/alpha, so that q+ theta+ = q+ theta - g: AdaGrad with the constant
    kap + 2 lam outside the root."""
    ftrl = modified_equation("ftrl", 2, settings={"lam": "0"})
    adagrad = modified_equation("adagrad-torch", 2, settings={"nu": "0"})
    assert (ftrl["theta"], ftrl["S_bar"]) == (adagrad["theta"], adagrad["S_bar"])
    assert str(ftrl["theta"][0]) == "-grad*(S_bar**(1/2) + kap)**(-1)"
    assert ftrl["theta"] != modified_equation("adagrad-torch", 2)["theta"]


def test_madgrad_follows_the_cube_root() -> None:
    """theta = x0 - s/(S^(1/3) + eps), s' = sqrt(k) g, S' = sqrt(k) g^2: momentum does not count in the limit, and
    theta' = -sqrt(k) g/B + (x0 - theta) sqrt(k) g^2/(3 S^(2/3) B)."""
    pull = "1/3*{}*grad**2*S**(-2/3)*k_bar**(1/2)*(S**(1/3) + eps)**(-1)"
    step = "-grad*k_bar**(1/2)*(S**(1/3) + eps)**(-1)"
    assert texts("madgrad", 0)["theta"] == [f"{step} - {pull.format('theta')} + {pull.format('x0')}"]


def test_the_elimination_is_said() -> None:
    equation = modified_equation(inline_scheme(AVERAGED), 0)
    assert "with z = (theta - beta x)/(1 - beta) at the start of every step, the first too" in CliRunner().invoke(
        derive_main, ["modified-eq", "--update", AVERAGED, "--order", "0", "--ascii"]
    ).stdout.replace("*", " ")
    data = equation.to_json()
    assert data["eliminated"] == {"z": "(theta - beta*x)/(1 - beta)"}
    assert data["units"] == {"k": "k_bar/gamma"}
    assert modified_equation(inline_scheme(LAGGING), 0).to_json()["lags"] == {"lag": "theta - (beta*theta + (1 - beta)*z)"}
    assert data["update"] == AVERAGED
    assert "eliminated" not in modified_equation("momentum", 0).to_json()


@pytest.mark.parametrize(("update", "words"), [
    ("z = z - gamma*grad(theta); theta = tanh(z)", "after a step theta is tanh.z., which is not solved for z"),
    ("z = z - gamma*grad(theta); w = w + gamma*theta; theta = z*w", None),
    ("v = beta*v - gamma*grad(theta); theta = v", "theta is multiplied by another factor than 1"),
    ("theta = beta*theta - gamma*grad(theta)", "theta is multiplied by another factor than 1"),
    ("z = z - gamma*grad(theta); theta = z + grad(theta)", "theta"),
])  # fmt: skip
def test_what_is_not_solved_is_refused_in_a_line(update: str, words: str | None) -> None:
    if words is None:  # a product is solved for one of its factors
        assert typed(update, 0)
        return
    with pytest.raises(ReductionError, match=words) as error:
        modified_equation(inline_scheme(update))
    assert "\n" not in str(error.value)


# ---------------------------------------------------------------------------------------------- memory that grows


def test_a_sum_of_squares_is_carried_in_units_of_growth() -> None:
    """S = S_bar/gamma, alpha = sqrt(gamma), eps = kap/alpha: theta' = -grad/(sqrt(S_bar) + kap), S_bar' = grad^2."""
    found = typed(
        "S = S + grad(theta)*grad(theta); theta = theta - alpha*grad(theta)/(sqrt(S) + eps)", 1,
        {"alpha": "gamma**(1/2)", "eps": "kappa/gamma**(1/2)"},
    )  # fmt: skip
    assert found["theta"][0] == "-grad*(S_bar**(1/2) + kappa)**(-1)"
    assert found["S_bar"][0] == "grad**2"


def test_a_sum_with_growing_weights_takes_a_higher_power() -> None:
    """k grows like 1/gamma and s = s + k theta like 1/gamma^2: s_bar' = k_bar theta."""
    scheme = inline_scheme("k = k + 1; s = s + k*theta; theta = theta - gamma*grad(theta)")
    equation = modified_equation(scheme, 0)
    assert equation.to_json()["units"] == {"k": "k_bar/gamma", "s": "s_bar/gamma**2"}
    assert str(equation["s_bar"][0]) == "k_bar*theta"


def test_a_regime_of_the_file_decides() -> None:
    file = 'update = """\nk = k + 1\ntheta = theta - gamma*grad(theta)/(k*gamma)\n"""\n'
    assert list(texts(scheme_from_toml(file), 0)) == ["theta", "k_bar"]
    assert list(texts(scheme_from_toml(file + '[regimes.own]\nk = "tau/gamma"\n'), 0)) == ["theta", "tau"]
    with pytest.raises(ReductionError, match="k is driven by a term without gamma"):
        modified_equation(scheme_from_toml(file + '[regimes.none]\ntitle = "k is not rescaled"\n'))


def test_units_are_bounded() -> None:
    with pytest.raises(ReductionError, match=r"after the step s is of order gamma\^-5"):
        modified_equation(inline_scheme("s = s + theta/gamma**5; theta = theta - gamma*grad(theta)"))


def test_a_clock_that_does_not_fit_is_refused_with_the_units() -> None:
    with pytest.raises(ReductionError, match=r"S is driven .*; so rescaled, gamma\^\(3/2\): only whole powers .*--set alpha"):
        modified_equation(inline_scheme("S = S + grad(theta)*grad(theta); theta = theta - gamma*grad(theta)/sqrt(S)"))


# ---------------------------------------------------------------------------------------------- proofs


def proof(equation: object, change: str = "", **replaced: object) -> str:
    data = json.loads(json.dumps(equation.to_json()["equations"]))  # type: ignore[attr-defined]
    if change:
        term = data[change][-1]["terms"][0]
        term["coefficient"] = f"({term['coefficient']})*101/100"
    configuration = equation.configuration  # type: ignore[attr-defined]
    if replaced:
        configuration = replace(configuration, scheme=replace(configuration.scheme, **replaced))
    return prove(configuration, data, equation.to_json()["memory"], seed=5).verdict  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", NEW)
def test_new_schemes_are_proved_and_perturbed_ones_refuted(name: str) -> None:
    equation = modified_equation(name, 1)
    assert proof(equation) == "proved"
    for variable in equation.equations:
        if equation[variable][-1]:
            assert proof(equation, variable) == "refuted", variable


def test_madgrad_is_proved_in_series_of_a_sixth_root() -> None:
    equation = modified_equation("madgrad", 0)
    assert proof(equation) == "proved"
    assert proof(equation, "theta") == "refuted"


@pytest.mark.parametrize("update", [LAGGING, "z = z + grad(theta)/gamma; theta = x0 - gamma**2*z; x0 = x0"])
def test_typed_schemes_are_proved(update: str) -> None:
    equation = modified_equation(inline_scheme(update), 1)
    assert proof(equation) == "proved"
    assert proof(equation, "theta") == "refuted"


def test_the_proof_runs_the_text_and_not_what_was_put_in_front() -> None:
    """With a wrong z = Psi(theta) in front, every step by itself has the right field; the orbit of the text has not."""
    equation = modified_equation(inline_scheme("z = z - gamma*grad(theta); theta = z + 2*x0; x0 = x0"), 1)
    scheme = equation.scheme
    wrong = parse_expression("theta - x0", "test")
    first = replace(scheme.statements[0], value=wrong)
    assert proof(equation) == "proved"
    assert proof(equation, statements=(first, *scheme.statements[1:]), eliminated={"z": wrong}) != "proved"


def test_certificates_refuse_what_is_eliminated() -> None:
    with pytest.raises(ReductionError, match=r"no words for a state that is given by the others at the start .z."):
        require_certifiable(modified_equation("schedule-free", 0).configuration)
    require_certifiable(modified_equation("weight-average", 0).configuration)


def test_every_new_scheme_is_in_the_catalogue() -> None:
    assert {*NEW, "madgrad", "adamw-schedule", "momentum-weight-decay-schedule"} <= {*catalogue()}
    assert load_scheme("torch.optim.Adagrad").name == "adagrad-torch"


def test_an_orbit_by_hand() -> None:
    """On L = h x^2/2 dual averaging with theta = z is theta_n = (1 - gamma h)^n theta_0, and log(1 - g h)/g = -h - g h^2/2."""
    values = modified_equation(inline_scheme("z = z - gamma*grad(theta); theta = z"), 1).evaluate("3*x**2/2", {"x": 1}).values
    assert values["theta"] == [["-3"], [str(Fraction(-9, 2))]]
