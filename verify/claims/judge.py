"""kind -> (its data, its judge): the table of everything that can be decided."""

from __future__ import annotations

from collections.abc import Mapping

from derive.errors import DeriveError, ReductionError, SingularPointError, UndecidedError, UsageError
from verify.claims.claim import Claim
from verify.claims.judgment import Judgment, Kind, undecided
from verify.claims.kinds import (
    accuracy,
    agreement,
    equal_law,
    equivalence,
    fixed_points,
    flow_expansion,
    generator,
    identity,
    informal,
    initial_layer,
    limit_direction,
    marginal_density,
    modified_equation,
    modified_loss,
    operator_series,
    parameter_rule,
    schedule,
    stability,
    stationary_density,
    stationary_law,
    stationary_variance,
)  # fmt: skip

_MODULES = (
    modified_equation, modified_loss, agreement, limit_direction, fixed_points, accuracy, stability, initial_layer,
    equivalence, operator_series, flow_expansion, identity, stationary_density, marginal_density, stationary_variance,
    parameter_rule, schedule, generator, equal_law, stationary_law, informal,
)  # fmt: skip
KINDS: Mapping[str, Kind] = {module.KIND.name: module.KIND for module in _MODULES}


def judge(claim: Claim) -> Judgment:
    """The verdict on a claim, with its evidence.

    Raises UsageError, naming file and claim, for data that cannot be used.

    >>> from verify.claims.reader import claim_of
    >>> table = {"id": "a", "statement": "Half.", "source": "here", "kind": "modified-equation", "scheme": "gd", "through": 1,
    ...          "says": {"theta": "-grad + gamma/2*hess(grad)"}}
    >>> found = judge(claim_of(table, "example"))
    >>> found.verdict, found.correct
    ('refuted', "theta' = -grad + gamma*(-1/2*hess(grad)) + O(gamma**2)")
    """
    kind = KINDS[claim.kind]
    try:
        stated = kind.states(claim.data)
        found = kind.judge(claim.data)
    except (UndecidedError, ReductionError, SingularPointError) as error:
        found = undecided(str(error))
    except DeriveError as error:
        raise UsageError(f"{claim.file}, claim {claim.id}: {error}") from None
    except ZeroDivisionError:
        raise UsageError(f"{claim.file}, claim {claim.id}: a division by zero") from None
    except RecursionError:
        raise UsageError(f"{claim.file}, claim {claim.id}: a formula is nested too deeply") from None
    return Judgment(found.verdict, tuple(e for e in found.evidence if e), found.correct, stated)
