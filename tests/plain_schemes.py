"""The catalogue's schemes of one loss or field of theta, a vector without layers, in whole powers of gamma, whose numbers of
repetitions are known: those that all readings, articles, pages and numerical routes are about."""

from __future__ import annotations

from derive.language import symbolic
from derive.scheme import Scheme, catalogue, load_scheme


def is_plain(scheme: Scheme) -> bool:
    single = not scheme.losses and not scheme.layered and not scheme.of_matrices
    return single and scheme.root == 1 and symbolic(scheme.statements) is None


PLAIN = tuple(name for name in catalogue(noise=False, branches=False) if is_plain(load_scheme(name)))
