"""The networks of all three stages.

Those of shapes are chapter 2's. Those of textures are, in the sizes of the preset
`paper`, the published ones (Zhu et al. 2018, arXiv:1812.02725, section 3.3; sizes from
https://github.com/junyanz/VON); kernels and widths are options.
"""

import keras
from keras import layers, ops

from chapter02_3dgan import networks as chapter02
from study_von.config import Config
from study_von.sketches import DEPTH, SILHOUETTE, channels_of
from study_von.texture_field import build_texture_field

Tensor = keras.KerasTensor


def build_generator(config: Config, occupancy: float = 0.5) -> keras.Model:
    """Build the network that makes a shape from a latent: chapter 2's.

    Args:
        config: options of the run; see chapter 2's.
        occupancy: mean value of the training volumes, above 0 and below 1; used with
            bias_from_data only.

    Returns:
        z (B, latent_dim) -> volume (B, S, S, S, 1), float32 in [0, 1].
    """
    return chapter02.build_generator(config, occupancy)


def build_discriminator(config: Config) -> keras.Model:
    """Build the discriminator of shapes: chapter 2's.

    Args:
        config: options of the run; see chapter 2's.

    Returns:
        volume (B, S, S, S, 1) in [0, 1] -> logit (B, 1), float32.
    """
    return chapter02.build_discriminator(config)


def build_texture_generator(config: Config) -> keras.Model:
    """Build the network that makes an image of a sketch and a texture's latent.

    Args:
        config: uses texture, image_size, texture_width, texture_kernels and
            texture_latent_dim.

    Returns:
        [sketch (B, H, H, C), z (B, d)] -> image (B, H, H, 3), float32 in [-1, 1], white
        where the sketch has no object. See `sketches` for the C maps of a sketch.
    """
    maps = keras.Input(_square(config, channels_of(config)), name="sketch")
    latent = keras.Input((config.texture_latent_dim,), name="z")
    if config.texture == "field":
        colours = build_texture_field(config, maps, latent)
    else:
        colours = layers.Activation("tanh", dtype="float32")(
            _translate(config, maps[..., DEPTH], 3, latent)
        )
    silhouette = maps[..., SILHOUETTE]
    image = silhouette * colours + (1 - silhouette)
    return keras.Model([maps, latent], image, name="texture_generator")


def build_sketch_estimator(config: Config) -> keras.Model:
    """Build the network that guesses the depth of what a photo shows, E_2.5D.

    Args:
        config: uses image_size, texture_width and texture_kernels.

    Returns:
        image (B, H, H, 3) -> depth (B, H, H, 1), float32 in [-1, 1], -1 where there is
        no object.
    """
    images = keras.Input(_square(config, 3), name="image")
    x = _translate(config, images, 1)
    depth = layers.Activation("tanh", dtype="float32")(x)
    return keras.Model(images, depth, name="sketch_estimator")


def build_texture_encoder(config: Config) -> keras.Model:
    """Build the network that guesses the texture's latent of an image, E_texture.

    Args:
        config: uses image_size, texture_width, texture_kernels and texture_latent_dim.

    Returns:
        image (B, H, H, 3) -> mean (B, d) and log-variance (B, d) of a Gaussian, the
        latter at most 10.
    """
    images = keras.Input(_square(config, 3), name="image")
    width = config.of_texture("texture_width")
    x = _convolution(images, width, _ends(config))
    x = layers.Activation("relu")(x)
    for count in (2 * width, 4 * width, 4 * width):
        x = layers.Activation("relu")(_convolution(x, count, 4, 2))
    x = layers.GlobalAveragePooling2D()(x)
    mean = layers.Dense(config.texture_latent_dim, dtype="float32")(x)
    log_variance = layers.Dense(config.texture_latent_dim, dtype="float32")(x)
    log_variance = ops.minimum(log_variance, 10.0)
    return keras.Model(images, [mean, log_variance], name="texture_encoder")


