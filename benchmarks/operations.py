"""How many operations a task is, from the shapes of real tokens: a product [m, k] x [k, n] is 2 m k n."""


def count_operations(task, sizes, tokens, samples):
    """Returns the operations of a task's matrix products.

    Args:
      task: one of `TASKS` of `benchmarks.main`.
      sizes: hidden, embedding, batch, variables, dim, components, mlp and vocabulary.
      tokens: real tokens, each of `samples` posterior samples not counted; of "generate" those that were written.
      samples: posterior samples a sentence.
    """
    hidden, embedding, batch, vocabulary = (sizes[name] for name in ("hidden", "embedding", "batch", "vocabulary"))
    z_dim = sizes["variables"] * sizes["dim"]
    heads = batch * (2 * hidden * (2 * z_dim + sizes["mlp"]) + sizes["mlp"] * sizes["variables"] * sizes["components"])
    encoder = 2 * tokens * (embedding + hidden) * 3 * hidden + heads
    gru = tokens * embedding * 3 * hidden + samples * (tokens * hidden + batch * z_dim) * 3 * hidden
    decoder = gru + samples * batch * z_dim * hidden
    softmax = samples * tokens * hidden * vocabulary
    forward = (
        2.0
        * {
            "train_step": encoder + decoder + softmax,
            "score": encoder + decoder + softmax,
            "generate": tokens * (embedding + z_dim + hidden) * 3 * hidden + tokens * hidden * vocabulary,
            "gru": gru,
            "softmax": softmax,
        }[task]
    )
    return forward if task in ("score", "generate") else 3 * forward  # a product's two gradients are as many operations again, each
