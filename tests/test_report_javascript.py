"""The functions generated for the report page, run in node, against exact values from the derivation."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest

from derive import load_scheme, modified_equation
from verify.numbers.kinds import MPMATH
from verify.orbits.run import Runner
from verify.problems.landscape import Loss
from verify.report.javascript import Model
from verify.report.material import LOSS, Request, gather

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed: the page's functions cannot be run alone")
POINTS = ((Fraction(1, 2), Fraction(-7, 5)), (Fraction(-9, 4), Fraction(1, 3)), (Fraction(3, 7), Fraction(5, 3)))
GAMMA = Fraction(3, 40)


def model_of(scheme: str, order: int, loss: str = LOSS, regime: str | None = None, **settings: str) -> tuple[Model, Any]:
    equation, longer = (modified_equation(scheme, n, regime=regime, settings=settings) for n in (order, order + 1))
    return Model(equation.configuration, equation.to_json(), longer.to_json(), Loss(loss)), equation


def run_node(model: str, expression: str) -> Any:
    code = f"const M={model};console.log(JSON.stringify({expression},(k,x)=>typeof x==='number'?x.toPrecision(17):x))"
    done = subprocess.run([str(NODE), "-"], input=code, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[:500]
    return json.loads(done.stdout)


def numbers(values: Sequence[Any]) -> str:
    return json.dumps([float(v) for v in values])


def close(found: Sequence[Any], exact: Sequence[Any]) -> bool:
    scale = max([abs(float(e)) for e in exact] + [1e-300])
    return len(found) == len(exact) and all(abs(float(f) - float(e)) <= 1e-9 * scale for f, e in zip(found, exact, strict=True))


def values_of(model: Model) -> dict[str, Fraction]:
    return {n: Fraction(3 + i, 7 + i) for i, n in enumerate(model.parameters)}


def states(model: Model) -> list[list[Fraction]]:
    """Slow states at the test points; the coordinates besides theta are positive."""
    return [[*p, *(Fraction(2 + i, 5) for i in range(model.slow_size - 2))] for p in POINTS]


@needs_node
@pytest.mark.parametrize(("scheme", "order", "regime", "loss"), [
    ("gd", 4, None, LOSS), ("momentum", 3, None, LOSS), ("momentum", 2, "inertial", LOSS), ("nesterov-convex", 1, None, LOSS),
    ("adam", 2, None, LOSS), ("rmsprop-scalar", 1, None, "x**4/4 + x*y**2/3 + y**2"), ("implicit-midpoint", 2, None, LOSS),
    ("sam-normalised", 1, None, "exp(x/3)*cosh(y) + log(4 + x*y)/3 + atan(x - y) + sqrt(9 + x + y)"),
])  # fmt: skip
def test_the_field_in_the_page_is_the_derived_field(scheme: str, order: int, regime: str | None, loss: str) -> None:
    """Against ModifiedEquation.evaluate, which shares no code with the tape."""
    model, equation = model_of(scheme, order, loss, regime)
    fixed = equation.subs(**{n: str(v) for n, v in values_of(model).items()})
    p = numbers(values_of(model).values())
    for state in states(model):
        at = {n: str(x) for n, x in zip(model.coordinates, state, strict=False)}
        exact = fixed.evaluate(loss, at).values
        found = run_node(model.text(), f"M.field({numbers(state)},{p})")
        for k in range(order + 1):
            wanted = [float(Fraction(x)) for name in equation.equations for x in exact[name][k]]
            assert close(found[k][: len(wanted)], wanted), (scheme, k, found[k], wanted)


@needs_node
def test_a_wrong_coefficient_would_be_seen() -> None:
    model, equation = model_of("momentum", 1)
    wrong = json.loads(json.dumps(equation.to_json()).replace("-(1 + beta)/(2*(1 - beta)**3)", "-(1 + beta)/(3*(1 - beta)**3)"))
    bad = Model(equation.configuration, wrong, modified_equation("momentum", 2).to_json(), Loss(LOSS))
    good, other = (run_node(m.text(), "M.field([0.5,-1.4],[0.4])") for m in (model, bad))
    assert close(good[0], other[0])
    assert not close(good[1], other[1])


@needs_node
@pytest.mark.parametrize(("scheme", "regime"), [
    ("momentum", None), ("momentum", "leapfrog"), ("adam", None), ("leapfrog-two-step", None), ("nesterov", None), ("lion", None),
    ("implicit-euler", None), ("nesterov-convex", None),
])  # fmt: skip
def test_the_step_in_the_page_is_the_update_text(scheme: str, regime: str | None) -> None:
    """Against the interpreter of update texts on mpmath numbers, with the gradient by sympy."""
    import mpmath
    import sympy

    x, y = sympy.symbols("x y")
    loss = x**2 / 8 + y**2 / 2 + sympy.sin(x) * y / 2
    slope = sympy.lambdify((x, y), [loss.diff(x), loss.diff(y)], "mpmath")
    model, equation = model_of(scheme, 1, LOSS, regime)
    values = {n: mpmath.mpf(v.numerator) / v.denominator for n, v in values_of(model).items()}
    runner = Runner(equation.configuration, lambda z: slope(*z), values, MPMATH, passes=60)
    for state in states(model):
        flat = [float(v) for v in state] + [0.1 * (i + 1) for i in range(model.size - model.slow_size)]
        variables = model.layout.split([mpmath.mpf(v) for v in flat], model.recorder.vectors)
        t = variables.pop("t", None)
        new = runner.step(variables, mpmath.mpf(float(GAMMA)), t)
        wanted = [c for n in model.layout.slots for c in ([t + float(GAMMA)] if n == "t" else new[n])]
        p = numbers(values_of(model).values())
        once = f"z=M.step({json.dumps(flat)},{float(GAMMA)},{p},z.slice(0,2))"
        found = run_node(model.text(), f"(()=>{{let z={json.dumps(flat)};for(let i=0;i<60;i++){once};return z}})()")
        assert close(found, wanted), (scheme, found, wanted)


@needs_node
def test_the_slow_manifold_is_kept_by_the_step() -> None:
    """One step from (s, memory(s)) leads to (s', memory(s')) up to gamma^(M+1); halving gamma shows the power, 4 here."""
    model, _ = model_of("momentum", 2)
    code = (
        "(()=>{const d=g=>{const s=[0.5,-1.4],z=M.step([...s,...M.memory(s,g,[0.5])],g,[0.5]),m=M.memory(z.slice(0,2),g,[0.5]);"
    )
    code += "return Math.hypot(z[2]-m[0],z[3]-m[1])};return [d(0.004)/d(0.002)]})()"
    ratio = float(run_node(model.text(), code)[0])
    assert 14 < ratio < 18


@needs_node
def test_the_lowest_power_of_the_memory_and_the_relaxation_factors() -> None:
    """Adam: m = g, v = g^2, factors beta1 and beta2; heavy ball: v = -gamma g/(1 - beta)."""
    model, _ = model_of("adam", 2)
    x, y = 0.5, -1.4
    g = run_node(model.text(), f"[M.field([{x},{y}],[0.9,0.999,0])[0]]")[0]
    slope = [x / 4 + math.cos(x) * y / 2, y + math.sin(x) / 2]
    assert close(g, [-math.copysign(1, c) for c in slope]), "the gradient meant here"
    assert close(run_node(model.text(), f"M.first([{x},{y}],0.1,[0.9,0.999,0.1])"), [*slope, *(c * c for c in slope)])
    assert close(run_node(model.text(), f"M.factors([{x},{y}],[0.9,0.999,0.1])"), [0.9, 0.999])
    momentum, _ = model_of("momentum", 1)
    assert close(run_node(momentum.text(), f"M.first([{x},{y}],0.1,[0.75])"), [-0.1 * c / 0.25 for c in slope])
    assert run_node(model_of("gd", 1)[0].text(), f"[M.first([{x},{y}],0.1,[]),M.factors([{x},{y}],[])]") == [[], []]


@needs_node
def test_the_modified_loss_in_the_page() -> None:
    """V = L/(1-beta) + gamma (1+beta)/(4(1-beta)^3) |grad L|^2 (Ghosh, Lyu, Zhang & Wang 2023), by hand."""
    material = gather(Request(load_scheme("momentum"), 2, loss="x**2 + x*y**2", certificate=False))
    found = run_node(material.model.text(), "M.potential([0.5,-1.5],[0.25])")
    x, y, beta = 0.5, -1.5, 0.25
    squared = (2 * x + y * y) ** 2 + (2 * x * y) ** 2
    assert close(found, [(x * x + x * y * y) / (1 - beta), (1 + beta) / (4 * (1 - beta) ** 3) * squared])


def test_the_generated_code_has_no_text_of_the_user() -> None:
    model, _ = model_of("momentum", 2, "alert**2*constructor + exp(constructor)")
    code = re.sub(
        r"Math\.\w+|\b(?:const|return|field|step|memory|rest|first|factors|loss|potential|null|size|slow|implicit|true|false)\b",
        "",
        model.text(),
    )
    assert set(re.findall(r"[A-Za-z_]\w*", re.sub(r"\d+(?:\.\d+)?e-?\d+", "", code))) <= {"s", "z", "g", "p", "a"} | set(
        re.findall(r"\bv\d+", code)
    )
