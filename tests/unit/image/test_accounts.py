"""Accounts get the shells that sysusers.d says, those with a number of their own too."""

from __future__ import annotations

from pathlib import Path

from image.building.accounts import give_shells, with_shells
from image.building.base import RECIPE

PASSWD = (
    "root:x:0:0:root:/root:/usr/sbin/nologin\n"
    "shelfwire:x:800:800::/data/shelfwire:/usr/sbin/nologin\n"
    "technician:x:801:801::/run/shelfwire/technician:/usr/sbin/nologin\n"
)


def test_an_account_that_was_there_gets_the_shell_that_is_said() -> None:
    said = '# Accounts.\nu technician - "For a time" /run/x /bin/bash\nm technician systemd-journal\n'
    given = with_shells(PASSWD, [said, "g gpio -\nu root - - - -\n"]).splitlines()
    assert given == [*PASSWD.splitlines()[:2], "technician:x:801:801::/run/shelfwire/technician:/bin/bash"]


def test_the_image_s_technician_can_work_and_its_service_cannot_log_in(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(PASSWD)
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "usr/lib/sysusers.d").symlink_to(RECIPE.parent / "root/common/usr/lib/sysusers.d")
    give_shells(tmp_path)
    shells = {line.split(":")[0]: line.split(":")[6] for line in (tmp_path / "etc/passwd").read_text().splitlines()}
    assert shells == {"root": "/usr/sbin/nologin", "shelfwire": "/usr/sbin/nologin", "technician": "/bin/bash"}
