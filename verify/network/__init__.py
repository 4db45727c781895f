"""Modified equations measured against the optimizers that people run, on networks of their own.

    theta_n of the optimizer      against      the flow of f_0 + gamma f_1 + ... + gamma^N f_N at the time n gamma

The optimizers are optax's own, the flows diffrax's; nothing of the derivation but its result is used.
"""

from verify.network.experiment import Comparison, compare

__all__ = ["Comparison", "compare"]
