"""Routing as a Run that is as far as it says, also where a policy says where solutions go."""

from collections.abc import Callable

from annotation import route, routing, runs
from annotation.models import RunSlice


def route_slice(piece: RunSlice) -> Callable[[], runs.Made]:
    """Do a slice of a routing Run (`routing.route_slice`).

    With a policy a slice leaves solutions to be looked at again. Those that the slices before have
    left are routed first: so the queue of what waits stays short, and the Run is as far as it says,
    but for its last slice. The next sweep does that (`route.catch_up_everywhere`).
    """
    project = piece.run.project
    if project.is_routed:
        route.catch_up(project=project, seconds=route.A_SWEEP)
    return routing.route_slice(piece)
