"""Verification of modified equations by routes that share nothing with their derivation.

    exact       orbits of the scheme on the slow manifold, as power series in gamma with exact coefficients, give the value of
                every f_k at a point of a concrete loss; one step against the Taylor flow of the field
    complete    enough losses and points that the values determine every term the scheme can produce
    numerical   error against gamma for every truncation; coefficients recovered from runs; closed forms on quadratics

`verify` reads the public data of `derive` (schemes, expressions, results) and nothing of its algebra.
"""

from __future__ import annotations
