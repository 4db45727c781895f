"""A scheme's update text -> `TreeMethod`: affine combinations of state and gradients become a general linear method.

Every expression of the update is a form  sum_k c_k x_k + sum_i d_i f(Y_i)  in the state variables x and the gradients
met so far; c and d are rational functions of gamma and the parameters.  State variables are carried in units
x_k = gamma^(s_k) * (quantity of size one), chosen so that c is constant and d proportional to gamma.  Where no such
units exist, or an operation is not affine, the scheme is not a pure tree scheme and is refused with the place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.linear import Matrix
from derive.errors import ReductionError
from derive.language import Call, Expression, Name, Number, Operation, constant
from derive.scheme import Configuration
from derive.trees.method import TreeMethod, general_linear

_AHEAD = "theta_next"
_INSTEAD = "use 'derive modified-eq' for it"
_TWO_COLOURS = "slow memory needs two colours, such as --tableau momentum-inertial; or use 'derive modified-eq'"


@dataclass
class Form:
    """states: coefficient of each state variable; gradients: of each point's f."""

    states: dict[str, Ratio] = field(default_factory=dict)
    gradients: dict[int, Ratio] = field(default_factory=dict)

    def plus(self, other: Form, factor: Ratio) -> Form:
        states, gradients = dict(self.states), dict(self.gradients)
        for key, value in other.states.items():
            states[key] = states[key] + factor * value if key in states else factor * value
        for index, value in other.gradients.items():
            gradients[index] = gradients[index] + factor * value if index in gradients else factor * value
        return Form(
            {k: v.reduced() for k, v in states.items() if v},
            {i: v.reduced() for i, v in gradients.items() if v},
        )

    def times(self, factor: Ratio) -> Form:
        return Form().plus(self, factor)


