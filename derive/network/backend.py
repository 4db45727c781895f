"""What a library of arrays has to offer so that terms can be evaluated on its vectors.

A vector is a tree of arrays, of the shape of the parameters; a scalar is a number or an array without axes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

from derive.algebra.coefficients import Ratio
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

    def largest(self, x: Array, axis: int | None) -> Array:
        """The largest entry, or that along an axis, which stays with length one."""

    def full(self, x: Array, value: Scalar) -> Array:
        """An array like x that is everywhere the value."""

    def unit(self, x: Array) -> Array:
        """The unit matrix of the size of a square matrix."""

    def eigenvectors(self, x: Array) -> Array:
        """Those of (x + x.T)/2 as columns, of descending eigenvalues, u_1 + u_2/2 + u_3/3 + ... of each positive."""

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

    def mapped(self, f: Function, samples: Tree) -> Tree:
        """f of every entry along the first axis of the arrays; the first axis of what comes back goes over them."""

    def units(self, tree: Tree) -> Tree:
        """All unit vectors of the shape of a tree, along a first axis."""

    def jvp(self, f: Function, point: tuple[Tree, ...], tangents: tuple[Tree, ...]) -> Tree:
        """d/ds f(x_1 + s v_1, ..., x_m + s v_m) at s = 0, for a function of trees with values in trees."""


def multilinear(backend: Backend, f: Function, directions: int) -> Function:
    """(x, u_1, ..., u_k) -> d^kf(x)[u_1, ..., u_k]."""
    if directions == 0:
        return f
    lower = multilinear(backend, f, directions - 1)
    return lambda x, *u: backend.jvp(lambda y: lower(y, *u[:-1]), (x,), (u[-1],))


def product_rule(backend: Backend, f: Function, x: Tree, u: Sequence[Tree], v: Tree, changes: Mapping[int, Tree]) -> Tree:
    """d^(k+1)f[u_1, ..., u_k, v] + sum_i d^kf[u_1, ..., w_i, ..., u_k], w_i in the place of u_i: one derivative of a product
    in which x moves along v and u_i along w_i."""
    moving = list(changes)

    def lower(y: Tree, *changed: Tree) -> Tree:
        now = {**dict(enumerate(u)), **dict(zip(moving, changed, strict=True))}
        return multilinear(backend, f, len(u))(y, *now.values())

    return backend.jvp(lower, (x, *(u[i] for i in moving)), (v, *(changes[i] for i in moving)))


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


def check_parameters(others: Sequence[Any]) -> None:
    """Raise UsageError for types of leaves that are `others` than floating ones: they have no derivative."""
    if others:
        raise UsageError(f"params: floating-point numbers, not {others[0]}; write 1.0 in the place of 1")


@contextmanager
def not_differentiable() -> Iterator[None]:
    """What libraries say where a function has no further derivative, as one line."""
    try:
        yield
    except UsageError:
        raise
    except (TypeError, NotImplementedError, RuntimeError) as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        what = "the loss cannot be differentiated often enough, or vectors do not match its parameters"
        raise UsageError(f"{what}: {first}") from error


def coefficient_at(c: Ratio, numbers: Mapping[str, Scalar]) -> Scalar:
    """The coefficient, numbers floating or traced; UsageError where a symbol has none."""
    missing = sorted(c.symbols() - numbers.keys())
    if missing:
        raise UsageError(f"{missing[0]} needs a value: hyper={{'{missing[0]}': ...}}, or slow={{...}} for time and memory")
    return c.at(numbers, float)
