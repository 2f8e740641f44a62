"""The package as it is imported."""

import os
import subprocess
import sys

import tfvae


def run(code):
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)


def test_importing_it_is_quick_and_using_it_quiet():
    done = run("import sys, tfvae; print('tensorflow' in sys.modules); print(len(tfvae.load('demo').generate(2)[0]))")
    assert (done.stdout, done.stderr) == ("False\n2\n", "")


def test_all_that_it_names_is_there():
    for name in tfvae.__all__:
        assert getattr(tfvae, name) is not None
