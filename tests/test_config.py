"""Which source wins, and that a mistake in any of them is an instruction without a secret in it."""

import json

import pytest

from langflix.config import LANGUAGES, in_container, load_settings
from langflix.core import SettingsError
from langflix.encodings import language_code


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    import os

    for name in list(os.environ):
        if name.startswith("LANGFLIX_") or name == "GEMINI_API_KEY":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_nearer_sources_win(tmp_path, monkeypatch):
    (tmp_path / "langflix.yaml").write_text("level: A2\nlessons: {crf: 30, repeat_count: 5, mode: combined}\n")
    monkeypatch.setenv("LANGFLIX_LESSONS__CRF", "25")
    monkeypatch.setenv("LANGFLIX_LESSONS__REPEAT_COUNT", "4")
    lessons = load_settings(overrides={"lessons": {"crf": 18, "mode": None}}).lessons
    assert (lessons.crf, lessons.repeat_count, lessons.mode) == (18, 4, "combined")


def test_roadmap_name_for_switching_parallel_off(monkeypatch):
    monkeypatch.setenv("LANGFLIX_PARALLEL_PROCESSING__ENABLED", "false")
    assert load_settings().parallel_processing.enabled is False


@pytest.mark.parametrize("written", ["short,long", '["short", "long"]', "short, long"])
def test_a_list_may_be_written_with_commas(monkeypatch, written):
    monkeypatch.setenv("LANGFLIX_LESSONS__FORMATS", written)
    assert load_settings().lessons.formats == ("short", "long")


def test_settings_cannot_be_changed_later():
    with pytest.raises(ValueError, match="frozen"):
        load_settings().lessons.crf = 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("level: [B1\n", r"langflix.yaml, line 2: not valid YAML"),
        ("- B1\n", "line 1: expected"),
        ("lesons: {crf: 3}\n", "lesons is not a setting\n.*Did you mean lessons"),
        ("lessons: {crv: 3}\n", "lessons.crv is not a setting\n.*Did you mean crf"),
        ("level: Z9\n", "level: input should be"),
        ("grouping: {tolerance_ms: -1}\n", "grouping.tolerance_ms"),
        ("languages: {target: Korean}\n", "languages.target"),
        ("gemini: {batch: perhaps}\n", "gemini.batch: should be true, false or collect"),
    ],
)
def test_a_mistake_in_the_file_names_its_place(tmp_path, text, message):
    (tmp_path / "langflix.yaml").write_text(text)
    with pytest.raises(SettingsError, match=message):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("LANGFLIX_LEVL", "B1", "LANGFLIX_LEVL is not a setting\n.*LANGFLIX_LEVEL"),
        ("LANGFLIX_LESSONS__CRF", "low", "LANGFLIX_LESSONS__CRF: input should be a valid integer"),
        ("LANGFLIX_LESSONS__CRRF", "1", "LANGFLIX_LESSONS__CRRF is not a setting\n.*crf"),
        ("LANGFLIX_LESSONS__FORMATS", '["short"', "error parsing"),
        ("LANGFLIX_LESSONS", "3", "LANGFLIX_LESSONS: "),
        ("LANGFLIX_GEMINI__BATCH", "perhaps", "LANGFLIX_GEMINI__BATCH: should be true, false or collect"),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable(monkeypatch, name, value, message):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=message):
        load_settings()


def test_a_missing_file_that_was_asked_for_is_an_error(tmp_path):
    with pytest.raises(SettingsError, match=r"other\.yaml"):
        load_settings(tmp_path / "other.yaml")


def test_keys_come_from_the_environment_or_a_secret_file(tmp_path, monkeypatch):
    (tmp_path / "gemini_api_key").write_text("from-file\n")
    assert load_settings(secrets=tmp_path).gemini.api_key.get_secret_value() == "from-file"
    monkeypatch.setenv("GEMINI_API_KEY", "from-google-name")
    assert load_settings(secrets=tmp_path).gemini.api_key.get_secret_value() == "from-google-name"
    monkeypatch.setenv("LANGFLIX_GEMINI__API_KEY", "from-own-name")
    assert load_settings(secrets=tmp_path).gemini.api_key.get_secret_value() == "from-own-name"


