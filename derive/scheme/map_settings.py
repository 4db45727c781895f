"""What a declared map is, where it is set: numbers can be given then.

--set "p(u)=u/(1+u**2)"                     componentwise: one expression
--set "A(x, y)=2*x + y; x - y/3"            linear: one linear form for each component
--set "P(x, y)=x + y**2; y/(1+x**2)"        a map: one expression for each component, in as many letters
"""

from __future__ import annotations

from dataclasses import dataclass

from derive.errors import UsageError, nearest
from derive.language import LOSS_CALLS, Expression, Name, Operation, constant, names_of, parse_expression, plain_name
from derive.language.maps import MapKind


@dataclass(frozen=True)
class MapFormula:
    """The components of a map as expressions in its variables; one expression in one variable where it acts componentwise."""

    kind: MapKind
    variables: tuple[str, ...]
    components: tuple[Expression, ...]
    text: str


def parse_map_setting(kind: MapKind, arguments: str, text: str, where: str) -> MapFormula:
    """What stands right of --set "P(x, y)=", with what stands between the parentheses.

    >>> parse_map_setting("linear", "x, y)", "2*x + y; x", "--set A(x, y)").variables
    ('x', 'y')
    """
    variables = tuple(plain_name(v.strip()) for v in arguments.rstrip().removesuffix(")").split(",") if v.strip())
    if not variables or len(set(variables)) < len(variables) or not all(v.isidentifier() for v in variables):
        raise UsageError(f"{where}: write the map with its arguments, {_EXAMPLES[kind]}")
    parts = [p for p in text.split(";") if p.strip()]
    if len(parts) != len(variables) or (kind == "componentwise" and len(parts) > 1):
        what = "one expression in one letter" if kind == "componentwise" else "one expression for each letter, separated by ';'"
        raise UsageError(f"{where}: this map takes {what}, {_EXAMPLES[kind]}")
    components = tuple(parse_expression(p, where, LOSS_CALLS, variables) for p in parts)
    for e in components:
        for name in names_of(e):
            if name not in variables:
                raise UsageError(f"{where}: '{name}' is unknown{nearest(name, variables)} (letters here: {', '.join(variables)})")
        if kind == "linear" and _degree(e) not in (1, None):
            raise UsageError(f"{where}: this map is linear, and '{text}' is not; {_EXAMPLES[kind]}")
    return MapFormula(kind, variables, components, text.strip())


_EXAMPLES: dict[MapKind, str] = {
    "componentwise": 'such as --set "P(u)=u/(1+u**2)"',
    "linear": 'such as --set "P(x, y)=2*x + y; x - y/3"',
    "map": 'such as --set "P(x, y)=x + y**2; y/(1+x**2)"',
}


def examples(label: str) -> str:
    """How a map is set.

    >>> examples("p")
    '--set "p(u)=u/(1+u**2)" for a componentwise map, else one expression for each letter, --set "p(x, y)=x + y; x - y"'
    """
    one, many = f'--set "{label}(u)=u/(1+u**2)"', f'--set "{label}(x, y)=x + y; x - y"'
    return f"{one} for a componentwise map, else one expression for each letter, {many}"


def _degree(e: Expression) -> int | None:
    """1 for a linear form, 0 for a number that is not zero, None for zero (which is of both), 2 for all else."""
    value = constant(e)
    if value is not None:
        return 0 if value else None
    match e:
        case Name():
            return 1
        case Operation("neg", (a,)):
            return _degree(a)
        case Operation("+" | "-", (a, b)):
            found = {d for d in map(_degree, (a, b)) if d is not None}
            return found.pop() if len(found) == 1 else 2 if found else None
        case Operation("*", (a, b)) if None not in (degrees := (_degree(a), _degree(b))):
            return sum(d for d in degrees if d is not None)
        case Operation("/", (a, b)) if constant(b):
            return _degree(a)
    return 2
