"""A scheme's update text -> `TreeMethod`: affine combinations of state and gradients become a general linear method.

Every expression of the update is a form  sum_k c_k x_k + sum_i d_i f(Y_i)  in the state variables x and the gradients
met so far; c and d are rational functions of gamma and the parameters.  State variables are carried in units
x_k = gamma^(s_k) * (quantity of size one), chosen so that c is constant and d proportional to gamma.  Where no such
units exist, or an operation is not affine, the scheme is not a pure tree scheme and is refused with the place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.linear import Matrix
from derive.errors import ReductionError
from derive.language import Call, Expression, Operation, interpret
from derive.scheme import Configuration
from derive.scheme.linear_forms import Form, LinearForms
from derive.trees.method import TreeMethod, general_linear

_INSTEAD = "use 'derive modified-eq' for it"
_TWO_COLOURS = "slow memory needs two colours, such as --tableau momentum-inertial; or use 'derive modified-eq'"


class _Compiler(LinearForms):
    """The update where every evaluation of the gradient is an unknown of its own; `points` are where they are taken.

    A number always has the key "", so that the vector zero is told from the number zero.
    """

    def __init__(self, configuration: Configuration) -> None:
        configuration.scheme.require_plain("trees")
        super().__init__(configuration, Ring(("gamma", *configuration.free)))
        self.points: list[Form] = []
        self.factors: dict[str, Ratio] = {}

    def refuse(self, problem: str, node: Expression | None = None) -> ReductionError:
        place = f", line {node.line}, column {node.column}" if node is not None else ""
        instead = _TWO_COLOURS if self.configuration.rescaled else _INSTEAD
        return ReductionError(f"{self.scheme.where}{place}: not a pure tree scheme: {problem}; {instead}")

    def updates(self) -> dict[str, Form]:
        """The new value of every state variable, in the units of the regime and free of theta_next; fills in the points."""
        result = self.run()
        for state, form in result.items():
            if self.is_number(form):
                raise self.refuse(f"'{state}' becomes a number")
            if state in self.factors:
                result[state] = self.scaled(form, self.factors[state].inverse())
        forms = self.explicit(result | {evaluation(i): p for i, p in enumerate(self.points)})
        self.points = [forms.pop(evaluation(i)) for i in range(len(self.points))]
        return forms

    def parameters(self) -> dict[str, Form]:
        bound = super().parameters()
        self.factors = {v: self.value(interpret(r.factor, self)) for v, r in self.configuration.rescaled.items()}
        return bound

    def start(self, state: str) -> Form:
        return {state: self.factors.get(state, self.ring.one)}

    def is_number(self, x: Form) -> bool:
        return "" in x

    def add(self, a: Form, b: Form, node: Operation) -> Form:
        self._check_alike(a, b, node)
        return super().add(a, b, node)

    def subtract(self, a: Form, b: Form, node: Operation) -> Form:
        self._check_alike(a, b, node)
        return super().subtract(a, b, node)

    def _check_alike(self, a: Form, b: Form, node: Operation) -> None:
        if self.is_number(a) != self.is_number(b):
            raise self.refuse("a constant is added to a vector", node)

    def gradient(self, point: Form, node: Call) -> Form:
        if self.is_number(point):
            raise self.refuse(f"{node.function} of a number", node)
        self.points.append(point)
        return {evaluation(len(self.points) - 1): self.ring.constant(-1 if self.scheme.label == "L" else 1)}


def evaluation(index: int) -> str:
    """The unknown that stands for f at a point, in the order of evaluation."""
    return f"f(Y{index})"


def power_of_gamma(value: Ratio) -> int | None:
    """p when the value is gamma^p times something free of gamma, else None; the ring's first symbol is gamma."""
    value = value.reduced()
    powers = {int(e[1]) for e in value.num.to_dict()}
    bottom = 0
    for index, exponent in value.den:
        factor = {int(e[1]) for e in value.ring.factors[index].to_dict()}
        if len(factor) != 1:
            return None
        bottom += factor.pop() * exponent
    return powers.pop() - bottom if len(powers) == 1 else None


def compile_scheme(configuration: Configuration) -> TreeMethod:
    """The general linear method of a scheme with affine updates.

    Raises ReductionError, with the line and column where possible, when the scheme is not of that kind.

    >>> from derive.scheme import configure, load_scheme
    >>> compile_scheme(configure(load_scheme("gd"))).stages
    1
    """
    compiler = _Compiler(configuration)
    updates = compiler.updates()
    if not compiler.points:
        raise compiler.refuse("no gradient is evaluated")
    units = _units(compiler, updates)
    states = compiler.scheme.states
    ring = Ring(configuration.free)

    def constants(form: Form, unit: int, names: tuple[str, ...]) -> list[Ratio]:
        return [_at_order(compiler, form.get(k), units[k] + unit, 0, ring) for k in names]

    def rates(form: Form, unit: int) -> list[Ratio]:
        return [_at_order(compiler, form.get(evaluation(i)), unit, 1, ring) for i in range(len(compiler.points))]

    v: Matrix = [constants(updates[k], -units[k], states) for k in states]
    b: Matrix = [rates(updates[k], -units[k]) for k in states]
    u: Matrix = [constants(p, 0, states) for p in compiler.points]
    a: Matrix = [rates(p, 0) for p in compiler.points]
    return general_linear(a, u, b, v, compiler.scheme.where, ring, compiler.scheme.label)


def _at_order(compiler: _Compiler, value: Ratio | None, unit: int, order: int, ring: Ring) -> Ratio:
    """value * gamma^unit, which must be gamma^order times a constant: that constant."""
    if value is None:
        return ring.zero
    power = power_of_gamma(value)
    if power is None or power + unit != order:
        raise compiler.refuse(
            f"the coefficient {value} mixes powers of gamma, so that one power of gamma no longer belongs to one number of nodes"
        )
    return value.substitute({"gamma": ring.one}, ring)


def _units(compiler: _Compiler, updates: Mapping[str, Form]) -> dict[str, int]:
    """s with x_k of size gamma^(s_k): theta is of size one, and every coefficient met fixes its neighbour."""
    units = {"theta": 0}
    forms = [(k, f) for k, f in updates.items()] + [(None, p) for p in compiler.points]
    changed = True
    while changed:  # every pass fixes one more variable or ends
        changed = False
        for target, form in forms:
            known = 0 if target is None else units.get(target)
            for name, power in _powers(form, updates):
                if known is not None and name not in units:
                    units[name], changed = known - power, True
                elif known is None and target is not None and name in units:
                    known = units[target] = units[name] + power
                    changed = True
            for _, power in _powers(form, form.keys() - updates.keys()):
                if known is None and target is not None:
                    known = units[target] = power - 1
                    changed = True
    return {name: units.get(name, 0) for name in updates}


def _powers(form: Form, names: Collection[str]) -> Iterator[tuple[str, int]]:
    """The power of gamma in the coefficient of each of the names, where there is one."""
    for name, value in form.items():
        if name in names and (power := power_of_gamma(value)) is not None:
            yield name, power
