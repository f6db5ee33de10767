"""The runner: asks a plan's requests with bounded concurrency, and keeps every answer as it comes.

A killed run loses what was in flight; the next one asks only what is missing. What failed is not kept, so that it is
asked again.
"""

from weighbridge.evaluation.run.asking import ask, ask_and_tell
from weighbridge.evaluation.run.form import settle_form
from weighbridge.evaluation.run.session import Run, Session, Settled
from weighbridge.evaluation.run.stop import Stop

__all__ = ["Run", "Session", "Settled", "Stop", "ask", "ask_and_tell", "settle_form"]
