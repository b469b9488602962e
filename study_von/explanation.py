"""The command `explain`: how a shape and a camera become a 2.5D sketch, in one figure.

The numbers in the panels' titles are those of the equations in projection.py.
"""

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from common.errors import UserError
from common.files import atomic_path
from common.shapes.voxels import fit_to_size
from study_von import projection, sketches
from study_von.config import Config
from study_von.given_shapes import Up, read_shape
from synthetic_data.shapes.write import make_shape

# A procedural chair with thin legs and an open back.
CHAIR = 1
IMAGE_SIZE = 64
RAY, CHOSEN, STOPS, PASSES = "#7a7a7a", "#d62728", "#1f77b4", "#2ca02c"


class Ray(NamedTuple):
    """The samples along the ray of one pixel."""

    row: int
    column: int
    occupied: np.ndarray
    """o_k, float (n,), limited to [LEAST, 1 - LEAST]."""
    passing: np.ndarray
    """T_k, float (n,)."""
    stops: np.ndarray
    """s_k, float (n,)."""


def explain(
    out: Path = Path("projection.png"),
    shape: Path | None = None,
    azimuth: float = 35.0,
    elevation: float = 20.0,
    size: Literal[32, 64] = 32,
    up: Up = "z",
) -> None:
    """Draw step by step how a shape and a camera become a 2.5D sketch.

    Args:
        out: path of the picture, .png.
        shape: a voxel or mesh file, see `read_shape`; by default a procedural chair.
        azimuth: of the camera in degrees, -360 to 360; 0 looks at the front.
        elevation: of the camera in degrees, 0 to 90; 90 looks from above.
        size: edge of the volume in voxels.
        up: axis that points up in `shape` if it is a mesh.

    Raises:
        UserError: the shape cannot be read or is empty, an angle is out of range, or
            the picture cannot be written.
    """
    if out.suffix.lower() != ".png":
        raise UserError(f"--out {out}: expected a file that ends in .png")
    if not 0 <= elevation <= 90:
        raise UserError(f"--elevation: expected 0 to 90, found {elevation}")
    if not -360 <= azimuth <= 360:
        raise UserError(f"--azimuth: expected -360 to 360, found {azimuth}")
    volume = load_shape(shape, size, up)
    figure = draw(volume, azimuth, elevation)
    with atomic_path(out) as temporary:
        figure.savefig(temporary, dpi=90, format="png")


def load_shape(path: Path | None, size: int, up: Up = "z") -> np.ndarray:
    """Return a shape as float32 (S, S, S).

    Args:
        path: a voxel or mesh file; by default a procedural chair.
        size: edge in voxels, S.
        up: axis that points up in a mesh.
    """
    if path is None:
        return fit_to_size(make_shape("chair", CHAIR), size).astype(np.float32)
    return read_shape(path, Config(size=size), up)[..., 0]


def draw(volume: np.ndarray, azimuth: float, elevation: float) -> Figure:
    """Return the figure.

    Args:
        volume: float (S, S, S), occupancy.
        azimuth: degrees; 0 looks at the front.
        elevation: degrees.
    """
    config = Config(image_size=IMAGE_SIZE)
    pixels = round(1.5 * IMAGE_SIZE)
    samples = round(config.samples_per_voxel * len(volume))
    view = (np.float32([azimuth + sketches.FRONT]), np.float32([elevation]))
    turned = projection.tilt(projection.turn(volume[None], view[0]), view[1])
    values = projection.look_up_rows(turned, pixels, samples)
    occupied = projection.sharpen(values, config.sharpness)
    silhouette, depth = (image[0].numpy() for image in projection.composite(occupied))
    ray = choose_ray(occupied[:, 0].numpy())
    found = sketches.make_sketches(
        config, volume[None, ..., None], np.float32([azimuth]), view[1]
    )

    figure = Figure(figsize=(15, 9.2), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=(1.15, 1))
    solid, section, along = upper.subplots(1, 3, width_ratios=(1, 1.05, 1.35))
    solid.remove()
    solid = upper.add_subplot(1, 3, 1, projection="3d")
    draw_camera(solid, volume, view, ray, pixels)
    draw_section(section, occupied[:, 0, ray.row].numpy(), ray)
    draw_ray(along, ray, silhouette[ray.row, ray.column], depth[ray.row, ray.column])
    axes = lower.subplots(1, 4)
    rows, columns = sketches.find_squares(
        (silhouette > sketches.COVERED)[None], IMAGE_SIZE
    )
    draw_images(axes[:2], silhouette, depth, ray, rows[0].numpy(), columns[0].numpy())
    draw_sketch(axes[2:], found[0].numpy())
    return figure


