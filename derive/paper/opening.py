"""The opening of an article: title and abstract, the scheme with its parameters, the ansatz."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from derive.algebra.calculus import is_loss
from derive.algebra.fold import within
from derive.algebra.terms import DERIVATIVES
from derive.language import Expression, Name, Repeat, Statement, names_of
from derive.paper.context import Article, Page
from derive.paper.pieces import series_summands
from derive.paper.start import started, where
from derive.paper.update import bound_parameters, function_settings, uses_products
from derive.scheme.map_programs import MapProgram
from derive.scheme.regions import names_of_pieces
from derive.writing.escape import escape
from derive.writing.expression import ExpressionWriter
from derive.writing.formulas import coefficient_text, write_combination
from derive.writing.latex import align
from derive.writing.linebreak import TEXT_WIDTH, Summand, block, rows, width
from derive.writing.prose import prose
from derive.writing.regions import where as region_where
from derive.writing.standing import listed, polynomial_text, remembers
from derive.writing.text import decay, relaxation_text


def title(article: Article) -> str:
    c, scheme = article.equation.configuration, article.equation.scheme
    regime = rf"\medskip{{\large Regime {escape(c.regime)}: {prose(c.title, article.style)}\par}}" if c.regime else ""
    terms = sum(len(s) for sums in article.equation.equations.values() for s in sums)
    slow = ", ".join(f"${article.style.symbol(x)}$" for x in article.equation.equations)
    route = "operator series" if article.multistep is not None else "a solution in which the step number stays symbolic"
    problem = ("loss" if article.is_loss else "vector field") + " and every map of its kind" * bool(article.equation.scheme.maps)
    return rf"""\begin{{center}}
{{\LARGE The modified equation of\\[3pt] {escape(scheme.title)}\par}}{regime}
\end{{center}}
\begin{{abstract}}
\noindent
With step size $\step$ the iterates of the scheme, {started(article)}follow,
to all orders in $\step$, a differential equation for {slow}. It is
derived here through $\step^{{{article.order}}}$ ({terms} term{"" if terms == 1 else "s"}) by {route}, for every smooth
{problem} in any dimension{where(article)}, with exact coefficients.{_summary(article)}
\end{{abstract}}"""


def _summary(article: Article) -> str:
    """The first terms, where they are few; sums under powers are written out."""
    sums = {x: [(k, s) for k, s in enumerate(sums[:2])] for x, sums in article.equation.equations.items()}
    if sum(len(s) for x in sums for _, s in sums[x]) > 6:
        return ""
    style = replace(article.style, abbreviation=None)
    style = replace(style, nested=replace(article.style.nested, abbreviation=None) if article.style.nested else None)
    entries = [(rf"\dot{{{style.symbol(x)}}}", series_summands(sums[x], style)) for x in sums]
    lines = block(entries, 0.8 * TEXT_WIDTH)
    return f" To leading orders\n{align(lines)}" if article.order > 1 else f" It is\n{align(lines)}"


def scheme_section(article: Article) -> str:
    scheme = article.equation.scheme
    write = ExpressionWriter(article.style, scheme.kinds)
    lines = statements(scheme.written_branch, write, article)
    loss = rf"the loss ${article.loss}$ has the gradient $\gradL$" if article.is_loss else "$f$ is the vector field"
    product = r"; products, quotients, powers and roots of vectors are taken at each index, $\had$ is such a product"
    text = [
        r"\section{The scheme}",
        f"One step carries out, from top to bottom,\n{align(lines)}",
        rf"where {loss}{product if uses_products(scheme) else ''}.{_branch(article)}",
        special_names(article),
        parameters(article, write),
        *_stated_maps(article),
        _elimination(article, write),
        _relaxation(article),
        "\n".join([r"\paragraph{Remarks.} " + prose(" ".join(scheme.notes.split()), article.style)] if scheme.notes else []),
    ]
    return "\n".join(t for t in text if t)


def _stated_maps(article: Article) -> list[str]:
    """The lines of maps that are stated by some."""
    found = []
    for p in article.equation.configuration.maps.values():
        if isinstance(p, MapProgram):
            name = f"{article.style.symbol(p.label)}({article.style.symbol(p.argument)})"
            lines = statements(p.statements, ExpressionWriter(article.style, p.kinds), article)
            found.append(f"The map ${name}$ is, where these lines are smooth,\n{align(lines)}")
    return found


def _elimination(article: Article, write: ExpressionWriter) -> str:
    """What is no variable of the equation, and why."""
    scheme, symbol = article.equation.scheme, article.style.symbol
    said = []
    for z, psi in scheme.eliminated.items():
        said.append(f"After every step ${article.point}$ is a function of ${symbol(z)}$, which is solved for ${symbol(z)}$:")
        said.append(f"at the start of every step, the first too, ${symbol(z)} = {write(psi)}$, and ${symbol(z)}$ is no variable.")
    for line in (a for a in scheme.lines if a.target in scheme.lags):
        said.append(f"What is left, ${symbol(line.target)} = {write(line.value)}$ after every step, is memory.")
    return "\n".join(said)


def _branch(article: Article) -> str:
    """Of what text these lines are a branch, and where it is carried out."""
    if article.equation.scheme.region is None:
        return ""
    place = region_where(article.equation, article.style, "${}$") or "wherever there is no tie"
    asked = names_of_pieces(article.equation.scheme.whole)
    return f"\nThe scheme chooses between branches ({asked}); this is the one that it takes {place}."


def statements(read: Iterable[Statement], write: ExpressionWriter, page: Page) -> list[str]:
    """Rows of an align environment; what is repeated stands between two rows of words."""
    lines: list[str] = []
    for s in read:
        if isinstance(s, Repeat):
            times = next((e for n, e in bound_parameters(page.configuration) if s.count == Name(n)), s.count)
            lines += [rf"&\text{{repeat ${write(times)}$ times:}}", *statements(s.body, write, page), r"&\text{end}"]
        else:
            lines += _assignment(s.target, write.summands(s.value), page)
    return lines


def _assignment(target: str, items: list[Summand], page: Page) -> list[str]:
    first, *rest = rows(page.style.symbol(target), items)
    return [first.replace("={}&", r"\leftarrow{}&", 1), *rest]


def special_names(page: Page) -> str:
    used = {n for a in page.configuration.scheme.lines for n in names_of(a.value)}
    said = []
    if "theta_prev" in used:
        said.append(f"${page.style.symbol('theta_prev')}$ is the point one step before")
    if "theta_next" in used:
        said.append(f"${page.point}{page.style.following}$ the point that the step arrives at (an implicit scheme)")
    if "t" in used:
        said.append(r"$t = t_0 + n\step$ is the time at the start of the step")
    return f"Here {', and '.join(said)}." if said else ""


def parameters(page: Page, write: ExpressionWriter) -> str:
    c = page.configuration
    used = [p for n, p in c.scheme.parameters.items() if n in c.bindings or n in c.free]
    items = [_parameter_item(page, p.name, p.description, p.range) for p in used]
    items += [rf"\item[${page.style.symbol(n)}(t)$] {prose(d, page.style)}" for n, d in c.scheme.functions.items()]
    items += [rf"\item[${page.style.symbol(n)}$] {prose(words, page.style)}" for n, words in c.scheme.map_words.items()]
    text = ["\\begin{description}\n" + "\n".join(items) + "\n\\end{description}"] if items else []
    given: list[tuple[str, Expression]] = [*bound_parameters(c)]
    formulas = [f"{page.style.symbol(n)} = {write(e)}" for n, e in given]
    for v, r in c.rescaled.items():
        formulas.append(rf"{page.style.symbol(v)} = {write(r.factor, 2)}\,{page.style.symbol(r.symbol)}")
    if formulas:
        where = f"In the regime \\emph{{{escape(c.regime)}}}" if c.regime else "Here"
        text.append(f"{where}\n\\begin{{gather*}}\n" + ",\\\\\n".join(_packed(formulas)) + ".\n\\end{gather*}")
    text += [f"The time function ${page.style.symbol(n)}(t)$ is {s}." for n, s in function_settings(c, write)]
    return "\n".join(text)


def _packed(formulas: list[str]) -> list[str]:
    """Short formulas side by side."""
    lines: list[str] = []
    for f in formulas:
        if lines and width(lines[-1]) + width(f) < 0.7 * TEXT_WIDTH:
            lines[-1] += r",\qquad " + f
        else:
            lines.append(f)
    return lines


def _parameter_item(page: Page, name: str, description: str, span: str) -> str:
    told = ", ".join(x for x in (prose(description, page.style), prose(span, page.style)) if x)
    return rf"\item[${page.style.symbol(name)}$] {told}"


def _relaxation(article: Article) -> str:
    said = []
    for r in article.equation.relaxations:
        names = ", ".join(f"${article.style.symbol(v)}$" for v in r.variables if v != "theta")
        what = f"At $\\step=0$ the memory {names} relaxes with factor"
        what = "The scheme has a parasitic root" if "theta" in r.variables else what
        if r.images:
            said.append(f"At $\\step=0$ the {relaxation_text(r, article.style, '${}$')}.")
        elif r.factor is not None:
            condition = decay(r.factor, article.style)
            shown = condition if r.factor.is_number else rf"decays for $|{coefficient_text(r.factor, article.style)}|<1$"
            said.append(rf"{what} ${coefficient_text(r.factor, article.style)}$ ({shown}).")
        else:
            roots = polynomial_text(r, article.style)
            inside = "decays where they lie inside the unit disc"
            said.append(f"At $\\step=0$ the memory {names} relaxes with the roots of ${roots}$ ({inside}).")
    return " ".join(said)


def ansatz_section(article: Article) -> str:
    fields = align([article.expansion(x).replace(" = ", " ={}& ", 1) for x in article.equation.equations])
    return rf"""\section{{The ansatz}}
