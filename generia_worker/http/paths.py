"""Ids in paths: `{world_id:id}` holds no colon, so that `…/{world_id}:cancel` is never read as an id."""

from __future__ import annotations

from starlette.convertors import Convertor, register_url_convertor


class _IdConvertor(Convertor[str]):
    regex = "[^/:]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("id", _IdConvertor())
