#!/usr/bin/env python3
"""Checks a certificate of a weak modified equation:  python sde_checker.py FILE.  Standard library only.

A certificate is a statement: the update text of a stochastic optimizer, and a claimed generator G = sum_k gamma^k G_k of its law,

    E phi(x_n) = exp(n gamma G) phi (x_0) + O(gamma^(N+1))   for n gamma bounded, x the slow variables, memory relaxed.

It holds no points, no values and no numbers of samples.  The checker runs one step of the text on a random loss for every sample,
with random probabilities, at a random point and random parameters, all of a random prime field, and compares operators:

  worlds   N + 1 samples with unequal probabilities in N + 1 dimensions, as many as a forest of gamma^N has nodes: there the
           operators of different tied forests are linearly independent, so that a difference shows in its coefficients
  series   u with gamma = u^h, the slow variables' distances from the point, U = u v for memory v = m - (what m follows), u z for
           normal vectors z: no step lowers the total degree of these, so that through degree h (N + 1) T is a finite matrix
  memory   l T = exp(gamma G) l, with l F the mean of F over the law that memory has come to follow: on functions of memory this
           determines l, no product of relaxation factors being 1; on functions of the slow variables it is the claim
  forests  a tie is the joint cumulant of its nodes: over partitions into b blocks of two or more
           (-1)^(b-1) (b-1)! times the product of the means of products of deviations
  roots    p = -1 mod 4: every residue has one residue root.  Every base must once have been the first to be no residue: then no
           product of bases is a square, and all signs of roots are alike
  error    a false claim passes with probability at most  D 4^k / 2^255 + H / #primes:  degree D of what is compared, carried
           along with every series, k bases of roots, integers below 2^H

Texts that are linear in state variables, gradients and normal vectors are decided for every dimension and every law of samples,
others for the dimension and the number of samples that the certificate states.

Exit status: 0 proved, 1 claim and scheme differ, 2 not a certificate, or nothing that can be decided here.
"""

# mypy: ignore-errors
import ast
import itertools
import json
import operator
import random
import re
import sys
from collections import Counter
from fractions import Fraction
from functools import cached_property, reduce
from math import ceil, comb, factorial, isqrt, log2, prod

FORMAT, LONGEST, LARGEST, TARGET, BITS = "shadowflow sde proof 1", 20_000, 8_000_000, -101, 255
DRAWS, PATIENCE = 4000, 12
MAX_MONOMIALS, MAX_CHOICES, MAX_NODES, SLACK = 6000, 400, 6, 8
FIELD_BITS = 6  # of an exponent
PAIR, NAME = (str, str), r"[A-Za-z_][A-Za-z_0-9]{0,40}"
SHAPE = {"format": str, "scheme": str, "regime": str, "order": int, "sampling": str, "batch": str, "update": str,
         "unknowns": [str], "losses": {str: [str]}, "kinds": {str: str}, "parameters": {str: str}, "bindings": {str: str},
         "rescaled": {str: PAIR}, "slow": [str], "opaque": {str: str}, "generator": [[PAIR]]}  # fmt: skip
STATED = {**SHAPE, "dimension": int, "samples": int}  # of a text that is not linear
GRADIENTS = {"grad": "g", "sgrad": "g", "field": "f", "sfield": "f"}
SUMS, CALLS = {"dot": 2, "norm": 1, "mean": 1}, {"sqrt": 1, "exp": 1, "dot": 2, "norm": 1, "mean": 1}
NORMAL = "normal"
FIXED = {"gamma", "t", *GRADIENTS, *CALLS, NORMAL}
PARTS = {1: "the drift", 2: "the diffusion"}


class Bad(Exception):
    """Not a certificate, or a statement that is not decided here."""


class Different(Exception):
    """Claim and scheme differ."""


class Rejected(Exception):
    """The base of a root is no residue: draw again.  args[0] says which base it is."""


class Short(Exception):
    """More degrees are needed."""


def need(condition, message):
    if not condition:
        raise Bad(message)


# ------------------------------------------------------------------------------ reading: texts -> nodes (kind, value, *operands)

OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
OPERATE = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}


def parse(text, mode):
    need(len(text) <= LONGEST and all(c == "\n" or c.isprintable() for c in text), "the text is too long, or cannot be printed")
    try:
        tree = ast.parse(text, mode=mode)
        for e in [e for e in ast.walk(tree) if isinstance(e, ast.Constant) and type(e.value) is float]:
            e.value = Fraction(ast.get_source_segment(text, e))  # exact: 0.9 is nine tenths
        return tree
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Bad(f"cannot be read: {type(error).__name__}") from None


def node(e, losses=None, depth=0):
    """A syntax tree as a node; `losses` is None in coefficients, which have no gradients."""
    need(depth < 150, "nested too deeply")
    inner = lambda x: node(x, losses, depth + 1)
    match e:
        case ast.Constant(value=value) if type(value) in (int, Fraction):
            need(max(abs(value.numerator), value.denominator) < 10**400, "a number that is too long")
            return "number", Fraction(value)
        case ast.Name(id=name):
            need(re.fullmatch(NAME, name), "a name that is no name")
            return "name", name
        case ast.UnaryOp(op=ast.UAdd(), operand=x):
            return inner(x)
        case ast.UnaryOp(op=ast.USub(), operand=x):
            return "*", None, ("number", Fraction(-1)), inner(x)
        case ast.BinOp(left=x, op=ast.Pow(), right=y):
            r = constant(inner(y))
            need(r is not None and max(abs(r.numerator), r.denominator) <= 40, "an exponent must be a small fraction")
            return "**", r, inner(x)
        case ast.BinOp(left=x, op=op, right=y) if type(op) in OPERATORS:
            return OPERATORS[type(op)], None, inner(x), inner(y)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in GRADIENTS and losses is not None:
            return gradient(name, args, losses, inner)
        case ast.Call(func=ast.Name(id="normal"), args=[], keywords=[]) if losses is not None:
            return "call", NORMAL
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            need(CALLS.get(name) == len(args), f"{name} with {len(args)} arguments is not covered here")
            return "call", name, *map(inner, args)
    raise Bad(f"{type(e).__name__} is not in the language")


