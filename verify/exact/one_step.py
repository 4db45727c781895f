"""One step of the scheme against the Taylor flow of the field.

    S(tau) = S_0 + sum_k gamma^(k+1) int_0^tau f_k(S(s)) ds,        t = t_0 + gamma tau,

solved by Picard's iteration on power series in gamma whose coefficients are polynomials in tau: each pass settles one
more power.  S(1) is the flow over one step, exact through gamma^(N+2) for the field truncated after gamma^N.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flint import fmpq, fmpq_poly

from derive.language import derivative_symbol
from verify.exact.claimed import combination
from verify.numbers.kinds import EXACT
from verify.numbers.power_series import Series
from verify.orbits.slow_series import Orbit, Sample
from verify.problems.formula import FormulaValues

Claims = Mapping[str, Sequence[Sequence[tuple[Any, Any]]]]  # variable -> power -> (coefficient, term) trees


def flow_series(sample: Sample, claims: Claims, length: int) -> dict[str, list[Series]]:
    """S(tau) for every slow variable: series in gamma of this length, with polynomials in tau as coefficients."""
    start = {x: sample.problem.point if x == "theta" else sample.slow[x] for x in claims}
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
    names |= {x: v if isinstance(sample.slow.get(x, []), list) else v[0] for x, v in state.items() if x != "theta"}
    values = FormulaValues(sample.problem, state["theta"], names, EXACT)
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


def step_against_flow(orbit: Orbit, sample: Sample, claims: Claims, order: int) -> tuple[int | None, dict[str, list[list[Any]]]]:
    """The first power of gamma at which one step and the flow differ, through gamma^(order+2), and all differences.

    differences[x][i][k] belongs to gamma^k; None if there is no difference as far as it was computed.
    """
    flow = flow_series(sample, claims, order + 3)
    first: int | None = None
    differences: dict[str, list[list[Any]]] = {}
    for x, series in flow.items():
        after = orbit.states[1][x]
        components = after if isinstance(after, list) else [after]
        differences[x] = []
        for s, c in zip(series, components, strict=True):
            row = [c[k] - s[k](fmpq(1)) for k in range(min(order + 3, c.length))]
            differences[x].append(row)
            k = next((k for k, d in enumerate(row) if d != 0), None)
            if k is not None and (first is None or k < first):
                first = k
    return first, differences
