"""What a trained SRGAN is worth: closeness to the originals, and realism."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage
from tqdm import tqdm

from chapter05_srgan.config import Config
from chapter05_srgan.data import load_split, reduce_by
from chapter05_srgan.perceptual_scores import (
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

# Edge of the piece in pixels of the original, and its height on the sheet.
PIECE, TILE = 64, 192
SHOWN = 6

FILTERS = ("nearest", "bicubic", "lanczos")
ARROWS = {"psnr_y": "↑", "ssim_y": "↑", "patch_fid": "↓", "spectrum_distance": "↓"}
MOST_DB = 100.0
Enlarge = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Scored:
    """Enlarged pictures of one kind, and their scores.

    Attributes:
        pictures: uint8 (H, W, 3) each.
        psnr: of each, dB.
        ssim: of each.
        scores: means, and the scores of the whole set.
    """

    pictures: list[np.ndarray]
    psnr: list[float]
    ssim: list[float]
    scores: dict[str, float]


def test(
    run: RunDir,
    config: Config | None = None,
    data: Path | None = None,
    realism: bool = True,
) -> dict[str, float]:
    """Score a run, and write metrics.json, metrics.md and crops.png.

    Every picture is cut to a multiple of the scale, reduced by antialiased bicubic,
    enlarged again, and compared on Y within a border of `scale` pixels.

    Args:
        run: folder of a run of which at least one stage has been trained.
        config: options of the run; by default its own.
        data: folder of images, all of which are scored; by default those that the
            run's own data hold out.
        realism: compare features of patches too, which takes a minute more.

    Returns:
        The scores, by the names in metrics.json.

    Raises:
        UserError: the run has no generator, or the data are wrong.

    Reference: Ledig et al. 2017, arXiv:1609.04802, section 3.1.
    """
    trained = [name for name in STAGES if generator_path(run, name).is_file()]
    if not trained:
        load_network(
            generator_path(run, SRRESNET)
        )  # Raises the error that says what is missing.
    config = run.configuration(config, data)
    store = load_split(config, "test" if data is None else "all")
    originals = [crop_to_multiple(store[i], config.scale) for i in range(len(store))]
    small = [reduce_by(original, config.scale) for original in originals]
    extractor = None
    if realism:
        extractor = patch_extractor(_training_pictures(run))
    ways = {name: _by_network(run, name, config) for name in trained}
    ways |= {kind: _by_filter(config.scale, kind) for kind in FILTERS}
    scored = {
        name: score_method(originals, small, way, config.scale, extractor, name)
        for name, way in ways.items()
    }
    metrics = {"scale": config.scale, "n_images": len(originals)}
    for name, result in scored.items():
        prefix, suffix = (
            (f"baseline_{name}_", "") if name in FILTERS else ("", f"_{name}")
        )
        metrics |= {f"{prefix}{k}{suffix}": v for k, v in result.scores.items()}
    write_metrics(run.path, metrics, _report(run, config, store, scored))
    draw_crops(originals, {n: j.pictures for n, j in scored.items()}, run.path)
    return metrics


def _training_pictures(run: RunDir) -> list[np.ndarray]:
    """Return the pictures that the run has learnt from."""
    store = load_split(run.read_config(Config), "train")
    return [store[i] for i in range(len(store))]


def _by_network(run: RunDir, stage: str, config: Config) -> Enlarge:
    network = compiled(load_network(generator_path(run, stage)))
    return lambda image: enlarge_by_network(network, image, config.scale)


def _by_filter(scale: int, kind: str) -> Enlarge:
    return lambda image: enlarge(image, scale, kind)


def score_method(
    originals: list[np.ndarray],
    small: list[np.ndarray],
    way: Enlarge,
    scale: int,
    extractor: Callable | None,
    name: str,
) -> Scored:
    """Enlarge pictures in one way and hold them against their originals.

    Args:
        originals: uint8 (s h, s w, 3) each.
        small: uint8 (h, w, 3) each.
        way: small -> enlarged.
        scale: s.
        extractor: of patch features, or None.
        name: of the way, for the progress bar.
    """
    made = [way(image) for image in tqdm(small, name, unit="picture", disable=None)]
    pairs = list(zip(originals, made, strict=True))
    # Equal pictures, which flat ones may be, would have an infinite mean.
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
    """Return the table of means, and one of each picture."""
    source = config.data or "procedural stand-in"
    title = f"{run.path.name}: x{config.scale} on {len(store)} pictures of {source}"
    text = table(title, {n: j.scores for n, j in scored.items()}, ARROWS)
    header = ["PSNR dB / SSIM on Y", *scored]
    lines = [f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
    for row, picture in enumerate(store.names):
        cells = [f"{j.psnr[row]:.2f} / {j.ssim[row]:.4f}" for j in scored.values()]
        lines.append(f"| {' | '.join([picture, *cells])} |")
    return text + "\n" + "\n".join(lines) + "\n"


def draw_crops(
    originals: list[np.ndarray], made: dict[str, list[np.ndarray]], folder: Path
) -> Path:
    """Draw the most detailed piece of each picture beside its enlargements.

    Args:
        originals: uint8 (H, W, 3) each.
        made: by the name of the way, as many of the same sizes.
        folder: where crops.png is written.

    Returns:
        Its path.
    """
    shown = np.linspace(0, len(originals) - 1, min(SHOWN, len(originals))).astype(int)
    rows = []
    for number in shown:
        piece = most_detailed(originals[number])
        ways = [*(pictures[number] for pictures in made.values()), originals[number]]
        rows.append([(to_picture(way[piece], TILE), None) for way in ways])
    path = folder / "crops.png"
    writing.save_image(sheet(rows, column_labels=[*made, "original"]), path)
    return path


def most_detailed(image: np.ndarray, size: int = PIECE) -> tuple[slice, slice]:
    """Return where the square with the steepest edges lies.

    Args:
        image: uint8 (H, W, 3).
        size: edge of the square; smaller in smaller pictures.
    """
    grey = image.mean(axis=2)
    size = min(size, *grey.shape)
    edges = np.hypot(ndimage.sobel(grey, 0), ndimage.sobel(grey, 1))
    means = ndimage.uniform_filter(edges, size, mode="constant")
    # Only squares that lie within the picture.
    half = size // 2
    inner = means[
        half : grey.shape[0] - size + half + 1, half : grey.shape[1] - size + half + 1
    ]
    top, left = np.unravel_index(inner.argmax(), inner.shape)
    return slice(top, top + size), slice(left, left + size)
