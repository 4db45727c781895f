"""Generators of stochastic optimizers are proved from their texts, and refused when a coefficient is a thousandth off."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

import derive
from derive import configure, inline_scheme, load_scheme, modified_sde
from derive.errors import UsageError
from derive.noise.enumeration import tied
from derive.noise.forests import Root, Tree, text
from derive.noise.generator import generator
from derive.scheme import Configuration, Scheme, scheme_from_toml
from verify.sde.family import Family
from verify.sde.forests import Operator, Spaces
from verify.sde.proof import draw_prime, prove_generator
from verify.sde.reading import is_linear
from verify.sde.ring import Ring
from verify.sde.scalars import Modular
from verify.sde.statement import Claim, read_claim, read_forest
from verify.sde.step import Step
from verify.sde.world import Shape, World, draw_world

Powers = Sequence[Mapping[str, str]]
# by hand: design of the expansion in order polynomials, E phi(theta_1) = sum over samples, logarithm through gamma^3
SGD: Powers = (
    {"g": "-1"},
    {"g1 g1": "1/2", "g[g]": "-1/2"},
    {"g1 g1 g1": "-1/6", "g1 g1[g]": "1/2", "g1 g[g1]": "1/2", "g[g,g]": "-1/12", "g[g1,g1]": "1/4", "g[g[g]]": "-1/3"},
)
HEAVY_BALL: Powers = (
    {"g": "-1/(1 - beta)"},
    {"g1 g1": "1/(2*(1 - beta)**2)", "g[g]": "-(1 + beta)/(2*(1 - beta)**3)"},
)
GD_TEXT = "theta = theta - gamma*sgrad(theta)"
HEAVY_TEXT = "v = beta*v + sgrad(theta); theta = theta - gamma*v"
SAME = "half = theta - gamma*sgrad(theta); theta = theta - gamma*sgrad(half)"
FRESH = "half = theta - gamma*sgrad(theta); theta = theta - gamma*sgrad(half, 2)"
LANGEVIN = "theta = theta - gamma*grad(theta) + sqrt(2*gamma*T)*normal()"
KINETIC = "v = v - gamma*(lam*v + grad(theta)) + sqrt(2*gamma*lam*T)*normal(); theta = theta + gamma*v"


def claimed(powers: Powers) -> dict[str, Any]:
    blocks = [{"power": k, "terms": [{"coefficient": c, "forest": f} for f, c in p.items()]} for k, p in enumerate(powers)]
    return {"generator": blocks}


def configured(update: str, *parameters: str, **options: Any) -> Configuration:
    return configure(inline_scheme(update, parameters), noise=True, **options)


def derived(c: Configuration, order: int) -> list[dict[str, str]]:
    return [{text(f): str(x) for f, x in power.items()} for power in generator(c, order).powers]


def verdict(c: Configuration, powers: Powers, seed: int = 0) -> Any:
    return prove_generator(c, read_claim(claimed(powers)), Random(seed))


def changes(powers: Powers) -> list[tuple[int, int, list[dict[str, str]]]]:
    """(the power, the number of roots, the claim) with each coefficient in turn a thousandth larger."""
    found = []
    for k, power in enumerate(powers):
        for f in power:
            other = [dict(p) for p in powers]
            other[k][f] = f"({power[f]})*1001/1000"
            found.append((k, len(read_forest(f)), other))
    return found


@pytest.mark.parametrize("update, parameters, powers", [(GD_TEXT, (), SGD), (HEAVY_TEXT, ("beta",), HEAVY_BALL)])
def test_generators_by_hand_are_proved_and_refused_when_a_coefficient_is_a_thousandth_off(
    update: str, parameters: tuple[str, ...], powers: Powers
) -> None:
    c = configured(update, *parameters)
    for order in range(len(powers)):
        found = verdict(c, powers[: order + 1])
        assert found.verdict == "proved"
        assert found.bits >= 100
        assert found.structure.slow == ("theta",)
    for power, roots, wrong in changes(powers):
        found = verdict(c, wrong)
        assert (found.verdict, found.power, found.roots) == ("refuted", power, roots), wrong


@pytest.mark.parametrize("update, parameters, order, count", [
    (HEAVY_TEXT, ("beta",), 2, 9), (SAME, (), 2, 15), (FRESH, (), 2, 9), (LANGEVIN, ("T",), 1, 5),
    (KINETIC, ("lam", "T"), 1, 11), ("theta = theta - gamma*sgrad(theta_next)", (), 2, 17),
    ("theta = theta - gamma*(2*sgrad(theta) - sgrad(theta_prev))", (), 2, 9),
    ("theta = theta - gamma*(sgrad(theta) + lam*theta)", ("lam",), 1, 7),
    ("y = a*y + (1 - a)*theta; theta = theta - gamma*sgrad(y)", ("a",), 1, 3),
    ("y = a*y + (1 - a)*theta; z = b*z + (1 - b)*y; theta = theta - gamma*sgrad(z)", ("a", "b"), 1, 3),
])  # fmt: skip
def test_what_is_derived_is_proved_and_refused_when_a_coefficient_is_a_thousandth_off(
    update: str, parameters: tuple[str, ...], order: int, count: int
) -> None:
    c = configured(update, *parameters)
    powers = derived(c, order)
    assert verdict(c, powers).verdict == "proved"
    wrong = changes(powers)
    assert len(wrong) == count
    for power, _, claim in wrong:
        found = verdict(c, claim)
        assert (found.verdict, found.power) == ("refuted", power), claim


@pytest.mark.parametrize("name, regime", [("momentum", "inertial"), ("momentum", "leapfrog"), ("momentum-schedule", None)])
def test_slow_memory_and_schedules_are_proved(name: str, regime: str | None) -> None:
    c = configure(sampled(name), regime, noise=True)
    powers = derived(c, 1)
    assert verdict(c, powers).verdict == "proved"
    for power, _, claim in changes(powers):
        found = verdict(c, claim)
        assert (found.verdict, found.power) == ("refuted", power), claim


def sampled(name: str) -> Scheme:
    """A scheme of the catalogue whose gradients are those of the step's sample."""
    (path,) = (Path(derive.__file__).parent / "schemes").glob(f"{name}.toml")
    return scheme_from_toml(path.read_text("utf-8").replace("grad(", "sgrad("), name)


