"""Methods from files: Butcher tableaux (TOML or JSON) and schemes of the catalogue.

    name = "explicit midpoint"                  name = "symplectic Euler"
    A = [[0, 0], ["1/2", 0]]                    [[colour]]
    b = [0, 1]                                  field = "p"
    c = [0, "1/2"]    # optional, checked       A = [[1]]
                                                b = [1]         # and [[colour]] once more for q

Entries are integers, decimals (exact) or texts such as "1/2", "1 - 1/(2*alpha)"; names in texts are symbolic
hyperparameters.  Nothing in a file is executed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from derive.algebra.coefficients import Ratio, Ring
from derive.errors import SchemeError, UsageError, nearest, shown
from derive.language import Arithmetic, Call, Expression, Name, Number, Operation, constant, interpret, names_of, parse_expression
from derive.language.sources import json_data, read_text, toml_data
from derive.scheme import Scheme, configure, load_scheme
from derive.trees.method import TreeMethod, partitioned
from derive.trees.program import compile_scheme

_FOLDER = Path(__file__).parent / "tableaux"
MAX_STAGES = 32
_KEYS = ("name", "title", "reference", "notes", "A", "b", "c", "colour")
_COLOUR_KEYS = ("field", "A", "b", "c")


def tableau_names() -> tuple[str, ...]:
    """Names of the tableaux that come with the package, sorted.

    >>> "rk4" in tableau_names(), "symplectic-euler" in tableau_names()
    (True, True)
    """
    return tuple(sorted(p.name.removesuffix(".toml") for p in _FOLDER.iterdir() if p.name.endswith(".toml")))


def load_tableau(source: str | Path, settings: Mapping[str, str] | None = None) -> TreeMethod:
    """The method of a tableau file (.toml or .json), or of a name in `tableau_names()`.

    `settings` gives symbols exact values, {"alpha": "2/3"}.

    Raises UsageError (unknown name or symbol, unreadable file) and SchemeError (what the file says is no tableau).

    >>> load_tableau("rk4").stages
    4
    """
    text = str(source)
    if text in tableau_names():
        data = tomllib.loads((_FOLDER / f"{text}.toml").read_text("utf-8"))
        return _method(data, text, settings or {})
    if not text.endswith((".toml", ".json")):
        hint = nearest(text, tableau_names())
        raise UsageError(f"unknown tableau '{text}'{hint} (known: {', '.join(tableau_names())}; or a .toml or .json file)")
    read = json_data if text.endswith(".json") else toml_data
    data = read(read_text(text, "tableau file"), f"tableau {text}", SchemeError)
    if isinstance(data, dict) and "update" in data and "A" not in data:
        raise UsageError(f"{text} is a scheme file, and a tableau is asked for here; write derive trees --scheme {text}")
    return _method(data, shown(Path(text).stem), settings or {})


def method_of_scheme(
    scheme: str | Path | Scheme, regime: str | None = None, settings: Mapping[str, str] | None = None
) -> TreeMethod:
    """The method of a scheme of the catalogue, a scheme file or a `Scheme`.

    Raises ReductionError when it is not a pure tree scheme.

    >>> method_of_scheme("momentum", settings={"beta": "9/10"}).memory
    1
    """
    return compile_scheme(configure(load_scheme(scheme), regime, settings))


def _method(data: object, source: str, settings: Mapping[str, str]) -> TreeMethod:
    where = f"tableau {source}"
    if not isinstance(data, dict):
        raise SchemeError(f"{where}: expected a table with A and b")
    _known(data, _KEYS, where)
    name = data.get("name", source)
    if not isinstance(name, str):
        raise SchemeError(f"{where}: 'name' must be text")
    tables = data.get("colour", [data])
    if not isinstance(tables, list) or not tables or not all(isinstance(t, dict) for t in tables):
        raise SchemeError(f"{where}: 'colour' must be a list of tables, [[colour]] in TOML")
    if len(tables) > 8:
        raise SchemeError(f"{where}: at most 8 colours, not {len(tables)}")
    if "colour" in data:
        for i, t in enumerate(tables, 1):
            _known(t, _COLOUR_KEYS, f"{where}, colour {i}")
    parsed = [_tableau(t, where if "colour" not in data else f"{where}, colour {i}") for i, t in enumerate(tables, 1)]
    symbols = dict.fromkeys(n for t in parsed for row in t for e in row for n in names_of(e))
    values = _settings(settings, tuple(symbols))
    ring = Ring([n for n in symbols if n not in values])
    tableaux = []
    entry = _Entry(ring, values, where)
    for *a, b, c in parsed:
        rows = [[interpret(e, entry).reduced() for e in row] for row in (*a, b, c)]
        _check_sums(rows, where)
        tableaux.append((rows[:-2], rows[-2]))
    fields = [str(t.get("field", f"f{i}")) for i, t in enumerate(tables, 1)] if len(tables) > 1 else ["f"]
    return partitioned(tableaux, where, ring, fields)


def _known(table: Mapping[str, object], keys: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in keys:
            raise SchemeError(f"{where}: unknown key '{key}'{nearest(key, keys)}")


def _tableau(table: Mapping[str, Any], where: str) -> list[list[Expression]]:
    """Rows of A, then b, then c (empty when it is not given)."""
    for key in ("A", "b"):
        if key not in table:
            raise SchemeError(f"{where}: '{key}' is missing")
    a, b, c = table["A"], table["b"], table.get("c", [])
    if not isinstance(b, list) or not 1 <= len(b) <= MAX_STAGES:
        raise SchemeError(f"{where}: 'b' must be a list of 1 to {MAX_STAGES} numbers")
    if not isinstance(a, list) or len(a) != len(b) or not all(isinstance(r, list) and len(r) == len(b) for r in a):
        raise SchemeError(f"{where}: 'A' must have {len(b)} rows of {len(b)} numbers, as many as 'b' has weights")
    if not isinstance(c, list) or len(c) not in (0, len(b)):
        raise SchemeError(f"{where}: 'c' must be a list of {len(b)} numbers, as many as 'b' has weights")
    labels = [*(f"A, row {i}" for i in range(1, len(a) + 1)), "b", "c"]
    return [[_entry(x, f"{where}, {label}") for x in row] for row, label in zip((*a, b, c), labels, strict=True)]


def _entry(value: object, where: str) -> Expression:
    if isinstance(value, str):
        if "sqrt" in value or "√" in value:
            raise SchemeError(f"{where}: '{value}': entries are rational, or expressions in symbols; write a symbol for the root")
        return parse_expression(value, where)
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        raise SchemeError(f"{where}: '{value}' is not a number; write an integer, a decimal or a text such as \"1/2\"")
    return Number(Fraction(value))


def _settings(settings: Mapping[str, str], symbols: tuple[str, ...]) -> dict[str, Fraction]:
    values = {}
    for name, text in settings.items():
        if name not in symbols:
            known = ", ".join(symbols) or "none"
            raise UsageError(f"--set {name}: unknown symbol{nearest(name, symbols)} (symbols of the tableau: {known})")
        value = constant(parse_expression(text, f"--set {name}"))
        if value is None:
            raise UsageError(f"--set {name}: '{text}' is not a rational number, such as 2/3")
        values[name] = value
    return values


class _Entry(Arithmetic):
    """An entry of the tableau; `values` are the symbols that are set."""

    def __init__(self, ring: Ring, values: Mapping[str, Fraction], where: str) -> None:
        self.ring, self.values, self.where = ring, values, where

    def number(self, value: Fraction) -> Ratio:
        return self.ring.constant(value)

    def name(self, node: Name) -> Ratio:
        return self.ring.constant(self.values[node.id]) if node.id in self.values else self.ring.symbol(node.id)

    def divide(self, a: Ratio, b: Ratio, node: Operation) -> Ratio:
        if not b:
            raise SchemeError(f"{self.where}: division by zero in an entry")
        return (a / b).reduced()

    def exponent(self, node: Expression) -> Fraction:
        power = constant(node)
        if power is None or power.denominator != 1 or abs(power) > 64:
            raise SchemeError(f"{self.where}: an exponent must be an integer from -64 to 64")
        return power

    def power(self, base: Ratio, exponent: Fraction, node: Operation) -> Ratio:
        power = base ** abs(int(exponent))
        return self.divide(self.ring.one, power, node) if exponent < 0 else power

    def call(self, node: Call, args: list[Ratio]) -> Ratio:
        raise SchemeError(f"{self.where}: only numbers, names and + - * / ** may stand in an entry")


def _check_sums(rows: list[list[Ratio]], where: str) -> None:
    """c_i, where given, is the sum of row i of A."""
    *a, _, c = rows
    for i, (row, node) in enumerate(zip(a, c, strict=False), 1):
        total = row[0].ring.zero
        for x in row:
            total = total + x
        if total != node:
            raise SchemeError(f"{where}: row {i} of A sums to {total.reduced()}, and c says {node}")
