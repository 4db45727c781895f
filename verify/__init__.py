"""Verification of modified equations by routes that share nothing with their derivation.

    numbers         power series, balls, recorded operations: what an update text is run on
    problems        losses and fields, their derivatives, the language of formulas
    orbits          the update text run; slow orbits as exact power series and in balls; flows
    proof           a field proved for every smooth loss, every dimension and all parameter values, over random prime fields
    counterexample  f_k of exact orbits on random losses against the claimed ones: where a claim fails, and what is right
    numeric         error against gamma for every truncation; coefficients recovered from runs; closed forms on quadratics
    network         optimizers of optax on small networks against the flows of their modified equations
    certificate     a statement as a file, and a checker that stands alone
    sde             generators of stochastic optimizers proved from their texts, and numerical routes to them
    claims          statements of papers, judged by the proof and by the readings of `derive`
    report          a page to look at
    commands        the command line

`verification` has all routes of one scheme, `formula_verdict` the verdict on somebody's formula.  The routes read the public
data of `derive` (schemes, expressions, results) and nothing of its algebra.
"""

from __future__ import annotations
