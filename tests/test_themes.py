"Themes: two that can be read, and files that change what they name and nothing else."

from pathlib import Path

import pytest

from langflix.config import Settings
from langflix.core import SettingsError
from langflix.pipeline import LangFlixPipeline, sample_episode
from langflix.themes import THEMES, blended, contrast, load_theme


def test_contrast_is_the_web_guidelines() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("name", THEMES)
def test_every_word_of_a_card_can_be_read_over_any_film(name: str) -> None:
    colours = THEMES[name].colours
    for film in ("#000000", "#FFFFFF", "#808080"):
        behind = blended(colours.paper, film, colours.veil)
        assert min(contrast(text, behind) for text in (colours.ink, colours.quiet, colours.accent)) >= 4.5
    assert min(contrast(colours.level_ink, pill) for pill in (colours.level_a, colours.level_b, colours.level_c)) >= 4.5
    assert min(contrast(text, colours.edge) for text in (colours.spoken, colours.learner, colours.mark)) >= 7


@pytest.mark.parametrize("name", THEMES)
def test_every_word_over_the_film_can_be_read_whatever_the_film_shows(name: str) -> None:
    colours = THEMES[name].colours
    for film in ("#000000", "#FFFFFF", "#808080", "#FFF4C0"):
        behind = blended("#000000", film, colours.shade)
        assert min(contrast(text, behind) for text in (colours.spoken, colours.learner, colours.mark)) >= 4.5


def test_a_file_changes_only_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "sea.yaml"
    path.write_text("base: light\ncolours:\n  accent: '#0D5C63'\nshort:\n  line: 70\n")
    theme = load_theme(str(path))
    assert (theme.colours.accent, theme.short.line) == ("#0D5C63", 70)
    assert theme.colours.model_copy(update={"accent": "#7A3E00"}) == THEMES["light"].colours
    assert theme.long == THEMES["light"].long


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("colours:\n  acent: '#0D5C63'\n", "colours.acent"), ("colours:\n  accent: red\n", "colours.accent"), ("long:\n  line: 3\n", "long.line"),
        ("base: blue\n", "there is no theme 'blue'"), ("- a\n", "name: value"), ("a: [\n", "line 2"), ("size: 3\n", "size"), ("colours: red\n", "colours"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_named_with_the_place(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=says) as caught:
        load_theme(str(path))
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_a_theme_that_is_not_there() -> None:
    with pytest.raises(SettingsError, match="drak"):
        load_theme("drak")


def test_a_wrong_theme_stops_a_run_before_anything_is_analyzed(tmp_path: Path) -> None:
    class Untouched:
        def analyze(self, chunk: object) -> None:
            raise AssertionError("asked")

        def key(self, chunk: object) -> str:
            raise AssertionError("asked")

    sample = sample_episode()
    settings = Settings(lessons={"theme": str(tmp_path / "no.yaml")}, paths={"cache": tmp_path})
    with pytest.raises(SettingsError, match=r"no\.yaml"):
        LangFlixPipeline(settings, analyzer=Untouched()).run(sample.video, subs=sample.subs, subs_target=sample.subs_target, out=tmp_path / "out")  # type: ignore[arg-type]
