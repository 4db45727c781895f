"""A mismatch in words and as data: the loss, the point, what is claimed there and what is true."""

from __future__ import annotations

from itertools import islice
from typing import Any

from verify.counterexample.comparison import Mismatch
from verify.counterexample.parameters import settings_of
from verify.problems.game import Game
from verify.problems.layers import named_layers


def counterexample_json(m: Mismatch) -> dict[str, Any]:
    """A mismatch as data: loss about the point, the point, both numbers; the time where it matters."""
    time = {"t": str(m.sample.t), "functions": {n: str(v) for n, v in _functions(m).items()}} if m.timed else {}
    return {
        "variable": m.variable,
        "power": m.power,
        "component": _component(m),
        "loss": loss_text(m),
        "point": _point(m),
        "parameters": {n: str(v) for n, v in m.sample.values.items()},
        **({"maps": _maps(m)} if m.sample.maps.kinds else {}),
        **({"layers": _layers(m)} if m.sample.problem.layers else {}),
        "slow": {s: [str(x) for x in v] if isinstance(v, list) else str(v) for s, v in m.sample.slow.items()},
        **time,
        "claimed": str(m.claimed),
        "true": str(m.true),
    }


def _maps(m: Mismatch) -> list[str]:
    """What the declared maps are."""
    return m.sample.maps.texts(m.sample.problem.dimension)


def _layers(m: Mismatch) -> list[list[str]]:
    """The variables of every layer."""
    return named_layers(m.sample.problem.layers, list(_point(m)))


def _functions(m: Mismatch) -> dict[str, Any]:
    """The time functions at t with the derivatives that f_power can read."""
    found: dict[str, Any] = {}
    for name in m.sample.functions:
        found |= islice(m.sample.derivative_values(name).items(), m.power + 1)
    return found


def _component(m: Mismatch) -> str:
    return m.sample.problem.names[m.space][m.component]


def _point(m: Mismatch) -> dict[str, str]:
    names = [v for every in m.sample.problem.names.values() for v in every]
    return {v: str(x) for v, x in zip(names, m.sample.problem.point, strict=True)}


def loss_text(m: Mismatch) -> str:
    """The loss (or field, components separated by ';', or losses by their names) in variables measured from the point."""
    problem = m.sample.problem
    point = zip(_point(m), problem.point, strict=True)
    return problem.written([v if x == 0 else f"({v} {'-' if x > 0 else '+'} {abs(x)})" for v, x in point])


def counterexample_text(m: Mismatch) -> str:
    """One line: where the claim fails and both numbers."""
    state = _point(m)
    state |= {s: f"({', '.join(map(str, v))})" if isinstance(v, list) else str(v) for s, v in m.sample.slow.items()}
    if m.timed:
        state |= {n: str(v) for n, v in {"t": m.sample.t, **_functions(m)}.items()}
    place = ", ".join(f"{n} = {v}" for n, v in state.items())
    problem = m.sample.problem
    what = "losses" if isinstance(problem, Game) else "field" if problem.potential is None else "loss"
    maps = "".join(f", {text}" for text in _maps(m)) + "," * bool(m.sample.maps.kinds)
    layers = f", layers {' | '.join(', '.join(layer) for layer in found)}," if (found := _layers(m)) else ""
    return (
        f"{what} {loss_text(m)}{maps}{layers} at {place} ({settings_of(m.sample.values)}): component {_component(m)} of the "
        f"gamma^{m.power} part of {m.variable}' is {m.true}, the claim gives {m.claimed}"
    )
