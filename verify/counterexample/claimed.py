"""A claimed field: its terms as trees, and its values at a sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from derive.language import Call, Expression, Operation, constant, names_of, walk
from derive.language.layers import LAYERED, NORMS
from derive.scheme import Configuration
from derive.scheme.names import previous
from verify.orbits.run import sizes_of, space_of
from verify.orbits.slow_series import Sample
from verify.problems.formula import FormulaValues, formula_reader

Items = Sequence[tuple[Expression, Expression]]  # (coefficient, term): their products are summed


@dataclass(frozen=True)
class ClaimedField:
    """A claimed field of a scheme: `terms[x][k]` are (coefficient, term) trees of f_k for the slow variable x.

    `memory[m]` is the slow manifold at gamma = 0, where the search for the orbit begins: a wrong one is noticed there.  A claim
    about some of the slow variables only names all of them in `all_slow`.
    """

    configuration: Configuration
    terms: Mapping[str, Sequence[Items]]
    memory: Mapping[str, Items] = field(default_factory=dict)
    all_slow: tuple[str, ...] = ()

    @property
    def order(self) -> int:
        return len(next(iter(self.terms.values()))) - 1

    @property
    def slow(self) -> tuple[str, ...]:
        return self.all_slow or tuple(self.terms)

    @property
    def complete(self) -> bool:
        """Whether every slow variable has its field."""
        return set(self.slow) == set(self.terms)

    @cached_property
    def scalars(self) -> frozenset[str]:
        """State variables without components."""
        scheme = self.configuration.scheme
        return frozenset(self.configuration.symbol(s) for s in scheme.states if scheme.kinds.get(s) == "scalar")

    def space(self, variable: str) -> str:
        """The unknown whose components a variable has."""
        scheme = self.configuration.scheme
        return next(space_of(scheme, s) for s in scheme.states if self.configuration.symbol(s) == variable)

    @cached_property
    def roots(self) -> tuple[Expression, ...]:
        """Everything in the claim that takes a root, once."""
        return tuple(dict.fromkeys(node for tree in self._trees() for node in walk(tree) if _takes_root(node)))

    def _trees(self) -> Iterator[Expression]:
        for items in (*(i for powers in self.terms.values() for i in powers), *self.memory.values()):
            for coefficient, term in items:
                yield from (coefficient, term)

    @cached_property
    def layered(self) -> bool:
        """Whether the text or the claim sums over layers."""
        calls = (node.function for tree in self._trees() for node in walk(tree) if isinstance(node, Call))
        return self.configuration.scheme.layered or any(name in LAYERED for name in calls)

    @cached_property
    def timed(self) -> bool:
        """Whether the time is read anywhere."""
        c = self.configuration
        texts = (*(a.value for a in c.scheme.program), *c.bindings.values(), *(r.factor for r in c.rescaled.values()))
        return any("t" in names_of(e) for e in (*texts, *self._trees()))

    def through(self, power: int) -> ClaimedField:
        """The claim about f_0, ..., f_power alone."""
        return replace(self, terms={x: v[: power + 1] for x, v in self.terms.items()})


def _takes_root(node: Expression) -> bool:
    match node:
        case Call(function, _) if function == "sqrt" or function in NORMS:
            return True
        case Operation("**", (_, exponent)):
            r = constant(exponent)
            return r is not None and r.denominator > 1
    return False


Blocks = Sequence[Mapping[str, Any]]


def claimed_field(
    configuration: Configuration, equations: Mapping[str, Blocks], memory: Mapping[str, Blocks] | None = None
) -> ClaimedField:
    """The claim made by the `equations` of a result's JSON form, with the limit of its `memory`."""
    terms = {x: [_items(configuration, block) for block in blocks] for x, blocks in equations.items()}
    return ClaimedField(configuration, terms, memory_limit(configuration, memory or {}))


def memory_limit(configuration: Configuration, memory: Mapping[str, Blocks]) -> dict[str, Items]:
    """The slow manifold at gamma = 0, of the `memory` of a result's JSON form."""
    return {m: _items(configuration, blocks[0]) for m, blocks in memory.items()}


def _items(configuration: Configuration, block: Mapping[str, Any]) -> Items:
    read = formula_reader(configuration)
    return [(read(i["coefficient"], "coefficient"), read(i["term"], "term")) for i in block["terms"]]


# ------------------------------------------------------------------------------------------ values


def combination(values: FormulaValues, items: Items, size: int) -> list[Any] | None:
    """Sum of coefficient times term, one entry a component; None for an empty sum."""
    total: list[Any] | None = None
    for coefficient, term in items:
        c, v = values.of(coefficient), values.of(term)
        cs = c if isinstance(c, list) else [c] * size
        vs = v if isinstance(v, list) else [v] * size
        products = [x * y for x, y in zip(cs, vs, strict=False)]
        total = products if total is None else [a + b for a, b in zip(total, products, strict=True)]
    return total


def values_at(sample: Sample) -> FormulaValues:
    """The values of formulas at the sample's point."""
    return FormulaValues(sample.problem, sample.problem.point, sample.names(), sample.numbers, maps=sample.maps)


def claimed_values(claim: ClaimedField, sample: Sample) -> dict[str, list[list[Any]]]:
    """The claimed f_k at a sample's point, one entry a component."""
    values, zero = values_at(sample), sample.unit * 0
    sizes, found = sizes_of(claim.configuration, sample.problem.sizes), {}
    for x, powers in claim.terms.items():
        size = sizes[x] or 1
        found[x] = [combination(values, items, size) or [zero] * size for items in powers]
    return found


def memory_values(claim: ClaimedField, values: FormulaValues) -> dict[str, Any]:
    """The claimed memory at gamma = 0 as the orbit holds it: the previous point as its difference from the present one."""
    sizes, found = sizes_of(claim.configuration, values.problem.sizes), {}
    now = {previous(x): point for x, point in values.points.items()}
    for m, items in claim.memory.items():
        size = sizes[m] or 1
        value = combination(values, items, size) or [values.numbers.lift(Fraction(0))] * size
        if m in now:
            value = [v - p for v, p in zip(value, now[m], strict=True)]
        found[m] = value[0] if m in claim.scalars else value
    return found
