"""Whatever is typed as a place, footage never lands where it must not lie, and nothing is left."""

from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
from hypothesis import given, settings, strategies as st

from custom_components.camera_steward.core.books import create_vault
from custom_components.camera_steward.places import (
    PlaceRefusal,
    PlaceRefusedError,
    PlaceWarning,
    Surroundings,
    check_place,
)

PARTS = st.sampled_from(
    [
        *("disk", "footage", "vault", "media", "config", "www", ".storage", "camera_steward"),
        *("..", ".", "", "link", "loop", "file", "share", "x" * 300, "a\0b", "～", " "),
    ]
)


def machine(root: Path) -> Surroundings:
    """Lay a small machine out below a folder."""
    for name in ("disk", "media/clips", "config/www", "config/.storage", "share", "vault"):
        (root / name).mkdir(parents=True)
    (root / "disk" / "link").symlink_to(root / "media")
    (root / "disk" / "loop").symlink_to(root / "disk" / "loop")
    (root / "disk" / "file").write_text("x")
    (root / "share" / "link").symlink_to(root / "config" / "www", target_is_directory=True)
    create_vault(root / "vault" / "footage", uuid4())
    return Surroundings(
        config=root / "config",
        media=(root / "media",),
        public=root / "config" / "www",
        backed_up=(root / "config", root / "share"),
        vaults=(root / "vault" / "footage",),
        official_image=False,
    )


@settings(max_examples=400, deadline=None)
@given(parts=st.lists(PARTS, max_size=5))
def test_no_path_leads_footage_where_it_must_not_lie(parts: list[str]) -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        around = machine(root)
        before = sorted(root.rglob("*"))
        try:
            place = check_place("/".join([str(root), *parts]), around)
        except PlaceRefusedError:
            place = None
        assert sorted(root.rglob("*")) == before
        if place is None:
            return
        real = place.root.resolve()
        for forbidden in (*around.media, around.public, *around.vaults, root / "config/.storage"):
            assert not real.is_relative_to(forbidden)
            assert not forbidden.is_relative_to(real)
        assert place.vault is None
        assert not real.is_dir() or not list(real.iterdir())
        backed_up = any(real.is_relative_to(each) for each in around.backed_up)
        assert (PlaceWarning.BACKUP in place.warnings) == backed_up


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=50).filter(lambda text: not text.strip().startswith("/")))
def test_no_text_without_a_leading_slash_is_a_place(text: str) -> None:
    around = Surroundings(
        config=Path("/config"),
        media=(),
        public=Path("/config/www"),
        backed_up=(),
        vaults=(),
        official_image=False,
    )
    with pytest.raises(PlaceRefusedError) as refused:
        check_place(text, around)
    assert refused.value.refusal is PlaceRefusal.RELATIVE
