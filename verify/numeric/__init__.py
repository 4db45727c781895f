"""The numerical routes: slopes, recovered coefficients, closed forms on quadratics, starts from rest."""
