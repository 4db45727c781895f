"""Certificates of generators that say something false, or that are none: each entry changes the JSON of a true one.

A forgery that does not apply to a certificate returns None.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

from proof_forgeries import ALIKE, Forgery, _drop, _raw, _set, _text, _where, _with_parameter, renamed


def thousandth(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every coefficient in turn times 1001/1000."""
    for k, power in enumerate(data["generator"]):
        for j, (coefficient, _) in enumerate(power):
            changed = copy.deepcopy(data)
            changed["generator"][k][j][0] = f"({coefficient})*1001/1000"
            yield changed


def without_and_twice(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every term in turn left out, and written twice."""
    for k, power in enumerate(data["generator"]):
        for j, term in enumerate(power):
            for other in ([], [term, term]):
                changed = [*data["generator"]]
                changed[k] = [*power[:j], *other, *power[j + 1 :]]
                yield {**data, "generator": changed}


def _last(change: Callable[[str, str], list[str]]) -> Forgery:
    """The last term of the highest power that has any."""

    def forge(data: dict[str, Any]) -> Any:
        terms = next(p for p in reversed(data["generator"]) if p)
        changed = change(*terms[-1])
        if changed == terms[-1]:
            return None
        terms[-1] = changed
        return data

    return forge


def _first(change: Callable[[str, str], list[str]]) -> Forgery:
    """The first term of the limit."""
    return lambda d: (d["generator"][0].__setitem__(0, change(*d["generator"][0][0])), d)[1]


def _extra(coefficient: str, forest: str) -> Forgery:
    return lambda d: (d["generator"][-1].append([coefficient, forest]), d)[1]


def _cumulant(change: float) -> Forgery:
    """A third cumulant that is not there: two samples, or equally probable ones, would not see it."""
    return _where(lambda d: d["order"] > 1, _extra(str(change), "g1 g1 g1"))


FORGERIES: dict[str, Forgery] = {
    **ALIKE,
    # the generator
    "coefficient changed by 1e-40": _last(lambda c, f: [f"({c}) - 1/1{'0' * 40}", f]),
    "decimal with more digits than a float": _last(lambda c, f: [f"({c})*1.00000000000000000001", f]),
    "sign changed": _last(lambda c, f: [f"-({c})", f]),
    "third cumulant": _cumulant(1 / 1024),
    "third cumulant, the other sign": _cumulant(-1 / 1024),
    "fourth cumulant": _where(lambda d: d["order"] > 1, _extra("1/24", "g1 g1 g1 g1")),
    "more derivatives than the power has": _where(lambda d: d["scheme"] != "langevin", _extra("1", "g g g g")),
    "derivatives beyond those that are compared": _extra("1/7", "g[g,g,g,g,g]"),
    "difference of two ties": lambda d: _extra("-1", "g[g1[g1]]")(_extra("1", "g1[g[g1]]")(d)) if not d["losses"] else None,
    "zero in one dimension": lambda d: _extra("-1", "g[g[g]] g")(_extra("1", "g[g] g[g]")(d)) if not d["losses"] else None,
    "factor with zeros": _with_parameter(lambda d, p: _extra(f"(25*{p} - 16)*(9*{p} - 8)", d["generator"][0][0][1])(d)),
    "hidden behind a square root": _with_parameter(lambda d, p: _extra(f"sqrt({p}**2) - {p}", d["generator"][0][0][1])(d)),
    "gamma in a coefficient": _first(lambda c, f: [f"({c}) + gamma", f]),
    "one over gamma": _last(lambda c, f: [f"({c})/gamma", f]),
    "division by zero": _last(lambda c, f: [f"({c}) + 1/(1 - 1)", f]),
    "zero over zero": _with_parameter(lambda d, p: _last(lambda c, f: [f"({c}) + ({p} - {p})/({p} - {p})", f])(d)),
    "unknown name": _last(lambda c, f: [f"({c})*nothing", f]),
    "look-alike name": _last(lambda c, f: [f"({c})*bet\u0430", f]),
    "time": _last(lambda c, f: [f"({c}) + t", f]),
    "gradient in a coefficient": _last(lambda c, f: [f"({c})*grad(theta)", f]),
    "absolute value": _last(lambda c, f: [f"({c})*abs(1)", f]),
    "attribute": _last(lambda c, f: [f"({c}).real", f]),
    "call of a program": _last(lambda c, f: [f"__import__('os').system('true')*({c})", f]),
    "huge exponent": _last(lambda c, f: [f"({c})**1000000000", f]),
    "tower of exponents": _with_parameter(lambda d, p: _last(lambda c, f: [f"({c}) + ((({p}**40)**40)**40)**40", f])(d)),
    "huge number": _last(lambda c, f: [f"({c})*1{'0' * 5000}", f]),
    "nested deeply": _last(lambda c, f: ["(" * 500 + c + ")" * 500, f]),
    "long text": _last(lambda c, f: [c + " +" + " " * 30_000 + "0", f]),
    "no forest": _extra("1", ""),
    "tie of one node": _extra("1", "g7"),
    "forest with an open bracket": _extra("1", "g[g"),
    "forest of a stranger": _extra("1", "w"),
    "forest in the direction of a stranger": _extra("1", "w:g"),
    "forest that is too large": _extra("1", "g " * 40),
    "normal vector three times": _extra("1", "n1 n1 n1"),
    "normal vector and a sample": _extra("1", "n1 g1"),
    "term is no pair": lambda d: (d["generator"][0].append(["1"]), d)[1],
    "term is a number": lambda d: (d["generator"][0].append([1, "g"]), d)[1],
    "powers exchanged": lambda d: {**d, "generator": d["generator"][::-1]},
    # order
    "order printed lower": lambda d: {**d, "order": d["order"] - 1},
    "order higher, with an empty power": lambda d: {**d, "order": d["order"] + 1, "generator": [*d["generator"], []]},
    "order as text": _set("order", value="1"),
    # the scheme
    "mean for sample": _text(lambda s: s.replace("sgrad", "grad")),
    "sample for mean": _text(lambda s: s.replace("grad(", "sgrad(") if "normal" in s else s),
    "another sample in the second call": _text(lambda s: s.replace("(f(u, v), x)", "(f(u, v), x, 2)")),
    "a normal vector more": _text(lambda s: s + "\ntheta = theta + gamma*normal()"),
    "step that moves at gamma = 0": _text(lambda s: s + "\ntheta = 2*theta"),
    "escape in a comment": _text(lambda s: s + "  # \x1b[2Jproved"),
    "memory called slow": lambda d: {**d, "slow": [*d["kinds"]]} if len(d["slow"]) < len(d["kinds"]) else None,
    "slow variable called memory": lambda d: {**d, "slow": d["slow"][:-1]} if len(d["slow"]) > len(d["unknowns"]) else None,
    "slow variable of a stranger": lambda d: {**d, "slow": [*d["slow"], "w"]},
    "slow variable twice": lambda d: {**d, "slow": [*d["slow"], d["slow"][0]]},
    "unknown dropped": lambda d: {**d, "unknowns": d["unknowns"][1:]},
    "regime altered": _where(
        lambda d: d["bindings"],
        lambda d: {**d, "bindings": {n: f"({e})*(1 + gamma/9)" for n, e in d["bindings"].items()}} if d["regime"] != "" else None,
    ),
    "binding to a stranger": lambda d: {**d, "bindings": {**d["bindings"], "zeta": "xi"}},
    "not rescaled": _where(lambda d: d["rescaled"], lambda d: {**d, "rescaled": {}}),
    "sampling": _set("sampling", value="reshuffled"),
    "larger batch": _where(lambda d: "sgrad" in d["update"], _set("batch", value="2")),
    "batch of any size": _where(lambda d: "sgrad" in d["update"], _set("batch", value="B")),
    "batch of no size": _set("batch", value="0"),
    "parameter called theta": lambda d: {**d, "parameters": {**d["parameters"], d["unknowns"][0]: ""}},
    "range that is no comparison": _with_parameter(lambda d, p: {**d, "parameters": {**d["parameters"], p: "print(1)"}}),
    # functions and their dimension
    "function altered": _where(
        lambda d: d["opaque"], lambda d: {**d, "opaque": {n: f"({e})*1001/1000" for n, e in d["opaque"].items()}}
    ),
    "functions exchanged": _where(
        lambda d: len(d["opaque"]) > 1, lambda d: {**d, "opaque": dict(zip(d["opaque"], [*d["opaque"].values()][::-1]))}
    ),
    "function called g": lambda d: {**d, "opaque": {**d["opaque"], "g": "sgrad(theta)"}},
    "function of a stranger": lambda d: {**d, "opaque": {**d["opaque"], "w": "zeta"}},
    "dimension one": _where(lambda d: "dimension" in d, lambda d: {**d, "dimension": 1}),
    "one sample": _where(lambda d: "dimension" in d, lambda d: {**d, "samples": 1}),
    "dimension of a linear text": _where(lambda d: "dimension" not in d, lambda d: {**d, "dimension": 2, "samples": 2}),
    "dimension not said": _where(lambda d: "dimension" in d, lambda d: _drop("dimension")(d)),
    # games
    "players exchanged in the text": _where(
        lambda d: d["losses"], lambda d: {**d, "update": renamed(d["update"], {"x": "y", "y": "x"})}
    ),
    "losses exchanged": _where(
        lambda d: d["losses"], lambda d: {**d, "generator": renamed(d["generator"], {"f": "g", "g": "f"})}
    ),
    "other player's direction": _where(lambda d: d["losses"], lambda d: _last(lambda c, f: [c, f"x:{f}"])(d)),
    "loss of another unknown": _where(lambda d: d["losses"], lambda d: {**d, "losses": {**d["losses"], "f": ["x"]}}),
    # the file
    "samples given": _set("points", value=[1]),
    "another format": _set("format", value="shadowflow sde proof 2"),
    "format of another statement": _set("format", value="shadowflow proof 1"),
    "not a number": _raw(lambda s: s.replace('"order": 1', '"order": NaN').replace('"order": 2', '"order": NaN')),
}  # fmt: skip


def text_of(forged: Any) -> str:
    return forged if isinstance(forged, str) else json.dumps(forged)
