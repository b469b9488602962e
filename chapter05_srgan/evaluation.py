"""The command `test`: how close enlarged images are to the originals, and how real."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from chapter05_srgan.config import Config
from chapter05_srgan.data import load_split, reduce_by
from chapter05_srgan.perceptual_scores import (
    most_detailed_square,
    patch_extractor,
    patch_fid,
    spectrum_distance,
)
from chapter05_srgan.pixel_scores import crop_to_multiple, enlarge, psnr_y, ssim_y
from chapter05_srgan.training import SRRESNET, STAGES, generator_path
from chapter05_srgan.upscaling.tiles import compiled
from chapter05_srgan.upscaling.tiles import enlarge as enlarge_by_network
from common.images import writing
from common.images.full_size_store import PictureStore
from common.images.grids import sheet, to_picture
from common.metrics.report import table, write_metrics
from common.training.network_files import load_network
from common.training.run_dir import RunDir

# Edge of the squares on crops.png, in pixels of the original and of the sheet.
PIECE = 64
TILE = 192
# Rows of crops.png.
SHOWN = 6
# Largest PSNR in dB that a single image counts with.
MOST_DB = 100.0

FILTERS = ("nearest", "bicubic", "lanczos")
ARROWS = {"psnr_y": "↑", "ssim_y": "↑", "patch_fid": "↓", "spectrum_distance": "↓"}
# Takes an image uint8 (h, w, 3), returns the enlarged one.
Enlarge = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Scored:
    """Images that one method has enlarged, and their scores.

    Attributes:
        images: the enlarged images, uint8 (H, W, 3) each.
        psnr: PSNR on Y of each image in dB.
        ssim: SSIM on Y of each image.
        scores: means over the images, and the scores of the whole set.
    """

    images: list[np.ndarray]
    psnr: list[float]
    ssim: list[float]
    scores: dict[str, float]


def test(
    run: RunDir,
    config: Config | None = None,
    data: Path | None = None,
    realism: bool = True,
) -> dict[str, float]:
    """Score a run; write metrics.json, metrics.md and crops.png.

    Every image is cropped to a multiple of the scale, reduced by antialiased bicubic,
    enlarged again, and compared with the original on Y, without a border of `scale`
    pixels. The table compares the trained stages with three interpolation filters.

    Args:
        run: folder of a run of which at least one stage has been trained.
        config: options of the run; by default its own.
        data: folder of images, all of which are scored; by default the held-out
            images of the data set that the run was trained on.
        realism: whether to compare features of patches too, which takes a minute more.

    Returns:
        The scores of metrics.json by name.

    Raises:
        UserError: the run has no generator, or the data are wrong.

    Reference: Ledig et al. 2017, arXiv:1609.04802, section 3.1.
    """
    trained = [name for name in STAGES if generator_path(run, name).is_file()]
    if not trained:
        # Raises the error that says what is missing.
        load_network(generator_path(run, SRRESNET))
    config = run.configuration_with_data(config, data)
    store = load_split(config, "test" if data is None else "all")
    originals = [crop_to_multiple(store[i], config.scale) for i in range(len(store))]
    small = [reduce_by(original, config.scale) for original in originals]
    extractor = None
    if realism:
        extractor = patch_extractor(_training_images(run))
    methods = {name: _by_network(run, name, config) for name in trained}
    methods |= {kind: _by_filter(config.scale, kind) for kind in FILTERS}
    scored = {
        name: score_method(originals, small, method, config.scale, extractor, name)
        for name, method in methods.items()
    }
    metrics = {"scale": config.scale, "n_images": len(originals)}
    for name, result in scored.items():
        prefix, suffix = (
            (f"baseline_{name}_", "") if name in FILTERS else ("", f"_{name}")
        )
        metrics |= {f"{prefix}{k}{suffix}": v for k, v in result.scores.items()}
    write_metrics(run.path, metrics, _report(run, config, store, scored))
    enlarged = {name: result.images for name, result in scored.items()}
    draw_crops(originals, enlarged, run.path)
    return metrics


def _training_images(run: RunDir) -> list[np.ndarray]:
    """Return the images that the run was trained on."""
    store = load_split(run.read_config(Config), "train")
    return [store[i] for i in range(len(store))]


def _by_network(run: RunDir, stage: str, config: Config) -> Enlarge:
    """Return a function that enlarges an image by the generator of a stage."""
    network = compiled(load_network(generator_path(run, stage)))
    return lambda image: enlarge_by_network(network, image, config.scale)


def _by_filter(scale: int, kind: str) -> Enlarge:
    """Return a function that enlarges an image by an interpolation filter."""
    return lambda image: enlarge(image, scale, kind)


def score_method(
    originals: list[np.ndarray],
    small: list[np.ndarray],
    method: Enlarge,
    scale: int,
    extractor: Callable | None,
    name: str,
) -> Scored:
    """Enlarge images by one method and compare them with the originals.

    Args:
        originals: uint8 (s h, s w, 3) each.
        small: the reduced images, uint8 (h, w, 3) each.
        method: function that enlarges an image.
        scale: factor s by which each side is enlarged.
        extractor: network whose patch features are compared, or None for no patches.
        name: name of the method, for the progress bar.
    """
    made = [method(image) for image in tqdm(small, name, unit="image", disable=None)]
    pairs = list(zip(originals, made, strict=True))
    # The PSNR of two equal images is infinite, and the mean would be, too.
    psnr = [min(psnr_y(a, b, scale), MOST_DB) for a, b in pairs]
    ssim = [ssim_y(a, b, scale) for a, b in pairs]
    scores = {
        "psnr_y": float(np.mean(psnr)),
        "ssim_y": float(np.mean(ssim)),
        "spectrum_distance": spectrum_distance(originals, made),
    }
    if extractor is not None:
        scores["patch_fid"] = patch_fid(originals, made, extractor)
    return Scored(made, psnr, ssim, scores)


def _report(
    run: RunDir, config: Config, store: PictureStore, scored: dict[str, Scored]
) -> str:
    """Return metrics.md: a table of the means, and one of the single images."""
    source = config.data or "procedural stand-in"
    title = f"{run.path.name}: x{config.scale} on {len(store)} images of {source}"
    columns = {name: result.scores for name, result in scored.items()}
    text = table(title, columns, ARROWS)
    header = ["PSNR dB / SSIM on Y", *scored]
    lines = [f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
    for row, image in enumerate(store.names):
        cells = [
            f"{one.psnr[row]:.2f} / {one.ssim[row]:.4f}" for one in scored.values()
        ]
        lines.append(f"| {' | '.join([image, *cells])} |")
    return text + "\n" + "\n".join(lines) + "\n"


def draw_crops(
    originals: list[np.ndarray], made: dict[str, list[np.ndarray]], folder: Path
) -> Path:
    """Draw the most detailed square of each image, enlarged by every method.

    Args:
        originals: uint8 (H, W, 3) each.
        made: enlarged images by name of the method, of the same number and sizes.
        folder: folder in which crops.png is written.

    Returns:
        Path of crops.png.
    """
    shown = np.linspace(0, len(originals) - 1, min(SHOWN, len(originals))).astype(int)
    rows = []
    for number in shown:
        piece = most_detailed_square(originals[number], PIECE)
        images = [*(enlarged[number] for enlarged in made.values()), originals[number]]
        rows.append([(to_picture(image[piece], TILE), None) for image in images])
    path = folder / "crops.png"
    writing.save_image(sheet(rows, column_labels=[*made, "original"]), path)
    return path
