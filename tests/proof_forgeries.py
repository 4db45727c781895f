"""Certificates that say something false, or that are none: each entry changes the JSON text of a true one.

The certificates changed are those of `BASES`; a forgery that does not apply to one of them returns None.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

Forgery = Callable[[dict[str, Any]], Any]


def _first(data: dict[str, Any]) -> list[list[str]]:
    """The terms of the last power of theta that has any."""
    return next(p for p in reversed(data["fields"]["theta"]) if p)


def _set(*path: Any, value: Any) -> Forgery:
    def forge(data: dict[str, Any]) -> Any:
        place = data
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        return data

    return forge


def _term(change: Callable[[str, str], list[str]]) -> Forgery:
    def forge(data: dict[str, Any]) -> Any:
        terms = _first(data)
        terms[0] = change(*terms[0])
        return data

    return forge


def _extra(coefficient: str, term: str) -> Forgery:
    def forge(data: dict[str, Any]) -> Any:
        _first(data).append([coefficient, term])
        return data

    return forge


def _text(change: Callable[[str], str]) -> Forgery:
    def forge(data: dict[str, Any]) -> Any:
        changed = change(data["update"])
        return None if changed == data["update"] else {**data, "update": changed}

    return forge


def _raw(change: Callable[[str], str]) -> Forgery:
    return lambda data: change(json.dumps(data))


def _where(condition: Callable[[dict[str, Any]], Any], forge: Forgery) -> Forgery:
    return lambda data: forge(data) if condition(data) else None


def _drop(key: str) -> Forgery:
    return lambda data: {k: v for k, v in data.items() if k != key}


def _binding(data: dict[str, Any]) -> Any:
    name = next(iter(data["bindings"]), None)
    return None if name is None else {**data, "bindings": {**data["bindings"], name: f"({data['bindings'][name]})*(1 + gamma/9)"}}


def _lower(data: dict[str, Any]) -> Any:
    return {**data, "order": data["order"] - 1}


def _shorter(data: dict[str, Any]) -> Any:
    return {**data, "fields": {x: p[:-1] for x, p in data["fields"].items()}}


def _memory(change: Callable[[list[Any]], list[Any]]) -> Forgery:
    def forge(data: dict[str, Any]) -> Any:
        m = next(iter(data["memory"]), None)
        return None if m is None else {**data, "memory": {**data["memory"], m: change(data["memory"][m])}}

    return forge


def _as_slow(data: dict[str, Any]) -> Any:
    m = next(iter(data["memory"]), None)
    if m is None:
        return None
    fields = {**data["fields"], m: [[] for _ in range(data["order"] + 1)]}
    return {**data, "fields": fields, "slow": [*fields], "memory": {k: v for k, v in data["memory"].items() if k != m}}


def _exchanged(data: dict[str, Any]) -> Any:
    powers = data["fields"]["theta"]
    if len(powers) < 2 or powers[0] == powers[1]:
        return None
    powers[0], powers[1] = powers[1], powers[0]
    return data


def _rescaled(change: Callable[[str, str], list[str]]) -> Forgery:
    return _where(lambda d: d["rescaled"], lambda d: {**d, "rescaled": {s: change(*p) for s, p in d["rescaled"].items()}})


def _parameter(data: dict[str, Any]) -> str | None:
    return next(iter(data["parameters"]), None)


def _with_parameter(forge: Callable[[dict[str, Any], str], Any]) -> Forgery:
    return lambda data: None if (p := _parameter(data)) is None else forge(data, p)


#: what makes no certificate of either kind a true one
ALIKE: dict[str, Forgery] = {
    "order printed higher": lambda d: {**d, "order": d["order"] + 1},
    "order negative": _set("order", value=-1),
    "order true": _set("order", value=True),
    "gradient scaled in the text": _text(lambda s: s.replace("grad(theta)", "grad(theta)*11/10")),
    "another memory in the text": _text(lambda s: s.replace("beta*v", "beta*beta*v").replace("beta1*m", "beta2*m")),
    "line added": _text(lambda s: s + "\ntheta = theta + gamma**2*grad(theta)"),
    "import in the text": _text(lambda s: "import os\n" + s),
    "call in the text": _text(lambda s: s + "\nprint(1)"),
    "two targets": _text(lambda s: s.replace("theta =", "theta = x =")),
    "gamma assigned": _text(lambda s: "gamma = gamma/2\n" + s),
    "parameter assigned": _with_parameter(lambda d, p: {**d, "update": f"{p} = {p}/2\n" + d["update"]}),
    "empty text": _set("update", value=""),
    "kinds altered": lambda d: {**d, "kinds": dict.fromkeys(d["kinds"], "scalar")},
    "kind missing": lambda d: {**d, "kinds": dict([*d["kinds"].items()][:-1])},
    "regime without a binding": _where(lambda d: d["bindings"], lambda d: {**d, "bindings": {}}),
    "binding of gamma": lambda d: {**d, "bindings": {**d["bindings"], "gamma": "2*gamma"}},
    "rescaled otherwise": _rescaled(lambda x, f: [x, "gamma**2"]),
    "rescaled to theta": _rescaled(lambda x, f: ["theta", f]),
    "parameter dropped": _with_parameter(lambda d, p: {**d, "parameters": {n: r for n, r in d["parameters"].items() if n != p}}),
    "parameter called gamma": lambda d: {**d, "parameters": {**d["parameters"], "gamma": ""}},
    "range of a stranger": _with_parameter(lambda d, p: {**d, "parameters": {**d["parameters"], p: "0 < z"}}),
    "range that is no text": _with_parameter(lambda d, p: {**d, "parameters": {**d["parameters"], p: 1}}),
    "scheme's name with a new line": _set("scheme", value="gd\nproved"),
    "key twice": _raw(lambda s: s[:-1] + ', "order": 1}'),
    "unknown key": _set("proved", value=True),
    "key missing": _drop("parameters"),
    "a list": lambda d: [d],
    "a text": lambda d: "proved",
    "nothing": _raw(lambda s: ""),
    "half a file": _raw(lambda s: s[: len(s) // 2]),
    "deep JSON": _raw(lambda s: '{"format":' * 50_000),
    "zero character": _text(lambda s: s + "\0"),
}

FORGERIES: dict[str, Forgery] = {
    **ALIKE,
    # the field
    "coefficient changed": _term(lambda c, t: [f"({c})*(1 + 1/1000000)", t]),
    "coefficient changed by 1e-40": _term(lambda c, t: [f"({c}) - 1/1{'0' * 40}", t]),
    "decimal with more digits than a float": _term(lambda c, t: [f"({c})*1.00000000000000000001", t]),
    "decimal below every float": _term(lambda c, t: [f"({c}) + 1e-390", t]),
    "decimal in the text": _text(lambda s: s.replace("grad(theta)", "grad(theta)*1.00000000000000000001")),
    "sign changed": _term(lambda c, t: [f"-({c})", t]),
    "coefficient zero": _term(lambda c, t: ["0", t]),
    "term doubled": lambda d: (_first(d).append(_first(d)[0]), d)[1],
    "term dropped": lambda d: (_first(d).pop(0), d)[1],
    "all terms dropped": lambda d: (_first(d).clear(), d)[1],
    "powers exchanged": _exchanged,
    "factor with zeros in the ranges": _with_parameter(lambda d, p: _extra(f"(25*{p} - 16)*(9*{p} - 8)", "grad")(d)),
    "identity of one dimension": _extra("1", "grad*hess(hess(grad)) - hess(grad)*hess(grad)"),
    "identity of low dimension": _extra("1/12", "hess(grad*hess(grad)) - grad*hess(hess(grad))"),
    "scalar product identity of one dimension": _extra("1", "dot(grad, grad)*hess(grad) - grad*dot(grad, hess(grad))"),
    "number of components": _extra("1", "grad*(dot(sign(grad), sign(grad)) - 4)"),
    "absolute value": _extra("1", "abs(grad) - grad"),
    "hidden behind a square root": _extra("1", "sqrt(grad*grad) - grad"),
    "time": _extra("t", "grad"),
    "gamma in a coefficient": _term(lambda c, t: [f"({c}) + gamma", t]),
    "division by zero": _term(lambda c, t: [f"({c}) + 1/(1 - 1)", t]),
    "zero over zero": _with_parameter(lambda d, p: _term(lambda c, t: [f"({c}) + ({p} - {p})/({p} - {p})", t])(d)),
    "derivative in a denominator": _term(lambda c, t: [c, f"({t})*hess(grad)/hess(grad)"]),
    "unknown name": _term(lambda c, t: [f"({c})*nothing", t]),
    "look-alike name": _term(lambda c, t: [f"({c})*bet\u0430", t]),
    "vector as exponent": _term(lambda c, t: [c, f"({t})**grad"]),
    "call of a program": _term(lambda c, t: [f"__import__('os').system('true')*({c})", t]),
    "attribute": _term(lambda c, t: [f"({c}).real", t]),
    "huge exponent": _term(lambda c, t: [c, f"({t})**1000000000"]),
    "tower of exponents": _term(lambda c, t: [f"({c})*((((2**40)**40)**40)**40)**40", t]),
    "huge number": _term(lambda c, t: [f"({c})*1{'0' * 5000}", t]),
    "nested deeply": _term(lambda c, t: ["(" * 500 + c + ")" * 500, t]),
    "nested minus": _term(lambda c, t: ["-" * 1000 + f"({c})", t]),
    "long text": _term(lambda c, t: [c + " " * 30_000, t]),
    "term is no pair": lambda d: (_first(d).append(["1"]), d)[1],
    "term is a number": lambda d: (_first(d).append([1, "grad"]), d)[1],
    "derivative with too many arguments": _extra("1", "hess(grad, grad)"),
    # order and form
    "order printed lower": _lower,
    "order with missing power": _shorter,
    "order as text": _set("order", value="2"),
    "order as float": _set("order", value=2.0),
    "order huge": _raw(lambda s: s.replace('"order": 2', '"order": 1' + "0" * 6000)),
    "another form": lambda d: {**d, "form": "map" if d["form"] == "flow" else "flow"},
    "unknown form": _set("form", value="flows"),
    "no field": _set("fields", value={}),
    "field of a stranger": lambda d: {**d, "fields": {**d["fields"], "z": [[]] * (d["order"] + 1)}, "slow": [*d["fields"], "z"]},
    "slow variables in disorder": lambda d: {**d, "slow": d["slow"][::-1] if len(d["slow"]) > 1 else []},
    # the scheme
    "theta assigned to itself": _text(lambda s: s + "\ntheta = theta*1 + 0*gamma + gamma*theta/1000"),
    "loop in the text": _text(lambda s: "for x in y: pass\n" + s),
    "escape in a comment": _text(lambda s: s + "  # \x1b[2J\x1b[Hproved"),
    "carriage return": _text(lambda s: s + "  # \rproved for all"),
    "label": lambda d: {**d, "label": "f" if d["label"] == "L" else "L"},
    "kind added": lambda d: {**d, "kinds": {**d["kinds"], "z": "vector"}},
    "regime altered": _binding,
    "binding to a stranger": _with_parameter(lambda d, p: {**d, "bindings": {**d["bindings"], "alpha": "zeta"}}),
    "parameter called theta": lambda d: {**d, "parameters": {**d["parameters"], "theta": ""}},
    "parameter called grad": lambda d: {**d, "parameters": {**d["parameters"], "grad": ""}},
    "empty range": _with_parameter(lambda d, p: {**d, "parameters": {**d["parameters"], p: f"{p} < 0 < {p}"}}),
    "function called hess": lambda d: {**d, "functions": {**d["functions"], "hess": None}},
    "function called grad": lambda d: {**d, "functions": {**d["functions"], "grad": "t"}},
    "derivative's name taken": lambda d: {**d, "functions": {"r": None}, "parameters": {**d["parameters"], "dr": ""}},
    "schedule made constant": _where(lambda d: d["functions"], lambda d: {**d, "functions": {"r": "1 + t"}}),
    # memory
    "memory altered": _memory(lambda p: [*p, ["1/100", "grad"]]),
    "memory with a stranger": _memory(lambda p: [*p, ["1", "nothing"]]),
    "memory dropped": _where(lambda d: d["memory"], lambda d: {**d, "memory": {}}),
    "memory called slow": _as_slow,
    "memory of a stranger": lambda d: {**d, "memory": {**d["memory"], "z": []}},
    # the file
    "key twice inside": _raw(lambda s: s.replace('"fields": {', '"fields": {"theta": [], ')),
    "form missing": _drop("form"),
    "another format": _set("format", value="shadowflow proof 2"),
    "not a number": _raw(lambda s: s.replace('"order": 2', '"order": NaN')),
    "deep list": lambda d: {**d, "fields": {"theta": json.loads("[" * 400 + "]" * 400)}},
}  # fmt: skip


# ------------------------------------------------------------------------------------------ games


def _player(x: str, change: Callable[[str, str], list[str]]) -> Forgery:
    """The last power of one player's field that has a term, its last term changed."""

    def forge(data: dict[str, Any]) -> Any:
        terms = next(p for p in reversed(data["fields"][x]) if p)
        changed = change(*terms[-1])
        if changed == terms[-1]:
            return None
        terms[-1] = changed
        return data

    return forge


