"""The bad lines of an upload: a page of them, or all as CSV."""

import csv
from collections.abc import Iterator

from django.http import QueryDict

from annotation.report import cell
from annotation.report_views import Passed
from datasets_app.models import Upload, UploadBadLine
from web.pages import Keyset, Page, page_by
from web.pages import id_place as number_place


def bad_lines(upload: Upload, query: QueryDict) -> Page[UploadBadLine]:
    """Return a page of the bad lines of an upload, in the order of the file."""
    rows = upload.bad_lines.all()

    def read(place: tuple[int, int] | None, backwards: bool, limit: int) -> list[UploadBadLine]:
        if place is None:
            return list(rows.order_by("number", "pk")[:limit])
        number, pk = place
        if backwards:
            before = rows.filter(number__lte=number).exclude(number=number, pk__gte=pk)
            return list(before.order_by("-number", "-pk")[:limit])
        after = rows.filter(number__gte=number).exclude(number=number, pk__lte=pk)
        return list(after.order_by("number", "pk")[:limit])

    def place(text: str) -> tuple[int, int]:
        number, _, pk = text.partition("-")
        return number_place(number), number_place(pk)

    by_line = Keyset(read=read, place_of=lambda row: f"{row.number}-{row.pk}", place=place)
    return page_by(by_line, query)


def as_csv(upload: Upload) -> Iterator[str]:
    """Yield the bad lines as CSV, one by one; a reason never reads as a formula."""
    writer = csv.writer(Passed())
    yield writer.writerow(["line", "reason"])
    rows = upload.bad_lines.order_by("number", "pk").values_list("number", "reason")
    for number, reason in rows.iterator(chunk_size=2000):
        yield writer.writerow([number, cell(reason)])
