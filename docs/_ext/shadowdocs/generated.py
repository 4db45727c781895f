"""Reference pages that the program writes about itself: commands and options, the calls of the language, schemes, claims."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import Any

import click
from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from shadowdocs.execution import ROOT
from shadowdocs.references import linked
from shadowdocs.running import Running

_FILE = re.compile(r"\b(\d{3})_[0-9a-f]{16}\.txt")
#: key of a reference -> its words, its address
WAYS = {
    "doi": ("doi:{}", "https://doi.org/{}"),
    "arxiv": ("arXiv:{}", "https://doi.org/10.48550/arXiv.{}"),
    "url": ("online", "{}"),
}
VERDICTS = {"proved": "good", "refuted": "bad", "holds to leading order": "fair"}


class Generated(SphinxDirective):
    """A directive whose content is Markdown that a function writes."""

    required_arguments = 1

    def markdown(self) -> str:
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        node = nodes.section()
        node.document = self.state.document
        lines = self.markdown().split("\n")
        self.state.nested_parse(StringList(lines, source=self.env.docname), self.content_offset, node, match_titles=True)
        return list(node.children)


class CommandReference(Generated):
    """`{cli} derive`: every command of a program with its options, as the program itself states them."""

    def markdown(self) -> str:
        main = import_module(f"{self.arguments[0]}.commands.main").main
        context = click.Context(main, info_name=self.arguments[0])
        return "\n\n".join(self._command(context, name) for name in main.list_commands(context))

    def _command(self, parent: click.Context, name: str) -> str:
        assert isinstance(parent.command, click.Group)
        command = parent.command.get_command(parent, name)
        assert command is not None
        context = click.Context(command, info_name=name, parent=parent)
        program = f"{parent.info_name} {name}"
        usage = " ".join(command.collect_usage_pieces(context))
        parts = [f"({parent.info_name}-{name})=\n## {program}", f"```text\n{program} {usage}\n```"]
        parts += [escaped(" ".join(p.split())) for p in (command.help or "").split("\n\n")]
        parts += [f"`{head}`\n: {escaped(text) or 'As named.'}" for head, text in options(command, context)]
        return "\n\n".join([*parts, *epilog_parts(command.epilog or "", program)])


def epilog_parts(epilog: str, program: str) -> list[str]:
    """What stands after the options: the examples of this command, then the rest as sentences.

    >>> epilog_parts("Examples:\\n  derive a x\\n  derive b y\\n\\nA file is TOML.", "derive a")
    ['Examples:', '```sh\\nderive a x\\n```', 'A file is TOML.']
    """
    lines = [line.strip() for line in epilog.replace("\b", "").splitlines()]
    examples = [line for line in lines if line.startswith(program + " ")]
    words = "\n".join(x for x in lines if x != "Examples:" and not x.startswith(("derive ", "verify ")))
    found = ["Examples:", "```sh\n" + "\n".join(examples) + "\n```"] if examples else []
    return found + [escaped(" ".join(p.split())) for p in words.split("\n\n") if p.strip()]


def options(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """(how it is written, what it does), as in --help."""
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and "--help" not in parameter.opts:
            yield record[0], " ".join(record[1].split())


def escaped(text: str) -> str:
    """Plain words of a help text in Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>#$|])", r"\\\1", text)


class Catalogue(Generated):
    """`{catalogue} index` is the table of all schemes, `{catalogue} schemes` what each file says."""

    def markdown(self) -> str:
        from derive import catalogue, load_scheme
        from derive.writing.catalogue import scheme_json

        every = [scheme_json(load_scheme(name)) for name in catalogue()]
        if self.arguments[0] == "index":
            return "\n".join(["| scheme | what it is | regimes |", "|---|---|---|", *map(_row, every)])
        return "\n\n".join(map(_scheme, every))


def _row(scheme: dict[str, Any]) -> str:
    regimes = ", ".join(scheme["regimes"]) if len(scheme["regimes"]) > 1 else ""
    return f"| [`{scheme['name']}`](#scheme-{scheme['name']}) | {escaped(scheme['title'])} | {escaped(regimes)} |"


def _scheme(scheme: dict[str, Any]) -> str:
    parts = [f"(scheme-{scheme['name']})=\n### {scheme['name']}"]
    names = ", ".join(f"`{n}`" for n in scheme["aliases"])
    parts.append(f"**{escaped(scheme['title'])}.**" + (f" Also {names}." if names else ""))
    parts.append(f"```python\n{scheme['update']}\n```")
    for name, p in scheme["parameters"].items():
        parts.append(f"`{name}`\n: {escaped(p['description'])}" + (f"; {escaped(p['range'])}" if p["range"] else ""))
    parts += [f"`{name}(t)`\n: {escaped(text)}" for name, text in scheme["functions"].items()]
    if scheme["initial"]:
        parts.append("Memory at the start: " + ", ".join(f"`{n} = {e}`" for n, e in scheme["initial"].items()) + ".")
    for name, regime in scheme["regimes"].items():
        settings = ", ".join(f"`{n} = {e}`" for n, e in regime["substitutions"].items())
        title = f": {escaped(regime['title'])}" if regime["title"] else ""
        parts.append(f"Regime **{name}**{title}" + (f" ({settings})" if settings else "") + ".")
    parts += [escaped(scheme["notes"])] if scheme["notes"] else []
    parts.append("\n".join(f"- {_reference(r)}" for r in scheme["references"]) or linked(escaped(scheme["reference"])))
    return "\n\n".join(parts)


