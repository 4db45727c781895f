"""What a modified equation says: its loss, second-order form, accuracy, stability, energy, inverse, initial layer.

    theta' = -grad V                modified_loss     V = V_0 + gamma V_1 + ..., as far as it exists
    theta'' = S(theta, theta')      second_order      the velocity eliminated
    residual of a target ODE        accuracy          its leading power of gamma and coefficient
    det(z E - M(gamma h))           stability         the interval of gamma h with all roots inside the unit disc
    dE/dt = 0                       modified_energy   E = |eta|^2/2 + L + gamma E_1 + ...
    scheme[f~] = limit flow         modifying_field   f~ = f + gamma f~_1 + ...
    theta(0) = theta_0 + c          initial_layer     c = gamma c_1 + ..., from rest
    g(theta + c) = D(theta + c) f   compare           same fields, or the same up to a change of variables

and of the generator G of a stochastic scheme:

    S = E (A S A^T + b b^T)         stationary        variance and temperature on a quadratic, exactly
    a = div D - D grad V            stationary_density   exp(-V) for any loss, and detailed balance
    G_A = G_B through gamma^k       laws              two schemes in law, scaling rules, the first forests that differ
    :exp(K): exp(n gamma G)         initial_law       the random start of the modified law, from rest

Each is a function that returns a frozen dataclass, and a command.  Functions are imported from their modules:

>>> from derive.readings.stability import stability
>>> stability("nesterov").interval
('0', '2*(1 + beta)/(1 + 2*beta)')
"""
