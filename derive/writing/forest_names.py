"""What stands for the nodes of tied forests: derivatives of means and of samples, their cumulants, letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from derive.language.calls import Partial
from derive.noise.forests import GRADIENT, NORMAL
from derive.noise.generator import Generator
from derive.writing.notation import Notation


class Signs(NamedTuple):
    """What a notation has for the pieces."""

    samples: Sequence[str]
    normals: Sequence[str]
    covariance: str
    cov: str
    mean: str
    cumulant: str  # the joint one, where it is not the mean of a product
    centred: str
    laplacian: str
    transposed: str
    partial: str
    outer: str
    symmetric: str


SIGNS = {
    "unicode": Signs("ξζχω", "ZYXW", "Σ", "cov", "E ", "κ ", "δ", "Δ", "ᵀ", "∂_", " ⊗ ", "sym"),
    "ascii": Signs(
        ("xi", "zeta", "chi", "omega"), "ZYXW", "Sigma", "cov", "E ", "kappa ", "delta ", "Lap", "^T", "d_", " (x) ", "sym",
    ),
    "latex": Signs(
        (r"\xi", r"\zeta", r"\chi", r"\omega"), "ZYXW", r"\Sigma", r"\operatorname{cov}", r"\mathbb{E}\, ", r"\kappa\, ",
        r"\delta ", r"\Delta ", "^{T}", r"\partial_", r" \otimes ", r"\operatorname{sym}",
    ),
}  # fmt: skip


_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass
class ForestNames:
    """What the nodes of one generator's forests are called; `used` are the words that want an explanation."""

    generator: Generator
    style: Notation
    used: dict[str, None] = field(default_factory=dict)

    @cached_property
    def signs(self) -> Signs:
        return SIGNS[self.style.name]

    def math(self, text: str) -> str:
        """A formula in a sentence."""
        return f"${text}$" if self.style.name == "latex" else text

    @property
    def gradients(self) -> tuple[str, str]:
        """The gradient of the mean, and that of a sample."""
        mean = self.function("g", ())
        return mean, self.subscripted(mean, self.letter("g", 1))

    def say(self, word: str) -> None:
        self.used[word] = None

    # ------------------------------------------------------------------------------------------ names

    def letter(self, label: str, tie: int) -> str:
        """The sample, or the normal vector, of a tie."""
        letters = self.signs.normals if label == NORMAL else self.signs.samples
        return letters[tie - 1] if tie <= len(letters) else self.subscripted(letters[0], str(tie))

    def subscripted(self, name: str, index: str) -> str:
        if self.style.name != "latex":
            return f"{name}_{index}"
        return f"{name[:-1]}, {index}}}" if name.endswith("}") and "_{" in name else f"{name}_{{{index}}}"

    def function(self, label: str, variables: Sequence[str], laplacians: int = 0) -> str:
        """The name of a derivative, by these variables, one for each direction."""
        loss, _, variable = label.partition(".")
        if variable:
            return self.style.partial(Partial(loss, (variable, *variables)), [])
        if label in self.generator.opaque:
            return self.opaque(label, variables)
        kind = self.generator.configuration.scheme.label
        return self.style.derivative(kind, self.signs.laplacian * laplacians + self.style.symbol(kind), len(variables))

    def opaque(self, label: str, variables: Sequence[str]) -> str:
        """u'', and of a function of several variables d_m d_v u."""
        self.say(f"opaque {label}")
        if len(self.generator.slow) == 1 and {*variables} <= {*self.generator.slow}:
            return self.style.derivative("f", self.style.symbol(label), len(variables))
        return " ".join([*map(self.partial, variables), self.style.symbol(label)])

    def partial(self, variable: str) -> str:
        x = self.style.symbol(variable)
        return self.signs.partial + (f"{{{x}}}" if self.style.name == "latex" else x)

    def of_sample(self, label: str, variables: Sequence[str], tie: int, centred: bool, laplacians: int = 0) -> str:
        """The derivative of a sample's loss, perhaps less its mean; of the mean where there is no tie."""
        name = self.function(label, variables, laplacians)
        if not tie:
            return name
        if centred:
            self.say("centred")
        return self.signs.centred * centred + self.subscripted(name, self.letter(label, tie))

    def of_the_loss(self, *labels: str) -> bool:
        """Whether these are gradients of one loss L, so that derivatives are symmetric."""
        return {*labels} == {GRADIENT} and self.generator.configuration.scheme.label == "L"

    def joint(self, labels: Sequence[str]) -> str:
        """The joint cumulant of the leaves of a tie that have nothing else in it; more than two are all gradients of the loss."""
        if labels[0] == NORMAL:
            self.say("identity")
            return "I"
        if len(labels) > 2:
            return self.cumulant(len(labels))
        if self.of_the_loss(*labels):
            self.say("covariance")
            return self.signs.covariance
        a, b = (self.of_sample(label, (), 1, False) for label in labels)
        return self.cov(a, b)

    def cumulant(self, order: int) -> str:
        self.say(f"K{order}")
        if self.style.name == "unicode":
            return "K" + str(order).translate(_SUBSCRIPTS)
        return f"K_{{{order}}}" if self.style.name == "latex" else f"K{order}"

    def cov(self, a: str, b: str, applied: bool = False) -> str:
        self.say("applied" if applied else "cov")
        return self.signs.cov + self.style.left + (a if a == b else f"{a}, {b}") + self.style.right
