"""Rows for tests: plain functions that make one thing, with fields that read like real ones."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import count
from typing import Any

from django.utils import timezone

from annotation.claiming import held
from annotation.digests import digest, json_digest
from annotation.models import (
    Annotation,
    Assignment,
    CritiqueRating,
    Invitation,
    Lease,
    Membership,
    Position,
    Problem,
    Project,
    Run,
    Solution,
    Step,
    StepLabel,
    Verdict,
)
from datasets_app import stored
from datasets_app.models import Dataset, Snapshot, SnapshotFile, Upload
from labelers.models import Labeler
from web.models import ApiToken, User

PASSWORD = "seven quiet lanterns"

_numbers = count(1)


def make_user(username: str | None = None, *, password: str | None = None, **fields: Any) -> User:
    """Make a user, who can log in with a password only where one is given."""
    return User.objects.create_user(
        username or f"user{next(_numbers)}", password=password, **fields
    )


def make_project(
    slug: str | None = None, *, members: Mapping[User, str] | None = None, **fields: Any
) -> Project:
    """Make a project with `members`: each user's role, as `Membership.Role` spells it."""
    slug = slug or f"project-{next(_numbers)}"
    project = Project.objects.create(slug=slug, **{"name": slug.capitalize(), **fields})
    for user, role in (members or {}).items():
        Membership.objects.create(user=user, project=project, role=role)
    return project


def make_problem(
    project: Project,
    text: str | None = None,
    *,
    reference_answer: str | None = "18",
    reference_solution: str | None = None,
    **fields: Any,
) -> Problem:
    text = text or f"A shelf holds {next(_numbers)} books and 3 fall. How many are left?"
    return Problem.objects.create(
        project=project,
        text=text,
        reference_answer=reference_answer,
        reference_solution=reference_solution,
        key=digest(text, reference_answer),
        solution_key=None if reference_solution is None else digest(reference_solution),
        **fields,
    )


def make_solution(
    problem: Problem, steps: Sequence[str] = ("First step.", "Second step."), **fields: Any
) -> Solution:
    """Make a solution whose text is its steps, one a line."""
    text = "\n".join(steps)
    writer = {
        "engine": "scripted",
        "model": "canned",
        "prompt_name": "zero-shot",
        "parameters": {"temperature": 0.7},
    }
    fields = {**writer, "splitter": "newline", "text_key": digest(text), **fields}
    fields.setdefault("writer_key", json_digest([fields[name] for name in writer]))
    solution = Solution.objects.create(
        project_id=problem.project_id, problem=problem, text=text, **fields
    )
    start = 0
    for position, step in enumerate(steps):
        make_step(solution, position, step, start=start, end=start + len(step))
        start += len(step) + 1
    return solution


def make_step(
    solution: Solution, position: int, text: str, *, alternative: int = 0, **fields: Any
) -> Step:
    return Step.objects.create(
        solution=solution, position=position, alternative=alternative, text=text, **fields
    )


def make_labeler(name: str | None = None, *, user: User | None = None, **fields: Any) -> Labeler:
    """Make the labeler that `user` is, or a model labeler where there is no user."""
    name = name or (user.username if user else f"labeler {next(_numbers)}")
    if user:
        return Labeler.objects.create(kind=Labeler.Kind.PERSON, name=name, user=user, **fields)
    fields = {"judge": "arithmetic", **fields}
    return Labeler.objects.create(kind=Labeler.Kind.MODEL, name=name, **fields)


def make_annotation(
    solution: Solution,
    labeler: Labeler | None = None,
    *,
    ratings: Sequence[int | None] = (),
    comments: Mapping[int, str] | None = None,
    **fields: Any,
) -> Annotation:
    """Make an annotation that gives the solution's own steps `ratings`, in order.

    Steps beyond the end of `ratings` are not labelled. `comments` go by position.
    """
    annotation = Annotation.objects.create(
        project_id=solution.project_id,
        solution=solution,
        labeler=labeler or make_labeler(),
        **fields,
    )
    own = Step.objects.filter(solution=solution, alternative=0).order_by("position")
    for step, rating in zip(own, ratings, strict=False):
        comment = (comments or {}).get(step.position, "")
        make_label(annotation, step, rating, comment=comment)
        Position.objects.create(
            annotation=annotation, position=step.position, chosen=None if rating == -1 else step
        )
    return annotation


