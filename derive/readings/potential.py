"""Potentials: whether a field is a gradient, of what, and what stands in the way.

    F(theta) = -grad V(theta)            F(x, y) = -grad_x V(x, y) for the player of x, y held fixed

A sum of rooted trees is a gradient for every L exactly when c(tau) = coefficient * sigma(tau) takes one value on all
rootings tau of the same free tree, because  grad <free tree> = sum over rootings (sigma_free / sigma(tau)) F(tau).  A
general field is a gradient exactly when its Jacobian is symmetric, D F [u] = (D F)^T u for every u: symmetry is proved by
cancellation of terms, asymmetry by a loss and a point where it shows, in exact numbers (for that loss there is no potential at
all, of whatever form); the potential is then sought among the scalars from which its terms can come, and differentiated back.
A player's trees have nodes of several losses; its rootings are those at every node whose loss depends on the player's unknown,
and u and D are of that unknown alone.
That none is found there says nothing; nor does an asymmetry that neither cancels nor shows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from derive.algebra.calculus import Transfer
from derive.algebra.coefficients import Ratio
from derive.algebra.fold import terms_within
from derive.algebra.functions import declared_losses
from derive.algebra.sums import Algebra, Sum, nonzero
from derive.algebra.terms import Term, term_text
from derive.equation import ModifiedEquation, TermSum
from derive.language import fresh_name
from derive.readings.antiderivative import Place, general_potential, gradient_part, jacobian_asymmetry, tree_potential
from derive.readings.conclusion import EXISTS, NONE_EXISTS, NONE_FOUND, UNDECIDED, Conclusion, where_nonzero, witness_of
from derive.readings.witness import Witness
from derive.result import Described, blocks

Rootings = tuple[tuple[Term, tuple[tuple[Term, Ratio], ...]], ...]  # free tree -> (rooting, its c)

if TYPE_CHECKING:
    from derive.network import FieldFunction


@dataclass(frozen=True, repr=False)
class Obstruction(Described):
    """Why the field at gamma^power is no gradient.

    `trees` pairs each free tree on which c differs with the sum of c(tau) tau over its rootings, c = coefficient * sigma
    (with the sign of the terms as printed, in derivatives of L: (-1)^nodes times b of `derive trees`; some may be zero); empty
    for general terms, where `asymmetry` is D F [u] - (D F)^T u.  `gradient_part` is a scalar whose negative gradient is the
    part of the field that still is a gradient, `remainder` the rest.  `direction` is the symbol of u.  `witness` is a loss and
    a point where the asymmetry is not zero, `for_parameters` says for which parameters it is not identically zero.
    """

    power: int
    trees: tuple[tuple[TermSum, TermSum], ...]
    asymmetry: TermSum
    gradient_part: TermSum
    remainder: TermSum
    direction: str = "u"
    witness: Witness | None = None
    for_parameters: str = ""
    player: str = ""  # the unknown whose field it is, where there are several

    @property
    def decided(self) -> bool:
        """Whether it is proved that the field is no gradient; else its terms are not seen to cancel, nor a value not to."""
        return bool(self.trees) or self.witness is not None

    @property
    def antisymmetric(self) -> str:
        """DF[u] - DF^T u, as a formula; D the derivative with respect to the player's unknown alone."""
        u = self.direction
        return f"D_{self.player}F[{u}] - D_{self.player}F^T {u}" if self.player else f"DF[{u}] - DF^T {u}"

    @property
    def rootings(self) -> Rootings:
        """(free tree, ((rooting, its c), ...)) for each free tree on which c differs."""
        return tuple((next(iter(free.sum)), tuple((t, b) for b, t in values)) for free, values in self.trees)

    def describe(self) -> str:
        if not self.decided:
            return f"at gamma^{self.power}: not decided whether the Jacobian is symmetric"
        return f"at gamma^{self.power}: " + ("c differs between rootings" if self.trees else "the Jacobian is not symmetric")

    def to_json(self) -> dict[str, Any]:
        return {
            "power": self.power,
            "rootings": [
                {"free_tree": term_text(tree), "values": [{"term": term_text(t), "value": str(b)} for t, b in values]}
                for tree, values in self.rootings
            ],
            "asymmetry": self.asymmetry.to_json(),
            "gradient_part": self.gradient_part.to_json(),
            "remainder": self.remainder.to_json(),
            "decided": self.decided,
            "witness": self.witness.to_json() if self.witness else None,
        }


