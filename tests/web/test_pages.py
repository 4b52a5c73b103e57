import pytest
from django.core.exceptions import BadRequest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from annotation.models import Problem
from tests.factories import make_problem, make_project
from web.errors import BadAddress
from web.pages import page_of, patience, refuse_unknown

pytestmark = pytest.mark.django_db


@pytest.fixture
def ids() -> list[int]:
    project = make_project()
    return [make_problem(project).pk for _ in range(7)]


def walk(query: str, way: str) -> list[list[int]]:
    """Return the ids of each page from the one at `query` on, following `way`."""
    seen = []
    while True:
        page = page_of(Problem.objects.all(), QueryDict(query.lstrip("?")), page_size=3)
        seen.append([row.pk for row in page.rows])
        following = getattr(page, way)
        if following is None:
            return seen
        query = following


def test_following_next_meets_every_row_once(ids: list[int]) -> None:
    assert walk("", "next") == [ids[:3], ids[3:6], ids[6:]]


def test_following_previous_from_the_end_leads_back_to_the_start(ids: list[int]) -> None:
    assert walk(f"before={ids[-1] + 1}", "previous") == [ids[4:], ids[1:4], ids[:1]]


def test_the_first_page_has_nothing_before_it(ids: list[int]) -> None:
    page = page_of(Problem.objects.all(), QueryDict(), page_size=3)
    assert page.previous is None
    assert page.first is None


def test_a_full_last_page_has_nothing_after_it(ids: list[int]) -> None:
    page = page_of(Problem.objects.all(), QueryDict(), page_size=7)
    assert page.next is None


def test_links_keep_the_rest_of_the_query(ids: list[int]) -> None:
    page = page_of(Problem.objects.all(), QueryDict("split=a%26b&after=0"), page_size=3)
    assert page.next == f"?split=a%26b&after={ids[2]}"
    assert page.first == "?split=a%26b"


def test_a_page_beyond_the_end_is_empty_and_leads_to_the_first(ids: list[int]) -> None:
    page = page_of(Problem.objects.all(), QueryDict(f"after={2**63 - 1}"))
    assert page.rows == []
    assert (page.first, page.previous, page.next) == ("?", None, None)


@pytest.mark.parametrize(
    "query",
    ["after=x", "after=", "after=-1", "after=1.0", "before=²", f"before={2**63}",
     "after=1&before=2", "after=%00", f"after={'9' * 5000}"],
)  # fmt: skip
def test_a_bad_cursor_is_a_bad_request(query: str) -> None:
    with pytest.raises(BadRequest):
        page_of(Problem.objects.all(), QueryDict(query))


@given(st.text())
def test_any_text_as_cursor_is_an_id_or_a_bad_address(text: str) -> None:
    query = QueryDict(mutable=True)
    query["after"] = text
    try:
        page_of(Problem.objects.none(), query)
    except BadAddress:
        return
    assert 0 <= int(text) < 2**63


def test_no_page_counts_or_skips_rows(ids: list[int]) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        walk("", "next")
    assert len(queries) == 3
    sql = " ".join(query["sql"] for query in queries)
    assert "OFFSET" not in sql
    assert "COUNT" not in sql


def test_a_search_that_takes_too_long_is_given_up_with_a_clear_word() -> None:
    with (
        pytest.raises(BadAddress, match="takes too long"),
        patience(milliseconds=20),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT pg_sleep(10)")
    assert Problem.objects.count() == 0


@pytest.mark.parametrize("query", ["", "split=a", "after=1", "split=a&before=9", "split="])
def test_an_address_may_say_what_is_known_and_its_page(query: str) -> None:
    refuse_unknown(QueryDict(query), {"split"})


@pytest.mark.parametrize("query", ["text__in=a", "split=a&split=b", "after=1&after=2", "=", "x"])
def test_an_address_that_says_anything_else_is_a_bad_request(query: str) -> None:
    with pytest.raises(BadAddress):
        refuse_unknown(QueryDict(query), {"split"})
