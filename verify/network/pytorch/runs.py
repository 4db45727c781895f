"""One optimizer of torch.optim in one regime on one module: iterates, and flows by scipy's method of order 8."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from functools import cached_property
from typing import Any

import numpy as np
import torch
from scipy.integrate import DOP853, solve_ivp

from derive import ModifiedEquation, modified_equation
from derive.errors import UsageError
from verify.network.pytorch.module import TorchModel
from verify.network.pytorch.rows import READ
from verify.network.rows import FAR, Numbers, Optimizer, Tree, carried_units, scheme_parameters
from verify.network.starts import MANIFOLD, Start, layer_of

Array = Any
Memory = Mapping[str, Tree]
MOST_A_STEP = 30  # of a flow along many steps of the optimizer
PICTURED = 1e-8  # tolerance of flows in pictures and along runs
MOST = 1500  # evaluations of a field along one flow; a smooth one takes a few hundred


class RoughField(Exception):
    """The field has so many kinks, or is so stiff, that a flow of this accuracy takes too many evaluations."""


class Runs:
    """`gamma` is the step in the regime's own unit of time, `free` the parameters that the regime leaves free.

    `start` as in `verify.network.starts`; the state of a checkpoint is by entry and name of a parameter, see `checkpoint`.
    """

    def __init__(self, row: Optimizer, regime: str, order: int, model: TorchModel, start: Start = MANIFOLD) -> None:
        self.row, self.model, self.order, self.begin = row, model, order, start
        own = row.regimes.get(regime)
        named = regime if regime and own is None else None
        self.equation: ModifiedEquation = modified_equation(row.scheme, max(order, 1), regime=named, settings=own)
        self.loss = model.function()
        self.function = self.equation.function(self.loss, backend="torch")
        self.slow = tuple(x for x in self.equation.equations if x != "theta")
        self.rates = row.slow_rates[regime]
        found = layer_of(row, regime, order) if start.rest else None
        self.layer = found.function(self.loss, backend="torch") if found and start.layer else None

    def settings(self, chosen: Numbers) -> tuple[float, dict[str, float]]:
        """(gamma, free) of a setting in the library's own words."""
        found = {**chosen, **self.rates(chosen)}
        return float(found["gamma"]), {n: float(found[n]) for n in self.equation.configuration.free}

    def values(self, gamma: float, free: Numbers) -> dict[str, Any]:
        return {"alpha": gamma, **scheme_parameters(self.equation.configuration, {**free, "gamma": gamma})}

    def units(self, gamma: float, free: Numbers) -> dict[str, float]:
        return carried_units(self.equation.configuration, {**free, "gamma": gamma})

    # ------------------------------------------------------------------ where things start

    def start(self, gamma: float, free: Numbers) -> dict[str, Tree]:
        """theta and the slow variables; of a checkpoint, its memory in the regime's units at the step gamma."""
        params = self.model.params
        if self.begin.rest:
            return {"theta": params, **{x: {n: torch.zeros_like(v) for n, v in params.items()} for x in self.slow}}
        if self.begin.state is None:
            g = torch.func.grad(self.loss)(params)
            found = {x: {n: self.row.averages.get(x, torch.zeros_like)(v) for n, v in g.items()} for x in self.slow}
            return {"theta": params, **found}
        return {"theta": params, **self._carried(self.begin.memory(self.values(gamma, free)), gamma, free)}

    def _carried(self, memory: Memory, gamma: float, free: Numbers) -> dict[str, Tree]:
        """Memory in the scheme's units -> the slow variables besides theta."""
        units, symbol = self.units(gamma, free), self.equation.configuration.symbol
        inside = {symbol(v): {n: x / units.get(v, 1.0) for n, x in tree.items()} for v, tree in memory.items()}
        return {x: inside[x] for x in self.slow}

    def memory(self, start: Mapping[str, Tree], gamma: float, free: Numbers) -> dict[str, Tree]:
        """All memory of the scheme in its own units; fast memory through gamma^order, or that of the checkpoint."""
        c, units = self.equation.configuration, self.units(gamma, free)
        if self.begin.rest:
            return {v: {n: torch.zeros_like(x) for n, x in start["theta"].items()} for v in c.scheme.states if v != "theta"}
        slow = {x: start[x] for x in self.slow}
        fast = self.function.memory(start["theta"], free, slow)
        found = {v: _series(parts[: self.order + 1], gamma) for v, parts in fast.items()} | slow
        memory = {v: {n: units.get(v, 1.0) * x for n, x in found[c.symbol(v)].items()} for v in c.scheme.states if v != "theta"}
        if self.begin.state is not None:
            own = self.begin.memory(self.values(gamma, free))
            memory |= {v: tree for v, tree in own.items() if c.symbol(v) not in self.slow}
        return memory

    # ------------------------------------------------------------------ what is measured

    def ratio(self, gamma: float, free: Numbers) -> float:
        """|gamma f_1|/|f_0| of theta, the larger one of the start and of one step from there along f_0.

        Where theta stands still at the start, of the other slow variables: see `verify.network.runs.Runs.ratio`.
        """
        y = self.start(gamma, free)
        first = self._parts(y, free)
        moved = {x: {n: v + gamma * first[x][0][n] for n, v in tree.items()} for x, tree in y.items()}
        stands = _stands(first)
        return float(np.nanmax([gamma * _ratio(parts, stands) for parts in (first, self._parts(moved, free))]))

    def _parts(self, y: Mapping[str, Tree], free: Numbers) -> dict[str, list[Tree]]:
        """[f_0, f_1, ...] of every slow variable."""
        found: dict[str, list[Tree]] = self.function(y["theta"], free, {x: y[x] for x in self.slow})
        return found

    def iterates(self, gamma: float, free: Numbers, steps: int, start: Mapping[str, Tree]) -> tuple[Array, int]:
        """(theta after so many steps of the library's optimizer, negative averages of squares at its start)."""
        memory = self.memory(start, gamma, free)
        squares = [memory[v] for v, f in self.row.averages.items() if f is torch.square and v in memory]
        negative = sum(int((x < 0).sum()) for tree in squares for x in tree.values())
        *_, (end, _) = self.trajectory(gamma, free, steps, 1, start)
        return end, negative

    def trajectory(self, gamma: float, free: Numbers, stride: int, count: int, start: Memory) -> Iterator[tuple[Array, Memory]]:
        """(theta, the slow memory) at the steps 0, stride, ..., count*stride of the library's optimizer."""
        module, values = deepcopy(self.model.module), self.values(gamma, free)
        optimizer = self.optimizer(module, self.memory(start, gamma, free), values)
        yield flat(dict(module.named_parameters())), {x: start[x] for x in self.slow}
        for _ in range(count):
            for _ in range(stride):
                optimizer.zero_grad()
                self.model.loss(module).backward()
                optimizer.step()
            yield flat(dict(module.named_parameters())), self._read(module, optimizer, values, gamma, free)

    def _read(
        self, module: torch.nn.Module, optimizer: torch.optim.Optimizer, values: Numbers, gamma: float, free: Numbers
    ) -> Memory:
        """The slow memory in the state of torch's optimizer."""
        if not self.slow:
            return {}
        entries, read = READ[self.row.name]
        state = {e: {n: optimizer.state[p][e].clone() for n, p in module.named_parameters()} for e in entries}
        return self._carried(read(state, values), gamma, free)

    def optimizer(self, module: torch.nn.Module, memory: Mapping[str, Tree], values: Numbers) -> torch.optim.Optimizer:
        """torch's own, on the module, with the scheme's memory in its state."""
        made: torch.optim.Optimizer = self.row.make(list(module.parameters()), values)
        entries = self.row.place(memory, values)
        for name, p in module.named_parameters():
            state = {entry: tree[name].clone() for entry, tree in entries.items()}
            if entries:
                made.state[p] = {"step": torch.tensor(float(FAR)), **state}
        return made

    def flow(
        self, gamma: float, free: Numbers, time: float, order: int, start: Memory, tolerance: float, pieces: int = 1
    ) -> Array:
        """theta(time) along f_0 + ... + gamma^order f_order; nan where the flow leaves the numbers.

        Of an initial layer with what is left of it after the steps.  Raises RoughField where the method makes no way.
        """
        params, others, left = start["theta"], {x: start[x] for x in self.slow}, 0.0
        if self.layer is not None:
            left = flat(self.layer.transient(round(time / gamma), params, gamma, free, others, order)["theta"])
            start = self.layer.start(params, gamma, free, others, order)
        y0, field = self._field(gamma, free, order, start, MOST)
        with np.errstate(all="ignore"):
            found = solve_ivp(
                field, (0.0, time), y0, "DOP853", rtol=tolerance, atol=tolerance * self._scale, max_step=time / pieces
            )
        end = found.y[:, -1] if found.success else np.full_like(y0, np.nan)
        return end[: self.model.size] + left

    def flow_points(self, gamma: float, free: Numbers, stride: float, count: int, order: int, start: Memory) -> Array:
        """theta along the flow at the times 0, stride*gamma, ..., a row each; nan from where it cannot be followed."""
        times = stride * gamma * np.arange(count + 1)
        if self.layer is not None:
            start = self.layer.start(start["theta"], gamma, free, {x: start[x] for x in self.slow}, order)
        y, field = self._field(gamma, free, order, start, max(MOST, int(MOST_A_STEP * stride * count)))
        rows = np.full((len(times), self.model.size), np.nan)
        rows[0], known = y[: self.model.size], 1
        with np.errstate(all="ignore"):
            solver = DOP853(field, 0.0, y, times[-1], rtol=PICTURED, atol=PICTURED * self._scale)
            try:
                while solver.status == "running":
                    solver.step()
                    between = solver.dense_output()
                    while known < len(times) and times[known] <= solver.t:
                        rows[known] = between(times[known])[: self.model.size]
                        known += 1
            except RoughField:  # what is known of it stands
                pass
        return rows

    def _field(self, gamma: float, free: Numbers, order: int, start: Memory, most: int) -> tuple[Array, Callable[..., Array]]:
        """(the start, f_0 + ... + gamma^order f_order) on one array; it raises RoughField after `most` evaluations."""
        evaluations = itertools.count()

        def field(_: float, y: Array) -> Array:
            if next(evaluations) == most:
                raise RoughField
            at = self._trees(y, start)
            found = self.function.truncated(at["theta"], gamma, free, {x: at[x] for x in self.slow}, order)
            return np.concatenate([flat(found[x]) for x in start])

        return np.concatenate([flat(tree) for tree in start.values()]), field

    # ------------------------------------------------------------------ along a run

    def ratio_at(self, theta: Array, slow: Memory, gamma: float, free: Numbers) -> float:
        """|gamma f_1|/|f_0| at a point."""
        parts = self._parts({"theta": self.tree(theta), **slow}, free)
        return gamma * _ratio(parts, _stands(parts))

    def gradient(self, x: Array) -> Array:
        return flat(torch.func.grad(self.loss)(self.tree(x)))

    def hessian_product(self, x: Array, v: Array) -> Array:
        """H(x) v."""
        return flat(torch.func.jvp(torch.func.grad(self.loss), (self.tree(x),), (self.tree(v),))[1])

    def tree(self, x: Array) -> Tree:
        """The parameters in an array."""
        return self._trees(x, {"theta": self.model.params})["theta"]

    @cached_property
    def _scale(self) -> float:
        """Of a parameter: root mean square at the start."""
        return float(np.sqrt(np.mean(flat(self.model.params) ** 2))) or 1.0

    def _trees(self, y: Array, like: Mapping[str, Tree]) -> dict[str, Tree]:
        found: dict[str, Tree] = {}
        at = 0
        for x, tree in like.items():
            found[x] = {}
            for name, v in tree.items():
                found[x][name] = torch.as_tensor(y[at : at + v.numel()], dtype=v.dtype, device=v.device).reshape(v.shape)
                at += v.numel()
        return found


