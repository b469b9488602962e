"""Weights of Keras's own networks, from a file or from Keras's cache."""

import dataclasses
import hashlib
import logging
import os
import warnings
from pathlib import Path

import keras

from common.errors import UserError
from common.files import TORN, check_file

logger = logging.getLogger(__name__)

_MAX_BYTES = 512 * 2**20  # Keras's files have up to 220 MB


@dataclasses.dataclass(frozen=True)
class KerasWeights:
    """A file of weights that Keras offers for download; it never is downloaded here.

    Attributes:
        name: of the network.
        outputs: what tells it from its variants, as words for a message.
        call: that downloads the file on a computer with internet.
        file: its name.
        md5: as Keras checks it.
    """

    name: str
    outputs: str
    call: str
    file: str
    md5: str

    def find(self, path: Path | None) -> tuple[Path, str]:
        """Return where the weights are, and their MD5 sum.

        Args:
            path: a file .h5 or .weights.h5; default Keras's own cache,
                $KERAS_HOME/models or ~/.keras/models.

        Raises:
            UserError: there is no such file, or it is empty or too large.
        """
        home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
        path = home / "models" / self.file if path is None else Path(path)
        if not path.is_file():
            raise UserError(
                f"no weights of {self.name}: expected the file {path}; to get it, call "
                f"{self.call} on a computer with internet, which puts "
                f"{self.file} into its ~/.keras/models, and copy that file"
            )
        check_file(path, _MAX_BYTES)
        with path.open("rb") as file:
            return path, hashlib.file_digest(file, "md5").hexdigest()

    def load_into(self, network: keras.Model, path: Path, md5: str) -> None:
        """Give a network the weights of a file; others than Keras's are warned of.

        Args:
            network: built without weights.
            path: as `find` returns it.
            md5: as `find` returns it.

        Raises:
            UserError: the file is damaged or of another network.
        """
        try:
            with warnings.catch_warnings():
                # Of some parts that a file lacks Keras only warns.
                warnings.simplefilter("error", UserWarning)
                network.load_weights(path)
        except (*TORN, AttributeError, TypeError, UserWarning) as error:
            raise UserError(
                f"{path} is damaged or not of {self.name} {self.outputs} "
                f"({type(error).__name__}); expected {self.file} as "
                f"{self.call} downloads it, or a .weights.h5 of it"
            ) from error
        if md5 != self.md5:
            logger.warning(
                "%s is not Keras's %s; what it measures compares only with what the "
                "same file measures",
                path,
                self.file,
            )
