"""Tables of coefficients as text, JSON and npz, written block by block and put in place only when complete.

Every format gives the coefficients not divided by the symmetry unless 'b/sigma' is asked for by name.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np

from derive.errors import UsageError
from derive.files import replacing
from derive.trees.series import Coefficient, TreeSeries
from derive.trees.shape import Tree

#: name of the coefficient of each kind, and what it is
LETTERS = {"flow": "b", "map": "a", "integrator": "c"}
MEANINGS = {
    "flow": "modified field: theta' = sum over trees of gamma^(|tau|-1) b(tau)/sigma(tau) F(tau)",
    "map": "one step: theta_1 = theta_0 + sum over trees of gamma^|tau| a(tau)/sigma(tau) F(tau)",
    "integrator": "modifying integrator: the method applied to sum over trees of gamma^(|tau|-1) c(tau)/sigma(tau) F(tau) "
    "follows theta' = f exactly",
}
EXTRAS = ("density", "bracket", "differential", "latex", "divided")
_CHUNK = 2**15


def describe(series: TreeSeries) -> str:
    """One line: what the numbers are and how they are normalised.

    >>> from derive.trees import runge_kutta, tree_series
    >>> describe(tree_series(runge_kutta([[0]], [1]), 2))[-54:]
    'F(tau), f = -grad L; b is not divided by the symmetry.'
    """
    letter = LETTERS[series.kind]
    names = ", ".join(series.method.fields)
    fields = "f = -grad L" if names == "f" else f"fields {names}"
    return f"{series.method.name}, {MEANINGS[series.kind]}, {fields}; {letter} is not divided by the symmetry."


def _extra(name: str, tree: Tree, value: Coefficient, letter: str, fields: Sequence[str]) -> tuple[str, Any]:
    match name:
        case "density":
            return "density", tree.density
        case "bracket":
            return "bracket", str(tree)
        case "differential":
            return "differential", tree.differential(fields)
        case "latex":
            return "latex", tree.latex()
    sigma = tree.symmetry
    divided = value / sigma if isinstance(value, Fraction) else value / value.ring.constant(sigma)
    return f"{letter}/sigma", str(divided)


def check_extras(names: Sequence[str]) -> None:
    for name in names:
        if name not in EXTRAS:
            raise UsageError(f"unknown column '{name}' (known: {', '.join(EXTRAS)})")


def records(series: TreeSeries, extras: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """One dict a tree: level_sequence, order, symmetry, b (or a, c); colours when there are several; extras.

    >>> from derive.trees import runge_kutta, tree_series
    >>> list(records(tree_series(runge_kutta([[0]], [1]), 3)))[2]
    {'level_sequence': [1, 2, 3], 'order': 3, 'symmetry': 1, 'b': '1/3'}
    """
    check_extras(extras)
    letter, trees = LETTERS[series.kind], series.trees
    sigma = trees.symmetries()
    for m in range(1, series.order + 1):
        block = trees.block(m)
        for first in range(0, block.stop - block.start, _CHUNK):
            rows = slice(first, min(first + _CHUNK, block.stop - block.start))
            levels, paints = trees.level_sequences(m, rows).tolist(), trees.colour_sequences(m, rows).tolist()
            symmetries = sigma[block.start + rows.start : block.start + rows.stop].tolist()
            for row, texts in enumerate(_texts(series, m, rows)):
                for colour, text in enumerate(texts):
                    record = {"level_sequence": levels[row], "order": m, "symmetry": symmetries[row]}
                    if trees.colours > 1:
                        record["colours"] = paints[row][colour]
                    record[letter] = text
                    if extras:
                        tree = Tree.from_levels(levels[row], paints[row][colour])
                        value = series.coefficient(m, rows.start + row, colour)
                        record |= dict(_extra(e, tree, value, letter, series.method.fields) for e in extras)
                    yield record


def _texts(series: TreeSeries, nodes: int, rows: slice) -> Iterator[list[str]]:
    """Coefficients of a stretch of rows, one list of the colours' texts a row."""
    values = series.numerators[nodes][rows]
    if series.method.symbols or values.dtype == object:
        for row in range(rows.start, rows.stop):
            yield [str(series.coefficient(nodes, row, c)) for c in range(series.trees.colours)]
        return
    common = series.denominators[nodes]
    if common < 2**63:
        divisors = np.gcd(values, np.int64(common))
        tops, bottoms = (values // divisors).tolist(), (common // divisors).tolist()
    else:
        pairs = [[Fraction(v, common).as_integer_ratio() for v in row] for row in values.tolist()]
        tops, bottoms = [[p for p, _ in row] for row in pairs], [[q for _, q in row] for row in pairs]
    for top, bottom in zip(tops, bottoms, strict=True):
        yield [str(p) if q == 1 else f"{p}/{q}" for p, q in zip(top, bottom, strict=True)]


def write_json(series: TreeSeries, write: Callable[[str], Any], extras: Sequence[str] = ()) -> None:
    """A JSON list, one tree a line."""
    separator = "[\n"
    for record in records(series, extras):
        write(separator + json.dumps(record))
        separator = ",\n"
    write("\n]\n")


def write_table(series: TreeSeries, write: Callable[[str], Any], extras: Sequence[str] = ()) -> None:
    """Aligned columns under a line that says what is printed; the sum over all trees last."""
    write(f"# {describe(series)}\n")
    if "latex" in extras:
        write("# the pictures need \\usepackage{tikz}\n")
    letter = LETTERS[series.kind]
    widths: dict[str, int] = {"order": 5, "symmetry": 8, "level_sequence": max(14, 2 * series.order + 1)}
    if series.trees.colours > 1:
        widths["colours"] = max(7, 2 * series.order + 1)
    head = None
    for record in records(series, extras):
        names = [*widths, letter, *(k for k in record if k not in widths and k != letter)]
        if head is None:
            head = names
            write("  ".join(n.ljust(widths.get(n, 16)) for n in names).rstrip() + "\n")
        texts = [_cell(record[n]) for n in names]
        write("  ".join(t.ljust(widths.get(n, 16)) for n, t in zip(names, texts, strict=True)).rstrip() + "\n")
    write(f"# {series.trees.count} trees, sum of {letter}: {series.total()}\n")


def _cell(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def write_npz(series: TreeSeries, path: str | Path) -> None:
    """Stream the table to an .npz file; the file appears only when it is complete.

    For m = 1 ... order, with R rows, C colours: `level_sequence_m` uint8 (R, m), `symmetry_m` int64 (R), `b_numerator_m`
    (R, C), or (R, C, degree + 1, ...) with symbols, int64 or decimal text where 64 bits do not suffice; with
    several colours `colours_m` uint8 (R, C, m).  `b_denominator` holds one text an order, for example
    '12*(1 - beta)**3', `symbols` their names and `normalisation` what b is.  The letter is a for kind map, c for integrator.
    """
    letter, trees = LETTERS[series.kind], series.trees
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        sigma = trees.symmetries()
        for m in range(1, series.order + 1):
            block = trees.block(m)
            count = block.stop - block.start
            small = np.dtype(np.uint8)
            _member(archive, f"level_sequence_{m}", (count, m), small, partial(trees.level_sequences, m))
            if trees.colours > 1:
                _member(archive, f"colours_{m}", (count, trees.colours, m), small, partial(trees.colour_sequences, m))
            _array(archive, f"symmetry_{m}", sigma[block])
            _array(archive, f"{letter}_numerator_{m}", series.numerators[m])
        _array(archive, f"{letter}_denominator", np.array([denominator_text(series, m) for m in range(1, series.order + 1)]))
        _array(archive, "symbols", np.array(series.method.symbols, dtype=str))
        _array(archive, "normalisation", np.array(describe(series)))


def denominator_text(series: TreeSeries, nodes: int) -> str:
    """The common denominator of the trees with that many nodes, symbols' factors included."""
    ring = series.method.ring
    factors = [f"({ring.factors[i]})**{e}" for i, e in series.factors[nodes]]
    return "*".join([str(series.denominators[nodes]), *factors])


def _array(archive: zipfile.ZipFile, name: str, values: Any) -> None:
    if values.dtype == object:
        width = max((len(str(v)) for v in values.ravel()), default=1)
        dtype = np.dtype(f"S{width}")
        _member(archive, name, values.shape, dtype, lambda rows: values[rows].astype(dtype))
    else:
        _member(archive, name, values.shape, values.dtype, lambda rows: values[rows] if values.ndim else values)


def _member(
    archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], block: Callable[[slice], Any]
) -> None:
    """One .npy member, written in blocks of rows."""
    with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_2_0(_Writer(stream), header)
        rows = shape[0] if shape else 1
        for first in range(0, rows, _CHUNK):
            stream.write(np.ascontiguousarray(block(slice(first, min(first + _CHUNK, rows)))).tobytes())


class _Writer:
    """The little that numpy's header writer needs of a file."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.write = stream.write
