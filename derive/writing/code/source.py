"""The text of a function: the modified field, the modified loss, or the corrected gradient, in one language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from derive.errors import UsageError
from derive.result import Combination, Equation
from derive.writing.code.program import Program, widths
from derive.writing.code.targets import CODE, Target


@dataclass(frozen=True)
class Wanted:
    """A function to write: its name, what it says of itself, and the powers of gamma of every result, with the sign taken."""

    name: str
    about: str
    results: Mapping[str, Sequence[Combination]]
    negative: bool = False
    scalar: bool = False


def source(equation: Equation, wanted: Wanted, target: str, command: str, version: str) -> str:
    """The code.  Raises UsageError where the target cannot say what stands in the formulas."""
    scheme = equation.scheme
    if scheme.losses or len(scheme.unknowns) > 1:
        raise UsageError(f"{scheme.where}: code is written for one vector of parameters; eq.function takes several players")
    language = CODE[target]
    slow = [x for x in (*equation.equations, *equation.memory) if x != "theta"]
    program = Program(language.spelling, equation.algebra.loss, ("gamma", *equation.algebra.ring.symbols, *slow))
    blocks = {x: [program.total((t, c) for c, t in part) for part in parts] for x, parts in wanted.results.items()}
    order = [*scheme.parameters, *slow]
    arguments = sorted(program.parameters, key=lambda n: (order.index(n) if n in order else len(order), n))
    about = wanted.about
    if program.reads_loss and not language.value:
        arguments, about = ["value", *arguments], f"{about}  `value` is the loss at theta."
    mark = language.spelling.comment
    through = scheme.power(max(map(len, blocks.values())) - 1)
    head = f"{mark} {equation.name}, through {through}, by shadowflow {version}: {command}\n"
    head += f"{mark} MIT licence, https://spdx.org/licenses/MIT.html\n"
    frame = language.field_frame if scheme.label == "f" else language.frame
    body = frame.format(name=wanted.name, arguments=widths(("gamma", *arguments)), about=about)
    flat = [language.flattened.format(x) for x in arguments if language.flattened and x in slow and _is_vector(equation, x)]
    lines = [*flat, *_lines(equation, program, blocks, language, wanted)]
    text = "".join(f"{language.indent}{line}\n" for line in lines)
    return f"{head}{language.preamble}\n{body}{text}{language.end}"


def _gamma(k: Fraction, power: str) -> str:
    """gamma^k in front of a factor."""
    exponent = str(k) if k.denominator == 1 else f"({k})"
    return "" if k == 0 else "gamma*" if k == 1 else f"gamma{power}{exponent}*"


def _is_vector(equation: Equation, name: str) -> bool:
    return equation.scheme_kind(name) == "vector"


def _lines(
    equation: Equation, program: Program, blocks: Mapping[str, Sequence[str]], language: Target, wanted: Wanted
) -> list[str]:
    mark, power = language.spelling.elementwise, language.spelling.power
    lines, results = list(program.lines), []
    for x, parts in blocks.items():
        names = [f"{x}_{k}" for k in range(len(parts))]
        values = [f"-({p})" if wanted.negative else p for p in parts]
        lines += [f"{n} = {mark}{v}" for n, v in zip(names, values, strict=True)]
        total = " + ".join(f"{_gamma(Fraction(k, equation.scheme.root), power)}{n}" for k, n in enumerate(names))
        vector = not wanted.scalar and _is_vector(equation, x)
        results.append(language.spread.format(mark + total) if vector else mark + total)
    if program.reads_loss and language.value:
        lines.insert(0, f"value = {language.value}")
    return [*lines, f"return {', '.join(results)}"]
