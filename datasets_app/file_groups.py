"""The files of a version as its page lists them: by format."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from django.utils.translation import gettext as _

from datasets_app.models import SnapshotFile

FEW = 6
"""Files of a group that are shown at once; more are folded away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileGroup:
    name: str
    container: str
    files: tuple[SnapshotFile, ...]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)

    @property
    def is_short(self) -> bool:
        return len(self.files) <= FEW


def grouped_files(files: Iterable[SnapshotFile]) -> list[FileGroup]:
    """Group files that come in the order of their formats, those of no format first."""
    return [_group(list(found)) for _key, found in groupby(files, _place)]


def _place(file: SnapshotFile) -> tuple[int | None, str]:
    return file.export_id, "" if file.export_id else file.kind


def _group(files: list[SnapshotFile]) -> FileGroup:
    export = files[0].export
    names = {
        SnapshotFile.Kind.ABOUT.value: _("About the version"),
        SnapshotFile.Kind.SOLUTIONS.value: _("Solutions and marks, as they were frozen"),
    }
    return FileGroup(
        name=export.name if export else names[files[0].kind],
        container=export.container if export else "",
        files=tuple(files),
    )
