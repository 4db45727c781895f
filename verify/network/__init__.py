"""Modified equations measured against the optimizers that people run, on networks of their own.

    theta_n of the optimizer      against      the flow of f_0 + gamma f_1 + ... + gamma^N f_N at the time n gamma

The optimizers are optax's own, the flows those of a method of order 8; nothing of the derivation but its result is used.
"""

from verify.network.comparison import Comparison
from verify.network.experiment import compare, compare_many

__all__ = ["Comparison", "compare", "compare_many"]
