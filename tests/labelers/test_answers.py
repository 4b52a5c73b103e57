"""Finding final answers and comparing them, on real solutions and on hostile ones."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, SupportsIndex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelers import answers
from labelers.answer_worker import WORKERS, workers
from labelers.answers import equal, extract, gold_from_gsm8k, grade, last_boxed
from tests.shared_data import shared_file

MODELS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
# (line number, model) of the solutions that are graded otherwise than the file says. None is.
DISAGREEMENTS: list[tuple[int, str]] = []


def records(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in shared_file(name).read_text("utf-8").splitlines()]


class CountedText(str):
    """Counts the characters that slices of it copy."""

    copied = 0

    def __getitem__(self, place: SupportsIndex | slice) -> str:
        piece = super().__getitem__(place)
        self.copied += len(piece)
        return piece


class TestExtract:
    @pytest.mark.parametrize(
        ("text", "answer"),
        [
            ("That costs 29 cents.\n\n# Answer\n\n29", "29"),
            ("# Answer\n\n7200", "7200"),
            ("# Answer\n\n1\n\n# Answer\n\n2\n", "2"),
            ("# Answer\n\n3\n\n# Answer\n\n", "3\n\n# Answer"),
            ("She makes <<9*2=18>>18.\n#### 1,234", "1,234"),
            ("#### 7\nThat is all I know.", "7"),
            ("#### First step\nWe add.\nThe answer is: 5", "5"),
            ("They are 9.\nA: 18\n", "18"),
            ("A: 5\nB: 6", None),
            ("Step 2: 260 * 52 = 13520. The answer is: 13520 ки", "13520"),
            ("The answer is: 7, which is odd. The answer is:", "7"),
            (r"So \boxed{\frac{1}{2}}.", r"\frac{1}{2}"),
            (r"\boxed{1} then \fbox{2} then \boxed{}", "2"),
            (r"so $x = \boxed 5$", "5"),
            (r"so \boxed 12.", "12"),
            (r"cut off: \boxed{12", None),
            (r"a set \boxed{\{1, 2\}}", r"\{1, 2\}"),
            (r"Therefore, the answer is $\boxed{12}$.", "12"),
            ("The final answer is 12.", "12"),
            ("The answer is 12. I hope the answer is correct.", "12"),
            ("So the answer is 3.5 because 7 / 2 = 3.5.", "3.5"),
            ("**Final Answer:**\n\n42", "42"),
            ("Answer: **$1,000**", "$1,000"),
            (r"The final answer is: \(x = 5\).", "x = 5"),
            ("So the answer is Monday", "Monday"),
            ("CRLF.\r\n\r\n# Answer\r\n\r\n29\r\n", "29"),
            ("Nothing is concluded here.", None),
            ("A:", None),
            ("", None),
        ],
    )
    def test_it_finds_the_stated_answer(self, text: str, answer: str | None) -> None:
        assert extract(text) == answer

    def test_the_more_specific_marker_wins(self) -> None:
        boxed = r"Box: \boxed{1}."
        assert extract(f"The answer is 2. {boxed}") == "1"
        assert extract(f"{boxed} The answer is: 3") == "3"
        assert extract(f"The answer is: 3. {boxed}\nA: 4") == "4"
        assert extract(f"{boxed}\n#### 5\nA: 4") == "5"
        assert extract(f"{boxed}\n#### 5\n\n# Answer\n\n6") == "6"

    @given(st.text() | st.text(alphabet="\\boxed{}# Answer\n$A:theanswer is12.*"))
    def test_it_takes_any_text_and_never_returns_an_empty_answer(self, text: str) -> None:
        answer = extract(text)
        assert answer is None or answer.strip()

    @pytest.mark.parametrize(
        "piece",
        [
            "{",
            r"\boxed{",
            r"\boxed ",
            "#### ",
            "#### ab c\nxx\n",
            "\n\n# Answer\n\n",
            "the answer is ",
            "*",
        ],
    )
    def test_a_long_text_of_markers_is_read_in_one_pass(self, piece: str) -> None:
        # Two million characters take seconds in one pass and hours in quadratic time.
        text = CountedText(piece * (2_000_000 // len(piece)))
        for find in answers._FINDERS:
            find(text)
            assert text.copied <= 3 * len(text)
            text.copied = 0

    def test_math500_reference_solutions_give_their_answers(self) -> None:
        problems = records("math500.jsonl")
        assert sum(last_boxed(row["solution"]) == row["answer"] for row in problems) == 500
        assert sum(extract(row["solution"]) == row["answer"] for row in problems) == 500
        pairs = [(last_boxed(row["solution"]), row["answer"]) for row in problems]
        assert grade(pairs) == [True] * 500

    def test_gsm8k_reference_solutions_give_their_answers(self) -> None:
        solutions = [row["answer"] for row in records("gsm8k_test.jsonl")]
        golds = [gold_from_gsm8k(solution) for solution in solutions]
        assert None not in golds
        assert all(
            grade([(extract(text), gold) for text, gold in zip(solutions, golds, strict=True)])
        )

    def test_gold_from_gsm8k_takes_the_first_number_without_commas(self) -> None:
        assert gold_from_gsm8k("so\n#### -1,234.5\n#### 7") == "-1234.5"
        assert gold_from_gsm8k("no gold") is None


class TestGrade:
    def test_it_agrees_with_the_graders_of_4000_model_solutions(self) -> None:
        rows = records("gsm8k_model_solutions.jsonl")
        keys = [(number, model) for number in range(1, len(rows) + 1) for model in MODELS]
        pairs, expected = [], []
        for row in rows:
            gold = extract(row["ground_truth"])
            pairs += [(extract(row[model]["solution"]), gold) for model in MODELS]
            expected += [row[model]["is_correct"] for model in MODELS]
        verdicts = grade(pairs)
        disagreements = [
            key
            for key, verdict, is_correct in zip(keys, verdicts, expected, strict=True)
            if verdict != is_correct
        ]
        assert len(verdicts) == 4000
        assert disagreements == DISAGREEMENTS
        assert sum(answer is None for answer, _ in pairs) == 10

    def test_math_verify_finds_every_math500_answer_equal_to_itself(self) -> None:
        texts = [row["answer"] for row in records("math500.jsonl")]
        assert workers().equal([(text, text) for text in texts], 10.0) == [True] * 500

    def test_without_a_reference_nobody_can_tell_and_no_answer_is_wrong(self) -> None:
        pairs = [("5", None), ("5", "  "), (None, None), (None, "5"), ("", "5"), ("$$", "5")]
        assert grade(pairs) == [None, None, None, False, False, False]
        assert grade([]) == []

    def test_it_keeps_the_order_of_a_mixed_batch(self) -> None:
        pairs = [("0.5", r"\frac{1}{2}"), ("2", "3"), (None, "1"), (r"\sqrt{4}", "2"), ("7", None)]
        assert grade(pairs * 10) == [True, False, False, True, None] * 10

    @pytest.mark.parametrize(
        ("reference", "answer"),
        [
            ("18", "$18"),
            ("1234", "1,234.00"),
            ("18", "18 dollars"),
            ("18", "$18 per day"),
            ("18", "x = 18"),
            ("18", "5 + 13 = 18"),
            ("1/2", "0.5"),
            ("-5", "−5"),
            (r"\text{Evelyn}", "evelyn"),
            (r"11,\! 111,\! 111", "11111111"),
            (r"7\frac34", "7 3/4"),
            (r"\frac{1}{2}", r"\dfrac{1}{2}"),
            (r"2\sqrt{3}", r"\sqrt{12}"),
            ("1<x<2", "(1,2)"),
            (r"90^\circ", "90"),
            ("12 hours", "12 hrs"),
            ("1 foot", "1 feet"),
            ("$18", "18 dollars per day"),
            ("18 eggs", "18 eggs per day"),
            ("18 apples", "18 more apples"),
            ("18 apples", "18 left"),
            (r"12\text{ inches}", "12 inch"),
            ("1/2 hour", "0.5"),
            ("12 cm", "12 centimeters"),
            ("12 hours", "$12$ hours"),
            ("$12", "12$"),
            (r"12\,\text{cm}", "12 cm"),
            ("$5", "$5 per apple"),
            ("18 dollars per day", "18 per day"),
        ],
    )
    def test_answers_written_differently_are_equal(self, reference: str, answer: str) -> None:
        assert equal(answer, reference)

    @pytest.mark.parametrize(
        ("reference", "answer"),
        [
            ("12", "1,2"),
            ("1", "1 million"),
            ("2", "2 pi"),
            ("3", "2 and 3"),
            (r"\text{listen}", r"\text{silent}"),
            ("listen", "silent"),
            (r"3\sqrt{13}", "3"),
            ("(1,2)", "1<x<2"),
            ("(1,2)", "(2,1)"),
            ("10^{20}", "10^{20}+1"),
            ("12 hours", "12 minutes"),
            ("12 girls", "12 boys"),
            ("$10", "10 cents"),
            ("10 cents", r"\$10"),
            ("£10", "$10"),
            ("12 hours per day", "12 days"),
            (r"12\text{ hours}", r"12 \text{minutes}"),
            ("1/2 hour", "1/2 minute"),
            ("7 3/4 hours", "7 3/4 minutes"),
            ("5 km", "5 kg"),
            ("12 hours", "13 hours"),
            ("12 apples", "12 bags of apples"),
            ("5.4 \\text{ cents}", "$5.4"),
        ],
    )
    def test_different_answers_are_not_equal(self, reference: str, answer: str) -> None:
        assert not equal(answer, reference)

    @given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=4))
    def test_a_number_equals_itself_whatever_its_dress(self, number: int | Decimal) -> None:
        text = f"{number:f}" if not isinstance(number, int) else str(number)
        dressed = f"{number:,}" if isinstance(number, int) else text
        assert (
            grade([(text, text), (dressed, text), (f"${text}", text), (f"{text}.", text)])
            == [True] * 4
        )

    @given(st.integers(), st.integers())
    def test_different_integers_are_never_equal(self, one: int, other: int) -> None:
        assert equal(str(one), str(other)) == (one == other)

    @settings(max_examples=30, deadline=None)
    @given(st.fractions(min_value=0, max_value=1000, max_denominator=500), st.integers(2, 9))
    def test_a_fraction_equals_its_multiple(self, fraction: Fraction, factor: int) -> None:
        top, bottom = fraction.numerator, fraction.denominator
        assert equal(f"{top * factor}/{bottom * factor}", rf"\frac{{{top}}}{{{bottom}}}")

    def test_the_grader_names_itself_and_the_version_of_math_verify(self) -> None:
        assert answers.GRADER.startswith("stepmark-answers/1 math-verify/0.9")


HOSTILE = [
    "9**9**9**9",
    "9^{9^{9^{9}}}",
    "{" * 50_000 + "}" * 50_000,
    "__import__('os').system('touch {mark}')",
    r"\text{__import__('os').system('touch {mark}')}",
    "((((((9!)!)!)!)!)!)!",
    r"\sum_{n=1}^{1000000000} \sin(n)",
    "(" * 18 + "1" + ")" * 18,
    "1" * 100_000,
    "\x00",
    "\ud800",
    "\\",
]


class TestWorkers:
    @pytest.mark.parametrize("answer", HOSTILE, ids=range(len(HOSTILE)))
    def test_a_hostile_answer_is_not_equal_and_the_next_pair_still_works(
        self, answer: str, tmp_path: Path
    ) -> None:
        mark = tmp_path / "mark"
        given = answer.replace("{mark}", str(mark))
        assert grade([(given, "12345"), ("0.5", r"\frac{1}{2}")], limit_s=1.0) == [False, True]
        assert equal("12345", given, limit_s=1.0) is False
        assert not mark.exists()

    def test_a_worker_over_its_limit_is_replaced(self) -> None:
        assert equal("0.5", r"\frac{1}{2}")
        before = set(workers().pids())
        assert not equal(r"\prod_{n=1}^{10^9} n", "2", limit_s=0.3)
        assert equal("0.5", r"\frac{1}{2}")
        assert set(workers().pids()) != before

    def test_a_worker_may_take_little_memory_and_write_no_file(self) -> None:
        assert equal("0.5", r"\frac{1}{2}")
        limits = Path(f"/proc/{workers().pids()[0]}/limits").read_text()
        rows = {line[:25].strip(): line[25:].split() for line in limits.splitlines()}
        assert rows["Max address space"][:2] == [str(1 << 30)] * 2
        assert rows["Max file size"][:2] == ["0", "0"]

    def test_a_worker_killed_from_outside_costs_no_verdict(self) -> None:
        assert equal("0.5", r"\frac{1}{2}")
        for pid in workers().pids():
            os.kill(pid, signal.SIGKILL)
        assert equal("0.5", r"\frac{1}{2}")

    def test_all_idle_workers_killed_from_outside_cost_no_verdict(self) -> None:
        while len(workers().pids()) < WORKERS:
            grade([(f"{number} + 0.5", rf"{number}\frac{{1}}{{2}}") for number in range(40)])
        killed = workers().pids()
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(is_worker(pid) for pid in killed))
        assert equal("0.5", r"\frac{1}{2}")
        assert not set(killed) & set(workers().pids())

    def test_it_works_off_the_main_thread(self) -> None:
        verdicts: list[bool] = []
        threads = [
            threading.Thread(target=lambda: verdicts.append(equal("0.5", r"\frac{1}{2}")))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert verdicts == [True] * 4

    def test_a_child_after_a_fork_has_workers_of_its_own(self) -> None:
        assert run_program(
            """
            import os
            from labelers.answer_worker import workers
            from labelers.answers import equal
            half = ("0.5", r"\\frac{1}{2}")
            assert equal(*half)
            parents = workers().pids()
            child = os.fork()
            if child == 0:
                assert equal(*half)
                assert workers().pids() and not set(parents) & set(workers().pids())
                os._exit(7)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
            assert equal(*half) and workers().pids() == parents
            print("fine")
            """
        ).stdout.split() == ["fine"]

    def test_no_worker_outlives_its_parent(self) -> None:
        program = """
            import os, signal, threading, time
            from labelers.answer_worker import workers
            from labelers.answers import equal, grade
            equal("0.5", r"\\frac{1}{2}")
            idle = workers().pids()
            endless = ("9^{9^{9}}", "2")
            threading.Thread(target=equal, args=endless, kwargs={"limit_s": 2.0}).start()
            time.sleep(0.5)
            print(*workers().pids(), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
            """
        ended = run_program(program)
        assert ended.returncode == -signal.SIGKILL
        pids = [int(pid) for pid in ended.stdout.split()]
        assert pids
        wait_until(lambda: not any(is_worker(pid) for pid in pids))

    def test_workers_end_with_a_program_that_ends(self) -> None:
        program = """
            from labelers.answer_worker import workers
            from labelers.answers import equal
            equal("0.5", r"\\frac{1}{2}")
            print(*workers().pids())
            """
        (pid,) = map(int, run_program(program).stdout.split())
        assert not is_worker(pid)


def run_program(text: str) -> subprocess.CompletedProcess[str]:
    lines = [line[12:] for line in text.splitlines()]
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(lines)],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=120,
    )


def is_worker(pid: int) -> bool:
    try:
        return b"answer_worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come true in 30 seconds")
