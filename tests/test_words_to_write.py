"""Refusals that name what to write instead, and the line of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from derive.concrete.problem import parse_field
from derive.errors import DeriveError
from derive.language import parse_update
from derive.scheme import inline_scheme, load_scheme
from derive.scheme.catalogue import scheme_from_toml
from derive.trees.tableau import load_tableau
from verify.formula_verdict import check_formula, read_formula


@pytest.mark.parametrize("name", ["h", "lr"])
def test_other_names_of_the_step(name: str) -> None:
    with pytest.raises(DeriveError, match=f"the step is called gamma, --letters gamma={name} prints {name}"):
        inline_scheme(f"theta = theta - {name}*grad(theta)")
    with pytest.raises(DeriveError, match="did you mean 'gamma'") as other:
        inline_scheme("theta = theta - gama*grad(theta)")
    assert "called gamma" not in str(other.value)


def test_other_names_of_theta_and_other_arrows() -> None:
    with pytest.raises(DeriveError, match="what is optimised is called theta, --letters theta=y prints y"):
        inline_scheme("y = y - gamma*grad(y_prev)", ["y_prev"])
    with pytest.raises(DeriveError, match="'←': write ="):
        parse_update("theta ← theta - gamma*grad(theta)")


@pytest.mark.parametrize("before", ["", "# a comment\n", 'title = "t"\n\n'])
def test_places_are_those_of_the_file(before: str, tmp_path: Path) -> None:
    text = before + 'update = """\ntheta = theta - gama*grad(theta)\n"""\n'
    (tmp_path / "s.toml").write_text(text)
    line = text.split("\n").index("theta = theta - gama*grad(theta)") + 1
    with pytest.raises(DeriveError, match=f"scheme s, line {line}, column 17: name 'gama'"):
        load_scheme(tmp_path / "s.toml")
    (tmp_path / "s.toml").write_text(text.replace("gama", "gamma"))
    assert load_scheme(tmp_path / "s.toml").program == scheme_from_toml(text.replace("gama", "gamma")).program


def test_tableaux_are_no_schemes(tmp_path: Path) -> None:
    with pytest.raises(DeriveError, match="'radau-iia' is a tableau"):
        load_scheme("radau-iia")
    (tmp_path / "t.toml").write_text('name = "t"\nA = [[0, 0], ["sqrt(2)", 0]]\nb = [0, 1]\n')
    with pytest.raises(DeriveError, match="write a symbol for the root"):
        load_tableau(str(tmp_path / "t.toml"))


def test_fractions_are_texts(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text('name = "t"\nA = [[0, 0], [2/3, 0]]\nb = [0, 1]\n')
    with pytest.raises(DeriveError, match='a fraction is a text, "2/3"'):
        load_tableau(str(tmp_path / "t.toml"))
    (tmp_path / "t.toml").write_text('name = "t"\nA = [[0, 0], ["2/3", 0]]\nb = [0, 1\n')
    with pytest.raises(DeriveError) as other:
        load_tableau(str(tmp_path / "t.toml"))
    assert "a fraction is" not in str(other.value)


def test_a_constant_of_a_field_is_declared() -> None:
    with pytest.raises(DeriveError, match=r"1 component and the 2 variables lam, x; .* declare a constant by --parameter"):
        parse_field("lam*x")
    assert parse_field("lam*x", ["lam"]).variables == ("x",)


def says(text: str, order: int = 1) -> str:
    return check_formula(read_formula(None, "gd", None, order, None, {}, (text,))).loss


def test_the_right_loss_is_said() -> None:
    assert says("loss: L + gamma/3*dot(grad, grad)") == "V at gamma^1: 1/4*dot(grad, grad)"
    assert says("loss: L + gamma/4*dot(grad, grad)", 2).startswith("no loss is right at gamma^2")
    assert not says("theta: -grad - gamma/3*hess(grad)")


@pytest.mark.parametrize(
    ("text", "hint"),
    [("map: grad", "a flow is claimed here"), ("theta: -g", "write grad for"), ("theta: -gamma*H", "write hess\\(u\\) for Hu")],
)
def test_words_of_blackboards(text: str, hint: str) -> None:
    with pytest.raises(DeriveError, match=hint):
        says(text)
