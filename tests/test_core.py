"""Errors travel between processes, and moments survive being written and read."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langflix import core
from langflix.core import Cue, InputError, LangFlixError, clock, format_ms, parse_ms

ERRORS = [kind for kind in vars(core).values() if isinstance(kind, type) and issubclass(kind, LangFlixError)]


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_survives_pickling(kind):
    error = kind("what", "how", path="a.srt", line=3)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (again.message, again.hint, again.details) == ("what", "how", {"path": "a.srt", "line": 3})
    assert str(again) == str(error) == "what\n  how"


def test_wrong_input_and_broken_work_end_differently():
    assert {kind.exit_status for kind in ERRORS if issubclass(kind, InputError)} == {2}
    assert LangFlixError.exit_status == core.FfmpegError.exit_status == 1


@given(st.integers(-(10**9), 10**9), st.sampled_from(",."))
def test_parse_undoes_format(ms, decimal):
    assert parse_ms(format_ms(ms, decimal)) == ms


@pytest.mark.parametrize(("text", "ms"), [("1:02", 62_000), ("0:00.5", 500), ("01:00:00,001", 3_600_001), ("-0:01", -1000)])
def test_people_write_times_in_several_ways(text, ms):
    assert parse_ms(text) == ms


@pytest.mark.parametrize("text", ["", "soon", "1", "1:2:3:4", "00:00:00,1234"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(InputError, match="is not a time"):
        parse_ms(text)


def test_clock_is_short():
    assert [clock(ms) for ms in (0, 61_999, 3_600_000, -5)] == ["0:00", "1:01", "1:00:00", "0:00"]


def test_a_cue_joins_its_lines_and_cannot_change():
    cue = Cue(1, 1000, 2500, "Hang in\n there.")
    assert (cue.line, cue.duration_ms) == ("Hang in there.", 1500)
    with pytest.raises(AttributeError):
        cue.text = "else"


def test_publishing_replaces_a_file_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new folder" / "answer.txt"
    core.publish(path, lambda part: part.write_text("first"))

    def half(part):
        part.write_text("sec")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        core.publish(path, half)
    assert path.read_text() == "first"
    assert [file.name for file in path.parent.iterdir()] == ["answer.txt"]


@pytest.mark.parametrize(
    ("message", "hint", "line"),
    [("no key", "Set one.", "no key. Set one."), ("Is it there?", "Look.", "Is it there? Look."), ("no key", "", "no key"), ("It is used up.", "Wait.", "It is used up. Wait.")],
)
def test_message_and_hint_are_sentences_in_one_line(message, hint, line):
    assert core.in_one_line(message, hint) == line
