"""All rooted trees with at most N nodes, as arrays, each one built from two smaller trees.

A tree [tau_1 ... tau_k] lists its children in descending order.  Taking the last child away leaves a smaller tree with
the same root, so that

    tree  =  parent (the tree without its last child)  +  last child,     last child <= last child of the parent,

produces every tree once.  A quantity that multiplies over children costs one product a tree, and a whole order is
one array operation.  Trees are ordered by number of nodes, then by descending level sequence: the chain
[1, 2, ..., m] first, the corolla [1, 2, ..., 2] last.

With C colours a row is the bare forest of children; its C trees differ in the colour of the root and have the
numbers C*row, ..., C*row + C - 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import factorial

import numpy as np
from numpy.typing import NDArray

from derive.errors import UsageError
from derive.trees.shape import MAX_NODES, Tree

Words = NDArray[np.uint64]
Indices = NDArray[np.int32]

_ONE = np.uint64(1)


@dataclass(frozen=True, eq=False)
class TreeTable:
    """Every tree with at most `order` nodes; build it with `enumerate_trees`.

    `start[m]` is the first row of the trees with m nodes, m = 1 ... order + 1.  Arrays over rows:
    `parent` (row; -1 for the single node), `child` (number of the last child as a tree), `repeats` (how often the
    last child occurs), `brackets` (2m bits: 1 opens a node, 0 closes it), `paint` (colours of all nodes below the
    root in the order in which they are closed).
    """

    order: int
    colours: int
    start: tuple[int, ...]
    parent: Indices
    child: Indices
    repeats: NDArray[np.uint8]
    brackets: Words
    paint: Words

    @property
    def rows(self) -> int:
        return self.start[-1]

    @property
    def count(self) -> int:
        """Number of trees: rows times colours of the root."""
        return self.rows * self.colours

    def block(self, nodes: int) -> slice:
        """Rows of the trees with that many nodes."""
        return slice(self.start[nodes], self.start[nodes + 1])

    def nodes_of(self, row: int) -> int:
        return next(m for m in range(1, self.order + 1) if row < self.start[m + 1])

    def level_sequences(self, nodes: int, rows: slice | None = None) -> NDArray[np.uint8]:
        """Level sequences of the trees with `nodes` nodes, shape (rows, nodes), the root at level 1.

        >>> enumerate_trees(3).level_sequences(3).tolist()
        [[1, 2, 3], [1, 2, 2]]
        """
        brackets = self.brackets[self._rows(nodes, rows)]
        levels = np.zeros((len(brackets), nodes), np.uint8)
        depth = np.zeros(len(brackets), np.uint8)
        position = np.zeros(len(brackets), np.intp)
        every = np.arange(len(brackets))
        for bit in range(2 * nodes - 1, -1, -1):
            opens = (brackets >> np.uint64(bit)) & _ONE == 1
            depth[opens] += 1
            levels[every[opens], position[opens]] = depth[opens]
            position[opens] += 1
            depth[~opens] -= 1
        return levels

    def colour_sequences(self, nodes: int, rows: slice | None = None) -> NDArray[np.uint8]:
        """Colours in the order of the level sequence, shape (rows, colours, nodes): one line for each root colour."""
        chosen = self._rows(nodes, rows)
        brackets, paint = self.brackets[chosen], self.paint[chosen]
        width = np.uint64(colour_bits(self.colours))
        result = np.zeros((len(brackets), self.colours, nodes), np.uint8)
        result[:, :, 0] = np.arange(self.colours)
        if self.colours == 1:
            return result
        stack = np.zeros((len(brackets), nodes + 1), np.intp)
        depth, opened, closed = (np.zeros(len(brackets), np.intp) for _ in range(3))
        every = np.arange(len(brackets))
        mask = np.uint64(2 ** int(width) - 1)
        for bit in range(2 * nodes - 1, 0, -1):
            opens = (brackets >> np.uint64(bit)) & _ONE == 1
            up, down = every[opens], every[~opens]
            stack[up, depth[up]] = opened[up]
            opened[up] += 1
            depth[up] += 1
            depth[down] -= 1
            colour = (paint[down] >> (width * (nodes - 2 - closed[down]).astype(np.uint64))) & mask
            result[down, :, stack[down, depth[down]]] = colour[:, None].astype(np.uint8)
            closed[down] += 1
        return result

    def _rows(self, nodes: int, rows: slice | None) -> slice:
        if not 1 <= nodes <= self.order:
            raise UsageError(f"the table holds trees with 1 to {self.order} nodes, not {nodes}")
        block = self.block(nodes)
        return block if rows is None else slice(block.start + (rows.start or 0), min(block.start + rows.stop, block.stop))

    def symmetries(self) -> NDArray[np.int64]:
        """sigma of every row: sigma(tree) = sigma(parent) sigma(last child) * (repeats of the last child).

        At most 20! < 2**63 (the root colour does not matter).
        """
        sigma = np.ones(self.rows, np.int64)
        for m in range(2, self.order + 1):
            rows = self.block(m)
            sigma[rows] = sigma[self.parent[rows]] * sigma[self.child[rows] // self.colours] * self.repeats[rows]
        return sigma

    def densities(self) -> NDArray[np.int64]:
        """gamma of every row: nodes times the product of the children's densities; at most 20! < 2**63."""
        forest = np.ones(self.rows, np.int64)
        sizes = np.repeat(np.arange(1, self.order + 1), np.diff(self.start[1:]))
        for m in range(2, self.order + 1):
            rows = self.block(m)
            child = self.child[rows] // self.colours
            forest[rows] = forest[self.parent[rows]] * forest[child] * sizes[child]
        return forest * sizes

    def row_of(self, tree: Tree) -> int:
        """Row of a tree (any root colour). UsageError if it has more nodes than the table."""
        if tree.nodes > self.order:
            raise UsageError(f"the table holds trees with at most {self.order} nodes, not {tree.nodes}")
        if max(tree.colours) >= self.colours:
            raise UsageError(f"colour {max(tree.colours)} in a tree, where the table has colours 0 to {self.colours - 1}")
        rows = self.block(tree.nodes)
        found = self.brackets[rows] == np.uint64(tree.brackets)
        if self.colours > 1:
            found &= self.paint[rows] == np.uint64(tree.paint(colour_bits(self.colours)))
        return int(rows.start) + int(np.flatnonzero(found)[0])


