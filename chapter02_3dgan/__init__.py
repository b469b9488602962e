"""Chapter 2: the 3D-GAN makes voxel shapes (Wu et al. 2016).

In reading order:

    config: every option with its default, meaning and source
    networks: generator and discriminator of 3-D convolutions
    data: 3D ShapeNets, own shapes, or procedural ones
    training: the losses of both networks, and `train`
    generation: new shapes as files, walks and sums of latents
    evaluation: scores against held-out shapes
    tuning: what `tune` searches and measures
    classification: the discriminator's features and a linear SVM
    preparation: meshes to the voxel files that training reads
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
        "preparation": ["prepare"],
    },
    with_tensorflow={
        "networks": ["build_discriminator", "build_generator"],
        "training": ["build_model", "train"],
        "generation": ["generate", "interpolate", "latent_arithmetic", "sample"],
        "evaluation": ["test"],
        "classification": ["classify"],
        "tuning": ["make_objective"],
    },
)