def renamed(value: Any, pairs: dict[str, str]) -> Any:
    """A JSON value with other names in all its texts, those of a table's keys too."""
    if isinstance(value, str):
        return re.sub(rf"\b({'|'.join(pairs)})\b", lambda m: pairs[m.group()], value)
    if isinstance(value, dict):
        return {renamed(k, pairs): renamed(v, pairs) for k, v in value.items()}
    return [renamed(v, pairs) for v in value] if isinstance(value, list) else value


def _letters(pairs: dict[str, str], key: str) -> Forgery:
    """Names exchanged in a part of the statement."""
    return lambda d: None if (changed := renamed(d[key], pairs)) == d[key] else {**d, key: changed}


def _more(x: str, coefficient: str, term: str) -> Forgery:
    return lambda d: (d["fields"][x][-1].append([coefficient, term]), d)[1]


def _loss(f: str, slots: list[str]) -> Forgery:
    return lambda d: {**d, "losses": {**d["losses"], f: slots}}


def _exchanged_values(key: str, a: str, b: str) -> Forgery:
    return lambda d: {**d, key: {**d[key], a: d[key][b], b: d[key][a]}} if {a, b} <= {*d[key]} else None


def _rate(beta: str) -> Forgery:
    return lambda d: {**d, "bindings": {**d["bindings"], "beta": beta}} if "beta" in d["bindings"] else None


