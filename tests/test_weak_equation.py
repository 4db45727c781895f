"""The weak modified equation as an object and as a command: what it says, reads and refuses."""

from __future__ import annotations

import json
import pickle

import pytest
from click.testing import CliRunner, Result

from derive import DeriveError, catalogue, inline_scheme, load_scheme, modified_equation, modified_sde
from derive.commands.main import main
from derive.errors import ReductionError, UsageError
from derive.noise.forests import text
from derive.noise.sampling import excess
from derive.scheme import scheme_from_toml
from verify.commands.main import main as verify

LANGEVIN = "theta = theta - gamma*grad(theta) + sqrt(2*gamma)*normal()"
AHEAD = "y = theta - gamma*sgrad(theta); theta = theta - gamma*sgrad(y)"


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["modified-sde", *arguments])


def printed(*arguments: str) -> str:
    result = call(*arguments)
    assert result.exit_code == 0, (arguments, result.output, result.exception)
    return result.stdout


def refused(*arguments: str) -> str:
    result = call(*arguments)
    assert isinstance(result.exception, DeriveError), (arguments, result.output)
    assert "\n" not in str(result.exception)
    return str(result.exception)


# ---------------------------------------------------------------------------------------------- Python


@pytest.mark.parametrize(
    ("written", "coefficient"),
    [("g1 g1[g]", "1/2"), (" g2[ g ]  g2", "1/2"), ("g1 [g] g1", "1/2"), ("g[ g1 ,g1 ]", "1/4"), ("g5 g5 g5", "-1/6"),
     ("g[g[g]]", "-1/3"), ("g1 g1 g2 g2", "0"), ("g[g,g,g]", "0")],
)  # fmt: skip
def test_a_forest_has_its_coefficient_in_any_order_and_spacing(written: str, coefficient: str) -> None:
    assert str(modified_sde("gd", 2)[2].coefficient(written)) == coefficient
    assert str(modified_sde("gd", 2).coefficient(written)) == coefficient


