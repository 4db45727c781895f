"""A text that draws nothing, as one of samples: every first derivative is that of the step's sample.

theta = theta - gamma*grad(theta)      is read as      theta = theta - gamma*sgrad(theta)
"""

from __future__ import annotations

from dataclasses import replace

from derive.language import Assignment, Call, Expression, Operation, rebuilt, statement_lines, unparse
from derive.language.calls import partial_of
from derive.language.samples import SAMPLES, sampled
from derive.scheme.model import Scheme


def sampled_scheme(scheme: Scheme) -> Scheme:
    """The scheme with samples; what is repeated draws anew, as the statements are read before they are carried out.

    >>> from derive.scheme import load_scheme
    >>> sampled_scheme(load_scheme("momentum")).update
    'v = beta*v - alpha*sgrad(theta)\\ntheta = theta + v'
    """
    lines = [replace(a, value=_sampled(a.value)) for a in scheme.lines]
    statements = rebuilt(scheme.statements, iter(lines))
    return replace(scheme, statements=statements, update="\n".join(statement_lines(statements, _line)))


def _line(a: Assignment) -> str:
    return f"{a.target} = {unparse(a.value)}"


def _sampled(e: Expression) -> Expression:
    match e:
        case Call(function, args, line, column):
            partial = partial_of(function)
            drawn = function in SAMPLES.values() or (partial is not None and len(partial.variables) == 1)
            return Call(sampled(function) if drawn else function, tuple(map(_sampled, args)), line, column)
        case Operation(op, args, line, column):
            return Operation(op, tuple(map(_sampled, args)), line, column)
    return e
