"""Articles: they compile, nothing leaves the margin, users' text stays text, the mathematics on the way is right."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner

from derive.commands.main import main
from derive.engine.run import Derivation
from derive.errors import ResidualError, UsageError
from derive.language import SCHEME_CALLS, parse_expression
from derive.paper import compile as compiling
from derive.paper.checks import checks
from derive.paper.context import Article
from derive.paper.document import article_of, paper_latex
from derive.paper.indices import IndexWriter
from derive.paper.multistep import multistep, time_derivatives
from derive.paper.preamble import PAPER, PREAMBLE
from derive.paper.treedoc import tree_section
from derive.scheme import configure, load_scheme, scheme_from_toml
from derive.writing.escape import escape
from derive.writing.expression import ExpressionWriter
from derive.writing.linebreak import TEXT_WIDTH, Summand, block, width
from derive.writing.prose import prose

needs_tex = pytest.mark.skipif(not compiling.has_tex(), reason="pdflatex is not installed")
CASES = [
    ("gd", None, 3), ("momentum", None, 4), ("adam", None, 2), ("bdf2", None, 2), ("rk4", None, 4), ("rmsprop-scalar", None, 1),
    ("momentum", "inertial", 2), ("gd-schedule", None, 2), ("nesterov", None, 2), ("aggmo", None, 2), ("adan", None, 1),
]  # fmt: skip


def article(name: str, order: int, regime: str | None = None) -> Article:
    return article_of(load_scheme(name), order, regime)


# ---------------------------------------------------------------------------------------------- compiling


@needs_tex
@pytest.mark.parametrize("name,regime,order", CASES)
def test_compiles_within_the_margins(name: str, regime: str | None, order: int) -> None:
    pdf, overfull = compiling.compile_latex(paper_latex(article(name, order, regime)))
    assert pdf.startswith(b"%PDF-")
    assert max(overfull, default=0.0) <= 5.0
    pages = re.search(rb"/Count (\d+)", pdf)  # in the page tree, which pdflatex may compress
    assert pages is None or 2 <= int(pages[1]) <= 6


NASTY = r"""
name = "nasty"
title = "50% & more_of #1 {\\input{/etc/passwd}} $x^2$ ~ é ü ø ğ – “q” 中 β \\end{document}"
reference = "Nørsett & Runge's 1901%; \\write18{touch x} <1|2> `` '' -- ,,"
notes = "beta**2 -> 0, a_very_long.name.with/many:parts_that=cannot.be.broken.anywhere_else.than_here and \\\\ ^^5c"
update = "theta = theta - gamma*size_of*grad(theta)"
[parameters]
size_of = "an upright name: % \\begin{x}"
"""


@needs_tex
def test_nasty_text_stays_text(tmp_path: Path) -> None:
    text = paper_latex(article_of(scheme_from_toml(NASTY), 1))
    assert r"\input{" not in text
    assert r"\write18" not in text
    assert text.count(r"\end{document}") == 1
    pdf, overfull = compiling.compile_latex(text)
    assert pdf.startswith(b"%PDF-")
    assert max(overfull, default=0.0) <= 5.0


@needs_tex
def test_pdf_is_moved_into_place_and_is_the_same_twice(tmp_path: Path) -> None:
    runner = CliRunner()
    for name in ("a.pdf", "b.pdf"):
        result = runner.invoke(main, ["paper", "--scheme", "gd", "--order", "1", "-o", str(tmp_path / name)])
        assert result.exit_code == 0, result.output
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.pdf", "b.pdf"]
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


@needs_tex
def test_a_failing_run_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="pdflatex failed"):
        compiling.write_pdf("\\documentclass{article}\\begin{document}\\undefined\\end{document}", tmp_path / "x.pdf")
    assert list(tmp_path.iterdir()) == []


@needs_tex
def test_fragments_compile_under_the_preamble() -> None:
    runner = CliRunner()
    commands = [
        ["modified-eq", "--scheme", "adam", "--order", "1"], ["modified-loss", "--scheme", "momentum", "--order", "2"],
        ["second-order", "--scheme", "momentum", "--regime", "inertial", "--order", "1"],
    ]  # fmt: skip
    fragments = [runner.invoke(main, [*c, "--format", "latex"]).output for c in commands]
    text = f"\\documentclass{{article}}\n{PREAMBLE}\\begin{{document}}\n{chr(10).join(fragments)}\n\\end{{document}}"
    assert compiling.compile_latex(text)[0].startswith(b"%PDF-")


def test_without_tex_the_text_is_written_and_a_pdf_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "has_tex", lambda: False)
    runner = CliRunner()
    assert runner.invoke(main, ["paper", "--scheme", "gd", "-o", str(tmp_path / "out.tex")]).exit_code == 0
    assert (tmp_path / "out.tex").read_text().startswith("\\documentclass")
    result = runner.invoke(main, ["paper", "--scheme", "gd", "-o", str(tmp_path / "out.pdf")])
    assert isinstance(result.exception, UsageError)
    assert "texlive" in str(result.exception)


@pytest.mark.parametrize("output", ["out.txt", "missing/out.tex"])
def test_bad_output_is_one_line_and_status_2(output: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "derive.commands.main", "paper", "--scheme", "gd", "-o", output]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=os.environ | {"PATH": os.defpath})
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


# ---------------------------------------------------------------------------------------------- text


def test_same_input_same_bytes() -> None:
    assert paper_latex(article("adam", 1)) == paper_latex(article("adam", 1))


@pytest.mark.parametrize(
    "text,expected",
    [
        ("a_b % c", r"a\_b \% c"), ("\\input{x}", r"\textbackslash{}input\{x\}"), ("--", "-{}-"), ("é", "é"), ("e\u0301", "é"),
        ("–", r"\textendash{}"), ("中", r"\texttt{U+4E2D}"), ("ﬁ", "fi"), ("a\tb\x00", "a b "), ("β", r"$\beta$"),
    ],
)  # fmt: skip
def test_escape(text: str, expected: str) -> None:
    assert escape(text) == expected


def test_prose_sets_greek_names_and_comparisons() -> None:
    assert prose("0 <= beta1 < 1, gamma**2", PAPER) == r"0 $\le$ $\beta_{1}$ $<$ 1, $\step$$^{\text{2}}$"
    assert prose(r"$\beta$") == r"\$\textbackslash{}beta\$"


def test_preamble_alone() -> None:
    result = CliRunner().invoke(main, ["paper", "--preamble"])
    assert result.output == PREAMBLE
    macros = re.findall(r"\\newcommand\{(\\\w+)\}.*", PREAMBLE)
    assert {r"\gradL", r"\derL", r"\args", r"\had", r"\rootedtree"} <= set(macros)


# ---------------------------------------------------------------------------------------------- line breaking


def test_wide_sums_are_broken_between_summands() -> None:
    items = [Summand("+", (rf"\frac{{{k}}}{{7}}\,\derL{{2}}\args{{\gradL}}",)) for k in range(30)]
    lines = block([("f", items)])
    assert len(lines) > 2
    assert all(width(line.replace("&", "")) < TEXT_WIDTH for line in lines)
    assert "".join(lines).count(r"\gradL") == 30


def test_one_wide_summand_is_broken_between_its_chunks() -> None:
    chunks = tuple(f"{{}}+{k}\\,\\beta^{{{k}}}" for k in range(60))
    lines = block([("f", [Summand("-", chunks)])])
    assert len(lines) > 2
    assert all(r"\qquad" in line for line in lines[1:])


def test_what_cannot_be_broken_is_scaled() -> None:
    (line,) = block([("f", [Summand("+", (r"\derL{2}" * 80,))])])
    assert r"\scalebox{0." in line


def test_common_room_of_a_block() -> None:
    one = Summand("+", (r"\derL{2}\args{\gradL}" * 8,))
    wide = "x" * 40
    assert len(block([("f", [one, one])], 800.0)) == 1
    assert len(block([("f", [one, one]), (wide, [one])], 800.0)) == 3


# ---------------------------------------------------------------------------------------------- mathematics


#: B_k/k! (Su 2020, "operator" derivation of gradient descent)
BERNOULLI = [Fraction(1), Fraction(-1, 2), Fraction(1, 12), Fraction(0), Fraction(-1, 720), Fraction(0), Fraction(1, 30240)]


def test_gradient_descent_gives_the_bernoulli_series() -> None:
    found = multistep(Derivation(configure(load_scheme("gd")), 6))
    assert found is not None
    assert [m.number() for m in found.mu] == BERNOULLI


MULTISTEP = ["gd", "momentum", "ema-momentum", "bdf2", "implicit-euler", "adams-bashforth-2", "leapfrog-two-step", "qhm", "ogda"]


@pytest.mark.parametrize("name", MULTISTEP)
def test_operator_series_and_symbolic_steps_agree(name: str) -> None:
    derivation = Derivation(configure(load_scheme(name)), 4)
    found = multistep(derivation)
    assert found is not None
    _, field = time_derivatives(derivation.algebra, "L", found.mu)
    for a, b in zip(field, derivation.fields["theta"], strict=True):
        assert derivation.algebra.is_zero(derivation.algebra.add(a, {t: -c for t, c in b.items()}))


@pytest.mark.parametrize("name", ["adam", "rk4", "nesterov", "weight-decay", "gd-schedule", "rmsprop"])
def test_other_schemes_are_no_multistep_schemes(name: str) -> None:
    assert multistep(Derivation(configure(load_scheme(name)), 1)) is None


def test_momentum_is_a_two_step_scheme() -> None:
    found = multistep(Derivation(configure(load_scheme("momentum")), 1))
    assert found is not None
    assert [str(c) for c in found.rho] == ["beta", "-(1 + beta)", "1"]
    assert [str(c) for c in found.sigma] == ["0", "1", "0"]


@pytest.mark.parametrize("name,regime,order", CASES)
def test_checks_pass(name: str, regime: str | None, order: int) -> None:
    rows = checks(article(name, order, regime), None)
    assert len(rows) >= 2
    assert rows[0][1] >= order


@pytest.mark.parametrize("name", ["momentum", "rk4", "gd-schedule"])
def test_a_wrong_coefficient_is_caught(name: str) -> None:
    wrong = article(name, 2)
    field = wrong.derivation.fields["theta"]
    field[0] = {t: c.scaled(2) for t, c in field[0].items()}
    with pytest.raises(ResidualError):
        checks(wrong, None)


def test_tree_table_has_the_values_of_the_literature() -> None:
    """b(tau) of gradient descent: 1; -1/2; 1/6, 1/3 (design, "on trees")."""
    rows = [line for line in tree_section(article("gd", 2)).splitlines() if r"\rootedtree" in line]
    values = [re.sub(r".*displaystyle ", "", row).split("$")[0] for row in rows]
    assert values == ["1", r"-\frac{1}{2}", r"\frac{1}{6}", r"\frac{1}{3}"]


def test_trees_at_several_powers_keep_their_sign() -> None:
    """With a schedule r the gradient stands at gamma^0 with -r and at gamma^1 with +r'/2; F = -grad L."""
    text = tree_section(article("gd-schedule", 1))
    assert "b_{k}" in text
    assert r"$\displaystyle -\frac{r'}{2}$" in text


