"""An exported model against the model itself, and behind a server under load: --task=serve."""

import contextlib
import http.client
import json
import pathlib
import random
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np

from tfvae.errors import UserError

ROOT = pathlib.Path(__file__).parents[1]
SENTENCES = 64
_START = 120.0  # seconds that a server may take to start
MODEL = "model"


def measure_serving(run, requests, connections, repeats):
    """Measures an exported run.

    Args:
      run: directory of a trained model with codes.
      requests: sent to the server, of all signatures mixed.
      connections: that send them at once, each the next when it has its answer.
      repeats: times that sentences are generated, in turns.

    Returns:
      "generate": median seconds of SENTENCES sentences from the exported graph and from the Python model, and their ratio; "server":
      requests, those lost and those answered otherwise than the graph does in this process, requests per second, latency at the median and
      the 99th percentile in milliseconds, and the server's memory in MB before and after.

    Raises:
      UserError: the run has no codes, cannot be exported, or the server does not start.
    """
    from tfvae.export.saved_model import export

    with tempfile.TemporaryDirectory(prefix="tfvae-serving-") as folder:
        path = export(run, folder, name=MODEL)
        generated = _generate(run, path, repeats)
        with served(folder) as server:
            answered = load(server, questions(path), requests, connections)
    return {"task": "serve", "generate": generated, "server": answered}


def _generate(run, path, repeats):
    import tensorflow as tf

    from tfvae.training.fit import load as load_run

    model = load_run(run, precision="float32")
    if not model.vae.latent.has_codes:
        raise UserError("--task=serve: name a run of a model with codes in --run")
    signature = tf.saved_model.load(str(path)).signatures["generate"]
    rows = tf.range(SENTENCES)
    inputs = {
        "components": tf.fill([SENTENCES, model.vae.latent.num_variables], -1),
        "temperature": tf.ones([SENTENCES]),
        "top_k": tf.zeros([SENTENCES], tf.int32),
        "seed": rows,
    }
    programs = {"exported": lambda: signature(**inputs)["sentences"].numpy(), "python": lambda: model.generate(SENTENCES)}
    seconds = {name: [] for name in programs}
    for _ in range(repeats + 2):
        for name, program in programs.items():
            start = time.perf_counter()
            program()
            seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(times[2:]) for name, times in seconds.items()}
    return {**medians, "python/exported": round(medians["python"] / medians["exported"], 2)}


class Served:
    """A server in a process of its own.

    Attributes:
      process: it.
      http: its port of HTTP.
      grpc: its port of gRPC.
    """

    def __init__(self, folder, *flags):
        """Starts it."""
        self.http, self.grpc = free_ports(2)
        command = [sys.executable, "-m", "tfvae.cli.serve", f"--model_dir={folder}", f"--http_port={self.http}", f"--grpc_port={self.grpc}"]
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115, closed in `stop`
        self.process = subprocess.Popen([*command, *flags], cwd=ROOT, stdout=self.log, stderr=subprocess.STDOUT)

    def wait(self):
        """Returns when it answers.

        Raises:
          UserError: it ended, or does not answer for too long.
        """
        end = time.monotonic() + _START
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.ask("GET", "/v2/health/ready")[0] == 200:
                    return
            time.sleep(0.2)
        raise UserError(f"the server did not start: {self.output()[-500:]}")

    def ask(self, method, path, body=None, timeout=60.0):
        """Sends a request on a connection of its own; returns status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=timeout)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def output(self):
        """Returns what it printed."""
        self.log.seek(0)
        return self.log.read()

    def memory(self):
        """Returns the memory that it has now, in MB."""
        pages = int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return round(pages * resource.getpagesize() / 1e6)

    def stop(self):
        """Ends it."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=20)
        self.process.kill()
        self.process.wait()
        self.log.close()


@contextlib.contextmanager
def served(folder, *flags):
    """Starts a server of a folder of exports, and ends it."""
    server = Served(folder, *flags)
    try:
        server.wait()
        yield server
    finally:
        server.stop()


def free_ports(count):
    """Returns ports that nobody listens at."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def questions(path):
    """Returns requests of every signature, as bodies, with the answers that the exported graph gives in this process."""
    import tensorflow as tf

    from tfvae.export.examples import examples

    texts = ["the train was slow .", "", "is this soup really fresh ?", "please book a table at the bistro !"]
    signatures = tf.saved_model.load(str(path)).signatures
    asked = []
    for name, signature in signatures.items():
        specs = signature.structured_input_signature[1]
        described = {name: type("Signature", (), {"inputs": [tf.TensorSpec(spec.shape, spec.dtype, key) for key, spec in specs.items()]})}
        for rows in (1, 4):
            inputs = examples(described, texts[:rows])[name]
            expected = {
                key: value.numpy() for key, value in signature(**{k: tf.constant(v, specs[k].dtype) for k, v in inputs.items()}).items()
            }
            datatypes = {tf.string: "BYTES", tf.float32: "FP32", tf.int32: "INT32"}
            tensors = [
                {"name": key, "shape": list(np.shape(value)), "datatype": datatypes[specs[key].dtype], "data": np.ravel(value).tolist()}
                for key, value in inputs.items()
            ]
            asked.append((json.dumps({"parameters": {"signature_name": name}, "inputs": tensors}), expected))
    return asked


def right(body, expected):
    """Whether an answer is that of the graph: numbers to 1e-4, texts and whole numbers exactly."""
    outputs = {output["name"]: output for output in json.loads(body)["outputs"]}
    if outputs.keys() != expected.keys():
        return False
    for name, value in expected.items():
        found = np.array(outputs[name]["data"], object if value.dtype == object else None).reshape(outputs[name]["shape"])
        if value.dtype == object:
            same = [text.decode() for text in value.ravel()] == list(found.ravel())
        else:
            same = np.allclose(found, value, 1e-4, 1e-4)
        if not same:
            return False
    return True


def load(server, asked, requests, connections):
    """Sends mixed ones of `questions` from several connections at once; see `measure_serving`."""
    for body, _ in asked:
        server.ask("POST", f"/v2/models/{MODEL}/infer", body)
    before = server.memory()
    latencies, lost, wrong, lock = [], [], [], threading.Lock()
    order = [random.Random(0).randrange(len(asked)) for _ in range(requests)]
    numbers = iter(order)

    def work():
        connection = http.client.HTTPConnection("127.0.0.1", server.http, timeout=120)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                break
            body, expected = asked[number]
            start = time.perf_counter()
            try:
                connection.request("POST", f"/v2/models/{MODEL}/infer", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException) as error:
                lost.append(str(error))
                connection.close()
                continue
            latencies.append(time.perf_counter() - start)
            if answer.status != 200:
                lost.append(f"status {answer.status}: {content[:200]!r}")
            elif not right(content, expected):
                wrong.append(body)
        connection.close()

    start = time.perf_counter()
    workers = [threading.Thread(target=work) for _ in range(connections)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - start
    return {
        "requests": requests,
        "connections": connections,
        "lost": len(lost),
        "wrong": len(wrong),
        "requests_per_second": round(requests / seconds, 1),
        "p50_ms": round(1e3 * float(np.percentile(latencies, 50)), 1),
        "p99_ms": round(1e3 * float(np.percentile(latencies, 99)), 1),
        "memory_mb_before": before,
        "memory_mb_after": server.memory(),
        **({"first_problem": (lost or wrong)[0][:300]} if lost or wrong else {}),
    }
