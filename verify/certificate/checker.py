#!/usr/bin/env python3
"""Checks a certificate of a modified equation:  python checker.py FILE [--reproducible].  Standard library only.

A certificate is a statement: an update text, and a claimed field  x' = sum_k gamma^k f_k  of its slow variables (form "flow";
"map": x_1 = x_0 + gamma sum_k gamma^k f_k).  It holds no points and no values.  The checker runs the text on random losses over
random prime fields and compares; what it draws nobody else knows (or, with --reproducible, follows from the file).

  signs    p = -1 mod 8: residues play the positive numbers, |x| is the residue among x, -x, every residue has one residue root
  orbit    X_n = sum_k gamma^k X_n^(k) on the slow manifold: Delta^(k+1) X^(k) = 0 for every k, which fixes the memory order by
           order; f_k is the coefficient of n^1 in X^(k+1)
  known    exp, sin, log, ... are free numbers that obey functional equations (`Known`): what holds for these holds for them
  maps     free derivatives at every point; of two that undo each other, the second's follow from those of the first
  all d    a difference that exists in some dimension exists in one more than the number of summation indices (counted here)
  games    several unknowns and losses of some of them, grad(f(x, y), x): each unknown has a space of its own, with d components
  layers   norm(x, layer) is the sum over the layer of a component: the components come in layers, in every way that matters
  classes  |x|, sign(x) and roots of squares have branches, told apart by the signs of their components; a permutation of the
           coordinates maps a difference to a difference, so that one class of each orbit under permutations is compared
  error    in its class a false claim passes a sample with probability at most  D Q 2^k / 2^255 + (Q H / 255) / #primes:  degree
           D, cover by roots Q, k conditions that numbers are residues, coefficients below 2^H: by a run on degrees (`Degrees`);
           383 for 255 where sums over layers occur, whose roots are many

Exit status: 0 proved, 1 claim and scheme differ, 2 not a certificate, or nothing that can be decided here.
"""

# mypy: ignore-errors
import ast
import hashlib
import itertools
import json
import operator
import os
import random
import re
import sys
from collections import Counter
from fractions import Fraction
from functools import cache, cached_property
from math import ceil, comb, factorial, gcd, inf, lcm, log2, prod

FORMAT, LONGEST, LARGEST, TARGET, BITS, MORE_BITS, DRAWS = "shadowflow proof 1", 20_000, 8_000_000, -101, 255, 383, 20_000
PAIR, NAME = (str, str), r"[A-Za-z_][A-Za-z_0-9]{0,40}"
SHAPE = {"format": str, "scheme": str, "regime": str, "form": str, "label": str, "order": int, "update": str, "slow": [str],
         "kinds": {str: str}, "parameters": {str: str}, "bindings": {str: str}, "rescaled": {str: PAIR},
         "functions": {str: str | None}, "maps": {str: str}, "inverses": {str: str}, "fields": {str: [[PAIR]]},
         "memory": {str: [PAIR]}}  # fmt: skip
GAME = {**SHAPE, "unknowns": [str], "losses": {str: [str]}}
KNOWN = ("exp", "log", "sin", "cos", "tanh", "sigmoid", "softplus", "atan", "erf", "derf")  # derf is the derivative of erf
LAYER = "layer"
SUMS = {"dot": 2, "norm": 1, "mean": 1}  # over all components; with `layer` as a last argument over the layer of each
PILOT = (2,) * 6  # layers in which the sums over layers that do not depend on each other are counted
CALLS = {"grad": 1, "field": 1, "sqrt": 1, "abs": 1, "sign": 1, **SUMS, **dict.fromkeys(KNOWN, 1)}
TENSORS = {"hess": 1, "dfield": 1, **{f"d{k}": k - 1 for k in range(3, 20)}, **{f"d{k}field": k for k in range(2, 20)}}
AT_POINT = {"loss": 1, **{f: n + 1 for f, n in TENSORS.items() if not f.endswith("field")}}  # in a text: hess(x, u), ...
FORMULA = {**{f: n for f, n in CALLS.items() if f not in ("grad", "field")}, **TENSORS}
PARTIALS = {"grad": 0, "hess": 1, **{f"d{k}": k - 1 for k in range(3, 20)}}  # of a declared loss: how many directions
KINDS = {"map", "linear", "componentwise"}  # of declared maps P: dP, d2P, ... are their derivatives
FIXED = {"gamma", "t", "grad", "field"}
ONE, HALF, MINUS = Fraction(1), Fraction(1, 2), Fraction(-1)


class Bad(Exception):
    """Not a certificate, or a statement that is not decided here."""


class Different(Exception):
    """Claim and scheme differ."""


class Rejected(Exception):
    """Something that must be positive is no residue: draw again.  args[0] is the place and the component."""


class Short(Exception):
    """More coefficients are needed."""


def need(condition, message):
    if not condition:
        raise Bad(message)


# ------------------------------------------------------------------------------ reading: texts -> nodes (kind, value, *operands)

OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
OPERATE = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "neg": operator.neg}


def parse(text, mode):
    need(len(text) <= LONGEST and all(c == "\n" or c.isprintable() for c in text), "the text is too long, or cannot be printed")
    try:
        tree = ast.parse(text, mode=mode)
        for e in [e for e in ast.walk(tree) if isinstance(e, ast.Constant) and type(e.value) is float]:
            e.value = Fraction(ast.get_source_segment(text, e))  # exact: 0.9 is nine tenths
        return tree
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Bad(f"cannot be read: {type(error).__name__}") from None


def node(e, calls, known=None, depth=0, losses=None):
    """A syntax tree as a node; with `known`, equal parts are one node, so that its identity says what it is."""
    need(depth < 200, "nested too deeply")
    inner = lambda x: node(x, calls, known, depth + 1, losses)
    match e:
        case ast.Constant(value=value) if type(value) in (int, Fraction):
            need(max(abs(value.numerator), value.denominator) < 10**400, "a number that is too long")
            found = ("number", Fraction(value))
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
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if losses and name in PARTIALS:
            need(len(args) == PARTIALS[name] + 2, f"{name} with {len(args)} arguments is not in the language")
            head, point = partial(*args[:2], losses)
            need(bool(point) == (known is None), "a text says where a loss is differentiated, a claim means the point itself")
            found = ("call", (*head, len(point)), *map(inner, [*point, *args[2:]]))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if losses and name in losses:
            need(known is None and len(args) == len(losses[name]), "a text has the value f(x, y) at all unknowns, a claim f")
            found = ("call", (name, "", len(args)), *map(inner, args))
        case ast.Call(func=ast.Name(id=name), args=[*args, ast.Name(id="layer")], keywords=[]) if SUMS.get(name) == len(args):
            need(name in calls, f"{name} is not in the language here")
            found = ("call", layered(name), *map(inner, args))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            need(calls.get(name) == len(args), f"{name} with {len(args)} arguments is not in the language")
            found = ("call", name, *map(inner, args))
        case _:
            raise Bad(f"{type(e).__name__} is not in the language")
    return found if known is None else known.setdefault((*found[:2], *map(id, found[2:])), found)


def partial(f, x, losses):
    """f, x or f(a, b), x: what is differentiated by which unknown, and the point."""
    name, point = (f.func, f.args) if isinstance(f, ast.Call) and not f.keywords else (f, [])
    need(isinstance(name, ast.Name) and isinstance(x, ast.Name) and x.id in losses.get(name.id, ()), "no loss and unknown of it")
    need(len(point) in (0, len(losses[name.id])), "a loss takes all its unknowns")
    return (name.id, x.id), point


def constant(n):
    """The value of a node without names, calls and roots, or None."""
    kind, value, *args = n
    values = [constant(a) for a in args]
    if kind in ("name", "call") or None in values or (kind == "**" and value.denominator > 1):
        return None
    need(all(abs(v.numerator).bit_length() + v.denominator.bit_length() < 4000 for v in values), "a number that is too long")
    if kind in ("/", "**") and values[-1] == 0:
        return None
    return value if kind == "number" else values[0] ** int(value) if kind == "**" else OPERATE[kind](*values)


def walk(n):
    yield n
    for a in n[2:]:
        yield from walk(a)