Let $n$ count the steps and keep it symbolic. Every variable of the scheme is expanded about the point where the field is wanted,
\begin{{equation*}}
X_n = \sum_{{k\ge0}} \step^{{k}} X_k(n), \qquad X_k(n) = \sum_m P_{{k,m}}(n)\; m({article.point}),
\end{{equation*}}
where $m$ runs over {_expressions(article)} and the $P_{{k,m}}$ are
polynomials in $n${_coefficients(article)}. At the times $n\step$, power by power of $\step$, these iterates lie on a smooth
curve, the solution of the modified equation
{fields}
whose coefficient {_read_off(article)} (backward error analysis \cite{{hlw}}). The value at
$n=1$ is {_map(article)}."""


def _expressions(article: Article) -> str:
    """What the terms of the sequences are made of."""
    solved = [t for powers in article.derivation.solution.values() for s in powers.values() for t in s]
    factors = {f for t in solved for f in within(t)}
    occurring = {f.label for f in factors if f.kind == "state"}
    states = [x for x in article.equation.equations if x in occurring]
    kinds = [kind for kind in DERIVATIVES if any(f.kind == kind for f in factors)]
    places = {"node": f"at ${article.point}$", "moved": "at other points"}
    name, at = article.loss if article.is_loss else "f", " and ".join(places[kind] for kind in kinds)
    value = not article.is_loss or any(is_loss(f, article.equation.algebra) for f in factors)
    derivatives = f"${name}$ and its derivatives {at}" if value else f"the derivatives of ${name}$ {at}"
    parts = [f"${article.style.symbol(x)}$" for x in states] + ([derivatives] if kinds else [])
    return f"expressions in {listed(parts)}" if parts else "the number $1$ alone"


def _coefficients(article: Article) -> str:
    """What the coefficients of the sequences depend on beside the parameters."""
    solved = [c for powers in article.derivation.solution.values() for s in powers.values() for c in s.values()]
    used = {n for c in solved for n in c.symbols()}
    names = ["$t$"] if "t" in used else []
    functions = article.equation.configuration.functions
    names += [f"${article.style.symbol(n)}$ and its derivatives" for n in functions if n in used]
    return f", with coefficients that depend on {listed(names)}" if names else ""


def _read_off(article: Article) -> str:
    if len(article.equation.equations) == 1:
        return f"$f_k$ is the coefficient of $n$ in ${article.point}_{{k+1}}(n)$"
    return "$f^{X}_k$, for every slow variable $X$, is the coefficient of $n$ in $X_{k+1}(n)$"


def _map(article: Article) -> str:
    """The map of one step, and the first power at which its coefficients are not those of the field."""
    derivation, algebra = article.derivation, article.derivation.algebra

    def differs(k: int) -> bool:
        pairs = ((derivation.fields[x][k], derivation.maps[x][k]) for x in derivation.slow)
        return any(not algebra.is_zero(algebra.add(a, {t: -c for t, c in b.items()})) for a, b in pairs)

    first = next((k for k in range(article.order + 1) if differs(k)), None)
    memoryless = " on the slow manifold (the memoryless map)" if remembers(article.equation) else ""
    name = f"the map of one step{memoryless}"
    if first is None:
        return rf"{name}, which has the same coefficients through $\step^{{{article.order}}}$"
    return rf"{name}, $X\mapsto X+\step(\cdots)$; its coefficients differ from these first at $\step^{{{first}}}$"


def abbreviations(article: Article) -> str:
    """Names for sums under powers; a definition may name further ones."""
    said: list[str] = []
    while len(said) < len(article.bases):
        f, name = list(article.bases.items())[len(said)]
        said.append(f"${name} = {write_combination(f.body, article.style)}$")
    return f"\nThroughout, {', '.join(said)}." if said else ""
