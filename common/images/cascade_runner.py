"""A program that detects faces with an OpenCV cascade.

For a file of the user's it runs in a child process (see common/untrusted/child.py),
because OpenCV does not check all numbers in a cascade: some damaged files stop the
whole process with a segmentation fault (seen with OpenCV 4.14).
"""

from collections.abc import Callable

import cv2
import numpy as np


def start(path: str, smallest: str) -> Callable[[bytes], dict]:
    """Return a function that detects faces with the cascade of a file.

    From this call on, OpenCV uses one thread in this process: with several, the order
    of the boxes changes from call to call.

    Args:
        path: XML file.
        smallest: edge length of the smallest face to detect, pixels.

    Returns:
        A function from an image to "boxes" (x, y, width, height) and their "votes".
        The image is its height and width as two uint32, and then its grey values,
        uint8. An empty request only loads the file. For a file that is no cascade
        there is a "fault".
    """
    cv2.setNumThreads(1)
    classifiers = []

    def answer(request: bytes) -> dict:
        try:
            if not classifiers:
                classifiers.append(cv2.CascadeClassifier(path))
            if classifiers[0].empty():
                return {"fault": "empty"}
            if not request:
                return {}
            shape = np.frombuffer(request, np.uint32, 2)
            boxes, votes = classifiers[0].detectMultiScale2(
                np.frombuffer(request, np.uint8, offset=8).reshape(shape),
                scaleFactor=1.1,
                minNeighbors=5,
                minSize=(int(smallest), int(smallest)),
            )
        except (cv2.error, SystemError) as error:
            return {"fault": str(error)}
        return {"boxes": np.array(boxes).tolist(), "votes": np.array(votes).tolist()}

    return answer
