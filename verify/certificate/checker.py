#!/usr/bin/env python3
"""Checks a certificate of a modified equation:  python checker.py FILE [--reproducible].  Standard library only.

A certificate is a statement: an update text, and a claimed field  x' = sum_k gamma^k f_k  of its slow variables (form "flow";
"map": x_1 = x_0 + gamma sum_k gamma^k f_k).  It holds no points and no values.  The checker runs the text on random losses over
random prime fields and compares; what it draws nobody else knows (or, with --reproducible, follows from the file).

  signs    p = -1 mod 8: residues play the positive numbers, |x| is the residue among x, -x, every residue has one residue root
  orbit    X_n = sum_k gamma^k X_n^(k) on the slow manifold: Delta^(k+1) X^(k) = 0 for every k, which fixes the memory order by
           order; f_k is the coefficient of n^1 in X^(k+1)
  all d    a difference that exists in some dimension exists in one more than the number of summation indices (counted here)
  error    a false claim passes a sample with probability at most  D Q 2^k / 2^63 + (Q H / 63) / #primes:  degree D, cover by
           roots Q, k positivity conditions, coefficients below 2^H, all bounded by a run on degrees (class Degrees)
  classes  |x|, sign(x) and roots of squares have branches: 2^s classes of points, 70 * 2^s samples; a reflection of every
           coordinate, under which text and claim are even or odd, merges those of one odd quantity

Exit status: 0 proved, 1 claim and scheme differ, 2 not a certificate, or nothing that can be decided here.
"""

# mypy: ignore-errors
import ast
import hashlib
import itertools
import json
import os
import random
import re
import sys
from fractions import Fraction
from math import ceil, comb, factorial, lcm, log2, prod

FORMAT, LONGEST, LARGEST, TARGET = "shadowflow proof 1", 20_000, 8_000_000, -101
SCHEME_KEYS = ("scheme", "regime", "update", "kinds", "parameters", "bindings", "rescaled", "functions")
KEYS = {*SCHEME_KEYS, "format", "form", "label", "order", "slow", "fields", "memory"}
CALLS = {"grad": 1, "field": 1, "sqrt": 1, "abs": 1, "sign": 1, "dot": 2, "norm": 1}
TENSORS = {"hess": 1, "dfield": 1, **{f"d{k}": k - 1 for k in range(3, 20)}, **{f"d{k}field": k for k in range(2, 20)}}
FORMULA = {**{f: n for f, n in CALLS.items() if f not in ("grad", "field")}, **TENSORS}
NAME = r"[A-Za-z_][A-Za-z_0-9]{0,40}"
HALF, MINUS, ONE, EXACT = Fraction(1, 2), Fraction(-1), Fraction(1), 10**9


class Bad(Exception):
    """Not a certificate, or a statement that is not decided here."""


class Different(Exception):
    """Claim and scheme differ."""


class Rejected(Exception):
    """Something that must be positive is no residue: draw again.  args[0] is the place."""


class Short(Exception):
    """More coefficients are needed."""


def need(condition, message):
    if not condition:
        raise Bad(message)


# ------------------------------------------------------------------------------ reading: texts -> nodes (kind, value, *operands)

OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}


class Reader:
    """Parses texts; equal parts of formulas are one node, so that a node's identity says what it is."""

    def __init__(self):
        self.known, self.texts = {}, {}

    def formula(self, text, calls):
        need(isinstance(text, str) and 0 < len(text) <= LONGEST and "\n" not in text, "a formula is a text of one line")
        if text not in self.texts:
            self.texts[text] = self.node(parse(text.strip(), "eval").body, calls, True)
        return self.texts[text]

    def node(self, e, calls, shared, depth=0):
        need(depth < 200, "nested too deeply")
        inner = lambda x: self.node(x, calls, shared, depth + 1)
        if isinstance(e, ast.Constant) and type(e.value) in (int, float):
            found = ("number", number(e))
        elif isinstance(e, ast.Name):
            found = ("name", e.id)
        elif isinstance(e, ast.UnaryOp) and isinstance(e.op, ast.USub | ast.UAdd):
            found = ("neg", None, inner(e.operand)) if isinstance(e.op, ast.USub) else inner(e.operand)
        elif isinstance(e, ast.BinOp) and isinstance(e.op, ast.Pow):
            exponent = constant(inner(e.right))
            need(
                exponent is not None and abs(exponent.numerator) <= 40 and exponent.denominator <= 40,
                "an exponent must be a small fraction",
            )
            found = ("**", exponent, inner(e.left))
        elif isinstance(e, ast.BinOp) and type(e.op) in OPERATORS:
            found = (OPERATORS[type(e.op)], None, inner(e.left), inner(e.right))
        elif isinstance(e, ast.Call) and isinstance(e.func, ast.Name) and not e.keywords:
            need(calls.get(e.func.id) == len(e.args), f"{e.func.id} with {len(e.args)} arguments is not in the language")
            found = ("call", e.func.id, *map(inner, e.args))
        else:
            raise Bad(f"{type(e).__name__} is not in the language")
        return self.known.setdefault((*found[:2], *map(id, found[2:])), found) if shared else found


def parse(text, mode):
    need(len(text) <= LONGEST and all(c == "\n" or c.isprintable() for c in text), "the text is too long, or cannot be printed")
    try:
        return ast.parse(text, mode=mode)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Bad(f"cannot be read: {type(error).__name__}") from None


def number(e):
    """Exact: 0.9 is nine tenths."""
    text = repr(e.value)
    need(len(text) <= 400 and re.fullmatch(r"[0-9.]+(e[+-]?[0-9]{1,2})?", text), "a number that is too long")
    return Fraction(text)


def constant(node):
    """The value of a node without names and calls, or None."""
    kind, value, *args = node
    values = [constant(a) for a in args]
    if kind in ("name", "call") or None in values:
        return None
    need(all(abs(v.numerator).bit_length() + v.denominator.bit_length() < 4000 for v in values), "a number that is too long")
    if kind == "number":
        return value
    if (kind == "/" and not values[1]) or (kind == "**" and (value.denominator > 1 or (value < 0 and not values[0]))):
        return None
    x, y = values[0], values[-1]
    return (
        -x
        if kind == "neg"
        else x ** int(value)
        if kind == "**"
        else {"+": x + y, "-": x - y, "*": x * y, "/": x / (y or 1)}[kind]
    )


def walk(node):
    yield node
    for a in node[2:]:
        yield from walk(a)


