"""Eigenvectors in the lines of maps: values and derivatives by two routes, where there are none, schemes made of them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from importlib.resources import files
from math import isqrt
from random import Random
from typing import Any

import pytest
import reference
from click.testing import CliRunner
from extras import jax_array, torch_array
from flint import arb, ctx, fmpq
from reference import FLOATS, battery, scheme_iterates

from derive import modified_equation
from derive.commands.main import main
from derive.concrete.map_lines import along
from derive.errors import DeriveError, ParseError, SingularPointError
from derive.language.calls import write_call
from derive.scheme.catalogue import inline_scheme, scheme_from_toml
from derive.scheme.map_programs import parse_map_program
from verify.numbers.kinds import BALLS
from verify.numbers.recurrences import number
from verify.numbers.tape import Program, Tape
from verify.numeric.system import build_system, chosen_parameters
from verify.problems.landscape import Loss
from verify.problems.map_lines import carried_out, derivative_along

OF_SQUARE = "P = eigenvectors(X)"
OF_GRAM = "P = eigenvectors(X @ X.T)"
RIGHT = "U = eigenvectors(X @ X.T); Y = U.T @ X; P = Y/norm(Y, row)"
DIGITS = 1e-40


def balls(values: Sequence[Fraction]) -> list[arb]:
    return [arb(fmpq(x.numerator, x.denominator)) for x in values]


def drawn(source: Random, count: int) -> list[Fraction]:
    return [Fraction(source.randint(-30, 30), 7) + Fraction(1, 11) for _ in range(count)]


def same(a: Sequence[arb], b: Sequence[arb], digits: float = DIGITS) -> bool:
    return all(abs(float((x - y).mid())) < digits for x, y in zip(a, b, strict=True))


# ------------------------------------------------------------------------------------------ values and derivatives


@pytest.mark.parametrize("lines, size", [(OF_SQUARE, 4), (OF_SQUARE, 9), (OF_GRAM, 9), (RIGHT, 6), (OF_SQUARE, 1)])
def test_two_routes_find_the_same_eigenvectors(lines: str, size: int) -> None:
    """Power by power from S U = U L at balls of flint's, and by Jacobi's rotations with infinitesimals, through d^3."""
    program, source = parse_map_program("P(X)", lines, "test"), Random(f"{lines} {size}")
    with ctx.workprec(250):
        point, *directions = (balls(drawn(source, size)) for _ in range(4))
        for k in range(4):
            ours = along(program, point, directions[:k], {})
            theirs = derivative_along(program, point, directions[:k], {}, BALLS)
            assert same(ours, theirs), k
            assert size == 1 or any(abs(x) > DIGITS for x in ours)
            moved = derivative_along(program, [point[0] + arb("1e-30"), *point[1:]], directions[:k], {}, BALLS)
            assert size == 1 or not same(ours, moved)


@pytest.mark.parametrize("size", [4, 9])
def test_columns_are_eigenvectors_of_the_symmetric_part_in_order_and_with_a_sign(size: int) -> None:
    program, n = parse_map_program("P(X)", OF_SQUARE, "test"), isqrt(size)
    x = drawn(Random(size), size)
    s = [[float(x[n * i + j] + x[n * j + i]) / 2 for j in range(n)] for i in range(n)]
    for found in (along(program, balls(x), [], {}), carried_out(program, [float(v) for v in x], {}, FLOATS)):
        columns = [[float(found[n * i + j]) for i in range(n)] for j in range(n)]
        quotients = []
        for j, u in enumerate(columns):
            image = [sum(a * b for a, b in zip(row, u, strict=True)) for row in s]
            quotients.append(sum(a * b for a, b in zip(u, image, strict=True)))
            assert image == pytest.approx([quotients[-1] * a for a in u], abs=1e-13)
            assert [sum(a * b for a, b in zip(u, v, strict=True)) for v in columns] == pytest.approx(
                [float(i == j) for i in range(n)], abs=1e-14
            )
            assert sum(a / i for i, a in enumerate(u, 1)) > 0
        assert quotients == sorted(quotients, reverse=True)


def test_a_direction_by_hand() -> None:
    """Of [[2, s], [s, 1]] + O(s^2): the columns turn by s, to second order by 1 - s^2/2."""
    program = parse_map_program("P(X)", OF_SQUARE, "test")
    shear = [fmpq(0), fmpq(1), fmpq(1), fmpq(0)]
    point = [fmpq(2), fmpq(0), fmpq(0), fmpq(1)]
    first, second = (along(program, point, [shear] * k, {}) for k in (1, 2))
    assert [round(float(x), 12) for x in first] == [0, -1, 1, 0]
    assert [round(float(x), 12) for x in second] == [-1, 0, 0, -1]


# ------------------------------------------------------------------------------------------ where there are none


@pytest.mark.parametrize(
    "point, words",
    [
        ([1, 0, 0, 1], "eigenvectors are those of different eigenvalues"),
        ([0, 0, 0, 0, 0, 0, 0, 0, 5], "eigenvectors are those of different eigenvalues"),
        ([0, -4, -4, 6], "is not told from zero for an eigenvector"),  # (1, -2) of 8: 1 - 2/2 = 0
    ],
)
def test_equal_eigenvalues_and_jumps_of_the_sign_are_refused(point: list[int], words: str) -> None:
    """By both routes; balls of the second have no finite value there.  Beside such a point there is one."""
    program = parse_map_program("P(X)", OF_SQUARE, "test")
    with pytest.raises(SingularPointError, match=words):
        along(program, [fmpq(x) for x in point], [], {})
    assert not all(x.is_finite() for x in carried_out(program, [arb(x) for x in point], {}, BALLS))
    beside = [fmpq(x) + fmpq(i * i + 1, 97) for i, x in enumerate(point)]
    with ctx.workprec(200):
        assert same(along(program, beside, [], {}), carried_out(program, [arb(x) for x in beside], {}, BALLS), 1e-9)


TEXT = """
name = "s"
update = "theta = theta - gamma*{}"
[functions]
P = "map, of eigenvectors"
[maps]
"P(X)" = "{}"
"""


@pytest.mark.parametrize(
    "update, lines, words",
    [
        ("P(grad(theta))", "P = eigenvectors(X) @ X", "eigenvectors takes a square matrix, not an m x n one"),
        ("P(grad(theta))", "P = eigenvectors(2)*X", "eigenvectors takes matrices"),
        ("P(grad(theta))", "P = eigenvectors(X @ X.T, X)*X", "eigenvectors"),
        ("P(grad(theta))", "P = eigenvectors(X @ X.T)", "an m x n matrix is an m x m one"),
        ("eigenvectors(theta @ theta.T) @ P(theta)", "P = X", "eigenvectors"),
    ],
)
def test_what_has_no_eigenvectors_is_refused(update: str, lines: str, words: str) -> None:
    with pytest.raises(DeriveError, match=words):
        scheme_from_toml(TEXT.format(update, lines))


def test_they_are_written() -> None:
    result = CliRunner().invoke(main, ["modified-eq", "soap", "--order", "0"], catch_exceptions=False)
    assert "Q = eigenvectors(S)" in result.stdout
    assert write_call("eigenvectors", ["S"], "latex") == r"\operatorname{eigvec}(S)"
    assert write_call("eye", ["S"], "unicode") == "eye(S)"


# ------------------------------------------------------------------------------------------ their signs in runs


@pytest.mark.parametrize("name", ["galore", "galore-gap"])
def test_signs_are_free_while_they_do_not_jump(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Iterates are those of the library's singular vectors, and of the opposite ones; a sign that jumps once changes them."""
    row = next(r for r in battery() if r.scheme == name)
    plain = scheme_iterates(row, 40)

    def moved(lines: str) -> float:
        text = files("derive").joinpath("schemes", f"{name}.toml").read_text("utf-8")
        assert text.count("Q = eigenvectors(S)") == 1
        changed = scheme_from_toml(text.replace("Q = eigenvectors(S)", lines))
        monkeypatch.setattr(reference, "load_scheme", lambda _: changed)
        return max(abs(a - b) for p, q in zip(plain, scheme_iterates(row, 40), strict=True) for a, b in zip(p, q, strict=True))

    assert moved("Q = -eigenvectors(S)") < 1e-13
    assert moved("U = eigenvectors(S); Q = U*sign(trace(S) - 200)") > 1e-2


