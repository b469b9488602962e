"""smallNORB: DCGAN, CapsGAN and AEGAN draw toys seen from all sides.

In reading order:

    config: every option with its default, meaning and source
    conditions: labels as numbers: class, azimuth, elevation, lighting
    networks: the light generator, discriminators, capsules and encoder
    published_networks: those of the seed, for comparison
    data: smallNORB's files, or procedural toys
    data_sets: the formats that `data` reads
    models: the losses of each model
    training: `train` for all models
    learnt_views: the poses and lightings that a run has seen
    generation: new toys, labels to ask for, and walks between latents
    viewpoints: toys that turn, and stereo pairs in depth
    reconstruction: any picture through AEGAN's encoder and back
    camera_images: images of one or two cameras to look at, and pictures as input
    evaluation: scores against held-out toys
    label_scores: classes and poses that are recognised in images
    pose_regression: the network that reads poses
    model_scores: reconstructions of AEGAN, capsules of CapsGAN
    score_sheets: images by class, and reconstructions
    few_labels: classifiers that begin with what a GAN has learnt
    export: the images of a data set as PNG files
    tuning: what `tune` searches and measures
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
        "export": ["export"],
    },
    with_tensorflow={
        "networks": [
            "build_discriminator",
            "build_encoder",
            "build_generator",
        ],
        "training": ["build_model", "train"],
        "generation": ["generate", "interpolate", "random_labels", "sample"],
        "viewpoints": ["stereo", "turntable"],
        "reconstruction": ["reconstruct"],
        "evaluation": ["test"],
        "few_labels": ["semi_supervised"],
        "tuning": ["make_objective"],
    },
)
