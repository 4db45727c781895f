"""Bias correction at a finite step: closed forms beside the text carried out, on rationals, and beside libraries."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import mpmath
import pytest
from click.testing import CliRunner, Result

from derive import DeriveError, ModifiedEquation, modified_equation
from derive.algebra.coefficients import Ring
from derive.algebra.totals import total
from derive.commands.main import main
from derive.readings.finite_step import FiniteStep, finite_step
from derive.scheme import Scheme, scheme_from_toml

ADAM = "adam-bias-corrected"
OF_ADAM = "hess(grad/(abs(grad) + eps))/(abs(grad) + eps)"
OF_EPS = "hess(grad/(abs(grad) + eps))/(abs(grad) + eps)**2"
CLOSED = (ADAM, "adamw-bias-corrected", "qhadam-bias-corrected", "gd", "heun", "game-alternating")
UNCORRECTED = ("momentum", "nadam-bias-corrected", "radam", "radam-torch", "adam")


def corrected(update: str) -> Scheme:
    tables = '[parameters]\nbeta = "0 <= beta < 1"\n[initial]\np = "1"\n'
    return scheme_from_toml(f'name = "text"\nupdate = "{update}"\n{tables}', "text")


AVERAGE = corrected("m = beta*m + (1 - beta)*grad(theta); p = beta*p; theta = theta - gamma*m/(1 - p)")
VELOCITY = corrected("v = beta*v - gamma*(1 - beta)*grad(theta); p = beta*p; theta = theta + v/(1 - p)")


# ---------------------------------------------------------------------------------------------- the closed form


def delay(beta: Fraction, n: int) -> Fraction:
    """c(n) = (1 - beta)/(1 - beta^(n+1)) sum_(i<=n) i beta^i: the mean age of the gradients in a corrected average."""
    return (1 - beta) / (1 - beta ** (n + 1)) * sum((i * beta**i for i in range(n + 1)), Fraction(0))


@pytest.mark.parametrize("n", range(7))
def test_the_first_correction_of_adam_by_hand(n: int) -> None:
    """m/(1 - p1) = g + gamma c1 H u, v/(1 - p2) = g^2 + 2 gamma c2 g H u with u = g/(|g| + eps), since theta_(n-i) is
    theta_n + i gamma u; with r = |g| + eps and |g| = r - eps the step -m/(sqrt(v) + eps) at gamma^1 is

        -c1 H u/r + c2 g sign(g) H u/r^2  =  (c2 - c1) H u/r - c2 eps H u/r^2.
    """
    b1, b2 = Fraction(1, 2), Fraction(2, 3)
    first = finite_step(ADAM, settings={"beta1": str(b1), "beta2": str(b2)}).at_step(n)["theta"][1]
    c1, c2 = delay(b1, n), delay(b2, n)
    assert first.coefficient(OF_ADAM) == c2 - c1
    assert (first.coefficient(OF_EPS) * first.algebra.ring.symbol("eps").inverse()) == -c2
    assert len(first) == (2 if n else 0)


def test_a_corrected_average_by_hand() -> None:
    """M_1 = -c(n) H g with c(n) = beta/(1-beta) - (n+1) beta^(n+1)/(1 - beta^(n+1))."""
    for scheme in (AVERAGE, VELOCITY):
        found = finite_step(scheme)
        (c,) = found["theta"][1].sum.values()
        beta, z, n = c.ring.symbol("beta"), c.ring.symbol("z"), c.ring.n
        one = c.ring.one
        assert c == -(beta / (one - beta) - (n + one) * beta * z / (one - beta * z))
        assert str(found["theta"][0]) == "-grad"
        assert list(found.factors) == ["z"]


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize("n", [0, 1, 4])
def test_the_closed_form_is_what_carrying_out_the_text_gives(name: str, n: int) -> None:
    closed, counted = finite_step(name).at_step(n), finite_step(name, step=n)
    for x, values in counted.maps.items():
        assert values == closed[x]


@pytest.mark.parametrize("name", CLOSED)
def test_the_limit_is_the_stationary_map(name: str) -> None:
    """No term of the excess is without a decaying factor: at rho^n = 0 it vanishes."""
    found = finite_step(name)
    for values in found.excess.values():
        for c in (c for value in values for c, _ in value):
            assert not c.substitute(dict.fromkeys(found.factors, c.ring.zero), c.ring)


def test_a_step_that_divides_by_zero_is_refused_where_it_is_carried_out() -> None:
    """M-SVAG divides zero by zero at the first step: the closed form continues it, a number of steps does not."""
    assert str(finite_step("msvag").at_step(0)["theta"][1]) == "0"
    with pytest.raises(DeriveError, match="denominator"):
        finite_step("msvag", step=0)


def test_a_step_number_tells_steps_apart() -> None:
    """Negative control: neither the step before nor the limit is taken for step 3."""
    third = finite_step(ADAM, step=3)["theta"][1]
    assert third != finite_step(ADAM).at_step(2)["theta"][1]
    assert third != modified_equation(ADAM, 1, form="map")["theta"][1]


@pytest.mark.parametrize("name", UNCORRECTED)
def test_a_leading_step_that_depends_on_n_is_refused(name: str) -> None:
    with pytest.raises(DeriveError, match="depends on its number n already at gamma\\^0"):
        finite_step(name)


def test_the_leading_step_is_known_where_it_depends_on_n() -> None:
    """Momentum from rest: v_(n+1) = -gamma sum_(i<=n) beta^i g."""
    found = finite_step("momentum", 0)
    for n in range(4):
        assert found.at_step(n)["theta"] == finite_step("momentum", 0, step=n)["theta"]
    assert str(found.at_step(1)["theta"][0]) == "-(1 + beta)*grad"


def test_beyond_the_first_correction_the_number_of_steps_is_needed() -> None:
    with pytest.raises(DeriveError, match="M_2 needs the sum over n of M_1") as error:
        finite_step(ADAM, 2)
    assert "\n" not in str(error.value)
    assert len(finite_step(ADAM, 2, step=1)["theta"]) == 3


@pytest.mark.parametrize(
    ("name", "keywords", "words"),
    [
        ("radam", {"order": 0}, "under a root"),
        (ADAM, {"step": -1}, "whole number from 0"),
        (ADAM, {"step": 1000}, "whole number from 0"),
        ("radam", {"step": 2}, "root of"),
        ("implicit-euler", {"step": 2}, "implicit"),
        ("adagrad", {}, "S moves as slowly as theta"),
        ("gd-schedule", {}, "depends on the time"),
    ],
)
def test_refusals_are_one_line(name: str, keywords: dict[str, Any], words: str) -> None:
    with pytest.raises(DeriveError, match=words) as error:
        finite_step(name, **keywords)
    assert "\n" not in str(error.value)


# ---------------------------------------------------------------------------------------------- a route on rationals

Series = list[Fraction]  # in gamma


def times(a: Series, b: Series) -> Series:
    return [sum((a[i] * b[k - i] for i in range(k + 1)), Fraction(0)) for k in range(len(a))]


def over(a: Series, b: Series) -> Series:
    c: Series = []
    for k in range(len(a)):
        c.append((a[k] - sum((c[j] * b[k - j] for j in range(k)), Fraction(0))) / b[0])
    return c


def root(a: Series, first: Fraction) -> Series:
    """s^2 = a with s_0 = first."""
    assert first**2 == a[0]
    s = [first]
    for k in range(1, len(a)):
        s.append((a[k] - sum((s[j] * s[k - j] for j in range(1, k)), Fraction(0))) / (2 * first))
    return s


def adam_on_a_cubic(x: Fraction, b1: Fraction, b2: Fraction, eps: Fraction, steps: int, size: int) -> list[Series]:
    """theta_0, theta_1, ... as series in gamma: Algorithm 1 of Kingma & Ba on L = theta^3/3 + theta, g = theta^2 + 1."""
    zero = [Fraction(0)] * size
    one = [Fraction(1), *zero[1:]]
    theta, m, v = [x, *zero[1:]], zero, zero
    path = [theta]
    for n in range(1, steps + 1):
        g = [a + b for a, b in zip(times(theta, theta), one, strict=True)]
        m = [b1 * a + (1 - b1) * b for a, b in zip(m, g, strict=True)]
        v = [b2 * a + (1 - b2) * b for a, b in zip(v, times(g, g), strict=True)]
        s = root([c / (1 - b2**n) for c in v], g[0])
        step = over([c / (1 - b1**n) for c in m], [s[0] + eps, *s[1:]])
        theta = [a - b for a, b in zip(theta, [Fraction(0), *step[:-1]], strict=True)]
        path.append(theta)
    return path


def adam_from(x: Fraction, found: FiniteStep | ModifiedEquation) -> list[Fraction]:
    values = found.evaluate("x**3/3 + x", {"x": x})
    return [Fraction(block[0]) for block in (values if isinstance(values, list) else values.values["theta"])]


def first_correction(n: int) -> tuple[Fraction, Fraction]:
    """D_2 = M_1 + M_0' n M_0 at theta_0: of the prediction, and of the rational run."""
    x, b1, b2, eps = Fraction(1, 2), Fraction(1, 3), Fraction(3, 4), Fraction(1, 5)
    settings = {"beta1": str(b1), "beta2": str(b2), "eps": str(eps)}
    m0, m1 = adam_from(x, finite_step(ADAM, settings=settings).at_step(n))
    g, h = x * x + 1, 2 * x
    derivative = -h * eps / (g + eps) ** 2  # of -g/(g + eps)
    path = adam_on_a_cubic(x, b1, b2, eps, n + 1, 3)
    assert path[n + 1][1] - path[n][1] == m0
    return m1 + n * derivative * m0, path[n + 1][2] - path[n][2]


