"""Other names of the schemes: each leads to one scheme, in any spelling, and says what it was taken to mean."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

from derive import catalogue, load_scheme
from derive.commands.main import main
from derive.errors import DeriveError, SchemeError, UsageError
from derive.scheme import scheme_from_toml, spellings
from derive.scheme.aliases import spelling

SCHEMES = {name: load_scheme(name) for name in catalogue()}
ALIASES = [(alias, name) for name, scheme in SCHEMES.items() for alias in scheme.aliases]


def call(*words: str) -> str:
    result = CliRunner().invoke(main, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_no_name_means_two_schemes() -> None:
    seen: dict[str, str] = {}
    for name in (*catalogue(), *(a for a, _ in ALIASES)):
        assert seen.setdefault(spelling(name), name) is name, (name, seen[spelling(name)])


@pytest.mark.parametrize("alias, name", ALIASES)
def test_every_alias_leads_to_its_scheme(alias: str, name: str) -> None:
    for written in (alias, alias.upper(), alias.replace("-", "_"), alias.replace("-", "")):
        found = load_scheme(written)
        assert (found.name, found.statements) == (name, SCHEMES[name].statements)
        remark = SCHEMES[name].aliases[alias]
        assert found.title == SCHEMES[name].title + (f": {alias} {remark}" if remark else "")


def test_the_names_of_the_first_hour() -> None:
    """What each is: torch's documentation, keras 3.15.1 and optax 0.2.8."""
    means = {
        "sgd": "gd", "SGD": "gd", "euler": "gd", "heavy-ball": "momentum", "polyak": "momentum", "nag": "nesterov",
        "AdamW": "adamw", "RMSProp": "rmsprop", "Adagrad": "adagrad", "Adam": "adam", "sgd_nesterov": "nesterov-keras",
        "torch.optim.SGD": "gd", "torch.optim.Adam": "adam-bias-corrected", "torch.optim.AdamW": "adamw-bias-corrected",
        "torch.optim.RMSprop": "rmsprop-outside", "optax.rmsprop": "rmsprop", "keras.optimizers.RMSprop": "rmsprop",
    }  # fmt: skip
    assert {n: load_scheme(n).name for n in means} == means


def test_a_library_whose_update_is_another_has_a_scheme_of_its_own() -> None:
    """Keras' Adam adds eps before the bias correction, optax's lion takes the sign itself; torch's Adagrad has eps outside."""
    assert load_scheme("keras.optimizers.Adam").name == "adam-eps-hat"
    assert load_scheme("optax.lion").name == "lion-sign"
    for name in ("adamax-v", "adadelta-w"):
        with pytest.raises(UsageError, match="unknown scheme"):
            load_scheme(name)


def test_a_mistake_is_told_the_alias() -> None:
    with pytest.raises(UsageError, match="did you mean 'heavy-ball'"):
        load_scheme("heavy-bal")


def test_a_file_given_by_its_path_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sgd.toml").write_text('title = "Mine"\nupdate = "theta = theta - 2*gamma*grad(theta)"\n')
    assert load_scheme("sgd.toml").title == load_scheme("./sgd.toml").title == "Mine"
    assert load_scheme("sgd").name == "gd"


def test_the_catalogue_shows_them() -> None:
    listed = {line.split()[0]: line for line in call("schemes").splitlines()}
    for alias, name in ALIASES:
        assert alias in listed[name]
    shown = call("schemes", "polyak")
    assert shown.startswith("Heavy-ball momentum\n")
    assert "also called heavy-ball, polyak" in shown
    assert "sgd (without momentum)" in " ".join(call("schemes", "gd").split())
    data = {s["name"]: s["aliases"] for s in json.loads(call("schemes", "--format", "json"))}
    assert data == {name: list(scheme.aliases) for name, scheme in SCHEMES.items()}


def test_commands_take_them_and_say_what_was_chosen() -> None:
    assert call("modified-eq", "Heavy_Ball") == call("modified-eq", "--scheme", "momentum")
    assert "without momentum" in call("modified-eq", "torch.optim.sgd").splitlines()[0]
    assert "same" in call("compare", "euler", "SGD")


def test_a_plain_name_reads_one_file() -> None:
    code = (
        "import sys\nread = []\n"
        "sys.addaudithook(lambda event, args: read.append(str(args[0])) if event == 'open' else None)\n"
        "from derive import load_scheme\nload_scheme({!r})\nprint(sum(r.endswith('.toml') for r in read))"
    )
    counts = [
        int(subprocess.run([sys.executable, "-c", code.format(n)], capture_output=True, text=True, check=True).stdout)
        for n in ("momentum", "Momentum", "polyak")
    ]
    assert counts == [1, 1, len(catalogue()) + 1]


@pytest.mark.parametrize("text", ['"sgd"', "[1]", '["a b"]', '["a ()"]', '[["a"]]', "{a = 1}"])
def test_what_is_no_list_of_names_is_refused(text: str) -> None:
    with pytest.raises(SchemeError, match="alias"):
        scheme_from_toml(f'aliases = {text}\nupdate = "theta = theta - gamma*grad(theta)"')


def test_the_lists_are_read_as_toml_reads_them() -> None:
    """The table is made from the lists alone; it must be what the whole files say."""
    table = import_module("derive.scheme.aliases").alias_table(import_module("derive.scheme.catalogue")._FOLDER)
    whole = {spelling(a): (name, a, scheme.aliases[a]) for name, scheme in SCHEMES.items() for a in scheme.aliases}
    assert dict(table) == whole
    assert set(spellings()) == {*catalogue(), *(a for a, _ in ALIASES)}
    assert issubclass(SchemeError, DeriveError)
