"""Ids of the special tokens: padding, unknown word, beginning and end of a sentence."""

PAD, UNK, BOS, EOS = 0, 1, 2, 3
