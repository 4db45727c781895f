"""Settings that all tests share."""

from __future__ import annotations

import signal
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, settings
from variants import LONG, REPRESENTATIVES, THINNED, VARIANTS

from derive.scheme import catalogue

CATALOGUE = frozenset(catalogue())

settings.register_profile("project", deadline=None, max_examples=25, derandomize=True,
                          suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])  # fmt: skip
# failures are not made smaller
settings.register_profile("mutation", settings.get_profile("project"), phases=[Phase.explicit, Phase.generate])
settings.load_profile("project")

# a run in the background ignores signals that end a program, and so would the programs that the tests end by them
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What others stand for in a battery runs with the slow tests."""
    seen: Counter[str] = Counter()
    for item in items:
        parameters, name = getattr(item, "callspec", None), getattr(item, "originalname", "")
        left_out = CATALOGUE - REPRESENTATIVES if name in LONG else VARIANTS
        if parameters and any(_names_one(v, left_out) for v in parameters.params.values()):
            item.add_marker(pytest.mark.slow)
        if name in THINNED:
            if seen[name] % THINNED[name]:
                item.add_marker(pytest.mark.slow)
            seen[name] += 1


def _names_one(value: object, names: frozenset[str]) -> bool:
    return (isinstance(value, str) and value in names) or (isinstance(value, tuple) and any(_names_one(v, names) for v in value))
