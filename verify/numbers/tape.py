"""A computation recorded as a list of elementary operations, and replayed on Taylor series or on numbers.

Running a formula on `Node`s instead of numbers records it on a `Tape`, equal operations once.  When the inputs are power
series x(t) = x_0 + x_1 t + ..., one pass over the tape advances every series by one order (`numbers.recurrences`), at O(k) ball
operations a node.  The numbers are arb balls: their radii bound the rounding of everything done here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import isqrt
from typing import Any

from flint import ctx, fmpq

from verify.numbers.kinds import MethodNumbers, Numbers
from verify.numbers.recurrences import ADVANCE, Advance, Coefficients, bound

#: a recurrence, the coefficients it appends to, those of its operands, its constant
Rule = tuple[Advance, Coefficients, tuple[Coefficients, ...], Any]


class Node:
    """One operation on a tape; behaves as a number, and records what is done with it."""

    __slots__ = ("index", "tape")

    def __init__(self, tape: Tape, index: int) -> None:
        self.tape, self.index = tape, index

    def _with(self, operation: str, other: Any, swapped: bool = False) -> Node:
        b: Node = self.tape.lift(other)
        return self.tape.record(operation, (b, self) if swapped else (self, b))

    def __add__(self, other: Any) -> Node:
        return self if _is(other, 0) else self._with("+", other)

    __radd__ = __add__

    def __neg__(self) -> Node:
        return self.tape.scale(self, Fraction(-1))

    def __pos__(self) -> Node:
        return self

    def __sub__(self, other: Any) -> Node:
        return self._with("+", -other)

    def __rsub__(self, other: Any) -> Node:
        return (-self)._with("+", other)

    def __mul__(self, other: Any) -> Node:
        return self.tape.scale(self, other) if not isinstance(other, Node) else self._with("*", other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Node:
        return self._with("/", other) if isinstance(other, Node) else self.tape.scale(self, 1 / _exact(other))

    def __rtruediv__(self, other: Any) -> Node:
        return self._with("/", other, swapped=True)

    def __pow__(self, exponent: Any) -> Node:
        e = Fraction(int(exponent.p), int(exponent.q)) if isinstance(exponent, fmpq) else Fraction(exponent)
        if e.denominator != 1 or e < 0:
            return self.tape.record("**", (self,), e)
        half = self ** (int(e) // 2) if e > 1 else None
        if half is None:
            return self if e == 1 else self.tape.lift(1)
        return half * half if e % 2 == 0 else half * half * self

    def __abs__(self) -> Node:
        return self.sign() * self

    def sign(self) -> Node:
        return self.tape.record("sign", (self,))

    sgn = sign

    def sqrt(self) -> Node:
        return self ** Fraction(1, 2)

    def exp(self) -> Node:
        return self.tape.record("exp", (self,))

    def log(self) -> Node:
        return self.tape.record("primitive", (self, self), "log")

    def atan(self) -> Node:
        return self.tape.record("primitive", (self, self * self + 1), "atan")

    def erf(self) -> Node:
        """erf(a)' = a'/d with d = sqrt(pi)/2 exp(a^2), and pi = 4 atan(1)."""
        return self.tape.record("primitive", (self, (self * self).exp() * self.tape.lift(1).atan().sqrt()), "erf")

    def sin(self) -> Node:
        return self.tape.pair(self, "sin", "cos", -1)[0]

    def cos(self) -> Node:
        return self.tape.pair(self, "sin", "cos", -1)[1]

    def sinh(self) -> Node:
        return self.tape.pair(self, "sinh", "cosh", 1)[0]

    def cosh(self) -> Node:
        return self.tape.pair(self, "sinh", "cosh", 1)[1]

    def tan(self) -> Node:
        return self.sin() / self.cos()

    def tanh(self) -> Node:
        return self.sinh() / self.cosh()


def _is(value: Any, constant: int) -> bool:
    return isinstance(value, int | Fraction) and value == constant


def _exact(value: Any) -> Any:
    if isinstance(value, fmpq):
        return Fraction(int(value.p), int(value.q))
    return Fraction(value) if isinstance(value, int | Fraction) else value


def _exact_root(value: Fraction) -> Fraction | None:
    root = Fraction(isqrt(value.numerator), isqrt(value.denominator))
    return root if root * root == value else None


class Tape:
    """The operations of a computation, in order; `inputs` are its variables.

    >>> tape = Tape(1)
    >>> (x,) = tape.inputs
    >>> y, z = x * x + 1, x * x - 1
    >>> len(tape.operations)
    6
    """

    def __init__(self, inputs: int) -> None:
        self.operations: list[tuple[str, tuple[int, ...], Any]] = []
        self._known: dict[tuple[str, tuple[int, ...], Any], int] = {}
        self.losses: dict[Any, Any] = {}  # what losses and their derivatives are at nodes, found once
        self.inputs = tuple(self.record("input", (), i) for i in range(inputs))

    @property
    def numbers(self) -> Numbers:
        """Nodes of this tape as numbers of the interpreter."""
        return MethodNumbers(self.lift)

    def record(self, operation: str, args: tuple[Node, ...], extra: Any = None) -> Node:
        folded = self._folded(operation, args, extra)
        if folded is not None:
            return folded
        indices = tuple(a.index for a in args)
        if operation in "+*":
            indices = tuple(sorted(indices))
        key = (operation, indices, extra if isinstance(extra, int | str | Fraction | tuple) else id(extra))
        if key not in self._known:
            self._known[key] = len(self.operations)
            self.operations.append((operation, indices, extra))
        return Node(self, self._known[key])

    def _folded(self, operation: str, args: tuple[Node, ...], extra: Any) -> Node | None:
        """The result of an operation on exact constants, where it is exact too."""
        values = [self.exact(a) for a in args]
        first, last = (values[0], values[-1]) if values else (None, None)
        if len(values) == 2:
            return self._folded_pair(operation, args, first, last)
        if first is None:
            return None
        if operation == "**" and extra.denominator == 1 and first:
            return self.lift(first ** int(extra))
        if operation == "**" and extra.denominator == 2 and first > 0 and (root := _exact_root(first)):
            return self.lift(root ** int(2 * extra))
        return self.lift(1 if first > 0 else -1) if operation == "sign" and first else None

    def _folded_pair(self, operation: str, args: tuple[Node, ...], a: Fraction | None, b: Fraction | None) -> Node | None:
        if operation == "*" and (a is not None or b is not None):
            return self.scale(args[0], b) if a is None else self.scale(args[1], a)
        if operation == "/" and b:
            return self.scale(args[0], 1 / b)
        if operation == "+" and a is not None and b is not None:
            return self.lift(a + b)
        if operation == "+" and (a == 0 or b == 0):
            return args[1] if a == 0 else args[0]
        return None

    def exact(self, node: Node) -> Fraction | None:
        """The rational value of a constant node."""
        operation, _, extra = self.operations[node.index]
        return extra if operation == "constant" and isinstance(extra, Fraction) else None

    def lift(self, value: Any) -> Node:
        return value if isinstance(value, Node) else self.record("constant", (), _exact(value))

    def scale(self, node: Node, factor: Any) -> Node:
        factor = _exact(factor)
        operation, args, extra = self.operations[node.index]
        if _is(factor, 0):
            return self.lift(0)
        if _is(factor, 1):
            return node
        if isinstance(factor, Fraction) and operation == "constant" and isinstance(extra, Fraction):
            return self.lift(extra * factor)
        if isinstance(factor, Fraction) and operation == "scaled" and isinstance(extra, Fraction):
            return self.scale(Node(self, args[0]), extra * factor)
        return self.record("scaled", (node,), factor)

    def pair(self, node: Node, first: str, second: str, sign: int) -> tuple[Node, Node]:
        """sin and cos, or sinh and cosh: each other's derivative up to the sign of the second."""
        here = len(self.operations)
        key = (first, (node.index,), None)
        if key not in self._known:
            self._known[key] = here
            self.operations.append(("turn", (node.index, here + 1), (first, 1)))
            self.operations.append(("turn", (node.index, here), (second, sign)))
        index = self._known[key]
        return Node(self, index), Node(self, index + 1)

    def needed(self, outputs: Iterable[Node]) -> list[int]:
        """Indices of the operations on which the outputs depend, in order of execution."""
        frontier = [o.index for o in outputs]
        found: set[int] = set()
        while frontier:
            index = frontier.pop()
            if index not in found:
                found.add(index)
                frontier.extend(self.operations[index][1])
        return sorted(found)

    def rules(self, series: Sequence[Coefficients], wanted: Iterable[int]) -> list[Rule]:
        """The recurrence of every wanted operation, bound to its series and, at the working precision, to its constant."""
        found: list[Rule] = []
        for index in wanted:
            operation, args, extra = self.operations[index]
            if operation != "input":
                operands = tuple(series[a] for a in args)
                found.append((ADVANCE[operation], series[index], operands, bound(operation, extra)))
        return found


