import gzip
import io
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets_app.lines import BadJson, BadLine, Line, parse, read
from datasets_app.sources import CannotRead
from web.nesting import MAX_DEPTH

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda children: st.lists(children) | st.dictionaries(TEXT, children),
    max_leaves=20,
)
OBJECTS = st.dictionaries(TEXT, JSON)

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(content: bytes, name: str = "lines.jsonl") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return to_file


def reasons(path: Path) -> list[tuple[int, str]]:
    return [(line.number, line.reason) for line in read(path) if isinstance(line, BadLine)]


def values(path: Path) -> list[dict[str, object]]:
    return [line.value for line in read(path) if isinstance(line, Line)]


@settings(deadline=None)
@given(OBJECTS, st.booleans())
def test_any_json_object_is_read_as_it_was_written(value: dict[str, object], escaped: bool) -> None:
    assert parse(json.dumps(value, ensure_ascii=escaped).encode()) == value


@settings(deadline=None)
@given(st.binary() | st.text(alphabet='{}[]",:\\ud8cf0123e-.').map(str.encode))
def test_no_line_raises_anything_but_bad_json(raw: bytes) -> None:
    try:
        value = parse(raw)
    except BadJson:
        return
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"a": 1', "broken JSON: Expecting ',' delimiter (column 8)"),
        (b"[1, 2]", "not a JSON object but a list"),
        (b'"text"', "not a JSON object but text"),
        (b"null", "not a JSON object but null"),
        (b'{"a": 1, "a": 1}', 'the key "a" occurs twice in one object'),
        (b'{"b": [{"a": 1, "\\u0061": 2}]}', 'the key "a" occurs twice in one object'),
        (b'{"a": NaN}', "NaN is no JSON number"),
        (b'{"a": -Infinity}', "-Infinity is no JSON number"),
        (b'{"a": "x\0y"}', "holds a NUL byte"),
        (b'{"a": "x\\u0000y"}', r"holds an escaped NUL (\u0000)"),
        (b'{"a": ["\\\\\\u0000"]}', r"holds an escaped NUL (\u0000)"),
        (b'{"\\u0000": 1}', r"holds an escaped NUL (\u0000)"),
        (b'{"a": "\\ud83d"}', r"holds a lone surrogate (\ud83d)"),
        (b'{"a": "\\uDE00\\uD83D"}', r"holds a lone surrogate (\ude00)"),
        (b'{"a": [{"\\udc00": 1}]}', r"holds a lone surrogate (\udc00)"),
        (b'{"a": "\xff"}', "invalid UTF-8 at byte 8"),
        (b'{"a": "\xed\xa0\xbd"}', "invalid UTF-8 at byte 8"),
        (b'{"a": 1e999}', "the number 1e999 is too large"),
        (b'{"a": 9223372036854775808}', "the number 9223372036854775808 is over 64 bits"),
        (b'{"a": -9223372036854775809}', "the number -9223372036854775809 is over 64 bits"),
        (
            b'{"a": 1' + 5000 * b"0" + b"}",
            "the number 100000000000000000000000000... is over 64 bits",
        ),
        (b'{"a":' + 100_000 * b"[", "nested deeper than 100 levels"),
        (b'{"a":' + 100 * b"[" + 100 * b"]" + b"}", "nested deeper than 100 levels"),
    ],
)
def test_a_bad_line_is_reported_with_file_line_and_reason(
    write: Write, raw: bytes, reason: str
) -> None:
    path = write(b'{"n": 1}\n' + raw + b'\n{"n": 3}\n')

    lines = list(read(path))

    assert lines == [
        Line(str(path), 1, {"n": 1}, 8),
        BadLine(str(path), 2, reason),
        Line(str(path), 3, {"n": 3}, 8),
    ]
    assert str(lines[1]) == f"{path}:2: {reason}"


def test_what_only_looks_bad_is_kept(write: Write) -> None:
    good = [
        {"a": r"\u0000 \ud800 spelt out"},
        {"a": "😀", "b": {"a": [{"a": 1}, {"a": 1}]}},
        {"a": "[" * 500 + "{" * 500},
        {"a": [[[]] * 400, {"a": 1.5e308, "b": -(2**63), "c": 2**63 - 1}]},
    ]
    path = write("\n".join(json.dumps(value) for value in good).encode())

    assert values(path) == good


def test_nesting_is_allowed_up_to_the_limit() -> None:
    lists = MAX_DEPTH - 1
    assert parse(b'{"a":' + lists * b"[" + lists * b"]" + b"}")


def test_byte_order_marks_blank_lines_and_a_missing_last_newline_are_passed_over(
    write: Write,
) -> None:
    path = write(b'\xef\xbb\xbf{"n": 1}\r\n\r\n  \t\n\n{"n": 5}\n\xef\xbb\xbf{"n": 6}')

    lines = [line for line in read(path) if isinstance(line, Line)]

    assert [(line.number, line.value["n"]) for line in lines] == [(1, 1), (5, 5), (6, 6)]


def test_an_empty_file_has_no_lines(write: Write) -> None:
    assert list(read(write(b""))) == []


