"""The sections of the page, each a function of the material."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from derive import ModifiedEquation, TermSum
from derive.language import unparse
from derive.readings.conditions import conditions, is_positive
from derive.readings.loss import ModifiedLoss
from derive.readings.signs import Signs
from derive.scheme.bibliography import NUMBERS, cited
from derive.writing.formulas import gamma_power, settled, write_coefficient, write_term
from derive.writing.latex import equation_latex
from derive.writing.notation import LATEX, UNICODE, Notation
from derive.writing.regions import where
from derive.writing.series import for_equation
from derive.writing.standing import remembers, transients, where_text
from derive.writing.text import relaxation_text
from verify.numeric.slopes import SlopeTable
from verify.report.formula_images import FormulaImages
from verify.report.material import Material
from verify.report.parts import described, download, section
from verify.report.pictures import error_plot, expected, marker_sample, runs, through
from verify.report.stabiliser import stabiliser_words
from verify.report.touched import claims_about
from verify.report.words import Phrases, field_words, potential_words, power_words

MAX_ROWS = 60


def velocity_of(equation: ModifiedEquation) -> str | None:
    """The slow variable that is theta' in the limit: eta where theta' = eta + gamma (...)."""
    first = [(str(c), str(term)) for c, term in equation["theta"][0]]
    return next((x for x in equation.equations if x != "theta" and first == [("1", x)]), None)


def _parameter(name: str, value: str, description: str) -> str:
    """A hyperparameter: what it is set to, where it is, and what the scheme's file says of it."""
    setting = "" if value == name else f" = <code>{escape(value)}</code>"
    return f"<li>{escape(name)}{setting}{': ' + escape(description) if description else ''}</li>"


