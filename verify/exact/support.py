"""Which terms a scheme can produce at each power of gamma: its update text, executed on sets of terms.

The sets (`exact.graded`) contain every term of the true expansion, whatever the coefficients are.

Memory at gamma^0 is the fixed point of the leading program, affine once the memory it depends on is known; above, the sets
are enlarged until one more step of the scheme adds nothing.  Every operation is monotone and every power has finitely many
terms, so this ends.  None of the derived field is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from flint import fmpq, fmpq_mat

from derive.language import derivative_symbol
from derive.scheme import Configuration
from verify.exact.graded import MAX_TERMS, UNKNOWN, Graded, GradedAlgebra
from verify.exact.term_algebra import TermAlgebra
from verify.exact.terms import Combination, NotEnumerable, collect, symbol
from verify.numbers.power_series import to_fmpq, to_fraction

#: passes through the full depth at most
PASSES = 3


class Supports:
    """The supports of every state variable of a configuration, through gamma^depth.

    slow       the slow variables, by the names of the result
    values     a rational for every free parameter
    separate   whether products of denominators are split into partial fractions (`verify.exact.terms`)
    Afterwards `states[name]` is the graded value, `leads[name]` the slow manifold at gamma = 0.
    """

    def __init__(
        self,
        configuration: Configuration,
        slow: Sequence[str],
        values: Mapping[str, Fraction],
        depth: int,
        separate: bool = False,
    ) -> None:
        self.configuration, self.depth = configuration, depth
        self.slow = tuple(dict.fromkeys(("theta", *slow)))
        self.values = {n: to_fmpq(v) for n, v in values.items()}
        scheme = configuration.scheme
        scalars = {configuration.symbol(s) for s in scheme.states if scheme.kinds.get(s) == "scalar"} | {"t"}
        functions = {derivative_symbol(f, k) for f in scheme.functions for k in range(depth + 2)}
        self.algebra = TermAlgebra(scheme.label, scalars | functions, separate)
        self.memory = [configuration.symbol(s) for s in scheme.states if configuration.symbol(s) not in self.slow]
        for reach in sorted({0, min(depth, 2)} - {depth}):
            if reach == 0 or self.algebra.bases:
                self._find(reach)  # cheap: most bases are known before the passes that count
        for _ in range(PASSES):
            if not self._find(depth):  # else once more with the bases that were found: every term in normal form
                break

    def separated(self) -> Supports:
        """The same with products of denominators split into partial fractions."""
        values = {n: to_fraction(v) for n, v in self.values.items()}
        return Supports(self.configuration, self.slow, values, self.depth, separate=True)

    # ------------------------------------------------------------------------------------------ fixed points

    def _find(self, depth: int) -> bool:
        """One pass: leads, then terms; True if it found bases."""
        known = len(self.algebra.bases)
        self.graded = GradedAlgebra(self.algebra, depth + 2 * self._lost_powers())
        self.states = {s: Graded({symbol(s): fmpq(1)}, self.graded.empty()) for s in self.slow}
        self.states |= {m: Graded({symbol(f"{UNKNOWN}{m}"): fmpq(1)}, self.graded.empty()) for m in self.memory}
        self._settle_leads()
        self.leads = {m: dict(self.states[m].lead or {}) for m in self.memory}
        while self._enlarge():
            if sum(len(s) for v in self.states.values() for s in v.higher) > MAX_TERMS:
                raise NotEnumerable(f"more than {MAX_TERMS} products")
        return len(self.algebra.bases) > known

    def _lost_powers(self) -> int:
        """The largest power of gamma in the factor of a rescaled variable; dividing by it costs as many powers twice."""
        self.graded, powers = GradedAlgebra(self.algebra, 4), [0]
        names = {**{n: self.graded.constant(v) for n, v in self.values.items()}, "gamma": self.graded.clock({})}
        names["t"] = self.graded.clock({symbol("t"): fmpq(1)})
        for r in self.configuration.rescaled.values():
            factor = self.graded.evaluate(r.factor, names)
            powers.append(next((k for k in range(5) if any(factor.at(k))), 0))
        return max(powers)

    def _settle_leads(self) -> None:
        unknown = list(self.memory)
        while unknown:
            new = self.step()
            solvable = self._closed(unknown, new)
            if not solvable:
                raise NotEnumerable(f"the slow manifold of {', '.join(unknown)} at gamma = 0 is not affine")
            for m, lead in self._solve(solvable, new).items():
                self.states[m].lead = lead
            unknown = [m for m in unknown if m not in solvable]

    def _closed(self, unknown: list[str], new: Mapping[str, Graded]) -> list[str]:
        """The unknown variables whose new lead is affine in variables of the same kind."""
        found = [m for m in unknown if new[m].lead is not None]
        while True:
            names = {f"{UNKNOWN}{m}" for m in found}
            kept = [m for m in found if all(s in names for t in new[m].lead or {} for s, _ in t[0] if s.startswith(UNKNOWN))]
            if kept == found:
                return found
            found = kept

    def _solve(self, names: list[str], new: Mapping[str, Graded]) -> dict[str, Combination]:
        """X = A X + R."""
        size, marks = len(names), [symbol(f"{UNKNOWN}{m}") for m in names]
        leads = [new[m].lead or {} for m in names]
        matrix = fmpq_mat([[fmpq(i == j) - leads[i].get(marks[j], fmpq(0)) for j in range(size)] for i in range(size)])
        if matrix.det() == 0:
            raise NotEnumerable(f"{', '.join(names)} does not relax: a relaxation factor is 1")
        inverse = matrix.inv()
        rests = [{t: c for t, c in lead.items() if t not in marks} for lead in leads]
        return {m: collect((t, c * inverse[i, j]) for j in range(size) for t, c in rests[j].items()) for i, m in enumerate(names)}

    def _enlarge(self) -> bool:
        """One step of the scheme; True if it gave new terms."""
        grown = False
        for name, value in self.step().items():
            for old, new in zip(self.states[name].higher, value.higher, strict=False):
                if not new <= old:
                    old |= new
                    grown = True
        return grown

    # ------------------------------------------------------------------------------------------ one step

    def step(self) -> dict[str, Graded]:
        """The supports of the state after one step."""
        c, scheme = self.configuration, self.configuration.scheme
        names: dict[str, Graded] = {n: self.graded.constant(v) for n, v in self.values.items()}
        names["gamma"], names["t"] = self.graded.clock({}), self.graded.clock({symbol("t"): fmpq(1)})
        names |= {n: self.graded.evaluate(e, names) for n, e in c.bindings.items()}
        factors = {v: self.graded.evaluate(r.factor, names) for v, r in c.rescaled.items()}
        for s in scheme.states:
            value = self.states[c.symbol(s)]
            if s == "theta_prev":
                value = self.graded.sum(self.states["theta"], value)
            names[s] = self.graded.product(value, factors[s]) if s in factors else value
        names["theta_next"] = self.states["theta"]
        before = names["theta"]
        for a in scheme.program:
            names[a.target] = self.graded.evaluate(a.value, names)
        if "theta_prev" in scheme.states:
            old = names["theta_prev"] if "theta_prev" in scheme.assigned else before
            names["theta_prev"] = self.graded.sum(old, names["theta"], -1)
        new = {c.symbol(s): names[s] for s in scheme.states}
        for s, factor in factors.items():
            new[c.symbol(s)] = self.graded.divided(names[s], factor)
        return new
