"""The derivation with the step number left symbolic: the actual sequences in n, power by power."""

from __future__ import annotations

from derive.algebra.coefficients import Ratio
from derive.algebra.sequences import coefficient_of_n
from derive.algebra.terms import Term
from derive.engine.run import Component
from derive.paper.context import Article
from derive.paper.pieces import coefficient_chunks
from derive.result import Combination
from derive.writing.formulas import coefficient_text, settled, write_coefficient, write_sum, write_term
from derive.writing.latex import align
from derive.writing.linebreak import TEXT_WIDTH, Entry, Summand, block, width

MAX_SHOWN = 60  # sequences written out


def sequence_section(article: Article) -> str:
    """Difference equations, and their polynomial solutions."""
    text = [r"\section{Derivation, power by power}", _equations(article), *_powers(article)]
    return "\n".join(text)


def _equations(article: Article) -> str:
    lines = [line for c in article.derivation.components for line in _component(c, article)]
    memory = any(len(c.names) > (c.slow is not None) for c in article.derivation.components)
    chosen = (
        r" Memory has one polynomial solution: the transients, powers of the relaxation factors, are what it leaves out."
        if memory
        else ""
    )
    return rf"""Insert the ansatz into the update and compare powers of $\step$. At $\step^{{k}}$ the sequences satisfy linear
difference equations whose right sides $R_k(n)$ are known from lower powers and from variables solved before,
{align(lines)}
The slow variables start at the point itself, $X_k(0)=0$ for $k\ge1$, so that their sequences are sums of polynomials.{chosen}"""


def _component(component: Component, article: Article) -> list[str]:
    names = [article.style.symbol(s) for s in component.names]
    if component.linear is not None:
        return _of_the_point(component, article)
    if len(names) == 1:
        x, a = names[0], coefficient_text(component.matrix[0][0], article.style)
        factor = {"1": "- ", "0": "", "-1": "+ "}.get(a, rf"- {_factor(a)}\,")
        old = f" {factor}{_at(x, 'n')}" if factor else ""
        return [rf"{_at(x, 'n+1')}{old} ={{}}& R^{{{x}}}_{{k}}(n)"]
    if len(names) > 2:
        return _coupled(component, article)
    matrix = r" \\ ".join(" & ".join(coefficient_text(a, article.style) for a in row) for row in component.matrix)
    column = r" \\ ".join(_at(x, "{}") for x in names)
    new, old = (rf"\begin{{pmatrix}} {column.replace('{}', n)} \end{{pmatrix}}" for n in ("n+1", "n"))
    return [rf"{new} - \begin{{pmatrix}} {matrix} \end{{pmatrix}} {old} ={{}}& R_{{k}}(n)"]


def _of_the_point(component: Component, article: Article) -> list[str]:
    """Factors that depend on the point: X(n+1) - A X(n) = R, then A as it acts on a change of the memory."""
    assert component.linear is not None
    style, derivation = article.style, article.derivation
    images = component.linear([derivation.symbols[s] for s in component.names])
    lines = []
    for s, image in zip(component.names, images, strict=True):
        x = style.symbol(s)
        lines.append(rf"{_at(x, 'n+1')} - (A X_{{k}}(n))^{{{x}}} ={{}}& R^{{{x}}}_{{k}}(n),")
        lines.append(rf"A\colon {x} \mapsto{{}}& {write_sum(Combination(derivation.algebra, image), style)}")
    return lines


def _coupled(component: Component, article: Article) -> list[str]:
    """Many variables: one row each."""
    entries: list[Entry] = []
    for s, row in zip(component.names, component.matrix, strict=True):
        x = article.style.symbol(s)
        items = [Summand("+", (_at(x, "n+1"),))]
        for other, a in zip(component.names, row, strict=True):
            if a:
                negative, text = write_coefficient(a, article.style)
                body = (rf"{_factor(text)}\," if text else "") + _at(article.style.symbol(other), "n")
                items.append(Summand("+" if negative else "-", (body,)))
        entries.append((rf"R^{{{x}}}_{{k}}(n)", items))
    return block(entries)


def _factor(a: str) -> str:
    return rf"\left({a}\right)" if "+" in a or "-" in a else a


def _at(symbol: str, n: str) -> str:
    return rf"{{{symbol}}}_{{k}}({n})"


def _powers(article: Article) -> list[str]:
    derivation, shown, blocks = article.derivation, 0, []
    states = [s for c in derivation.components for s in c.names]
    for k in range(article.order + 2):
        entries: list[Entry] = []
        for s in states:
            total = derivation.solution[s].get(k)
            if total is None or (k == 0 and s in derivation.slow):
                continue
            shown += len(total)
            items = [_sequence(t, c, article) for t, c in derivation.algebra.sorted(total)]
            entries.append((rf"{{{article.style.symbol(s)}}}_{{{k}}}(n)", items))
        if shown > MAX_SHOWN:
            blocks.append(r"The later powers follow in the same way; the result is in Section~\ref{sec:result}.")
            break
        if entries:
            blocks.append(rf"\paragraph{{At $\step^{{{k}}}$:}}" + "\n" + align(block(entries)))
    return blocks


def _sequence(term: Term, sequence: Ratio, article: Article) -> Summand:
    """P(n) times its term; the polynomial is written by powers of n, so that its linear coefficient can be read off."""
    value, term = settled(sequence, term)
    degrees = sorted(value.ring.by_powers_of_n(value.num))
    written = write_term(term, article.style) if term.factors else ""
    parts = [_power_of_n(value, d, article) for d in degrees]
    if len(parts) == 1:
        negative, chunks, text = parts[0]
        body = r"\, ".join(x for x in (text if text != "1" or not written else "", written) if x)
        return Summand("-" if negative else "+", (*chunks, r"\, " + written) if len(chunks) > 1 else (body or "1",), body)
    flip = parts[0][0]
    pieces: list[str] = []
    for negative, chunks, _ in parts:
        lead = ("{}-" if negative != flip else "{}+") if pieces else r"\Bigl("
        pieces += [lead + chunks[0], *chunks[1:]]
    pieces[-1] += r"\Bigr)"
    if width(written) < 0.3 * TEXT_WIDTH:
        pieces[-1] += r"\, " + written
    else:
        pieces.append(r"\, " + written)
    return Summand("-" if flip else "+", tuple(pieces))


def _power_of_n(sequence: Ratio, degree: int, article: Article) -> tuple[bool, tuple[str, ...], str]:
    """(negative, chunks, text) of the term in n^degree."""
    power = "" if degree == 0 else "n" if degree == 1 else f"n^{{{degree}}}"
    c = coefficient_of_n(sequence, degree)
    negative, text = write_coefficient(c, article.style)
    text = r"\,".join(x for x in (text, power) if x) or "1"
    if width(text) < 0.6 * TEXT_WIDTH:
        return negative, (text,), text
    chunks = coefficient_chunks(c, article.style, "")
    return negative, (*chunks[:-1], chunks[-1] + power), text
