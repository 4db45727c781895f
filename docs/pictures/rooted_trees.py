"""The rooted trees with at most four nodes, and what Euler, Heun and the implicit midpoint rule have on each."""

from typing import Any

from _flows import BLUE, GREEN, ORANGE, ink
from matplotlib import pyplot

from derive.trees import load_tableau, tree_series

METHODS = (("explicit-euler", "Euler", BLUE), ("heun", "Heun", ORANGE), ("implicit-midpoint", "implicit midpoint", GREEN))


def place(tree: Any, x: float, y: float, width: float) -> list[tuple[float, float, float, float]]:
    """Edges (from, to) of a tree whose root is at (x, y); children share the width."""
    edges, each = [], width / max(1, len(tree.children))
    for i, child in enumerate(tree.children):
        cx, cy = x - width / 2 + each * (i + 0.5), y + 0.42
        edges += [(x, y, cx, cy), *place(child, cx, cy, each)]
    return edges


def draw() -> Any:
    figure, axes = pyplot.subplots(figsize=(6.2, 4.6))
    every = [tree_series(load_tableau(name), 4) for name, _, _ in METHODS]
    for i, (tree, _) in enumerate(every[0].items()):
        x, y = 1.5 * (i % 4), -3.1 * (i // 4)
        edges = place(tree, x, y, 0.9)
        for a, b, c, d in edges:
            axes.plot([a, c], [b, d], color=ink(), linewidth=1.6)
        points = [(x, y), *((c, d) for _, _, c, d in edges)]
        axes.plot(*zip(*points, strict=True), "o", color=ink(), markersize=6)
        for row, ((_, label, colour), series) in enumerate(zip(METHODS, every, strict=True)):
            axes.text(x, y - 0.35 - 0.27 * row, f"{label} {series[tree]}", color=colour, ha="center", va="center", fontsize=10)
    axes.set_xlim(-0.8, 5.3)
    axes.set_ylim(-4.2, 1.2)
    axes.axis("off")
    return figure
