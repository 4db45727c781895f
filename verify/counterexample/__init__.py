"""Counterexamples in rational numbers: a claimed field against the scheme's own orbit at random points.

    update text, claimed field  --claimed-->  the claim, with what is under its roots
      --parameters, samples, roots-->  a random loss, point and parameter values at which every root is rational (else balls)
      --comparison-->  f_k of the exact slow orbit = the claimed value, for every variable, power and component?
      --smaller-->  a mismatch on a loss that is easy to check by hand         --wording-->  in words and as data
      --given-->  the same on a loss that the user names                       --one_step-->  one step against the Taylor flow

A mismatch refutes.  Agreement at points proves nothing: proofs are made by `verify.proof`.  `corrections` says which
coefficients of a formula to change, `specialise` what becomes of an equation when a time function is set.
"""
