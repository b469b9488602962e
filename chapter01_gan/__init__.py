"""Chapter 1: the first GAN draws digits (Goodfellow et al. 2014).

In reading order:

    config: every option with its default, meaning and source
    networks: generator and discriminator of dense layers
    data: MNIST's files, or procedural digits
    training: the losses of both networks, and `train`
    generation: new digits, and walks between latents
    evaluation: scores against held-out digits
    tuning: what `tune` searches and measures
    theory: divergences and Nash equilibria
    stabilising: the stabilising techniques compared
    commands: the options of each command
    main: the command line
"""

import lazy_loader

# TensorFlow takes seconds to import, so each name is looked up when first used.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "networks": ["build_discriminator", "build_generator"],
        "training": ["train"],
        "evaluation": ["test"],
    },
)