@dataclass(frozen=True, repr=False)
class ModifiedLoss(Described):
    """The potential V of a field, field = -P grad V with P = 1, or the scheme's own elementwise factor.

    `potential[k]` is V_k, for k up to `exists_through` (-1: not even the limit field is a gradient).  At the powers `unwritten`
    the field is a gradient, but V_k was not found as a sum of terms (it may contain a logarithm, say) and is left empty here,
    null in JSON.  `obstruction` is None where every power asked for has a potential; it need not be `decided`.  `preconditioned`
    is the same reading with P (componentwise schemes), in which the field is `divided` by P.  With `player` it is that player's
    field and its gradient in that unknown.
    """

    equation: ModifiedEquation
    exists_through: int
    potential: tuple[TermSum, ...]
    obstruction: Obstruction | None
    unwritten: tuple[int, ...] = ()
    preconditioner: TermSum | None = None
    preconditioned: ModifiedLoss | None = None
    limits: tuple[tuple[str, ModifiedLoss], ...] = ()
    player: str = ""
    divided: bool = False

    def function(self, loss: Any, *, backend: str = "jax") -> FieldFunction:
        """V_0, V_1, ... as functions of parameters, f(params, hyper)["V"]; `loss` and `backend` as in ModifiedEquation.function.

        `f.truncated(params, gamma, hyper)["V"]` is V_0 + gamma V_1 + ..., a loss to minimise.
        """
        from derive.network import field_function

        return field_function(self.equation, loss, backend, sums={"V": self.potential})

    @property
    def descent(self) -> str:
        """The equation that a potential solves, as it is typed.

        >>> from derive.equation import modified_equation
        >>> replace(read_fields(modified_equation("gd", 0, form="map"), []), divided=True).descent
        'theta+ = theta - gamma P grad V'
        """
        x = self.player or "theta"
        left = f"{x}' = -" if self.equation.form == "flow" else f"{x}+ = {x} - gamma "
        return f"{left}{'P ' if self.divided else ''}{f'grad_{x} V_{x}' if self.player else 'grad V'}"

    @property
    def factor(self) -> str:
        """What P is: 'scalar' where it has no components, such as 1/|grad L|, else 'elementwise'."""
        return "scalar" if self.preconditioner is not None and all(t.scalar for t in self.preconditioner.sum) else "elementwise"

    @property
    def divides_by(self) -> tuple[Term, ...]:
        """Vectors by whose sizes the potential divides: where a component of one vanishes V is not continuous.

        >>> from derive.readings.loss import modified_loss
        >>> modified_loss("sign-descent", 0).divides_by, modified_loss("gd", 0).divides_by
        ((grad,), ())
        """
        terms = (u for s in self.potential for t in s.sum for u in terms_within(t))
        sizes = (f for u in terms for f, e in u.factors if f.kind == "abs" and e < 0)
        return tuple(dict.fromkeys(child for f in sizes for child in f.children))

    def describe(self) -> str:
        return f"{self.equation.name}, {self.equation.form}: a potential through gamma^{self.exists_through}"

    @property
    def conclusion(self) -> Conclusion:
        """Whether the field is -grad V for every loss at all powers asked for, with a V that is written down."""
        o = self.obstruction
        if o is None:
            about = f"a potential through gamma^{self.exists_through}"
            if not self.unwritten:
                where = "".join(f", where no component of {term_text(t)} vanishes" for t in self.divides_by)
                return Conclusion(EXISTS, about, because=f"its gradient gives the field back{where}")
            said = "the Jacobian is symmetric, so near every point where the field is smooth it is a gradient"
            return Conclusion(NONE_FOUND, about, searched="sums of scalars whose gradients have terms of the field", because=said)
        about = f"a potential at gamma^{o.power}"
        if not o.decided:
            return Conclusion(UNDECIDED, about, because="the terms of DF - DF^T do not cancel, and no point tried shows a value")
        of = " of F, the field divided by P," if self.divided else ""
        reason = f"c{of} differs between the rootings of one free tree" if o.trees else f"the Jacobian{of} is not symmetric"
        return Conclusion(
            NONE_EXISTS, about, self._every_potential(), because=reason, witness=o.witness,
            for_parameters=o.for_parameters, quantity=o.antisymmetric,
        )  # fmt: skip

    def _every_potential(self) -> str:
        """What a theorem that none exists is complete over."""
        losses, x = declared_losses(self.equation.algebra.functions), self.player
        every = "every loss" if len(losses) < 2 else f"all losses {', '.join(losses)}"
        of = f"V_{x} of {', '.join(self.equation.scheme.unknowns)}" if x else "V of theta"
        return f"functions {of} with {self.descent} for {every}"

    def to_json(self) -> dict[str, Any]:
        """`exists_through`, `potential` (list by power), `obstruction`, and the conclusion's keys."""
        data: dict[str, Any] = {
            "exists_through": self.exists_through,
            "potential": [b | {"terms": None} if b["power"] in self.unwritten else b for b in blocks(self.potential)],
            "obstruction": self.obstruction.to_json() if self.obstruction else None,
            **self.conclusion.to_json(),
        }
        if self.preconditioner is not None:
            data["preconditioner"] = self.preconditioner.to_json()
        if self.preconditioned is not None:
            data["preconditioned"] = self.preconditioned.to_json()
        if self.limits:
            data["limits"] = {name: v.to_json() for name, v in self.limits}
        return data


