"""The optimizers of torch, optax, Keras and pytorch_optimizer, counted, and the page docs/optimizers.md.

    python scripts/optimizers.py             counts by library
    python scripts/optimizers.py --prove     with proofs at orders 1 and 2; the seconds of each on standard error
    python scripts/optimizers.py --page      writes docs/optimizers.md

The data are the rows of tests/optimizers.toml.  Where a library is installed its optimizers are run beside the schemes.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from libraries import OFFERED, lacking  # noqa: E402
from reference import Reference, largest_difference, references, versions  # noqa: E402

from derive import DeriveError, load_scheme, modified_equation, modified_loss  # noqa: E402
from derive.scheme.refused import refused  # noqa: E402
from verify.proof import prove  # noqa: E402

HEAD = "| optimizer | scheme, or why there is none | regimes | its first correction | note |"
ABOUT = """Each pair was run side by side in float64 from the same point
on a nonlinear coupled loss; through sixty steps the iterates agree to $10^{-12}$. The tests of the catalogue prove every scheme's
equation through $\\gamma^2$, or through $\\gamma$ where it sums over layers."""
PAGE = ROOT / "docs" / "optimizers.md"
ROUNDING = 1e-12
COLUMNS = ("listed", "in the catalogue", "proved at 1", "proved at 2", "agree", "refused", "missing")


@cache
def proved(scheme: str, order: int) -> bool:
    """Whether the equation of the scheme's first regime is proved through this order; its seconds on standard error."""
    begin = time.perf_counter()
    equation = modified_equation(scheme, order=order)
    data = equation.to_json()
    found = prove(equation.configuration, data["equations"], data["memory"]).proved
    print(f"{scheme:<28} order {order} {time.perf_counter() - begin:6.1f} s", file=sys.stderr)
    return found


def agrees(reference: Reference) -> bool:
    return largest_difference(reference) < ROUNDING


def counts(library: str, rows: Sequence[Reference], orders: Sequence[int]) -> dict[str, str]:
    """Optimizers, not forms: one is in the catalogue if a form of it is, and is proved or agrees if all of those are."""
    names = sorted({r.optimizer for r in rows})
    forms = {n: [r for r in rows if r.optimizer == n] for n in names}
    held = {n: [r for r in forms[n] if r.scheme] for n in names if any(r.scheme for r in forms[n])}

    def tally(holds: Callable[..., bool]) -> str:
        return str(sum(all(map(holds, rows)) for rows in held.values()))

    found = {"listed": str(len(names)), "in the catalogue": str(len(held))}
    for order in (1, 2):
        found[f"proved at {order}"] = tally(lambda r, order=order: proved(r.scheme, order)) if order in orders else "-"
    found["agree"] = "-" if lacking(library) else tally(agrees)
    found["refused"] = str(sum(any(r.refused for r in forms[n]) for n in names if n not in held))
    found["missing"] = str(sum(any(r.missing for r in forms[n]) for n in names if n not in held))
    return found


def table(orders: Sequence[int]) -> str:
    lines = [f"{'library':<20}" + "".join(f"{c:>18}" for c in COLUMNS)]
    for library in OFFERED:
        found = counts(library, [r for r in references() if r.library == library], orders)
        lines.append(f"{library:<20}" + "".join(f"{found[c]:>18}" for c in COLUMNS))
    reasons = Counter(r.missing for r in references() if r.missing)
    return "\n".join([*lines, "", "missing:", *(f"{times:>4}  {reason}" for reason, times in reasons.most_common())])


# ------------------------------------------------------------------------------------------ the page


@cache
def correction(scheme: str) -> str:
    """What the first correction does to the loss, where it has one: V_1 of the modified loss L V_0 + gamma V_1."""
    try:
        found = modified_loss(scheme, order=1)
    except DeriveError:
        return "not read as a loss"
    if found.exists_through >= 1:
        added = str(found.potential[1])
        return "adds nothing to the loss" if added == "0" else f"adds γ times `{added}` to the loss"
    if found.exists_through == 0:
        return "is no gradient; the limit is"
    if found.preconditioner is not None:
        return "the limit descends the loss with a factor on every component, and is no gradient"
    return "neither the limit nor it is a gradient"


def row(reference: Reference) -> str:
    """A line of the page: what its row of the data says."""
    name = f"`{reference.optimizer}`" + (f", {reference.form}" if reference.form else "")
    if reference.refused:
        return f"| {name} | refused: {refused()[reference.refused].reason} | | | |"
    if reference.missing:
        return f"| {name} | missing: {reference.missing} | | | |"
    regimes = ", ".join(load_scheme(reference.scheme).regimes)
    link = f"[`{reference.scheme}`](reference/catalogue.md#scheme-{reference.scheme})"
    return f"| {name} | {link} | {regimes} | {correction(reference.scheme)} | {reference.note} |"


def page() -> str:
    known = ", ".join(f"{name} {version}" for name, version in versions().items())
    parts = [
        "# The optimizers of the libraries",
        f"Every optimizer that {known} offer, and the scheme of the\n[catalogue](reference/catalogue.md) that it is. " + ABOUT,
        "This page is written by `python scripts/optimizers.py --page` from `tests/optimizers.toml`.",
    ]
    for library in OFFERED:
        rows = [row(r) for r in references() if r.library == library]
        parts.append("\n".join([f"## {library}", "", HEAD, "|---|---|---|---|---|", *rows]))
    names = [f"| {r.title} | {', '.join(f'`{n}`' for n in r.names)} | {r.reason} |" for r in refused().values()]
    parts.append("\n".join(["## Without a modified equation", "", "| optimizer | names | reason |", "|---|---|---|", *names]))
    return "\n\n".join(parts) + "\n"


def main(arguments: Iterable[str] | None = None) -> None:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prove", action="store_true", help="prove every scheme at orders 1 and 2")
    parser.add_argument("--page", action="store_true", help="write docs/optimizers.md")
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    if chosen.page:
        PAGE.write_text(page(), "utf-8")
    else:
        print(table((1, 2) if chosen.prove else ()))


if __name__ == "__main__":
    main()