@pytest.mark.parametrize("n", [0, 1, 2, 5, 9])
def test_adam_on_rationals(n: int) -> None:
    said, run = first_correction(n)
    assert said == run
    assert n == 0 or said * Fraction(1001, 1000) != run


def test_a_higher_correction_on_rationals() -> None:
    """theta_3 - theta_2 at gamma^3, from M_0, M_1, M_2 of `step=2` composed along theta_2 as a series."""
    x, b1, b2, eps = Fraction(1, 2), Fraction(1, 3), Fraction(3, 4), Fraction(1, 5)
    found = finite_step(ADAM, 2, step=2, settings={"beta1": str(b1), "beta2": str(b2), "eps": str(eps)})
    path = adam_on_a_cubic(x, b1, b2, eps, 3, 4)
    errors = []
    for gamma in (Fraction(1, 10**4), Fraction(1, 10**5)):
        at = sum(c * gamma**k for k, c in enumerate(path[2]))
        said = sum(c * gamma ** (k + 1) for k, c in enumerate(adam_from(at, found)))
        run = sum((path[3][k] - path[2][k]) * gamma**k for k in range(4))
        errors.append(float(abs(said - run)))
    assert errors[0] / errors[1] > 9000, "gamma^4"


# ---------------------------------------------------------------------------------------------- the layer