def test_index_notation() -> None:
    gd = article("gd", 2)
    write = IndexWriter(gd.style, gd.name_of)
    shown = [write(t) for _, t in gd.equation["theta"][2]]
    assert shown == [r"\pd{i}\pd{j}\pd{k}L\,\pd{j}L\,\pd{k}L", r"\pd{i}\pd{j}L\,\pd{j}\pd{k}L\,\pd{k}L"]


def test_index_notation_gathers_quotients_and_names_bases() -> None:
    adam = article("adam", 1)
    write = IndexWriter(adam.style, adam.name_of)
    shown = [write(t) for _, t in adam.equation["theta"][1]]
    assert shown[0] == r"\frac{\pd{i}\pd{j}L\,\pd{j}L}{{S}_{i}\,{S}_{j}}"
    assert list(write.definitions()) == [r"S_{i} = \abs{\pd{i}L}+\varepsilon"]


@pytest.mark.parametrize(
    "text,expected",
    [
        ("gamma*g/(sqrt(v) + eps)", r"\frac{\step\, g}{\sqrt{v}+\varepsilon}"), ("-(a - b)", "-(a - b)"),
        ("a - (b - c)", "a - (b - c)"), ("2*3", r"2 \cdot 3"), ("(a + b)**2", "(a + b)^{2}"), ("1/3*a", r"\frac{1}{3}\, a"),
    ],
)  # fmt: skip
def test_expressions(text: str, expected: str) -> None:
    gd = article("gd", 0)
    shown = ExpressionWriter(gd.style, gd.equation.scheme.kinds)(parse_expression(text, "test", SCHEME_CALLS))
    assert re.sub(r" ?\+ ?", "+", shown) == re.sub(r" ?\+ ?", "+", expected)


def test_sections_follow_the_kind_of_scheme() -> None:
    assert r"\mu(z)" in paper_latex(article("gd", 1))
    text = paper_latex(article("adam", 1))
    assert r"\mu(z)" not in text
    assert r"{m}_{1}(n)" in text
    assert r"\rootedtree" in paper_latex(article("rk4", 2)).partition(r"\begin{document}")[2]
    assert r"\ddot{\theta}" in paper_latex(article("momentum", 1, "inertial"))