@pytest.mark.parametrize(
    ("written", "says"),
    [("", "empty"), ("g1", "nothing else is of"), ("g g2", "nothing else is of"), ("h1 h1", "no 'h1'"),
     ("g1 g1[", "tied forest"), ("g1 g1[g", "not closed"), ("g1+g1", "tied forest"), ("n1 n1", "no 'n'"),
     ("1/2 g", "tied forest")],
)  # fmt: skip
def test_a_text_that_is_no_forest_is_refused(written: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        modified_sde("gd", 2).coefficient(written)


def test_normal_vectors_come_in_pairs() -> None:
    langevin = modified_sde(inline_scheme(LANGEVIN), 1)
    assert str(langevin.coefficient("n7 n7")) == "1"
    for written in ("n", "n1 g", "n1 n1 n1", "n1 n1 g[n1]"):
        with pytest.raises(UsageError, match="stands twice"):
            langevin.coefficient(written)


def test_a_forest_at_two_powers_has_no_one_coefficient() -> None:
    heavy = modified_sde("momentum", 1, regime="inertial")
    with pytest.raises(UsageError, match="several powers of gamma, 0, 1"):
        heavy.coefficient("eta:g")
    assert str(heavy[1].coefficient("eta:g")) == "-lam/2"
    with pytest.raises(UsageError, match="no power gamma\\^2"):
        heavy[2]


@pytest.mark.parametrize("name", ["gd", "momentum", "nesterov", "game-alternating", "heun", "ogda"])
def test_without_shared_samples_it_is_the_modified_equation(name: str) -> None:
    """The trees of the drift with no tie are those of the field, whose sum over gradients is another program's."""
    weak, plain = modified_sde(name, 2), modified_equation(name, 2)
    for k, power in enumerate(weak.drift):
        alone = {text(f): c for f, c in power.terms.items() if excess(f) == 0}
        assert len(alone) == sum(len(sums[k]) for sums in plain.equations.values())
        if not load_scheme(name).losses:
            assert sorted(map(str, alone.values())) == sorted(str(c) for c, _ in plain["theta"][k])


def test_drift_diffusion_and_the_rest_make_the_generator() -> None:
    eq = modified_sde("momentum", 2)
    for k, power in enumerate(eq.powers):
        halves = {f: c.scaled(1) / c.ring.constant(2) for f, c in eq.diffusion[k].terms.items()}
        assert dict(eq.drift[k].terms) | halves | dict(eq.beyond[k].terms) == dict(power.terms)
    assert eq.no_sde_from == 2
    assert modified_sde("momentum", 1).no_sde_from is None


def test_a_tie_of_r_samples_weighs_the_batch_to_the_power_1_minus_r() -> None:
    one, batch = modified_sde("gd", 3), modified_sde("gd", 3, batch="B")
    for k, power in enumerate(one.powers):
        for c, forest in power:
            found = batch[k].coefficient(forest)
            size = batch.generator.powers[1][next(iter(modified_sde("gd", 1, batch="B").diffusion[1].terms))].ring.symbol("B")
            ((f, _),) = [(f, 0) for f in power.terms if text(f) == forest]
            assert found == c.substitute({}, size.ring) / size ** excess(f)
    noise = modified_sde(inline_scheme(LANGEVIN.replace("grad", "sgrad")), 1, batch=5)
    assert str(noise[0].coefficient("n1 n1")) == "1"
    assert str(noise[1].coefficient("g1 g1")) == "1/10"


def test_equations_compare_pickle_and_show_themselves() -> None:
    first, again = modified_sde("momentum", 2, batch="B"), modified_sde("momentum", 2, batch="B")
    assert first == again == pickle.loads(pickle.dumps(first))
    assert first != modified_sde("momentum", 2) != modified_sde("momentum", 1)
    assert first != modified_sde("momentum", 2, batch="B", settings={"beta": "1/2"})
    assert repr(first) == "<WeakEquation momentum, regime memory, through gamma^2, batch B>"
    assert repr(first.on_losses(["x", "x**2"])) == f"{repr(first)[:-1]}, on 2 samples>".replace("WeakEquation", "OnLosses")
    assert str(first).startswith("Heavy-ball momentum")
    assert all(word in first.latex({"L": "f"}) for word in (r"\Sigma", r"\nabla f"))


@pytest.mark.parametrize(
    ("keywords", "says"),
    [({"sampling": "reshuffled", "batch": 2}, "--set m=8"), ({"sampling": "shuffled"}, "iid or reshuffled"),
     ({"batch": 0}, "positive"),
     ({"batch": "1/2"}, "positive"), ({"batch": "theta"}, "meaning"), ({"batch": "gamma"}, "meaning"), ({"order": -1}, ">= 0"),
     ({"order": 7}, "limit is order 6"), ({"regime": "fast"}, "no regimes"), ({"settings": {"beta": "1"}}, "beta")],
)  # fmt: skip
def test_bad_arguments_are_refused(keywords: dict[str, object], says: str) -> None:
    with pytest.raises(DeriveError, match=says):
        modified_sde("gd", **keywords)  # type: ignore[arg-type]


def test_a_batch_of_a_function_of_gradients_is_refused() -> None:
    with pytest.raises(ReductionError, match="leave --batch out"):
        modified_sde("normalised-gd", batch="B")


def test_a_text_without_noise_is_read_with_samples_and_another_as_it_is() -> None:
    written = modified_sde(inline_scheme("theta = theta - gamma*sgrad(theta)"), 1)
    assert modified_sde("gd", 1).generator.powers == written.generator.powers
    assert "sgrad" in modified_sde("gd", 1).to_json()["update"]
    langevin = modified_sde(inline_scheme(LANGEVIN), 1)
    assert langevin.scheme.update == LANGEVIN
    assert langevin.coefficient("g1 g1") == 0 != modified_sde("gd", 1).coefficient("g1 g1")


# ---------------------------------------------------------------------------------------------- epochs


def test_reshuffled_batches_have_a_drift_of_their_own_and_little_noise() -> None:
    epochs = modified_sde("gd", 1, sampling="reshuffled")
    assert (epochs.sampling, epochs.to_json()["batches"], epochs.to_json()["time"]) == ("reshuffled", "m", "n m gamma")
    assert [str(epochs.coefficient(f)) for f in ("g[g]", "g1[g1]", "g1 g1")] == ["-1/2", "-1/2", "0"]
    assert repr(epochs) == "<WeakEquation gd, through gamma^1, epochs of m batches>"
    in_a_file = 'update = "theta = theta - gamma*sgrad(theta)"\n[noise]\nsampling = "reshuffled"'
    assert modified_sde(scheme_from_toml(in_a_file), 1).generator.powers == epochs.generator.powers
    page = printed("momentum", "--sampling", "reshuffled", "--set", "m=4")
    assert "with time 4 n γ, E φ(θ_(4 n)) = (exp(4 n γ G) φ)(θ_0) once memory has settled:" in page.splitlines()
    assert "negative directions" in printed("gd", "--sampling", "reshuffled", "--order", "3", "--format", "latex")


def test_losses_of_an_epoch_are_its_batches() -> None:
    epochs = modified_sde("gd", 1, sampling="reshuffled", settings={"m": "3"})
    assert epochs.on_losses("x; x**2; x**3").evaluate("x=1").values[0] == {"x": "-2"}
    with pytest.raises(UsageError, match="2 batches, and an epoch has 3"):
        epochs.on_losses("x; x**2")
    with pytest.raises(UsageError, match="every batch comes once"):
        epochs.on_losses("x; x**2; x**3", ["1/2", "1/4", "1/4"])
    with pytest.raises(UsageError, match="one batch is the whole data set"):
        modified_sde("gd", 1, sampling="reshuffled").on_losses("x**2")


# ---------------------------------------------------------------------------------------------- losses


@pytest.mark.parametrize(
    ("losses", "weights", "at", "says"),
    [("", None, "", "no sample"), ("x; y", "1/2", "", "2 positive"), ("x; y", "1/2,1/3", "", "sum 1"),
     ("x; y", "3/2,-1/2", "", "positive"), ("x; y", "a,b", "", "positive"), ("x; y +", None, "", "sample 2"),
     ("1; 2", None, "", "no variables"), ("x; y", None, "z=1", "unknown name"),
     ("x; exp(y)", None, "x=1", "rational"), ("x; log(y)", None, "x=1, y=-1", "logarithm"), ("gamma*x", None, "", "step size"),
     ({"f": ["x"]}, None, "", "a list")],
)  # fmt: skip
def test_losses_weights_and_points_that_are_none_are_refused(losses: object, weights: str | None, at: str, says: str) -> None:
    with pytest.raises(DeriveError, match=says):
        modified_sde("gd", 1).on_losses(losses, weights).evaluate(at)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("losses", "says"),
    [("x*y", "name = "), ("f = x*y; g = x; g = y", "1 of f, 2 of g"), ("f = x*y; h = y", "no loss"),
     ("f = x*y; g = z", "unknown"),
     ("f = x*y", "g have no sample")],
)  # fmt: skip
def test_samples_of_declared_losses_belong_together(losses: str, says: str) -> None:
    with pytest.raises(DeriveError, match=says):
        modified_sde("game-simultaneous", 1).on_losses(losses)


