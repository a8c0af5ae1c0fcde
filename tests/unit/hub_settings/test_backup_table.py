"""`[backup]` in `hub.toml`: where the hub's file is kept a second time, and when."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.errors import BadInput
from hub.settings import BackupSettings, parse_settings

LEAST = 'store = "oak-street"\ndata_dir = "data"\n'


def test_a_folder_is_enough_and_stands_beside_the_file_unless_it_says_otherwise() -> None:
    settings = parse_settings(LEAST + '[backup]\nfolder = "stick"\n', Path("/etc/shelfwire"))
    assert settings.backup == BackupSettings(folder="stick", at="03:30", keep=14, archive_every_s=20)
    assert settings.medium == Path("/etc/shelfwire/stick")
    assert parse_settings(LEAST + '[backup]\nfolder = "/media/x"\n', Path("/etc")).medium == Path("/media/x")


def test_without_the_table_nothing_is_kept_elsewhere() -> None:
    settings = parse_settings(LEAST, Path("/"))
    assert (settings.backup, settings.medium) == (None, None)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('at = "03:30"', "folder"),
        ('folder = ""', "folder"),
        ('folder = "x"\nat = "24:00"', "at"),
        ('folder = "x"\nat = "3:30"', "at"),
        ('folder = "x"\nkeep = 0', "keep"),
        ('folder = "x"\narchive_every_s = 0', "archive_every_s"),
        ('folder = "x"\narchiv_every_s = 5', "did you mean 'archive_every_s'"),
    ],
)
def test_what_is_wrong_is_said(table: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_settings(f"{LEAST}[backup]\n{table}\n", Path("/"))
    assert said in str(caught.value)