def test_an_empty_secret_file_gives_nothing(tmp_path):
    (tmp_path / "gemini_api_key").write_text("\n")
    (tmp_path / "database_url").symlink_to("/dev/null")
    settings = load_settings(secrets=tmp_path)
    assert (settings.gemini.api_key, settings.database.url) == (None, None)


def test_the_mark_of_a_container_is_no_setting(monkeypatch, tmp_path):
    monkeypatch.delenv("LANGFLIX_CONTAINER", raising=False)
    assert not in_container()
    monkeypatch.setenv("LANGFLIX_CONTAINER", "1")
    assert in_container()
    load_settings(secrets=tmp_path)


def test_a_secret_never_shows(monkeypatch, tmp_path):
    monkeypatch.setenv("LANGFLIX_GEMINI__API_KEY", "AIza-secret")
    settings = load_settings()
    assert "AIza-secret" not in repr(settings) + str(settings) + settings.model_dump_json()
    monkeypatch.setenv("LANGFLIX_API__PORT", "AIza-secret")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "AIza-secret" not in str(caught.value)


def test_a_mistake_names_the_source_that_made_it_when_others_set_the_same_section(tmp_path, monkeypatch):
    monkeypatch.setenv("LANGFLIX_LESSONS__CRF", "20")
    (tmp_path / "langflix.yaml").write_text("lessons: {repeats: 3}\n")
    with pytest.raises(SettingsError, match=r"langflix\.yaml: lessons\.repeats is not a setting"):
        load_settings()
    (tmp_path / "langflix.yaml").unlink()
    with pytest.raises(SettingsError, match=r"^lessons\.formats: "):
        load_settings(overrides={"lessons": {"formats": "square"}})


def test_a_secret_that_cannot_be_read_is_named_with_the_way_out(tmp_path):
    (tmp_path / "gemini_api_key").mkdir()  # even root cannot read a folder as a file
    with pytest.raises(SettingsError, match=r"gemini_api_key: .*\n.*chmod"):
        load_settings(secrets=tmp_path)


@pytest.mark.parametrize(
    ("given", "code"), [("ko", "ko"), ("KO", "ko"), ("pt-br", "pt-BR"), ("zh-hant", "zh-Hant"), ("zh_TW", "zh-TW"), ("zh-hans-cn", "zh-Hans-CN"), (" ja ", "ja")]
)
def test_a_language_code_is_taken_however_it_is_written(given, code):
    assert load_settings(overrides={"languages": {"source": given, "target": given}}).languages.source == code


@pytest.mark.parametrize("wrong", ["xx", "kr", "", "english!", "e", "kor", "en-", "en-USA1", 5])
@pytest.mark.parametrize("side", ["source", "target"])
def test_an_unknown_language_is_refused_with_the_list(side, wrong, tmp_path):
    file = tmp_path / "langflix.yaml"
    file.write_text(f"languages:\n  {side}: {json.dumps(wrong)}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=rf"languages\.{side}.* is not the code of a language") as caught:
        load_settings(file)
    for code, name in LANGUAGES.items():
        assert f"{code} {name}" in caught.value.hint


@pytest.mark.parametrize(("name", "code"), [("Korean", "ko"), ("english", "en")])
def test_the_name_of_a_language_leads_to_its_code(name, code):
    with pytest.raises(SettingsError) as caught:
        load_settings(overrides={"languages": {"target": name}})
    assert caught.value.hint == f"Write {code}."


def test_every_language_that_files_can_name_is_a_language_of_the_settings():
    assert all(language_code(code) == code for code in LANGUAGES)
    assert all(language_code(name) == code for code, name in LANGUAGES.items())


@pytest.mark.parametrize("name", ["LANGFLIX_CONFIG", "LANGFLIX_EVENTS", "LANGFLIX_JOB", "LANGFLIX_DASHBOARD_URL"])
def test_names_that_programs_leave_for_each_other_are_not_settings(name, monkeypatch, tmp_path):
    file = tmp_path / "langflix.yaml"
    file.write_text("level: B1")
    monkeypatch.setenv(name, str(file))
    assert load_settings(file).level == "B1"
