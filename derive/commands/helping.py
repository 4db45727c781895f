"""What every command's help ends with, examples that run and the formats of its files; and what completion offers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import click
from click.shell_completion import CompletionItem

SCHEME_FILE = (
    'A scheme file is TOML: update = "theta = ..." and, where wanted, name, title, reference, notes, aliases and the tables '
    "[parameters], [functions], [initial], [noise] and [regimes.NAME]; 'derive schemes momentum' shows what one says."
)
TABLEAU_FILE = (
    'A tableau file is TOML or JSON: A = [[0, 0], ["1/2", 0]], b = [0, 1] and, where wanted, c, name, title; or a table '
    "[[colour]] with field, A, b for each part of a partitioned method."
)
FORMULA_FILE = (
    'A formula file is TOML: scheme (or update), order, says = "theta: -grad" (a text or a list) and, where wanted, regime '
    "and a table [set]."
)
CLAIM_FILE = (
    "A claim file is TOML: id, statement, source, kind and the keys of that kind, or many such tables under [[claim]]; "
    "examples/claims/README.md lists the kinds. The lock file claims.lock has one line a claim and is written by --record."
)
CERTIFICATE_FILE = (
    "A certificate is JSON and holds the statement alone: format, scheme, regime, form, label, order, update, kinds, "
    "parameters, bindings, rescaled, functions, slow, fields, memory."
)


def epilog(examples: Sequence[str], *files: str) -> str:
    """The end of a help text; each example is a line that runs, with what it does after a '#' where that needs saying."""
    lines = "\n".join(f"  {line}" for line in examples)
    return "\n\n".join([f"\b\nExamples:\n{lines}", *files])


def _offered(words: Sequence[str], incomplete: str) -> list[CompletionItem]:
    """The words that go on so, whatever their case, or else the names of files."""
    found = [CompletionItem(w) for w in words if w.casefold().startswith(incomplete.casefold())]
    return found or [CompletionItem(incomplete, type="file")]


def complete_schemes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of the catalogue and their aliases."""
    from derive.scheme import spellings

    return _offered(spellings(), incomplete)


def complete_tableaux(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of the tableaux that come with the package."""
    from derive.trees.tableau import tableau_names

    return _offered(tableau_names(), incomplete)


def complete_regimes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The regimes of the scheme, or of the schemes, that the command line names so far.

    Behind `--regime` click leaves the positional words of an unfinished line unread, in `ctx.args`.
    """
    from derive.errors import DeriveError
    from derive.scheme import load_scheme

    regimes: dict[str, None] = {}
    for name in (*(ctx.params.get(key) for key in ("named", "scheme", "a", "b")), *ctx.args):
        if name:
            with suppress(DeriveError):
                regimes |= dict.fromkeys(load_scheme(name).regimes)
    return [CompletionItem(r) for r in regimes if r.startswith(incomplete)]


def completion_command(program: str, group: click.Group) -> click.Command:
    """`derive completion SHELL`, `verify completion SHELL`."""
    lines = (f"{program} completion bash", f"{program} completion fish -o {program}.fish")

    @click.command("completion", epilog=epilog(lines))
    @click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
    @click.option("-o", "--output", metavar="FILE", help="Write to FILE instead of standard output.")
    def completion(shell: str, output: str | None) -> None:
        from click.shell_completion import get_completion_class

        from derive.files import write_whole

        found = get_completion_class(shell)
        assert found is not None
        text = found(group, {}, program, f"_{program.upper()}_COMPLETE").source()
        if output is None:
            click.echo(text)
        else:
            write_whole(output, text)
            click.echo(f"wrote {output}", err=True)

    completion.help = (
        "Print what makes a shell complete commands, schemes, regimes and formats.\n\n"
        f'For bash put  eval "$({program} completion bash)"  into ~/.bashrc, for zsh the same with zsh into ~/.zshrc; '
        f"for fish write it to ~/.config/fish/completions/{program}.fish."
    )
    return completion


__all__ = [
    "CERTIFICATE_FILE", "CLAIM_FILE", "FORMULA_FILE", "SCHEME_FILE", "TABLEAU_FILE",
    "complete_regimes", "complete_schemes", "complete_tableaux", "completion_command", "epilog",
]  # fmt: skip
