"""Study: the 3D-VAE-GAN makes a shape of one photo (Wu et al. 2016, section 3.2).

In reading order:

    config: every option with its default, meaning and source
    networks: the encoder in front of chapter 2's generator
    data: photos with their shapes: renders, your own, or procedural ones
    training: the losses of all three phases, and `train`
    reconstruction: the shape in a photo, as files
    generation: new shapes from the prior, and the way between two photos
    evaluation: scores against baselines on held-out photos
    tuning: what `tune` searches and measures
    renders: pictures of shapes over rooms
    data_sets: the layouts that `data` reads
    photos: cutting a photo to its object, and changing training photos at random
    preparation: photos of your own shapes or meshes
    prediction_scores: IoU, its threshold, and average precision
    baselines: the mean shape, retrieval, and fitted latents
    ikea_protocol: photos of real furniture, in the best alignment
    slider_page: a page on which sliders change the shape of a photo
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
        "preparation": ["render"],
    },
    with_tensorflow={
        "networks": ["build_discriminator", "build_encoder", "build_generator"],
        "training": ["build_model", "train"],
        "reconstruction": ["reconstruct"],
        "generation": ["generate", "interpolate", "sample"],
        "evaluation": ["test"],
        "tuning": ["make_objective"],
    },
)
