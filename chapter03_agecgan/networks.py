"""Generator, discriminator and encoder of the Age-cGAN, in two variants.

"book" has the networks of the book's chapter 3. "projection" has lighter ones: strided
convolutions, and a discriminator that compares image and age by an inner product.
"""

import math

import keras
from keras import layers

from chapter03_agecgan.ages import AGE_CLASSES
from chapter03_agecgan.config import Config

CHANNELS = 3
AGES = len(AGE_CLASSES)
# Length of the image features and of the age embeddings in their inner product.
FEATURES = 128
# Name of the layer of D, in the variant projection, that gives the logits of an image
# at all six ages.
EACH_AGE = "logit_of_each_age"
HE = "he_normal"


def build_generator(config: Config) -> keras.Model:
    """Build the network that makes a face from a latent and an age.

    Args:
        config: uses variant, size, latent_dim and, for the variant projection,
            filters.

    Returns:
        [z (B, latent_dim), age one-hot (B, 6)] -> images (B, S, S, 3), float32 in
        [-1, 1].

    Reference: Antipov et al. 2017, arXiv:1702.01983, section 2; the book's chapter
        3, table of the generator.
    """
    latent = keras.Input((config.latent_dim,), name="z")
    age = keras.Input((AGES,), name="age")
    joined = layers.Concatenate()([latent, age])  # (B, 106)
    builders = {"projection": _strided_generator, "book": _book_generator}
    images = builders[config.variant](config, joined)  # (B, 64, 64, 3)
    # The output is float32 even if the other layers compute in lower precision.
    images = layers.Activation("tanh", dtype="float32")(images)
    return keras.Model([latent, age], images, name="generator")


def build_discriminator(config: Config) -> keras.Model:
    """Build the network that discriminates real pairs (face, age) from others.

    In the variant projection, the layer named EACH_AGE gives all six logits of an
    image at once.

    Args:
        config: uses variant, size and, for the variant projection, filters.

    Returns:
        [images (B, S, S, 3) in [-1, 1], age one-hot (B, 6)] -> logit (B, 1), float32.

    Reference: Miyato and Koyama 2018, arXiv:1802.05637, equation 4 (projection);
        the book's chapter 3, table of the discriminator.
    """
    images = keras.Input((config.size, config.size, CHANNELS), name="images")
    age = keras.Input((AGES,), name="age")
    builders = {"projection": _projection, "book": _book_logit}
    logit = builders[config.variant](config, images, age)  # (B, 1)
    logit = layers.Activation("linear", dtype="float32")(logit)
    return keras.Model([images, age], logit, name="discriminator")


def build_encoder(config: Config) -> keras.Model:
    """Build the network that guesses the latent of a face.

    Args:
        config: uses variant, size, latent_dim and, for the variant projection,
            filters.

    Returns:
        images (B, S, S, 3) in [-1, 1] -> z (B, latent_dim), float32.

    Reference: Antipov et al. 2017, arXiv:1702.01983, section 2.2; the book's
        chapter 3, table of the encoder.
    """
    images = keras.Input((config.size, config.size, CHANNELS), name="images")
    builders = {"projection": _strided_encoder, "book": _book_encoder}
    latent = builders[config.variant](config, images)  # (B, 100)
    latent = layers.Activation("linear", dtype="float32")(latent)
    return keras.Model(images, latent, name="encoder")


