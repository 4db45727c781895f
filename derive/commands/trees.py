"""`derive trees`: coefficients on all rooted trees.  Nothing heavy is imported until the command runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from derive.commands.console import progress
from derive.commands.console import settings as parse_settings
from derive.commands.helping import SCHEME_FILE, TABLEAU_FILE, complete_tableaux, epilog
from derive.commands.limits import tell_memory
from derive.commands.options import chosen_scheme, chosen_settings, scheme_options
from derive.errors import UsageError
from derive.files import check_writable, replacing
from derive.sizes import parse_size

if TYPE_CHECKING:
    from derive.trees.method import TreeMethod
    from derive.trees.series import TreeSeries

_KINDS = ("flow", "map", "integrator", "conditions")


@click.command(
    "trees",
    epilog=epilog(
        (
            "derive trees --tableau rk4 --order 6",
            "derive trees momentum --order 4 --with differential,divided",
            "derive trees --tableau rk4 --kind conditions",
            "derive trees heun --order 9 --format npz -o heun.npz",
        ),
        TABLEAU_FILE, SCHEME_FILE,
    ),
)  # fmt: skip
@scheme_options
@click.option("--tableau", metavar="NAME|FILE", shell_complete=complete_tableaux,
              help="A Butcher tableau (.toml, .json), one or several colours; or a name.")  # fmt: skip
@click.option("--order", type=int, default=5, show_default=True, metavar="N", help="Trees with at most N nodes.")
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
              help="More columns: density, bracket, differential, latex (needs tikz), divided (b/sigma).")  # fmt: skip
@click.option("-o", "--output", metavar="FILE", help="Write to FILE; it appears whole or not at all.")
@click.option("--memory-limit", metavar="SIZE", callback=tell_memory,
              help="Refuse what needs more, e.g. 4G (default: the memory that is free).")  # fmt: skip
def trees_command(
    scheme: str | None,
    update: str | None,
    parameters: tuple[str, ...],
    regime: str | None,
    settings: tuple[str, ...],
    tableau: str | None,
    order: int,
    kind: str,
    form: str,
    extras: str,
    output: str | None,
    memory_limit: str | None,
) -> None:
    """Coefficients of a scheme on all rooted trees with at most N nodes.

    The coefficients are printed without division by the symmetry sigma: the field is the sum over trees of
    gamma^(|tau|-1) b(tau)/sigma(tau) F(tau), for theta' = f(theta); f = -grad L in schemes written with grad.  --with divided
    adds b/sigma.
    """
    if output is not None:
        check_writable(output, "-o")
    method = _method(scheme, tableau, regime, settings, (update, parameters))
    columns = [c.strip() for c in extras.split(",") if c.strip()]
    _check(form, output, kind, columns)
    if kind == "conditions":
        _write(output, lambda write: _conditions(method, order, form, write))
    else:
        _emit(_series(method, order, kind, memory_limit), form, output, columns)
    if output is not None:
        click.echo(f"wrote {output}", err=True)


def _method(
    scheme: str | None,
    tableau: str | None,
    regime: str | None,
    settings: tuple[str, ...],
    inline: tuple[str | None, tuple[str, ...]],
) -> TreeMethod:
    from derive.trees.tableau import load_tableau, method_of_scheme

    update, parameters = inline
    if tableau is None:
        if scheme is None and update is None:
            raise UsageError("give --scheme NAME, --update TEXT or --tableau FILE")
        chosen = chosen_scheme(scheme, update, parameters, settings)
        return method_of_scheme(chosen, regime, chosen_settings(chosen, settings))
    if scheme is not None or update is not None or regime is not None or parameters:
        raise UsageError("--tableau stands alone: leave --scheme, --update, --parameter and --regime out")
    return load_tableau(tableau, parse_settings(settings))


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
    from derive.trees.series import tree_series

    limit = None if memory_limit is None else parse_size(memory_limit)
    if kind == "integrator":
        from derive.trees.integrator import modifying_integrator

        return modifying_integrator(method, order)
    with progress(f"trees with at most {order} nodes", 1000) as advance:
        return tree_series(method, order, kind, limit, lambda done, total: advance(1000 * done // total))


def _write(output: str | None, produce: Callable[[Callable[[str], Any]], None]) -> None:
    """Run `produce` with a function that writes text to the file, atomically, or to standard output."""
    if output is None:
        produce(sys.stdout.write)
        return
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
    limit = min(order, 8 if len(method.fields) == 1 else 5)
    effective = None if method.symbols else effective_order(method, limit)
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
    found = f"order {accuracy}" if failing else f"order at least {order} (no trees beyond {order} nodes were tried)"
    if effective is not None:
        found += f", effective order {'at least ' if effective == limit else ''}{effective}"
    write(f"{found}\n")
    for c in conditions:
        state = "holds" if c.holds else "fails"
        difference = "" if c.holds else f"  a = {c.weight}, 1/density = {c.exact}"
        write(f"{state}  {c.tree.differential(method.fields)}{difference}\n")
