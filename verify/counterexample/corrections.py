"""Which coefficients of a formula to change: the difference of two formulas in normal form."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from flint import fmpq

from verify.counterexample.claimed import ClaimedField, Items
from verify.counterexample.normal_form import Combination, NoNormalForm, NormalForms, collected, difference
from verify.counterexample.parameters import settings_of
from verify.numbers.power_series import to_fraction
from verify.orbits.slow_series import Sample


@dataclass(frozen=True)
class Correction:
    """One term: what the formula gives it and what is right, at the parameter values `settings`."""

    term: str
    claimed: Fraction
    correct: Fraction
    settings: str


def corrections(claim: ClaimedField, correct: ClaimedField, variable: str, power: int, sample: Sample) -> list[Correction]:
    """Every term of f_power that one claim gives another coefficient than the other, at the sample's parameter values.

    Empty where a formula has no normal form in rational numbers there.
    """
    functions = {name for f in sample.functions for name in sample.derivative_values(f)}
    forms = NormalForms(sample.values, claim.scalars | functions | {"t"}, tuple(claim.configuration.scheme.unknowns))
    try:
        said, right = (_normal(forms, c.terms[variable][power]) for c in (claim, correct))
    except (NoNormalForm, ZeroDivisionError):
        return []
    zero, settings = fmpq(0), settings_of(sample.values)
    return [
        Correction(forms.text(t), to_fraction(said.get(t, zero)), to_fraction(right.get(t, zero)), settings)
        for t in difference(said, right)
    ]


def _normal(forms: NormalForms, items: Items) -> Combination:
    return collected((t, c) for a, b in items for t, c in forms.multiply(forms.of(a), forms.of(b)).items())