def test_samples_are_given_as_text_list_or_mapping() -> None:
    game = modified_sde("game-simultaneous", 1, settings={"mu": "1"})
    texts = game.on_losses("f = x*y; g = -x*y; f = x**2; g = y**2")
    lists = game.on_losses({"f": ["x*y", "x**2"], "g": ["-x*y", "y**2"]})
    assert texts.evaluate("x=1,y=3") == lists.evaluate({"x": 1, "y": 3})
    assert texts.samples.to_json() == [{"f": "x*y", "g": "-x*y"}, {"f": "x**2", "g": "y**2"}]
    swapped = game.on_losses({"f": ["x*y", "x**2"], "g": ["y**2", "-x*y"]})
    assert texts.evaluate("x=1,y=3") != swapped.evaluate("x=1,y=3")


# ---------------------------------------------------------------------------------------------- the command


def test_the_page_of_sgd() -> None:
    page = printed("gd", "--order", "2", "--batch", "B")
    for line in (
        "    θ = θ - γ ∇L_ξ(θ)", "        γ   (- 1/2 g[g] + 1/(2 B) g1 g1)", "      + γ^2/(4 B) ∇³L[Σ]", "    D = γ/B Σ",
        "      + γ^2/(2 B) (Σ ∇²L + ∇²L Σ)", "      + γ^2/(2 B) (cov(∇L_ξ, ∇²L_ξ[∇L]) + cov(∇²L_ξ[∇L], ∇L_ξ))",
        "    - γ^2/(6 B^2) K₃", "    K₃ is the third cumulant of ∇L_ξ, a symmetric tensor",
    ):  # fmt: skip
        assert line in page.splitlines(), line


