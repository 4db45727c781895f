"""Weak modified equations verified: a claimed generator G of a stochastic optimizer against its update text.

    statement    the claim: forests with their coefficients, read anew
    reading      what an update text may contain, and what it draws
    scalars      numbers modulo a prime, or balls
    ring         polynomials of bounded degree in the unit of gamma, distances from a point, memory and normal vectors
    elements     such polynomials as numbers of the interpreter of update texts
    world        random losses of a few samples with unequal probabilities, at a random point
    structure    what a step does to its memory as gamma -> 0
    step         one step, and its expectation T as a matrix
    forests      G as a matrix
    functions    what labels stand for that are neither gradients nor variables
    family       l T = exp(gamma G) l, the statement in one world
    bound        how often a wrong generator can pass
    proof        the verdict: for every smooth loss, every law of the samples, every dimension
    witness      losses and numbers on which two generators differ
    moments      slopes of the error of moments on quadratic losses, for every truncation
    stationary   the variance that is left after a long time
    simulation   random paths with error bars
    certificate  the statement, for a checker of its own
    verification all of these

Nothing here knows how a generator is derived.
"""

from __future__ import annotations
