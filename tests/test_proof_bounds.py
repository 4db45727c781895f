"""Bounds of degrees and index variables, against what they bound; classes of signs; the model of signs."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from derive import configure, load_scheme, modified_equation
from verify.proof import prove
from verify.proof.bounds import sample_error, size_of
from verify.proof.claim import ClaimValues, highest_derivative
from verify.proof.classes import per_sample, samples_needed
from verify.proof.deciding import alike, powers
from verify.proof.field import PrimeField, draw_prime
from verify.proof.loss import Jets
from verify.proof.orbit import Orbit, difference
from verify.proof.reflections import reflected
from verify.proof.sample import Plan, Sampler
from verify.proof.statement import Statement, statement


def wrong(name: str, regime: str, order: int, factor: str = "2") -> Statement:
    """The derived field with its last coefficients multiplied."""
    equation = modified_equation(name, order=order, regime=regime or None).to_json()
    for item in equation["equations"]["theta"][order]["terms"]:
        item["coefficient"] = f"{factor}*({item['coefficient']})"
    return statement(configure(load_scheme(name), regime or None), equation["equations"], equation["memory"])


def plan_of(claim: Statement, d: int) -> Plan:
    return Plan(claim, d, max(claim.order + 1, highest_derivative(claim)), 8)


def on_a_line(claim: Statement, d: int, length: int) -> list[int]:
    """The last component of claim minus truth for theta along points a + t b of losses; parameters stay."""
    plan = plan_of(claim, d)
    sampler = Sampler(plan, Random(7))
    ring = PrimeField(draw_prime(Random(8), 8))
    a, b = sampler.fresh(ring), sampler.fresh(ring)
    values = []
    for t in range(length):
        along = lambda x, y, t=t: (x + t * y) % ring.p
        theta = list(map(along, a.problem.theta, b.problem.theta))
        jets = [list(map(along, x, y)) for x, y in zip(a.problem.jets, b.problem.jets)]
        point = replace(a, problem=Jets(claim.label, plan.degree, theta, jets, ring))
        claims = ClaimValues(claim, point, ring)
        orbit = Orbit(claim, point, ring, {m: claims.memory(m, 0) for m in claim.fast})
        orbit.find()
        k = claim.order
        values.append((claims.field("theta", k)[-1] - orbit.fields["theta"][k][-1]) % ring.p)
    return values


@pytest.mark.parametrize(
    "name, regime, order", [("gd", "", 3), ("heun", "", 2), ("momentum", "memory", 2), ("implicit-midpoint", "", 2)]
)
def test_degrees_bound_degrees(name: str, regime: str, order: int) -> None:
    """Along a line a polynomial of degree n has vanishing differences from order n + 1 on, and not before."""
    claim = wrong(name, regime, order)
    sample = Sampler(plan_of(claim, 2), Random(1)).draw()
    sample.orbit.find()
    size = size_of(claim, 8, 0, powers(sample), alike(sample), 12)
    values, ring = on_a_line(claim, 2, order + 6), PrimeField(draw_prime(Random(8), 8))
    degree = max(k for k in range(order + 5) if difference(ring, values, k))
    assert degree == order + 1
    assert degree <= size.degree
    assert size.indices >= order


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize("name", ["gd", "momentum", "adam-inside"])
def test_one_dimension_more_than_the_order_without_scalar_products(name: str, order: int) -> None:
    equation = modified_equation(name, order=order).to_json()
    scheme = load_scheme(name)
    found = prove(configure(scheme), equation["equations"], equation["memory"])
    assert found.dimension == max(order + 1, 2)


def test_scalar_products_need_more_dimensions() -> None:
    """grad*dot(hess(grad), hess(grad)): two arguments and a product, so 1 + 3 + 1 for the norm under the root."""
    equation = modified_equation("normalised-gd", order=2).to_json()
    assert prove(configure(load_scheme("normalised-gd")), equation["equations"]).dimension >= 5


def test_unlucky_primes_have_their_share() -> None:
    claim = wrong("gd", "", 2, f"1{'0' * 60}")
    sample = Sampler(plan_of(claim, 2), Random(1)).draw()
    sample.orbit.find()
    size = size_of(claim, 8, 0, powers(sample), alike(sample), 12)
    assert size.height > 60 * 3.3
    assert sample_error(size, 0, 8) > sample_error(replace(size, height=1.0), 0, 8)
    assert sample_error(size, 5, 8) > sample_error(size, 0, 8)


@pytest.mark.parametrize("signs", range(6))
def test_enough_samples_for_the_classes(signs: int) -> None:
    count = samples_needed(signs, -40.0)
    assert count * per_sample(signs, -40.0) <= -101
    assert count >= 3
    assert signs == 0 or count >= 50 * 2**signs


@pytest.mark.parametrize("name, acts", [("adam", True), ("sign-descent", True), ("lion", True), ("adagrad-norm", True)])
def test_reflections(name: str, acts: bool) -> None:
    equation = modified_equation(name, order=1).to_json()
    claim = statement(configure(load_scheme(name)), equation["equations"], equation["memory"])
    assert (reflected(claim) is not None) == acts


@pytest.mark.parametrize("claimed", ["-abs(grad)/eps", "-grad - 1", "-grad - abs(grad)", "-grad**2"])
def test_a_claim_that_is_neither_even_nor_odd_is_not_reflected(claimed: str) -> None:
    claim = statement(configure(load_scheme("rmsprop-outside")), {"theta": [claimed]})
    assert reflected(claim) is None


# ------------------------------------------------------------------------------------------ the model of signs


def test_laws_of_signs() -> None:
    source = Random(2)
    for _ in range(20):
        ring = PrimeField(draw_prime(source, 24))
        x, y = (source.randrange(1, ring.p) for _ in range(2))
        size: Any = lambda z, ring=ring: z * ring.sign(z) % ring.p
        root = lambda z, q=2, ring=ring: ring.power(z, Fraction(1, q))
        assert size(x) == size(ring.p - x)
        assert size(x) * size(y) % ring.p == size(x * y)
        assert root(x * x) == size(x)
        assert root(size(x)) * root(size(y)) % ring.p == root(size(x * y))
        assert ring.is_residue(root(size(x)))
        assert root(root(size(x), 3), 2) == root(size(x), 6)
        assert ring.power(x, Fraction(1, 3)) ** 3 % ring.p == x
        assert ring.is_residue(2)
        assert ring.is_residue(3)
        assert not ring.is_residue(ring.p - 1)
