"""Attacks on the verdicts of claims: of statements known to be false none is proved, of those known to be true all are.

The slow battery, `pytest -m slow tests/test_claim_controls.py`, has some thousands of them.
"""

from __future__ import annotations

from random import Random

import pytest
from claim_controls import TRUE, Table, false_claims, true_claim

from derive.errors import UsageError
from verify.claims.judge import KINDS, judge
from verify.claims.judgment import LEADING, PROVED, REFUTED, UNDECIDED, Judgment
from verify.claims.reader import claim_of

#: what a false statement may be called; one that holds to leading order has its next term printed
NOT_PROVED = (REFUTED, LEADING, UNDECIDED)


def judged(table: Table) -> Judgment:
    return judge(claim_of({k: v for k, v in table.items() if not k.startswith("_")}, "test"))


def attack(kind: str, seed: str) -> None:
    source = Random(seed)
    true = true_claim(kind, source)
    assert judged(true).verdict == PROVED, true
    for false in false_claims(true, source):
        found = judged(false)
        assert found.verdict in NOT_PROVED, false
        assert found.evidence, false
        assert found.verdict != REFUTED or found.correct, false


GD = "theta = theta - gamma*grad(theta)"
TWO_STEPS = "theta = theta - gamma*grad(theta - a*gamma*grad(theta))"  # 1 - q + a q^2 on h theta^2/2, q = gamma*h
#: statements that are false and were once said to be proved: (kind, data)
ONCE_PROVED: list[tuple[str, Table]] = [
    # no Taylor series, or another one
    *(("operator-series", {"function": f, "series": s, "through": k}) for f, s, k in (
        ("sqrt(z)", "0", 2), ("log(z)", "0", 2), ("z**(3/2)", "0", 1), ("exp(-1/z)", "0", 2), ("cos(1/z)", "0", 2),
        ("sqrt(z**2)", "z", 3), ("(z**3)**(1/3)", "z", 2), ("exp(sqrt(z))", "1", 0), ("z", "z + sqrt(z)*z**2", 2),
    )),
    ("operator-series", {"function": "sqrt(z**2)", "series": "z"}),
    # gamma**(3/2) is no O(gamma**2)
    ("modified-equation", {"update": GD, "through": 1, "says": {"theta": "-grad - gamma/2*hess(grad) + gamma**(3/2)*grad"}}),
    ("modified-loss", {"update": GD, "through": 0, "loss": "L + sqrt(gamma)*L"}),
    # at a = 1/10 stable on (0, 5 - sqrt(5)) and on (5 + sqrt(5), 10)
    ("stability", {"update": TWO_STEPS, "parameters": ["a"], "where": {"a": "1/10"}, "interval": ["0", "5 - sqrt(5)"]}),
    # a number is no vector
    ("flow-expansion", {"flow": "L", "step": "theta", "through": 0}),
    # y(n) = y(n) - x(n) defines no y and says x = 0
    *(("equivalence", {"given": ["x(n+1) = x(n) - gamma*grad(x(n))"], "let": [let], "then": ["x(n) = 0"]})
      for let in ("y(n) = y(n) - x(n)", "y(n) = y(n) + x(n)")),
    # no finite integral
    ("stationary-density", {"drift": {"theta": "theta"}, "noise": {"theta": "1"}, "density": "exp(dot(theta, theta))"}),
    ("stationary-density", {"drift": {"theta": "theta/dot(theta, theta)**2"}, "noise": {"theta": "1"},
                            "density": "exp(-1/dot(theta, theta))"}),
    ("stationary-density", {"drift": {"theta": "(2 - 4*dot(eta, eta))*eta", "eta": "-grad"}, "noise": {"eta": "0"},
                            "density": "exp(-L - dot(eta, eta) + dot(eta, eta)**2)"}),
    ("stationary-density", {"drift": {"theta": "-theta"}, "noise": {"theta": "sqrt(-2)"}, "density": "exp(dot(theta, theta)/2)"}),
    *(("stationary-density", {"drift": {"theta": "-grad"}, "noise": {"theta": "s"}, "density": "exp(-2*L/s**2)", "where": w})
      for w in ({"L": "1"}, {"grad": "5"})),
    *(("marginal-density", {"density": f"exp(-L - {k})", "marginal": "exp(-L)"})
      for k in ("dot(eta, eta) + dot(eta, eta)**2", "a*dot(eta, eta)/(1 + dot(eta, eta))")),
    ("marginal-density", {"density": "exp(dot(theta, theta) - dot(eta, eta))", "marginal": "exp(dot(theta, theta))"}),
    ("stationary-variance", {"update": GD, "variance": "gamma*sigma**2/(2*h) + exp(-1/gamma)", "through": 1}),
    ("parameter-rule", {"parameters": {"gamma": "1"}, "rule": "gamma = 1"}),
]  # fmt: skip

