"""The same paid calls made by Generia and by other systems: `python -m tests.benchmarks peers`. See the README beside."""
