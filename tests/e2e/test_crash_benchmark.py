"""benchmarks/crash.py: runs are killed from outside, and what must be 0 is, unless it is broken."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
ZEROS = ("lost", "finished_steps_run_again", "missing_effects", "wrong_answers")


@pytest.fixture
def tally(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import crash_tally

    return crash_tally


@pytest.mark.timeout(300)
def test_a_small_campaign():
    cases = "once,keys not known outside,accepted in memory"
    options = ["--only", cases, "--stores", "sqlite", "--no-sweep", "--runs", "9", "--kills", "4"]
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "crash.py", *options],
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["checks"]["not_zero"] == []
    counts = found["campaigns"]["once"]["sqlite"]
    assert (counts["accepted"], counts["kills"], counts["starts"]) == (9, 4, 5)
    assert [counts[zero] for zero in ZEROS] == [0] * 4
    assert counts["duplicated_effects"] == 0
    assert counts["outcome_unknown"] > 0
    assert found["controls"]["keys not known outside"]["sqlite"]["duplicated_effects"] > 0
    assert found["controls"]["accepted in memory"]["sqlite"]["lost"] > 0


class TestTally:
    def ended(self, tally, *, steps=2, answer=None):
        """Return a tally of one run whose steps were all asked for and had their effects."""
        counted = tally.Tally(steps=steps)
        counted.accepted.add("r")
        for step in range(1, steps + 1):
            counted.request(tally.Item("r", "agent", step, "effect"), "w", dead=False)
            counted.apply("r", step, f"k{step}")
        receipts = " ".join(tally.receipt("r", step) for step in range(1, steps + 1))
        counted.stored["r"] = ("done", receipts if answer is None else answer)
        return counted

    def test_what_went_well_counts_nothing(self, tally):
        counts = self.ended(tally).result()
        assert {name for name, count in counts.items() if count} == {"accepted", "effect_requests"}

    def test_a_run_that_has_no_end_is_lost(self, tally):
        counted = self.ended(tally)
        counted.stored["r"] = ("running", "")
        assert counted.result()["lost"] == 1

    @pytest.mark.parametrize("killed", [True, False])
    def test_an_effect_that_was_in_flight_may_be_had_twice(self, tally, killed):
        counted = self.ended(tally)
        if killed:
            counted.kill("w")
        counted.request(tally.Item("r", "agent", 2, "effect"), "x", dead=False)
        counted.apply("r", 2, "")
        counts = counted.result()
        assert counts["duplicated_effects"] == 1
        assert counts["duplicated_beyond_in_flight"] == (not killed)
        assert counts["finished_steps_run_again"] == 0

    @pytest.mark.parametrize("told", [True, False])
    def test_what_was_told_or_followed_by_another_step_is_finished(self, tally, told):
        counted = self.ended(tally)
        step = 2 if told else 1
        item = tally.Item("r", "agent", step, "effect")
        if told:
            counted.finish(item)
        counted.kill("w")
        counted.request(item, "x", dead=False)
        counts = counted.result()
        assert counts["finished_steps_run_again"] == 1
        assert counts["effects_in_flight_at_kills"] == (not told)

    def test_an_outcome_is_unknown_only_of_what_was_in_flight(self, tally):
        counted = self.ended(tally, answer=f"{tally.receipt('r', 1)} unknown")
        assert counted.result()["wrong_answers"] == 1
        counted.kill("w")
        del counted.applied["r", 2]
        counts = counted.result()
        assert counts["wrong_answers"] == 0
        assert counts["missing_effects"] == 0
        assert counts["outcome_unknown"] == 1

    def test_an_outcome_may_be_unknown_of_what_was_about_to_be_asked_for(self, tally):
        counted = self.ended(tally, answer=f"{tally.receipt('r', 1)} unknown")
        counted.request(tally.Item("r", "agent", 2, "model"), "w", dead=False)
        counted.kill("v")
        assert counted.result()["wrong_answers"] == 1
        counted.kill("w")
        assert counted.result()["wrong_answers"] == 0

    def test_an_effect_that_nobody_had_is_missing(self, tally):
        counted = self.ended(tally)
        del counted.applied["r", 2]
        assert counted.result()["missing_effects"] == 1

    @pytest.mark.parametrize("answer", ["", "a b", "a b c"])
    def test_another_answer_is_wrong(self, tally, answer):
        assert self.ended(tally, answer=answer).result()["wrong_answers"] == 1

    def test_what_was_told_must_be_what_is_stored(self, tally):
        counted = self.ended(tally)
        counted.told["r"] = ["another"]
        assert counted.result()["wrong_answers"] == 1
