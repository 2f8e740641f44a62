"""Hyper-parameter search with KerasTuner: a space over configurations, objectives over trained models, trials that are run directories."""
