"""False formulas and rewritten true ones, made from a derived modified equation.

false   one coefficient changed (by 1e-6, by 1/7, by a factor that vanishes at chosen parameter values, in sign), a term
        dropped or doubled, coefficients exchanged, a combination added that vanishes in low dimension, |g| for g
true    terms in another order, coefficients split or multiplied by (1 + x)/(1 + x), arguments permuted,
        sqrt(g*g) for |g|, 1/x for x**(-1)
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from random import Random
from typing import Any

from derive import ModifiedEquation
from verify.proof import prove

Equations = dict[str, list[dict[str, Any]]]


def one_larger(equations: Equations, source: Random, unknown: str = "theta") -> Equations:
    """One coefficient of the equation of theta, or of another unknown, a thousandth larger."""
    wrong = copy.deepcopy(equations)
    entry = source.choice([t for power in wrong[unknown] for t in power["terms"]])
    entry["coefficient"] = f"({entry['coefficient']})*1001/1000"
    return wrong


def check_proof(equation: ModifiedEquation, source: Random) -> None:
    """What is derived is proved, and refuted once a coefficient is a thousandth larger."""
    data, update = equation.to_json(), equation.scheme.update
    found = prove(equation.configuration, data["equations"], data["memory"])
    assert found.proved, (update, str(found))
    assert found.bound is not None
    assert found.bound < -100
    wrong = one_larger(data["equations"], source)
    assert prove(equation.configuration, wrong, data["memory"]).verdict == "refuted", (update, wrong)

#: zero in one dimension; in two (the commutator of two Hessians' powers); for one loss in many
HIDDEN = {
    1: ["dot(grad, grad)*hess(grad) - grad*dot(grad, hess(grad))"],
    2: ["grad*hess(hess(grad)) - hess(grad)*hess(grad)", "hess(grad*hess(grad)) - grad*hess(hess(grad))"],
    3: ["grad*d3(grad, hess(grad)) - hess(grad)*d3(grad, grad)", "grad**2*hess(hess(hess(grad))) - hess(grad)**3"],
}

#: pattern -> what stands there instead; an even power of the gradient is left alone
_REPLACED = (
    (r"abs\(grad\)(?!\*\*2)", "grad"),
    (r"\bgrad\*(?!\*)", "abs(grad)*"),
    (r"hess\(grad\)", "hess(abs(grad))"),
    (r"d3\(grad, ", "d3(-grad, "),
)


def false_forms(equations: Equations, parameters: list[str], label: str = "L") -> Iterator[tuple[str, Equations]]:
    """(what was changed, equations)."""
    for x, k, n in _terms(equations):
        for name, change in _changes(parameters):
            yield f"{name} in term {n} of {x} at gamma^{k}", _with(equations, x, k, n, change)
        yield f"term {n} of {x} at gamma^{k} dropped", _without(equations, x, k, n)
        yield f"term {n} of {x} at gamma^{k} doubled", _with(equations, x, k, n, lambda c: f"2*({c})")
        term = equations[x][k]["terms"][n]["term"]
        for old, new in _REPLACED:
            other = re.sub(old, new, term, count=1)
            if other != term:
                yield f"{other} for {term} of {x} at gamma^{k}", _renamed(equations, x, k, n, other)
    for x, powers in equations.items():
        for k, power in enumerate(powers):
            for text in HIDDEN.get(k, ()) if label == "L" else ():
                yield f"{text} added to {x} at gamma^{k}", _added(equations, x, k, "1/1000", text)
            for i in range(len(power["terms"]) - 1):
                a, b = (power["terms"][j]["coefficient"] for j in (i, i + 1))
                if a != b:
                    swapped = _with(equations, x, k, i, lambda c, b=b: b)
                    yield (
                        f"coefficients {i}, {i + 1} of {x} at gamma^{k} exchanged",
                        _with(swapped, x, k, i + 1, lambda c, a=a: a),
                    )


def _changes(parameters: list[str]) -> Iterator[tuple[str, Any]]:
    yield "1e-6", lambda c: f"({c})*(1 + 1/1000000)"
    yield "1/7", lambda c: f"({c}) + 1/7"
    yield "sign", lambda c: f"-({c})"
    yield "tiny", lambda c: f"({c}) - 1/340282366920938463463374607431768211297"
    for p in parameters:
        yield f"zeros in {p}", lambda c, p=p: f"({c}) + (25*{p} - 16)*(9*{p} - 8)*(4*{p} - 1)"
        yield f"{p} scaled", lambda c, p=p: f"({c})*(1 + {p}/1000)"


def true_forms(equations: Equations, parameters: list[str]) -> Iterator[tuple[str, Equations]]:
    """(how it was rewritten, equations)."""
    yield "as derived", equations
    yield "terms reversed", {x: [{**p, "terms": p["terms"][::-1]} for p in powers] for x, powers in equations.items()}
    yield "sqrt(g*g)", _everywhere(equations, "term", lambda t: t.replace("abs(grad)", "sqrt(grad*grad)"))
    yield "g*sign(g)", _everywhere(equations, "term", lambda t: t.replace("abs(grad)", "(grad*sign(grad))"))
    yield "g/sqrt(g*g)", _everywhere(equations, "term", lambda t: t.replace("sign(grad)", "(grad/sqrt(grad*grad))"))
    yield "(g**4)**(1/4)", _everywhere(equations, "term", lambda t: t.replace("abs(grad)", "((grad**4)**(1/4))"))
    inverse = r"(?<!\w)(\([^()]*(?:\([^()]*\)[^()]*)*\))\*\*\(-1\)"
    yield "1/x", _everywhere(equations, "term", lambda t: re.sub(inverse, r"(1/\1)", t))
    yield "arguments permuted", _everywhere(equations, "term", lambda t: re.sub(r"d3\((\w+), (\w+\(\w+\))\)", r"d3(\2, \1)", t))
    for p in parameters:
        yield f"(1 + {p})/(1 + {p})", _everywhere(equations, "coefficient", lambda c, p=p: f"({c})*(1 + {p})/({p} + 1)")
        yield f"split by {p}", _everywhere(equations, "coefficient", lambda c, p=p: f"(({c}) - 1/(3 + {p})) + 1/({p} + 3)")
        yield f"squared 1 - {p}", _everywhere(equations, "coefficient", lambda c, p=p: f"({c})*(1 - 2*{p} + {p}**2)/(1 - {p})**2")
    for x, k, n in _terms(equations):
        halves = _with(equations, x, k, n, lambda c: f"({c})/2")
        term = equations[x][k]["terms"][n]
        yield f"term {n} of {x} at gamma^{k} in two", _added(halves, x, k, f"({term['coefficient']})/2", term["term"])


def _terms(equations: Equations) -> Iterator[tuple[str, int, int]]:
    for x, powers in equations.items():
        for k, power in enumerate(powers):
            for n in range(len(power["terms"])):
                yield x, k, n


def _with(equations: Equations, x: str, k: int, n: int, change: Any) -> Equations:
    changed = copy.deepcopy(equations)
    item = changed[x][k]["terms"][n]
    item["coefficient"] = change(item["coefficient"])
    return changed


def _renamed(equations: Equations, x: str, k: int, n: int, term: str) -> Equations:
    changed = copy.deepcopy(equations)
    changed[x][k]["terms"][n]["term"] = term
    return changed


def _without(equations: Equations, x: str, k: int, n: int) -> Equations:
    changed = copy.deepcopy(equations)
    del changed[x][k]["terms"][n]
    return changed


def _added(equations: Equations, x: str, k: int, coefficient: str, term: str) -> Equations:
    changed = copy.deepcopy(equations)
    changed[x][k]["terms"].append({"coefficient": coefficient, "term": term})
    return changed


def _everywhere(equations: Equations, key: str, change: Any) -> Equations:
    changed = copy.deepcopy(equations)
    for x, k, n in _terms(changed):
        item = changed[x][k]["terms"][n]
        item[key] = change(item[key])
    return changed
