"""Chapter 5: SRGAN enlarges images four times (Ledig et al. 2017).

In reading order:

    config: every option with its default, meaning and source
    networks: generators and discriminators
    data: any folder of photos, or procedural scenes; crops of them
    training: the losses of both stages, and `train`
    generation: enlarged crops and files from a trained run
    evaluation: closeness to the originals, and realism
    tuning: what `tune` searches and measures
    content_loss: features whose difference is the content loss
    pixel_scores: PSNR and SSIM
    perceptual_scores: whether enlarged images have the detail of photos
    cost: parameters, operations and memory of a network
    upscaling: the command `upscale`
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
        "networks": ["build_discriminator", "build_generator"],
        "training": ["build_srgan_model", "build_srresnet_model", "train"],
        "generation": ["generate", "sample", "upscale"],
        "evaluation": ["test"],
        "cost": ["compare_variants"],
        "tuning": ["make_objective"],
    },
)
