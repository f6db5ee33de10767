"""Suites: questions as data, read from TOML and tables."""

from weighbridge.evaluation.item import LETTERS, Item, Score, Unscored
from weighbridge.evaluation.suite.find import find_suite, shipped_recipes, shipped_suites
from weighbridge.evaluation.suite.load import load_suite
from weighbridge.evaluation.suite.suite import Suite

__all__ = [
    "LETTERS",
    "Item",
    "Score",
    "Suite",
    "Unscored",
    "find_suite",
    "load_suite",
    "shipped_recipes",
    "shipped_suites",
]
