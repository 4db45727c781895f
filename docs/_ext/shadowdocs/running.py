"""The directives that run commands: {command} shows what was typed and printed, {formula} sets the LaTeX that was printed,
{json-keys} explains keys.

    ```{command} derive stability --scheme momentum --plot stable.svg
    :picture: stable.svg
    :alt: The stable region
    ```

Body lines are commands too, one a line; a line that ends in a backslash goes on in the next.  Every page has a folder of its own,
with the files of docs/files in it, in which its commands run one after the other.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from shadowdocs.execution import Outcome, Refused, remember, run, source_hash

_DISPLAY = re.compile(r"\\begin\{align\*\}.*?\\end\{align\*\}", re.S)
logger = logging.getLogger(__name__)


class Running(SphinxDirective):
    """A directive that runs commands in the folder of its page."""

    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True

    @property
    def lines(self) -> list[str]:
        """The command lines of the argument and of the body, as typed."""
        text = "\n".join([*self.arguments, *self.content])
        return [line for line in re.split(r"(?<!\\)\n", text) if line.strip()]

    @property
    def store(self) -> Path:
        return Path(self.env.app.doctreedir) / "runs"

    @property
    def folder(self) -> Path:
        return Path(self.env.app.doctreedir) / "folders" / self.env.docname

    def outcome(self, line: str) -> Outcome:
        """Run one line; a warning where its exit status is not the stated one."""
        try:
            outcome = run(line.replace("\\\n", " "), self.folder, self.store)
        except Refused as error:
            self.warn(str(error))
            return Outcome("", str(error), 2)
        wanted = self.options.get("status", 0)
        if outcome.status != wanted:
            self.warn(f"exit status {outcome.status}, not {wanted}: {line}\n{outcome.stderr or outcome.stdout}")
        return outcome

    def warn(self, message: str) -> None:
        logger.warning(message, location=self.get_location(), type="shadowdocs")

    def image(self, path: Path, alt: str, classes: tuple[str, ...] = ()) -> nodes.image:
        """An image outside the sources, by its path from the page."""
        uri = os.path.relpath(path.resolve(), Path(self.env.srcdir).resolve())
        return nodes.image(uri=f"/{uri}", alt=alt, classes=list(classes))


class Command(Running):
    """What was typed, and what came of it."""

    option_spec = {
        "status": directives.nonnegative_int, "stderr": directives.flag, "first": directives.positive_int,
        "hide-output": directives.flag, "picture": directives.unchanged, "alt": directives.unchanged,
        "page": directives.unchanged,
    }  # fmt: skip

    def run(self) -> list[nodes.Node]:
        if "picture" in self.options and not self.options.get("alt"):
            self.warn("a picture needs words for those who do not see it (:alt:)")
        shown = "\n".join(text for line in self.lines for text in self.session(line))
        found: list[nodes.Node] = [nodes.literal_block(shown, shown, language="session", classes=["session"])]
        if "picture" in self.options:
            found.append(self.drawn(self.folder / self.options["picture"]))
        if "page" in self.options:
            found.append(self.published(self.folder / self.options["page"]))
        return found

    def session(self, line: str) -> Iterator[str]:
        yield "$ " + line
        outcome = self.outcome(line)
        if "hide-output" not in self.options:
            yield from self.shortened(outcome.stdout.rstrip("\n"))
        if "stderr" in self.options:
            yield from self.shortened("\n".join(textwrap.wrap(outcome.stderr, 92)))

    def shortened(self, text: str) -> list[str]:
        lines = text.split("\n") if text else []
        first = self.options.get("first", len(lines))
        return lines[:first] + (["..."] if len(lines) > first else [])

    def published(self, path: Path) -> nodes.Node:
        """A page that the command wrote, put beside the site's own, and the way to it."""
        if not path.exists():
            self.warn(f"no page {path.name} was written")
            return nodes.paragraph(text=f"({path.name} is missing)")
        remember(Path(self.env.app.outdir) / "_pages" / path.name, path.read_bytes())
        address = "../" * self.env.docname.count("/") + f"_pages/{path.name}"
        way = nodes.reference("", f"Open {path.name}", refuri=address)
        return nodes.paragraph("", "", way, nodes.Text(", the page as it was written."))

    def drawn(self, path: Path) -> nodes.Node:
        """The picture under a name that no other page uses, for images of all pages lie in one folder."""
        if not path.exists():
            self.warn(f"no picture {path.name} was written")
            return nodes.paragraph(text=f"({path.name} is missing)")
        unique = Path(self.env.app.doctreedir) / "drawn" / f"{self.env.docname.replace('/', '-')}-{path.name}"
        remember(unique, path.read_bytes())
        return nodes.figure("", self.image(unique, self.options["alt"], ("printed",)))


