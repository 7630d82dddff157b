"""Parameters of a run: what is refused, and what follows from what is given."""

import json

import pytest

from langflix.core import SettingsError
from langflix.episode_run import EpisodeParameters, ParameterError, begin, check_parameters, episode_of, finish, make, plain_names, settings_of
from langflix.progress import EVENTS, read_events

KEY = "AIza" + "SyInventedInventedInvented00000000000"


@pytest.mark.parametrize(
    ("given", "says", "way_out"),
    [
        ({"max_expresions": 3}, "max_expresions is not a parameter", "Did you mean max_expressions"),
        ({"zzz": 3}, "zzz is not a parameter", "There are: video, subs"),
        ({"_quiet": True}, "_quiet is not a parameter", "There are"),
        ({"max_expressions": "three"}, "max_expressions: .*integer.* text", "-p max_expressions 12"),
        ({"max_expressions": True}, "max_expressions: .*integer.* true or false", "max_expressions = 12"),
        ({"max_expressions": 2.5}, "max_expressions: .*integer.* a number", "max_expressions = 12"),
        ({"max_expressions": 0}, "max_expressions: .*greater than or equal to 1", "max_expressions = 12"),
        ({"video": 7}, "video: .*string.* a whole number", "video = 'Show"),
        ({"video": ""}, "video: .*at least 1 character", "video = 'Show"),
        ({"level": "B9"}, "level: .*'A1', 'A2'", "level = 'B1'"),
        ({"parallel": "no"}, "parallel: .*boolean.* text", "parallel = True"),
        ({"save_output": 1}, "save_output: .*boolean", "save_output = True"),
        ({"formats": "tall"}, "formats: .*'long' or 'short'", "long,short"),
        ({"max_cost": "cheap"}, "max_cost: .*number.* text", "max_cost = 0.5"),
        ({"max_cost": 0}, "max_cost: .*greater than 0", "max_cost = 0.5"),
        ({"settings": "x"}, "settings: .*dictionary.* text", "repeat_count"),
    ],
)
def test_a_wrong_parameter_is_named_with_its_way_out(given, says, way_out):
    with pytest.raises(ParameterError, match=says) as caught:
        check_parameters({"video": "x.mkv"} | given)
    assert way_out in caught.value.hint
    assert caught.value.exit_status == 2
    assert caught.value.details["parameter"] in given


def test_a_video_must_be_given():
    with pytest.raises(ParameterError, match="video: it must be given"):
        check_parameters({})


@pytest.mark.parametrize(
    "given",
    [
        {"api_key": KEY}, {"gemini_api_key": "x"}, {"GEMINI_API_KEY": "x"}, {"apikey": "x"}, {"token": None}, {"api_token": "x"}, {"password": "x"}, {"passwd": "x"},
        {"client_secret": "x"}, {"aws_credentials": "x"}, {"settings": {"gemini": {"api_key": "x"}}}, {"settings": {"api": {"token": "x"}}},
        {"settings": {"redis": {"url": "redis://:pw@host"}}}, {"settings": {"database": {"url": "x"}}}, {"level": KEY}, {"settings": {"paths": {"media": KEY}}},
        {"settings": {"learner": {"known": [KEY]}}}, {"out": "https://me:pw@host/x"},
    ],
)  # fmt: skip
def test_what_looks_like_a_secret_is_refused_and_not_repeated(given):
    with pytest.raises(ParameterError, match="looks like a secret") as caught:
        check_parameters({"video": "x.mkv"} | given)
    assert "GEMINI_API_KEY" in caught.value.hint
    assert KEY not in str(caught.value)
    assert "pw@" not in str(caught.value)


@pytest.mark.parametrize("name", ["Monkey.mkv", "token.mkv", "secret.mkv", "key=1.mkv"])
def test_a_video_may_have_any_name(name):
    assert check_parameters({"video": name}).video == name


def test_parameters_are_settings():
    given = {
        "video": "x.mkv", "out": "made", "analyzer": "embedded", "source_lang": "es", "target_lang": "fr", "level": "B1", "mode": "combined", "formats": "long,short",
        "max_expressions": 4, "workers": 3, "parallel": False, "max_cost": 1, "settings": {"lessons": {"repeat_count": 1, "mode": "separate"}},
    }  # fmt: skip
    settings = settings_of(check_parameters(given))
    assert (str(settings.paths.output), settings.analyzer, settings.languages.source, settings.languages.target) == ("made", "embedded", "es", "fr")
    assert (settings.level, settings.lessons.mode, settings.lessons.formats, settings.lessons.max_expressions) == ("B1", "combined", ("long", "short"), 4)
    assert (settings.parallel_processing.max_workers, settings.parallel_processing.enabled, settings.gemini.max_cost_usd) == (3, False, 1)
    assert settings.lessons.repeat_count == 1


