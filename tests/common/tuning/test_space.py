"""Search spaces, and files of options."""

import dataclasses
import importlib
import json

import pytest
from searching import ADAM
from toychapter.config import PRESETS, SPACE, Config

from benchmarks.chapters import chapter_names
from common.config import check_options, to_json
from common.config_files import read_config
from common.errors import UserError
from common.tuning.search import plain
from common.tuning.space import Space

CHAPTERS = chapter_names()


def test_values_hold_conditional_options_only_if_their_branch_is_taken():
    values = Space(SPACE, Config).values(ADAM)
    assert values == {
        "place": 0.25,
        "layers": 3,
        "optimizer": "adam",
        "beta_1": 0.1235,
        "labels": [0.8, 1.0],
    }
    assert type(values["layers"]) is int
    sgd = ADAM | {"optimizer": [1], "optimizer/0/beta_1": [], "optimizer/1/beta_1": [1]}
    taken = Space(SPACE, Config).values(sgd)
    assert (taken["optimizer"], taken["beta_1"]) == ("sgd", 0.9)


def test_plain_alternatives_may_stand_beside_conditional_ones():
    data = {"optimizer": {"choice": ["sgd", {"optimizer": "adam", "layers": 2}]}}
    space = Space(data, Config)
    assert space.values({"optimizer": [0]}) == {"optimizer": "sgd"}
    assert space.values({"optimizer": [1]}) == {"optimizer": "adam", "layers": 2}
    assert space.fields == ("optimizer", "layers")


def test_values_lead_back_to_their_draws():
    space = Space(SPACE, Config)
    values = space.values(ADAM)
    assert space.draws(values) == ADAM | {"optimizer/0/beta_1": [0.1235]}
    preset = dataclasses.asdict(PRESETS["quick"])
    assert space.draws(preset)["optimizer/1/beta_1"] == [0]
    for outside in ({"place": 1.5}, {"layers": 2.5}, {"labels": [0.5]}, {"beta_1": 1}):
        assert space.draws(values | outside) is None


def test_limits_lie_within_the_space():
    space = Space({"place": {"uniform": [0, 1]}, "layers": {"integer": [1, 5]}}, Config)
    for place, layers in ((0, 1), (1.0, 5)):
        values = {"place": place, "layers": layers}
        assert space.draws(values) == {"place": [place], "layers": [layers]}
    for place, layers in ((-0.1, 1), (0, 0), (0, 6), (True, 1), (0, True), ("0", 1)):
        assert space.draws({"place": place, "layers": layers}) is None


def test_rounded_values_stay_within_their_limits():
    """Rounding to four digits or to a whole number may step over a limit."""
    data = {"place": {"uniform": [0.10006, 0.12346]}, "layers": {"integer": [1, 5]}}
    space = Space(data, Config)
    # 0.1235 and 6 lie above, 0.1 and 0 below.
    assert space.values({"place": [0.12346], "layers": [6.0]}) == {
        "place": 0.12346,
        "layers": 5,
    }
    assert space.values({"place": [0.10004], "layers": [0.0]}) == {
        "place": 0.10006,
        "layers": 1,
    }


def test_hyperopt_draws_what_the_space_says():
    from hyperopt import Trials, pyll, rand
    from hyperopt.base import Domain, spec_from_misc

    space = Space(SPACE | {"batch_size": {"integer": [2, 4]}}, Config)
    domain = Domain(None, space.expression())
    found = []
    for seed in range(200):
        [document] = rand.suggest([seed], domain, Trials(), seed)
        draws = plain(document["misc"]["vals"])
        memo = domain.memo_from_config(spec_from_misc(document["misc"]))
        assert space.flat(pyll.rec_eval(domain.expr, memo=memo)) == draws
        assert set(draws) == set(space.labels)
        found.append(space.values(draws))
    for values in found:
        Config(**values | {"labels": tuple(values["labels"])}).validate()
        assert 0 <= values["place"] <= 1
        assert values["beta_1"] in (0.5, 0.9) or values["optimizer"] == "adam"
    counts = [sum(v["batch_size"] == size for v in found) for size in (2, 3, 4)]
    # All are equally likely; three standard deviations are 20.
    assert all(abs(count - 200 / 3) < 20 for count in counts) and sum(counts) == 200


