"""True claims of every kind with random data, and the same made false; the truth is known from the way they are made.

    true_claim(kind, source)    a table that is a true statement
    false_claims(table, source) tables that differ from it in one datum and are false

A false formula is a true one plus a multiple of something that vanishes for no loss, or another number where only one is right.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from random import Random
from typing import Any

Table = dict[str, Any]
#: something that is not zero for a general loss, by what the formula is
NONZERO = {
    "vector": ("grad", "hess(grad)", "d3(grad, grad)"),
    "scalar": ("dot(grad, grad)", "norm(grad)", "L"),
    "field": ("field", "dfield(field)"),
}


def number(source: Random, top: int = 6) -> str:
    """A positive rational number."""
    return str(Fraction(source.randint(1, top), source.randint(1, top)))


def other(source: Random, text: str) -> str:
    """A factor for a formula: any number but one."""
    f = Fraction(source.choice((-1, 1)), source.choice((2, 7, 1000)))
    return f"({1 + f})*({text})"


def plus(source: Random, formula: str, what: str, power: int = 0) -> str:
    """The formula and something that never vanishes identically; at times times what vanishes for some parameter values."""
    tiny = source.choice(("1/1000", "-2", "1/7"))
    hidden = source.choice(("", "", "(3*a - 1)*(2*a - 1)*")) if "a" in formula.replace("grad", "").split("*") else ""
    return f"{formula} + ({tiny})*{hidden}{f'gamma**{power}*' if power else ''}{source.choice(NONZERO[what])}"


# ------------------------------------------------------------------------------------------ formulas along flows


def identity(source: Random) -> Table:
    vectors = ("grad", "hess(grad)", "theta", "hess(theta)", "d3(grad, theta)", "grad*abs(grad)")
    u, v, c = source.choice(vectors), source.choice(vectors), number(source)
    rules = [
        (f"rate(dot({u}, {c}*{v}))", f"{c}*(dot(rate({u}), {v}) + dot({u}, rate({v})))", "scalar"),
        (f"rate(({u})*({v}))", f"rate({u})*({v}) + ({u})*rate({v})", "vector"),
        (f"gradient({c}*dot(grad, grad))", f"2*{c}*hess(grad)", "vector"),
        (f"gradient({c}*L**2)", f"2*{c}*L*grad", "vector"),
        (f"dot({u}, hess({v}))", f"dot({v}, hess({u}))", "scalar"),
        ("rate(rate(L))", "dot(p, hess(p)) + dot(grad, theta'')", "scalar"),
        (f"grad/(1 - {c}*gamma) - grad", f"{c}*gamma*grad/(1 - {c}*gamma)", "vector"),
    ]
    left, right, what = source.choice(rules)
    table: Table = {"left": left, "right": right, "_what": what}
    if "rate" in left and "theta''" not in right and source.random() < 0.5:
        table["flow"] = source.choice(("-grad", "-grad - gamma*theta", "hess(grad)/3", "field"))
        table["right"] = right
    return table


GD = ("-grad", "-gamma/2*hess(grad)", "-gamma**2*(d3(grad, grad)/12 + hess(hess(grad))/3)")
EXACT = ("theta", "-gamma*grad", "gamma**2/2*hess(grad)", "-gamma**3/6*(d3(grad, grad) + hess(hess(grad)))")


def flow_expansion(source: Random) -> Table:
    through, c = source.randint(1, 3), number(source)
    if source.random() < 0.5:
        flow, step = " ".join(f"+ ({t})" for t in GD[:through])[2:], "theta - gamma*grad"
    else:
        flow, step = "-grad", " + ".join(f"({t})" for t in EXACT[: through + 1])
    scaled = {"flow": f"{c}*({flow.replace('gamma', f'(gamma*{c})')})", "step": step.replace("gamma", f"(gamma*{c})")}
    return scaled | {"through": through}


# ------------------------------------------------------------------------------------------ schemes

BALL = "v = a*v - gamma*grad(theta); theta = theta + v"
FIELDS = {  # update -> f_0, gamma f_1
    "theta = theta - gamma*grad(theta)": ("-grad", "-gamma/2*hess(grad)"),
    "theta = theta - gamma*grad(theta_next)": ("-grad", "gamma/2*hess(grad)"),
    "theta = theta - gamma*grad(theta - gamma*grad(theta))": ("-grad", "gamma/2*hess(grad)"),
    BALL: ("-grad/(1 - a)", "-gamma*(1 + a)/(2*(1 - a)**3)*hess(grad)"),
    "m = a*m + (1 - a)*grad(theta); theta = theta - gamma*m": ("-grad", "-gamma*(1 + a)/(2*(1 - a))*hess(grad)"),
    "theta = theta + gamma*field(theta)": ("field", "-gamma/2*dfield(field)"),
}  # fmt: skip
LOSSES = {  # the same with potentials
    "theta = theta - gamma*grad(theta)": ("L", "gamma/4*dot(grad, grad)"),
    "theta = theta - gamma*grad(theta_next)": ("L", "-gamma/4*dot(grad, grad)"),
    BALL: ("L/(1 - a)", "gamma*(1 + a)/(4*(1 - a)**3)*dot(grad, grad)"),
}


def modified_equation(source: Random) -> Table:
    update, parts = source.choice(list(FIELDS.items()))
    through = source.randint(0, 1)
    return {"update": update, "parameters": ["a"] * ("a*" in update), "through": through,
            "says": {"theta": " + ".join(parts[: through + 1])}}  # fmt: skip


def modified_loss(source: Random) -> Table:
    update, parts = source.choice(list(LOSSES.items()))
    through = source.randint(0, 1)
    constant = f" + {number(source)}" if source.random() < 0.5 else ""
    return {"update": update, "parameters": ["a"] * ("a*" in update), "through": through,
            "loss": " + ".join(parts[: through + 1]) + constant}  # fmt: skip


ORDERS = {"gd": 1, "implicit-euler": 1, "heun": 2, "midpoint": 2, "implicit-midpoint": 2, "rk4": 4}


def agreement(source: Random) -> Table:
    """Runge-Kutta methods of different orders agree as far as the worse one does."""
    a, b = source.sample(list(ORDERS), 2)
    while ORDERS[a] == ORDERS[b]:
        a, b = source.sample(list(ORDERS), 2)
    return {"first": {"scheme": a}, "second": {"scheme": b}, "through": min(ORDERS[a], ORDERS[b]) - 1}


def accuracy(source: Random) -> Table:
    name, c = source.choice(list(ORDERS)), number(source)
    target = source.choice((f"{c}*theta' + {c}*grad", f"theta' = -grad*({c})/({c})", f"gamma*(theta' + grad)/{c}"))
    return {"scheme": name, "target": target, "order": ORDERS[name]}


def limit_direction(source: Random) -> Table:
    c = number(source)
    along = (f"theta = theta - {c}*gamma*grad(theta)", f"theta = theta - {c}*gamma*grad(theta)/norm(grad(theta))")
    across = (
        f"theta = theta - gamma*sign(grad(theta)) - {c}*gamma*grad(theta)",
        f"theta = theta - gamma*grad(theta) - {c}*gamma*theta",
        f"theta = theta - {c}*gamma*grad(theta)**3",
    )
    parallel = source.random() < 0.5
    return {"update": source.choice(along if parallel else across), "parallel": parallel}


def fixed_points(source: Random) -> Table:
    false = ("every_loss_has_one", "every_one_is_a_minimum", "every_stable_one_is_global", "converges_from_every_start")
    key, value = source.choice((*((k, False) for k in false), ("every_stable_one_is_a_minimum", True)))
    return {"update": f"theta = theta - {number(source)}*gamma*grad(theta)", key: value}


def stability(source: Random) -> Table:
    c = Fraction(number(source))
    if source.random() < 0.5:
        return {"update": f"theta = theta - {c}*gamma*grad(theta)", "interval": ["0", str(2 / c)]}
    return {"update": f"v = a*v - {c}*gamma*grad(theta); theta = theta + v", "parameters": ["a"], "for": {"a": ["0", "1"]},
            "interval": ["0", f"2*(1 + a)/({c})"]}  # fmt: skip


def initial_layer(source: Random) -> Table:
    b = Fraction(source.randint(1, 8), 9)
    return {"scheme": "momentum", "where": {"beta": str(b)}, "shift": f"gamma*{b}/(1 - {b})**2*grad", "through": 1}


def stationary_variance(source: Random) -> Table:
    c = number(source)
    return {"update": f"theta = theta - {c}*gamma*grad(theta)", "variance": f"{c}*gamma*sigma**2/(h*(2 - {c}*gamma*h))"}


# ------------------------------------------------------------------------------------------ noise


def generator(source: Random) -> Table:
    """With the step a, by hand: E phi(theta - a gamma g_s), the logarithm of one step through gamma."""
    a, b = number(source), Fraction(source.randint(1, 5), 7)
    step = {"g": f"-({a})"}, {"g1 g1": f"({a})**2/2", "g[g]": f"-({a})**2/2"}
    update = f"theta = theta - ({a})*gamma*sgrad(theta)"
    ball = {"g": f"-1/(1 - {b})"}, {"g1 g1": f"1/(2*(1 - {b})**2)", "g[g]": f"-(1 + {b})/(2*(1 - {b})**3)"}
    return source.choice((
        {"update": update, "generator": list(step), "through": 1},
        {"update": update, "batch": "B", "diffusion": [{}, {"g1 g1": f"({a})**2/B"}], "through": 1},
        {"update": update, "batch": "3", "generator": [step[0], step[1] | {"g1 g1": f"({a})**2/6"}], "through": 1},
        {"update": update, "sampling": "reshuffled", "batches": "3", "through": 1,
         "drift": [step[0], {"g[g]": f"-({a})**2/2", "g1[g1]": f"-({a})**2/2"}]},
        {"update": f"v = {b}*v - gamma*sgrad(theta); theta = theta + v", "generator": list(ball), "through": 1},
        {"update": f"theta = theta - gamma*grad(theta) + sqrt(gamma)*{a}*normal()", "through": 0,
         "drift": [{"g": "-1"}], "diffusion": [{"n1 n1": f"({a})**2"}]},
    ))  # fmt: skip


def equal_law(source: Random) -> Table:
    """One scheme written in two ways, and two that begin to differ at gamma."""
    a, b = number(source), Fraction(source.randint(1, 5), 7)
    plain = {"update": f"theta = theta - ({a})*gamma*sgrad(theta)"}
    ball = {"update": f"v = {b}*v - gamma*sgrad(theta); theta = theta + v"}
    return source.choice((
        {"first": plain, "second": {"update": f"y = ({a})*sgrad(theta); theta = theta - gamma*y"}, "through": 1},
        {"first": ball, "second": {"update": f"m = {b}*m + sgrad(theta); theta = theta - gamma*m"}, "through": 1},
        {"first": ball, "second": {"update": f"theta = theta - gamma/(1 - {b})*sgrad(theta)"}, "through": 0},
        {"first": plain | {"batch": "2"}, "through": 1, "second":
         {"update": f"theta = theta - ({a})*gamma*(sgrad(theta) + sgrad(theta, 2))/2"}},
    ))  # fmt: skip


def stationary_law(source: Random) -> Table:
    """The variance S = (1 - c gamma h)^2 S + noise, and the same in two directions."""
    c, d = number(source), number(source)
    update = f"theta = theta - ({c})*gamma*sgrad(theta)"
    return source.choice((
        {"update": update, "variance": f"({c})*gamma*sigma**2/(h*(2 - ({c})*gamma*h))"},
        {"update": update, "batch": "B", "covariance": f"({c})*gamma*c/(B*(h1 + h2 - ({c})*gamma*h1*h2))"},
        {"update": f"theta = theta - ({c})*gamma*grad(theta) + sqrt(gamma)*({d})*normal()",
         "variance": f"({d})**2/(({c})*h*(2 - ({c})*gamma*h))"},
    ))  # fmt: skip


# ------------------------------------------------------------------------------------------ everything else


def equivalence(source: Random) -> Table:
    c, k = number(source), number(source)
    if source.random() < 0.5:
        return {"given": [f"theta(n+1) = theta(n) - {c}*gamma*grad(theta(n))"], "let": [f"y(n) = {k}*theta(n)"],
                "then": [f"y(n+1) = y(n) - {k}*{c}*gamma*grad(y(n)/({k}))"]}  # fmt: skip
    return {"given": [f"m(n+1) = {c}*m(n) + grad(theta(n))", "theta(n+1) = theta(n) - gamma*m(n+1)"], "let": [f"v(n) = {k}*m(n)"],
            "then": [f"v(n+1) = {c}*v(n) + {k}*grad(theta(n))", f"theta(n+1) = theta(n) - gamma*v(n+1)/({k})"]}  # fmt: skip


def operator_series(source: Random) -> Table:
    """The quotient of two polynomials, divided as power series."""
    order = source.randint(1, 4)
    top, bottom = ([Fraction(source.randint(-4, 4)) for _ in range(3)] for _ in range(2))
    bottom[0] = Fraction(source.choice((1, 2, -3)))
    series: list[Fraction] = []
    for k in range(order + 1):
        known = sum((bottom[j] * series[k - j] for j in range(1, min(k, 2) + 1)), Fraction(0))
        series.append(((top[k] if k < 3 else 0) - known) / bottom[0])
    polynomial = lambda c: " + ".join(f"({x})*z**{k}" if k else f"({x})" for k, x in enumerate(c))
    return {"function": f"({polynomial(top)} + 0*z)/({polynomial(bottom)})", "series": polynomial(series), "through": order}


def stationary_density(source: Random) -> Table:
    a, s, c = (number(source) for _ in range(3))
    return source.choice((
        {"drift": {"theta": f"-{a}*grad"}, "noise": {"theta": s}, "density": f"exp(-2*{a}*L/({s})**2)"},
        # no flux: b P = grad(D P) with D = c + |theta|^2 and with D = c + L, where b = -a D grad L + grad D
        {"drift": {"theta": f"-{a}*({c} + L)*grad + grad"}, "noise": {"theta": f"sqrt(2*({c} + L))"}, "density": f"exp(-{a}*L)"},
        {"drift": {"theta": f"-{a}*({c} + dot(theta, theta))*grad + 2*theta"},
         "noise": {"theta": f"sqrt(2*({c} + dot(theta, theta)))"}, "density": f"exp(-{a}*L)"},
        {"drift": {"theta": "eta", "eta": f"-{a}*eta - {c}*grad"}, "noise": {"eta": s},
         "density": f"exp(-{a}*(2*{c}*L + dot(eta, eta))/({s})**2)"},
    ))  # fmt: skip


def marginal_density(source: Random) -> Table:
    a, b = number(source), number(source)
    return {"density": f"exp(-{a}*L - {b}*dot(eta, eta))", "marginal": f"exp(-{a}*L + 1/3)"}


def parameter_rule(source: Random) -> Table:
    c = number(source)
    table: Table = {"parameters": {"alpha": f"gamma/(1 + {c}*gamma)"}}
    if source.random() < 0.4:
        return table | {"rule": "alpha < gamma"}
    if source.random() < 0.4:
        return table | {"rule": f"alpha = gamma - {c}*gamma**2", "through": 2}
    return table | {"rule": f"gamma = alpha/(1 - {c}*alpha)"}


def schedule(source: Random) -> Table:
    low, end = Fraction(source.randint(1, 5), 6), source.randint(1, 9)
    falling = {"when": f"0 <= t <= {end}", "value": f"1 + ({low} - 1)/{end}*t"}
    after = {"when": f"{end} < t", "value": str(low)}
    return {"pieces": [falling, after], "continuous": True, "range": [str(low), "1"], "bounds": {}}


TRUE: dict[str, Callable[[Random], Table]] = {
    f.__name__.replace("_", "-"): f
    for f in (
        identity, flow_expansion, modified_equation, modified_loss, agreement, accuracy, limit_direction, fixed_points, stability,
        initial_layer, stationary_variance, equivalence, operator_series, stationary_density, marginal_density, parameter_rule,
        schedule, generator, equal_law, stationary_law,
    )
}  # fmt: skip


def true_claim(kind: str, source: Random) -> Table:
    """A true statement of a kind."""
    return {"id": "a", "statement": "s", "source": "p", "kind": kind} | TRUE[kind](source)


def with_datum(table: Table, *path: Any, to: Any) -> Table:
    """The table with another datum at a path of keys and positions."""
    result = copy.deepcopy(table)
    inner: Any = result
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = to
    return result


def false_claims(table: Table, source: Random) -> Iterator[Table]:
    """False statements near a true one."""
    changed = partial(with_datum, table)
    match table["kind"]:
        case "identity":
            yield changed("right", to=plus(source, table["right"], table["_what"]))
            yield changed("left", to=plus(source, table["left"], table["_what"], source.randint(1, 12)))
        case "flow-expansion":
            yield changed("step", to=plus(source, table["step"], "vector", source.randint(1, table["through"])))
            yield changed("flow", to=plus(source, table["flow"], "vector", source.randint(0, table["through"] - 1)))
        case "modified-equation":
            field = "vector" if "field" not in table["update"] else "field"
            formula = table["says"]["theta"]
            yield changed("says", "theta", to=plus(source, formula, field, source.randint(0, table["through"])))
            yield changed("says", "theta", to=other(source, formula))
        case "modified-loss":
            yield changed("loss", to=plus(source, table["loss"], "scalar", source.randint(0, table["through"])))
            yield changed("loss", to=other(source, table["loss"]))
        case "agreement":
            yield changed("through", to=table["through"] + 1)
            if table["through"]:
                yield changed("through", to=table["through"] - 1)
        case "accuracy":
            yield changed("order", to=table["order"] + source.choice((-1, 1)))
            yield changed("target", to=f"{table['target']} + ({source.choice(('1/1000', '-1'))})*gamma**0*hess(grad)")
        case "limit-direction":
            yield changed("parallel", to=not table["parallel"])
        case "fixed-points":
            for key in (k for k, v in table.items() if isinstance(v, bool)):
                yield changed(key, to=not table[key])
        case "stability":
            low, high = table["interval"]
            yield changed("interval", to=[low, other(source, high)])
            yield changed("interval", to=[source.choice(("1/1000", "-1")), high])
        case "initial-layer":
            yield changed("shift", to=other(source, table["shift"]))
        case "stationary-variance":
            yield changed("variance", to=other(source, table["variance"]))
            yield changed("variance", to=f"{table['variance']} + gamma**{source.randint(1, 9)}*h*sigma**2/1000")
        case "generator":
            part = source.choice([p for p in ("generator", "drift", "diffusion") if p in table])
            k, extra = source.randint(0, table["through"]), {"drift": "g[g[g]]", "diffusion": "g g[g]"}.get(part, "g g[g1,g1]")
            powers = [dict(p) for p in (*table[part], *({} for _ in range(table["through"] + 1 - len(table[part]))))]
            yield changed(part, to=[p | ({extra: "1/1000"} if j == k else {}) for j, p in enumerate(powers)])
            k = source.choice([j for j, p in enumerate(powers) if p])
            forest = source.choice(list(powers[k]))
            yield changed(part, k, forest, to=f"({powers[k][forest]})*1001/1000")
            yield changed(part, to=[{f: c for f, c in p.items() if f != forest} for p in powers])
        case "equal-law":
            more = source.choice(("gamma*theta", f"gamma**{table['through'] + 1}*sgrad(theta)", "gamma*sgrad(theta, 3)"))
            yield changed("second", "update", to=table["second"]["update"] + f"; theta = theta - {more}/1000")
            yield changed("first", "update", to=table["first"]["update"].replace("*sgrad(theta)", "*sgrad(theta)*999/1000"))
        case "stationary-law":
            key = "variance" if "variance" in table else "covariance"
            yield changed(key, to=other(source, table[key]))
            yield changed(key, to=f"{table[key]} + gamma**{source.randint(1, 9)}/1000")
        case "equivalence":
            i = source.randrange(len(table["then"]))
            left, right = table["then"][i].split("=")
            yield changed("then", i, to=f"{left} = {other(source, right)}")
            yield changed("then", i, to=f"{left} = {right} + {number(source)}/1000")
            yield changed("let", 0, to=table["let"][0] + " + 1/7")
        case "operator-series":
            power = source.randint(0, table["through"])
            yield changed("series", to=f"{table['series']} + ({source.choice(('1/1000', '-1'))})*z**{power}")
        case "stationary-density":
            yield changed("density", to=table["density"].replace("exp(", f"exp({source.choice(('2', '999/1000', '-1'))}*(") + ")")
            x = "eta" if "eta" in table["drift"] else "theta"
            yield changed("drift", x, to=f"{table['drift'][x]} + theta/1000")
            yield changed("noise", x, to=other(source, table["noise"][x]).replace("(1/2)", "(3/2)"))
        case "marginal-density":
            factor = source.choice(("2", "999/1000", "-1"))
            yield changed("marginal", to=table["marginal"].replace("exp(", f"exp({factor}*(") + ")")
            yield changed("density", to=table["density"].replace("- ", "+ "))
        case "parameter-rule" if "<" in table["rule"]:
            yield changed("rule", to=table["rule"].replace("<", source.choice((">", ">="))))
        case "parameter-rule":
            power = source.randint(1, table.get("through", 9))
            yield changed("rule", to=f"{table['rule']} + gamma**{power}/{source.choice((7, 1000))}")
        case "schedule":
            yield changed("continuous", to=False)
            yield changed("range", 0, to=f"{table['range'][0]}/2")
            yield changed("pieces", 1, "value", to=f"{table['range'][0]} + 1/1000")
            yield changed("pieces", 0, "when", to=table["pieces"][0]["when"].replace("<= t <=", "<= t <"))