def checkpoint(optimizer: str, model: TorchModel, saved: Any) -> Start:
    """A start from an optimizer's state_dict, the module standing at the checkpoint.

    Bias corrections, which have ended after many steps, are left out.  Raises UsageError where the state is not that of this
    optimizer on this module.
    """
    names = [(n, p.shape) for n, p in model.module.named_parameters()]
    states = saved.get("state") if isinstance(saved, Mapping) else None
    if not isinstance(states, Mapping) or (states and set(states) != set(range(len(names)))):
        raise UsageError(f"the state_dict of an optimizer has a state for each of the {len(names)} parameters of {model.name}")
    found: dict[str, Tree] = {}
    for i, (name, shape) in enumerate(names):
        for entry, value in states.get(i, {}).items():
            if entry == "step" or not isinstance(value, torch.Tensor):
                continue
            if value.shape != shape:
                raise UsageError(f"state_dict: {entry} of {name} has the shape {tuple(value.shape)}, not {tuple(shape)}")
            found.setdefault(entry, {})[name] = value
    entries, read = READ[optimizer]
    if missing := [e for e in entries if len(found.get(e, {})) != len(names)]:
        raise UsageError(f"state_dict: {optimizer} has {missing[0]} for every parameter, and this state has not")
    return Start(state=found, read=read)


def flat(tree: Tree) -> Array:
    return np.concatenate([x.detach().cpu().double().reshape(-1).numpy() for x in tree.values()])


def _series(parts: Any, gamma: float) -> Tree:
    return {n: sum(gamma**k * p[n] for k, p in enumerate(parts)) for n in parts[0]}


def _stands(parts: Mapping[str, list[Tree]]) -> bool:
    """Whether f_0 of theta is zero."""
    return not np.any(flat(parts["theta"][0]))


def _ratio(parts: Mapping[str, list[Tree]], stands: bool) -> float:
    """|f_1|/|f_0| of theta; where theta `stands` still, the largest of the other slow variables that move.

    No number where f_1 of theta is none: a field that is singular there.
    """
    if not np.isfinite(flat(parts["theta"][1])).all():
        return float("nan")
    names = [x for x in parts if x != "theta"] if stands else ["theta"]
    sizes = [[float(np.linalg.norm(flat(part))) for part in parts[x][:2]] for x in names]
    return max((first / zeroth for zeroth, first in sizes if zeroth > 0), default=float("inf"))
