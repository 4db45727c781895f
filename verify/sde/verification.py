"""All routes of one generator in one table.

    proof  +  slopes of moments  +  variance after a long time    ->   verdict

`verified`: proved, and confirmed by every route that ran.  `refuted`: some route found a difference.  `not proved`: no route
found one, but the proof was not completed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from derive.errors import UndecidedError
from derive.scheme import Configuration
from verify.sde.moments import Slopes, moment_slopes
from verify.sde.proof import Verdict, prove_generator
from verify.sde.simulation import Simulation, simulate
from verify.sde.statement import Claim, read_claim
from verify.sde.stationary import Stationary, stationary_variance


@dataclass
class SdeVerification:
    """What every route found; a route that could not run leaves its reason in `skipped`."""

    configuration: Configuration
    claim: Claim
    proof: Verdict
    slopes: Slopes | None = None
    stationary: Stationary | None = None
    simulation: Simulation | None = None
    skipped: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def refuted_by(self) -> list[str]:
        found = ["proof"] if self.proof.verdict == "refuted" else []
        for name in ("slopes", "stationary", "simulation"):
            result = getattr(self, name)
            found += [name] if result is not None and not result.confirmed else []
        return found

    @property
    def verdict(self) -> str:
        if self.refuted_by:
            return "refuted"
        return "verified" if self.proof.verdict == "proved" else "not proved"

    def to_json(self) -> dict[str, Any]:
        c = self.configuration
        return {
            "scheme": c.scheme.name,
            "regime": c.regime,
            "order": self.claim.order,
            "verdict": self.verdict,
            "refuted_by": self.refuted_by,
            "proof": self.proof.to_json(),
            "slopes": self.slopes.to_json() if self.slopes else None,
            "stationary": self.stationary.to_json() if self.stationary else None,
            "simulation": self.simulation.to_json() if self.simulation else None,
            "skipped": dict(self.skipped),
            "seconds": {n: round(s, 3) for n, s in self.seconds.items()},
        }

    @contextmanager
    def route(self, name: str) -> Iterator[None]:
        """Runs a route; arithmetic that cannot be done is a reason to skip it, never a verdict."""
        begin = time.perf_counter()
        try:
            yield
        except (ArithmeticError, UndecidedError) as error:
            self.skipped[name] = str(error) or type(error).__name__
        finally:
            self.seconds[name] = time.perf_counter() - begin


def verify_generator(
    c: Configuration, data: Mapping[str, Any], seed: int = 0, paths: int = 0,
    announce: Callable[[str], None] = lambda name: None,
) -> SdeVerification:  # fmt: skip
    """Run every route on a claimed generator, `data` as JSON; with `paths`, simulate so many.

    Raises UsageError for a claim that cannot be read.
    """
    claim = read_claim(data)
    announce("proof")
    begin = time.perf_counter()
    found = SdeVerification(c, claim, prove_generator(c, claim))
    found.seconds["proof"] = time.perf_counter() - begin
    structure = found.proof.structure
    if structure is None:
        reason = "the proof found no structure of the memory"
        found.skipped |= dict.fromkeys(("slopes", "stationary", *["simulation"] * bool(paths)), reason)
        return found
    announce("slopes")
    with found.route("slopes"):
        found.slopes = moment_slopes(c, claim, structure, seed)
    announce("stationary")
    with found.route("stationary"):
        found.stationary = stationary_variance(c, claim, structure)
    if paths:
        announce("simulation")
        with found.route("simulation"):
            found.simulation = simulate(c, claim, structure, paths, seed)
    return found