def test_the_page_of_langevin_dynamics() -> None:
    """Potential L + gamma (|grad L|^2/4 - Laplacian L/2), diffusion matrix 2 (1 + gamma H)."""
    page = printed("--update", LANGEVIN).splitlines()
    lines = ("θ = θ - γ ∇L(θ) + √(2 γ) Z", "  - γ/2 ∇²L[∇L]", "  + γ/2 ∇ΔL", "D = 2 I", "  + 2 γ ∇²L")
    assert {f"    {line}" for line in lines} <= {*page}


def test_one_sample_in_two_gradients_has_a_drift_of_its_own() -> None:
    page = printed("--update", AHEAD)
    assert "      + γ cov(∇²L_ξ, ∇L_ξ)" in page.splitlines()
    assert "cov(" not in printed("--update", AHEAD.replace("sgrad(y)", "sgrad(y, 2)")).split("where")[0]


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("order", ["1", "3"])
def test_lines_are_bounded(plain: bool, order: str) -> None:
    for arguments in (("gd",), ("momentum", "--regime", "inertial"), ("game-simultaneous",), ("--update", LANGEVIN)):
        page = printed(*arguments, "--order", order, *(["--ascii"] if plain else []))
        assert max(map(len, page.splitlines())) <= 100
        assert page.isascii() or not plain


def test_a_note_says_how_a_text_without_noise_is_read() -> None:
    assert "read as sgrad" in call("gd").stderr
    assert call("--update", LANGEVIN).stderr == ""
    assert call("--update", "theta = theta - gamma*theta").stderr == ""


def test_json_has_values_by_power_and_index() -> None:
    losses = ("--losses", "x**2/2; x**2/2 + x", "--weights", "1/3,2/3", "--at", "x=1/2")
    data = json.loads(printed("gd", *losses, "--format", "json"))
    assert data["values"] == [{"x": "-7/6"}, {"x": "-7/12", "xx": "1/9"}]
    assert (data["names"], data["weights"], data["at"]) == (["x"], ["1/3", "2/3"], {"x": "1/2"})
    assert data["generator"][1]["terms"][1] == {"coefficient": "1/2", "forest": "g1 g1"}
    assert (data["no_sde_from"], data["time"]) == (None, "n gamma")
    assert [f"{t['coefficient']} {t['forest']}" for t in data["diffusion"][1]["terms"]] == ["1 g1 g1"]


