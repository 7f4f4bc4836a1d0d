"""User names in any script: what one may be, and which are the same."""

from __future__ import annotations

import pytest

from generia_worker.gateway import usernames


@pytest.mark.parametrize(
    "name",
    [
        "ada",
        "Ada_99",
        "a.b-c",
        "Анна",
        "Ёжик_7",
        "王伟",
        "山田たろう",
        "ユーザー",
        "김철수",
        "דוד",
        "محمد",
        "कमला",
        "José",
        "Ελένη",
        "նարե",
    ],
)
def test_names_of_all_scripts(name: str) -> None:
    assert usernames.checked(name) == name


def test_a_name_is_normalised() -> None:
    assert usernames.checked("Jose\u0301") == "Jos\u00e9"
    assert usernames.checked("ａｄａ") == "ada"


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "x" * 33,
        "a b",
        "a@b",
        "a/b",
        "na\nme",
        "name\x00",
        "ada\u202enimda",
        "ada\u200b",
        "ada\u2066x",
        "ada\ufeff",
        "---",
        "a" + "\u0301" * 8,
        "\u0301ab",
        "pаypal",
        "adaάνα",
        "🐱🐱🐱",
        "\ufdfa\ufdfa",
        "\ud800ab",
    ],
)
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ValueError, match=r"must|may"):
        usernames.checked(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada", "aDA"),
        ("сосо", "coco"),
        ("ВОТ", "bot"),
        ("Straße", "STRASSE"),
        ("ΟΡΑ", "opa"),
        ("ａｄａ", "ada"),
        ("ada٣", "ada3"),
        ("ӏоса1", "loca1"),
    ],
)
def test_what_looks_alike_is_the_same(one: str, other: str) -> None:
    assert usernames.key(one) == usernames.key(other)


def test_readers_of_a_script_tell_its_names_apart() -> None:
    russian = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
    assert len({usernames.key(letter) for letter in russian}) == len(russian)
    assert len({usernames.key(letter) for letter in "αβγδεζηθικλμνξοπρστυφχψω"}) == 24


def test_names_of_before_keep_their_keys() -> None:
    for name in ("Ada-1f", "x_.y", "LOCAL", "i0l1O"):
        assert usernames.key(name) == name.casefold()