def lambert(beta: Fraction) -> Any:
    """sum_(n>=1) n beta^n/(1 - beta^n) = sum_k sigma(k) beta^k."""
    divisors = lambda k: sum(d for d in range(1, k + 1) if k % d == 0)
    with mpmath.workdps(40):
        return mpmath.fsum(divisors(k) * mpmath.mpf(beta.numerator) ** k / beta.denominator**k for k in range(1, 400))


def test_the_layer_of_adam_is_made_of_sums_of_divisors() -> None:
    b1, b2 = Fraction(1, 2), Fraction(1, 4)
    layer = finite_step(ADAM, settings={"beta1": "1/2", "beta2": "1/4", "eps": "1"}).layer(25)["theta"]
    first, second = layer.values()  # of H u/r and H u/r^2
    with mpmath.workdps(40):
        assert abs(mpmath.mpf(first) - (lambert(b1) - lambert(b2))) < mpmath.mpf(10) ** -23
        assert abs(mpmath.mpf(second) - lambert(b2)) < mpmath.mpf(10) ** -23


def test_the_layer_is_the_shift_of_the_start() -> None:
    """theta_N at gamma^2 less that of N stationary steps, N M_1(infinity) + N(N-1)/2 M_0' M_0, tends to the layer."""
    x, b1, b2, eps, count = Fraction(1, 2), Fraction(1, 3), Fraction(1, 2), Fraction(1, 5), 60
    settings = {"beta1": str(b1), "beta2": str(b2), "eps": str(eps)}
    found = finite_step(ADAM, settings=settings)
    _, limit = adam_from(x, modified_equation(ADAM, 1, form="map", settings=settings))
    g, h = x * x + 1, 2 * x
    m0, derivative = -g / (g + eps), -h * eps / (g + eps) ** 2
    shift = adam_on_a_cubic(x, b1, b2, eps, count, 3)[count][2] - count * limit - count * (count - 1) * derivative * m0 / 2
    of_r, of_r2 = (Fraction(value) for value in found.layer(20)["theta"].values())
    hessian = h * g / (g + eps)
    assert abs(float(of_r * hessian / (g + eps) + of_r2 * hessian / (g + eps) ** 2 - shift)) < 1e-15
    assert abs(float(of_r * hessian / (g + eps) - shift)) > 1e-3


