"""A scheme with all its names replaced, and its outputs translated back.

Names between two words of the language (gamma, L, theta, ...) go to names between the same words, in the same order:
sorting, and so the order of printing, is that of the original.  No fresh name is a word or a Greek letter.
"""

from __future__ import annotations

import json
import re
import tomllib
from bisect import bisect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources

from derive.language import names_of
from derive.language.letters import LETTERS
from derive.scheme import Scheme, scheme_from_toml

#: names that outputs contain beside those of a scheme, in the order of sorting
WORDS = sorted(["A", "L", "correction", "gamma", "h", "n", "p", "q", "t", "theta", "theta_next", "theta_prev", "u", "z"])
_GREEK = {letter: name for name, letter in LETTERS.items() if name != "epsilon"} | {"∞": "oo"}
_COMMANDS = {"varepsilon": "eps", "lambda": "lam"} | {n: n for n in LETTERS}


def source(name: str) -> str:
    """The text of a file of the catalogue."""
    return (resources.files("derive") / "schemes" / f"{name}.toml").read_text("utf-8")


def own_names(scheme: Scheme) -> list[str]:
    """Parameters, state variables, losses and the symbols of regimes; not theta, its past, and locals."""
    symbols = {n for r in scheme.regimes.values() for v, e in r.substitutions.items() if v in scheme.states for n in names_of(e)}
    names = {*scheme.parameters, *scheme.states, *scheme.losses, *symbols}
    return sorted(names - {"theta", "theta_prev", "gamma", "t"})


def neutral(names: Iterable[str]) -> dict[str, str]:
    """name -> fresh name.

    >>> neutral(["beta", "lam", "v"])
    {'beta': 'LKa', 'lam': 'hKa', 'v': 'uKa'}
    """
    found: dict[str, str] = {}
    count: dict[str, int] = {}
    for name in sorted(names):
        word = WORDS[max(0, bisect(WORDS, name) - 1)]
        found[name] = f"{word}K{chr(ord('a') + count.get(word, 0))}"
        count[word] = count.get(word, 0) + 1
    return found


def replaced(text: str, names: Mapping[str, str]) -> str:
    """Every name of the text replaced, where it stands as a word of its own."""
    return re.sub(r"[^\W\d]\w*", lambda m: names.get(m.group(), m.group()), text)


def toml(data: Mapping[str, object]) -> str:
    """The text of a scheme file."""
    tables = {k: v for k, v in data.items() if isinstance(v, dict)}
    regimes = tables.pop("regimes", {})
    lines = [f"{k} = {json.dumps(v)}" for k, v in data.items() if isinstance(v, str)]
    for key, table in [*tables.items(), *((f"regimes.{n}", t) for n, t in regimes.items())]:
        lines += [f"[{key}]", *(f"{json.dumps(k) if '(' in k else k} = {json.dumps(v)}" for k, v in table.items())]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Renamed:
    """A scheme, the same scheme in other letters, and the way back."""

    original: Scheme
    scheme: Scheme
    text: str
    back: Mapping[str, str]

    def regime(self, name: str | None) -> str | None:
        """The original's name for a regime."""
        return self.back.get(name, name) if name else name

    def translated(self, text: str) -> str:
        """An output of the renamed scheme in the original's letters; fresh names stand nowhere but for a name."""
        pattern = "|".join(map(re.escape, sorted(self.back, key=len, reverse=True)))
        return re.sub(pattern, lambda m: self.back[m.group()], text) if pattern else text


def renamed(text: str, names: Mapping[str, str] | None = None) -> Renamed:
    """The scheme of a file with every name replaced: by the neutral ones, or as `names` says; regimes are renamed too."""
    data = tomllib.loads(text)
    original = scheme_from_toml(text)
    names = neutral(own_names(original)) if names is None else names
    regimes = {r: f"regimeK{chr(ord('a') + i)}" for i, r in enumerate(data.get("regimes", {}))}
    changed: dict[str, object] = {k: v for k, v in data.items() if isinstance(v, str)}
    changed["update"] = replaced(data["update"], names)
    for key in ("parameters", "unknowns", "functions", "initial"):
        if key in data:
            changed[key] = {names.get(n, n): replaced(v, names) for n, v in data[key].items()}
    if "maps" in data:  # their lines know parameters, and have names of their own
        parameters = {n: names[n] for n in original.parameters if n in names}
        changed["maps"] = {head: replaced(lines, parameters) for head, lines in data["maps"].items()}
    if regimes:
        changed["regimes"] = {
            regimes[r]: {names.get(n, n): replaced(v, names) for n, v in table.items()} for r, table in data["regimes"].items()
        }
    written = toml(changed)
    back = {new: old for old, new in (*names.items(), *regimes.items())}
    return Renamed(original, scheme_from_toml(written), written, back)


def letters(text: str) -> str:
    """What an output says apart from its letters: Greek letters, commands and fonts as names, no blanks, places and dollars.

    >>> letters(r"\\frac{\\beta_{1}\\, \\mathrm{vel}}{2}"), letters("β₁ √ε")
    ('\\\\frac{beta1\\\\,vel}{2}', 'beta1√eps')
    """
    text = re.sub(r"line \d+, column \d+", "", text)
    text = text.translate(str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789"))
    text = re.sub("[α-ω∞]", lambda m: _GREEK.get(m.group(), m.group()), text)
    text = re.sub(r"\\mathrm\{([^{}]*)\}", r"\1", text.replace(r"\_", "_"))
    text = re.sub(r"\\([a-z]+)", lambda m: _COMMANDS.get(m.group(1), m.group()), text)
    text = re.sub(r"([A-Za-z])_\{(\d+)\}", r"\1\2", text)
    return re.sub(r"[\s$]+", "", text)


__all__ = ["Renamed", "letters", "neutral", "own_names", "renamed", "replaced", "source", "toml"]
