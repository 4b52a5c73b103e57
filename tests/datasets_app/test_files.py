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


def test_a_link_stays_and_what_it_names_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    path, target = tmp_path / "export.jsonl.gz", tmp_path / "disk" / "target"
    for text in (b"new\n", b"newer\n"):
        path.unlink(missing_ok=True)
        path.symlink_to(target)
        with written_whole(path) as file:
            file.write(text)
            assert not target.exists() or text not in gzip.decompress(target.read_bytes())
        assert path.is_symlink()
        assert gzip.decompress(target.read_bytes()) == text
        assert list((tmp_path / "disk").iterdir()) == [target]


@pytest.mark.parametrize("is_linked", [False, True])
def test_a_pipe_is_written_to_and_stays(tmp_path: Path, is_linked: bool) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    path = pipe
    if is_linked:
        path = tmp_path / "link"
        path.symlink_to(pipe)
    # Not waiting for a writer; what is written fits the pipe's own buffer.
    with os.fdopen(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), "rb") as reader:
        with written_whole(path) as file:
            file.write(b"{}\n")
        assert reader.read() == b"{}\n"
    assert pipe.is_fifo()
    assert {*tmp_path.iterdir()} == {path, pipe}


def test_a_folder_is_no_file_to_write(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError), written_whole(tmp_path):
        pass
    assert tmp_path.is_dir()


def test_a_link_to_itself_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "link"
    path.symlink_to(path)
    with pytest.raises(OSError, match="symbolic links"), written_whole(path):
        pass
    assert path.is_symlink()


def test_a_folder_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), written_whole(tmp_path / "no" / "export.jsonl"):
        pass
