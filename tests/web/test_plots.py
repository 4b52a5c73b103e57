from datetime import date, timedelta

from web.plots import HEADROOM, HEIGHT, columns

DAYS = [date(2026, 3, 1) + timedelta(days=n) for n in range(14)]


def test_the_highest_column_fills_the_drawing_and_the_others_are_in_proportion() -> None:
    plot = columns(DAYS, [("person", "people", [0] * 12 + [50, 100])])
    assert float(plot.columns[-1].blocks[0].height) == HEIGHT - HEADROOM
    assert float(plot.columns[-2].blocks[0].height) == (HEIGHT - HEADROOM) / 2
    assert [column.is_highest for column in plot.columns] == [False] * 13 + [True]


def test_blocks_stand_on_each_other() -> None:
    plot = columns(DAYS[:1], [("person", "people", [1]), ("model", "models", [3])])
    people, models = plot.columns[0].blocks
    assert float(people.y) + float(people.height) == HEIGHT
    assert float(models.y) + float(models.height) == float(people.y)
    assert plot.total == 4


def test_days_without_anything_draw_nothing() -> None:
    plot = columns(DAYS, [("person", "people", [0] * 14)])
    assert plot.total == 0
    assert not any(column.is_highest for column in plot.columns)
    assert {block.height for column in plot.columns for block in column.blocks} == {"0.00"}


def test_the_plot_says_itself_in_words() -> None:
    plot = columns(DAYS[:2], [("person", "people", [1, 1200])])
    assert plot.says == "03/01/2026: 1, 03/02/2026: 1,200"


def test_some_days_are_named_and_the_last_always_is() -> None:
    plot = columns(DAYS, [("person", "people", [1] * 14)])
    assert [n for n, column in enumerate(plot.columns) if column.is_named] == [1, 5, 9, 13]
