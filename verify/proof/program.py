"""The update text run on series in gamma, and formulas at a point: one evaluator for both."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from operator import is_
from typing import Any

from derive.errors import UsageError, nearest
from derive.language import Call, Expression, Name, Number, Operation, constant, derivative_symbol
from derive.language.calls import KNOWN_FUNCTIONS, Partial, partial_of
from derive.language.layers import LAYER, ROW, summed_call
from derive.language.maps import map_of
from derive.language.matrices import PRODUCT, TRACE, TRANSPOSE
from derive.scheme.names import ahead, previous
from verify.proof.errors import Undecided
from verify.proof.layers import Layers
from verify.proof.maps import Maps, expanded
from verify.proof.matrices import MatrixSpace
from verify.proof.series import Algebra, Series
from verify.proof.statement import DERIVATIVES, Statement, is_exponential

Value = Any  # Series for a scalar, list[Series] for a vector
MAX_POWER = 40
_ELEMENTARY = ("sqrt", "sign", "abs")


@dataclass
class Point:
    """What a sample gives: numbers of the ring, a loss there, derivatives of the declared functions of time, maps."""

    problem: Any
    parameters: Mapping[str, Any]
    slow: Mapping[str, Any]  # number, or one for each component
    t: Any
    jets: Mapping[str, Sequence[Any]]
    maps: Any = field(default_factory=Maps)
    layers: Layers = ()
    matrices: MatrixSpace | None = None

    @property
    def size(self) -> int:
        return int(self.problem.dimension)

    def size_of(self, name: str) -> int:
        """How many components a vector has: as many as theta, but for matrices of other shapes."""
        return self.matrices.size_of(name) if self.matrices else self.size


@dataclass(frozen=True)
class Grain:
    """Series in delta, gamma = delta^grain, beside those in gamma: roots bring powers of delta that cancel in what is left."""

    grain: int
    coarse: Algebra

    @cached_property
    def fine(self) -> Algebra:
        a = self.coarse
        if self.grain == 1:
            return a
        return Algebra(a.ring, a.length * self.grain, a.leading, a.noted, a.found, a.notes, cuts=a.cuts)

    @property
    def gamma(self) -> Series:
        return self.coarse.gamma.refined(self.fine, self.grain)

    def refined(self, value: Value) -> Value:
        return value if self.grain == 1 else _each(value, lambda x, i: x.refined(self.fine, self.grain))

    def coarsened(self, value: Value) -> Value:
        return value if self.grain == 1 else _each(value, lambda x, i: x.coarsened(self.coarse, self.grain))


class Evaluator:
    """Values of trees: scalars are series, vectors lists of them; numbers join every component."""

    def __init__(self, point: Point, algebra: Algebra, functions: Mapping[str, Expression | None], grain: int = 1) -> None:
        self.grain = Grain(grain, algebra)
        self.point, self.algebra, self.functions = point, self.grain.fine, functions
        self.known: dict[int, Value] | None = None  # by identity of the tree, where names keep their values
        self.kept: dict[Hashable, tuple[Sequence[Any], Value]] | None = None  # place -> operands and value there, see `keeping`

    def keeping(self) -> Evaluator:
        """From now on the first value at every place is kept, and what has the same operands later is not computed again.

        Numbers of a vector are told apart: where one component moved, the others of sums and products by components stay.  For
        runs in which nothing is noted.
        """
        self.kept = {}
        return self

    def value(self, node: Expression, names: Mapping[str, Value]) -> Value:
        match node:
            case Number(value):
                return self._once(id(node), (), lambda: self.algebra.constant(value))
            case Name(word):
                if word not in names:
                    raise UsageError(f"'{word}' has no meaning here{nearest(word, names)}")
                return names[word]
        if self.known is not None and id(node) in self.known:
            return self.known[id(node)]
        found = self._call(node, names) if isinstance(node, Call) else self._operation(node, names)
        if self.known is not None:
            self.known[id(node)] = found
        return found

    def vector(self, value: Value, size: int | None = None) -> list[Series]:
        return value if isinstance(value, list) else [value] * (size or self.point.size)

    def _operation(self, node: Operation, names: Mapping[str, Value]) -> Value:
        if node.op == "**":
            exponent = constant(node.args[1])
            if exponent is None:
                raise Undecided("an exponent is no rational number")
            if abs(exponent.numerator) > MAX_POWER or exponent.denominator > MAX_POWER:
                raise Undecided(f"the exponent {exponent} is too large")
            if is_exponential(node.args[0]):
                factor = self.algebra.constant(exponent)
                inner = self.value(node.args[0].args[0], names)
                return self._each(id(node), inner, lambda x, i: (factor * x).known("exp", id(node), i))
            return self._each(id(node), self.value(node.args[0], names), lambda x, i: x.power(exponent, id(node), i))
        args = [self.value(a, names) for a in node.args]
        if node.op == "neg":
            return self._each(id(node), args[0], lambda x, i: -x)
        if node.op == "/":
            over = ("over", id(node.args[1]))
            inverse = self._each(over, args[1], lambda x, i: x.power(Fraction(-1), over, i))
            return self._both(id(node), args[0], inverse, Series.__mul__)
        operation = {"+": Series.__add__, "-": Series.__sub__, "*": Series.__mul__}[node.op]
        return self._both(id(node), args[0], args[1], operation)

    def _call(self, node: Call, names: Mapping[str, Value]) -> Value:
        args = [self.value(a, names) for a in node.args]
        if self.grain.grain == 1 or node.function in _ELEMENTARY:
            return self._applied(node, args)
        inside = Evaluator(self.point, self.grain.coarse, self.functions)
        return self.grain.refined(inside._applied(node, [*map(self.grain.coarsened, args)]))

    def _applied(self, node: Call, args: list[Value]) -> Value:
        name, place = node.function, id(node)
        if name in self.functions:
            return _each(args[0], lambda x, i: self._of_time(name, x))
        match name:
            case "grad" | "field":
                point = self.vector(args[0])
                return self._once(place, point, lambda: self.point.problem.gradient(point))
            case "loss":
                return self.point.problem.value(self.vector(args[0]))
            case "sqrt":
                return self._each(place, args[0], lambda x, i: x.power(Fraction(1, 2), place, i))
            case "sign":
                return self._each(place, args[0], lambda x, i: x.sign(place, i))
            case "abs":
                return self._each(place, args[0], lambda x, i: x * x.sign(place, i))
        if self.point.matrices and (name in (PRODUCT, TRANSPOSE, TRACE) or name in ("dot", "norm")):
            return self._of_matrices(self.point.matrices, node, args)
        if summed := summed_call(name):
            return self._summed(*summed, node, [self.vector(x) for x in args])
        if name in KNOWN_FUNCTIONS:
            return self._each(place, args[0], lambda x, i: x.known(name, place, i))
        if name in DERIVATIVES:
            return self._tensor(node, args)
        if partial := partial_of(name):
            return self._derivative(partial, node, args)
        if found := map_of(name, self.point.maps.kinds):
            return self._mapped(*found, node, args)
        raise UsageError(f"'{name}' is no function here")

    def _summed(self, name: str, part: str, node: Call, args: Sequence[list[Series]]) -> Value:
        """dot, norm or mean of vectors, over all components or over the layer, row or column of each."""
        sums = self._over_layers if part == LAYER else self._over_lines if part else self.point.problem.dot
        kind = part or "dot"
        if name == "mean":
            ones = self.vector(self.algebra.constant(1))
            inverse = _each(sums(ones, ones, (kind, -id(node))), lambda x, i: x.power(Fraction(-1), ("count", id(node)), i))
            return _both(sums(args[0], ones, (kind, id(node))), inverse, Series.__mul__)
        key = (kind, id(node))
        total = self._once(key, [*args[0], *args[-1]], lambda: sums(args[0], args[-1], key))
        return total if name == "dot" else self._each(id(node), total, lambda x, i: x.power(Fraction(1, 2), id(node), i))

    def _of_matrices(self, matrices: MatrixSpace, node: Call, args: Sequence[Value]) -> Value:
        """Products, transposes, traces; scalar products and norms of matrices of any shape."""
        shapes = [matrices.shape(a) for a in node.args]
        match node.function:
            case "@":
                return matrices.product(args[0], args[1], shapes[0], shapes[1])
            case "@T":
                return matrices.transposed(args[0], shapes[0])
            case "trace":
                return matrices.trace(args[0], shapes[0])
        shape = next((s for s, a in zip(shapes, args) if isinstance(a, list)), shapes[0])
        size = max((len(a) for a in args if isinstance(a, list)), default=None)
        vectors = [self.vector(a, size) for a in args]
        total = matrices.dot(vectors[0], vectors[-1], shape, ("dot", id(node)))
        return total if node.function == "dot" else total.power(Fraction(1, 2), id(node), None)

    def _over_lines(self, xs: Sequence[Series], ys: Sequence[Series], key: tuple[str, int]) -> list[Series]:
        """sum of x_j y_j over the row or the column of i, for every i."""
        assert self.point.matrices
        return self.point.matrices.lines(xs, ys, key[0] == ROW, key)

    def _over_layers(self, xs: Sequence[Series], ys: Sequence[Series], key: tuple[str, int]) -> list[Series]:
        """sum of x_j y_j over the layer of i, for every i."""
        zero = self.algebra.constant(0)
        result = [zero] * len(xs)
        for n, layer in enumerate(self.point.layers):
            inside = [x if j in layer else zero for j, x in enumerate(xs)]
            total = self._inside(layer, inside, ys, (*key, n) if n else key)
            for i in layer:
                result[i] = total
        return result

    def _inside(self, layer: Sequence[int], xs: Sequence[Series], ys: Sequence[Series], key: Hashable) -> Value:
        """sum of x_j y_j where x_j is zero outside of a layer."""
        read = [x[j] for x in (xs, ys) for j in layer]
        return self._once(("inside", key), read, lambda: self.point.problem.dot(xs, ys, key))

    # ------------------------------------------------------------------------------------------ values that are kept

    def _once(self, place: Hashable, operands: Sequence[Any], find: Callable[[], Value]) -> Value:
        """A value that these operands determine."""
        if self.kept is None:
            return find()
        if place not in self.kept:
            self.kept[place] = (operands, find())
        known, value = self.kept[place]
        return value if all(map(is_, operands, known)) else find()

    def _each(self, place: Hashable, value: Value, f: Callable[[Series, int | None], Series]) -> Value:
        """f of a number, or of every component."""
        if self.kept is None:
            return _each(value, f)
        if not isinstance(value, list):
            return self._once(place, (value,), lambda: f(value, None))
        if place not in self.kept:
            self.kept[place] = (value, _each(value, f))
        known, found = self.kept[place]
        return [z if x is y else f(x, i) for i, (x, y, z) in enumerate(zip(value, known, found, strict=True))]

    def _both(self, place: Hashable, a: Value, b: Value, f: Callable[[Series, Series], Series]) -> Value:
        """f of two numbers, or of every component of one or both."""
        if self.kept is None:
            return _both(a, b, f)
        size = max((len(x) for x in (a, b) if isinstance(x, list)), default=0)
        if not size:
            return self._once(place, (a, b), lambda: f(a, b))
        pairs = list(zip(*(x if isinstance(x, list) else [x] * size for x in (a, b))))
        if place not in self.kept:
            self.kept[place] = (pairs, [f(x, y) for x, y in pairs])
        known, found = self.kept[place]
        return [z if x is u and y is v else f(x, y) for (x, y), (u, v), z in zip(pairs, known, found, strict=True)]

    # ------------------------------------------------------------------------------------------ derivatives and maps

    def _tensor(self, node: Call, args: Sequence[Value]) -> list[Series]:
        """Arguments are numbers here (series without gamma), one list for each tree, so that contractions are shared."""
        numbers = [self._numbers(tree, value) for tree, value in zip(node.args, args)]
        return [self.algebra.element(x) for x in self.point.problem.tensor(numbers)]

    def _derivative(self, partial: Partial, node: Call, args: Sequence[Value]) -> Value:
        """A derivative at a point, of numbers in a claim, of series in a text; the value of a declared loss."""
        point, directions = partial.divided([self.vector(x) for x in args])
        if not partial.variables:
            return self.point.problem.value([x for block in point for x in block], partial.loss)
        if self.known is None:
            return list(self.point.problem.derivative(partial, point, directions))
        places, others = partial.divided([self._numbers(tree, value) for tree, value in zip(node.args, (*point, *directions))])
        return [self.algebra.element(x) for x in self.point.problem.contracted(partial, places, others)]

    def _mapped(self, label: str, rank: int, node: Call, args: Sequence[Value]) -> Value:
        """P(u) or a derivative of it: of numbers in a claim, of series in a text."""
        maps = self.point.maps
        match maps.kinds[label]:
            case "componentwise":
                return _each(args[0], lambda x, i: maps.component(label, rank, x))
            case "linear":
                return maps.linear(label, self.vector(args[0]))
        if self.known is None:
            point, *directions = map(self.vector, args)
            return maps.at_series(label, point, directions)
        numbers, *others = (self._numbers(tree, value) for tree, value in zip(node.args, args))
        return [self.algebra.element(x) for x in maps.at_numbers(label, numbers, others)]

    def _numbers(self, tree: Expression, value: Value) -> list[Any]:
        key = -id(tree)
        found = self.known.get(key) if self.known is not None else None
        if found is None:
            found = [x.at(0) for x in self.vector(value)]
            if self.known is not None:
                self.known[key] = found
        return list(found) if self.known is None else found

    def _of_time(self, name: str, argument: Series) -> Series:
        """r(t_0 + s) = sum_k r^(k)(t_0) s^k / k!."""
        expression = self.functions[name]
        if expression is not None:
            result = Evaluator(self.point, self.algebra, {}).value(expression, {"t": argument})
            assert isinstance(result, Series)
            return result
        refusal = f"{name} is read at a time that does not tend to t"
        return expanded(argument, self.point.t, lambda k: self.point.jets[name][k], refusal)


def _each(value: Value, f: Callable[[Series, int | None], Series]) -> Value:
    return [f(x, i) for i, x in enumerate(value)] if isinstance(value, list) else f(value, None)


def _both(a: Value, b: Value, f: Callable[[Series, Series], Series]) -> Value:
    if isinstance(a, list):
        return [f(x, y) for x, y in zip(a, b if isinstance(b, list) else [b] * len(a))]
    return [f(a, y) for y in b] if isinstance(b, list) else f(a, b)


# ------------------------------------------------------------------------------------------ the step


class Stepper:
    """(states at step n, n) -> states at step n + 1, states under the names of the result.

    What is eliminated, z = Psi(theta, ...), is given by the first lines of the program in a step that starts without it, and
    handed on from there: the orbit is that of the text as it is written, and every further step checks that z is still Psi.
    """

    def __init__(self, claim: Statement, point: Point, algebra: Algebra) -> None:
        self.claim, self.point = claim, point
        self.evaluator = Evaluator(point, algebra, claim.functions, claim.grain)
        self.grain = self.evaluator.grain
        self.algebra = self.grain.fine
        self.constants = {n: self.algebra.element(x) for n, x in point.parameters.items()}
        self.constants["gamma"] = self._small(claim.root)

    def _small(self, power: int) -> Series:
        """h^power, gamma = h^root."""
        return self.grain.gamma.power(Fraction(power), None)

    def time(self, n: int) -> Series:
        return self.algebra.element(self.point.t) + self._small(self.claim.root - self.claim.lag) * self.algebra.constant(n)

    def step(self, states: Mapping[str, Value], n: int) -> dict[str, Value]:
        after = self.after(states, n)
        found = {x: self.grain.coarsened(self._in_units(text, after, n)) for text, x in self.claim.states.items()}
        return found | {z: after[z] for z in self.claim.eliminated}

    def after(self, states: Mapping[str, Value], n: int) -> dict[str, Value]:
        """Every variable of the text at the end of a step."""
        value, claim = self.evaluator.value, self.claim
        names = {**self.constants, "t": self.time(n)}
        names |= {p: value(e, names) for p, e in claim.bindings.items()}
        names |= {z: states[z] for z in claim.eliminated if z in states}
        for text, result in claim.states.items():
            names[text] = self.grain.refined(states[result])
            if text in claim.rescaled:
                names[text] = _both(value(claim.rescaled[text].factor, names), names[text], Series.__mul__)
        after = self._settled(names) if claim.implicit else self._run(names)
        assigned = {a.target for a in claim.program}
        for x in claim.unknowns:
            if previous(x) in claim.states and previous(x) not in assigned:
                after[previous(x)] = names[x]
        return after

    def _run(self, names: Mapping[str, Value]) -> dict[str, Value]:
        current = dict(names)
        for n, line in enumerate(self.claim.program):
            if n < len(self.claim.eliminated) and line.target in names:
                self._check_kept(line.target, names)
                continue
            value = self.evaluator.value(line.value, current)
            current[line.target] = self.evaluator.vector(value) if line.target in self.claim.unknowns else value
        return current

    def _check_kept(self, z: str, names: Mapping[str, Value]) -> None:
        """Whether what the last step left in z is the function of the other states that the orbit started with."""
        psi = next(line.value for line in self.claim.program if line.target == z)
        difference = _both(self.evaluator.vector(names[z]), self.evaluator.value(psi, names), Series.__sub__)
        if self.algebra.leading is None and any(x.c for x in difference):
            raise Undecided(f"{z} is not the function of the other states after a step that it is before it")

    def _settled(self, names: dict[str, Value]) -> dict[str, Value]:
        """theta_next enters with a factor gamma: each pass settles one more power."""
        later = {ahead(x): names[x] for x in self.claim.unknowns}
        for _ in range(self.algebra.length + 1):
            before, after = later, self._run({**names, **later})
            later = {ahead(x): after[x] for x in self.claim.unknowns}
        for name, value in later.items():
            if self.algebra.leading is None and any((x - y).c for x, y in zip(before[name], value)):
                raise Undecided(f"{name} does not enter with a factor gamma")
        return after

    def _in_units(self, text: str, after: Mapping[str, Value], n: int) -> Value:
        result = self.claim.states[text]
        value = after[text]
        if text in self.claim.rescaled:
            names = {**after, "t": self.time(n) + self._small(self.claim.root)}
            factor = self.claim.rescaled[text].factor
            inverse = self.evaluator.value(factor, names).power(Fraction(-1), ("unit", result))
            value = _each(value, lambda x, i: x * inverse)
        if result in self.claim.scalars:
            if isinstance(value, list):
                raise Undecided(f"{text} is a vector after the step")
            return value
        return self.evaluator.vector(value, self.point.size_of(text))


def names_at(claim: Statement, point: Point, algebra: Algebra) -> dict[str, Value]:
    """Names of the formula language at the point, as series without gamma."""
    lift = algebra.element
    names: dict[str, Value] = {n: lift(x) for n, x in point.parameters.items()}
    names |= {s: [lift(x) for x in v] if isinstance(v, list) else lift(v) for s, v in point.slow.items()}
    names["t"] = lift(point.t)
    names |= {x: [lift(v) for v in value] for x, value in point.problem.points.items()}
    if not claim.losses:
        names["grad" if claim.label == "L" else "field"] = [lift(x) for x in point.problem.leaf]
    if not claim.losses and claim.label == "L":
        names.setdefault("L", lift(point.problem.height))
    names |= {f: lift(point.problem.heights[f]) for f in claim.losses}
    for function, jets in point.jets.items():
        if claim.functions[function] is None:
            names |= {derivative_symbol(function, k): lift(x) for k, x in enumerate(jets)}
    return names
