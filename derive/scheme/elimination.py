"""An unknown that is set from other states: theta = Phi(z, S), as in dual averaging, in place of theta = theta + ...

    z = z - gamma*grad(theta); theta = x0 - z/sqrt(S)       theta = Phi(z, S, x0) after every step,
                                                            z = Psi(theta, S, x0) = (x0 - theta)*sqrt(S) before every step

z has an increment of its own, and Phi can be solved for it.  With `z = Psi(theta, S, x0)` in front of the text z is no state any
more: it is a name for a function of the others, and theta has an equation of its own.  The orbits are those of the text from the
first step on; before it, z is given by theta.

Where the step keeps a part of theta, theta = a theta + Phi(z, S), theta lags behind: with the lag

    lag = theta - a theta - Phi(z, S)    after every step,    z = Psi(theta, lag, S)    before every step

the lag is memory that vanishes with gamma, and z a function of the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from derive.errors import LimitError, ReductionError
from derive.language import (
    Assignment,
    Call,
    Expression,
    Name,
    Operation,
    check_sizes,
    fresh_name,
    names_of,
    substitute,
    unparse,
    walk,
)
from derive.language.calls import call_of
from derive.scheme.model import Scheme

_CLOCK_BEFORE = {"t": Operation("-", (Name("t"), Name("gamma")))}
_INVERSES = {"exp": "log", "log": "exp"}


@dataclass(frozen=True, eq=False)
class _Version:
    """The value that a name has from one assignment to the next: `value` read with the names as they stood there."""

    value: Expression | None = None  # None before the step
    names: Mapping[str, _Version] = field(default_factory=dict)


class _NoFunctionError(Exception):
    """The value is no function of the states after the step."""


def eliminated(scheme: Scheme, unknown: str) -> Scheme | None:
    """The scheme with one state as a function of the others: z = Psi(theta, ...) where theta = Phi(z, ...).

    None where the unknown is no function of states that move; ReductionError where it is, and can be solved for none of them.

    >>> from derive.scheme import inline_scheme
    >>> scheme = eliminated(inline_scheme("z = z - gamma*grad(theta); theta = x0 - 2*z; x0 = x0"), "theta")
    >>> assert scheme is not None
    >>> scheme.states, {z: unparse(psi) for z, psi in scheme.eliminated.items()}
    (('theta', 'x0'), {'z': '(x0 - theta)/2'})
    """
    before = {s: _Version() for s in scheme.states}
    after = _run(scheme, before)
    try:
        phi = _after_step(unknown, scheme, before, after)
    except _NoFunctionError:
        return None
    scaled = {name for regime in scheme.regimes.values() for name in regime.substitutions}
    moving = [s for s in _assigned_first(scheme) if s in names_of(phi) and after[s] is not before[s] and s not in scaled]
    if not moving or any(lag in names_of(phi) for lag in scheme.lags):
        return None
    lag = fresh_name("lag", scheme.names) if unknown in names_of(phi) else ""
    target: Expression = Operation("-", (Name(unknown), Name(lag))) if lag else Name(unknown)
    for z in moving:
        psi = _solved(phi, z, target, scheme)
        if psi is not None:
            return _with(scheme, unknown, z, substitute(psi, _CLOCK_BEFORE), lag, phi)
    text = f"after a step {unknown} is {unparse(phi)}, which is not solved for {' or '.join(moving)}"
    raise ReductionError(f"{text}; a map of a state can be undone where its inverse is declared under [functions]")


def _with(scheme: Scheme, unknown: str, z: str, psi: Expression, lag: str, phi: Expression) -> Scheme:
    """The scheme with z = psi in front, and the lag behind."""
    behind = (Assignment(lag, Operation("-", (Name(unknown), phi))),) if lag else ()
    found = replace(
        scheme,
        statements=(Assignment(z, psi), *scheme.statements, *behind),
        initial={s: e for s, e in scheme.initial.items() if s != z},
        eliminated={z: psi, **scheme.eliminated},
        lags=(*scheme.lags, lag) if lag else scheme.lags,
    )
    try:
        check_sizes(found.statements, scheme.where)
    except LimitError as error:
        raise ReductionError(f"{z} = {unknown} solved for {z} is too long: {error}") from None
    return found


def _assigned_first(scheme: Scheme) -> list[str]:
    """The states besides the unknowns in the order in which the text assigns them."""
    order = [a.target for a in scheme.program]
    return sorted((s for s in scheme.states if s not in scheme.unknowns and s in order), key=order.index)


def _run(scheme: Scheme, before: Mapping[str, _Version]) -> Mapping[str, _Version]:
    """The versions of all names after the step; b = a is one version under two names."""
    names = dict(before)
    for a in scheme.program:
        alias = names.get(a.value.id) if isinstance(a.value, Name) else None
        names[a.target] = alias or _Version(a.value, dict(names))
    return names


def _after_step(unknown: str, scheme: Scheme, before: Mapping[str, _Version], after: Mapping[str, _Version]) -> Expression:
    """The unknown after the step as an expression in the other states after the step, and in unknowns before it."""
    known = {id(after[s]): s for s in reversed(scheme.states) if s not in scheme.unknowns}
    own = {id(before[x]): x for x in scheme.unknowns}

    def written(version: _Version) -> Expression:
        if id(version) in known:
            return Name(known[id(version)])
        if id(version) in own:
            return Name(own[id(version)])
        if version.value is None or any(isinstance(n, Call) and call_of(n.function).label for n in walk(version.value)):
            raise _NoFunctionError
        names = {n: written(version.names[n]) for n in names_of(version.value) if n in version.names}
        return substitute(version.value, names)

    return written(after[unknown])


def _solved(phi: Expression, z: str, target: Expression, scheme: Scheme) -> Expression | None:
    """The w with phi = target at z = w, by undoing one operation after another; None where that does not lead to z.

    >>> from derive.language import parse_expression
    >>> from derive.scheme import inline_scheme
    >>> unparse(_solved(parse_expression("x - 2*z/(a + b)", "e"), "z", Name("theta"), inline_scheme("theta = theta")))
    '(x - theta)*(a + b)/2'
    """
    match phi:
        case Name():
            return target
        case Operation("neg", (a,)):
            return _solved(a, z, Operation("neg", (target,)), scheme)
        case Operation(op, (a, b)) if op in "+-*/" and (z in names_of(a)) != (z in names_of(b)):
            inner, rest = (a, b) if z in names_of(a) else (b, a)
            return _solved(inner, z, _undone(op, rest, target, inner is a), scheme)
        case Call(function, (a,)) if inverse := {**_INVERSES, **scheme.inverses}.get(function):
            return _solved(a, z, Call(inverse, (target,)), scheme)
    return None


def _undone(op: str, rest: Expression, target: Expression, first: bool) -> Expression:
    """The u with u op rest = target where u stands first, with rest op u = target where it stands behind."""
    match op, first:
        case "+", _:
            return Operation("-", (target, rest))
        case "-", True:
            return Operation("+", (target, rest))
        case "-", False:
            return Operation("-", (rest, target))
        case "*", _:
            return Operation("/", (target, rest))
        case _, True:
            return Operation("*", (target, rest))
    return Operation("/", (rest, target))