def test_loguniform_is_uniform_in_the_logarithm():
    from hyperopt import Trials, rand
    from hyperopt.base import Domain

    space = Space({"place": {"loguniform": [1e-4, 1e-2]}}, Config)
    domain = Domain(None, space.expression())
    below = 0
    for seed in range(200):
        [document] = rand.suggest([seed], domain, Trials(), seed)
        value = space.values(document["misc"]["vals"])["place"]
        assert 1e-4 <= value <= 1e-2
        below += value < 1e-3
    assert 75 < below < 125


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "has no dimension"),
        ({"place": 0.5}, "place must be an object with one of choice"),
        ({"place": {"normal": [0, 1]}}, "place must have one of choice, uniform"),
        ({"speed": {"uniform": [0, 1]}}, "unknown option speed"),
        ({"layers": {"choice": []}}, "choice of two or more"),
        ({"layers": {"choice": [1, "two"]}}, "layers must be int, found 'two'"),
        ({"optimizer": {"choice": ["adam", "adm"]}}, "'adam' or 'sgd', found 'adm'"),
        ({"layers": {"choice": [4]}}, "choice of two or more"),
        ({"layers": {"choice": "ab"}}, "choice of two or more"),
        ({"layers": {"choice": [1, 2], "integer": [1, 2]}}, "layers must have one of"),
        ({"place": {"uniform": [1, 0]}}, "low < high"),
        ({"place": {"uniform": [1, 1]}}, "low < high as uniform, found .1, 1."),
        ({"place": {"loguniform": [1, 1]}}, "low < high as loguniform"),
        ({"layers": {"integer": [2, 2]}}, "low < high as integer"),
        ({"place": {"uniform": [False, 1]}}, "two numbers"),
        ({"place": {"uniform": [0, float("inf")]}}, "two numbers"),
        ({"place": {"uniform": [0, 1, 2]}}, "two numbers"),
        ({"place": {"uniform": [0, "1"]}}, "two numbers"),
        ({"place": {"uniform": [0]}}, "two numbers"),
        ({"place": {"loguniform": [0, 1]}}, "above 0 as loguniform"),
        ({"place": {"loguniform": [-1, 1]}}, "above 0 as loguniform"),
        ({"layers": {"integer": [1, 2.5]}}, "whole numbers"),
        ({"layers": {"uniform": [1, 4]}}, "layers must be int, found 2.5"),
        ({"labels": {"choice": [[1], ["a"]]}}, "labels must be"),
        (SPACE | {"beta_1": {"uniform": [0, 1]}}, "beta_1 in two dimensions"),
    ],
)
def test_a_wrong_space_is_an_error(data, message):
    with pytest.raises(UserError, match=message):
        Space(data, Config)


def test_spaces_are_read_from_files(tmp_path):
    path = tmp_path / "space.json"
    path.write_text(json.dumps(SPACE))
    assert Space.read(path, Config).data == SPACE
    for text, message in (("{", "not valid JSON"), ("[1]", "one JSON object")):
        path.write_text(text)
        with pytest.raises(UserError, match=message):
            Space.read(path, Config)
    path.write_text(" " * 1_000_001)
    with pytest.raises(UserError, match="1,000,001 bytes"):
        Space.read(path, Config)
    with pytest.raises(UserError, match="cannot read .*No such file"):
        Space.read(tmp_path / "none.json", Config)


def test_a_file_of_options_overrides_the_preset(tmp_path):
    path = tmp_path / "best.json"
    path.write_text(json.dumps({"layers": 5, "labels": [0.8, 1]}))
    config = read_config(path, PRESETS["quick"])
    assert config == dataclasses.replace(PRESETS["quick"], layers=5, labels=(0.8, 1.0))
    path.write_text(to_json(PRESETS["long"]))
    assert read_config(path, PRESETS["quick"]) == PRESETS["long"]


def test_a_length_in_the_file_is_not_cut_short_by_the_preset(tmp_path):
    path = tmp_path / "options.json"
    for values, expected in (
        ({"epochs": 2.5}, (None, 2.5, None)),
        ({"steps": 30_000}, (30_000, None, None)),
        ({"steps": 30_000, "max_minutes": 4}, (30_000, None, 4)),
        ({"max_minutes": 1}, (20_000, None, 1)),
    ):
        path.write_text(json.dumps(values))
        config = read_config(path, PRESETS["quick"])
        assert (config.steps, config.epochs, config.max_minutes) == expected


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"layer": 2}, "unknown option layer; known are batch_size, beta_1"),
        ({"layers": 2.5}, "layers must be int, found 2.5"),
        ({"layers": True}, "layers must be int, found True"),
        ({"optimizer": "adm"}, "optimizer must be 'adam' or 'sgd', found 'adm'"),
        ({"labels": 1.0}, "labels must be tuple"),
        ({"data": 3}, "data must be Path | None, found 3"),
        ({"batch_size": -1}, "--batch-size must be above 0"),
    ],
)
def test_wrong_options_in_a_file_are_an_error(tmp_path, values, message):
    path = tmp_path / "options.json"
    path.write_text(json.dumps(values))
    with pytest.raises(UserError) as error:
        read_config(path, PRESETS["quick"])
    assert message in str(error.value)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_preset_has_values_of_the_right_types(chapter):
    config = importlib.import_module(f"{chapter}.config")
    for preset in config.PRESETS.values():
        check_options(json.loads(to_json(preset)), config.Config, "the preset")
