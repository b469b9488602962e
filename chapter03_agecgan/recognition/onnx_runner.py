"""A program that runs the network of an ONNX file with OpenCV.

It runs in a child process (see common/untrusted/child.py), because on some damaged
files OpenCV stops the whole process with a segmentation fault (seen with OpenCV 4.14).
"""

import os
from collections.abc import Callable

import cv2
import numpy as np

# Largest length of an embedding.
_MAX_DIMENSIONS = 2**16
# Each thread reserves some of the memory that this process may take.
_MAX_THREADS = 8


def start(path: str, height: str, width: str) -> Callable[[bytes], dict]:
    """Return a function that embeds one image with the network of a file.

    Args:
        path: ONNX file.
        height: height of the images, pixels.
        width: width of the images, pixels.

    Returns:
        A function from the bytes of float32 (3, H, W) to either "embedding" with D
        numbers, or "wrong" with the shape of another output, or "fault" with OpenCV's
        message.
    """
    cv2.setNumThreads(min(_MAX_THREADS, os.cpu_count() or 1))
    networks = []

    def answer(request: bytes) -> dict:
        try:
            if not networks:
                content = np.fromfile(path, np.uint8)
                networks.append(cv2.dnn.readNetFromONNX(content))
            image = np.frombuffer(request, np.float32)
            networks[0].setInput(image.reshape(1, 3, int(height), int(width)))
            output = networks[0].forward()
        except cv2.error as error:
            return {"fault": str(error)}
        # Some networks end with a convolution: their output is (1, D, 1, 1).
        vector = output.ndim >= 2 and output.size == output.shape[1]
        if not vector or not 2 <= output.size <= _MAX_DIMENSIONS:
            return {"wrong": output.shape}
        return {"embedding": output.ravel().tolist()}

    return answer
