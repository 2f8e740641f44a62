"""Several workers for one search: KerasTuner's chief and workers, watched over.

KerasTuner's own chief waits for ever when its workers have died, and a worker for an hour when its chief has. Here workers are heard of
every few seconds, those that die are replaced, and each side says when the other is gone.
"""

import collections
import contextlib
import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from typing import Any

import grpc
from keras_tuner.engine.trial import Trial, TrialStatus
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer
from keras_tuner.src.engine import conditions

from tfvae.errors import UserError
from tuning.search import Search, Tuner
from tuning.trial import FAILED, Result

BEAT = 2.0
"""Seconds between a worker's signs of life."""
LOST = 60.0
"""Seconds without one after which a worker's trial is given to another, and after which a chief or a worker that is alone ends."""
DEATHS = 3
"""Times a trial may end its worker before it counts as failed, and a worker may end without a trial."""
_STARTUP = 120.0  # seconds that a worker may take before its first sign of life
_TUNER = "tuner"
conditions.print = lambda *_: None  # type: ignore[attr-defined]  # it prints each condition that it sends


class _Servicer(OracleServicer):
    """Answers workers, and notes when each was heard of."""

    def __init__(self, oracle: Any, deadline: float) -> None:
        super().__init__(oracle)
        self.deadline = deadline
        self.heard: dict[str, float] = {}
        self.dismissed: set[str] = set()
        self.problem: Exception | None = None

    def GetSpace(self, request: Any, context: Any) -> Any:
        """Also a worker's sign of life, which wants no answer."""
        for key, value in context.invocation_metadata():
            if key == _TUNER:
                self.heard[value] = time.monotonic()
                return protos.get_service().GetSpaceResponse()
        return super().GetSpace(request, context)

    def CreateTrial(self, request: Any, context: Any) -> Any:
        """Gives a trial, while there is time; notes who was told that there are no more."""
        name = request.tuner_id
        self.heard[name] = time.monotonic()
        if time.time() > self.deadline:
            self.dismissed.add(name)
            none = Trial(self.oracle.get_space(), trial_id="none", status=TrialStatus.STOPPED)
            return protos.get_service().CreateTrialResponse(trial=none.to_proto())
        answer = self._tried(super().CreateTrial, request, context)
        if Trial.from_proto(answer.trial).status == TrialStatus.STOPPED:
            self.dismissed.add(name)
        return answer

    def UpdateTrial(self, request: Any, context: Any) -> Any:
        """Takes a trial's figures."""
        return self._tried(super().UpdateTrial, request, context)

    def EndTrial(self, request: Any, context: Any) -> Any:
        """Takes a trial's end."""
        return self._tried(super().EndTrial, request, context)

    def _tried(self, method: Callable[[Any, Any], Any], request: Any, context: Any) -> Any:
        """Keeps an error for the chief, which ends: the oracle's lock is still held after one, and nobody would ever get it."""
        try:
            return method(request, context)
        except Exception as error:
            self.problem = error
            raise

    def waiting(self, patience: float) -> bool:
        """Whether somebody who was heard of lately has not been told yet that there are no more trials."""
        now = time.monotonic()
        return any(now - heard < patience and name not in self.dismissed for name, heard in self.heard.items())


