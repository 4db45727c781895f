"""Memory whose relaxation depends on theta, or that is not linear at gamma = 0: its fixed point, its map there, and proofs.

By hand, with h = hess(grad), theta_n = -n gamma grad to first order, B = grad**2 + eps:
Adadelta   u_1 = -2 grad h (n + e),  (1-rho) e (1 - grad**2/B) = rho grad**2/B - 1,  so that the step at gamma^1 is
           -n h + grad**2 h/eps
Adai       m_1 = -h (n - 1/(1-A)),  1 - A = beta0 v/mean(v), and the step is m_1(n+1): 1/2 - 1/(1-A) of h in theta'
logistic   u+ = u + c u (g^2 - u):  A = 1 - c g^2,  u_1 = 2 g g_1 - 2 g h'/(c g^2) n-differences, h' = hess(theta')
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from derive import configure, inline_scheme, load_scheme, modified_equation
from derive.commands.main import main
from derive.equation import ModifiedEquation
from derive.errors import ReductionError, SchemeError
from derive.readings.initial_layer import initial_layer
from derive.scheme import Scheme, scheme_from_toml
from derive.scheme.leading import stating
from verify.certificate.writing import certificate
from verify.proof import Proof, prove
from verify.verification import Options, verify_scheme

DESCENT = "theta = theta - gamma*grad(theta)/(u + eps)"
LOGISTIC = f"u = u + c*u*(grad(theta)**2 - u); {DESCENT}"
TORQUE = """
update = '''
g     = grad(theta)
s     = kappa*s + (1 - kappa)*dot(m, g)/(norm(m)*norm(g))
m     = beta*m + (eps + (1 + s)/2)*g
theta = theta - gamma*m
'''
[parameters]
beta  = "momentum, 0 <= beta < 1"
kappa = "decay of the averaged cosine, 0 <= kappa < 1"
eps   = "least weight of a gradient, eps > 0"
[leading]
s = "1"
m = "(1 + eps)/(1 - beta)*grad"
"""


def logistic(lead: str = "grad**2") -> Scheme:
    return stating(inline_scheme(LOGISTIC, ["c", "eps"]), {"u": lead})


def derived(text: str | Scheme, order: int = 1) -> ModifiedEquation:
    return modified_equation(text if isinstance(text, Scheme) else inline_scheme(text), order)


def proof(equation: ModifiedEquation, change: tuple[int, int, str] | None = None) -> Proof:
    """Of the equation, or of one in which coefficient `i` of theta at gamma^k is another."""
    data: Any = equation.to_json()
    if change:
        k, i, text = change
        data["equations"]["theta"][k]["terms"][i]["coefficient"] = text
    return prove(equation.configuration, data["equations"], data["memory"], seed=1)


# ------------------------------------------------------------------------------------------ by hand


def test_adadelta_is_gradient_descent_and_its_first_correction_is_as_by_hand() -> None:
    found = modified_equation("adadelta", 1)
    assert str(found["u"][0]) == str(found["v"][0]) == "grad**2"
    assert str(found["theta"][0]) == "-grad"
    assert str(found["theta"][1]) == "-1/2*hess(grad) - 1/eps*grad**2*hess(grad)"
    assert str(found["u"][1]) == "2/(1 - rho)*grad*hess(grad) + 2/eps*grad**3*hess(grad)"
    of_u = found.relaxations[-1]
    assert of_u.variables == ("u",)
    assert str(of_u.formula) == "1 - eps*(1 - rho)*(grad**2 + eps)**(-1)"
    assert of_u.decays  # for 0 <= rho < 1 and eps > 0, whatever the gradient is


def test_the_first_correction_of_adai_is_as_by_hand() -> None:
    found = modified_equation("adai", 1)
    assert str(found["m"][0]) == "grad"
    assert not found.relaxations[-1].decays
    assert {str(t): str(c) for c, t in found["theta"][1]} == {
        "hess(grad)": "1/2",
        "dot(1, 1)**(-1)*grad**(-2)*dot(grad, grad)*hess(grad)": "-1/beta0",
    }


def test_the_first_correction_of_logistic_memory_is_as_by_hand() -> None:
    """With f = grad/B: theta_1 = -n f, so u_1(n+1) - (1 - c g^2) u_1(n) = c g^2 (2 g g_1), g_1 = -n h, h = hess(f); then
    u_1 = -2 g h (n - 1/(c g^2)), and u_1 after the step, times f/B, joins g_1/B and the commutator 1/2."""
    found = derived(logistic())
    assert str(found["u"][0]) == "grad**2"
    assert {str(t): str(c) for c, t in found["u"][1]} == {"grad**(-1)*hess(grad*(grad**2 + eps)**(-1))": "2/c"}
    by_hand = "-3/2*(grad**2 + eps)**(-1)*hess(grad*(grad**2 + eps)**(-1)) + (2 + c*eps)/c*(grad**2 + eps)**(-2)*"
    assert str(found["theta"][1]) == by_hand + "hess(grad*(grad**2 + eps)**(-1))"


def test_conjugate_gradients_of_polak_and_ribiere_derive_and_those_of_fletcher_and_reeves_grow() -> None:
    found = modified_equation("conjugate-gradients", 1)
    assert str(found["theta"][0]) == "-grad"
    assert str(found["p"][1]) == "-hess(grad) + grad*dot(grad, grad)**(-1)*dot(grad, hess(grad))"
    update = "g = grad(theta); p = dot(g, g)/dot(h, h)*p - g; h = g; theta = theta + gamma*p"
    with pytest.raises(ReductionError, match=r"p is driven by a term without gamma .*\(factor 1\): it grows like 1/gamma"):
        derived(update)


def test_a_root_of_an_average_is_memory_like_its_square() -> None:
    """G = sqrt(beta G^2 + (1-beta) g^2) carries what V = G^2 carries: the same equation, the same factor."""
    root = derived("g = grad(theta); G = sqrt(beta*G*G + (1 - beta)*g*g); theta = theta - gamma*g/(G + eps)", 2)
    square = derived("g = grad(theta); V = beta*V + (1 - beta)*g*g; theta = theta - gamma*g/(sqrt(V) + eps)", 2)
    assert str(root["G"][0]) == "abs(grad)"
    assert [str(f) for f in root["theta"]] == [str(f) for f in square["theta"]]
    assert str(root.relaxations[0].factor) == "beta"


def test_rank_one_memory_is_solved_by_sherman_and_morrison() -> None:
    """u = u/2 + <g, u> g + g has u* = g/(1/2 - |g|^2)."""
    found = derived("u = u/2 + dot(grad(theta), u)*grad(theta) + grad(theta); theta = theta - gamma*u", 0)
    assert str(found["u"][0]) == "grad*(-dot(grad, grad) + 1/2)**(-1)"
    assert str(found.relaxations[0].images[0]) == "1/2*u + grad*dot(u, grad)"


def test_several_memories_relax_by_a_matrix_of_factors_of_the_point() -> None:
    """a = a/2 + x b + g, b = b/3 + x a: b = 3/2 x a and a = 2 x b + 2 g, so that a (1 - 3 x^2) = 2 g; proved at gamma^1."""
    found = derived("a = a/2 + theta*b + grad(theta); b = b/3 + theta*a_old; a_old = a; theta = theta - gamma*a")
    assert str(found["a"][0]) == "2/3*grad*(-theta**2 + 1/3)**(-1)"
    assert str(found["b"][0]) == "theta*grad*(-theta**2 + 1/3)**(-1)"
    assert not found.relaxations[-1].polynomial
    assert proof(found).proved


# ------------------------------------------------------------------------------------------ proofs, and what they refuse


@pytest.mark.parametrize("name", ["adadelta", "adai", "conjugate-gradients", "srmm"])
def test_equations_are_proved_and_a_perturbed_coefficient_is_refuted(name: str) -> None:
    equation = modified_equation(name, 2)
    assert proof(equation).proved
    for k in (1, 2):
        assert proof(equation, (k, 0, "7/5")).verdict == "refuted"


def test_stated_memory_is_proved_and_perturbed_memory_is_refuted() -> None:
    equation = derived(logistic(), 2)
    assert proof(equation).proved
    data = equation.to_json()
    data["memory"]["u"][0]["terms"][0]["coefficient"] = "2"
    found = prove(equation.configuration, data["equations"], data["memory"], seed=1)
    assert (found.verdict, found.variable) == ("refuted", "u")
    assert "no fixed point" in found.witness


def test_torque_aware_momentum_is_confirmed_by_exact_orbits_and_by_runs() -> None:
    """Its equation is momentum's with the step (1 + eps)."""
    equation = derived(scheme_from_toml(TORQUE))
    assert str(equation["theta"][1]) == "-(1 + beta)*(1 + eps)**2/(2*(1 - beta)**3)*hess(grad)"
    assert [str(c) for c in equation.relaxations[0].polynomial] == ["beta*kappa", "-(beta + kappa)", "1"]
    found = verify_scheme(equation, Options())
    assert found.exact is not None
    assert not found.exact.refuted
    assert found.table.confirmed
    assert not found.refuted_by


