"""The recovery kit's code: any key round trips, however it is typed, and each slip is found."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings, strategies as st

from custom_components.camera_steward.core.errors import (
    KitMistypedError,
    KitWrongError,
    VaultMissingError,
)
from custom_components.camera_steward.core.files import LocalFiles
from custom_components.camera_steward.core.vault.description import (
    DESCRIPTION_NAME,
    write_description,
)
from custom_components.camera_steward.core.vault.format import HoldKey
from custom_components.camera_steward.core.vault.holds import (
    HOLD_KEY_DRAFT,
    HOLD_KEY_NAME,
    HoldFiles,
)
from custom_components.camera_steward.core.vault.kit import _SYMBOLS, check_kit, key_from, kit_code
from custom_components.camera_steward.core.vault.vault import HOLDS_NAME

from .test_vault_description import TOLD
from .vault_site import SITE_KEY, VAULT, Site, a_site

KEYS = st.binary(min_size=32, max_size=32)
FEW = settings(max_examples=30, deadline=None)


@pytest.fixture
def site() -> Iterator[Site]:
    with a_site() as made:
        yield made


@FEW
@given(KEYS)
def test_any_key_round_trips_however_it_is_typed(key: bytes) -> None:
    lines = kit_code(key)
    assert [len(line) for line in lines] == [17] * 4
    code = "\n".join(lines)
    wide = "".join(chr(ord(each) + 0xFEE0) if each.isalnum() else each for each in code)
    for typed in (
        code,
        code.lower(),
        code.replace("-", ""),
        code.replace("\n", " "),
        f"\r\n  {code.replace('\n', '\r\n\r\n')}\t\n",
        code.replace("0", "O").replace("1", "I"),
        code.replace("0", "o").replace("1", "l"),
        wide,
        wide.replace("-", "ー"),
    ):
        assert key_from(typed) == key


@settings(max_examples=4, deadline=None)
@given(KEYS)
def test_each_wrong_symbol_and_each_two_swapped_are_found_with_their_line(key: bytes) -> None:
    code = "\n".join(kit_code(key))
    for at, each in enumerate(code):
        if not each.isalnum():
            continue
        line = str(code[:at].count("\n") + 1)
        for other in _SYMBOLS.replace(each, ""):
            with pytest.raises(KitMistypedError) as found:
                key_from(code[:at] + other + code[at + 1 :])
            assert found.value.detail == line
        nearby = code[at + 1 : at + 2]
        if nearby.isalnum() and nearby != each:
            with pytest.raises(KitMistypedError):
                key_from(code[:at] + nearby + each + code[at + 2 :])


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda lines: lines[:3], ""),
        (lambda lines: [*lines, lines[0]], ""),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "1"),
        (lambda lines: [lines[0], lines[1][:-1], *lines[2:]], "2"),
        (lambda lines: [*lines[:2], lines[2] + "0", lines[3]], "3"),
        (lambda lines: [*lines[:3], "U" * 17], "4"),
        (lambda lines: [*lines[:3], "Z" * 15], "4"),
        (lambda lines: [], ""),
        (lambda lines: ["鍵" * 60], "1"),
    ],
)
def test_what_is_no_code_is_said_so(change: object, line: str) -> None:
    assert callable(change)
    with pytest.raises(KitMistypedError) as found:
        key_from("\n".join(change(list(kit_code(SITE_KEY)))))
    assert found.value.detail == line


def test_a_kit_is_checked_by_what_the_vault_says_or_by_an_hours_key(site: Site) -> None:
    files = LocalFiles()
    with pytest.raises(VaultMissingError):
        check_kit(site.root.parent, files, SITE_KEY)
    with pytest.raises(KitWrongError):  # nothing in it can tell
        check_kit(site.root, files, SITE_KEY)
    site.record()
    assert check_kit(site.root, files, SITE_KEY) == (VAULT, None)
    write_description(site.root, files, TOLD, SITE_KEY, VAULT)
    assert check_kit(site.root, files, SITE_KEY) == (VAULT, TOLD)
    (site.root / DESCRIPTION_NAME).write_bytes(b"damaged")
    assert check_kit(site.root, files, SITE_KEY) == (VAULT, None)
    with pytest.raises(KitWrongError):
        check_kit(site.root, files, bytes(32))


@pytest.mark.parametrize("name", [HOLD_KEY_NAME, HOLD_KEY_DRAFT])
def test_a_kit_is_checked_by_a_holds_key_where_nothing_else_is_left(site: Site, name: str) -> None:
    files = LocalFiles()
    holds = site.root / HOLDS_NAME
    (site.root / DESCRIPTION_NAME).write_bytes(b"damaged")
    (holds / "0123456789abcdef").mkdir(parents=True)
    (holds / "notes").write_bytes(b"")
    with pytest.raises(KitWrongError):
        check_kit(site.root, files, SITE_KEY)
    hold = "fedcba9876543210"
    now = site.clock.now()
    key = HoldKey(
        key=bytes(32), cameras=("door",), start_at=now, end_at=now, placed_at=now, until_at=now
    )
    HoldFiles(site.vault, SITE_KEY).create(hold, key)
    (holds / hold / HOLD_KEY_NAME).rename(holds / hold / name)
    assert check_kit(site.root, files, SITE_KEY) == (VAULT, None)
    with pytest.raises(KitWrongError):
        check_kit(site.root, files, bytes(32))