def test_a_text_without_noise_takes_one_sample_a_step() -> None:
    """The generator of gradient descent with grad is that of sgrad; with a normal vector grad is the mean."""
    assert verdict(configured("theta = theta - gamma*grad(theta)"), SGD).verdict == "proved"
    assert verdict(configured("theta = theta - gamma*grad(theta) + 0*normal()"), SGD[:2]).verdict == "refuted"
    mean = ({"g": "-1"}, {"g[g]": "-1/2"})
    assert verdict(configured("theta = theta - gamma*grad(theta) + 0*normal()"), mean).verdict == "proved"


def test_a_term_left_out_or_of_another_tie_is_refuted() -> None:
    c = configured(GD_TEXT)
    for f in SGD[2]:
        assert verdict(c, (*SGD[:2], {k: x for k, x in SGD[2].items() if k != f})).verdict == "refuted"
    moved = {**SGD[2], "g1[g1[g]]": "1/1000"}
    assert verdict(c, (*SGD[:2], moved)).verdict == "refuted"


@pytest.mark.parametrize("forest", ["g1 g1", "g1 g1 g1", "g g g g", "g[g,g,g]", "g1[g,g1,g]", "g[g[g[g]]]"])
def test_more_derivatives_than_a_power_has_are_refuted(forest: str) -> None:
    """What is claimed at gamma^k may have more nodes than the k + 1 of the truth: of phi, or of one loss."""
    c = configured(GD_TEXT)
    for k in (k for k in (0, 1) if forest not in SGD[k]):
        wrong = [dict(p) for p in SGD[: k + 1]]
        wrong[k][forest] = "1/1000"
        found = verdict(c, wrong)
        assert (found.verdict, found.power, found.roots) == ("refuted", k, len(read_forest(forest)))


# ------------------------------------------------------------------------------------------ the worlds


def world(c: Configuration, dimension: int, samples: int, degree: int, seed: int = 0, weights: Any = None) -> World:
    source = Random(seed)
    p = draw_prime(source)
    shape = Shape(("theta",), dimension, samples, 1, degree)
    found = draw_world(source, c, shape, Ring(Modular(p), shape.variables, degree), {})
    if weights is None:
        return found
    values = np.array([Modular(p).lift(w) for w in weights], dtype=np.int64)
    return World(shape, found.ring, {}, found.point, values, found.jets)


