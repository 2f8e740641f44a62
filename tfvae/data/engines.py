"""Functions of many items, run by whatever there is to run them: processes of this machine, Spark, Ray or Beam.

An item whose worker dies is given to another one, so a function must leave the same behind when it is called twice. Beam's runner of one
machine has no such thing, and ends.
"""

import multiprocessing
import os
import pathlib
import pickle
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from tfvae.errors import UserError
from tfvae.quiet import load_tensorflow

_ATTEMPTS = 4  # of an item, whose worker may be what kills it

Engine = Callable[[Callable[[Any], Any], Sequence[Any], int], Iterator[Any]]


def local(function: Callable[[Any], Any], items: Sequence[Any], workers: int) -> Iterator[Any]:
    """Yields a picklable function's answers, in any order, from processes of this machine; of one worker, from this one.

    Raises:
      UserError: workers died again and again.
    """
    if workers <= 1:
        yield from map(function, items)
        return
    left, deaths = dict(enumerate(items)), 0
    while left:
        with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), load_tensorflow) as pool:
            given = {pool.submit(function, item): number for number, item in left.items()}
            try:
                for done in as_completed(given):
                    answer = done.result()
                    del left[given[done]]
                    yield answer
            except BrokenProcessPool:
                deaths += 1
                if deaths == _ATTEMPTS:
                    raise UserError(f"workers died {deaths} times, {len(left)} of {len(items)} pieces are left: is there memory?") from None


def spark(function: Callable[[Any], Any], items: Sequence[Any], workers: int) -> Iterator[Any]:
    """Yields the answers from the executors of the Spark session that there is, or of one of this machine with so many workers.

    Raises:
      UserError: PySpark is not installed.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise UserError("--engine=spark needs PySpark: pip install 'tfvae[spark]', and a Java runtime") from None
    session = SparkSession.getActiveSession()
    own = session is None
    if session is None:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        builder = SparkSession.builder.appName("tfvae").config("spark.ui.enabled", "false")
        session = (builder.master(f"local[{workers},{_ATTEMPTS}]") if workers else builder).getOrCreate()
    try:
        # not toLocalIterator, which has no more than two partitions under way at a time
        yield from session.sparkContext.parallelize(items, len(items)).map(function).collect()
    finally:
        if own:
            session.stop()


def ray(function: Callable[[Any], Any], items: Sequence[Any], workers: int) -> Iterator[Any]:
    """Yields the answers, in any order, from the tasks of the Ray cluster that there is, or of one of this machine.

    Raises:
      UserError: Ray is not installed.
    """
    try:
        import ray as cluster
    except ImportError:
        raise UserError("--engine=ray needs Ray: pip install 'tfvae[ray]'") from None
    own = not cluster.is_initialized()
    if own:
        cluster.init(num_cpus=workers or None, include_dashboard=False, log_to_driver=False)
    try:
        task = cluster.remote(_call).options(num_cpus=1, max_retries=_ATTEMPTS)
        waiting = [task.remote(function, item) for item in items]
        while waiting:
            [done], waiting = cluster.wait(waiting)
            yield cluster.get(done)
    finally:
        if own:
            cluster.shutdown()


def beam(function: Callable[[Any], Any], items: Sequence[Any], workers: int) -> Iterator[Any]:
    """Yields the answers of a Beam pipeline: of this machine with so many processes, or, of 0 workers, as $TFVAE_BEAM_OPTIONS says.

    Answers come back by way of files under $TMPDIR, which the workers of other machines must see too.

    Raises:
      UserError: Beam is not installed, or the pipeline failed.
    """
    try:
        import apache_beam
        from apache_beam.options.pipeline_options import PipelineOptions
    except ImportError:
        raise UserError("--engine=beam needs Apache Beam: pip install 'tfvae[beam]'") from None
    own = ["--runner=DirectRunner", "--direct_running_mode=multi_processing", f"--direct_num_workers={workers}"]
    options = PipelineOptions(own if workers else shlex.split(os.environ.get("TFVAE_BEAM_OPTIONS", "")))
    with tempfile.TemporaryDirectory(prefix="tfvae-beam-") as folder:
        keep = _Keep(function, folder)
        try:
            with apache_beam.Pipeline(options=options) as pipeline:
                numbered = pipeline | apache_beam.Create(list(enumerate(items)))
                _ = numbered | apache_beam.Reshuffle() | apache_beam.Map(keep)
        except Exception as error:
            raise UserError(f"--engine=beam: the pipeline failed, {type(error).__name__}: {str(error)[-500:]}") from None
        for number in range(len(items)):
            yield pickle.loads(keep.place(number).read_bytes())


class _Keep:
    """Keeps a function's answers in a folder."""

    def __init__(self, function: Callable[[Any], Any], folder: str) -> None:
        self.function, self.folder = function, folder

    def __call__(self, numbered: tuple[int, Any]) -> None:
        number, item = numbered
        answer = pickle.dumps(self.function(item))
        begun = self.place(number).with_suffix(f".{os.getpid()}")
        begun.write_bytes(answer)
        begun.replace(self.place(number))

    def place(self, number: int) -> pathlib.Path:
        """Where an item's answer is."""
        return pathlib.Path(self.folder) / str(number)


def _call(function: Callable[[Any], Any], item: Any) -> Any:
    return function(item)


ENGINES: dict[str, Engine] = {"local": local, "spark": spark, "ray": ray, "beam": beam}
