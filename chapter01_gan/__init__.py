"""Chapter 1: the first GAN draws digits (Goodfellow et al. 2014).

In reading order:

    config: every option with its default, meaning and source
    networks: generator and discriminator of dense layers
    image_sets: the files of MNIST and of sets like it, found by their names
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

from common.startup import attach

# Each name is imported when it is first used: TensorFlow takes seconds.
__getattr__, __dir__, __all__ = attach(
    __name__,
    plain={
        "config": ["Config", "PRESETS"],
        "data": ["describe", "load_split", "make_data"],
        "stabilising.compare": ["compare"],
        "theory.divergences": ["draw_divergences"],
        "theory.nash": ["draw_nash"],
    },
    with_tensorflow={
        "networks": ["build_discriminator", "build_generator"],
        "training": ["build_model", "train"],
        "generation": ["generate", "interpolate", "sample"],
        "evaluation": ["test"],
        "tuning": ["make_objective"],
    },
)
