"""What of a checkout goes into an image."""

from __future__ import annotations

import subprocess
from pathlib import Path

from image.building.origin import Origin


def test_a_link_that_switches_something_off_is_a_file_of_the_image(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "unit").write_text("[Unit]\n")
    (tmp_path / "root" / "generator").symlink_to("/dev/null")
    (tmp_path / "root" / "gone").write_text("")
    subprocess.run(["git", "-C", str(tmp_path), "add", "."], check=True)
    (tmp_path / "root" / "gone").unlink()
    assert Origin(tmp_path, "1", "0" * 40, 1).files("root") == ["root/generator", "root/unit"]
