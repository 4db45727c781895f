#!/usr/bin/env python3
"""Re-checks a certificate from the file alone:  python checker.py FILE.  Standard library only; meant to be read.

A certificate states that for every smooth loss and these parameter values the scheme's modified equation begins with the
listed field.  It carries, for several losses and points, what is needed to see this again in exact fractions:

 1. The scheme's own text is run from the stated point and memory, as power series in gamma.  The coefficient of
    gamma^k of every variable must be a polynomial in the step number n of degree at most k: all differences of order k + 1
    vanish.  (This is the slow manifold: a transient a^n has no vanishing difference.)
 2. The coefficient of n^1 at gamma^(k+1) is then the true f_k at that point.  It must equal the stated value, and
    the stated field evaluated there, term by term, for k = 0..order.
 3. The terms that the scheme could produce are listed.  Their values at the points, modulo a prime, must have full
    rank: then two combinations of these terms that agree at the points are equal.

What is taken on trust is only that the list of terms in 3 spans everything the scheme can produce and the field itself (the
program that wrote the file found it by closing the update text under its own operations).
"""

# mypy: ignore-errors
import ast
import hashlib
import json
import sys
from fractions import Fraction
from functools import lru_cache
from math import comb, factorial, isqrt, prod

FORMAT = "shadowflow certificate 1"
PRIME = 2**61 - 1


class Refused(Exception):
    """The certificate is not what it says."""


def need(condition, message):
    if not condition:
        raise Refused(message)


def power(x, r):
    """x^r, exact; a root that is not rational is refused."""
    if isinstance(x, Series):
        return x.power(r)
    x = Fraction(x)
    if r.denominator == 1:
        return x ** int(r)
    root = Fraction(isqrt(abs(x.numerator)), isqrt(x.denominator))
    need(r.denominator == 2 and root * root == x, f"({x})^({r}) is not a rational number")
    return root**r.numerator


class Series:
    """a_0 + a_1 gamma + ... + O(gamma^len)."""

    def __init__(self, c):
        self.c = list(c)

    def valuation(self):
        return next((k for k, a in enumerate(self.c) if a), len(self.c))

    def __add__(self, other):
        b = other if isinstance(other, Series) else constant(other, len(self.c))
        return Series(x + y for x, y in zip(self.c, b.c))

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

    __radd__, __rmul__ = __add__, __mul__
    __neg__ = lambda self: self * -1
    __sub__ = lambda self, other: self + (-other)
    __rsub__ = lambda self, other: (-self) + other
    __rtruediv__ = lambda self, other: constant(other, len(self.c)) / self

    def __truediv__(self, other):
        if not isinstance(other, Series):
            return self * (1 / Fraction(other))
        v = other.valuation()
        need(v < len(other.c) and not any(self.c[:v]), "division by a vanishing series")
        return Series(self.c[v:]) * Series(other.c[v:]).power(Fraction(-1))

    def power(self, r):
        """c = a^r from a c' = r a' c."""
        if r.denominator == 1 and r >= 0:
            return prod([self] * int(r), start=constant(1, len(self.c)))
        a = self.c
        need(a and a[0], "a root or negative power of something that vanishes")
        c = [power(a[0], r)]
        for k in range(1, len(a)):
            c.append(sum((r * (k - i) - i) * c[i] * a[k - i] for i in range(k)) / (k * a[0]))
        return Series(c)


OPERATORS = {ast.Add: lambda x, y: x + y, ast.Sub: lambda x, y: x - y, ast.Mult: lambda x, y: x * y, ast.Div: lambda x, y: x / y}
parse = lru_cache(None)(lambda text: ast.parse(text, mode="eval").body)
constant = lambda x, length: Series([Fraction(x)] + [Fraction(0)] * (length - 1))
each = lambda f, a: [f(x) for x in a] if isinstance(a, list) else f(a)
components = lambda v, size=1: v if isinstance(v, list) else [v] * size
derivative = lambda p, i: {(*e[:i], e[i] - 1, *e[i + 1 :]): c * e[i] for e, c in p.items() if e[i]}
difference = lambda v, k: sum((-1) ** (k - j) * comb(k, j) * v[j] for j in range(k + 1))  # Delta^k v_0


def both(f, a, b):
    """f(a, b), component by component where one is a list."""
    if isinstance(a, list):
        return [f(x, y) for x, y in zip(a, b if isinstance(b, list) else [b] * len(a))]
    return [f(a, y) for y in b] if isinstance(b, list) else f(a, b)


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
        monomial = lambda e: prod((x for x, k in zip(deltas, e) for _ in range(k)), start=Fraction(1))
        return [sum((monomial(e) * c for e, c in p.items()), Fraction(0)) for p in polynomials]

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


