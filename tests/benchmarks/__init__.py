"""Measurements, printed as tables and as JSON: `python -m tests.benchmarks --help`. Nothing here asserts a speed."""
