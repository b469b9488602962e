"""Starting Spark, quietly, for the time of a search."""

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

MESSAGES = "spark.txt"  # what Spark says, in the folder of the search
# Java starts sooner so; it hands out work and has nothing to compute itself.
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


@contextlib.contextmanager
def open_session(plan: Plan, parallelism: int) -> Iterator[Any]:
    """Yield the session that there is already, or one that ends with the block.

    Raises:
        UserError: Spark does not start.
    """
    from pyspark.sql import SparkSession

    existing = SparkSession.getActiveSession()
    if existing is not None:
        yield existing
        return
    # Spark answers Ctrl-C in its own way, and goes on so after its end.
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
    """Start a session: of spark-submit, of $SPARK_MASTER, or on this machine."""
    from pyspark.sql import SparkSession

    roots = (root_of(__name__), root_of(chapter))
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # A trial whose worker dies has failed, and is not tried again.
        "spark.task.maxFailures": "1",
        "spark.executorEnv.PYTHONPATH": os.pathsep.join(roots),
    }
    variables = {}
    if "PYSPARK_GATEWAY_PORT" not in os.environ:  # spark-submit has set all this
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
    """Keep off the terminal what Spark and Hyperopt say: the records tell it all."""
    # Sets its loggers' levels when it is imported.
    importlib.import_module("hyperopt")
    for name in ("py4j", "hyperopt", "hyperopt-spark"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Spark session is not provided")
        yield


@contextlib.contextmanager
def _stderr_to(path: Path) -> Iterator[None]:
    """Let processes that are started within the block write their errors to a file."""
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
    """Set some environment variables within the block."""
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
