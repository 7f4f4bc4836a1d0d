"""The simulator's vocabulary: each `.toml` file of this folder is a language that it writes.

A further language is a further file, named by the language's code. What it must hold is told by `types.py`, and by an
error that names what is missing; `telling` words set it apart from a language with the same alphabet.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from generia_worker.simulator.vocabulary.loader import FALLBACK, load_vocabularies
from generia_worker.simulator.vocabulary.types import Vocabulary

__all__ = ["FALLBACK", "FOLDER", "vocabularies"]

FOLDER: Traversable = resources.files(__name__)


@cache
def vocabularies() -> dict[str, Vocabulary]:
    """Return all languages by their codes, the fallback first. Raises ConfigurationError."""
    return load_vocabularies(FOLDER)