@contextlib.contextmanager
def _serving(oracle: Any, address: str, deadline: float) -> Iterator[tuple[_Servicer, str]]:
    """Answers at an address, host:port, port 0 for a free one; yields the servicer and the address."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise UserError(f"--oracle={address}: must be host:port, as 127.0.0.1:8000")
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1), options=[("grpc.so_reuseport", 0)])
    servicer = _Servicer(oracle, deadline)
    protos.get_service_grpc().add_OracleServicer_to_server(servicer, server)
    try:
        bound = server.add_insecure_port(address)
    except RuntimeError:
        bound = 0
    if not bound:
        raise UserError(f"--oracle={address}: cannot be bound; name a free port of this machine")
    server.start()
    try:
        yield servicer, f"{host}:{bound}"
    finally:
        server.stop(grace=1.0).wait()


@dataclasses.dataclass
class _Workers:
    """Worker processes of this machine.

    Attributes:
      search: whose trials they run.
      address: the chief's.
      count: how many.
      threads: that each computes with.
      deadline: time.time() after which they begin no epoch.
      patience: seconds without a sign of life after which one is ended.
    """

    search: Search
    address: str
    count: int
    threads: int
    deadline: float
    patience: float

    def __post_init__(self) -> None:
        self.processes: dict[str, subprocess.Popen] = {}
        self.started: dict[str, float] = {}
        self.deaths: collections.Counter[str] = collections.Counter()
        for number in range(self.count):
            self._start(f"worker{number}")

    def log(self, name: str) -> pathlib.Path:
        """Returns the file of a worker's output."""
        return self.search.path / "workers" / f"{name}.log"

    def _start(self, name: str) -> None:
        command = [sys.executable, "-m", "tfvae.cli.tune", "--role=worker", f"--search={self.search.path.resolve()}"]
        command += [f"--oracle={self.address}", f"--worker={name}", f"--threads={self.threads}", "--follow"]
        command += [f"--deadline={self.deadline}"] if self.deadline != float("inf") else []
        self.log(name).parent.mkdir(exist_ok=True)
        root = str(pathlib.Path(__file__).resolve().parents[1])
        paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
        self.started[name] = time.monotonic()
        with self.log(name).open("a") as output:
            # a session of its own: an interrupt is the chief's to handle; a pipe that ends with the chief, even one that is killed
            self.processes[name] = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": paths},
            )

    def check(self, oracle: Any, heard: Mapping[str, float]) -> None:
        """Replaces workers that died, and ends those that have fallen silent, which are replaced next.

        Raises:
          UserError: one dies again and again before it has a trial.
        """
        for name, process in list(self.processes.items()):
            status = process.poll()
            if status is None:
                if time.monotonic() - max(heard.get(name, 0.0), self.started[name]) > self.patience:
                    process.kill()
                continue
            del self.processes[name]
            process.communicate()  # closes the pipe
            if status == 0 or time.time() > self.deadline:
                continue
            trial = oracle.ongoing_trials.get(name)
            what = f"trial_{trial.trial_id}" if trial else name
            self.deaths[what] += 1
            if self.deaths[what] >= DEATHS:
                ended = f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
                if trial is None:
                    raise UserError(f"{name} ended with {ended} {DEATHS} times before it had a trial; see {self.log(name)}")
                _fail(self.search, oracle, trial, f"its process ended with {ended}, {DEATHS} times; see {self.log(name)}")
            self._start(name)

    def stop(self) -> None:
        """Ends those that are left; a trial under way goes on from its last whole epoch with --resume."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=1)
            process.kill()
            process.communicate()


def _fail(search: Search, oracle: Any, trial: Any, remark: str) -> None:
    Result(FAILED, search.values(trial), remark=remark).save(search.directory(trial.trial_id))
    trial.status, trial.message = "FAILED", remark
    oracle.end_trial(trial)


def run_chief(
    search: Search,
    *,
    address: str = "127.0.0.1:0",
    workers: int = 0,
    threads: int = 0,
    deadline: float = float("inf"),
    tell: Callable[[str], None] = print,
    watch: Callable[[Any], None] = lambda oracle: None,
) -> bool:
    """Hands out a search's trials until there are no more.

    Args:
      search: its directory must be one that the workers see too.
      address: host:port to answer at; port 0: a free one. It has no authentication.
      workers: processes to start on this machine; 0: they are started by hand, here or elsewhere.
      threads: that each of those computes with; 0: the machine's cores shared out.
      deadline: time.time() after which no epoch begins.
      tell: hears where the chief answers.
      watch: called again and again with the oracle.

    Returns:
      whether all trials ended before the deadline.

    Raises:
      UserError: the address cannot be bound, workers do not start, or none is left.
    """
    oracle = Tuner(search).oracle
    with _serving(oracle, address, deadline) as (servicer, bound):
        tell(f"chief at {bound}")
        threads = threads or max(1, len(os.sched_getaffinity(0)) // max(1, workers))
        own = _Workers(search, bound, workers, threads, deadline, max(LOST, _STARTUP))
        start = time.monotonic()
        try:
            while True:
                time.sleep(0.2)
                watch(oracle)
                if servicer.problem:
                    raise servicer.problem
                own.check(oracle, servicer.heard)
                if workers and not own.processes:
                    break
                now = time.monotonic()
                for name, heard in list(servicer.heard.items()):
                    if now - heard > LOST and name in oracle.ongoing_trials and name not in own.processes:
                        oracle.give_up(name)
                over = time.time() > deadline and not oracle.ongoing_trials
                if (over or (servicer.stop_triggered and not oracle.pending)) and not workers and not servicer.waiting(5 * BEAT):
                    break
                if not workers and now - max([start, *servicer.heard.values()]) > LOST:
                    if over:
                        break
                    raise UserError(
                        f"no worker was heard of for {LOST:.0f} s: start some with --role=worker --oracle={bound} "
                        f"--search={search.path}, and this one again with --resume"
                    )
        finally:
            own.stop()
        watch(oracle)
    return servicer.stop_triggered and not oracle.pending


def run_worker(search: Search, address: str, name: str, *, deadline: float = float("inf"), say: Callable[[str], None] = print) -> bool:
    """Runs trials that a chief hands out; returns whether that was all, and not the deadline's work.

    Args:
      search: the chief's.
      address: host:port of the chief.
      name: that tells this worker from the others; one of the same name goes on with the trial that another left.
      deadline: time.time() after which no epoch begins.
      say: hears of each stage.

    Raises:
      UserError: no chief answers, or the name is one that KerasTuner takes for a chief's.
    """
    if "chief" in name:
        raise UserError(f"--worker={name}: KerasTuner takes a name with 'chief' in it for the chief's: choose another")
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not int(port):
        raise UserError(f"--oracle={address}: must be host:port of the chief, who says it when it starts")
    channel = grpc.insecure_channel(address)
    try:
        grpc.channel_ready_future(channel).result(timeout=LOST)
    except grpc.FutureTimeoutError:
        raise UserError(f"--oracle={address}: no chief answers; start it first, with --role=chief --oracle={address}") from None
    os.environ |= {"KERASTUNER_TUNER_ID": name, "KERASTUNER_ORACLE_IP": host, "KERASTUNER_ORACLE_PORT": port}
    stop = threading.Event()
    beating = threading.Thread(target=_beat, args=(channel, name, stop), daemon=True)
    beating.start()
    try:
        return Tuner(search, deadline=deadline, say=say).run()
    finally:
        stop.set()
        beating.join(timeout=BEAT)


def _beat(channel: Any, name: str, stop: threading.Event) -> None:
    """Tells the chief every few seconds that this worker lives; ends the process when there is no chief any more."""
    stub, service = protos.get_service_grpc().OracleStub(channel), protos.get_service()
    answered = time.monotonic()
    while not stop.wait(BEAT):
        try:
            stub.GetSpace(service.GetSpaceRequest(), timeout=LOST / 4, metadata=((_TUNER, name),))
            answered = time.monotonic()
        except grpc.RpcError:
            if time.monotonic() - answered > LOST / 2 and not stop.is_set():
                print("error: the chief is gone; what was trained is kept, and --resume of the chief goes on", file=sys.stderr, flush=True)
                os._exit(2)