def _reference(data: dict[str, Any]) -> str:
    """Authors, title, year, and where it is."""
    links = [f"[{shown}](<{way}>)".format(data[k], data[k]) for k, (shown, way) in WAYS.items() if data.get(k)]
    words = f"{', '.join(data['authors'])}: *{escaped(data['title'])}*"
    return ", ".join([words, str(data["year"]), *links[:1]]) + "."


class Calls(Generated):
    """`{calls} scheme`, `{calls} loss`, `{calls} schedules`: the functions of a language, from what its parser reads."""

    def markdown(self) -> str:
        from derive.language import Call, Name, unparse
        from derive.language.calls import CALLS, LOSS_CALLS

        if self.arguments[0] == "loss":
            return ", ".join(f"`{name}(x)`" for name in LOSS_CALLS) + "."
        if self.arguments[0] == "schedules":
            return "\n\n".join(_schedules())
        rows = ["| call | shown as | gives |", "|---|---|---|"]
        for call in CALLS.values():
            places = ["x", "y", "u", "v"][: call.arity]
            shown = call.unicode.format(*places) if "{" in call.unicode else f"{call.unicode or call.name}({', '.join(places)})"
            kind = {"argument": "of the kind of its argument, component by component"}.get(call.kind, f"a {call.kind}")
            written = unparse(Call(call.name, tuple(map(Name, places))))
            rows.append(f"| `{written}` | {escaped(shown)} | {kind} |")
        return "\n".join(rows)


def _schedules() -> Iterator[str]:
    for path in sorted((ROOT / "derive" / "schedules").glob("*.toml")):
        data = tomllib.loads(path.read_text("utf-8"))
        meanings = "; ".join(f"`{name}` {text}" for name, text in data["parameters"].items())
        yield f"`{data['name']}({', '.join(data['parameters'])})`\n: {data['title']}: {meanings}."


class Claims(Running):
    """`{claims} literature`: a folder of claims judged by the build, a table first and then every claim with its evidence.

    With `:table:` the table alone, in which what is true stands below what is not.
    """

    option_spec = {"table": directives.flag}

    @property
    def lines(self) -> list[str]:
        return [f"verify claims {self.arguments[0]} --format json"]

    def run(self) -> list[nodes.Node]:
        rows = json.loads(self.outcome(self.lines[0]).stdout or "[]")
        node = nodes.container()
        node.document = self.state.document
        short = "table" in self.options
        text = "\n".join(["| source | what it says | verdict |", "|---|---|---|", *(_claim_row(row, short) for row in rows)])
        text += "" if short else "\n\n" + "\n\n".join(_claim(row) for row in rows)
        lines = StringList(text.split("\n"), source=self.env.docname)
        self.state.nested_parse(lines, self.content_offset, node, match_titles=True)
        return list(node.children)


def _claim_row(claim: dict[str, Any], short: bool) -> str:
    verdict = claim["verdict"] if short else f"[{claim['verdict']}](#claim-{claim['id']})"
    true = f" *True:* {escaped(claim['correct_statement'])}" if short and claim["correct_statement"] else ""
    return f"| {linked(escaped(in_words(claim['source'])))} | {escaped(claim['statement'])}{true} | {verdict} |"


@cache
def _titles() -> dict[str, str]:
    folder = ROOT / "verify" / "claims" / "seeds"
    return {path.stem: tomllib.loads(path.read_text("utf-8"))["title"] for path in folder.glob("*.toml")}


def in_words(source: str) -> str:
    """The source of a claim with the title of the article in place of its file."""
    return _FILE.sub(lambda found: _titles()[found[1]], source)


def _claim(claim: dict[str, Any]) -> str:
    kind = VERDICTS.get(claim["verdict"], "none")
    parts = [f"(claim-{claim['id']})=\n::::{{container}} claim verdict-{kind}"]
    parts.append(f"**{escaped(claim['id'])}: {claim['verdict']}**")
    parts += [escaped(claim["statement"]), f"*{linked(escaped(claim['source']))}*"]
    parts.append(_code("Judged", [*claim["hypotheses"], "=> " + claim["conclusion"]]))
    if claim["verdict"] != "proved" and claim["evidence"]:
        parts.append(_code("Found", claim["evidence"]))
    if claim["correct_statement"]:
        parts.append(_code("True", [claim["correct_statement"]]))
    return "\n\n".join([*parts, "::::"])


def _code(title: str, lines: Sequence[str]) -> str:
    return f"{title}:\n\n```text\n" + "\n".join(lines) + "\n```"


def setup(app: Any) -> None:
    for name, directive in (("cli", CommandReference), ("catalogue", Catalogue), ("calls", Calls), ("claims", Claims)):
        app.add_directive(name, directive)


__all__ = ["Calls", "Catalogue", "Claims", "CommandReference", "escaped", "options", "setup"]
