"""The Sphinx extension of these pages: everything on them that a program printed or drew is made by the build.

    running    `derive ...` and `verify ...` as child processes, with a cache     ->  {command}, {formula}, {json}
    pictures   docs/pictures/*.py, each a function that draws, light and dark       ->  {picture}
    formulas   mathematics as inline SVG, without scripts and without a network
    snippets   every ```pycon block is a doctest
    generated  the reference of the commands, the catalogue, the table of claims  ->  {cli}, {catalogue}, {claims}
    solutions  answers to exercises, closed at first                               ->  {solution}
    docstrings the Python reference                                                ->  {api}

A command with another exit status than the stated one, a picture that cannot be drawn, a formula that cannot be read and a
doctest that fails are warnings, and the site is built with warnings as errors (sphinx -W).
"""

from __future__ import annotations

from typing import Any

from shadowdocs import docstrings, formulas, generated, pictures, running, session, snippets, solutions


def setup(app: Any) -> dict[str, bool]:
    for part in (session, running, pictures, formulas, snippets, generated, docstrings, solutions):
        part.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