layered = "{}.layer".format  # the name of a sum over a layer; no text has it
calls_of = lambda nodes: {n[1] for n in nodes if n[0] == "call"}
is_exp = lambda n: n[:2] == ("call", "exp")  # exp(u)^q is exp(q u), and no root
is_root = lambda n: n[:2] in (("call", "sqrt"), ("call", "norm"), ("call", layered("norm"))) or (
    n[0] == "**" and n[1].denominator % 2 == 0 and not is_exp(n[2]))  # fmt: skip
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
        data = {"maps": {}, "inverses": {}, **data} if isinstance(data, dict) else data  # without maps it need not say so
        self.game = isinstance(data, dict) and "losses" in data
        shape = GAME if self.game else SHAPE
        shaped = isinstance(data, dict) and set(data) == set(shape) and all(fits(data[k], shape[k]) for k in shape)
        need(shaped and data["format"] == FORMAT and data["form"] in ("flow", "map"), "not a certificate of this format")
        need(all(re.fullmatch(r"[\w .-]{0,80}", data[k], re.ASCII) for k in ("scheme", "regime")), "a name that is no name")
        self.data, self.order, self.form, self.known = data, data["order"], data["form"], {}
        need(0 <= self.order <= 12, "the order is not a small natural number")
        self.unknowns, self.losses = data.get("unknowns", ["theta"]), data.get("losses", {data["label"]: ["theta"]})
        need(set(data["maps"].values()) <= KINDS, "a map of no kind")
        maps, inverses = data["maps"], data["inverses"]
        for f, g in inverses.items():
            need(f != g and inverses.get(g) == f and f in maps and maps[f] == maps.get(g), "maps that do not undo each other")
        self.mapped = {("", "d", f"d{k}")[min(k, 2)] + f: (f, k) for f, kind in data["maps"].items() for k in range(20)
                       if not k or kind != "linear"}  # fmt: skip
        self.map_calls = {n: 1 + k * (data["maps"][f] == "map") for n, (f, k) in self.mapped.items()}
        calls = {f: n for f, n in CALLS.items() if f in FORMULA} if self.game else {**CALLS, **AT_POINT}
        calls = {**calls, **dict.fromkeys(data["functions"], 1), **self.map_calls}
        self.program = [*self.lines(data["update"].strip("\n"), calls)]
        self.functions = {f: e and self.formula(e, {}) for f, e in data["functions"].items()}
        self.bindings = {p: self.formula(e, {}) for p, e in data["bindings"].items()}
        self.rescaled = {s: (x, self.formula(e, {})) for s, (x, e) in data["rescaled"].items()}
        self.names()
        name, units = lambda n: ("name", n), self.rescaled.items()  # a step: regime and units, text, time and units, theta_prev
        self.steps = [*self.bindings.items(), *((s, ("*", None, f, name(x))) for s, (x, f) in units)]
        self.steps += [(" " + x, name(x)) for x in self.unknowns]
        self.steps += [*self.program, ("t", ("+", None, name("t"), name("gamma")))]
        self.steps += [(x, ("/", None, name(s), f)) for s, (x, f) in units]
        self.steps += [(f"{x}_prev", name(" " + x)) for x in self.unknowns if f"{x}_prev" not in dict(self.program)]
        self.positive = {n: [] for n in self.free}  # by the last parameter that is named
        for c in [c for text in data["parameters"].values() for c in self.sides(text)]:
            self.positive[max(self.named([c]), key=self.free.index)].append(c)
        self.fields = {x: [self.summands(p) for p in powers] for x, powers in data["fields"].items()}
        self.memory = {m: self.summands(p) for m, p in data["memory"].items()}
        need(all(len(p) == self.order + 1 for p in self.fields.values()), "the field does not have order + 1 powers of gamma")
        slow = list(self.fields) == data["slow"] and {*self.unknowns} <= {*self.fields}
        need(slow, "the slow variables are not those of the field")
        need(sorted([*self.fields, *self.memory]) == sorted(self.states.values()), "every state is slow or memory, and not both")
        claims = [s for p in [*(k for f in self.fields.values() for k in f), *self.memory.values()] for s in p]
        parts = lambda nodes: list({id(n): n for r in nodes for n in walk(r)}.values())
        self.nodes = parts([*(v for _, v in self.steps), *filter(None, self.functions.values()), *claims])
        self.branches = [n for n in parts(claims) if is_root(n) or is_sign(n)]
        self.implicit = any(("name", f"{x}_next") in self.nodes for x in self.unknowns)
        self.transcendental = any(n[0] == "call" and n[1] in KNOWN for n in self.nodes)
        ranks = {**TENSORS, **{n: max(k, maps[f] == "linear") for n, (f, k) in self.mapped.items()}}  # A(u) is dP(0)[u]
        directions = lambda n: len(n) - 2 - n[1][2] if isinstance(n[1], tuple) else ranks.get(n[1], 0)
        rank = lambda nodes: max((directions(n) for n in nodes if n[0] == "call"), default=0)
        self.rank, self.ahead = rank(self.nodes), rank(parts([v for _, v in self.program]))  # of all; of the text's
        self.layered = not {*map(layered, SUMS)}.isdisjoint(calls_of(self.nodes))
        need(not self.layered or not (self.game or data["maps"]), "sums over layers beside declared losses or maps")
        self.apart = self.separate(claims) if self.layered and "loss" not in calls_of(self.nodes) else set()
        self.spaces = self.meant() if self.game else {}

    def formula(self, text, calls):
        need("\n" not in text and len(text) <= LONGEST, "a formula is a text of one short line")
        return node(parse(text.strip(), "eval").body, calls, self.known, losses=self.game and self.losses)

    def lines(self, text, calls):
        """name = formula, name += formula, ...; parts of the text are never one node: each is a place of its own."""
        for s in parse(text, "exec").body:
            need(isinstance(s, ast.AugAssign) or (isinstance(s, ast.Assign) and len(s.targets) == 1), "a line is no assignment")
            target = s.targets[0] if isinstance(s, ast.Assign) else s.target
            value = s.value if isinstance(s, ast.Assign) else ast.BinOp(target, s.op, s.value)
            yield node(target, {})[1], node(value, calls, losses=self.game and self.losses)

    def summands(self, items):
        calls = {f: n for f, n in FORMULA.items() if f not in TENSORS} if self.game else FORMULA
        pairs = [[self.formula(x, {**calls, **self.map_calls}) for x in item] for item in items]
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
        data, targets, self.states = self.data, {t for t, _ in self.program}, {x: x for x in self.unknowns}
        self.free, seen = list(data["parameters"]), set()
        unknowns, before, ahead = ({x + end for x in self.unknowns} for end in ("", "_prev", "_next"))
        need(0 < len(self.unknowns) == len(unknowns | before | ahead) / 3, "an unknown is named twice, or there is none")
        for target, value in self.program:
            for n in [n[1] for n in walk(value) if n[0] == "name"]:
                if n in (targets | before) - seen:
                    self.states[n] = self.rescaled[n][0] if n in self.rescaled else n
            seen.add(target)
        variables, results = targets | unknowns | before, [*self.states.values()]
        called = {n[1] for _, v in self.program for n in walk(v) if n[0] == "call"}
        fixed = FIXED | ahead | ({"L"} if "loss" in called else set())
        need(unknowns <= targets and self.named(v for _, v in self.program) <= variables | fixed | {*self.free, *self.bindings},
             "a name has no meaning, or an unknown is not assigned")  # fmt: skip
        label = "losses" if self.game else "f" if "field" in called else "L"
        called = {"field" if f == "field" else "grad" for f in called & {"grad", "field", *AT_POINT}}
        need(len(called) < 2 and data["label"] == label, "the label is not that of the text")
        need(set(data["kinds"]) == set(self.states) and set(data["kinds"].values()) <= {"vector", "scalar"}, "kinds of no states")
        need(set(self.rescaled) <= set(self.states) - unknowns, "a rescaled variable is no state")
        losses = {*self.losses} if self.game else set()
        for slots in self.losses.values():
            need({*slots} <= unknowns and 0 < len(slots) == len({*slots}), "a loss is one of different unknowns")
        need(not losses & {*CALLS, *FORMULA, *PARTIALS}, "a loss has the name of a function")
        groups = [fixed, {*self.free}, {*self.bindings}, variables | {*results}, losses]
        every = set().union(*groups)
        need(sum(map(len, groups)) == len(every) and len({*results}) == len(results), "two things have one name")
        for f in [*self.functions, *data["maps"]]:  # dr, d2r, ... are its derivatives
            alike = [n for n in [*self.functions, *data["maps"], *every, *{*CALLS, *FORMULA}] if re.fullmatch(rf"(d\d*)?{f}", n)]
            need(alike == [f], "two things have one name")
        regime = self.named([*self.bindings.values(), *(f for _, f in self.rescaled.values())])
        need(regime <= {*self.free, "gamma", "t"}, "a regime names no parameter")
        need(all(self.named([f]) <= {"t"} for f in self.functions.values() if f), "a schedule names more than t")
        self.scalars = {self.states[s] for s, kind in data["kinds"].items() if kind == "scalar"}

    def separate(self, claims):
        """What depends in a layer at gamma^0 on that layer alone: no sums over all components, and no second derivatives."""
        join = {"call": {*SUMS, *TENSORS}}
        joins = lambda node, names: any(n[1] in {**join, "name": names}.get(n[0], ()) for n in walk(node))
        numbers = {*self.free, *self.bindings, *self.scalars, "t", "gamma"}
        apart = lambda node, names: {id(n) for n in walk(node) if self.named([n]) - numbers and not joins(n, names)}
        found = set().union(*(apart(s, ()) for s in claims))
        names = {s for s, x in self.states.items() if any(joins(c, ()) for c in self.memory.get(x, ()))}
        for target, value in self.program:
            found |= apart(value, names)
            names = names | {target} if joins(value, names) else names - {target}
        return found

    def meant(self):
        """In which unknown's space vectors lie: the directions of every derivative.  Vectors of two spaces never meet."""
        names, last = {x + end: x for x in self.unknowns for end in ("", "_prev", "_next")}, None
        while names != last:  # a name only ever goes from no space to one
            last = dict(names)
            for target, value in self.program:
                space = self.space(value, names, {}, False) or names.get(target, "")
                need(names.setdefault(target, space) in ("", space), f"{target} is a vector of two spaces")
                names[target] = space
        found, results = {}, {result: names.get(s, "") for s, result in self.states.items()}
        for s, result in self.states.items():
            need(bool(results[result]) == (result not in self.scalars), f"the space of {s} is not that of its kind")
        for _, value in self.program:
            self.space(value, names, found)
        for x, summands in [*((x, s) for x, powers in self.fields.items() for s in powers), *self.memory.items()]:
            for s in summands:
                need(self.space(s, results, found) in ("", results[x]), f"a vector of another space is claimed for {x}")
        return found

    def space(self, n, names, found, known=True):
        """The unknown in whose space a node lies, "" for a number; `found` gets the directions' spaces."""
        kind, value, *args = n
        if kind == "name":
            return names.get(value, "")
        spaces = [self.space(a, names, found, known) for a in args]
        if kind == "call" and isinstance(value, tuple):
            loss, x, count = value
            slots, point, found[id(n)] = self.losses[loss], spaces[:count], spaces[count:]
            fit = point == slots[:count] and {*found[id(n)]} <= {*slots}
            need(fit or not known, f"a point or direction of {loss} is not of its unknowns")
            return x
        vectors = {s for s in spaces if s}
        need(len(vectors) < 2, "vectors of two spaces meet")
        return "" if value in SUMS else next(iter(vectors), "")


# ------------------------------------------------------------------------------ two rings: a prime field, and bounds of degrees