def gradient(name, args, losses, inner):
    """grad(x), sgrad(x, 2), grad(f(x, y), x), sgrad(f(x, y), x, 2): ("draw", (label, sample), *point), sample 0 for the mean."""
    label, point, rest = GRADIENTS[name], args[:1], args[1:]
    if losses:
        match args:
            case [ast.Call(func=ast.Name(id=f), args=point, keywords=[]), ast.Name(id=x), *rest] if x in losses.get(f, ()):
                need(len(point) == len(losses[f]), "a loss takes all its unknowns")
                label = f"{f}.{x}"
            case _:
                raise Bad("no loss and unknown of it")
    need(point and len(rest) <= 1, f"{name} with {len(args)} arguments is not in the language")
    number = constant(inner(rest[0])) if rest else Fraction(1)
    need(number is not None and number.denominator == 1 and 0 < number < 100, "the number of a sample is a small number")
    need(name[0] == "s" or not rest, f"{name} has no sample")
    return "draw", (label, int(number) * (name[0] == "s")), *map(inner, point)


def constant(n):
    """The value of a node of numbers alone, or None."""
    if n[0] == "number":
        return n[1]
    values = [constant(a) for a in n[2:]]
    if n[0] in ("name", "call", "draw") or None in values or (n[0] == "**" and n[1].denominator > 1):
        return None
    need(all(abs(v.numerator).bit_length() + v.denominator.bit_length() < 4000 for v in values), "a number that is too long")
    if n[0] in ("/", "**") and values[-1] == 0:
        return None
    return values[0] ** int(n[1]) if n[0] == "**" else OPERATE[n[0]](*values)


def walk(n):
    yield n
    for a in n[2:]:
        yield from walk(a)


names_of = lambda n: {m[1] for m in walk(n) if m[0] == "name"}
formula = lambda text, losses=None: node(parse(text.strip() if "\n" not in text else text, "eval").body, losses)

PART = re.compile(r"\s*([A-Za-z_][\w.]*|#\d+|[:\[\],])", re.ASCII)


def forest(text):
    """Trees (slot, label, tie, children) with blanks between them, such as  g1 eta:g[g1]  or  u#1[v:u#1]."""
    need(len(text) <= 300, "a forest that is too long")
    words, at = [], 0
    while text[at:].strip():
        found = PART.match(text, at)
        need(found, "a forest that cannot be read")
        words, at = [*words, found[1]], found.end()
    words = [*reversed(words)]

    def word():
        need(words and words[-1][0] not in ":[],#", "a forest that cannot be read")
        return words.pop()

    def take(wanted):
        return bool(words) and words[-1] == wanted and bool(words.pop())

    def tree():
        slot, label = "", word()
        if take(":"):
            slot, label = label, word()
        tied, tie = re.fullmatch(r"([gn])(\d+)", label), 0
        if tied:
            label, tie = tied[1], int(tied[2])
        elif words and words[-1][0] == "#":
            tie = int(words.pop()[1:])
        children = []
        if take("["):
            children.append(tree())
            while take(","):
                children.append(tree())
            need(take("]"), "a forest that cannot be read")
        return slot, label, tie, tuple(children)

    found = []
    while words:
        found.append(tree())
    need(found, "an empty forest")
    counts = Counter(n[2] for t in found for n in nodes_of(t))
    need(all(tie == 0 or count > 1 for tie, count in counts.items()), "a tie is of two nodes and more")
    return tuple(found)


def nodes_of(tree):
    yield tree
    for c in tree[3]:
        yield from nodes_of(c)


