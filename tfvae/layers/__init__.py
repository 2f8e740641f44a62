"""Neural layers: GRU, vocabulary softmax, encoder and decoder, each with a fast path and its plain twin."""