def stages(config: Config) -> int:
    """Return how many halvings lead from images of edge `size` to a 4 x 4 grid."""
    return int(math.log2(config.size // 4))


def _strided_generator(config: Config, x: keras.KerasTensor) -> keras.KerasTensor:
    """Project to a 4 x 4 grid, then double its edge by strided convolutions.

    The layers are like those of chapter 4.
    """
    first, *others = [config.filters * 2**i for i in reversed(range(stages(config)))]
    # No bias: BatchNorm has its own.
    options = {"use_bias": False, "kernel_initializer": HE}
    x = layers.Dense(4 * 4 * first, **options)(x)
    x = layers.Reshape((4, 4, first))(x)  # (B, 4, 4, 128)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for width in others:
        # (B, 8, 8, 64), (B, 16, 16, 32), (B, 32, 32, 16)
        x = layers.Conv2DTranspose(width, 4, strides=2, padding="same", **options)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    return layers.Conv2DTranspose(
        CHANNELS, 4, strides=2, padding="same", kernel_initializer=HE
    )(x)  # (B, 64, 64, 3)


def _halved(config: Config, x: keras.KerasTensor, norm: bool) -> keras.KerasTensor:
    """Halve the edge of images until it is 4, then flatten.

    With `norm`, every convolution but the first is followed by BatchNorm.
    """
    for number in range(stages(config)):
        # (B, 32, 32, 16), (B, 16, 16, 32), (B, 8, 8, 64), (B, 4, 4, 128)
        x = layers.Conv2D(
            config.filters * 2**number,
            4,
            strides=2,
            padding="same",
            kernel_initializer=HE,
        )(x)
        if norm and number:
            x = layers.BatchNormalization()(x)
        x = layers.LeakyReLU(0.2)(x)
    return layers.Flatten()(x)  # (B, 2048)


def _projection(
    config: Config, images: keras.KerasTensor, age: keras.KerasTensor
) -> keras.KerasTensor:
    """Return the logit w . f(x) + b + v_y . f(x).

    The first two terms say whether the image x is a real face, the last whether it has
    the age y.
    """
    x = layers.Dense(FEATURES, kernel_initializer=HE)(_halved(config, images, False))
    features = layers.LeakyReLU(0.2, name="features")(x)  # (B, 128)
    face = layers.Dense(1)(features)  # (B, 1)
    match = layers.Dense(AGES, use_bias=False)(features)  # (B, 6): v_y . f(x)
    # Repeat the first term: for a batch of six images, Keras 3.15 would take a summand
    # (B, 1) for the biases of six channels. The other term passes a layer as well, so
    # that D's variables keep the order that they have in earlier checkpoints.
    face = layers.Concatenate()([face] * AGES)  # (B, 6)
    match = layers.Activation("linear")(match)
    logits = layers.Add(name=EACH_AGE)([match, face])  # (B, 6)
    # The one-hot age selects one logit.
    return layers.Dot(axes=1)([logits, age])  # (B, 1)


def _strided_encoder(config: Config, x: keras.KerasTensor) -> keras.KerasTensor:
    """Halve the images until they are 4 x 4, then apply two dense layers."""
    x = _halved(config, x, True)
    x = layers.Dense(4 * FEATURES, kernel_initializer=HE)(x)
    x = layers.LeakyReLU(0.2)(layers.BatchNormalization()(x))
    return layers.Dense(config.latent_dim)(x)  # (B, 100)


def _book_generator(config: Config, x: keras.KerasTensor) -> keras.KerasTensor:
    """Apply two dense layers, then upsampling and convolution three times."""
    edge = config.size // 8
    x = layers.LeakyReLU(0.2)(layers.Dense(2048)(x))
    x = layers.Dropout(0.2)(x)  # (B, 2048)
    x = layers.Dense(edge * edge * 256)(x)  # (B, 16384)
    x = layers.LeakyReLU(0.2)(layers.BatchNormalization()(x))
    x = layers.Dropout(0.2)(x)
    x = layers.Reshape((edge, edge, 256))(x)  # (B, 8, 8, 256)
    for width in (128, 64):
        # (B, 16, 16, 128), (B, 32, 32, 64)
        x = layers.UpSampling2D()(x)
        x = layers.Conv2D(width, 5, padding="same")(x)
        x = layers.LeakyReLU(0.2)(layers.BatchNormalization(momentum=0.8)(x))
    x = layers.UpSampling2D()(x)  # (B, 64, 64, 64)
    return layers.Conv2D(CHANNELS, 5, padding="same")(x)  # (B, 64, 64, 3)


def _book_logit(
    config: Config, images: keras.KerasTensor, age: keras.KerasTensor
) -> keras.KerasTensor:
    """Apply strided convolutions; the age joins after the first as six planes."""
    x = layers.Conv2D(64, 3, strides=2, padding="same")(images)
    x = layers.LeakyReLU(0.2)(x)  # (B, 32, 32, 64)
    edge = config.size // 2
    planes = layers.Reshape((1, 1, AGES))(age)
    planes = layers.UpSampling2D(edge)(planes)  # (B, 32, 32, 6)
    x = layers.Concatenate()([x, planes])  # (B, 32, 32, 70)
    for width in (128, 256, 512):
        # (B, 16, 16, 128), (B, 8, 8, 256), (B, 4, 4, 512)
        x = layers.Conv2D(width, 3, strides=2, padding="same")(x)
        x = layers.LeakyReLU(0.2)(layers.BatchNormalization()(x))
    return layers.Dense(1)(layers.Flatten()(x))


def _book_encoder(config: Config, x: keras.KerasTensor) -> keras.KerasTensor:
    """Apply four strided convolutions and two dense layers.

    At 64 x 64 pixels, most of the weights are in the dense layer from 4096 values to
    4096 units.
    """
    for number, width in enumerate((32, 64, 128, 256)):
        # (B, 32, 32, 32), (B, 16, 16, 64), (B, 8, 8, 128), (B, 4, 4, 256)
        x = layers.Conv2D(width, 5, strides=2, padding="same")(x)
        if number:
            x = layers.BatchNormalization()(x)
        x = layers.LeakyReLU(0.2)(x)
    x = layers.Dense(4096)(layers.Flatten()(x))
    x = layers.LeakyReLU(0.2)(layers.BatchNormalization()(x))
    return layers.Dense(config.latent_dim)(x)
