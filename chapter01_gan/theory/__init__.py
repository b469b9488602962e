"""The theory of GANs: divergences and Nash equilibria.

In reading order:

    divergences: why the Kullback-Leibler divergence is not a distance
    nash: the prisoner's dilemma, and a game in which gradient steps circle
"""
