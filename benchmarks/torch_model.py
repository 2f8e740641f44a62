"""The same model in PyTorch, as two engineers would write it; it imports nothing of tfvae.

`plain` pads: nn.GRU over padded batches, and cross-entropy over every position. `fast` packs: nn.GRU and the vocabulary projection see only
positions that are not padding, matrix products are bfloat16 under autocast, and a word is drawn through the inverse of the cumulative
distribution.
"""

import math

import torch
from torch import nn
from torch.nn import functional

PAD, UNK, BOS, EOS = range(4)


def gru_weights(kernel, recurrent, bias):
    """Keras's gates are update, reset, candidate along the columns; PyTorch's are reset, update, candidate along the rows."""

    def reordered(array):
        update, reset, candidate = array.chunk(3, dim=-1)
        return (
            torch.cat([reset, update, candidate], dim=-1).transpose(0, -1).contiguous()
            if array.dim() > 1
            else torch.cat([reset, update, candidate])
        )

    return [reordered(kernel), reordered(recurrent), reordered(bias[0]), reordered(bias[1])]


def keras_gradients(gru, suffix):
    """The gradients of one direction of a GRU, laid out as Keras lays out its weights: kernel, recurrent kernel, bias."""

    def reordered(kind):
        reset, update, candidate = getattr(gru, f"{kind}_l0{suffix}").grad.chunk(3)
        return torch.cat([update, reset, candidate])

    bias = torch.stack([reordered("bias_ih"), reordered("bias_hh")])
    return {"kernel": reordered("weight_ih").T, "recurrent_kernel": reordered("weight_hh").T, "bias": bias}


