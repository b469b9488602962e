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
    stages: the losses and networks of each stage
    recognition: networks that recognise people
    evaluators: the age classifier and the face verifier that `test` uses
    ageing: the command `age`
    photos: from any photo to the face that the network expects
    labels: data sets of photos with ages
    commands: the options of each command
    main: the command line
"""

import lazy_loader

# TensorFlow takes seconds to import, so each name is looked up when first used.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "networks": ["build_discriminator", "build_encoder", "build_generator"],
        "training": ["train"],
        "evaluation": ["test"],
    },
)
