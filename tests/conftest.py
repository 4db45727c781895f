"""Settings that all tests share."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings

settings.register_profile("project", deadline=None, max_examples=25, derandomize=True,
                          suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])  # fmt: skip
settings.register_profile("mutation", settings.get_profile("project"), phases=[Phase.explicit, Phase.generate])  # failures unshrunk
settings.load_profile("project")
