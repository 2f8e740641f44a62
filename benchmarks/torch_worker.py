"""A PyTorch peer in a process of its own: python torch_worker.py plain|fast [bfloat16|float32]."""

import json
import sys

import numpy as np
import torch
from protocol import best_rate, peak_memory, serve, timed
from torch_model import PAD, DemVae


class Worker:
    """A model, its optimiser and its batches."""

    def __init__(self, variant, precision):
        """Names the variant and what products are made in."""
        self.variant, self.bfloat16 = variant, precision == "bfloat16"

    def prepare(self, folder, threads, device="cpu"):
        """Reads weights and batches that tfvae wrote."""
        torch.set_num_threads(threads)
        self.kind = "cuda" if device == "gpu" else "cpu"
        if device == "gpu" and not torch.cuda.is_available():
            sys.exit("--device=gpu: PyTorch finds no GPU: install a build for CUDA in --peer_python's environment")
        torch.set_default_device(self.kind)
        torch.backends.cudnn.allow_tf32 = False
        with open(f"{folder}/sizes.json") as file:
            self.sizes = json.load(file)
        self.model = DemVae(self.sizes, packed=self.variant == "fast")
        with np.load(f"{folder}/weights.npz") as weights:
            self.model.load(dict(weights))
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3, fused=True)
        with np.load(f"{folder}/batches.npz") as arrays:
            self.batches = [
                tuple(torch.from_numpy(arrays[f"{name}_{i}"]).long().to(self.kind) for name in ("tokens", "length"))
                for i in range(self.sizes["batches"])
            ]
        return {"parameters": sum(parameter.numel() for parameter in self.model.parameters())}

    def check(self, folder):
        """Returns loss, reconstruction and importance weight of the first batch under given noise, and writes gradients.

        Without dropout, in float32.
        """
        self.model.eval()
        with np.load(f"{folder}/noise.npz") as arrays:
            noise = torch.from_numpy(arrays["noise"]).to(self.kind)
        tokens, length = self.batches[0]
        loss, reconstruction = self.model.loss(tokens, length, noise)
        loss.backward()
        np.savez(f"{folder}/gradients-{self.variant}.npz", **{name: value.cpu().numpy() for name, value in self.model.gradients().items()})
        self.optimizer.zero_grad()
        with torch.no_grad():
            *posterior, _ = self.model.encode(tokens, length)
            weight = self.model.importance_weight(tokens, length, posterior, noise).mean()
        return {"loss": loss.item(), "reconstruction": reconstruction.item(), "importance weight": weight.item()}

    def run(self, task, batch, samples, sentences):
        """Does a task once; returns its seconds, the tokens it was done to and the greatest memory so far."""
        tokens, length = self.batches[batch]
        self.model.train(task == "train_step")
        do = {
            "train_step": lambda: self._train(tokens, length, samples),
            "score": lambda: self._autocast(self.model.log_likelihood, tokens, length, samples),
            "generate": lambda: self._autocast(self.model.generate, sentences),
            "gru": lambda: self._gru(tokens, length, samples),
            "softmax": lambda: self._softmax(tokens, length, samples),
        }[task]
        answer = []
        seconds = timed(lambda: (answer.append(do()), self._finish()))
        count = (answer[0] != PAD).sum() if task == "generate" else length.sum()
        return {"seconds": seconds, "tokens": int(count), "peak_memory": self._peak_memory()}

    def _finish(self):
        """Waits for what was asked of a GPU."""
        if self.kind == "cuda":
            torch.cuda.synchronize()

    def _peak_memory(self):
        return torch.cuda.max_memory_allocated() if self.kind == "cuda" else peak_memory()

    def _autocast(self, function, *arguments):
        with torch.autocast(self.kind, dtype=torch.bfloat16, enabled=self.bfloat16):
            return function(*arguments)

    def _train(self, tokens, length, samples):
        shape = (samples, len(tokens), self.sizes["variables"], self.sizes["dim"])
        self.optimizer.zero_grad(set_to_none=True)
        loss, _ = self._autocast(lambda: self.model.loss(tokens, length, torch.randn(shape)))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 0.5)
        self.optimizer.step()

    def _gru(self, tokens, length, samples):
        model = self.model
        embedded = model.decoder_embedding(tokens).detach().requires_grad_()
        rows = samples * len(tokens)
        z = torch.zeros(rows, self.sizes["variables"] * self.sizes["dim"], requires_grad=True)
        state = torch.zeros(rows, self.sizes["hidden"], requires_grad=True)
        outputs = self._autocast(lambda: model.recur(embedded.repeat(samples, 1, 1), length, z, state))
        outputs.float().sum().backward()
        self.optimizer.zero_grad(set_to_none=True)

    def _softmax(self, tokens, length, samples):
        shape = [samples * int(length.sum())] if self.model.packed else [samples * len(tokens), tokens.shape[1]]
        hidden = torch.full([*shape, self.sizes["hidden"]], 0.1, requires_grad=True)
        self._autocast(lambda: self.model.negative_log_likelihood(hidden, tokens, length, samples)).mean().backward()
        self.optimizer.zero_grad(set_to_none=True)

    def ceiling(self, shapes):
        """Returns the rate of matrix products, GFLOP/s."""
        dtype = torch.bfloat16 if self.bfloat16 else torch.float32

        def multiply(m, k, n):
            a, b = torch.randn(m, k).to(dtype), torch.randn(k, n).to(dtype)
            return lambda: (a @ b, self._finish())

        return {"gflops": best_rate(multiply, shapes)}


if __name__ == "__main__":
    worker = Worker(sys.argv[1], sys.argv[2])
    serve({name: getattr(worker, name) for name in ("prepare", "check", "run", "ceiling")})
