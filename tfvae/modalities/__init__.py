"""What an example is: items such as texts or images, and the batches and shown forms of them."""
