"""demeanor-mini: a small LLaMA of our own. `python -m demeanor.data_engine.mini` makes it."""
