"""Generia: a small social network out of one sentence, made by a Celery pipeline."""

__version__ = "0.2.0"
