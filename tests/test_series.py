"""Show, season and episode by name."""

import pytest

from langflix.series import EpisodeId, identify

HARBOUR = EpisodeId("harbour lights", 1, 2)


@pytest.mark.parametrize("name", [
    "Harbour.Lights.S01E02.1080p.WEB.mkv", "harbour lights s1e2.mkv", "Harbour Lights - 1x02 - The Net.mp4", "Harbour_Lights_S01_E02.en.srt",
    "Harbour Lights Season 1 Episode 2.mkv", "/films/Harbour Lights/Season 1/S01E02.mkv", "/films/Harbour Lights/S01/s01e02 - The Net.mkv",
    "/films/Harbour.Lights/1x02.mkv", "HARBOUR LIGHTS S01E02E03.mkv",
])  # fmt: skip
def test_names_of_one_episode(name):
    assert identify(name) == HARBOUR


@pytest.mark.parametrize("name", ["film.mkv", "S01E02.mkv", "1080x720.mkv", "Apollo 13 (1995).mkv", "lesson 12x.mp4", "", "sample.en.srt", "Class1e2.mkv"])
def test_names_that_tell_nothing(name):
    assert identify(name) is None


def test_order_within_a_show_only():
    assert EpisodeId("a", 2, 1).follows(EpisodeId("a", 1, 9))
    assert not EpisodeId("a", 1, 2).follows(EpisodeId("a", 1, 2))
    assert not EpisodeId("b", 2, 1).follows(EpisodeId("a", 1, 1))
    assert EpisodeId("a", 1, 2).label == "S01E02"


def test_names_in_other_scripts():
    assert identify("비밀의 숲.S01E03.mkv") == EpisodeId("비밀의 숲", 1, 3)
    assert identify("Grey’s Anatomy S01E01.mkv") == identify("Grey's.Anatomy.1x01.mkv")
