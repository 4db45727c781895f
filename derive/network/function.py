"""A modified equation as a function of parameters, hyperparameters and other slow variables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

from derive.algebra.functions import declared_losses, declared_maps, variable_of
from derive.errors import UsageError
from derive.network.backend import Backend, Function, Scalar, Tree
from derive.network.map_lines import stated
from derive.network.vectors import Surroundings, Vectors, inner_terms
from derive.result import Combination, Described, Equation
from derive.scheme.map_programs import MapProgram

Losses = Function | Mapping[str, Function]
_BACKENDS = {"jax": ("derive.network.jax_backend", "JaxBackend"), "torch": ("derive.network.torch_backend", "TorchBackend")}


@dataclass(frozen=True, eq=False, repr=False)
class FieldFunction(Described):
    """theta -> [f_0(theta), f_1(theta), ...], by name of the slow variable.

    `loss` takes what the point is: the parameters, or a mapping of every unknown to its own.  Hyperparameters and the step may
    be traced; the function is pure, and can be compiled, differentiated and mapped by the library.
    """

    equation: Equation
    sums: Mapping[str, Sequence[Combination]]
    backend: Backend
    losses: Mapping[str, Function]
    field: Function | None = None
    maps: Mapping[str, Function] | None = None
    numbers: Collection[str] = ()  # what its coefficients contain besides the symbols of the equation

    def __call__(
        self, params: Any, hyper: Mapping[str, Scalar] | None = None, slow: Mapping[str, Any] | None = None
    ) -> dict[str, list[Tree]]:
        """[f_0, f_1, ...] for every slow variable; the coefficient of gamma^k is f_k.

        params    a tree of arrays; of several unknowns, a mapping of each to its own
        hyper     parameters of the scheme: a number each, which the library may trace
        slow      the other slow variables: time "t", memory as a tree like the parameters (one number if it is a scalar)

        Raises UsageError for a value that is missing, a loss that is no number, or vectors that do not match.
        """
        return self._evaluated(self.sums, params, hyper, slow)

    def memory(
        self, params: Any, hyper: Mapping[str, Scalar] | None = None, slow: Mapping[str, Any] | None = None
    ) -> dict[str, list[Tree]]:
        """The same for memory on the slow manifold, by name of the memory variable."""
        return self._evaluated(self.equation.memory, params, hyper, slow)

    def truncated(
        self,
        params: Any,
        gamma: Scalar,
        hyper: Mapping[str, Scalar] | None = None,
        slow: Mapping[str, Any] | None = None,
        order: int | None = None,
    ) -> dict[str, Tree]:
        """f_0 + gamma f_1 + ... + gamma^order f_order: the right side of the modified equation."""
        kept = {x: sums[: None if order is None else order + 1] for x, sums in self.sums.items()}
        found = self._evaluated(kept, params, {**(hyper or {}), "gamma": gamma}, slow)
        small = gamma if (root := self.equation.scheme.root) == 1 else gamma ** (1 / root)
        return {x: self.backend.map(lambda *parts: _horner(parts, small), *parts) for x, parts in found.items()}

    @cached_property
    def _inner(self) -> set[Any]:
        return inner_terms(s.sum for sums in (*self.sums.values(), *self.equation.memory.values()) for s in sums)

    def _evaluated(
        self, sums: Mapping[str, Sequence[Combination]], params: Any, hyper: Mapping[str, Scalar] | None, slow: Any
    ) -> dict[str, list[Tree]]:
        vectors = Vectors(self.backend, self._given(params, hyper or {}, slow or {}), self._inner)
        found: dict[str, list[Tree]] = {}
        for x, parts in sums.items():
            values = [vectors.total((t, c) for c, t in part) for part in parts]
            found[x] = values if self._is_scalar(x) else [vectors.filled(v, self.equation.space(x)) for v in values]
        return found

    def _given(self, params: Any, hyper: Mapping[str, Scalar], slow: Mapping[str, Any]) -> Surroundings:
        unknowns = list(self.equation.scheme.unknowns)
        if len(unknowns) == 1:
            point = {unknowns[0]: self.backend.parameters(params)}
        else:
            if not isinstance(params, Mapping) or set(params) != set(unknowns):
                raise UsageError(f"params: a mapping with the keys {', '.join(unknowns)}, each with its own parameters")
            point = {x: self.backend.parameters(params[x]) for x in unknowns}
        known = {*self.equation.algebra.ring.symbols, *self._states(), *self.numbers}
        for name in (*hyper, *slow):
            if name not in known and name not in (*self.equation.scheme.parameters, "gamma"):
                raise UsageError(f"the equation knows no {name} (it has {', '.join(sorted(known)) or 'no parameters'})")
        for name, value in slow.items():
            if self._states().get(name) == "vector":
                self._check_shape(name, value, point[self.equation.space(name) or unknowns[0]])
        numbers = {**hyper, **{n: v for n, v in slow.items() if self._states().get(n) != "vector"}}
        return Surroundings(
            point, self._fields(), self._losses(), numbers, slow, self._maps(numbers), declared_maps(self._functions)
        )

    def _maps(self, numbers: Mapping[str, Scalar]) -> dict[str, Function]:
        """What is given, and what is stated by lines."""
        programs = self.equation.configuration.maps
        found = {p: stated(lines, self.backend, numbers) for p, lines in programs.items() if isinstance(lines, MapProgram)}
        return {**found, **(self.maps or {})}

    def _is_scalar(self, name: str) -> bool:
        """A scalar slow variable, or what is no variable of the equation but a number made of it, as a modified loss is."""
        own = name in self.equation.equations or name in self.equation.memory
        return self.equation.scheme_kind(name) == "scalar" if own else True

    def _states(self) -> dict[str, str]:
        """Slow variables besides the unknowns, with their kinds."""
        names = [x for x in (*self.equation.equations, *self.equation.memory) if x not in self.equation.scheme.unknowns]
        return {x: self.equation.scheme_kind(x) for x in names}

    def _check_shape(self, name: str, value: Any, like: Tree) -> None:
        if self.backend.structure(value) != self.backend.structure(like):
            raise UsageError(f"slow['{name}'] has another structure than the parameters; it must be a tree of the same shapes")

    @property
    def _functions(self) -> Mapping[str, Any]:
        return self.equation.algebra.functions

    def _fields(self) -> dict[str, Function]:
        """The function whose derivatives are the nodes of each label."""
        if declared_losses(self._functions):
            return {f: self._partial(f) for f in self._functions if variable_of(f)}
        found = {"L": self.backend.gradient(self.losses["L"])} if "L" in self.losses else {}
        return found | ({"f": self.field} if self.field is not None else {})

    def _partial(self, label: str) -> Function:
        """The gradient of a declared loss with respect to one unknown."""
        loss, _, unknown = label.partition(".")
        whole = self.backend.gradient(lambda point: self.losses[loss](*(point[x] for x in self.equation.scheme.losses[loss])))
        return lambda point: whole(point)[unknown]

    def _losses(self) -> dict[str, Function]:
        if not declared_losses(self._functions):
            return dict(self.losses)
        slots = self.equation.scheme.losses
        return {f: (lambda point, f=f: self.losses[f](*(point[x] for x in slots[f]))) for f in slots}

    def describe(self) -> str:
        last = len(next(iter(self.sums.values()))) - 1
        return f"{self.equation.name}, through {self.equation.scheme.power(last)}"


def _horner(parts: Sequence[Any], gamma: Scalar) -> Any:
    *lower, total = parts
    for part in reversed(lower):
        total = part + gamma * total
    return total


def field_function(
    equation: Equation,
    loss: Losses | None = None,
    backend: str = "jax",
    field: Function | None = None,
    maps: Mapping[str, Function] | None = None,
    sums: Mapping[str, Sequence[Combination]] | None = None,
    numbers: Collection[str] = (),
) -> FieldFunction:
    """The function of an equation; see `ModifiedEquation.function`.

    `sums` are evaluated in the place of its right sides, with the symbols `numbers` besides the equation's own.
    """
    scheme = equation.scheme
    if scheme.losses:
        if not isinstance(loss, Mapping) or set(loss) != set(scheme.losses):
            raise UsageError(f"loss: a mapping with the keys {', '.join(scheme.losses)}, each a function of its unknowns")
        losses: Mapping[str, Function] = loss
    elif scheme.label == "f":
        if field is None:
            raise UsageError(f"{scheme.where} is one of a vector field; give field=..., a function of the parameters")
        losses = {}
    else:
        if not callable(loss):
            raise UsageError("loss: a function of the parameters whose value is one number")
        losses = {equation.algebra.loss: loss, "L": loss}
    return FieldFunction(equation, sums or equation.equations, load_backend(backend), losses, field, maps, numbers)


def load_backend(backend: str) -> Backend:
    """The operations of a library.  Raises UsageError where it is not installed, its extra named."""
    if backend not in _BACKENDS:
        raise UsageError(f"backend '{backend}': write {' or '.join(_BACKENDS)}, or numpy with a loss that is a text, 'x**2/2'")
    module, name = _BACKENDS[backend]
    try:
        make: Callable[[], Backend] = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        raise UsageError(f"backend '{backend}' needs {error.name}: pip install 'shadowflow[{backend}]'") from None
    return make()
