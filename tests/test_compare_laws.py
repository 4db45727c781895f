"""Two laws side by side: scaling rules, the forests that differ, and losses that show it, valued by another route."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as F
from itertools import permutations, product

import pytest

from derive import Scheme, compare_laws, inline_scheme, modified_sde
from derive.algebra.coefficients import Ratio
from derive.errors import UsageError
from derive.noise.forests import Forest, nodes, parse, text
from derive.noise.generator import Generator
from derive.readings.law_witness import LawWitness, law_witness
from derive.readings.laws import LawComparison, compare_generators

SGD = inline_scheme("theta = theta - gamma*sgrad(theta)")
HEAVY = inline_scheme("v = beta*v + sgrad(theta); theta = theta - gamma*v")
SCALED = inline_scheme("v = beta*v + sgrad(theta); theta = theta - gamma*(1 - beta)*v")
AHEAD = inline_scheme("v = beta*v + sgrad(theta - gamma*beta*v); theta = theta - gamma*v")
NOISY = inline_scheme("theta = theta - gamma*grad(theta) + sqrt(2*gamma)*normal()")
TWO = inline_scheme("theta = theta - gamma*(sgrad(theta) + sgrad(theta, 2))/2")


def differing(c: LawComparison) -> dict[str, tuple[str, str]]:
    return {f: (str(a), str(b)) for f, (a, b) in c.differences.items()}


# ------------------------------------------------------------------------------------------------ scaling rules


def test_the_momentum_scaling_rule() -> None:
    """SGD with gamma and heavy ball with (1 - beta) gamma: the same limit and the same diffusion, not the same drift."""
    c = compare_laws(SGD, HEAVY, 1)
    assert str(c.rule.step) == "(1 - beta)"
    assert c.searched
    assert c.same_through == 0
    assert c.parts == {1: 0, 2: 1}
    assert differing(c) == {"g[g]": ("-1/2", "-(1 + beta)/(2*(1 - beta))")}


def test_a_step_in_the_text_and_a_step_that_is_found_are_one() -> None:
    found, written = compare_laws(SGD, HEAVY, 2), compare_laws(SGD, SCALED, 2)
    assert written.rule.plain
    assert not found.rule.plain
    assert differing(found) == differing(written)


def test_the_linear_scaling_rule_keeps_exactly_the_forests_of_one_sample() -> None:
    """kappa times the batch and the step: c_F at gamma^k gets kappa^k kappa^-(tied nodes less ties)."""
    c = compare_laws(SGD, SGD, 1, linear_scaling=True)
    assert differing(c) == {"g[g]": ("-1/2", "-kappa/2")}
    for k, power in enumerate(modified_sde(SGD, 3).powers):
        for f in power.terms:
            alone = all(t.tie for r in f for t in nodes([r.tree])) and len({t.tie for r in f for t in nodes([r.tree])}) == 1
            kept = f not in _scaled_differences(k)
            assert kept == (alone or k == 0), text(f)


def _scaled_differences(power: int) -> set[Forest]:
    """The forests of SGD that linear scaling changes at that power: compared alone."""
    g = modified_sde(SGD, power).generator
    only = replace(g, powers=tuple({} if k < power else p for k, p in enumerate(g.powers)))
    return {parse(f) for f in compare_generators(only, only, linear_scaling=True).differences}


def test_a_mean_over_two_samples_is_a_batch_of_two() -> None:
    """The text with two samples against modified_sde's batch: the generators are the same through gamma^3."""
    batch, two = modified_sde("gd", 3, batch=2).generator, modified_sde(TWO, 3).generator
    assert compare_generators(batch, two).same_through == 3
    assert differing(compare_laws("gd", TWO, 1)) == {"g1 g1": ("1/2", "1/4")}


# ------------------------------------------------------------------------------------------------ samplings


def test_reshuffling_against_independent_batches_and_by_all_orders() -> None:
    """On L_xi = xi (x + x^2/2), x = 0, theta after an epoch is prod (1 - gamma xi) - 1: at gamma^2 the sum of products of two.
    E theta = 3 gamma^2 G_1 theta there, as the mean gradient is zero."""
    c = compare_laws(SGD, SGD, 1, samplings=("iid", "reshuffled"))
    assert differing(c) == {"g1 g1": ("1/2", "0"), "g1[g1]": ("0", "-1/2")}
    assert c.witness is not None
    assert c.witness.losses == {"L": "xi*(theta + theta**2/2)"}
    drawn = [F(2), F(-1), F(-1)]
    orders = [a * b + a * d + b * d for a, b, d in permutations(drawn)]
    independent = [a * b + a * d + b * d for a, b, d in product(drawn, repeat=3)]
    reshuffled, iid = (sum(x, F(0)) / len(x) / 3 for x in (orders, independent))
    assert reshuffled - iid == c.witness.value


