"""Which annotations newcomers practise against."""

from django.db import transaction

from annotation.models import Annotation, Assignment, Project, Reconsideration
from annotation.reading import covers_the_first_error
from annotation.reopening import lock_places


class NotForPractice(ValueError):
    """The annotation was corrected since, or does not mark all steps up to the first error."""


@transaction.atomic
def choose_for_practice(*, annotation: Annotation, chosen: bool) -> None:
    """Have newcomers practise on the solution of `annotation` and see its marks, or no longer.

    Nobody is given as work what they may have been shown: the open slots of the solution are
    withdrawn, and routing makes none until it is chosen no longer. Raises NotForPractice.
    """
    # No slot of the solution is made or opens again beside this.
    lock_places(Project.objects.lock(annotation.project_id))
    locked = Annotation.objects.select_for_update().get(pk=annotation.pk)
    if chosen:
        superseded = Annotation.objects.filter(supersedes=locked).exists()
        if superseded or not covers_the_first_error(locked.solution.steps.all(), locked):
            raise NotForPractice(f"{locked} is not for practice")
    locked.is_practice = chosen
    locked.save(update_fields=["is_practice"])
    if chosen:
        slots = Assignment.objects.open().for_people().filter(solution=locked.solution_id)
        slots.update(state=Assignment.State.WITHDRAWN)
    Reconsideration.objects.ask_for(locked.project, [locked.solution_id])
