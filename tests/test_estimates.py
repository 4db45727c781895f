"""Estimates of the distance to a minimum: d is a constant where they do not grow, a function of the other states where they do.

By hand, for Prodigy where the estimate grows, without decay: weights of d**2*beta3**k stand in both sums, so that to first order
d_(n+1) is kappa F at the mean of the steps before,  F = <g, u>/|g|_1,  d = kappa (F - gamma F'/(1 - beta3)), ' along the flow
theta' = -kappa F G, G = g/(|g| + eps), u' = -theta'.  With rho = F'/F, by which d grows in a step, S = -d m/(sqrt(v) + r eps) has

    m = g - gamma beta1/(1 - beta1) (g' + rho g),    v = g^2 - gamma beta2/(1 - beta2) (2 g g' + 2 rho g^2),    r = 1 + gamma rho

and the correction is S_1 - S_0'/2:

    kappa F' (1/(1-beta3) + beta1/(1-beta1) - beta2/(1-beta2) + 1/2) G + kappa F' eps/(1-beta2) g/(|g|+eps)^2
    + kappa F (1/2 + beta1/(1-beta1)) g'/(|g|+eps) - kappa F (1/2 + beta2/(1-beta2)) g |g|'/(|g|+eps)^2
"""

from __future__ import annotations

from fractions import Fraction as F
from typing import Any

import pytest
from click.testing import CliRunner

from derive import ModifiedEquation, load_scheme, modified_equation, modified_equations
from derive.commands.main import main
from derive.errors import ReductionError, SchemeError
from derive.scheme import inline_scheme, scheme_from_toml
from derive.scheme.leading import stated_leading, stating
from verify.orbits.branches import branch_text
from verify.proof import Proof, prove

LOSS = "x**4/4 + x*y**2"
X, Y = F(1, 2), F(-2, 3)
GRADIENT = (X**3 + Y**2, 2 * X * Y)
HESSIAN = ((3 * X**2, 2 * Y), (2 * Y, 2 * X))
BETAS = {"beta1": F(1, 2), "beta2": F(1, 3), "beta3": F(2, 5), "kappa": F(3, 4), "eps": F(1, 7)}


def proof(equation: ModifiedEquation, changed: str | None = None) -> Proof:
    """Of the branch; of one whose first coefficient of theta' is another."""
    data: Any = equation.to_json()
    if changed:
        data["equations"]["theta"][0]["terms"][0]["coefficient"] = changed
    branch = branch_text(equation.configuration)
    names = {branch.symbol(s) for s in branch.scheme.states}
    return prove(branch, data["equations"], {m: v for m, v in data["memory"].items() if m in names}, seed=3)


def sign(x: F) -> int:
    return (x > 0) - (x < 0)


def dot(a: tuple[F, ...], b: tuple[F, ...]) -> F:
    return sum((x * y for x, y in zip(a, b, strict=True)), F(0))


def prodigy_by_hand(u: tuple[F, F]) -> list[F]:
    b1, b2, b3, kappa, eps = BETAS.values()
    g, size = GRADIENT, sum(map(abs, GRADIENT))
    estimate = dot(g, u) / size
    bounded = tuple(x / (abs(x) + eps) for x in g)
    flow = tuple(-kappa * estimate * x for x in bounded)
    dg = tuple(dot(row, flow) for row in HESSIAN)
    dsize = tuple(sign(x) * y for x, y in zip(g, dg, strict=True))
    change = (dot(dg, u) - dot(g, flow)) / size - dot(g, u) * sum(dsize) / size**2
    own = kappa * change * (1 / (1 - b3) + b1 / (1 - b1) - b2 / (1 - b2) + F(1, 2))
    return [
        own * p
        + kappa * change * eps / (1 - b2) * x / (abs(x) + eps) ** 2
        + kappa * estimate * (F(1, 2) + b1 / (1 - b1)) * y / (abs(x) + eps)
        - kappa * estimate * (F(1, 2) + b2 / (1 - b2)) * x * z / (abs(x) + eps) ** 2
        for x, p, y, z in zip(g, bounded, dg, dsize, strict=True)
    ]


def test_the_first_correction_of_prodigy_where_the_estimate_grows_is_as_by_hand() -> None:
    settings = {**{n: str(v) for n, v in BETAS.items()}, "lam": "0"}
    found = modified_equations("prodigy", 1, settings=settings)[1]
    u = (F(1, 3), F(-5, 4))
    at = {"x": str(X), "y": str(Y), "u_x": str(u[0]), "u_y": str(u[1])}
    assert [F(v) for v in found.evaluate(LOSS, at).values["theta"][1]] == prodigy_by_hand(u)