_PLAYERS, _LOSSES = {"x": "y", "y": "x"}, {"f": "g", "g": "f"}

GAME_FORGERIES: dict[str, Forgery] = {
    # coefficients
    "coefficient of x changed": _player("x", lambda c, t: [f"({c})*(1 + 1/1000000)", t]),
    "coefficient of y changed by 1e-40": _player("y", lambda c, t: [f"({c}) - 1/1{'0' * 40}", t]),
    "sign of the last term of y": _player("y", lambda c, t: [f"-({c})", t]),
    "term of x dropped": lambda d: (d["fields"]["x"][-1].pop(), d)[1],
    "term of y doubled": lambda d: (d["fields"]["y"][-1].append(d["fields"]["y"][-1][0]), d)[1],
    # players
    "fields of the players exchanged": _exchanged_values("fields", "x", "y"),
    "players and losses exchanged in the field": lambda d: {
        **d, "fields": {x: renamed(d["fields"][y], {**_PLAYERS, **_LOSSES}) for x, y in _PLAYERS.items()}
    } if d["scheme"] != "game-optimistic" else None,
    "players and losses exchanged in the text": _letters({**_PLAYERS, **_LOSSES}, "update"),
    "players exchanged in the text": _letters(_PLAYERS, "update"),
    "memory of the players exchanged": _exchanged_values("memory", "p", "q"),
    "other player's direction": _player("x", lambda c, t: [c, t.replace("grad(g, y)", "grad(f, x)")]),
    "other player's components": _player("x", lambda c, t: [c, t.replace("(f, x", "(f, y")]),
    "other player's term": _more("x", "1", "grad(g, y)"),
    "sum over two spaces": _more("x", "1", "dot(grad(f, x), grad(g, y))*grad(f, x)"),
    "product over two spaces": _more("y", "1", "grad(g, y)*grad(f, x)"),
    "number as a direction": _more("x", "1", "hess(f, x, 1) - hess(f, x, 1)"),
    "old x for the second player": _where(
        lambda d: d["scheme"] != "game-optimistic",  # there it is the old one
        _text(lambda s: "z = x\n" + s.replace("grad(g(x, y), y)", "grad(g(z, y), y)")),
    ),
    "y added to x in the text": _text(lambda s: s + "\nx = x + gamma**3*y"),
    # losses
    "losses exchanged in the field": _letters(_LOSSES, "fields"),
    "losses exchanged in the text": _letters(_LOSSES, "update"),
    "other loss in a term": _player("y", lambda c, t: [c, t.replace("(g, y", "(f, y")]),
    "other loss in a direction": _player("x", lambda c, t: [c, t.replace("grad(g, y)", "grad(f, y)")]),
    "zero-sum": _player("x", lambda c, t: [f"-({c})", t.replace("grad(g, y)", "grad(f, y)")]),
    "variables of a loss in another order": _loss("f", ["y", "x"]),
    "loss of one player": _loss("f", ["x"]),
    "loss of nobody": _loss("f", []),
    "loss of a stranger": _loss("f", ["x", "z"]),
    "variable of a loss twice": _loss("f", ["x", "x"]),
    "loss not declared": lambda d: {**d, "losses": {"f": d["losses"]["f"]}},
    "loss called hess": _loss("hess", ["x"]),
    "loss called gamma": _loss("gamma", ["x"]),
    "loss called x": _loss("x", ["x"]),
    "value of a loss in the text": _text(lambda s: s + "\nx = x + gamma*f(x, y)*x"),
    "gradient without a loss": _text(lambda s: s.replace("grad(f(x, y), x)", "grad(x)")),
    "gradient with a keyword": _text(lambda s: s.replace("grad(f(x, y), x)", "grad(f(x, y=y), x)")),
    "point with one variable": _text(lambda s: s.replace("f(x, y)", "f(x)")),
    "point with its variables exchanged": _text(lambda s: s.replace("f(x, y)", "f(y, x)")),
    "derivative with too few directions": _more("x", "1", "hess(f, x)"),
    # unknowns
    "unknown dropped": lambda d: {**d, "unknowns": ["x"]},
    "unknown added": lambda d: {**d, "unknowns": ["x", "y", "z"]},
    "unknown twice": lambda d: {**d, "unknowns": ["x", "y", "y"]},
    "no unknowns": lambda d: {**d, "unknowns": []},
    "unknowns called theta": lambda d: {**d, "unknowns": ["theta"]},
    "unknown called x_prev": lambda d: {**d, "unknowns": ["x", "x_prev"]},
    "field of one unknown only": lambda d: {**d, "fields": {"x": d["fields"]["x"]}, "slow": ["x"]},
    "unknown called memory": lambda d: {
        **d, "fields": {"x": d["fields"]["x"]}, "slow": ["x"], "memory": {**d["memory"], "y": [["1", "y"]]}
    },
    "player called a number": lambda d: {**d, "kinds": {**d["kinds"], "y": "scalar"}},
    "keys of games dropped": lambda d: {k: v for k, v in d.items() if k not in ("unknowns", "losses")},
    "unknowns missing": _drop("unknowns"),
    "one loss L": _set("label", value="L"),
    # rates
    "rate of y in the text": _text(lambda s: s.replace("beta*grad(g", "beta*(1 + gamma)*grad(g")),
    "rates exchanged in the text": _letters({"alpha": "beta", "beta": "alpha"}, "update"),
    "rates exchanged in the regime": _exchanged_values("bindings", "alpha", "beta"),
    "relative rate dropped": _rate("gamma"),
    "rate squared in the regime": _rate("mu*mu*gamma"),
    "relative rate squared in a term": _player("y", lambda c, t: [c.replace("mu**2", "mu"), t]),
    # dimensions: what holds where the players have one component each
    "identity of one dimension": _more(
        "x", "1", "grad(f, x)*hess(f, x, hess(f, x, grad(f, x))) - hess(f, x, grad(f, x))*hess(f, x, grad(f, x))"
    ),
    "mixed identity of one dimension": _more(
        "y", "1", "hess(g, y, hess(f, x, grad(f, x)))*grad(g, y) - hess(g, y, grad(f, x))*hess(g, y, grad(g, y))"
    ),
    "number of components": _more("x", "1", "grad(f, x)*(dot(sign(grad(f, x)), sign(grad(f, x))) - 3)"),
}  # fmt: skip


