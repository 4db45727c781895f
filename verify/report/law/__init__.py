"""The page on a law: an ensemble of paths on quadratic losses, beside the mean and covariance of the generator cut off.

    ensemble    paths, and moments exactly and by exp(t G_k), for several steps and batch sizes
    page        sections, table, the data of the picture; law.js draws
"""
