"""What every page has: one HTML file without a single outside address, whose programs are named by their hashes."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from string import Template


def asset(*path: str) -> str:
    """The text of a file that lies beside the pages' modules."""
    return resources.files("verify.report").joinpath(*path).read_text("utf-8")


def head(*scripts: str) -> str:
    """The lines with which a page begins; nothing but these programs may run in it."""
    return Template(asset("head.html")).substitute(hashes=" ".join(map(_hash, scripts)))


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