NESTED = ["a0(n) = b0(n)", *(f"{x}{k + 1}(n) = grad({x}{k}(n))" for k in range(8) for x in "ab")]
#: statements that are true and were once said to be refuted
ONCE_REFUTED: list[tuple[str, Table]] = [
    ("equivalence", {"given": NESTED, "then": ["a8(n) = b8(n)"]}),
    ("parameter-rule", {"parameters": {"alpha": "exp(1)*gamma"}, "rule": "alpha > 2*gamma"}),
    ("parameter-rule", {"parameters": {"alpha": "sqrt(2) + sqrt(3)"}, "rule": "alpha - sqrt(5 + 2*sqrt(6)) = 0"}),
    # alpha = r*alpha(gamma) has a positive solution only for r*gamma < 1 + gamma
    ("parameter-rule", {"parameters": {"alpha": "gamma/(1 + gamma)"}, "rule": "gamma_new > gamma", "scaled": {"alpha": "r"},
                        "bounds": {"r": ["1", "oo"]}}),
    # m wanders, theta does not
    ("stationary-variance", {"update": f"m = m + grad(theta); {GD}", "variance": "gamma*sigma**2/(h*(2 - gamma*h))"}),
]  # fmt: skip

#: data that cannot be used: an error in one line, no traceback
UNUSABLE: list[tuple[str, Table]] = [
    ("parameter-rule", {"parameters": {"alpha": "gamma"}, "rule": "alpha < 2*gamma", "bounds": {"gamma": ["1/0", "1"]}}),
    ("parameter-rule", {"parameters": {"alpha": "gamma**2"}, "rule": "alpha < gamma", "bounds": {"alpha": ["0", "1"]}}),
    ("parameter-rule", {"parameters": {"a": "gamma", "b": "a**2"}, "rule": "b = gamma**2 + a - gamma"}),
    ("schedule", {"pieces": [{"start": "0", "end": "1", "value": "1/0"}], "range": ["0", "1"], "continuous": True, "bounds": {}}),
    *(("schedule", {"pieces": [{"start": "0", "value": "1"}], "range": ["1", "1"], "continuous": True, "bounds": {}} | extra)
      for extra in ({"bounds": {"a": ["1"]}}, {"bounds": {"zz": ["0", "1"]}}, {"modulus": "P"}, {"offset": "5"})),
    ("equivalence", {"given": ["x(n+1000000) = x(n)"], "then": ["x(n) = x(n+1)"]}),
    ("stability", {"update": "theta = theta + gamma*grad(theta)", "interval": ["-2", "0"]}),
    ("modified-equation", {"update": "theta = theta - gamma*L*grad(theta)", "parameters": ["L"], "through": 0,
                           "says": {"theta": "-L*grad"}}),
    ("stationary-variance", {"update": "theta = theta - gamma*sigma*grad(theta)", "parameters": ["sigma"], "variance": "gamma"}),
]  # fmt: skip


def table_of(kind: str, data: Table) -> Table:
    return {"id": "a", "statement": "s", "source": "p", "kind": kind} | data


@pytest.mark.parametrize(("kind", "data"), ONCE_PROVED)
def test_false_statements_once_proved(kind: str, data: Table) -> None:
    try:
        found = judged(table_of(kind, data))
    except UsageError:
        return
    assert found.verdict in NOT_PROVED, found


