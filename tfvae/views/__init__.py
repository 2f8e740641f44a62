"""What codes may be read from: fixed features of an example, which training examples choose and no gradient changes."""
