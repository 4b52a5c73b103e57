"""A file is whole or not there."""

import gzip
import os
from pathlib import Path

import pytest
import zstandard

from datasets_app.files import written_whole


def test_what_was_written_takes_the_name_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl"
    with written_whole(path) as file:
        file.write(b"{}\n")
        assert not path.exists()
    assert path.read_bytes() == b"{}\n"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl"
    path.write_bytes(b"before\n")

    def break_off() -> None:
        with written_whole(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert path.read_bytes() == b"before\n"
    assert list(tmp_path.iterdir()) == [path]


def test_others_may_read_it_as_far_as_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with written_whole(tmp_path / "export.jsonl"):
            pass
    finally:
        os.umask(before)
    assert (tmp_path / "export.jsonl").stat().st_mode & 0o777 == 0o640


def test_gz_and_zst_are_compressed_the_same_every_time(tmp_path: Path) -> None:
    text = b'{"a": 1}\n' * 1000
    for name in ("one.gz", "two.gz", "one.zst", "two.zst"):
        with written_whole(tmp_path / name) as file:
            file.write(text)
    assert gzip.decompress((tmp_path / "one.gz").read_bytes()) == text
    with (tmp_path / "one.zst").open("rb") as file:
        assert zstandard.ZstdDecompressor().stream_reader(file).read() == text
    for suffix in ("gz", "zst"):
        one, two = tmp_path / f"one.{suffix}", tmp_path / f"two.{suffix}"
        assert one.read_bytes() == two.read_bytes()


def test_a_folder_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), written_whole(tmp_path / "no" / "export.jsonl"):
        pass
