#!/usr/bin/env python3
"""Checks a certificate of a modified equation:  python checker.py FILE [--reproducible].  Standard library only.

A certificate is a statement: an update text, and a claimed field  x' = sum_k gamma^k f_k  of its slow variables (form "flow";
"map": x_1 = x_0 + gamma sum_k gamma^k f_k).  It holds no points and no values.  The checker runs the text on random losses over
random prime fields and compares; what it draws nobody else knows (or, with --reproducible, follows from the file).

  signs    p = -1 mod 8: residues play the positive numbers, |x| is the residue among x, -x, every residue has one residue root
  orbit    X_n = sum_k gamma^k X_n^(k) on the slow manifold: Delta^(k+1) X^(k) = 0 for every k, which fixes the memory order by
           order; f_k is the coefficient of n^1 in X^(k+1)
  all d    a difference that exists in some dimension exists in one more than the number of summation indices (counted here)
  classes  |x|, sign(x) and roots of squares have branches, told apart by the signs of their components; a permutation of the
           coordinates maps a difference to a difference, so that one class of each orbit under permutations is compared
  error    in its class a false claim passes a sample with probability at most  D Q 2^k / 2^255 + (Q H / 255) / #primes:  degree
           D, cover by roots Q, k conditions that numbers are residues, coefficients below 2^H: by a run on degrees (`Degrees`)

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
from math import ceil, comb, factorial, gcd, inf, lcm, log2, prod

FORMAT, LONGEST, LARGEST, TARGET, BITS, DRAWS = "shadowflow proof 1", 20_000, 8_000_000, -102, 255, 5_000
PAIR, NAME = (str, str), r"[A-Za-z_][A-Za-z_0-9]{0,40}"
SHAPE = {"format": str, "scheme": str, "regime": str, "form": str, "label": str, "order": int, "update": str, "slow": [str],
         "kinds": {str: str}, "parameters": {str: str}, "bindings": {str: str}, "rescaled": {str: PAIR},
         "functions": {str: str | None}, "fields": {str: [[PAIR]]}, "memory": {str: [PAIR]}}  # fmt: skip
CALLS = {"grad": 1, "field": 1, "sqrt": 1, "abs": 1, "sign": 1, "dot": 2, "norm": 1}
TENSORS = {"hess": 1, "dfield": 1, **{f"d{k}": k - 1 for k in range(3, 20)}, **{f"d{k}field": k for k in range(2, 20)}}
FORMULA = {**{f: n for f, n in CALLS.items() if f not in ("grad", "field")}, **TENSORS}
FIXED = {"theta_next", "gamma", "t", "grad", "field"}
ONE, HALF, MINUS = Fraction(1), Fraction(1, 2), Fraction(-1)


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

OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


def parse(text, mode):
    need(len(text) <= LONGEST and all(c == "\n" or c.isprintable() for c in text), "the text is too long, or cannot be printed")
    try:
        return ast.parse(text, mode=mode)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Bad(f"cannot be read: {type(error).__name__}") from None


def node(e, calls, known=None, depth=0):
    """A syntax tree as a node; with `known`, equal parts are one node, so that its identity says what it is."""
    need(depth < 200, "nested too deeply")
    inner = lambda x: node(x, calls, known, depth + 1)
    match e:
        case ast.Constant(value=value) if type(value) in (int, float):  # exact: 0.9 is nine tenths
            need(len(repr(value)) <= 400 and re.fullmatch(r"[0-9.]+(e[+-]?[0-9]{1,2})?", repr(value)), "no short number")
            found = ("number", Fraction(repr(value)))
        case ast.Name(id=name):
            need(re.fullmatch(NAME, name), "a name that is no name")
            found = ("name", name)
        case ast.UnaryOp(op=ast.UAdd(), operand=x):
            return inner(x)
        case ast.UnaryOp(op=ast.USub(), operand=x):
            found = ("neg", None, inner(x))
        case ast.BinOp(left=x, op=ast.Pow(), right=y):
            r = constant(inner(y))
            need(r is not None and max(abs(r.numerator), r.denominator) <= 40, "an exponent must be a small fraction")
            found = ("**", r, inner(x))
        case ast.BinOp(left=x, op=op, right=y) if type(op) in OPERATORS:
            found = (OPERATORS[type(op)], None, inner(x), inner(y))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            need(calls.get(name) == len(args), f"{name} with {len(args)} arguments is not in the language")
            found = ("call", name, *map(inner, args))
        case _:
            raise Bad(f"{type(e).__name__} is not in the language")
    return found if known is None else known.setdefault((*found[:2], *map(id, found[2:])), found)


def constant(n):
    """The value of a node without names, calls and roots, or None."""
    kind, value, *args = n
    values = [constant(a) for a in args]
    if kind in ("name", "call") or None in values or (kind == "**" and value.denominator > 1):
        return None
    need(all(abs(v.numerator).bit_length() + v.denominator.bit_length() < 4000 for v in values), "a number that is too long")
    x, y = (*values, value, value)[:2]
    if y == 0 and kind == "/" or x == 0 and kind == "**":
        return None
    return {"number": lambda: value, "neg": lambda: -x, "**": lambda: x ** int(y), "+": lambda: x + y, "-": lambda: x - y,
            "*": lambda: x * y, "/": lambda: x / y}[kind]()  # fmt: skip


def walk(n):
    yield n
    for a in n[2:]:
        yield from walk(a)


is_root = lambda n: n[:2] in (("call", "sqrt"), ("call", "norm")) or (n[0] == "**" and n[1].denominator % 2 == 0)
is_sign = lambda n: n[:2] in (("call", "abs"), ("call", "sign")) and constant(n[2]) is None


def fits(value, shape):
    """Whether a JSON value has a shape: a type, {str: shape} for a table of names, [shape] for a list, (shape, shape)."""
    if isinstance(shape, dict):
        return isinstance(value, dict) and all(re.fullmatch(NAME, k) and fits(v, shape[str]) for k, v in value.items())
    if isinstance(shape, list | tuple):
        length = isinstance(value, list) and (isinstance(shape, list) or len(value) == len(shape))
        return length and all(fits(v, s) for v, s in zip(value, itertools.cycle(shape)))
    return isinstance(value, shape) and not isinstance(value, bool)


class Claim:
    """The statement of a certificate, checked to be one."""

    def __init__(self, data):
        shaped = isinstance(data, dict) and set(data) == set(SHAPE) and all(fits(data[k], SHAPE[k]) for k in SHAPE)
        need(shaped and data["format"] == FORMAT and data["form"] in ("flow", "map"), "not a certificate of this format")
        need(all(re.fullmatch(r"[\w .-]{0,80}", data[k], re.ASCII) for k in ("scheme", "regime")), "a name that is no name")
        self.data, self.order, self.form, self.known = data, data["order"], data["form"], {}
        need(0 <= self.order <= 12, "the order is not a small natural number")
        self.program = [*self.lines(data["update"].strip("\n"), {**CALLS, **dict.fromkeys(data["functions"], 1)})]
        self.functions = {f: e and self.formula(e, {}) for f, e in data["functions"].items()}
        self.bindings = {p: self.formula(e, {}) for p, e in data["bindings"].items()}
        self.rescaled = {s: (x, self.formula(e, {})) for s, (x, e) in data["rescaled"].items()}
        self.names()
        self.positive = {n: [] for n in self.free}  # by the last parameter that is named
        for c in [c for text in data["parameters"].values() for c in self.sides(text)]:
            self.positive[max(self.named([c]), key=self.free.index)].append(c)
        self.fields = {x: [self.summands(p) for p in powers] for x, powers in data["fields"].items()}
        self.memory = {m: self.summands(p) for m, p in data["memory"].items()}
        need(all(len(p) == self.order + 1 for p in self.fields.values()), "the field does not have order + 1 powers of gamma")
        need(list(self.fields) == data["slow"] and "theta" in self.fields, "the slow variables are not those of the field")
        need(sorted([*self.fields, *self.memory]) == sorted(self.states.values()), "every state is slow or memory, and not both")
        claims = [s for p in [*(k for f in self.fields.values() for k in f), *self.memory.values()] for s in p]
        texts = [v for _, v in self.program] + [*self.bindings.values()] + [f for _, f in self.rescaled.values()]
        parts = lambda nodes: list({id(n): n for r in nodes for n in walk(r)}.values())
        self.nodes = parts([*texts, *filter(None, self.functions.values()), *claims])
        self.branches = [n for n in parts(claims) if is_root(n) or is_sign(n)]
        self.implicit = ("name", "theta_next") in self.nodes
        self.rank = max((TENSORS.get(n[1], 0) for n in self.nodes if n[0] == "call"), default=0)

    def formula(self, text, calls):
        need("\n" not in text, "a formula is a text of one line")
        return node(parse(text.strip(), "eval").body, calls, self.known)

    def lines(self, text, calls):
        """name = formula, name += formula, ...; parts of the text are never one node: each is a place of its own."""
        for s in parse(text, "exec").body:
            need(isinstance(s, ast.AugAssign) or (isinstance(s, ast.Assign) and len(s.targets) == 1), "a line is no assignment")
            target, value = (s.targets[0], s.value) if isinstance(s, ast.Assign) else (s.target, ast.BinOp(s.target, s.op, s.value))
            yield node(target, {})[1], node(value, calls)
            need(isinstance(target, ast.Name), "a line is no assignment")

    def summands(self, items):
        pairs = [[self.formula(x, FORMULA) for x in item] for item in items]
        return [self.known.setdefault(("*", None, id(c), id(t)), ("*", None, c, t)) for c, t in pairs]

    def sides(self, text):
        """0 <= beta < 1 makes beta and 1 - beta positive."""
        parts = re.split(r"(<=|>=|<|>)", text) if text else []
        need(len(text) < 200 and text.isascii(), "a range is a short text")
        for left, op, right in zip(parts[::2], parts[1::2], parts[2::2]):
            a, b = (self.formula(side, {}) for side in ((left, right) if op[0] == "<" else (right, left)))
            need(set() < self.named([a, b]) <= {*self.free}, "a range names no parameter")
            yield ("-", None, b, a)

    def named(self, nodes):
        return {n[1] for r in nodes for n in walk(r) if n[0] == "name"}

    def names(self):
        """Nothing has two names' meaning.  States are what the text reads before it assigns it."""
        data, targets, self.states = self.data, {t for t, _ in self.program}, {"theta": "theta"}
        self.free, seen = list(data["parameters"]), set()
        for target, value in self.program:
            for n in [n[1] for n in walk(value) if n[0] == "name"]:
                if n in targets - seen | {"theta_prev"} - seen:
                    self.states[n] = self.rescaled[n][0] if n in self.rescaled else n
            seen.add(target)
        variables, results = targets | {"theta", "theta_prev"}, [*self.states.values()]
        called = {n[1] for _, v in self.program for n in walk(v) if n[0] == "call"} & {"grad", "field"}
        need("theta" in targets and self.named(v for _, v in self.program) <= variables | FIXED | {*self.free, *self.bindings},
             "a name has no meaning, or theta is not assigned")  # fmt: skip
        need(len(called) < 2 and data["label"] == ("f" if "field" in called else "L"), "the label is not that of the text")
        need(set(data["kinds"]) == set(self.states) and set(data["kinds"].values()) <= {"vector", "scalar"}, "kinds of no states")
        need(set(self.rescaled) <= set(self.states) - {"theta"}, "a rescaled variable is no state")
        groups = [FIXED, {*self.free}, {*self.bindings}, variables | {*results}]
        every = set().union(*groups)
        need(sum(map(len, groups)) == len(every) and len({*results}) == len(results), "two things have one name")
        for f in self.functions:
            others = every | {*CALLS, *FORMULA, *self.functions} - {f}
            need(not any(re.fullmatch(rf"(d\d*)?{f}", n) for n in others), "two things have one name")
        regime = self.named([*self.bindings.values(), *(f for _, f in self.rescaled.values())])
        need(regime <= {*self.free, "gamma", "t"}, "a regime names no parameter")
        need(all(self.named([f]) <= {"t"} for f in self.functions.values() if f), "a schedule names more than t")
        self.scalars = {self.states[s] for s, kind in data["kinds"].items() if kind == "scalar"}


