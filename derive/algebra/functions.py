"""The functions whose derivatives are the nodes of terms: which variables they depend on, and what kind of function they are.

A node is a derivative of a function, and each of its children fills a slot: a direction in which one of the function's
variables is differentiated.  Mixed partial derivatives commute, so the children are an unordered multiset.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Function:
    """A function by its label: `slots` are the variables it depends on.

    `is_loss`: it is a scalar, a node is its gradient or a derivative of that, and the free index is one more slot, so that
    every derivative is symmetric in all its indices.  Else it is a vector field.
    """

    label: str
    slots: tuple[str, ...] = ("theta",)
    is_loss: bool = False

    @property
    def point(self) -> str:
        """The variable whose space the values lie in: a gradient's with respect to it."""
        return self.slots[0]

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