def test_what_is_not_given_is_left_to_file_and_environment(monkeypatch, tmp_path):
    (tmp_path / "langflix.yaml").write_text("level: C1\nlessons: {mode: combined}")
    monkeypatch.setenv("LANGFLIX_LESSONS__CRF", "30")
    settings = settings_of(check_parameters({"video": "x.mkv", "config": str(tmp_path / "langflix.yaml"), "mode": None}))
    assert (settings.level, settings.lessons.mode, settings.lessons.crf) == ("C1", "combined", 30)


def test_a_setting_that_is_not_one_is_named():
    with pytest.raises(SettingsError, match=r"lessons\.repeats is not a setting"):
        settings_of(check_parameters({"video": "x.mkv", "settings": {"lessons": {"repeats": 1}}}))


def test_parameters_survive_json():
    parameters = check_parameters({"video": "x.mkv", "formats": ["long", "short"], "settings": {"lessons": {"crf": 30}}})
    again = check_parameters(json.loads(parameters.model_dump_json(exclude_none=True)))
    assert again == parameters
    assert EpisodeParameters.model_json_schema()["required"] == ["video"]


def test_a_kernels_own_names_are_no_parameters():
    kernel = {"In": ["", "x"], "Out": {}, "_": "", "__": "", "___": "", "_dh": [], "_ih": [], "_oh": {}, "_i": "", "_ii": "", "_iii": "", "_i12": "x", "_7": 3}
    kernel |= {"__name__": "__main__", "__doc__": None, "__vsc_ipynb_file__": "x", "_exit_code": 0, "exit": object(), "begin": begin, "run": object()}
    assert plain_names(kernel | {"video": "x.mkv", "level": None}) == {"video": "x.mkv", "level": None}


def test_the_folder_is_named_after_the_video():
    parameters = check_parameters({"video": "shows/Show.S01E02.mkv", "out": "made"})
    assert str(episode_of(parameters, settings_of(parameters))[1]) == "made/Show.S01E02"


def told(path):
    "What the file of events holds."
    return read_events(path)[0]


def test_a_wrong_parameter_is_the_end_of_the_story(monkeypatch, tmp_path):
    monkeypatch.setenv(EVENTS, str(tmp_path / "events"))
    with pytest.raises(ParameterError) as caught:
        begin({"video": "x.mkv", "levl": "B1"})
    (end,) = told(tmp_path / "events")
    assert (end["event"], end["exit_status"], end["error"]) == ("end", 2, "levl is not a parameter")
    assert caught.value._render_traceback_() == ["ParameterError: levl is not a parameter\n  Did you mean level?"]


def test_a_missing_video_is_told_too(monkeypatch, tmp_path):
    monkeypatch.setenv(EVENTS, str(tmp_path / "events"))
    run = begin({"video": str(tmp_path / "gone.mkv"), "out": str(tmp_path / "out")})
    with pytest.raises(Exception, match=r"gone\.mkv"):
        make(run)
    start, end = told(tmp_path / "events")
    assert (start["event"], start["folder"]) == ("start", str(tmp_path / "out" / "gone"))
    assert (end["event"], end["exit_status"]) == ("end", 2)


def test_an_episode_without_anything_to_teach_is_not_a_success(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv(EVENTS, str(tmp_path / "events"))
    run = begin({"video": "sample", "analyzer": "embedded", "level": "C2", "out": str(tmp_path / "out"), "settings": {"paths": {"cache": str(tmp_path / "cache")}}})
    made = make(run)
    assert "analyze" in capsys.readouterr().out
    with pytest.raises(Exception, match="nothing worth a lesson") as caught:
        finish(made)
    assert caught.value.exit_status == 1
    assert told(tmp_path / "events")[-1]["exit_status"] == 1


def test_a_run_may_stop_for_a_review_and_go_on_after_it(tmp_path, capsys):
    given = {"video": "sample", "analyzer": "embedded", "out": str(tmp_path / "out"), "max_expressions": 2}
    given["settings"] = {"lessons": {"preset": "ultrafast", "repeat_count": 1}, "paths": {"cache": str(tmp_path / "cache")}}
    first = make(begin(given | {"review": True}))
    finish(first)
    assert not first.manifest.lessons
    table = first.folder / "review.csv"
    rows = table.read_text(encoding="utf-8-sig").splitlines()
    place = next(number for number, row in enumerate(rows) if row.startswith("x0"))
    rows[place] = rows[place].replace("yes", "no", 1)
    table.write_text("\n".join(rows), encoding="utf-8")
    second = make(begin(given | {"reviewed": True}))
    finish(second)
    assert len(second.manifest.lessons) == 1
    assert "1 lessons" in capsys.readouterr().out


def test_a_run_is_before_a_review_or_after_it():
    with pytest.raises(ParameterError, match="review or reviewed, not both"):
        check_parameters({"video": "x.mkv", "review": True, "reviewed": True})
