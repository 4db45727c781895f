"""The command `derive sweep`: parse options, run, print."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import click

from derive.commands.console import one_line, progress
from derive.commands.helping import SCHEME_FILE, complete_regimes, complete_schemes, epilog
from derive.commands.options import output_option, sweep_options
from derive.commands.points import Derivations, Point, points
from derive.errors import UsageError
from derive.sizes import parse_time

EXAMPLES = (
    "derive sweep momentum nesterov --order 1 --order 2",
    "derive sweep gd momentum --regime first --prove --output-dir proofs",
    "derive sweep --regime first --prove --jobs 2 --output-dir proofs   # the whole catalogue",
)
REFUTED, UNDECIDED = 1, 2
HEAD = f"{'scheme':<28}{'regime':<16}{'order':>5}{'regions':>9}{'terms':>7}{'derive s':>10}"


@click.command("sweep", epilog=epilog(EXAMPLES, SCHEME_FILE))
@click.argument("schemes", metavar="[SCHEME]...", nargs=-1, shell_complete=complete_schemes)
@click.option("--order", "orders", type=click.IntRange(0, 12), multiple=True, default=[1], show_default=True,
              help="Through gamma^ORDER. Repeatable.")  # fmt: skip
@click.option("--regime", metavar="NAME|first", shell_complete=complete_regimes, help="This regime alone; all by default.")
@click.option("--prove", is_flag=True, help="Also the verdict of verify scheme on all regions (with noise: of verify sde).")
@click.option("--point-limit", metavar="TIME", help="Stop a point after so much processor time, such as 60s or 5m.")
@sweep_options
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@output_option
def sweep(
    schemes: tuple[str, ...], orders: tuple[int, ...], regime: str | None, prove: bool, point_limit: str | None,
    scheduler: str, jobs: int, folder: str | None, output: str,
) -> int:  # fmt: skip
    """Derive many schemes, all of the catalogue by default, in their regimes and through several orders; prove them.

    Every point runs in a process of its own. Exit status: 0 all derived (and verified), 1 one is refuted, 2 one is refused,
    stopped or not proved; its reason stands in the table.
    """
    from derive.sweeps import sweep as run

    chosen = points(schemes, regime, sorted({*orders}))
    if not chosen:
        raise UsageError(f"--regime {regime}: none of these schemes has it (see 'derive schemes NAME')")
    plan = Derivations(prove, None if point_limit is None else parse_time(point_limit))
    with progress("derive sweep, points", len(chosen)) as advance:
        found = run(plan, chosen, folder, scheduler, jobs, advance)
    if output == "json":
        click.echo(json.dumps([p.named | r for p, r in zip(chosen, found, strict=True)], indent=2))
    else:
        click.echo("\n".join(_table(chosen, found, prove)))
    verdicts = {verdict(r) for r in found}
    return REFUTED if "refuted" in verdicts else UNDECIDED if verdicts - {"derived", "verified"} else 0


def verdict(result: dict[str, Any]) -> str:
    """derived, verified, refuted, not proved; where there is no result: stopped, failed, refused."""
    if "error" in result:
        return next((why for why in ("stopped", "failed") if why in result), "refused")
    return str(result.get("verdict", "derived"))


def _table(points: Sequence[Point], found: Sequence[dict[str, Any]], prove: bool) -> Iterator[str]:
    yield HEAD + (f"{'verify s':>10}  verdict" if prove else "")
    for p, r in zip(points, found, strict=True):
        name = f"{p.scheme:<28}{p.regime or '-':<16}{p.order:>5}"
        yield name + (f"  {verdict(r)}: {one_line(r['error'])}" if "error" in r else _cells(r))
    counts = ", ".join(f"{n} {what}" for what, n in Counter(map(verdict, found)).most_common())
    spent = sum(sum(r.get("seconds", {}).values()) for r in found)
    yield f"{len(found)} points: {counts}; {spent:.1f} s of processor time"


def _cells(r: dict[str, Any]) -> str:
    cells = f"{r['regions']:>9}{r['terms']:>7}{r['seconds']['derive']:>10.2f}"
    if "verdict" not in r:
        return cells
    why = "".join(f"; {one_line(reason)}" for reason in r.get("reasons", ()))
    return f"{cells}{r['seconds']['verify']:>10.2f}  {r['verdict']}{why}"


__all__ = ["sweep"]