class DemVae(nn.Module):
    """Bidirectional GRU encoder, mixture prior of Gaussians, GRU decoder with z in its state and inputs, tied output."""

    def __init__(self, sizes, *, packed):
        """`sizes` holds vocabulary, embedding, hidden, variables, components, dim, mlp, beta, mi_weight and dropout."""
        super().__init__()
        self.sizes, self.packed = sizes, packed
        vocabulary, embedding, hidden = sizes["vocabulary"], sizes["embedding"], sizes["hidden"]
        z_dim = sizes["variables"] * sizes["dim"]
        self.encoder_embedding = nn.Embedding(vocabulary, embedding)
        self.encoder = nn.GRU(embedding, hidden, batch_first=True, bidirectional=True)
        self.posterior = nn.Linear(2 * hidden, 2 * z_dim)
        self.mlp = nn.Linear(2 * hidden, sizes["mlp"])
        self.logits = nn.Linear(sizes["mlp"], sizes["variables"] * sizes["components"])
        self.components = nn.Parameter(torch.zeros(sizes["variables"], sizes["components"], 2 * sizes["dim"]))
        self.decoder_embedding = nn.Embedding(vocabulary, embedding)
        self.decoder = nn.GRU(embedding + z_dim, hidden, batch_first=True)
        self.state = nn.Linear(z_dim, hidden, bias=False)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        self.dropout = nn.Dropout(sizes["dropout"])

    def load(self, weights):
        """Takes over arrays named as in tfvae."""
        tensors = {name: torch.from_numpy(array).to(self.bias.device) for name, array in weights.items()}
        names = ("kernel", "recurrent_kernel", "bias")
        with torch.no_grad():
            self.encoder_embedding.weight.copy_(tensors["encoder/embedding"])
            self.decoder_embedding.weight.copy_(tensors["decoder/embedding"])
            for suffix, source in (("", "forward_0"), ("_reverse", "backward_0")):
                values = gru_weights(*(tensors[f"{source}/{name}"] for name in names))
                for kind, value in zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), values, strict=True):
                    getattr(self.encoder, f"{kind}_l0{suffix}").copy_(value)
            values = gru_weights(*(tensors[f"layer_0/{name}"] for name in names))
            for kind, value in zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), values, strict=True):
                getattr(self.decoder, f"{kind}_l0").copy_(value)
            for module, source in ((self.posterior, "posterior"), (self.mlp, "hidden"), (self.logits, "logits")):
                module.weight.copy_(tensors[f"{source}/kernel"].T)
                module.bias.copy_(tensors[f"{source}/bias"])
            self.components.copy_(tensors["latent/components"])
            self.state.weight.copy_(tensors["decoder/state_0"].T)
            self.bias.copy_(tensors["softmax/bias"])

    def gradients(self):
        """All gradients by tfvae's names, laid out as there."""
        found = {}
        for module, name in ((self.posterior, "posterior"), (self.mlp, "hidden"), (self.logits, "logits")):
            found |= {f"{name}/kernel": module.weight.grad.T, f"{name}/bias": module.bias.grad}
        for gru, suffix, name in ((self.encoder, "", "forward_0"), (self.encoder, "_reverse", "backward_0"), (self.decoder, "", "layer_0")):
            found |= {f"{name}/{kind}": value for kind, value in keras_gradients(gru, suffix).items()}
        return found | {
            "encoder/embedding": self.encoder_embedding.weight.grad,
            "decoder/embedding": self.decoder_embedding.weight.grad,
            "latent/components": self.components.grad,
            "decoder/state_0": self.state.weight.grad.T,
            "softmax/bias": self.bias.grad,
        }

    def encode(self, tokens, length):
        """Returns mean and log-variance [B, J, D], and the codes' logits [B, J, K]."""
        embedded = self.dropout(self.encoder_embedding(tokens))
        _, final = self.encoder(pack(embedded, length))
        features = torch.cat([final[0], final[1]], dim=-1).float()
        shape = (len(tokens), self.sizes["variables"], -1)
        mean, log_variance = self.posterior(features).view(shape).chunk(2, dim=-1)
        logits = self.logits(functional.relu(self.mlp(features))).view(shape)
        return mean, constrained(log_variance), logits

    def states(self, tokens, length, z):
        """Returns the decoder's states before each word, [S B, T, H], for z [S, B, Z]; packed, those before the M words, [M, H]."""
        samples, batch, _ = z.shape
        inputs = torch.cat([torch.full_like(tokens[:, :1], BOS), tokens[:, :-1]], dim=1)
        embedded = self.dropout(self.decoder_embedding(inputs)).repeat(samples, 1, 1)  # [S B, T, E]
        flat = z.reshape(samples * batch, -1)
        return self.recur(embedded, length, flat, self.state(flat))

    def recur(self, embedded, length, z, state):
        """Runs the decoder's GRU over [S B, T, E] beside z [S B, Z] from a state [S B, H]."""
        context = z.unsqueeze(1).expand(-1, embedded.shape[1], -1)
        inputs = torch.cat([embedded, context], dim=-1)
        if not self.packed:
            return self.decoder(inputs, state.unsqueeze(0))[0]
        return self.decoder(pack(inputs, length.repeat(len(inputs) // len(length))), state.unsqueeze(0))[0].data

    def negative_log_likelihood(self, hidden, tokens, length, samples):
        """Returns -log p(x|z) [S, B] from states [S B, T, H]; packed, [M, H]."""
        batch, time = tokens.shape
        targets, rows = tokens.repeat(samples, 1), samples * batch
        if not self.packed:
            mask = torch.arange(time) < length.repeat(samples).unsqueeze(1)
            logits = functional.linear(hidden, self.decoder_embedding.weight, self.bias)
            loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").view(rows, time)
            return (loss * mask).sum(1).view(samples, batch)
        sentence = torch.arange(rows).unsqueeze(1).expand(-1, time)
        words, sentence = pack(torch.stack([targets, sentence], dim=-1), length.repeat(samples)).data.unbind(-1)
        loss = functional.cross_entropy(
            functional.linear(hidden, self.decoder_embedding.weight, self.bias).float(), words, reduction="none"
        )
        return torch.zeros(rows).index_add(0, sentence, loss).view(samples, batch)

    def reconstruction(self, tokens, length, z):
        """Returns -log p(x|z) [S, B] for z [S, B, Z]."""
        return self.negative_log_likelihood(self.dropout(self.states(tokens, length, z)), tokens, length, len(z))

    def prior(self):
        """Mean and log-variance of the components, [J, K, D] each."""
        mean, log_variance = self.components.chunk(2, dim=-1)
        return mean, constrained(log_variance)

    def importance_weight(self, tokens, length, posterior, noise):
        """Returns log p(x|z) + log p(z) - log q(z|x) [S, B] for a posterior's mean and log-variance [B, J, D] and noise [S, B, J, D]."""
        mean, log_variance = posterior
        z = mean + torch.exp(log_variance / 2) * noise
        prior_mean, prior_log_variance = self.prior()
        of_components = log_normal(z.unsqueeze(-2), prior_mean, prior_log_variance).sum(-1)  # [S, B, J, K]
        log_prior = torch.logsumexp(of_components, -1).sum(-1) - z.shape[2] * math.log(prior_mean.shape[1])
        log_posterior = log_normal(z, mean, log_variance).sum((-2, -1))
        return log_prior - log_posterior - self.reconstruction(tokens, length, z.flatten(2))

    @torch.no_grad()
    def log_likelihood(self, tokens, length, samples, at_once=20):
        """Returns the importance-weighted log p(x) [B]."""
        *posterior, _ = self.encode(tokens, length)
        total = torch.full([len(tokens)], -math.inf, dtype=torch.float64)
        for start in range(0, samples, at_once):
            noise = torch.randn(min(at_once, samples - start), *posterior[0].shape)
            weight = self.importance_weight(tokens, length, posterior, noise)
            total = torch.logaddexp(total, torch.logsumexp(weight.double(), 0))
        return total - math.log(samples)

    @torch.no_grad()
    def generate(self, count, max_length=40):
        """Samples sentences [count, T] from the prior, word by word, until all have ended."""
        mean, log_variance = self.prior()
        variables, components, _ = mean.shape
        codes = torch.randint(components, (count, variables))
        chosen = torch.arange(variables)
        mean, log_variance = mean[chosen, codes], log_variance[chosen, codes]
        z = (mean + torch.exp(log_variance / 2) * torch.randn_like(mean)).flatten(1)
        state, words = self.state(z), torch.full([count], BOS)
        ended, written = torch.zeros(count, dtype=torch.bool), []
        for _ in range(max_length):
            state = self.cell(torch.cat([self.decoder_embedding(words), z], dim=-1), state)
            logits = functional.linear(state, self.decoder_embedding.weight, self.bias).float()
            logits[:, [PAD, UNK, BOS]] = -math.inf
            words = self.draw(functional.softmax(logits, dim=-1)).masked_fill(ended, PAD)
            written.append(words)
            ended |= words == EOS
            if ended.all():
                break
        return torch.stack(written, dim=1)

    def draw(self, probabilities):
        """Draws a word [N] of each distribution [N, V]."""
        if not self.packed:
            return torch.multinomial(probabilities, 1).squeeze(1)
        cumulative = probabilities.cumsum(-1)
        return torch.searchsorted(cumulative, torch.rand(len(cumulative), 1) * cumulative[:, -1:]).squeeze(1).clamp_(max=len(self.bias) - 1)

    @property
    def cell(self):
        """The decoder as an nn.GRUCell that shares its weights."""
        if not hasattr(self, "_cell"):
            cell = nn.GRUCell(self.decoder.input_size, self.decoder.hidden_size)
            for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                setattr(cell, kind, getattr(self.decoder, f"{kind}_l0"))
            self._cell = cell
        return self._cell

    def loss(self, tokens, length, noise):
        """Returns the objective at w = 1 and the reconstruction, means over sentences, for noise [S, B, J, D]."""
        mean, log_variance, logits = self.encode(tokens, length)
        z = (mean + torch.exp(log_variance / 2) * noise).flatten(2)
        reconstruction = self.reconstruction(tokens, length, z).mean()
        q = functional.softmax(logits, dim=-1)
        prior_mean, prior_log_variance = self.prior()
        precision = torch.exp(-prior_log_variance)
        first, second = prior_mean * precision, -precision / 2  # natural parameters [J, K, D]
        average_first, average_second = (torch.einsum("bjk,jkd->bjd", q, eta) for eta in (first, second))
        dispersion = torch.einsum("bjk,jkd->bjd", q, log_partition(first, second)) - log_partition(average_first, average_second)
        average_variance = -1 / (2 * average_second)
        ratio = torch.exp(log_variance) / average_variance
        average_kl = (ratio + (average_first * average_variance - mean) ** 2 / average_variance - 1 - torch.log(ratio)) / 2
        entropy = -(q * functional.log_softmax(logits, dim=-1)).sum(-1)  # [B, J]
        use = q.mean(0)
        information = (-(use * torch.log(use)).sum(-1) - entropy.mean(0)).sum()
        code_kl = (math.log(q.shape[-1]) - entropy).sum(1).mean()
        spread = dispersion.sum((1, 2)).mean()
        regularizer = average_kl.sum((1, 2)).mean() + spread + code_kl
        regularizer = regularizer - self.sizes["beta"] * spread - self.sizes["mi_weight"] * information
        return reconstruction + regularizer, reconstruction


def pack(values, length):
    """The values [N, T, ...] of the steps of sentences of lengths [N], as nn.GRU takes them."""
    return nn.utils.rnn.pack_padded_sequence(values, length.cpu(), batch_first=True, enforce_sorted=False)


def log_normal(z, mean, log_variance):
    """Log-density of each number."""
    return -((z - mean) ** 2 / torch.exp(log_variance) + log_variance + math.log(2 * math.pi)) / 2


def constrained(log_variance, low=-6.0, high=4.0):
    """Draws log-variances smoothly into a range, as tfvae does."""
    above = low + functional.softplus(log_variance - low)
    return high - functional.softplus(high - above)


def log_partition(first, second):
    """A of Gaussians in natural parameters."""
    return -(first**2) / (4 * second) - torch.log(-2 * second) / 2
