"""The section with the pictures: sliders, what the program writes below them, empty panels that it fills."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from verify.problems.maps import maps_of
from verify.problems.plane_game import PlaneGame
from verify.report.controls import Control
from verify.report.material import Material
from verify.report.parts import BUTTONS, LEGEND, REST, figure, section
from verify.report.scaling import scaled_regimes
from verify.report.words import listed

SAID = '<p id="status" role="status"></p><p id="range" role="status"></p>'


def picture(m: Material, controls: Sequence[Control]) -> str:
    """Sliders, words, legend and panels."""
    panels = [figure("panel-loss", _ground(m))]
    if m.contoured is not None:
        panels.append(figure("panel-modified", "On the contours of the modified loss"))
    panels.append(figure("distances", "Distance from the flows", True))
    sliders = "".join(c.html() for c in controls) + (REST if m.model.layout.memory else "")
    buttons = "".join(f'<button type="button" id="{key}">{label}</button> ' for key, label in BUTTONS)
    form = f'<form id="controls" aria-label="hyperparameters">{sliders}<p class="control wide">{buttons}</p></form>'
    shown = f'{LEGEND}<div class="panels">{"".join(panels)}</div>'
    body = f"<p>{_lead(m)}</p>{form}{_beside(m)}{SAID}{_elsewhere(m)}{shown}"
    return section("picture", "Look: iterates, limit flow, modified flow", body)


def _ground(m: Material) -> str:
    """What lies under the orbits."""
    if isinstance(m.loss, PlaneGame):
        return f"On the contours of {m.loss.first}"
    return "On the contours of the loss" if not m.loss.is_field else "In the plane"


def _lead(m: Material) -> str:
    what = "field = " if m.loss.is_field else "loss L = "
    if isinstance(m.loss, PlaneGame):
        what = "game "
    kept = "" if set(m.opened) == set(m.parameters) else "what was set can be moved here too; "
    return (
        f"The {what}<code>{escape(m.loss.text)}</code>{_maps(m)}. Move the sliders (with the keyboard: Tab, then the arrow "
        f"keys) or type numbers (0.999, 1e-8, 2/3); {kept}everything below is computed anew in this page, in double precision, "
        "from functions generated from the exact field."
    )


def _maps(m: Material) -> str:
    """Which maps are drawn."""
    c = m.equation.configuration
    texts = [f"<code>{escape(text)}</code>" for text in maps_of(c).texts(m.loss.dimension)]
    return f", with {listed(texts)} (<code>--set</code> draws another {listed(list(c.scheme.maps))})" if texts else ""


def _elsewhere(m: Material) -> str:
    """The regime whose memory is slow, shown where the series in gamma is of no use."""
    found = scaled_regimes(m.model.configuration, m.opened, m.gamma, m.equation.order)
    if not found:
        return ""
    first = found[0]
    return (
        f'<p id="elsewhere" hidden>The regime {escape(first.name)} ({escape(first.title)}) is made for decay factors near one. '
        f"With the numbers with which this page opened: <code>{escape(first.command)}</code></p>"
    )


def _beside(m: Material) -> str:
    """Where the slow variables besides theta start."""
    names = m.model.coordinates[len(m.start) : len(m.start) + len(m.others)]
    values = ", ".join(f"{n} = {x}" for n, x in zip(names, m.others, strict=True))
    return f'<p class="note">The other slow variables start at {escape(values)}.</p>' if values else ""


__all__ = ["picture"]