def test_samplings_by_name_and_number_of_batches() -> None:
    few = compare_laws("momentum", "momentum", 1, samplings=("reshuffled", "reshuffled"), settings={"m": "4"})
    assert few.same_through == 1
    some = compare_laws("momentum", "momentum", 1, samplings=("iid", "reshuffled"))
    assert some.witness is not None
    assert some.witness.parameters["B"] == str(F(some.witness.parameters["beta"]) ** int(some.witness.parameters["m"]))
    with pytest.raises(UsageError, match="iid or reshuffled"):
        compare_laws(SGD, SGD, samplings=("iid", "cyclic"))
    with pytest.raises(UsageError, match="in an epoch"):
        compare_laws(SGD, SGD, samplings=("iid", "reshuffled"), linear_scaling=True)


# ------------------------------------------------------------------------------------------------ what is the same, what is not


def test_the_same_law_in_other_words() -> None:
    assert compare_laws("momentum", "ema-momentum", 2).same_through == 2
    assert compare_laws(SGD, inline_scheme("g = sgrad(theta); theta = theta - gamma*(g + sgrad(theta))/2"), 3).same_through == 3


def test_lookahead_is_seen() -> None:
    """The gradient at theta - gamma beta v of heavy ball's memory that fluctuates."""
    c = compare_laws(HEAVY, AHEAD, 1)
    assert c.same_through == 0
    assert set(c.differences) == {"g[g]"}


def test_one_wrong_coefficient_is_found() -> None:
    g = modified_sde(HEAVY, 2).generator
    f = parse("g1 g1[g]")
    wrong = replace(g, powers=(*g.powers[:2], dict(g.powers[2]) | {f: g.powers[2][f].scaled(2)}))
    c = compare_generators(g, wrong)
    assert c.same_through == 1
    assert list(c.differences) == ["g1 g1[g]"]
    assert compare_generators(g, g).same_through == 2


def test_the_limits_differ_by_more_than_a_factor() -> None:
    c = compare_laws(SGD, NOISY, 0)
    assert c.same_through == -1
    assert c.witness is not None


def test_what_is_not_compared() -> None:
    slow = inline_scheme("v = v - gamma*(v + sgrad(theta)); theta = theta + gamma*v")
    with pytest.raises(UsageError, match="different variables"):
        compare_laws(SGD, slow)
    with pytest.raises(UsageError, match="neither scheme"):
        compare_laws(SGD, HEAVY, settings={"mu": "1"})
    normalised = inline_scheme("theta = theta - gamma*sgrad(theta)/norm(sgrad(theta))")
    with pytest.raises(UsageError, match="linear scaling"):
        compare_laws(normalised, normalised, linear_scaling=True)


# ------------------------------------------------------------------------------------------------ witnesses


def valued(scheme: Scheme, w: LawWitness, power: int) -> F:
    """G phi on the witness by the values of tied forests on finite data: xi = 2 with probability 1/3, else -1."""
    samples = [w.losses["L"].replace("xi", f"({xi})").replace("theta", "x") for xi in (2, -1)]
    own = {n: v for n, v in w.parameters.items() if n in scheme.parameters}
    data = modified_sde(scheme, power, settings=own).on_losses(samples, weights=["1/3", "2/3"])
    values = data.evaluate({"x": w.at["theta"]}).values[power]
    order = int(w.test.partition("**")[2].partition("/")[0]) if "**" in w.test else 1
    return F(values.get("x" * order, "0"))


HALF = inline_scheme("theta = theta - gamma*(sgrad(theta) + grad(theta))/2")


@pytest.mark.parametrize("pair", [(SGD, TWO), (SCALED, SGD), (SGD, HALF), (HEAVY, AHEAD)], ids=["two", "scaled", "half", "ahead"])
def test_a_witness_has_its_value_by_the_values_on_finite_data(pair: tuple[Scheme, Scheme]) -> None:
    a, b = pair
    c = compare_laws(a, b, 2)
    assert c.witness is not None
    assert c.rule.plain
    k = c.same_through + 1
    assert valued(b, c.witness, k) - valued(a, c.witness, k) == c.witness.value != 0


@pytest.mark.parametrize("forest", ["g1 g1[g]", "g[g1,g1]", "g1 g1 g1", "g1 g1 g2 g2", "g1[g1,g2] g2", "g[g[g1],g1]"])
def test_every_forest_has_a_witness(forest: str) -> None:
    g = modified_sde(SGD, 3).generator
    one = next(c for p in g.powers for c in p.values()).ring.one
    w = law_witness({parse(forest): one}, g)
    assert w is not None
    assert law_witness({parse(forest): one - one}, g) is None


def test_a_combination_that_is_zero_has_none() -> None:
    """In one dimension, g[g[g]] and g[g,g] are different functions; a forest less itself is not."""
    g: Generator = modified_sde(SGD, 2).generator
    terms: dict[Forest, Ratio] = dict(g.powers[2])
    assert law_witness(terms, g) is not None
    assert law_witness({f: c - c for f, c in terms.items()}, g) is None
