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

from common.startup import attach

# Each name is imported when it is first used: TensorFlow takes seconds.
__getattr__, __dir__, __all__ = attach(
    __name__,
    plain={
        "config": ["Config", "PRESETS"],
        "data": ["describe", "load_split", "make_data"],
        "face_crops.prepare": ["prepare"],
    },
    with_tensorflow={
        "networks": ["build_discriminator", "build_generator"],
        "training": ["build_model", "train"],
        "generation": ["generate", "interpolate", "sample"],
        "evaluation": ["test"],
        "arithmetic": ["latent_arithmetic"],
        "embedding": ["embed", "probe"],
        "tuning": ["make_objective"],
    },
)