def test_a_line_over_the_limit_is_skipped_without_being_held_in_memory(write: Write) -> None:
    path = write(b'{"n": 1}\n{"a": "' + 20_000_000 * b"x" + b'"}\n{"n": 3}')

    tracemalloc.start()
    lines = list(read(path, limit_bytes=1_000_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert [type(line) for line in lines] == [Line, BadLine, Line]
    assert lines[1] == BadLine(str(path), 2, "longer than 1,000,000 bytes")
    assert lines[2].number == 3
    assert peak < 8_000_000


def test_twenty_megabytes_are_over_the_usual_limit(write: Write) -> None:
    path = write(b'{"a": "' + 20_000_000 * b"x" + b'"}')
    assert reasons(path) == [(1, "longer than 8,388,608 bytes")]


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_of_exactly_the_limit_is_read(write: Write, end: bytes) -> None:
    raw = b'{"a": "xyz"}'
    assert values(write(raw + end)) == [{"a": "xyz"}]
    path = write(raw + end)
    assert [type(line) for line in read(path, limit_bytes=len(raw))] == [Line]
    assert [type(line) for line in read(path, limit_bytes=len(raw) - 1)] == [BadLine]


def zstd_compress(content: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(content)


MANY = b"".join(b'{"n": %d, "text": "%x"}\n' % (n, n**9) for n in range(20_000))


@pytest.mark.parametrize(("suffix", "compress"), [(".gz", gzip.compress), (".zst", zstd_compress)])
class TestCompressedFiles:
    def test_they_are_read_by_their_suffix(
        self, write: Write, suffix: str, compress: Callable[[bytes], bytes]
    ) -> None:
        path = write(compress(MANY), f"x.jsonl{suffix}")
        assert [value["n"] for value in values(path)] == list(range(20_000))

    def test_parts_that_were_put_together_are_read_as_one(
        self, write: Write, suffix: str, compress: Callable[[bytes], bytes]
    ) -> None:
        cut = len(MANY) // 2
        path = write(compress(MANY[:cut]) + compress(MANY[cut:]), f"x{suffix}")
        assert len(values(path)) == 20_000
        assert reasons(path) == []

    def test_good_lines_before_the_end_of_a_truncated_file_are_kept(
        self, write: Write, suffix: str, compress: Callable[[bytes], bytes]
    ) -> None:
        whole = compress(MANY)
        path = write(whole[: len(whole) // 2], f"x{suffix}")

        kept = len(values(path))

        assert kept > 5_000
        ((number, reason),) = reasons(path)
        assert number == kept + 1
        assert reason.startswith("the file cannot be read from here on: Compressed file ended")

    def test_a_file_that_lacks_only_its_last_byte_is_reported(
        self, write: Write, suffix: str, compress: Callable[[bytes], bytes]
    ) -> None:
        path = write(compress(MANY)[:-1], f"x{suffix}")
        assert len(reasons(path)) == 1

    def test_a_damaged_file_is_reported_where_it_breaks(
        self, write: Write, suffix: str, compress: Callable[[bytes], bytes]
    ) -> None:
        damaged = bytearray(compress(MANY))
        damaged[len(damaged) // 2 : len(damaged) // 2 + 100] = bytes(100)
        path = write(bytes(damaged), f"x{suffix}")

        assert reasons(path)[-1][1].startswith("the file cannot be read from here on: ")

    def test_a_plain_file_of_that_name_is_reported(
        self, write: Write, suffix: str, compress: Callable[[bytes], bytes]
    ) -> None:
        ((number, reason),) = reasons(write(b'{"n": 1}\n', f"x{suffix}"))
        assert number == 1
        assert reason.startswith("the file cannot be read from here on: ")

    def test_an_empty_file_has_no_lines(
        self, write: Write, suffix: str, compress: Callable[[bytes], bytes]
    ) -> None:
        assert list(read(write(b"", f"x{suffix}"))) == []
        assert list(read(write(compress(b""), f"y{suffix}"))) == []

    def test_progress_counts_the_compressed_bytes(
        self, write: Write, suffix: str, compress: Callable[[bytes], bytes]
    ) -> None:
        path = write(compress(MANY), f"x{suffix}")
        seen: list[int] = []

        list(read(path, progress=seen.append))

        assert seen == sorted(seen)
        assert seen[-1] == path.stat().st_size


def test_a_small_zstd_file_that_stands_for_a_huge_line_does_not_fill_the_memory(
    write: Write,
) -> None:
    path = write(zstandard.compress(bytes(300_000_000)), "x.zst")
    assert path.stat().st_size < 100_000

    tracemalloc.start()
    found = reasons(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert found == [(1, "longer than 8,388,608 bytes")]
    assert peak < 120_000_000


def test_progress_of_a_plain_file_ends_at_its_size(write: Write) -> None:
    path = write(MANY)
    seen: list[int] = []
    list(read(path, progress=seen.append))
    assert seen[-1] == len(MANY)


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"n": 1}\n[]\n')))

    lines = list(read("-"))

    assert lines[0] == Line("standard input", 1, {"n": 1}, 8)
    assert str(lines[1]) == "standard input:2: not a JSON object but a list"
    assert not sys.stdin.closed


def test_standard_input_is_read_as_it_arrives() -> None:
    code = (
        "from datasets_app.lines import read\n"
        "for line in read('-'): print(line.value['n'], flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        for n in range(3):
            reader.stdin.write(b'{"n": %d}\n' % n)
            reader.stdin.flush()
            assert reader.stdout.readline() == b"%d\n" % n


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotRead, match=r"cannot read .*absent\.jsonl: No such file"):
        list(read(tmp_path / "absent.jsonl"))
    with pytest.raises(CannotRead, match="Is a directory"):
        list(read(tmp_path))


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_no_file_makes_reading_fail(content: bytes) -> None:
    stdin = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(content))
    try:
        numbers = [line.number for line in read("-", limit_bytes=50)]
    finally:
        sys.stdin = stdin
    assert numbers == sorted(set(numbers))
