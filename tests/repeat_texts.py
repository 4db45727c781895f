"""Update texts with a repeat: bodies that random tests put together."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

#: one line of a body each; y is what the inner steps move, s adds up, c counts, z is a local
LINES = (
    "y = y - gamma*grad(y)",
    "y = y - gamma*mu*grad((y + theta)/2)",
    "z = y - gamma*grad(y); y = y - gamma*grad(z)",
    "s = s + grad(y)",
    "s = s + (y - theta)/2; y = y - gamma*gamma*s",
    "y = y - gamma**2*c*grad(y); c = c + 1",
    "repeat 2: y = y - gamma*grad(y)/2",
    "y = y - gamma*grad(y)/sqrt(grad(theta)**2 + 1)",
)
ENDS = (
    "theta = theta + mu*(y - theta) - gamma*gamma*s",
    "v = beta*v + (y - theta); theta = theta + v",
    "theta = y - gamma**2*grad(y + gamma*s)*c",
    "theta = theta - gamma*grad(y)",
)


def scheme_text(lines: Iterable[str], end: str, count: str = "k") -> str:
    """One step: start values, the repeat, what is done with its outcome.

    >>> scheme_text(LINES[:1], ENDS[3])
    'y = theta; s = theta - theta; c = 1; repeat k: {y = y - gamma*grad(y)}; theta = theta - gamma*grad(y)'
    """
    return f"y = theta; s = theta - theta; c = 1; repeat {count}: {{{'; '.join(lines)}}}; {end}"


def random_text(seed: int, count: str = "k") -> str:
    """A text of one to three lines in the body, the first line among them, and one end."""
    source = Random(seed)
    return scheme_text([LINES[0], *source.sample(LINES[1:], source.randint(0, 2))], source.choice(ENDS), count)