def build_patch_discriminator(config: Config, channels: int, name: str) -> keras.Model:
    """Build a discriminator of patches at two scales.

    Args:
        config: uses image_size, texture_width.
        channels: 3 for images, 1 for depths.
        name: name of the network.

    Returns:
        image (B, H, H, channels) -> logits of its patches at full and at half size,
        (B, h, h, 1) and (B, h', h', 1), float32.
    """
    images = keras.Input(_square(config, channels), name="image")
    half = layers.AveragePooling2D(3, 2, "same")(images)
    width = config.of_texture("texture_width")
    logits = [_patches(images, width), _patches(half, max(1, width // 2))]
    return keras.Model(images, logits, name=name)


def build_image_discriminator(config: Config) -> keras.Model:
    """Build the discriminator of images.

    Args:
        config: uses texture, image_size, texture_width.

    Returns:
        For the published texture, see `build_patch_discriminator`. For the colour
        field image (B, H, H, 3) -> logit (B, 1): its images are smooth in each patch,
        and what a patch does not show, such as the colours of seat and legs, matters
        more.
    """
    if config.texture == "published":
        return build_patch_discriminator(config, 3, "image_discriminator")
    images = keras.Input(_square(config, 3), name="image")
    x, width = images, config.of_texture("texture_width")
    while x.shape[1] > 4:
        x = layers.Activation("leaky_relu")(_convolution(x, width, 4, 2, "same"))
        width *= 2
    logits = layers.Dense(1, dtype="float32")(layers.Flatten()(x))
    return keras.Model(images, logits, name="image_discriminator")


def _translate(
    config: Config, x: Tensor, channels: int, latent: Tensor | None = None
) -> Tensor:
    """Return an image (B, H, H, channels) of an image, by an encoder and a decoder.

    The latent, if any, joins the features in the middle and at each size of the
    decoder.
    """
    width = config.of_texture("texture_width")
    middle = 5 if config.texture_kernels == "published" else 3
    x = _normalised(_convolution(x, width, _ends(config)))
    for count in (2 * width, 4 * width):
        x = _normalised(_convolution(x, count, 4, 2))
    for _ in range(config.texture_blocks):
        x = _residual(x, 4 * width)
    x = _join(x, latent)
    for _ in range(config.texture_blocks):
        x = _residual(x, 4 * width)
    for count in (2 * width, width):
        x = layers.UpSampling2D(2)(x)
        # LayerNorm over the whole image keeps what InstanceNorm would take away: how
        # strong each feature is.
        x = _convolution(x, count, middle)
        x = layers.Activation("relu")(layers.GroupNormalization(1)(x))
        x = _join(x, latent)
    return _convolution(x, channels, _ends(config))


def _residual(x: Tensor, hidden: int) -> Tensor:
    """Add two convolutions of x to x."""
    branch = _normalised(_convolution(x, hidden, 3))
    branch = _instance_norm(_convolution(branch, x.shape[-1], 3))
    return layers.Add()([x, branch])


def _join(x: Tensor, latent: Tensor | None) -> Tensor:
    """Append the latent to the features of every pixel."""
    if latent is None:
        return x
    size, count = x.shape[1], latent.shape[-1]
    tiled = layers.UpSampling2D(size)(layers.Reshape((1, 1, count))(latent))
    return layers.Concatenate()([x, tiled])


def _patches(x: Tensor, width: int) -> Tensor:
    """Return the logits of an image's patches."""
    x = layers.Activation("leaky_relu")(_convolution(x, width, 4, 2, "same"))
    for count, stride in ((2 * width, 2), (4 * width, 1)):
        x = _instance_norm(_convolution(x, count, 4, stride, "same"))
        x = layers.Activation("leaky_relu")(x)
    x = _convolution(x, 1, 4, 1, "same")
    return layers.Activation("linear", dtype="float32")(x)


def _convolution(
    x: Tensor, filters: int, kernel: int, stride: int = 1, padding: str = "reflect"
) -> Tensor:
    """Convolve; by default the image is mirrored at its edges."""
    if padding == "reflect":
        # An even kernel with stride 2 needs the same on both sides.
        around = (kernel - 1) // 2
        spaces = [[0, 0], [around, around], [around, around], [0, 0]]
        x, padding = ops.pad(x, spaces, "reflect"), "valid"
    return layers.Conv2D(
        filters, kernel, stride, padding, kernel_initializer="he_normal"
    )(x)


def _normalised(x: Tensor) -> Tensor:
    return layers.Activation("relu")(_instance_norm(x))


def _instance_norm(x: Tensor) -> Tensor:
    """Normalise each feature over its image, without a scale and an offset."""
    return layers.GroupNormalization(-1, center=False, scale=False)(x)


def _ends(config: Config) -> int:
    """Return the edge of the first and the last kernel."""
    return 7 if config.texture_kernels == "published" else 3


def _square(config: Config, channels: int) -> tuple[int, int, int]:
    return (config.image_size, config.image_size, channels)