def advance(rules: Iterable[Rule], k: int) -> None:
    """Append the k-th coefficient of every operation; the inputs' are there already."""
    for rule, c, operands, extra in rules:
        c.append(rule(k, c, operands, extra))


class Program:
    """The values (order 0) of some outputs of a tape, as a flat list of steps: what a scheme's step runs on."""

    def __init__(self, tape: Tape, outputs: Sequence[Node]) -> None:
        self.tape = tape
        self.wanted = [i for i in tape.needed(outputs) if tape.operations[i][0] != "input"]
        self.inputs = len(tape.inputs)
        self.outputs = [o.index for o in outputs]
        self._bound: dict[int, tuple[list[Any], list[Any]]] = {}

    def _at(self, bits: int) -> tuple[list[Any], list[Any]]:
        """The constants in their places, and the steps (operation, place, arguments, constant), at a precision."""
        if bits not in self._bound:
            values: list[Any] = [None] * len(self.tape.operations)
            steps = []
            for index in self.wanted:
                operation, args, extra = self.tape.operations[index]
                constant = bound(operation, extra)
                if operation == "constant":
                    values[index] = constant
                else:
                    steps.append((operation, index, args[0], args[-1], constant))
            self._bound[bits] = values, steps
        return self._bound[bits]

    def __call__(self, inputs: Sequence[Any]) -> list[Any]:
        constants, steps = self._at(ctx.prec)
        values = constants.copy()
        values[: self.inputs] = inputs
        for operation, index, a, b, extra in steps:
            if operation == "*":
                values[index] = values[a] * values[b]
            elif operation == "+":
                values[index] = values[a] + values[b]
            elif operation == "scaled":
                values[index] = values[a] * extra
            elif operation == "/":
                values[index] = values[a] / values[b]
            else:
                values[index] = ADVANCE[operation](0, [], ([values[a]], [values[b]]), extra)
        return [values[i] for i in self.outputs]
