"""Chapter 3: Age-cGAN makes faces of a given age, and ages photos (Antipov 2017)."""

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