AT_ZERO = {"exp": ONE, "cos": ONE, "sigmoid": HALF, **dict.fromkeys(("sin", "tanh", "atan", "erf"), Fraction(0))}
multiples = lambda top, below: {Fraction(s * m, n) for m in range(1, top + 1) for n in below for s in (1, -1)}
WIDE, NARROW = multiples(8, (1, 2, 3, 4)), multiples(2, (1, 2))
#: of a value of a known function, log2 of its coefficients too; log2 of the number of relations that are tried at a point
DEGREE, RELATIONS = 2**11, 24


class Known:
    """Values of known functions modulo p: exp(sum q_i a_i) = prod exp(a_i)^q_i, cos + i sin alike and of length one, log of
    products, tanh and others by exp, erf and atan odd, derf even.  Arguments that are small rational combinations of one, two or
    three met before are recognised; each is an accident with probability below 2^-200."""

    def __init__(self, p, draw):
        self.p, self.draw, self.logs, self.free, self.exponents = p, draw, {}, {}, {False: {}, True: {}}

    fraction = lambda self, q: q.numerator * pow(q.denominator, -1, self.p) % self.p
    times = lambda self, a, b: ((a[0] * b[0] - a[1] * b[1]) % self.p, (a[0] * b[1] + a[1] * b[0]) % self.p)

    def power(self, a, n):
        """a^n; for n < 0 the conjugate of a number of length one, the inverse of a real one."""
        if n < 0:
            a = (a[0], -a[1] % self.p) if a[1] else (pow(a[0], -1, self.p), 0)
        result = (1, 0)
        for bit in bin(abs(n))[2:]:
            result = self.times(result, result)
            result = self.times(result, a) if bit == "1" else result
        return result

    def generator(self, turn):
        w = self.draw()
        over = pow(1 + w * w, -1, self.p)
        return ((1 - w * w) * over % self.p, 2 * w * over % self.p) if turn else (w, 0)

    def relation(self, a, known):
        """{b: q} with a = sum q b over arguments met before."""
        multiples = [{b * self.fraction(q) % self.p: (b, q) for b in known for q in tried} for tried in (WIDE, NARROW)]
        if a in multiples[0]:
            return [multiples[0][a]]
        near = multiples[1]
        for x in near:
            if (a - x) % self.p in near:
                return [near[x], near[(a - x) % self.p]]
        for x, y in itertools.combinations(near, 2) if len(near) < 150 else ():
            if (a - x - y) % self.p in near:
                return [near[x], near[y], near[(a - x - y) % self.p]]
        return None

    def element(self, a, turn):
        """exp(a) as (x, 0), or (cos a, sin a); generators are drawn as 48th powers, so that roots of small order exist."""
        known = self.exponents[turn]
        if a not in known:
            found, total = self.relation(a, known), {}
            for b, q in found or ():
                for g, r in known[b].items():
                    total[g] = total.get(g, Fraction(0)) + q * r
            known[a] = total if found else {self.generator(turn): Fraction(48)}
            need(sum(map(abs, known[a].values())) <= 8 * 48 and len(known) < 80, "exp, sin or cos of too many multiples")
        result = (1, 0)
        for g, q in known[a].items():
            need(q.denominator == 1, "exp, sin or cos of odd fractions of numbers")
            result = self.times(result, self.power(g, int(q)))
        return result

    def log(self, x):
        if x == 0:
            raise ZeroDivisionError
        if x == 1:
            return 0
        if x not in self.logs:
            known = self.logs | {self.element(a, False)[0]: a for a in [*self.exponents[False]]}
            powers = {pow(y, k, self.p): k * a for y, a in known.items() for k in range(-4, 5) if k}
            rests = ((powers[y], x * pow(y, -1, self.p) % self.p) for y in powers)
            found = known.get(x, powers.get(x))
            if found is None:
                found = next((a + powers[z] for a, z in rests if z in powers), None)
            self.logs[x] = self.draw() if found is None else found % self.p
        return self.logs[x]

    def value(self, name, x):
        if x == 0 and name in AT_ZERO:
            return self.fraction(AT_ZERO[name])
        if name in ("sin", "cos"):
            return self.element(x, True)[name == "sin"]
        if name == "log":
            return self.log(x)
        if name in ("atan", "erf", "derf"):
            if (name, self.p - x) in self.free:
                return self.free[name, self.p - x] * (1 if name == "derf" else -1) % self.p
            return self.free.setdefault((name, x), self.draw())
        e = self.element(2 * x % self.p if name == "tanh" else x, False)[0]
        if name == "softplus":
            return self.log((1 + e) % self.p)
        return {"exp": e, "sigmoid": e * pow(e + 1, -1, self.p), "tanh": (e - 1) * pow(e + 1, -1, self.p)}[name] % self.p


def taylor(ring, name, a, n, value):
    """The Taylor coefficients t_0, ..., t_(n-1) at a.  tanh' = 1 - tanh^2, sigmoid' = sigmoid - sigmoid^2, softplus' = sigmoid,
    (1 + a^2) atan' = 1, erf' = derf, derf' = -2 a derf."""
    t, one, zero, minus = [value(name)], ring.one, ring.zero, lambda x: ring.neg(x)
    square = lambda k: minus(ring.inner(t[: k + 1], t[k::-1]))
    if name in ("sin", "cos"):
        s, c = value("sin"), value("cos")
        cycle = [s, c, minus(s), minus(c)] if name == "sin" else [c, minus(s), minus(c), s]
        return [ring.scale(cycle[k % 4], Fraction(1, factorial(k))) for k in range(n)]
    inner = taylor(ring, {"softplus": "sigmoid", "erf": "derf"}[name], a, n, value) if name in ("softplus", "erf") else []
    if name in ("log", "atan"):  # the reciprocal of a + h, or of 1 + a^2 + 2 a h + h^2
        below = [a, one] if name == "log" else [ring.add(one, ring.inner([a], [a])), ring.scale(a, Fraction(2)), one]
        inverse = ring.power(below[0], MINUS, ("known", name))
        for k in range(n):
            rest = [ring.inner([inner[k - j]], [below[j]]) for j in range(1, len(below)) if k >= j]
            inner.append(ring.inner([ring.add(one if k == 0 else zero, minus(ring.inner(rest, [one] * len(rest))))], [inverse]))
    slopes = {
        "exp": lambda k: t[k],
        "tanh": lambda k: ring.add(zero if k else one, square(k)),
        "sigmoid": lambda k: ring.add(t[k], square(k)),
        "derf": lambda k: ring.scale(ring.inner([a, one], [t[k], t[k - 1] if k else zero]), Fraction(-2)),
    }
    for k in range(n - 1):
        t.append(ring.scale(slopes.get(name, inner.__getitem__)(k), Fraction(1, k + 1)))
    return t[:n]