@pytest.mark.parametrize(("kind", "data"), ONCE_REFUTED)
def test_true_statements_once_refuted(kind: str, data: Table) -> None:
    assert judged(table_of(kind, data)).verdict in (PROVED, UNDECIDED)


@pytest.mark.parametrize(("kind", "data"), UNUSABLE)
def test_unusable_data_are_refused_in_one_line(kind: str, data: Table) -> None:
    with pytest.raises(UsageError) as error:
        judged(table_of(kind, data))
    assert "\n" not in str(error.value)


def test_densities_without_a_polynomial_rate_are_judged() -> None:
    """|theta| in the exponent: no constant is looked for, and the numbers refute."""
    data = {"drift": {"theta": "-grad"}, "noise": {"theta": "sqrt(2)"}, "density": "exp(-L + norm(theta))"}
    assert judged(table_of("stationary-density", data)).verdict == REFUTED


def test_printed_counterexamples_differ() -> None:
    """Not at the one value where the two sides happen to meet, nor with a loss for which the density is none."""
    meets = "gamma*sigma**2/(h*(2 - gamma*h))*(1 + (gamma - 1/10)*5)"
    numbers = judged(table_of("stationary-variance", {"update": GD, "variance": meets})).evidence[-1]
    claimed, true = numbers.split("claimed ")[1].split(", true ")
    assert claimed != true
    rising = {"drift": {"theta": "grad"}, "noise": {"theta": "sqrt(2)"}, "density": "exp(2*L)"}
    assert "L = -x**2/2" in "".join(judged(table_of("stationary-density", rising)).evidence)
    in_theta = {"density": "exp(-L - dot(theta, theta) - dot(eta, eta))", "marginal": "exp(-L)"}
    assert "changes by exp(-1), claimed exp(0)" in judged(table_of("marginal-density", in_theta)).evidence[-1]
    wider = {"scheme": "momentum", "wider_than": {"scheme": "gd"}}
    assert judged(table_of("stability", wider)).correct.startswith("the first contains the second, not strictly")


def test_hypotheses_name_every_range_in_force() -> None:
    """`for` replaces the range of beta and leaves that of nu."""
    stated = judged(table_of("stability", {"scheme": "qhm", "interval": ["0", "2"], "for": {"beta": ["0", "1"]}})).stated
    assert any("nu" in h and "<" in h for h in stated.hypotheses)
    assert stated.hypotheses[-1].endswith("gamma*h > 0")


def test_a_range_is_said_to_be_approached_and_times_left_out_are_named() -> None:
    """t on 0 < t < 1 has the supremum 1 and does not take it; nothing is said of t = 0."""
    pieces = [{"when": "0 < t < 1", "value": "t"}, {"when": "1 <= t", "value": "0"}]
    stated = judged(table_of("schedule", {"pieces": pieces, "range": ["0", "1"], "continuous": False, "bounds": {}})).stated
    assert "approached where a piece leaves its end out" in stated.conclusion
    assert "at the times of these pieces alone" in stated.hypotheses


def test_every_kind_is_attacked() -> None:
    assert set(TRUE) == set(KINDS) - {"informal"}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", TRUE)
def test_true_and_false_statements(kind: str, seed: int) -> None:
    attack(kind, f"{kind} {seed}")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(150))
@pytest.mark.parametrize("kind", TRUE)
def test_many_true_and_false_statements(kind: str, seed: int) -> None:
    attack(kind, f"many {kind} {seed}")


@pytest.mark.parametrize("kind", TRUE)
def test_a_datum_that_plays_no_part_is_refused(kind: str) -> None:
    """A key of another kind, and a text that is empty."""
    table = true_claim(kind, Random(kind))
    with pytest.raises(UsageError, match="unknown key 'verdict'"):
        judged(table | {"verdict": "proved"})
    for key, value in table.items():
        if isinstance(value, str) and key not in ("id", "statement", "source", "kind") and not key.startswith("_"):
            with pytest.raises(UsageError, match="must not be empty"):
                judged(table | {key: " "})