# ------------------------------------------------------------------------------------------ layers


def _in_field(old: str, new: str, count: int = 1) -> Forgery:
    """A part of the terms of the last power of theta that has it, replaced in the first term that has it, or in all."""

    def forge(data: dict[str, Any]) -> Any:
        for power in reversed(data["fields"]["theta"]):
            if any(old in term for _, term in power):
                for pair in [p for p in power if old in p[1]][: count or None]:
                    pair[1] = pair[1].replace(old, new, *([count] if count else []))
                return data
        return None

    return forge


def _whole(text: str) -> str:
    return text.replace(", layer)", ")")


LAYER_FORGERIES: dict[str, Forgery] = {
    # coefficients
    "coefficient changed": _term(lambda c, t: [f"({c})*(1 + 1/1000)", t]),
    "coefficient changed by 1e-40": _term(lambda c, t: [f"({c}) - 1/1{'0' * 40}", t]),
    "term dropped": lambda d: (_first(d).pop(0), d)[1],
    "term doubled": lambda d: (_first(d).append(_first(d)[0]), d)[1],
    # which components are summed
    "one layer's sum over all components": _in_field(", layer)", ")"),
    "every layer's sum in a term over all components": _term(lambda c, t: [c, _whole(t)] if t != _whole(t) else ["0", t]),
    "every layer's sum over all components": _in_field(", layer)", ")", 0),
    "sum over all components in the text": _text(_whole),
    "one sum over all components in the text": _text(lambda s: s.replace(", layer)", ")", 1)),
    "absolute value for a layer's norm": _text(lambda s: re.sub(r"norm\((\w+), layer\)", r"abs(\1)", s, count=1)),
    "mean for a sum in the field": _in_field("dot(grad, grad, layer)", "mean(grad*grad, layer)"),
    "mean for a sum in the text": _text(lambda s: re.sub(r"norm\((\w+), layer\)", r"sqrt(mean(\1*\1, layer))", s, count=1)),
    "sum times the size of the layer": _extra("1", "grad*(dot(1, 1, layer) - 2)"),
    "sum times the number of components": _extra("1/1000", "grad*(dot(1, 1) - 12)"),
    "sum of a sum for the sum": _extra("1", "grad*(dot(dot(grad, grad, layer), 1, layer) - dot(grad, grad, layer))"),
    "size of the layer dropped": _extra("1", "theta*(dot(1, 1)*dot(1/dot(1, 1, layer), 1/dot(1, 1, layer)) - 1)"),
    # identities of some partitions
    "identity of one layer": _extra("1", "grad*(dot(grad, grad) - dot(grad, grad, layer))"),
    "identity of layers of one component": _extra("1", "grad*grad*theta - dot(grad, grad, layer)*theta"),
    "identity of one component": _extra("1", "grad*dot(grad, theta, layer) - theta*dot(grad, grad, layer)"),
    "identity of two equal layers": _extra("1", "theta*(dot(1, 1)**2 - 2*dot(dot(1, 1, layer), 1))"),
    "hidden behind a root": _extra("1", "grad*(norm(grad, layer) - norm(-2*grad, layer))"),
    # the word
    "layer as a parameter": lambda d: {**d, "parameters": {**d["parameters"], "layer": ""}, "update": _whole(d["update"])},
    "another word for layer": _text(lambda s: s.replace("layer", "block")),
    "layer without a sum": _extra("1", "layer*grad"),
    "layer of a sum of three": _extra("1", "dot(grad, grad, grad, layer)*grad"),
    "layer of an absolute value": _extra("1", "abs(grad, layer) - abs(grad)"),
    "the name of a sum over a layer": _extra("1", "grad - norm.layer(grad)"),
    "a map beside layers": lambda d: {**d, "maps": {"P": "map"}, "update": d["update"] + "\ntheta = theta + gamma**5*P(theta)"},
}  # fmt: skip
