"""Scores of explanations and labels on public benchmarks. Never imports data_engine."""
