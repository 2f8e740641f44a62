"""A PyTorch peer in a process of its own: python torch_worker.py plain|fast [bfloat16|float32]."""

import json
import sys

import numpy as np
import torch
from protocol import best_rate, peak_memory, serve, timed
from torch_model import DemVae


class Worker:
    """A model, its optimiser and its batches."""

    def __init__(self, variant, precision):
        """Names the variant and what products are made in."""
        self.variant, self.bfloat16 = variant, precision == "bfloat16"

    def prepare(self, folder, threads):
        """Reads weights and batches that tfvae wrote."""
        torch.set_num_threads(threads)
        with open(f"{folder}/sizes.json") as file:
            self.sizes = json.load(file)
        self.model = DemVae(self.sizes, packed=self.variant == "fast")
        with np.load(f"{folder}/weights.npz") as weights:
            self.model.load(dict(weights))
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3)
        with np.load(f"{folder}/batches.npz") as arrays:
            self.batches = [
                (torch.from_numpy(arrays[f"tokens_{i}"]).long(), torch.from_numpy(arrays[f"length_{i}"]).long())
                for i in range(self.sizes["batches"])
            ]
        return {"parameters": sum(parameter.numel() for parameter in self.model.parameters())}

    def check(self, folder):
        """Returns the loss and reconstruction of the first batch under given noise, and writes gradients; without dropout, float32."""
        self.model.eval()
        with np.load(f"{folder}/noise.npz") as arrays:
            noise = torch.from_numpy(arrays["noise"])
        loss, reconstruction = self.model.loss(*self.batches[0], noise)
        loss.backward()
        np.savez(f"{folder}/gradients-{self.variant}.npz", **{name: value.numpy() for name, value in self.model.gradients().items()})
        self.optimizer.zero_grad()
        self.model.train()
        return {"loss": loss.item(), "reconstruction": reconstruction.item()}

    def train(self, batch, samples):
        """Makes a step and returns its seconds."""
        tokens, length = self.batches[batch]
        shape = (samples, len(tokens), self.sizes["variables"], self.sizes["dim"])

        def step():
            self.optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bfloat16):
                loss, _ = self.model.loss(tokens, length, torch.randn(shape))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 0.5)
            self.optimizer.step()

        return {"seconds": timed(step), "peak_memory": peak_memory()}

    def ceiling(self, shapes):
        """Returns the rate of matrix products, GFLOP/s."""
        dtype = torch.bfloat16 if self.bfloat16 else torch.float32

        def multiply(m, k, n):
            a, b = torch.randn(m, k).to(dtype), torch.randn(k, n).to(dtype)
            return lambda: a @ b

        return {"gflops": best_rate(multiply, shapes)}


if __name__ == "__main__":
    worker = Worker(sys.argv[1], sys.argv[2])
    serve({name: getattr(worker, name) for name in ("prepare", "check", "train", "ceiling")})
