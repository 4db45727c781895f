"""Games with memory started from rest: the shifted start of every player, against exact iterates in rational arithmetic.

With the memory zero at first, x_n minus its transient is at every power of gamma a polynomial in n, and its value at n = 0 is
the start of the flow: z_n is run on power series in gamma (`game_maps`), the transient is printed, and differences do the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner
from game_maps import Polynomial, Series, derivative, on_series, random_loss, text

from derive.commands.main import main
from derive.equation import TermSum
from derive.errors import ReductionError
from derive.readings.explain import explain
from derive.readings.initial_layer import InitialLayer, initial_layer
from derive.scheme import scheme_from_toml
from verify.claims.kinds.initial_layer import LayerClaim, judge_layer

NAMES, VARIABLES = ["x1", "x2", "y1"], "x = x1, x2; y = y1"
POINT = [Fraction(2, 3), Fraction(-3, 5), Fraction(1, 2)]
ORDER = 3


def iterates(beta: Fraction, f: Polynomial, g: Polynomial, count: int) -> list[list[Series]]:
    """Alternating heavy ball of x on f and y on g from rest, as series in gamma."""
    z = [[c] + [Fraction(0)] * ORDER for c in POINT]
    memory = [[Fraction(0)] * (ORDER + 1) for _ in POINT]
    found = [[list(s) for s in z]]
    for _ in range(count):
        for loss, places in ((f, (0, 1)), (g, (2,))):
            slopes = {i: [Fraction(0), *on_series(derivative(loss, i), z)[:-1]] for i in places}
            for i in places:
                memory[i] = [beta * m - s for m, s in zip(memory[i], slopes[i], strict=True)]
                z[i] = [a + m for a, m in zip(z[i], memory[i], strict=True)]
        found.append([list(s) for s in z])
    return found


def transient(layer: InitialLayer, n: int, losses: str) -> list[list[Fraction]]:
    """By component, the coefficients of the decaying part after n steps."""

    def at(total: TermSum) -> TermSum:
        ring = total.algebra.ring
        values = {ring.names[0]: ring.constant(n), **{z: ring.constant(rho.number()) ** n for z, rho in layer.factors.items()}}
        return TermSum(total.algebra, {t: c.substitute(values, c.ring) for t, c in total.sum.items()})

    now = replace(layer, shifts={x: tuple(map(at, sums)) for x, sums in layer.transients.items()})
    return numbers(now, losses)


def numbers(layer: InitialLayer, losses: str) -> list[list[Fraction]]:
    found = layer.values(losses, dict(zip(NAMES, POINT, strict=True)), variables=VARIABLES)
    return [[Fraction(powers[k][i]) for k in range(ORDER + 1)] for powers in found.values() for i in range(len(powers[0]))]


def differences(values: Sequence[Fraction], k: int) -> list[Fraction]:
    for _ in range(k):
        values = [b - a for a, b in pairwise(values)]
    return list(values)


@pytest.mark.parametrize("factor", ["1", "1001/1000"])
@pytest.mark.parametrize("beta", ["-1/2", "1/3"])
def test_from_rest_the_iterates_are_the_flow_and_the_transient(beta: str, factor: str) -> None:
    """Through gamma^3; a transient a thousandth larger leaves no polynomial, and its shift is not where it starts."""
    random = Random(5)
    f, g = random_loss(random, 3), random_loss(random, 3)
    losses = f"f = {text(f, NAMES)}; g = {text(g, NAMES)}"
    layer = initial_layer("game-negative-momentum", ORDER, settings={"beta": beta})
    shift, scale = numbers(layer, losses), Fraction(factor)
    orbit = iterates(Fraction(beta), f, g, ORDER + 3)
    moving = [transient(layer, n, losses) for n in range(len(orbit))]
    smooth = [
        [[z[i][k] - scale * t[i][k] for z, t in zip(orbit, moving, strict=True)] for k in range(ORDER + 1)] for i in range(3)
    ]
    right = scale == 1
    for i, powers in enumerate(smooth):
        assert (powers[0][0], shift[i][0]) == (POINT[i], 0)
        for k in range(1, ORDER + 1):
            assert all(d == 0 for d in differences(powers[k], k + 1)) is right
            assert (powers[k][0] == shift[i][k]) is right


def test_one_unknown_with_declared_losses_is_the_plain_one() -> None:
    declared = 'update = """\nv = beta*v - gamma*grad(f, theta)\ntheta = theta + v\n"""\n[functions]\nf = "loss(theta)"\n'
    scheme = scheme_from_toml(declared + '[parameters]\nbeta = "momentum, 0 <= beta < 1"\n', "declared")
    found, plain = initial_layer(scheme, 2), initial_layer("momentum", 2)
    as_plain = lambda s: str(s).replace("grad(f, theta)", "grad").replace("hess(f, theta, ", "hess(")
    assert [as_plain(s) for s in found.shift] == [str(s) for s in plain.shift]
    assert found.to_json().keys() == plain.to_json().keys() == {"shift", "transient", "factors"}


@pytest.mark.parametrize("name", ["game-optimistic", "game-extragradient-past"])
def test_a_memory_of_the_last_gradient_has_no_powers(name: str) -> None:
    with pytest.raises(ReductionError, match="p relaxes with factor 0: its transient is over after a step"):
        initial_layer(name, 1)
    assert "p relaxes with factor 0" in str(explain(name).layer)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["initial-layer", "game-negative-momentum", *arguments])


def test_the_command_prints_every_player() -> None:
    shown = run().stdout
    assert "x(0) = x_0 + γ β/(1-β)^2 ∇_x f\ny(0) = y_0 + γ β/(1-β)^2 ∇_y g\n" in shown
    assert '"players": {' in run("--format", "json").stdout
    game = ("--loss", "f = x1*x2*y; g = -x1*y", "--variables", "x = x1, x2; y = y", "--at", "x1=1,x2=2,y=3")
    assert run("--set", "beta=-1/2", *game).stdout == "x gamma^0  0, 0\nx gamma^1  -4/3, -2/3\ny gamma^0  0\ny gamma^1  2/9\n"
    assert "y_0 + γ β/(1-β)^2 ∇_y g" in CliRunner().invoke(main, ["explain", "game-negative-momentum"]).stdout


def test_a_claim_is_about_one_loss() -> None:
    claim = LayerClaim(scheme="game-negative-momentum", shift="0")
    with pytest.raises(ReductionError, match="a claim about the shifted start reads one loss"):
        judge_layer(claim)
