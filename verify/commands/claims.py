"""The command `verify claims`: read, judge, print, compare with the lock file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from derive.commands.helping import CLAIM_FILE, epilog
from derive.commands.options import output_option
from derive.errors import DeriveError

if TYPE_CHECKING:
    from verify.claims.claim import Claim
    from verify.claims.judgment import Judgment

    Results = list[tuple[Claim, Judgment]]

SHIPPED = ("seeds", "literature")
DIFFERS = 1
EPILOG = epilog(
    (
        "verify claims                              # the seed articles",
        "verify claims literature                   # disagreements in the literature",
        "verify claims literature --record --lock verdicts.lock",
        "verify claims literature --lock verdicts.lock --format json   # exit status 1 if a verdict is not the recorded one",
    ),
    CLAIM_FILE,
)


def complete_claims(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The folders that come with the package, and files."""
    found = [CompletionItem(name) for name in SHIPPED if name.startswith(incomplete)]
    return [*found, CompletionItem(incomplete, type="file")]


@click.command("claims", epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("paths", nargs=-1, metavar="[PATH ...]", shell_complete=complete_claims)
@click.option("--format", "form", type=click.Choice(["text", "json", "latex", "html"]), default="text", show_default=True)
@click.option("--brief", is_flag=True, help="Without the evidence (text, LaTeX and HTML).")
@click.option("--record", is_flag=True, help="Write the verdicts to the lock file.")
@click.option("--lock", "lock", metavar="FILE", help="The lock file; claims.lock beside the claims by default.")
@output_option
def claims_command(paths: tuple[str, ...], form: str, brief: bool, record: bool, lock: str | None) -> int:
    """Judge claims: proved, refuted, holding to leading order, or not mathematical.

    PATH is a claim file or a folder of them (see examples/claims/README.md), or the name of a folder that comes with the
    package, seeds or literature. Exit status: 0 as recorded, 1 a verdict differs from the recorded one, 2 cannot run, or a
    file cannot be read; the others are judged.
    """
    from verify.claims import table
    from verify.claims.judgment import UNREADABLE

    folders = [_located(p) for p in paths or SHIPPED[:1]]
    if record:
        _check_locks(folders, Path(lock) if lock else None)
    results = judged(folders, strict=record)
    match form:
        case "json":
            click.echo(table.json_list(results))
        case "latex":
            click.echo(table.latex_list(results, brief))
        case "html":
            click.echo(table.html_page(results, brief))
        case _:
            click.echo(table.text_table(results, brief))
    status = _recorded(folders, results, record, Path(lock) if lock else None)
    return 2 if any(j.verdict == UNREADABLE for _, j in results) else status


def _check_locks(folders: list[Path], lock: Path | None) -> None:
    """Before the work: whether the verdicts can be recorded."""
    from derive.files import check_writable
    from verify.claims.lock import lock_of

    for target in {lock or lock_of(f) for f in folders}:
        check_writable(target, "--record")


def judged(paths: list[Path], strict: bool = False) -> Results:
    """Every claim of the files and folders with its judgment; what cannot be read in its place, or raised where none can be.

    `strict`: raise the first, as nothing is recorded of a folder that is not read as a whole.
    """
    from derive.commands.console import progress
    from verify.claims.claim import Claim
    from verify.claims.judge import judge
    from verify.claims.judgment import unreadable
    from verify.claims.reader import Unreadable, read_each

    found = read_each(paths)
    results: Results = []
    errors: list[DeriveError] = []
    with progress("judging claims", len(found)) as advance:
        for done, item in enumerate(found, 1):
            claim = Claim(Path(item.file).stem, "", "", "", None, item.file) if isinstance(item, Unreadable) else item
            try:
                if isinstance(item, Unreadable):
                    raise item.error
                results.append((claim, judge(claim)))
            except DeriveError as error:
                errors.append(error)
                results.append((claim, unreadable(error)))
            advance(done)
    if errors and (strict or len(errors) == len(results)):
        raise errors[0]
    return results


def _located(path: str) -> Path:
    from verify import claims

    given = Path(path)
    return Path(claims.__path__[0]) / path if path in SHIPPED and not given.exists() else given


def _recorded(paths: list[Path], results: Results, record: bool, lock: Path | None) -> int:
    """Write the locks, or compare with them; the exit status."""
    from verify.claims.judgment import UNREADABLE
    from verify.claims.lock import Difference, differences, lock_of, read_lock, write_lock

    groups: dict[Path, tuple[Results, bool]] = {}
    for path in paths:
        target = lock or lock_of(path)
        files = {str(f) for f in (path.glob("*.toml") if path.is_dir() else [path])}
        before, whole = groups.get(target, ([], lock is not None))
        own = [r for r in results if r[0].file in files and r not in before and r[1].verdict != UNREADABLE]
        groups[target] = (before + own, whole or path.is_dir())
    found: list[Difference] = []
    for target, (part, whole) in groups.items():
        if record:
            write_lock(target, part, whole)
            click.echo(f"verify: recorded {len(part)} verdicts in {target}", err=True)
        elif target.exists() or lock is not None:
            found += differences(read_lock(target), part, whole)
        else:
            click.echo(f"verify: nothing recorded yet ({target} does not exist; --record writes it)", err=True)
    for difference in found:
        click.echo(f"verify: {difference}", err=True)
    return DIFFERS if found else 0
