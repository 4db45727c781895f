"""The sentences of a weak modified equation: what is drawn, and what its words mean."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from derive.language.samples import SAMPLES
from derive.noise.forests import GRADIENT, NORMAL, Tree, nodes, tree_text
from derive.noise.generator import Generator
from derive.writing.forests import ForestWriter
from derive.writing.formulas import write_coefficient
from derive.writing.series import greek

if TYPE_CHECKING:
    from derive.weak_equation import WeakEquation

WIDTH = 100
_ORDINALS = {3: "third", 4: "fourth", 5: "fifth", 6: "sixth", 7: "seventh", 8: "eighth"}


def wrapped(text: str, first: str, later: str) -> list[str]:
    """Lines of at most WIDTH columns, words kept whole."""
    lines = textwrap.TextWrapper(WIDTH, first, later, break_long_words=False, break_on_hyphens=False)
    return lines.wrap(text)


def labels(generator: Generator) -> dict[tuple[str, bool], None]:
    """(label, whether it shares something) of every node."""
    every = (t for power in generator.powers for f in power for t in nodes(r.tree for r in f))
    return {(t.label, t.tie > 0): None for t in every}


def drawn(to: ForestWriter, equation: WeakEquation) -> Iterator[str]:
    """What is random in a step."""
    used, epochs = labels(to.generator), equation.epochs
    xi, z = to.math(to.letter("", 1)), to.math(to.letter(NORMAL, 1))
    if epochs is not None:
        m = to.math(_size(to, epochs.batches))
        yield f"{xi} is the batch of the step: in every epoch each of {m} comes once, in a random order"
        for name, said in epochs.symbols.items():
            yield f"{to.math(to.style.symbol(name))} is {greek(said, to.style)}"
    elif any(shared and label != NORMAL for label, shared in used):
        size = to.math(_size(to, equation.batch))
        of = "a sample of the step" if equation.batch == "1" else f"one of the {size} samples of the step"
        yield f"{xi} is {of}, independent of all others"
        if (inverse := to.generator.inverse) is not None:
            power = "1" if not inverse else f"1/{size}" if inverse == 1 else f"1/{size}^{inverse}"
            yield f"of the expansion in large {size} everything through {to.math(power)} is kept"
    if (NORMAL, True) in used:
        yield f"{z} is a vector of independent standard normal numbers, new at every step"


def _size(to: ForestWriter, size: str) -> str:
    return size if size.isdigit() else to.style.symbol(size)


def meanings(to: ForestWriter) -> Iterator[str]:
    """What the words mean that were used."""
    known = dict(_meanings(to))
    for word in to.used:
        kind, _, label = word.partition(" ")
        if kind == "opaque":
            yield _function(to, label)
        elif kind in known:
            yield known[kind]
        else:
            order = int(kind.removeprefix("K"))
            name = _ORDINALS.get(order, f"{order}th")
            yield f"{to.math(to.cumulant(order))} is the {name} cumulant of {to.math(to.gradients[1])}, a symmetric tensor"


def _function(to: ForestWriter, label: str) -> str:
    """What a letter stands for that is neither a gradient nor a variable."""
    said, u = to.generator.opaque[label], to.style.symbol(label)
    if to.generator.inverse is not None:
        at = ", ".join(f"{to.style.symbol(x)} = {_centre(to, x)}" for x in to.generator.centres if re.search(rf"\b{x}\b", said))
        return f"{to.math(u)} is {said} at {to.math(at)}"
    if not any(name in said for name in SAMPLES):
        return f"{to.math(u)} is {said}"
    return f"{to.math(to.subscripted(u, to.letter(label, 1)))} is {said}, and {to.math(u)} is its mean"


def _centre(to: ForestWriter, argument: str) -> str:
    """What memory, or the gradient of a large batch, fluctuates about."""
    parts = to.generator.centres[argument].items()
    names = ((to.gradients[0] if label == GRADIENT else to.style.symbol(label), c) for label, c in parts)
    texts = (name if c == 1 else to.style.beside([write_coefficient(c, to.style)[1], name], to.style.scale) for name, c in names)
    return " + ".join(texts) or "0"


def _meanings(to: ForestWriter) -> Iterator[tuple[str, str]]:
    signs, math = to.signs, to.math
    (mean, sample), e, cov, t = to.gradients, signs.mean, signs.cov, signs.transposed
    difference, loss = f"({sample} - {mean})", to.style.symbol("L")
    both = math(f"{cov}(u) = {cov}(u, u)")
    covariance = math(f"{signs.covariance} = {e}{difference} {difference}{t}")
    yield "covariance", f"{covariance} is the covariance of the gradients of samples"
    yield "cov", f"{math(f'{cov}(u, v) = {e}(u - {e}u) (v - {e}v){t}')}, and {both}"
    yield "applied", f"{math(f'{cov}(A, u) = {e}(A - {e}A) [u - {e}u]')} for a matrix and a vector"
    yield "centred", f"{math(f'{signs.centred}{sample} = {sample} - {mean}')}, and so for higher derivatives"
    yield "mean", f"{math(e.strip())} is the mean of what stands behind it"
    yield "joint", f"{math(signs.cumulant.strip())} is the joint cumulant, over every sample, of what stands behind it"
    yield "normal", f"{', '.join(map(math, signs.normals[:3]))}, ... are independent standard normal vectors"
    yield "laplacian", f"{math(signs.laplacian + loss)} is the Laplacian of {math(loss)}"
    yield "symmetric", math(f"{signs.symmetric}(M) = (M + M{t})/2")
    yield "identity", f"{math('I')} is the identity"


def legend(generator: Generator, name: str, phi: str) -> str:
    """How the forests of the generator are read."""
    used = labels(generator)
    vectors = "a vector along which a node is differentiated stands in its brackets"
    parts = [f"in {name} a tree is a vector along which {phi} is differentiated, and {vectors}"]
    if ("g", False) in used:
        parts.append("g is the mean gradient")
    if tied := next((tree_text(Tree(label, 1)) for label, shared in used if shared and label != NORMAL), ""):
        parts.append(f"nodes of one number are of one sample and stand for their joint cumulant: {tied} {tied} is the covariance")
    if (NORMAL, True) in used:
        parts.append("n1, n1 are one standard normal vector")
    return "; ".join(parts)
