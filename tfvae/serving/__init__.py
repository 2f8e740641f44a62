"""A server of exported models that pip can install, and a client of TensorFlow Serving and of this one."""
