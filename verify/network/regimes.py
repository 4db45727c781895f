"""Which regime of an optimizer has a series that is of use: the ratios |gamma f_1|/|f_0| of each, and the first below 0.1."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf, isfinite

from derive.errors import DeriveError, UsageError
from verify.network.comparison import USEFUL
from verify.network.rows import Optimizer
from verify.network.starts import Start, singular_at_rest


def regimes_of(row: Optimizer, regime: str) -> list[str]:
    """The regimes that are asked for, all for 'auto'.  Raises UsageError for one that the optimizer does not have."""
    if regime not in ("auto", *row.slow_rates):
        raise UsageError(f"{row.name} has the regimes {', '.join(row.slow_rates)} and auto, not {regime}")
    return list(row.slow_rates) if regime == "auto" else [regime]


def ratios_by_regime(
    row: Optimizer,
    regimes: Sequence[str],
    start: Start,
    measure: Callable[[str], Sequence[float]],
    say: Callable[[str], None] = lambda what: None,
) -> list[dict[str, float]]:
    """|gamma f_1|/|f_0| by regime for every setting, in the order of what `measure` gives; inf where it is no number.

    A regime that cannot start there (it has no initial layer) is left out; if none can, what the last one says is raised.
    """
    found: dict[str, list[float]] = {}
    why: DeriveError = UsageError("no regime")
    for r in regimes:
        say(f"{row.name}: the ratio of {r or 'its only regime'}")
        try:
            values = [float(x) for x in measure(r)]
            if start.rest and not all(map(isfinite, values)):
                raise UsageError(singular_at_rest(row.name, r))
        except DeriveError as error:
            why = error
            continue
        found[r] = [x if isfinite(x) else inf for x in values]
    if not found:
        raise why
    return [dict(zip(found, column, strict=True)) for column in zip(*found.values(), strict=True)]


def best_regime(ratios: Mapping[str, float]) -> str:
    """The first whose ratio is below 0.1, else the one with the smallest.

    >>> best_regime({"memory": 3.0, "inertial": 0.05, "leapfrog": 0.01}), best_regime({"memory": 3.0, "inertial": 0.5})
    ('inertial', 'inertial')
    """
    return next((r for r in ratios if ratios[r] < USEFUL), min(ratios, key=lambda r: ratios[r]))
