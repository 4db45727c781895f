"""Parameters and the state of an optax optimizer in a file, and as a start.

The file is one of NumPy, `params` and `state` with the path of each leaf in its tree: params[0]['w'], state[0].mu[0]['w'].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from derive.errors import UsageError
from derive.files import replacing
from verify.network.models import Model
from verify.network.optimizers import OPTIMIZERS, READ
from verify.network.rows import Tree, row_of, settings_of
from verify.network.starts import Start


def checkpoint(
    optimizer: str, model: Model, params: Tree, state: Any, hyper: Mapping[str, float] | None = None
) -> tuple[Model, Start]:
    """The model at these parameters, and the start with this state of optax, at the learning rate and hyperparameters `hyper`.

    Bias corrections, which have ended after many steps, are left out.  Raises UsageError for trees that are not those of the
    model and of the optimizer.
    """
    if optimizer not in READ:
        raise UsageError(f"checkpoints are read of {', '.join(READ)}, not of {optimizer}")
    row = row_of(OPTIMIZERS, optimizer)
    setting = settings_of(row, hyper or {})
    like = row.make({**setting, "alpha": setting["gamma"]}).init(model.params)
    _fits("params", params, model.params)
    _fits("state", state, like)
    return replace(model, params=jax.tree.map(jnp.asarray, params)), Start(state=state, read=READ[optimizer], hyper=setting)


def save(path: str | Path, params: Tree, state: Any) -> None:
    """Write a checkpoint; the file appears whole or not at all."""
    arrays = {n: np.asarray(x) for name, tree in (("params", params), ("state", state)) for n, x in _leaves(name, tree).items()}
    with replacing(Path(path)) as temporary, open(temporary, "wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load(path: str | Path, optimizer: str, model: Model, hyper: Mapping[str, float] | None = None) -> tuple[Model, Start]:
    """`checkpoint` of a file.  Raises UsageError where it cannot be read, or is one of another model or optimizer."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {n: file[n] for n in file.files}
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(f"--start {path}: no checkpoint can be read ({error or type(error).__name__})") from None
    row = row_of(OPTIMIZERS, optimizer)
    setting = settings_of(row, hyper or {})
    like = {"params": model.params, "state": row.make({**setting, "alpha": setting["gamma"]}).init(model.params)}
    found = {}
    for name, tree in like.items():
        names = list(_leaves(name, tree))
        if missing := [n for n in names if n not in arrays]:
            raise UsageError(f"--start {path}: {missing[0]} is missing, which {optimizer} on {model.name} has")
        found[name] = jax.tree.unflatten(jax.tree.structure(tree), [jnp.asarray(arrays[n]) for n in names])
    return checkpoint(optimizer, model, found["params"], found["state"], hyper)


def _leaves(name: str, tree: Tree) -> dict[str, Any]:
    return {name + jax.tree_util.keystr(path): x for path, x in jax.tree_util.tree_flatten_with_path(tree)[0]}


def _fits(name: str, tree: Tree, like: Tree) -> None:
    found, wanted = _leaves(name, tree), _leaves(name, like)
    for leaf in (*wanted, *found):
        if leaf not in found or leaf not in wanted:
            raise UsageError(f"{leaf} is {'missing' if leaf in wanted else 'not one'} of the model and the optimizer's {name}")
        if np.shape(found[leaf]) != np.shape(wanted[leaf]):
            raise UsageError(f"{leaf} has the shape {np.shape(found[leaf])}, not {np.shape(wanted[leaf])}")
