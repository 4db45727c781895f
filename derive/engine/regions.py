"""Which regions a scheme with pieces has: every condition by its leading part on the slow manifold of its own branch.

    larger - smaller = c_k gamma^k + c_(k+1) gamma^(k+1) + ...,   c_k not zero:       the condition is c_k > 0

A condition that is true of every loss and all parameters in their ranges is left out, and a region of which one is false has no
points.  Where all coefficients vanish through the order asked for, the slow manifold lies in the tie: refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property

from derive.algebra.inequalities import Inequality, follows, independent, normal_form, opposed
from derive.algebra.sequences import coefficient_of_n
from derive.engine.formula import read_comparison
from derive.engine.run import Derivation
from derive.engine.series import lattice
from derive.engine.signs import Signs, signs_of
from derive.errors import DeriveError, ReductionError, UsageError
from derive.language import Name
from derive.reals import compare
from derive.scheme import Configuration, Scheme, configure
from derive.scheme.regions import Condition, regions

DEEPEST = 3  # the power of gamma through which conditions are looked at where less is asked for
Run = Callable[[Configuration], Derivation]


def leading_part(derivation: Derivation, name: str, componentwise: bool) -> Inequality | None:
    """The first coefficient of a line of the text that does not vanish on the slow manifold; None where all known ones do."""
    series = derivation.lines[name]
    for k in lattice(series.low, derivation.order, series.step):
        found = {t: v for t, c in series.at(k).items() if (v := coefficient_of_n(c, 0).reduced())}
        if found and not derivation.algebra.is_zero(found):
            return Inequality(derivation.algebra, found, k, componentwise)
    return None


@dataclass(frozen=True, eq=False)
class Found:
    """One region: its run, or why there is none, the conditions that are neither true nor false of every loss, and the run that
    they were read from."""

    configuration: Configuration
    run: Derivation | ReductionError
    conditions: tuple[Inequality, ...]
    tie: str = ""
    known: Derivation | None = None
    signs: Signs = field(default_factory=Signs)

    def __str__(self) -> str:
        return " and ".join(map(str, self.conditions)) or "everywhere"

    @cached_property
    def derivation(self) -> Derivation:
        """The run.  Raises ReductionError, naming the region, where the branch has no equation."""
        where = f"{self.configuration.scheme.where}, where {self}" if self.conditions else self.configuration.scheme.where
        if self.tie:
            raise ReductionError(f"{where}: {self.tie}")
        if isinstance(self.run, ReductionError):
            reason = str(self.run).removeprefix(self.configuration.scheme.where).lstrip(":, ")
            raise ReductionError(f"{where}: {reason}")
        return self.run


def find_regions(
    scheme: Scheme, regime: str | None, settings: Mapping[str, str] | None, run: Run, assume: Sequence[str] = ()
) -> list[Found]:
    """Every region of a scheme that has points, those alone that the assumptions leave.

    Raises UsageError for an assumption that decides nothing, and where none is left.
    """
    found = [f for branch in regions(scheme) if (f := _region(configure(branch, regime, settings), run, assume)) is not None]
    if not found:
        raise ReductionError(f"{scheme.where}: no branch is consistent with its own conditions")
    kept = found
    for text in assume:
        said = [_decided(f, text) for f in kept]
        if kept and all(_decided(f, text) is None for f in found):
            raise UsageError(f"--assume '{text}': it decides between none of the regions, which are {_listed(found)}")
        kept = [f for f, s in zip(kept, said, strict=True) if s is True] or [
            f for f, s in zip(kept, said, strict=True) if s is None
        ]
    if not kept:
        raise UsageError(f"--assume: no region is left; they are {_listed(found)}")
    return kept


def _listed(found: Sequence[Found]) -> str:
    return ", ".join(f"'{f}'" for f in found)


def _region(configuration: Configuration, run: Run, assume: Sequence[str]) -> Found | None:
    """The region of a branch; None where a condition of its own is false there."""
    try:
        result: Derivation | ReductionError = run(configuration)
    except ReductionError as error:
        result = error
    known = _that_knows(configuration, result)
    if known is None:
        return Found(configuration, result, ())
    kept = list(_about_parameters(known, assume, signs_of(configuration)))
    signs = signs_of(configuration, [compare(c, ">", c.ring.zero) for a in kept for c in a.sum.values()])
    tie = ""
    for c in _conditions(configuration):
        lead = leading_part(known, c.name, c.kind == "vector")
        sign = signs.of(lead.sum) if lead else None
        if sign == -1:
            return None
        if lead is None and isinstance(result, Derivation):
            through = known.scheme.power(known.order)
            tie = f"a tie, {c.difference} is zero on the slow manifold through {through}: no branch is chosen there"
        elif lead and sign is None:
            kept.append(replace(lead, sum=normal_form(lead.algebra, lead.sum, signs)))
    if any(opposed(a, b, signs.of) for k, a in enumerate(kept) for b in kept[:k]):
        return None
    return Found(configuration, result, tuple(independent(kept, signs.of)), tie, known, signs)


def _conditions(configuration: Configuration) -> tuple[Condition, ...]:
    return configuration.scheme.region.conditions if configuration.scheme.region else ()


def _that_knows(configuration: Configuration, result: Derivation | ReductionError) -> Derivation | None:
    """The run that the conditions are read from: that of the branch, through a power at which none of them vanishes, DEEPEST at
    most; for a branch without an equation its memory at gamma = 0, where theta does not move."""
    if isinstance(result, Derivation):
        while result.order < DEEPEST and any(leading_part(result, c.name, False) is None for c in _conditions(configuration)):
            result = Derivation(configuration, result.order + 1)
        return result
    scheme = configuration.scheme
    resting = tuple(replace(a, value=Name(a.target)) if a.target in scheme.unknowns else a for a in scheme.lines)
    with suppress(DeriveError):
        return Derivation(replace(configuration, scheme=replace(scheme, statements=resting)), 0)
    return None


def _about_parameters(run: Derivation, assume: Sequence[str], stated: Signs) -> Iterator[Inequality]:
    """Assumptions about parameters alone that their ranges do not grant: conditions of what follows from them."""
    for text in assume:
        total = read_comparison(run.algebra, text)
        if total.keys() <= {run.algebra.unit} and stated.of(total) != 1:
            yield Inequality(run.algebra, normal_form(run.algebra, total, stated))


def _decided(found: Found, text: str) -> bool | None:
    """Whether an assumption is a condition of the region or has one follow (True), cannot hold there (False), or says nothing."""
    if found.known is None:
        return None
    algebra = found.known.algebra
    total = read_comparison(algebra, text, {v: sums[0] for v, sums in found.known.memory.items()})
    if total.keys() <= {algebra.unit} and found.signs.of(total) == 1:
        return True
    assumed = Inequality(algebra, normal_form(algebra, total, found.signs))
    if found.signs.of(total) in (0, -1) or any(opposed(assumed, c, found.signs.of) for c in found.conditions):
        return False
    return True if any(follows(c, assumed, found.signs.of) for c in found.conditions) else None


__all__ = ["Found", "find_regions", "leading_part"]
