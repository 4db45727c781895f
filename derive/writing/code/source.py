"""The text of a function: the modified field, the modified loss, or the corrected gradient, in one language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from derive.algebra.fold import within
from derive.algebra.functions import declared_maps
from derive.errors import UsageError
from derive.language import Assignment
from derive.language.layers import COLUMN, ROW
from derive.result import Combination, Equation
from derive.scheme.map_programs import MapProgram
from derive.scheme.map_settings import MapFormula
from derive.writing.code.map_lines import map_function
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
        raise UsageError(f"{scheme.where}: code is written for one loss of one vector of parameters; eq.function takes several")
    return _Source(equation, wanted, CODE[target]).text(command, version)


def _stated(equation: Equation) -> Iterator[tuple[str, MapProgram]]:
    """The maps that have lines; one expression of every component is a line."""
    for p, m in equation.configuration.maps.items():
        if isinstance(m, MapProgram):
            yield p, m
        elif isinstance(m, MapFormula) and m.kind == "componentwise":
            yield p, MapProgram(p, m.variables[0], (Assignment(p, m.components[0]),), kind="componentwise")


class _Source:
    def __init__(self, equation: Equation, wanted: Wanted, language: Target) -> None:
        self.equation, self.wanted, self.language = equation, wanted, language
        self.stated = dict(_stated(equation))
        factors = [f for parts in wanted.results.values() for part in parts for _, t in part for f in within(t)]
        by_arrays = not language.tree.leafwise and any(p.of_matrices for p in self.stated.values())
        self.matrix = by_arrays or any(f.kind == "word" or (f.kind == "sum" and f.label in (ROW, COLUMN)) for f in factors)
        self.shape = language.array if self.matrix else language.tree
        self.slow = [x for x in (*equation.equations, *equation.memory) if x != "theta"]
        maps = declared_maps(equation.algebra.functions)
        taken = ("gamma", *equation.algebra.ring.symbols, *self.slow, *maps)
        self.program = Program(language, equation.algebra.loss, maps, self.stated, self.matrix, taken)

    def text(self, command: str, version: str) -> str:
        equation, language, program = self.equation, self.language, self.program
        blocks = {x: [program.total((t, c) for c, t in part) for part in parts] for x, parts in self.wanted.results.items()}
        maps = [line for p in program.maps for line in self._map(p)]
        arguments = self._arguments()
        through, mark = equation.scheme.power(max(map(len, blocks.values())) - 1), language.spelling.comment
        head = f"{mark} {equation.name}, through {through}, by shadowflow {version}: {command}\n"
        head += f"{mark} MIT licence, https://spdx.org/licenses/MIT.html\n"
        called = language.called(program.calls)
        inside = [line for n in called if n in language.inside for line in (*language.inside[n].splitlines(), "")]
        opening = self._opening(arguments) if arguments or self.shape.opening or inside or maps else []
        lines = [*opening, *inside, *maps, *self._lines(blocks)]
        body = "".join(f"{language.indent}{line}".rstrip() + "\n" for line in lines)
        above = [language.helpers[n] for n in called if n in language.helpers]
        functions = [*above, self._head(arguments) + body + language.end]
        return head + language.preamble + self.shape.imports + "".join(language.between + f for f in functions)

    # ------------------------------------------------------------------ around the lines

    @property
    def _given(self) -> list[str]:
        """The maps that the user gives."""
        return [p for p in self.program.maps if p not in self.stated]

    def _map(self, label: str) -> list[str]:
        """The function of a map, or what a given one becomes."""
        if label not in self.stated:
            return [self.shape.wrapped.format(label), ""] if self.shape.wrapped else []
        lines = map_function(self.stated[label], self.language, self.program.use, self.program.parameter)
        if self.shape.leafwise:
            self.program.use("leafwise")
            lines = [self.shape.leafwise, *lines]
        return [*lines, ""]

    def _arguments(self) -> list[str]:
        """Functions that the user gives, the layers, the value of the loss, parameters and slow variables."""
        program = self.program
        order = [*self.equation.scheme.parameters, *self.slow]
        own = sorted(program.parameters, key=lambda n: (order.index(n) if n in order else len(order), n))
        elsewhere = program.reads_other_points and not self.language.differentiates
        value = program.reads_loss and not self.language.value
        layer = [self.shape.layer] if program.reads_layers and self.shape.layer else []
        return [*(["derivative_at"] if elsewhere else []), *self._given, *layer, *(["value"] if value else []), *own]

    def _head(self, arguments: Sequence[str]) -> str:
        field = self.equation.scheme.label == "f"
        function, value = ("field", "like it") if field else ("loss", "one number")
        what = "field" if field else "gradient"
        own = "  `value` is the loss at theta." if "value" in arguments else ""
        lines = [self.wanted.about + own, "", self.shape.given.format(function=function, value=value, what=what)]
        lines += {"derivative_at": ["derivative_at(x, v1, ..., vk) is the same at x."]}.get(next(iter(arguments), ""), [])
        lines += [self.shape.given_map.format(p) for p in self._given]
        if self.program.reads_layers and self.shape.layer:
            lines.append("layer[i] is the number of the layer of component i.")
        about = f"\n{self.language.margin}".join(lines).replace(f"\n{self.language.margin}\n", "\n\n")
        first, names = self.shape.first, widths(("gamma", *arguments))
        return self.language.head.format(name=self.wanted.name, function=function, first=first, arguments=names, about=about)

    def _opening(self, arguments: Iterable[str]) -> list[str]:
        """The lines that define theta and its gradient, the value of the loss, and given vectors."""
        field = self.equation.scheme.label == "f"
        lines = self.shape.opening.format(gradient=self.shape.gradient[field]).splitlines()
        if self.program.reads_loss and self.language.value:
            lines.append(f"value = {self.language.value.format(first=self.shape.first)}")
        if self.shape.flattened:
            lines += [self.shape.flattened.format(x) for x in arguments if x in self.slow and self._is_vector(x)]
        return [*lines, ""]

    def _is_vector(self, name: str) -> bool:
        return self.equation.scheme_kind(name) == "vector"

    # ------------------------------------------------------------------ the lines

    def _lines(self, blocks: Mapping[str, Sequence[str]]) -> list[str]:
        mark = self.language.spelling.elementwise
        lines, results = list(self.program.lines), []
        for x, parts in blocks.items():
            names = [f"{x}_{k}" for k in range(len(parts))]
            values = [f"-({p})" if self.wanted.negative else p for p in parts]
            lines += [f"{n} = {mark}{v}" for n, v in zip(names, values, strict=True)]
            total = " + ".join(f"{self._gamma(k)}{n}" for k, n in enumerate(names))
            vector = not self.wanted.scalar and self._is_vector(x)
            if vector and all(t.scalar for part in self.wanted.results[x] for _, t in part):
                total += " + 0*theta"  # one number at all components
            results.append(self.shape.spread.format(mark + total) if vector else mark + total)
        return [*lines, f"return {', '.join(results)}"]

    def _gamma(self, k: int) -> str:
        """gamma^k in front of a factor, k counted in powers of the root of gamma in which the scheme expands."""
        exponent = Fraction(k, self.equation.scheme.root)
        written = str(exponent) if exponent.denominator == 1 else f"({exponent})"
        return "" if k == 0 else "gamma*" if exponent == 1 else f"gamma{self.language.spelling.power}{written}*"
