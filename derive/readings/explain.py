"""All readings of one scheme on one screen: every regime's limit and first correction, then loss, stability, memory, start."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from derive.algebra.sums import Sum
from derive.equation import ModifiedEquation, TermSum, modified_equation
from derive.errors import DeriveError
from derive.readings.conditions import Condition, conditions
from derive.readings.initial_layer import InitialLayer, initial_layer
from derive.readings.loss import ModifiedLoss, ModifiedLosses, loss_of, losses_of
from derive.readings.second_order import SecondOrder, second_order_form
from derive.readings.stability import Stability, stability
from derive.result import Described, blocks
from derive.scheme import Scheme, configure, load_scheme

T = TypeVar("T")
_DEPTH = 2  # powers looked at for the order of accuracy


@dataclass(frozen=True, repr=False)
class RegimeReading(Described):
    """One regime: the equation, its second-order form where it has one, and how accurate its limit is.

    The equation is that through gamma^order, and through gamma^2 where it is read for a loss, or no correction is seen before.
    `accuracy` is the first power of gamma with a correction, the order to which the scheme follows its limit (3: none found),
    started on the slow manifold and, where there is a second-order form, with theta' as its velocity says.  `conditions` are
    those of the equation.
    """

    name: str
    equation: ModifiedEquation | None
    second: SecondOrder | None
    accuracy: int
    reason: str = ""
    conditions: tuple[Condition, ...] = ()
    order: int = 1

    def describe(self) -> str:
        return f"{self.equation.name}: follows its limit to order {self.accuracy}" if self.equation else f"{self.name}: none"

    @property
    def matched(self) -> tuple[TermSum, ...]:
        """The velocity in terms of theta' as far as the order of accuracy needs it; empty where its limit alone will do."""
        known = self.second.velocity[: self.accuracy] if self.second is not None else ()
        return known if any(known[1:]) else ()

    @property
    def series(self) -> dict[str, tuple[TermSum, ...]]:
        """What is shown, through gamma^order: theta'' alone where there is a second-order form."""
        if self.equation is None:
            return {}
        if self.second is not None:
            return {"theta''": self.second.terms[: self.order + 1]}
        return {f"{x}'": sums[: self.order + 1] for x, sums in self.equation.equations.items()}


@dataclass(frozen=True, repr=False)
class Explanation(Described):
    """The readings; a reading that does not exist is its reason, as text."""

    scheme: Scheme
    regimes: tuple[RegimeReading, ...]
    loss: ModifiedLoss | ModifiedLosses | str
    map_loss: ModifiedLoss | ModifiedLosses | str
    stability: Stability | str
    layer: InitialLayer | str
    order: int = 1

    def describe(self) -> str:
        regimes = ", ".join(r.name for r in self.regimes if r.name)
        return self.scheme.name + (f", regimes {regimes}" if regimes else "")

    @property
    def potentials(self) -> Iterator[tuple[bool, str, ModifiedLoss | str]]:
        """(whether of the flow, the player or nothing, the modified loss or why there is none)."""
        for flow, v in ((True, self.loss), (False, self.map_loss)):
            if isinstance(v, ModifiedLosses):
                yield from ((flow, own.player, own) for own in v.players.values())
            else:
                yield flow, "", v

    @property
    def derivative(self) -> str | None:
        """The symbol that stands for theta' in second-order forms."""
        return next((r.second.derivative for r in self.regimes if r.second is not None), None)

    @property
    def equation(self) -> ModifiedEquation | None:
        """The first regime's equation."""
        return self.regimes[0].equation

    def to_json(self) -> dict[str, Any]:
        """The readings by name; {"reason": ...} where one does not exist."""
        parts: dict[str, Any] = {
            "modified_loss": self.loss, "modified_loss_map": self.map_loss,
            "stability": self.stability, "initial_layer": self.layer,
        }  # fmt: skip
        return {
            "scheme": self.scheme.name,
            "title": self.scheme.title,
            "reference": self.scheme.reference,
            "update": self.scheme.update.strip(),
            "regimes": [
                {"regime": r.name, "accuracy": r.accuracy, "equations": {x: blocks(s) for x, s in r.series.items()},
                 **r.equation.region()}
                if r.equation is not None else {"regime": r.name, "reason": r.reason}
                for r in self.regimes
            ],
            **{name: {"reason": p} if isinstance(p, str) else p.to_json() for name, p in parts.items()},
        }  # fmt: skip


