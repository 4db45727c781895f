#!/usr/bin/env python3
"""Re-checks a certificate from the file alone:  python checker.py FILE.  Standard library only; meant to be read.

A certificate states: for every smooth loss L and these parameter values the scheme's modified equation begins with the
listed field.  It carries, for several losses and points, everything needed to see this again in exact fractions:

 1. The scheme's own text is run from the stated point and memory, as power series in gamma.  The coefficient of
    gamma^k of every variable must be a polynomial in the step number n of degree at most k: all differences of order k + 1
    vanish.  (This is the slow manifold: a transient a^n has no vanishing difference.)
 2. The coefficient of n^1 at gamma^(k+1) is then the true f_k at that point.  It must equal the stated value, and
    the stated field evaluated there, term by term, for k = 0..order.
 3. The terms that the scheme could produce are listed.  Their values at the points, modulo a prime, must have full
    rank: then two combinations of these terms that agree at the points are equal.

What is taken on trust is only that the list of terms in 3 is complete (the program that wrote the file found it by closing
the update text under its own operations); terms of the field that are not in the list are refused.
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from fractions import Fraction
from math import isqrt

FORMAT = "shadowflow certificate 1"
PRIME = 2**61 - 1


class Refused(Exception):
    """The certificate is not what it says."""


def need(condition, message):
    if not condition:
        raise Refused(message)


# ------------------------------------------------------------------------------------------ numbers and power series


def power(x, r):
    """x^r, exact; a root that is not rational is refused."""
    if isinstance(x, Series):
        return x.power(r)
    x = Fraction(x)
    if r.denominator == 1:
        return x ** int(r)
    need(r.denominator == 2 and x > 0, f"({x})^({r}) is not a rational number")
    root = Fraction(isqrt(x.numerator), isqrt(x.denominator))
    need(root * root == x, f"the root of {x} is not rational")
    return root**r.numerator


class Series:
    """a_0 + a_1 gamma + ... + O(gamma^len)."""

    def __init__(self, c):
        self.c = list(c)

    def valuation(self):
        return next((k for k, a in enumerate(self.c) if a), len(self.c))

    def __add__(self, other):
        b = other.c if isinstance(other, Series) else [Fraction(other)] + [Fraction(0)] * (len(self.c) - 1)
        return Series(x + y for x, y in zip(self.c, b))

    def __mul__(self, other):
        if not isinstance(other, Series):
            return Series(x * other for x in self.c)
        a, b = self.c, other.c
        n = min(len(a) + other.valuation(), len(b) + self.valuation())
        out = [Fraction(0)] * n
        for i, x in enumerate(a):
            if x:
                for j in range(min(len(b), n - i)):
                    out[i + j] += x * b[j]
        return Series(out)

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + (-other)

    def __rsub__(self, other):
        return (-self) + other

    __radd__, __rmul__ = __add__, __mul__

    def __truediv__(self, other):
        if not isinstance(other, Series):
            return self * (1 / Fraction(other))
        v = other.valuation()
        need(v < len(other.c) and not any(self.c[:v]), "division by a vanishing series")
        return Series(self.c[v:]) * Series(other.c[v:]).power(Fraction(-1))

    def __rtruediv__(self, other):
        return Series([Fraction(other)] + [Fraction(0)] * (len(self.c) - 1)) / self

    def power(self, r):
        """c = a^r from a c' = r a' c."""
        if r.denominator == 1 and r >= 0:
            result = Series([Fraction(1)] + [Fraction(0)] * (len(self.c) - 1))
            for _ in range(int(r)):
                result = result * self
            return result
        a = self.c
        need(a and a[0], "a root or negative power of something that vanishes")
        c = [power(a[0], r)]
        for k in range(1, len(a)):
            c.append(sum((r * (k - i) - i) * c[i] * a[k - i] for i in range(k)) / (k * a[0]))
        return Series(c)


# ------------------------------------------------------------------------------------------ expressions

OPERATORS = {ast.Add: lambda x, y: x + y, ast.Sub: lambda x, y: x - y, ast.Mult: lambda x, y: x * y, ast.Div: lambda x, y: x / y}
trees = {}


def parse(text, mode="eval"):
    if (text, mode) not in trees:
        try:
            trees[text, mode] = ast.parse(text, mode=mode).body
        except SyntaxError:
            raise Refused(f"not an expression: {text}") from None
    return trees[text, mode]


def both(f, a, b):
    """f(a, b), component by component where one is a list."""
    if isinstance(a, list):
        return [f(x, y) for x, y in zip(a, b if isinstance(b, list) else [b] * len(a))]
    return [f(a, y) for y in b] if isinstance(b, list) else f(a, b)


def each(f, a):
    return [f(x) for x in a] if isinstance(a, list) else f(a)


def value(node, names, call):
    """The value of a parsed expression: numbers, names, + - * / **, and the functions that `call` knows."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return Fraction(str(node.value))
    if isinstance(node, ast.Name):
        need(node.id in names, f"unknown name {node.id}")
        return names[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return each(lambda x: -x, value(node.operand, names, call))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        exponent = value(node.right, {}, call)
        return each(lambda x: power(x, exponent), value(node.left, names, call))
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return both(OPERATORS[type(node.op)], value(node.left, names, call), value(node.right, names, call))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return call(node.func.id, [value(a, names, call) for a in node.args])
    raise Refused(f"{ast.dump(node)[:60]} is not in the language")


class Place:
    """A loss (or field) as polynomials in delta = theta - point, and the functions of the language there."""

    def __init__(self, entry, label):
        self.point = [Fraction(x) for x in entry["point"]]
        self.size, self.label = len(self.point), label
        polynomials = [{tuple(map(int, e.split(","))): Fraction(c) for e, c in p.items()} for p in entry["polynomials"]]
        self.parts = polynomials if label == "f" else [derivative(polynomials[0], i) for i in range(self.size)]
        self.t = Fraction(entry["t"])
        self.series = {f: [Fraction(c) for c in cs] for f, cs in entry["functions"].items()}

    def tensor(self, polynomials, theta, arguments):
        """d^k of the gradient (or field) at theta, contracted with k lists."""
        if arguments:
            columns = [self.tensor([derivative(p, j) for p in polynomials], theta, arguments[1:]) for j in range(self.size)]
            return [sum((u * c[i] for u, c in zip(arguments[0], columns)), Fraction(0)) for i in range(len(polynomials))]
        deltas = [x - p for x, p in zip(theta, self.point)]
        return [sum((monomial(deltas, e) * c for e, c in p.items()), Fraction(0)) for p in polynomials]

    def call(self, theta):
        def function(name, args):
            if name in ("grad", "field"):
                return self.tensor(self.parts, args[0], [])
            if name in ("sqrt", "abs", "sign"):
                size = each(lambda x: power(x if name == "sqrt" else x * x, Fraction(1, 2)), args[0])
                return size if name != "sign" else both(lambda x, y: x / y, args[0], size)
            if name in ("dot", "norm"):
                u, v = ([a] * self.size if not isinstance(a, list) else a for a in (args[0], args[-1]))
                total = sum((x * y for x, y in zip(u, v)), Fraction(0))
                return total if name == "dot" else power(total, Fraction(1, 2))
            if name in self.series:
                s = args[0] - self.t
                return sum((power(s, Fraction(k)) * c for k, c in enumerate(self.series[name])), Fraction(0))
            rank = {"hess": 1, "dfield": 1}.get(name) or (int(name[1:]) - 1 if name[1:].isdigit() else int(name[1:-5]))
            need(rank == len(args), f"{name} with {len(args)} arguments")
            return self.tensor(self.parts, theta, [a if isinstance(a, list) else [a] * self.size for a in args])

        return function


def derivative(p, axis):
    return {(*e[:axis], e[axis] - 1, *e[axis + 1 :]): c * e[axis] for e, c in p.items() if e[axis]}


def monomial(deltas, e):
    result = Fraction(1)
    for x, k in zip(deltas, e):
        for _ in range(k):
            result = result * x
    return result


# ------------------------------------------------------------------------------------------ one point


def orbit(scheme, place, entry, parameters, order):
    """The states after 0, 1, ..., order + 3 steps, as power series."""
    long = order + 6
    constant = lambda x: Series([Fraction(x)] + [Fraction(0)] * (long - 1))
    read = lambda v, f: [f(x) for x in v] if isinstance(v, list) else f(v)
    state = {"theta": [constant(x) for x in entry["point"]]}
    state |= {s: read(v, constant) for s, v in entry["slow"].items()}
    series = lambda c: Series(Fraction(x) for x in c)
    state |= {m: series(v) if m in scheme["scalars"] else [series(c) for c in v] for m, v in entry["memory"].items()}
    gamma, states = Series([Fraction(int(k == 1)) for k in range(long)]), [state]
    for n in range(order + 3):
        states.append(step(scheme, place, states[-1], parameters, gamma, constant(place.t) + gamma * n, long))
    return states


def step(scheme, place, state, parameters, gamma, t, passes):
    call = place.call(state["theta"])
    free = {**parameters, "gamma": gamma, "t": t}
    names = {**free, **{n: value(parse(e), free, call) for n, e in scheme["bindings"].items()}}
    factor = {v: value(parse(e), {**free, "t": t + gamma}, call) for v, (_, e) in scheme["rescaled"].items()}
    for s, symbol in scheme["states"].items():
        names[s] = state[symbol]
        if s == "theta_prev":
            names[s] = both(lambda x, y: x + y, state["theta"], state[symbol])
        elif s in scheme["rescaled"]:
            now = value(parse(scheme["rescaled"][s][1]), free, call)
            names[s] = each(lambda x, f=now: x * f, state[symbol])
    before, ahead = dict(names), state["theta"]
    for _ in range(passes if "theta_next" in scheme["update"] else 1):
        names = {**before, "theta_next": ahead}
        for line in parse(scheme["update"], "exec"):
            names[line.target.id if isinstance(line, ast.AugAssign) else line.targets[0].id] = assigned(line, names, call)
        ahead = names["theta"]
    if "theta_prev" in scheme["states"]:
        old = names["theta_prev"] if scheme["assigns_theta_prev"] else state["theta"]
        names["theta_prev"] = both(lambda x, y: x - y, old, names["theta"])
    return {symbol: both(lambda x, y: x / y, names[s], factor[s]) if s in factor else names[s] for s, symbol in scheme["states"].items()}


def assigned(line, names, call):
    new = value(line.value, names, call)
    return both(OPERATORS[type(line.op)], names[line.target.id], new) if isinstance(line, ast.AugAssign) else new


def differences(values, order):
    row = list(values[: order + 1])
    for _ in range(order):
        row = [y - x for x, y in zip(row, row[1:])]
    return row[0]


def true_field(states, variables, order):
    """f_0, ..., f_(order+1) of every variable; refuses an orbit that is not on the slow manifold."""
    listed = lambda v: v if isinstance(v, list) else [v]
    found = {}
    for name in states[0]:
        for i in range(len(listed(states[0][name]))):
            rows = [listed(s[name])[i].c for s in states]
            for k in range(min(min(map(len, rows)), order + 3)):
                need(not differences([r[k] for r in rows], k + 1), f"{name} is not on the slow manifold at gamma^{k}")
            if name in variables:
                need(min(map(len, rows)) > order + 2, f"{name} is not known to gamma^{order + 2}")
                signs = [[Fraction((-1) ** (j + 1), j) * differences([r[k + 1] for r in rows], j) for j in range(1, k + 2)] for k in range(order + 2)]
                found.setdefault(name, []).append([sum(s) for s in signs])
    return {name: [list(v) for v in zip(*components)] for name, components in found.items()}


def formula_names(place, entry, parameters):
    read = lambda v: [Fraction(x) for x in v] if isinstance(v, list) else Fraction(v)
    names = {**parameters, **{s: read(v) for s, v in entry["slow"].items()}, "t": place.t, "theta": place.point}
    names["grad" if place.label == "L" else "field"] = place.tensor(place.parts, place.point, [])
    for f, coefficients in place.series.items():
        factor = 1
        for k, c in enumerate(coefficients):
            factor *= max(1, k)
            names[("", "d")[k > 0] + (str(k) if k > 1 else "") + f] = c * factor
    return names


def components(v, size):
    return v if isinstance(v, list) else [v] * size


def rank(rows):
    """Rank modulo PRIME."""
    rows, found = [list(r) for r in rows], 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((i for i in range(found, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[found], rows[pivot] = rows[pivot], rows[found]
        inverse = pow(rows[found][column], -1, PRIME)
        for i in range(found + 1, len(rows)):
            if rows[i][column]:
                scale = rows[i][column] * inverse % PRIME
                rows[i] = [(x - scale * y) % PRIME for x, y in zip(rows[i], rows[found])]
        found += 1
    return found


def residue(x):
    return x.numerator * pow(x.denominator, -1, PRIME) % PRIME


# ------------------------------------------------------------------------------------------ the certificate


def digest(certificate):
    """SHA-256 of the certificate without its digest, keys sorted."""
    rest = {k: v for k, v in certificate.items() if k != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def check_set(certificate, group):
    """All points of one choice of parameters; the ranks reached."""
    scheme, order, field = certificate["scheme"], certificate["order"], certificate["field"]
    parameters = {n: Fraction(v) for n, v in group["parameters"].items()}
    rows = {(x, k): [] for x in field for k in range(order + 1)}
    beyond = False
    for number, entry in enumerate(group["points"]):
        where, place = f"point {number + 1}: ", Place(entry, scheme["label"])
        truth = true_field(orbit(scheme, place, entry, parameters, order), field, order)
        stated = {x: [[Fraction(c) for c in v] for v in vs] for x, vs in entry["values"].items()}
        need(truth == stated, where + "the stated values of the field are not those of the scheme")
        names, call = formula_names(place, entry, parameters), place.call(place.point)
        for x, powers in field.items():
            size = len(truth[x][0])
            beyond = beyond or any(truth[x][order + 1])
            for k in range(order + 1):
                claimed = [Fraction(0)] * size
                for coefficient, term in powers[k]:
                    product = both(lambda a, b: a * b, value(parse(coefficient), names, call), value(parse(term), names, call))
                    claimed = [a + b for a, b in zip(claimed, components(product, size))]
                need(claimed == truth[x][k], where + f"f_{k} of {x} is {truth[x][k]}, not {claimed}")
                columns = [components(value(parse(t), names, call), size) for t in group["terms"][x][k]]
                rows[x, k] += [[residue(c[i]) for c in columns] for i in range(size)] if columns else []
    for (x, k), matrix in rows.items():
        wanted = len(group["terms"][x][k])
        need(group["rank"][x][k] == wanted and rank(matrix) == wanted, f"the rank of the terms of f_{k} of {x} is not full")
    return sum(len(ts) for powers in group["terms"].values() for ts in powers), beyond


def check(certificate):
    """Refuses the certificate, or returns a sentence on what was checked."""
    need(certificate.get("format") == FORMAT, f"not a certificate of the format '{FORMAT}'")
    need(certificate.get("digest") == digest(certificate), "the digest does not match: the file was changed after it was written")
    order, result = certificate["order"], certificate["result"]
    need(result["verdict"] == "verified" and certificate["sets"], "the certificate claims nothing")
    need(all(len(powers) == order + 1 for powers in certificate["field"].values()), "the field does not have order + 1 parts")
    found = [check_set(certificate, group) for group in certificate["sets"]]
    need([n for n, _ in found] == result["rank"] == result["rank_needed"], "the stated ranks are not those found")
    first = result["exact_first_nonzero_power"]
    need((first == order + 2) if any(b for _, b in found) else (first is None or first > order + 2), "the first non-zero power is wrong")
    points = sum(len(g["points"]) for g in certificate["sets"])
    return f"verified through gamma^{order}: exact at {points} points, rank {' and '.join(str(n) for n, _ in found)}, all full"


def main(arguments):
    if len(arguments) != 1:
        print("usage: checker.py FILE", file=sys.stderr)
        return 2
    try:
        with open(arguments[0], encoding="utf-8") as file:
            certificate = json.load(file)
    except (OSError, ValueError) as error:
        print(f"cannot read {arguments[0]}: {error}", file=sys.stderr)
        return 2
    try:
        print(check(certificate))
    except Refused as error:
        print(f"refused: {error}")
        return 1
    except Exception as error:  # a file that is not of this form at all
        print(f"refused: malformed ({type(error).__name__}: {error})")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
