"""Progress: few lines for a log, whole events for programs."""

import json
import subprocess
import sys
import threading

from langflix.progress import EVENTS, Events, Lines, StageClock, Tenths, Together, read_events


def test_a_log_hears_each_stage_and_each_tenth(capsys):
    lines = Lines()
    for stage in ("analyze", "render"):
        for done in range(101):
            lines(stage, done, 100, f"part {done}")
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 22
    assert told[0].split() == ["0:00", "analyze", "0", "of", "100", "part", "0"]


def test_a_log_hears_nothing_of_a_stage_without_parts(capsys):
    Lines()("analyze", 0, 0, "")
    assert capsys.readouterr().out == ""


def test_a_log_hears_something_after_a_silence():
    tenths = Tenths(silence_s=0)
    assert tenths.worth_a_line("render", 1, 100)
    assert tenths.worth_a_line("render", 1, 100)


def test_events_are_read_from_where_one_was(tmp_path):
    path = tmp_path / "events"
    events = Events(path)
    events.tell("start", pid=7)
    first, offset = read_events(path)
    events("render", 2, 9, "안녕")
    second, end = read_events(path, offset)
    assert [event["event"] for event in (*first, *second)] == ["start", "progress"]
    assert (second[0]["stage"], second[0]["done"], second[0]["total"], second[0]["what"]) == ("render", 2, 9, "안녕")
    assert end == path.stat().st_size


def test_half_a_line_waits_for_its_other_half(tmp_path):
    path = tmp_path / "events"
    whole = json.dumps({"event": "end", "exit_status": 0}) + "\n"
    path.write_text(whole + whole[:9])
    events, offset = read_events(path)
    assert len(events) == 1
    path.write_text(whole + whole)
    assert read_events(path, offset)[0] == [{"event": "end", "exit_status": 0}]


def test_there_are_no_events_before_there_is_a_file(tmp_path):
    assert read_events(tmp_path / "none", 5) == ([], 5)


def test_writers_do_not_mix_their_lines(tmp_path):
    path = tmp_path / "events"

    def write(name):
        for number in range(50):
            Events(path).tell("progress", what=name * 500, done=number)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events, _ = read_events(path)
    assert len(events) == 200
    assert all(len(set(event["what"])) == 1 for event in events)


def test_nothing_is_written_where_nobody_asked(tmp_path, monkeypatch):
    monkeypatch.delenv(EVENTS, raising=False)
    monkeypatch.chdir(tmp_path)
    Events.from_environment().tell("start")
    assert list(tmp_path.iterdir()) == []


def test_each_stage_has_its_time():
    clock = StageClock()
    Together(clock)("analyze", 1, 2, "")
    clock("analyze", 2, 2, "")
    clock("write", 1, 1, "")
    assert list(clock.seconds()) == ["open", "analyze", "write"]
    assert all(seconds >= 0 for seconds in clock.seconds().values())


def test_a_disk_that_takes_half_a_line_keeps_none_of_it(tmp_path):
    path = tmp_path / "events"
    Events(path).tell("start")
    script = (
        "import resource, signal, sys\n"
        "from langflix.core import NoRoomError\n"
        "from langflix.progress import Events\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "try:\n    Events(sys.argv[1]).tell('progress', what='x' * 200)\n"
        "except NoRoomError as error:\n    print(error.hint)\n"
    )
    told = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True).stdout
    assert "Free some space" in told
    Events(path).tell("end")
    assert [event["event"] for event in read_events(path)[0]] == ["start", "end"]
