"""Modified equations measured against the optimizers that people run, on networks of their own.

    theta_n of the optimizer      against      the flow of f_0 + gamma f_1 + ... + gamma^N f_N at the time n gamma

The optimizers are optax's own, the flows those of a method of order 8; nothing of the derivation but its result is used.

    comparison   the table of errors and slopes, as data      sweep      many settings; these two need no library
    models       the networks                                 optimizers the rows of optax
    runs, flow   iterates and flows, compiled                 experiment `compare`, `compare_many`
"""
