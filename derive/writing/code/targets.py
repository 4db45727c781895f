"""The languages: how they write numbers, functions of arrays, and the function around the lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

_PYTHON = frozenset(
    ("loss", "params", "theta", "gamma", "gradient", "derivative", "derivative_at", "value", "unravel", "field", "along", "layer")
)


@dataclass(frozen=True)
class Spelling:
    """How a language writes functions of numbers and arrays; `names` are those that a program must not use."""

    power: str  # of **
    comment: str
    functions: Mapping[str, str]  # ours -> the language's
    total: str
    elementwise: str = ""  # what stands before a line of products and sums
    names: frozenset[str] = frozenset()
    product: str = "@"  # of matrices
    transposed: str = "{}.T"


@dataclass(frozen=True)
class Shape:
    """What stands around the lines: for parameters of any shape, or for one matrix."""

    first: str  # the argument after the loss
    given: str  # what the two are: of {function}, whose value is {value}
    opening: str = ""  # the lines that define theta and the gradient
    gradient: tuple[str, str] = ("", "")  # of a loss, and of a field
    spread: str = "{}"  # how a vector becomes what the user gave
    flattened: str = ""  # how a vector that the user gave becomes the program's
    wrapped: str = ""  # the same for a map that the user gave
    given_map: str = "{0} is a map, a function of an array."
    leafwise: str = ""  # what stands above a map that is carried out on every array by itself
    layer: str = "layer"  # the argument that tells the layers, where one is needed
    imports: str = ""


@dataclass(frozen=True)
class Target:
    """A language.

    `tree` stands around a program for any parameters, `array` around one for a matrix.  `helpers` are functions that stand
    above the program where it calls them, `inside` those that stand in it, `needs` what they call themselves.
    """

    name: str
    spelling: Spelling
    preamble: str
    tree: Shape
    array: Shape
    head: str  # of the program: {name}, {function} the loss or the field, {first}, {arguments}, {about}
    helpers: Mapping[str, str]
    inside: Mapping[str, str] = field(default_factory=dict)
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    differentiates: bool = True  # else the user gives derivatives
    matrix_check: str = ""
    value: str = ""  # of the loss; nothing where the user gives it
    number: str = "{}"  # a number as an argument of a function of arrays
    branches: bool = True  # whether `where` takes comparisons of numbers
    indent: str = "    "
    margin: str = "    "  # of what the program says of itself
    end: str = ""
    between: str = "\n\n"  # empty lines before a function

    def shape(self, matrix: bool) -> Shape:
        return self.array if matrix else self.tree

    def infix(self, sign: str, a: str, b: str) -> str:
        """An operation of arrays."""
        spaced = sign in ("+", "-", "<", ">")
        return f"{a} {sign} {b}" if spaced else f"{a}{sign}{b}"

    def ones(self, like: str) -> str:
        return f"0*({like}) + 1"

    def in_maps(self, name: str) -> tuple[str, str]:
        """A function in the lines of a map, by our name: what is written, and the helper that it is, or nothing."""
        return (name, name) if name in self.helpers else (self.spelling.functions.get(name, ""), "")

    def loop(self, times: int, body: Sequence[str]) -> list[str]:
        return [f"for _ in range({times}):", *(f"    {line}" for line in body)]

    def function(self, name: str, argument: str, own: Sequence[str], body: Sequence[str]) -> list[str]:
        return [f"def {name}({argument}):", *(f"    {line}" for line in body)]

    def called(self, names: Iterable[str]) -> list[str]:
        """All helpers that are needed where these are, in their order."""
        found: set[str] = set()
        pending = list(names)
        while pending:
            if (name := pending.pop()) not in found:
                found.add(name)
                pending += self.needs.get(name, ())
        return [n for n in (*self.helpers, *self.inside) if n in found]


class _Julia(Target):
    def infix(self, sign: str, a: str, b: str) -> str:
        return f"{a} .{'^' if sign == '**' else sign} {b}"

    def ones(self, like: str) -> str:
        return f"0 .* ({like}) .+ 1"

    def in_maps(self, name: str) -> tuple[str, str]:
        if name == "where":  # a word of the language
            return "choose", "choose"
        written, helper = super().in_maps(name)
        return (written, helper) if helper or name == "total" or not written else (f"{written}.", "")

    def loop(self, times: int, body: Sequence[str]) -> list[str]:
        return [f"for _ in 1:{times}", *(f"    {line}" for line in body), "end"]

    def function(self, name: str, argument: str, own: Sequence[str], body: Sequence[str]) -> list[str]:
        """Variables are declared, as a function within another one assigns those of the outer one."""
        local = [f"local {', '.join(own)}"] if own else []
        return [f"function {name}({argument})", *(f"    {line}" for line in (*local, *body)), "end"]


def _functions(module: str, **others: str) -> dict[str, str]:
    same = ("exp", "log", "sin", "cos", "tanh", "sign", "atan")
    return {f: f"{module}{f}" for f in same} | {"abs": "abs"} | others


# ------------------------------------------------------------------------------------------ libraries that differentiate

_HEAD = '''def {name}({function}, {first}{arguments}):
    """{about}
    """
'''
_ALONG = '''def along(f, x, *directions):
    """f at x, differentiated once along every direction."""
    for v in directions:
        f = lambda x, f=f, v=v: jax.jvp(f, (x,), (v,))[1]
    return f(x)
'''
_ARRAYS = {
    "norm": "def norm(x):\n    return (x**2).sum()**0.5\n",
    "rows": 'def rows(x):\n    """The sum of its row."""\n    return x.sum(axis=1, keepdims=True) + 0*x\n',
    "columns": 'def columns(x):\n    """The sum of its column."""\n    return x.sum(axis=0, keepdims=True) + 0*x\n',
}
_CHECK = 'if {0}.ndim != 2:\n    raise ValueError("{1} is a map of matrices")'
_LEAFWISE = '''def leafwise(f):
    """f of every array of the tree by itself, as a function of the vector of all components."""
    return lambda x: ravel_pytree(jax.tree.map(f, unravel(x)))[0]
'''
_GRADIENT = "gradient = {gradient}\n"
_ONE_ARRAY = "{function}(theta) is {value}, theta {array}."
_TREE_LAYERS = '''def layers(x):
    """At every component the sum over its array of the tree."""
    return ravel_pytree(jax.tree.map(lambda a: jnp.full_like(a, jnp.sum(a)), unravel(x)))[0]
'''
_JAX_FUNCTIONS = _functions(
    "jnp.", atan="jnp.arctan", sigmoid="jax.nn.sigmoid", softplus="jax.nn.softplus", erf="jax.scipy.special.erf",
    size="jnp.size", total="jnp.sum", mean="jnp.mean", trace="jnp.trace", where="jnp.where",
)  # fmt: skip
JAX = Target(
    "jax",
    Spelling("**", "#", _JAX_FUNCTIONS, "jnp.sum({})", names=_PYTHON | {"jax", "jnp", "ravel_pytree", "leafwise", "layers"}),
    "import jax\nimport jax.numpy as jnp\n",
    Shape(
        "params", "{function}(params) is {value}, params a tree of arrays.",
        "theta, unravel = ravel_pytree(params)\n" + _GRADIENT,
        ("jax.grad(lambda x: loss(unravel(x)))", "lambda x: ravel_pytree(field(unravel(x)))[0]"),
        "unravel({})", "{0} = ravel_pytree({0})[0]", "{0} = lambda x, {0}={0}: ravel_pytree({0}(unravel(x)))[0]",
        "{0} is a map, a function of a tree like params.", "@leafwise", "", "from jax.flatten_util import ravel_pytree\n",
    ),
    Shape("theta", _ONE_ARRAY.replace("{array}", "a matrix"), _GRADIENT, ("jax.grad(loss)", "field")),
    _HEAD,
    {
        "along": _ALONG, **_ARRAYS, "eye": "def eye(x):\n    return jnp.eye(len(x), dtype=x.dtype)\n",
        "eigenvectors": "def eigenvectors(x):\n    u = jnp.linalg.eigh((x + x.T)/2)[1][:, ::-1]\n"
        "    return u*jnp.sign(1/jnp.arange(1, len(x) + 1, dtype=x.dtype) @ u)\n",
    },
    {"leafwise": _LEAFWISE, "layers": _TREE_LAYERS},
    matrix_check=_CHECK, value="loss({first})",
)  # fmt: skip
_VECTOR_LAYERS = '''def layers(x):
    """At every component the sum over its layer."""
    return torch.zeros_like(x).index_add(0, layer, x)[layer]
'''
TORCH = Target(
    "torch",
    Spelling(
        "**", "#",
        _functions(
            "torch.", sigmoid="torch.sigmoid", softplus="torch.nn.functional.softplus", erf="torch.erf", size="torch.numel",
            total="torch.sum", mean="torch.mean", trace="torch.trace", where="torch.where",
        ),
        "torch.sum({})", names=_PYTHON | {"torch", "layers"},
    ),
    "import torch\n",
    Shape(
        "theta", _ONE_ARRAY.replace("{array}", "a tensor with one axis (torch.nn.utils.parameters_to_vector)"),
        _GRADIENT, ("torch.func.grad(loss)", "field"),
    ),
    Shape("theta", _ONE_ARRAY.replace("{array}", "a matrix"), _GRADIENT, ("torch.func.grad(loss)", "field")),
    _HEAD,
    {
        "along": _ALONG.replace("jax.jvp", "torch.func.jvp"), **_ARRAYS,
        "eye": "def eye(x):\n    return torch.eye(len(x), dtype=x.dtype, device=x.device)\n",
        "eigenvectors": "def eigenvectors(x):\n    u = torch.linalg.eigh((x + x.T)/2)[1].flip(1)\n"
        "    return u*torch.sign(1/torch.arange(1, len(x) + 1, dtype=x.dtype, device=x.device) @ u)\n",
    },
    {"layers": _VECTOR_LAYERS},
    matrix_check=_CHECK, value="loss({first})", number="torch.as_tensor({}, dtype=torch.float64)", branches=False,
)  # fmt: skip

# ------------------------------------------------------------------------------------------ numpy

_DUAL = '''class Dual:
    """a + b e with e**2 = 0: a value and its derivative along a direction; both may be Duals themselves."""

    __array_ufunc__ = None  # so that numpy leaves operations with its arrays to this class

    def __init__(self, a, b):
        self.a, self.b = a, b
        self.ndim = a.ndim

    def __add__(self, other):
        a, b = parts(other)
        return Dual(self.a + a, self.b + b)

    def __mul__(self, other):
        a, b = parts(other)
        return Dual(self.a*a, self.a*b + self.b*a)

    def __matmul__(self, other):
        a, b = parts(other)
        return Dual(self.a @ a, self.a @ b + self.b @ a)

    def __rmatmul__(self, other):
        return Dual(other @ self.a, other @ self.b)

    def __pow__(self, n):
        return Dual(self.a**n, n*self.a**(n - 1)*self.b)

    def __neg__(self):
        return Dual(-self.a, -self.b)

    def __sub__(self, other):
        return self + -other

    def __rsub__(self, other):
        return -self + other

    def __truediv__(self, other):
        return self*other**-1.0

    def __rtruediv__(self, other):
        return other*self**-1.0

    def __abs__(self):
        return self*sign(self)

    def __gt__(self, other):
        return self.a > parts(other)[0]

    def __lt__(self, other):
        return self.a < parts(other)[0]

    def __len__(self):
        return len(self.a)

    def sum(self, **axes):
        return Dual(self.a.sum(**axes), self.b.sum(**axes))

    __radd__, __rmul__ = __add__, __mul__
    T = property(lambda self: Dual(self.a.T, self.b.T))


def parts(x):
    return (x.a, x.b) if isinstance(x, Dual) else (x, 0*x)
'''
_DUAL_ALONG = '''def along(f, x, *directions):
    """f at x, differentiated once along every direction."""
    for v in directions:
        x = Dual(x, v)
    y = f(x)
    for _ in directions:
        y = parts(y)[1]
    return y
'''
_WHERE = '''def where(c, x, y):
    if isinstance(x, Dual) or isinstance(y, Dual):
        return Dual(*(where(c, a, b) for a, b in zip(parts(x), parts(y))))
    return np.where(c, x, y)
'''


def _lifted(name: str, own: str, slope: str) -> str:
    """A function of one number, on arrays and Duals."""
    return f"def {name}(x):\n    return Dual({name}(x.a), {slope}*x.b) if isinstance(x, Dual) else {own}\n"


_SLOPES = {
    "sign": ("np.sign(x)", "0"), "exp": ("np.exp(x)", "exp(x.a)"), "log": ("np.log(x)", "x.a**-1.0"),
    "sin": ("np.sin(x)", "cos(x.a)"), "cos": ("np.cos(x)", "-sin(x.a)"), "tanh": ("np.tanh(x)", "(1 - tanh(x.a)**2)"),
    "atan": ("np.arctan(x)", "(1 + x.a**2)**-1.0"),
}  # fmt: skip
_LIFTED = {name: _lifted(name, own, slope) for name, (own, slope) in _SLOPES.items()} | {
    "sigmoid": "def sigmoid(x):\n    return (1 + exp(-x))**-1.0\n", "softplus": "def softplus(x):\n    return log(1 + exp(x))\n",
}  # fmt: skip
_GIVEN_MAP = "{0}(x, v1, ..., vk) is a map at x, differentiated once along every direction."
_GIVEN = "derivative(v1, ..., vk) is the {what} at theta, differentiated once along every direction; theta {array}."
PYTHON = Target(
    "python",
    Spelling("**", "#", _functions("np.", atan="np.arctan", size="np.size"), "np.sum({})", names=_PYTHON | {"np", "layers"}),
    "import numpy as np\n",
    Shape("theta", _GIVEN.replace("{array}", "a numpy array"), given_map=_GIVEN_MAP),
    Shape("theta", _GIVEN.replace("{array}", "a matrix"), given_map=_GIVEN_MAP),
    _HEAD.replace("{function}", "derivative"),
    {
        "Dual": _DUAL, "along": _DUAL_ALONG, **_ARRAYS,
        "total": "def total(x):\n    return x.sum()\n", "mean": "def mean(x):\n    return x.sum()/(0*x + 1).sum()\n",
        "trace": "def trace(x):\n    return (np.eye(len(x))*x).sum()\n", "eye": "def eye(x):\n    return np.eye(len(x))\n",
        "where": _WHERE, **_LIFTED,
    },
    {"layers": _VECTOR_LAYERS.replace("torch.zeros_like(x).index_add(0, layer, x)", "np.bincount(layer, x)")},
    needs={
        "Dual": ("sign",), "sigmoid": ("exp",), "softplus": ("exp", "log"), "sin": ("cos", "Dual"), "cos": ("sin", "Dual"),
        **dict.fromkeys(("sign", "along", "where", "exp", "log", "tanh", "atan"), ("Dual",)),
    },
    matrix_check=_CHECK, differentiates=False,
)  # fmt: skip

# ------------------------------------------------------------------------------------------ Julia

_JULIA_HEAD = '''"""
{about}
"""
function {name}({function}, {first}{arguments})
'''
_JULIA_SHAPE = Shape(
    "theta", "`{function}(theta)` is {value}, `theta` a vector.", _GRADIENT, ("x -> ForwardDiff.gradient(loss, x)", "field"),
)  # fmt: skip
JULIA = _Julia(
    "julia",
    Spelling(
        "^", "#", _functions("", size="length", total="sum"), "sum({})", "@. ",
        frozenset((
            "loss", "field", "theta", "gamma", "gradient", "derivative", "along", "layer", "layers", "value", "end", "function",
            "let", "for", "if", "else", "begin", "local", "global", "const", "do", "while", "in", "sum", "length", "true",
            "false", "try", "catch", "return", "struct", "module", "using", "import", "export", "quote", "macro", "break",
            "continue", "ifelse", "permutedims", "abs", "sign", "exp", "log", "sin", "cos", "tanh", "atan",
        )),
        product="*", transposed="permutedims({})",
    ),
    "using ForwardDiff\n",
    _JULIA_SHAPE, replace(_JULIA_SHAPE, given=_JULIA_SHAPE.given.replace("a vector", "a matrix")),
    _JULIA_HEAD,
    {
        "slope": "# f differentiated along v\nslope(f, v) = x -> ForwardDiff.derivative(s -> f(x .+ s .* v), 0.0)\n",
        "along": "along(f, x, directions...) = foldl(slope, directions; init=f)(x)\n",
        "norm": "norm(x) = sqrt(sum(x .^ 2))\n", "mean": "mean(x) = sum(x) / length(x)\n",
        "rows": "rows(x) = sum(x; dims=2) .+ 0 .* x\n", "columns": "columns(x) = sum(x; dims=1) .+ 0 .* x\n",
        "trace": "trace(x) = sum(x[i, i] for i in axes(x, 1))\n",
        "eye": "eye(x) = [i == j ? one(eltype(x)) : zero(eltype(x)) for i in axes(x, 1), j in axes(x, 1)]\n",
        "choose": "choose(c, x, y) = ifelse.(c, x, y)\n",
    },
    {
        "layers": "function layers(x)\n    sums = Dict(l => sum(x[layer .== l]) for l in unique(layer))\n"
        "    return [sums[l] for l in layer]\nend\n",
    },
    needs={"along": ("slope",)}, value="loss({first})", end="end\n", margin="", between="\n",
    matrix_check='ndims({0}) == 2 || error("{1} is a map of matrices")',
)  # fmt: skip
CODE = {t.name: t for t in (JAX, TORCH, PYTHON, JULIA)}
