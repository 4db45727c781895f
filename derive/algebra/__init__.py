"""Exact algebra of terms: it knows derivatives, products, powers and polynomials in n, and no optimizer.

coefficients   rational functions of the parameters (and of n), denominators kept factored
terms          d^(k+1)L[m_1, ..., m_k], products at an index, powers, contractions; hash-consed
sums           linear combinations of terms: product, power, contraction, grafting
sequences      polynomials in n: sum, relaxation, shift, values
"""
