"""Weak modified equations: the generator that the law of a stochastic optimizer follows, to any order in gamma.

    forests     tied forests, their normal form, symmetry and text
    constants   roots, exponentials and functions of time in a text
    lines       the text run on linear forms, its gradients, functions and normal vectors noted
    steps       one step, in lines that can be walked backwards
    builder     the step of a text: slow and fast variables, what these follow, and the lines
    series      power series in gamma
    enumeration the tied forests that can arise
    weights     how often a tied forest arises in n steps, a polynomial in n
    generator   G, power by power of gamma
    epochs      how often a tied forest arises in n epochs, each a random order of the same batches
    reshuffled  G of these epochs
    start       what memory adds to the law that starts at rest
    quadratic   one step on a quadratic loss, and the second moments that it leaves as they are
    sampling    a text without noise read as one of samples, and means over batches
    sums        linear combinations of tied forests, read by their text
"""
