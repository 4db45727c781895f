"""Command-line options that several commands take, and what they select."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from functools import wraps
from typing import Any

import click

from derive.commands.console import settings
from derive.commands.helping import complete_regimes, complete_schemes
from derive.errors import DeriveError, OrderError
from derive.files import check_writable, write_whole
from derive.scheme import Scheme, declaring, inline_scheme, load_scheme
from derive.scheme.leading import stating

_LETTERS, _CHOSEN, _FUNCTIONS = "derive.letters", "derive.chosen", "derive.functions"
_LEADING, _ASSUMED = "derive.leading", "derive.assumed"
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
Function = Callable[..., Any]


def scheme_options(function: Function) -> Function:
    """NAME | --scheme | --update, --parameter, --regime, --set; the command gets the name as `scheme`, wherever it stood.

    What `chosen_settings` has to say is said once the command has done its work; one that fails has one line of its own.
    """

    @wraps(function)
    def command(*args: Any, named: str | None, scheme: str | None, **options: Any) -> Any:
        status = function(*args, scheme=_one_name(named, scheme), **options)
        values, *schemes = click.get_current_context().meta.pop(_CHOSEN, ({},))
        note_ranges(values | _values_at(options.get("at")), *schemes)
        return status

    found: Function = command
    for option in reversed((
        click.argument("named", metavar="[SCHEME]", required=False, shell_complete=complete_schemes),
        click.option("--scheme", "scheme", metavar="NAME|FILE.toml", shell_complete=complete_schemes,
                     help="The same as SCHEME: a name, or a scheme file."),
        click.option("--update", metavar="TEXT", help="The update itself; separate lines with ';'."),
        click.option("--parameter", "parameters", multiple=True, metavar="NAME",
                     help="Declare a parameter of --update (names of Greek letters need none) or of --loss."),
        functions_option,
        click.option("--leading", multiple=True, metavar="NAME=FORMULA", expose_value=False, callback=_remember_leading,
                     help="State a memory variable at gamma = 0, where it is not found: 'u = abs(grad)'. It is checked."),
        assume_option,
        click.option("--regime", metavar="NAME", shell_complete=complete_regimes,
                     help="How parameters scale with gamma; the scheme's first regime by default."),
        click.option("--set", "settings", multiple=True, metavar="NAME=VALUE",
                     help="Set a parameter or a time function exactly: beta=9/10, 'r(t)=1/(1+t)'. Repeatable."),
    )):  # fmt: skip
        found = option(found)
    return found


def functions_option(function: Function) -> Function:
    """--function; `chosen_functions` is what was given."""
    return click.option(
        "--function", multiple=True, metavar="NAME=TEXT", expose_value=False, callback=_remember_functions,
        help="Declare a function of --update: 'f = loss(x, y)', whose variables are the unknowns, or 'r = rate' of time.",
    )(function)  # fmt: skip


def _remember_functions(context: click.Context, _: click.Parameter, pairs: tuple[str, ...]) -> None:
    context.meta[_FUNCTIONS] = settings(pairs, "--function", "f = loss(x, y)")


def assume_option(function: Function) -> Function:
    """--assume; `chosen_assumptions` is what was given."""
    return click.option(
        "--assume", multiple=True, metavar="CONDITION", expose_value=False, callback=_remember_assumptions,
        help="Of a text with branches (max, min, clip, where): what holds in the region meant, 'norm(grad) > c'. Repeatable.",
    )(function)  # fmt: skip


def _remember_assumptions(context: click.Context, _: click.Parameter, texts: tuple[str, ...]) -> None:
    context.meta[_ASSUMED] = texts


def chosen_assumptions() -> tuple[str, ...]:
    """What --assume of the running command says."""
    found: tuple[str, ...] = click.get_current_context().meta.get(_ASSUMED, ())
    return found


def chosen_functions() -> Mapping[str, str]:
    """What --function of the running command says."""
    found: Mapping[str, str] = click.get_current_context().meta.get(_FUNCTIONS, {})
    return found


def _remember_leading(context: click.Context, _: click.Parameter, pairs: tuple[str, ...]) -> None:
    context.meta[_LEADING] = settings(pairs, "--leading", "u = abs(grad)")


def _values_at(at: str | None) -> dict[str, str]:
    """What --at says, a parameter's value perhaps."""
    if at is None:
        return {}
    from derive.concrete.names import parse_point

    return {n: str(x) for n, x in parse_point(at).items()}


def _one_name(named: str | None, scheme: str | None) -> str | None:
    if named is not None and scheme is not None:
        raise click.UsageError(f"the scheme is named twice, '{named}' and --scheme '{scheme}'; write one of them")
    return scheme if named is None else named


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


def chosen_scheme(scheme: str | None, update: str | None, parameters: tuple[str, ...], pairs: tuple[str, ...] = ()) -> Scheme:
    """The scheme that was chosen; of one with branches the region that --assume picks, which must be one."""
    return in_region(whole_scheme(scheme, update, parameters, pairs), click.get_current_context().params.get("regime"), pairs)


def in_region(scheme: Scheme, regime: str | None, pairs: tuple[str, ...]) -> Scheme:
    """The branch of a scheme that --assume picks, under --set; the scheme itself where it has no branches."""
    if not scheme.pieces and not chosen_assumptions():
        return scheme
    from derive.equation import region

    return region(scheme, chosen_assumptions(), regime=regime, settings=settings(pairs))


