"""A text with branches beside the branch that is claimed: the same state, so that one can be run from where the other is slow.

    whole    the text with max, min, clip, where, run with real comparisons
    branch   its lines in one region; every state variable of the whole is one of it, and is read in the same order
    asking   the branch with the differences whose signs decide among its state variables
"""

from __future__ import annotations

from dataclasses import replace

from derive.language import Assignment, Name, Statement, fresh_name, names_of
from derive.scheme import Configuration, configure
from derive.scheme.names import CLOCK


def real_text(configuration: Configuration) -> Configuration:
    """The whole text of a region, with its regime and settings, in the variables of the branch: what is a function of the others
    there is so here.  The configuration itself where there are no branches."""
    scheme = configuration.scheme
    if scheme.region is None:
        return configuration
    front, behind = len(scheme.eliminated), len(scheme.statements) - len(scheme.lags)
    whole = replace(
        scheme.whole,
        statements=(*scheme.statements[:front], *scheme.whole.statements, *scheme.statements[behind:]),
        initial=scheme.initial, regimes=scheme.regimes, eliminated=scheme.eliminated, lags=scheme.lags,
    )  # fmt: skip
    return configure(whole, configuration.regime or None, configuration.settings, pieces=True)


def branch_text(configuration: Configuration) -> Configuration:
    """The branch without the lines that ask."""
    scheme = configuration.scheme
    if scheme.region is None:
        return configuration
    return replace(configuration, scheme=replace(scheme, statements=scheme.branch, region=None))


def on_the_same_state(configuration: Configuration) -> Configuration:
    """The branch with the state variables of the whole text; the configuration itself where there are no branches."""
    return configuration if configuration.scheme.region is None else _reading(configuration, configuration.scheme.branch)


def asking(configuration: Configuration) -> Configuration:
    """The same, with the lines that ask as state variables: after a step they hold what that step asked."""
    region = configuration.scheme.region
    return _reading(configuration, configuration.scheme.statements, [c.name for c in region.conditions] if region else [])


def _reading(configuration: Configuration, lines: tuple[Statement, ...], more: list[str] | None = None) -> Configuration:
    """With lines in front that read every state variable of the whole text, the time where it does, and more, in order."""
    scheme, real = configuration.scheme, real_text(configuration)
    read = [*(s for s in real.scheme.states if s not in scheme.unknowns), *(more or [])]
    read += [CLOCK[1]] * any(CLOCK[1] in names_of(a.value) for a in real.scheme.lines)
    name = fresh_name("read", {*scheme.names, *scheme.assigned})
    front = tuple(Assignment(f"{name}{k}", Name(s)) for k, s in enumerate(read))
    return replace(real, scheme=replace(scheme, statements=(*front, *lines), region=None))


__all__ = ["asking", "branch_text", "on_the_same_state", "real_text"]
