"""Functions of a sample's gradients and of slow variables on a finite data set: their Taylor coefficients at a point.

    u = sgrad(theta)/norm(sgrad(theta))     u_i = g_i / sqrt(g_1^2 + ... + g_d^2),  g the gradient of the sample's loss

Every component is an expression in the components of gradients and variables, whose Taylor coefficients are known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import reduce

from flint import arb, fmpq

from derive.concrete.problem import Jet, Jets, Value, is_zero
from derive.concrete.samples import Samples
from derive.concrete.values import Undecided
from derive.errors import SingularPointError, UsageError
from derive.language import SCHEME_CALLS, Call, Expression, Name, Number, Operation, interpret, parse_expression, walk
from derive.language.samples import sample_of

Axes = Mapping[str, Sequence[Jet]]  # variable, or gradient at the point -> a jet for each component
_PLAIN = ("sqrt", "exp", "log", "sin", "cos", "tanh", "atan", "abs", "sign")


class FunctionJets:
    """`variables` gives the jets of slow variables, `numbers` the values of parameters."""

    def __init__(
        self, samples: Samples, jets: Sequence[Jet], variables: Axes, numbers: Mapping[str, Value], degree: int
    ) -> None:
        self.samples, self.jets, self.variables, self.numbers, self.degree = samples, jets, variables, numbers, degree
        self.width = len(next(iter(next(iter(variables.values()))[0])))
        self.size = len(samples.problem.variables)

    def of(self, text: str) -> list[list[Jet]]:
        """Of every sample, the jets of all components.

        Raises UsageError for a function of more than gradients at the point, variables and parameters.
        """
        if self.samples.problem.losses:
            raise UsageError(f"{text} has no values on declared losses; leave the losses out")
        e = parse_expression(text, "function", SCHEME_CALLS)
        _check(e, text)
        return [[self._jet(e, sample, i) for i in range(self.size)] for sample in range(len(self.samples.weights))]

    def _jet(self, e: Expression, sample: int, i: int) -> Jet:
        zero = (0,) * self.width
        axes: dict[str, Jet] = {n: {zero: x} for n, x in self.numbers.items()}
        axes |= {_name(v, k): jet for v, jets in self.variables.items() for k, jet in enumerate(jets)}
        for k in range(self.size):
            each = [self._slope(k, s) for s in range(len(self.samples.weights))]
            axes[_name("sample", k)] = each[sample]
            axes[_name("mean", k)] = _mean(each, self.samples)
        return interpret(component(e, i, self.size, self.variables), _Signed(axes, self.width, self.degree))

    def _slope(self, k: int, sample: int) -> Jet:
        """Component k of a sample's gradient or field, in all slow variables, the unknown first."""
        jet = self.jets[self.samples.which("", k, sample)]
        rest = (0,) * (self.width - self.size)
        if not self.samples.problem.is_loss:
            return {(*m, *rest): x for m, x in jet.items()}
        return {(*m[:k], m[k] - 1, *m[k + 1 :], *rest): x * m[k] for m, x in jet.items() if m[k]}


def _check(e: Expression, text: str) -> None:
    """UsageError for more than gradients at the point, of one sample."""
    calls = [node for node in walk(e) if isinstance(node, Call)]
    gradients = {node.function for node in calls if sample_of(node.function)[0] in ("grad", "field")}
    known = (*gradients, "norm", "dot", "mean", *_PLAIN)
    elsewhere = any(c.function in gradients and c.args != (Name("theta"),) for c in calls)
    if elsewhere or any(c.function not in known for c in calls):
        raise UsageError(f"{text} has no values on losses; leave the losses out")
    if len({sample_of(g)[1] for g in gradients} - {""}) > 1:
        raise UsageError(f"{text} is of several samples, and has no values on losses; leave the losses out")


def _name(variable: str, k: int) -> str:
    """No text contains this name."""
    return f"{variable}.{k}"


def _mean(jets: Sequence[Jet], samples: Samples) -> Jet:
    found: Jet = {}
    for jet, w in zip(jets, samples.weights, strict=True):
        for m, x in jet.items():
            share = x * fmpq(w.numerator, w.denominator)
            found[m] = found[m] + share if m in found else share
    return found


def component(e: Expression, i: int, size: int, variables: Mapping[str, object]) -> Expression:
    """Component i of a vector of so many, in names of components.

    >>> from derive.language import unparse
    >>> unparse(component(parse_expression("m*norm(m)/c", "example", SCHEME_CALLS), 0, 2, {"m": ()}))
    'm.0*sqrt(m.0*m.0 + m.1*m.1)/c'
    """

    def at(k: int) -> Callable[[Expression], Expression]:
        return lambda a: component(a, k, size, variables)

    def total(terms: Sequence[Expression]) -> Expression:
        return reduce(lambda a, b: Operation("+", (a, b)), terms)

    match e:
        case Name(name) if name in variables:
            return Name(_name(name, i))
        case Call(function, _) if sample_of(function)[0] in ("grad", "field"):
            return Name(_name("sample" if sample_of(function)[1] else "mean", i))
        case Call("norm", (a,)):
            return Call("sqrt", (total([Operation("*", (at(k)(a), at(k)(a))) for k in range(size)]),))
        case Call("dot", (a, b)):
            return total([Operation("*", (at(k)(a), at(k)(b))) for k in range(size)])
        case Call("mean", (a,)):
            return Operation("/", (total([at(k)(a) for k in range(size)]), Number(Fraction(size))))
        case Call(function, args):
            return Call(function, tuple(map(at(i), args)))
        case Operation(op, args):
            return Operation(op, tuple(map(at(i), args)))
    return e


class _Signed(Jets):
    """With signs and absolute values, away from where they jump."""

    def call(self, node: Call, args: list[Jet]) -> Jet:
        if node.function not in ("abs", "sign"):
            return super().call(node, args)
        (x,) = args
        sign = _sign(x.get(self.zero, fmpq(0)))
        return {m: v * sign for m, v in x.items()} if node.function == "abs" else {self.zero: fmpq(sign)}


def _sign(x: Value) -> int:
    if is_zero(x):
        raise SingularPointError("the sign of zero: a function in the update has no derivatives at this point")
    if isinstance(x, arb) and x.contains(0):
        raise Undecided
    return 1 if x > 0 else -1
