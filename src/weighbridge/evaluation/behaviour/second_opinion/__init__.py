"""A second opinion on the answers that the detector is unsure of: a model judges them, blind."""

from weighbridge.evaluation.behaviour.second_opinion.asking import Opinion, ask_opinion
from weighbridge.evaluation.behaviour.second_opinion.taking import Taken, take_opinions, unsure_texts

__all__ = ["Opinion", "Taken", "ask_opinion", "take_opinions", "unsure_texts"]
