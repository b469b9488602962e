"""Start a Spark session for one search, without its messages on the terminal."""

import contextlib
import importlib
import logging
import os
import signal
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common.errors import UserError
from common.tuning.search import Plan
from common.tuning.trial import root_of

MESSAGES = "spark.txt"  # Spark's messages, in the folder of the search
# Options with which Java starts faster; its own speed does not matter, because it only
# hands out the trials.
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


@contextlib.contextmanager
def open_session(plan: Plan, parallelism: int) -> Iterator[Any]:
    """Yield the active Spark session, or a new one that is stopped after the block.

    Args:
        plan: plan of the search.
        parallelism: number of trials that run at the same time.

    Raises:
        UserError: Spark does not start.
    """
    from pyspark.sql import SparkSession

    existing = SparkSession.getActiveSession()
    if existing is not None:
        yield existing
        return
    # Spark installs its own handler of Ctrl-C and never removes it, so restore ours.
    handler = signal.getsignal(signal.SIGINT)
    messages = plan.folder / MESSAGES
    try:
        with _stderr_to(messages):
            session = _start(plan.chapter, parallelism)
    except Exception as error:
        why = str(error).strip().partition("\n")[0]
        raise UserError(f"Spark does not start: {why}; see {messages}") from error
    signal.signal(signal.SIGINT, handler)
    try:
        yield session
    finally:
        session.stop()


def _start(chapter: str, parallelism: int) -> Any:
    """Start a session in spark-submit, on $SPARK_MASTER or on this machine."""
    from pyspark.sql import SparkSession

    roots = (root_of(__name__), root_of(chapter))
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # If a worker dies, its trial has failed and is not run again.
        "spark.task.maxFailures": "1",
        "spark.executorEnv.PYTHONPATH": os.pathsep.join(roots),
    }
    variables = {}
    if "PYSPARK_GATEWAY_PORT" not in os.environ:  # else spark-submit has set these
        master = os.environ.get("SPARK_MASTER", f"local[{parallelism}]")
        settings["spark.master"] = master
        variables = dict.fromkeys(
            ("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON"), sys.executable
        )
        if master.startswith("local"):
            settings["spark.driver.bindAddress"] = "127.0.0.1"
            settings["spark.driver.host"] = "127.0.0.1"
            settings["spark.driver.extraJavaOptions"] = QUICK
            variables["SPARK_LOCAL_IP"] = "127.0.0.1"
    with _environment(variables):
        return SparkSession.builder.appName("tune").config(map=settings).getOrCreate()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hide the messages of Spark and Hyperopt; the records hold all results."""
    # Hyperopt sets the levels of its loggers on import, so import it first.
    importlib.import_module("hyperopt")
    for name in ("py4j", "hyperopt", "hyperopt-spark"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Spark session is not provided")
        yield


@contextlib.contextmanager
def _stderr_to(path: Path) -> Iterator[None]:
    """Append the standard error of processes started in the block to a file."""
    with path.open("ab") as file:
        before = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(before, 2)
            os.close(before)


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables during the block."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
