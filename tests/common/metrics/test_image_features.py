"""FID, KID, precision and recall against closed forms and other implementations."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.neighbors import NearestNeighbors

from common.errors import UserError
from common.metrics import kid as kid_module
from common.metrics import precision_recall as precision_recall_module
from common.metrics.feature_statistics import GaussianStatistics
from common.metrics.fid import fid, frechet_distance
from common.metrics.kid import kid
from common.metrics.precision_recall import precision_recall


def normal(count: int, dimensions: int, seed: int, offset: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(offset, 1, (count, dimensions))


def statistics_of(features: np.ndarray, batch: int = 7) -> GaussianStatistics:
    statistics = GaussianStatistics(features.shape[1])
    for start in range(0, len(features), batch):
        statistics.update(features[start : start + batch])
    return statistics


def random_covariance(dimensions: int, seed: int) -> np.ndarray:
    root = normal(dimensions, dimensions, seed)
    return root @ root.T


# --- FID


def test_frechet_distance_with_equal_covariance_is_the_squared_shift():
    covariance = random_covariance(4, 0)
    value = frechet_distance([1, 2, 3, 4], covariance, [1, 0, 3, 5], covariance)
    assert value == pytest.approx(4 + 1)


def test_frechet_distance_of_diagonal_covariances_by_hand():
    # sum of (sqrt a - sqrt b)^2: (3 - 1)^2 + (0 - 2)^2 + (4 - 4)^2
    value = frechet_distance(
        np.zeros(3), np.diag([9, 0, 16]), np.zeros(3), np.diag([1, 4, 16])
    )
    assert value == pytest.approx(4 + 4)


@pytest.mark.parametrize("seed", range(3))
def test_frechet_distance_agrees_with_a_general_matrix_root(seed):
    c1, c2 = random_covariance(6, seed), random_covariance(6, seed + 10)
    assert np.abs(c1 @ c2 - c2 @ c1).max() > 1  # they do not commute
    m1, m2 = normal(2, 6, seed)
    expected = np.sum((m1 - m2) ** 2) + np.trace(c1 + c2 - 2 * sqrtm(c1 @ c2).real)
    assert frechet_distance(m1, c1, m2, c2) == pytest.approx(expected)
    assert frechet_distance(m2, c2, m1, c1) == pytest.approx(expected)


def test_fid_with_fewer_images_than_dimensions_is_exact():
    a, b = normal(9, 30, 0), 2 * normal(12, 30, 1)
    # C = X'X of scaled deviations, so the trace of the root of C_a C_b is the
    # sum of the singular values of X_a X_b'.
    x, y = ((f - f.mean(axis=0)) / np.sqrt(len(f) - 1) for f in (a, b))
    root = np.linalg.svd(x @ y.T, compute_uv=False).sum()
    shift = np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2)
    expected = shift + np.sum(x**2) + np.sum(y**2) - 2 * root
    value = fid(statistics_of(a), statistics_of(b))
    assert value == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("count", [2, 10, 500])
def test_fid_of_a_set_with_itself_is_zero_and_never_negative(count):
    features = 10 * normal(count, 40, 0) @ normal(40, 40, 1)
    again = features[np.random.default_rng(2).permutation(count)]
    assert 0 <= fid(statistics_of(features), statistics_of(again, batch=3)) < 1e-6


def test_fid_of_few_images_is_biased_upwards():
    large = fid(statistics_of(normal(5000, 8, 0)), statistics_of(normal(5000, 8, 1)))
    small = fid(statistics_of(normal(20, 8, 0)), statistics_of(normal(20, 8, 1)))
    assert large < 0.05 < 0.5 < small


def test_fid_refuses_too_few_images_and_matrices_that_do_not_fit():
    one, two = statistics_of(normal(1, 3, 0)), statistics_of(normal(2, 3, 0))
    for pair, found in (((one, two), "1 and 2"), ((two, one), "2 and 1")):
        with pytest.raises(UserError, match=f"FID: .*at least 2 .*found {found}"):
            fid(*pair)
    with pytest.raises(ValueError, match="one width, have 3 and 4"):
        fid(two, statistics_of(normal(2, 4, 0)))
    eye = np.eye(2)
    with pytest.raises(ValueError, match="has shapes"):
        frechet_distance([0, 0, 0], eye, [0, 0], eye)
    with pytest.raises(ValueError, match="finite"):
        frechet_distance([0, np.nan], eye, [0, 0], eye)
    with pytest.raises(ValueError, match="covariance 2 must be symmetric"):
        frechet_distance([0, 0], eye, [0, 0], [[1, 1], [0, 1]])


# --- KID


def slow_kid(x: np.ndarray, y: np.ndarray) -> float:
    """Compute the KID with scikit-learn's kernel and explicit off-diagonal means."""

    def kernel(a, b):
        return polynomial_kernel(a, b, degree=3, gamma=1 / a.shape[1], coef0=1)

    def others(a):
        return kernel(a, a)[~np.eye(len(a), dtype=bool)].mean()

    return others(x) + others(y) - 2 * kernel(x, y).mean()


