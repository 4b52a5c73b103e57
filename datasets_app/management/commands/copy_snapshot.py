"""`manage.py copy_snapshot`: a frozen version into a folder, as readers name its files."""

import shutil
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from datasets_app.models import Snapshot, SnapshotFile


class Command(BaseCommand):
    help = "Copy the files of a frozen version to a folder, which `datasets` can load."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("dataset", metavar="PROJECT/DATASET")
        parser.add_argument("version", type=int)
        parser.add_argument("folder", type=Path)
        parser.add_argument("--format", metavar="NAME", help="that of one format alone")

    def handle(self, *args: Any, **options: Any) -> None:
        project, _, slug = options["dataset"].partition("/")
        named = {"dataset__project__slug": project, "dataset__slug": slug}
        snapshot = Snapshot.objects.frozen().filter(**named, version=options["version"]).first()
        if snapshot is None:
            raise CommandError(f"no version {options['version']} of {options['dataset']} is frozen")
        files = snapshot.files.order_by("path")
        if options["format"]:
            about = files.filter(kind=SnapshotFile.Kind.ABOUT)
            files = about | files.filter(export__name=options["format"])
            if not snapshot.exports.filter(name=options["format"]).exists():
                raise CommandError(f"version {snapshot.version} has no {options['format']!r}")
        total = 0
        try:
            for file in files:
                path = options["folder"] / file.path
                path.parent.mkdir(parents=True, exist_ok=True)
                _copy(file, path)
                total += file.size
        except OSError as error:
            raise CommandError(f"cannot write to {options['folder']}: {error}") from None
        said = f"{options['folder']}: {files.count():,} files, {total:,} bytes"
        self.stdout.write(said, self.style.SUCCESS)


def _copy(file: SnapshotFile, path: Path) -> None:
    # As bytes: the suffix would have them compressed again.
    draft = path.with_name(f"{path.name}.part")
    with file.opened() as kept, draft.open("wb") as copy:
        shutil.copyfileobj(kept, copy)
    draft.replace(path)
