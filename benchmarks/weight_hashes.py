"""Print hashes of short trainings, to check that a change keeps all results.

    python -m benchmarks.weight_hashes > before.txt
    (change the code)
    python -m benchmarks.weight_hashes > after.txt
    diff before.txt after.txt

Every chapter trains 20 steps of each of its stages with the preset `quick` and seed 0.
Each line of the output has the hash of all arrays in a file of the run, and the file's
name. On one machine the hashes stay the same as long as no bit of any result changes.
Other processors may round differently.
"""

import argparse
import dataclasses
import hashlib
import importlib
import io
import sys
import tempfile
import zipfile
from pathlib import Path

import h5py
import numpy as np

from benchmarks.chapters import chapter_names
from common.training.run_dir import RunDir

STEPS = 20
# Options for the lengths of stages, in the chapters that have them.
STAGE_STEPS = (
    "encoder_steps",
    "identity_steps",
    "recognition_steps",
    "srgan_steps",
)


def main() -> None:
    """Train the given chapters and print the hashes of their files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "chapters", nargs="*", help="names of the chapters; by default all"
    )
    chapters = parser.parse_args().chapters or chapter_names()
    for chapter in chapters:
        with tempfile.TemporaryDirectory() as folder:
            run = train(chapter, Path(folder) / "run")
            for path, digest in hashes(run.path).items():
                sys.stdout.write(f"{digest}  {chapter}/{path}\n")
                sys.stdout.flush()


def train(chapter: str, folder: Path) -> RunDir:
    """Train every stage of a chapter for 20 steps."""
    config = importlib.import_module(f"{chapter}.config").PRESETS["quick"]
    lengths = [name for name in ("steps", *STAGE_STEPS) if hasattr(config, name)]
    config = dataclasses.replace(
        config,
        **dict.fromkeys(lengths, STEPS),
        max_minutes=None,
        precision="float32",
        log_every=STEPS,
        sample_every=STEPS,
        checkpoint_every=STEPS,
    )
    training = importlib.import_module(f"{chapter}.training")
    return training.train(config, RunDir(folder))


def hashes(folder: Path) -> dict[str, str]:
    """Return the hash of each network and checkpoint in a folder, by path."""
    paths = sorted([*folder.rglob("*.keras"), *folder.rglob("step_*.npz")])
    return {str(path.relative_to(folder)): hash_of(path) for path in paths}


def hash_of(path: Path) -> str:
    """Return the first 16 digits of the SHA-256 of all arrays in a file."""
    digest = hashlib.sha256()

    def add(name: str, array: np.ndarray) -> None:
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())

    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as file:
            for name in sorted(file.files):
                add(name, file[name])
        return digest.hexdigest()[:16]
    with zipfile.ZipFile(path) as archive:
        weights = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(weights) as file:

        def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Dataset):
                add(name, item[()])

        file.visititems(visit)
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    main()
