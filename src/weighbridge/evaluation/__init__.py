"""Evaluation by running: suites are asked of an engine, answers are scored, estimates say how sure."""
