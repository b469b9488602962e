"""What each term of the 3D-VAE-GAN's loss does: `quick` without it, after equal steps.

    python -m benchmarks.photo_terms --data DIR --out DIR --steps 500

Every variant is trained on the same data with the same seed and scored on the same
held-out photos and shapes. The output is a Markdown table.
"""

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from common.metrics.report import table

# Options of each variant that differ from those of `quick`.
VARIANTS = {
    "quick": {},
    "no KL": {"kl_weight": 0.0},
    "KL times 100": {"kl_weight": 0.1},
    "no game": {"adversarial_weight": 0.0, "game_items": None},
    "no reconstruction": {"reconstruction_weight": 0.0},
    "D sees reconstructions": {"vae_fakes": True},
}
SCORES = ("iou_test", "ap_test", "cov_iou", "mmd_iou", "pairwise_iou")


@dataclass(frozen=True)
class Options:
    """Train variants of `quick` for equal steps and score all of them."""

    out: Path
    """New folder for the runs."""

    data: Path | None = None
    """Data set; by default the stand-in is used."""

    steps: int = 500
    """Steps of each training."""

    photos: int = 352
    """Held-out photos to score."""

    seed: int = 0
    """Seed of all runs."""

    variants: tuple[str, ...] = tuple(VARIANTS)
    """Variants to train."""


def score(options: Options, name: str) -> dict[str, float]:
    """Train and score one variant."""
    from chapter02_3dgan.evaluation import score_samples
    from common.training.run_dir import RunDir
    from study_3dvaegan import PRESETS, train
    from study_3dvaegan.baselines import network_predictor
    from study_3dvaegan.data import load_split
    from study_3dvaegan.prediction_scores import score_photos
    from study_3dvaegan.training import load_networks, load_threshold

    config = dataclasses.replace(
        PRESETS["quick"],
        **VARIANTS[name],
        data=options.data,
        steps=options.steps,
        max_minutes=None,
        seed=options.seed,
    )
    folder = options.out / name.replace(" ", "_")
    run = train(config, RunDir.create("study_3dvaegan", "quick", folder))
    encoder, generator = load_networks(run)
    threshold = load_threshold(run)
    held_out = load_split(config, "test")
    iou, precision = score_photos(
        network_predictor(encoder, generator),
        held_out.spread(options.photos),
        threshold,
    )
    shapes = load_split(config, "train").shapes
    _, prior = score_samples(
        config, generator, shapes, held_out.shapes, threshold=threshold
    )
    scores = {"iou_test": float(iou.mean()), "ap_test": float(precision.mean())}
    scores |= prior["this run"]
    return {key: scores[key] for key in SCORES}


def main(options: Options) -> int:
    """Print the table; see `Options`."""
    results = {name: score(options, name) for name in options.variants}
    print(table(f"{options.steps} steps, seed {options.seed}", results))
    return 0


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options)))
