"""What a search ended with: a theorem with its hypotheses, or that nothing is known.

    exists        found, and put back into the equation it must satisfy
    none exists   a theorem: `complete_over` says among what, and there is a witness or a reason
    none found    the search among what `searched` says ended without success; outside of it, or beyond it, nothing is said
    undecided     neither a proof nor a counterexample

A theorem about coefficients with parameters in them holds where `for_parameters` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from derive.algebra.coefficients import Ratio
from derive.algebra.factored import unwrapped
from derive.algebra.fold import terms_within
from derive.algebra.polynomials import factor
from derive.errors import DeriveError
from derive.readings.bounds import by_powers
from derive.readings.domain import stated_ranges
from derive.readings.witness import Witness, find_witness, inner_parameters, parameters_of
from derive.reals import TRUE, All, Compare, Not, Proved, decide, real_roots
from derive.result import Combination, Described, Equation

EXISTS, NONE_EXISTS, NONE_FOUND, UNDECIDED = VERDICTS = ("exists", "none exists", "none found", "undecided")
ALL, WITNESSED = "all in their ranges", "those of the witness"


@dataclass(frozen=True, repr=False)
class Conclusion(Described):
    """One of the four verdicts about the existence of `about`.

    A theorem of non-existence without something that it is complete over, or without a reason, cannot be built.
    """

    verdict: str
    about: str
    complete_over: str = ""
    searched: str = ""
    because: str = ""
    witness: Witness | None = None
    for_parameters: str = ALL
    quantity: str = ""  # what the witness's value is of

    def __post_init__(self) -> None:
        assert self.verdict in VERDICTS, self.verdict
        if self.verdict == NONE_EXISTS:
            assert self.complete_over, "complete over what?"
            assert self.because, "why?"
        assert not (self.searched and self.verdict != NONE_FOUND)

    def describe(self) -> str:
        return f"{self.about}: {self.verdict}"

    def to_json(self) -> dict[str, Any]:
        """`conclusion`, and what it rests on; the keys stand beside those of the reading."""
        return {
            "conclusion": self.verdict,
            "about": self.about,
            "complete_over": self.complete_over or None,
            "searched": self.searched or None,
            "because": self.because or None,
            "for_parameters": self.for_parameters,
            "witness": {"of": self.quantity, **self.witness.to_json()} if self.witness else None,
        }


def witness_of(total: Combination, *equations: Equation) -> Witness | None:
    """A witness that the sum is not zero, with the equations' parameters in their ranges and time functions as they are set."""
    functions = {n: f for e in equations for n, f in e.configuration.functions.items()}
    used = parameters_of(total)
    return find_witness(total, stated_ranges(used, *equations) if used else TRUE, functions)


# ---------------------------------------------------------------------------------------------- for which parameters


def where_nonzero(total: Combination, *equations: Equation) -> str:
    """For which parameters the sum is not zero, given a witness at some.

    Where its terms are independent, or its coefficients are multiples of one, it vanishes exactly where they do.
    """
    used = parameters_of(total)
    if not used:
        return ALL
    independent = all(is_polynomial(t) for t in total.sum)
    if independent or (not inner_parameters(total) and _proportional(list(total.sum.values()))):
        return unless(total.sum.values(), *equations)
    return WITNESSED


def is_polynomial(term: Any) -> bool:
    """Whether a term is built from derivatives of the loss and vectors alone, one at an index: such terms are independent."""
    return all(
        f.kind in ("node", "state") and e == 1 and len(t.factors) == 1 for t in terms_within(term) for f, e in t.factors
    ) or _is_scalar_tree(term)


def _is_scalar_tree(term: Any) -> bool:
    """A contraction of two trees, or the loss."""
    if len(term.factors) != 1 or term.factors[0][1] != 1:
        return False
    f = term.factors[0][0]
    if f.kind != "sum":
        return False
    (inner,) = f.children
    factors = [g for g, e in inner.factors for _ in range(e if isinstance(e, int) and e > 0 else 3)]
    return len(factors) == 2 and all(g.kind in ("node", "state") and all(map(is_polynomial, g.children)) for g in factors)


def _proportional(values: Sequence[Ratio]) -> bool:
    return all((v / values[0]).is_number for v in values)


def unless(values: Iterable[Ratio], *equations: Equation) -> str:
    """For which parameters not all values vanish: all in their ranges, or all but those that the text says.

    >>> from derive.equation import modified_equation
    >>> equation = modified_equation("qhm", 0); ring = equation.algebra.ring
    >>> beta, nu = ring.symbol("beta"), ring.symbol("nu")
    >>> unless([ring.one - beta * beta], equation), unless([beta * (ring.one - nu - nu)], equation)
    ('all in their ranges', 'all but those with beta*(1 - 2*nu) = 0')
    """
    conditions = list({str(c): c for v in values for c in [_squarefree(v)]}.values())
    if any(c.is_number for c in conditions):
        return ALL
    given = stated_ranges({s for c in conditions for s in c.symbols()}, *equations)
    vanish = All(tuple(Compare(c, "==") for c in conditions))
    try:
        if isinstance(decide(Not(vanish), given), Proved):
            return ALL
    except DeriveError:
        pass  # the exceptions are listed, if they are any
    return "all but those with " + " and ".join(map(_zero_text, conditions))


def _squarefree(value: Ratio) -> Ratio:
    """The product of the irreducible factors of the numerator."""
    result = value.ring.one
    for f, _ in factor(value.reduced().num)[1]:
        result = result * Ratio(value.ring, f, ())
    return result


def _zero_text(value: Ratio) -> str:
    names = sorted(value.symbols())
    if len(names) == 1 and len(row := by_powers(value.num, value.ring, names[0])) == 2:
        return f"{names[0]} = {real_roots([c.number() for c in row])[0]}"
    return f"{unwrapped(str(value))} = 0"
