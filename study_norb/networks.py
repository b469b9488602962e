"""The networks of all three models in their light variant.

One skeleton serves all: a generator that doubles a small map to an image, and a body
that halves an image to a small map, on which discriminators and the encoder stand. The
seed's networks, which the variant "published" builds, are in published_networks.py.
"""

import keras
from keras import layers

from common.layers.capsules import CapsuleLengths, Capsules, Squash
from study_norb import published_networks as published
from study_norb.conditions import label_parts, label_size
from study_norb.config import Config

HE = "he_normal"
# Edge of the smallest map. At 6, D saw the parts of an image but not the whole.
SMALLEST = 3
# Length of the image features that are compared with a label, or guess it.
FEATURES = 128
# Numbers in a primary capsule [Sabour et al. 2017, section 4].
CAPSULE = 8
# Units of the layers of AEGAN's discriminator of latents.
LATENT_UNITS = (128, 128)


def build_generator(config: Config) -> keras.Model:
    """Build the network that makes an image from a latent and, perhaps, a label.

    Args:
        config: uses model, variant, size, cameras, labels, classes, latent_dim and
            filters.

    Returns:
        z (B, latent_dim), or [z, label (B, d)], -> images (B, S, S, C), float32 in
        [-1, 1].

    Reference: Radford et al. 2016, arXiv:1511.06434, figure 1.
    """
    latent = keras.Input((config.latent_dim,), name="z")
    inputs, x = latent, latent
    if config.labels != "none":
        label = keras.Input((label_size(config),), name="label")
        inputs, x = [latent, label], layers.Concatenate()([latent, label])
    if config.variant == "published":
        x = published.generator_layers(config, x)
    else:
        x = _generator_layers(config, x)
    images = layers.Activation("tanh", dtype="float32")(x)
    return keras.Model(inputs, images, name="generator")


def build_discriminator(config: Config) -> keras.Model:
    """Build the network that discriminates real images from generated ones.

    Args:
        config: uses model, variant, size, cameras, labels, condition, classes,
            filters, d_filters and the options of capsules.

    Returns:
        images (B, S, S, C) in [-1, 1] -> logit (B, 1), float32. Differently:
        with the condition "projection": [images, label (B, d)] -> logit (B, 1);
        with "auxiliary": images -> [logit (B, 1), guess of the label (B, d)];
        the light capsgan: images -> lengths (B, K + 1) of one capsule for each class
        (one, "real", without labels) and of the last one, "generated", in [0, 1);
        with labels [lengths, guess].

    Reference: Radford et al. 2016, arXiv:1511.06434, section 3; Sabour et al. 2017,
        arXiv:1710.09829, section 4; Miyato and Koyama 2018, arXiv:1802.05637,
        equation 4; Odena et al. 2017, arXiv:1610.09585, section 3.
    """
    shape = (config.size, config.size, config.channels)
    images = keras.Input(shape, name="images")
    if config.variant == "published":
        logit = published.discriminator_layers(config, images)
        return keras.Model(images, _float32(logit), name="discriminator")
    if config.model == "capsgan":
        outputs = _capsule_outputs(config, images)
        return keras.Model(images, outputs, name="discriminator")
    x = layers.Flatten()(halved(config, images))
    if config.labels == "none":
        logit = layers.Dense(1, kernel_initializer=HE)(x)
        return keras.Model(images, _float32(logit), name="discriminator")
    x = layers.Dense(FEATURES, kernel_initializer=HE)(x)
    features = layers.LeakyReLU(0.2, name="features")(x)  # (B, 128)
    logit = layers.Dense(1)(features)
    if config.condition == "auxiliary":
        guess = layers.Dense(label_size(config))(features)
        outputs = [_float32(logit), _float32(guess)]
        return keras.Model(images, outputs, name="discriminator")
    # w . f(x) + b says whether the image is real, (V y) . f(x) whether y is its label.
    label = keras.Input((label_size(config),), name="label")
    match = layers.Dense(FEATURES, use_bias=False)(label)
    match = layers.Dot(axes=1)([match, features])
    logit = layers.Add()([logit, match])
    return keras.Model([images, label], _float32(logit), name="discriminator")


def build_encoder(config: Config) -> keras.Model:
    """Build AEGAN's network that maps an image to its latent.

    Args:
        config: uses variant, size, cameras, latent_dim, filters and d_filters.

    Returns:
        images (B, S, S, C) in [-1, 1] -> z (B, latent_dim), float32.

    Reference: Lazarou 2020, arXiv:2004.05472, section 3.
    """
    shape = (config.size, config.size, config.channels)
    images = keras.Input(shape, name="images")
    if config.variant == "published":
        latent = published.encoder_layers(config, images)
    else:
        x = layers.Flatten()(halved(config, images))
        latent = layers.Dense(config.latent_dim)(x)
    return keras.Model(images, _float32(latent), name="encoder")


