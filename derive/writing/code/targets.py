"""The languages: how they write numbers, and the function around the lines."""

from __future__ import annotations

from dataclasses import dataclass

from derive.writing.code.program import Spelling

_PYTHON = frozenset(
    ("loss", "params", "theta", "gamma", "gradient", "derivative", "value", "unravel", "field", "u", "f", "v", "x")
)


@dataclass(frozen=True)
class Target:
    """A language: its spelling, what stands above the function, its head (of a loss, of a field), how deep lines are indented,
    how a vector becomes what the user gave (`spread`), and the value of the loss, empty where the user gives it."""

    name: str
    spelling: Spelling
    preamble: str
    frame: str
    field_frame: str
    indent: str
    spread: str
    value: str
    flattened: str = ""  # a slow variable given like the parameters, as a vector
    end: str = ""


def _functions(module: str, **others: str) -> dict[str, str]:
    same = ("exp", "log", "sin", "cos", "tanh", "sign", "atan")
    return {f: f"{module}{f}" for f in same} | {"abs": "abs"} | others


_JAX_DERIVATIVE = '''
    def derivative(*directions):
        """The gradient at theta, differentiated once along every direction."""
        f = gradient
        for v in directions:
            f = lambda x, f=f, v=v: jax.jvp(f, (x,), (v,))[1]
        return f(theta)

'''
JAX = Target(
    "jax",
    Spelling(
        "**", "#",
        _functions(
            "jnp.", atan="jnp.arctan", sigmoid="jax.nn.sigmoid", softplus="jax.nn.softplus", erf="jax.scipy.special.erf",
            size="jnp.size",
        ),
        "jnp.sum({})", names=_PYTHON | {"jax", "jnp", "ravel_pytree"},
    ),
    "import jax\nimport jax.numpy as jnp\nfrom jax.flatten_util import ravel_pytree\n",
    '''
def {name}(loss, params{arguments}):
    """{about}

    loss(params) is one number, params a tree of arrays.
    """
    theta, unravel = ravel_pytree(params)
    gradient = jax.grad(lambda x: loss(unravel(x)))
''' + _JAX_DERIVATIVE,
    '''
def {name}(field, params{arguments}):
    """{about}

    field(params) is a tree like params.
    """
    theta, unravel = ravel_pytree(params)
    gradient = lambda x: ravel_pytree(field(unravel(x)))[0]
''' + _JAX_DERIVATIVE,
    "    ", "unravel({})", "loss(params)", "{0} = ravel_pytree({0})[0]",
)  # fmt: skip
_TORCH_DERIVATIVE = _JAX_DERIVATIVE.replace("jax.jvp", "torch.func.jvp")
TORCH = Target(
    "torch",
    Spelling(
        "**", "#",
        _functions(
            "torch.", sigmoid="torch.sigmoid", softplus="torch.nn.functional.softplus", erf="torch.erf", size="torch.numel",
        ),
        "torch.sum({})", names=_PYTHON | {"torch"},
    ),
    "import torch\n",
    '''
def {name}(loss, theta{arguments}):
    """{about}

    loss(theta) is one number, theta a tensor with one axis (torch.nn.utils.parameters_to_vector).
    """
    gradient = torch.func.grad(loss)
''' + _TORCH_DERIVATIVE,
    '''
def {name}(field, theta{arguments}):
    """{about}

    field(theta) is a tensor like theta, with one axis.
    """
    gradient = field
''' + _TORCH_DERIVATIVE,
    "    ", "{}", "loss(theta)",
)  # fmt: skip
_PLAIN = '''
def {name}(derivative, theta{arguments}):
    """{about}

    derivative(v1, ..., vk) is the {what} at theta, differentiated once along every direction; theta a numpy array.
    """
'''
PYTHON = Target(
    "python",
    Spelling("**", "#", _functions("np.", atan="np.arctan", size="np.size"), "np.sum({})", names=_PYTHON | {"np"}),
    "import numpy as np\n", _PLAIN.replace("{what}", "gradient"), _PLAIN.replace("{what}", "field"), "    ", "{}", "",
)  # fmt: skip
_JULIA = '''
"""
{about}

{what}
"""
function {name}({first}, theta{arguments})
    gradient = {gradient}
    along(f, v) = x -> ForwardDiff.derivative(s -> f(x .+ s .* v), 0.0)
    derivative(directions...) = foldl(along, directions; init=gradient)(theta)
'''
JULIA = Target(
    "julia",
    Spelling(
        "^", "#", _functions("", size="length"), "sum({})", "@. ",
        frozenset(("loss", "field", "theta", "gamma", "gradient", "derivative", "along", "value", "end", "function", "let")),
    ),
    "using ForwardDiff\n",
    _JULIA.replace("{first}", "loss").replace("{gradient}", "x -> ForwardDiff.gradient(loss, x)").replace(
        "{what}", "`loss(theta)` is one number, `theta` a vector."
    ),
    _JULIA.replace("{first}", "field").replace("{gradient}", "field").replace(
        "{what}", "`field(theta)` is a vector like `theta`."
    ),
    "    ", "{}", "loss(theta)", end="end\n",
)  # fmt: skip
CODE = {t.name: t for t in (JAX, TORCH, PYTHON, JULIA)}
