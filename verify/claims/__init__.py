"""Statements of articles and papers, judged by computation.

    claim    one sentence, its source, a kind, and the data of that kind (TOML); nothing about the verdict
    judge    kind -> function;  data -> verdict, evidence, correct statement
    judgment proved | refuted | holds to leading order | undecided | not a mathematical statement, and what was judged
    lock     verdicts as recorded, with hashes of sentence, data and result; a run that differs from them fails

A claim about the equation of a scheme is proved from its update text (`verify.proof`); loss, order and stability are decided by
the readings of `derive` on an equation that is proved first; what else is needed (series, sequences eliminated from equations,
Fokker-Planck, rules between parameters, schedules) is exact algebra in this package.
"""