def read_fields(equation: ModifiedEquation, fields: list[Sum]) -> ModifiedLoss:
    """The potential of a list of fields f_0, f_1, ... of the equation's algebra, as far as it exists."""
    return _read(equation, Place(equation.algebra), fields)


def read_player(equation: ModifiedEquation, player: str) -> ModifiedLoss:
    """The potential of one unknown's equation, in that unknown, the others held fixed."""
    algebra = equation.algebra
    if not algebra.spaces:
        return _read(equation, Place(algebra, player), [s.sum for s in equation.equations[player]])
    direction = fresh_name("u", {*algebra.ring.symbols, *equation.scheme.unknowns, *equation.equations})
    own = Algebra(algebra.ring, algebra.functions, {**algebra.spaces, direction: player})
    move = Transfer(algebra, own)
    found = _read(equation, Place(own, player, direction), [move(s.sum) for s in equation.equations[player]])
    obstruction = found.obstruction and replace(found.obstruction, player=player)
    return replace(found, player=player, obstruction=obstruction)


def _read(equation: ModifiedEquation, place: Place, fields: list[Sum]) -> ModifiedLoss:
    potentials: list[TermSum] = []
    unwritten: list[int] = []
    for k, field in enumerate(fields):
        value, obstruction = potential_at(place, field, k, equation)
        if obstruction is not None:
            return ModifiedLoss(equation, k - 1, tuple(potentials), obstruction, tuple(unwritten))
        if value is None:
            unwritten.append(k)
        potentials.append(TermSum(place.algebra, value or {}))
    return ModifiedLoss(equation, len(fields) - 1, tuple(potentials), None, tuple(unwritten))


# ---------------------------------------------------------------------------------------------- one field


def potential_of(algebra: Algebra, field: Sum, power: int = 0) -> tuple[Sum | None, Obstruction | None]:
    """The same of a field of theta, for all values of the parameters."""
    return potential_at(Place(algebra), field, power)


def potential_at(
    place: Place, field: Sum, power: int = 0, *equations: ModifiedEquation
) -> tuple[Sum | None, Obstruction | None]:
    """(V, None) with field = -grad V; (None, obstruction); (None, None) where V exists and was not found as a sum of terms.

    `equations` give the ranges of the parameters.
    """
    algebra, direction = place.algebra, place.direction
    if all(t.is_tree for t in field):
        value, remainder, trees = tree_potential(place, field)
        if not remainder:
            return value, None
        empty = TermSum(algebra, {})
        found = Obstruction(power, trees, empty, TermSum(algebra, value), TermSum(algebra, remainder), direction)
        return None, _witnessed(found, jacobian_asymmetry(algebra, field, direction, place.variable), equations)
    asymmetry = jacobian_asymmetry(algebra, field, direction, place.variable)
    if not asymmetry:
        return general_potential(place, field), None
    part = gradient_part(place, field)
    remainder = nonzero(algebra.add(field, place.gradient(part)))
    shown = TermSum(algebra, asymmetry)
    found = Obstruction(power, (), shown, TermSum(algebra, part), TermSum(algebra, remainder), direction)
    return None, _witnessed(found, asymmetry, equations)


def _witnessed(found: Obstruction, asymmetry: Sum, equations: tuple[ModifiedEquation, ...]) -> Obstruction:
    total = TermSum(found.remainder.algebra, asymmetry)
    witness = witness_of(total, *equations)
    return replace(found, witness=witness, for_parameters=where_nonzero(total, *equations))
