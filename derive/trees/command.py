"""`derive trees`: coefficients on all rooted trees.  Nothing heavy is imported until the command runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from derive.errors import DeriveError, UsageError

if TYPE_CHECKING:
    from derive.trees.method import TreeMethod
    from derive.trees.series import TreeSeries

_KINDS = ("flow", "map", "integrator", "conditions")


@click.command("trees")
@click.option("--scheme", metavar="NAME|FILE.toml", help="A scheme of the catalogue, or a scheme file.")
@click.option("--tableau", metavar="NAME|FILE", help="A Butcher tableau (.toml, .json), one or several colours; or a name.")
@click.option("--order", type=int, default=5, show_default=True, metavar="N", help="Trees with at most N nodes.")
@click.option("--regime", metavar="R", help="Regime of the scheme (default: its first).")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Give a hyperparameter an exact value.")
@click.option(
    "--kind",
    type=click.Choice(_KINDS),
    default="flow",
    show_default=True,
    help="b of the modified field; a of one step (elementary weights); c of the modifying integrator; order conditions.",
)
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "npz"]), default="table", show_default=True,
    help="npz needs --output.",
)  # fmt: skip
@click.option("--with", "extras", metavar="COLUMN,...", default="",
              help="More columns: density, bracket, differential, latex, divided (b/sigma).")  # fmt: skip
@click.option("--output", metavar="FILE", help="Write to FILE, which appears only when it is complete.")
@click.option("--memory-limit", metavar="SIZE", help="Refuse what needs more, e.g. 4G (default: the memory that is free).")
def trees_command(
    scheme: str | None,
    tableau: str | None,
    order: int,
    regime: str | None,
    settings: tuple[str, ...],
    kind: str,
    form: str,
    extras: str,
    output: str | None,
    memory_limit: str | None,
) -> None:
    """Coefficients of a scheme on all rooted trees with at most N nodes.

    The coefficients are printed without division by the symmetry sigma: the field is the sum over trees of
    gamma^(|tau|-1) b(tau)/sigma(tau) F(tau), with f = -grad L.  --with divided adds b/sigma.
    """
    try:
        method = _method(scheme, tableau, regime, _settings(settings))
        columns = [c.strip() for c in extras.split(",") if c.strip()]
        _check(form, output, kind, columns)
        if kind == "conditions":
            _write(output, lambda write: _conditions(method, order, form, write))
            return
        series = _series(method, order, kind, memory_limit)
        _emit(series, form, output, columns)
    except DeriveError as error:
        click.echo(f"derive trees: {error}", err=True)
        raise click.exceptions.Exit(2) from None


def _settings(texts: tuple[str, ...]) -> dict[str, str]:
    values = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--set {text}: write NAME=VALUE, for example beta=9/10")
        values[name.strip()] = value.strip()
    return values


def _method(scheme: str | None, tableau: str | None, regime: str | None, settings: Mapping[str, str]) -> TreeMethod:
    if (scheme is None) == (tableau is None):
        raise UsageError("give one of --scheme NAME and --tableau FILE")
    from derive.trees.tableau import load_tableau, method_of_scheme

    if scheme is not None:
        return method_of_scheme(scheme, regime, settings)
    if regime is not None:
        raise UsageError("a tableau has no regimes; leave --regime out")
    assert tableau is not None
    return load_tableau(tableau, settings)


def _check(form: str, output: str | None, kind: str, columns: list[str]) -> None:
    from derive.trees.output import check_extras

    check_extras(columns)
    if form == "npz" and output is None:
        raise UsageError("--format npz is binary; say where to write it with --output FILE.npz")
    if form == "npz" and (kind == "conditions" or columns):
        raise UsageError("--format npz holds coefficients only; use --format json here")
    if kind == "conditions" and columns:
        raise UsageError("--kind conditions has no further columns; leave --with out")


def _series(method: TreeMethod, order: int, kind: str, memory_limit: str | None) -> TreeSeries:
    from derive.trees.memory import parse_size
    from derive.trees.series import tree_series

    limit = None if memory_limit is None else parse_size(memory_limit)
    if kind == "integrator":
        from derive.trees.integrator import modifying_integrator

        return modifying_integrator(method, order)
    with _progress() as report:
        return tree_series(method, order, kind, limit, report)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """A bar on standard error, on a terminal only."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("trees", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _write(output: str | None, produce: Callable[[Callable[[str], Any]], None]) -> None:
    """Run `produce` with a function that writes text to the file, atomically, or to standard output."""
    if output is None:
        produce(sys.stdout.write)
        return
    from derive.trees.output import replacing

    with replacing(output) as path, path.open("w", encoding="utf-8") as stream:
        produce(stream.write)


def _emit(series: TreeSeries, form: str, output: str | None, columns: list[str]) -> None:
    from derive.trees.output import describe, write_json, write_npz, write_table

    if form != "table":
        click.echo(f"# {describe(series)}", err=True)
    if form == "npz":
        assert output is not None
        write_npz(series, output)
    else:
        writer = write_json if form == "json" else write_table
        _write(output, lambda write: writer(series, write, columns))


def _conditions(method: TreeMethod, order: int, form: str, write: Callable[[str], Any]) -> None:
    """Order conditions with the trees at which they first fail; effective order where it is decided."""
    import json

    from derive.trees.conditions import effective_order, order_conditions

    conditions = order_conditions(method, order)
    failing = [c.tree.nodes for c in conditions if not c.holds]
    accuracy = min(failing) - 1 if failing else order
    effective = None if method.symbols else effective_order(method, min(order, 8 if len(method.fields) == 1 else 5))
    if form == "json":
        rows = [
            {"level_sequence": list(c.tree.levels), "order": c.tree.nodes, "density": c.tree.density,
             **({"colours": list(c.tree.colours)} if len(method.fields) > 1 else {}),
             "a": str(c.weight), "exact": str(c.exact), "holds": c.holds}
            for c in conditions
        ]  # fmt: skip
        write(json.dumps({"order": accuracy, "effective_order": effective, "conditions": rows}) + "\n")
        return
    write(f"# {method.name}: a(tau) = 1/density(tau) for theta' = f; a is not divided by the symmetry\n")
    more = f" (all conditions up to {order} hold)" if not failing else ""
    write(f"order {accuracy}{more}" + (f", effective order {effective}" if effective is not None else "") + "\n")
    for c in conditions:
        state = "holds" if c.holds else "fails"
        difference = "" if c.holds else f"  a = {c.weight}, 1/density = {c.exact}"
        write(f"{state}  {c.tree.differential(method.fields)}{difference}\n")
