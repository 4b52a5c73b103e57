"""The forms of a dataset itself, and of problems that it must not hold."""

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation.models import Project
from datasets_app.held_out import MOST_PROBLEMS, NotHeldOut, hold_out
from datasets_app.importers import AUTO, Imported, get_importer, importers_of, records_of
from datasets_app.lines import BadLine, raw_lines, read_lines
from datasets_app.models import Dataset, HeldOut
from datasets_app.records import ProblemRecord
from datasets_app.sources import TooLarge, bounded, decompressed
from web.models import User

if TYPE_CHECKING:  # Django's own class takes no type parameters when it runs
    DatasetModelForm = forms.ModelForm[Dataset]
else:
    DatasetModelForm = forms.ModelForm

RESERVED = frozenset({"new", "hold-out"})
"""Addresses under a project's datasets that are pages of their own."""
HELD_OUT_BYTES = 32 * 1024 * 1024
"""What a request can read while somebody waits; `manage.py hold_out` takes more."""
HELD_OUT_DECOMPRESSED_BYTES = 256 * 1024 * 1024
# It is written into the YAML header of cards as it is.
LICENSE = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9.+-]*\Z", gettext_lazy("Only letters, digits, dots and hyphens.")
)


class DatasetForm(DatasetModelForm):
    """What a dataset says of itself."""

    class Meta:
        model = Dataset
        fields = ("title", "description", "license")
        labels: ClassVar = {
            "title": gettext_lazy("Title"),
            "slug": gettext_lazy("Short name for addresses"),
            "description": gettext_lazy("Description, in Markdown"),
            "license": gettext_lazy("Licence"),
        }
        help_texts: ClassVar = {
            "slug": gettext_lazy("Letters, digits and hyphens. It cannot be changed later."),
            "description": gettext_lazy("For the card: what it holds and what it is meant for."),
            "license": gettext_lazy("As the Hugging Face hub names it, such as cc-by-4.0."),
        }
        widgets: ClassVar = {"description": forms.Textarea(attrs={"rows": 8})}

    def clean_license(self) -> str:
        name: str = self.cleaned_data["license"]
        if name:
            LICENSE(name)
        return name

    def clean_description(self) -> str:
        text: str = self.cleaned_data["description"]
        return text.replace("\r\n", "\n")


class NewDatasetForm(DatasetForm):
    class Meta(DatasetForm.Meta):
        fields = ("title", "slug", "description", "license")  # type: ignore[assignment] # one more

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.project = project

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if slug in RESERVED:
            raise ValidationError(_("This short name is taken by a page of the site."))
        if Dataset.objects.filter(project=self.project, slug=slug).exists():
            raise ValidationError(_("Another dataset of this project has this short name."))
        return slug


class HeldOutForm(forms.Form):
    """A file of problems that no dataset of the project may hold."""

    file = forms.FileField(
        label=gettext_lazy("File of problems"),
        help_text=gettext_lazy("JSON lines, also .gz or .zst, such as a benchmark's test set."),
    )
    name = forms.CharField(
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("The file's own unless given."),
        max_length=200,
        required=False,
    )
    format = forms.ChoiceField(label=gettext_lazy("Format"), initial=AUTO)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["format"]
        assert isinstance(field, forms.ChoiceField)
        names = sorted(importers_of(ProblemRecord))
        field.choices = [(AUTO, _("find out")), *((name, name) for name in names)]

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if (file.size or 0) > HELD_OUT_BYTES:
            most = HELD_OUT_BYTES // 2**20
            raise ValidationError(_("A file may hold %(most)d MB at most.") % {"most": most})
        return file

    def keep(self, project: Project, user: User) -> HeldOut | None:
        """Hold the problems of a valid form out; None, with the reason in its errors, if not."""
        file = self.cleaned_data["file"]
        own = Path(file.name).name
        try:
            entries = _problems_of(file, own, self.cleaned_data["format"])
            name = self.cleaned_data["name"] or own
            return hold_out(project=project, name=name, entries=entries, user=user)
        except NotHeldOut as error:
            self.add_error("file", str(error))
            return None


def _problems_of(file: Any, name: str, importer: str) -> list[Imported[ProblemRecord]]:
    """Read an uploaded file; half a set would be worse than none.

    Raises NotHeldOut for a bad line, and for more than can be kept: a small compressed file may
    stand for any number of lines, of any length.
    """
    file.seek(0)
    stream = bounded(decompressed(file.file, Path(name).suffix), HELD_OUT_DECOMPRESSED_BYTES)
    chosen = None if importer == AUTO else get_importer(importer)()
    found = records_of(read_lines(raw_lines(stream), name), ProblemRecord, chosen)
    try:
        entries = list(islice(found, MOST_PROBLEMS + 1))
    except TooLarge:
        said = _("A file may hold %(limit)d MB at most, also decompressed.")
        raise NotHeldOut(said % {"limit": HELD_OUT_DECOMPRESSED_BYTES // 2**20}) from None
    if len(entries) > MOST_PROBLEMS:
        raise NotHeldOut(f"it has more than {MOST_PROBLEMS:,} lines, which is the most to be kept")
    bad = [entry for entry in entries if isinstance(entry, BadLine)]
    if bad:
        said = _("line %(line)d: %(reason)s (%(count)d bad lines); nothing is held out")
        raise NotHeldOut(said % {"line": bad[0].number, "reason": bad[0].reason, "count": len(bad)})
    return [entry for entry in entries if isinstance(entry, Imported)]
