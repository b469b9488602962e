"""Chapter 4: DCGAN draws anime faces (Radford et al. 2016).

In reading order:

    config: every option with its default, meaning and source
    networks: generator and discriminator of convolutions
    data: any folder of images, or procedural faces
    training: the losses of both networks, and `train`
    generation: new faces, and walks between latents
    evaluation: scores against held-out drawings
    tuning: what `tune` searches and measures
    arithmetic: sums of latents
    embedding: the discriminator's features as a file, and a linear probe
    face_crops: faces found in drawings and cut out
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
