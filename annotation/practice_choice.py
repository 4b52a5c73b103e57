"""Which annotations newcomers practise against."""

from django.db import transaction

from annotation.models import Annotation
from annotation.reading import covers_the_first_error


class NotForPractice(ValueError):
    """The annotation was corrected since, or does not mark all steps up to the first error."""


@transaction.atomic
def choose_for_practice(*, annotation: Annotation, chosen: bool) -> None:
    """Have newcomers practise on the solution of `annotation` and see its marks, or no longer.

    Raises NotForPractice.
    """
    locked = Annotation.objects.select_for_update().get(pk=annotation.pk)
    if chosen:
        superseded = Annotation.objects.filter(supersedes=locked).exists()
        if superseded or not covers_the_first_error(locked.solution.steps.all(), locked):
            raise NotForPractice(f"{locked} is not for practice")
    locked.is_practice = chosen
    locked.save(update_fields=["is_practice"])