def test_the_layer_needs_numbers() -> None:
    with pytest.raises(DeriveError, match="give every parameter a value"):
        finite_step(ADAM).layer()


@pytest.mark.parametrize("digits", [5, 30, 60])
def test_totals_enclose_known_sums(digits: int) -> None:
    """sum_n n^2 (-1/3)^n = x (1 + x)/(1 - x)^3 at x = -1/3, and what does not tend to 0 has no sum."""
    ring = Ring(["z", "b"])
    z, n, x = ring.symbol("z"), ring.n, Fraction(-1, 3)
    found = total(n * n * z, {"z": x}, digits)
    exact = x * (1 + x) / (1 - x) ** 3
    assert found.contains(exact.numerator * (found - found + 1) / exact.denominator)
    assert found.rad() < 10.0**-digits
    for bad in (ring.one + z, n, ring.symbol("b") * z):
        with pytest.raises(ValueError, match=r"does not tend to 0|has no value"):
            total(bad, {"z": x}, digits)


# ---------------------------------------------------------------------------------------------- libraries

B1, B2, EPS = 0.5, 0.75, 0.1  # as the libraries' floats
CURVATURES, START = (1.0, 3.0), (1.0, -0.5)


def torch_path(gamma: float, steps: int) -> list[list[float]]:
    torch = pytest.importorskip("torch", reason="torch is not installed (extra 'torch')")
    x = torch.nn.Parameter(torch.tensor(START, dtype=torch.float64))
    optimizer = torch.optim.Adam([x], lr=gamma, betas=(B1, B2), eps=EPS)
    found = [x.tolist()]
    for _ in range(steps):
        x.grad = torch.tensor(CURVATURES, dtype=torch.float64) * x.detach()
        optimizer.step()
        found.append(x.tolist())
    return found


def optax_path(gamma: float, steps: int) -> list[list[float]]:
    optax = pytest.importorskip("optax", reason="optax is not installed")
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    optimizer, h = optax.adam(gamma, b1=B1, b2=B2, eps=EPS), jax.numpy.asarray(CURVATURES, dtype="float64")
    x = jax.numpy.asarray(START, dtype="float64")
    state, found = optimizer.init(x), [x.tolist()]
    for _ in range(steps):
        change, state = optimizer.update(h * x, state)
        x = x + change
        found.append(x.tolist())
    return found


