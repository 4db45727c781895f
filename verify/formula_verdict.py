"""Somebody's formula: confirm or refute it, and say what is right instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from derive import modified_loss
from derive.errors import UsageError
from derive.language import Expression, Number, substitute, unparse
from verify.counterexample.claimed import ClaimedField, Items, claimed_field
from verify.counterexample.comparison import Mismatch, compare
from verify.counterexample.corrections import Correction, corrections
from verify.counterexample.smaller import smaller
from verify.counterexample.wording import counterexample_json, counterexample_text
from verify.proof import Proof, prove
from verify.proof.repeats import at, named
from verify.stated_formula import StatedFormula, read_formula

CHOICES = 6  # values of the parameters that are tried for a counterexample


@dataclass(frozen=True)
class FormulaVerdict:
    """`verdict` is confirmed, refuted or undecided; `power` the first power of gamma at which the formula fails."""

    text: StatedFormula
    verdict: str
    proof: Proof
    power: int | None = None
    counterexample: Mismatch | None = None
    corrections: Sequence[Correction] = ()
    correct: str = ""
    reason: str = ""
    loss: str = ""  # what is right of a claimed modified loss
    is_map: bool = False  # refuted as a flow; it is the memoryless map theta+ = theta + gamma (...)

    def to_json(self) -> dict[str, Any]:
        return {
            "scheme": self.text.configuration.scheme.name,
            "regime": self.text.configuration.regime,
            "order": self.text.order,
            "says": list(self.text.says),
            "verdict": self.verdict,
            "proof": self.proof.to_json(),
            "argument": self.reason,
            "first_failing_power": self.power,
            "counterexample": counterexample_json(self.counterexample) if self.counterexample else None,
            "corrections": [
                {"term": c.term, "claimed": str(c.claimed), "correct": str(c.correct), "parameters": c.settings}
                for c in self.corrections
            ],
            "correct": self.correct,
            "is_map": self.is_map,
            **self.text.equation.region(),
        }


def check_formula(text: StatedFormula, seed: int = 0) -> FormulaVerdict:
    """Confirm (proved for every loss and all parameter values) or refute (first power, counterexample, what is right)."""
    statement = text.equation.to_json()
    claimed = {x: [_formula_text(items) for items in powers] for x, powers in text.claim.terms.items()}
    proof = prove(text.configuration, statement["equations"] | claimed, statement["memory"])
    if proof.proved:
        return FormulaVerdict(text, "confirmed", proof, reason=str(proof))
    claim = _at(text.claim, proof.numbers)
    found = _counterexample(claim, seed)
    if found is None:
        return FormulaVerdict(text, "refuted" if proof.verdict == "refuted" else "undecided", proof, power=proof.power,
                              correct=_correct(text, proof.variable, proof.power), reason=str(proof))  # fmt: skip
    derived = _at(claimed_field(text.configuration, statement["equations"]), proof.numbers)
    changes = corrections(claim, derived, found.variable, found.power, found.sample)
    correct = _correct(text, found.variable, found.power)
    all_unknowns = claimed.keys() >= text.configuration.scheme.unknowns.keys()
    is_map = all_unknowns and prove(text.configuration, claimed, statement["memory"], form="map").proved
    loss = _loss(text, found.power)
    return FormulaVerdict(text, "refuted", proof, found.power, found, changes, correct, str(proof), loss, is_map)


def _at(claim: ClaimedField, numbers: Mapping[str, int]) -> ClaimedField:
    """The claim with numbers of repetitions in place of symbols."""
    if not numbers:
        return claim
    values: dict[str, Expression] = {n: Number(Fraction(k)) for n, k in numbers.items()}

    def fixed(items: Items) -> Items:
        return [(substitute(c, values), substitute(t, values)) for c, t in items]

    terms = {x: [fixed(items) for items in powers] for x, powers in claim.terms.items()}
    memory = {m: fixed(items) for m, items in claim.memory.items()}
    return replace(claim, configuration=at(claim.configuration, numbers), terms=terms, memory=memory)


def _counterexample(claim: ClaimedField, seed: int) -> Mismatch | None:
    """A loss and a point where the formula fails, small where possible; None if it holds wherever it was tried."""
    try:
        found = compare(claim, seed, CHOICES).mismatches
    except (ArithmeticError, UsageError):
        return None
    return smaller(claim, found[0], seed) if found else None


def _formula_text(items: Sequence[tuple[Expression, Expression]]) -> str:
    return " + ".join(f"({unparse(c)})*({unparse(t)})" for c, t in items) or "0"


def _correct(text: StatedFormula, variable: str, power: int | None) -> str:
    return "" if power is None else str(text.equation[variable][power])


def _loss(text: StatedFormula, power: int) -> str:
    """The modified loss at this power, where one is claimed; or that there is none."""
    if text.claim_is_loss:
        c = text.configuration
        v = modified_loss(c.scheme, power, regime=c.regime or None, settings=c.settings)
        if power <= v.exists_through:
            return "" if power in v.unwritten else f"V at gamma^{power}: {v.potential[power]}"
        if v.obstruction is not None and v.obstruction.decided:
            return f"no loss is right at gamma^{v.exists_through + 1}: the field there is no gradient for every loss"
    return ""


def formula_lines(result: FormulaVerdict) -> Iterator[str]:
    """The verdict in words."""
    yield from (f"claim: {says}" for says in result.text.says)
    if branch := result.text.equation.region():
        place = f", taken where {' and '.join(branch['condition'])}" if branch["condition"] else ""
        yield f"of the branch {'; '.join(branch['branch'])}{place}"
    m, power = result.counterexample, result.text.equation.scheme.power
    if result.verdict == "confirmed":
        yield f"confirmed through {power(result.text.order)}: {result.reason}"
    elif m is None:
        yield result.reason
        if result.correct:
            yield f"  correct at {power(result.power or 0)}: {result.correct}"
    else:
        numbers = f", {named(result.proof.numbers)}" if result.proof.numbers else ""
        yield f"refuted at {power(result.power or 0)}, in {m.variable}'{numbers}"
        yield f"  counterexample: {counterexample_text(m)}"
        for c in result.corrections:
            yield f"  coefficient of {c.term}: {c.claimed} claimed, {c.correct} correct ({c.settings})"
        yield f"  correct at {power(result.power or 0)}: {result.correct}"
        if result.loss:
            yield f"  {result.loss}"
        if result.is_map:
            maps = " and ".join(f"{x}+ = {x} + gamma (...)" for x in result.text.configuration.scheme.unknowns)
            yield f"  the claim is the memoryless map {maps} of derive modified-eq --form map, no flow"


def print_formula(result: FormulaVerdict) -> None:
    """The verdict in words, on standard output."""
    import click

    for line in formula_lines(result):
        click.echo(line)


def formula_latex(result: FormulaVerdict) -> str:
    """What is right, as LaTeX to paste in place of the claim; the verdict stands above it as comments."""
    said = [f"% {line}" for text in formula_lines(result) for line in text.splitlines()]
    return "\n".join([*said, result.text.equation.latex()])


__all__ = [
    "Correction", "FormulaVerdict", "StatedFormula", "check_formula", "formula_latex", "formula_lines", "print_formula",
    "read_formula",
]  # fmt: skip
