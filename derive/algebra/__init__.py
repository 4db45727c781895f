"""Exact algebra of terms: it knows derivatives, products, powers and polynomials in n, and no optimizer.

factored       a factorisation as data, with its text
polynomials    factors of polynomials, and polynomials as tuples of whole numbers
coefficients   rational functions of the parameters (and of n), denominators kept factored
terms          d^(k+1)L[m_1, ..., m_k], products at an index, powers, contractions; hash-consed; as text
functions      the functions whose derivatives are nodes: their variables, and whether they are gradients
fold           what a term contains, and its value by structural recursion
normal         sums of terms and their products, in normal form
words          products of matrices, transposes, traces
powers         rational powers and absolute values of sums
sums           derivatives, grafting, contraction, equality: the algebra
calculus       derivatives of sums along a direction, gradients of scalars
frozen         sums as plain tuples, and back into another algebra
ansatz         linear problems over terms
rooted         rooted trees as terms, their symmetry, the free tree of each
linear         small dense matrices over rational functions
sequences      polynomials in n and decaying exponentials: sum, relaxation, shift, values
"""
