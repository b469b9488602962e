"""Why GANs minimise the divergence that they do, and what an equilibrium is.

In reading order:

    divergences: why the Kullback-Leibler divergence is no distance
    nash: the prisoner's dilemma, and the game in which gradients circle
"""
