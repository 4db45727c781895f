"""The optimizers of torch, optax, Keras and pytorch_optimizer, counted, and the page docs/optimizers.md.

    python scripts/optimizers.py             counts by library
    python scripts/optimizers.py --prove     carries out what is missing in tests/measured.json: proofs at orders 1 and 2 in
                                             every regime, and first corrections; then writes the page
    python scripts/optimizers.py --page      writes docs/optimizers.md

The data are the rows of tests/optimizers.toml.  Where a library is installed its optimizers are run beside the schemes.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from libraries import OFFERED, lacking  # noqa: E402
from measured import Measured, measure, measured, missing, orders_text, proved, schemes, write  # noqa: E402
from reference import Reference, largest_difference, references, versions  # noqa: E402

from derive import load_scheme  # noqa: E402
from derive.commands.console import progress  # noqa: E402
from derive.commands.points import Derivations  # noqa: E402
from derive.scheme.refused import refused  # noqa: E402

HEAD = "| optimizer | scheme, or why there is none | regimes | orders proved | first correction | note |"
ABOUT = """Each pair was run side by side in float64 from the same point
on a nonlinear coupled loss; through sixty steps the iterates agree to $10^{-12}$. *Orders proved* are the powers of $\\gamma$
through which `verify scheme` says "verified", in every region and, where nothing else is said, in every regime; the *first
correction* is that of the first regime."""
MADE = """This page is written by `python scripts/optimizers.py --page` from `tests/optimizers.toml` and `tests/measured.json`;
`--prove` carries out what is missing in the latter, and what was another text when it was measured."""
PAGE = ROOT / "docs" / "optimizers.md"
RESULTS = ROOT / "build" / "proofs"
ROUNDING = 1e-12
COLUMNS = ("listed", "in the catalogue", "proved at 1", "proved at 2", "agree", "refused", "missing")


def agrees(reference: Reference) -> bool:
    return largest_difference(reference) < ROUNDING


def counts(library: str, rows: Sequence[Reference], known: Measured) -> dict[str, str]:
    """Optimizers, not forms: one is in the catalogue if a form of it is, and is proved or agrees if all of those are."""
    names = sorted({r.optimizer for r in rows})
    forms = {n: [r for r in rows if r.optimizer == n] for n in names}
    held = {n: [r for r in forms[n] if r.scheme] for n in names if any(r.scheme for r in forms[n])}

    def tally(holds: Callable[..., bool]) -> str:
        return str(sum(all(map(holds, rows)) for rows in held.values()))

    found = {"listed": str(len(names)), "in the catalogue": str(len(held))}
    for order in (1, 2):
        found[f"proved at {order}"] = tally(lambda r, order=order: r.scheme in known and proved(known[r.scheme], order))
    found["agree"] = "-" if lacking(library) else tally(agrees)
    found["refused"] = str(sum(any(r.refused for r in forms[n]) for n in names if n not in held))
    found["missing"] = str(sum(any(r.missing for r in forms[n]) for n in names if n not in held))
    return found


def table() -> str:
    known = measured()
    lines = [f"{'library':<20}" + "".join(f"{c:>18}" for c in COLUMNS)]
    for library in OFFERED:
        found = counts(library, [r for r in references() if r.library == library], known)
        lines.append(f"{library:<20}" + "".join(f"{found[c]:>18}" for c in COLUMNS))
    reasons = Counter(r.missing for r in references() if r.missing)
    return "\n".join([*lines, "", "missing:", *(f"{times:>4}  {reason}" for reason, times in reasons.most_common())])


# ------------------------------------------------------------------------------------------ the page


def row(reference: Reference, known: Measured) -> str:
    """A line of the page: what its row of the data says, and what was measured."""
    name = f"`{reference.optimizer}`" + (f", {reference.form}" if reference.form else "")
    if reference.refused:
        return f"| {name} | refused: {refused()[reference.refused].reason} | | | | |"
    if reference.missing:
        return f"| {name} | missing: {reference.missing} | | | | |"
    regimes = ", ".join(load_scheme(reference.scheme).regimes)
    link = f"[`{reference.scheme}`](reference/catalogue.md#scheme-{reference.scheme})"
    orders, said = "not measured", ""
    if entry := known.get(reference.scheme):
        orders, said = orders_text(entry), entry["correction"].replace("|", r"\|")
    return f"| {name} | {link} | {regimes} | {orders} | {said} | {reference.note} |"


def page() -> str:
    known, own = measured(), versions()
    parts = [
        "# The optimizers of the libraries",
        f"Every optimizer that {', '.join(f'{name} {v}' for name, v in own.items())} offer, and the scheme of the\n"
        "[catalogue](reference/catalogue.md) that it is. " + ABOUT,
        MADE,
    ]
    for library in OFFERED:
        rows = [row(r, known) for r in references() if r.library == library]
        distribution = library.partition(".")[0]
        about = f"Version {own[distribution]} of {distribution}."
        parts.append("\n".join([f"## {library}", "", about, "", HEAD, "|---|---|---|---|---|---|", *rows]))
    names = [f"| {r.title} | {', '.join(f'`{n}`' for n in r.names)} | {r.reason} |" for r in refused().values()]
    parts.append("\n".join(["## Without a modified equation", "", "| optimizer | names | reason |", "|---|---|---|", *names]))
    return "\n\n".join(parts) + "\n"


def main(arguments: Iterable[str] | None = None) -> None:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prove", action="store_true", help="carry out what is missing in tests/measured.json; the page too")
    parser.add_argument("--page", action="store_true", help="write docs/optimizers.md")
    parser.add_argument("--seconds", type=float, default=60, help="of processor time for a proof (default 60)")
    parser.add_argument("--scheduler", default="joblib", help="joblib, dask or tcp://HOST:PORT (default joblib)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default 1)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where results of single proofs lie (default build/proofs)")
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    if chosen.prove:
        plan = Derivations(True, chosen.seconds)
        with progress("proofs", len(missing(schemes(), plan))) as advance:
            write(measure(schemes(), plan, chosen.out, chosen.scheduler, chosen.jobs, advance))
    if chosen.page or chosen.prove:
        PAGE.write_text(page(), "utf-8")
    else:
        print(table())


if __name__ == "__main__":
    main()
