"""The linear SVM on features, the Markdown table and the JSON file of metrics."""

import json

import numpy as np
import pytest

from common.errors import UserError
from common.metrics import linear_svm, report

# --- linear SVM


def two_classes(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (count, 5) features, the first of which determines the class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    features = rng.normal(size=(count, 5))
    features[:, 0] = (2 * labels - 1) * rng.uniform(2, 3, count)
    return features, labels


def test_linear_svm_accuracies_by_hand():
    features, labels = two_classes(100, 0)
    test_features = np.zeros((4, 5))
    test_features[:, 0] = [-3, -3, 3, 3]  # read as classes 0, 0, 1, 1
    result = linear_svm.linear_svm_accuracy(
        features, labels, test_features, np.array([0, 0, 0, 1])
    )
    assert result["accuracy"] == pytest.approx(3 / 4)
    assert result["class_accuracy"] == pytest.approx((2 / 3 + 1) / 2)


def test_linear_svm_ignores_scale_and_shift_of_features():
    features, labels = two_classes(80, 0)
    features += np.random.default_rng(1).normal(size=features.shape) * 2
    other = features * [1e3, 1e-3, 1, 10, 50] + [5, 0, -7, 1, 3]

    def run(x):
        return linear_svm.linear_svm_accuracy(
            x[:50], labels[:50], x[50:], labels[50:], c=(0.1,)
        )

    assert run(features)["accuracy"] < 1  # a case that is not trivial
    assert run(features) == pytest.approx(run(other))
    assert run(features)["c"] == 0.1


def test_linear_svm_chooses_c_without_the_test_set():
    rng = np.random.default_rng(0)
    # With classes of unequal size, a tiny C predicts only the largest, so 1 must win.
    labels = np.repeat([0, 1, 2], [80, 10, 10])
    features = rng.normal(size=(100, 4)) + 6 * np.eye(3, 4)[labels]
    options = {"c": (1e-6, 1.0), "seed": 3}
    right = linear_svm.linear_svm_accuracy(
        features, labels, features, labels, **options
    )
    wrong = linear_svm.linear_svm_accuracy(
        features, labels, features, (labels + 1) % 3, **options
    )
    assert right["c"] == wrong["c"] == 1.0
    assert right["accuracy"] > 0.95
    assert wrong["accuracy"] < 0.05
    tiny = linear_svm.linear_svm_accuracy(features, labels, features, labels, c=(1e-6,))
    assert tiny["class_accuracy"] < 0.6


def test_linear_svm_chooses_c_on_examples_that_it_was_not_trained_on():
    """Each example has a feature of its own, so a large C can memorise its label."""
    classes = np.arange(40) % 2
    # A fifth of the labels is wrong, and memorising these does not help on others.
    labels = np.where(np.arange(40) % 10 < 2, 1 - classes, classes)
    signal = np.tile(2.0 * classes[:, None] - 1, (1, 40))
    features = np.column_stack([signal, np.eye(40)])

    def run(c):
        return linear_svm.linear_svm_accuracy(features, labels, features, labels, c=c)

    assert run((100.0,))["accuracy"] == 1
    assert run((0.01,))["accuracy"] == pytest.approx(0.8)
    assert run((0.01, 100.0))["c"] == 0.01


def test_linear_svm_takes_the_smallest_of_equal_c():
    features, labels = two_classes(40, 0)
    for c in ((0.1, 1.0, 10.0), (10.0, 0.1, 1.0), (10.0, 1.0, 0.1)):
        result = linear_svm.linear_svm_accuracy(features, labels, features, labels, c=c)
        assert (result["c"], result["accuracy"]) == (0.1, 1)


def test_linear_svm_needs_no_more_than_two_examples_of_each_class():
    """For any split, one of them is for training and the other for validation."""
    features, labels = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0, 0, 1, 1])
    for seed in range(8):
        result = linear_svm.linear_svm_accuracy(
            features, labels, features, labels, c=(1.0, 10.0), seed=seed
        )
        assert result["accuracy"] == 1


def test_linear_svm_standardises_by_the_training_set_alone():
    features, labels = two_classes(40, 0)
    # All test examples are far on the side of class 1.
    far = np.column_stack([np.linspace(5, 9, 6), np.zeros((6, 4))])
    result = linear_svm.linear_svm_accuracy(features, labels, far, np.ones(6, int))
    assert result["accuracy"] == 1


def test_linear_svm_has_the_same_c_for_any_number_of_features():
    """Repeating each feature adds no information, so the result must not change."""
    labels = np.repeat([0, 1], [70, 30])
    features = np.random.default_rng(0).normal(size=(100, 2))
    features[:, 0] += 1.5 * labels

    def run(x, c):
        return linear_svm.linear_svm_accuracy(x, labels, x, labels, c=(c,))["accuracy"]

    often = np.tile(features, (1, 64))
    assert run(often, 0.01) == run(features, 0.01) != run(features, 0.64)


def test_linear_svm_warns_if_it_did_not_converge(monkeypatch, caplog):
    features, labels = two_classes(40, 0)
    arguments = (features, labels, features, labels)
    linear_svm.linear_svm_accuracy(*arguments, c=(0.1,))
    assert "converged" not in caplog.text
    monkeypatch.setattr(linear_svm, "_MAX_ITERATIONS", 1)
    linear_svm.linear_svm_accuracy(*arguments, c=(0.1,))
    assert "C 0.1 stopped before it converged" in caplog.text


