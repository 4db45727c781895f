"""The value of the loss, and derivatives of its gradient, in update texts: loss(x), hess(x, u), d3(x, u, v) at any point."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import pytest
from proof_controls import one_larger

from derive import modified_equation
from derive.equation import ModifiedEquation
from derive.errors import DeriveError, ParseError, ReductionError, SchemeError
from derive.language import parse_update, unparse
from derive.readings.loss import modified_loss
from derive.readings.modifying import modifying_field
from derive.readings.stability import stability
from derive.scheme import Scheme, inline_scheme
from verify.certificate import checker
from verify.certificate.writing import certificate, certificate_text
from verify.proof import prove
from verify.verification import Options, verify_scheme

POINT = {"x": "1/2", "y": "2/3"}
ORDER = 2


def values(scheme: Scheme | str, loss: str, order: int = ORDER, **settings: str) -> list[list[Any]]:
    return modified_equation(scheme, order, settings=settings).evaluate(loss, POINT).values["theta"]


# ---------------------------------------------------------------------------------------------- laws, on concrete losses

LOSS = "x**4/4 + x*y**2 + x/3 - y + 2"
SQUARE = "((x**3 + y**2 + 1/3)**2 + (2*x*y - 1)**2)"  # |grad L|^2


@pytest.mark.parametrize(
    ("update", "loss"),
    [
        ("theta = theta - gamma*(grad(theta) + hess(theta, grad(theta))/3)", f"{LOSS} + {SQUARE}/6"),
        ("theta = theta - gamma*loss(theta)*grad(theta)", f"({LOSS})**2/2"),
        ("theta = theta - gamma*grad(theta)/loss(theta)", f"log({LOSS})"),
        ("g = grad(theta); theta = theta - gamma*(dot(g, g)*g/2 + loss(theta)*hess(theta, g))", f"({LOSS})*{SQUARE}/2"),
    ],
)
def test_a_text_that_descends_another_loss(update: str, loss: str) -> None:
    """What is written with loss, grad and hess of L is gradient descent on a loss made of L."""
    plain = values("gd", loss)
    assert values(inline_scheme(update), LOSS) == plain
    other = values(inline_scheme(update.replace("gamma*", "gamma*1001/1000*", 1)), LOSS)
    assert all(a != b for a, b in zip(other, plain, strict=True))


@pytest.mark.parametrize(
    ("moved", "expanded"),
    [
        ("grad(theta - gamma*theta)", "grad(theta) - gamma*hess(theta, theta) + gamma**2/2*d3(theta, theta, theta)"),
        (
            "hess(theta + gamma*theta, theta)",
            "hess(theta, theta) + gamma*d3(theta, theta, theta) + gamma**2/2*d4(theta, theta, theta, theta)",
        ),
        (
            "loss(theta - gamma*grad(theta))*theta",
            "(loss(theta) - gamma*dot(grad(theta), grad(theta)) + gamma**2/2*dot(grad(theta), hess(theta, grad(theta))))*theta",
        ),
        (
            "loss(theta + gamma*theta + gamma**2*grad(theta))*theta",
            "(loss(theta) + gamma*dot(grad(theta), theta) + gamma**2*dot(grad(theta), grad(theta))"
            " + gamma**2/2*dot(theta, hess(theta, theta)))*theta",
        ),
    ],
)
def test_a_moved_point_is_its_taylor_series(moved: str, expanded: str) -> None:
    """Through gamma^2 of what is in brackets; the next term of the series tells them apart."""
    a, b = (modified_equation(inline_scheme(f"theta = theta - gamma*({text})"), 3) for text in (moved, expanded))
    assert list(map(str, a["theta"]))[:3] == list(map(str, b["theta"]))[:3]
    assert str(a["theta"][3]) != str(b["theta"][3])


def test_the_step_of_polyak_on_a_parabola() -> None:
    """theta+ = (1 - gamma/2) theta on L = h theta^2/2, whatever h:  theta' = log(1 - gamma/2)/gamma theta."""
    eq = modified_equation("polyak-step", 4)
    for h in ("1", "5"):
        found = [block[0] for block in eq.evaluate(f"{h}*x**2/2", {"x": "1"}).values["theta"]]
        assert found == [str(Fraction(-1, (k + 1) * 2 ** (k + 1))) for k in range(5)]


def test_memory_of_the_loss_waits_for_theta() -> None:
    """The average before the step is L - gamma L'/(1 - beta) + ... on the slow manifold, L' = <g, theta'> = -L |g|^2."""
    eq = modified_equation(inline_scheme("m = beta*m + (1 - beta)*loss(theta); theta = theta - gamma*m*grad(theta)"), 1)
    assert [str(s) for s in eq.memory["m"]] == ["L", "1/(1 - beta)*L*dot(grad, grad)"]


