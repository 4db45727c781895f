"""kind -> (its data, its judge): the table of everything that can be decided."""

from __future__ import annotations

from collections.abc import Mapping

from derive.errors import DeriveError, UsageError
from verify.statements import density, equations, noise, operators, others, readings, rules, schedules, sequences, stability
from verify.statements.claim import Claim
from verify.statements.verdict import Judgment, Kind

KINDS: Mapping[str, Kind] = {
    "modified-equation": Kind(equations.FieldClaim, equations.judge_field, "theta' = f_0 + gamma f_1 + ... of a scheme"),
    "modified-loss": Kind(equations.LossClaim, equations.judge_loss, "theta' = -grad V, and how far there is a V"),
    "agreement": Kind(equations.AgreementClaim, equations.judge_agreement, "two schemes have the same modified equation"),
    "limit-direction": Kind(equations.DirectionClaim, equations.judge_direction, "the limit flow is along the gradient"),
    "fixed-points": Kind(others.FixedPointClaim, others.judge_fixed_points, "fixed points of the limit flow"),
    "accuracy": Kind(readings.AccuracyClaim, readings.judge_accuracy, "order against a target equation"),
    "stability": Kind(stability.StabilityClaim, stability.judge_stability, "interval of gamma*h on quadratics"),
    "initial-layer": Kind(readings.LayerClaim, readings.judge_layer, "where the flow starts, for a start from rest"),
    "equivalence": Kind(sequences.EquivalenceClaim, sequences.judge_equivalence, "equations of sequences follow from others"),
    "operator-series": Kind(operators.SeriesClaim, operators.judge_series, "Taylor coefficients of a function of z = gamma*D"),
    "flow-expansion": Kind(operators.ExpansionClaim, operators.judge_expansion, "a flow expanded over one step"),
    "identity": Kind(operators.IdentityClaim, operators.judge_identity, "two formulas are equal for every loss"),
    "stationary-density": Kind(density.DensityClaim, density.judge_density, "Fokker-Planck for a general loss"),
    "marginal-density": Kind(density.MarginalClaim, density.judge_marginal, "the theta-marginal of a density"),
    "stationary-variance": Kind(noise.VarianceClaim, noise.judge_variance, "a scheme with noisy gradients on quadratics"),
    "parameter-rule": Kind(rules.RuleClaim, rules.judge_rule, "a relation between hyperparameters"),
    "schedule": Kind(schedules.ScheduleClaim, schedules.judge_schedule, "continuity, range and period of a schedule"),
    "informal": Kind(others.InformalClaim, others.judge_informal, "not a mathematical statement"),
}


def judge(claim: Claim) -> Judgment:
    """The verdict on a claim, with its evidence.

    Raises UsageError, naming file and claim, for data that cannot be used.

    >>> from verify.statements.claim import claim_of
    >>> table = {"id": "a", "statement": "Half.", "source": "here", "kind": "modified-equation", "scheme": "gd", "through": 1,
    ...          "says": {"theta": "-grad + gamma/2*hess(grad)"}}
    >>> found = judge(claim_of(table, "example"))
    >>> found.verdict, found.correct
    ('refuted', "theta' = -grad + gamma*(-1/2*hess(grad)) + O(gamma**2)")
    """
    try:
        found = KINDS[claim.kind].judge(claim.data)
    except DeriveError as error:
        raise UsageError(f"{claim.file}, claim {claim.id}: {error}") from None
    except ZeroDivisionError:
        raise UsageError(f"{claim.file}, claim {claim.id}: a division by zero") from None
    except RecursionError:
        raise UsageError(f"{claim.file}, claim {claim.id}: a formula is nested too deeply") from None
    return Judgment(found.verdict, tuple(e for e in found.evidence if e), found.correct)
