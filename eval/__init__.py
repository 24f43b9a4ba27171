"""Scores of explanations and labels on public benchmarks. Never imports data_engine.

>>> from demeanor.eval import ew_score
>>> ew_score(gold=[["happy", "excited"]], predicted=[["joyful", "sad"]]).recall
100.0
"""

from demeanor.eval.ew import EwScore, ew_score
from demeanor.eval.tables import WordTable, load_table

__all__ = ["EwScore", "WordTable", "ew_score", "load_table"]
