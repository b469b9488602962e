"""The folder of one run: everything that it was told, did and learnt."""

import base64
import contextlib
import dataclasses
import datetime
import fcntl
import html
import importlib
import importlib.metadata
import json
import logging
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from common.config import (
    ConfigType,
    RunConfig,
    differences,
    from_json,
    package_of,
    to_json,
)
from common.errors import UserError
from common.files import atomic_path, cannot_write, read_note, write_note

# Packages that config.json may name.
CHAPTER = re.compile(r"(chapter[0-9]{2}|study)_[a-z0-9_]+")
LIBRARIES = ("tensorflow", "keras", "numpy", "scipy", "h5py", "matplotlib")
logger = logging.getLogger(__name__)


class RunDir:
    """Names and makes the files of a run.

    A run lies in runs/<chapter>/<time>_<preset>/ below the working folder, or
    where the user says. A link `latest` beside the default folders leads to the
    newest run.

    Args:
        path: the run's folder itself.
        chapter: name of its chapter's package; by default the one that config.json
            names.
    """

    def __init__(self, path: Path | str, chapter: str | None = None):
        self.path = Path(path)
        self._chapter = chapter
        self.linked = False
        self.config = self.path / "config.json"
        self.environment = self.path / "environment.json"
        self.log = self.path / "log.txt"
        self.data = self.path / "data.json"
        self.metrics_csv = self.path / "metrics.csv"
        self.reals = self.path / "reals.png"
        self.samples = self.path / "samples"
        self.gif = self.path / "training.gif"
        self.curves = self.path / "curves.png"
        self.checkpoints = self.path / "checkpoints"
        self.generator = self.path / "generator.keras"
        self.discriminator = self.path / "discriminator.keras"
        self.generated = self.path / "generated"
        self.tensorboard = self.path / "tensorboard"

    @classmethod
    def create(cls, chapter: str, preset: str, path: Path | None = None) -> "RunDir":
        """Choose the folder of a new run; `recording` makes it.

        Raises:
            UserError: the folder holds a run or other files already.
        """
        now = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        run = cls(path or Path("runs") / chapter / f"{now}_{preset}", chapter)
        run.linked = path is None
        require_fresh(run.config, run.log, "run")
        return run

    @classmethod
    def find(cls, chapter: str, path: Path | None = None) -> "RunDir":
        """Return an existing run: the one named, or the chapter's latest.

        Raises:
            UserError: there is none, or the folder is not a run's.
        """
        if path is None:
            path = Path("runs") / chapter / "latest"
            if not path.exists():
                raise UserError(
                    f"there is no run in {path.parent} yet; train one first or "
                    "name a folder with --run-dir"
                )
        elif not path.is_dir():
            raise UserError(f"--run-dir {path}: no such folder")
        # Resolved: `latest` may lead elsewhere before this run is done with.
        run = cls(path.resolve(), chapter)
        if not run.config.is_file():
            raise UserError(
                f"{path} is not the folder of a run: it has no {run.config.name}; "
                "a run that was killed at once is begun anew, without --resume"
            )
        return run

    @classmethod
    def latest(cls, chapter: str) -> "RunDir":
        """Return the newest run of a chapter, below runs/ in the working folder.

        Raises:
            UserError: there is none.
        """
        return cls.find(chapter)

    @property
    def chapter(self) -> str:
        """Name of the package of the run's chapter, for example "chapter04_dcgan".

        Raises:
            UserError: config.json does not name one.
        """
        if self._chapter is None:
            named = (read_note(self.config) or {}).get("chapter")
            # The name is imported: only packages of this project are.
            if not isinstance(named, str) or not CHAPTER.fullmatch(named):
                raise UserError(
                    f"{self.config} does not name its chapter, as runs of earlier "
                    'versions do not; use RunDir(path, "chapter04_dcgan")'
                )
            self._chapter = named
        return self._chapter

    def write_config(self, config: RunConfig) -> None:
        """Write the options of the run, and the name of its chapter, to config.json."""
        named = {"chapter": package_of(type(config))}
        write_note(self.config, named | json.loads(to_json(config)))

    def configuration(
        self, config: ConfigType | None = None, data: Path | None = None
    ) -> ConfigType:
        """Return the configuration that a command of the chapter works with.

        Args:
            config: options to use in place of the run's own, or None.
            data: data set to use in place of the one of the options, or None.

        Raises:
            UserError: config.json is damaged.
        """
        config = config or self.read_config()
        return config if data is None else dataclasses.replace(config, data=data)

    def read_config(self, config_class: type[ConfigType] | None = None) -> ConfigType:
        """Return the options that the run was trained with.

        Args:
            config_class: class of the configuration; by default that of the chapter.

        Raises:
            UserError: config.json is damaged, or the run is another chapter's.
        """
        if config_class is None:
            module = importlib.import_module(f"{self.chapter}.config")
            config_class = module.Config
        try:
            text = self.config.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"cannot read {self.config}: {error}") from error
        return from_json(config_class, text, str(self.config))

    def check_same(self, config: RunConfig) -> None:
        """Check that `config` may continue this run.

        Raises:
            UserError: its networks, data or numbers would be others.
        """
        changed = differences(self.read_config(type(config)), config)
        if changed:
            raise UserError(
                f"the checkpoints in {self.path} are from another configuration "
                f"({'; '.join(changed)}); leave these options out or begin a new run"
            )

    def newest_samples(self) -> Path | None:
        """Return the newest picture of samples, or None if there is none yet."""
        return max(self.samples.glob("step_*.png"), default=None)

    def _repr_html_(self) -> str:
        """Show the run in a notebook: its newest samples and its curves."""
        pictures = [p for p in (self.newest_samples(), self.curves) if p and p.exists()]
        images = [
            base64.b64encode(picture.read_bytes()).decode() for picture in pictures
        ]
        tags = [f'<img src="data:image/png;base64,{image}">' for image in images]
        return f"<p>{html.escape(str(self.path))}</p>" + "".join(tags)

    @contextlib.contextmanager
    def recording(self, config: RunConfig) -> Iterator[None]:
        """Make the folder, note the configuration, and log to log.txt meanwhile.

        Args:
            config: of a new run, or of the one that is resumed.

        Raises:
            UserError: the folder cannot be written, another process is training in
                it, or it holds a run of another configuration.
        """
        with own_folder(self.log) as handler:
            if self.config.exists():
                self.check_same(config)
            self.write_config(config)
            if self.linked:
                _link(self.path.parent / "latest", self.path)
            with atomic_path(self.environment) as temporary:
                temporary.write_text(json.dumps(describe_environment(), indent=2))
            with copied_to(handler):
                yield


