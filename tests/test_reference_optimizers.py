"""A catalogue entry named after an optimizer is that optimizer: float64 iterates agree to rounding (torch, optax; opt-in)."""

from __future__ import annotations

import dataclasses

import pytest
from reference import OPTAX, TORCH, Reference, largest_difference, scheme_iterates

ROUNDING = 1e-12


def _named(reference: Reference) -> str:
    return f"{reference.optimizer} = {reference.scheme}"


@pytest.mark.parametrize("reference", TORCH, ids=_named)
def test_torch_optimizers_are_the_schemes_named_after_them(reference: Reference) -> None:
    pytest.importorskip("torch", reason="torch is not installed (extra 'torch')")
    assert largest_difference(reference) < ROUNDING


@pytest.mark.parametrize("reference", OPTAX, ids=_named)
def test_optax_transformations_are_the_schemes_named_after_them(reference: Reference) -> None:
    pytest.importorskip("optax", reason="optax is not installed")
    assert largest_difference(reference) < ROUNDING


@pytest.mark.parametrize("scheme", ["momentum", "nesterov"])
def test_the_comparison_can_fail(scheme: str) -> None:
    """Negative control: the other form of momentum is told apart."""
    pytest.importorskip("torch", reason="torch is not installed (extra 'torch')")
    nesterov = next(r for r in TORCH if r.optimizer == "SGD nesterov")
    assert largest_difference(dataclasses.replace(nesterov, scheme=scheme)) > 1e-4


def test_every_scheme_of_the_tables_runs() -> None:
    for reference in (*TORCH, *OPTAX):
        assert len(scheme_iterates(reference, 3)) == 3, _named(reference)
