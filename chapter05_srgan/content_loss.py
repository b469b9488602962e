"""The content loss: the difference of features of VGG19 or of the discriminator."""

from pathlib import Path
from typing import Literal

import keras
import tensorflow as tf
from keras import layers, ops

from chapter05_srgan.networks import CHANNELS, STAGES
from common.features.cached_network import float32
from common.features.keras_weights import KerasWeights

Tensor = tf.Tensor

# Names in Keras of phi_{2,2} and phi_{5,4}: phi_{i,j} is the output of the j-th
# convolution before the i-th pooling.
VGG_LAYERS = {"vgg22": "block2_conv2", "vgg54": "block5_conv4"}
VGG_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
_VGG19 = KerasWeights(
    name="VGG19",
    outputs="without its top",
    call="keras.applications.VGG19(include_top=False)",
    file=VGG_FILE,
    md5="253f8cb515780f3b799900260a226db6",
)
# Means of ImageNet's blue, green and red, in [0, 255]. They were subtracted from the
# images that VGG19 was trained on.
VGG_MEANS = (103.939, 116.779, 123.68)
# Brings the features to about the scale of pixels.
VGG_DIVISOR = 12.75


def vgg19(
    layer: Literal["vgg22", "vgg54"],
    weights: Path | None = None,
    *,
    before_activation: bool = False,
) -> keras.Model:
    r"""Load the part of VGG19 up to one feature map; never download weights.

    The features are $\phi_{i,j}(127.5 (x + 1) - \mu) / 12.75$, with the colours in
    the order blue, green, red. $\phi_{i,j}$ is the output of the j-th convolution
    before the i-th pooling, and $\mu$ the means of ImageNet. Dividing the features
    multiplies their squared error by $12.75^{-2} = 0.006$. The network computes in
    float32 whatever the precision of the training is. Its weights are not trained.

    Args:
        layer: "vgg22" is $\phi_{2,2}$, "vgg54" is $\phi_{5,4}$.
        weights: path of a .h5 or .weights.h5 file of VGG19 without its dense layers;
            by default it is looked for in Keras's own cache, $KERAS_HOME/models or
            ~/.keras/models.
        before_activation: whether to take the features before the ReLU.

    Returns:
        images (B, h, w, 3) in [-1, 1] -> features (B, h / 2, w / 2, 128) or
        (B, h / 16, w / 16, 512), float32.

    Raises:
        UserError: the file is missing, damaged, or holds the weights of another
            network.

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
        # From [-1, 1] to [0, 255] less the means: 127.5 x + (127.5 - mean).
        offsets = [127.5 - mean for mean in VGG_MEANS]
        x = layers.Rescaling(127.5, offsets)(ops.flip(images, axis=-1))
        x = keras.Model(whole.input, features)(x)
        network = keras.Model(images, layers.Rescaling(1 / VGG_DIVISOR)(x), name=layer)
    network.trainable = False
    return network


def _linear(convolution: layers.Conv2D) -> keras.KerasTensor:
    """Return the output of a convolution before its activation.

    Keras's VGG19 has the ReLU inside of the convolution, so a copy without it is made.
    """
    plain = layers.Conv2D.from_config(
        convolution.get_config() | {"activation": "linear"}
    )
    outputs = plain(convolution.input)
    plain.set_weights(convolution.get_weights())
    return outputs


def with_maps(discriminator: keras.Model) -> keras.Model:
    """Return a network that computes the discriminator's feature maps and its logits.

    It shares the discriminator's weights, so the features change as that is trained.

    Args:
        discriminator: a network from `networks.build_discriminator`.

    Returns:
        images (B, crop, crop, 3) in [-1, 1] -> list of four maps, one for each
        resolution, the largest first, and then the logits.

    Reference: Larsen et al. 2016, arXiv:1512.09300, section 2.3 (the features of a
        discriminator as a measure of likeness).
    """
    maps = [discriminator.get_layer(name).output for name in STAGES]
    return keras.Model(discriminator.input, [*maps, discriminator.output])


def content_loss(features: keras.Model, made: Tensor, real: Tensor) -> Tensor:
    """Return the distance between the features of generated and of real images.

    Args:
        features: a network images -> one feature map, or a list of them.
        made: generated images G(x), (B, H, W, 3) in [-1, 1].
        real: real images y, of the same shape and range.

    Returns:
        A scalar, float32; see `difference_of_maps`.
    """
    return difference_of_maps(
        keras.tree.flatten(features(made, training=False)),
        keras.tree.flatten(features(real, training=False)),
    )


def difference_of_maps(made: list[Tensor], real: list[Tensor]) -> Tensor:
    r"""Return the distance between the features of generated and of real images.

    With one map f it is $E[(f(G(x)) - f(y))^2]$, the mean over batch, positions and
    channels. With several maps it is
    $\frac1n \sum_k E[(f_k(G(x)) - f_k(y))^2] / E[f_k(y)^2]$, the mean of relative
    errors, because the scale of a discriminator's features is arbitrary and changes
    during training.

    The features of real images are constants: no gradient passes through them.

    Args:
        made: features f_k(G(x)) of generated images, each (B, h, w, c).
        real: features f_k(y) of real images, of the same shapes.

    Returns:
        A scalar, float32.

    Reference: Ledig et al. 2017, arXiv:1609.04802, equation 5. Deviation: the mean
        over channels, where the equation has their sum.
    """
    errors, squares = [], []
    for made_map, real_map in zip(made, real, strict=True):
        # The means are taken in float32: float16 and bfloat16 are too coarse for them.
        real_map = ops.stop_gradient(ops.cast(real_map, "float32"))
        made_map = ops.cast(made_map, "float32")
        errors.append(ops.mean(ops.square(made_map - real_map)))
        squares.append(ops.mean(ops.square(real_map)))
    if len(errors) == 1:
        return errors[0]
    # The small constant avoids a division by 0 if all features of a map are 0.
    relative = [e / (s + 1e-12) for e, s in zip(errors, squares, strict=True)]
    return sum(relative) / len(relative)