def worst(path: Callable[[float, int], list[list[float]]], gamma: float, steps: Sequence[int], wrong: float = 1.0) -> float:
    """The largest error of gamma M_0 + gamma^2 M_1 for a step, M_1 times `wrong`."""
    adam = finite_step(ADAM, settings={"beta1": "1/2", "beta2": "3/4", "eps": "1/10"})
    xs, errors = path(gamma, max(steps) + 1), []
    for n in steps:
        at = {name: str(Fraction(x)) for name, x in zip("xy", xs[n], strict=True)}
        m0, m1 = ([float(Fraction(v)) for v in block] for block in adam.at_step(n).evaluate("x**2/2 + 3*y**2/2", at, 20))
        said = [x + gamma * a + gamma**2 * wrong * b for x, a, b in zip(xs[n], m0, m1, strict=True)]
        errors.append(max(abs(a - b) for a, b in zip(said, xs[n + 1], strict=True)))
    return max(errors)


# ---------------------------------------------------------------------------------------------- the command


def printed(*words: str) -> Result:
    return CliRunner().invoke(main, ["finite-step", *words])


def test_the_command_prints_the_step_and_what_decays() -> None:
    """c(2) of the heavy ball by hand: v_3 = -gamma (g_2 + beta g_1 + beta^2 g_0), g_1 = g + gamma (1 + beta) H g, ..."""
    lines = printed("momentum", "--step", "2").stdout.splitlines()
    assert lines[2:4] == ["θ_3 - θ_2 = - γ (1+β+β^2) ∇L", "          - γ^2 β (1+3 β+β^2) ∇²L[∇L]"]
    assert lines[5] == "δ_2 = γ β^3/(1-β) ∇L"
    assert "beyond" not in printed("gd").stdout


def test_the_command_gives_values_and_the_layer() -> None:
    values = json.loads(printed("gd", "--step", "1", "--loss", "x**4/4", "--at", "x=1/2", "--format", "json").stdout)["values"]
    assert values == {"theta": [["-1/8"], ["0"]]}
    settings = [w for s in ("beta1=1/2", "beta2=1/2", "eps=1") for w in ("--set", s)]
    layer = json.loads(printed(ADAM, *settings, "--layer", "--format", "json").stdout)["layer"]["theta"]
    assert [v[:8] for v in layer.values()] == ["2.744033"]  # sum_k sigma(k)/2^k


@pytest.mark.parametrize(("words", "reason"), [
    (["momentum"], "--step 5"), ([ADAM, "--step", "99"], "from 0 to 64"), ([ADAM, "--layer"], "--format json"),
    ([ADAM, "--layer", "--format", "json"], "every parameter"), ([ADAM, "--loss", "x**2", "--at", "x=1"], "number of steps"),
])  # fmt: skip
def test_what_the_command_refuses(words: list[str], reason: str) -> None:
    done = printed(*words)
    assert isinstance(done.exception, (DeriveError, SystemExit))
    assert not done.stdout
    assert reason in str(done.stderr or done.exception)


@pytest.mark.parametrize("path", [torch_path, optax_path])
def test_steps_of_libraries(path: Callable[[float, int], list[list[float]]]) -> None:
    """The first steps of Adam as they run: a step errs by gamma^3, by gamma^2 where M_1 is a tenth too large."""
    steps = (0, 1, 2, 4)
    coarse, fine = 2.0**-8, 2.0**-10
    right = [worst(path, gamma, steps) for gamma in (coarse, fine)]
    assert right[0] / right[1] == pytest.approx(64, rel=0.1)
    wrong = [worst(path, gamma, steps, 1.1) for gamma in (coarse, fine)]
    assert wrong[0] / wrong[1] == pytest.approx(16, rel=0.1)
