"""Statements of articles and papers, judged by computation.

    claim    one sentence, its source, a kind, and the data of that kind (TOML); nothing about the verdict
    judge    kind -> function;  data -> verdict, evidence, correct statement
    judgment proved | refuted | holds to leading order | not a mathematical statement
    lock     the verdicts as recorded; a run whose verdicts differ from them fails

A claim about a scheme's field, loss, order or stability is decided by the readings of `derive` and adds nothing to them; what
else is needed (operator series, sequences eliminated from equations, Fokker-Planck, rules between parameters, schedules) is
exact algebra in this package.
"""
