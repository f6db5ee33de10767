"""Contamination: hints that a model has seen a suite's questions in training, each beside a control; never proof."""