@pytest.mark.parametrize("name", ["adadelta", "adasmooth"])
def test_runs_confirm_the_equation(name: str) -> None:
    found = verify_scheme(modified_equation(name, 1), Options())
    assert found.verdict == "verified"
    assert found.table.confirmed
    assert found.recovery.confirmed


def test_a_certificate_of_memory_of_this_kind_is_accepted(tmp_path: Path) -> None:
    from verify.certificate.checker import main as check

    equation = modified_equation("adadelta", 1)
    path = tmp_path / "adadelta.json"
    data = equation.to_json()
    text = json.dumps(certificate(equation.configuration, data["equations"], data["memory"]))
    path.write_text(text)
    assert check([str(path)]) == 0
    path.write_text(text.replace('"-1/eps"', '"-2/eps"'))
    assert check([str(path)]) == 1


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(
    st.sampled_from(["1/2", "-1/3", "0"]),
    st.sampled_from(["theta", "grad(theta)", "grad(theta)**2/(1 + grad(theta)**2)", "1/(2 + theta**2)"]),
    st.sampled_from(["grad(theta)", "theta**2", "grad(theta)*theta + 1"]),
    st.sampled_from(["u", "u*grad(theta)", "grad(theta) + u**2"]),
)
def test_random_affine_memory_is_proved_from_the_text_alone(a: str, factor: str, driven: str, step: str) -> None:
    """u+ = (a + factor) u + driven: without claimed memory, whose fixed point the proof finds by Newton's method."""
    equation = derived(f"u = ({a} + {factor})*u + {driven}; theta = theta - gamma*({step})")
    data: Any = equation.to_json()
    assert prove(equation.configuration, data["equations"], seed=1).proved
    assert proof(equation).proved
    first = next(block for block in data["equations"]["theta"] if block["terms"])
    first["terms"][0]["coefficient"] += " + 1/7"
    assert prove(equation.configuration, data["equations"], data["memory"], seed=1).verdict == "refuted"


