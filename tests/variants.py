"""Schemes of the catalogue for which others stand in the batteries over all of it: variants as libraries have them, and
what takes long.

Tests that are repeated for them carry the marker `slow`; their rows beside the libraries do not.
"""

VARIANTS = frozenset((
    "a2grad", "accsgd", "acprop", "adabelief-bias-corrected", "adabelief-outside", "adabound", "adagrad-lr-decay",
    "adagrad-torch", "adai-bias-corrected", "adam-eps-hat", "adamax-bias-corrected", "adamax-outside", "adamaxw", "adamod",
    "adams", "adamw-schedule", "adamwsn", "adan-bias-corrected", "adan-optax", "adanorm", "adapnm",
    "adaptive-gradient-clipping", "adasmooth", "ademamix-bias-corrected", "adopt", "amsgrad-bias-corrected", "asgd",
    "avagrad", "bcos", "bcos-m", "came-vector", "cautious-adamw", "dadapt-sgd", "dog", "dowg", "dual-adam", "dual-averaging",
    "exadam", "fadam", "fromage", "ftrl", "gd-clipped-value", "grams", "kate", "lamb-eps", "laprop", "lars-optax",
    "lion-sign", "lion-tanh", "madgrad", "mars", "mars-lion", "momentum-weight-decay-schedule", "momo", "momo-adam", "msvag",
    "nadam-momentum-decay", "nadamw", "optimistic-adam", "optimistic-nadam", "padam", "pid", "pnm", "polyak-step-bounded",
    "qhadam-bias-corrected", "racs", "radam", "radam-torch", "rmsprop-centred-outside", "rmsprop-inside-momentum",
    "schedule-free", "schedule-free-adamw",
    "schedule-free-adamw-bias-corrected", "scion-rms", "signum-sign", "simplified-ademamix",
    "simplified-ademamix-ema", "sm3", "stable-adamw", "weight-average", "weight-ema",
))  # fmt: skip
