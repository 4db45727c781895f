"""Text that people wrote, as LaTeX text: nothing in it can act as a command."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    '"': r"{\ttfamily\char34}", "`": r"\textasciigrave{}", "[": "{[}", "]": "{]}",
}  # fmt: skip
_NAMED = {
    "–": r"\textendash{}", "—": r"\textemdash{}", "‘": r"\textquoteleft{}", "’": r"\textquoteright{}",
    "“": r"\textquotedblleft{}", "”": r"\textquotedblright{}", "…": r"\dots{}", "•": r"\textbullet{}", "‐": "{-}", "‑": "{-}",
    "−": "$-$", "×": r"$\times$", "·": r"$\cdot$", "±": r"$\pm$", "÷": r"$\div$", "≤": r"$\le$", "≥": r"$\ge$", "≠": r"$\ne$",
    "≈": r"$\approx$", "→": r"$\to$", "←": r"$\leftarrow$", "∞": r"$\infty$", "∇": r"$\nabla$", "∂": r"$\partial$",
    "√": r"$\surd$", "⊙": r"$\odot$", "∈": r"$\in$", "∑": r"$\sum$", "°": r"$^{\circ}$", "¬": r"$\neg$", "µ": r"$\mu$",
    "α": r"$\alpha$", "β": r"$\beta$", "γ": r"$\gamma$", "δ": r"$\delta$", "ε": r"$\varepsilon$", "ζ": r"$\zeta$",
    "η": r"$\eta$", "θ": r"$\theta$", "ι": r"$\iota$", "κ": r"$\kappa$", "λ": r"$\lambda$", "μ": r"$\mu$", "ν": r"$\nu$",
    "ξ": r"$\xi$", "ο": "o", "π": r"$\pi$", "ρ": r"$\rho$", "σ": r"$\sigma$", "ς": r"$\varsigma$", "τ": r"$\tau$",
    "υ": r"$\upsilon$", "φ": r"$\varphi$", "χ": r"$\chi$", "ψ": r"$\psi$", "ω": r"$\omega$", "Γ": r"$\Gamma$",
    "Δ": r"$\Delta$", "Θ": r"$\Theta$", "Λ": r"$\Lambda$", "Ξ": r"$\Xi$", "Π": r"$\Pi$", "Σ": r"$\Sigma$", "Φ": r"$\Phi$",
    "Ψ": r"$\Psi$", "Ω": r"$\Omega$", "¡": r"\textexclamdown{}", "¿": r"\textquestiondown{}", "§": r"\S{}", "¶": r"\P{}",
    "©": r"\textcopyright{}", "£": r"\pounds{}",
}  # fmt: skip
_WORDS = re.compile(r"\s+|\S+")
_SPACE = re.compile(r"\s+")
#: letters that utf8 input with T1 fonts typesets as they stand
_LETTERS = frozenset(
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿĂăĄąĆćČčĎďĐđĘęĚěĞğĹĺĽľŁłŃńŇňŐőŒœŔŕŘřŚśŞşŠšŢţŤťŮůŰűŸŹźŻżŽž"
)


def escape(text: str) -> str:
    """
    >>> escape("Norsett's 50% \\\\input{x} – é")
    "Norsett's 50\\\\% \\\\textbackslash{}input\\\\{x\\\\} \\\\textendash{} é"
    """
    return _SPACE.sub(" ", "".join(_word(w) for w in _WORDS.findall(unicodedata.normalize("NFC", text))))


def _word(word: str) -> str:
    """A word, or the space between words; a long one may be broken after punctuation."""
    pieces: list[str] = []
    for before, c in pairwise("\0" + word):
        if c == before and c in "-',":
            pieces.append("{}")  # no ligatures
        elif len(word) > 13 and before in "._/=:" and c.isalnum():
            pieces.append(r"\allowbreak{}")
        pieces.append(_character(c))
    return "".join(pieces)


def _character(c: str) -> str:
    if c in _SPECIAL:
        return _SPECIAL[c]
    if c in _NAMED:
        return _NAMED[c]
    if c.isascii():
        return c if c.isprintable() else " "
    if c in _LETTERS:
        return c
    if c.isspace():
        return " "
    plain = "".join(x for x in unicodedata.normalize("NFKD", c) if x.isascii() and x.isprintable())
    return "".join(_character(x) for x in plain) or rf"\texttt{{U+{ord(c):04X}}}"
