"""The sliders of the page: one a quantity, with the range in which the scheme is meant to be used.

A value is what the field beside the slider says, exactly; the slider writes short numbers into it.  Scales, for t from 0 to 1:

    linear       low + (high - low) t
    log          low (high/low)^t                                 step sizes, stabilisers: what is > 0 and has no end
    zero         0, then as log                                   weight decay: what is >= 0 and has no end
    complement   top - (top - low) (least/(top - low))^t          decay factors: what ends below top; 0.9, 0.99, 0.999, ...
"""

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

#: how near to the end of its range a decay factor, and how small a stabiliser, can be set with a slider
NEAR, TINY, SMALL = Fraction(1, 10**4), Fraction(1, 10**12), Fraction(1, 10**5)
MOST_STEPS = 5000
MOST_GAMMA = Fraction(1000)


@dataclass(frozen=True)
class Control:
    """A slider with a field: `key` is the slider's id in the page; numbers are exact until they are written.

    The slider goes from `low` to `high`; what is typed lies between `least` and `most`, without an end that is `open`.
    For the scale "complement", `gap` is the distance of `high` from the end of the range.
    """

    key: str
    label: str
    value: Fraction
    low: Fraction
    high: Fraction
    scale: str = "linear"
    least: Fraction | None = None
    most: Fraction | None = None
    open: tuple[bool, bool] = (False, False)
    gap: Fraction = Fraction(0)
    whole: bool = False

    def html(self) -> str:
        """Label, slider and the field with the value."""
        ends = {"low": self.low, "high": self.high, "gap": self.gap, "least": self.least, "most": self.most}
        data = " ".join(f'data-{name}="{float(x)!r}"' for name, x in ends.items() if x is not None)
        flags = f'data-open="{int(self.open[0])}{int(self.open[1])}" data-whole="{int(self.whole)}" data-scale="{self.scale}"'
        label = escape(self.label, quote=True)
        return (
            f'<p class="control"><label for="{self.key}">{label}</label>'
            f'<input type="range" id="{self.key}" min="0" max="{self.notches}" step="1" {data} {flags} autocomplete="off">'
            f'<input type="text" id="{self.key}-value" value="{exact(self.value)}" aria-label="{label}, as a number" '
            f'title="{escape(self.allowed, quote=True)}" inputmode="decimal" autocomplete="off" spellcheck="false"></p>'
        )

    @property
    def notches(self) -> int:
        return int(self.high - self.low) if self.whole and self.scale == "linear" else 200

    @property
    def allowed(self) -> str:
        """What may be typed: '0 ≤ β < 1'."""
        low, high = ("<" if o else "≤" for o in self.open)
        left = "" if self.least is None else f"{exact(self.least)} {low} "
        right = "" if self.most is None else f" {high} {exact(self.most)}"
        return f"{left}{self.label}{right}"


def exact(x: Fraction) -> str:
    """The number as a decimal where that is exact and short, else as a fraction: what the page reads back.

    >>> exact(Fraction(999, 1000)), exact(Fraction(1, 10**8)), exact(Fraction(2, 3)), exact(Fraction(-2))
    ('0.999', '1e-8', '2/3', '-2')
    """
    if x.denominator == 1 and abs(x) < 10**15:
        return str(x.numerator)
    mantissa, _, exponent = f"{float(x):.12e}".partition("e")
    power = int(exponent)
    digits = mantissa.rstrip("0").rstrip(".")
    text = f"{digits}e{power}" if not -5 <= power < 15 else f"{float(x):.{max(0, 12 - power)}f}".rstrip("0").rstrip(".")
    return text if Fraction(text) == x else str(x)


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


def contains(configuration: Configuration, name: str, value: Fraction) -> bool:
    """Whether a value lies in the parameter's stated range.

    >>> from derive import configure, load_scheme
    >>> [contains(configure(load_scheme("momentum")), "beta", Fraction(x)) for x in (0, "0.99", 1)]
    [True, True, False]
    """
    low, high, with_low, with_high = limits(configuration, name)
    above = low is None or value > low or (with_low and value == low)
    return above and (high is None or value < high or (with_high and value == high))


def parameter_control(configuration: Configuration, name: str, value: Fraction, key: str) -> Control:
    """The slider of a hyperparameter over its stated range, on the scale that the ends of the range suggest."""
    low, high, with_low, with_high = limits(configuration, name)
    label, open_ends = UNICODE.symbol(name), (not with_low, not with_high)
    if high is not None and low is not None and not with_high:
        gap = min((high - low) * NEAR, (high - value) / 10) if value < high else (high - low) * NEAR
        bottom = low if with_low else low + (high - low) / 100
        return Control(key, label, value, bottom, high - gap, "complement", low, high, open_ends, gap)
    if low == 0 and high is None:
        scale = "zero" if with_low else "log"
        least = SMALL if with_low else TINY
        bottom = min(least, value / 10) if value else least
        return Control(key, label, value, bottom, max(10 * value, Fraction(1)), scale, low, high, open_ends)
    reach = max(4 * abs(value), Fraction(1))
    ends = (value - reach if low is None else low, value + reach if high is None else high)
    return Control(key, label, value, *ends, "linear", low, high, open_ends)


def gamma_control(gamma: Fraction) -> Control:
    """gamma from 1e-5, or a hundredth of where it stands, to 1, or ten times that."""
    low, high = min(SMALL, gamma / 100), min(max(Fraction(1), 10 * gamma), MOST_GAMMA)
    return Control("gamma", "step size γ", gamma, low, high, "log", Fraction(0), MOST_GAMMA, (True, False))


def page_controls(
    configuration: Configuration, parameters: Mapping[str, Fraction], gamma: Fraction, steps: int, order: int,
    names: tuple[str, ...], start: tuple[Fraction, ...],
) -> list[Control]:  # fmt: skip
    """gamma, hyperparameters, number of steps, truncation, starting point."""
    found = [gamma_control(gamma)]
    found += [parameter_control(configuration, n, v, f"p{i}") for i, (n, v) in enumerate(parameters.items())]
    one, most = Fraction(1), Fraction(MOST_STEPS)
    found.append(Control("steps", "steps n", Fraction(steps), one, most, "log", one, most, whole=True))
    low, high = Fraction(min(1, order)), Fraction(order)
    found.append(Control("power", "order kept", high, low, high, "linear", low, high, whole=True))
    for i, (name, x) in enumerate(zip(names, start, strict=True)):
        reach = max(abs(x), one)
        found.append(Control(f"x{i}", f"start {name}", x, x - reach, x + reach))
    return found


__all__ = ["Control", "contains", "exact", "gamma_control", "limits", "page_controls", "parameter_control"]
