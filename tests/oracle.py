"""A second implementation for the tests: one step of a scheme, and the exact Taylor flow of a field, on a polynomial loss.

Numbers are truncated series in gamma and tau (rational coefficients); the flow is the solution of
d theta / d tau = gamma f(theta; gamma) at tau = 1, by Picard iteration.  Shares the grammar with the package, no algebra.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import factorial, isqrt

from flint import fmpq

from derive.language import Call, Expression, Name, Number, Operation, parse_expression
from derive.scheme import Configuration

Polynomial = dict[tuple[int, ...], Fraction]


def exact(v: Fraction) -> fmpq:
    return fmpq(v.numerator, v.denominator)


class Irrational(Exception):
    """A root that is not rational at this point."""


class Series:
    """sum c[i, j] gamma^i tau^j with i + [weights] <= cap; tau-powers never exceed gamma-powers in a flow."""

    __slots__ = ("c", "cap")

    def __init__(self, c: Mapping[tuple[int, int], Fraction], cap: int) -> None:
        self.c = {k: exact(v) if isinstance(v, Fraction) else v for k, v in c.items() if v and k[0] <= cap}
        self.cap = cap

    def __add__(self, other: Series) -> Series:
        c = dict(self.c)
        for k, v in other.c.items():
            c[k] = c.get(k, 0) + v
        return Series(c, self.cap)

    def __neg__(self) -> Series:
        return Series({k: -v for k, v in self.c.items()}, self.cap)

    def __sub__(self, other: Series) -> Series:
        return self + -other

    def __mul__(self, other: Series) -> Series:
        c: dict[tuple[int, int], Fraction] = {}
        for (i, j), v in self.c.items():
            for (k, m), w in other.c.items():
                if i + k <= self.cap:
                    c[i + k, j + m] = c.get((i + k, j + m), 0) + v * w
        return Series(c, self.cap)

    @property
    def start(self) -> Fraction:
        x = self.c.get((0, 0))
        return Fraction(0) if x is None else Fraction(int(x.p), int(x.q))

    def lowered(self, v: int) -> Series:
        """self / gamma^v; the cap stays nominal, so callers give themselves room."""
        assert all(i >= v for i, _ in self.c), "not divisible by gamma"
        return Series({(i - v, j): x for (i, j), x in self.c.items()}, self.cap)

    def power(self, e: Fraction) -> Series:
        if e.denominator == 1 and e >= 0:
            result = Series({(0, 0): Fraction(1)}, self.cap)
            for _ in range(int(e)):
                result = result * self
            return result
        if not self.start and e == -1:
            v = min(i for i, _ in self.c)
            inverse = self.lowered(v).power(e)
            return Negative(inverse, v)
        if not self.start and self.c and e > 0:  # gamma^v (a_v + ...): known to fewer powers, which a factor gamma brings back
            v = min(i for i, _ in self.c)
            return Series({(int(exact(v * e)), 0): Fraction(1)}, self.cap) * self.lowered(v).power(e)
        a = self.start
        rest = Series({k: v / exact(a) for k, v in self.c.items() if k != (0, 0)}, self.cap)
        total, piece, binomial = Series({}, self.cap), Series({(0, 0): Fraction(1)}, self.cap), Fraction(1)
        for k in range(self.cap + 1):  # binomial series in rest, which is of order gamma
            total = total + piece * Series({(0, 0): binomial}, self.cap)
            piece, binomial = piece * rest, binomial * (e - k) / (k + 1)
        return total * Series({(0, 0): rational_power(a, e)}, self.cap)


class Negative(Series):
    """x / gamma^v, which only a product can bring back."""

    __slots__ = ("v",)

    def __init__(self, x: Series, v: int) -> None:
        super().__init__(x.c, x.cap)
        self.v = v

    def __mul__(self, other: Series) -> Series:
        return (Series(self.c, self.cap) * other).lowered(self.v)


def rational_power(a: Fraction, e: Fraction) -> Fraction:
    if e.denominator == 1:
        return a ** int(e)
    if e.denominator != 2 or a <= 0:
        raise Irrational(a)
    p, q = isqrt(a.numerator), isqrt(a.denominator)
    if p * p != a.numerator or q * q != a.denominator:
        raise Irrational(a)
    return Fraction(p, q) ** e.numerator


#: function -> where its Taylor coefficients are rational, and the k-th of them
TAYLOR: dict[str, tuple[int, Callable[[int], Fraction]]] = {
    "exp": (0, lambda k: Fraction(1, factorial(k))),
    "log": (1, lambda k: Fraction(-((-1) ** k), k) if k else Fraction(0)),
    "sin": (0, lambda k: Fraction(k % 2 * (-1) ** (k // 2), factorial(k))),
    "cos": (0, lambda k: Fraction((k + 1) % 2 * (-1) ** (k // 2), factorial(k))),
    "atan": (0, lambda k: Fraction((-1) ** (k // 2), k) if k % 2 else Fraction(0)),
}
KNOWN = (*TAYLOR, "tanh", "sigmoid", "softplus", "erf", "derf")


def known(name: str, x: Series) -> Series:
    """A known function by its Taylor series at x.start, where that is rational."""

    def number(v: int) -> Series:
        return Series({(0, 0): Fraction(v)}, x.cap)

    match name:
        case "sigmoid":
            return (number(1) + known("exp", -x)).power(Fraction(-1))
        case "tanh":
            return number(2) * known("sigmoid", x + x) - number(1)
        case "softplus":
            return known("log", number(1) + known("exp", x))
        case "erf" | "derf":
            raise Irrational(name)
    start, coefficient = TAYLOR[name]
    if x.start != start:
        raise Irrational(f"{name}({x.start})")
    total = Series({}, x.cap)
    for k in range(x.cap, -1, -1):
        total = total * (x - number(start)) + Series({(0, 0): coefficient(k)}, x.cap)
    return total


def derivative(p: Polynomial, i: int) -> Polynomial:
    return {(*k[:i], k[i] - 1, *k[i + 1 :]): v * k[i] for k, v in p.items() if k[i]}


def at(p: Polynomial, x: Sequence[Series]) -> Series:
    total = Series({}, x[0].cap)
    for exponents, v in p.items():
        piece = Series({(0, 0): v}, x[0].cap)
        for e, y in zip(exponents, x, strict=True):
            piece = piece * y.power(Fraction(e))
        total = total + piece
    return total


Vector = list[Series]


class Machine:
    """Runs update texts and terms of the formula language; vectors are lists, scalars are broadcast."""

    def __init__(self, loss: Polynomial, size: int, cap: int, time: Fraction = Fraction(0)) -> None:
        self.loss, self.size, self.cap, self.time = loss, size, cap, time

    def constant(self, v: Fraction) -> Vector:
        return [Series({(0, 0): v}, self.cap)] * self.size

    def derivatives(self, rank: int, x: Vector, arguments: Sequence[Vector]) -> Vector:
        def contract(p: Polynomial, left: Sequence[Vector]) -> Series:
            if not left:
                return at(p, x)
            total = Series({}, self.cap)
            for j in range(self.size):
                d = derivative(p, j)
                if d and left[0][j].c:
                    total = total + left[0][j] * contract(d, left[1:])
            return total

        assert len(arguments) == rank
        return [contract(derivative(self.loss, i), arguments) for i in range(self.size)]

    def value(self, e: Expression, names: Mapping[str, Vector]) -> Vector:
        match e:
            case Number(v):
                return self.constant(v)
            case Name(id) if id == "grad":
                return self.derivatives(0, names["theta"], [])
            case Name("L") if "L" not in names:
                return [at(self.loss, names["theta"])] * self.size
            case Name(id):
                return names[id]
            case Operation("neg", (a,)):
                return [-x for x in self.value(a, names)]
            case Operation("**", (a, b)):
                e_ = self.value(b, names)[0].start
                return [x.power(e_) for x in self.value(a, names)]
            case Operation(op, (a, b)):
                x, y = self.value(a, names), self.value(b, names)
                if op == "/":
                    y = [v.power(Fraction(-1)) for v in y]
                    return [w * v for v, w in zip(x, y, strict=True)]
                make: Callable[[Series, Series], Series] = {"+": Series.__add__, "-": Series.__sub__}.get(
                    op, lambda u, v: v * u if isinstance(v, Negative) else u * v
                )
                return [make(u, v) for u, v in zip(x, y, strict=True)]
            case Call(f, args):
                return self.call(f, [self.value(a, names) for a in args], names)
        raise AssertionError(e)

    def call(self, f: str, args: list[Vector], names: Mapping[str, Vector]) -> Vector:
        if f == "grad":
            return self.derivatives(0, args[0], [])
        if f == "loss":
            return [at(self.loss, args[0])] * self.size
        if f.startswith("L."):
            return self.derivatives(len(args) - 1, args[0], args[1:])
        if f == "hess" or (f[0] == "d" and f[1:].isdigit()):
            return self.derivatives(len(args), names["theta"], args)
        if f == "sqrt":
            return [x.power(Fraction(1, 2)) for x in args[0]]
        if f in KNOWN:
            return [known(f, x) for x in args[0]]
        if f in ("dot", "norm"):
            total = Series({}, self.cap)
            for u, v in zip(args[0], args[-1], strict=True):
                total = total + u * v
            return [total if f == "dot" else total.power(Fraction(1, 2))] * self.size
        if f in ("abs", "sign"):
            if any(not x.start for x in args[0]):
                raise Irrational("sign of zero")
            signs = [Series({(0, 0): Fraction(1 if x.start > 0 else -1)}, self.cap) for x in args[0]]
            return signs if f == "sign" else [s * x for s, x in zip(signs, args[0], strict=True)]
        raise AssertionError(f)


CALLS = {"hess": None, "dot": 2, "abs": 1, **dict.fromkeys(KNOWN, 1), **{f"d{k}": None for k in range(3, 12)}}


def combination(machine: Machine, blocks: Sequence[Mapping[str, object]], names: Mapping[str, Vector]) -> Vector:
    """sum_k gamma^k sum_terms coefficient * term of one variable in the JSON form."""
    total = machine.constant(Fraction(0))
    for block in blocks:
        gamma = Series({(int(str(block["power"])), 0): Fraction(1)}, machine.cap)
        for entry in block["terms"]:  # type: ignore[attr-defined]
            c = machine.value(parse_expression(entry["coefficient"], "c"), names)
            t = machine.value(parse_expression(entry["term"], "t", CALLS), names)
            total = [s + gamma * x * y for s, x, y in zip(total, c, t, strict=True)]
    return total


def defect(
    configuration: Configuration,
    data: Mapping[str, object],
    loss: Polynomial,
    point: Mapping[str, Sequence[Fraction]],
    parameters: Mapping[str, Fraction],
    order: int,
    time: Fraction = Fraction(1),
) -> dict[int, list[Fraction]]:
    """Powers of gamma (through order + 1) at which one step and the flow for time gamma differ, slow variables only.

    Memory starts on the slow manifold of `data`; it must be known through gamma^(order + 1), since theta+ = theta + v.
    """
    cap = order + 3
    size = len(point["theta"])
    machine = Machine(loss, size, cap, time)
    base = {n: machine.constant(v) for n, v in parameters.items()}
    base["gamma"] = [Series({(1, 0): Fraction(1)}, cap)] * size
    equations, memory = data["equations"], data["memory"]
    slow = {x: [Series({(0, 0): v}, cap) for v in point[x]] for x in equations}  # type: ignore[attr-defined]
    end = _flow(machine, equations, slow, base, time, cap)  # type: ignore[arg-type]
    start = slow | {v: combination(machine, b, slow | base | _clock(machine, time)) for v, b in memory.items()}  # type: ignore[attr-defined]
    after = _step(machine, configuration, start, base | _clock(machine, time), end)
    result: dict[int, list[Fraction]] = {}
    for x in slow:
        for a, b in zip(after[x], end[x], strict=True):
            for (i, j), v in (a - b).c.items():
                assert j == 0
                if i <= order + 1:
                    result.setdefault(i, []).append(v)
    return result


def _clock(machine: Machine, time: Fraction) -> dict[str, Vector]:
    return {"t": machine.constant(time)}


def _flow(machine: Machine, equations: Mapping[str, Sequence[Mapping[str, object]]], slow: Mapping[str, Vector],
          base: Mapping[str, Vector], time: Fraction, cap: int) -> dict[str, Vector]:  # fmt: skip
    """The solution at tau = 1 of d x/d tau = gamma f(x): each Picard iteration is right to one more power of gamma."""
    current = dict(slow)
    clock = {"t": [Series({(0, 0): time, (1, 1): Fraction(1)}, cap)] * machine.size}
    for _ in range(cap + 1):
        new = {}
        for x, blocks in equations.items():
            f = combination(machine, blocks, {**base, **clock, **current})
            new[x] = [
                s + Series({(i + 1, j + 1): v / (j + 1) for (i, j), v in y.c.items()}, cap)
                for s, y in zip(slow[x], f, strict=True)
            ]
        current = new
    total = {}
    for x, vector in current.items():
        total[x] = []
        for y in vector:
            c: dict[tuple[int, int], Fraction] = {}
            for (i, _), v in y.c.items():
                c[i, 0] = c.get((i, 0), 0) + v
            total[x].append(Series(c, cap))
    return total


def _step(machine: Machine, configuration: Configuration, start: Mapping[str, Vector], base: Mapping[str, Vector],
          end: Mapping[str, Vector]) -> dict[str, Vector]:  # fmt: skip
    """One step of the update; theta_next is the flow's own end point, so that an implicit step is checked, not solved."""
    names = dict(base) | {"theta_next": end["theta"]}
    bound = {n: machine.value(e, names) for n, e in configuration.bindings.items()}
    names |= bound
    factors = {}
    for state in configuration.scheme.states:
        symbol = configuration.symbol(state)
        names[state] = start[symbol]
        if state in configuration.rescaled:
            factors[state] = machine.value(configuration.rescaled[state].factor, names)
            names[state] = [f * x for f, x in zip(factors[state], start[symbol], strict=True)]
    for a in configuration.scheme.program:
        names[a.target] = machine.value(a.value, names)
    result = {}
    for state in configuration.scheme.states:
        value = names[state]
        if state in factors:
            value = [f.power(Fraction(-1)) * x for f, x in zip(factors[state], value, strict=True)]
        result[configuration.symbol(state)] = value
    return result