def residual(c: Configuration, w: World, powers: Powers) -> Any:
    operator = Operator(w, read_claim(claimed(powers)), Spaces(w, ("theta",), {}))
    return Family(Step(c, w, {}), operator, w.shape.degree, w.ring.scalars.p).residual()


def test_two_samples_of_equal_probability_see_no_third_cumulant() -> None:
    """Why the weights are unequal: the wrong coefficient of `g1 g1 g1` passes here, and fails with weights 1/3, 2/3."""
    c = configured(GD_TEXT)
    wrong = (*SGD[:2], {**SGD[2], "g1 g1 g1": "7"})
    half, third = Fraction(1, 2), Fraction(1, 3)
    assert residual(c, world(c, 3, 2, 3, weights=(half, half)), wrong).first is None
    assert residual(c, world(c, 3, 2, 3, weights=(third, 1 - third)), wrong).first == 3


def forests(nodes: int) -> list[str]:
    """All tied forests with so many nodes, connected or not by ties."""

    def trees(n: int) -> list[Tree]:
        return [Tree("g?", 0, below) for below in hanging(n - 1)]

    def hanging(n: int, most: int | None = None) -> list[tuple[Tree, ...]]:
        if n == 0:
            return [()]
        found = {tuple(sorted((t, *rest))) for k in range(1, n + 1) for t in trees(k) for rest in hanging(n - k)}
        return sorted(found)

    return sorted({text(f) for f in hanging(nodes) for f in tied([Root("", t) for t in f])})


def symbols(names: Sequence[str], w: World) -> Any:
    """One row of numbers for each forest."""
    rows = []
    for name in names:
        (term,) = read_claim(claimed([{name: "1"}])).powers[0]
        found = Operator(w, Claim(()), Spaces(w, ("theta",), {})).forest(term)
        keys = [k for r in range(1, 4) for k in product(w.shape.places("theta"), repeat=r)]
        zero = w.ring.constant(0)
        rows.append(np.concatenate([found.get(k, zero)[:1] for k in keys]))
    return np.array(rows)


