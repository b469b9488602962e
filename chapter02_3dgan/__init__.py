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
