"""A claimed field: its terms as trees, with numbers for parameters, and its values at a sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from derive.language import Expression, Number, names_of
from verify.numbers.evaluation import elementary, evaluate
from verify.numbers.kinds import EXACT
from verify.numbers.power_series import to_fraction
from verify.orbits.slow_series import Sample
from verify.problems.formula import FormulaValues, parsed


@dataclass(frozen=True)
class ClaimedField:
    """A claimed field: `terms[x][k]` are (coefficient, term) trees of f_k for the slow variable x.

    A claim about some of the slow variables only names all of them in `all_slow`.
    """

    terms: Mapping[str, Sequence[Sequence[tuple[Expression, Expression]]]]
    all_slow: tuple[str, ...] = ()

    @property
    def order(self) -> int:
        return len(next(iter(self.terms.values()))) - 1

    @property
    def slow(self) -> tuple[str, ...]:
        return self.all_slow or tuple(self.terms)


def claimed_field(equations: Mapping[str, Sequence[Mapping[str, Any]]]) -> ClaimedField:
    """The claim made by the `equations` of a result's JSON form."""
    return ClaimedField(
        {
            x: [
                [(parsed(i["coefficient"], "coefficient"), parsed(i["term"], "term")) for i in block["terms"]] for block in blocks
            ]
            for x, blocks in equations.items()
        }
    )


def with_numbers(claim: ClaimedField, values: Mapping[str, Any]) -> ClaimedField:
    """The claim with every coefficient that depends on parameters only replaced by its value."""

    def number(coefficient: Expression) -> Expression:
        names = names_of(coefficient)
        if not all(n in values for n in names):
            return coefficient
        found = evaluate(coefficient, values, EXACT, lambda f, args: elementary(f, args, EXACT))
        return Number(to_fraction(found))

    terms = {x: [[(number(c), t) for c, t in items] for items in by_power] for x, by_power in claim.terms.items()}
    return ClaimedField(terms, claim.all_slow)


def combination(values: FormulaValues, items: Sequence[tuple[Any, Any]], size: int) -> list[Any] | None:
    """Sum of coefficient times term, one entry a component; None for an empty sum."""
    total: list[Any] | None = None
    for coefficient, term in items:
        c, v = values.of(coefficient), values.of(term)
        cs = c if isinstance(c, list) else [c] * size
        vs = v if isinstance(v, list) else [v] * size
        products = [x * y for x, y in zip(cs, vs, strict=False)]
        total = products if total is None else [a + b for a, b in zip(total, products, strict=True)]
    return total


def claimed_values(claim: ClaimedField, sample: Sample) -> dict[str, list[list[Any]]]:
    """The claimed f_k at a sample's point, one entry a component."""
    values = FormulaValues(sample.problem, sample.problem.point, sample.names(), EXACT)
    zero = sample.unit * 0
    found: dict[str, list[list[Any]]] = {}
    for x, by_power in claim.terms.items():
        scalar = x != "theta" and not isinstance(sample.slow[x], list)
        size = 1 if scalar else sample.problem.dimension
        found[x] = [combination(values, items, size) or [zero] * size for items in by_power]
    return found