def pair_in_regions(names: Sequence[str], regimes: Sequence[str | None], values: Mapping[str, str]) -> list[Scheme]:
    """Two schemes, of those with branches the regions that --assume picks."""
    from derive.equation import region

    schemes = [load_scheme(name) for name in names]
    if chosen_assumptions() and not any(s.pieces for s in schemes):
        raise click.UsageError(f"--assume '{chosen_assumptions()[0]}': neither scheme has branches; leave it out")
    own = [{n: v for n, v in values.items() if n.partition("(")[0] in {*s.parameters, *s.functions}} for s in schemes]
    return [
        region(s, chosen_assumptions(), regime=r, settings=o) if s.pieces else s
        for s, r, o in zip(schemes, regimes, own, strict=True)
    ]


def whole_scheme(scheme: str | None, update: str | None, parameters: tuple[str, ...], pairs: tuple[str, ...] = ()) -> Scheme:
    """The scheme that its name or --update gives; exactly one of them must be there.  --set of a name of --update declares it."""
    if scheme is not None and update is not None:
        raise click.UsageError(f"give either --scheme {scheme} or --update TEXT, not both")
    leading: Mapping[str, str] = click.get_current_context().meta.get(_LEADING, {})
    return stating(_named_scheme(scheme, update, parameters, pairs), leading, "--leading")


def _named_scheme(scheme: str | None, update: str | None, parameters: tuple[str, ...], pairs: tuple[str, ...]) -> Scheme:
    functions = chosen_functions()
    if scheme is not None:
        refuse_functions(scheme, functions)
        return declaring(load_scheme(scheme), parameters)
    if update is None:
        words = "either --scheme NAME, or NAME alone (see 'derive schemes'), or --update \"theta = ...\""
        raise click.UsageError(f"say which scheme: {words}")
    return inline_scheme(update, parameters, settings(pairs), functions)


def refuse_functions(scheme: str, functions: Mapping[str, str]) -> None:
    """A scheme that has a name has its own functions."""
    if functions:
        raise click.UsageError(f"--function {next(iter(functions))}: {scheme} declares its functions itself; write --update TEXT")


def chosen_settings(scheme: Scheme, pairs: tuple[str, ...]) -> dict[str, str]:
    """What --set says; at the end of the command a note is made of values, also --at's, outside the scheme's ranges."""
    found = settings(pairs)
    click.get_current_context().meta[_CHOSEN] = found, scheme
    return found


def note_ranges(values: Mapping[str, str], *schemes: Scheme) -> None:
    """A note on standard error for every value outside the range that a scheme states."""
    from derive.scheme.ranges import outside

    notes = [note for scheme in schemes for note in (*outside(scheme, values), *_left_open(scheme, values))]
    for note in dict.fromkeys(notes):
        click.echo(f"{click.get_current_context().find_root().info_name}: note: {note}", err=True)


def _left_open(scheme: Scheme, values: Mapping[str, str]) -> Iterator[str]:
    """Notes about expressions; a number is in its range or not."""
    from derive.readings.domain import left_open
    from derive.scheme import configure
    from derive.scheme.ranges import numbers

    expressions = values.keys() - dict(numbers(values)).keys()
    own = {n: v for n, v in values.items() if n in expressions and n in scheme.parameters}
    with suppress(DeriveError):  # what a regime binds is no setting of it
        yield from left_open(configure(scheme, None, own)) if own else ()


def force_option(text: str) -> Decorator:
    """--force, which a refusal of too many terms then names."""

    def decorated(function: Function) -> Function:
        @wraps(function)
        def command(*args: Any, **options: Any) -> Any:
            try:
                return function(*args, **options)
            except OrderError as error:
                raise OrderError(f"{error} (--force derives it all the same)") from None

        return click.option("--force", is_flag=True, help=text)(command)

    return decorated


def output_option(function: Function) -> Function:
    """-o, --output: what the command prints goes to a file, and whether it can be written there is asked before the work."""

    @wraps(function)
    def command(*args: Any, into: str | None, **options: Any) -> Any:
        if into is None:
            return function(*args, **options)
        with _printed_into(into):
            status = function(*args, **options)
        click.echo(f"wrote {into}", err=True)
        return status

    text = "Write to FILE instead of standard output; it appears whole or not at all."
    return click.option("-o", "--output", "into", metavar="FILE", help=text)(command)


@contextmanager
def _printed_into(path: str) -> Iterator[None]:
    """Standard output is kept, as UTF-8, and becomes the file when all is done."""
    check_writable(path, "-o")
    kept = io.BytesIO()
    stream = io.TextIOWrapper(kept, encoding="utf-8", errors="backslashreplace", newline="\n")
    with redirect_stdout(stream):
        yield
    stream.flush()
    write_whole(path, kept.getvalue())


def sweep_options(function: Function) -> Function:
    """--scheduler, --jobs, --output-dir: how the points of a sweep are carried out, for `derive.sweeps`."""
    for option in reversed((
        click.option("--scheduler", default="joblib", show_default=True,
                     help="Of a sweep: joblib, dask for a local cluster, or tcp://HOST:PORT."),
        click.option("--jobs", type=click.IntRange(1, 1024), default=1, show_default=True,
                     help="Processes of a sweep; each imports and compiles anew."),
        click.option("--output-dir", "--out", "folder", metavar="FOLDER",
                     help="One result file a point of a sweep; what is there already is not run again."),
    )):  # fmt: skip
        function = option(function)
    return function
