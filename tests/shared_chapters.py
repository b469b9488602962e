"""A program that trains every chapter for some steps with one strategy.

    python shared_chapters.py STRATEGY FOLDER

All chapters are trained in one process, because a process can join the other workers
only once.
"""

import dataclasses
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import tensorflow as tf
import tiny
from norb_files import write_tiny_norb
from photo_sets import write_tree
from shapes import write_boxes
from von_runs import write_photos

import chapter01_gan
import chapter02_3dgan
import chapter03_agecgan
import chapter04_dcgan
import chapter05_srgan
import study_3dvaegan
import study_norb
import study_von
from common.training import workers
from common.training.run_dir import RunDir
from synthetic_data.age_faces.write import write_wiki
from synthetic_data.anime_faces.write import write_faces
from synthetic_data.digits.glyphs import write_glyphs
from synthetic_data.scenes.write import write_scenes


def write_data(folder: Path) -> None:
    """Write a small data set for each chapter."""
    write_glyphs(folder / "digits", train=40, test=10, seed=0)
    write_boxes(folder / "boxes")
    write_wiki(folder / "people", people=11, photos=2, seed=0, size=48)
    write_faces(folder / "faces", train=40, test=10, seed=0, size=32)
    write_scenes(folder / "scenes", train=4, test=2, seed=0, size=64)
    write_tree(folder / "photos", count=24)
    write_tiny_norb(folder / "toys")
    write_photos(folder / "objects")


def main(strategy: str, folder: str) -> None:
    """Train all chapters; each run gets a folder below that of the strategy.

    Args:
        strategy: value of the option `strategy`.
        folder: folder with the data sets of `write_data`; the runs are written to it.
    """
    if strategy == "mirrored":
        # Two logical devices on one CPU.
        halves = [tf.config.LogicalDeviceConfiguration()] * 2
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, halves)
    root = Path(folder)
    shared = {"strategy": strategy, "batch_size": 8, "steps": 2}
    stages = {"identity_method": "networks", "encoder_steps": 2, "identity_steps": 2}
    objects = {"photos": root / "objects", "texture": "field", "log_every": 1}
    for name in ("texture", "joint"):
        objects |= {f"{name}_batch_size": 8, f"{name}_steps": 2}
    for chapter, config, data, changes in (
        (chapter01_gan, tiny.CHAPTER01, "digits", {}),
        (chapter02_3dgan, tiny.CHAPTER02, "boxes", {"log_every": 1}),
        (chapter03_agecgan, tiny.CHAPTER03, "people", stages),
        (chapter04_dcgan, tiny.CHAPTER04, "faces", {"g_norm": "none"}),
        (chapter05_srgan, tiny.CHAPTER05, "scenes", {"srgan_steps": 2}),
        (study_3dvaegan, tiny.STUDY_3DVAEGAN, "photos", {"game_items": 4}),
        (study_norb, tiny.STUDY_NORB, "toys", {"model": "aegan"}),
        (study_von, tiny.STUDY_VON, "boxes", objects),
    ):
        changes = {"data": root / data, **shared, **changes}
        config = dataclasses.replace(config, **changes)
        run = RunDir(root / strategy / chapter.__name__)
        place = workers.find_place(config)
        if place.is_chief:
            chapter.train(config, run)
        else:
            with workers.helper_folder(place, None) as own:
                chapter.train(config, own)


if __name__ == "__main__":
    main(*sys.argv[1:])
