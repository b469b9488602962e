"""3-D convolutions from and to a single channel, faster on a CPU than Keras's.

On a CPU, TensorFlow computes a 3-D convolution with oneDNN. Its transposed convolution
to a single output channel runs at about a tenth of the speed of the others. Here the
same result is computed, with the same weights, by a convolution with 8 output channels,
one for each corner of a 2 x 2 x 2 block of voxels. Its output is then rearranged into
the larger grid.

With respect to its input, the gradient of each of the two functions below is the other
function. Therefore both directions become faster: the output of the generator, and the
gradient with respect to the input of the discriminator. benchmarks/step_time.py
measures the difference.
"""

import keras
import tensorflow as tf

Tensor = tf.Tensor


@tf.custom_gradient
def conv3d_from_one_channel(inputs: Tensor, kernel: Tensor) -> Tensor:
    """Return the 3-D convolution with kernel size 4, stride 2 and padding "same".

    Args:
        inputs: (B, S, S, S, 1), S even.
        kernel: (4, 4, 4, 1, C).

    Returns:
        (B, S/2, S/2, S/2, C).
    """
    outputs = tf.nn.conv3d(inputs, kernel, (1, 2, 2, 2, 1), "SAME")

    def gradient(upstream: Tensor) -> tuple[Tensor, Tensor]:
        return (
            conv3d_transpose_to_one_channel(upstream, kernel),
            _kernel_gradient(inputs, upstream, kernel),
        )

    return outputs, gradient


@tf.custom_gradient
def conv3d_transpose_to_one_channel(inputs: Tensor, kernel: Tensor) -> Tensor:
    """Return the transposed 3-D convolution, kernel size 4, stride 2, padding "same".

    Args:
        inputs: (B, S, S, S, C).
        kernel: (4, 4, 4, 1, C).

    Returns:
        (B, 2S, 2S, 2S, 1).
    """
    batch = tf.shape(inputs)[0]
    size, channels = inputs.shape[1], inputs.shape[4]
    # Along each axis, output o gets input i times the kernel's element k = o + 1 - 2i.
    # Let o + 1 = 2j + r with r = 0 or 1: then o gets the inputs j - 1 and j, with
    # k = r + 2 and k = r. So split each axis of the kernel into (k // 2, k % 2), and
    # reverse the first part. It is the axis of a convolution with kernel size 2, and
    # r chooses one of 2 output channels.
    taps = tf.reshape(kernel, (2, 2, 2, 2, 2, 2, channels))[::-1, :, ::-1, :, ::-1, :]
    taps = tf.transpose(taps, (0, 2, 4, 6, 1, 3, 5))
    taps = tf.reshape(taps, (2, 2, 2, channels, 8))
    # Pad by one voxel, because the first and last outputs have one neighbour only.
    padded = tf.pad(inputs, ((0, 0), (1, 1), (1, 1), (1, 1), (0, 0)))
    corners = tf.nn.conv3d(padded, taps, (1, 1, 1, 1, 1), "VALID")
    # Rearrange the 8 channels of each cell into a block of 2 x 2 x 2 voxels. The
    # blocks begin at o = -1, so cut one voxel off at both ends of each axis.
    cells = size + 1
    blocks = tf.reshape(corners, (batch, cells, cells, cells, 2, 2, 2))
    blocks = tf.transpose(blocks, (0, 1, 4, 2, 5, 3, 6))
    whole = tf.reshape(blocks, (batch, 2 * cells, 2 * cells, 2 * cells, 1))
    outputs = whole[:, 1:-1, 1:-1, 1:-1]

    def gradient(upstream: Tensor) -> tuple[Tensor, Tensor]:
        return (
            conv3d_from_one_channel(upstream, kernel),
            _kernel_gradient(upstream, inputs, kernel),
        )

    return outputs, gradient


def _kernel_gradient(large: Tensor, small: Tensor, kernel: Tensor) -> Tensor:
    """Return the gradient with respect to the kernel, the same for both functions."""
    return tf.raw_ops.Conv3DBackpropFilterV2(
        input=large,
        filter_sizes=tf.shape(kernel),
        out_backprop=small,
        strides=(1, 2, 2, 2, 1),
        padding="SAME",
    )


@keras.saving.register_keras_serializable(package="common")
class Conv3DFromOneChannel(keras.layers.Conv3D):
    """Conv3D(filters, 4, strides=2, padding="same") of one channel, faster on a CPU.

    Args:
        filters: number of output channels.
        **options: options of keras.layers.Conv3D, except kernel size, strides and
            padding, which are fixed.
    """

    def __init__(self, filters: int, **options):
        options |= {"kernel_size": 4, "strides": 2, "padding": "same"}
        super().__init__(filters, **options)

    def call(self, inputs: Tensor) -> Tensor:
        outputs = conv3d_from_one_channel(inputs, tf.convert_to_tensor(self.kernel))
        return outputs + tf.convert_to_tensor(self.bias) if self.use_bias else outputs


@keras.saving.register_keras_serializable(package="common")
class Conv3DTransposeToOneChannel(keras.layers.Conv3DTranspose):
    """Conv3DTranspose(1, 4, strides=2, padding="same"), faster on a CPU.

    Args:
        **options: options of keras.layers.Conv3DTranspose, except filters, kernel
            size, strides and padding, which are fixed.
    """

    def __init__(self, **options):
        options |= {"filters": 1, "kernel_size": 4, "strides": 2, "padding": "same"}
        super().__init__(**options)

    def call(self, inputs: Tensor) -> Tensor:
        kernel = tf.convert_to_tensor(self.kernel)
        outputs = conv3d_transpose_to_one_channel(inputs, kernel)
        return outputs + tf.convert_to_tensor(self.bias) if self.use_bias else outputs
