"""What corpora of millions of texts take, and what several processes gain."""