# ------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize("lead, after", [
    ("2*grad**2", r"2\*grad\*\*2 - 2\*c\*grad\*\*4"), ("grad", r"grad - c\*grad\*\*2 \+ c\*grad\*\*3"),
])  # fmt: skip
def test_a_wrong_fixed_point_is_refused_and_what_the_step_makes_of_it_is_shown(lead: str, after: str) -> None:
    words = f"u = .* is no fixed point of the memory at gamma = 0: after a step it is .*{after}"
    with pytest.raises(ReductionError, match=words):
        derived(logistic(lead))


def test_the_other_fixed_point_is_another_equation_and_its_factor_says_that_it_does_not_decay() -> None:
    """u = 0 is one too, with the factor 1 + c g^2."""
    found = derived(logistic("0"), 0)
    assert str(found["theta"][0]) == "-1/eps*grad"
    assert str(found.relaxations[0].formula) == "1 + c*grad**2"


@pytest.mark.parametrize("update, words", [
    ("u = u*u/2 + grad(theta); theta = theta - gamma*u", "say what it is at gamma = 0, under .leading. or with --leading"),
    ("u = abs(u)/2 + grad(theta); theta = theta - gamma*u", "its fixed point is found only where its step is affine"),
    ("u = u + grad(theta)*(w - w*w) + 0*u; w = u*u; theta = theta - gamma*u", "say what it is at gamma = 0"),
    ("u = grad(theta)*u - grad(theta)*u + u + grad(theta); theta = theta - gamma*u", "u is driven by a term without gamma"),
])  # fmt: skip
def test_memory_without_a_fixed_point_that_is_found(update: str, words: str) -> None:
    with pytest.raises(ReductionError, match=words):
        derived(update)


