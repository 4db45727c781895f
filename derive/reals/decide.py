"""Whether a statement holds for all real values of its names: proved, refuted by numbers, or undecided.

The negation is handed to z3's procedure for polynomial inequalities (cylindrical cells by conflicts, Jovanovic & de Moura
2012), which is complete: only the bound on its resources leaves a statement undecided.  A refutation is never taken on trust:
its numbers are substituted in exact arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from derive.algebra.factored import Monomials
from derive.reals.formula import TRUE, All, Compare, Either, Formula, Not, Value, holds, names_in
from derive.reals.numbers import real_roots


@dataclass(frozen=True)
class Budget:
    """Steps of the procedure (the same on every machine), and a cap on its time for what steps do not count."""

    steps: int = 4_000_000
    seconds: float = 10


@dataclass(frozen=True)
class Proved:
    """For all values."""


@dataclass(frozen=True)
class Refuted:
    """Numbers at which it does not hold; irrational only where no rational ones were found."""

    values: Mapping[str, Value]


@dataclass(frozen=True)
class Undecided:
    """Neither, and why."""

    reason: str


Verdict = Proved | Refuted | Undecided


def decide(claim: Formula, given: Formula = TRUE, budget: Budget | None = None) -> Verdict:
    """given => claim, for all real values of all names.

    >>> from derive.algebra.coefficients import Ring
    >>> from derive.reals.formula import compare
    >>> ring = Ring(["x"]); x, one = ring.symbol("x"), ring.one
    >>> decide(compare(x * x + one, ">=", x + x))
    Proved()
    >>> decide(compare(x * x, ">=", x), compare(x, ">", ring.zero))
    Refuted(values={'x': Fraction(1, 2)})
    """
    found = example(All((given, Not(claim))), budget)
    return Proved() if found is None else found if isinstance(found, Undecided) else Refuted(found)


def example(formula: Formula, budget: Budget | None = None) -> Mapping[str, Value] | Undecided | None:
    """Numbers at which the formula holds, checked; None where it is proved that there are none."""
    names = sorted(names_in(formula))
    search = _Search(formula, names, budget or Budget())
    answer = search.check()
    if answer != "sat":
        return None if answer == "unsat" else Undecided(answer)
    values = search.rational()
    if holds(formula, values) is not True:
        return Undecided("numbers were found but not confirmed exactly")
    return values


class _Search:
    """One formula, written in SMT-LIB's language (our own table of it), and the numbers found for its names."""

    def __init__(self, formula: Formula, names: Sequence[str], budget: Budget) -> None:
        self.names, self.budget = names, budget
        self.letters = {n: f"x{k}" for k, n in enumerate(names)}
        declared = "".join(f"(declare-const {x} Real)" for x in self.letters.values())
        self.text = f"{declared}(assert {self.translate(formula)})"
        self.values: dict[str, Value] = {}

    def check(self, extra: Sequence[str] = ()) -> str:
        """'sat' (the values are kept), 'unsat', or a reason."""
        import z3

        solver = z3.SolverFor("QF_NRA")
        solver.set("rlimit", self.budget.steps)
        solver.set("timeout", max(1, int(self.budget.seconds * 1000)))
        try:
            solver.from_string(self.text + "".join(f"(assert {e})" for e in extra))
            answer = str(solver.check())
        except z3.Z3Exception as error:
            return str(error)
        if answer == "sat":
            model = solver.model()
            self.values = {n: _value(z3, model.eval(z3.Real(x), model_completion=True)) for n, x in self.letters.items()}
        return answer if answer != "unknown" else _reason(solver.reason_unknown())

    def rational(self) -> dict[str, Value]:
        """The values found, with a simple rational one wherever a nearby one also does."""
        held: list[str] = []
        for name in self.names:
            if name.isidentifier():
                before = self.values
                for candidate in _nearby(before[name]):
                    if self.check([*held, self.equal(name, candidate)]) == "sat":
                        break
                    self.values = before
            if isinstance(found := self.values[name], Fraction):
                held.append(self.equal(name, found))
        return self.values

    def equal(self, name: str, value: Fraction) -> str:
        return f"(= {self.letters[name]} {_number(value)})"

    def translate(self, formula: Formula) -> str:
        match formula:
            case Compare():
                return self.comparison(formula)
            case Not(part):
                return f"(not {self.translate(part)})"
            case All(parts):
                return f"(and true {' '.join(map(self.translate, parts))})"
            case Either(parts):
                return f"(or false {' '.join(map(self.translate, parts))})"

    def comparison(self, a: Compare) -> str:
        """num/prod f^e op 0: num times the f of odd exponent has the quotient's sign where no f vanishes."""
        ring, d = a.difference.ring, a.difference
        below = [(self.polynomial(ring.monomials(ring.factors[i])), e) for i, e in d.den]
        top = " ".join([self.polynomial(ring.monomials(d.num)), *(f for f, e in below if e % 2)])
        sign = f"({'distinct' if a.op == '!=' else a.op.replace('==', '=')} (* 1.0 {top}) 0.0)"
        return f"(and {sign} {' '.join(f'(distinct {f} 0.0)' for f, _ in below)})"

    def polynomial(self, monomials: Monomials) -> str:
        terms = [" ".join([_number(c), *(self.letters[n] for n, e in powers for _ in range(e))]) for c, powers in monomials]
        return f"(+ 0.0 {' '.join(f'(* 1.0 {t})' for t in terms)})"


def _number(value: Fraction) -> str:
    size = f"(/ {abs(value.numerator)}.0 {value.denominator}.0)"
    return f"(- {size})" if value < 0 else size


def _reason(text: str) -> str:
    return "the bound on steps was reached" if "resource" in text or "timeout" in text or "cancel" in text else text


def _value(z3: Any, v: Any) -> Value:
    if z3.is_rational_value(v):
        return Fraction(v.numerator_as_long(), v.denominator_as_long())
    roots = real_roots([int(str(c)) for c in v.poly()])
    near = v.approx(60)
    place = Fraction(near.numerator_as_long(), near.denominator_as_long())
    return min(roots, key=lambda r: abs(_near(r) - place))


def _nearby(value: Value) -> Iterator[Fraction]:
    """Simple fractions ever nearer to a number that is not simple itself."""
    if isinstance(value, Fraction) and value.denominator < 1000:
        return
    for width in (Fraction(1, 10**k) for k in (1, 3, 6)):
        at = value if isinstance(value, Fraction) else value.within(width).low
        yield _simplest(at - width, at + width)


def _near(r: Value) -> Fraction:
    return r if isinstance(r, Fraction) else r.within(Fraction(1, 10**60)).low


def _simplest(low: Fraction, high: Fraction) -> Fraction:
    """The fraction of least denominator in the open interval.

    >>> _simplest(Fraction(31, 10), Fraction(32, 10))
    Fraction(19, 6)
    """
    if low < 0 < high:
        return Fraction(0)
    if high <= 0:
        return -_simplest(-high, -low)
    whole = low.numerator // low.denominator
    if whole + 1 < high:
        return Fraction(whole + 1)
    if low == whole:
        rest = high - whole
        return whole + Fraction(1, rest.denominator // rest.numerator + 1)
    return whole + 1 / _simplest(1 / (high - whole), 1 / (low - whole))


__all__ = ["Budget", "Proved", "Refuted", "Undecided", "Verdict", "decide", "example"]
