"""Prompts and user names for schemathesis: what the pattern of a prompt cannot say is that it has meaning."""

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

#: Letters of one script each, which is what the schema of a user name cannot say.
_ALPHABETS = ("abcXYZ", "абвЖЭЮ", "αβγΨΩ", "王李明华", "あいうカキ山", "김이박", "אבגד", "कखगघ")
schemathesis.openapi.format(
    "username",
    st.sampled_from(_ALPHABETS).flatmap(
        lambda letters: st.text(f"{letters}019_.-", min_size=1, max_size=29).map(letters[0].__add__)
    ),
)