class Claim:
    """The statement of a certificate, checked to be one."""

    def __init__(self, data):
        texts = lambda key: isinstance(data[key], dict) and all(re.fullmatch(NAME, n) for n in data[key])
        need(isinstance(data, dict) and set(data) == KEYS, "the keys are not those of a certificate")
        need(data["format"] == FORMAT and data["form"] in ("flow", "map"), "not a certificate of this format")
        need(type(data["order"]) is int and 0 <= data["order"] <= 12, "the order is not a small natural number")
        need(all(isinstance(data[k], str) for k in ("scheme", "regime", "update", "label")), "a text is missing")
        need(all(re.fullmatch(r"[\w .-]{0,80}", data[k], re.ASCII) for k in ("scheme", "regime")), "a name that is no name")
        tables = ("kinds", "parameters", "bindings", "rescaled", "functions", "fields", "memory")
        need(all(map(texts, tables)), "a table is missing, or a name in one is no name")
        self.order, self.form, self.data, reader = data["order"], data["form"], data, Reader()
        calls = {**CALLS, **dict.fromkeys(data["functions"], 1)}
        need(
            len(calls) == len(CALLS) + len(data["functions"]) and not set(data["functions"]) & set(FORMULA),
            "a function's name is taken",
        )
        self.program = []
        for s in parse(data["update"].strip("\n"), "exec").body:
            need(isinstance(s, ast.Assign | ast.AugAssign), "a line is no assignment")
            target = s.target if isinstance(s, ast.AugAssign) else s.targets[0] if len(s.targets) == 1 else None
            need(isinstance(target, ast.Name), "a line is no assignment")
            value = s.value if isinstance(s, ast.Assign) else ast.BinOp(ast.Name(target.id), s.op, s.value)
            self.program.append((target.id, reader.node(value, calls, False)))
        self.functions = {f: None if e is None else reader.formula(e, {}) for f, e in data["functions"].items()}
        self.bindings = {p: reader.formula(e, {}) for p, e in data["bindings"].items()}
        self.rescaled = {}
        for s, pair in data["rescaled"].items():
            need(isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str), "a rescaling is [name, factor]")
            need(re.fullmatch(NAME, pair[0]), "a name that is no name")
            self.rescaled[s] = (pair[0], reader.formula(pair[1], {}))
        self.names(data)
        self.positive = [c for n, text in data["parameters"].items() for c in self.sides(n, text, reader)]
        self.fields = {x: [self.summands(p, reader) for p in self.powers(data["fields"], x)] for x in data["fields"]}
        self.memory = {m: self.summands(p, reader) for m, p in data["memory"].items()}
        need(all(len(p) == self.order + 1 for p in self.fields.values()), "the field does not have order + 1 powers of gamma")
        need(list(self.fields) == data["slow"] and "theta" in self.fields, "the slow variables are not those of the field")
        need({*self.fields, *self.memory} == set(self.states.values()), "every state is slow or memory")
        need(not set(self.fields) & set(self.memory), "a variable is both slow and memory")
        self.claims = [s for p in self.fields.values() for k in p for s in k] + [s for p in self.memory.values() for s in p]
        roots = [v for _, v in self.program] + self.claims + [*self.bindings.values()] + [f for _, f in self.rescaled.values()]
        self.nodes = list({id(n): n for r in [*roots, *(f for f in self.functions.values() if f)] for n in walk(r)}.values())
        self.contracted = any(n[:1] == ("call",) and n[1] in ("dot", "norm") for n in self.nodes)
        self.implicit = any(n == ("name", "theta_next") for n in self.nodes)
        self.rank = max([TENSORS.get(n[1], 0) for n in self.nodes if n[0] == "call"], default=0)

    def powers(self, fields, x):
        need(isinstance(fields[x], list), "a field is a list of powers of gamma")
        return fields[x]

    def summands(self, items, reader):
        need(isinstance(items, list) and len(items) <= 20_000, "a power of gamma is a list of [coefficient, term]")
        found = []
        for item in items:
            need(isinstance(item, list) and len(item) == 2, "a power of gamma is a list of [coefficient, term]")
            c, t = (reader.formula(x, FORMULA) for x in item)
            found.append(reader.known.setdefault(("*", None, id(c), id(t)), ("*", None, c, t)))
        return found

    def sides(self, name, text, reader):
        """0 <= beta < 1 makes beta and 1 - beta positive."""
        need(isinstance(text, str) and len(text) < 200 and text.isascii(), "a range is a short text")
        parts = re.split(r"(<=|>=|<|>)", text) if text else []
        for left, op, right in zip(parts[::2], parts[1::2], parts[2::2]):
            a, b = (reader.formula(side, {}) for side in ((left, right) if op[0] == "<" else (right, left)))
            need(all(n[1] in self.free for side in (a, b) for n in walk(side) if n[0] == "name"), "a range names no parameter")
            yield ("-", None, b, a)

    def names(self, data):
        """States and kinds are read off the text, and compared."""
        reserved = {"theta", "theta_prev", "theta_next", "gamma", "t", "grad", "field"}
        self.free, assigned = set(data["parameters"]), {t for t, _ in self.program}
        need(
            not assigned & {"gamma", "t", "theta_next", *self.free, *data["bindings"]} and "theta" in assigned,
            "a name cannot be assigned",
        )
        seen, states = set(), ["theta"]
        for target, value in self.program:
            for n in (n[1] for n in walk(value) if n[0] == "name"):
                need(n in reserved or n in assigned | self.free | set(data["bindings"]), f"{n} has no meaning")
                if (n == "theta_prev" or n in assigned) and n not in seen and n not in states:
                    states.append(n)
            seen.add(target)
        labels = {n[1] for _, v in self.program for n in walk(v) if n[0] == "call"} & {"grad", "field"}
        need(len(labels) < 2 and data["label"] == ("f" if "field" in labels else "L"), "the label is not that of the text")
        self.label, vectors = data["label"], {"theta", "theta_prev", "theta_next"}
        for _ in self.program:
            vectors |= {t for t, v in self.program if self.is_vector(v, vectors)}
        kinds = {s: "vector" if s in vectors else "scalar" for s in states}
        need(data["kinds"] == kinds, "the kinds are not those of the text")
        need(set(self.rescaled) <= set(states) - {"theta"}, "a rescaled variable is no state")
        self.states = {s: self.rescaled[s][0] if s in self.rescaled else s for s in states}
        results = [*self.states.values()]
        others = self.free | set(data["bindings"]) | reserved - {"theta", "theta_prev"}
        need(len(set(results)) == len(results) and not others & set(results), "two things have one name")
        taken = reserved | self.free | set(data["bindings"]) | assigned | set(results)
        need(not any(re.fullmatch(rf"(d\d*)?{f}", n) for f in data["functions"] for n in taken), "two things have one name")
        need(not (reserved | set(data["functions"])) & set(data["bindings"]), "two things have one name")
        need(not self.free & (reserved | set(data["bindings"]) | set(data["functions"])), "two things have one name")
        self.scalars = {self.states[s] for s, k in kinds.items() if k == "scalar"}
        used = [*self.bindings.values(), *(f for _, f in self.rescaled.values())]
        need(
            all(n[1] in self.free | {"gamma", "t"} for e in used for n in walk(e) if n[0] == "name"),
            "a regime names no parameter",
        )

    def is_vector(self, node, vectors):
        kind, value, *args = node
        if kind == "name":
            return value in vectors
        return (kind == "call" and value in ("grad", "field")) or (
            value not in ("dot", "norm") and any(self.is_vector(a, vectors) for a in args)
        )


# ------------------------------------------------------------------------------ two rings: a prime field, and bounds of degrees


