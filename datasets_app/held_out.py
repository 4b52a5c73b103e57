"""Problems that no dataset may hold: evaluation sets, as files or as other projects."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

import orjson
from django.db import transaction

from annotation.models import Project, Run
from datasets_app.importers import Imported
from datasets_app.marked import Json
from datasets_app.models import HeldOut, Snapshot
from datasets_app.records import ProblemRecord
from datasets_app.rules import BadRules
from datasets_app.spelling import HeldOutTexts
from web.models import User

PROJECT = "project:"
MOST_PROBLEMS = 200_000
LONGEST_NAME = 200
_MAY_GO_ON = (Run.State.QUEUED, Run.State.RUNNING, Run.State.PAUSED)


class NotHeldOut(ValueError):
    """What was given cannot be a held-out set; the message says why."""


class StillNamed(ValueError):
    """A version that is being frozen has yet to read a held-out set."""


@transaction.atomic
def hold_out(
    *,
    project: Project,
    name: str,
    entries: Iterable[Imported[ProblemRecord]],
    user: User | None = None,
) -> HeldOut:
    """Keep the problems of a file under `name`; the same again changes nothing.

    Versions that were frozen with it before have its digest in their manifest. Raises NotHeldOut
    for a name that is taken by other problems, and for no or too many problems.
    """
    texts = sorted({entry.record.text for entry in entries})
    if len(name) > LONGEST_NAME:
        raise NotHeldOut(f"the name is longer than {LONGEST_NAME} characters")
    if not texts:
        raise NotHeldOut("there is no problem in it")
    if len(texts) > MOST_PROBLEMS:
        raise NotHeldOut(f"it has {len(texts):,} problems; at most {MOST_PROBLEMS:,} can be kept")
    if name.startswith(PROJECT):
        raise NotHeldOut(f"a name cannot begin with {PROJECT!r}, which stands for projects")
    made, _ = HeldOut.objects.get_or_create(
        project=project,
        name=name,
        defaults={"texts": texts, "sha256": digest_of(texts), "created_by": user},
    )
    if made.sha256 != digest_of(texts):
        raise NotHeldOut(f"other problems are held out under the name {name!r}: choose another")
    return made


@transaction.atomic
def forget(held_out: HeldOut) -> None:
    """Delete a set; what was frozen with it has its digest in its manifest. Raises StillNamed."""
    # Locked: who is about to freeze with it waits, and does not find it then.
    locked = HeldOut.objects.select_for_update().filter(pk=held_out.pk)
    for name, project in locked.values_list("name", "project"):
        unread = Snapshot.objects.filter(dataset__project=project, content_hash="")
        waiting = unread.filter(rules__held_out__contains=[name], run__state__in=_MAY_GO_ON)
        if waiting.exists():
            raise StillNamed(name)
    locked.delete()


def held_out_texts(project: Project, names: Sequence[str]) -> tuple[HeldOutTexts, Json]:
    """Return the problems held out under `names`, and digest and size of each set, by name.

    Raises BadRules for a name that there is not.
    """
    known: Json = {}
    texts: list[tuple[str, str]] = []
    for place, name in enumerate(names):
        found = sorted(_texts(project, name, f"held_out[{place}]"))
        known[name] = {"problems": len(found), "sha256": digest_of(found)}
        texts += ((name, text) for text in found)
    return HeldOutTexts(texts), known


def digest_of(texts: Sequence[str]) -> str:
    whole = sha256()
    for text in texts:
        whole.update(orjson.dumps(text, option=orjson.OPT_APPEND_NEWLINE))
    return whole.hexdigest()


def _texts(project: Project, name: str, where: str) -> Iterator[str]:
    if name.startswith(PROJECT):
        other = Project.objects.filter(slug=name.removeprefix(PROJECT)).first()
        if other is None:
            raise BadRules({where: f"no project has the slug {name.removeprefix(PROJECT)!r}"})
        yield from set(other.problems.values_list("text", flat=True))
        return
    held = HeldOut.objects.filter(project=project, name=name).first()
    if held is None:
        raise BadRules({where: f"nothing is held out under the name {name!r}"})
    yield from held.texts
