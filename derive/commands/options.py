"""Command-line options that several commands take, and what they select."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from derive.scheme import Scheme, declaring, inline_scheme, load_scheme

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def scheme_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--scheme | --update, --parameter, --regime, --set."""
    for option in reversed((
        click.option("--scheme", "scheme", metavar="NAME|FILE.toml", help="A scheme of the catalogue, or a scheme file."),
        click.option("--update", metavar="TEXT", help="The update itself; separate lines with ';'."),
        click.option("--parameter", "parameters", multiple=True, metavar="NAME",
                     help="Declare a parameter of --update (names of Greek letters need none) or of --loss."),
        click.option("--regime", metavar="NAME", help="How parameters scale with gamma; the scheme's first regime by default."),
        click.option("--set", "settings", multiple=True, metavar="NAME=VALUE",
                     help="Set a parameter or a time function exactly: beta=9/10, 'r(t)=1/(1+t)'. Repeatable."),
    )):  # fmt: skip
        function = option(function)
    return function


def chosen_scheme(scheme: str | None, update: str | None, parameters: tuple[str, ...]) -> Scheme:
    """The scheme that --scheme or --update names; exactly one of them must be there."""
    if (scheme is None) == (update is None):
        raise click.UsageError("give either --scheme NAME (see 'derive schemes') or --update \"theta = ...\"")
    if scheme is not None:
        return declaring(load_scheme(scheme), parameters)
    assert update is not None
    return inline_scheme(update, parameters)