# ------------------------------------------------------------------------------------------ schemes on networks


BACKENDS = {"jax": jax_array, "torch": torch_array}
LOSS = "w**4/4 + w*x**2 + y*z + y**2 + x*z + 3*x/2"


def loss_of(p: Any) -> Any:
    w, x, y, z = p[0, 0], p[0, 1], p[1, 0], p[1, 1]
    return w**4 / 4 + w * x**2 + y * z + y**2 + x * z + 1.5 * x


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["galore", "soap"])
def test_functions_on_networks_are_what_balls_say(backend: str, name: str) -> None:
    """f_0 and f_1 by automatic differentiation of eigh, beside Jacobi's rotations in ball arithmetic, to 12 digits."""
    array, equation = BACKENDS[backend](), modified_equation(name, 1)
    parameters = chosen_parameters(equation.configuration)
    theta = [Fraction(1), Fraction(1, 2), Fraction(1, 3), Fraction(2)]
    system = build_system(equation.configuration, equation.to_json(), Loss(LOSS), parameters, theta)
    names = list(equation.equations)
    tape = Tape(4 * len(names))
    nodes = [x for row in system.fields(tape.inputs) for x in row]
    with ctx.workprec(200):
        exact = [float(x) for x in Program(tape, [tape.lift(x) for x in nodes])([number(x) for x in system.start])]
    at = [array([[float(x) for x in system.start[i : i + 2]], [float(x) for x in system.start[i + 2 : i + 4]]])
          for i in range(0, 4 * len(names), 4)]  # fmt: skip
    f = equation.function(loss_of, backend=backend)
    found = f(at[0], {n: float(v) for n, v in parameters.items()}, dict(zip(names[1:], at[1:], strict=True)))
    flat = [float(x) for k in range(2) for n in names for x in found[n][k].flatten()]
    assert flat == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("name", ["eigenvectors", "eye"])
def test_they_have_no_place_in_an_update(name: str) -> None:
    with pytest.raises(ParseError, match=rf"{name} stands in the lines of a map, not here; write P\(x\)"):
        inline_scheme(f"theta = theta - gamma*{name}(grad(theta))")
