"""The table of verdicts: text of 100 columns, JSON, LaTeX (a list), HTML."""

from __future__ import annotations

import html
import json
import textwrap
from collections import Counter
from collections.abc import Sequence

from verify.claims.claim import Claim
from verify.claims.judgment import UNREADABLE, VERDICTS, Judgment

Results = Sequence[tuple[Claim, Judgment]]
WIDTHS = (15, 13, 68)  # id, verdict, text; with two gaps of two, 100 columns
COLOURS = {"proved": "#1b7f3b", "refuted": "#b3261e", "holds to leading order": "#8a6100"}
LONGEST = 330  # characters of one line of evidence in the tables; JSON has all of it


def shortened(line: str) -> str:
    """A line that fits in a table.

    >>> shortened("x" * 400)[-40:]
    'xxxxx ... (70 more characters: see JSON)'
    """
    rest = len(line) - LONGEST
    return line if rest <= 0 else f"{line[:LONGEST]} ... ({rest} more characters: see JSON)"


def summary(results: Results) -> str:
    """How many claims have which verdict."""
    counts = Counter(j.verdict for _, j in results)
    parts = ", ".join(f"{counts[v]} {v}" for v in (*VERDICTS, UNREADABLE) if counts[v])
    return f"{len(results)} claim{'s' * (len(results) != 1)}: {parts}"


def text_table(results: Results, brief: bool = False) -> str:
    """One table; statement, what was judged, evidence and correct statement in the last column.  `brief`: without evidence."""
    heads = ("claim", "verdict", f"statement, what was judged (:){'' if brief else ', evidence (-)'}, what is true (=>)")
    lines = [_row(heads), "  ".join("-" * w for w in WIDTHS)]
    for claim, judgment in results:
        cells = [_wrapped(claim.id, WIDTHS[0], "", True), _wrapped(judgment.verdict, WIDTHS[1])]
        text = _wrapped(claim.statement, WIDTHS[2]) + _wrapped(str(judgment.stated), WIDTHS[2], ": ")
        if not brief or judgment.verdict == UNREADABLE:
            for line in judgment.evidence:
                text += _wrapped(shortened(line), WIDTHS[2], "- ")
        if judgment.correct:
            text += _wrapped(shortened(judgment.correct), WIDTHS[2], "=> ")
        cells.append(text)
        height = max(map(len, cells))
        lines += [_row([c[i] if i < len(c) else "" for c in cells]) for i in range(height)]
        if not brief:
            lines.append("")
    return "\n".join([*lines, summary(results)])


def _row(cells: Sequence[str]) -> str:
    return "  ".join(c.ljust(w) for c, w in zip(cells, WIDTHS, strict=True)).rstrip()


def _wrapped(text: str, width: int, mark: str = "", hyphens: bool = False) -> list[str]:
    return textwrap.wrap(text, width, initial_indent=mark, subsequent_indent=" " * len(mark), break_on_hyphens=hyphens)


def json_list(results: Results) -> str:
    """A list of objects with id, source, statement, kind, hypotheses, conclusion, verdict, evidence, correct_statement (null
    where proved)."""
    rows = [
        {
            "id": c.id, "source": c.source, "statement": c.statement, "kind": c.kind,
            "hypotheses": list(j.stated.hypotheses), "conclusion": j.stated.conclusion, "verdict": j.verdict,
            "evidence": list(j.evidence), "correct_statement": j.correct or None,
        }
        for c, j in results
    ]  # fmt: skip
    return json.dumps(rows, indent=2, ensure_ascii=False)


def latex_list(results: Results, brief: bool = False) -> str:
    """A description list, which needs no package and may go over pages."""
    from derive.writing.escape import escape

    lines = [r"\begin{description}\raggedright"]
    for c, j in results:
        parts = [rf"\item[{escape(c.id)}] \emph{{{escape(j.verdict)}.}} {escape(c.statement)} ({escape(c.source)})"]
        parts.append(f"Judged: {_typed(str(j.stated))}")
        if not brief or j.verdict == UNREADABLE:
            parts += [_typed(shortened(e)) for e in j.evidence]
        if j.correct:
            parts.append(rf"\textbf{{True:}} {_typed(shortened(j.correct))}")
        lines.append("\n\n".join(parts))
    return "\n".join([*lines, r"\end{description}", rf"\noindent {escape(summary(results))}."])


def _typed(text: str) -> str:
    """Formulas as they are typed; long ones may be broken after their operators."""
    from derive.writing.escape import escape

    shown = escape(text).replace("*", r"*\allowbreak{}").replace("(", r"(\allowbreak{}")
    return rf"\texttt{{\small {shown}}}"


def html_page(results: Results, brief: bool = False) -> str:
    """A page on its own: no scripts, nothing loaded."""
    rows = []
    for c, j in results:
        parts = [f"<p>{html.escape(c.statement)}</p>", f"<p><small>{html.escape(c.source)}</small></p>"]
        parts.append(f"<p>Judged: <code>{html.escape(str(j.stated))}</code></p>")
        if j.evidence and (not brief or j.verdict == UNREADABLE):
            parts.append("<ul>" + "".join(f"<li><code>{html.escape(e)}</code></li>" for e in j.evidence) + "</ul>")
        if j.correct:
            parts.append(f"<p><b>True:</b> <code>{html.escape(j.correct)}</code></p>")
        colour = COLOURS.get(j.verdict, "#555")
        verdict = f'<td style="color:{colour}">{html.escape(j.verdict)}</td>'
        name = html.escape(c.id, quote=True)
        rows.append(f'<tr id="{name}"><td>{name}</td>{verdict}<td>{"".join(parts)}</td></tr>')
    style = (
        "body{font:16px/1.45 sans-serif;max-width:62em;margin:2em auto;padding:0 1em}table{border-collapse:collapse}"
        "td,th{vertical-align:top;text-align:left;padding:.4em .8em;border-top:1px solid #ccc}p{margin:.2em 0}"
        "code{overflow-wrap:anywhere}td:nth-child(2){font-weight:600}"
    )
    return "\n".join([
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Claims and verdicts</title>',
        f'<meta name="viewport" content="width=device-width"><style>{style}</style></head><body>',
        f"<h1>Claims and verdicts</h1><p>{html.escape(summary(results))}</p>",
        "<table><thead><tr><th>claim</th><th>verdict</th><th>statement</th></tr></thead><tbody>",
        *rows, "</tbody></table></body></html>",
    ])  # fmt: skip
