"""Rows of the verification table that the package `verify` answers for: it shares nothing with the derivation.

It is imported when a table is written, and only its verdict is used.
"""

from __future__ import annotations

from derive.errors import DeriveError, ResidualError
from derive.paper.context import Article
from derive.paper.prose import prose

MAX_TERMS = 60  # beyond this the route takes long
Row = tuple[str, int]


def independent_rows(article: Article) -> list[Row]:
    """The exact route on concrete losses, where it can be run.

    Raises ResidualError where it refutes the result.
    """
    equation = article.equation
    size = sum(len(s) for sums in equation.equations.values() for s in sums)
    if size > MAX_TERMS or any(f is not None for f in equation.configuration.functions.values()):
        return []  # the route takes time functions as arbitrary ones
    try:
        from verify.exact.claimed import claimed_field
        from verify.exact.proof import verify_exactly
        from verify.exact.study import Effort
        from verify.exact.terms import NotEnumerable
    except ImportError:
        return []
    try:
        found = verify_exactly(equation.configuration, claimed_field(equation.to_json()["equations"]), Effort(sets=1))
    except (DeriveError, NotEnumerable, ArithmeticError):
        return []
    if found.refuted:
        raise ResidualError(f"{equation.scheme.where}: refuted by the exact route at gamma^{found.mismatches[0].power}")
    points = sum(len(s.examined) for s in found.studies)
    settings = "; ".join(s.settings for s in found.studies)
    where = f" at {prose(settings)}" if equation.configuration.free else ""
    how = f"{points} point{'s' if points != 1 else ''} of polynomial losses{where}, by an independent program"
    if not article.is_loss:
        how = how.replace("losses", "fields")
    proof = f"; the {found.rank} values determine every term that the scheme can produce" if found.proved else ""
    rows = [(f"exact orbits of the update text on {how}{proof}", equation.order)]
    if found.first_nonzero_power is not None:
        what = r"there, one step of the scheme and the Taylor flow of the truncated field differ first at "
        rows.append((what + rf"$\step^{{{found.first_nonzero_power}}}$", found.first_nonzero_power - 1))
    return rows
