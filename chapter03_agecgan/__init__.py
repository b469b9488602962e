"""Chapter 3: the Age-cGAN makes faces of a given age and ages photos (Antipov 2017).

In reading order:

    config: every option with its default, meaning and source
    networks: generator, discriminator and encoder
    data: photos with ages, or procedural people
    training: `train`: the three stages one after the other
    generation: new faces at every age
    evaluation: ages hit, persons kept, closeness to photos
    tuning: what `tune` searches and measures
    ages: the six classes of ages
    learnt: which of them a run has learnt
    stages: the losses and networks of each stage
    recognition: networks that recognise people
    evaluators: the age classifier and the face verifier that `test` uses
    ageing: the command `age`
    photos: from any photo to the face that the network expects
    labels: data sets of photos with ages
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
    },
    with_tensorflow={
        "networks": ["build_discriminator", "build_encoder", "build_generator"],
        "training": ["train"],
        "generation": ["generate", "sample"],
        "evaluation": ["test"],
        "ageing": ["age"],
        "tuning": ["make_objective"],
    },
)