def make_label(annotation: Annotation, step: Step, rating: int | None, **fields: Any) -> StepLabel:
    return StepLabel.objects.create(annotation=annotation, step=step, rating=rating, **fields)


def make_verdict(step: Step, rating: int = 1, **fields: Any) -> Verdict:
    fields = {"soft": (rating + 1) / 2, "rule": "people agree", "annotations": [], **fields}
    return Verdict.objects.create(step=step, solution=step.solution, rating=rating, **fields)


def make_assignment(
    solution: Solution, *, labeler: Labeler | None = None, **fields: Any
) -> Assignment:
    """Make an open slot for any person, or for `labeler` alone."""
    fields = {"is_named": labeler is not None, **fields}
    return Assignment.objects.create(
        project_id=solution.project_id, solution=solution, labeler=labeler, **fields
    )


def make_lease(assignment: Assignment, labeler: Labeler, **fields: Any) -> Lease:
    """Put an open slot into the hands of `labeler` for half an hour."""
    Assignment.objects.filter(pk=assignment.pk).update(
        state=Assignment.State.LEASED, labeler=labeler
    )
    now = timezone.now()
    fields = {
        "claimed_at": now,
        "began_at": now,
        "until": now + timedelta(minutes=30),
        "open_before": held(labeler, assignment.project),
        **fields,
    }
    return Lease.objects.create(
        project_id=assignment.project_id,
        solution_id=assignment.solution_id,
        assignment=assignment,
        labeler=labeler,
        **fields,
    )


def make_critique_rating(annotation: Annotation, label: StepLabel, rating: int) -> CritiqueRating:
    return CritiqueRating.objects.create(annotation=annotation, label=label, rating=rating)


def make_invitation(project: Project, created_by: User, **fields: Any) -> Invitation:
    fields = {
        "role": Membership.Role.LABELER,
        "secret_digest": str(digest(str(next(_numbers)))),
        "expires_at": timezone.now() + timedelta(days=7),
        **fields,
    }
    return Invitation.objects.create(project=project, created_by=created_by, **fields)


def make_run(project: Project, **fields: Any) -> Run:
    number = next(_numbers)
    fields = {"kind": Run.Kind.SAMPLING, "request": {"engine": "scripted", "n": number}, **fields}
    fields.setdefault("request_key", json_digest(fields["request"]))
    return Run.objects.create(project=project, **fields)


def make_upload(project: Project, **fields: Any) -> Upload:
    """Make an upload of which nothing is left to import, and its finished Run."""
    run = make_run(project, kind=Run.Kind.IMPORT, state=Run.State.FINISHED)
    fields = {
        "kind": "problems",
        "importer": "jsonl",
        "file": "some.jsonl",
        "size_bytes": 1,
        "options": {"split": "", "splitter": "newline"},
        **fields,
    }
    return Upload.objects.create(run=run, **fields)


def make_token(
    user: User, *, scopes: Sequence[str] = ("read",), **fields: Any
) -> tuple[ApiToken, str]:
    """Make a token; return its row and the text that the owner sends."""
    fields = {"name": f"token {next(_numbers)}", **fields}
    row, secret = ApiToken.objects.create(user, scopes=list(scopes), **fields)  # type: ignore[no-untyped-call] # knox has no types
    return row, secret


def make_snapshot(project: Project, slug: str = "steps", **fields: Any) -> Snapshot:
    """Make version 1 of a dataset, with a file "manifest.json" of two bytes in the storage."""
    dataset = Dataset.objects.create(project=project, slug=slug, title=slug.title())
    made = Snapshot.objects.create(dataset=dataset, version=1, rules={}, **fields)
    with stored.drafted() as drafts:
        path = drafts / "manifest.json"
        path.write_bytes(b"{}")
        kept = stored.keep(path, folder=str(made.uuid))
    SnapshotFile.objects.create(
        snapshot=made,
        kind=SnapshotFile.Kind.ABOUT,
        path="manifest.json",
        size=kept.size,
        sha256=kept.sha256,
        stored_as=kept.name,
    )
    return made
