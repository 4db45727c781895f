"""What was checked while the article was written; a check that fails raises, one that cannot be run is left out."""

from __future__ import annotations

from contextlib import suppress
from math import factorial

from flint import fmpq

from derive.algebra.calculus import Derivative, gradient
from derive.algebra.fold import within
from derive.algebra.sequences import coefficient_of_n
from derive.algebra.sums import Sum, accumulate, reduced
from derive.algebra.terms import Term
from derive.errors import ReductionError, ResidualError
from derive.paper.context import Article
from derive.paper.multistep import time_derivatives
from derive.readings.loss import ModifiedLoss
from derive.readings.second_order import time_rate
from derive.writing.standing import remembers

MAX_TERMS = 300
Check = tuple[str, int]  # what, and the power of gamma through which it holds


class _UndecidedError(Exception):
    """The normal forms differ where that does not prove that the functions do."""


def checks(article: Article, loss: ModifiedLoss | None) -> list[Check]:
    """Rows of the verification table."""
    rows: list[Check] = [
        ("the sequences, put back into the update, leave no residual", article.equation.residual_power),
    ]
    scheme = article.multistep
    if scheme is not None:
        _, field = time_derivatives(article.derivation.algebra, article.equation.scheme.label, scheme.mu)
        for k, (a, b) in enumerate(zip(field, article.derivation.fields["theta"], strict=True)):
            _require(article, a, b, f"operator series at gamma^{k}")
        rows.append(("the operator series and the solution with symbolic $n$ give the same field, term by term", article.order))
    with suppress(ReductionError, _UndecidedError):
        if _flow_agrees(article):
            manifold = " on the slow manifold" if remembers(article.equation) else ""
            flow = rf"the flow of the result, $e^{{n\step D}}{article.point}$,"
            rows.append((f"{flow} is the iterate of number $n${manifold}, for every $n$", article.order + 1))
    if loss is not None and loss.exists_through >= 0 and not loss.unwritten:
        with suppress(_UndecidedError):
            for k in range(loss.exists_through + 1):
                negative = {t: -c for t, c in gradient(loss.equation.algebra, loss.potential[k].sum).items()}
                _require(article, negative, article.derivation.fields["theta"][k], f"gradient of the loss at gamma^{k}")
            rows.append(("the modified loss, differentiated, gives the field back", loss.exists_through))
    return rows


def _require(article: Article, a: Sum, b: Sum, what: str) -> None:
    algebra = article.derivation.algebra
    if not algebra.is_zero(algebra.add(a, {t: -c for t, c in b.items()})):
        if any(map(_has_forms, (*a, *b))):
            raise _UndecidedError(what)
        raise ResidualError(f"{article.equation.scheme.where}: {what} does not agree with the field")


def _has_forms(term: Term) -> bool:
    """A sum under a power, or an absolute value, stands in it: two forms of one function may then differ."""
    return any(f.kind in ("base", "abs", "root") for f in within(term))


def _flow_agrees(article: Article) -> bool:
    """X_k(n) = sum_m n^m/m! (D^m X)_(k-m) with (D^(m+1) X)_j = sum_i (D^m X)'_(j-i) [f_i] + d/dt (D^m X)_j."""
    derivation = article.derivation
    algebra, slow, last = derivation.algebra, derivation.slow, article.order + 1
    size = sum(len(s) for x in slow for s in derivation.solution[x].values())
    if size > MAX_TERMS:
        return False
    rate = time_rate(article.equation)
    moves = [
        Derivative(algebra, {x: derivation.fields[x][i] for x in slow}, rate if i == 0 else None)
        for i in range(article.order + 1)
    ]
    for x in slow:
        power = [derivation.fields[x][j] for j in range(last)]  # D X
        for m in range(1, last + 1):
            for j in range(last - m + 1):
                scaled = {t: c.scaled(fmpq(1, factorial(m))) for t, c in power[j].items()}
                solution = derivation.solution[x].get(m + j, {})
                found = {t: v for t, c in solution.items() if (v := coefficient_of_n(c, m))}
                _require(article, scaled, found, f"flow of {x} at gamma^{m + j} n^{m}")
            power = [_moved(algebra, moves, power, j) for j in range(last - m)]
    return True


def _moved(algebra: object, moves: list[Derivative], power: list[Sum], j: int) -> Sum:
    total: Sum = {}
    for i in range(j + 1):
        accumulate(total, moves[i](power[j - i]))
    return reduced(total)
