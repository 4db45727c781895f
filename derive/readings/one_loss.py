"""Games of two players in which the second loss is the first, or minus it: common payoff g = f, zero sum g = -f."""

from __future__ import annotations

from dataclasses import replace

from derive.algebra.calculus import Transfer
from derive.algebra.functions import declared_losses, gradients
from derive.algebra.sums import Algebra, Sum
from derive.algebra.terms import Factor
from derive.equation import ModifiedEquation, TermSum


def related(equation: ModifiedEquation) -> dict[str, ModifiedEquation]:
    """The equation for g = -f and for g = f; none where there are not two losses of the same several unknowns.

    >>> from derive.equation import modified_equation
    >>> game = related(modified_equation("game-simultaneous", 1, settings={"mu": "1"}))
    >>> str(game["g = -f"]["x"][1]), str(game["g = f"]["y"][0])
    ('-1/2*hess(f, x, grad(f, x)) + 1/2*hess(f, x, grad(f, y))', '-grad(f, y)')
    """
    losses = declared_losses(equation.algebra.functions)
    slots = {frozenset(s) for s in losses.values()}
    if len(losses) != 2 or len(slots) > 1 or slots == {frozenset(())} or not equation.algebra.spaces:
        return {}
    f, g = losses
    return {f"{g} = {sign}{f}": _identified(equation, f, g, sign) for sign in ("-", "")}


def _identified(equation: ModifiedEquation, f: str, g: str, sign: str) -> ModifiedEquation:
    a = equation.algebra
    one = Algebra(a.ring, gradients({f: declared_losses(a.functions)[f]}), a.spaces)
    move = _Identified(a, one, f, g, -1 if sign else 1)
    moved = {x: tuple(TermSum(one, move(s.sum)) for s in sums) for x, sums in equation.equations.items()}
    return replace(equation, algebra=one, equations=moved, memory={})


class _Identified(Transfer):
    """Terms with sign f in the place of g."""

    def __init__(self, source: Algebra, target: Algebra, f: str, g: str, sign: int) -> None:
        super().__init__(source, target)
        self.f, self.g, self.sign = f, g, sign

    def node(self, f: Factor) -> Sum:
        loss, _, x = f.label.partition(".")
        point = self(dict(f.body)) if f.body else None
        node = self.target.node_of_sums(f"{self.f}.{x}", [self.term(c) for c in f.children], point)
        return self.target.scale(node, self.target.ring.constant(self.sign)) if loss == self.g else node

    moved = node
