"""The machine and the versions with which a run was trained."""

import importlib.metadata
import logging
import os
import platform
import subprocess
import sys
from pathlib import Path

from common.files import read_note, write_note

# Libraries whose versions environment.json records.
LIBRARIES = ("tensorflow", "keras", "numpy", "scipy", "h5py", "matplotlib")
logger = logging.getLogger(__name__)


def write_environment(path: Path) -> None:
    """Write environment.json; say so if the number of CPU cores has changed.

    Args:
        path: the file; an earlier one tells the number of cores before a resume.
    """
    earlier = (read_note(path) or {}).get("cores")
    write_note(path, describe_environment())
    if earlier not in (None, usable_cores()):
        logger.warning(
            "this run has used %s CPU cores and goes on with %d: sums are split "
            "otherwise, so its last digits may differ from those of a run that was "
            "never interrupted",
            earlier,
            usable_cores(),
        )


def describe_environment() -> dict:
    """Return versions, devices and the project's commit as values for JSON."""
    import tensorflow as tf

    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": usable_cores(),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "devices": [
            tf.config.experimental.get_device_details(device).get(
                "device_name", device.name
            )
            for device in tf.config.list_physical_devices()
        ],
        "commit": _commit(),
    }


def usable_cores() -> int:
    """Return the number of CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        # TensorFlow is published as several packages.
        return "unknown"


def _processor() -> str:
    """Return the processor's name from Linux, or else from Python."""
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
