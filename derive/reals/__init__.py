"""Statements about real numbers, decided: for all parameters in their ranges, does a combination of inequalities hold?

`formula` has the statements, `numbers` the real algebraic numbers, `reading` their texts, `decide` the decision.  Nothing here
knows schemes.
"""

from derive.algebra.coefficients import Ratio
from derive.reals.decide import Budget, Proved, Refuted, Undecided, Verdict, decide, example
from derive.reals.formula import TRUE, All, Compare, Either, Formula, Not, compare, defined, holds, implies
from derive.reals.numbers import Root, real_roots
from derive.reals.reading import End, end_of, ratio_of

__all__ = [
    "TRUE", "All", "Budget", "Compare", "Either", "End", "Formula", "Not", "Proved", "Ratio", "Refuted", "Root", "Undecided",
    "Verdict", "compare", "decide", "defined", "end_of", "example", "holds", "implies", "ratio_of", "real_roots",
]  # fmt: skip
