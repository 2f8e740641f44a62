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


@pytest.mark.slow
def test_two_workers_run_all_trials_though_one_is_killed(prepare, monkeypatch):
    """Real processes, really trained; a worker is killed in the middle of a trial."""
    settings = {"tuner": "random", "space": "beta", "samples": 3, "sentences": 20}
    search = prepare(trials=3, **settings)
    killed, finished = [], {}
    started = []
    popen = parallel.subprocess.Popen

    def remember(*arguments, **more):
        started.append(popen(*arguments, **more))
        return started[-1]

    def watch(oracle):
        """Kills the worker that has another trial as soon as one is finished and that one has a checkpoint."""
        done = {name: (search.directory(name) / "result.json").read_bytes() for name in search.results()}
        for name, trial in list(oracle.ongoing_trials.items()):
            if not killed and done and trial.trial_id not in done and (search.directory(trial.trial_id) / "seed-0" / "checkpoint").exists():
                killed.append(trial.trial_id)
                finished.update(done)
                started[int(name.removeprefix("worker"))].send_signal(signal.SIGKILL)

    monkeypatch.setattr(parallel.subprocess, "Popen", remember)
    assert run_chief(search, workers=2, tell=lambda line: None, watch=watch)
    assert killed and len(started) == 3
    results = search.results()
    assert [result.status for result in results.values()] == [COMPLETED] * 3
    for name, content in finished.items():
        assert (search.directory(name) / "result.json").read_bytes() == content, "a finished trial was lost or run again"
    assert all(process.poll() is not None for process in started)
    alone = prepare(trials=3, name="alone", **settings)
    Tuner(alone).run()
    assert results[killed[0]].score == pytest.approx(alone.results()[killed[0]].score, rel=1e-5), "the killed trial has another score"


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


def chief_in_a_thread(search, **more):
    """Starts a chief; returns its address, its thread and the list that gets its answer."""
    told, answer = [], []
    chief = threading.Thread(target=lambda: answer.append(run_chief(search, tell=told.append, **more)))
    chief.start()
    while not told:
        time.sleep(0.01)
    return told[0].removeprefix("chief at "), chief, answer


def test_every_worker_is_told_of_the_end(prepare, trained, monkeypatch):
    """The second one asks when all trials have been handed out: it waits, and is told, and nobody calls the chief gone."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    search = prepare(tuner="random", trials=2, space="beta")
    path = search.path
    place, chief, answer = chief_in_a_thread(search)
    stub, service = parallel.protos.get_service_grpc().OracleStub(grpc.insecure_channel(place)), parallel.protos.get_service()
    asked = stub.CreateTrial(service.CreateTrialRequest(tuner_id="other"), wait_for_ready=True)
    results = [asked.trial.trial_id]
    worker = threading.Thread(target=lambda: run_worker(Search.open(path), place, "worker", say=lambda line: None))
    worker.start()
    while "trial_1" not in trained:
        time.sleep(0.01)
    metrics = {"score": 1.0}
    stub.UpdateTrial(service.UpdateTrialRequest(trial_id=results[0], metrics=metrics, step=0))
    ended = parallel.Trial.from_proto(asked.trial)
    ended.status = "COMPLETED"
    stub.EndTrial(service.EndTrialRequest(trial=ended.to_proto()))
    worker.join(timeout=20)
    assert not worker.is_alive()
    answered = stub.CreateTrial(service.CreateTrialRequest(tuner_id="other"), timeout=5)
    assert parallel.Trial.from_proto(answered.trial).status == "STOPPED"
    chief.join(timeout=20)
    assert answer == [True]


def test_a_chief_hands_out_nothing_when_time_is_over(prepare, trained, monkeypatch):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    search = prepare(tuner="random", trials=2, space="beta")
    place, chief, answer = chief_in_a_thread(search, deadline=time.time() - 1)
    run_worker(search, place, "worker", say=lambda line: None)
    chief.join(timeout=20)
    assert answer == [False] and trained == []


def test_an_oracle_that_fails_ends_the_chief_with_its_error(prepare, monkeypatch):
    search = prepare(tuner="random", trials=2, space="beta")
    problem, told = [], []

    def chief():
        try:
            run_chief(search, tell=told.append, watch=lambda oracle: setattr(oracle, "populate_space", None))
        except TypeError as error:
            problem.append(error)

    thread = threading.Thread(target=chief)
    thread.start()
    while not told:
        time.sleep(0.01)
    time.sleep(0.5)
    stub = parallel.protos.get_service_grpc().OracleStub(grpc.insecure_channel(told[0].removeprefix("chief at ")))
    with pytest.raises(grpc.RpcError):
        stub.CreateTrial(parallel.protos.get_service().CreateTrialRequest(tuner_id="worker"), wait_for_ready=True)
    thread.join(timeout=20)
    assert problem


def test_a_worker_that_is_named_as_a_chief_is_an_error(prepare):
    with pytest.raises(UserError, match="KerasTuner takes a name with 'chief' in it for the chief's"):
        run_worker(prepare(trials=1), "127.0.0.1:1", "chief01-7")


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
    monkeypatch.setattr(parallel, "LOST", 5.0)
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
    for address in ("here", "127.0.0.1:port", "127.0.0.1:0"):
        with pytest.raises(UserError, match="must be host:port"):
            run_worker(prepare(trials=1, overwrite=True), address, "worker")


def test_an_address_that_is_taken_is_an_error(prepare):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UserError, match="cannot be bound; name a free port"):
            run_chief(prepare(trials=1), address=f"127.0.0.1:{taken.getsockname()[1]}")
