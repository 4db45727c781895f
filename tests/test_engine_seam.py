"""The engine asks fifteen operations of its algebra, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from derive import configure, load_scheme
from derive.algebra.coefficients import Ring
from derive.algebra.protocol import TermAlgebra
from derive.algebra.sums import Algebra
from derive.engine.run import Derivation
from derive.engine.translation import Variant

OPERATIONS = {name for name in vars(TermAlgebra) if not name.startswith("_")} | set(TermAlgebra.__annotations__)


class Bare:
    """The usual algebra behind a wall with fifteen holes, its ring beside."""

    def __init__(self, ring: Ring) -> None:
        self.inner = Algebra(ring)
        self.asked: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        if name not in OPERATIONS:
            raise AttributeError(f"the engine asks for {name}")
        self.asked.add(name)
        return getattr(self.inner, name)


@pytest.mark.parametrize("name", ["momentum", "adam", "normalised-gd", "bdf2", "implicit-midpoint", "lion", "momentum-schedule"])
def test_fifteen_operations_suffice(name: str) -> None:
    configuration = configure(load_scheme(name))
    plain, bare = Derivation(configuration, 2), Derivation(configuration, 2, variant=Variant(algebra=Bare))
    for x, fields in plain.fields.items():
        assert [{str(t): str(c) for t, c in f.items()} for f in fields] == [
            {str(t): str(c) for t, c in f.items()} for f in bare.fields[x]
        ]


def test_there_are_fifteen() -> None:
    assert len(OPERATIONS - {"ring", "loss", "losses"}) == 15, sorted(OPERATIONS)
