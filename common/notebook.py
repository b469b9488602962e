"""Show samples, and the progress of a run, in a notebook.

run = RunDir.create("chapter04_dcgan", "lesson")
train(replace(PRESETS["quick"], steps=300), run, callbacks=[Live(run)])
show(sample(run, 16))
"""

import logging
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
from PIL import Image

from common.images import writing
from common.images.grids import image_grid
from common.shapes.rendering import render_grid
from common.startup import in_notebook
from common.training.curves import draw_curves, read_rows
from common.training.run_dir import RunDir

logger = logging.getLogger(__name__)


def show(
    samples: np.ndarray, columns: int | None = None, path: Path | str = "samples.png"
) -> Image.Image:
    """Show the samples that a chapter's `sample` returns, side by side.

    A notebook displays the picture. A script writes it to a file.

    Args:
        samples: images (N, H, W) or (N, H, W, 1 or 3), uint8, or float in [-1, 1]; or
            shapes, bool (N, S, S, S).
        columns: number of samples in a row; by default the picture is about square.
        path: path of the file that a script writes.

    Returns:
        The picture.
    """
    if samples.dtype == bool and samples.ndim == 4:
        picture = render_grid(samples, columns=columns)
    else:
        picture = image_grid(samples, columns=columns)
    image = Image.fromarray(picture)
    if in_notebook():
        _display(image)
    else:
        writing.save_image(picture, Path(path))
        sys.stdout.write(f"written: {path}\n")
    return image


class Live(keras.callbacks.Callback):
    """Shows the newest samples and the curves of a run during training.

    Pass it to a chapter's `train`. In a script it does nothing.

    Args:
        run: folder of the run.
    """

    def __init__(self, run: RunDir):
        super().__init__()
        self.run = run
        self._shown: Path | None = None
        self._handle: Any = None

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Update the display if there are new samples."""
        newest = self.run.newest_samples()
        if newest != self._shown:
            self._shown = newest
            self._update()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Show the last samples and the whole curves."""
        self._update()

    def _update(self) -> None:
        if not in_notebook():
            return
        if self.run.metrics_csv.is_file():
            draw_curves(read_rows(self.run.metrics_csv), None, self.run.curves)
        if self._handle is None:
            self._handle = _display(self.run, display_id=True)
        else:
            self._handle.update(self.run)


def _display(content: Any, **options: Any) -> Any:
    # Imported late: a notebook has IPython, but the project does not require it.
    from IPython.display import display

    return display(content, **options)
