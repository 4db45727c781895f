"""The update text as it is read here: what it may contain, and gradients without a sample where nothing is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from derive.errors import UndecidedError
from derive.language import Call, Expression, Operation
from derive.language.calls import KNOWN_FUNCTIONS, partial_of
from derive.language.samples import NORMAL, SAMPLES, sample_of
from derive.language.syntax import names_of, walk
from derive.scheme import Configuration, Scheme
from derive.scheme.samples import sampled_scheme


def read(c: Configuration) -> Configuration:
    """The configuration with every gradient that of the step's sample, where the text draws nothing; what is repeated draws anew.

    Raises UndecidedError for a text with what has no place in a world.
    """
    scheme = c.scheme if c.scheme.stochastic else sampled_scheme(c.scheme)
    _require(scheme)
    return replace(c, scheme=scheme)


def _require(scheme: Scheme) -> None:
    for function in sorted(scheme.called):
        partial = partial_of(function)
        if partial and len(partial.variables) > 1:
            raise UndecidedError(f"the update has {partial.written}(...), a derivative of a gradient")
        if function == "loss" or (function in KNOWN_FUNCTIONS and function != "exp"):
            raise UndecidedError(f"the update has {function}(...)")
    if scheme.maps or scheme.layered or scheme.of_matrices:
        raise UndecidedError("the update has declared maps, sums over layers or products of matrices")


def draws_or_evaluates(function: str) -> bool:
    """Whether a call is of a gradient, a field or a normal vector."""
    return function in (*SAMPLES.values(), NORMAL) or bool(sample_of(function)[1]) or partial_of(function) is not None


def is_linear(c: Configuration) -> bool:
    """Whether the text is linear in state variables, gradients and normal vectors.

    >>> from derive import configure, load_scheme
    >>> [is_linear(configure(load_scheme(n))) for n in ("momentum", "rmsprop", "normalised-gd")]
    [True, False, False]
    """
    return all(_linear(a.value, c.scheme) for a in c.scheme.program)


def _linear(e: Expression, scheme: Scheme) -> bool:
    match e:
        case Call(function, args) if draws_or_evaluates(function):
            return all(_linear(a, scheme) for a in args)
        case Operation("*", (a, b)) if _moving(a, scheme) and _moving(b, scheme):
            return False
        case Operation("/", (_, b)) if _moving(b, scheme):
            return False
        case Operation("**", (a, _)) | Call(_, (a,)) if _moving(a, scheme):
            return False
        case Call(_, args):
            return not any(_moving(a, scheme) for a in args)
        case Operation(_, args):
            return all(_linear(a, scheme) for a in args)
    return True


def _moving(e: Expression, scheme: Scheme) -> bool:
    """Whether a state variable, a gradient or a normal vector is in it."""
    return any(map(draws_or_evaluates, called(e))) or any(
        scheme.kinds.get(n) == "vector" or n in scheme.states for n in names_of(e)
    )


def called(e: Expression) -> Iterator[str]:
    """The functions that an expression calls, each as often as it does."""
    return (node.function for node in walk(e) if isinstance(node, Call))