def choose_ray(occupied: np.ndarray) -> Ray:
    """Return a ray that grazes one part and then hits another.

    Between two parts of its way that stop some of it, in the first of which a share
    near to one half stops, there is a gap. If there is no such ray, it is the one whose
    silhouette is nearest to one half.

    Args:
        occupied: float (n, H, H), values of samples.
    """
    inside = np.clip(occupied, projection.LEAST, 1 - projection.LEAST)
    passing = np.cumprod(1 - inside, axis=0)
    before = np.concatenate([np.ones_like(passing[:1]), passing[:-1]])
    stops = inside * before
    # The share that has passed where the ray leaves the first part that it meets.
    filled = inside > 0.02
    met = np.cumsum(filled, axis=0) > 0
    left = met & ~filled
    first = np.where(left.any(axis=0), left.argmax(axis=0), len(inside) - 1)
    grazed = 1 - np.take_along_axis(passing, first[None], axis=0)[0]
    # The best ray stops by half at the first part, and wholly at a later one.
    score = np.abs(grazed - 0.5) + (passing[-1] > 0.1)
    row, column = np.unravel_index(score.argmin(), score.shape)
    return Ray(
        row, column, *(array[:, row, column] for array in (inside, passing, stops))
    )


def draw_camera(
    axes: Axes,
    volume: np.ndarray,
    view: tuple[np.ndarray, np.ndarray],
    ray: Ray,
    pixels: int,
) -> None:
    """Draw the volume in its cube, the camera, and the rays of some pixels."""
    turn = projection.rotations(*view)[0].numpy()
    slopes = projection.sensor_slopes(pixels)
    camera = turn @ [-projection.DISTANCE, 0, 0]

    def line(row: int, column: int, color: str, width: float) -> None:
        ends = [turn @ [d - 2, d * slopes[column], d * slopes[row]] for d in (0, 3)]
        axes.plot(*np.transpose(ends), color=color, linewidth=width)

    places = np.argwhere(volume > 0)
    surface = places[_on_surface(volume)[tuple(places.T)]]
    points = surface * 2 / (len(volume) - 1) - 1
    # Darker with the distance from the camera.
    far = np.linalg.norm(points - camera, axis=1)
    axes.scatter(*points.T, c=far, cmap="YlOrBr", s=9, marker="s", linewidths=0)
    corners = np.array(list(np.ndindex(2, 2, 2))) * 2 - 1
    for start in corners:
        for end in corners:
            if (start < end).sum() == 1 and (start == end).sum() == 2:
                axes.plot(*np.stack([start, end], 1), color="black", linewidth=0.8)
    for row in (0, pixels - 1):
        for column in (0, pixels - 1):
            line(row, column, RAY, 0.8)
    line(ray.row, ray.column, CHOSEN, 1.8)
    axes.scatter(*camera, color="black", s=50)
    axes.text(*camera, "  camera", fontsize=10)
    axes.set(xlabel="axis 0", ylabel="axis 1")
    axes.set_zlabel("axis 2", labelpad=-8)
    axes.set(xticks=(-1, 1), yticks=(-1, 1), zticks=(-1, 1))
    axes.set_aspect("equal")
    axes.set_box_aspect(None, zoom=1.1)
    axes.view_init(elev=22, azim=200 + float(view[0][0]))
    axes.set_title(
        "1, 2: the shape in its cube, the camera,\nthe image's corners, and one ray"
    )


def _on_surface(volume: np.ndarray) -> np.ndarray:
    """Return which voxels have an empty neighbour, bool (S, S, S)."""
    padded = np.pad(volume > 0, 1)
    full = padded[1:-1, 1:-1, 1:-1].copy()
    for axis in range(3):
        for step in (-1, 1):
            full &= np.roll(padded, step, axis)[1:-1, 1:-1, 1:-1]
    return (volume > 0) & ~full


