"""Features whose difference is the content loss: VGG19's, or the discriminator's."""

from pathlib import Path
from typing import Literal

import keras
import tensorflow as tf
from keras import layers, ops

from chapter05_srgan.networks import CHANNELS, STAGES
from common.features.cached_network import float32
from common.features.keras_weights import KerasWeights

Tensor = tf.Tensor

# phi_{i,j} is the j-th convolution before the i-th pooling.
VGG_LAYERS = {"vgg22": "block2_conv2", "vgg54": "block5_conv4"}
VGG_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
_VGG19 = KerasWeights(
    name="VGG19",
    outputs="without its top",
    call="keras.applications.VGG19(include_top=False)",
    file=VGG_FILE,
    md5="253f8cb515780f3b799900260a226db6",
)
# Means of ImageNet over blue, green and red, which VGG19 was trained without.
VGG_MEANS = (103.939, 116.779, 123.68)
# Brings the features to about the size of pixels.
VGG_DIVISOR = 12.75


def vgg19(
    layer: Literal["vgg22", "vgg54"],
    weights: Path | None = None,
    *,
    before_activation: bool = False,
) -> keras.Model:
    r"""Load the part of VGG19 that gives one map of features; never downloads.

    $\phi_{i,j}(127.5 (x + 1) - \mu) / 12.75$ with the colours in the order blue,
    green, red; $\phi_{i,j}$ is the j-th convolution before the i-th pooling. To
    divide features is to weight their squared error by $12.75^{-2} = 0.006$. The
    network works in float32 whatever the number format of training is, and its
    weights are not trained.

    Args:
        layer: "vgg22" is $\phi_{2,2}$, "vgg54" is $\phi_{5,4}$.
        weights: a file .h5 or .weights.h5 of VGG19 without its dense layers;
            default Keras's own cache, $KERAS_HOME/models or ~/.keras/models.
        before_activation: features as they are before the ReLU.

    Returns:
        images (B, h, w, 3) in [-1, 1] -> features (B, h / 2, w / 2, 128) or
        (B, h / 16, w / 16, 512), float32.

    Raises:
        UserError: the file is missing, damaged or of another network.

    Reference: Ledig et al. 2017, arXiv:1609.04802, sections 2.2.1 and 3.2;
        Simonyan and Zisserman 2014, arXiv:1409.1556, table 1, column E;
        Wang et al. 2018, arXiv:1809.00219, section 3.3 (before the activation).
    """
    path, md5 = _VGG19.find(weights)
    with float32():
        whole = keras.applications.VGG19(include_top=False, weights=None)
        _VGG19.load_into(whole, path, md5)
        last = whole.get_layer(VGG_LAYERS[layer])
        features = _linear(last) if before_activation else last.output
        images = keras.Input((None, None, CHANNELS), name="images")
        offsets = [127.5 - mean for mean in VGG_MEANS]
        x = layers.Rescaling(127.5, offsets)(ops.flip(images, axis=-1))
        x = keras.Model(whole.input, features)(x)
        network = keras.Model(images, layers.Rescaling(1 / VGG_DIVISOR)(x), name=layer)
    network.trainable = False
    return network


def _linear(convolution: layers.Conv2D) -> keras.KerasTensor:
    """Return what a convolution gives before its activation."""
    plain = layers.Conv2D.from_config(
        convolution.get_config() | {"activation": "linear"}
    )
    outputs = plain(convolution.input)
    plain.set_weights(convolution.get_weights())
    return outputs


def with_maps(discriminator: keras.Model) -> keras.Model:
    """Return a discriminator that gives its maps beside its logits.

    It shares the discriminator's weights: what it sees changes as that learns.

    Args:
        discriminator: as `networks.build_discriminator` returns it.

    Returns:
        images (B, crop, crop, 3) -> list of maps, one for each of its stages, the
        largest first, and last the logits.

    Reference: Larsen et al. 2016, arXiv:1512.09300, section 2.3 (the features of a
        discriminator as a measure of likeness).
    """
    maps = [discriminator.get_layer(name).output for name in STAGES]
    return keras.Model(discriminator.input, [*maps, discriminator.output])


def content_loss(features: keras.Model, made: Tensor, real: Tensor) -> Tensor:
    """Return how far apart the features of made and of real images are.

    Args:
        features: a network that gives one map, or a list of them.
        made: G(x), (B, H, W, 3).
        real: y, of the same shape.

    Returns:
        A scalar, float32; see `difference_of_maps`.
    """
    return difference_of_maps(
        keras.tree.flatten(features(made, training=False)),
        keras.tree.flatten(features(real, training=False)),
    )


def difference_of_maps(made: list[Tensor], real: list[Tensor]) -> Tensor:
    r"""Return how far apart the features of made and of real images are.

    One map f: $E[(f(G(x)) - f(y))^2]$, the mean over batch, places and channels.
    Several maps: $\frac1n \sum_k E[(f_k(G(x)) - f_k(y))^2] / E[f_k(y)^2]$. Each map
    counts for its relative error: the features of a discriminator have no scale
    that is given, and it changes as that learns.

    The features of real images are constants: no gradient passes through them.

    Args:
        made: f_k(G(x)), each (B, h, w, c).
        real: f_k(y), of the same shapes.

    Returns:
        A scalar, float32.

    Reference: Ledig et al. 2017, arXiv:1609.04802, equation 5. Deviation: the mean
        over channels, where the equation has their sum.
    """
    errors, squares = [], []
    for ours, theirs in zip(made, real, strict=True):
        theirs = ops.stop_gradient(ops.cast(theirs, "float32"))
        errors.append(ops.mean(ops.square(ops.cast(ours, "float32") - theirs)))
        squares.append(ops.mean(ops.square(theirs)))
    if len(errors) == 1:
        return errors[0]
    relative = [e / (s + 1e-12) for e, s in zip(errors, squares, strict=True)]
    return sum(relative) / len(relative)