class _Compiler:
    def __init__(self, configuration: Configuration) -> None:
        self.configuration, self.scheme = configuration, configuration.scheme
        self.ring = Ring(("gamma", *configuration.free))
        self.points: list[Form] = []

    def fail(self, message: str, at: Expression | None = None) -> ReductionError:
        place = f", line {at.line}, column {at.column}" if at is not None else ""
        instead = _TWO_COLOURS if self.configuration.rescaled else _INSTEAD
        return ReductionError(f"{self.scheme.where}{place}: not a pure tree scheme: {message}; {instead}")

    def updates(self) -> dict[str, Form]:
        """The new value of every state variable; fills in the points."""
        names: dict[str, Form | Ratio] = {}
        for name, expression in self.configuration.bindings.items():
            names[name] = self.scalar(expression, {})
        factors = {v: self.scalar(r.factor, {}) for v, r in self.configuration.rescaled.items()}
        for state in self.scheme.states:
            names[state] = Form({state: factors.get(state, self.ring.one)})
        names[_AHEAD] = Form({_AHEAD: self.ring.one})
        before = dict(names)
        for assignment in self.scheme.program:
            names[assignment.target] = self.value(assignment.value, names)
        if "theta_prev" in self.scheme.states and "theta_prev" not in self.scheme.assigned:
            names["theta_prev"] = before["theta"]
        result: dict[str, Form] = {}
        for state in self.scheme.states:
            form = names[state]
            if not isinstance(form, Form):
                raise self.fail(f"'{state}' becomes a number")
            result[state] = form.times(factors[state].inverse()) if state in factors else form
        return self._resolve_ahead(result)

    def _resolve_ahead(self, updates: dict[str, Form]) -> dict[str, Form]:
        """theta_next is the value that theta gets in this step."""
        target = updates["theta"]
        inside = target.states.pop(_AHEAD, None)
        if inside is not None:
            if inside == self.ring.one:
                raise self.fail("theta_next cancels from its own equation")
            target = target.times((self.ring.one - inside).inverse())
        updates["theta"] = target
        for form in (*updates.values(), *self.points):
            ahead = form.states.pop(_AHEAD, None)
            if ahead is not None:
                merged = form.plus(target, ahead)
                form.states, form.gradients = merged.states, merged.gradients
        return updates

    def scalar(self, expression: Expression, names: Mapping[str, Form | Ratio]) -> Ratio:
        value = self.value(expression, names)
        if isinstance(value, Form):
            raise self.fail("a number is needed here, not a vector", expression)
        return value

    def value(self, expression: Expression, names: Mapping[str, Form | Ratio]) -> Form | Ratio:
        match expression:
            case Number(value):
                return self.ring.constant(value)
            case Name("t"):
                raise self.fail("its coefficients depend on the time t", expression)
            case Name(id):
                return names[id] if id in names else self.ring.symbol(id)
            case Operation("neg", (a,)):
                return self._times(self.value(a, names), self.ring.constant(-1))
            case Operation("**", (a, b)):
                return self._power(self.value(a, names), b, expression)
            case Operation(op, (a, b)):
                return self._binary(op, self.value(a, names), self.value(b, names), expression)
            case Call(("grad" | "field") as function, (a,)):
                return self._gradient(function, self.value(a, names), expression)
            case Call(function):
                raise self.fail(f"{function}(...) is not affine in the state", expression)
        raise AssertionError(expression)

    def _times(self, value: Form | Ratio, factor: Ratio) -> Form | Ratio:
        return value.times(factor) if isinstance(value, Form) else (value * factor).reduced()

    def _power(self, base: Form | Ratio, exponent: Expression, at: Expression) -> Ratio:
        power = constant(exponent)
        if isinstance(base, Form) or power is None or power.denominator != 1:
            raise self.fail("only numbers may be raised to a power, an integer one", at)
        return base ** int(power)

    def _binary(self, op: str, x: Form | Ratio, y: Form | Ratio, at: Expression) -> Form | Ratio:
        if op in "+-":
            sign = self.ring.constant(1 if op == "+" else -1)
            if isinstance(x, Form) and isinstance(y, Form):
                return x.plus(y, sign)
            if isinstance(x, Form) or isinstance(y, Form):
                raise self.fail("a constant is added to a vector", at)
            return (x + sign * y).reduced()
        if op == "/" and not isinstance(y, Form):
            if not y:
                raise self.fail("division by zero", at)
            return self._times(x, y.inverse())
        if op == "*" and not (isinstance(x, Form) and isinstance(y, Form)):
            return self._times(x, y) if isinstance(y, Ratio) else self._times(y, x)  # type: ignore[arg-type]
        raise self.fail("vectors may be multiplied by numbers only", at)

    def _gradient(self, function: str, point: Form | Ratio, at: Expression) -> Form:
        if not isinstance(point, Form):
            raise self.fail(f"{function} of a number", at)
        # the same expression at the same values is the same evaluation
        self.points.append(Form(dict(point.states), dict(point.gradients)))
        sign = self.ring.constant(-1 if function == "grad" else 1)
        return Form({}, {len(self.points) - 1: sign})


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
        raise compiler.fail("no gradient is evaluated")
    units = _units(compiler, updates)
    states = compiler.scheme.states
    ring = Ring(configuration.free)

    def constants(form: Form, unit: int, names: tuple[str, ...]) -> list[Ratio]:
        return [_at_order(compiler, form.states.get(k), units[k] + unit, 0, ring) for k in names]

    def rates(form: Form, unit: int) -> list[Ratio]:
        return [_at_order(compiler, form.gradients.get(i), unit, 1, ring) for i in range(len(compiler.points))]

    v: Matrix = [constants(updates[k], -units[k], states) for k in states]
    b: Matrix = [rates(updates[k], -units[k]) for k in states]
    u: Matrix = [constants(p, 0, states) for p in compiler.points]
    a: Matrix = [rates(p, 0) for p in compiler.points]
    return general_linear(a, u, b, v, compiler.scheme.where, ring)


def _at_order(compiler: _Compiler, value: Ratio | None, unit: int, order: int, ring: Ring) -> Ratio:
    """value * gamma^unit, which must be gamma^order times a constant: that constant."""
    if value is None:
        return ring.zero
    power = power_of_gamma(value)
    if power is None or power + unit != order:
        raise compiler.fail(
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
            for name, value in form.states.items():
                power = power_of_gamma(value)
                if power is None:
                    continue
                if known is not None and name not in units:
                    units[name], changed = known - power, True
                elif known is None and target is not None and name in units:
                    known = units[target] = units[name] + power
                    changed = True
            for value in form.gradients.values():
                power = power_of_gamma(value)
                if power is not None and known is None and target is not None:
                    known = units[target] = power - 1
                    changed = True
    return {name: units.get(name, 0) for name in updates}
