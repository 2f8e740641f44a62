"""The commands: flags and printing only. What needs TensorFlow is imported when a command runs, so that --help is quick."""
