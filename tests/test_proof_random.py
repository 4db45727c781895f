"""Random update texts with letters for their numbers: what is derived is proved for all of them, and refuted once perturbed.

The slow battery, `pytest -m slow tests/test_proof_random.py`, has some hundreds.
"""

from __future__ import annotations

import re
from random import Random

import pytest
from proof_controls import check_proof

from derive import inline_scheme, modified_equation

POINTS = (
    "theta", "theta", "theta - gamma*grad(theta)/2", "theta - c*gamma*theta", "theta_next", "(theta + theta_next)/2",
    "theta + gamma*v",
)  # fmt: skip
DIRECTIONS = (
    "g", "g", "g/norm(g)", "g/sqrt(dot(g, g) + eps)", "g/(abs(g) + eps)", "g*abs(g)", "g/(1 + dot(g, g))", "sign(g)",
    "g + c*theta",
)  # fmt: skip
SECOND = ("s = b*s + (1 - b)*g*g", "s = b*s + (1 - b)*abs(g)", "s = b*s + (1 - b)*dot(g, g)")
SCALED = ("({})/sqrt(s + eps)", "({})/(sqrt(s) + eps)", "({})*s", "({})/(s + eps)")
AVERAGED = ("theta = theta - gamma*v", "theta = theta - gamma*(v + c*g)", "theta = (1 - gamma*c)*theta - gamma*v")
FIRST = (
    ("v = a*v - gamma*({})", ("theta = theta + v", "theta = theta + a*v - gamma*g")),
    ("v = a*v + (1 - a)*({})", AVERAGED),
)
PLAIN = ("theta = theta - gamma*({})", "theta = theta - gamma*c*({}) - gamma*theta/3")


def random_update(source: Random) -> str:
    """One step with a gradient somewhere, a direction made of it, perhaps a second and a first moment, perhaps decay."""
    point, direction = source.choice(POINTS), source.choice(DIRECTIONS)
    lines = [f"g = grad({point})"]
    if source.random() < 0.4:
        lines.append(source.choice(SECOND))
        direction = source.choice(SCALED).format(direction)
    if "v" in point or source.random() < 0.6:
        memory, last = source.choice(FIRST)
        return "; ".join([*lines, memory.format(direction), source.choice(last)])
    return "; ".join([*lines, source.choice(PLAIN).format(direction)])


def check(seed: str) -> None:
    source = Random(seed)
    update = random_update(source)
    letters = [x for x in ("a", "b", "c", "eps") if re.search(rf"\b{x}\b", update)]
    check_proof(modified_equation(inline_scheme(update, letters), 1), source)


@pytest.mark.parametrize("seed", range(8))
def test_what_is_derived_is_proved(seed: int) -> None:
    check(f"scheme {seed}")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(300))
def test_hundreds_of_texts_are_proved(seed: int) -> None:
    check(f"many {seed}")
