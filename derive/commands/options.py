"""Command-line options that several commands take, and what they select."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from derive.scheme import Scheme, inline_scheme, load_scheme

_LETTERS = "derive.letters"
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def scheme_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--scheme | --update, --parameter, --regime, --set."""
    for option in reversed((
        click.option("--scheme", "scheme", metavar="NAME|FILE.toml", help="A scheme of the catalogue, or a scheme file."),
        click.option("--update", metavar="TEXT", help="The update itself; separate lines with ';'."),
        click.option("--parameter", "parameters", multiple=True, metavar="NAME",
                     help="Declare a symbolic hyperparameter of --update (names of Greek letters need none)."),
        click.option("--regime", metavar="NAME", help="How parameters scale with gamma; the scheme's first regime by default."),
        click.option("--set", "settings", multiple=True, metavar="NAME=VALUE",
                     help="Set a parameter or a time function exactly: beta=9/10, 'r(t)=1/(1+t)'. Repeatable."),
    )):  # fmt: skip
        function = option(function)
    return function


def letters_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """--letters; `chosen_letters` is what was given."""
    return click.option(
        "--letters", metavar="NAME=LETTER,...", expose_value=False, callback=_remember_letters,
        help="Your own letters for what is printed: gamma=h,theta=x,L=f (JSON keeps the scheme's).",
    )(function)  # fmt: skip


def _remember_letters(context: click.Context, _: click.Parameter, text: str | None) -> None:
    if text is not None:
        from derive.writing.letters import read_letters

        context.meta[_LETTERS] = read_letters(text)


def chosen_letters() -> Mapping[str, str]:
    """What --letters of the running command says."""
    found: Mapping[str, str] = click.get_current_context().meta.get(_LETTERS, {})
    return found


def chosen_scheme(scheme: str | None, update: str | None, parameters: tuple[str, ...]) -> Scheme:
    """The scheme that --scheme or --update names; exactly one of them must be there."""
    if (scheme is None) == (update is None):
        raise click.UsageError("give either --scheme NAME (see 'derive schemes') or --update \"theta = ...\"")
    if scheme is not None:
        if parameters:
            raise click.UsageError("--parameter goes with --update; a scheme file declares its own under [parameters]")
        return load_scheme(scheme)
    assert update is not None
    return inline_scheme(update, parameters)
