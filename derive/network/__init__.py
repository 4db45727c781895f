"""Modified equations as functions of parameters of any size: of a network, a tree of arrays, ten thousand points at once.

    f = modified_equation("adam", 1).function(loss, backend="jax")
    f(params, hyper={"beta1": 0.9, "beta2": 0.99, "eps": 1e-3})["theta"]      # [f_0, f_1], trees like params

The loss is differentiated and nothing else: d^(k+1)L[m_1, ..., m_k] is the gradient, differentiated along m_1, ..., m_k.
"""

from derive.network.function import FieldFunction, field_function

__all__ = ["FieldFunction", "field_function"]
