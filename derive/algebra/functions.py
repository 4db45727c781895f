"""The functions whose derivatives are the nodes of terms: which variables they depend on, and what kind of function they are.

A node is a derivative of a function, and each of its children fills a slot: a direction in which one of the function's
variables is differentiated.  Mixed partial derivatives commute, so the children are an unordered multiset.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from derive.language.maps import MapKind


@dataclass(frozen=True)
class Function:
    """A function by its label: `slots` are the variables it depends on.

    `is_loss`: it is a scalar, a node is its gradient or a derivative of that, and the free index is one more slot, so that
    every derivative is symmetric in all its indices.  Else it is a vector field.

    A loss f(x, y) of several variables has a gradient with respect to each, a function of its own with the label f.x or f.y;
    every derivative of these is one of f, and its free index may be any of its indices (`at`).
    """

    label: str
    slots: tuple[str, ...] = ("theta",)
    is_loss: bool = False
    inverse: str = ""  # of a map: the label of the map that undoes it
    map: MapKind | None = None  # a map of vectors, at an argument of its own: it depends on no variable by itself (`mapping`)

    @property
    def point(self) -> str:
        """The variable whose space the values lie in: a gradient's with respect to it."""
        return variable_of(self.label) or self.slots[0]

    def slot(self, space: str) -> str:
        """The slot that a vector of this space fills (nothing: where all vectors lie in one)."""
        return self.slots[0] if len(self.slots) == 1 else space

    def at(self, variable: str) -> str:
        """The label of the same loss's gradient with respect to another variable.

        >>> Function("f.x", ("x", "y"), True).at("y"), LOSS.at("theta")
        ('f.y', 'L')
        """
        loss, dot, _ = self.label.partition(".")
        return f"{loss}.{variable}" if dot else self.label

    def derivative(self, rank: int) -> str:
        """Name of the derivative with `rank` filled slots in the formula language.

        >>> [LOSS.derivative(k) for k in range(4)], FIELD.derivative(2)
        (['grad', 'hess', 'd3', 'd4'], 'd2field')
        """
        if self.is_loss:
            return ("grad", "hess")[rank] if rank < 2 else f"d{rank + 1}"
        return ("field", "dfield")[rank] if rank < 2 else f"d{rank}field"


LOSS = Function("L", is_loss=True)
FIELD = Function("f")
FUNCTIONS = {f.label: f for f in (LOSS, FIELD)}


def variable_of(label: str) -> str:
    """x for the gradient f.x; nothing for a function that is no partial gradient."""
    return label.partition(".")[2]


def gradients(losses: Mapping[str, Sequence[str]]) -> dict[str, Function]:
    """The gradients of declared losses with respect to each of their variables, by label; `FUNCTIONS` where none is declared.

    >>> list(gradients({"f": ("x", "y"), "g": ("y",)}))
    ['f.x', 'f.y', 'g.y']
    """
    found = [Function(f"{loss}.{x}", tuple(slots), True) for loss, slots in losses.items() for x in slots]
    return {f.label: f for f in found} or FUNCTIONS


def mapping(label: str, kind: MapKind, inverse: str = "") -> Function:
    """A smooth map of vectors by its label.

    map             P(u), with the derivatives dP(u)[v], d2P(u)[v, w], ..., symmetric and linear in their directions
    linear          A(u) = A u for a constant matrix
    componentwise   p(u)_i = p(u_i), with the derivatives dp(u), d2p(u), ... at each component
    """
    return Function(label, (), inverse=inverse, map=kind)


def declared_maps(functions: Mapping[str, Function]) -> dict[str, MapKind]:
    """The maps among functions, with their kinds."""
    return {label: f.map for label, f in functions.items() if f.map}


def declared_losses(functions: Mapping[str, Function]) -> dict[str, tuple[str, ...]]:
    """The losses of which these are gradients, with their variables; none where none is declared."""
    return {label.partition(".")[0]: f.slots for label, f in functions.items() if variable_of(label)}


def gradients_of_losses(functions: Mapping[str, Function]) -> dict[str, dict[str, str]]:
    """Declared loss -> by variable, the label of its gradient.

    >>> gradients_of_losses(gradients({"f": ("x", "y")}))
    {'f': {'x': 'f.x', 'y': 'f.y'}}
    """
    return {loss: {x: f"{loss}.{x}" for x in slots} for loss, slots in declared_losses(functions).items()}


def derivative_text(label: str, arguments: Sequence[str], point: Sequence[str] = ()) -> str:
    """A derivative of a loss or a field in the formula language; `point` are the arguments of the function, where it is moved.

    >>> derivative_text("L", ["u"]), derivative_text("f.x", []), derivative_text("f.x", ["u", "v"])
    ('hess(u)', 'grad(f, x)', 'd3(f, x, u, v)')
    >>> derivative_text("L", ["u"], ["p"]), derivative_text("f.x", ["u"], ["p", "q"])
    ('hess(p, u)', 'hess(f(p, q), x, u)')
    """
    loss, dot, variable = label.partition(".")
    name = (LOSS if dot else FUNCTIONS[label]).derivative(len(arguments))
    if dot:
        inner = [f"{loss}({', '.join(point)})" if point else loss, variable, *arguments]
    else:
        inner = [*point, *arguments]
    return f"{name}({', '.join(inner)})" if inner else name
