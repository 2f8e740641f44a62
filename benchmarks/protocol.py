"""How the benchmark talks to its workers: a JSON object a line on standard input, one back on standard output. Standard library only."""

import json
import resource
import sys
import time


def serve(commands):
    """Answers requests {"command": name, ...arguments} by `commands[name](**arguments)` until input ends.

    What a command prints goes to standard error, so that standard output holds answers alone.
    """
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        request = json.loads(line)
        answer = commands[request.pop("command")](**request)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def timed(function):
    """Returns the seconds that a call took."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def peak_memory():
    """Returns this process's greatest resident memory so far, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def best_rate(multiply, shapes, repeats=5):
    """Returns the matmul ceiling, GFLOP/s: the best of several products [m, k] x [k, n].

    `multiply(m, k, n)` returns a function that makes the product once.
    """
    best = 0.0
    for m, k, n in shapes:
        product = multiply(m, k, n)
        product()
        seconds = min(timed(product) for _ in range(repeats))
        best = max(best, 2 * m * k * n / seconds / 1e9)
    return best
