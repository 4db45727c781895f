"""Names of Greek letters: how they are written, how they are read, and which of them a typed update may use undeclared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

LETTERS: Mapping[str, str] = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "eps": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "iota": "ι", "kappa": "κ", "lam": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ",
    "sigma": "σ", "tau": "τ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
}  # fmt: skip
#: names of hyperparameters; omicron and upsilon look like o and u and are written out
GREEK = (*(name for name in LETTERS if name not in ("gamma", "theta")), "omicron", "upsilon")
#: other shapes of letters, and the two that are written out
_SHAPES = {"ϕ": "phi", "ϑ": "theta", "ϱ": "rho", "ς": "sigma", "ϰ": "kappa", "ϖ": "pi", "µ": "mu", "ο": "omicron", "υ": "upsilon"}
_NAMES = {letter: name for name, letter in LETTERS.items()} | _SHAPES
_LETTER = re.compile(rf"([{''.join(_NAMES)}])([0-9]*)")
SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


def plain_name(word: str) -> str:
    """A name in the letters of the language: each part that is a Greek letter, with an index or without, by its name.

    Identifiers are told apart as Python does (NFKC), but that the two shapes of epsilon are two names.

    >>> [plain_name(w) for w in ("β₁", "η_x", "ε", "ϵ", "𝛽2", "θ⁻", "g", "β_1", "βv")]
    ['beta1', 'eta_x', 'eps', 'epsilon', 'beta2', 'theta_prev', 'g', 'beta_1', 'βv']
    """
    for sign, ending in (("⁻", "_prev"), ("⁺", "_next")):
        word = word.removesuffix(sign) + ending if word.endswith(sign) else word
    if word.isascii():
        return word
    return "_".join(_plain_part(part) for part in word.translate(SUBSCRIPTS).split("_"))


def plain_key(key: str) -> str:
    """The same of a key, which may name a time function.

    >>> plain_key(" β₁ "), plain_key("ρ(t)"), plain_key("r(t)")
    ('beta1', 'rho(t)', 'r(t)')
    """
    name, bracket, rest = key.strip().partition("(")
    return plain_name(name.strip()) + bracket + rest


def _plain_part(part: str) -> str:
    plain = unicodedata.normalize("NFKC", part)
    found = _LETTER.fullmatch(part) or _LETTER.fullmatch(plain)
    return _NAMES[found[1]] + found[2] if found else plain


def is_letter(name: str) -> bool:
    """Whether a name is one Greek letter of hyperparameters, with an index or without: beta, eps, lam_2, mu1.

    >>> is_letter("mu_1"), is_letter("mum"), is_letter("theta")
    (True, False, False)
    """
    stem = name.rstrip("0123456789")
    return (stem if stem == name else stem.removesuffix("_")) in _STEMS


_STEMS = frozenset(GREEK)