def colour_bits(colours: int) -> int:
    return int(colours - 1).bit_length()


def max_nodes(colours: int) -> int:
    """Most nodes a table can have: a tree is a 64-bit word, and its symmetry and density fit a 64-bit integer.

    >>> max_nodes(1), max_nodes(2), max_nodes(4)
    (20, 20, 16)
    """
    return min(MAX_NODES, 64 // (2 + colour_bits(colours)))


@lru_cache(maxsize=64)
def tree_counts(order: int, colours: int = 1) -> tuple[int, ...]:
    """Numbers of rows (forests) with m nodes, m = 0 (none) to order, by Euler's transform.

    >>> tree_counts(8)
    (0, 1, 1, 2, 4, 9, 20, 48, 115)
    >>> sum(2 * n for n in tree_counts(9, 2))
    114208
    """
    rows = [0, 1]
    for m in range(1, order):
        # m a(m+1) = sum_k (sum_{d | k} d c a(d)) a(m-k+1)
        weights = [sum(d * colours * rows[d] for d in range(1, k + 1) if k % d == 0) for k in range(m + 1)]
        rows.append(sum(weights[k] * rows[m - k + 1] for k in range(1, m + 1)) // m)
    return tuple(rows[: order + 1])


def check_order(order: int, colours: int = 1) -> None:
    """UsageError unless 1 <= order <= max_nodes(colours)."""
    if not 1 <= order <= max_nodes(colours):
        kind = f"{colours}-coloured trees" if colours > 1 else "trees"
        raise UsageError(f"the number of nodes must be 1 to {max_nodes(colours)} for {kind}, not {order}")


def enumerate_trees(order: int, colours: int = 1) -> TreeTable:
    """All rooted trees with at most `order` nodes.

    >>> enumerate_trees(12).count
    7813
    """
    check_order(order, colours)
    counts = tree_counts(order, colours)
    start = (0, *(sum(counts[:m]) for m in range(1, order + 2)))
    total = start[-1]
    parent, child = np.full(total, -1, np.int32), np.full(total, -1, np.int32)
    repeats = np.zeros(total, np.uint8)
    brackets, paint = np.zeros(total, np.uint64), np.zeros(total, np.uint64)
    brackets[0] = 0b10
    table = TreeTable(order, colours, start, parent, child, repeats, brackets, paint)
    keys: list[Words] = [np.zeros(0, np.uint64), _tree_keys(table, 1)]
    last = np.full(start[order], 2**64 - 1, np.uint64)  # key of the last child; of a single node: no restriction
    for m in range(2, order + 1):
        rows = table.block(m)
        parent[rows], child[rows] = _pairs(table, m, keys, last)
        _describe(table, m, keys, last)
        if m < order:
            keys.append(_tree_keys(table, m))
    return table


def _tree_keys(table: TreeTable, nodes: int) -> Words:
    """Sort keys of the trees with that many nodes, descending: brackets from the left, then colours ascending."""
    rows = table.block(nodes)
    width = colour_bits(table.colours)
    room = width * table.order
    key = table.brackets[rows] << np.uint64(64 - 2 * nodes)
    if table.colours == 1:
        return key
    roots = np.arange(table.colours, dtype=np.uint64)
    colours = (table.paint[rows][:, None] << np.uint64(width)) | roots
    colours = np.uint64(2**room - 1) - (colours << np.uint64(room - width * nodes))
    return (key[:, None] | colours).ravel()


def _pairs(table: TreeTable, nodes: int, keys: list[Words], last: Words) -> tuple[Indices, Indices]:
    """(parent, last child) of the trees with that many nodes, in canonical order."""
    parents, children, words = [], [], []
    width = np.uint64(colour_bits(table.colours))
    room = np.uint64(int(width) * table.order)
    for size in range(1, nodes):
        heads = table.block(nodes - size)
        first_child = table.start[size] * table.colours
        allowed = np.searchsorted(keys[size][::-1], last[heads], side="right")
        if not allowed.any():
            continue
        ends = np.cumsum(allowed)
        total = int(ends[-1])
        head = np.repeat(np.arange(heads.start, heads.stop, dtype=np.int32), allowed)
        # the allowed children are the last ones of their block, which descends
        tail = np.arange(total, dtype=np.int32) + np.repeat((len(keys[size]) - ends).astype(np.int32), allowed)
        tail += np.int32(first_child)
        row = tail // table.colours if table.colours > 1 else tail
        word = _join(table.brackets[head], table.brackets[row], size) << np.uint64(64 - 2 * nodes)
        if table.colours > 1:
            colours = _paint(table, head, tail, size) << (room - width * np.uint64(nodes - 1))
            word |= np.uint64(2 ** int(room) - 1) - colours
        parents.append(head)
        children.append(tail)
        words.append(word)
    order = np.argsort(~np.concatenate(words), kind="stable")
    return np.concatenate(parents)[order], np.concatenate(children)[order]


def _join(parent: Words, child: Words, size: int) -> Words:
    """Brackets of the tree that gets `child` (with `size` nodes) as its last child."""
    return ((parent >> _ONE) << np.uint64(2 * size + 1)) | (child << _ONE)


def _paint(table: TreeTable, head: Indices, tail: Indices, size: int) -> Words:
    """Colours below the root: those of the parent, then those of the child, its root last."""
    width = colour_bits(table.colours)
    row, root = tail // table.colours, tail % table.colours
    child = (table.paint[row] << np.uint64(width)) | root.astype(np.uint64)
    return (table.paint[head] << np.uint64(width * size)) | child


def _describe(table: TreeTable, nodes: int, keys: list[Words], last: Words) -> None:
    """Fill in brackets, colours, repeats and the key of the last child of the trees with that many nodes."""
    rows = table.block(nodes)
    parent, child = table.parent[rows], table.child[rows]
    row = child // table.colours if table.colours > 1 else child
    again = (table.child[parent] == child) & (parent > 0)
    table.repeats[rows] = np.where(again, table.repeats[parent] + 1, 1)
    sizes = np.searchsorted(np.array(table.start[1:]), row, side="right")
    every = np.concatenate(keys[1:])
    if nodes < table.order:
        last[rows] = every[child]
    for size in range(1, nodes):
        here = np.flatnonzero(sizes == size)
        table.brackets[rows.start + here] = _join(table.brackets[parent[here]], table.brackets[row[here]], size)
        if table.colours > 1:
            table.paint[rows.start + here] = _paint(table, parent[here], child[here], size)


assert factorial(MAX_NODES) < 2**63  # symmetries and densities are 64-bit integers
