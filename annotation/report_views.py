"""The doors to the work report."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import timedelta
from urllib.parse import urlencode

from django import forms
from django.http import HttpResponse, StreamingHttpResponse
from django.http.request import QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from annotation.models import Project
from annotation.report import Work, cells, total, work
from annotation.views import managed_project
from web.errors import BadAddress
from web.pages import patience
from web.views import UserRequest

DAYS = 30
LONGEST_DAYS = 731
MOST_ROWS = 500
# A day at the very end of the calendar has no tomorrow in any time zone.
YEARS = (1970, 9000)


class ReportForm(forms.Form):
    """From when to when, both included, and by what."""

    start = forms.DateField(label=gettext_lazy("From"), required=False)
    end = forms.DateField(label=gettext_lazy("To"), required=False)
    by = forms.ChoiceField(
        label=gettext_lazy("One row for"),
        required=False,
        choices=[("", gettext_lazy("labeler")), ("day", gettext_lazy("labeler and day"))],
    )

    def __init__(self, query: QueryDict) -> None:
        today = timezone.localdate()
        first = {"start": today - timedelta(days=DAYS - 1), "end": today}
        wanted = {name: day.isoformat() for name, day in first.items()} | query.dict()
        super().__init__(wanted, label_suffix="")
        for name in first:
            self.fields[name].widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
            self.fields[name].required = True

    def clean(self) -> None:
        start, end = self.cleaned_data.get("start"), self.cleaned_data.get("end")
        if not (start and end):
            return
        if not 0 <= (end - start).days < LONGEST_DAYS:
            self.add_error("end", _("At most two years, and not before the beginning."))
        elif not YEARS[0] <= start.year <= YEARS[1]:
            self.add_error("start", _("Nobody can have worked then."))

    @property
    def query(self) -> str:
        """The same report in an address."""
        return urlencode({name: str(value) for name, value in self.cleaned_data.items()})

    def rows(self, project: Project) -> list[Work]:
        asked = self.cleaned_data
        with patience():
            return work(
                project, start=asked["start"], end=asked["end"], by_day=asked["by"] == "day"
            )


@require_safe
def report(request: UserRequest, slug: str) -> HttpResponse:
    project = managed_project(request, slug)
    form = ReportForm(request.GET)
    context = {"project": project, "form": form}
    if form.is_valid():
        rows = form.rows(project)
        context |= {
            "rows": rows[:MOST_ROWS],
            "n_more": max(len(rows) - MOST_ROWS, 0),
            "total": total(rows),
            "by_day": form.cleaned_data["by"] == "day",
        }
    return render(request, "annotation/report.html", context)


@require_safe
def report_csv(request: UserRequest, slug: str) -> StreamingHttpResponse:
    """Send all rows. Times are milliseconds, days those of the reader's time zone."""
    project = managed_project(request, slug)
    form = ReportForm(request.GET)
    if not form.is_valid():
        raise BadAddress(_("This is not a report that we link to."))
    start, end = form.cleaned_data["start"], form.cleaned_data["end"]
    response = StreamingHttpResponse(
        lines(form.rows(project)), content_type="text/csv; charset=utf-8"
    )
    name = f"{project.slug}-work-{start:%Y-%m-%d}-{end:%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


class Passed:
    """What csv writes to: it hands each line on."""

    def write(self, line: str) -> str:
        return line


def lines(rows: Iterable[Work]) -> Iterator[str]:
    writer = csv.writer(Passed())
    yield writer.writerow([field.name for field in fields(Work)])
    for row in rows:
        yield writer.writerow(cells(row))
