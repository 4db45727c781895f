"""Sums over layers by every route of verify: runs on losses in layers, certificates and the checker, stated formulas."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner
from proof_controls import one_larger
from proof_forgeries import LAYER_FORGERIES
from test_layers import NORMALISED, TRUSTING, random_update
from test_proof_certificates import outcome

from derive import ModifiedEquation, inline_scheme, modified_equation
from verify.certificate import checker
from verify.certificate.writing import certificate, certificate_text
from verify.commands.main import main as verify_main
from verify.numeric.routes import check_slopes, random_point, recover_coefficients, rich_problem
from verify.numeric.system import chosen_parameters
from verify.problems.layers import SIZES
from verify.verification import Options, verify_scheme

BOTH = "g = grad(theta); theta = theta - gamma*norm(theta)/norm(g, layer)*g"
AVERAGED = "g = grad(theta); s = b*s + (1 - b)*mean(g*g, layer); theta = theta - gamma*g/sqrt(s + eps)"
PARTITIONS = "every dimension, every partition of the components into layers"


@lru_cache(maxsize=50)
def equation(scheme: str, order: int) -> ModifiedEquation:
    letters = [x for x in ("a", "b", "c", "eps") if re.search(rf"\b{x}\b", scheme)]
    return modified_equation(inline_scheme(scheme, letters) if "=" in scheme else scheme, order)


# ---------------------------------------------------------------------------------------------- runs


@pytest.mark.parametrize("scheme", ["lars", "novograd", NORMALISED, AVERAGED])
def test_the_numerical_routes_run_on_losses_in_layers(scheme: str) -> None:
    found = verify_scheme(equation(scheme, 1), Options())
    assert found.verdict == "verified"
    assert found.table.expected == (1, 2)
    assert found.table.confirmed
    assert found.recovery.confirmed
    assert not any(c.held for c in found.recovery.coefficients)
    assert list(found.skipped) == ["quadratic"]
    assert PARTITIONS in str(found.proof)


def test_the_loss_of_the_runs_couples_layers_of_different_sizes() -> None:
    loss = rich_problem(equation("lars", 1).configuration, 3)
    assert len({*SIZES}) == len(SIZES) > 1
    assert [len(layer) for layer in loss.layers] == list(SIZES)
    assert loss.derivative(0, (1, 1, 1)), "x, y in one layer and z in the other"


@pytest.mark.parametrize(("scheme", "said"), [
    ("theta = theta - gamma*mean(grad(theta), layer)", "sums over components"),
    ("theta = theta - gamma*mean(grad(theta)) - gamma*grad(theta)", "sums over components"),
    (NORMALISED, "multiplies two quantities"),
])  # fmt: skip
def test_quadratic_losses_say_why_they_do_not_apply(scheme: str, said: str) -> None:
    assert said in verify_scheme(equation(scheme, 1), Options()).skipped["quadratic"]


def runs(scheme: str, change: Callable[[dict[str, Any]], None]) -> tuple[bool, bool]:
    """Whether the slopes, and the coefficients recovered, confirm a changed equation."""
    result = equation(scheme, 1)
    data, c = copy.deepcopy(result.to_json()), result.configuration
    change(data["equations"]["theta"][1])
    loss, values = rich_problem(c, 4), chosen_parameters(c)
    slopes = check_slopes(c, data, values, loss, random_point(3, 0))
    return slopes.confirmed, recover_coefficients(c, data, values).confirmed


@pytest.mark.parametrize("scheme", ["lars", TRUSTING])
def test_a_coefficient_off_by_a_thousandth_is_noticed_in_runs(scheme: str) -> None:
    def larger(block: dict[str, Any]) -> None:
        item = block["terms"][0]
        item["coefficient"] = f"({item['coefficient']})*1001/1000"

    assert runs(scheme, lambda block: None) == (True, True)
    assert runs(scheme, larger) == (False, False)


@pytest.mark.parametrize("scheme", ["lars", TRUSTING])
def test_a_sum_over_all_components_for_one_over_a_layer_is_noticed_in_runs(scheme: str) -> None:
    def whole(block: dict[str, Any]) -> None:
        item = next(i for i in block["terms"] if ", layer" in i["term"])
        item["term"] = item["term"].replace(", layer", "", 1)

    assert runs(scheme, whole) == (False, False)


# ---------------------------------------------------------------------------------------------- certificates


@lru_cache(maxsize=20)
def base(scheme: str, order: int) -> dict[str, Any]:
    found = equation(scheme, order)
    data = found.to_json()
    return certificate(found.configuration, data["equations"], data["memory"])


SUMS = "g = grad(theta); theta = theta - gamma*dot(mean(g*g, layer), 1 + 0*g)*g"
CERTIFIED = [("lars", 0), ("novograd", 1), (NORMALISED, 1), (TRUSTING, 1), (BOTH, 1), (AVERAGED, 1), (SUMS, 1),
             ("theta = theta - gamma*mean(grad(theta))*theta", 1)]  # fmt: skip


@pytest.mark.parametrize(("scheme", "order"), CERTIFIED)
def test_true_certificates_are_proved(scheme: str, order: int) -> None:
    _, bound, samples, dimension, classes = checker.check(certificate_text(base(scheme, order)))
    assert bound < -100
    assert samples >= classes
    assert dimension >= 2 * (order + 1)


@pytest.mark.parametrize(("scheme", "order"), [("lars", 0), pytest.param(TRUSTING, 1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("how", LAYER_FORGERIES)
def test_no_forgery_is_accepted(how: str, scheme: str, order: int) -> None:
    forged = LAYER_FORGERIES[how](copy.deepcopy(base(scheme, order)))
    assert forged is not None
    assert outcome(json.dumps(forged)) != "proved"


def test_partitions_and_ranks_of_the_checker() -> None:
    """The numbers of partitions; (1 2 / 2 4) has rank 1; signs of one quantity in a layer of two: ++, +-, --."""
    assert [len([*checker.partitions(n)]) for n in range(1, 8)] == [1, 2, 3, 5, 7, 11, 15]
    assert [checker.rank(101, m) for m in ([[1, 2], [2, 4]], [[0, 1], [1, 0]], [[0, 0]], [])] == [1, 2, 0, 0]
    assert [checker.ways(2, v, w) for v, w in ((0, 0), (1, 0), (0, 1), (2, 0))] == [1, 3, 2, 10]
    assert checker.spans((2, 3)) == (range(2), range(2, 5))


@pytest.mark.parametrize(("indices", "claim", "expected"), [
    (0, "-grad/norm(grad, layer)", [(2,)]),
    (1, "-grad/norm(grad, layer) + hess(grad) - hess(grad)", [(2, 2), (3,)]),
    (0, "-grad/norm(grad, layer)*norm(grad)/norm(grad)", [(2, 2)]),
    (0, "-grad/norm(grad, layer)*norm(theta, layer)/norm(theta, layer)", [(3,)]),
])  # fmt: skip
def test_layouts_of_the_checker(indices: int, claim: str, expected: list[tuple[int, ...]]) -> None:
    """Layers q_1 + r, ..., q_k + r for every partition of n, and r + s more: by hand."""
    data = copy.deepcopy(base(NORMALISED, 0))
    data["fields"]["theta"] = [[["1", claim]]]
    check = checker.Check(checker.Claim(data), Random(1))
    check.decide()
    pilot = check.sample(12, layers=checker.spans(checker.PILOT))
    check.compared(pilot)
    products = check.bounds(4)[-1]
    assert check.layouts(pilot, indices, products) == expected


def test_a_certificate_goes_through_the_commands(tmp_path: Path) -> None:
    run, path = CliRunner(), str(tmp_path / "lars.json")
    written = run.invoke(verify_main, ["scheme", "lars", "--order", "0", "-o", path])
    assert written.exit_code == 0, written.output
    checked = run.invoke(verify_main, ["certificate", path])
    assert PARTITIONS in checked.output


# ---------------------------------------------------------------------------------------------- stated formulas


def judged(scheme: str, says: str, *options: str) -> Any:
    given = ["--scheme", scheme] if "=" not in scheme else ["--update", scheme]
    return CliRunner().invoke(verify_main, ["formula", *given, "--says", says, *options])


H = "hess(grad/norm(grad, layer))"


@pytest.mark.parametrize(("scheme", "says"), [
    (NORMALISED, "theta: -grad/|grad|_layer"),
    (NORMALISED, "theta: -dot(grad, grad, layer)**(-1/2)*grad"),
    (NORMALISED, f"theta: -grad/|grad|_layer - gamma/2*({H} - grad*dot(grad, {H}, layer)/|grad|_layer^2)/|grad|_layer"),
    ("lars", "theta: -eta*norm(theta, layer)*(grad + lam*theta)/((1 - beta)*(norm(grad, layer) + lam*norm(theta, layer)))"),
    ("novograd", "theta: -(grad/(norm(grad, layer) + eps) + lam*theta)/(1 - beta1)"),
    ("gd", "theta: -grad + 0*norm(grad, layer)*theta"),
])  # fmt: skip
def test_rewritten_formulas_are_confirmed(scheme: str, says: str) -> None:
    found = judged(scheme, says)
    assert found.exit_code == 0, found.output
    assert "confirmed" in found.output


@pytest.mark.parametrize(("scheme", "says"), [
    (NORMALISED, "theta: -1001/1000*grad/|grad|_layer"),
    (NORMALISED, "theta: -grad/norm(grad)"),
    (NORMALISED, f"theta: -grad/|grad|_layer - gamma/2*({H} - grad*dot(grad, {H})/|grad|_layer^2)/|grad|_layer"),
    ("lars", "theta: -eta*norm(theta)*(grad + lam*theta)/((1 - beta)*(norm(grad, layer) + lam*norm(theta)))"),
    ("novograd", "theta: -(grad/(norm(grad) + eps) + lam*theta)/(1 - beta1)"),
    ("gd", "theta: -grad - gamma/2*mean(hess(grad), layer)"),
])  # fmt: skip
def test_false_formulas_are_refuted_on_a_loss_in_layers(scheme: str, says: str) -> None:
    found = judged(scheme, says, "--format", "json")
    result = json.loads(found.output)
    assert result["verdict"] == result["proof"]["verdict"] == "refuted"
    place = result["counterexample"]
    assert sorted(v for layer in place["layers"] for v in layer) == sorted(place["point"])
    assert place["claimed"] != place["true"]


def test_a_modified_loss_of_layers_is_refused_in_a_line() -> None:
    found = judged(NORMALISED, "loss: norm(grad)")
    assert "claim the field" in str(found.exception)


# ---------------------------------------------------------------------------------------------- all of it at random


def battery(seed: str) -> None:
    """What is derived has a certificate that is proved and runs that confirm it; once perturbed it has neither."""
    source = Random(seed)
    found = equation(random_update(source), 1)
    data = found.to_json()
    verdict = outcome(certificate_text(certificate(found.configuration, data["equations"], data["memory"])))
    assert verdict == "proved", found.scheme.update
    wrong = one_larger(data["equations"], source)
    assert outcome(certificate_text(certificate(found.configuration, wrong, data["memory"]))) == "different", found.scheme.update
    values, c = chosen_parameters(found.configuration), found.configuration
    assert recover_coefficients(c, data, values).confirmed, found.scheme.update
    assert not recover_coefficients(c, {**data, "equations": wrong}, values).confirmed, (found.scheme.update, wrong)


@pytest.mark.parametrize("seed", range(2))
def test_random_texts_with_layers(seed: int) -> None:
    battery(f"verified layers {seed}")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_more_random_texts_with_layers(seed: int) -> None:
    battery(f"more verified layers {seed}")
