"""Ids of the special tokens: padding, unknown word, beginning and end of a sentence."""

PAD, UNK, BOS, EOS = 0, 1, 2, 3
SPECIALS = ("<pad>", "<unk>", "<s>", "</s>")
"""How the special tokens are written in a vocabulary's file, in the order of their ids."""