def size_of(trees):
    """The number of nodes, two of a normal vector counting as one."""
    labels = [n[1] for t in trees for n in nodes_of(t)]
    return len(labels) - labels.count("n") // 2


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
        stated = isinstance(data, dict) and "dimension" in data
        shape = STATED if stated else SHAPE
        shaped = isinstance(data, dict) and set(data) == set(shape) and all(fits(data[k], shape[k]) for k in shape)
        need(shaped and data["format"] == FORMAT, "not a certificate of this format")
        need(all(re.fullmatch(r"[\w .-]{0,80}", data[k], re.ASCII) for k in ("scheme", "regime")), "a name that is no name")
        need(data["sampling"] == "iid", "samples drawn other than independently are not covered here")
        self.data, self.order, self.losses, self.unknowns = data, data["order"], data["losses"], data["unknowns"]
        need(0 <= self.order <= 6 and len(data["generator"]) == self.order + 1, "not order + 1 powers of gamma, of a small order")
        need(self.unknowns and (self.losses or len(self.unknowns) == 1), "no unknown, or losses that are not declared")
        need(all(slots and {*slots} <= {*self.unknowns} for slots in self.losses.values()), "a loss of no unknowns")
        self.program = [*self.lines(data["update"].strip("\n"))]
        self.bindings = {n: formula(e) for n, e in data["bindings"].items()}
        self.rescaled = {s: (x, formula(e)) for s, (x, e) in data["rescaled"].items()}
        self.opaque = {n: formula(e, self.losses) for n, e in data["opaque"].items()}
        self.symbol = {s: self.rescaled[s][0] if s in self.rescaled else s for s in data["kinds"]}
        self.slow = data["slow"]
        self.fast = [x for x in self.symbol.values() if x not in self.slow]
        self.batch = data["batch"]
        self.names()
        self.spaces = self.found_spaces()
        self.terms = [(k, formula(c), forest(f), f) for k, power in enumerate(data["generator"]) for c, f in power]
        self.nodes = [n for _, e in self.program for n in walk(e)]
        self.normals = sum(n[:2] == ("call", NORMAL) for n in self.nodes)
        self.half = 2 if self.normals else 1
        self.samples = sorted({n[1][1] for n in self.nodes if n[0] == "draw"} - {0})
        self.implicit = any(("name", f"{x}_next") in self.nodes for x in self.unknowns)
        self.linear = all(self.is_linear(e) for _, e in self.program) and not self.opaque
        self.sizes(stated)
        for k, _, trees, text in self.terms:  # no step lowers the total degree
            if len(trees) > self.half * (k + 1):
                raise Different(f"{text} at gamma^{k}: that power has at most {self.half * (k + 1)} derivatives of phi")
            if self.linear and size_of(trees) > k + 1:
                raise Different(f"{text} at gamma^{k}: that power of a linear text has at most {k + 1} nodes")

    def lines(self, text):
        tree = parse(text, "exec")
        need(tree.body, "no update")
        for line in tree.body:
            need(isinstance(line, ast.Assign) and len(line.targets) == 1, "a line that is no assignment")
            need(isinstance(line.targets[0], ast.Name), "an assignment to no name")
            yield node(line.targets[0])[1], node(line.value, self.losses)

    def names(self):
        data, states = self.data, [*self.symbol]
        self.free = [*data["parameters"], *([] if self.batch.isdigit() else [self.batch])]
        need(re.fullmatch(rf"[1-9]\d?|{NAME}", self.batch), "a batch of no number")
        need(set(data["kinds"].values()) == {"vector"}, "memory that is no vector is not covered here")
        need({*self.unknowns} <= {*states} & {*self.slow}, "an unknown that is no slow variable")
        need({*self.rescaled} <= {*states} - {*self.unknowns}, "what is rescaled is no memory")
        need(len({*self.symbol.values()}) == len(states), "two variables of one name")
        need({*self.slow} <= {*self.symbol.values()}, "a slow variable that is no variable")
        need(len({*self.slow}) == len(self.slow), "a slow variable twice")
        need(not {*self.rescaled} & {s for s, x in self.symbol.items() if x in self.fast}, "rescaled memory that is not slow")
        targets = {x for x, _ in self.program}
        taken = [*self.free, *self.bindings, *FIXED, *self.losses]
        need(len({*taken}) == len(taken), "one name for two things")
        need(not {*taken} & ({*states, *self.symbol.values()} | targets), "a parameter that is a variable, or is assigned")
        need({*self.unknowns} <= targets, "an unknown that never moves")
        ahead = {f"{x}_next" for x in self.unknowns}
        need(not ahead & (targets | {*states}), "an assignment to what comes next")
        need(not {"g", "f", "n"} & {*self.symbol.values()}, "a variable with a name that forests have")
        known = {*self.free, *self.bindings, "gamma", *states, *ahead}
        for x, e in self.program:
            need(names_of(e) <= known, f"the update reads {', '.join(sorted(names_of(e) - known)[:1])}, which has no value")
            known.add(x)
        numbers = {*self.free, "gamma"}
        for e in [*self.bindings.values(), *(f for _, f in self.rescaled.values())]:
            need(names_of(e) <= numbers, "a regime in what is no parameter")
        labels = {"g", "f", "n", *self.slow, *self.fast, *(f"{f}.{x}" for f, slots in self.losses.items() for x in slots)}
        need(not labels & {*self.opaque}, "a function with the name of something else")
        for e in self.opaque.values():
            need(names_of(e) <= {*self.free, *self.bindings, *self.slow}, "a function of what is not slow")
            drawn = {n[1][1] for n in walk(e) if n[0] == "draw"}
            need(len(drawn) < 2 and ("call", NORMAL) not in walk(e), "a function of two draws")
        for text in data["parameters"].values():
            self.range(text)

    def range(self, text):
        """A chain of comparisons of formulas in parameters, or several with commas; it is printed, and nothing rests on it."""
        if text.strip():
            tree = parse(text.strip(), "eval").body
            for e in tree.elts if isinstance(tree, ast.Tuple) else [tree]:
                need(isinstance(e, ast.Compare), "a range that is no comparison")
                need(all(isinstance(o, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for o in e.ops), "a range that is no comparison")
                need(all(names_of(node(x)) <= {*self.free} for x in (e.left, *e.comparators)), "a range of no parameter")

    def found_spaces(self):
        """In which unknown's space a vector lies, by the text: sums and products are of one space."""
        spaces = {x: {x} for x in self.unknowns} | {f"{x}_{w}": {x} for x in self.unknowns for w in ("prev", "next")}

        def of(e):
            if e[0] == "draw":
                for slot, point in zip(self.slots(e[1][0]), e[2:]):
                    need(of(point) <= {slot}, "vectors of two players meet")
                return {e[1][0].partition(".")[2] or self.unknowns[0]}
            if e[0] == "call" and e[1] in SUMS:
                need(len(set().union(*map(of, e[2:]))) < 2, "vectors of two players meet")
                return set()
            return spaces.get(e[1], set()) if e[0] == "name" else set().union(*map(of, e[2:]))

        for _ in range(len(self.program) + 1):
            for x, e in self.program:
                spaces[x] = spaces.get(x, set()) | of(e)
        need(all(len(s) < 2 for s in spaces.values()), "vectors of two players meet")
        one = lambda s: next(iter(s), self.unknowns[0])
        found = {x: one(spaces.get(s, set())) for s, x in self.symbol.items()}
        spaces |= {x: {s} for x, s in found.items()}
        return found | {n: one(of(e)) for n, e in self.opaque.items()}

    def slots(self, label):
        """The unknowns by which a function of samples is differentiated."""
        return self.losses[label.partition(".")[0]] if "." in label else self.unknowns[:1]

    def moving(self, e):
        """Whether a state variable, a gradient or a normal vector is in it."""
        is_vector = lambda m: m[0] == "name" and m[1] in self.vectors
        return any(m[0] == "draw" or m[:2] == ("call", NORMAL) or is_vector(m) for m in walk(e))

    def is_linear(self, e):
        args = e[2:]
        if (e[0] == "*" and all(map(self.moving, args))) or (e[0] == "/" and self.moving(args[1])):
            return False
        if e[0] in ("**", "call") and any(map(self.moving, args)):
            return False
        return all(map(self.is_linear, args))

    @cached_property
    def vectors(self):
        self.vectors = {*self.symbol, *(f"{x}_next" for x in self.unknowns)}
        for x, e in self.program * 2:
            self.vectors |= {x} if self.moving(e) else set()
        return self.vectors

    def sizes(self, stated):
        """Dimension and number of samples."""
        need(stated != self.linear, "dimension and samples are stated of texts that are not linear, and of these alone")
        need(self.linear or self.batch == "1", "batches of a text that is not linear are not covered here")
        least = self.order + 1 if self.linear else max(self.order + 1, 2)
        self.dimension, self.count = (self.data["dimension"], self.data["samples"]) if stated else (least, least)
        need(least <= min(self.dimension, self.count), f"dimension and number of samples must be {least} at least")
        need(max(self.dimension, self.count) <= MAX_NODES, "a dimension or a number of samples that is too large here")


# ------------------------------------------------------------------------------ series


class Poly:
    """A series modulo p in the variables of a world, known through the total degree `end`.  A key has an exponent in every field,
    and above them the total degree, to which u counts: u has no field, and a negative exponent perhaps.  `size` (n, d): the
    coefficients are quotients of polynomials in the random numbers, of degree n at most, by one of degree d."""

    __slots__ = ("end", "size", "terms", "world")

    def __init__(self, world, terms, end=None, size=(0, 0)):
        self.world, self.terms, self.size = world, terms, size
        self.end = world.degree if end is None else end

    @property
    def low(self):
        return min(self.terms) >> self.world.top if self.terms else self.end + 1

    def __add__(self, other):
        p, terms = self.world.p, dict(self.terms)
        for k, x in other.terms.items():
            terms[k] = (terms.get(k, 0) + x) % p
        (n, d), (m, e) = self.size, other.size
        size = (max(n, m), 0) if not d + e else (max(n + e, m + d), d + e)
        return Poly(self.world, {k: x for k, x in terms.items() if x}, min(self.end, other.end), size)

    def __neg__(self):
        return self * self.world.number(-1)

    def __sub__(self, other):
        return self + -other

    def __mul__(self, other):
        w = self.world
        end = min(self.end + other.low, other.end + self.low, w.degree)
        size = (self.size[0] + other.size[0], self.size[1] + other.size[1])
        return Poly(w, product(self.terms, other.terms, (end + 1) << w.top, w.p), end, size)

    def __truediv__(self, other):
        return self * other.power(Fraction(-1))

    def shifted(self, by):
        """u^by times it."""
        w = self.world
        return Poly(w, {k + (by << w.top): x for k, x in self.terms.items()}, min(self.end + by, w.degree), self.size)

    def power(self, r):
        """Of a natural number by products; else of u^k (c + x) by the binomial series in x / c."""
        w = self.world
        if r.denominator == 1 and r >= 0:
            return reduce(operator.mul, [self] * int(r), w.number(1))
        k = min(map(w.unit_of, self.terms), default=None)
        if k is None:
            raise ZeroDivisionError
        lead, size = self.terms.get(k << w.top, 0), sum(self.size)
        need(lead and (k * r).denominator == 1, "a denominator or root of what is not a number times a power of gamma at first")
        x = (self.shifted(-k) * w.number(pow(lead, -1, w.p))) - w.number(1)
        x.end = min(self.end - k, w.degree)
        need(x.low > 0, "a denominator or root of what is not a number times a power of gamma at first")
        root = w.root(lead) if r.denominator == 2 else lead
        need(r.denominator <= 2, "roots other than square roots are not covered here")
        found = power = w.number(pow(root, int(r * r.denominator), w.p))
        for j in range(w.degree):
            power = power * x * w.number((r - j) / (j + 1))
            found = found + power
        bound = int(w.degree + 2 + abs(r)) * size
        return Poly(w, found.terms, min(found.end, x.end), (bound, bound)).shifted(int(k * r))

    def exp(self):
        need(self.low > 0, "exp of what does not vanish with gamma is not covered here")
        found = power = self.world.number(1)
        for j in range(self.world.degree):
            power = power * self * self.world.number(Fraction(1, j + 1))
            found = found + power
        return found

    def derivative(self, place):
        w, step = self.world, self.world.keys[place]
        terms = {k - step: x * w.exponent(k, place) % w.p for k, x in self.terms.items() if w.exponent(k, place)}
        return Poly(w, terms, self.end - 1, self.size)


def product(a, b, cut, p):
    """The terms with keys below `cut`."""
    found = {}
    for k, x in a.items():
        rest = cut - k
        for j, y in b.items():
            if j < rest:
                found[k + j] = found.get(k + j, 0) + x * y
    return {k: r for k, x in found.items() if (r := x % p)}


def combine(f, *values):
    """A function of numbers, component by component."""
    length = max((len(x) for x in values if isinstance(x, list)), default=0)
    if not length:
        return f(*values)
    return [f(*(x[i] if isinstance(x, list) else x for x in values)) for i in range(length)]


def is_prime(n):
    """After a division by small primes 64 rounds of Miller and Rabin."""
    if any(n % q == 0 for q in range(3, 200, 2)):
        return False
    odd = n >> 1  # n = 3 mod 4: n - 1 is two times an odd number
    return all(pow(random.SystemRandom().randrange(2, n - 1), odd, n) in (1, n - 1) for _ in range(64))


class World:
    """Random numbers modulo a random prime: parameters, a point, probabilities, and the functions of every sample.

    Variables are numbered from 0: d components of every slow variable, of every fast one, of every normal vector."""

    def __init__(self, claim, source, slack, batch):
        self.claim, self.source, self.batch = claim, source, batch
        self.wanted = claim.half * (claim.order + 1)
        self.degree, self.dimension = self.wanted + slack, claim.dimension
        while not is_prime(p := 4 * source.randrange(2 ** (BITS - 2), 2 ** (BITS - 1)) - 1):
            pass
        self.p, self.roots = p, {}
        vectors = [*claim.slow, *claim.fast, *range(claim.normals)]
        self.places = {x: range(i * self.dimension, (i + 1) * self.dimension) for i, x in enumerate(vectors)}
        count = len(vectors) * self.dimension
        self.slow, self.memory = len(claim.slow) * self.dimension, (len(claim.slow) + len(claim.fast)) * self.dimension
        need(comb(count + 1 + self.degree, self.degree) <= MAX_MONOMIALS, "too many variables for this order; take a lower one")
        self.top = FIELD_BITS * count
        self.keys = [(1 << FIELD_BITS * i) + (1 << self.top) for i in range(count)]
        self.draw = lambda: source.randrange(1, p)
        self.parameters = {n: self.symbol() for n in claim.free}
        if not claim.batch.isdigit():
            self.parameters[claim.batch] = self.number(batch)
        self.point = {x: [self.symbol() for _ in range(self.dimension)] for x in claim.slow}
        weights = [self.symbol() for _ in range(claim.count - 1)]
        self.weights = [*weights, reduce(operator.sub, weights, self.number(1))]
        self.values = self.regime()
        self.here = {x: [self.variable(k) + b for k, b in zip(self.places[x], self.point[x])] for x in claim.slow}
        self.jets = self.functions()
        for label, e in claim.opaque.items():
            self.jets[label] = [self.opaque(e, s) for s in range(claim.count)]
        self.means = {n: [self.mean(x) for x in zip(*jets)] for n, jets in self.jets.items()}
        self.deviations = {n: [[a - b for a, b in zip(x, self.means[n])] for x in jets] for n, jets in self.jets.items()}

    # ---------------------------------------------------------------- numbers

    def number(self, q):
        q = Fraction(q)
        x = q.numerator * pow(q.denominator, -1, self.p) % self.p
        return Poly(self, {0: x} if x else {})

    def symbol(self):
        return Poly(self, {0: self.draw()}, None, (1, 0))

    def variable(self, place):
        return Poly(self, {self.keys[place]: 1})

    def exponent(self, key, place):
        return key >> FIELD_BITS * place & (1 << FIELD_BITS) - 1

    def total_of(self, key, places):
        return sum(self.exponent(key, k) for k in places)

    def unit_of(self, key):
        """The exponent of u."""
        return (key >> self.top) - self.total_of(key, range(len(self.keys)))

    def root(self, x):
        """The residue root; that of the square of a natural number is the number, which is no condition."""
        small = isqrt(x) if x < 2**40 else 0
        if small and small**2 == x:
            return small
        if x not in self.roots:
            if pow(x, self.p >> 1, self.p) != 1:
                raise Rejected(len(self.roots))
            self.roots[x] = pow(x, (self.p + 1) // 4, self.p)
        return self.roots[x]

    @cached_property
    def gamma(self):
        return Poly(self, {self.claim.half << self.top: 1})

    def regime(self):
        names = {**self.parameters, "gamma": self.gamma}
        return {**names, **{n: self.evaluate(e, names) for n, e in self.claim.bindings.items()}}

    def evaluate(self, e, names, draw=None):
        """The value of a node: a series, or a list of them; `draw` gives what the text draws or evaluates."""
        kind, value, *args = e
        if kind == "number":
            return self.number(value)
        if kind == "name":
            need(value in names, f"{value} has no value here")
            return names[value]
        args = [self.evaluate(a, names, draw) for a in args]
        if kind == "draw" or value == NORMAL:
            return draw(value, args)
        if kind == "**":
            return combine(lambda x: x.power(value), *args)
        if kind == "call":
            return self.called(value, args)
        return combine(OPERATE[kind], *args)

    def called(self, function, args):
        if function == "sqrt":
            return combine(lambda x: x.power(Fraction(1, 2)), *args)
        if function == "exp":
            return combine(Poly.exp, *args)
        need(any(isinstance(a, list) for a in args), f"{function} of numbers alone")
        total = reduce(operator.add, combine(operator.mul, args[0], args[-1] if function != "mean" else self.number(1)))
        if function == "mean":
            return total * self.number(Fraction(1, self.dimension))
        return total if function == "dot" else total.power(Fraction(1, 2))

    # ---------------------------------------------------------------- functions of samples

    def mean(self, values):
        return reduce(operator.add, (w * x for w, x in zip(self.weights, values)))

    def functions(self):
        """label -> of every sample the components of a gradient, or of a field."""
        claim, found = self.claim, {}
        count = range(claim.count)
        for f, slots in (claim.losses or {"": claim.unknowns}).items():
            places = [k for x in slots for k in self.places[x]]
            potentials = [self.random(places, self.degree + 1) for _ in count]
            for x in slots:
                found[f"{f}.{x}" if f else "g"] = [[v.derivative(k) for k in self.places[x]] for v in potentials]
        if not claim.losses:
            found["f"] = [[self.random(places, self.degree) for _ in places] for _ in count]
        return found

    def random(self, places, degree):
        """A random polynomial in these variables."""
        chosen = itertools.chain(*(itertools.combinations_with_replacement(places, k) for k in range(degree + 1)))
        return Poly(self, {sum(self.keys[k] for k in c): self.draw() for c in chosen}, degree, (1, 0))

    def opaque(self, e, sample):
        names = {**self.values, **self.here}
        value = self.evaluate(e, names, lambda v, args: self.composed(v[0], self.at_sample(v, sample), args))
        return value if isinstance(value, list) else [value] * self.dimension

    def at_sample(self, drawn, sample):
        label, number = drawn
        return self.jets[label][sample] if number else [self.mean(x) for x in zip(*self.jets[label])]

    def composed(self, label, jets, points):
        """The components of a function at a point, by its series about the world's point."""
        slots, distances = self.claim.slots(label), {}
        for x, values in zip(slots, points):
            need(isinstance(values, list), "a gradient at a number")
            distances |= {k: v - b for k, v, b in zip(self.places[x], values, self.point[x])}
        if all(d.terms == {self.keys[k]: 1} for k, d in distances.items()):
            return jets
        need(all(d.low > 0 for d in distances.values()), "a gradient at a point that does not tend to the iterate")
        powers = {0: self.number(1)}

        def power(key):
            if key not in powers:
                place = next(k for k in distances if self.exponent(key, k))
                powers[key] = power(key - self.keys[place]) * distances[place]
            return powers[key]

        end = min(d.end for d in distances.values())
        found = []
        for f in jets:
            total = Poly(self, {}, min(end, f.end))
            for key, x in f.terms.items():
                total = total + Poly(self, {0: x}, None, (1, 0)) * power(key)
            found.append(total)
        return found

    # ---------------------------------------------------------------- a step

    def choices(self):
        """(probability, what every sample of the text is: how many of each sample are in its batch)."""
        claim, batches = self.claim, []
        for batch in itertools.combinations_with_replacement(range(claim.count), self.batch):
            counts = Counter(batch)
            orders = factorial(self.batch) // prod(map(factorial, counts.values()))
            batches.append((reduce(operator.mul, (self.weights[s] for s in batch), self.number(orders)), counts))
        need(len(batches) ** len(claim.samples) <= MAX_CHOICES, "too many samples in a step")
        for chosen in itertools.product(batches, repeat=len(claim.samples)):
            weight = reduce(operator.mul, (w for w, _ in chosen), self.number(1))
            yield weight, dict(zip(claim.samples, (c for _, c in chosen)))

    def drawing(self, choice, frozen=False):
        """What the text draws in a step; `frozen`: random numbers in the place of gradients and normal vectors."""
        normals = iter(range(self.claim.normals * (self.degree + 2)))

        def draw(value, args):
            if frozen:
                return [self.symbol() for _ in range(self.dimension)]
            if value == NORMAL:
                return [self.variable(k).shifted(-1) for k in self.places[next(normals) % self.claim.normals]]
            label, number = value
            if not number:
                return self.composed(label, self.means[label], args)
            return self.composed(label, self.batched(label, choice[number]), args)

        return draw

    def batched(self, label, counts):
        if self.batch == 1:
            return self.jets[label][next(iter(counts))]
        parts = [[x * self.number(Fraction(n, self.batch)) for x in self.jets[label][s]] for s, n in counts.items()]
        return [reduce(operator.add, x) for x in zip(*parts)]

    def after(self, state, draw):
        """The state after a step, by the names of the result."""
        claim, names = self.claim, dict(self.values)
        factors = {s: self.evaluate(f, self.values) for s, (_, f) in claim.rescaled.items()}
        for s, x in claim.symbol.items():
            names[s] = combine(operator.mul, state[x], factors[s]) if s in factors else state[x]
        for x in claim.unknowns:
            names[f"{x}_next"] = names[x]
        for _ in range(self.degree + 1 if claim.implicit else 1):
            before = dict(names)
            for x, e in claim.program:
                value = self.evaluate(e, names, draw)
                names[x] = value if isinstance(value, list) or x not in claim.vectors else [value] * self.dimension
            ended = names
            names = before | {f"{x}_next": ended[x] for x in claim.unknowns}
        assigned = {x for x, _ in claim.program}
        for x in claim.unknowns:
            if f"{x}_prev" in claim.symbol and f"{x}_prev" not in assigned:
                ended[f"{x}_prev"] = before[x]
        return {x: combine(operator.truediv, ended[s], factors[s]) if s in factors else ended[s] for s, x in claim.symbol.items()}

    def follow(self):
        """(follows, units): memory is  m = sum_x follows[m][x] x + u^units[m] v."""
        claim, fast = self.claim, self.claim.fast
        start = self.here | {m: [self.variable(k) + self.symbol() for k in self.places[m]] for m in fast}
        _, choice = next(self.choices())
        after = self.after(start, self.drawing(choice, True))
        rows = [after[m][0] for m in fast]
        at = lambda row, x: row.terms.get(self.keys[self.places[x][0]], 0)
        stays = [[(int(m == n) - at(row, n)) % self.p for n in fast] for m, row in zip(fast, rows)]
        inverse = inverted(stays, self.p)
        need(inverse is not None, "memory does not relax")
        sources = [[at(row, x) for x in claim.slow] for row in rows]
        size = (1 + len(fast)) * max([sum(row.size) for row in rows], default=0)
        follows = {}
        for m, row in zip(fast, inverse):
            values = [sum(a * b for a, b in zip(row, column)) % self.p for column in zip(*sources)]
            follows[m] = {x: Poly(self, {0: v}, None, (size, size)) for x, v in zip(claim.slow, values) if v}
        units, found = None, dict.fromkeys(fast, self.degree)
        while units != found:
            units = found
            after = self.after(self.start(follows, units), self.drawing(choice))
            rest = {m: self.followed(m, after[m], after, follows, -1) for m in fast}
            least = lambda key: (key >> self.top) - self.total_of(key, range(self.slow))
            found = {m: min([unit, *(least(k) for k in rest[m][0].terms)]) for m, unit in units.items()}
            need(all(unit >= 0 for unit in found.values()), "memory grows without bound as gamma -> 0")
        return follows, units

    def followed(self, m, value, state, follows, sign):
        for x, c in follows[m].items():
            value = [v + c * self.number(sign) * w for v, w in zip(value, state[x])]
        return value

    def start(self, follows, units):
        state = dict(self.here)
        for m, unit in units.items():
            own = [self.variable(k).shifted(unit - 1) for k in self.places[m]]
            state[m] = self.followed(m, own, state, follows, 1)
        return state

    def images(self, follows, units, draw):
        """What a step makes of every variable, in the order of places."""
        after = self.after(self.start(follows, units), draw)
        found = [v - b for x in self.claim.slow for v, b in zip(after[x], self.point[x])]
        for m, unit in units.items():
            found += [v.shifted(1 - unit) for v in self.followed(m, after[m], after, follows, -1)]
        for x in found:
            fine = x.low > 0 and all(self.unit_of(k) >= 0 for k in x.terms)
            need(fine, "a step does not tend to the identity as gamma -> 0, or grows without bound")
            if x.end < self.wanted:
                raise Short
        return found

    def drawn(self):
        """(probability, images) for every choice of samples."""
        follows, units = self.follow()
        for weight, choice in self.choices():
            yield weight, self.images(follows, units, self.drawing(choice))

    def step(self):
        """T: monomial in slow distances and U -> the expectation of what a step makes of it; and the degree of these."""
        cut, total, sizes = (self.wanted + 1) << self.top, {}, 0
        for weight, images in self.drawn():
            sizes += self.wanted * max(sum(x.size) for x in images) + weight.size[0]
            made = {0: {0: weight.terms.get(0, 0)}}
            for key, place in self.basis():
                if key:
                    made[key] = product(made[key - self.keys[place]], images[place].terms, cut, self.p)
                row = total.setdefault(key, {})
                for k, x in made[key].items():
                    k, factor = self.without_normals(k)
                    if factor:
                        row[k] = (row.get(k, 0) + x * factor) % self.p
        return total, sizes

    def without_normals(self, key):
        """E Z^2k = u^2k (2k - 1)!!, odd powers vanish: the key that is left, and the factor."""
        factor = 1
        for place in range(self.memory, len(self.keys)):
            n = self.exponent(key, place)
            factor *= 0 if n % 2 else prod(range(1, n, 2))
            key -= n << FIELD_BITS * place
        return key, factor

    def basis(self, slow=False):
        """(key, a place in it) of monomials through the degree that is compared, small ones first."""
        places = range(self.slow if slow else self.memory)
        for degree in range(self.wanted + 1):
            for c in itertools.combinations_with_replacement(places, degree):
                yield sum(self.keys[k] for k in c), c[-1] if c else None

    # ---------------------------------------------------------------- the claim

    def operator(self):
        """gamma G: places of derivatives of phi, sorted -> coefficient; and its degree."""
        found, above, below = {}, 0, 0
        for k, coefficient, trees, _ in self.claim.terms:
            c = self.evaluate(coefficient, self.values).shifted(self.claim.half * (k + 1))
            need(c.low > 0, "a coefficient that grows as gamma -> 0")
            for places, term in self.tied(trees, c).items():
                above, below = max(above, term.size[0]), below + term.size[1]
                found[places] = found[places] + term if places in found else term
        if any(x.end < self.wanted for x in found.values()):
            raise Short
        return found, above + 2 * below

    def tied(self, trees, coefficient):
        """The operator of a forest times its coefficient: a sum over the choices of samples at its ties."""
        nodes = [n for t in trees for n in nodes_of(t)]
        ties = [[k for k, n in enumerate(nodes) if n[2] == tie] for tie in sorted({n[2] for n in nodes} - {0})]
        total = {}
        for chosen in itertools.product(*([*self.cumulant(nodes, members)] for members in ties)):
            factor = reduce(operator.mul, (f for f, _ in chosen), coefficient)
            vectors = {k: v for _, parts in chosen for k, v in parts.items()}
            for places, x in self.hung(trees, vectors, factor).items():
                total[places] = total[places] + x if places in total else x
        return total

    def cumulant(self, nodes, members):
        """(factor, node -> its vector) for every part of the sum that a tie stands for."""
        labels = {nodes[k][1] for k in members}
        if labels == {"n"}:
            need(len(members) == 2 and len(self.claim.unknowns) == 1, "a normal vector at other than two nodes, or in a game")
            for i in range(self.dimension):
                unit = [self.number(int(i == j)) for j in range(self.dimension)]
                yield self.number(1), dict.fromkeys(members, unit)
            return
        need(labels <= {*self.deviations}, "a tie of what is not drawn")
        for blocks in partitions(members):
            sign = self.number((-1) ** (len(blocks) - 1) * factorial(len(blocks) - 1))
            for samples in itertools.product(range(self.claim.count), repeat=len(blocks)):
                yield (
                    reduce(operator.mul, (self.weights[s] for s in samples), sign),
                    {k: self.deviations[nodes[k][1]][s] for block, s in zip(blocks, samples) for k in block},
                )

    def hung(self, trees, vectors, factor):
        """The product of the roots' vectors at the derivatives of phi, a sum over components."""
        counter, found = itertools.count(), {(): factor}
        for tree in trees:
            space, vector = self.grown(tree, counter, vectors)
            longer = {}
            for places, value in found.items():
                for place, x in zip(self.places[tree[0] or space], vector):
                    key = tuple(sorted((*places, place)))
                    longer[key] = longer[key] + value * x if key in longer else value * x
            found = longer
        return found

    def grown(self, tree, counter, vectors):
        """(the variable in which what is below is differentiated, the vector of a tree)."""
        slot, label, tie, children = tree
        need(not slot or slot in self.claim.slow, "a derivative in no slow variable")
        mine, root = next(counter), None
        if tie:
            root = vectors[mine]
        elif label in self.claim.slow:
            root = self.here[label]
        need(root or label in self.means, "a node that stands for nothing here")
        grown = [self.grown(c, counter, vectors) for c in children]
        space = label.partition(".")[2] or self.claim.spaces.get(label, self.claim.unknowns[0])
        return slot or space, self.contracted(root or self.means[label], grown)

    def contracted(self, f, children):
        """sum_j d_j1 ... d_jk f  X1_j1 ... Xk_jk."""
        if not children:
            return f
        (space, vector), *rest = children
        parts = []
        for place, x in zip(self.places[space], vector):
            inner = self.contracted([c.derivative(place) for c in f], rest)
            parts.append([c * x for c in inner])
        return [reduce(operator.add, c) for c in zip(*parts)]

    def exponential(self, symbol):
        """exp(gamma G) on the monomials of slow distances."""
        cut, rows = (self.wanted + 1) << self.top, {}
        for key, _ in self.basis(True):
            rows[key] = {}
            for places, c in symbol.items():
                derived, factor = key, 1
                for k in places:
                    factor *= self.exponent(derived, k)
                    derived -= self.keys[k] if factor else 0
                if factor:
                    for k, x in product(c.terms, {derived: factor}, cut, self.p).items():
                        rows[key][k] = (rows[key].get(k, 0) + x) % self.p
        found = {}
        for key in rows:
            total = power = {key: 1}
            for k in range(1, self.wanted + 1):
                power = scaled(self.applied(rows, power), pow(k, -1, self.p), self.p)
                total = added(total, power, self.p)
            found[key] = total
        return found

    def applied(self, rows, series):
        """A linear map on series, from its values on monomials without u."""
        cut, found = (self.wanted + 1) << self.top, {}
        for key, x in series.items():
            own = self.without_unit(key)
            for k, y in rows[own].items():
                if k + key - own < cut:
                    found[k + key - own] = found.get(k + key - own, 0) + x * y
        return {k: r for k, x in found.items() if (r := x % self.p)}

    def without_unit(self, key):
        return key - (self.unit_of(key) << self.top)

    # ---------------------------------------------------------------- the law of the memory, and the comparison

    def is_slow(self, key):
        return not self.total_of(key, range(self.slow, self.memory))

    def bases(self):
        """Meets every base of a root, in the order of `compare`."""
        for _ in self.drawn():
            pass
        for _, coefficient, *_ in self.claim.terms:
            self.evaluate(coefficient, self.values)

    def compare(self):
        """(degree of what is compared, conditions, where claim and scheme differ)."""
        step, sizes = self.step()  # first, as its roots reject most points
        symbol, claimed = self.operator()
        exponential = self.exponential(symbol)
        law, passes, determinants = self.law(step, exponential, sizes)
        wrong, found = "", []
        for key in exponential:
            left = added(self.applied(law, step[key]), scaled(exponential[key], -1, self.p), self.p)
            found += [(self.unit_of(k), self.total_of(key, range(self.slow))) for k in left]
        if found:
            unit, roots = min(found)
            power = max(0, -(-unit // self.claim.half) - 1)
            wrong = f"at gamma^{power} {PARTS.get(roots, f'the part with {roots} derivatives of phi')} is not the scheme's"
        return (passes + 1) * (sizes + (self.wanted + 1) * claimed + determinants), len(self.roots), wrong

    def law(self, step, exponential, sizes):
        """(l on monomials, number of passes, degree of determinants):  l T = exp(gamma G) l,  l phi = phi."""
        p, law = self.p, {key: {key: 1} for key in exponential}
        blocks = {}
        for key in (k for k in step if not self.is_slow(k)):
            law[key] = {}
            slow = tuple(self.exponent(key, k) for k in range(self.slow))
            by_component = [range(self.slow + i, self.memory, self.dimension) for i in range(self.dimension)]
            blocks.setdefault((slow, *(self.total_of(key, c) for c in by_component)), []).append(key)
        inverses = {}
        for keys in blocks.values():
            stays = [[(int(a == b) - step[a].get(b, 0)) % p for b in keys] for a in keys]
            inverse = inverted(stays, p)
            need(inverse is not None, "a product of relaxation factors is 1: memory does not relax")
            inverses[tuple(keys)] = inverse
        changed, passes = bool(blocks), 0
        while changed:
            changed, passes = False, passes + 1
            need(passes < 200, "the law of the memory was not found")
            for keys, inverse in inverses.items():
                defect = [
                    added(self.applied(law, step[key]), scaled(self.applied(exponential, law[key]), -1, p), p) for key in keys
                ]
                for row, key in zip(inverse, keys):
                    new = law[key]
                    for c, x in zip(row, defect):
                        new = added(new, scaled(x, c, p), p) if c else new
                    changed |= new != law[key]
                    law[key] = new
        return law, passes, max(map(len, blocks.values()), default=0) * sizes


def added(a, b, p):
    found = dict(a)
    for k, x in b.items():
        found[k] = (found.get(k, 0) + x) % p
    return {k: x for k, x in found.items() if x}


def scaled(a, c, p):
    return {k: r for k, x in a.items() if (r := x * c % p)}


def partitions(items):
    """Into blocks of two and more."""

    def all_of(rest):
        if not rest:
            yield []
            return
        for found in all_of(rest[1:]):
            yield [[rest[0]], *found]
            for k, block in enumerate(found):
                yield [*found[:k], [rest[0], *block], *found[k + 1 :]]

    return [b for b in all_of([*items]) if all(len(block) > 1 for block in b)]


def inverted(matrix, p):
    """The inverse modulo p, or None."""
    n = len(matrix)
    rows = [[*row, *(int(i == j) for j in range(n))] for i, row in enumerate(matrix)]
    for i in range(n):
        pivot = next((j for j in range(i, n) if rows[j][i]), None)
        if pivot is None:
            return None
        rows[i], rows[pivot] = rows[pivot], rows[i]
        inverse = pow(rows[i][i], -1, p)
        rows[i] = [x * inverse % p for x in rows[i]]
        for j in range(n):
            if j != i and (c := rows[j][i]):
                rows[j] = [(x - c * y) % p for x, y in zip(rows[j], rows[i])]
    return [row[n:] for row in rows]


# ------------------------------------------------------------------------------ deciding


def decide(claim, source):
    """(bound, number of worlds); raises Bad or Different.  A claim in a symbol B, a polynomial of degree N in 1/B if it is right,
    is looked at for more numbers B than a wrong one can be right."""
    batches = [int(claim.batch)] if claim.batch.isdigit() else range(1, claim.order + degree_in(claim) + 2)
    numbers = [n[1] for e in texts_of(claim) for n in walk(e) if n[0] == "number"]
    longest = max((abs(q.numerator).bit_length() + q.denominator.bit_length() for q in numbers), default=1)
    bounds = []
    for batch in batches:
        degree, conditions = accepted(claim, source, batch)
        missed = max(degree, 1) * 4**conditions / 2.0**BITS
        unlucky = degree * 2**conditions * (longest + 20) / BITS / 2.0 ** (BITS - 12)
        bounds.append(log2(missed + unlucky))
    need(max(bounds) < TARGET, "no useful error bound")
    return max(bounds), len(bounds)


def texts_of(claim):
    regime = [*claim.bindings.values(), *(f for _, f in claim.rescaled.values()), *claim.opaque.values()]
    return [*(e for _, e in claim.program), *regime, *(c for _, c, *_ in claim.terms)]


def degree_in(claim):
    """The largest degree of a coefficient in the symbol of a batch, numerator and denominator together."""

    def of(e):
        degrees = [of(a) for a in e[2:]]
        if e[0] == "name":
            return int(e[1] == claim.batch), 0
        if e[0] == "**":
            need(e[1].denominator == 1 or not any(degrees[0]), "a root of the size of a batch")
            n, d = (int(abs(e[1])) * x for x in degrees[0])
            return (n, d) if e[1] >= 0 else (d, n)
        if e[0] in "+-*/":
            (a, b), (c, d) = degrees
            return (a + c, b + d) if e[0] == "*" else (a + d, b + c) if e[0] == "/" else (max(a + d, c + b), b + d)
        need(e[0] == "number" or not any(map(sum, degrees)), "a function of the size of a batch")
        return 0, 0

    return max((sum(of(c)) for _, c, *_ in claim.terms), default=0)


def accepted(claim, source, batch):
    """(degree, conditions) of a world in which claim and scheme agree; raises Different where they do not.  Neither is said
    before every base has once been the first to be no residue, as no square is; one that is none is missed with probability
    e^-PATIENCE."""
    failed = set()

    def tried(run, slack):
        try:
            return run(World(claim, source, slack, batch))
        except Rejected as error:
            failed.add(error.args[0])
        except (ZeroDivisionError, ValueError):
            raise Bad("a denominator vanishes") from None

    for slack in range(SLACK):
        try:
            found = next(filter(None, (tried(World.compare, slack) for _ in range(DRAWS))), None)
            break
        except Short:
            continue
    else:
        raise Bad("the text loses too many powers of gamma")
    need(found, "no world was found in which every root exists")
    degree, conditions, wrong = found
    for _ in range(PATIENCE << conditions):
        if {*range(conditions)} <= failed:
            break
        tried(World.bases, slack)
    need({*range(conditions)} <= failed, "a root of what seems to be a square")
    if wrong:
        raise Different(wrong)
    return degree, conditions


# ------------------------------------------------------------------------------ the file and the printed statement


def load(text):
    """The JSON of a certificate: no key twice, nothing deep or long."""

    def unique(items):
        need(len(dict(items)) == len(items), "a key stands twice")
        return dict(items)

    need(len(text) <= LARGEST, "the file is too long")
    try:
        return json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError):
        raise Bad("not JSON, or nested too deeply") from None


def describe(data):
    """The statement as it was read."""
    samples = f"independent samples{'' if data['batch'] == '1' else ', batches of ' + data['batch']}"
    lines = [f"scheme {data['scheme']}, regime {data['regime'] or '-'}, generator through gamma^{data['order']}, {samples}"]
    players = [*data["unknowns"], *(f"{f}({', '.join(slots)})" for f, slots in data["losses"].items())]
    regime = [f"{p} = {e}" for p, e in data["bindings"].items()] + [f"{s} = ({f})*{x}" for s, (x, f) in data["rescaled"].items()]
    ranges = [f"{n}: {r or 'any'}" for n, r in data["parameters"].items()]
    for title, part in (
        ("update", data["update"].strip("\n").split("\n")), ("unknowns and losses", players), ("parameters", ranges),
        ("regime", regime), ("slow", [", ".join(data["slow"])]), ("where", [f"{n} = {e}" for n, e in data["opaque"].items()]),
    ):  # fmt: skip
        lines += [title] * bool(part) + ["    " + line for line in part]
    lines += [f"G, gamma^{k}: " + (" + ".join(f"({c}) {f}" for c, f in p) or "0") for k, p in enumerate(data["generator"])]
    return "\n".join(lines)


def proved_for(claim):
    """The hypotheses."""
    where = "every dimension and every law of samples"
    if not claim.linear:
        where = f"dimension {claim.dimension} and every law of {claim.count} samples"
    memory = " at which the memory relaxes" if claim.fast else ""
    problem = "losses" if "field" not in claim.data["update"] else "fields"
    return f"proved for all parameter values{memory}, all smooth {problem}, {where}"


def check(text):
    """(statement, hypotheses, bound, worlds, dimension, samples); raises Bad or Different."""
    claim = Claim(load(text))
    bound, worlds = decide(claim, random.SystemRandom())
    return describe(claim.data), proved_for(claim), bound, worlds, claim.dimension, claim.count


def verdict(statement, proved, bound, worlds, dimension, samples):
    """What is printed of a statement that is proved."""
    how = f"{worlds} world{'s' * (worlds != 1)} over fresh primes, dimension {dimension}, {samples} sample{'s' * (samples != 1)}"
    return f"{statement}\n{proved}; error probability below 2^{ceil(bound)}\n({how})"


def main(arguments):
    if len(arguments) != 1:
        print("usage: sde_checker.py FILE", file=sys.stderr)
        return 2
    try:
        with open(arguments[0], encoding="utf-8") as file:
            print(verdict(*check(file.read(LARGEST + 1))))
    except Different as error:
        print(f"NOT PROVED: {error}")
        return 1
    except (Bad, OSError, ValueError, RecursionError, OverflowError) as error:
        print(f"cannot decide: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
