"""Generated from ../protos by `python -m generia_worker.rpc.generate`; only `generia_worker.rpc` imports it."""
