"""Reports for people: tables and sentences on a terminal, plain text elsewhere."""

from __future__ import annotations

import sys
from typing import Any, TextIO

from verify.counterexample.comparison import Comparison
from verify.counterexample.wording import counterexample_text
from verify.verification import Verification


def print_verification(v: Verification, stream: TextIO | None = None) -> None:
    """The whole report on standard output."""
    from rich.console import Console

    out = stream or sys.stdout
    console = Console(file=out, markup=False, highlight=False, width=None if out.isatty() else 118, soft_wrap=not out.isatty())
    console.on_broken_pipe = _reader_left  # type: ignore[method-assign]
    c = v.equation.configuration
    through = f"through {c.scheme.power(v.equation.order)}"
    console.print(f"{c.scheme.title}" + (f", regime {c.regime}" if c.regime else "") + f", {through}")
    _region(console, v)
    _exact(console, v)
    _slopes(console, v)
    _recovered(console, v)
    _quadratic(console, v)
    _rest(console, v)
    for name, reason in v.skipped.items():
        console.print(f"\n{name}: not run: {reason}")
    console.print(f"\nverdict: {v.verdict}" + (f" (by: {', '.join(v.refuted_by)})" if v.refuted_by else ""))


def _reader_left() -> None:
    """Rich would end the program with status 1, which says that something was refuted."""
    raise BrokenPipeError


def _region(console: Any, v: Verification) -> None:
    """Of a branch: where it is claimed, and what the text with its comparisons does there."""
    said = v.equation.region()
    if not said:
        return
    holds = f" ({said['holds']})" if said["holds"] else ""
    console.print(f"\nRegion: {' and '.join(said['condition']) or 'everywhere'}{holds}")
    if v.choice is not None and v.choice.confirmed:
        inside, outside = v.choice.inside, v.choice.outside
        console.print(f"  the comparisons choose this branch at {inside} points inside, another one at {outside} outside")
    elif v.choice is not None:
        console.print(f"  refuted: {v.choice.witness}")


def _exact(console: Any, v: Verification) -> None:
    e, p = v.exact, v.proof
    console.print("\nProof")
    if p is not None:
        console.print(f"  {p}")
        if p.proved:
            signs = f", {p.classes} classes of signs" if p.classes > 1 else ""
            points = f"{p.samples} random point{'s' * (p.samples != 1)}"
            console.print(f"  ({points} over random prime fields, dimension {p.dimension}{signs})")
    if v.special_case is not None:
        words = "is" if v.special_case else "is NOT"
        console.print(f"  shown for every time function; the equation with the one that is set {words} its special case")
    if v.given:
        console.print(f"  on {v.equation.scheme.label} = {v.given.loss}, {v.given.text}")
    if e is not None:
        _compared(console, v, e)


def _compared(console: Any, v: Verification, e: Comparison) -> None:
    exact = e.radius is None
    console.print("\nExact orbits at rational points" if exact else "\nOrbits in balls at random points")
    if v.counterexample is not None:
        console.print(f"  refuted at gamma^{v.counterexample.power}: {counterexample_text(v.counterexample)}")
    else:
        order = v.equation.order
        fields = f"f_0 to f_{order} are" if order else "f_0 is"
        how = "in exact arithmetic" if exact else f"to a radius of {e.radius:.1e}"
        console.print(f"  {fields} the scheme's own at {len(e.examined)} points, {how}")
    if e.step.first_nonzero_power is not None:
        console.print(f"  one step minus Taylor flow: zero through gamma^{e.step.first_nonzero_power - 1}, then not")
    if e.step.remark:
        console.print(f"  {e.step.remark}")


def _table(console: Any, headings: list[str], rows: list[list[str]]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="left" if i == 0 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _slopes(console: Any, v: Verification) -> None:
    table = v.table
    if table is None:
        return
    small, span = "gamma", f"T = {table.time}"
    if table.root > 1:
        small, span = v.equation.scheme.power(1), f"over gamma, after {table.time} steps"
    console.print(f"\nSlopes of the error against {small} ({table.digits} digits, {span}, {small} = {table.gammas[0]}, halved)")
    rows = []
    for k, slope in enumerate(table.slopes):
        raw = [f"{r:.4f}" for r in table.raw[k][-3:]]
        limit = "exact" if slope is None else f"{slope:.6f}"
        rows.append([f"through {v.equation.scheme.power(k)}", *raw, *[""] * (3 - len(raw)), limit, table.expected_text(k)])
    _table(console, ["truncation", "", "", "finest", "extrapolated", "expected"], rows)


def _recovered(console: Any, v: Verification) -> None:
    if v.recovery is None:
        return
    values = ", ".join(f"{n} = {x}" for n, x in v.parameters.items())
    console.print("\nCoefficients recovered from runs" + (f" ({values})" if values else ""))
    found = v.recovery.coefficients
    shown = found if len(found) <= 40 else [c for c in found if not c.agrees] or found[:40]
    rows = [
        [
            f"{c.variable} gamma^{c.power}",
            _short(c.term),
            "held" if c.held else str(c.fraction),
            str(c.predicted),
            "yes" if c.agrees else "NO",
        ]
        for c in shown
    ]
    _table(console, ["part", "term", "recovered", "predicted", "agree"], [[_short(x) for x in row] for row in rows])
    if len(shown) < len(found):
        console.print(f"  ... {len(found)} in all, {sum(c.agrees for c in found)} agree")


def _short(text: str, width: int = 44) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def _quadratic(console: Any, v: Verification) -> None:
    q = v.quadratic
    if q is None:
        return
    found = "agrees" if q.confirmed else f"DIFFERS at gamma^{q.first_difference}"
    problems = "Linear fields" if v.equation.scheme.label == "f" else "Quadratic losses"
    console.print(f"\n{problems}: the field {found} with the closed form (which is given through gamma^{q.order})")


def _rest(console: Any, v: Verification) -> None:
    r = v.rest
    if r is None:
        return
    console.print("\nFrom rest: the initial point moves by gamma c_1 + gamma^2 c_2 + ...")
    for k, vector in enumerate(r.shift, 1):
        values = ", ".join(f"{n} {float(x):+.8g}" for n, x in zip(r.names, vector, strict=True))
        console.print(f"  c_{k}: {values}")
    if r.ratio is not None:
        console.print(f"  c_1 = {r.ratio} f_0")
    for label, table in (("unmoved", r.without), ("moved", r.with_shift)):
        console.print(f"  slopes, {label}: " + ", ".join("exact" if s is None else f"{s:.4f}" for s in table.slopes))
