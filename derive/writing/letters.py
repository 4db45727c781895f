r"""A reader's own letters: the step size as h, the unknown as x, the loss as f, whatever a paper calls them.

Letters are renamed in the notation, where a name becomes a sign, and nowhere else; what is computed, and JSON, keep the names
of the scheme.  A renaming that would give one letter to two things is refused: formulas must stay readable.

    letters     name in the scheme (gamma, theta, L or f, a parameter, memory) -> a letter, the name of a Greek letter, a word;
                in LaTeX also \mathbf{x}, \boldsymbol{\theta}, \mathcal{L} and the like
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from derive.errors import UsageError, nearest
from derive.language.letters import GREEK, LETTERS
from derive.scheme import Configuration
from derive.writing.notation import LATEX

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_COMMAND = re.compile(r"\\(?:mathbf|boldsymbol|mathcal|mathrm|mathsf|mathit|mathbb)\{(?:[A-Za-z]+|\\([A-Za-z]+))\}")
_SIGNS = {sign: name for name, sign in LETTERS.items() if name != "epsilon"}
#: letters that readings bring along, beside those of the scheme
OWN = {
    "ModifiedLoss": "V P W", "ModifiedLosses": "V W", "Stability": "P z",
    "ModifiedEnergy": "E t", "Modifying": "f", "InitialLayer": "n z",
    "Explanation": "V P", "SecondOrder": "", "Accuracy": "t", "Comparison": "",
    "WeakEquation": "b D E G I K S W Z phi xi",
    "InitialLaw": "n K E z phi xi", "StationaryLaw": "V h k s w B", "LawComparison": "E z phi xi kappa",
}  # fmt: skip


def read_letters(text: str) -> dict[str, str]:
    """The option --letters.

    >>> read_letters("gamma=h, theta=x, L=f")
    {'gamma': 'h', 'theta': 'x', 'L': 'f'}
    """
    letters: dict[str, str] = {}
    for pair in text.split(","):
        name, equals, letter = (part.strip() for part in pair.partition("="))
        if not equals or not name or not letter:
            raise UsageError(f"--letters '{pair.strip()}' is not of the form name=letter, such as gamma=h,theta=x,L=f")
        name = _SIGNS.get(name, name)
        if name in letters:
            raise UsageError(f"--letters: {name} is given twice")
        letters[name] = letter
    return letters


def spelled(letter: str) -> str:
    r"""A letter as the notation takes it: a word, the name of a Greek letter, or a command of the few that set a letter.

    Raises UsageError for everything else: nothing that is typed here may act as a command of TeX.

    >>> spelled("η"), spelled("w"), spelled(r"\boldsymbol{\theta}")
    ('eta', 'w', '\\boldsymbol{\\theta}')
    """
    letter = _SIGNS.get(letter, letter)
    command = _COMMAND.fullmatch(letter)
    if command and (command[1] is None or command[1] in (*GREEK, "gamma", "theta", "lambda", "varepsilon")):
        return letter
    if not _NAME.fullmatch(letter):
        raise UsageError(
            f"--letters: '{letter[:40]}' is no letter; write a letter, a word, a Greek letter's name, or in LaTeX \\mathbf{{x}}"
        )
    return {"lambda": "lam", "epsilon": "eps"}.get(letter, letter)


def checked(letters: Mapping[str, str], names: Iterable[str], latex: bool) -> dict[str, str]:
    """The letters as the notation takes them, for an output in which these names stand.

    Raises UsageError for a name that does not stand there, and where two names would get one sign.

    >>> checked({"gamma": "eta", "eta": "v"}, ["gamma", "eta"], False)
    {'gamma': 'eta', 'eta': 'v'}
    """
    known = dict.fromkeys(names)
    found = {}
    for name, letter in letters.items():
        if name not in known:
            raise UsageError(f"--letters: no '{name}' to rename here{nearest(name, known)} (known: {', '.join(sorted(known))})")
        found[name] = spelled(letter)
        if found[name].startswith("\\") and not latex:
            raise UsageError(f"--letters: {letter} is for --format latex; in text write a letter or a word")
    taken: dict[str, str] = {}
    for name in sorted(known, key=lambda n: n in found):  # those that keep their letter first
        sign = LATEX.letter(found.get(name, name))
        if sign in taken:
            raise UsageError(
                f"--letters: {name}={letters.get(name, name)} would write {name} like {taken[sign]}; "
                f"rename {taken[sign]} as well, or take another letter"
            )
        taken[sign] = name
    return found


def names_in(*configurations: Configuration) -> dict[str, None]:
    """Every name that an output about these schemes may show."""
    names: dict[str, None] = dict.fromkeys(("gamma", "theta"))
    for c in configurations:
        scheme = c.scheme
        names |= dict.fromkeys((scheme.label, *c.free, *(c.symbol(s) for s in scheme.states)))
        names |= dict.fromkeys(n for n in (*scheme.states, *scheme.assigned, *scheme.functions) if n != "theta_prev")
        if scheme.functions:
            names["t"] = None
    return names


def for_reading(letters: Mapping[str, str], reading: Any, latex: bool) -> dict[str, str]:
    """The letters of a reading's output: with the names that the reading brings along."""
    if not letters:
        return {}
    regimes = getattr(reading, "regimes", ())
    holders = [reading, *(getattr(reading, part, None) for part in ("equation", "first", "second", "stability"))]
    holders += [r.equation for r in regimes]
    found = {id(c): c for h in holders if isinstance(c := getattr(h, "configuration", None), Configuration)}
    names = [*names_in(*found.values()), *OWN.get(type(reading).__name__, "").split()]
    if regimes:
        names += [*reading.scheme.parameters]
    for h in holders:
        names += [n for n in (getattr(h, "q", ""), getattr(h, "curvature", "")) if n]
    return checked(letters, names, latex)


__all__ = ["OWN", "checked", "for_reading", "names_in", "read_letters", "spelled"]
