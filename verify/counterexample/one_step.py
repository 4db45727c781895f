"""One step of the scheme against the Taylor flow of the field.

    S(tau) = S_0 + sum_k gamma^(k+1) int_0^tau f_k(S(s)) ds,        t = t_0 + gamma tau,

solved by Picard's iteration on power series in gamma whose coefficients are polynomials in tau: each pass settles one
more power.  S(1) is the flow over one step, exact through gamma^(N+2) for the field truncated after gamma^N.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flint import fmpq, fmpq_poly

from derive.language import derivative_symbol
from verify.counterexample.claimed import ClaimedField, combination, memory_values, values_at
from verify.numbers.kinds import EXACT
from verify.numbers.power_series import Series
from verify.orbits.slow_series import Orbit, Sample, SlowOrbit
from verify.problems.formula import FormulaValues

Claims = Mapping[str, Sequence[Sequence[tuple[Any, Any]]]]  # variable -> power -> (coefficient, term) trees


def flow_series(sample: Sample, claims: Claims, length: int) -> dict[str, list[Series]]:
    """S(tau) for every slow variable: series in gamma of this length, with polynomials in tau as coefficients."""
    start = {x: sample.points[x] if x in sample.points else sample.slow[x] for x in claims}
    flat = {x: list(v) if isinstance(v, list | tuple) else [v] for x, v in start.items()}
    state = {x: [Series.constant(fmpq_poly([c]), 1) for c in v] for x, v in flat.items()}
    for known in range(1, length):
        rates = _rates(sample, claims, state, known)
        state = {x: [_integrated(c, rates[x][i], known + 1) for i, c in enumerate(v)] for x, v in flat.items()}
    return state


def _rates(sample: Sample, claims: Claims, state: Mapping[str, list[Series]], known: int) -> dict[str, list[list[Any]]]:
    """For every component: the coefficients of gamma^0, ... of sum_k gamma^k f_k(S)."""
    clock = Series([fmpq_poly([sample.t]), fmpq_poly([0, 1]), *[fmpq_poly([0])] * 20]).truncated(known)
    names: dict[str, Any] = {**sample.values, "t": clock}
    for f in sample.functions:
        names |= _function_series(sample, f, clock)
    names |= {x: v if isinstance(sample.slow.get(x, []), list) else v[0] for x, v in state.items() if x not in sample.points}
    theta = [v for x in sample.points for v in state[x]]
    values = FormulaValues(sample.problem, theta, names, EXACT, maps=sample.maps)
    rates: dict[str, list[list[Any]]] = {}
    for x, by_power in claims.items():
        size = len(state[x])
        rates[x] = [[fmpq_poly([0]) for _ in range(known)] for _ in range(size)]
        for k, items in enumerate(by_power[:known]):
            total = combination(values, items, size)
            if total is None:
                continue
            for i, series in enumerate(total):
                if isinstance(series, Series):
                    for j in range(min(series.length, known - k)):
                        rates[x][i][k + j] += series[j]
                else:
                    rates[x][i][k] += series
    return rates


def _function_series(sample: Sample, name: str, clock: Series) -> dict[str, Any]:
    """r and its derivatives along the clock."""
    coefficients, found = list(sample.functions[name]), {}
    for k in range(len(coefficients)):
        derived = Sample(sample.problem, {}, {}, sample.t, {name: coefficients})
        found[derivative_symbol(name, k)] = derived.time_function(name)(clock)
        coefficients = [c * (j + 1) for j, c in enumerate(coefficients[1:])]
    return found


def _integrated(start: Any, rate: Sequence[Any], length: int) -> Series:
    return Series._general([fmpq_poly([start]), *(fmpq_poly(r).integral() for r in rate[: length - 1])])


def step_against_flow(claim: ClaimedField, sample: Sample, orbit: Orbit) -> int | None:
    """The first power of gamma at which one step and the flow differ, through gamma^(order + 2); None if they do not."""
    length, found = claim.order + 3, []
    for x, flow in flow_series(sample, claim.terms, length).items():
        after = orbit.states[1][x]
        for s, c in zip(flow, after if isinstance(after, list) else [after], strict=True):
            found += [k for k in range(min(length, c.length)) if c[k] != s[k](fmpq(1))]
    return min(found, default=None)


@dataclass(frozen=True)
class StepOrder:
    """The first power of gamma at which one step and the flow differ (None: nowhere as far as was computed).

    `remark` says why it is not order + 2.
    """

    first_nonzero_power: int | None
    remark: str


def step_order(claim: ClaimedField, places: Sequence[tuple[Sample, Orbit]]) -> StepOrder:
    """One step against the Taylor flow of the claimed field at these samples."""
    found = [p for place in places if (p := step_against_flow(claim, *place)) is not None]
    if found:
        first = min(found)
        return StepOrder(first, "" if first == claim.order + 2 else f"one step and the flow differ already at gamma^{first}")
    return _beyond(claim, places[0][0])


def _beyond(claim: ClaimedField, sample: Sample) -> StepOrder:
    """f_(N+1) vanishes: look at the next orders of the scheme itself."""
    reach = claim.order + 5
    memory = memory_values(claim, values_at(sample))
    fields = SlowOrbit(claim.configuration, sample, claim.slow, memory, reach).find().fields
    for k in range(claim.order + 2, reach + 1):
        if any(v != 0 for x in claim.slow for v in fields[x][k]):
            return StepOrder(k + 1, f"f_{k - 1} vanishes too: the next non-zero part of the field is f_{k}")
    return StepOrder(None, f"f_{claim.order + 1} to f_{reach} vanish too: the truncated field is as good as exact here")