# ------------------------------------------------------------------------------ two rings: a prime field, and bounds of degrees


class Field:
    """The integers modulo p = -1 mod 8."""

    zero, one = 0, 1

    def __init__(self, p):
        self.p, self.known = p, {}

    def constant(self, q):
        if q not in self.known:
            self.known[q] = q.numerator * pow(q.denominator, -1, self.p) % self.p
        return self.known[q]

    add = lambda self, x, y: (x + y) % self.p
    neg = lambda self, x: -x % self.p
    scale = lambda self, x, q: x * self.constant(q) % self.p
    inner = lambda self, xs, ys: sum(x * y for x, y in zip(xs, ys)) % self.p
    residue = lambda self, x: pow(x, (self.p - 1) // 2, self.p) == 1
    size = lambda self, x: x if self.residue(x) else -x % self.p
    sign = lambda self, x, where: 1 if self.residue(x) else self.p - 1
    contracted = lambda self, x, where, leading: x

    def power(self, x, r, where):
        """x^r with the principal root: the residue root of a residue; odd roots of -x are minus those of x."""
        if (x, r) not in self.known:
            self.known[x, r] = self.root(x, r, where)
        return self.known[x, r]

    def root(self, x, r, where):
        if r.denominator == 1:
            return pow(x, r.numerator, self.p)
        positive = self.residue(x)
        if not positive and r.denominator % 2 == 0:
            raise Rejected(where)
        root = pow(x if positive else -x, pow(r.denominator, -1, (self.p - 1) // 2), self.p)
        return pow(root if positive else -root, r.numerator, self.p)

    def solve(self, matrix, right, where):
        """Elimination."""
        p, rows = self.p, [[*row, b] for row, b in zip(matrix, right)]
        for j in range(len(rows)):
            pivot = next((i for i in range(j, len(rows)) if rows[i][j]), None)
            need(pivot is not None, "the memory does not relax")
            rows[j], rows[pivot] = rows[pivot], rows[j]
            inverse = pow(rows[j][j], -1, p)
            rows[j] = [x * inverse % p for x in rows[j]]
            for i in range(len(rows)):
                if i != j and rows[i][j]:
                    factor = rows[i][j]
                    rows[i] = [(x - factor * y) % p for x, y in zip(rows[i], rows[j])]
        return [row[-1] for row in rows]


class Degrees:
    """Bounds in place of numbers, one component for all d of them.  None is zero; (n, e, h, c, m) stands for P / c with a natural
    number c and a polynomial P in the random numbers, the roots (a root of order q of degree n counts n/q) and the inverses z of
    the bases, those polynomials by which a run divides:  degree n without the z, every z at most to the power e, coefficients with
    sum 2^h, terms with m summation indices.  With B the product of all bases, P B^e is a polynomial of degree n + e deg B."""

    zero, one = None, (0.0, 0, 0.0, 1, 0)

    def __init__(self, d):
        self.d, self.degree, self.height, self.inverses, self.roots, self.leading = d, 0.0, 0.0, {}, {}, set()

    constant = lambda self, q: self.scale(self.one, q)
    neg = lambda self, x: x
    add = lambda self, x, y: self.total([x, y])
    inner = lambda self, xs, ys: self.total([self.times(x, y) for x, y in zip(xs, ys)])
    whole = lambda self, x, r: (x[0] * r, x[1] * r, x[2] * r, x[3] ** r, x[4] * r)
    cleared = lambda self, x: (x[0] + x[1] * self.degree, x[2] + x[1] * self.height)  # degree and height of P B^e

    def scale(self, x, q):
        return (*x[:2], x[2] + log2(abs(q.numerator)), x[3] * q.denominator, x[4]) if x and q else None

    def times(self, x, y):
        return (x[0] + y[0], x[1] + y[1], x[2] + y[2], x[3] * y[3], x[4] + y[4]) if x and y else None

    def total(self, xs):
        xs = [x for x in xs if x]
        if len(xs) < 2:
            return xs[0] if xs else None
        n, e, _, _, m = map(max, zip(*xs))
        c = lcm(*(x[3] for x in xs))
        heights = [x[2] + log2(c // x[3]) for x in xs]
        return (n, e, max(heights) + log2(sum(2.0 ** max(h - max(heights), -60) for h in heights)), c, m)

    def base(self, degree, height):
        """A new polynomial in B, for every component."""
        self.degree, self.height = self.degree + self.d * degree, self.height + self.d * max(height, 0.0)

    def sign(self, x, where):
        need(x[4] == 0, "a second derivative stands under a sign")
        return self.one

    def power(self, x, r, where):
        """1/x = c B^e / (P B^e);  a root of order q of x is that of (P B^e) c^(q-1) B^(e(q-1)), over c B^e."""
        if r.denominator == 1 and r >= 0:
            return x and self.whole(x, int(r))
        need(x[4] == 0, "a second derivative stands under a root or denominator")
        (n, e, h, c, _), q = x, r.denominator
        if q > 1:
            self.roots[where] = lcm(q, self.roots.get(where, 1))
            x = (n / q + e * self.degree, e, (h + (q - 1) * log2(c)) / q + e * self.height, c, 0)
        if r < 0 and (where, q) not in self.inverses:
            self.inverses[where, q] = (x[1] * self.degree, 1, x[1] * self.height + log2(c), 1, 0)
            self.base(*self.cleared(x))
        return self.whole(x if r > 0 else self.inverses[where, q], abs(r.numerator))

    def contracted(self, x, where, leading):
        """A scalar product brings a summation index, but for its leading part if that is a function of the point, as g is."""
        if x and leading and x[4] == 0:
            self.leading.add(where)
            return x
        return x and (*x[:4], x[4] + 1)

    def solve(self, matrix, right, where):
        """Cramer's rule: minors over a determinant, n! products of entries each, which are d^k products (where = (.., k))."""
        n, every = self.d * len(matrix), self.total(right)
        entry = (*self.total([self.one, *(x for row in matrix for x in row)])[:4], 0)
        minor, det = (self.scale(self.whole(entry, k), Fraction(factorial(n) * self.d ** (n * where[1]))) for k in (n - 1, n))
        return [self.times(self.times(every, minor), self.power(det, MINUS, where))] * len(right)


# ------------------------------------------------------------------------------ series


class Series:
    """gamma^v (c_0 + c_1 gamma + ...) + O(gamma^end), c_0 not zero, of a Run; `end` is inf if nothing is left out."""

    def __init__(self, run, v, c, end=inf):
        c = c if end == inf else c[: max(end - v, 0)]
        skip = next((i for i, x in enumerate(c) if x != run.ring.zero), len(c))
        self.run, self.c, self.end = run, c[skip:], end
        self.v = v + skip if self.c else end

    def at(self, k):
        if k >= self.end:
            raise Short
        return self.span(k, k + 1)[0]

    def span(self, low, high):
        return [self.c[k - self.v] if self.c and 0 <= k - self.v < len(self.c) else self.run.ring.zero for k in range(low, high)]

    def __add__(self, other):
        if not other.c and other.end >= self.end:
            return self
        end, full = min(self.end, other.end), [x for x in (self, other) if x.c]
        if not full:
            return Series(self.run, end, [], end)
        low, high = min(x.v for x in full), min(end, max(x.v + len(x.c) for x in full))
        return Series(self.run, low, list(map(self.run.ring.add, self.span(low, high), other.span(low, high))), end)

    def __neg__(self):
        return Series(self.run, self.v, list(map(self.run.ring.neg, self.c)), self.end)

    def __sub__(self, other):
        return self + (-other)

    def __mul__(self, other):
        a, b, v, end = self.c, other.c, self.v + other.v, min(self.v + other.end, other.v + self.end)
        if not a or not b:
            return Series(self.run, end, [], end)
        n = min(len(a) + len(b) - 1, end - v, self.run.length)
        if n < len(a) + len(b) - 1:
            end = v + n
        indices = [range(max(0, k - len(b) + 1), min(k + 1, len(a))) for k in range(n)]
        return Series(self.run, v, [self.run.ring.inner([a[j] for j in i], [b[k - j] for j in i]) for k, i in enumerate(indices)], end)

    def above(self, base, text):
        """self - base, which must tend to zero.  (Degrees do not cancel: there it is known to, and what is below is dropped.)"""
        rest = self - self.run.lift([base])[0]
        if rest.c and rest.v < 1:
            need(self.run.leading is not None, text)
            rest = Series(self.run, 1, rest.c[1 - rest.v :], rest.end)
        return rest

    def lead(self, place, i):
        """From the first coefficient that is not zero on.  It is the same at every step and in every run."""
        s, run = self, self.run
        if run.leading is not None and run.leading.get(place, s.v) > s.v:
            s = Series(run, run.leading[place], s.c[run.leading[place] - s.v :], s.end)
        if not s.c:
            raise ZeroDivisionError if s.end == inf else Short
        noted = run.sample.noted.setdefault((place, i), (s.v, s.c[0]))
        need(run.leading is not None or noted == (s.v, s.c[0]), "a leading coefficient changes from step to step")
        return s

    def power(self, r, place, i=0):
        """From a b' = r a' b:  k a_0 b_k = sum_(i<k) (r (k - i) - i) b_i a_(k-i)."""
        if r.denominator == 1 and r >= 0:
            return prod([self] * int(r), start=self.run.constant(1))
        s, ring = self.lead(place, i), self.run.ring
        need((s.v * r).denominator == 1, "a root brings a fractional power of gamma")
        a, b = s.c, [ring.power(s.c[0], r, place)]
        if s.end == inf and len(a) == 1:
            return Series(self.run, int(s.v * r), b)
        inverse = ring.power(a[0], MINUS, place)
        length = self.run.length if s.end == inf else min(s.end - s.v, self.run.length)
        for k in range(1, length):
            j = range(max(0, k - len(a) + 1), k)
            total = ring.inner([ring.scale(b[i], (r * (k - i) - i) / k) for i in j], [a[k - i] for i in j])
            b.append(ring.inner([total], [inverse]))
        return Series(self.run, int(s.v * r), b, int(s.v * r) + length)

    def sign(self, place, i):
        return self.run.lift([self.run.ring.sign(self.lead(place, i).c[0], place)])[0]


# ------------------------------------------------------------------------------ losses: all derivatives at a point

TABLES = {}


def table(d, degree):
    """Exponents a with |a| <= degree, by degree: where each degree starts; places of a + e_j; (place of a - e_j, j); 1/a!."""
    if (d, degree) not in TABLES:
        layers = [[(0,) * d]]
        moved = lambda a, j, by: (*a[:j], a[j] + by, *a[j + 1 :])
        for _ in range(degree):
            layers.append(list(dict.fromkeys(moved(a, j, 1) for a in layers[-1] for j in range(d))))
        every = [a for layer in layers for a in layer]
        place, start = {a: n for n, a in enumerate(every)}, list(itertools.accumulate(map(len, layers), initial=0))
        up = [[place[moved(a, j, 1)] for a in every[: start[-2]]] for j in range(d)]
        first = [next(j for j in range(d) if a[j]) for a in every[1:]]
        parent = [None, *((place[moved(a, j, -1)], j) for a, j in zip(every[1:], first))]
        TABLES[d, degree] = (start, up, parent, [Fraction(1, prod(map(factorial, a))) for a in every])
    return TABLES[d, degree]


class Loss:
    """rows[i]: component i of the gradient (or field) at theta with all its derivatives;  dot(x, y) = sum weights_i x_i y_i."""

    def __init__(self, ring, theta, rows, weights, degree):
        self.ring, self.theta, self.rows, self.weights, self.degree = ring, theta, rows, weights, degree
        self.start, self.up, self.parent, self.factors = table(len(theta), degree)
        self.leaf, self.memo, self.taylor = [row[0] for row in rows], {}, None

    def gradient(self, run, point):
        """sum_a T_a delta^a / a! at theta + delta."""
        ring, deltas = self.ring, [x.above(t, "a gradient is taken far from theta") for x, t in zip(point, self.theta)]
        if all(not x.c and x.end == inf for x in deltas):
            return run.lift(self.leaf)
        high = min(run.length, *(x.end for x in deltas))
        if high < 1 or high - 1 > self.degree:
            raise Short
        self.taylor = self.taylor or [[ring.scale(x, w) for x, w in zip(row, self.factors)] for row in self.rows]
        steps, powers = [x.span(1, high) for x in deltas], [[ring.one] + [ring.zero] * (high - 1)]
        degree = [q for q in range(high) for _ in range(self.start[q], self.start[q + 1])]
        for n in range(1, len(degree)):  # delta^a without the factor gamma^|a|
            lower, right = powers[self.parent[n][0]], steps[self.parent[n][1]]
            powers.append([ring.inner(lower[: k + 1], right[k::-1]) for k in range(high - degree[n])])
        columns = [[powers[n][k - degree[n]] for n in range(self.start[k + 1])] for k in range(high)]
        return [Series(run, 0, [ring.inner(row, column) for column in columns], high) for row in self.taylor]

    def tensor(self, arguments):
        """(T m)_a = sum_j T_(a + e_j) m_j for each argument m."""
        if len(arguments) > self.degree:
            raise Short
        rows, key = self.rows, ()
        for m in sorted(map(tuple, arguments), key=hash):
            key = (*key, m)
            if key not in self.memo:
                size, inner = self.start[self.degree + 1 - len(key)], self.ring.inner
                self.memo[key] = [[inner([row[up[n]] for up in self.up], m) for n in range(size)] for row in rows]
            rows = self.memo[key]
        return [row[0] for row in rows]


# ------------------------------------------------------------------------------ running: formulas, and the text


class Run:
    """Series of `length` coefficients at a sample.  A value is a list of series: the components, or one for a scalar.  Nodes are
    remembered in `memo`, where names keep their values."""

    def __init__(self, sample, length, memo=None):
        self.sample, self.ring, self.leading, self.length, self.memo = sample, sample.ring, sample.leading, length, memo
        self.gamma = Series(self, 1, [self.ring.one])

    lift = lambda self, values: [Series(self, 0, [x]) for x in values]
    constant = lambda self, q: self.lift([self.ring.constant(Fraction(q))])[0]
    vector = lambda self, x: x * (len(self.sample.loss.theta) // len(x))

    def of(self, node, names):
        kind, value, *args = node
        if kind == "name":
            need(value in names, f"{value} has no meaning")
            return names[value]
        if self.memo is None or id(node) not in self.memo:
            args = [self.of(a, names) for a in args]
            found = [self.constant(value)] if kind == "number" else (self.call if kind == "call" else self.operation)(node, args)
            if self.memo is None:
                return found
            self.memo[id(node)] = found
        return self.memo[id(node)]

    def operation(self, node, args):
        kind, exponent, x, y = node[0], node[1], args[0], args[-1]
        if kind == "**":
            return [s.power(exponent, id(node), i) for i, s in enumerate(x)]
        if kind == "neg":
            return [-s for s in x]
        if kind == "/":
            y = [s.power(MINUS, ("over", id(node)), i) for i, s in enumerate(y)]
        return self.both({"+": Series.__add__, "-": Series.__sub__}.get(kind, Series.__mul__), x, y)

    def both(self, f, x, y):
        """f of the components; a scalar meets each."""
        return [f(a, b) for a, b in zip(x * max(len(y) // len(x), 1), y * max(len(x) // len(y), 1))]

    def call(self, node, args):
        name, x, place = node[1], args[0], id(node)
        if name in self.sample.claim.functions:
            return [self.schedule(name, s) for s in x]
        if name in ("grad", "field"):
            return self.sample.loss.gradient(self, self.vector(x))
        if name in ("abs", "sign"):
            return [s.sign(place, i) if name == "sign" else s * s.sign(place, i) for i, s in enumerate(x)]
        if name == "sqrt":
            return [s.power(HALF, place, i) for i, s in enumerate(x)]
        if name in ("dot", "norm"):
            found = self.dot(self.vector(x), self.vector(args[-1]), ("dot", place))
            return [found if name == "dot" else found.power(HALF, place)]
        return self.lift(self.sample.loss.tensor([[s.at(0) for s in self.vector(a)] for a in args]))

    def dot(self, xs, ys, place):
        s = sum((x * y * w for x, y, w in zip(xs, ys, self.lift(self.sample.loss.weights))), self.constant(0))
        if s.c:
            self.sample.dots.setdefault(place, (s.v, s.c[0]))
        low = (self.leading or {}).get(place, s.v)
        return Series(self, s.v, [self.ring.contracted(x, place, k <= low) for k, x in enumerate(s.c, s.v)], s.end) if s.c else s

    def schedule(self, name, argument):
        """The given formula, or r(t_0 + s) = sum_k r^(k) s^k / k!."""
        given, [t] = self.sample.claim.functions[name], self.sample.values["t"]
        if given is not None:
            return self.of(given, {"t": [argument]})[0]
        s, total, power = argument.above(t, "a schedule is read far from t"), self.constant(0), self.constant(1)
        for k in range(self.length if s.c or s.end < inf else 1):
            total += power * self.lift([self.ring.scale(self.sample.jets[name][k], Fraction(1, factorial(k)))])[0]
            power = power * s
        return total if s.end == inf and not s.c else total + Series(self, self.length, [], self.length)

    def named(self, n):
        """Parameters, time and the regime at step n."""
        names = {x: self.lift(self.sample.values[x]) for x in (*self.sample.claim.free, "t")} | {"gamma": [self.gamma]}
        names["t"] = [names["t"][0] + self.gamma * self.constant(n)]
        return names | {p: self.of(e, names) for p, e in self.sample.claim.bindings.items()}

    def after(self, states, n):
        """Every variable of the text at the end of step n."""
        claim, names = self.sample.claim, self.named(n)
        factors = {s: self.of(f, names) for s, (_, f) in claim.rescaled.items()}
        for s, x in claim.states.items():
            names[s] = self.both(Series.__mul__, factors[s], states[x]) if s in factors else states[x]
        ahead = names["theta"]
        for _ in range(self.length + 1 if claim.implicit else 1):  # each pass settles a power of gamma of theta_next
            before, after = ahead, {**names, "theta_next": ahead}
            for target, value in claim.program:
                found = self.of(value, after)
                after[target] = self.vector(found) if target == "theta" else found
            ahead = after["theta"]
        if claim.implicit and self.leading is None:
            need(not any((x - y).c for x, y in zip(before, ahead)), "theta_next does not enter with a factor gamma")
        return after if ("theta_prev" in dict(claim.program)) else {**after, "theta_prev": names["theta"]}

    def step(self, states, n):
        claim, after, found = self.sample.claim, self.after(states, n), {}
        names = {**after, "t": self.named(n + 1)["t"]}
        for s, x in claim.states.items():
            value = after[s]
            if s in claim.rescaled:
                inverse = [u.power(MINUS, ("unit", s), i) for i, u in enumerate(self.of(claim.rescaled[s][1], names))]
                value = self.both(Series.__mul__, value, inverse)
            need(x not in claim.scalars or len(value) == 1, "a scalar becomes a vector")
            found[x] = value if x in claim.scalars else self.vector(value)
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


class Sample:
    """A point: what the claim says there, and what the text does."""

    def __init__(self, claim, ring, values, slack=0, leading=None):
        self.claim, self.ring, self.values, self.slack, self.leading = claim, ring, values, slack, leading
        self.noted, self.dots, self.top = {}, {}, claim.order + 1

    def settle(self, loss, jets):
        """The rest of the point: the loss, and derivatives of schedules.  Claims at gamma^0 are where the memory starts."""
        self.loss, self.jets, self.formulas = loss, jets, Run(self, 1, {})
        self.names = {n: self.formulas.lift(x) for n, x in self.values.items()}
        self.names["grad" if self.claim.data["label"] == "L" else "field"] = self.formulas.lift(loss.leaf)
        for f in jets:
            if self.claim.functions[f] is None:
                self.names |= {("", "d", f"d{k}")[min(k, 2)] + f: self.formulas.lift([x]) for k, x in enumerate(jets[f])}
        return self

    def claimed(self, summands, x):
        total = [self.ring.zero] * (1 if x in self.claim.scalars else len(self.loss.theta))
        for s in summands:
            value = self.formulas.of(s, self.names)
            need(len(value) == 1 or x not in self.claim.scalars, "a vector is claimed for a scalar")
            total = [self.ring.add(a, s.at(0)) for a, s in zip(total, value * (len(total) // len(value)))]
        return total

    def start(self, run, known):
        """The states before the first step; memory is known below gamma^known."""
        states = {x: run.lift(self.values[x]) for x in self.claim.fields}
        for m, powers in self.memory.items():
            rows = (powers + [[self.ring.zero] * len(powers[0])] * known)[:known]
            states[m] = [Series(run, 0, list(c), known) for c in zip(*rows)]
        return states

    def orbit(self, run, states, steps):
        every = [states]
        for n in range(steps):
            every.append(run.step(every[-1], n))
        return every

    def local(self):
        """Every variable after a step at gamma^0."""
        self.memory = {m: [self.claimed(s, m)] for m, s in self.claim.memory.items()}
        run = Run(self, 1 + self.slack)
        return run.after(self.start(run, 1), 0)

    def differences(self, orbit, x, power, degree):
        """Delta^degree of the coefficient of gamma^power, in every component."""
        return [combined(self.ring, [s.at(power) for s in column], delta(degree)) for column in zip(*(s[x] for s in orbit))]

    def relaxation(self):
        """[(J - 1)^(k+1)]_mm for every k, J the Jacobian of a step at gamma^0: the response at gamma^1 to a change by gamma."""
        run = Run(self, 2 + self.slack)
        states, columns, blocks = self.start(run, 2), [], []
        base = run.step(states, 0)
        places = [(x, i) for x, v in states.items() for i in range(len(v))]
        for x, i in places:
            after = run.step({**states, x: [s + run.gamma if j == i else s for j, s in enumerate(states[x])]}, 0)
            change = [after[y][j] - base[y][j] for y, j in places]
            need(self.leading is not None or min(s.v for s in change) > 0, "the step divides a variable by gamma")
            columns.append([self.ring.add(s.at(1), self.ring.constant(MINUS * (y == (x, i)))) for s, y in zip(change, places)])
        memory = [n for n, (x, _) in enumerate(places) if x in self.memory]
        rows = [[column[n] for column in columns] for n in memory]
        for _ in range(self.top + 1):
            blocks.append([[row[n] for n in memory] for row in rows])
            rows = [[self.ring.inner(row, column) for column in columns] for row in rows]
        return blocks

    def equations(self):
        """(what is wrong if these are not zero, numbers), ...   The memory at gamma^k solves
        [(J - 1)^(k+1)]_mm w = -Delta^(k+1) X^(k): it is on the orbit by construction, for a memory that enters affinely."""
        self.memory = {m: [self.claimed(s, m)] for m, s in self.claim.memory.items()}
        self.blocks, top = self.relaxation() if self.memory else [], self.top
        for k in range(1, top + 1) if self.memory else ():
            run = Run(self, k + 1 + self.slack)
            orbit = self.orbit(run, self.start(run, k + 1), k + 1)
            right = [self.ring.neg(w) for m in self.memory for w in self.differences(orbit, m, k, k + 1)]
            solution = iter(self.ring.solve(self.blocks[k], right, ("det", k)))
            for powers in self.memory.values():
                powers.append([next(solution) for _ in powers[0]])
        run = Run(self, top + 1 + self.slack)
        orbit = self.orbit(run, self.start(run, top + 1), top + 1)
        for x in orbit[0]:
            for k in range(top + 1 if x in self.claim.fields or self.leading is None else 1):
                yield f"{x} at gamma^{k} is on no slow orbit with this memory", self.differences(orbit, x, k, k + 1)
        rule = linear if self.claim.form == "flow" else lambda degree: [0, ONE] + [0] * (degree - 1)
        for x, k in itertools.product(self.claim.fields, range(top)):
            true = [combined(self.ring, [s.at(k + 1) for s in c], rule(k + 1)) for c in zip(*(states[x] for states in orbit))]
            claimed = self.claimed(self.claim.fields[x][k], x)
            yield f"{x} at gamma^{k} is not what is claimed", [self.ring.add(a, self.ring.neg(b)) for a, b in zip(claimed, true)]

    def leads(self):
        """place -> leading coefficients under every root, sign and denominator, by component."""
        found = {}
        for (place, _), (_, lead) in sorted(self.noted.items(), key=lambda item: item[0][1]):
            found[place] = (*found.get(place, ()), lead)
        return found

    def powers(self):
        """place -> the power of gamma at which it begins."""
        found = {}
        for (place, _), (v, _) in self.noted.items():
            need(found.setdefault(place, v) == v, "components begin at different powers of gamma")
        return found | {place: v for place, (v, _) in self.dots.items()}


# ------------------------------------------------------------------------------ samples, signs and the verdict

SMALL = prod(range(3, 300, 2))


def is_prime(n, source):
    """Miller-Rabin for n = 3 mod 4: a composite passes with probability 4^-64."""
    return gcd(n, SMALL) == 1 and all(pow(source.randrange(2, n - 1), n >> 1, n) in (1, n - 1) for _ in range(64))


def unsettled(p, a, kept):
    """How many signs of a = |x| do not follow from those kept: none for products and quotients of two, one for a multiple."""
    pairs = [list(zip(a, x, y)) for x in kept for y in kept]
    rules = (lambda a, b, c: a - b * c, lambda a, b, c: a * c - b, lambda a, b, c: a * b * c - 1)
    if any(all(f(*i) % p == 0 for i in every) for every in pairs for f in rules):
        return 0
    return 1 if any(all((a[0] * y - x * b[0]) % p == 0 for x, y in zip(a, b)) for b in kept) else len(a)


class Check:
    """One certificate."""

    def __init__(self, claim, source):
        self.claim, self.source, self.failed, self.ring = claim, source, set(), None
        under = [n[2] for n in claim.nodes if is_root(n) or is_sign(n)]
        texts = [v for _, v in claim.program] + [*claim.bindings.values()] if under else []
        numbers = [abs(n[1]) for root in under + texts for n in walk(root) if n[0] == "number" and n[1]]
        odd = lambda n: n // (n & -n)
        self.modulus = lcm(8, *(odd(n[1].denominator) for n in claim.nodes if n[0] == "**"),
                           *(4 * odd(x) for c in numbers for x in (c.numerator, c.denominator)))  # fmt: skip
        need(self.modulus < 2**64, "constants under roots need primes of a too special form")

    def prime(self):
        while True:
            p = self.modulus * self.source.randrange(2**BITS // self.modulus + 1, 2 ** (BITS + 1) // self.modulus) - 1
            if is_prime(p, self.source):
                return p

    def point(self, ring, d, ranges):
        """A random point: parameters in their ranges, theta, all derivatives of the loss, slow variables, time.  A loss is
        raised by weights u_i, and sum x_i y_i / u_i is the scalar product: u_i equal components in a larger dimension."""
        claim, draw = self.claim, lambda n: [self.source.randrange(1, ring.p) for _ in range(n)]
        sample = Sample(claim, ring, {}, self.slack)
        run, names, sample.positive = Run(sample, 1), {}, []
        for n, conditions in claim.positive.items():
            for _ in range(500):
                sample.values[n] = draw(1)
                names[n] = run.lift(sample.values[n])
                found = [run.of(c, names)[0].at(0) for c in conditions] if ranges else []
                if all(map(ring.residue, found)):
                    break
            else:
                raise Bad("the ranges of the parameters cannot be met")
            sample.positive += found
        sample.values |= {"t": draw(1), **{x: draw(1 if x in claim.scalars else d) for x in claim.fields}}
        u = draw(d)
        if claim.data["label"] == "L":
            start, up, *_ = table(d, self.degree + 1)
            jets = draw(start[-1])
            rows = [[jets[n] * w % ring.p for n in places] for places, w in zip(up, u)]
        else:
            rows = [draw(table(d, self.degree)[0][-1]) for _ in range(d)]
        loss = Loss(ring, sample.values["theta"], rows, [pow(w, -1, ring.p) for w in u], self.degree)
        return sample.settle(loss, {f: draw(self.degree + 4) for f in claim.functions})

    def sample(self, d, ranges=True):
        """A point at which all that must be positive is a residue."""
        zeros = 0
        for count in range(20_000):
            if count % 64 == 0 or self.ring is None:
                self.ring = self.ring if count == 0 and self.ring else Field(self.prime())
            try:
                sample = self.point(self.ring, d, ranges)
                for n in self.claim.branches:
                    sample.formulas.of(n, sample.names)
                sample.variables = sample.local()
                return sample
            except Rejected as error:
                self.failed.add(error.args[0])
            except (ZeroDivisionError, ValueError):
                zeros += 1
                need(zeros < 40, "a denominator or root vanishes at every point")
        raise Bad("no point with real roots was found")

    def agrees(self, sample):
        """Compares; the next comparison has a prime of its own.  False at a point where a denominator vanishes."""
        self.ring = None
        try:
            for what, values in sample.equations():
                if any(values):
                    raise Different(f"{what} (modulo {sample.ring.p}, dimension {len(sample.loss.theta)})")
        except (Rejected, ZeroDivisionError, ValueError):
            return False
        return True

    def examined(self, d):
        """A sample at which claim and scheme agree."""
        for _ in range(10):
            sample = self.sample(d)
            if self.agrees(sample):
                return sample
        raise Bad("a denominator vanishes at every point")

    def bounds(self, d, leading):
        """For claim minus truth in dimension d: log2 of degree, of height and of the cover; indices; products that are functions
        of the point."""
        claim, ring, x = self.claim, Degrees(d), (1.0, 0, 0.0, 1, 0)
        ring.base(1.0, 0.0)  # the weights
        rows = [[(2.0, 0, k * log2(d), 1, k) for k in range(self.degree + 1)]]
        sample = Sample(claim, ring, dict.fromkeys([*claim.free, "t", *claim.fields], [x]), self.slack, leading)
        sample.settle(Loss(ring, [x], rows, [(d - 1.0, 1, log2(d), 1, 0)], self.degree), {f: [x] * (self.degree + 4) for f in claim.functions})
        found = [w for _, values in sample.equations() for w in values if w] or [ring.one]
        degree, height = (max(1.0, *(ring.cleared(w)[i] for w in found)) for i in (0, 1))
        return log2(degree), log2(height), d * sum(map(log2, ring.roots.values())), max(w[4] for w in found), ring.leading

    def vertices_matter(self, sample):
        """Whether the equations of the memory change with second and higher derivatives."""
        other, loss = self.point(sample.ring, len(sample.loss.theta), True), sample.loss
        rows = [[old[0], *new[1:]] for old, new in zip(loss.rows, other.loss.rows)]
        other = Sample(self.claim, sample.ring, sample.values, self.slack)
        other.settle(Loss(sample.ring, loss.theta, rows, loss.weights, self.degree), sample.jets)
        other.memory = {m: powers[:1] for m, powers in sample.memory.items()}
        return other.relaxation() != sample.blocks

    def quantities(self, sample):
        """What signs can be seen of: what stands under them, the gradient, and variables of the text at gamma^0."""
        d, leads = len(sample.loss.theta), sample.leads()
        found = {id(n): leads[id(n)] for n in self.claim.nodes if is_sign(n) and id(n) in leads} | {"grad": sample.loss.leaf}
        found |= {n: [s.at(0) for s in x] for n, x in sample.variables.items() if all(s.end > 0 <= s.v for s in x)}
        return {n: tuple(x) * (d // len(x)) for n, x in found.items() if all(x)}

    def signs(self, sample):
        """Quantities whose signs tell the classes apart; how many of them are vectors; signs (of roots) that cannot be seen.
        A root whose base was seen to be no residue is of no square, and has no sign."""
        ring, d, seen = sample.ring, len(sample.loss.theta), self.quantities(sample)
        leads = {k: v * (d // len(v)) for k, v in sample.leads().items()}
        sizes = {n: tuple(map(ring.size, x)) for n, x in seen.items()}
        root = lambda v: tuple(ring.power(x, HALF, None) for x in v)
        failed = {leads[k] for k in self.failed if k in leads}
        kept = [(x,) * d for x in (1, *sample.positive)] + [root(v) for v in failed]
        labels, vectors, loose = [], 0, 0
        roots = [id(n) for n in self.claim.nodes if is_root(n) and constant(n[2]) is None and leads.get(id(n), None) not in (None, *failed)]
        for place in [id(n) for n in self.claim.nodes if is_sign(n) and id(n) in seen] + roots:
            key = place
            if place in roots:
                w = root(leads[place])
                key = next((n for n in sizes if unsettled(ring.p, w, [*kept, sizes[n]]) < unsettled(ring.p, w, kept)), None)
            if key is not None and (count := unsettled(ring.p, sizes[key], kept)):
                labels.append(key)
                kept.append(sizes[key])
                vectors += count == d
            if place in roots:
                loose += unsettled(ring.p, w, kept)
                kept.append(w)
        return labels, vectors, loose

    def decide(self):
        """(bound, samples, dimension, classes), or Different."""
        for self.slack in range(5):
            self.degree = max(self.claim.order + 1 + self.slack, self.claim.rank)
            try:
                return self.attempt()
            except Short:
                continue
        raise Bad("the text loses too many powers of gamma")

    def attempt(self):
        claim, d, dimension = self.claim, 0, 2 * self.claim.order + 4
        pilot = self.examined(3)
        leading = pilot.powers()
        while dimension > d:
            need(dimension < 60, "too many summation indices")
            d = dimension
            degree, height, cover, indices, products = self.bounds(d, leading)
            dimension = max(1 + indices + len({pilot.dots[k][1] for k in products if k in pilot.dots}), claim.order + 1, 2)
        first = self.examined(dimension)
        need(not claim.memory or not self.vertices_matter(first), "the relaxation of the memory depends on second derivatives")
        labels, vectors, loose = self.signs(first)
        for _ in range(130 if loose else 0):
            self.sample(2, False)
            labels, vectors, loose = self.signs(first)
            if not loose:
                break
        bits = dimension * vectors + len(labels) - vectors + loose
        classes = comb(dimension + 2**vectors - 1, dimension) * 2 ** (len(labels) - vectors)
        conditions = len(first.positive) + dimension * sum(map(is_root, claim.nodes)) + bits
        unlucky = height + cover - log2(BITS) - (BITS - log2(self.modulus * 400))  # (Q H / 255) / #primes
        error = log2(2.0 ** (degree + cover + conditions - BITS) + 2.0**unlucky)
        need(error < TARGET, "no useful error bound")
        draws = ceil(TARGET / log2(1 - 2.0**-bits)) if bits else 1
        need(draws <= DRAWS or (not loose and bits < 16), f"2^{bits} classes of signs are too many to visit")
        label = lambda s, q: tuple(sorted(zip(*([s.ring.residue(x) for x in q[n]] for n in labels))))
        seen, count = {label(first, self.quantities(first))}, 1
        for _ in range(draws):
            if len(seen) == classes and not loose:
                break
            sample = self.sample(dimension)
            found = label(sample, self.quantities(sample))
            if (loose or found not in seen) and self.agrees(sample):
                need(sample.powers() == leading, "leading powers differ from point to point")
                seen.add(found)
                count += 1
        else:
            error = log2(2.0**TARGET + 2.0**error) if bits else error
        return error, count, dimension, classes if not loose else 2**bits


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
    lines = [f"scheme {data['scheme']}, regime {data['regime'] or '-'}, {data['form']} through gamma^{data['order']}"]
    regime = [f"{p} = {e}" for p, e in data["bindings"].items()] + [f"{s} = ({f})*{x}" for s, (x, f) in data["rescaled"].items()]
    ranges = [f"{n}: {r or 'any'}" for n, r in data["parameters"].items()]
    for title, part in ("update", data["update"].strip("\n").split("\n")), ("parameters", ranges), ("regime", regime):
        lines += [title] * bool(part) + ["    " + line for line in part]
    for x, powers in [*data["fields"].items(), *((f"memory {m}", [p]) for m, p in data["memory"].items())]:
        lines += [f"{x}, gamma^{k}: " + (" + ".join(f"({c})*{t}" for c, t in p) or "0") for k, p in enumerate(powers)]
    return "\n".join(lines)


def check(text, reproducible=False):
    """(statement, bound, samples, dimension, classes); raises Bad or Different."""
    claim = Claim(load(text))
    seed = hashlib.sha256(text.encode()).digest() if reproducible else os.urandom(32)
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
