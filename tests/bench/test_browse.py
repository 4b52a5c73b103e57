"""The benchmark of browsing: every filter is asked, on rows that lie as it says."""

import pytest

from annotation.browsing import walk
from annotation.models import SolutionTrait, Step
from bench import browse

pytestmark = pytest.mark.django_db


def test_each_filter_of_the_page_is_measured_and_finds_more_than_a_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(browse, "ROUNDS", 1)
    user, project = browse.fill(2_000)
    assert Step.objects.count() == 4 * 2_000
    kinds = set(SolutionTrait.objects.values_list("kind", flat=True))
    assert kinds == set(SolutionTrait.Kind.values)
    asked_of = {query.partition("=")[0] for _name, query in browse.filters()}
    assert asked_of == {"", "order", "model", "answer", "reason", "labeler", "mark", "bad_split"}
    measured = next(iter(browse._compare("model", "model=large", project, user)))
    assert measured["limit"] == 2.0
    assert measured["reference"] > 0


def test_a_query_that_reads_more_touches_more_buffers() -> None:
    user, project = browse.fill(2_000)
    found = walk({}, project, user)
    assert (
        0
        < browse.buffers(found.query(None, limit=1))
        < browse.buffers(walk({"text": "nowhere"}, project, user).query(None))
    )
