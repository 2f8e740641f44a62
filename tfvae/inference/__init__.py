"""From a batch to the parameters of its posterior."""