def explain(
    scheme: str | Path | Scheme, order: int = 1, *, regime: str | None = None, settings: Mapping[str, str] | None = None
) -> Explanation:
    """Every reading of a scheme through gamma^order, in all its regimes or in one; settings hold where a regime has them free.

    Raises UsageError, SchemeError, ParseError for a scheme that cannot be read, and for a setting that no regime takes.

    >>> e = explain("gd")
    >>> e.loss.exists_through, e.stability.interval
    (1, ('0', '2'))
    """
    chosen = load_scheme(scheme)
    chosen.require_whole_powers("explain reads equations")
    chosen.require_no_noise()
    asked = _settings_of_regimes(chosen, (regime,) if regime else tuple(chosen.regimes) or (None,), settings or {})
    depth = max(_DEPTH, order)
    regimes = tuple(_regime(chosen, name, own, order) for name, own in asked.items())
    first, (name, own) = regimes[0].equation, next(iter(asked.items()))

    def loss(form: str) -> ModifiedLoss | ModifiedLosses:
        read = losses_of if chosen.losses else loss_of
        if first is not None and _has_velocity(first):
            return read(first)  # which refuses it, whatever the order
        return read(modified_equation(chosen, depth if form == "flow" else order, form=form, regime=name, settings=own))

    return Explanation(
        chosen, regimes,
        _attempt(lambda: loss("flow")), _attempt(lambda: loss("map")) if first is not None and first.memory else "no memory",
        _attempt(lambda: stability(chosen, regime=name, settings=own)),
        _attempt(lambda: initial_layer(chosen, order, regime=name, settings=own)),
        order,
    )  # fmt: skip


def _settings_of_regimes(
    scheme: Scheme, regimes: Sequence[str | None], settings: Mapping[str, str]
) -> dict[str | None, dict[str, str]]:
    """regime -> the settings that it takes; UsageError for one that none takes, as the first regime words it."""
    taken: dict[str | None, dict[str, str]] = {r: {} for r in regimes}
    if not settings:
        return taken
    for regime in regimes:
        free = configure(scheme, regime).free
        own = {n: v for n, v in settings.items() if n in free or n.partition("(")[0] in scheme.functions}
        configure(scheme, regime, own)
        taken[regime] = own
    for name, value in settings.items():
        if not any(name in own for own in taken.values()):
            configure(scheme, regimes[0], {name: value})
    return taken


def _attempt(read: Callable[[], T]) -> T | str:
    """The reading, or the reason why there is none, without the name of the scheme in front."""
    try:
        return read()
    except DeriveError as error:
        return re.sub(r"^scheme [^:,]*[:,] ", "", str(error))


def _regime(scheme: Scheme, regime: str | None, settings: Mapping[str, str], order: int) -> RegimeReading:
    """Through gamma^order; through gamma^2 where it is read for a loss anyhow, and where no correction is seen before."""
    read = _regime_through(scheme, regime, settings, order, max(1, order))
    if read.equation is None or read.equation.order >= _DEPTH:
        return read
    without_loss = _has_velocity(read.equation) or scheme.layered or scheme.of_matrices
    enough = without_loss and read.accuracy <= read.equation.order
    return read if enough else _regime_through(scheme, regime, settings, order, _DEPTH)


def _has_velocity(equation: ModifiedEquation) -> bool:
    """Slow variables besides the unknowns, with which no loss is read."""
    return {*equation.equations} > {*equation.scheme.unknowns}


def _regime_through(scheme: Scheme, regime: str | None, settings: Mapping[str, str], order: int, depth: int) -> RegimeReading:
    name = regime or ""
    equation = _attempt(lambda: modified_equation(scheme, depth, regime=regime, settings=settings))
    if isinstance(equation, str):
        return RegimeReading(name, None, None, 0, equation)
    asked = conditions(equation)
    pair = len(equation.equations) == 2 and not scheme.losses
    second = _attempt(lambda: second_order_form(equation)) if pair else None
    if isinstance(second, SecondOrder):
        found = _first_correction([s.sum for s in second.terms])
        return RegimeReading(name, equation, second, found, conditions=asked, order=order)
    corrections = [_first_correction([s.sum for s in sums]) for sums in equation.equations.values()]
    return RegimeReading(name, equation, None, min(corrections), conditions=asked, order=order)


def _first_correction(sums: list[Sum]) -> int:
    return next((k for k, s in enumerate(sums) if k and s), len(sums))
