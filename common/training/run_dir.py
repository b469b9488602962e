"""The folder of one run: its options, its log and all files that training writes."""

import base64
import contextlib
import dataclasses
import html
import importlib
import importlib.metadata
import json
import logging
import os
import re
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
from common.data.fingerprint import fingerprint
from common.errors import UserError
from common.files import (
    read_note,
    write_note,
)
from common.training.environment import write_environment
from common.training.folders import (
    copied_to,
    new_folder,
    own_folder,
    require_fresh,
)
from common.training.step_files import find_step_files

# Packages that config.json may name as the chapter of a run.
CHAPTER = re.compile(r"(chapter[0-9]{2}|study)_[a-z0-9_]+")
logger = logging.getLogger(__name__)


class RunDir:
    """The folder of a run, with the paths of its files.

    By default a run is in runs/<chapter>/<time>_<preset>/ below the working folder,
    and the link runs/<chapter>/latest points to the newest run.

    Args:
        path: folder of the run.
        chapter: name of the package of the run's chapter; by default the one that
            config.json names.
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
        """Choose the folder of a new run.

        The default folder is created at once, so that no other process chooses it;
        `recording` creates any other.

        Args:
            chapter: name of the chapter's package.
            preset: end of the name of the default folder.
            path: folder of the run; by default a new one below runs/.

        Raises:
            UserError: the folder already holds a run or other files, or the default
                one cannot be created.
        """
        default = Path("runs") / chapter
        run = cls(path or new_folder(default, f"{{time}}_{preset}"), chapter)
        run.linked = path is None
        require_fresh(run.config, run.log, "run")
        return run

    @classmethod
    def find(cls, chapter: str, path: Path | None = None) -> "RunDir":
        """Return an existing run.

        Args:
            chapter: name of the chapter's package.
            path: folder of the run; by default the chapter's newest run below runs/ in
                the working folder.

        Raises:
            UserError: there is no run, or the folder is not the folder of a run.
        """
        if path is None:
            path = Path("runs") / chapter / "latest"
            if not path.exists():
                raise UserError(
                    f"there is no run in {path.parent} yet; train one first, or "
                    "name its folder with --run-dir"
                )
        elif not path.is_dir():
            raise UserError(f"--run-dir {path}: no such folder")
        # Resolve the link now: `latest` may point to another run later.
        run = cls(path.resolve(), chapter)
        if not run.config.is_file():
            raise UserError(
                f"{path} is not the folder of a run: it has no {run.config.name}; "
                "if the run was killed right at its start, train again without --resume"
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
            # The name will be imported, so only names of this project's packages pass.
            if not isinstance(named, str) or not CHAPTER.fullmatch(named):
                raise UserError(
                    f"{self.config} does not name its chapter (earlier versions did "
                    'not write it); use for example RunDir(path, "chapter04_dcgan")'
                )
            self._chapter = named
        return self._chapter

    def write_config(self, config: RunConfig) -> None:
        """Write the run's options and the name of its chapter to config.json."""
        named = {"chapter": package_of(type(config))}
        write_note(self.config, named | json.loads(to_json(config)))

    def configuration(self, config: ConfigType | None = None) -> ConfigType:
        """Return the configuration for a command that works on this run.

        Args:
            config: options to use instead of the run's own, or None.

        Raises:
            UserError: config.json is damaged.
        """
        return config or self.read_config()

    def configuration_with_data(
        self, config: ConfigType | None = None, data: Path | None = None
    ) -> ConfigType:
        """Return the configuration for a command that reads the run's data set.

        Args:
            config: options to use instead of the run's own, or None.
            data: data set to use instead of the one in the options, or None.

        Raises:
            UserError: config.json is damaged, or the data set has changed since the
                run began.
        """
        config = self.configuration(config)
        if data is not None:
            return dataclasses.replace(config, data=data)
        self.check_data(config.data)
        return config

    def check_data(self, data: Path | None) -> None:
        """Check that a data set is the one that the run began with.

        Runs of earlier versions have recorded the number of items only, or nothing.

        Args:
            data: folder or file of the data set, or None for the stand-in.

        Raises:
            UserError: the data set is another one, data.json is damaged, or there is
                no such file or folder.
        """
        if known := self._known_data():
            self._compare_data(known, describe_data(data, known["items"]), data)

    def record_data(self, data: Path | None, items: int) -> None:
        """Check the data set as `check_data` does, and write it to data.json.

        Args:
            data: folder or file of the data set, or None for the stand-in.
            items: number of training items, which must not change either.
        """
        found = describe_data(data, items)
        if known := self._known_data():
            self._compare_data(known, found, data)
        write_note(self.data, found)

    def _known_data(self) -> dict | None:
        """Return what data.json says, or None if there is no such file."""
        if not self.data.is_file():
            return None
        known = read_note(self.data)
        if known is None and (count := _earlier_count(self.data)):
            known = {"items": count}
        if known is None or "items" not in known:
            raise UserError(
                f"{self.data} is damaged; remove it to go on without a check that the "
                "data set is the same"
            )
        return known

    def _compare_data(self, known: dict, found: dict, data: Path | None) -> None:
        """Raise a UserError if a data set is not the recorded one."""
        advice = "pass the same data with --data, or begin a new run"
        if found["items"] != known["items"]:
            raise UserError(
                f"the run in {self.path} began with {known['items']} training items, "
                f"but there are {found['items']} now; {advice}"
            )
        if "files" in known and found != known:
            raise UserError(
                f"the run in {self.path} began with another data set: expected "
                f"{_in_words(known)}, found {_in_words(found)}"
                f"{f' in {data}' if data else ''}; {advice}"
            )

    def read_config(self, config_class: type[ConfigType] | None = None) -> ConfigType:
        """Return the options that the run was trained with.

        Args:
            config_class: class of the configuration; by default that of the chapter.

        Raises:
            UserError: config.json is damaged, or the run is from another chapter.
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
        """Check that this run can be continued with the options `config`.

        Raises:
            UserError: an option differs that must not change on resume.
        """
        changed = differences(self.read_config(type(config)), config)
        if changed:
            raise UserError(
                f"the checkpoints in {self.path} are from another configuration "
                f"({'; '.join(changed)}); leave these options out, or begin a new run"
            )

    def newest_samples(self) -> Path | None:
        """Return the newest picture of samples, or None if there is none yet."""
        return next(reversed(find_step_files(self.samples, ".png").values()), None)

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
        """Create the folder, write config.json, and log to log.txt during the block.

        Args:
            config: options of the new or the resumed run.

        Raises:
            UserError: the folder cannot be written, another process is training in
                it, or it holds a run with another configuration or data set.
        """
        with own_folder(self.log) as handler:
            if self.config.exists():
                self.check_same(config)
                self.check_data(config.data)
            self.write_config(config)
            if self.linked:
                _link(self.path.parent / "latest", self.path)
            with copied_to(handler):
                write_environment(self.environment)
                yield


def describe_data(data: Path | None, items: int) -> dict:
    """Return what data.json says of a data set.

    Args:
        data: folder or file of the data set, or None for the stand-in.
        items: number of training items.
    """
    if data is None:
        return {"items": items, "files": None}
    return {"items": items, **dataclasses.asdict(fingerprint(data))}


def _earlier_count(path: Path) -> int | None:
    """Return the number of items that earlier versions wrote to data.json, or None."""
    text = path.read_text(errors="replace").strip()
    return int(text) if re.fullmatch("[0-9]{1,12}", text) else None


def _in_words(known: dict) -> str:
    """Return the number and the size of the files of a data set, for messages."""
    if known["files"] is None:
        return "the stand-in"
    files, size, digest = (known.get(name) for name in ("files", "bytes", "hash"))
    return f"{files} files of {size} bytes (hash {digest})"


def _link(link: Path, target: Path) -> None:
    """Let `link` point to `target`, which is in the same folder."""
    temporary = link.with_name(f".latest-{os.getpid()}")
    try:
        temporary.symlink_to(target.name, target_is_directory=True)
        os.replace(temporary, link)
    except OSError as error:
        # Some file systems have no links; the run itself does not need one.
        logger.warning(
            "cannot create the link %s: %s; name the run's folder with --run-dir",
            link,
            error.strerror,
        )
