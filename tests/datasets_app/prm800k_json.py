"""PRM800K's JSON for tests: one usual record of each phase, and any record there could be."""

from typing import Any

from hypothesis import strategies as st

Json = dict[str, Any]

REASONS = ["found_error", "solution", "bad_problem", "give_up"]


def candidate(text: str, rating: int | None = 1, flagged: bool | None = False) -> Json:
    return {"text": text, "rating": rating, "flagged": flagged}


def human(text: str) -> Json:
    return {"text": text, "rating": None, "source": "human", "flagged": False}


def position(
    completions: list[Json] | None, *, written: Json | None = None, chosen: int | None = None
) -> Json:
    return {
        "completions": completions,
        "human_completion": written,
        "chosen_completion": chosen,
    }


def phase_1() -> Json:
    """A chosen step, a human step, and the unfinished stub of a solution that was given up."""
    return {
        "labeler": "e90a38f3-3135-4465-87af-3e6322e3d772",
        "timestamp": "2022-08-04T19:19:50.318226",
        "generation": None,
        "is_quality_control_question": False,
        "is_initial_screening_question": False,
        "question": {"problem": "What is $2+3$?", "ground_truth_answer": "5"},
        "label": {
            "steps": [
                position([candidate("We add.")], chosen=0),
                position([candidate("It is 6.", -1), candidate("Hm.", 0)], written=human("2+3")),
                position(None),
            ],
            "total_time": 92405,
            "finish_reason": "give_up",
        },
    }


def phase_2() -> Json:
    """A neutral step, and the error that ended the work, with an alternative."""
    return {
        "labeler": "cc88bf76-df08-4041-be67-3464279cb3b1",
        "timestamp": "2022-11-22T16:51:29.980606",
        "generation": 6,
        "is_quality_control_question": False,
        "is_initial_screening_question": False,
        "question": {
            "problem": "What is $2+3$?",
            "ground_truth_solution": "Count on from 2: 3, 4, 5.",
            "ground_truth_answer": "5",
            "pre_generated_steps": ["I add.", "That makes 6.", "# Answer\n\n6"],
            "pre_generated_answer": "6",
            "pre_generated_verifier_score": 0.0011546110201324836,
        },
        "label": {
            "steps": [
                position([candidate("I add.", 0, None)], chosen=0),
                position([candidate("That makes 6.", -1, None), candidate("That makes 5.")]),
            ],
            "total_time": 164458,
            "finish_reason": "found_error",
        },
    }


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
RATINGS = st.sampled_from([-1, 0, 1, None])
FLAGS = st.sampled_from([True, False, None])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda children: st.lists(children, max_size=2) | st.dictionaries(TEXTS, children, max_size=2),
    max_leaves=4,
)
# Names that look like paths, and names that the format uses elsewhere.
UNKNOWN_KEYS = st.sampled_from(
    ["", "record", "corrected_rating", "label.steps", "0", "source", "text", "total_time", "other"]
)


@st.composite
def objects(draw: st.DrawFn, required: Json, optional: Json) -> Json:
    """An object of strategies by key; some optional keys are left out, some unknown put in."""
    value = {key: draw(strategy) for key, strategy in required.items()}
    absent = draw(
        st.sets(st.sampled_from(sorted(optional)), max_size=2) if optional else st.just(set())
    )
    value |= {key: draw(optional[key]) for key in optional if key not in absent}
    unknown = draw(st.dictionaries(UNKNOWN_KEYS, ANYTHING, max_size=1))
    return value | {
        key: child for key, child in unknown.items() if key not in {*required, *optional}
    }


CANDIDATES = objects({"text": TEXTS}, {"rating": RATINGS, "flagged": FLAGS})
HUMANS = objects(
    {"text": TEXTS},
    {"rating": RATINGS, "flagged": FLAGS, "source": st.just("human") | ANYTHING},
)


@st.composite
def positions(draw: st.DrawFn) -> Json:
    value = draw(
        objects(
            {},
            {
                "completions": st.none() | st.lists(CANDIDATES, max_size=4),
                "human_completion": st.none() | HUMANS,
                "chosen_completion": st.none(),
            },
        )
    )
    if value.get("completions") and draw(st.booleans()):
        value["chosen_completion"] = draw(st.integers(0, len(value["completions"]) - 1))
    return value


@st.composite
def timestamps(draw: st.DrawFn) -> str:
    seconds = draw(st.datetimes()).isoformat(timespec="seconds")
    fraction = draw(st.text("0123456789", max_size=9))
    return f"{seconds}.{fraction}" if fraction else seconds


QUESTIONS = {
    "ground_truth_answer": st.none() | TEXTS,
    "ground_truth_solution": st.none() | TEXTS,
}
PRE_GENERATED = {
    "pre_generated_steps": st.none() | st.lists(TEXTS, max_size=4),
    "pre_generated_answer": st.none() | TEXTS,
    "pre_generated_verifier_score": st.none()
    | st.integers(0, 1)
    | st.floats(allow_nan=False, allow_infinity=False),
}
PROBLEM = {"problem": TEXTS.filter(str.strip)}
RECORDS = objects(
    {
        "labeler": st.uuids().map(str),
        "timestamp": timestamps(),
        "question": objects(PROBLEM, QUESTIONS) | objects(PROBLEM, QUESTIONS | PRE_GENERATED),
        "label": objects(
            {"steps": st.lists(positions(), max_size=4)},
            {
                "total_time": st.none() | st.integers(0, 2**40),
                "finish_reason": st.none() | st.sampled_from(REASONS),
            },
        ),
    },
    {
        "generation": st.none() | st.integers(-1, 20),
        "is_quality_control_question": FLAGS,
        "is_initial_screening_question": FLAGS,
    },
)
"""Any record of PRM800K's format, however spelt."""