def orbit(scheme, place, entry, parameters, order):
    """The states after 0, 1, ..., order + 3 steps, as power series."""
    long, call = order + 6, place.call(place.point)
    state = {s: each(lambda x: constant(x, long), v) for s, v in {"theta": entry["point"], **entry["slow"]}.items()}
    series = lambda c: Series(Fraction(x) for x in c)
    state |= {m: series(v) if m in scheme["scalars"] else [series(c) for c in v] for m, v in entry["memory"].items()}
    gamma, states = Series([Fraction(int(k == 1)) for k in range(long)]), [state]
    for n in range(order + 3):
        before = {**parameters, **states[-1], "gamma": gamma, "t": constant(place.t, long) + gamma * n}
        ahead = before["theta"]
        for _ in range(long if scheme["implicit"] else 1):  # theta_next enters with a factor gamma: each pass settles a power
            names = {**before, "theta_next": ahead}
            for target, text in scheme["program"]:
                names[target] = value(parse(text), names, call)
            ahead = names["theta"]
        states.append({s: names[s] for s in state})
    return states


def true_field(states, variables, order):
    """f_0, ..., f_(order+1) of every variable; refuses an orbit that is not on the slow manifold."""
    found = {}
    for name in states[0]:
        for i in range(len(components(states[0][name]))):
            rows = [components(s[name])[i].c for s in states]
            for k in range(min(min(map(len, rows)), order + 3)):
                need(not difference([r[k] for r in rows], k + 1), f"{name} is not on the slow manifold at gamma^{k}")
            if name in variables:
                need(min(map(len, rows)) > order + 2, f"{name} is not known to gamma^{order + 2}")
                log = lambda v, n: sum(Fraction((-1) ** (j + 1), j) * difference(v, j) for j in range(1, n + 1))
                found.setdefault(name, []).append([log([r[k + 1] for r in rows], k + 1) for k in range(order + 2)])
    return {name: [list(v) for v in zip(*components)] for name, components in found.items()}


def formula_names(place, entry, parameters):
    names = {**parameters, **{s: each(Fraction, v) for s, v in entry["slow"].items()}, "t": place.t, "theta": place.point}
    names["grad" if place.label == "L" else "field"] = place.tensor(place.parts, place.point, [])
    for f, coefficients in place.series.items():
        for k, c in enumerate(coefficients):  # r, dr, d2r, ...
            names[("", "d")[k > 0] + (str(k) if k > 1 else "") + f] = c * factorial(k)
    return names


def rank(rows):
    """Rank modulo PRIME: each row is reduced by the rows kept so far, by their first non-zero columns."""
    kept = {}
    for row in rows:
        for column, other in kept.items():
            scale = row[column]
            row = [(x - scale * y) % PRIME for x, y in zip(row, other)] if scale else row
        column = next((j for j, x in enumerate(row) if x), None)
        if column is not None:
            inverse = pow(row[column], -1, PRIME)
            kept[column] = [x * inverse % PRIME for x in row]
    return len(kept)


def digest(certificate: dict) -> str:
    rest = {k: v for k, v in certificate.items() if k != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def check_set(certificate, group):
    """All points of one choice of parameters; the ranks reached."""
    scheme, order, field = certificate["scheme"], certificate["order"], certificate["field"]
    parameters = {n: Fraction(v) for n, v in group["parameters"].items()}
    rows, beyond = {(x, k): [] for x in field for k in range(order + 1)}, False
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
                rows[x, k] += [[c[i].numerator * pow(c[i].denominator, -1, PRIME) % PRIME for c in columns] for i in range(size)]
    for (x, k), matrix in rows.items():
        wanted = len(group["terms"][x][k])
        need(group["rank"][x][k] == wanted and rank(matrix) == wanted, f"the rank of the terms of f_{k} of {x} is not full")
    return sum(len(ts) for powers in group["terms"].values() for ts in powers), beyond


def check(certificate: dict) -> str:
    """Refuses the certificate, or returns a sentence on what was checked."""
    need(certificate.get("format") == FORMAT, f"not a certificate of the format '{FORMAT}'")
    need(certificate.get("digest") == digest(certificate), "the digest does not match: the file was changed after it was written")
    order, result = certificate["order"], certificate["result"]
    need(result["verdict"] == "verified" and certificate["sets"], "the certificate claims nothing")
    need(all(len(powers) == order + 1 for powers in certificate["field"].values()), "the field does not have order + 1 parts")
    found = [check_set(certificate, group) for group in certificate["sets"]]
    need([n for n, _ in found] == result["rank"] == result["rank_needed"], "the stated ranks are not those found")
    first = result["exact_first_nonzero_power"]
    right = first == order + 2 if any(b for _, b in found) else first is None or first > order + 2
    need(right, "the first non-zero power is wrong")
    points = sum(len(g["points"]) for g in certificate["sets"])
    return f"verified through gamma^{order}: exact at {points} points, rank {' and '.join(str(n) for n, _ in found)}, all full"


def main(path):
    try:
        with open(path, encoding="utf-8") as file:
            print(check(json.load(file)))
    except (OSError, json.JSONDecodeError) as error:
        print(f"usage: checker.py FILE ({error})", file=sys.stderr)
        return 2
    except Exception as error:  # Refused, or a file that is not of this form at all
        print(f"refused: {type(error).__name__}: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main("".join(sys.argv[1:2])))
