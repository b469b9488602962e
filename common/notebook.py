"""In a notebook: samples and the progress of a run, shown in place.

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
    """Show what `sample` of a chapter returns, side by side.

    A notebook shows the picture in place. In a script it is written to a file.

    Args:
        samples: images (N, H, W) or (N, H, W, 1 or 3), uint8, or float in [-1, 1]; or
            shapes, bool (N, S, S, S).
        columns: samples in a row; by default the picture is about square.
        path: the file that a script writes.

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
    """Shows a run while it is trained: its newest samples and its curves.

    Pass it to a chapter's `train`. In a script it does nothing.

    Args:
        run: the run that is trained.
    """

    def __init__(self, run: RunDir):
        super().__init__()
        self.run = run
        self._shown: Path | None = None
        self._handle: Any = None

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Update what is shown when there are new samples."""
        newest = self.run.newest_samples()
        if newest != self._shown:
            self._shown = newest
            self._update()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Show the end of the training."""
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


def _display(shown: Any, **options: Any) -> Any:
    # Late: IPython is there in a notebook, and no requirement elsewhere.
    from IPython.display import display

    return display(shown, **options)
