"""Claims about schemes, as the tests of `verify.counterexample` make them."""

from __future__ import annotations

from typing import Any

from derive import configure, inline_scheme
from verify.counterexample.claimed import ClaimedField, claimed_field

GD = "theta = theta - gamma*grad(theta)"


def claim_of(equation: Any, *changes: tuple[str, int, int, str]) -> ClaimedField:
    """The claim made by an equation; each change (variable, power, number of the term, text) is added to a coefficient."""
    data = equation.to_json()
    for x, k, n, text in changes:
        data["equations"][x][k]["terms"][n]["coefficient"] += text
    return claimed_field(equation.configuration, data["equations"], data["memory"])


def says(update: str, *powers: str, settings: Any = None, memory: Any = None) -> ClaimedField:
    """The claim that theta' = f_0 + gamma f_1 + ... for an update text."""
    blocks = [{"power": k, "terms": [{"coefficient": "1", "term": p}]} for k, p in enumerate(powers)]
    limit = {m: [{"power": 0, "terms": [{"coefficient": "1", "term": t}]}] for m, t in (memory or {}).items()}
    return claimed_field(configure(inline_scheme(update), settings=settings), {"theta": blocks}, limit)
