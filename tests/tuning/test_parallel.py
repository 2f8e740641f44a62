import os
import signal
import socket
import sys
import threading
import time

import grpc
import pytest

from tfvae.errors import UserError
from tuning import parallel
from tuning.parallel import run_chief, run_worker
from tuning.search import Search, Tuner
from tuning.trial import COMPLETED, FAILED


def test_two_workers_run_all_trials_though_one_is_killed(prepare, monkeypatch):
    """Real processes, really trained; a worker is killed in the middle of a trial."""
    settings = {"tuner": "random", "space": "beta", "samples": 3, "sentences": 20}
    search = prepare(trials=2, **settings)
    killed = []
    started = []
    popen = parallel.subprocess.Popen

    def remember(*arguments, **more):
        started.append(popen(*arguments, **more))
        return started[-1]

    def watch(oracle):
        """Kills the worker that has the first trial as soon as it has a checkpoint."""
        if not killed and (search.path / "trial_0" / "seed-0" / "checkpoint").exists():
            name = next(name for name, trial in oracle.ongoing_trials.items() if trial.trial_id == "0")
            killed.append(name)
            started[int(name.removeprefix("worker"))].send_signal(signal.SIGKILL)

    monkeypatch.setattr(parallel.subprocess, "Popen", remember)
    assert run_chief(search, workers=2, tell=lambda line: None, watch=watch)
    assert killed and len(started) == 3
    results = search.results()
    assert [result.status for result in results.values()] == [COMPLETED] * 2
    assert all(process.poll() is not None for process in started)
    alone = prepare(trials=1, name="alone", **settings)
    Tuner(alone).run()
    assert results["0"].score == pytest.approx(alone.results()["0"].score, rel=1e-5), "the killed trial has another score"


def test_a_trial_that_kills_its_worker_again_and_again_fails(prepare, monkeypatch):
    search = prepare(tuner="random", trials=2, space="beta")
    # a worker that asks for a trial and dies of it
    code = (
        "import os, sys; sys.path.insert(0, os.getcwd())\n"
        "address, name = (next(a.split('=')[1] for a in sys.argv if a.startswith(k)) for k in ('--oracle', '--worker'))\n"
        "host, port = address.split(':')\n"
        "os.environ |= dict(KERASTUNER_TUNER_ID=name, KERASTUNER_ORACLE_IP=host, KERASTUNER_ORACLE_PORT=port)\n"
        "from keras_tuner.src.distribute.oracle_client import OracleClient\n"
        "trial = OracleClient(None).create_trial(name)\n"
        "sys.exit(0) if trial.status == 'STOPPED' else os.kill(os.getpid(), 9)\n"
    )
    popen = parallel.subprocess.Popen
    monkeypatch.setattr(parallel.subprocess, "Popen", lambda command, **more: popen([sys.executable, "-c", code, *command], **more))
    monkeypatch.setattr(parallel, "DEATHS", 1)
    assert run_chief(search, workers=1, tell=lambda line: None)
    results = search.results()
    assert [result.status for result in results.values()] == [FAILED] * 2
    assert "its process ended with signal SIGKILL, 1 times; see" in results["0"].remark


def test_workers_that_do_not_start_are_an_error(prepare, monkeypatch):
    popen = parallel.subprocess.Popen
    monkeypatch.setattr(parallel.subprocess, "Popen", lambda command, **more: popen(["false"], **more))
    with pytest.raises(UserError, match=r"worker0 ended with status 1 3 times before it had a trial; see .*worker0\.log"):
        run_chief(prepare(trials=2), workers=1, tell=lambda line: None)


def test_a_chief_without_workers_ends_with_a_message(prepare, monkeypatch):
    monkeypatch.setattr(parallel, "LOST", 0.5)
    told = []
    with pytest.raises(UserError, match=r"no worker was heard of for 0 s: start some with --role=worker --oracle=127\.0\.0\.1:"):
        run_chief(prepare(trials=2), tell=told.append)
    assert told[0].startswith("chief at 127.0.0.1:")


def test_the_trial_of_a_worker_that_fell_silent_goes_to_another(prepare, trained, monkeypatch):
    """A worker by hand takes a trial and is not heard of again; another one runs it."""
    monkeypatch.setattr(parallel, "LOST", 1.0)
    monkeypatch.setattr(parallel, "BEAT", 0.1)
    search, address = prepare(tuner="random", trials=2, space="beta"), []
    answer = []
    chief = threading.Thread(target=lambda: answer.append(run_chief(search, tell=address.append)))
    chief.start()
    while not address:
        time.sleep(0.01)
    place = address[0].removeprefix("chief at ")
    stub = parallel.protos.get_service_grpc().OracleStub(grpc.insecure_channel(place))
    lost = stub.CreateTrial(parallel.protos.get_service().CreateTrialRequest(tuner_id="silent"), wait_for_ready=True)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    assert lost.trial.trial_id == "0"
    assert run_worker(Search.open(search.path), place, "other", say=lambda line: None)
    chief.join(timeout=30)
    assert answer == [True]
    assert trained == ["trial_1", "trial_0"]


def test_a_worker_without_a_chief_ends_with_a_message(prepare, monkeypatch):
    monkeypatch.setattr(parallel, "LOST", 0.3)
    with pytest.raises(UserError, match="no chief answers; start it first"):
        run_worker(prepare(trials=1), "127.0.0.1:1", "worker")
    for address in ("here", "127.0.0.1:port"):
        with pytest.raises(UserError, match="must be host:port"):
            run_worker(prepare(trials=1, overwrite=True), address, "worker")


def test_an_address_that_is_taken_is_an_error(prepare):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UserError, match="cannot be bound; name a free port"):
            run_chief(prepare(trials=1), address=f"127.0.0.1:{taken.getsockname()[1]}")
