"""A catalogue entry named after an optimizer is that optimizer: float64 iterates agree to rounding (where its library is there).

The rows stand in tests/optimizers.toml; the lists of the libraries themselves say that none is forgotten.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import pytest
from libraries import OFFERED, lacking
from reference import Reference, battery, configured, largest_difference, references, scheme_iterates

from derive import DeriveError, load_scheme
from derive.scheme.refused import refused

ROOT = Path(__file__).parents[1]
ROUNDING = 1e-12

#: a row of each library, and a scheme that is told apart from it
OTHERS = {
    "torch.optim": ("SGD", "nesterov", "momentum"),
    "optax": ("adam", "", "nadamw"),
    "optax.contrib": ("schedule_free_sgd", "", "weight-decay"),
    "keras.optimizers": ("Adam", "", "adam"),
    "pytorch_optimizer": ("SGDW", "", "momentum-weight-decay"),
}


def needs(library: str) -> None:
    if missing := lacking(library):
        pytest.skip(f"not installed: {', '.join(missing)}")


@pytest.mark.parametrize("reference", battery(), ids=str)
def test_optimizers_are_the_schemes_of_their_rows(reference: Reference) -> None:
    needs(reference.library)
    assert largest_difference(reference) < ROUNDING


@pytest.mark.parametrize("library", OTHERS)
def test_the_comparison_can_fail(library: str) -> None:
    """Negative control of every adapter: another scheme with the same parameters is told apart."""
    needs(library)
    optimizer, form, scheme = OTHERS[library]
    row = next(r for r in battery() if (r.library, r.optimizer, r.form) == (library, optimizer, form))
    values = {"lam": 0.3, "mu": 0.8} | dict(row.values)
    changed = {n: values[n] for n in load_scheme(scheme).parameters if n in values}
    assert largest_difference(dataclasses.replace(row, scheme=scheme, values=changed, memory={})) > 1e-4


@pytest.mark.parametrize("reference", battery(), ids=str)
def test_every_scheme_of_the_battery_runs(reference: Reference) -> None:
    assert len(scheme_iterates(reference, 3)) == 3
    assert {*reference.values} == {*configured(reference).free}


@pytest.mark.parametrize("library", OFFERED)
def test_no_optimizer_of_a_library_is_forgotten(library: str) -> None:
    needs(library)
    offered = {name.casefold() for name in OFFERED[library]()}
    rows = {r.optimizer.casefold() for r in references() if r.library == library}
    assert offered - rows == set()
    assert rows - offered == set()


def test_rows_are_told_apart_by_their_forms() -> None:
    assert [r for r, times in Counter(map(str, references())).items() if times > 1] == []


def test_refusals_say_why() -> None:
    """Every name under `refused` is one of the catalogue's reasons, and loading it says that reason."""
    used = {r.refused for r in references() if r.refused}
    assert used <= set(refused())
    for name, entry in refused().items():
        for spelled in (name, *entry.names):
            with pytest.raises(DeriveError, match="has no modified equation"):
                load_scheme(spelled)


def test_aliases_name_optimizers_of_the_rows() -> None:
    """What a scheme's file calls torch.optim.Adam, a row with that scheme does too."""
    rows = {(f"{r.library}.{r.optimizer}", r.scheme) for r in battery()}
    libraries = tuple(f"{library}." for library in OFFERED)
    for scheme in {r.scheme for r in battery()}:
        for alias in load_scheme(scheme).aliases:
            if alias.startswith(libraries) and "-" not in alias:
                assert (alias, scheme) in rows


def test_the_page_says_what_the_rows_say() -> None:
    """docs/optimizers.md, but for what its first corrections say: the data's row, in its order, and every reason."""
    lines = (ROOT / "docs" / "optimizers.md").read_text("utf-8").splitlines()
    shown = [line.split(" | ") for line in lines if line.startswith("| `")]
    assert len(shown) == len(references())
    for cells, reference in zip(shown, references(), strict=True):
        assert cells[0].startswith(f"| `{reference.optimizer}`"), cells
        reason = refused()[reference.refused].reason if reference.refused else reference.missing
        assert (f"[`{reference.scheme}`]" if reference.scheme else reason) in cells[1]
    page = "\n".join(lines)
    assert all(f"| {entry.title} |" in page for entry in refused().values())