class Field:
    """The integers modulo p = -1 mod 8."""

    zero, one = 0, 1

    def __init__(self, p):
        self.p, self.power, self.first, self.rejected = p, cache(self.root), None, None
        self.constant = cache(lambda q: q.numerator * pow(q.denominator, -1, p) % p)

    add = lambda self, x, y: (x + y) % self.p
    neg = lambda self, x: -x % self.p
    scale = lambda self, x, q: x * self.constant(q) % self.p
    inner = lambda self, xs, ys: sum(map(operator.mul, xs, ys)) % self.p
    residue = lambda self, x: pow(x, (self.p - 1) // 2, self.p) == 1
    size = lambda self, x: x if self.residue(x) else -x % self.p
    sign = lambda self, x, where: 1 if self.residue(x) else self.p - 1
    contracted = lambda self, x, where, leading: x
    known = lambda self, name, x, where: self.functions.value(name, x)  # `functions` is drawn with a point

    def root(self, x, r, where):
        """x^r with the principal root: the residue root of a residue; odd roots of -x are minus those of x.  Where some places
        come `first`, what is rejected at others is noted, and raised when these have been passed."""
        if r.denominator == 1:
            return pow(x, r.numerator, self.p)
        positive = self.residue(x)
        if not positive and r.denominator % 2 == 0:
            if self.first is None or where[0] in self.first:
                raise Rejected(where)
            self.rejected = self.rejected or where
        root = pow(self.size(x), pow(r.denominator, -1, (self.p - 1) // 2), self.p)
        return pow(root if positive else -root, r.numerator, self.p)

    def solve(self, matrix, right, where):
        """Elimination."""
        p, rows, n = self.p, [[*row, b] for row, b in zip(matrix, right)], len(right)
        for j in range(n):
            pivot = next((i for i in range(j, n) if rows[i][j]), None)
            need(pivot is not None, "the memory does not relax")
            rows[j], rows[pivot] = rows[pivot], rows[j]
            inverse = pow(rows[j][j], -1, p)
            rows[j] = [x * inverse % p for x in rows[j]]
            rows = [row if i == j else [(x - row[j] * y) % p for x, y in zip(row, rows[j])] for i, row in enumerate(rows)]
        return [row[-1] for row in rows]

    undo = lambda self, matrix, right, place, point, flat: self.solve(matrix, right, place)
    applied = lambda self, found, *_: found


class Count(int):
    """How many summation indices; how many `slopes` dP of maps with an inverse are among the factors; what dQ makes of it, where
    dQ[dP[v]] = v leaves less than one index more: `undone`, point -> (indices, slopes); the point at which it is P's value."""

    def __new__(cls, indices, slopes=0, undone=None, image=None):
        self = super().__new__(cls, indices)
        self.slopes, self.undone, self.image = slopes, undone or {}, image
        return self

    __add__ = __radd__ = lambda self, other: Count(int(self) + int(other), self.slopes + slopes(other))
    __mul__ = lambda self, r: Count(int(self) * r, self.slopes * r)
    under = lambda self, point: self.undone.get(point, (self + 1, self.slopes))


slopes = lambda m: m.slopes if isinstance(m, Count) else 0
bare = lambda m: Count(m, m.slopes, m.undone) if isinstance(m, Count) and m.image else m


def largest(counts):
    """The bounds of a sum."""
    if not any(isinstance(m, Count) for m in counts):
        return max(counts)
    counts = [m if isinstance(m, Count) else Count(m) for m in counts]
    undone = {p: tuple(map(max, zip(*(m.under(p) for m in counts)))) for m in counts for p in m.undone}
    return Count(max(counts), max(m.slopes for m in counts), undone)


class Degrees:
    """Bounds in place of numbers, one component for all d of them.  None is zero; (n, e, h, c, m) stands for P / c, c a number,
    P a polynomial in the random numbers, roots (of order q from degree n: degree n/q) and inverses z of the bases: what a run
    divides by.  P has degree n without the z, exponents of every z up to e, coefficients with the sum 2^h, and terms
    with m summation indices.  With B the product of all bases, P B^e is a polynomial of degree n + e deg B."""

    zero, one = None, (0.0, 0, 0.0, 1, 0)

    def __init__(self, d, same=None):
        self.d, self.degree, self.height, self.inverses, self.roots, self.leading = d, 0.0, 0.0, {}, {}, set()
        self.same = same or {}  # names for places under which the same function is known to stand

    constant = lambda self, q: self.scale(self.one, q)
    neg = lambda self, x: x and (*x[:4], bare(x[4]))
    add = lambda self, x, y: self.total([x, y])
    inner = lambda self, xs, ys: self.total([self.times(x, y) for x, y in zip(xs, ys)])
    whole = lambda self, x, r: (x[0] * r, x[1] * r, x[2] * r, x[3] ** r, x[4] * r)
    cleared = lambda self, x: (x[0] + x[1] * self.degree, x[2] + x[1] * self.height)  # degree and height of P B^e

    def scale(self, x, q):
        return (*x[:2], x[2] + log2(abs(q.numerator)), x[3] * q.denominator, bare(x[4])) if x and q else None

    def times(self, x, y):
        return (x[0] + y[0], x[1] + y[1], x[2] + y[2], x[3] * y[3], x[4] + y[4]) if x and y else None

    def total(self, xs):
        xs = [x for x in xs if x]
        if len(xs) < 2:
            return xs[0] if xs else None
        n, e, m = max(x[0] for x in xs), max(x[1] for x in xs), largest([x[4] for x in xs])
        c = lcm(*(x[3] for x in xs))
        heights = [x[2] + log2(c // x[3]) for x in xs]
        top = max(heights)
        return (n, e, top + log2(sum(2.0 ** max(h - top, -60) for h in heights)), c, m)

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
        where = self.same.get(where and where[0], where)
        (n, e, h, c, _), q = x, r.denominator
        if q > 1:
            self.roots[where] = lcm(q, self.roots.get(where, 1))
            x = (n / q + e * self.degree, e, (h + (q - 1) * log2(c)) / q + e * self.height, c, 0)
        if r < 0 and (where, q) not in self.inverses:
            self.inverses[where, q] = (x[1] * self.degree, 1, x[1] * self.height + log2(c), 1, 0)
            self.base(*self.cleared(x))
        return self.whole(x if r > 0 else self.inverses[where, q], abs(r.numerator))

    def known(self, name, x, where):
        """A quotient of polynomials of degree up to 2 * 8 * 48."""
        need(not x or x[4] == 0, "a second derivative stands under a known function")
        if "known" not in self.inverses:
            self.inverses["known"] = (float(DEGREE), 1, 0.0, 1, 0)
            self.base(float(DEGREE), float(DEGREE))
        return (float(DEGREE * self.d), 1, float(DEGREE * self.d), 1, 0)

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

    def undo(self, matrix, right, place, point, flat):
        """dQ(P(b)) of a vector, or q'(p(b)) times a number."""
        if flat:
            return [self.times(right[0], self.power(matrix[0][0], MINUS, place))]
        (x,), count = self.solve(matrix, right, (place, 1)), largest([0, *(x[4] for x in right if x)])
        count = count if isinstance(count, Count) else Count(count)
        return [x and (*x[:4], Count(*count.under(point)))]

    def applied(self, found, direction, point, curved=None):
        """Values of dP(b)[direction], with what dQ makes of them; with `curved`, the rest of P(b + direction), values of P."""
        for s, c, d in zip(found, curved or found, direction):
            for k, x in [*enumerate(s.c, s.v)]:
                rest, step = c.span(k, k + 1)[0] if curved else None, d.span(k, k + 1)[0]
                if curved and k == 0:
                    s.c[k - s.v] = (*x[:4], Count(x[4], slopes(x[4]), None, point))
                elif x:
                    parts = [(rest[4] + 1, slopes(rest[4]))] if rest else []
                    parts += [(int(step[4]), slopes(step[4]))] if step else []
                    count = max([n for _, n in parts] + [slopes(step[4]) + 1 if step else 0])
                    undone = {point: (max(m for m, _ in parts), max(n for _, n in parts))} if parts else None
                    s.c[k - s.v] = (*x[:4], Count(x[4], count, undone))
        return found


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

    __neg__ = lambda self: Series(self.run, self.v, list(map(self.run.ring.neg, self.c)), self.end)
    __sub__ = lambda self, other: self + (-other)

    def __mul__(self, other):
        a, b, v, end = self.c, other.c, self.v + other.v, min(self.v + other.end, other.v + self.end)
        if not a or not b:
            return Series(self.run, end, [], end)
        n = min(len(a) + len(b) - 1, end - v, self.run.length)
        if n < len(a) + len(b) - 1:
            end = v + n
        pairs = [[(a[j], b[k - j]) for j in range(max(0, k - len(b) + 1), min(k + 1, len(a)))] for k in range(n)]
        return Series(self.run, v, [self.run.ring.inner(*zip(*found)) for found in pairs], end)

    def above(self, base):
        """self - base, which must tend to zero.  (Degrees do not cancel: there it is known to, and what is below is dropped.)"""
        rest = self - self.run.lift([base])[0]
        if rest.c and rest.v < 1:
            need(self.run.leading is not None, "a gradient is taken far from theta, or a schedule far from t")
            rest = Series(self.run, 1, rest.c[1 - rest.v :], rest.end)
        return rest

    def lead(self, place, i):
        """From the first coefficient that is not zero on.  It is the same at every step and in every run."""
        s, run = self, self.run
        if run.leading is not None and run.leading.get(place, s.v) > s.v:
            s = Series(run, run.leading[place], s.c[run.leading[place] - s.v :], s.end)
        if not s.c:
            raise ZeroDivisionError if s.end == inf else Short
        run.sample.note(place, i, s.v, s.c[0])
        return s

    def power(self, r, place, i=0):
        """From a b' = r a' b:  k a_0 b_k = sum_(i<k) (r (k - i) - i) b_i a_(k-i)."""
        if r.denominator == 1 and r >= 0:
            return prod([self] * int(r), start=self.run.constant(1))
        s, ring = self.lead(place, i), self.run.ring
        need((s.v * r).denominator == 1, "a root brings a fractional power of gamma")
        a, b = s.c, [ring.power(s.c[0], r, (place, i))]
        if s.end == inf and len(a) == 1:
            return Series(self.run, int(s.v * r), b)
        inverse = ring.power(a[0], MINUS, (place, i))
        length = self.run.length if s.end == inf else min(s.end - s.v, self.run.length)
        for k in range(1, length):
            j = range(max(0, k - len(a) + 1), k)
            total = ring.inner([ring.scale(b[i], (r * (k - i) - i) / k) for i in j], [a[k - i] for i in j])
            b.append(ring.inner([total], [inverse]))
        return Series(self.run, int(s.v * r), b, int(s.v * r) + length)

    def known(self, name, place, i):
        """f(a_0) + f'(a_0) (a - a_0) + ..."""
        need(self.v >= 0 or not self.c, f"{name} of what grows as gamma tends to 0")
        run, a = self.run, self.at(0)
        run.sample.note(("known", name, place), i, 0, a)
        exact = self.end == inf and self.v + len(self.c) <= 1
        length = 1 if exact else min(self.end, run.length)
        t = taylor(run.ring, name, a, length, lambda f: run.ring.known(f, a, place))
        rest = Series(run, 1, [self.at(k) for k in range(1, length)], inf if exact else length)
        found = run.lift(t)
        result = found[-1]
        for c in found[-2::-1]:
            result = result * rest + c
        return result if exact else result + Series(run, length, [], length)

    def sign(self, place, i):
        return self.run.lift([self.run.ring.sign(self.lead(place, i).c[0], place)])[0]


# ------------------------------------------------------------------------------ losses, fields, schedules and maps


class Smooth:
    """delta -> sum_r sum_k c_(r,k) (a_r . delta)^k / k!  around a base point, c_(r,k) vectors: a gradient, field, map, ....
    With as many random directions a_r as there are monomials of the highest degree, every polynomial is such a sum.
    A loss of several unknowns is one of all their components, one unknown after the other."""

    def __init__(self, ring, base, directions, coefficients, slots=("theta",), potential=()):
        self.ring, self.base, self.directions, self.coefficients = ring, base, directions, coefficients
        size = len(base) // len(slots)
        self.parts = {x: slice(i * size, (i + 1) * size) for i, x in enumerate(slots)}
        self.degree, self.memo = len(coefficients[0]) - 1, {}
        self.potential = Smooth(ring, base, directions, potential, slots) if potential else None

    def height(self, run=None, point=None):
        """The loss at the base, or at a point."""
        x = next(iter(self.parts))  # its one component stands where those of the first unknown do
        return self.potential.at(run, x, point) if run else self.potential.derivative(x)

    def derivative(self, wanted, *arguments):
        """sum_r c_(r,k) (a_r . m_1) ... (a_r . m_k) in the space wanted; every m_i is given with its space."""
        if len(arguments) > self.degree:
            raise Short
        ring, products = self.ring, [self.ring.one] * len(self.directions)
        for x, m in arguments:
            part = self.parts[x]
            products = [ring.inner([y], [ring.inner(a[part], m)]) for y, a in zip(products, self.directions)]
        return [ring.inner(row, products) for row in zip(*(c[len(arguments)][self.parts[wanted]] for c in self.coefficients))]

    def matrix(self):
        """Of the first derivative of a map."""
        if "matrix" not in self.memo:
            d, zero = len(self.base), self.ring.zero
            units = [[self.ring.one if i == j else zero for i in range(d)] for j in range(d)]
            self.memo["matrix"] = [*zip(*(self.derivative("theta", ("theta", unit)) for unit in units))]
        return self.memo["matrix"]

    def moved(self, values):
        """The same map with these values at its base."""
        add, neg, first = self.ring.add, self.ring.neg, self.coefficients[0]
        first[0] = [add(c, add(y, neg(x))) for c, y, x in zip(first[0], values, self.derivative("theta"))]

    def curved(self):
        """Without the first derivative."""
        zero = [self.ring.zero] * len(self.base)
        return Smooth(self.ring, self.base, self.directions, [[c[0], zero, *c[2:]] for c in self.coefficients])

    def at(self, run, wanted, point, *arguments):
        """In directions u_1, ..., u_m, series given with their spaces:
        sum_r sum_k c_(r,k+m) (a_r . u_1) ... (a_r . u_m) (a_r . delta)^k / k!"""
        ring, deltas, m = self.ring, [x.above(b) for x, b in zip(point, self.base)], len(arguments)
        high = min(run.length, *(x.end for u in (deltas, *(u for _, u in arguments)) for x in u))
        if all(not x.c and x.end == inf for x in deltas) and not m:
            return run.lift(self.derivative(wanted))
        if high < 1 or high - 1 + m > self.degree:
            raise Short
        need(all(x.v >= 0 for _, u in arguments for x in u), "a direction of a derivative is divided by gamma")
        if (wanted, high, m) not in self.memo:
            part, every = self.parts[wanted], itertools.product(range(high), self.coefficients)
            terms = [[ring.scale(x, Fraction(1, factorial(k))) for x in c[k + m][part]] for k, c in every]
            self.memo[wanted, high, m] = list(zip(*terms))
        powers, steps = [], list(zip(*(x.span(1, high) for x in deltas)))
        along = lambda a, u: Series(run, 0, [ring.inner(a, x) for x in zip(*(x.span(0, high) for x in u))], high)
        for a in self.directions:  # (a . delta / gamma)^k, times the products with the arguments
            step = [ring.inner(a, x) for x in steps]
            first = prod((along(a[self.parts[x]], u) for x, u in arguments), start=run.constant(1))
            found = [first.span(0, high)]
            for k in range(1, high):
                found.append([ring.inner(found[-1][: n + 1], step[n::-1]) for n in range(high - k)])
            powers.append(found)
        columns = [[found[k][n - k] for k in range(n + 1) for found in powers] for n in range(high)]
        return [Series(run, 0, [ring.inner(row, column) for column in columns], high) for row in self.memo[wanted, high, m]]


# ------------------------------------------------------------------------------ running: formulas, and the text


class Run:
    """Series of `length` coefficients at a sample.  A value is a list of series: the components, or one for a scalar.  Nodes are
    remembered in `memo`, where names keep their values."""

    def __init__(self, sample, length, memo=None):
        self.sample, self.ring, self.leading, self.length, self.memo = sample, sample.ring, sample.leading, length, memo
        self.gamma = Series(self, 1, [self.ring.one])

    lift = lambda self, values: [Series(self, 0, [x]) for x in values]
    constant = lambda self, q: self.lift([self.ring.constant(Fraction(q))])[0]
    vector = lambda self, x: x * (self.sample.size // len(x))

    def of(self, node, names):
        kind, value, *args = node
        if kind == "name":
            need(value in names, f"{value} has no meaning")
            return names[value]
        memo = {} if self.memo is None else self.memo
        if id(node) not in memo:
            args = [self.of(a, names) for a in args]
            if kind == "call":
                memo[id(node)] = self.partial(node, args) if isinstance(value, tuple) else self.call(node, args)
            else:
                memo[id(node)] = self.operation(node, args, names)
        return memo[id(node)]

    def operation(self, node, args, names):
        kind, value = node[:2]
        if kind == "number":
            return [self.constant(value)]
        x, y = args[0], args[-1]
        if kind == "**" and is_exp(node[2]):
            inner = [self.constant(value) * s for s in self.of(node[2][2], names)]
            return [s.known("exp", id(node), i) for i, s in enumerate(inner)]
        if kind == "**":
            return [s.power(value, id(node), i) for i, s in enumerate(x)]
        if kind == "neg":
            return [-s for s in x]
        if kind == "/":
            y = [s.power(MINUS, ("over", id(node)), i) for i, s in enumerate(y)]
        return self.both(OPERATE[kind.replace("/", "*")], x, y)

    def both(self, f, x, y):
        """f of the components; a scalar meets each."""
        return [f(a, b) for a, b in zip(x * max(len(y) // len(x), 1), y * max(len(x) // len(y), 1))]

    def call(self, node, args):
        name, x, place = node[1], args[0], id(node)
        if name in self.sample.claim.functions:
            given = self.sample.claim.functions[name]
            return [self.of(given, {"t": [s]})[0] if given else self.sample.schedules[name].at(self, "theta", [s])[0] for s in x]
        if name in self.sample.claim.mapped:
            return self.mapped(*self.sample.claim.mapped[name], args, place)
        if name in ("grad", "field"):
            return self.sample.loss.at(self, "theta", self.vector(x))
        if name in ("abs", "sign"):
            return [s.sign(place, i) if name == "sign" else s * s.sign(place, i) for i, s in enumerate(x)]
        if name in KNOWN:
            return [s.known(name, place, i) for i, s in enumerate(x)]
        if name == "sqrt":
            return [s.power(HALF, place, i) for i, s in enumerate(x)]
        if name.partition(".")[0] in SUMS:
            return self.summed(name, args, place)
        if name == "loss":
            return self.sample.loss.height(self, self.vector(x))
        directions = [("theta", self.vector(a)) for a in args]
        if len(args) > TENSORS[name]:
            return self.sample.loss.at(self, "theta", directions.pop(0)[1], *directions)
        return self.lift(self.sample.loss.derivative("theta", *((space, [s.at(0) for s in v]) for space, v in directions)))

    def partial(self, node, args):
        """A derivative of a declared loss: in a text at a point, or the value there; in a claim, with numbers, at the base."""
        (loss, wanted, count), vectors = node[1], list(map(self.vector, args))
        if not wanted:
            return self.sample.losses[loss].height(self, [s for v in vectors for s in v])
        smooth, directions = self.sample.losses[loss], list(zip(self.sample.claim.spaces[id(node)], vectors[count:]))
        if count:
            return smooth.at(self, wanted, [s for v in vectors[:count] for s in v], *directions)
        return self.lift(smooth.derivative(wanted, *((space, [s.at(0) for s in v]) for space, v in directions)))

    def mapped(self, label, rank, args, place):
        """A map is a smooth one at every point it is taken at; a function of components one in one dimension; a linear map the
        derivative of a smooth one at zero.  Of two that undo each other, the first by name is drawn."""
        data, at, ring = self.sample.claim.data, self.sample.map_at, self.ring
        kind, first = data["maps"][label], min(label, data["inverses"].get(label, label))
        place = ("inverse", place)
        if kind == "componentwise":
            ones = [[self.constant(1)]] * rank
            return [self.smooth(first, label, [s], ones, place, True)[0] for s in args[0]]
        vectors = list(map(self.vector, args))
        if kind == "map":
            return self.smooth(first, label, vectors[0], vectors[1:], place, False)
        zero = [self.constant(0)] * len(vectors[0])
        smooth = at(first, [s.at(0) for s in zero])
        image = lambda v: smooth.at(self, "theta", zero, ("theta", v))
        if label == first:
            return ring.applied(image(vectors[0]), vectors[0], first) if label in data["inverses"] else image(vectors[0])
        return self.solved(smooth, vectors[0], zero, 0, image, (place, first, False))

    def smooth(self, first, label, point, directions, place, flat):
        """d^kP at a point, or its inverse's derivative there."""
        sample, paired = self.sample, label in self.sample.claim.data["inverses"]
        if first == label:
            smooth, pairs = sample.map_at(label, [s.at(0) for s in point]), [("theta", v) for v in directions]
            found = smooth.at(self, "theta", point, *pairs)
            if not paired or flat or len(directions) > 1:
                return found
            if directions:
                return self.ring.applied(found, directions[0], object())
            delta = [s.above(b) for s, b in zip(point, smooth.base)]
            return self.ring.applied(found, delta, sample.token(smooth), smooth.curved().at(self, "theta", point))
        smooth, token = sample.image_at(first, [s.at(0) for s in point])
        base, where = self.lift(smooth.base), (place, token, flat)
        moves = any(s.end < inf or (s.c and s.v + len(s.c) > 1) for s in point)
        x = self.solved(smooth, point, base, 1, lambda x: smooth.at(self, "theta", x), where) if moves else base
        return self.undone(smooth, x, directions, where) if directions else x

    def undone(self, smooth, x, directions, where):
        """d^kQ(P(x))[u_1, ..., u_k] = -dQ(P(x))[sum over partitions into j > 1 blocks B of d^jP(x)[d^|B|Q(P(x))[B], ...]]"""
        derivative = lambda vectors: smooth.at(self, "theta", x, *(("theta", v) for v in vectors))
        zero = [self.constant(0)] * len(x)
        if len(directions) == 1:
            return self.solved(smooth, directions[0], zero, 0, lambda v: derivative([v]), where)
        total = zero
        for blocks in divided(directions):
            if len(blocks) > 1:
                inner = [self.undone(smooth, x, b, where) for b in blocks]
                total = [a - b for a, b in zip(total, derivative(inner))]
        return self.undone(smooth, x, [total], where)

    def solved(self, smooth, wanted, found, low, image, where):
        """The x with image(x) = wanted, by powers of gamma: image(x + gamma^k u) = image(x) + gamma^k dP(b)[u] + ..."""
        need(all(s.v >= 0 for s in wanted), "a direction of a derivative is divided by gamma")
        high = min(self.length, *(s.end for s in wanted))
        for k in range(low, high):
            missing = [(w - s).at(k) for w, s in zip(wanted, image(found))]
            change = self.ring.undo(smooth.matrix(), missing, *where)
            found = [x + Series(self, k, [c]) for x, c in zip(found, change)]
        return [x + Series(self, high, [], high) for x in found]

    def summed(self, name, args, place):
        """dot(x, y), norm(x) = dot(x, x)^(1/2), mean(x) = dot(x, 1)/dot(1, 1)."""
        (name, over, _), ones = name.partition("."), self.vector([self.constant(1)])
        total = lambda x, y, place: self.dots(self.vector(x), self.vector(y), ("layer" if over else "dot", place), bool(over))
        if name == "mean":
            sizes = [s.power(MINUS, ("mean", place), i) for i, s in enumerate(total(ones, ones, -place))]
            return self.both(operator.mul, total(args[0], ones, place), sizes)
        found = total(args[0], args[-1], place)
        return found if name == "dot" else [s.power(HALF, place, i) for i, s in enumerate(found)]

    def dots(self, xs, ys, place, over):
        """sum x_i y_i w_i: one series, or for every component that of its layer."""
        if not over:
            return [self.dot(xs, ys, place, range(len(xs)), 0)]
        sums = [self.dot(xs, ys, place, layer, n) for n, layer in enumerate(self.sample.layers)]
        need(len({s.v for s in sums}) == 1, "sums over two layers begin at different powers of gamma")
        return [sums[n] for n, layer in enumerate(self.sample.layers) for _ in layer]

    def dot(self, xs, ys, place, layer, n):
        weights = self.lift(self.sample.weights)
        s = sum((xs[i] * ys[i] * weights[i] for i in layer), self.constant(0))
        if not s.c:
            return s
        low = (self.leading or {}).get(place, s.v)
        self.sample.starts.setdefault(place, s.v)
        self.sample.leads.setdefault(place, {}).setdefault(n, s.c[0])
        return Series(self, s.v, [self.ring.contracted(x, place, k <= low) for k, x in enumerate(s.c, s.v)], s.end)

    def step(self, names, n):
        """Every variable after step n; the states under the names that they have in the claim."""
        claim, lift = self.sample.claim, lambda x: self.lift(self.sample.values[x])
        names = {**names, **{x: lift(x) for x in claim.free}, "gamma": [self.gamma]}
        names["t"], ahead = [lift("t")[0] + self.gamma * self.constant(n)], {x: names[x] for x in claim.unknowns}
        for _ in range(self.length + 1 if claim.implicit else 1):  # each pass settles a power of gamma of theta_next
            before, after = ahead, {**names, **{f"{x}_next": v for x, v in ahead.items()}}
            for target, value in claim.steps:
                found = self.of(value, after)
                after[target] = self.vector(found) if target in claim.unknowns else found
            ahead = {x: after[x] for x in claim.unknowns}
        if claim.implicit and self.leading is None:
            settled = not any((a - b).c for x in ahead for a, b in zip(before[x], ahead[x]))
            need(settled, f"{' and '.join(f'{x}_next' for x in ahead)} does not enter with a factor gamma")
        for x in claim.states.values():
            need(x not in claim.scalars or len(after[x]) == 1, "a scalar becomes a vector")
            after[x] = after[x] if x in claim.scalars else self.vector(after[x])
        return after


#: weights of v_0, v_1, ...: Delta^k v_0; the coefficient of n^1 and the first difference, for v a polynomial in n of degree k
steps = lambda k: range(1, k + 1)
delta = lambda k: [Fraction((-1) ** (k - j) * comb(k, j)) for j in range(k + 1)]
slope = lambda k: [-sum(Fraction(1, j) for j in steps(k)), *(Fraction((-1) ** (j + 1) * comb(k, j), j) for j in steps(k))]
forward = lambda k: [MINUS, ONE] + [Fraction(0)] * (k - 1)


def divided(items):
    """All ways to divide items into blocks."""
    if not items:
        yield []
        return
    for blocks in divided(items[1:]):
        yield [items[:1], *blocks]
        yield from ([*blocks[:i], [items[0], *block], *blocks[i + 1 :]] for i, block in enumerate(blocks))


class Sample:
    """A point: what the claim says there, and what the text does."""

    def __init__(self, claim, ring, values, slack=0, leading=None, layers=()):
        self.claim, self.ring, self.values, self.slack, self.leading, self.layers = claim, ring, values, slack, leading, layers
        self.starts, self.leads, self.top, self.maps, self.tokens = {}, {}, claim.order + 1, {}, {}

    def map_at(self, label, base):
        """The map at a point: the same one whenever it is the same point, any other at another point."""
        key = (label, tuple(base))
        if key not in self.maps:
            self.maps[key] = self.fresh(self.claim.data["maps"][label], base)
            self.maps[key].label = label
        return self.maps[key]

    def token(self, smooth):
        """A new name of a value of this map: that of a number, where `Degrees` has the same bounds for many."""
        token = object()
        self.tokens[token] = smooth
        return token

    def image_at(self, label, y):
        """The map at the point of which y is the image, one that it was taken at or any other; the name of the image."""
        if isinstance(self.ring, Degrees):
            token = getattr(y[0] and y[0][4], "image", None)
            if token not in self.tokens or self.tokens[token].label != label:
                token = self.token(self.fresh(self.claim.data["maps"][label], [(1.0, 0, 0.0, 1, 0)]))
            self.maps[label, tuple(y)] = self.tokens[token]  # for its place among the points
            return self.tokens[token], token
        found = [m for (f, _), m in self.maps.items() if f == label and m.derivative("theta") == y]
        if not found:
            base = self.ring.anything(len(y))
            found = [self.map_at(label, base)]
            found[0].moved(y)
        return found[0], None

    def settle(self, losses, weights, schedules, fresh=None):
        """The rest of the point; `fresh` draws maps."""
        self.losses, self.weights, self.schedules, self.formulas = losses, weights, schedules, Run(self, 1, {})
        self.size, self.fresh, values = len(weights), fresh, dict(self.values)
        if not self.claim.game:
            self.loss = losses[self.claim.data["label"]]
            values["grad" if self.claim.data["label"] == "L" else "field"] = self.loss.derivative("theta")
            values |= {"L": self.loss.height()} if self.loss.potential and "L" not in values else {}
        values |= {f: loss.height() for f, loss in losses.items()} if self.claim.game else {}
        for f in [f for f in schedules if self.claim.functions[f] is None]:
            values |= {("", "d", f"d{k}")[min(k, 2)] + f: x for k, x in enumerate(schedules[f].coefficients[0])}
        self.names = {n: self.formulas.lift(x) for n, x in values.items()}
        return self

    @cached_property
    def memory(self):
        """Its powers of gamma, from the claimed one at gamma^0 on."""
        return {m: [self.claimed(s, m)] for m, s in self.claim.memory.items()}

    def claimed(self, summands, x):
        total = [self.ring.zero] * (1 if x in self.claim.scalars else self.size)
        for s in summands:
            value = self.formulas.of(s, self.names)
            need(len(value) == 1 or x not in self.claim.scalars, "a vector is claimed for a scalar")
            total = [self.ring.add(a, s.at(0)) for a, s in zip(total, value * (len(total) // len(value)))]
        return total

    def start(self, run, known):
        """The states before the first step; memory is known below gamma^known."""
        states = {x: run.lift(self.values[x]) for x in self.claim.fields}
        return states | {m: [Series(run, 0, list(c), known) for c in zip(*powers)] for m, powers in self.memory.items()}

    def orbit(self, k):
        """States after 0, ..., k + 1 steps, the memory known below gamma^(k+1)."""
        run = Run(self, k + 1 + self.slack)
        every = [self.start(run, k + 1)]
        for n in range(k + 1):
            every.append(run.step(every[-1], n))
        return every

    def weighted(self, orbit, x, power, weights):
        """sum_n weights_n X_n^(power) in every component."""
        numbers = list(map(self.ring.constant, weights))
        return [self.ring.inner([s.at(power) for s in column], numbers) for column in zip(*(states[x] for states in orbit))]

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
        self.blocks, top = self.relaxation() if self.memory else [], self.top
        for k in range(1, top + 1) if self.memory else ():
            orbit = self.orbit(k)
            right = [self.ring.neg(w) for m in self.memory for w in self.weighted(orbit, m, k, delta(k + 1))]
            solution = iter(self.ring.solve(self.blocks[k], right, ("det", k)))
            for powers in self.memory.values():
                powers.append([next(solution) for _ in powers[0]])
        orbit = self.orbit(top)
        for x in orbit[0]:
            for k in range(top + 1 if x in self.claim.fields or self.leading is None else 1):
                yield f"{x} at gamma^{k} is on no slow orbit with this memory", self.weighted(orbit, x, k, delta(k + 1))
        rule = slope if self.claim.form == "flow" else forward
        for x, k in itertools.product(self.claim.fields, range(top)):
            true = self.weighted(orbit, x, k + 1, rule(k + 1))
            claimed = self.claimed(self.claim.fields[x][k], x)
            yield f"{x} at gamma^{k} is not what is claimed", [self.ring.add(a, self.ring.neg(b)) for a, b in zip(claimed, true)]

    def note(self, place, i, v, lead):
        """What is under roots, signs and denominators: leading coefficients by component, and their power of gamma."""
        same = self.starts.setdefault(place, v) == v and self.leads.setdefault(place, {}).setdefault(i, lead) == lead
        need(same or self.leading is not None, "a leading coefficient changes from step to step, or from component to component")


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


def spans(sizes):
    """The places of layers of these sizes."""
    ends = [*itertools.accumulate(sizes)]
    return tuple(range(end - size, end) for size, end in zip(sizes, ends))


def partitions(n, most=None):
    """n as a sum of positive numbers."""
    if n == 0:
        yield ()
    for first in range(min(n, most or n), 0, -1):
        yield from ((first, *rest) for rest in partitions(n - first, first))


def ways(size, vectors, by_layer):
    """Classes of the signs in a layer of this size, up to a permutation of its components."""
    return comb(size + 2**vectors - 1, size) * 2**by_layer


def rank(p, rows):
    """The rank of a matrix modulo p."""
    found = 0
    while rows:
        pivot, *rows = rows
        j = next((j for j, x in enumerate(pivot) if x), None)
        if j is not None:
            found += 1
            rows = [[(x * pivot[j] - row[j] * y) % p for x, y in zip(row, pivot)] for row in rows]
    return found


constant_on = lambda layers, x: all(len({x[i] for i in layer}) == 1 for layer in layers)


class Check:
    """One certificate."""

    def __init__(self, claim, source):
        self.claim, self.source, self.failed, self.ring, self.same = claim, source, set(), None, {}
        self.bits = MORE_BITS if claim.layered else BITS
        under = [n[2] for n in claim.nodes if is_root(n) or is_sign(n)]
        trees = [*under, *(v for _, v in claim.steps)] if under else []
        numbers = [abs(n[1]) for tree in trees for n in walk(tree) if n[0] == "number" and n[1]]
        odd = lambda n: n // (n & -n)
        self.modulus = lcm(8, *(odd(n[1].denominator) for n in claim.nodes if n[0] == "**"),
                           *(4 * odd(x) for c in numbers for x in (c.numerator, c.denominator)))  # fmt: skip
        need(self.modulus < 2**64, "constants under roots need primes of a too special form")

    def prime(self):
        while True:
            p = self.modulus * self.source.randrange(2**self.bits // self.modulus + 1, 2 ** (self.bits + 1) // self.modulus) - 1
            if is_prime(p, self.source):
                return p

    def point(self, ring, d, ranges, layers=()):
        """A random point: parameters in their ranges, theta, slow variables, time, derivatives of the loss and of schedules."""
        claim, draw = self.claim, lambda n: [self.source.randrange(1, ring.p) for _ in range(n)]
        sample = Sample(claim, ring, {}, self.slack, layers=layers)
        ring.functions, ring.anything = Known(ring.p, lambda: draw(1)[0]), draw
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
        schedule = lambda: Smooth(ring, sample.values["t"], [[1]], [[draw(1) for _ in range(self.degree + 4)]])
        u, losses = draw(d), {}
        for f, slots in claim.losses.items():
            losses[f] = self.smooth(ring, [v for x in slots for v in sample.values[x]], u * len(slots), slots)
        schedules, weights = {f: schedule() for f in claim.functions}, [pow(w, -1, ring.p) for w in u]
        return sample.settle(losses, weights, schedules, lambda kind, base: self.map(ring, kind, base))

    def map(self, ring, kind, base):
        """A random map about a point."""
        if kind != "componentwise":
            return self.smooth(ring, base, [1] * len(base), ("theta",), "f")
        return Smooth(ring, base, [[1]], [[[self.source.randrange(1, ring.p)] for _ in range(self.degree + 4)]])

    def smooth(self, ring, base, u, slots, label=None):
        """A random field; or a random loss and its gradient, raised by weights: sum x_i y_i / u_i is the scalar product then, as
        for u_i equal components in a larger dimension.  With directions for all monomials of degree self.degree + 1."""
        draw, terms = lambda n: [self.source.randrange(1, ring.p) for _ in range(n)], range(self.terms(len(u)))
        a, c = [draw(len(u)) for _ in terms], [[draw(len(u)) for _ in range(self.degree + 1)] for _ in terms]
        potential = []
        if (label or self.claim.data["label"]) != "f":  # c_(r,k) is a multiple of a_r: that of the loss
            potential = [[draw(1), *(x[:1] for x in row)] for row in c]
            c = [[[x[0] * y * w % ring.p for y, w in zip(direction, u)] for x in row] for direction, row in zip(a, c)]
        return Smooth(ring, base, a, c, slots, potential)

    terms = lambda self, d: comb(d + self.degree, d - 1)

    def sample(self, d, ranges=True, layers=()):
        """A point at which all that must be positive is a residue; what depends on a layer alone is drawn again by layers."""
        sample = None
        for count in range(1, DRAWS // 5 if layers else DRAWS):
            if self.ring is None or count % (64 * max(1, len(layers))) == 0:
                self.ring, sample = Field(self.prime()), None
            try:
                sample = sample or self.point(self.ring, d, ranges, layers)
                self.open(sample)
                return sample
            except Rejected as error:
                place, i = error.args[0]
                self.failed.add((place, i))
                sample = self.redrawn(sample, next(x for x in layers if i in x)) if place in self.claim.apart else None
        raise Bad("no point with real roots was found")

    def open(self, sample):
        """Takes every root of the claim and of a step at gamma^0, those that belong to a layer first."""
        ring = sample.ring
        ring.first, ring.rejected = self.claim.apart or None, None
        ring.power.cache_clear()  # a root that was noted is none
        try:
            for n in self.claim.branches:
                sample.formulas.of(n, sample.names)
            run = Run(sample, 1 + self.slack)
            sample.variables = run.step(sample.start(run, 1), 0)
        finally:
            ring.first = None
        if ring.rejected:
            raise Rejected(ring.rejected)

    def redrawn(self, old, layer):
        """What has an index in a layer drawn again: point, gradient or field there, slow variables, weights."""
        claim, ring, draw = self.claim, old.ring, lambda: self.source.randrange(1, old.ring.p)
        factors = [draw() if i in layer else 1 for i in range(old.size)]
        raised = lambda x: [y * f % ring.p for y, f in zip(x, factors)]
        again = lambda x: [draw() if i in layer else y for i, y in enumerate(x)]
        values = {x: again(v) if x in claim.fields and x not in claim.scalars else v for x, v in old.values.items()}
        sample, losses = Sample(claim, ring, values, old.slack, layers=old.layers), {}
        for f, loss in old.losses.items():
            first, *others = [[raised(x) for x in row] for row in loss.coefficients]  # c_(0,0) is in the gradient alone
            losses[f] = Smooth(ring, values["theta"], loss.directions, [[again(first[0]), *first[1:]], *others])
        sample.positive = old.positive
        weights = [w * pow(f, -1, ring.p) % ring.p for w, f in zip(old.weights, factors)]
        return sample.settle(losses, weights, old.schedules, old.fresh)

    def compared(self, sample):
        """The sample, at which claim and scheme agree; the next one has a prime of its own."""
        self.ring = None
        for what, values in sample.equations():
            if any(values):
                need(not self.claim.transcendental, f"{what}, or follows from equations of exp, sin, ... that are not tried here")
                raise Different(f"{what} (modulo {sample.ring.p}, dimension {sample.size})")
        need(self.leading in (None, sample.starts), "leading powers differ from point to point")
        return sample

    def bounds(self, d):
        """For claim minus truth in dimension d: log2 of degree, of height and of the cover; indices; products that are functions
        of the point.  `residues` are the bases of roots that must be residues."""
        claim, ring, x = self.claim, Degrees(d, self.same), (1.0, 0, 0.0, 1, 0)
        ring.base(1.0, 0.0)  # the weights
        values = {n: [x] for n in (*claim.free, "t", *claim.fields)}
        sample = Sample(claim, ring, values, self.slack, self.leading, (range(1),))
        losses, height = {}, lambda k, n=1: (k + 1.0, 0, k * log2(d) + log2(self.terms(d * n)), 1, k)
        for f, slots in claim.losses.items():
            n, number = len(slots), log2(self.terms(d * len(slots)))
            c = [[(k + 3.0, 0, k * log2(d) + number, 1, k)] * n for k in range(self.degree + 1)]
            potential = [[[height(k, n)] for k in range(self.degree + 2)]] if claim.data["label"] != "f" else []
            losses[f] = Smooth(ring, [x] * n, [[ring.one] * n], [c], slots, potential)
        scalar = lambda base: Smooth(ring, base, [[ring.one]], [[[x]] * (self.degree + 4)])
        vector = lambda base: Smooth(ring, base, [[ring.one]], [[[height(k)] for k in range(self.degree + 1)]])
        fresh = lambda kind, base: (scalar if kind == "componentwise" else vector)(base)
        sample.settle(losses, [(d - 1.0, 1, log2(d), 1, 0)], {f: scalar([x]) for f in claim.functions}, fresh)
        found = [w for _, values in sample.equations() for w in values if w] or [ring.one]
        degree, height = (max(1.0, *(ring.cleared(w)[i] for w in found)) for i in (0, 1))
        points = [ring.add(b, b) for _, base in sample.maps for b in base if b]  # their differences should not vanish either
        pairs = comb(d * sum(n[0] == "call" and n[1] in claim.mapped for n in claim.nodes), 2)
        apart = [pairs * max((ring.cleared(w)[i] for w in points), default=0) for i in (0, 1)]
        degree, height = degree + apart[0], height + apart[1]
        count = largest([w[4] for w in [*found, *points]])
        indices = count + 2 * min(1 + count, 2 * slopes(count))  # three of those at which a matrix and its inverse may meet
        cover = sum(log2(q) * self.copies(where, d) for where, q in ring.roots.items())
        self.residues = sum(self.copies(where, d) for where in ring.roots)
        return log2(degree), log2(height), cover, int(indices), ring.leading

    def vertices_matter(self, sample):
        """Whether the equations of the memory change with second and higher derivatives."""
        ring, losses = sample.ring, {}
        other = Sample(self.claim, ring, sample.values, self.slack, layers=sample.layers)
        again = lambda old, new: [[x[0], *y[1:]] for x, y in zip(old.coefficients, new.coefficients)]
        for f, loss in sample.losses.items():
            changed = again(loss, self.smooth(ring, loss.base, sample.weights * len(loss.parts), loss.parts))
            potential = loss.potential and loss.potential.coefficients
            losses[f] = Smooth(ring, loss.base, loss.directions, changed, loss.parts, potential)
        for (label, base), old in sample.maps.items():
            if (kind := self.claim.data["maps"][label]) != "componentwise":
                other.maps[label, base] = Smooth(ring, base, old.directions, again(old, self.map(ring, kind, base)))
            else:
                other.maps[label, base] = old
        other.settle(losses, sample.weights, sample.schedules, sample.fresh)
        return other.relaxation() != sample.blocks

    def wide(self, sample):
        """Leading coefficients at every place, one for each component."""
        found = {place: tuple(x for _, x in sorted(leads.items())) for place, leads in sample.leads.items()}
        return {place: x * (sample.size // len(x)) for place, x in found.items()}

    def quantities(self, sample):
        """What signs can be seen of: what stands under them, the gradient, and variables of the text at gamma^0."""
        d, leads = sample.size, self.wide(sample)
        found = {n: [s.at(0) for s in x] for n, x in sample.variables.items() if all(s.end > 0 <= s.v for s in x)}
        found |= {id(n): leads[id(n)] for n in self.claim.nodes if is_sign(n) and id(n) in leads}
        found |= {(f, x): loss.derivative(x) for f, loss in sample.losses.items() for x in loss.parts}
        return {n: tuple(x) * (d // len(x)) for n, x in found.items() if all(x)}

    def signs(self, sample):
        """Quantities whose signs tell the classes apart, each with the number of its signs that do not follow from those before.
        Places are evaluated in order, component by component.  So a root has no sign if its last base was once the first to be no
        residue: no product of its bases, and of those before, is a square.  If its first base was, c in w = c |x| has no sign.
        None if there is a root of an unknown square."""
        ring, d, leads, seen = sample.ring, sample.size, self.wide(sample), self.quantities(sample)
        sizes = {n: tuple(map(ring.size, x)) for n, x in seen.items()}
        kept, labels = [(x,) * d for x in (1, ring.power(2, HALF, None), *sample.positive)], {}
        goals = [(id(n), sizes[id(n)], [id(n)]) for n in self.claim.nodes if is_sign(n) and id(n) in seen]
        roots = {id(n) for n in self.claim.nodes if is_root(n) and constant(n[2]) is None}
        goals += [(place, tuple(ring.power(x, HALF, None) for x in v), sizes) for place, v in leads.items() if place in roots]
        for place, goal, options in goals:
            last = any(p == place and len({x for j, x in sample.leads[p].items() if j >= i}) == 1 for p, i in self.failed)
            while not last and (count := unsettled(ring.p, goal, kept)) > ((place, 0) in self.failed):
                key = next((n for n in options if unsettled(ring.p, goal, [*kept, sizes[n]]) < count), None)
                if key is None:
                    return None
                labels[key] = unsettled(ring.p, sizes[key], kept)
                kept.append(sizes[key])
            kept.append(goal)
        return labels

    def decide(self):
        """(bound, samples, dimension, classes), or Different."""
        for self.slack in range(5):
            self.degree, self.leading = max(self.claim.order + 1 + self.claim.ahead + self.slack, self.claim.rank), None
            try:
                return self.attempt()
            except Short:
                continue
            except (Rejected, ZeroDivisionError, ValueError):
                raise Bad("a denominator or root vanishes at every point") from None
        raise Bad("the text loses too many powers of gamma")

    def attempt(self):
        claim, d, dimension = self.claim, 0, 2 * self.claim.order + 4
        pilot = self.compared(self.sample(sum(PILOT), layers=spans(PILOT)) if claim.layered else self.sample(3))
        self.leading, self.same = pilot.starts, self.alike(pilot) if claim.layered else {}
        while dimension > d:
            need(dimension < 60, "too many summation indices")
            d = dimension
            degree, height, cover, indices, products = self.bounds(d)
            layouts = self.layouts(pilot, indices, products)
            dimension = max(map(sum, layouts))
        bits, primes = self.bits, self.bits - log2(self.modulus * 400 * self.bits / BITS)
        unlucky = height + cover - log2(bits) - primes  # (Q H / 255) / #primes
        found = []
        for sizes in layouts:
            first, labels = self.opened(sizes)
            vectors, by_layer, scalars = ([*labels.values()].count(n) for n in (sum(sizes), LAYER, 1))
            classes = 2**scalars * prod(
                comb(number + ways(size, vectors, by_layer) - 1, number) for size, number in Counter(sizes).items()
            )
            need(not claim.layered or 2 ** (sum(sizes) * vectors) < DRAWS, "too many classes of signs beside sums over layers")
            residues = self.residues if claim.layered else dimension * sum(map(is_root, claim.nodes))
            signs = sum(sizes) * (vectors + by_layer) + scalars
            missed = 2.0 ** (degree + cover + len(first.positive) + residues + signs - bits)
            error = log2(missed + 2.0**unlucky) + RELATIONS * claim.transcendental
            need(error < TARGET, "no useful error bound")
            self.visit(first, labels, classes)
            found.append((error, classes))
        errors, classes = zip(*found)
        return max(errors), sum(classes), dimension, max(classes)

    def layouts(self, pilot, indices, products):
        """Sizes of layers, in the ways that decide every way: the n index variables share layers q_1, ..., q_k in some way, each
        with r further components, which give the r sums over a layer that are functions any values; r + s more components give
        those to the s scalar products.  Without layers, one of n + s components."""
        leads = {k: pilot.leads[k] for k in products if k in pilot.leads}
        scalar = len({x[0] for k, x in leads.items() if k[0] == "dot"})
        if not self.claim.layered:
            return [(max(1 + indices + scalar, self.claim.order + 1, 2),)]
        sums = rank(pilot.ring.p, [[*x.values()] for k, x in leads.items() if k[0] == "layer"])
        need(sums < len(PILOT), "too many sums over layers under roots and denominators")
        more = (sums + scalar,) if scalar else ()
        ways = partitions(max(1 + indices, self.claim.order + 1))
        return sorted({tuple(max(q, 2) for q in (*(q + sums for q in way), *more)) for way in ways}, key=sum, reverse=True)

    def alike(self, pilot):
        """Places at which the same function stands get one name, with the number of its values: one, one a layer, or all."""
        kind = lambda x: "scalar" if len(x) == 1 else LAYER if constant_on(pilot.layers, x) else "vector"
        first, found = {}, {}
        for place, leads in pilot.leads.items():
            x = tuple(leads[i] for i in sorted(leads))
            if not (isinstance(place, tuple) and place[0] in ("dot", "layer")):
                found[place] = first.setdefault(x, (kind(x), place))
        return found

    def copies(self, where, d):
        """How many values stand at a place in d components; a layer has at least two."""
        return {"scalar": 1, LAYER: d // 2}.get(where[0], d)

    def opened(self, sizes):
        """A point with layers of these sizes, at which claim and scheme agree, and the quantities whose signs count."""
        d, layers = sum(sizes), spans(sizes) if self.claim.layered else ()
        self.failed = set()
        first = self.compared(self.sample(d, layers=layers))
        matter = self.claim.memory and self.vertices_matter(first)
        need(not matter, "the relaxation of the memory depends on second derivatives")
        labels = self.signs(first)
        for _ in range(30):
            if labels is None:
                self.sample(d, ranges=False, layers=layers)
                labels = self.signs(first)
        need(labels is not None, "a root of what seems to be a square")
        seen = self.quantities(first)
        return first, {n: LAYER if k == d and layers and constant_on(layers, seen[n]) else k for n, k in labels.items()}

    def visit(self, first, labels, classes):
        """Compares at a point of every class: signs of the components of each quantity, up to a permutation of the components of
        a layer, and of layers of one size."""
        layers = first.layers or (range(first.size),)

        def label(sample):
            found = self.quantities(sample)
            signs = [*zip(*([sample.ring.residue(x) for x in found[n]] for n in labels))]
            return tuple(sorted((len(layer), tuple(sorted(signs[layer.start : layer.stop]))) for layer in layers))

        seen = {label(first)}
        for _ in range(DRAWS):
            if len(seen) == classes:
                return
            sample = self.sample(first.size, layers=first.layers)
            found = label(sample)
            if found not in seen:
                seen.add(found)
                self.compared(sample)
        raise Bad(f"not every one of {classes} classes of signs was met")


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
    lines = [f"scheme {data['scheme']}, regime {data['regime'] or '-'}, {data['form']} through gamma^{data['order']}"]
    players = [*data.get("unknowns", []), *(f"{f}({', '.join(slots)})" for f, slots in data.get("losses", {}).items())]
    regime = [f"{p} = {e}" for p, e in data["bindings"].items()] + [f"{s} = ({f})*{x}" for s, (x, f) in data["rescaled"].items()]
    ranges = [f"{n}: {r or 'any'}" for n, r in data["parameters"].items()]
    update = data["update"].strip("\n").split("\n")
    undo = {p: f", inverse of {q}" for p, q in data.get("inverses", {}).items()}
    maps = [f"{p}: {kind}{undo.get(p, '')}" for p, kind in data.get("maps", {}).items()]
    for title, part in (
        ("update", update), ("unknowns and losses", players), ("parameters", ranges), ("maps", maps), ("regime", regime),
    ):  # fmt: skip
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
            given = file.read(LARGEST + 1)
        text, bound, count, dimension, classes = check(given, "--reproducible" in arguments)
    except Different as error:
        print(f"NOT PROVED: {error}")
        return 1
    except (Bad, OSError, ValueError, RecursionError, OverflowError) as error:
        print(f"cannot decide: {error}", file=sys.stderr)
        return 2
    print(text)
    problem = ("vector field" if load(given)["label"] == "f" else "loss") + " and every map of its kind" * ("maps" in load(given))
    partitions = ", every partition of the components into layers" * Claim(load(given)).layered
    print(
        f"proved for all parameter values in their ranges, every smooth {problem}, every dimension{partitions}; "
        f"error probability below 2^{ceil(bound)}"
    )
    samples, signs = f"{count} sample{'s' * (count != 1)}", f"{classes} class{'es' * (classes != 1)} of signs"
    print(f"({samples} over fresh primes, dimension {dimension}, {signs})")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
