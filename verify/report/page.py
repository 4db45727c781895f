"""The whole page: sections, data, generated model and program in one HTML file without a single outside address."""

from __future__ import annotations

import json
from html import escape
from string import Template
from typing import Any

from derive import __version__
from derive.scheme.ranges import outside
from derive.writing.standing import remembers
from verify.report.controls import page_controls
from verify.report.document import asset, head
from verify.report.formula_images import FormulaImages
from verify.report.look import picture
from verify.report.material import Material
from verify.report.player_sections import PlayerSections
from verify.report.sections import Sections
from verify.report.words import power_words


def report_page(material: Material) -> str:
    """The HTML text of a report."""
    formulas = FormulaImages()
    sections = (PlayerSections if material.equation.scheme.losses else Sections)(material, formulas)
    c = material.equation.configuration
    controls = page_controls(
        c, material.opened, material.gamma, material.request.steps, material.equation.order, material.loss.variables,
        material.start,
    )  # fmt: skip
    parts = [
        sections.scheme(), sections.equation(), sections.terms(), picture(material, controls), sections.loss(),
        sections.slopes(), sections.claims(), sections.certificate(),
    ]  # fmt: skip
    model, app = f"const MODEL={material.model.text()};", asset("flows.js") + asset("app.js")
    title = material.equation.scheme.title or material.equation.scheme.name
    return Template(asset("page.html")).substitute(
        head=head(model, app),
        title=escape(title),
        lead=_lead(material),
        style=asset("style.css"),
        glyphs=formulas.sheet(),
        sections="\n".join(parts),
        version=escape(__version__),
        data=_data(material),
        model=model,
        app=app,
    )


def _lead(material: Material) -> str:
    c = material.equation.configuration
    notes = "".join(f"<br>Note: {escape(note)}." for note in outside(c.scheme, c.settings))
    manifold = " on the slow manifold" if remembers(material.equation) else ""
    return (
        f"The differential equation that its iterates follow{manifold}, what each of its terms does, and how well it does so "
        f"(through {power_words(material.equation.order)}).{notes}"
    )


def _data(material: Material) -> str:
    """What the program reads, as JSON in which no tag can begin."""
    data: dict[str, Any] = {
        "parameters": list(material.opened),
        "others": [float(x) for x in material.others],
        "names": list(material.loss.variables),
        "coordinates": material.model.coordinates,
        "order": material.equation.order,
    }
    return json.dumps(data).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


__all__ = ["report_page"]
