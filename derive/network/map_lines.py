"""The lines of a declared map on trees of arrays: carried out on every leaf by itself, a matrix where they ask for one."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from derive.errors import UsageError
from derive.language import Arithmetic, Call, Name, Operation, interpret
from derive.language.calls import CHOICES, PIECES
from derive.language.layers import ROW, extreme_call, summed_call
from derive.language.matrices import EIGENVECTORS, PRODUCT, TRACE, TRANSPOSE, UNIT
from derive.language.repeats import unrolled
from derive.network.backend import Array, Backend, Function, Scalar, Tree
from derive.scheme.map_programs import MapProgram


def stated(program: MapProgram, backend: Backend, numbers: Mapping[str, Scalar]) -> Function:
    """The function of a tree that the lines are; `numbers` are the values of parameters."""

    def on_leaf(x: Array) -> Array:
        if program.of_matrices and len(x.shape) != 2:
            shape = tuple(x.shape)
            text = f"{program.label} is a map of matrices, and a parameter has the shape {shape}"
            raise UsageError(f"{text}; give it as maps={{'{program.label}': ...}}, a function of a tree like the parameters")
        known: dict[str, Any] = {**numbers, program.argument: x}
        for line in unrolled(program.statements):
            known[line.target] = interpret(line.value, _Lines(backend, known, program.label, x))
        return known[program.label] + backend.full(x, 0.0)

    def function(tree: Tree) -> Tree:
        return backend.map(on_leaf, tree)

    return function


class _Lines(Arithmetic):
    """Arrays, and numbers beside them."""

    def __init__(self, backend: Backend, names: Mapping[str, Any], label: str, like: Array) -> None:
        self.backend, self.names, self.label, self.like = backend, names, label, like

    def number(self, value: Fraction) -> float:
        return float(value)

    def name(self, node: Name) -> Any:
        if node.id not in self.names:
            raise UsageError(f"{node.id} needs a value, and {self.label} is made of it: hyper={{'{node.id}': ...}}")
        return self.names[node.id]

    def power(self, base: Any, exponent: Fraction | None, node: Operation) -> Any:
        if exponent is None:
            raise UsageError(f"{self.label}: an exponent must be a rational number, such as 2 or 1/2")
        return base ** (int(exponent) if exponent.denominator == 1 else float(exponent))

    def call(self, node: Call, args: list[Any]) -> Any:
        name = node.function
        if summed := summed_call(name):
            return self._summed(*summed, args)
        if extreme := extreme_call(name):
            return self._extreme(*extreme, args[0])
        if name in PIECES:
            return self._piece(name, args)
        match name:
            case _ if name == PRODUCT:
                return args[0] @ args[1]
            case _ if name == TRANSPOSE:
                return args[0].T
            case _ if name == TRACE:
                return self.backend.total(args[0] * self.backend.unit(args[0]))
            case _ if name == UNIT:
                return self.backend.unit(args[0])
            case _ if name == EIGENVECTORS:
                return self.backend.eigenvectors(args[0])
        return self._elementary(name, args[0])

    def _elementary(self, name: str, x: Any) -> Any:
        match name:
            case "sqrt":
                return x**0.5
            case "abs":
                return x * self._sign(x)
            case "sign":
                return self._sign(x)
        return self.backend.known(name, self._array(x))

    def _array(self, x: Any) -> Array:
        """A number as an array, so that functions of the library take it."""
        return x if hasattr(x, "shape") else self.backend.total(self.like) * 0 + x

    def _sign(self, x: Any) -> Any:
        return self.backend.sign(self._array(x))

    def _piece(self, name: str, args: list[Any]) -> Any:
        """y + (x - y) (1 + sign(a - b))/2 for x where a > b and y where a < b."""
        if name == "clip":
            x, low, high = args
            return self._piece("min", [self._piece("max", [x, low]), high])
        a, b, *ways = args
        first, second = ways or (a, b)
        above = name == "max" or CHOICES.get(name, "<")[0] == ">"
        x, y = (first, second) if above else (second, first)
        return y + (x - y) * ((1 + self._sign(a - b)) / 2)

    def _extreme(self, name: str, part: str, x: Array) -> Any:
        """The sum of the components that are not beyond the largest, which is one of them; of two there is no value: nan."""
        if name == "smallest":
            return -self._extreme("largest", part, -x)
        axis = {"": None, ROW: 1}.get(part, 0)
        there = 1 - self._sign(self.backend.largest(x, axis) - x)  # 1 where x is the largest, 0 elsewhere
        found, count = (self._over(part, x * there), self._over(part, there))
        one = 1 - self._sign(count - 1)
        return found * one / one

    def _over(self, part: str, terms: Array) -> Any:
        """The sum of all, or over the row or column of each component."""
        if not part:
            return self.backend.total(terms)
        return terms.sum(axis=1 if part == ROW else 0, keepdims=True) + terms * 0

    def _summed(self, name: str, part: str, args: list[Any]) -> Any:
        terms = args[0] if name == "mean" else args[0] * args[-1]
        total = self._over(part, terms)
        count = terms.shape[part == ROW] if part else self.backend.size(terms)
        return total / count if name == "mean" else total**0.5 if name == "norm" else total


__all__ = ["stated"]
