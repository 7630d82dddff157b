"""Two readings of the same dialogue: by level, by analyzer, by prompt."""

from dataclasses import replace

import pytest

from langflix.chunks import make_chunks
from langflix.compare import Reworded, compare, read, show_changes, show_chunks, show_comparison, show_cues, show_dropped, show_expressions, show_groups, show_request
from langflix.analysis import make_groups
from langflix.config import Settings
from langflix.pipeline import sample_episode
from langflix.plots import latency_timeline, level_histogram, speech_density
from langflix.prompts import prompt_for
from langflix.stand_in import Script, stand_in
from langflix.subtitles import load_cues

CUES = load_cues(sample_episode().subs)
CHUNKS = make_chunks(CUES)
EMBEDDED = Settings(analyzer="embedded")


@pytest.fixture(scope="module")
def everything():
    return read("everything", CHUNKS, CUES, EMBEDDED)


def test_a_reading_agrees_with_itself(everything):
    seen = compare(everything, everything)
    assert (seen.agreement, seen.only_left, seen.only_right) == (1.0, (), ())
    assert all(left == right for left, right in seen.agreed)


def test_each_expression_is_on_one_side_or_on_both(everything):
    for_c1 = read("for C1", CHUNKS, CUES, EMBEDDED.model_copy(update={"level": "C1"}))
    seen = compare(everything, for_c1)
    assert len(seen.agreed) + len(seen.only_left) == len(everything.expressions)
    assert len(seen.agreed) + len(seen.only_right) == len(for_c1.expressions)
    assert seen.only_left
    assert "too easy: " in repr(seen)
    assert "too easy: " in show_comparison(seen, agreed=False).text
    assert " both " not in show_comparison(seen, agreed=False).text
    turned = compare(for_c1, everything)
    assert (turned.only_left, turned.only_right) == (seen.only_right, seen.only_left)


def test_some_chunks_can_be_read_alone(everything):
    first = read("first", CHUNKS[:1], CUES, EMBEDDED)
    assert 0 < len(first.expressions) < len(everything.expressions)
    assert compare(first, everything).only_left == ()
    assert {call.chunk for call in first.calls} == {1}


def test_nothing_read_twice_is_nothing():
    nothing = read("nothing", [], CUES, EMBEDDED)
    assert compare(nothing, nothing).agreement == 0
    assert "0 agreed" in repr(compare(nothing, nothing))


@pytest.fixture
def asking(tmp_path):
    "A stand-in, and settings that ask it."
    with stand_in(Script(phrases=("hang in there", "the last straw", "under the weather", "kick the bucket"), latency_s=0.02)) as server:
        yield server, Settings(analyzer="gemini", gemini={"api_key": "AIzaInvented", "endpoint": server.url}, paths={"cache": tmp_path})


def test_another_analyzer_is_compared_and_nothing_is_asked_twice(everything, asking):
    server, settings = asking
    gemini = read("Gemini", CHUNKS, CUES, settings)
    seen = compare(everything, gemini)
    assert {left.expression for left, _ in seen.agreed} & {"the last straw", "under the weather"}
    assert seen.only_left
    assert "not found" in repr(seen)
    assert len(gemini.calls) == len(server.asked) == len(CHUNKS)
    assert all(0 <= call.start_s <= call.end_s and not call.failed for call in gemini.calls)
    again = read("again", CHUNKS, CUES, settings)
    assert (again.calls, len(server.asked)) == ((), len(CHUNKS))
    assert compare(gemini, again).agreement == 1


def test_another_prompt_is_asked_for_itself(asking):
    server, settings = asking
    read("usual", CHUNKS[:1], CUES, settings)
    changed = Reworded(settings, lambda prompt: replace(prompt, system=prompt.system + "\nReport idioms only."))
    reading = read("idioms", CHUNKS[:1], CUES, settings, changed)
    assert len(server.asked) == 2
    systems = [asked.body.get("systemInstruction", asked.body.get("system_instruction"))["parts"][0]["text"] for asked in server.asked]
    assert [system.endswith("Report idioms only.") for system in systems] == [False, True]
    assert reading.expressions


def test_a_call_that_fails_is_seen(tmp_path):
    with stand_in(Script(faults={"key": 1.0})) as server:
        settings = Settings(analyzer="gemini", gemini={"api_key": "AIzaInvented", "endpoint": server.url}, paths={"cache": tmp_path})
        reading = read("refused", CHUNKS, CUES, settings)
    assert reading.expressions == ()
    assert any(call.failed for call in reading.calls)
    assert reading.outcomes[0].failures


def test_what_is_looked_at_is_all_there(everything):
    assert repr(show_cues(CUES)).count("\n") == len(CUES)
    assert repr(show_chunks(CHUNKS)).count("\n") == len(CHUNKS)
    assert repr(show_expressions(everything.expressions)).count("\n") == len(everything.expressions)
    assert repr(show_groups(make_groups(everything.expressions, EMBEDDED))).count("\n") == len(make_groups(everything.expressions, EMBEDDED))
    assert repr(show_dropped(everything.dropped)).count("\n") == max(1, len(everything.dropped)) - (not everything.dropped)
    prompt = prompt_for(CHUNKS[0], EMBEDDED)
    assert prompt.system in repr(show_request(prompt))
    assert prompt.user in repr(show_request(prompt))
    assert "cue_start" in repr(show_request(prompt))
    assert "Nothing." in repr(show_changes(prompt, prompt))


def test_plots_are_small_and_say_their_content_in_words(everything):
    plots = [
        speech_density(CUES, [one.start_ms for one in everything.expressions]), level_histogram({"all": everything.levels, "none": []}), latency_timeline(everything.calls),
        speech_density([]), level_histogram({}), latency_timeline([]),
    ]  # fmt: skip
    assert all(plot.png.startswith(b"\x89PNG") and len(plot.png) < 50_000 for plot in plots)
    assert f"{len(everything.expressions)} expressions" in repr(plots[0])
    assert f"{len(everything.calls)} calls, 0 failed" in repr(plots[2])


def test_a_long_episode_is_drawn_as_small_as_a_short_one():
    long = [replace(cue, start_ms=cue.start_ms * 30, end_ms=cue.end_ms * 30) for cue in CUES]
    plot = speech_density(long, [one * 1000 for one in range(0, 6000, 20)])
    assert len(plot.png) < 50_000
    assert "speech in 65%" in repr(plot)
