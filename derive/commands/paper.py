"""The command `derive paper`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor
from typing import TYPE_CHECKING, Any

import click

from derive.commands.console import progress
from derive.commands.helping import SCHEME_FILE, epilog
from derive.commands.law import asks_for_law, law_article, law_options
from derive.commands.options import chosen_letters, chosen_scheme, chosen_settings, force_option, letters_option, scheme_options
from derive.errors import DeriveError, ResidualError, UsageError
from derive.files import check_writable, is_stream, write_whole

if TYPE_CHECKING:
    from derive.equation import ModifiedEquation
    from derive.paper.independent import Verified
    from derive.scheme import Scheme
    from derive.scheme.bibliography import Work

MAX_TERMS = 200  # beyond this the proof takes long

EPILOG = epilog(
    (
        "derive paper momentum --order 3 -o momentum.tex   # or momentum.pdf",
        "derive paper adam -o adam.tex",
        "derive paper momentum --regime inertial --order 2",
        "derive paper momentum --order 2 -o momentum.tex --bib momentum.bib",
        "derive paper momentum --letters gamma=h,theta=x -o momentum.tex",
        "derive paper momentum --sde --batch B -o law.tex      # of samples: the law, its drift and diffusion",
        "derive paper --preamble -o shadowflow.sty",
    ),
    SCHEME_FILE,
)


@click.command("paper", epilog=EPILOG)
@scheme_options
@click.option("--order", type=int, default=2, show_default=True, help="Keep the terms through gamma^ORDER.")
@click.option("-o", "--output", metavar="OUT.tex|OUT.pdf", help="Where to write; the text goes to standard output without it.")
@letters_option
@law_options
@click.option("--bib", metavar="FILE.bib", help="Also write what is cited as a BibTeX file; the article compiles without it.")
@click.option("--preamble", is_flag=True, help="Print the preamble (packages and documented macros) and nothing else.")
@force_option("Write even where more than 2,000 terms are to be expected.")
def paper(scheme: str | None, update: str | None, parameters: tuple[str, ...], regime: str | None, settings: tuple[str, ...],
          order: int, output: str | None, bib: str | None, preamble: bool, force: bool, **law: Any) -> None:  # fmt: skip
    """Write an article: the scheme, the derivation, the result in vector and index notation, the modified loss, trees, what
    was checked, and the sources. OUT.tex needs nothing else; OUT.pdf needs pdflatex.

    Of a text that draws at random (sgrad, normal), and with --sde of any, the article derives the law of the iterates: tied
    forests, the generator, drift and diffusion matrix, an example on sample losses.
    """
    _check_output(output, preamble)
    if preamble:
        _hand_over(_preamble(), output)
        return
    if bib is not None:
        check_writable(bib, "--bib")
    chosen = chosen_scheme(scheme, update, parameters, settings)
    values = chosen_settings(chosen, settings)
    if asks_for_law(chosen, law):
        text, sources = law_article(chosen, order, regime, values, law)
    else:
        text, sources = _flow_article(chosen, order, regime, values, force)
    if bib is not None:
        from derive.scheme.bibliography import bibtex

        write_whole(bib, bibtex(sources))
        click.echo(f"wrote {bib}", err=True)
    _hand_over(text, output)


def _flow_article(
    chosen: Scheme, order: int, regime: str | None, values: Mapping[str, str], force: bool
) -> tuple[str, Sequence[Work]]:
    """The article on a modified equation, and what it cites: the works that the scheme's file names, and the book on backward
    error analysis."""
    from derive.paper.document import article_of, paper_latex
    from derive.scheme.bibliography import cited, works

    with progress("deriving, power of gamma", order + 1) as advance:
        article = article_of(chosen, order, regime, values, advance, force, chosen_letters())
    text = paper_latex(article, _verified(article.equation))
    found = {work.key: work for work in (*cited(chosen.reference), works()["hairer-lubich-wanner"])}
    return text, tuple(found.values())


def _preamble() -> str:
    """In the letters that were given."""
    from derive.paper.preamble import preamble
    from derive.writing.letters import checked

    return preamble(checked(chosen_letters(), ("gamma", "L"), True))


def _hand_over(text: str, output: str | None) -> None:
    """Print, write, or compile and write."""
    if output is None:
        click.echo(text, nl=False)
        return
    if output.endswith(".pdf"):
        from derive.paper.compile import write_pdf

        write_pdf(text, output)
    else:
        write_whole(output, text)
    click.echo(f"wrote {output}", err=True)


def _verified(equation: ModifiedEquation) -> Verified:
    """The proof of the package `verify`, which shares nothing with the derivation.

    Raises ResidualError where it refutes the result.
    """
    from derive.paper.independent import Verified
    from verify.proof import prove

    size = sum(len(s) for sums in equation.equations.values() for s in sums)
    if size > MAX_TERMS:
        return Verified(reason=f"the result has more than {MAX_TERMS} terms")
    statement = equation.to_json()
    try:
        found = prove(equation.configuration, statement["equations"], statement["memory"])
    except (DeriveError, ArithmeticError) as error:
        return Verified(reason=str(error))
    if found.verdict == "refuted":
        raise ResidualError(f"{equation.scheme.where}: refuted by the proof: {found}")
    if found.bound is None:
        return Verified(reason=found.reason)
    return Verified(bits=10 * floor(-found.bound / 10))  # tens, so that the same input gives the same article


def _check_output(output: str | None, preamble: bool) -> None:
    """Before any work: the kind of file, its folder, and TeX where a PDF is wanted."""
    if output is None:
        return
    if preamble:
        if output.endswith(".pdf"):
            raise UsageError(f"-o '{output}': the preamble is text; write a name such as shadowflow.sty")
    elif not output.endswith((".tex", ".pdf")) and not is_stream(output):
        raise UsageError(f"-o '{output}': write a name that ends in .tex or .pdf")
    check_writable(output, "-o")
    if output.endswith(".pdf"):
        from derive.paper.compile import INSTALL, has_tex

        if not has_tex():
            raise UsageError(f"-o '{output}' needs LaTeX ('{INSTALL}' on Debian and Ubuntu); -o out.tex works without it")
