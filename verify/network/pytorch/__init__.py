"""The optimizers of torch.optim on a module of torch, against the flows of the field in torch; neither JAX nor optax is needed.

module   a module and its loss as a function of the parameters      rows   the optimizers
runs     iterates, flows by scipy                                   experiment   `compare`, `paths`
along    `diagnose`
"""
