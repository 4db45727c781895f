"""What a library of arrays has to offer so that terms can be evaluated on its vectors.

A vector is a tree of arrays, of the shape of the parameters; a scalar is a number or an array without axes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

from derive.errors import UsageError

Tree = Any
Scalar = Any
Array = Any
Function = Callable[..., Any]


class Backend(Protocol):
    """Operations on trees of arrays, and directional derivatives of functions of trees."""

    def parameters(self, given: Any) -> Tree:
        """The parameters as a tree of arrays: of a tree, or of a model of the library."""

    def structure(self, tree: Tree) -> Any:
        """The shape of a tree: equal for trees that can be added."""

    def map(self, f: Callable[..., Array], *trees: Tree) -> Tree:
        """f at each leaf; the trees have one structure."""

    def leaves(self, tree: Tree) -> Sequence[Array]: ...

    def total(self, x: Array) -> Scalar:
        """The sum over all entries."""

    def size(self, x: Array) -> int: ...

    def full(self, x: Array, value: Scalar) -> Array:
        """An array like x that is everywhere the value."""

    def sqrt(self, x: Array) -> Array: ...

    def absolute(self, x: Array) -> Array: ...

    def sign(self, x: Array) -> Array: ...

    def power(self, x: Array, exponent: float) -> Array: ...

    def known(self, name: str, x: Array) -> Array:
        """exp, log, sin, ... at each entry."""

    def gradient(self, loss: Function) -> Function:
        """x -> the gradient of a scalar function of a tree.

        Raises UsageError, when called, where the loss has no scalar value of a real floating type.
        """

    def along(self, f: Function, direction: Tree) -> Function:
        """x -> df(x)[direction], for a function of a tree with values in trees."""


def among(backend: Backend, point: Mapping[str, Tree], unknown: str, direction: Tree) -> dict[str, Tree]:
    """A direction in one unknown as one of all: zero in the others."""
    zero = partial(backend.full, value=0)
    return {x: direction if x == unknown else backend.map(zero, tree) for x, tree in point.items()}


def check_scalar(shape: tuple[int, ...] | None, floating: bool) -> None:
    """Raise UsageError where the value of a loss is no real number of floating type."""
    if shape is None or shape != ():
        what = "is no number of the library" if shape is None else f"has the shape {shape}"
        raise UsageError(f"the loss must be one number, and its value {what}; take its mean or its sum")
    if not floating:
        raise UsageError("the loss must be a real floating-point number")


@contextmanager
def not_differentiable() -> Iterator[None]:
    """What libraries say where a function has no further derivative, as one line."""
    try:
        yield
    except UsageError:
        raise
    except (TypeError, NotImplementedError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UsageError(f"the loss cannot be differentiated often enough, or vectors do not match its parameters: {first}") from error
