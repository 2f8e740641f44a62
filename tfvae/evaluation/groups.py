"""Names of the groups of figures that an evaluation has; `tfvae.evaluation.metrics` makes them."""

GROUPS = (
    *("likelihood", "latent", "labels", "reconstruction", "samples", "pixels", "topics", "predictions", "refinement"),
    *("word_order", "reverse_perplexity", "reverse_perplexity_real", "answers", "held_answers"),
)
