"""Settings that all tests share."""

from __future__ import annotations

import signal

from hypothesis import HealthCheck, Phase, settings

settings.register_profile("project", deadline=None, max_examples=25, derandomize=True,
                          suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])  # fmt: skip
# failures are not made smaller
settings.register_profile("mutation", settings.get_profile("project"), phases=[Phase.explicit, Phase.generate])
settings.load_profile("project")

# a run in the background ignores signals that end a program, and so would the programs that the tests end by them
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)