def rank(matrix: Any, p: int) -> int:
    rows, found = [[int(x) for x in row] for row in matrix], 0
    for column in range(len(rows[0])):
        pivot = next((r for r in rows[found:] if r[column] % p), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        rows.insert(found, pivot)
        inverse = pow(pivot[column], -1, p)
        for i in range(found + 1, len(rows)):
            factor = rows[i][column] * inverse % p
            rows[i] = [(x - factor * y) % p for x, y in zip(rows[i], pivot)]
        found += 1
    return found


@pytest.mark.parametrize("dimension, samples, complete", [(3, 3, True), (1, 3, False), (3, 1, False)])
def test_forests_with_three_nodes_are_told_apart_in_three_dimensions_by_three_samples(
    dimension: int, samples: int, complete: bool
) -> None:
    """The theorem behind 'every dimension' for N = 2, by the rank of all tied forests at several worlds over one prime."""
    c, names = configured(GD_TEXT), forests(3)
    assert {"g1 g1 g1", "g1 g1[g]", "g1[g1[g1]]", "g[g1,g1]"} <= set(names)
    first = world(c, dimension, samples, 3, 0)
    p, columns = first.ring.scalars.p, [symbols(names, first)]
    for seed in range(1, 12):
        shape = first.shape
        ring = Ring(Modular(p), shape.variables, shape.degree)
        columns.append(symbols(names, draw_world(Random(seed), c, shape, ring, {})))
    assert (rank(np.concatenate(columns, axis=1), p) == len(names)) is complete


def test_the_joint_cumulant_of_four_is_that_of_the_definition() -> None:
    """kappa(X, X, X, X) = E X^4 - 3 (E X^2)^2 of the centred X, at the point, in one dimension."""
    c = configured(GD_TEXT)
    w = world(c, 1, 3, 1)
    p = w.ring.scalars.p
    (term,) = read_claim(claimed([{"g1 g1 g1 g1": "1"}])).powers[0]
    found = Operator(w, Claim(()), Spaces(w, ("theta",), {})).forest(term)[(1,) * 4]
    values, weights = [int(x[0, 0]) for x in w.jets["g"]], [int(x) for x in w.weights]
    mean = sum(a * b for a, b in zip(values, weights))
    second, fourth = (sum((x - mean) ** k * q for x, q in zip(values, weights)) for k in (2, 4))
    assert int(found[0]) == (fourth - 3 * second**2) % p


def test_one_step_of_the_operator_is_the_mean_over_samples() -> None:
    """E (theta_1 - theta_0)_1^2 at the point: gamma^2 sum_s w_s g_s^2, all other powers of gamma being zero through gamma^2."""
    c = configured(GD_TEXT)
    w = world(c, 2, 3, 2)
    step = Step(c, w, {})
    row = step.matrix(step.images())[step.basis.index((0, 2, 0))]
    index, p = w.ring.monomials.index, w.ring.scalars.p
    assert int(row[index[2, 0, 0]]) == sum(int(q) * int(x[0, 0]) ** 2 for q, x in zip(w.weights, w.jets["g"])) % p
    assert not row[index[1, 0, 0]]
    assert row[index[0, 2, 0]] == 1


# ------------------------------------------------------------------------------------------ reading, refusing


@pytest.mark.parametrize("forest", ["g[", "g]", "1g", "g[g1,]", "eta:", "g[g g]", "g$"])
def test_what_is_no_forest_is_refused(forest: str) -> None:
    with pytest.raises(UsageError, match="no forest"):
        read_forest(forest)


@pytest.mark.parametrize(
    "forest, words",
    [("h", "none of what"), ("eta:g", "no slow variable"), ("n1 n1 n1", "two nodes"), ("h#1", "one node")],
)
def test_a_claim_about_something_else_is_refused(forest: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        verdict(configured(GD_TEXT), [{forest: "1"}])
    with pytest.raises(UsageError, match="no free parameter"):
        verdict(configured(GD_TEXT), [{"g": "-beta"}])


@pytest.mark.parametrize("update, words", [
    ("v = v - theta + sgrad(theta); theta = theta - gamma*v", "tend|relax|identity|iterate"),
    ("theta = theta - sgrad(theta)", "identity"),
])  # fmt: skip
def test_what_cannot_be_checked_is_undecided(update: str, words: str) -> None:
    found = verdict(configured(update), [{"g": "-1"}])
    assert found.verdict == "undecided"
    assert re.search(words, found.reason), found.reason


def test_memory_that_changes_sign_for_ever_is_undecided() -> None:
    """Its square does not relax."""
    c = configured("v = -v + sgrad(theta); theta = theta - gamma*v")
    assert verdict(c, [{"g": "-1/2"}]).verdict == "proved"
    assert "relax" in verdict(c, [{"g": "-1/2"}, {}]).reason


# ------------------------------------------------------------------------------------------ functions of gradients

NORMALISED = "theta = theta - gamma*sgrad(theta)/norm(sgrad(theta))"
SIGNED = "theta = theta - gamma*sign(sgrad(theta))"
RMSPROP = "g = sgrad(theta); v = (1 - c*gamma)*v + c*gamma*g*g; theta = theta - gamma*g/(sqrt(v) + eps)"
ADAM = "g = sgrad(theta); v = (1 - c*gamma)*v + c*gamma*g*g; m = b*m + (1 - b)*g; theta = theta - gamma*m/(sqrt(v) + eps)"


@pytest.mark.parametrize("update, parameters, count", [
    (NORMALISED, (), 3), (SIGNED, (), 3), (RMSPROP, ("c", "eps"), 13),
    pytest.param(ADAM, ("c", "eps", "b"), 13, marks=pytest.mark.slow),
])  # fmt: skip
def test_functions_of_gradients_are_proved_in_a_dimension_and_refused_when_a_coefficient_is_off(
    update: str, parameters: tuple[str, ...], count: int
) -> None:
    c = configured(update, *parameters)
    opaque, powers = dict(generator(c, 1).opaque), derived(c, 1)

    def found(claim: Powers) -> Any:
        return prove_generator(c, read_claim(claimed(claim) | {"opaque": opaque}), Random(0))

    assert found(powers).verdict == "proved"
    assert "in dimension 2" in str(found(powers))
    wrong = [(k, other) for k, _, other in changes(powers)]
    assert len(wrong) == count
    for power, claim in wrong:
        if update == SIGNED and claim[1].get("u[u]", "").endswith("1001/1000"):
            continue  # the derivative of a sign is zero
        assert (found(claim).verdict, found(claim).power) == ("refuted", power), claim


@pytest.mark.parametrize("update, linear", [
    (GD_TEXT, True), (HEAVY_TEXT, True), (LANGEVIN, True), (NORMALISED, False), (RMSPROP, False),
    ("theta = theta - gamma*sgrad(theta)*sgrad(theta)", False), ("theta = theta - gamma*sgrad(theta)**2", False),
])  # fmt: skip
def test_linear_texts_are_known(update: str, linear: bool) -> None:
    names = [n for n in ("beta", "T", "c", "eps") if re.search(rf"\b{n}\b", update)]
    assert is_linear(configured(update, *names)) is linear


# ------------------------------------------------------------------------------------------ batches, epochs, repeats


def proved(c: Configuration, data: dict[str, Any]) -> Any:
    return prove_generator(c, read_claim(data), Random(0))


@pytest.mark.parametrize("name, options, words", [
    ("gd", {"order": 2, "batch": "B"}, "every law of the samples"),
    ("momentum", {"order": 1, "batch": 3}, "every law of the samples"),
    ("gd", {"order": 2, "sampling": "reshuffled"}, "m = 3, 4, 5 batches"),
    ("momentum", {"order": 1, "sampling": "reshuffled"}, "m = 2, 3, 4 batches"),
    ("langevin", {"order": 1, "sampling": "reshuffled"}, "m = 2, 3, 4 batches"),
])  # fmt: skip
def test_batches_and_epochs_are_proved_and_refused_when_a_coefficient_is_a_thousandth_off(
    name: str, options: dict[str, Any], words: str
) -> None:
    c, data = configure(load_scheme(name), noise=True), modified_sde(name, **options).to_json()
    found = proved(c, data)
    assert found.verdict == "proved"
    assert words in str(found)
    for block in data["generator"]:
        for term in block["terms"]:
            right = term["coefficient"]
            term["coefficient"] = f"({right})*1001/1000"
            found = proved(c, data)
            assert (found.verdict, found.power) == ("refuted", block["power"]), term
            term["coefficient"] = right


def test_numbers_of_batches_are_checked() -> None:
    c, data = configured(GD_TEXT), claimed(SGD[:2])
    assert "too many orders" in proved(c, data | {"batches": "9"}).reason
    assert "combinations" in proved(c, data | {"batch": "1000000"}).reason
    for key in ("batch", "batches"):
        with pytest.raises(UsageError, match="no positive number"):
            read_claim(data | {key: "0"})


def test_a_batch_weighs_ties_and_nothing_else() -> None:
    """1/(2 B) `g1 g1` by hand; 1/2 is right for one number B, which is why several are tried."""
    c, of_two = configured(GD_TEXT), ({"g": "-1"}, {"g1 g1": "1/(2*B)", "g[g]": "-1/2"})
    assert proved(c, claimed(of_two) | {"batch": "B"}).verdict == "proved"
    for wrong in ("1/2", "1/(2*B) + (B - 1)*(B - 2)", "1/(2*B**2)"):
        claim = claimed(({"g": "-1"}, {"g1 g1": wrong, "g[g]": "-1/2"}))
        assert proved(c, claim | {"batch": "B"}).verdict == "refuted"


def test_what_is_repeated_draws_anew() -> None:
    """Two inner steps of gradient descent are two steps: the generator of one at the step 2 gamma, per step."""
    c = configured("repeat 2: theta = theta - gamma*grad(theta)")
    powers = ({"g": "-2"}, {"g1 g1": "1", "g[g]": "-1"})
    assert proved(c, claimed(powers)).verdict == "proved"
    assert proved(c, claimed((powers[0], {"g1 g1": "2", "g[g]": "-1"}))).verdict == "refuted"  # one sample for both


def test_an_exponential_of_the_step_is_proved() -> None:
    """Kinetic Langevin dynamics with the noise of the exact Ornstein-Uhlenbeck process."""
    update = "v = exp(-gamma*lam)*v - gamma*grad(theta) + sqrt(1 - exp(-2*gamma*lam))*normal(); theta = theta + gamma*v"
    c = configured(update, "lam")
    assert verdict(c, derived(c, 1)).verdict == "proved"


@pytest.mark.parametrize("name", ["polyak-step", "gradient-penalty", "game-consensus"])
def test_texts_with_more_than_gradients_are_undecided(name: str) -> None:
    found = verdict(configure(load_scheme(name), noise=True), [{}])
    assert found.verdict == "undecided"
    assert "the update has" in found.reason
