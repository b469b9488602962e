"""Rules that every chapter keeps; the chapters are found by their folders."""

import dataclasses
import importlib
import inspect
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from command_lines import call

from benchmarks.chapters import chapter_names
from common.cli.options import DescribeOptions, RunOptions
from common.config import RunConfig, from_json, to_json

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = chapter_names()
PRESETS = {"quick", "book", "paper"}


def test_there_are_chapters():
    assert len(CHAPTERS) >= 4


@pytest.fixture(params=CHAPTERS)
def chapter(request):
    """The package of one chapter."""
    return importlib.import_module(request.param)


def test_exports(chapter):
    """The chapter's package exports all that a notebook needs."""
    names = "train test generate sample build_generator build_discriminator describe"
    for name in names.split():
        assert callable(getattr(chapter, name)), name
    assert chapter.PRESETS["quick"] == chapter_of(chapter).presets["quick"]
    assert isinstance(chapter.PRESETS["quick"], chapter.Config)


def test_every_command_is_a_function_with_the_same_names_and_defaults(chapter):
    """Whatever the command line can do, a call in Python can do as well."""
    for name, command in chapter_of(chapter).commands.items():
        parameters = inspect.signature(getattr(chapter, command.function)).parameters
        fields = {field.name: field for field in dataclasses.fields(command.options)}
        if issubclass(command.options, DescribeOptions):
            assert list(parameters) == ["config"], name
            known = {field.name for field in dataclasses.fields(chapter.Config)}
            assert set(fields) <= known, name
            continue
        if issubclass(command.options, RunOptions):
            assert list(parameters)[:2] == ["run", "config"], name
            assert parameters["config"].default is None, name
            del fields["run_dir"]
        for field in fields.values():
            default = parameters[field.name].default
            expected = field.default
            if expected is dataclasses.MISSING:
                expected = inspect.Parameter.empty
            assert default == expected, f"{name} --{field.name}"


def test_presets(chapter):
    config = importlib.import_module(f"{chapter.__name__}.config")
    # A study has no book.
    expected = PRESETS - {"book"} if chapter.__name__.startswith("study") else PRESETS
    assert set(config.PRESETS) >= expected
    assert issubclass(config.Config, RunConfig)
    for preset in config.PRESETS.values():
        preset.validate()
        assert from_json(config.Config, to_json(preset), "") == preset
        with pytest.raises(dataclasses.FrozenInstanceError):
            preset.seed = 1


def test_every_option_is_explained(chapter):
    """Every option has a text below its field, which tyro shows as its help."""
    done = call(chapter_of(chapter), "train", "--help")
    assert done.returncode == 0
    config = importlib.import_module(f"{chapter.__name__}.config").Config
    for field in dataclasses.fields(config):
        assert f"--{field.name.replace('_', '-')}" in done.stdout, field.name
    source = Path(sys.modules[config.__module__].__file__).read_text()
    own = {field.name for field in dataclasses.fields(config)}
    for name in own & set(config.__annotations__):
        declaration = source.split(f"\n    {name}:", 1)[1]
        assert declaration.split('"""', 1)[0].count("\n\n") == 0, f"{name} has no text"


def chapter_of(package):
    """Return the chapter's description for its command line."""
    return importlib.import_module(f"{package.__name__}.commands").CHAPTER


def run(chapter, *arguments, **options):
    main = ROOT / chapter.__name__ / "main.py"
    return subprocess.run(
        [sys.executable, str(main), *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        **options,
    )


def test_help_answers_without_tensorflow(chapter):
    """Importing TensorFlow alone would take seconds."""
    program = (
        "import runpy, sys\n"
        "for words in [], ['--help'], ['train', '--help']:\n"
        "    sys.argv = ['main.py', *words]\n"
        f"    try: runpy.run_path({str(ROOT / chapter.__name__ / 'main.py')!r}, "
        "run_name='__main__')\n"
        "    except SystemExit as end: assert not end.code\n"
        "    assert not {'tensorflow', 'keras'} & set(sys.modules), words\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("usage: ") == 3


def test_starting_as_a_script_or_as_a_module_is_the_same(chapter, tmp_path):
    script = run(chapter, "--help", cwd=tmp_path)
    module = subprocess.run(
        [sys.executable, "-m", chapter.__name__, "--help"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    assert script.returncode == module.returncode == 0
    assert script.stdout == module.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fly"], "unknown command 'fly'"),
        (["train", "--preset", "best"], "--preset must be one of"),
        (["train", "--batch-size", "many"], "--batch-size"),
        (
            ["train", "--batch-size", "-1"],
            "--batch-size must be above 0 and finite, found -1",
        ),
        (["train", "--no-such-option"], "--no-such-option"),
        (["train", "--run-dir"], "--run-dir needs a value"),
        (["train", "--resume"], "no run in"),
        (["train", "--data", "nowhere"], "--data nowhere: no such file or folder"),
        (["train", "--config", "nowhere.json"], "cannot read nowhere.json"),
        (["tune", "--space", "nowhere.json"], "cannot read nowhere.json"),
        (["tune", "--trials", "0"], "--trials must be above 0"),
        (["tune", "--resume"], "there is no search in"),
        (["test"], "no run in"),
        (["generate", "--run-dir", "."], "is not the folder of a run"),
    ],
)
def test_a_mistake_of_the_user_is_reported_in_one_line(
    chapter, tmp_path, arguments, message
):
    done = call(chapter_of(chapter), *arguments, cwd=tmp_path)
    assert_refused(done, message)
    assert list(tmp_path.iterdir()) == []


def test_a_process_ends_with_the_exit_status_and_the_message(chapter, tmp_path):
    """The other tests call the command line inside of this process."""
    assert_refused(run(chapter, "fly", cwd=tmp_path), "unknown command 'fly'")


def assert_refused(done, message):
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: "), done.stderr
    assert message in lines[0]


def test_common_imports_no_chapter():
    for path in (ROOT / "common").rglob("*.py"):
        source = path.read_text()
        assert "import chapter" not in source and "from chapter" not in source, path


def test_help_takes_less_than_a_second(chapter):
    """Processor time is measured, because a busy machine hardly changes it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(chapter, "train", "--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert spent < 1