class Field:
    """The integers modulo p."""

    zero = 0

    def __init__(self, p):
        self.p, self.known = p, {}

    def constant(self, q):
        if q not in self.known:
            self.known[q] = q.numerator * pow(q.denominator, -1, self.p) % self.p
        return self.known[q]

    is_zero = staticmethod(lambda x: x == 0)
    add = lambda self, x, y: (x + y) % self.p
    neg = lambda self, x: -x % self.p
    scale = lambda self, x, q: x * self.constant(q) % self.p
    inner = lambda self, xs, ys: sum(x * y for x, y in zip(xs, ys)) % self.p
    residue = lambda self, x: pow(x, (self.p - 1) // 2, self.p) == 1

    def sign(self, x, where):
        return 1 if self.residue(x) else self.p - 1

    def power(self, x, r, where):
        """x^r with the principal root: the residue root of a residue; odd roots of -x are minus those of x."""
        if r.denominator == 1:
            return pow(x, r.numerator, self.p)
        positive = self.residue(x)
        if not positive and r.denominator % 2 == 0:
            raise Rejected(where)
        root = pow(x if positive else -x, pow(r.denominator, -1, (self.p - 1) // 2), self.p)
        return pow(root if positive else -root, r.numerator, self.p)

    def eliminate(self, rows):
        """Reduces rows in place; the determinant of the square part."""
        p, result = self.p, 1
        for j in range(len(rows)):
            pivot = next((i for i in range(j, len(rows)) if rows[i][j]), None)
            if pivot is None:
                return 0
            if pivot != j:
                rows[j], rows[pivot], result = rows[pivot], rows[j], -result
            result, inverse = result * rows[j][j] % p, pow(rows[j][j], -1, p)
            rows[j] = [x * inverse % p for x in rows[j]]
            for i in range(len(rows)):
                if i != j and rows[i][j]:
                    factor = rows[i][j]
                    rows[i] = [(x - factor * y) % p for x, y in zip(rows[i], rows[j])]
        return result


class Degrees:
    """None is zero; (n, h, c, poles, m) bounds  N / (c prod b^poles[b]):  N of degree n and of coefficients with sum 2^h, in
    terms with m summation indices.  Sums take the maximum over a common denominator, products add."""

    zero = None

    def __init__(self, d, same):
        self.d, self.same, self.bases, self.roots, self.leading = d, same, {"weights": (float(d), 0.0)}, {}, set()

    is_zero = staticmethod(lambda x: x is None)
    constant = lambda self, q: (0.0, log2(abs(q.numerator)), q.denominator, {}, 0) if q else None
    neg = lambda self, x: x
    add = lambda self, x, y: self.total([x, y])
    inner = lambda self, xs, ys: self.total([self.times(x, y) for x, y in zip(xs, ys)])

    def scale(self, x, q):
        return None if x is None or not q else (x[0], x[1] + log2(abs(q.numerator)), x[2] * q.denominator, x[3], x[4])

    def times(self, x, y):
        if x is None or y is None:
            return None
        return (x[0] + y[0], x[1] + y[1], x[2] * y[2], {b: x[3].get(b, 0) + y[3].get(b, 0) for b in {*x[3], *y[3]}}, x[4] + y[4])

    def total(self, xs):
        xs = [x for x in xs if x is not None]
        if len(xs) < 2:
            return xs[0] if xs else None
        c, poles = lcm(*(x[2] for x in xs)), {}
        for x in xs:
            poles |= {b: max(e, poles.get(b, 0)) for b, e in x[3].items()}
        lift = lambda x, i: x[i] + sum(float(e - x[3].get(b, 0)) * self.bases[b][i] for b, e in poles.items())
        heights = [lift(x, 1) + log2(c // x[2]) for x in xs]
        top = max(heights)
        return (
            max(lift(x, 0) for x in xs),
            top + log2(sum(2.0 ** max(h - top, -60) for h in heights)),
            c,
            poles,
            max(x[4] for x in xs),
        )

    def sign(self, x, where):
        need(x[4] == 0, "a second derivative stands under a sign")
        return self.constant(ONE)

    def power(self, x, r, where):
        if x is None or (r.denominator == 1 and r >= 0):
            return x and self.whole(x, int(r))
        need(x[4] == 0, "a second derivative stands under a root or denominator")
        n, h, c, poles, _ = x
        key, q = self.same.get(where, where), r.denominator
        if q > 1:
            self.roots[key] = lcm(q, self.roots.get(key, 1))
            n, h, poles = n / q, (h + (q - 1) * log2(c)) / q, {b: e / q for b, e in poles.items()}
        if r < 0:
            base = (key, q, round(n, 6), round(h, 6))
            self.bases[base] = (n, max(h, 0.0))
            n, h = (sum(float(e) * self.bases[b][i] for b, e in poles.items()) for i in (0, 1))
            h, c, poles = h + log2(x[2]), 1, {base: ONE}
        return self.whole((n, h, c, poles, 0), abs(r.numerator))

    def whole(self, x, r):
        return (x[0] * r, x[1] * r, x[2] ** r, {b: e * r for b, e in x[3].items()}, x[4] * r)


# ------------------------------------------------------------------------------ series  gamma^v (c_0 + c_1 gamma + ...)


class Kit:
    """A ring, the number of coefficients kept, leading powers if they are given, and those met."""

    def __init__(self, ring, length, leading=None, notes=False):
        self.ring, self.length, self.leading, self.notes, self.noted, self.dots = ring, length, leading, notes, {}, {}

    lift = lambda self, x: Series(self, 0, [x], True)
    constant = lambda self, q: self.lift(self.ring.constant(Fraction(q)))


class Series:
    """Exact, or known below gamma^(v + len c)."""

    def __init__(self, kit, v, c, exact=False):
        skip = next((i for i, x in enumerate(c) if not kit.ring.is_zero(x)), len(c))
        self.kit, self.c, self.exact = kit, list(c[skip:]), exact
        self.v = v + skip if self.c or not exact else 0

    precision = property(lambda self: EXACT if self.exact else self.v + len(self.c))

    def at(self, k):
        if k >= self.precision:
            raise Short
        return self.c[k - self.v] if 0 <= k - self.v < len(self.c) else self.kit.ring.zero

    def padded(self, low, high):
        zero = self.kit.ring.zero
        return [self.c[k - self.v] if 0 <= k - self.v < len(self.c) else zero for k in range(low, high)]

    def cut(self, high):
        return self if self.precision <= high else Series(self.kit, min(self.v, high), self.padded(min(self.v, high), high))

    def __add__(self, other):
        high, low = min(self.precision, other.precision), min(self.v, other.v)
        end = max(s.v + len(s.c) for s in (self, other)) if high == EXACT else high
        c = [self.kit.ring.add(x, y) for x, y in zip(self.padded(low, end), other.padded(low, end))]
        return Series(self.kit, min(low, end), c, high == EXACT)

    def __neg__(self):
        return Series(self.kit, self.v, [self.kit.ring.neg(x) for x in self.c], self.exact)

    def __sub__(self, other):
        return self + (-other)

    def __mul__(self, other):
        a, b, exact = self.c, other.c, self.exact and other.exact
        if (self.exact and not a) or (other.exact and not b):
            return self.kit.constant(0)
        n = len(a) + len(b) - 1 if exact else min(len(s.c) for s in (self, other) if not s.exact)
        if n > self.kit.length:
            n, exact = self.kit.length, False
        c = []
        for k in range(n):
            i = range(max(0, k - len(b) + 1), min(k + 1, len(a)))
            c.append(self.kit.ring.inner([a[j] for j in i], [b[k - j] for j in i]))
        return Series(self.kit, self.v + other.v, c, exact)

    def above(self, base, text):
        """self - base, which must tend to zero."""
        rest = self - self.kit.lift(base)
        if rest.c and rest.v < 1:
            need(self.kit.leading is not None, text)
            rest = Series(self.kit, 1, rest.c[1 - rest.v :], rest.exact)
        return rest

    def lead(self, key, i):
        """From the first non-zero coefficient on; it may not change from step to step."""
        s, kit = self, self.kit
        if kit.leading is not None and kit.leading.get(key, s.v) > s.v:
            s = Series(kit, kit.leading[key], s.c[kit.leading[key] - s.v :], s.exact)
        if not s.c:
            raise ZeroDivisionError if s.exact else Short
        if kit.notes and kit.leading is None:
            need(
                kit.noted.setdefault((key, i), (s.v, s.c[0])) == (s.v, s.c[0]), "a leading coefficient changes from step to step"
            )
        return s

    def power(self, r, key, i=None):
        """From a b' = r a' b:  k a_0 b_k = sum_(i<k) (r (k - i) - i) b_i a_(k-i)."""
        if r.denominator == 1 and r >= 0:
            return prod([self] * int(r), start=self.kit.constant(1))
        s, ring = self.lead(key, i), self.kit.ring
        need((s.v * r).denominator == 1, "a root brings a fractional power of gamma")
        a, b = s.c, [ring.power(s.c[0], r, key)]
        if s.exact and len(a) == 1:
            return Series(self.kit, int(s.v * r), b, True)
        inverse = ring.power(a[0], MINUS, key)
        for k in range(1, self.kit.length if s.exact else len(a)):
            j = range(max(0, k - len(a) + 1), k)
            total = ring.inner([ring.scale(b[i], (r * (k - i) - i) / k) for i in j], [a[k - i] for i in j])
            b.append(ring.inner([total], [inverse]))
        return Series(self.kit, int(s.v * r), b)

    def sign(self, key, i=None):
        s = self.lead(key, i)
        return self.kit.lift(self.kit.ring.sign(s.c[0], key))


# ------------------------------------------------------------------------------ losses: all derivatives at a point, random

TABLES = {}


def table(d, degree):
    """Exponents a with |a| <= degree by degree; where each degree starts; places of a + e_j; (place of a - e_j, j); 1/a!."""
    if (d, degree) not in TABLES:
        layers = [[(0,) * d]]
        raised = lambda a, j: (*a[:j], a[j] + 1, *a[j + 1 :])
        for _ in range(degree):
            layers.append(list(dict.fromkeys(raised(a, j) for a in layers[-1] for j in range(d))))
        every = [a for layer in layers for a in layer]
        place, start = {a: n for n, a in enumerate(every)}, list(itertools.accumulate(map(len, layers), initial=0))
        up = [[place[raised(a, j)] for a in every[: start[-2]]] for j in range(d)]
        first = [next((j for j in range(d) if a[j]), 0) for a in every]
        parent = [(place.get((*a[:j], a[j] - 1, *a[j + 1 :]), 0), j) for a, j in zip(every, first)]
        TABLES[d, degree] = (start, up, parent, [Fraction(1, prod(map(factorial, a))) for a in every])
    return TABLES[d, degree]


class Jets:
    """A loss (label L: one list of derivatives, raised by u) or field (f) at theta;  dot(x, y) = sum x_i y_i / u_i."""

    def __init__(self, claim, degree, theta, jets, ring, u):
        self.dimension, self.theta, self.jets, self.ring, self.u, self.degree = len(theta), theta, jets, ring, u, degree
        loss = claim.label == "L"
        self.start, self.up, self.parent, self.weight = table(len(theta), degree + loss)
        self.rows = [[jets[0][n] * u[i] % ring.p for n in self.up[i]] for i in range(len(theta))] if loss else jets
        self.leaf, self.memo, self.taylor = [row[0] for row in self.rows], {}, None

    def gradient(self, point):
        """sum_a T_a delta^a / a! at theta + delta."""
        kit, ring = point[0].kit, self.ring
        deltas = [x.above(t, "a gradient is taken far from theta") for x, t in zip(point, self.theta)]
        if all(x.exact and not x.c for x in deltas):
            return [kit.lift(g) for g in self.leaf]
        high = min(kit.length, *(x.precision for x in deltas))
        if high < 1 or high - 1 > self.degree:
            raise Short
        self.taylor = self.taylor or [[ring.scale(x, w) for x, w in zip(row, self.weight)] for row in self.rows]
        steps, powers = [x.padded(1, high) for x in deltas], [[1] + [0] * (high - 1)]
        for q in range(1, high):
            for n in range(self.start[q], self.start[q + 1]):
                lower, right = powers[self.parent[n][0]], steps[self.parent[n][1]]
                powers.append([ring.inner(lower[: k + 1], right[k::-1]) for k in range(high - q)])
        degree = [q for q in range(high) for _ in range(self.start[q], self.start[q + 1])]
        columns = [[powers[n][k - degree[n]] for n in range(self.start[k + 1])] for k in range(high)]
        return [Series(kit, 0, [ring.inner(row, column) for column in columns]) for row in self.taylor]

    def tensor(self, arguments):
        """(T m)_a = sum_j T_(a + e_j) m_j for each argument m."""
        if len(arguments) > self.degree:
            raise Short
        rows, key = self.rows, ()
        for m in sorted(arguments, key=id):
            key = (*key, id(m))
            if key not in self.memo:
                size, inner = self.start[self.degree + 1 - len(key)], self.ring.inner
                self.memo[key] = (m, [[inner([row[up[n]] for up in self.up], m) for n in range(size)] for row in rows])
            rows = self.memo[key][1]
        return [row[0] for row in rows]

    def dot(self, xs, ys, key):
        kit = xs[0].kit
        total = sum((x * y * kit.lift(pow(u, -1, self.ring.p)) for x, y, u in zip(xs, ys, self.u)), kit.constant(0))
        if total.c:
            kit.dots.setdefault(key, (total.v, total.c[0]))
        return total


class Shape:
    """The loss in the ring of degrees: one component stands for all."""

    dimension, theta = 1, [(1.0, 0.0, 1, {}, 0)]

    def __init__(self, ring, weighted):
        self.ring, self.weighted, self.leaf = ring, weighted, [(1.0 + weighted, 0.0, 1, {}, 0)]

    def jet(self, k):
        return self.ring.scale((*self.leaf[0][:4], k), Fraction(self.ring.d**k))

    def gradient(self, point):
        kit = point[0].kit
        delta, power = point[0].above(self.theta[0], ""), kit.constant(1)
        high = min(kit.length, delta.precision)
        total = Series(kit, high, [])
        for j in range(high):
            total += (power * kit.lift(self.ring.scale(self.jet(j), Fraction(1, factorial(j))))).cut(high)
            power = (power * delta).cut(high)
        return [total]

    def tensor(self, arguments):
        value = self.jet(len(arguments))
        for a in arguments:
            value = self.ring.times(value, a[0])
        return [value]

    def dot(self, xs, ys, key):
        """The leading part, if no second derivative is in it, is a function of the point like g: no index, but one dimension."""
        product, d, out = xs[0] * ys[0], self.ring.d, []
        factor = (d - 1.0, log2(d), 1, {"weights": ONE}, 0) if self.weighted else (0.0, log2(d), 1, {}, 0)
        for k, x in enumerate(product.c, product.v):
            y = self.ring.times(x, factor)
            if y and k <= (product.kit.leading or {}).get(key, product.v) and y[4] == 0:
                self.ring.leading.add(key)
            elif y:
                y = (*y[:4], y[4] + 1)
            out.append(y)
        return Series(product.kit, product.v, out, product.exact)


# ------------------------------------------------------------------------------ running: formulas, a step, the orbit


class Point:
    def __init__(self, problem, parameters, slow, t, jets):
        self.problem, self.parameters, self.slow, self.t, self.jets = problem, parameters, slow, t, jets


each = lambda x, f: [f(y, i) for i, y in enumerate(x)] if isinstance(x, list) else f(x, None)
parts = lambda x: x if isinstance(x, list) else [x]


def both(a, b, f):
    if isinstance(a, list):
        return [f(x, y) for x, y in zip(a, b if isinstance(b, list) else [b] * len(a))]
    return [f(a, y) for y in b] if isinstance(b, list) else f(a, b)


class Evaluator:
    """Values of nodes: series for scalars, lists of series for vectors.  `memo` where names keep their values."""

    def __init__(self, point, kit, functions, memo=None):
        self.point, self.kit, self.functions, self.memo = point, kit, functions, memo

    def vector(self, x):
        return x if isinstance(x, list) else [x] * self.point.problem.dimension

    def of(self, node, names):
        kind, value, *args = node
        if kind == "number":
            return self.kit.constant(value)
        if kind == "name":
            need(value in names, f"{value} has no meaning")
            return names[value]
        if self.memo is not None and id(node) in self.memo:
            return self.memo[id(node)]
        args = [self.of(a, names) for a in args]
        found = self.call(node, value, args) if kind == "call" else self.operation(node, kind, value, args)
        if self.memo is not None:
            self.memo[id(node)] = found
        return found

    def operation(self, node, kind, exponent, args):
        if kind == "**":
            return each(args[0], lambda x, i: x.power(exponent, id(node), i))
        if kind == "neg":
            return each(args[0], lambda x, i: -x)
        if kind == "/":
            args[1] = each(args[1], lambda x, i: x.power(MINUS, ("over", id(node[3])), i))
        return both(*args, {"+": Series.__add__, "-": Series.__sub__, "*": Series.__mul__, "/": Series.__mul__}[kind])

    def call(self, node, name, args):
        problem = self.point.problem
        if name in self.functions:
            return each(args[0], lambda x, i: self.of_time(name, x))
        if name in ("grad", "field"):
            return problem.gradient(self.vector(args[0]))
        if name in ("abs", "sign"):
            return each(args[0], lambda x, i: x.sign(id(node), i) if name == "sign" else x * x.sign(id(node), i))
        if name == "sqrt":
            return each(args[0], lambda x, i: x.power(HALF, id(node), i))
        if name in ("dot", "norm"):
            found = problem.dot(self.vector(args[0]), self.vector(args[-1]), ("dot", id(node)))
            return found if name == "dot" else found.power(HALF, id(node))
        numbers = [self.numbers(tree, a) for tree, a in zip(node[2:], args)]
        return [self.kit.lift(x) for x in problem.tensor(numbers)]

    def numbers(self, tree, value):
        return self.memo.setdefault(("numbers", id(tree)), [x.at(0) for x in self.vector(value)])

    def of_time(self, name, argument):
        """r(t_0 + s) = sum_k r^(k) s^k / k!."""
        if self.functions[name] is not None:
            return Evaluator(self.point, self.kit, {}).of(self.functions[name], {"t": argument})
        s, total, power = (
            argument.above(self.point.t, "a schedule is read far from t"),
            self.kit.constant(0),
            self.kit.constant(1),
        )
        for k in range(self.kit.length):
            total += power * self.kit.lift(self.kit.ring.scale(self.point.jets[name][k], Fraction(1, factorial(k))))
            power = power * s
        return total if s.exact and not s.c else total.cut(self.kit.length)


class Formulas:
    """The claims at a point."""

    def __init__(self, claim, point, ring, leading=None):
        self.claim, self.kit = claim, Kit(ring, 1, leading, True)
        self.evaluator = Evaluator(point, self.kit, {}, {})
        lift = lambda v: [self.kit.lift(x) for x in v] if isinstance(v, list) else self.kit.lift(v)
        self.names = {
            n: lift(x) for n, x in {**point.parameters, **point.slow, "t": point.t, "theta": point.problem.theta}.items()
        }
        self.names["grad" if claim.label == "L" else "field"] = lift(point.problem.leaf)
        for f, jets in point.jets.items():
            if claim.functions[f] is None:
                self.names |= {("" if k == 0 else "d" if k == 1 else f"d{k}") + f: lift(x) for k, x in enumerate(jets)}

    def sum(self, summands, scalar):
        total = [self.kit.ring.zero] * (1 if scalar else self.evaluator.point.problem.dimension)
        for s in summands:
            value = self.evaluator.of(s, self.names)
            need(not (scalar and isinstance(value, list)), "a vector is claimed for a scalar")
            total = [self.kit.ring.add(a, x.at(0)) for a, x in zip(total, [value] if scalar else self.evaluator.vector(value))]
        return total

    def field(self, x, k):
        return self.sum(self.claim.fields[x][k], x in self.claim.scalars)

    def leads(self):
        return {m: self.sum(s, m in self.claim.scalars) for m, s in self.claim.memory.items()}

    def roots(self):
        """Everything under a root or sign, before the rest is evaluated."""
        for node in self.claim.nodes:
            if (is_root(node) or is_sign(node)) and id(node) in self.claim.in_claims:
                self.evaluator.of(node, self.names)


is_root = lambda n: (n[0] == "call" and n[1] in ("sqrt", "norm")) or (n[0] == "**" and n[1].denominator % 2 == 0)
is_sign = lambda n: n[0] == "call" and n[1] in ("abs", "sign") and constant(n[2]) is None


class Step:
    def __init__(self, claim, point, kit):
        self.claim, self.kit, self.point, self.evaluator = claim, kit, point, Evaluator(point, kit, claim.functions)
        self.base = {
            **{n: kit.lift(x) for n, x in point.parameters.items()},
            "gamma": Series(kit, 1, [kit.ring.constant(ONE)], True),
        }

    def time(self, n):
        return self.kit.lift(self.point.t) + self.base["gamma"] * self.kit.constant(n)

    def after(self, states, n):
        """Every variable of the text at the end of step n."""
        names = {**self.base, "t": self.time(n)}
        names |= {p: self.evaluator.of(e, names) for p, e in self.claim.bindings.items()}
        for text, result in self.claim.states.items():
            names[text] = states[result]
            if text in self.claim.rescaled:
                names[text] = both(self.evaluator.of(self.claim.rescaled[text][1], names), states[result], Series.__mul__)
        ahead = names["theta"]
        for _ in range(self.kit.length + 1 if self.claim.implicit else 1):  # each pass settles a power of gamma of theta_next
            before, after = ahead, {**names, "theta_next": ahead}
            for target, node in self.claim.program:
                value = self.evaluator.of(node, after)
                after[target] = self.evaluator.vector(value) if target == "theta" else value
            ahead = after["theta"]
        if self.claim.implicit and self.kit.leading is None:
            need(not any((x - y).c for x, y in zip(before, ahead)), "theta_next does not enter with a factor gamma")
        if not any(t == "theta_prev" for t, _ in self.claim.program):
            after["theta_prev"] = names["theta"]
        return after

    def step(self, states, n):
        after, found = self.after(states, n), {}
        for text, result in self.claim.states.items():
            value = after[text]
            if text in self.claim.rescaled:
                inverse = self.evaluator.of(self.claim.rescaled[text][1], {**after, "t": self.time(n + 1)}).power(
                    MINUS, ("unit", text)
                )
                value = each(value, lambda x, i, inverse=inverse: x * inverse)
            need(result not in self.claim.scalars or not isinstance(value, list), "a scalar becomes a vector")
            found[result] = value if result in self.claim.scalars else self.evaluator.vector(value)
        return found


def combined(ring, values, weights):
    total = ring.zero
    for x, w in zip(values, weights):
        total = ring.add(total, ring.scale(x, w))
    return total


delta = lambda k: [Fraction((-1) ** (k - j) * comb(k, j)) for j in range(k + 1)]  # Delta^k v_0


def linear(degree):
    """Weights of v_0, v_1, ... for the coefficient of n^1: sum_j (-1)^(j+1)/j Delta^j."""
    rows = [[Fraction((-1) ** (j + 1), j) * w for w in delta(j)] + [Fraction(0)] * (degree - j) for j in range(1, degree + 1)]
    return [sum(column) for column in zip(*rows)]


class Orbit:
    """The slow orbit through a point: fields[x][k] is the true f_k."""

    def __init__(self, claim, point, ring, leads, slack, leading=None):
        self.claim, self.point, self.ring, self.slack, self.leading, self.fields = claim, point, ring, slack, leading, {}
        self.memory, self.fast = {m: [v] for m, v in leads.items()}, list(claim.memory)

    def kit(self, length, notes=False):
        return Kit(self.ring, length + self.slack, self.leading, notes)

    def start(self, kit, known):
        lift = lambda v: [kit.lift(x) for x in v] if isinstance(v, list) else kit.lift(v)
        states = {"theta": lift(self.point.problem.theta), **{x: lift(v) for x, v in self.point.slow.items()}}
        for m, powers in self.memory.items():
            rows = (powers + [[self.ring.zero] * len(powers[0])] * known)[:known]
            values = [Series(kit, 0, c) for c in zip(*rows)]
            states[m] = values[0] if m in self.claim.scalars else values
        return states

    def run(self, kit, steps):
        step, states = Step(self.claim, self.point, kit), [self.start(kit, steps)]
        for n in range(steps):
            states.append(step.step(states[-1], n))
        return states

    def columns(self, states, x, k):
        """Values of the coefficient of gamma^k along the orbit, for each component."""
        return [[s.at(k) for s in column] for column in zip(*(parts(s[x]) for s in states))]

    def jacobian(self):
        """J - 1 at gamma^0: the response of one step, at gamma^1, to a change by gamma."""
        kit = self.kit(2)
        step, states = Step(self.claim, self.point, kit), self.start(kit, 2)
        base = step.step(states, 0)
        self.places, columns = [(x, i) for x, v in states.items() for i in range(len(parts(v)))], []
        for x, i in self.places:
            moved = [s + step.base["gamma"] if j == i else s for j, s in enumerate(parts(states[x]))]
            after = step.step({**states, x: moved if isinstance(states[x], list) else moved[0]}, 0)
            change = [parts(after[y])[j] - parts(base[y])[j] for y, j in self.places]
            need(all(not c.c or c.v >= 1 for c in change), "the step divides a variable by gamma")
            columns.append([self.ring.add(c.at(1), -((y, j) == (x, i))) for c, (y, j) in zip(change, self.places)])
        self.matrix = [list(row) for row in zip(*columns)]

    def block(self, power):
        """[(J - 1)^power] on the memory."""
        memory = [n for n, (x, _) in enumerate(self.places) if x in self.fast]
        rows, turned = [self.matrix[n] for n in memory], list(zip(*self.matrix))
        for _ in range(power - 1):
            rows = [[self.ring.inner(row, column) for column in turned] for row in rows]
        return [[row[n] for n in memory] for row in rows]

    def solve(self, k):
        """The memory at gamma^k: [(J - 1)^(k+1)]_mm w = -Delta^(k+1) X^(k)."""
        states = self.run(self.kit(k + 1), k + 1)
        right = [combined(self.ring, c, delta(k + 1)) for m in self.fast for c in self.columns(states, m, k)]
        rows = [[*row, self.ring.neg(b)] for row, b in zip(self.block(k + 1), right)]
        need(self.ring.eliminate(rows), "the memory does not relax")
        solution = iter(row[-1] for row in rows)
        for m in self.fast:
            self.memory[m].append([next(solution) for _ in self.memory[m][0]])

    def find(self):
        top = self.claim.order + 1
        if self.fast:
            self.jacobian()
        for k in range(1, top + 1) if self.fast else ():
            self.solve(k)
        self.last = self.kit(top + 1, True)
        states = self.run(self.last, top + 1)
        for x in states[0]:
            for k in range(top + 1) if self.leading is None else ():
                if any(combined(self.ring, c, delta(k + 1)) for c in self.columns(states, x, k)):
                    raise Different(f"{x} at gamma^{k} is on no slow orbit with this memory")
        for x in self.claim.fields:
            rule = linear if self.claim.form == "flow" else lambda k: [0, ONE] + [0] * (k - 1)
            self.fields[x] = [[combined(self.ring, c, rule(k + 1)) for c in self.columns(states, x, k + 1)] for k in range(top)]
        return self


class DegreeOrbit(Orbit):
    """The same in the ring of degrees; the memory is bounded by Cramer's rule."""

    def jacobian(self):
        kit = self.kit(2)
        step, states = Step(self.claim, self.point, kit), self.start(kit, 2)
        moved = {x: each(v, lambda s, i: s + step.base["gamma"]) for x, v in states.items()}
        after = step.step(moved, 0)
        entry = self.ring.total([self.ring.constant(ONE), *(s.at(1) for v in after.values() for s in parts(v))])
        self.coupled, self.entry = entry[4] > 0, (*entry[:4], 0)

    def solved(self, right, power):
        """w = adj(M) right / det(M),  M = [(J - 1)^power]_mm."""
        ring, size = self.ring, lambda names: sum(1 if x in self.claim.scalars else self.ring.d for x in names)
        n, every = size(self.fast), ring.total(list(right.values()))
        if every is None:
            return right
        entry = ring.scale(ring.whole(self.entry, power), Fraction(size(self.claim.states.values()) ** (power - 1)))
        det = ring.scale(ring.whole(entry, n), Fraction(factorial(n)))
        minor = ring.scale(ring.whole(entry, n - 1), Fraction(factorial(n)))
        factor = ring.times(minor, ring.power(det, MINUS, ("det", power)))
        return {m: (*ring.times(every, factor)[:4], w[4] if w else 0) for m, w in right.items()}

    def solve(self, k):
        """Summation indices are counted in stages, as one memory feeds another."""
        found = dict.fromkeys(self.fast)
        for stage in range(len(self.fast) + 2):
            for m in self.fast:
                self.memory[m][k:] = [[found[m]]]
            states = self.run(self.kit(k + 1), k + 1)
            columns = {m: self.columns(states, m, k)[0] for m in self.fast}
            if stage == 0:
                found = self.solved({m: combined(self.ring, c, delta(k + 1)) for m, c in columns.items()}, k + 1)
                continue
            indices = {m: max((x[4] for x in c if x), default=0) for m, c in columns.items()}
            if all(indices[m] <= (x[4] if x else 0) for m, x in found.items()):
                return
            found = {m: (*(x or self.ring.constant(ONE))[:4], max(indices[m], x[4] if x else 0)) for m, x in found.items()}
        raise Bad("second derivatives couple the memory in a circle")


# ------------------------------------------------------------------------------ samples, signs and the verdict


def is_prime(n):
    """Miller-Rabin with bases that decide every n < 2^64 (Sinclair)."""
    if any(n % q == 0 for q in (3, 5, 7, 11, 13)):
        return False
    odd = (n - 1) >> 1  # n = 3 mod 4
    return all(pow(b % n, odd, n) in (1, n - 1) for b in (2, 325, 9375, 28178, 450775, 9780504, 1795265022) if b % n)


class Check:
    """One certificate."""

    def __init__(self, claim, source):
        self.claim, self.source, self.failed, self.slack, self.redrawn = claim, source, set(), 0, 0
        claim.in_claims = {id(n) for c in claim.claims for n in walk(c)}
        orders = [n[1].denominator for n in claim.nodes if n[0] == "**"]
        under = [n[2] for n in claim.nodes if is_root(n) or is_sign(n)]
        texts = [v for _, v in claim.program] + [*claim.bindings.values()] if under else []
        signs = [c for n in under + texts for m in walk(n) if m[0] == "number" and (c := m[1])]
        odd = lambda n: n // (n & -n)
        self.modulus = lcm(8, *map(odd, orders), *(4 * odd(abs(x)) for c in signs for x in (c.numerator, c.denominator)))
        need(self.modulus < 2**32, "constants under roots need primes of a too special form")

    def prime(self):
        while True:
            p = self.modulus * self.source.randrange(2**63 // self.modulus + 1, 2**64 // self.modulus) - 1
            if is_prime(p):
                return p

    def fresh(self, ring, d, ranges=True):
        """A random point: parameters in their ranges, theta, all derivatives of the loss, slow variables, time."""
        claim, draw = self.claim, lambda: self.source.randrange(1, ring.p)
        kit = Kit(ring, 1)
        for _ in range(2_000):
            values = {n: draw() for n in claim.data["parameters"]}
            names = {n: kit.lift(x) for n, x in values.items()}
            if not ranges or all(ring.residue(Evaluator(None, kit, {}).of(c, names).at(0)) for c in claim.positive):
                break
        else:
            raise Bad("the ranges of the parameters cannot be met")
        size = table(d, self.degree + (claim.label == "L"))[0][-1]
        jets = [[draw() for _ in range(size)] for _ in range(1 if claim.label == "L" else d)]
        u = [draw() if claim.contracted else 1 for _ in range(d)]
        slow = {x: draw() if x in claim.scalars else [draw() for _ in range(d)] for x in claim.fields if x != "theta"}
        problem = Jets(claim, self.degree, [draw() for _ in range(d)], jets, ring, u)
        return Point(problem, values, slow, draw(), {f: [draw() for _ in range(self.degree + 4)] for f in claim.functions})

    def sample(self, d, ranges=True):
        """A point at which all that must be positive is, and the text's variables after a step at gamma^0."""
        zeros = 0
        while zeros < 40:
            ring = Field(self.prime())
            point = self.fresh(ring, d, ranges)
            try:
                formulas = Formulas(self.claim, point, ring)
                formulas.roots()
                orbit = Orbit(self.claim, point, ring, formulas.leads(), self.slack)
                kit = orbit.kit(1)
                return formulas, orbit, Step(self.claim, point, kit).after(orbit.start(kit, 1), 0)
            except Rejected as error:
                self.failed.add(error.args[0])
                self.redrawn += 1
                need(self.redrawn < 20_000, "no point with real roots was found")
            except (ZeroDivisionError, ValueError):
                zeros += 1
        raise Bad("a denominator or root vanishes at every point")

    def examine(self, d):
        """A sample at which claim and scheme agree."""
        for _ in range(10):
            formulas, orbit, local = self.sample(d)
            try:
                orbit.find()
                for k, x in itertools.product(range(self.claim.order + 1), self.claim.fields):
                    if formulas.field(x, k) != orbit.fields[x][k]:
                        raise Different(f"{x} at gamma^{k} is not what is claimed (modulo {orbit.ring.p}, dimension {d})")
                return formulas, orbit, local
            except (Rejected, ZeroDivisionError, ValueError):
                continue
        raise Bad("a denominator vanishes at every point")

    def leads(self, formulas, orbit):
        """place -> leading coefficients under every root, sign and denominator; place -> power of gamma."""
        values, powers = {}, {}
        for (key, _), (v, lead) in sorted(
            [*orbit.last.noted.items(), *formulas.kit.noted.items()], key=lambda item: item[0][1] or 0
        ):
            values.setdefault(key, []).append(lead)
            need(powers.setdefault(key, v) == v, "components begin at different powers of gamma")
        return {k: tuple(v) for k, v in values.items()}, powers | {
            k: v for kit in (orbit.last, formulas.kit) for k, (v, _) in kit.dots.items()
        }

    def size(self, d, values, leading):
        """Bounds of claim minus truth in dimension d: degree, height, log2 of the cover, indices, leading products, coupling."""
        claim, variable, names = self.claim, Shape.theta[0], {}
        same = {k: names.setdefault(v, (len(v) == 1, k)) for k, v in values.items()}
        ring = Degrees(d, same)
        slow = {x: variable if x in claim.scalars else [variable] for x in claim.fields if x != "theta"}
        point = Point(Shape(ring, claim.contracted), dict.fromkeys(claim.data["parameters"], variable), slow, variable,
                      {f: [variable] * (self.degree + 4) for f in claim.functions})  # fmt: skip
        formulas = Formulas(claim, point, ring, leading)
        orbit = DegreeOrbit(claim, point, ring, formulas.leads(), self.slack, leading).find()
        found = [ring.add(formulas.field(x, k)[0], orbit.fields[x][k][0]) for x in claim.fields for k in range(claim.order + 1)]
        found = [w for w in found if w] or [ring.constant(ONE)]
        cover = sum(log2(q) * (1 if isinstance(key, tuple) and key[0] is True else d) for key, q in ring.roots.items())
        return [max(w[i] for w in found) for i in (0, 1, 4)] + [cover, ring.leading, getattr(orbit, "coupled", False)]

    def vertices_matter(self, orbit):
        """Whether the determinants of the memory's equations change with second and higher derivatives."""
        problem, first = orbit.point.problem, [orbit.block(k + 1) for k in range(1, self.claim.order + 2)]
        keep = problem.dimension + 1 if self.claim.label == "L" else 1
        jets = [[x if n < keep else self.source.randrange(orbit.ring.p) for n, x in enumerate(row)] for row in problem.jets]
        other = Jets(self.claim, problem.degree, problem.theta, jets, orbit.ring, problem.u)
        point = Point(other, orbit.point.parameters, orbit.point.slow, orbit.point.t, orbit.point.jets)
        second = Orbit(self.claim, point, orbit.ring, {m: v[0] for m, v in orbit.memory.items()}, self.slack)
        second.jacobian()
        det = orbit.ring.eliminate
        return any(det(a) != det(second.block(k + 2)) for k, a in enumerate(first))

    def signs(self, d, formulas, orbit, local):
        """How many independent signs: d for a quantity, one for a scalar or scalar multiple, none for products of others;
        less d for one odd quantity if reflections act.  A root whose base was seen to be no residue has no sign."""
        ring, values = orbit.ring, {k: v if len(v) == d else v * d for k, v in self.leads(formulas, orbit)[0].items()}
        size = lambda v, root: tuple(ring.power(x, HALF, None) if root else x if ring.residue(x) else ring.p - x for x in v)
        failing = {values[k] for k in self.failed if k in values}
        names = parities(self.claim)
        odd = {size(v, False) for n, v in ((n, [s.at(0) for s in x if s.precision > 0 <= s.v]) for n, x in local.items()
               if names and names.get(n) == 1 and isinstance(x, list)) if len(v) == d and all(v)}  # fmt: skip
        odd |= {size(orbit.point.problem.leaf, False)} if names else set()
        branches = [n for n in self.claim.nodes if (is_root(n) or is_sign(n)) and constant(n[2]) is None and id(n) in values]
        quantities = {size(values[id(n)], is_root(n)): is_root(n) for n in branches if values[id(n)] not in failing}
        kept, total, p = [size(v, True) for v in failing], 0, ring.p
        for q in sorted(quantities, key=lambda q: q not in odd):
            if not any(related(p, q, x, y) for x in kept for y in kept):
                multiple = d > 1 and any(all((q[0] * b - a * x[0]) % p == 0 for a, b in zip(q, x)) for x in kept)
                total += 1 if (len(set(q)) == 1 or multiple) and q not in odd else d
                kept.append(q)
        return total - d * any(q in odd for q in quantities), any(quantities.values())

    def decide(self):
        """(bound, samples, dimension, classes), or Different."""
        claim = self.claim
        for self.slack in range(5):
            self.degree = max(claim.order + 1 + self.slack, claim.rank)
            try:
                return self.attempt()
            except Short:
                continue
        raise Bad("the text loses too many powers of gamma")

    def attempt(self):
        claim, d, dimension = self.claim, 2 * self.claim.order + 4, 10**6
        formulas, orbit, _ = self.examine(3 if claim.contracted else 2)
        values, leading = self.leads(formulas, orbit)
        dots = {**orbit.last.dots, **formulas.kit.dots}
        while dimension > d:
            d = dimension if dimension < 10**6 else d
            degree, height, indices, cover, products, coupled = self.size(d, values, leading)
            dimension = max(1 + indices + len({dots[k][1] for k in products if k in dots}), claim.order + 1, 2)
            need(dimension < 60, "too many summation indices")
        first = self.examine(dimension)
        need(not coupled or not self.vertices_matter(first[1]), "the relaxation of the memory depends on second derivatives")
        signs, roots = self.signs(dimension, *first)
        for _ in range(130):
            if not signs or not roots:
                break
            self.sample(2 if claim.contracted else 1, False)
            signs, roots = self.signs(dimension, *first)
        bases = {values[id(n)] for n in claim.nodes if is_root(n) and id(n) in values}
        conditions = len(claim.positive) + sum(1 if len(v) == 1 else dimension for v in bases)
        zero = log2(max(degree, 1)) + cover + conditions - 63
        unlucky = cover + log2(max(height, 1) / 63 + 1) - (63 - log2(self.modulus * 90))
        error = max(zero, unlucky) + log2(1 + 2.0 ** -abs(zero - unlucky))
        need(error < -8, "no useful error bound")
        each = error if signs == 0 else log2(1 - 2.0**-signs + 2.0**error)
        count = max(3, ceil(TARGET / each))
        need(count <= 2500, f"2^{signs} classes of signs are too many to visit")
        for _ in range(count - 1):
            need(self.leads(*self.examine(dimension)[:2])[1] == leading, "leading powers differ from point to point")
        return count * each, count, dimension, 2**signs


def related(p, a, x, y):
    """a = x y, a = x/y or a x y = 1 in every component."""
    every = list(zip(a, x, y))
    return any(all(f(*i) % p == 0 for i in every) for f in RELATIONS)


RELATIONS = (lambda a, b, c: a - b * c, lambda a, b, c: a * c - b, lambda a, b, c: a * b * c - 1)


def parities(claim):
    """1 for variables of the text that a reflection of a coordinate turns into minus themselves, 0 for those it keeps; None
    if it does not act so on text and claim.  odd * odd = even, |odd| = even, grad(odd) = odd, sums of equals."""

    class Mixed(Exception):
        pass

    def same(args):
        found = {a for a in args if a is not None}
        if len(found) > 1:
            raise Mixed
        return found.pop() if found else None

    def of(node, names, memo):
        if memo is not None and id(node) in memo:
            return memo[id(node)]
        kind, value, *args = node
        args = [of(a, names, memo) for a in args]
        if kind == "number":
            found = 0 if value else None
        elif kind == "name":
            found = names.get(value, 0)
        elif kind == "**" or (kind == "call" and value == "sqrt"):
            r = value if kind == "**" else HALF
            if args[0] == 1 and r.denominator % 2 == 0:
                raise Mixed
            found = args[0] and args[0] * (r.numerator % 2)
        elif kind == "call" and (value in ("grad", "field") or value in TENSORS):
            if 0 in args:
                raise Mixed
            found = 1
        elif kind == "call":
            found = args[0] if value == "sign" else 0
            same(args if value == "dot" else [])
        else:
            found = same(args) if kind in "+-" or kind == "neg" else None if None in args else sum(args) % 2
        if memo is not None:
            memo[id(node)] = found
        return found

    free = [s for s, x in claim.states.items() if s not in ("theta", "theta_prev") and x not in claim.scalars]
    for choice in itertools.product((0, 1), repeat=len(free)) if len(free) < 9 else ():
        start = {"theta": 1, "theta_prev": 1, **dict(zip(free, choice))}
        names = {"theta_next": 1, **start}
        try:
            for target, node in claim.program:
                names[target] = of(node, names, None)
            results, memo = {x: start.get(s, 0) for s, x in claim.states.items()}, {}
            for s in claim.states:
                same([names.get(s, 0), start.get(s, 0)])
            claims = [(x, s) for x, powers in claim.fields.items() for k in powers for s in k]
            for x, s in [*claims, *((m, s) for m, p in claim.memory.items() for s in p)]:
                same([results[x], of(s, {**results, "grad": 1, "field": 1}, memo)])
            return names
        except Mixed:
            continue
    return None


# ------------------------------------------------------------------------------ the file and the printed statement


def load(text):
    """The JSON of a certificate: no key twice, no floats, nothing deep or long."""

    def pairs(items):
        need(len(dict(items)) == len(items), "a key stands twice")
        return dict(items)

    def refuse(_):
        raise Bad("a number that is no integer")

    need(len(text) <= LARGEST, "the file is too long")
    try:
        return json.loads(text, object_pairs_hook=pairs, parse_float=refuse, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise Bad("not JSON, or nested too deeply") from None


def describe(data):
    """The statement as it was read."""
    regime = [f"    {p} = {e}" for p, e in data["bindings"].items()] + [
        f"    {s} = ({f})*{x}" for s, (x, f) in data["rescaled"].items()
    ]
    ranges = [f"    {n}: {r or 'any'}" for n, r in data["parameters"].items()]
    lines = [f"scheme {data['scheme']}, regime {data['regime'] or '-'}, {data['form']} through gamma^{data['order']}", "update"]
    lines += ["    " + line for line in data["update"].strip("\n").split("\n")] + ["parameters"] * bool(ranges) + ranges
    lines += ["regime"] * bool(regime) + regime
    for x, powers in [*data["fields"].items(), *((f"memory {m}", [p]) for m, p in data["memory"].items())]:
        lines += [f"{x}, gamma^{k}: " + (" + ".join(f"({c})*{t}" for c, t in p) or "0") for k, p in enumerate(powers)]
    return "\n".join(lines)


def check(text, reproducible=False, counter=0):
    """(statement, bound, samples, dimension, classes); raises Bad or Different."""
    claim = Claim(load(text))
    seed = hashlib.sha256(f"{counter}:{text}".encode()).digest() if reproducible else os.urandom(32)
    return describe(claim.data), *Check(claim, random.Random(seed)).decide()


def main(arguments):
    files = [a for a in arguments if a != "--reproducible"]
    if len(files) != 1:
        print("usage: checker.py FILE [--reproducible]", file=sys.stderr)
        return 2
    try:
        with open(files[0], encoding="utf-8") as file:
            text, bound, count, dimension, classes = check(file.read(LARGEST + 1), "--reproducible" in arguments)
    except Different as error:
        print(f"NOT PROVED: {error}")
        return 1
    except (Bad, OSError, ValueError, RecursionError, OverflowError) as error:
        print(f"cannot decide: {error}", file=sys.stderr)
        return 2
    print(text)
    print(
        "proved for all parameter values in their ranges, every smooth loss, every dimension; "
        f"error probability below 2^{ceil(bound)}"
    )
    print(f"({count} samples over fresh primes, dimension {dimension}, {classes} classes of signs)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