class Sections:
    """Writes the page's sections; every text that is not ours is escaped."""

    def __init__(self, material: Material, formulas: FormulaImages) -> None:
        self.material, self.formulas = material, formulas
        self.style: Notation = for_equation(LATEX, material.equation)
        self.plain: Notation = for_equation(UNICODE, material.equation)
        self.signs = Signs(material.equation)
        self.conditions = conditions(material.equation)
        equation = material.equation
        self.phrases = self.phrases_of(equation)

    def phrases_of(self, equation: ModifiedEquation) -> Phrases:
        """How terms are read and said."""
        return Phrases(self.plain.symbol, velocity_of(equation), equation.algebra.loss, equation.scheme.maps)

    def words_of(self, term: str, positive: bool | None, variable: str, k: int) -> str:
        """What a term at gamma^k does in the equation of a variable."""
        return field_words(term, positive, self.phrases, variable, k == 0)

    def passes(self) -> tuple[str, str]:
        """What passes through what: the solution at n gamma, and the problems for which it does."""
        problem = "loss" if self.material.equation.scheme.label == "L" else "vector field"
        return "θ(nγ) = θₙ", problem + " and every map of its kind" * bool(self.material.equation.scheme.maps)

    # ------------------------------------------------------------------------------------------ the scheme

    def scheme(self) -> str:
        scheme, c = self.material.equation.scheme, self.material.equation.configuration
        rows = [_parameter(n, unparse(e), described(scheme.parameters.get(n))) for n, e in c.bindings.items()]
        rows += [_parameter(n, n, words) for n, words in scheme.map_words.items()]
        rows += [f"<li>{escape(relaxation_text(r, self.plain))}</li>" for r in self.material.equation.relaxations]
        regime = f"<p>Regime {escape(c.regime)}: {escape(c.title)}.</p>" if c.regime else ""
        source = f'<p class="note">Source: {escape(scheme.reference)}</p>' if scheme.reference else ""
        source += "".join(f'<p class="note">{escape(work.in_full(NUMBERS))}</p>' for work in cited(scheme.reference))
        listed = f"<ul>{''.join(rows)}</ul>" if rows else ""
        place = where(self.material.equation, self.plain)
        regime += f"<p>This page is about the branch that is taken {escape(place)}.</p>" if place else ""
        return section("scheme", "The scheme", f"<pre><code>{escape(scheme.update.strip())}</code></pre>{regime}{listed}{source}")

    # ------------------------------------------------------------------------------------------ the equation

    def equation(self) -> str:
        latex = equation_latex(self.material.equation, paged=False)
        rows = []
        for line in latex.split("\n")[1:-1]:
            row = line.removesuffix("\\\\")
            more = " more" if row.startswith("&") else ""
            rows.append(f'<div class="row{more}">{self.formulas.svg(row)}</div>')
        text = f"<p>{escape(self._stated())}</p>"
        links = download("LaTeX", f"{self.name}.tex", latex, "text/x-tex")
        links += " " + download(
            "JSON", f"{self.name}.json", json.dumps(self.material.equation.to_json(), indent=2), "application/json"
        )
        picture = f'<div class="equation scroll" tabindex="0" role="group" aria-label="modified equation">{"".join(rows)}</div>'
        return section("equation", "The modified equation", f"{text}{picture}<p>{links}</p>")

    def _stated(self) -> str:
        """What the equation says of which iterates, for which problems, and where."""
        equation = self.material.equation
        start = " that start on the slow manifold" if remembers(equation) else ""
        k = equation.order
        solution, problem = self.passes()
        text = (
            f"This is the differential equation whose solution passes through the iterates{start}, {solution}, to all orders in"
            f" γ, here through {power_words(k)}: over bounded times the error is O({power_words(k + 1)}). "
        )
        where = where_text(self.conditions, for_equation(UNICODE, equation))
        text += f"It holds for every smooth {problem} in any dimension{', ' + where if where else ''}. "
        if left_out := transients(equation, self.plain):
            text += f"From other starts, such as rest, there are also transients, {left_out}, which it leaves out."
        return text.strip()

    @property
    def name(self) -> str:
        safe = "".join(c if c.isalnum() or c in "-_" else "-" for c in self.material.equation.scheme.name)
        return f"{safe or 'scheme'}-order-{self.material.equation.order}"

    def terms(self) -> str:
        rows, total = [], 0
        for variable, sums in self.material.equation.equations.items():
            for k, terms in enumerate(sums):
                for pair in terms:
                    total += 1
                    if total <= MAX_ROWS:
                        rows.append(self._term_row(variable, k, *pair))
        head = "<thead><tr><th>term</th><th>coefficient</th><th>what it does</th></tr></thead>"
        note = "<p class=note>Each sentence is about its term alone. "
        note += "Products, quotients and powers of vectors are componentwise.</p>"
        if self.material.equation.configuration.free:
            decaying = ", for which the memory decays" if self.material.equation.relaxations else ""
            note += f"<p class=note>Signs are those for all hyperparameters in their ranges{decaying}.</p>"
        note += "".join(f"<p class=note>{escape(text)}</p>" for text in self._stabilisers())
        if total > MAX_ROWS:
            note += f"<p class=note>The first {MAX_ROWS} of {total} terms are shown; the JSON above has all of them.</p>"
        table = f'<div class="scroll"><table class="terms stacked">{head}<tbody>{"".join(rows)}</tbody></table></div>'
        return section("terms", "Term by term, in words", f"{table}{note}")

    def _stabilisers(self) -> list[str]:
        """Of the model's equation, in which what was set to a number is still a letter."""
        m = self.material.model
        values = {n: v for n, v in self.material.opened.items() if n not in self.material.parameters}
        return stabiliser_words(m.equation, m.parameters, self.phrases, values)

    def _term_row(self, variable: str, k: int, coefficient: Any, factors: Any) -> str:
        c, term = settled(coefficient, factors)
        words = self.words_of(str(term) if term.factors else "1", self.positive(coefficient), variable, k)
        if len(self.material.equation.equations) > 1:
            words = f"in {self.phrases.letter(variable)}′: {words}"
        shown = self.formulas.svg(write_term(term, self.style) if term.factors else "1")
        return f'<tr><td>{shown}</td><td>{self.coefficient(c, k)}</td><td class="words">{escape(words)}</td></tr>'

    def coefficient(self, c: Any, k: int) -> str:
        negative, text = write_coefficient(c, self.style, gamma_power(k, self.style))
        return self.formulas.svg(("-" if negative else "") + (text or "1"))

    def positive(self, c: Any) -> bool | None:
        """Whether a coefficient is >= 0 (True) or <= 0 (False) for all hyperparameters in their ranges; None for neither."""
        return {1: True, -1: False}.get(self.signs.of(c) or 0)

    # ------------------------------------------------------------------------------------------ the modified loss

    def loss(self) -> str:
        v = self.material.potential
        if isinstance(v, str):
            return section("loss", "The modified loss", f"<p>None: {escape(v)}.</p>")
        if v.potential:
            body = self._potential(v, r"\dot{\theta} = -\nabla \tilde{L}", True)
        else:
            decided = v.obstruction is None or v.obstruction.decided
            body = "<p>The limit field is not a gradient for every loss.</p>" if decided else (
                "<p>Whether the limit field is a gradient for every loss is not decided.</p>")
        if v.preconditioned is not None and v.preconditioner is not None:
            times = r"\," if v.factor == "scalar" else r"\odot"
            where = f"<p>With the {v.factor} factor P = {self.formulas.svg(self._sum([v.preconditioner]))}:</p>"
            positive = is_positive(v.equation, v.preconditioner.sum)
            body += where + self._potential(v.preconditioned, rf"\dot{{\theta}} = -P {times} \nabla \tilde{{L}}", positive)
        return section("loss", "The modified loss", body + self._obstruction(v.preconditioned or v))

    def _potential(self, v: ModifiedLoss, meaning: str, descends: bool) -> str:
        """The potential as far as it exists; what is minimised is said only where the flow `descends` it."""
        if not v.potential:
            return ""
        shown = self.formulas.svg(rf"\tilde{{L}} = {self._sum(list(v.potential))}")
        through = v.unwritten[0] - 1 if v.unwritten else v.exists_through
        lead = f"<p>Through {power_words(through)}, {self.formulas.svg(meaning)} with</p>" if through >= 0 else ""
        unwritten = "".join(
            f"<p>At {power_words(k)} the field is a gradient, of a function that was not found as a sum of terms and is missing "
            "above.</p>"
            for k in v.unwritten
        )
        picture = f'<div class="scroll row" tabindex="0" role="group" aria-label="modified loss">{shown}</div>{unwritten}'
        silent = "<p>P is not known to be positive: what the flow does to this function is left open.</p>"
        return lead + picture + (self._actions(v) if descends else silent)

    def _actions(self, v: ModifiedLoss) -> str:
        """What the flow does to each part of its potential, relative to what it does to the loss itself."""
        weight = v.potential[0].coefficient(self.phrases.loss)
        direction = True if self.signs.is_positive(weight) else False if self.signs.is_positive(-weight) else None
        size = -weight if direction is False else weight
        relative = direction is not None
        terms = [(k, c, term) for k, total in enumerate(v.potential) for c, term in total]
        items = [
            self._action(k, c / size if relative else c, term)
            for k, c, term in terms
            if not (relative and k == 0 and str(term) == self.phrases.loss)
        ]
        verb = {True: "minimis", False: "maximis"}[direction] if direction is not None else ""
        if not items:
            if v.unwritten or not relative:
                return "" if v.unwritten else "<p>The potential is zero: nothing is minimised.</p>"
            return f"<p>No correction at these powers: what is {verb}ed is the loss itself.</p>"
        beside = " (relative to the loss itself)" if relative and str(size) != "1" else ""
        lead = f"Besides {verb}ing the loss, the scheme{beside}" if relative else "The scheme"
        return f"<p>{lead}:</p><ul>{''.join(items)}</ul>"

    def _action(self, k: int, strength: Any, term: Any) -> str:
        strength = strength.reduced()
        positive = self.positive(strength)
        shown = self.coefficient(-strength if positive is False else strength, k)
        if str(term) == self.phrases.loss and k:
            return f"<li>changes the weight of the loss itself by {self.coefficient(strength, k)}</li>"
        return f"<li>{escape(potential_words(str(term), positive, self.phrases))} with strength {shown}</li>"

    def _sum(self, sums: list[TermSum]) -> str:
        rows = []
        for k, total in enumerate(sums):
            for pair in total:
                c, term = settled(*pair)
                negative, text = write_coefficient(c, self.style, gamma_power(k, self.style))
                body = r"\, ".join(x for x in (text, write_term(term, self.style) if term.factors else "") if x) or "1"
                rows.append(f"{'-' if negative else '+'} {body}")
        return " ".join(rows).removeprefix("+ ") or "0"

    def _obstruction(self, v: ModifiedLoss) -> str:
        o = v.obstruction
        if o is None or not o.decided:
            return ""
        text = f"<p>At {power_words(o.power)} there is no such function for every loss"
        if not o.rootings:
            return f"{text}: the Jacobian of the field is not symmetric.</p>"
        _, values = o.rootings[0]
        pairs = " and ".join(f"{self.coefficient(b, 0)} for {self.formulas.svg(write_term(t, self.style))}" for t, b in values)
        return f"{text}: the same tree, rooted differently, would need one weight, and has {pairs}.</p>"

    # ------------------------------------------------------------------------------------------ errors and proof

    def slopes(self) -> str:
        table = self.material.table
        if not isinstance(table, SlopeTable):
            return section("slopes", "Measured slopes", f"<p>Not measured here: {escape(table)}.</p>")
        rows = []
        for i, run in enumerate(runs(table)):
            slope = table.slopes[run[0]]
            shown = "none: no error to the working precision" if slope is None else f"{slope:.6f}"
            rows.append(
                f"<tr><td>{marker_sample(i)}{escape(through(run))}</td><td>{shown}</td><td>{expected(table, run[0])}</td></tr>"
            )
        head = "<thead><tr><th>field kept</th><th>slope measured</th><th>expected</th></tr></thead>"
        values = ", ".join(f"{UNICODE.symbol(n)} = {v}" for n, v in self.material.parameters.items())
        point = ", ".join(f"{v} = {x}" for v, x in zip(self.material.loss.variables, self.material.start, strict=True))
        where = escape(f"{point}{'; ' + values if values else ''}")
        verdict = "Every slope is the expected one." if table.confirmed else "Some slope is not the expected one."
        text = (
            f"<p>The scheme and the field truncated after γᵏ run from {where} over the time {table.time}, "
            f"with {table.digits} digits. "
            f"Keeping one more power of γ, where it has terms, makes the error one order smaller. {verdict}</p>"
        )
        return section(
            "slopes",
            "Measured slopes",
            f"{text}{error_plot(table)}<div class=scroll><table>{head}<tbody>{''.join(rows)}</tbody></table></div>",
        )

    def certificate(self) -> str:
        data = self.material.certificate
        if isinstance(data, str):
            return section("certificate", "Certificate", f"<p>None in this page: {escape(data)}.</p>")
        proof, statement = str(data["proof"]), {k: v for k, v in data.items() if k != "proof"}
        text = json.dumps(statement, indent=1) + "\n"
        link = download("Download the certificate", f"{self.name}.certificate.json", text, "application/json")
        verdict = f"<p>{escape(proof[:1].upper() + proof[1:])}.</p>"
        again = "<code>verify certificate FILE</code> proves it again, from the statement alone"
        return section("certificate", "Certificate", f'{verdict}<p>{link}</p><p class="note">{again}.</p>')

    # ------------------------------------------------------------------------------------------ claims

    def claims(self) -> str:
        """What the claims that come with the package say of this scheme; empty where none does."""
        found = claims_about(self.material.equation.scheme)
        if not found:
            return ""
        cells = [(verdict, c.statement, c.source) for c, verdict in found]
        rows = "".join(f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in row)}</tr>" for row in cells)
        head = "<thead><tr><th>verdict</th><th>statement</th><th>source</th></tr></thead>"
        note = '<p class="note"><code>verify claims</code> judges them again and prints the evidence.</p>'
        table = f'<div class="scroll"><table class="claims stacked">{head}<tbody>{rows}</tbody></table></div>'
        return section("claims", "Claims about this scheme", f"{table}{note}")


__all__ = ["Sections"]
