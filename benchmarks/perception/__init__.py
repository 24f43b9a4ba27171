"""How good what we measure is; `python -m benchmarks.perception` writes docs/perception.md."""