def test_statements_about_other_variables_are_refused() -> None:
    momentum, decaying = load_scheme("momentum"), inline_scheme("v = v/2 + grad(theta); theta = theta - gamma*v")
    with pytest.raises(SchemeError, match="'w' is no memory"):
        stating(momentum, {"w": "grad"})
    with pytest.raises(SchemeError, match="'theta' is no memory"):
        stating(momentum, {"theta": "grad"})
    with pytest.raises(ReductionError, match=r"\[leading\] v is grad, and at gamma = 0 it is 2\*grad"):
        derived(stating(decaying, {"v": "grad"}))
    assert str(derived(stating(decaying, {"v": "2*grad"}))["v"][0]) == "2*grad"
    slow = inline_scheme("v = v - gamma*v + gamma*grad(theta); theta = theta - gamma*v")
    with pytest.raises(ReductionError, match="v is a slow variable"):
        derived(stating(slow, {"v": "grad"}))


def test_a_start_from_rest_is_refused_in_one_line() -> None:
    with pytest.raises(ReductionError, match="the transient of u is no sum of powers of constant factors") as caught:
        initial_layer("adadelta", 1)
    assert "\n" not in str(caught.value)


# ------------------------------------------------------------------------------------------ at the command line


def call(*words: str) -> Any:
    return CliRunner().invoke(main, ["modified-eq", *words])


def test_leading_at_the_command_line() -> None:
    common = ("--update", LOGISTIC, "--parameter", "c", "--order", "0")
    found = call(*common, "--leading", "u = ∇L**2")
    assert found.exit_code == 0, found.output
    assert "memory relaxes with factor 1 - c (∇L)^2 (decays where it lies between -1 and 1)" in found.stdout
    data = json.loads(call(*common, "--leading", "u=grad**2", "--format", "json").stdout)
    assert data["relaxation"] == [{
        "variables": ["u"],
        "factor": [{"coefficient": "1", "term": "1"}, {"coefficient": "-c", "term": "grad**2"}],
        "map": {"u": [{"coefficient": "1", "term": "u"}, {"coefficient": "-c", "term": "u*grad**2"}]},
    }]  # fmt: skip
    assert configure(logistic()).scheme.leading.keys() == {"u"}


@pytest.mark.parametrize("leading, words", [
    ("w = grad", "--leading w: 'w' is no memory (memory: u)"),
    ("u", "--leading 'u' is not of the form name=value"),
    ("u = 3*grad", "is no fixed point of the memory at gamma = 0"),
    ("u = nonsense", "unknown name 'nonsense'"),
])  # fmt: skip
def test_a_wrong_statement_at_the_command_line_is_one_line_and_status_two(leading: str, words: str) -> None:
    found = call("--update", LOGISTIC, "--parameter", "c", "--leading", leading)
    assert found.exit_code != 0
    assert not found.stdout
    message = str(found.exception) if found.exit_code == 1 else found.stderr
    assert words in message
