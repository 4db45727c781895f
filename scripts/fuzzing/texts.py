"""Random texts: drawn from the grammars, near to texts of the catalogue, or garbage.

`Texts(seed)` always draws the same.  Most of what it draws is in the grammar and small enough to be worked out at once.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOKEN = re.compile(r"\w+|\*\*|[^\w\s]|\s+")
STATE = ("theta", "grad(theta)", "v", "g", "theta_prev", "theta_next", "s")
PARAMETERS = ("beta", "eps", "lam", "mu", "beta1", "rho", "alpha")
CLOCK = ("gamma", "t")
FORMULA = ("grad", "theta", "L", "hess(grad)", "gamma", "eta", "p")
VARIABLES = ("x", "y", "z")
FUNCTIONS = ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "atan", "sqrt")
WORDS = (
    "theta", "grad", "field", "gamma", "t", "beta", "0", "1", "-1", "1/2", "1e400", "0x1f", "1_0", "()", "(", ")", "**", "*",
    "/", "+", "-", "=", "+=", ",", ";", "\n", "\r", "\t", "#", "'", '"', "\\", "lambda", "import os", "if", "x.y", "x[0]",
    "x==y", "π", "²", "nan", "inf", "1j", "__import__('os').system('touch canary')", "open('canary','w')", "\u202e",
    "\x1b[31m", "é", "∇L", "[", "]", "{", "}", "|", "⟨", "9" * 50, "9" * 5000, "e", "pi", "dot", "norm", "sqrt", "hess", "d3",
    "d99", "\ufeff", "\x00",
)  # fmt: skip


class Texts:
    """Texts drawn with one random generator `r`."""

    def __init__(self, seed: object) -> None:
        self.r = random.Random(str(seed))

    def often(self, percent: int) -> bool:
        return self.r.randrange(100) < percent

    def of(self, items: Sequence[str]) -> str:
        return self.r.choice(items)

    # ------------------------------------------------------------------ from the grammar

    def number(self) -> str:
        match self.r.randrange(12):
            case 0:
                return self.of(("0", "1e-8", "0.999", "-0", "1e3", ".5", "3.", "00", "1_000", "10**6", "0**0", "2**-3", "1e40"))
            case 1:
                return f"{self.r.randrange(-9, 99)}/{self.r.randrange(0, 12)}"
            case 2:
                return "9" * self.r.choice((1, 2, 19, 20, 40, 300))
        return str(self.r.randrange(0, 5)) if self.often(60) else f"{self.r.randrange(1, 9)}/{self.r.randrange(1, 9)}"

    def exponent(self) -> str:
        if self.often(4):
            return self.of(("64", "65", "1/64", "999999999", "-999", "beta", "1e9", "2**2**2", "64**64", "1/3"))
        return self.of(("2", "2", "3", "-1", "(1/2)", "(-1/2)", "1/2", "-2", "0", "1", "4", "(3/2)", "-(1/3)"))

    def expression(self, depth: int, leaf: Callable[[], str], calls: Sequence[tuple[str, int]] = ()) -> str:
        """One expression over these leaves and calls (name, number of arguments)."""

        def inner() -> str:
            return self.expression(depth - 1, leaf, calls)

        kind = self.r.randrange(100)
        if depth <= 0 or kind < 12:
            return leaf()
        if kind < 20 and calls:
            name, count = self.r.choice(list(calls))
            return f"{name}({', '.join(inner() for _ in range(count))})"
        if kind < 28:
            return f"({inner()})**{self.exponent()}"
        if kind < 33:
            return f"-{inner()}"
        sign = self.of("+-*/+-**/")
        return f"({inner()} {sign} {inner()})" if self.often(80) else f"{inner()}{sign}{inner()}"

    def parameter(self, names: Sequence[str] = PARAMETERS, depth: int = 2) -> str:
        """The value of a parameter, a coefficient."""
        return self.expression(depth, lambda: self.number() if self.often(45) else self.of((*names, "gamma")))

    def constant(self) -> str:
        return self.expression(self.r.randrange(3), self.number)

    def _update_leaf(self, names: Sequence[str]) -> str:
        if self.often(30):
            return self.number()
        return self.of(PARAMETERS) if self.often(25) else self.of(("gamma", "t")) if self.often(6) else self.of(names)

    def update(self, label: str = "grad") -> str:
        """A sequence of assignments that ends in theta, mostly a step that tends to the identity."""
        calls = ((label, 1), (label, 1), ("sqrt", 1), ("abs", 1), ("sign", 1), ("norm", 1), ("dot", 2))
        names, lines = ["theta", f"{label}(theta)", f"{label}(theta)"], []
        if self.often(20):
            lines.append(f"g = {label}(theta)")
            names += ["g", "g"]
        if self.often(55):
            lines.append(f"v = {self.of(('beta*v', 'v/2', 'beta*v', 'mu*v', 'v', '-v/3', '0'))} + {self._part(2, names, calls)}")
            names += ["v", "v"]
        if self.often(20):
            lines.append(f"s = {self.of(('rho*s', 's/2', '0*s'))} + {self._part(2, names, calls)}")
            names.append("s")
        names += ["theta_prev"] * self.often(8) + ["theta_next"] * self.often(5)
        step = self._part(self.r.randrange(1, 4), names, calls)
        last = f"theta = theta - gamma*{step}" if self.often(88) else f"theta = {step}" if self.often(50) else f"theta -= {step}"
        return self.of((";", "; ", "\n")).join([*lines, last])

    def _part(self, depth: int, names: Sequence[str], calls: Sequence[tuple[str, int]]) -> str:
        return self.expression(depth, lambda: self._update_leaf(names), calls)

    def loss(self, variables: Sequence[str] = VARIABLES) -> str:
        """A loss in a few variables, mostly a polynomial."""
        calls = [(f, 1) for f in FUNCTIONS] if self.often(40) else []
        used = variables[: self.r.randrange(1, len(variables) + 1)]
        return self.expression(self.r.randrange(1, 4), lambda: self.number() if self.often(25) else self.of(used), calls)

    def point(self, names: Sequence[str] = VARIABLES) -> str:
        used = names[: self.r.randrange(1, len(names) + 1)]
        return self.of((",", ", ")).join(f"{n}={self.constant()}" for n in used)

    def formula(self, leaves: Sequence[str] = FORMULA, depth: int | None = None) -> str:
        """Terms and coefficients: the language of claims, targets and certificates."""
        calls = (("hess", 1), ("hess", 1), ("d3", 2), ("dot", 2), ("norm", 1), ("abs", 1), ("sqrt", 1), ("d4", 3), ("sign", 1))
        leaf = lambda: self.number() if self.often(25) else self.of(PARAMETERS) if self.often(15) else self.of(leaves)
        return self.expression(self.r.randrange(1, 4) if depth is None else depth, leaf, calls)

    # ------------------------------------------------------------------ mutations and garbage

    def mutated(self, text: str, times: int | None = None) -> str:
        """The text with a few of its words left out, doubled, exchanged, put elsewhere or replaced."""
        words = TOKEN.findall(text) or [""]
        for _ in range(self.r.choice((1, 1, 2, 3)) if times is None else times):
            i, j = self.r.randrange(len(words)), self.r.randrange(len(words))
            match self.r.randrange(7):
                case 0:
                    words[i] = ""
                case 1:
                    words[i] *= 2
                case 2:
                    words[i], words[j] = words[j], words[i]
                case 3:
                    words[i] = words[j]
                case 4:
                    words[i] = self.of(WORDS)
                case 5:
                    words[i] = self.number()
                case 6:
                    words[i] = f"({words[i]})"
        return "".join(words)

    def garbage(self) -> str:
        match self.r.randrange(6):
            case 0:
                return "".join(chr(self.r.randrange(self.r.choice((128, 0xD7FF)))) for _ in range(self.r.randrange(30)))
            case 1:
                return self.of(("(", "-", "((", "sqrt(", "[", "2**", "a = ", "{")) * self.r.choice((3, 150, 250, 1500, 19_000))
            case 2:
                return self.of(("+x", "*2", "-theta", "/3", "**2", ")", "\n", " ")).join(["x"] * self.r.choice((3, 300, 2500)))
        return "".join(self.of(WORDS) for _ in range(self.r.randrange(12)))

    def near(self, text: str) -> str:
        """The text itself, changed a little, or something else: mostly what can be read."""
        kind = self.r.randrange(100)
        return text if kind < 76 else self.mutated(text) if kind < 96 else self.garbage()


def argument(text: str) -> str:
    """The text as an argument of a command can be: without NUL, and of characters that UTF-8 has."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()
