"""Articles on laws: they compile inside the margins, their values are those of a second route, and bad requests are refused."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner
from sample_steps import derivative
from test_weak_values import LOSSES, POINT, WEIGHTS, polynomial, texts

from derive import inline_scheme, modified_sde
from derive.commands import law as command
from derive.commands.main import main
from derive.errors import DeriveError, ResidualError, UsageError
from derive.noise.forests import parse, symmetry
from derive.paper.compile import compile_latex, has_tex
from derive.paper.law.context import Example, LawArticle
from derive.paper.law.document import VerifiedLaw, law_latex
from derive.paper.law.example import mean_and_covariance
from derive.paper.law.forests import WeightsOf, picture
from derive.weak_equation import WeakEquation
from verify.sde.proof import Verdict
from verify.sde.verification import SdeVerification

needs_tex = pytest.mark.skipif(not has_tex(), reason="pdflatex is not installed")
FOUND = VerifiedLaw(100, slopes=(1.0, None), variance=2.0, skipped=("50% of a_b",))
CASES: dict[str, WeakEquation] = {
    "sgd": modified_sde("gd", 3, batch="B"),
    "momentum": modified_sde("momentum", 3),
    "inertial": modified_sde("momentum", 2, regime="inertial"),
    "langevin": modified_sde("langevin", 2),
    "both noises": modified_sde("sgld", 1),
    "epochs": modified_sde("gd", 2, sampling="reshuffled"),
    "epochs with memory": modified_sde("momentum", 1, sampling="reshuffled"),
    "game": modified_sde("game-simultaneous", 1),
    "adam": modified_sde("adam", 1, regime="inertial"),
    "field": modified_sde(inline_scheme("theta = theta + gamma*sfield(theta)"), 2),
    "schedule": modified_sde("gd-schedule", 1),
    "no diffusion": modified_sde("gd", 0),
}


def latex(name: str) -> str:
    return law_latex(LawArticle(CASES[name]), FOUND)


def article(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["paper", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


# ---------------------------------------------------------------------------------------------- compiling


@needs_tex
@pytest.mark.parametrize("name", CASES)
def test_compiles_within_the_margins(name: str) -> None:
    pdf, overfull = compile_latex(latex(name))
    assert pdf.startswith(b"%PDF-")
    assert not overfull


NASTY = inline_scheme("theta = theta - size_of*gamma*sgrad(theta)", ["size_of"])


@needs_tex
def test_text_of_users_stays_text() -> None:
    from dataclasses import replace

    scheme = replace(NASTY, title="50% & \\input{x} #1", reference="<1|2> \\write18{x}", notes="a_b $x$ \\\\ ^^5c {")
    text = law_latex(LawArticle(modified_sde(scheme, 1)), VerifiedLaw(reason="100% of \\undefined"))
    assert r"\input{" not in text
    assert r"\write18" not in text
    assert not compile_latex(text)[1]


def test_the_same_twice_and_in_the_letters_of_the_reader() -> None:
    assert latex("momentum") == latex("momentum")
    text = law_latex(LawArticle(CASES["momentum"], {"gamma": "h", "L": "f", "beta": "mu"}))
    assert r"\newcommand{\step}{h}" in text
    assert r"\beta" not in text.partition(r"\begin{document}")[2].partition(r"\begin{thebibliography}")[0].replace("fixed β", "")


# ---------------------------------------------------------------------------------------------- what it says


@pytest.mark.parametrize("name", ["sgd", "momentum", "inertial", "langevin", "epochs"])
def test_the_table_is_the_equation(name: str) -> None:
    """coefficient = [n^1] w / sigma, for batches times B^(1-r), for epochs over m; no row is left out."""
    equation = CASES[name]
    shown = [line for line in latex(name).splitlines() if r"\texttt{" in line and line.endswith(r"\\[7pt]")]
    assert len(shown) == min(40, sum(map(len, equation.powers)))
    weights = WeightsOf(LawArticle(equation))
    for k, power in enumerate(equation.powers):
        for forest in power.forests:
            w = weights(forest, k + 1)
            n = w.derivative("n").substitute({"n": w.ring.zero}, w.ring)
            own = n.substitute({}, n.ring)
            steps = "m" if equation.epochs else "1"
            whole = power.terms[forest].substitute({"B": _one(power.terms[forest])}, power.terms[forest].ring)
            assert str((own / _symbol(own, steps)).reduced()) == str(whole.scaled(symmetry(weights.whole(forest))).reduced())


def _one(c: object) -> object:
    return c.ring.one  # type: ignore[attr-defined]


def _symbol(c: object, name: str) -> object:
    return c.ring.symbol(name) if name != "1" else c.ring.one  # type: ignore[attr-defined]


def test_weights_are_those_of_counting_steps() -> None:
    """g[g] arises in n steps n (n-1)/2 times, g1 g1 n times."""
    weights = WeightsOf(LawArticle(CASES["sgd"]))
    assert [str(weights(parse(f), 2)) for f in ("g[g]", "g1 g1")] == ["-n*(1 - n)/2", "n"]


def test_mean_and_covariance_of_the_example() -> None:
    """Against sums over the samples, of polynomials."""
    data = modified_sde("gd", 1).on_losses(texts(LOSSES), [str(w) for w in WEIGHTS])
    mean, covariance = mean_and_covariance(data, dict(zip("xy", POINT, strict=True)))
    gradients = [[_at(derivative(polynomial(e), i)) for i in (0, 1)] for e in LOSSES]
    expected = [sum(w * g[i] for w, g in zip(WEIGHTS, gradients, strict=True)) for i in (0, 1)]
    assert mean == expected
    for i in (0, 1):
        for j in (0, 1):
            centred = [(g[i] - expected[i]) * (g[j] - expected[j]) for g in gradients]
            assert covariance[i][j] == sum(w * c for w, c in zip(WEIGHTS, centred, strict=True))
    assert covariance[0][1] != 0


def _at(p: dict[tuple[int, ...], Fraction]) -> Fraction:
    return sum((c * POINT[0] ** m[0] * POINT[1] ** m[1] for m, c in p.items()), Fraction(0))


def test_an_example_by_hand() -> None:
    """L_1 = x^2, L_2 = x^3 at 1: gradients 2 and 3, mean 5/2, variance 1/4; G = -5/2 d + gamma (1/8 d^2 - 1/2 (5/2)(2+6)/2 d)."""
    text = article("gd", "--sde", "--order", "1", "--losses", "x**2; x**3", "--at", "x=1")
    values = [line for line in text.splitlines() if line.startswith(r"[\partial")]
    assert values == [
        r"[\partial_{x}]\,G ={}& {-}\frac{5}{2} - \gamma\, 5\\", r"[\partial_{x}^{2}]\,G ={}& \gamma\, \frac{1}{8}",
    ]  # fmt: skip


def test_where_no_equation_has_the_law() -> None:
    assert "no stochastic differential equation has this law" in latex("sgd")
    assert "three derivatives and more belong to no" in latex("sgd")
    assert "no stochastic differential equation has this law." not in latex("game").partition(r"\end{abstract}")[0]
    assert r"\cite{law}" in latex("langevin")


def test_pictures_number_the_ties() -> None:
    assert picture(parse("g g1[g1]")).endswith("{(0,0)}{(1,0)/1,(1,1)/1}")
    assert r"\tiedforest{" not in latex("game").partition(r"\begin{document}")[2]


def test_memory_is_spoken_of_where_there_is_some() -> None:
    said = "Memory does not come to rest"
    assert [said in latex(name) for name in ("momentum", "inertial", "sgd", "epochs with memory")] == [True, False, False, True]


# ---------------------------------------------------------------------------------------------- what was verified


def test_the_proof_is_quoted_as_far_as_it_goes() -> None:
    law = LawArticle(CASES["momentum"])
    verdicts = (VerifiedLaw(100), VerifiedLaw(100, within=(2, 3)), VerifiedLaw(reason="why"))
    every, some, none = (law_latex(law, v) for v in verdicts)
    assert "every law of the samples and every dimension, for all parameter values" in every
    assert "in dimension 2 and every law of 3 samples" in some
    assert "was not completed: why." in none
    assert r"2^{-100}" not in none
    epochs = law_latex(LawArticle(CASES["epochs"]), VerifiedLaw(100, epochs=(3, 4)))
    assert "with $3$ and $4$ batches in an epoch" in epochs


def test_the_checks_are_those_of_this_run() -> None:
    text = article("momentum", "--sde", "--order", "1")
    assert re.search(r"with a probability below \$2\^\{-\d+0\}\$", text)
    assert [row.split("&")[1].strip() for row in text.splitlines() if row.startswith("moments at")] == ["1.0000", "2.0000"]


def test_a_refuted_generator_is_no_article(monkeypatch: pytest.MonkeyPatch) -> None:
    from verify.sde import verification

    def refuted(c: object, data: dict[str, object]) -> SdeVerification:
        return SdeVerification(c, data, Verdict("refuted", power=1, roots=2))  # type: ignore[arg-type]

    monkeypatch.setattr(verification, "verify_generator", refuted)
    with pytest.raises(ResidualError, match="refuted at gamma\\^1: the diffusion"):
        command._verified(modified_sde("gd", 1))


# ---------------------------------------------------------------------------------------------- the command


def test_random_texts_need_no_option_and_others_do() -> None:
    drawn = article("--update", "theta = theta - gamma*sgrad(theta)", "--order", "1")
    assert "weak modified equation" in drawn
    assert "weak modified equation" not in article("gd", "--order", "1")
    assert "weak modified equation" in article("gd", "--sde", "--order", "1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gd", "--batch", "B"), "add --sde"), (("gd", "--losses", "x**2; x"), "add --sde"),
        (("gd", "--sde", "--at", "x=1"), "--losses"), (("gd", "--sde", "--losses", "x**2; sin("), "sample 2"),
        (("gd", "--sde", "--sampling", "reshuffled", "--batch", "3"), "batch"),
        (("gd", "--sde", "--order", "9"), "order 9"), (("adam", "--sde"), "Adam|adam"),
    ],
)  # fmt: skip
def test_what_is_asked_in_vain(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    out = tmp_path / "out.tex"
    result = CliRunner().invoke(main, ["paper", *arguments, "-o", str(out)])
    said = str(result.exception) if isinstance(result.exception, DeriveError) else result.output
    assert result.exit_code != 0
    assert re.search(message, said), said
    assert not out.exists()


def test_an_example_of_the_reader_that_has_no_value() -> None:
    with pytest.raises(UsageError):
        law_latex(LawArticle(CASES["no diffusion"], example=Example("x**2; x**3", at="y=1")))


def test_what_is_cited_as_bibtex(tmp_path: Path) -> None:
    for more, keys in (((), ["polyak", "li-tai-e"]), (("--sampling", "reshuffled"), ["polyak", "li-tai-e", "smith"])):
        out = tmp_path / "law.bib"
        article("momentum", "--sde", "--order", "0", *more, "-o", str(tmp_path / "law.tex"), "--bib", str(out))
        assert set(keys) <= set(re.findall(r"^@\w+\{(.*),$", out.read_text(), re.M))
        assert ("smith" in out.read_text()) == bool(more)