# ---------------------------------------------------------------------------------------------- texts


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("∇²L(θ - γ u)[v]", "hess(theta - gamma*u, v)"), ("hess L(u)[v]", "hess(u, v)"), ("∇²L[v]", "hess(theta, v)"),
        ("∇³L(u)[v, w]", "d3(u, v, w)"), ("d3L(u)[v, w]", "d3(u, v, w)"), ("L(θ)", "loss(theta)"), ("L(u)", "loss(u)"),
        ("2 L(u) v", "2*loss(u)*v"), ("hess(u, v)", "hess(u, v)"), ("loss(u)", "loss(u)"),
    ],
)  # fmt: skip
def test_written_as_people_write(text: str, plain: str) -> None:
    first, second = (parse_update(f"a = {t}")[0].value for t in (text, plain))
    assert first == second
    assert unparse(first) == plain


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ("theta = theta - gamma*hess(theta)", "hess takes 2 arguments, not 1"),
        ("theta = theta - gamma*hess(theta, 1)", "hess takes vectors"),
        ("theta = theta - gamma*d3(theta, grad(theta))", "d3 takes 3 arguments, not 2"),
        ("theta = theta - gamma*loss(gamma)*grad(theta)", "loss takes vectors"),
        ("theta = theta - gamma*loss(2*theta)*grad(theta)", "the loss is taken at 2*theta"),
        ("theta = theta - gamma*field(theta)*loss(theta)", "both loss and field are used"),
        ("theta = theta - gamma*hess(theta, field(theta))", "both field and hess are used"),
        ("L = gamma*norm(grad(theta)) + L; theta = theta - gamma*loss(theta)*grad(theta)", "'L' is how the loss is written"),
    ],
)
def test_refused(update: str, message: str) -> None:
    with pytest.raises((ParseError, SchemeError, ReductionError), match=message.replace("*", "[*]")):
        modified_equation(inline_scheme(update), 1)


def test_readings_that_know_gradients_alone() -> None:
    text = "theta = theta - gamma*(grad(theta) + lam*hess(theta, grad(theta)))"
    with pytest.raises(DeriveError, match=r"only what is made of grad\(x\) can be modified, and hess"):
        modifying_field(inline_scheme(text), 1)
    assert modified_loss("gradient-penalty", 1).exists_through == 1
    assert [str(c) for c in stability(inline_scheme(text), settings={"lam": "gamma"}).polynomial] == ["-(1 - q - q**2)", "1"]


# ---------------------------------------------------------------------------------------------- proofs


def random_update(random: Random) -> str:
    """A text with a Hessian and a value of the loss at moved points, with and without memory."""
    number = lambda: random.choice(("1/2", "-1/3", "2", "lam", "-1"))
    moved = lambda: random.choice(("theta", f"theta + {number()}*gamma*g", f"theta + gamma*{number()}*theta"))
    direction = lambda: random.choice(("g", "g", "theta", f"hess({moved()}, g)"))
    scaled = random.choice(("g", "theta", "hess(theta, g)/dot(g, g)"))
    parts = [f"{number()}*hess({moved()}, {direction()})", f"loss({moved()})*{scaled}"]
    if random.random() < 0.4:
        parts.append(f"d3({moved()}, g, {random.choice(('g', 'theta'))})")
    change, lines = f"({' + '.join(parts)})", ["g = grad(theta)"]
    match random.choice(("plain", "velocity", "average")):
        case "velocity":
            lines += [f"v = beta*v - gamma*{change}", "theta = theta + v"]
        case "average":
            lines += [f"m = beta*m + (1 - beta)*loss({moved()})", f"theta = theta - gamma*(m*g + {change})"]
        case _:
            lines.append(f"theta = theta - gamma*{change}")
    return "; ".join(lines)


def stated(equation: ModifiedEquation) -> dict[str, Any]:
    data = equation.to_json()
    return certificate(equation.configuration, data["equations"], data["memory"])


def check(seed: int, order: int) -> None:
    random = Random(seed)
    equation = modified_equation(inline_scheme(random_update(random)), order)
    data = equation.to_json()
    wrong = one_larger(data["equations"], random)
    assert prove(equation.configuration, data["equations"], data["memory"], seed=seed).proved
    assert prove(equation.configuration, wrong, data["memory"], seed=seed).verdict == "refuted"
    assert checker.check(certificate_text(stated(equation)), True)[1] < -101
    with pytest.raises(checker.Different):
        checker.check(certificate_text(certificate(equation.configuration, wrong, data["memory"])), True)


@pytest.mark.parametrize("seed", [pytest.param(k, marks=[pytest.mark.slow] * (k in (1, 3, 7, 9))) for k in range(10)])
def test_random_schemes_are_proved_and_changed_ones_refuted(seed: int) -> None:
    check(seed, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 60))
def test_more_random_schemes(seed: int) -> None:
    check(seed, 1 + seed % 2)


@pytest.mark.parametrize("name", ["polyak-step", "gradient-penalty"])
def test_every_route_confirms_the_catalogue(name: str) -> None:
    found = verify_scheme(modified_equation(name, 1), Options())
    assert found.verdict == "verified"
    assert found.table.slopes == pytest.approx([1, 2], abs=1e-3)
    assert found.recovery.confirmed


def test_every_route_refutes_a_wrong_value_of_the_loss() -> None:
    """The equation of the doubled loss claimed for the loss itself."""
    text = "theta = theta - gamma*{}*loss(theta)/dot(grad(theta), grad(theta))*grad(theta)"
    right, wrong = (modified_equation(inline_scheme(text.format(c)), 1) for c in ("1", "1001/1000"))
    wrong = ModifiedEquation(**{**vars(wrong), "configuration": right.configuration})
    assert set(verify_scheme(wrong, Options()).refuted_by) >= {"proof", "exact", "slopes", "recovered"}
