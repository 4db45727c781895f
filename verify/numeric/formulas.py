"""The right sides of an equation, its conditions and its memory at gamma = 0, as nodes of a tape at a point.

    equation (JSON form) + problem + parameters  ->  the value of every formula at a point of the slow coordinates
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from derive.errors import UsageError
from derive.language import Expression, derivative_symbol, names_of
from derive.scheme import Configuration
from derive.scheme.schedule import without_pi
from verify.numbers.kinds import Numbers
from verify.numbers.tape import Tape
from verify.problems.differentiation import differentiate
from verify.problems.formula import FormulaValues, formula_reader, parsed
from verify.problems.game import Game
from verify.problems.landscape import Loss, scalar_value
from verify.problems.maps import maps_of

if TYPE_CHECKING:
    from verify.numeric.system import Layout


def time_value(expression: Expression, t: Any) -> Any:
    """The value of an expression in t at a node."""
    return scalar_value(expression, {"t": t}, t.tape)


def time_function(configuration: Configuration, name: str) -> Expression:
    """The expression of a declared time function; UsageError while it is a symbol or piecewise."""
    setting = configuration.functions[name]
    if setting is None:
        raise UsageError(f'give {name}(t) a form, for example --set "{name}(t)=1/(1+t)"')
    if not isinstance(setting, Expression):
        raise UsageError(f"the numerical routes need {name}(t) as one expression in t, not the piecewise schedule {setting}")
    return without_pi(setting)


def field_values(
    configuration: Configuration,
    equation: Mapping[str, Any],
    layout: Layout,
    vectors: set[str],
    loss: Loss | Game,
    parameters: Mapping[str, Fraction],
    point: Sequence[Any],
) -> list[list[Any]]:
    """f_0, ..., f_N at a point of the slow coordinates, from the equation's terms."""
    values = values_at(configuration, equation, layout, vectors, loss, parameters, point)
    rows: list[list[Any]] = []
    guard = _guard(margin_nodes(equation, values))
    for k in range(order_of(equation) + 1):
        row: list[Any] = []
        for variable, (low, high) in layout.slots.items():
            if variable == "t":
                row.append(Fraction(int(k == 0)))
            elif variable in layout.slow:
                row += combination(equation["equations"][variable][k]["terms"], values, high - low)
        rows.append(row)
    if guard is not None:
        rows[0][0] = rows[0][0] + guard
    return rows


def memory_values(
    configuration: Configuration,
    equation: Mapping[str, Any],
    layout: Layout,
    vectors: set[str],
    loss: Loss | Game,
    parameters: Mapping[str, Fraction],
    point: Sequence[Any],
) -> list[Any]:
    """The memory at gamma = 0 at a point of the slow coordinates, as the equation says."""
    values = values_at(configuration, equation, layout, vectors, loss, parameters, point)
    found: list[Any] = []
    for m in layout.memory:
        found += combination(equation["memory"][m][0]["terms"], values, layout.sizes[m])
    return found


_SIDES = re.compile(r"(.*) ([<>]) (.*)")


def margin_nodes(equation: Mapping[str, Any], values: FormulaValues) -> list[Any]:
    """left - right of every condition 'left > right' of an equation (right - left of '<'), a value a component."""
    found: list[Any] = []
    for text in equation.get("condition", ()):
        sides = _SIDES.fullmatch(text)
        if sides is None:
            raise UsageError(f"condition '{text}': write a comparison of two formulas with < or >")
        left, op, right = sides.groups()
        difference = values[f"{left} - ({right})" if op == ">" else f"{right} - ({left})"]
        found += difference if isinstance(difference, list) else [difference]
    return found


def on_parameters_alone(equation: Mapping[str, Any], parameters: Collection[str]) -> list[str]:
    """The conditions of an equation that are about parameters: what is claimed is claimed for those that satisfy them.

    >>> on_parameters_alone({"condition": ["c > 0", "c > grad"]}, ["c"])
    ['c > 0']
    """
    sides = ((text, f"{m[1]} - ({m[3]})") for text in equation.get("condition", ()) if (m := _SIDES.fullmatch(text)))
    return [text for text, e in sides if set(names_of(parsed(e))) <= set(parameters) and "(" not in text]


def _guard(margins: Sequence[Any]) -> Any:
    """Zero, made of the signs of the margins: the flow is not followed beyond where one of them vanishes."""
    signs = [m.sign() for m in margins]
    return sum((s - s for s in signs[1:]), signs[0] - signs[0]) if signs else None


def formula_values(
    configuration: Configuration, loss: Loss | Game, layout: Layout, names: Mapping[str, Any], numbers: Numbers
) -> FormulaValues:
    """The values of formulas at nodes of a tape for the slow variables, which are among the names."""
    theta = [v for x in layout.unknowns for v in names[x]]
    read, maps = formula_reader(configuration), maps_of(configuration, names)
    return FormulaValues(loss, theta, names, numbers, read, maps)  # type: ignore[arg-type]  # Problem's interface


def values_at(
    configuration: Configuration,
    equation: Mapping[str, Any],
    layout: Layout,
    vectors: Collection[str],
    loss: Loss | Game,
    parameters: Mapping[str, Fraction],
    point: Sequence[Any],
) -> FormulaValues:
    """The values of formulas at a point of the slow coordinates, nodes of a tape."""
    slow, tape = layout.split(point, set(vectors)), point[0].tape
    names = scalar_names(configuration, parameters, slow.get("t"), tape, equation)
    return formula_values(configuration, loss, layout, {**slow, **names}, tape.numbers)


def order_of(equation: Mapping[str, Any]) -> int:
    """The power of gamma through which an equation (JSON form) goes."""
    return len(next(iter(equation["equations"].values()))) - 1


def combination(items: Sequence[Mapping[str, str]], values: FormulaValues, size: int) -> list[Any]:
    """sum of coefficient * term over the terms of one block of the JSON form."""
    total: list[Any] = [Fraction(0)] * size
    for item in items:
        c, value = values[item["coefficient"]], values[item["term"]]
        vector = value if isinstance(value, list) else [value] * size
        total = [a + x * c for a, x in zip(total, vector, strict=True)]
    return total


def scalar_names(
    configuration: Configuration, parameters: Mapping[str, Fraction], t: Any, tape: Tape, equation: Mapping[str, Any]
) -> dict[str, Any]:
    """What coefficients may name, as nodes: parameters, t, and the time functions with their derivatives r, dr, d2r, ..."""
    names = {n: tape.lift(v) for n, v in parameters.items()}
    if t is not None:
        names["t"] = t
    for function in configuration.functions:
        expression: Expression = time_function(configuration, function)
        for k in range(order_of(equation) + 2):
            symbol = derivative_symbol(function, k)
            names[symbol] = scalar_value(expression, {"t": t}, tape)
            expression = differentiate(expression, "t")
    return names
