"""Prompts for schemathesis: what the pattern of one cannot say is that it has a letter, a digit or a symbol in it."""

from __future__ import annotations

import schemathesis
from hypothesis import strategies as st

from generia_worker.text import clean, has_meaning

schemathesis.openapi.format(
    "prompt",
    st.text(st.characters(codec="utf-8"), min_size=10, max_size=60)
    .map(clean)
    .filter(lambda text: len(text.strip()) >= 10 and has_meaning(text)),
)