def test_names_longer_than_a_letter_are_set_apart() -> None:
    arguments = ("momentum", "--regime", "inertial", "--set", "lam=1", "--losses", "x**2; x*y", "--at", "x=1,y=3,eta_x=5,eta_y=4")
    values = json.loads(printed(*arguments, "--format", "json"))["values"]
    assert set(values[1]) == {"x", "y", "eta_x", "eta_y", "eta_x eta_x", "eta_x eta_y", "eta_y eta_y"}
    assert "∂_eta_x ∂_eta_y" in printed(*arguments)
    assert r"\partial_{\eta_{x}}" in printed(*arguments, "--format", "latex")


@pytest.mark.parametrize("option", ["--weights", "--at", "--variables"])
def test_options_of_losses_want_losses(option: str) -> None:
    result = call("gd", option, "x=1")
    assert (result.exit_code, "goes with --losses" in result.output) == (2, True)


def test_bad_input_is_one_line() -> None:
    assert "--set m=8" in refused("gd", "--sampling", "reshuffled", "--batch", "2")
    assert "hess(...) of a sample is not read" in refused("gradient-penalty")
    valued = ("--update", "x = x - gamma*f(x, y)*grad(f, x); y = y - gamma*grad(f, y)", "--function", "f = loss(x, y)")
    assert "f(...) of a sample is not read" in refused(*valued)
    squared = "g = sgrad(theta); theta = theta - gamma*grad(theta)*grad(g*g)"
    assert "tends to no variable as gamma -> 0" in refused("--update", squared)
    assert "has no limit as gamma -> 0" in refused("--update", "v = v/2 + sgrad(theta)/gamma; theta = theta - gamma*v*v")
    assert "loss(...) of a sample is not read" in refused("polyak-step")
    assert "sign of zero" in refused("sign-descent", "--losses", "x**2; x**4", "--at", "x=0")
    assert "1/0" not in refused("momentum", "--set", "beta=1", "--losses", "x")


def test_the_reader_has_letters_of_his_own() -> None:
    page = printed("gd", "--letters", "gamma=h,theta=x,L=f")
    assert "      - h/2 ∇²f[∇f]" in page.splitlines()
    assert "rename b as well" in refused("momentum", "--letters", "beta=b")
    assert "    a = - 1/(1-b) ∇L" in printed("momentum", "--letters", "beta=b,b=a").splitlines()
    assert "∂_w: -5/2" in printed("gd", "--losses", "x**2; x**3", "--at", "x=1", "--letters", "x=w")


# ---------------------------------------------------------------------------------------------- schemes that draw at random

NOISE = sorted({*catalogue()} - {*catalogue(noise=False)})
READINGS = (
    ("modified-eq",), ("modified-loss",), ("second-order",), ("accuracy", "--target", "theta' + grad"), ("stability",),
    ("energy",), ("modifying",), ("explain",),
)  # fmt: skip


@pytest.mark.parametrize("name", NOISE)
def test_readings_of_full_gradients_refuse_what_draws_at_random(name: str) -> None:
    calls = [(program, (command[0], name, *command[1:])) for program, command in ((main, c) for c in READINGS)]
    calls += [(main, ("compare", "gd", name)), (main, ("compare", name, "gd")), (verify, ("scheme", name))]
    for program, arguments in calls:
        result = CliRunner().invoke(program, arguments)
        assert isinstance(result.exception, DeriveError), (arguments, result.output)
        assert "draws at random" in str(result.exception), arguments
        assert result.stdout == ""


@pytest.mark.parametrize("name", NOISE)
def test_their_own_equations_are_printed_in_every_format(name: str) -> None:
    assert printed(name, "--order", "2", "--format", "latex").count("align*") >= 2
    assert json.loads(printed(name, "--format", "json"))["scheme"] == name
    assert name in CliRunner().invoke(main, ["schemes"]).stdout


def test_the_symmetric_splitting_has_no_correction_at_gamma() -> None:
    splitting = modified_sde("langevin-baoab", 2)
    assert (len(splitting[0]), len(splitting[1]), len(splitting[2])) == (4, 0, 9)
    assert "negative directions" in printed("langevin-baoab", "--order", "2")