def require_fresh(description: Path, log: Path, kind: str) -> None:
    """Check that a folder is free for a new run; a killed beginning may lie there.

    Args:
        description: the file by which the folder of a run is known.
        log: of the run, in the same folder.
        kind: what the folder is to hold, for messages.

    Raises:
        UserError: it holds a run or other files already.
    """
    folder = description.parent
    if description.exists():
        raise UserError(
            f"{folder} holds a {kind} already; add --resume to continue it, or name "
            "another folder"
        )
    if not folder.exists():
        return
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else [""]
    if not all(name == log.name or name.startswith(".writing-") for name in names):
        raise UserError(f"{folder} is not an empty folder; name another one")


@contextlib.contextmanager
def own_folder(log: Path) -> Iterator[logging.FileHandler]:
    """Make a folder and keep other processes out of it; yield what writes its log.

    Args:
        log: in the folder; this file carries the lock.

    Raises:
        UserError: the folder cannot be written, or another process is at it.
    """
    folder = log.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(log)
    except OSError as error:
        raise cannot_write(folder, error) from error
    with contextlib.closing(handler), _locked(handler, folder):
        # What a killed process was writing.
        for torn in folder.rglob(".writing-*"):
            shutil.rmtree(torn, ignore_errors=True)
        yield handler


@contextlib.contextmanager
def _locked(handler: logging.FileHandler, path: Path) -> Iterator[None]:
    """Keep other processes from training in the same folder."""
    try:
        fcntl.flock(handler.stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise UserError(
            f"another process is training in {path}; wait for it, or name another "
            "folder"
        ) from error
    yield  # closing the file frees the lock


@contextlib.contextmanager
def copied_to(handler: logging.Handler) -> Iterator[None]:
    """Copy what the program tells to a file, in more detail than on the screen."""
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logging.getLogger().addHandler(handler)
    ours = logging.getLogger("common")
    before = ours.level
    ours.setLevel(logging.DEBUG)
    try:
        yield
    except Exception as error:
        logger.debug("ended by %s: %s", type(error).__name__, error)
        raise
    finally:
        ours.setLevel(before)
        logging.getLogger().removeHandler(handler)


def _link(link: Path, target: Path) -> None:
    """Let `link` lead to `target`, which lies beside it."""
    temporary = link.with_name(f".latest-{os.getpid()}")
    try:
        temporary.symlink_to(target.name, target_is_directory=True)
        os.replace(temporary, link)
    except OSError as error:
        # Some file systems have no links; the run itself does not need it.
        logger.warning("no link %s: %s; use --run-dir", link, error.strerror)


def describe_environment() -> dict:
    """Return versions, devices and the project's commit, ready for JSON."""
    import tensorflow as tf

    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "devices": [
            tf.config.experimental.get_device_details(device).get(
                "device_name", device.name
            )
            for device in tf.config.list_physical_devices()
        ],
        "commit": _commit(),
    }


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        # TensorFlow goes by several names.
        return "unknown"


def _processor() -> str:
    """Return the processor's name as Linux tells it, or as Python does."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor()


def _commit() -> str | None:
    """Return the project's git commit, or None outside a checkout."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
