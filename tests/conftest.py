"""Settings that all tests share."""

from __future__ import annotations

import signal

import pytest
from hypothesis import HealthCheck, Phase, settings
from variants import VARIANTS

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
    """A battery over the catalogue runs for its variants with the slow tests."""
    for item in items:
        parameters = getattr(item, "callspec", None)
        if parameters and any(_names_a_variant(v) for v in parameters.params.values()):
            item.add_marker(pytest.mark.slow)


def _names_a_variant(value: object) -> bool:
    return (isinstance(value, str) and value in VARIANTS) or (isinstance(value, tuple) and any(map(_names_a_variant, value)))
