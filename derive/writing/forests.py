"""Tied forests as people write them: Sigma, K_3, cov(grad L_xi, hess L_xi[grad L]), Laplacians, and what needs an expectation.

    one root     a vector, a term of the drift                     ∇³L[Σ]         of  g[g1,g1]
    two roots    a matrix, a term of the diffusion matrix          Σ ∇²L          of  g1 g[g1]
    more         a tensor                                          K₃             of  g1 g1 g1

The leaves of one tie under one node are one argument, Sigma or K_r, or of normal vectors the identity, which makes a derivative
one of the Laplacian.  The mean is taken where all nodes of a tie are together, of derivatives less their means.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from derive.noise.forests import NORMAL, Forest, Root, Tree, nodes
from derive.noise.generator import Generator
from derive.writing.forest_names import ForestNames

Path = list[tuple[Tree, Tree]]  # nodes, each with the branch that goes on


class ForestWriter(ForestNames):
    """Writes the forests of one generator."""

    def written(self, forest: Forest) -> tuple[str, ...]:
        """A vector, a matrix or a tensor; of a matrix that is not symmetric its two halves, M and its transposed."""
        writer = _OneForest(self, forest)
        if len(forest) == 1:
            return (writer.vector(forest[0].tree),)
        return writer.matrix() if len(forest) == 2 else (writer.tensor([r.tree for r in forest]),)


@dataclass
class _OneForest:
    to: ForestWriter
    forest: Forest

    @cached_property
    def sizes(self) -> Counter[int]:
        return Counter(t.tie for t in nodes(r.tree for r in self.forest) if t.tie)

    def closed(self, t: Tree) -> set[int]:
        """The ties whose nodes are all in the tree."""
        return {tie for tie, n in Counter(node.tie for node in nodes([t])).items() if tie and n == self.sizes[tie]}

    def by(self, t: Tree) -> str:
        """The variable in which the node above is differentiated."""
        return t.slot or self.to.generator.spaces[t.label]

    # ------------------------------------------------------------------------------------------ vectors

    def vector(self, t: Tree) -> str:
        """With the mean over the ties that are together here and in no branch."""
        here = self.together(t)
        if branch := self.paired_branch(t, here):
            others = tuple(c for c in t.children if c is not branch)
            matrix = self.node(Tree(t.label, t.tie, others), False, [self.by(branch)])
            return self.to.cov(matrix, self.to.of_sample(branch.label, (), branch.tie, False), applied=True)
        return self.mean(here) + self.node(t)

    def together(self, t: Tree) -> set[int]:
        """The ties whose nodes are together here and in no branch, but for groups of leaves that have a name."""
        return self.closed(t).difference(*map(self.closed, t.children)) - self.groups(t).keys()

    def paired_branch(self, t: Tree, here: set[int]) -> Tree | None:
        """The leaf that shares the sample of the node above it, where no other node does."""
        if here != {t.tie} or self.sizes[t.tie] != 2:
            return None
        return next((c for c in t.children if c.tie == t.tie and not c.children), None)

    def mean(self, ties: set[int]) -> str:
        """What is taken of a product over these ties."""
        if not ties:
            return ""
        word = "joint" if any(self.sizes[tie] > 3 for tie in ties) else "mean"
        self.to.say(word)
        return self.to.signs.cumulant if word == "joint" else self.to.signs.mean

    def groups(self, t: Tree) -> dict[int, list[Tree]]:
        """Branches that are the leaves of a tie with no other node, and have a name together."""
        found: dict[int, list[Tree]] = {}
        for c in t.children:
            if c.tie and not c.children:
                found.setdefault(c.tie, []).append(c)
        named = {tie: cs for tie, cs in found.items() if len(cs) == self.sizes[tie]}
        return {tie: cs for tie, cs in named.items() if len(cs) == 2 or self.to.of_the_loss(*(c.label for c in cs))}

    def node(self, t: Tree, centred: bool = True, free: Sequence[str] = ()) -> str:
        """A node on its branches; `free` are the variables of further directions that are left free."""
        style, to = self.to.style, self.to
        if t.label == NORMAL:
            to.say("normal")
            return to.letter(t.label, t.tie)
        if t.label in to.generator.slow:
            return style.symbol(t.label)
        groups = self.groups(t)
        flat = [tie for tie, cs in groups.items() if to.of_the_loss(t.label) and cs[0].label == NORMAL]
        if flat:
            to.say("laplacian")
        others = [c for c in t.children if c.children or c.tie not in groups]
        joint = [cs for tie, cs in groups.items() if tie not in flat]
        variables = [self.by(c) for c in others] + [self.by(c) for cs in joint for c in cs]
        arguments = [self.vector(c) for c in others] + [to.joint([c.label for c in cs]) for cs in joint]
        name = to.of_sample(t.label, [*variables, *free], t.tie, centred, len(flat))
        return name + (style.open + style.argument(arguments) + style.close if arguments else "")

    # ------------------------------------------------------------------------------------------ matrices

    def matrix(self) -> tuple[str, ...]:
        a, b = self.forest
        if not self.symmetrised:  # the block of a variable and a later one
            a, b = sorted(self.forest, key=lambda r: self.to.generator.slow.index(variable_of(self.to.generator, r)))
        shared = [tie for tie in self.sizes if all(any(n.tie == tie for n in nodes([r.tree])) for r in (a, b))]
        if len(shared) == 1 and self.sizes[shared[0]] == 2:
            if found := self.sandwich(a.tree, b.tree, shared[0]):
                return found if a.slot == b.slot else found[:1]
            if a.tree.tie == b.tree.tie:
                first, second = (self.mean(self.together(t)) + self.node(t, centred=False) for t in (a.tree, b.tree))
                both = (self.to.cov(first, second), self.to.cov(second, first))
                return both if first != second and self.symmetrised else both[:1]
        text = self.tensor([a.tree, b.tree])
        if a.tree == b.tree or not self.symmetrised:
            return (text,)
        self.to.say("symmetric")
        return (self.to.signs.symmetric + self.to.style.left + text + self.to.style.right,)

    @property
    def symmetrised(self) -> bool:
        """Whether both roots are derivatives by the same variable; else the matrix is a block beside the diagonal."""
        return len({variable_of(self.to.generator, r) for r in self.forest}) == 1

    def sandwich(self, a: Tree, b: Tree, tie: int) -> tuple[str, ...]:
        """A C B^T, C the covariance of two leaves or the identity, A and B the means above them; () where it is none."""
        paths = [self.path(t, tie) for t in (a, b)]
        if any(path is None for path in paths):
            return ()
        left, right = ([self.factor(t, below) for t, below in path or ()] for path in paths)
        first, second = (next(n for n in nodes([t]) if n.tie == tie) for t in (a, b))
        middle, turned = ([self.to.joint(labels)] for labels in ([first.label, second.label], [second.label, first.label]))
        if first.label == NORMAL and (left or right):
            middle = turned = []
        text = self.to.style.scale.join([*left, *middle, *self.turned(paths[1], right)])
        other = self.to.style.scale.join([*right, *turned, *self.turned(paths[0], left)])
        return (text,) if text == other or not self.symmetrised else (text, other)

    def turned(self, path: Path | None, factors: Sequence[str]) -> list[str]:
        """The factors of the transposed matrix of a path from a root."""
        if self.to.of_the_loss(*(t.label for t, _ in path or ())):
            return list(reversed(factors))
        mark = self.to.signs.transposed
        return [f"{{{f}}}{mark}" if self.to.style.name == "latex" else f + mark for f in reversed(factors)]

    def path(self, t: Tree, tie: int) -> Path | None:
        """The means from the root down to the leaf of that tie, each with its branch; None where a node on the way has a tie."""
        if t.tie == tie:
            return None if t.children else []
        if t.tie:
            return None
        below = next(c for c in t.children if any(n.tie == tie for n in nodes([c])))
        if any(c is not below and not self.whole(c, t) for c in t.children):
            return None
        rest = self.path(below, tie)
        return None if rest is None else [(t, below), *rest]

    def whole(self, c: Tree, t: Tree) -> bool:
        """Whether what a branch shares is all in it, or in the leaf beside it."""
        grouped = not c.children and c.tie in self.groups(t)
        return grouped or {n.tie for n in nodes([c])} - {0} <= self.closed(c)

    def factor(self, t: Tree, below: Tree) -> str:
        others = list(t.children)
        others.remove(below)
        return self.node(Tree(t.label, t.tie, tuple(others)), True, [self.by(below)])

    # ------------------------------------------------------------------------------------------ tensors

    def tensor(self, trees: Sequence[Tree]) -> str:
        alike = len({*trees}) == 1 and trees[0].tie and not trees[0].children
        if alike and len(trees) > 2 and self.to.of_the_loss(trees[0].label):
            return self.to.cumulant(len(trees))
        if (derivative := self.free_derivative(trees)) is not None:
            return derivative
        inside = set[int]().union(*map(self.closed, trees))
        return self.mean({*self.sizes} - inside) + self.to.signs.outer.join(map(self.vector, trees))

    def free_derivative(self, trees: Sequence[Tree]) -> str | None:
        """The derivative of a mean with free directions: all other roots are normal vectors that stand again on that mean."""
        normals = [t.tie for t in trees if t.label == NORMAL]
        rest = [t for t in trees if t.label != NORMAL]
        if len(rest) != 1 or rest[0].tie or len(normals) != len(trees) - 1:
            return None
        t = rest[0]
        free = [c for c in t.children if c.tie in normals and c.label == NORMAL]
        kept = tuple(c for c in t.children if c not in free)
        if len(free) != len(normals) or len({*normals}) != len(normals) or not all(self.whole(c, t) for c in kept):
            return None
        return self.node(Tree(t.label, 0, kept), True, [self.by(c) for c in free])


def variable_of(generator: Generator, root: Root) -> str:
    """The slow variable in which phi is differentiated at a root."""
    return root.slot or generator.spaces[root.tree.label]


def blocks(generator: Generator, forest: Forest) -> tuple[str, ...]:
    """The variables of the roots, in the order of the slow variables."""
    return tuple(sorted((variable_of(generator, r) for r in forest), key=generator.slow.index))
