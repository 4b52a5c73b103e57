"""What is agreed on the steps of solutions: Verdicts follow from annotations (docs/routing.md)."""

from collections.abc import Mapping, Sequence

from django.db import transaction

from annotation.cases import cases_of, labelers_of, labels_of
from annotation.deciding import decide
from annotation.findings import Agreed, step_verdicts
from annotation.models import Project, Solution, Step, Verdict
from annotation.policy import People, Policy


def policy_of(project: Project) -> Policy:
    """Return a project's policy; without one, all goes to as many people as its overlap says.

    What is built step by step is marked by whoever builds it alone. Raises BadPolicy where what is
    kept is no policy.
    """
    if project.is_routed:
        return Policy.from_json(project.routing)
    if project.mode == Project.Mode.EXPLORE:
        return Policy()
    return Policy(people=(People(how_many=project.overlap),))


@transaction.atomic
def update(*, project: Project, solutions: Sequence[int]) -> int:
    """Write the verdicts on `solutions` of `project`, by id; return how many steps have any.

    A reviewer's mark wins; else people by majority; else the models by the rule that accepted them.
    What nobody decides has no verdict. Nothing is written where nothing has changed.
    """
    project = Project.objects.lock(project.pk)
    found = Solution.objects.filter(project=project, pk__in=solutions)
    policy = policy_of(project)
    cases = cases_of(found, labelers_of(policy), first=policy.first)
    return keep({pk: decide(policy, case).agreed for pk, case in cases.items()})


def keep(agreed: Mapping[int, Agreed | None]) -> int:
    """Replace the verdicts on solutions by what is agreed on each now; return their number.

    Needs the project locked.
    """
    wanted = _verdicts(agreed)
    had = {verdict.step_id: verdict for verdict in Verdict.objects.filter(solution__in=agreed)}
    new = [v for step, v in wanted.items() if step not in had or _differ(had[step], v)]
    gone = [v.pk for step, v in had.items() if step not in wanted or _differ(v, wanted[step])]
    Verdict.objects.filter(pk__in=gone).delete()
    Verdict.objects.bulk_create(new)
    return len(wanted)


def _verdicts(agreed: Mapping[int, Agreed | None]) -> dict[int, Verdict]:
    """Return the verdicts on the steps of each solution, by the id of the step."""
    decided = {solution: one for solution, one in agreed.items() if one is not None}
    counted = (one.annotation for agreed in decided.values() for one in agreed.counted)
    labels = labels_of(counted)
    own = Step.objects.filter(solution__in=decided, alternative=0)
    steps = {(s, place): pk for pk, s, place in own.values_list("pk", "solution", "position")}
    return {
        steps[solution, said.position]: Verdict(
            solution_id=solution,
            step_id=steps[solution, said.position],
            rating=said.rating,
            soft=said.soft,
            rule=one.rule,
            annotations=list(said.annotations),
        )
        for solution, one in decided.items()
        for said in step_verdicts(one, labels)
    }


def _differ(one: Verdict, other: Verdict) -> bool:
    fields = ("rating", "soft", "rule", "annotations")
    return any(getattr(one, name) != getattr(other, name) for name in fields)
