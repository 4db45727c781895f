"""The surfaces: everything that `derive` and `verify` read, each with a function that draws a command line for it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from fuzzing.children import Case
from fuzzing.texts import PARAMETERS, ROOT, VARIABLES, Texts, argument

Drawn = tuple[Sequence[str], dict[str, str | bytes], Sequence[str]]  # arguments, files, outputs
SCHEMES = ("gd", "momentum", "rmsprop", "adam", "nesterov", "heun", "gd-schedule", "sgdw", "momentum-schedule", "sign-descent")
RESCALED = ("gamma*eta", "eta/gamma", "t*eta", "beta*gamma**2*w", "theta*eta", "gamma*eta")
DIGITS = ("1", "15", "30", "0", "10001")
SIZES = ("1", "2", "3", "4", "5", "-1", "0", "60", "9" * 30)
OPTIONS = ("--scheme", "gd", "--order", "1", "--loss", "x**2", "--at", "x=1", "--digits", "9", "--set", "a=1")
REGIMES = ("memory", "inertial", "leapfrog", "strongly-convex", "memory", "no-such")
SCHEDULES = ("decay(5, 1/10)", "warmup-decay(5, 20, 1/10)", "periodic(5, 10, 15, 1/10)", "warmup-periodic(1, 2, 3, 4, 1/10)")
READINGS = ("modified-loss", "second-order", "stability", "energy", "modifying", "initial-layer")
TARGETS = ("theta' + grad", "theta'' + lam*theta' + grad", "theta' = -grad - gamma/2*hess(grad)", "theta'' + 3/t*theta' + grad")
TABLEAU = '{"A": [[0, 0], ["1/2", 0]], "b": [0, 1], "c": [0, "1/2"]}'


@cache
def updates() -> tuple[str, ...]:
    """The update texts of the catalogue."""
    return tuple(tomllib.loads(p.read_text("utf-8"))["update"] for p in sorted((ROOT / "derive" / "schemes").glob("*.toml")))


@cache
def files_of(folder: str, pattern: str = "*.toml") -> tuple[str, ...]:
    return tuple(p.read_text("utf-8") for p in sorted((ROOT / folder).glob(pattern)))


@cache
def claims() -> tuple[str, ...]:
    """Every claim that comes with the package, one a file."""
    texts = [*files_of("verify/claims/seeds"), *files_of("verify/claims/literature"), *files_of("examples/claims")]
    parts = [f"[[claim]]{part}" for text in texts for part in text.split("[[claim]]")[1:]]
    return tuple(p for p in parts if "tests" not in p)


@cache
def certificates() -> tuple[str, ...]:
    """Certificates of three schemes."""
    from derive import modified_equation
    from verify.certificate.writing import certificate, certificate_text

    found = []
    for name, order in (("gd", 1), ("momentum", 1), ("rmsprop", 0)):
        equation = modified_equation(name, order)
        data = equation.to_json()
        found.append(certificate_text(certificate(equation.configuration, data["equations"], data["memory"])))
    return tuple(found)


# ---------------------------------------------------------------------------------------------- parts of command lines


def _update(t: Texts, label: str = "grad") -> str:
    return t.near(t.update(label) if t.often(80) else t.of(updates()))


def _noisy(t: Texts) -> str:
    """An update text that draws samples, and sometimes normal noise."""
    text = _update(t)
    for _ in range(text.count("grad(theta)")):
        text = text.replace("grad(theta)", t.of(("sgrad(theta )", "sgrad(theta, 2)", "grad( theta)", "sgrad(theta, 0)")), 1)
    return text + t.of((" + sqrt(gamma)*normal()", " + normal()", " + sqrt(2*gamma*beta)*normal()")) * t.often(30)


def _scheme(t: Texts) -> list[str]:
    return ["--update", _update(t)] if t.often(60) else ["--scheme", t.of(SCHEMES)]


def _settings(t: Texts, percent: int = 25) -> list[str]:
    found = []
    while t.often(percent):
        found += ["--set", f"{t.of(PARAMETERS)}={t.near(t.parameter())}"]
    return found


def _order(t: Texts, most: int = 2) -> list[str]:
    if t.often(1):
        return ["--order", t.of(("-1", "9" * 401, "1e3", "1000000", "", "40", "0x1", "٣"))]
    return ["--order", str(t.r.randrange(most + 1))]


def _regime(t: Texts) -> list[str]:
    return ["--regime", t.of(REGIMES)] if t.often(10) else []


def _format(t: Texts, kinds: Sequence[str] = ("text", "latex", "json")) -> list[str]:
    return ["--format", t.of(kinds)] if t.often(40) else []


def _quoted(text: str) -> str:
    """The text as TOML and JSON write it."""
    return json.dumps(text.encode("utf-8", "ignore").decode(), ensure_ascii=not text.isprintable())


def scheme_file(t: Texts) -> str:
    """The text of a scheme file."""
    parts = [f"name = {_quoted(t.near('mine') if t.often(10) else 'mine')}", f"update = {_quoted(_update(t))}"]
    if t.often(50):
        parts.append(f"title = {_quoted(t.near('A title'))}")
    parts.append("[parameters]")
    for name in PARAMETERS:
        if t.often(60):
            parts.append(f"{name} = {_quoted(t.near(f'what it is, 0 <= {name} < 1'))}")
    if t.often(25):
        parts += ["[initial]", f"v = {_quoted(t.near(t.parameter()))}"]
    if t.often(30):
        parts += ["[regimes.a]", f"{t.of(PARAMETERS)} = {_quoted(t.near(t.parameter()))}"]
        parts += [f"v = {_quoted(t.near(t.of(RESCALED)))}"] * t.often(40)
    text = "\n".join(parts)
    return t.mutated(text) if t.often(10) else text


# ---------------------------------------------------------------------------------------------- surfaces


def update(t: Texts) -> Drawn:
    text = _update(t)
    most = 2 if len(text) < 100 else 1  # what is long has thousands of terms there
    command = ["derive", "modified-eq", "--update", text, *_order(t, most), *_settings(t), *_format(t)]
    command += ["--form", "map"] * t.often(15) + ["--show-memory"] * t.often(15)
    command += ["--parameter", t.of(("k", "v", "theta", "", "β", "a b", "L"))] * t.often(5)
    return command, {}, ()


def noise(t: Texts) -> Drawn:
    command = ["derive", "modified-sde", "--update", _noisy(t), *_order(t, 1), *_settings(t, 10), *_format(t)]
    command += ["--batch", t.of(("B", "8", "0", "", "gamma", "1e3", "beta", "-1"))] * t.often(20)
    command += ["--sampling", t.of(("iid", "reshuffled", "epochs"))] * t.often(20)
    command += ["--batch-order", t.of(("0", "1", "4", ""))] * t.often(15)
    if t.often(30):
        command += ["--losses", "; ".join(t.loss() for _ in range(t.r.randrange(1, 4))), "--at", t.near("x=1/2,y=1/3")]
    return command, {}, ()


def laws(t: Texts) -> Drawn:
    name = t.of(("stationary-law", "initial-layer", "compare-laws"))
    return ["derive", name, *(["sgd", "momentum"] if name == "compare-laws" else ["--update", _noisy(t)]), *_order(t, 1)], {}, ()


def generator_claim(t: Texts) -> Drawn:
    forests = ("g", "g[g]", "g1 g1", "g1 g1[g]", "n1 n1", "g[theta]", "eta:g", "u#1 u#1", "g1[g2] g2[g1]", "g[", "x.y#1")
    terms = [{"coefficient": t.near(t.parameter()), "forest": t.near(t.of(forests))} for _ in range(t.r.randrange(4))]
    claim = t.near(json.dumps({"generator": [{"power": k, "terms": terms} for k in range(t.r.randrange(3))]}))
    return ["verify", "sde", "--update", _noisy(t), "--claim", "claim.json"], {"claim.json": claim}, ()


def schemes(t: Texts) -> Drawn:
    return ["derive", "schemes", "case.toml", *_format(t, ("text", "json"))], {"case.toml": scheme_file(t)}, ()


def scheme(t: Texts) -> Drawn:
    command = ["derive", "modified-eq", "--scheme", "case.toml", *_order(t, 1), *_regime(t), *_settings(t, 10)]
    return command, {"case.toml": scheme_file(t)}, ()


def setting(t: Texts) -> Drawn:
    command = ["derive", "modified-eq", "--scheme", t.of(SCHEMES), *_order(t, 1), *_regime(t), *_settings(t, 70), *_format(t)]
    return command, {}, ()


def schedule(t: Texts) -> Drawn:
    leaf = lambda: t.number() if t.often(50) else "t"
    text = t.of(SCHEDULES) if t.often(40) else t.expression(2, leaf, (("exp", 1), ("sqrt", 1)))
    command = ["derive", "modified-eq", "--scheme", t.of(("gd-schedule", "momentum-schedule")), *_order(t, 1)]
    command += ["--set", f"r(t)={t.near(text)}", "--set", "beta=9/10"]
    return command + ["--loss", "x**2/2", "--at", f"x=1,t={t.constant()}"] * t.often(60), {}, ()


def loss(t: Texts) -> Drawn:
    command = ["derive", "modified-eq", "--scheme", t.of(("gd", "gd", "momentum", "rmsprop")), *_order(t, 1)]
    command += ["--loss", t.near(t.loss())]
    if t.often(85):
        command += ["--at", t.near(t.point()), *["--digits", t.of(DIGITS)] * t.often(20)]
    return [*command, *_format(t), *["--set", "beta=1/2", "--set", "rho=1/3", "--set", "eps=1/9"] * t.often(50)], {}, ()


def field(t: Texts) -> Drawn:
    used = VARIABLES[: t.r.randrange(1, 4)]
    text = t.near("; ".join(t.loss(used) for _ in used))
    command = ["derive", "modified-eq", "--update", _update(t, "field"), *_order(t, 1), "--field", text]
    return command + ["--at", t.near(",".join(f"{x}={t.constant()}" for x in used))] * t.often(80), {}, ()


def reading(t: Texts) -> Drawn:
    name = t.of(READINGS)
    command = ["derive", name, *_scheme(t), *_regime(t), *_settings(t, 15), *_format(t)]
    if name == "energy":
        command += ["--damping", t.of(("lam", "beta", "mu", "no", ""))] * t.often(30)
    if name != "stability":
        command += _order(t, 1)
    if name not in ("stability", "modified-loss") and t.often(15):
        command += ["--loss", t.near(t.loss()), "--at", t.near(t.point((*VARIABLES, "p_x", "eta_x")))]
    return command, {}, ()


def accuracy(t: Texts) -> Drawn:
    left = t.formula(("theta'", "theta''", "grad", "theta", "gamma", "t"))
    target = t.near(t.of(TARGETS) if t.often(40) else f"{t.of(('theta', 'theta', 'lam*theta'))}' + {left}")
    return ["derive", "accuracy", *_scheme(t), "--target", target, *_order(t, 1), *_regime(t), *_format(t)], {}, ()


def explain(t: Texts) -> Drawn:
    if t.often(50):
        return ["derive", "explain", "case.toml", *_format(t)], {"case.toml": scheme_file(t)}, ()
    command = ["derive", "compare", "case.toml", t.of(SCHEMES), *_order(t, 1), *_regime(t), *_settings(t, 10), *_format(t)]
    return command, {"case.toml": scheme_file(t)}, ()


def trees(t: Texts) -> Drawn:
    command = ["derive", "trees", *_scheme(t), *_settings(t, 20), "--order", t.of(SIZES)]
    return [*command, *_tree_options(t)], {}, ("out",)


def _tree_options(t: Texts) -> list[str]:
    found = ["--kind", t.of(("flow", "map", "integrator", "conditions"))] * t.often(40)
    found += ["--format", t.of(("table", "json", "npz"))] * t.often(25) + ["--output", t.of(("out", "no/out", ""))] * t.often(10)
    found += ["--with", t.of(("density", "bracket,latex", "differential", "divided", "no", ",,"))] * t.often(20)
    return found + ["--memory-limit", t.of(("1G", "0", "1", "-1", "1e9", "9" * 400, "4X", "1.5M", ""))] * t.often(8)


def tableau(t: Texts) -> Drawn:
    size = t.r.randrange(1, 4)
    entry = lambda: t.of(("0", "0", "1", "1/2", "1/3")) if t.often(50) else t.near(t.parameter(("alpha", "beta"), 1))
    data: dict[str, Any] = {"A": [[entry() for _ in range(size)] for _ in range(size)], "b": [entry() for _ in range(size)]}
    text = json.dumps(data) if t.often(70) else TABLEAU
    if t.often(20):
        text = t.mutated(text)
    name = "case.json"
    if t.often(40):
        name, text = "case.toml", "\n".join(f"{k} = {json.dumps(v)}" for k, v in data.items())
        text += f"\n[[colour]]\nA = [[1]]\nb = [{t.number()}]" * t.often(10)
    command = ["derive", "trees", "--tableau", name, "--order", t.of(("1", "2", "3", "4")), *_tree_options(t)]
    return [*command, *(["--set", f"alpha={t.near(t.constant())}"] if t.often(20) else [])], {name: text}, ("out",)


def formula(t: Texts) -> Drawn:
    kind = t.of(("theta", "theta", "loss", "v"))
    says = f"{kind}: -grad - gamma*{t.formula()}" if kind == "theta" else f"{kind}: {t.formula(('L', 'grad', 'gamma'))}"
    command = ["verify", "formula", "--scheme", t.of(("gd", "gd", "momentum")), *_order(t, 1), "--says", t.near(says)]
    if t.often(30):
        lines = (f"scheme = {_quoted(t.of(SCHEMES[:2]))}", f"order = {t.of('01')}", f"says = {_quoted(t.near(says))}")
        return ["verify", "formula", "case.toml"], {"case.toml": t.near("\n".join(lines))}, ()
    return [*command, *_settings(t, 10), *_format(t, ("text", "json"))], {}, ()


def certificate(t: Texts) -> Drawn:
    text = t.of(certificates())
    if t.often(70):
        data = json.loads(text)
        key = t.of(tuple(data))
        data[key] = changed(t, data[key])
        text = json.dumps(data)
    return ["verify", "certificate", "case.json"], {"case.json": t.near(text) if t.often(30) else text}, ()


def changed(t: Texts, value: Any) -> Any:
    """One leaf of the data changed, as formula or as something else."""
    if isinstance(value, list) and value and t.often(90):
        i = t.r.randrange(len(value))
        return [changed(t, x) if j == i else x for j, x in enumerate(value)]
    if isinstance(value, dict) and value and t.often(90):
        name = t.of(tuple(value))
        return {k: changed(t, x) if k == name else x for k, x in value.items()}
    if isinstance(value, str) and t.often(80):
        return t.mutated(value) if value and t.often(60) else t.formula()
    return t.r.choice((None, 0, -1, 10**400, 1.5, "", [], {}, True, [[[[]]]], "grad", ["1", "grad"]))


def claim(t: Texts) -> Drawn:
    text = t.of(claims())
    return ["verify", "claims", "case.toml", *_format(t, ("text", "json", "latex", "html"))], {"case.toml": t.near(text)}, ()


def verify_scheme(t: Texts) -> Drawn:
    command = ["verify", "scheme", t.of(("gd", "momentum", "case.toml")), "--order", t.of(("0", "1")), "--digits", "15"]
    command += ["--loss", t.near(t.loss())] * t.often(40) + ["-o", "out"] * t.often(20)
    return [*command, *_settings(t, 20), *_format(t, ("text", "json"))], {"case.toml": scheme_file(t)}, ("out",)


def page(t: Texts) -> Drawn:
    if t.often(60):
        return ["derive", "paper", *_scheme(t), *_order(t, 1), *_regime(t), *_settings(t, 10)], {}, ()
    command = ["verify", "report", *_scheme(t), "--order", "0", "--no-certificate", "-o", "out.html"]
    return command + ["--loss", t.near(t.loss(VARIABLES[:2])), "--gamma", t.near(t.constant())] * t.often(50), {}, ("out.html",)


def command_line(t: Texts) -> Drawn:
    """Options and commands themselves."""
    words = [t.near(w) if t.often(15) else w for w in ("modified-eq", *OPTIONS)]
    return [t.of(("derive", "verify")) if t.often(10) else "derive", *words], {}, ()


SURFACES: dict[str, tuple[int, Callable[[Texts], Drawn]]] = {
    "update": (26, update), "schemes": (24, schemes), "scheme": (8, scheme), "set": (8, setting), "schedule": (5, schedule),
    "loss": (5, loss), "field": (4, field), "reading": (6, reading), "accuracy": (4, accuracy), "explain": (1, explain),
    "trees": (3, trees), "tableau": (5, tableau), "formula": (2, formula), "certificate": (3, certificate), "claim": (3, claim),
    "verify-scheme": (1, verify_scheme), "page": (1, page), "command": (4, command_line),
    "noise": (8, noise), "laws": (2, laws), "generator-claim": (2, generator_claim),
}  # fmt: skip


#: what proves, measures or draws
HEAVY = ("claim", "certificate", "formula", "page", "verify-scheme", "generator-claim")


def case(seed: int, surface: str | None = None) -> Case:
    """The case of a seed, on one surface or on one drawn by weight."""
    t = Texts(f"{seed}")
    drawn = t.r.choices(list(SURFACES), [w for w, _ in SURFACES.values()])[0]
    name = surface or drawn
    arguments, files, outputs = SURFACES[name][1](t)
    contents = {n: x if isinstance(x, bytes) else x.encode("utf-8", "surrogatepass") for n, x in files.items()}
    return Case(seed, name, tuple(map(argument, arguments)), contents, tuple(outputs), 6 if name in HEAVY else 1)


