"""Claims about the stability of bilinear games: published intervals proved, everything beside them refuted or left open."""

from __future__ import annotations

from typing import Any

import pytest

from derive.errors import UsageError
from verify.claims.kinds.stability import StabilityClaim, judge_stability, states_stability

ONE = {"mu": "1"}
GAMES: dict[str, dict[str, Any]] = {
    "simultaneous": {"scheme": "game-simultaneous", "where": ONE}, "alternating": {"scheme": "game-alternating", "where": ONE},
    "unequal": {"scheme": "game-alternating"}, "extragradient": {"scheme": "game-extragradient"},
    "optimistic": {"scheme": "game-optimistic"}, "negative": {"scheme": "game-negative-momentum"},
}  # fmt: skip


@pytest.mark.parametrize(("name", "claimed", "verdict"), [
    ("simultaneous", {"interval": ()}, "proved"), ("simultaneous", {"bounded": ()}, "proved"),
    ("simultaneous", {"interval": ("0", "1")}, "refuted"), ("simultaneous", {"bounded": ("0", "1/1000")}, "refuted"),
    ("alternating", {"interval": ()}, "proved"), ("alternating", {"bounded": ("0", "2")}, "proved"),
    ("alternating", {"bounded": ("0", "2001/1000")}, "refuted"), ("alternating", {"bounded": ("0", "1999/1000")}, "refuted"),
    ("alternating", {"bounded": ()}, "refuted"), ("alternating", {"interval": ("0", "2")}, "refuted"),
    ("unequal", {"bounded": ("0", "2/sqrt(mu)")}, "proved"), ("unequal", {"bounded": ("0", "2/mu")}, "refuted"),
    ("extragradient", {"interval": ("0", "1")}, "proved"), ("extragradient", {"interval": ("0", "999/1000")}, "refuted"),
    ("extragradient", {"bounded": ("0", "1")}, "undecided"),
    ("optimistic", {"interval": ("0", "1/sqrt(3)")}, "proved"), ("optimistic", {"interval": ("0", "1/2")}, "refuted"),
    ("negative", {"interval": ("0", "2*(1 + beta)"), "for_": {"beta": ("-1", "0")}}, "proved"),
    ("negative", {"interval": ("0", "2*(1 + beta)"), "for_": {"beta": ("-1", "1")}}, "refuted"),
])  # fmt: skip
def test_verdicts(name: str, claimed: dict[str, Any], verdict: str) -> None:
    claim = StabilityClaim(**GAMES[name], **claimed)
    found = judge_stability(claim)
    assert found.verdict == verdict, found
    assert not any("gamma*h" in line for line in (*found.evidence, found.correct))


def test_what_is_stated_names_the_game() -> None:
    strict = states_stability(StabilityClaim(**GAMES["extragradient"], interval=("0", "1")))
    closed = states_stability(StabilityClaim(**GAMES["alternating"], bounded=("0", "2")))
    assert "inside the unit disc exactly for gamma*s in (0, 1)" in str(strict)
    assert "on the closed unit disc, simple on its rim, exactly for gamma*s in (0, 2)" in str(closed)
    assert "on the game f = s*x*y, g = -f with gamma*s > 0" in str(strict)
    plain = states_stability(StabilityClaim(scheme="momentum", interval=("0", "2*(1 + beta)")))
    assert "gamma*h in (0, 2*(1 + beta))" in str(plain)
    assert "on L = h*theta**2/2 with gamma*h > 0" in str(plain)


def test_bounded_of_one_loss() -> None:
    """The undamped pair v, theta: both roots on the unit circle exactly for gamma*h < 4."""
    leapfrog = {"update": "v = v - gamma*grad(theta); theta = theta + v"}
    assert judge_stability(StabilityClaim(**leapfrog, bounded=("0", "4"))).verdict == "proved"
    assert judge_stability(StabilityClaim(**leapfrog, bounded=("0", "3"))).verdict == "refuted"


@pytest.mark.parametrize(("claimed", "message"), [
    ({}, "give one of 'interval', 'bounded' and 'wider_than'"),
    ({"interval": (), "bounded": ()}, "give one of 'interval', 'bounded' and 'wider_than'"),
    ({"bounded": ("0",)}, "bounded: write two ends"),
    ({"wider_than": StabilityClaim(scheme="gd", interval=("0", "2"))}, "of a game claim its interval"),
])  # fmt: skip
def test_refused(claimed: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        StabilityClaim(**GAMES["alternating"], **claimed)
