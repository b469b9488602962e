"""Pretrained weights of keras.applications, from a file or from Keras's cache."""

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

_MAX_BYTES = 512 * 2**20  # Keras's largest file has 220 MB


@dataclasses.dataclass(frozen=True)
class KerasWeights:
    """A file of weights that Keras offers for download. It is not downloaded here.

    Attributes:
        name: name of the network.
        outputs: description of the variant of the network, for error messages.
        call: Python call that downloads the file on a computer with internet access.
        file: name of the file.
        md5: MD5 sum of Keras's file, hexadecimal.
    """

    name: str
    outputs: str
    call: str
    file: str
    md5: str

    def find(self, path: Path | None) -> tuple[Path, str]:
        """Find the file of weights.

        Args:
            path: path of an .h5 or .weights.h5 file; default the file in Keras's own
                cache, $KERAS_HOME/models or ~/.keras/models.

        Returns:
            The path of the file and its MD5 sum, hexadecimal.

        Raises:
            UserError: there is no such file, or it is empty or too large.
        """
        home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
        path = home / "models" / self.file if path is None else Path(path)
        if not path.is_file():
            raise UserError(
                f"no weights of {self.name}: expected the file {path}; to get it, call "
                f"{self.call} on a computer with internet access, which saves "
                f"{self.file} in ~/.keras/models, and copy that file"
            )
        check_file(path, _MAX_BYTES)
        with path.open("rb") as file:
            return path, hashlib.file_digest(file, "md5").hexdigest()

    def load_into(self, network: keras.Model, path: Path, md5: str) -> None:
        """Load the weights of a file into a network; warn if the file is not Keras's.

        Args:
            network: network that was built without weights.
            path: path of the file, from `find`.
            md5: MD5 sum of the file, from `find`.

        Raises:
            UserError: the file is damaged or of another network.
        """
        try:
            with warnings.catch_warnings():
                # Keras only warns if some layers are missing in the file.
                warnings.simplefilter("error", UserWarning)
                network.load_weights(path)
        except (*TORN, AttributeError, TypeError, UserWarning) as error:
            raise UserError(
                f"{path} is damaged or not of {self.name} {self.outputs} "
                f"({type(error).__name__}); expected {self.file} as downloaded by "
                f"{self.call}, or a .weights.h5 file of that network"
            ) from error
        if md5 != self.md5:
            logger.warning(
                "%s is not Keras's %s; compare its scores only with scores from the "
                "same file",
                path,
                self.file,
            )