def test_kid_agrees_with_the_kernel_of_sklearn(monkeypatch):
    x, y = normal(40, 5, 0), normal(30, 5, 1, offset=0.5)
    mean, deviation = kid(x, y)
    assert mean == pytest.approx(slow_kid(x, y), rel=1e-10)
    assert deviation == 0
    monkeypatch.setattr(kid_module, "_BLOCK_VALUES", 100)  # 2 to 3 rows at once
    assert kid(x, y)[0] == pytest.approx(mean, rel=1e-12)


def test_kid_is_without_bias():
    # Halves of one set: without bias the mean is 0, with bias clearly above.
    values = [kid(*np.split(normal(60, 6, seed), 2))[0] for seed in range(200)]
    assert min(values) < 0 < max(values)
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values)) < 4 * error
    assert error < 0.02  # with the pairs i = j the mean would be 0.57


def test_kid_of_subsets():
    x, y = normal(300, 4, 0), normal(250, 4, 1, offset=0.3)
    mean, deviation = kid(x, y, subsets=40, subset_size=100)
    assert mean == pytest.approx(slow_kid(x, y), abs=4 * deviation / np.sqrt(40))
    assert 0 < deviation < 1
    assert kid(x, y, subsets=40, subset_size=100) == (mean, deviation)
    assert kid(x, y, subsets=40, subset_size=100, seed=1)[0] != mean


def test_kid_takes_a_small_set_whole_and_draws_without_replacement():
    x, y = normal(30, 4, 0), normal(20, 4, 1)
    repeated = np.repeat(x[:1], 21, axis=0)  # any 20 of these are alike
    mean, deviation = kid(repeated, y, subsets=3, subset_size=20)
    assert mean == pytest.approx(slow_kid(repeated[:20], y))
    assert deviation == pytest.approx(0, abs=1e-12)
    mean, deviation = kid(x, y, subsets=3, subset_size=29)
    left_out = [slow_kid(np.delete(x, i, axis=0), y) for i in range(30)]
    assert min(left_out) <= mean <= max(left_out)
    assert deviation > 0


def test_kid_refuses_wrong_input():
    x = normal(5, 3, 0)
    with pytest.raises(UserError, match="KID: .*at least 2 .*found 5 and 1"):
        kid(x, x[:1])
    with pytest.raises(ValueError, match=r"fake must have shape \(N, 3\)"):
        kid(x, x[:, :2])
    with pytest.raises(ValueError, match="real must be finite"):
        kid(x * np.nan, x)
    for wrong in ({"subsets": 0}, {"subset_size": 1}):
        with pytest.raises(ValueError, match="subsets must be"):
            kid(x, x, **wrong)


# --- precision and recall


def slow_precision_recall(
    real: np.ndarray, fake: np.ndarray, k: int
) -> tuple[float, float]:
    """Compute them with scikit-learn's search, which subtracts before squaring."""

    def share_inside(points, balls):
        search = NearestNeighbors(n_neighbors=len(balls), algorithm="kd_tree")
        search.fit(balls)
        # Distance number 0 is the distance to the point itself.
        radii = search.kneighbors(balls)[0][:, k]
        distances, balls_found = search.kneighbors(points)
        return np.mean((distances <= radii[balls_found]).any(axis=1))

    return share_inside(fake, real), share_inside(real, fake)


