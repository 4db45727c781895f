"""The sliders of the page: one a quantity, with the range in which the scheme is meant to be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from html import escape

from derive.errors import DeriveError
from derive.language import constant, parse_expression
from derive.scheme import Configuration
from derive.scheme.ranges import comparisons
from derive.writing.notation import UNICODE

NOTCHES = 100


@dataclass(frozen=True)
class Control:
    """A slider: `key` is its id in the page, the numbers are exact until they are written."""

    key: str
    label: str
    value: Fraction
    low: Fraction
    high: Fraction
    step: Fraction

    def html(self) -> str:
        """Label, slider and the value it shows."""
        numbers = {"min": self.low, "max": self.high, "step": self.step, "value": self.value}
        attributes = " ".join(f'{name}="{float(x):.10g}"' for name, x in numbers.items())
        return (
            f'<p class="control"><label for="{self.key}">{escape(self.label)}</label>'
            f'<input type="range" id="{self.key}" {attributes} autocomplete="off">'
            f'<output id="{self.key}-value" for="{self.key}">{float(self.value):.3g}</output></p>'
        )


def limits(configuration: Configuration, name: str) -> tuple[Fraction | None, Fraction | None, bool, bool]:
    """(low, high, whether low belongs to the range, whether high does) as the scheme's file states them.

    >>> from derive import configure, load_scheme
    >>> limits(configure(load_scheme("momentum")), "beta")
    (Fraction(0, 1), Fraction(1, 1), True, False)
    """
    parameter = configuration.scheme.parameters.get(name)
    low, high, with_low, with_high = None, None, True, True
    for left, op, right in comparisons(parameter) if parameter else ():
        if op in (">", ">="):
            left, op, right = right, op.replace(">", "<"), left
        if right == name and (bound := _constant(left)) is not None:
            low, with_low = bound, op == "<="
        elif left == name and (bound := _constant(right)) is not None:
            high, with_high = bound, op == "<="
    return low, high, with_low, with_high


def _constant(text: str) -> Fraction | None:
    try:
        return constant(parse_expression(text, "range"))
    except DeriveError:
        return None


def parameter_control(configuration: Configuration, name: str, value: Fraction, key: str) -> Control:
    """The slider of a hyperparameter, inside its range; four times the value where the range is open."""
    low, high, with_low, with_high = limits(configuration, name)
    bottom = Fraction(0) if low is None else low
    top = high if high is not None else max(4 * value, bottom + 1)
    step = (top - bottom) / NOTCHES
    bottom, top = (bottom if with_low and low is not None else bottom + step), (top if with_high or high is None else top - step)
    value = min(max(value, bottom), top)
    return Control(key, UNICODE.symbol(name), value, bottom, top, _fitting(step, value - bottom))


def _fitting(step: Fraction, offset: Fraction) -> Fraction:
    """The step, made smaller until the value is one of the notches."""
    return next((step / k for k in range(1, 50) if (offset * k / step).denominator == 1), step / 50)


def gamma_control(gamma: Fraction) -> Control:
    """gamma from a fiftieth of its value to three times the value."""
    step = gamma / 50
    return Control("gamma", "step size γ", gamma, step, 3 * gamma, step)


def page_controls(
    configuration: Configuration, parameters: Mapping[str, Fraction], gamma: Fraction, steps: int, order: int,
    names: tuple[str, ...], start: tuple[Fraction, ...],
) -> list[Control]:  # fmt: skip
    """gamma, hyperparameters, number of steps, truncation, starting point."""
    found = [gamma_control(gamma)]
    found += [parameter_control(configuration, n, v, f"p{i}") for i, (n, v) in enumerate(parameters.items())]
    one = Fraction(1)
    found.append(Control("steps", "steps n", Fraction(steps), one, Fraction(max(200, 2 * steps)), one))
    found.append(Control("power", "power of γ kept", Fraction(order), Fraction(min(1, order)), Fraction(order), one))
    for i, (name, x) in enumerate(zip(names, start, strict=True)):
        reach = max(abs(x), one)
        found.append(Control(f"x{i}", f"start {name}", x, x - reach, x + reach, reach / 50))
    return found


__all__ = ["Control", "gamma_control", "limits", "page_controls", "parameter_control"]
