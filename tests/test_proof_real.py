"""Real points of refutations, and claims that do not fit a variable."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from types import SimpleNamespace

from derive import configure, inline_scheme, load_scheme
from verify.proof import prove
from verify.proof.claim import highest_derivative
from verify.proof.classes import _independent
from verify.proof.real import _parameters
from verify.proof.sample import Plan
from verify.proof.statement import statement


def test_parameters_lie_in_their_ranges_and_near_both_ends() -> None:
    claim = statement(configure(load_scheme("momentum")), {"theta": ["-grad/(1 - beta)"]})
    plan = Plan(claim, 2, max(claim.order + 1, highest_derivative(claim)), 8)
    found = [_parameters(plan, Random(seed))["beta"] for seed in range(200)]
    assert all(0 <= b < 1 for b in found)
    assert min(found) <= Fraction(1, 8)
    assert max(found) >= Fraction(7, 8)


def test_a_vector_claimed_for_a_scalar_decides_nothing() -> None:
    scheme = configure(load_scheme("adagrad-norm"))
    slow = next(s for s in scheme.scheme.states if scheme.scheme.kinds[s] == "scalar")
    name = scheme.symbol(slow)
    found = prove(scheme, {"theta": [f"-grad/sqrt({name})"], name: ["grad"]})
    assert found.verdict == "undecided"
    assert "a vector is claimed for a scalar" in found.reason


def test_a_multiple_of_a_vector_of_signs_has_one_sign_of_its_own() -> None:
    """Whatever comes first: v has d signs, w = v/10 by a scalar one more."""
    ring = SimpleNamespace(p=10007)
    v, w = (50, 70), (5, 7)
    assert _independent(ring, {w: False, v: True}, [], 2) == _independent(ring, {v: True, w: False}, [], 2) == 3


def test_a_point_where_the_memory_does_not_relax_is_passed_over() -> None:
    """The factors a and b are 1 at some of the points tried: nothing is said there, and the difference is shown elsewhere."""
    text = "g = grad(theta); s = b*s + (1 - b)*g*g; v = a*v + (1 - a)*(g/norm(g)/(s + eps)); theta = theta - gamma*(v + c*g)"
    scheme = configure(inline_scheme(text, ["a", "b", "c", "eps"]))
    field = "-grad/norm(grad)/(grad**2 + eps) - 1001/1000*c*grad"
    memory = {"s": ["grad**2"], "v": ["grad/norm(grad)/(grad**2 + eps)"]}
    found = [prove(scheme, {"theta": [field]}, memory, seed=seed).verdict for seed in (0, 16, 75, 86, 88, 131)]
    assert found == ["refuted"] * 6