def test_precision_recall_by_hand():
    real = np.array([[0.0], [1], [3], [10]])  # radii 1, 1, 2, 7 for k = 1
    fake = np.array([[-1.0], [-1.5], [5], [18]])  # radii 0.5, 0.5, 6, 13
    # -1: on the edge of 0. -1.5: outside. 5: on the edge of 3. 18: outside.
    # 0, 1 and 3 are within 6 of 5, and 10 within 6 of 5 too.
    assert precision_recall(real, fake, k=1) == (0.5, 1)
    assert precision_recall(fake, real, k=1) == (1, 0.5)


@pytest.mark.parametrize("k", [1, 3, 7])
def test_precision_recall_agrees_with_sklearn(k, monkeypatch):
    real, fake = normal(80, 3, 0), normal(60, 3, 1, offset=1.5)
    expected = slow_precision_recall(real, fake, k)
    assert 0 < expected[0] < 1 and 0 < expected[1] < 1
    assert precision_recall(real, fake, k=k) == pytest.approx(expected)
    assert precision_recall(1e3 + real, 1e3 + fake, k=k) == pytest.approx(expected)
    monkeypatch.setattr(precision_recall_module, "_BLOCK_VALUES", 200)
    assert precision_recall(real, fake, k=k) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(4))
def test_precision_recall_counts_ties_and_duplicates(seed):
    rng = np.random.default_rng(seed)
    real, fake = rng.integers(0, 6, (40, 3)), rng.integers(2, 9, (30, 3))
    expected = slow_precision_recall(real, fake, 2)
    assert precision_recall(real, fake, k=2) == pytest.approx(expected)
    # Tenths are not exact in binary, so now every distance is rounded.
    assert precision_recall(real / 10, fake / 10, k=2) == pytest.approx(expected)


def test_precision_recall_leaves_only_the_point_itself_out():
    real = np.array([[0.1], [0.1], [0.7], [0.7]])  # every radius is 0 for k = 1
    fake = np.array([[0.1], [0.2], [0.65], [0.7]])
    assert precision_recall(real, fake, k=1)[0] == 0.5  # the two equal ones
    assert precision_recall(real, fake, k=2)[0] == 1  # radii 0.6


def test_precision_recall_of_a_copy_is_one():
    real = normal(50, 10, 0)
    assert precision_recall(real, real.copy()) == (1, 1)
    equal = np.ones((50, 10))  # from a completely collapsed generator
    assert precision_recall(equal, equal) == (1, 1)


def test_precision_recall_sees_collapse_and_noise():
    real = normal(300, 8, 0)
    collapsed = real[:1] + 0.01 * normal(300, 8, 1)
    precision, recall = precision_recall(real, collapsed)
    assert precision == 1
    assert recall < 0.02
    precision, recall = precision_recall(real, 10 * normal(300, 8, 2))
    assert precision < 0.05
    precision, recall = precision_recall(real, normal(300, 8, 3))
    assert precision > 0.7 and recall > 0.7


def test_precision_recall_refuses_wrong_input():
    x = normal(5, 3, 0)
    with pytest.raises(UserError, match="k = 3: .*at least 4 .*found 5 and 3"):
        precision_recall(x, x[:3])
    assert precision_recall(x, x[:4], k=3)[0] == 1
    with pytest.raises(UserError, match="k: expected .*found 0"):
        precision_recall(x, x, k=0)
    with pytest.raises(ValueError, match=r"fake must have shape \(N, 3\)"):
        precision_recall(x, x[:, :2])
    with pytest.raises(ValueError, match="real must be finite"):
        precision_recall(x * np.inf, x)


# --- other implementations


def test_scores_equal_those_of_other_implementations():
    # Computed from these features by torch-fidelity 0.4.0 (all), clean-fid 0.1.35
    # and torchmetrics 1.9.0 (FID and KID), in float64; they agree in 12 digits.
    # KID: one subset of 50.
    rng = np.random.default_rng(7)
    real = rng.normal(size=(60, 6))
    fake = rng.normal(0.4, 0.7, (50, 6)) @ rng.normal(0, 0.5, (6, 6))
    value = fid(statistics_of(real), statistics_of(fake))
    assert value == pytest.approx(2.0377152072871, rel=1e-11)
    assert kid(real[:50], fake)[0] == pytest.approx(0.51778021804315, rel=1e-11)
    assert precision_recall(real, fake, k=3) == pytest.approx((44 / 50, 22 / 60))
