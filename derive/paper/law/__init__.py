"""An article on the law of a stochastic optimizer: from the update to the generator, read as drift and diffusion.

    E phi(theta_n) = sum_F w_F(n)/sigma(F) F(phi)(theta_0) = (exp(n gamma G) phi)(theta_0),    gamma G = [n^1] of that sum

context     the equation, a notation, the losses of an example
opening     title, abstract, the scheme, one step as a random map
forests     tied forests, the difference equation of their weights, the table of both
result      generator, drift, diffusion matrix, what is beyond
example     the generator at a point of sample losses
document    all sections, what was verified, sources
"""