def test_linear_svm_learns_nothing_from_noise():
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(600, 8)), rng.integers(0, 4, 600)
    result = linear_svm.linear_svm_accuracy(
        features[:300], labels[:300], features[300:], labels[300:]
    )
    assert result["accuracy"] == pytest.approx(0.25, abs=0.1)


def test_linear_svm_is_repeatable_and_takes_constant_features():
    features, labels = two_classes(60, 0)
    features[:, 1] = 4
    names = np.array(["chair", "table"])[labels]
    arguments = (features[:40], names[:40], features[40:], names[40:])
    first = linear_svm.linear_svm_accuracy(*arguments, seed=1)
    assert first == linear_svm.linear_svm_accuracy(*arguments, seed=1)
    assert first["accuracy"] == 1


def test_linear_svm_refuses_wrong_input():
    features, labels = two_classes(10, 0)
    run = linear_svm.linear_svm_accuracy
    with pytest.raises(UserError, match="at least 2 classes, found 1"):
        run(features, labels * 0, features, labels)
    lonely = np.array([0] * 9 + [1])
    with pytest.raises(UserError, match="class 1 has 1"):
        run(features, lonely, features, labels)
    with pytest.raises(UserError, match="test features must be finite"):
        run(features, labels, features * np.nan, labels)
    with pytest.raises(ValueError, match="one width"):
        run(features, labels, features[:, :3], labels)
    with pytest.raises(ValueError, match="labels"):
        run(features, labels[:4], features, labels)
    with pytest.raises(ValueError, match="positive"):
        run(features, labels, features, labels, c=(0.0, 1.0))


# --- report


def test_table_is_aligned_markdown_with_arrows():
    text = report.table(
        "Shapes",
        {
            "this run": {"cov_iou": 0.5, "mmd_iou": 0.123456, "n_samples": 100},
            "training shapes": {"cov_iou": 1.0, "fid5k_local": 1e-5},
        },
    )
    assert text == (
        "## Shapes\n"
        "\n"
        "| metric        | this run | training shapes |\n"
        "| :------------ | -------: | --------------: |\n"
        "| cov_iou ↑     |      0.5 |               1 |\n"
        "| mmd_iou ↓     |   0.1235 |               - |\n"
        "| n_samples     |      100 |               - |\n"
        "| fid5k_local ↓ |        - |           1e-05 |\n"
    )


def test_table_knows_and_takes_directions():
    values = {"one_nna_iou": 0.5, "pairwise_iou": 0.2, "own|name": 1.0, "iou": 0.1}
    text = report.table("T", {"x": values}, {"own|name": "↑", "iou": ""})
    for start in ("one_nna_iou → 0.5 ", "pairwise_iou → reference ", "own\\|name ↑ "):
        assert f"| {start}" in text
    assert "↑" not in text.splitlines()[-1]


def test_table_needs_a_metric():
    with pytest.raises(ValueError, match="at least one column"):
        report.table("T", {"this run": {}})


def test_write_metrics_is_strict_json(tmp_path):
    metrics = {"z": 1, "a": np.float32(0.5), "m": np.int64(3), "b": 0.1}
    report.write_metrics(tmp_path / "run", metrics, "# Größe ↑\n")
    text = (tmp_path / "run" / "metrics.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"a": 0.5, "b": 0.1, "m": 3, "z": 1}
    assert list(json.loads(text)) == ["a", "b", "m", "z"]
    assert text.endswith("}\n")
    markdown = tmp_path / "run" / "metrics.md"
    assert markdown.read_bytes() == "# Größe ↑\n".encode()
    assert len(list((tmp_path / "run").iterdir())) == 2  # no temporary file left


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "metric x must be finite, is nan"),
        (np.float32("inf"), "metric x must be finite, is inf"),
        ("0.5", "metric x must be one number, is str"),
        (None, "metric x must be one number, is NoneType"),
        (True, "metric x must be one number, is bool"),
        (np.bool_(True), "metric x must be one number, is bool"),
        ({"y": 1.0}, "metric x must be one number, is dict"),
        (np.ones(1), "metric x must be one number, is ndarray"),
    ],
)
def test_write_metrics_refuses_values_that_are_not_numbers(tmp_path, value, message):
    report.write_metrics(tmp_path, {"old": 1}, "old\n")
    with pytest.raises(ValueError, match=message):
        report.write_metrics(tmp_path, {"fine": 1, "x": value}, "new\n")
    assert json.loads((tmp_path / "metrics.json").read_text()) == {"old": 1}
    assert (tmp_path / "metrics.md").read_text() == "old\n"


def test_write_metrics_refuses_names_that_are_not_strings(tmp_path):
    with pytest.raises(ValueError, match="name of a metric"):
        report.write_metrics(tmp_path, {3: 1.0}, "")
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_no_utf_8_is_escaped(tmp_path):
    """Folders of classes may have such names; Python passes their bytes on so."""
    report.write_metrics(tmp_path, {"iou_cl\udcff": 0.5}, "| cl\udcff |")
    assert json.loads((tmp_path / "metrics.json").read_text()) == {"iou_cl\udcff": 0.5}
    assert (tmp_path / "metrics.md").read_text() == "| cl\\udcff |"