def test_prodigy_is_adam_with_the_step_gamma_d_where_the_estimate_stays() -> None:
    stays, _ = modified_equations("prodigy", 2, settings={"lam": "0"})
    adam = modified_equation("adam-bias-corrected", 2)
    for k in range(3):
        ours = {str(t): str(c) for c, t in stays["theta"][k]}
        power = "d" if k == 0 else f"d**{k + 1}"
        assert len(ours) == len(adam["theta"][k])
        for c, t in adam["theta"][k]:
            assert ours[f"{power}*{t}"] == str(c)
    assert not stays["d"][1]


def test_dadapt_adamw_by_hand() -> None:
    """d is q/(lam3 |s|_1) with no correction; without decay the step -m/(sqrt(v) + eps), taken of m and v after the step, is the
    limit field moved by a whole step, of which the flow keeps half: f_1 = f_0'/2."""
    stays, grows = modified_equations("dadapt-adamw", 1, settings={"lam": "0"})
    assert (str(grows["d"][0]), str(grows["d"][1])) == ("1/lam3*dot(abs(s), 1)**(-1)*q", "0")
    lam1, lam2, eps, d, p1, p2 = F(1, 2), F(2, 3), F(1, 5), F(3, 7), F(1, 3), F(7, 16)
    m, root, g = (F(2, 3), F(-1, 4)), (F(1, 2), F(4, 3)), GRADIENT
    w = d * F(3, 4) / (1 - p1)
    by_hand = [
        (-lam1 * (w * x - y) / (r + eps) + lam2 * y * (x**2 - r**2) / (2 * r * (r + eps) ** 2)) / 2
        for x, y, r in zip(g, m, root, strict=True)
    ]
    at = {"x": X, "y": Y, "m_x": m[0], "m_y": m[1], "v_x": root[0] ** 2, "v_y": root[1] ** 2, "s_x": 1, "s_y": 1, "q": 1}
    at |= {"d": d, "p1": p1, "p2": p2}
    chosen = stays.subs(lam1=str(lam1), lam2=str(lam2), lam3="1", eps=str(eps))
    values = chosen.evaluate(LOSS, {n: str(v) for n, v in at.items()}).values["theta"]
    assert [F(v) for v in values[1]] == by_hand


@pytest.mark.parametrize("name", [pytest.param("prodigy", marks=pytest.mark.slow), "dadapt-adamw"])
def test_every_region_is_proved_and_another_coefficient_refused(name: str) -> None:
    for equation in modified_equations(name, 0):
        assert proof(equation).proved
        assert proof(equation, "-5/7").verdict == "refuted"


# ---------------------------------------------------------------------------------------- [leading] of some branches

LARGEST = "e = dot(grad(theta), theta); q = q/2 + d*e; s = s/2 + d; d = max(d, q/s); theta = theta - gamma*d*grad(theta)"
STATED = {"q/s > d: d": "dot(grad, theta)"}


def test_a_value_of_some_branches_is_checked_there_and_of_no_other() -> None:
    stays, grows = modified_equations(stating(inline_scheme(LARGEST), STATED))
    assert str(stays["theta"][0]) == "-d*grad"
    assert str(grows["theta"][0]) == "-grad*dot(theta, grad)"
    wrong = stating(inline_scheme(LARGEST), {"q/s > d: d": "2*dot(grad, theta)"})
    with pytest.raises(ReductionError, match=r"d = 2\*dot\(theta, grad\) is no fixed point"):
        modified_equations(wrong)
    with pytest.raises(ReductionError, match="d is a slow variable"):
        modified_equations(stating(inline_scheme(LARGEST), {"d > q/s: d": "dot(grad, theta)", **STATED}))


def test_a_condition_that_no_branch_asks_is_refused() -> None:
    with pytest.raises(SchemeError, match=r"\[leading\] q > d: no branch asks this; they ask d > q/s, q/s > d"):
        modified_equations(stating(inline_scheme(LARGEST), {"q > d: d": "grad"}))
    with pytest.raises(SchemeError, match="'q, s' is no comparison, such as 'e > d'"):
        stating(inline_scheme(LARGEST), {"q, s: d": "grad"})
    with pytest.raises(SchemeError, match="'v > 0' is asked by no branch"):
        stating(load_scheme("momentum"), {"v > 0: v": "grad"})


def test_the_table_of_a_file_and_the_option_say_the_same() -> None:
    table = """[leading."q/s > d"]\nd = "dot(grad, theta)\""""
    scheme = scheme_from_toml(f'update = "{LARGEST}"\n{table}')
    assert scheme.leading_where == stating(inline_scheme(LARGEST), STATED).leading_where
    assert stated_leading(scheme) == {"q/s > d: d": "dot(grad, theta)"}
    found = CliRunner().invoke(main, ["modified-eq", "--update", LARGEST, "--leading", "d < q/s: d = dot(grad, theta)"])
    assert found.stdout.count("\nwhere ") == 2, found.output
