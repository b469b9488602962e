"""Chapter 5: SRGAN enlarges pictures four times (Ledig et al. 2017)."""

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
