"""Work with the codes of a trained model: what they stand for, which are alike, and what a person makes of them."""