def build_latent_discriminator(config: Config) -> keras.Model:
    """Build AEGAN's D_z, which discriminates latents of the prior from encoded ones.

    Args:
        config: uses variant and latent_dim.

    Returns:
        z (B, latent_dim) -> logit (B, 1), float32.

    Reference: Lazarou 2020, arXiv:2004.05472, section 3.
    """
    latent = keras.Input((config.latent_dim,), name="z")
    if config.variant == "published":
        logit = published.latent_discriminator_layers(latent)
    else:
        x = latent
        for units in LATENT_UNITS:
            x = layers.LeakyReLU(0.2)(layers.Dense(units, kernel_initializer=HE)(x))
        logit = layers.Dense(1)(x)
    return keras.Model(latent, _float32(logit), name="latent_discriminator")


def build_autoencoder(generator: keras.Model, encoder: keras.Model) -> keras.Model:
    """Join G and E: [z (B, d), images x] -> [G(z), G(E(x))], one above the other.

    Args:
        generator: z -> images.
        encoder: images -> z.

    Returns:
        The network; its output is (B, 2 S, S, C). Both parts are layers of it, named
        "generator" and "encoder".
    """
    latent, images = (keras.Input(net.input.shape[1:]) for net in (generator, encoder))
    made = [generator(latent), generator(encoder(images))]
    joined = layers.Concatenate(axis=1)(made)
    return keras.Model([latent, images], joined, name="autoencoder")


def doublings(config: Config) -> int:
    """Return how often a map of 3 x 3 is doubled to the image's size: 4 at 48."""
    return {48: 4, 96: 5}[config.size]


def _float32(x: keras.KerasTensor) -> keras.KerasTensor:
    """Return outputs in float32, even if the other layers compute in less."""
    return layers.Activation("linear", dtype="float32")(x)


def _generator_layers(config: Config, x: keras.KerasTensor) -> keras.KerasTensor:
    """Project to 3 x 3, then double the edge by transposed convolutions."""
    widths = [config.filters * 2**i for i in reversed(range(doublings(config)))]
    # No bias: BatchNorm has its own.
    options = {"use_bias": False, "kernel_initializer": HE}
    if config.labels == "pose":
        # Class and azimuth act together: a layer that mixes them, before the map.
        x = layers.Dense(2 * FEATURES, **options)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Dense(SMALLEST**2 * widths[0], **options)(x)
    x = layers.Reshape((SMALLEST, SMALLEST, widths[0]))(x)  # (B, 3, 3, 128)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for width in widths[1:]:
        # (B, 6, 6, 64), (B, 12, 12, 32), (B, 24, 24, 16)
        x = layers.Conv2DTranspose(width, 4, strides=2, padding="same", **options)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    # (B, 48, 48, 1)
    return layers.Conv2DTranspose(
        config.channels, 4, strides=2, padding="same", kernel_initializer=HE
    )(x)


def halved(
    config: Config, x: keras.KerasTensor, halvings: int | None = None
) -> keras.KerasTensor:
    """Halve the edge of images by convolutions until it is 3, without normalisation.

    Args:
        config: uses size, filters and d_filters.
        x: images (B, S, S, C).
        halvings: number of convolutions; by default as many as lead to 3 x 3.
    """
    filters = config.d_filters or config.filters
    for number in range(doublings(config) if halvings is None else halvings):
        # (B, 24, 24, 16), (B, 12, 12, 32), (B, 6, 6, 64), (B, 3, 3, 128)
        x = layers.Conv2D(
            filters * 2**number, 4, strides=2, padding="same", kernel_initializer=HE
        )(x)
        x = layers.LeakyReLU(0.2)(x)
    return x


def _capsule_outputs(config: Config, images: keras.KerasTensor) -> list | object:
    """Return the lengths of the output capsules and, with labels, the guess.

    The map of 6 x 6 consists of primary capsules instead of features: at each place
    `capsule_types` vectors of 8 numbers.
    """
    x = halved(config, images, doublings(config) - 2)  # (B, 12, 12, 32)
    x = layers.Conv2D(
        CAPSULE * config.capsule_types,
        4,
        strides=2,
        padding="same",
        kernel_initializer=HE,
    )(x)
    # (B, 288, 8), with 8 types. No BatchNorm: it would destroy the lengths' meaning.
    primary = Squash(name="primary")(layers.Reshape((-1, CAPSULE))(x))
    # One capsule for each class and one for generated images; in float32, because
    # the agreement is a difference of small numbers.
    kinds = max(1, sum(n for name, n in label_parts(config) if name == "class"))
    vectors = Capsules(
        kinds + 1,
        config.capsule_size,
        config.routings,
        name="capsules",
        dtype="float32",
    )(primary)
    found = CapsuleLengths(name="lengths", dtype="float32")(vectors)
    if config.labels == "none":
        return found
    # The vectors hold the state of what is seen, so the pose is read from them.
    guess = layers.Dense(label_size(config))(layers.Flatten()(vectors))
    return [found, _float32(guess)]