class Formula(Running):
    """The displayed formulas that a command prints as LaTeX, set; the words between them are left out."""

    option_spec = {"status": directives.nonnegative_int, "show": directives.flag}

    def run(self) -> list[nodes.Node]:
        found: list[nodes.Node] = []
        for line in self.lines:
            if "show" in self.options:
                text = f"$ {line}"
                found.append(nodes.literal_block(text, text, language="session", classes=["session"]))
            formulas = _DISPLAY.findall(self.outcome(line).stdout)
            if not formulas:
                self.warn(f"no formula in what this prints: {line}")
            found += [nodes.math_block(f, f, number=None, label=None, nowrap=True, no_wrap=True) for f in formulas]
        return found


#: what every reading says about how sure its conclusion is
CONCLUSION = {
    "conclusion": '"exists", "none exists", or how far the search went',
    "about": "what the conclusion is about, in words",
    "complete_over": "the set over which a negative answer is complete, or null",
    "searched": "what was searched where the answer is not complete, or null",
    "because": "the reason, in words",
    "for_parameters": "the parameter values for which it holds",
    "witness": "an example in numbers: loss, point, parameters, value; or null",
}


class Keys(Running):
    """The keys of a command's JSON, `key: what it is` a line, with the output itself; none may be missing and none too many."""

    option_spec = {"status": directives.nonnegative_int, "example": directives.flag, "conclusion": directives.flag}

    @property
    def lines(self) -> list[str]:
        return self.arguments

    def run(self) -> list[nodes.Node]:
        outcome = self.outcome(self.arguments[0])
        data = json.loads(outcome.stdout or "{}")
        keys = list(data if isinstance(data, dict) else data[0])
        stated = dict(line.split(": ", 1) for line in self.content if line.strip())
        if "conclusion" in self.options:  # these are explained once, on the page that has them
            keys = [k for k in keys if k not in CONCLUSION]
        if set(stated) != set(keys):
            missing, extra = sorted({*keys} - {*stated}), sorted({*stated} - {*keys})
            self.warn(f"keys of {self.arguments[0]}: not stated {missing}, not there {extra}")
        text = "\n\n".join(f"`{k}`\n: {stated[k]}" for k in keys if k in stated)
        return [*self._example(data), *self.parse_text_to_nodes(text)]

    def _example(self, data: Any) -> list[nodes.Node]:
        typed = f"$ {self.arguments[0]}"
        found: list[nodes.Node] = [nodes.literal_block(typed, typed, language="session", classes=["session"])]
        if "example" in self.options:
            text = json.dumps(data, indent=2, ensure_ascii=False)
            found.append(nodes.literal_block(text, text, language="json"))
        return found


def prepare(app: Any, env: Any, docnames: list[str]) -> None:
    """Every page that is read starts from a fresh folder with the files of docs/files in it."""
    for name in docnames:
        folder = Path(app.doctreedir) / "folders" / name
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(Path(app.srcdir) / "files", folder)


def outdated(app: Any, env: Any, added: set[str], changed: set[str], removed: set[str]) -> set[str]:
    """Every page is read again when the program, this extension or the files of the examples are other ones."""
    files = [*(Path(app.srcdir) / "files").glob("*"), *Path(__file__).parent.glob("*.py")]
    now = source_hash() + "".join(sorted(f"{p.name}{p.stat().st_mtime_ns}" for p in files))
    before, env.shadowdocs_sources = getattr(env, "shadowdocs_sources", ""), now
    return set(env.found_docs) if before and before != now else set()


def setup(app: Any) -> None:
    app.add_directive("command", Command)
    app.add_directive("formula", Formula)
    app.add_directive("json-keys", Keys)
    app.connect("env-before-read-docs", prepare)
    app.connect("env-get-outdated", outdated)


__all__ = ["Command", "Formula", "Keys", "Running", "setup"]