def draw_section(axes: Axes, occupied: np.ndarray, ray: Ray) -> None:
    """Draw the samples of one row of the image, in the plane of their rays.

    Args:
        axes: where to draw.
        occupied: float (n, H), occupancies of the samples of a row.
        ray: the chosen ray.
    """
    samples, pixels = occupied.shape
    depths, slopes = projection.sample_depths(samples), projection.sensor_slopes(pixels)
    across = depths[:, None] * slopes
    shown = axes.pcolormesh(
        across,
        np.broadcast_to(depths[:, None], across.shape),
        occupied,
        cmap="Greys",
        vmin=0,
        vmax=1,
        shading="gouraud",
    )
    for column in range(0, pixels, 8):
        axes.plot((0, 3 * slopes[column]), (0, 3), color=RAY, linewidth=0.4)
    slope = slopes[ray.column]
    axes.plot((0, 3 * slope), (0, 3), color=CHOSEN, linewidth=1)
    axes.plot(depths * slope, depths, ".", color=CHOSEN, markersize=4)
    axes.plot(0, 0, "o", color="black", markersize=8)
    axes.text(-0.12, 0, "camera", va="center")
    for depth, name in ((projection.NEAR, "depth 1"), (projection.FAR, "depth 3")):
        half = depth * slopes[0]
        axes.plot((-half, half), (depth, depth), color="black", linewidth=0.8)
        axes.text(-half - 0.06, depth, name, ha="left", va="center", fontsize=9)
    # Falling limits: left in the image is left here.
    axes.set(xlabel="to the left", ylabel="depth", xlim=(2, -2.7), aspect="equal")
    axes.figure.colorbar(shown, ax=axes, label="occupancy", shrink=0.6)
    axes.set_title(
        f"3, 4, 5: the samples in row {ray.row},\nand the sharpened occupancy of each"
    )


def draw_ray(axes: Axes, ray: Ray, silhouette: float, depth: float) -> None:
    """Draw o_k, T_k and s_k along one ray, and the results."""
    samples = len(ray.occupied)
    # D_k, equation 8.
    depths = np.linspace(projection.NEAR, projection.FAR, samples)
    width = depths[1] - depths[0]
    axes.bar(depths, ray.occupied, width, color="#cccccc", label="$o_k$: occupied")
    axes.bar(depths, ray.stops, 0.6 * width, color=STOPS, label="$s_k$: stops here")
    axes.step(
        depths, ray.passing, where="post", color=PASSES, label="$T_k$: has passed"
    )
    axes.axvline(depth, color=CHOSEN, linestyle="--", label=f"depth {depth:.2f}")
    axes.axhline(
        silhouette, color=CHOSEN, linestyle=":", label=f"silhouette {silhouette:.2f}"
    )
    axes.set(xlabel="depth $D_k$", ylim=(0, 1.04), xlim=(1, 3))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3)
    axes.set_title(
        "6, 7, 8: along the red ray, $s_k = o_k T_{k-1}$;\n"
        r"silhouette $\sum s_k$, depth $\sum s_k D_k + 3 T_{n-1}$"
    )


def draw_images(
    axes: np.ndarray,
    silhouette: np.ndarray,
    depth: np.ndarray,
    ray: Ray,
    rows: np.ndarray,
    columns: np.ndarray,
) -> None:
    """Draw silhouette and depth with the ray's pixel and the square to cut out."""
    titles = ("7: silhouette of all rays", "8: depth of all rays")
    for panel, image, title in zip(axes, (silhouette, depth), titles, strict=True):
        dark = title.startswith("7")
        cmap, limits = ("Greys", (0, 1)) if dark else ("viridis_r", (1, 3))
        shown = panel.imshow(image, cmap=cmap, vmin=limits[0], vmax=limits[1])
        panel.plot(
            ray.column, ray.row, "s", color=CHOSEN, markersize=8, fillstyle="none"
        )
        half = (rows[1] - rows[0]) / 2
        corner, side = (columns[0] - half, rows[0] - half), 2 * half * len(rows)
        panel.add_patch(
            Rectangle(corner, side, side, fill=False, color=CHOSEN, linestyle="--")
        )
        panel.set(title=title, xticks=(), yticks=())
        panel.figure.colorbar(shown, ax=panel, location="bottom", shrink=0.8)


def draw_sketch(axes: np.ndarray, sketch: np.ndarray) -> None:
    """Draw the finished sketch's silhouette and depth, maps (H, H, C)."""
    size = len(sketch)
    for panel, part, cmap, low, title in (
        (axes[0], sketches.SILHOUETTE, "Greys", 0, "cut out: silhouette"),
        (axes[1], sketches.DEPTH, "viridis", -1, "cut out: 2 - depth"),
    ):
        shown = panel.imshow(sketch[..., part], cmap=cmap, vmin=low, vmax=1)
        panel.set(title=f"{title}, {size} x {size}", xticks=(), yticks=())
        panel.figure.colorbar(shown, ax=panel, location="bottom", shrink=0.8)
