"""Episodes and their subtitles, found in folders as real libraries have them."""

from pathlib import Path

import pytest

from langflix.core import InputError
from langflix.season_files import find_season

TEXTS = {
    "en": "1\n00:00:01,000 --> 00:00:02,000\nHang in there, buddy. We are nearly home.\n",
    "ko": "1\n00:00:01,000 --> 00:00:02,000\n조금만 참아. 거의 집에 다 왔어.\n",
}


def lay(root: Path, names) -> None:
    "Empty videos, and subtitles that speak the language of their name."
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        korean = any(mark in name.lower() for mark in (".ko", "korean", "kor.", "한국어", "자막", "_kor", "[ko"))
        path.write_text(TEXTS["ko" if korean else "en"] if path.suffix in (".srt", ".ass", ".vtt", ".smi") else "", encoding="utf-8")


# Each library: video -> (label, spoken, translated); a string is why a video is left out. Other files: the list at its end.
LIBRARIES = {
    "Plex": ({
        "Harbour Lights (2019)/Season 01/Harbour Lights (2019) - S01E01 - Pilot.mkv": ("S01E01", "Harbour Lights (2019) - S01E01 - Pilot.en.srt", "Harbour Lights (2019) - S01E01 - Pilot.ko.srt"),
        "Harbour Lights (2019)/Season 01/Harbour Lights (2019) - S01E02 - Nets.mkv": ("S01E02", "Harbour Lights (2019) - S01E02 - Nets.en.sdh.srt", None),
        "Harbour Lights (2019)/Season 01/Harbour Lights (2019) - S01E03-E04 - Storm.mkv": ("S01E03E04", "Harbour Lights (2019) - S01E03-E04 - Storm.eng.srt", "Harbour Lights (2019) - S01E03-E04 - Storm.kor.srt"),
        "Harbour Lights (2019)/Season 02/Harbour Lights (2019) - S02E01 - Ice.mkv": ("S02E01", None, None),
        "Harbour Lights (2019)/Specials/Harbour Lights (2019) - S00E01 - Reunion.mkv": ("S00E01", "Harbour Lights (2019) - S00E01 - Reunion.en.srt", None),
        "Harbour Lights (2019)/Season 01/Harbour Lights (2019) - S01E01 - Pilot-trailer.mkv": "an extra, by its name",
        "Harbour Lights (2019)/Season 01/Featurettes/Making Of.mkv": "an extra: it is in the folder Featurettes",
        "Harbour Lights (2019)/Season 01/Behind The Scenes/S01E99.mkv": "an extra: it is in the folder Behind The Scenes",
    }, ["Harbour Lights (2019)/Season 01/Harbour Lights (2019) - S01E01 - Pilot.en.forced.srt"]),
    "Jellyfin": ({
        "Show/Season 1/Show S01E01.mp4": ("S01E01", "Show S01E01.English.srt", "Show S01E01.한국어.srt"),
        "Show/Season 1/Show S01E10.mp4": ("S01E10", "Show S01E10.default.en.srt", "Show S01E10.ko.ass"),
        "Show/Season 1/extras/bloopers.mp4": "an extra: it is in the folder extras",
        "Show/trailers/Show.mp4": "an extra: it is in the folder trailers",
    }, ["Show/Season 1/Show S01E01.fr.srt"]),
    "a web service's names": ({
        "The.Net.S01E01.Pilot.1080p.NF.WEB-DL.DDP5.1.x264-GRP.mkv": ("S01E01", "The.Net.S01E01.Pilot.WEBRip.Netflix.en[cc].vtt", "The.Net.S01E01.Pilot.WEBRip.Netflix.ko.vtt"),
        "The.Net.S01E02.Tide.1080p.NF.WEB-DL.DDP5.1.x264-GRP.mkv": ("S01E02", "The.Net.S01E02.Tide.WEBRip.Netflix.en.vtt", "The.Net.S01E02.Tide.WEBRip.Netflix.ko.vtt"),
        "The.Net.S01E03.The.German.Job.1080p.NF.WEB-DL.x264-GRP.mkv": ("S01E03", "The.Net.S01E03.The.German.Job.srt", None),
    }, ["The.Net.S01E02.Tide.WEBRip.Netflix.pt-BR.vtt", "The.Net.S01E02.Tide.WEBRip.Netflix.en[cc].vtt"]),
    "a folder of subtitles for each episode": ({
        "Show.S01.1080p-GRP/Show.S01E01.1080p-GRP.mp4": ("S01E01", "2_English.srt", "3_Korean.srt"),
        "Show.S01.1080p-GRP/Show.S01E02.1080p-GRP.mp4": ("S01E02", "4_English.srt", None),
        "Show.S01.1080p-GRP/Sample/show.s01e01.sample.mp4": "an extra: it is in the folder Sample",
    }, ["Show.S01.1080p-GRP/Subs/Show.S01E01.1080p-GRP/2_English.srt", "Show.S01.1080p-GRP/Subs/Show.S01E01.1080p-GRP/3_Korean.srt",
        "Show.S01.1080p-GRP/Subs/Show.S01E02.1080p-GRP/4_English.srt", "Show.S01.1080p-GRP/Subs/Show.S01E02.1080p-GRP/5_French.srt"]),
    "a folder for each episode": ({
        "Show.S02E01.720p/show.201.mkv": ("S02E01", "English.srt", "Korean.srt"),
        "Show.S02E02.720p/Show.S02E02.720p.mkv": ("S02E02", "2_English.srt", None),
        "Show.S02E02.720p/sample-show.s02e02.mkv": "a sample",
    }, ["Show.S02E01.720p/Subs/English.srt", "Show.S02E01.720p/Subs/Korean.srt", "Show.S02E02.720p/Subs/2_English.srt"]),
    "subtitles in a tree of their own": ({
        "video/Harbour.1x01.avi": ("S01E01", "harbour - 1x01 - pilot.HDTV.english.srt", "Harbour S01E01 kor.smi"),
        "video/Harbour.1x02.avi": ("S01E02", "harbour - 1x02 - nets.HDTV.english.srt", None),
        "video/Harbour.1x03-04.avi": ("S01E03E04", "harbour - 1x03-04.srt", None),
    }, ["english/harbour - 1x01 - pilot.HDTV.english.srt", "english/harbour - 1x02 - nets.HDTV.english.srt", "english/harbour - 1x03-04.srt", "자막/Harbour S01E01 kor.smi"]),
    "bare numbers in season folders": ({
        "Harbour/Season 1/01 - Pilot.mkv": ("S01E01", "01 - Pilot.en.srt", "01.ko.srt"),
        "Harbour/Season 1/02 - Nets.mkv": ("S01E02", "02 - Nets.srt", None),
        "Harbour/Season 2/01 - Ice.mkv": ("S02E01", "01.srt", None),
        "Harbour/Season 2/E02.mkv": ("S02E02", "E02.srt", None),
        "Harbour/Season 2/203.mkv": ("S02E03", "203.en.srt", None),
    }, ["Harbour/Season 1/Subs/01.ko.srt", "Harbour/Season 2/subtitles/01.srt"]),
    "anime": ({
        "[Grp] Todai - 01 (1080p) [0A1B2C3D].mkv": ("E01", "[Grp] Todai - 01 (1080p) [0A1B2C3D].en.ass", None),
        "[Grp] Todai - 02v2 (1080p) [1A1B2C3D].mkv": ("E02", "Todai 02 [eng].srt", None),
        "[Grp] Todai - 12 (1080p) [2A1B2C3D].mkv": ("E12", None, None),
        "[Grp] Todai - NCOP1 (1080p) [3A1B2C3D].mkv": "an extra, by its name",
        "[Grp] Todai - 02 (720p) [4A1B2C3D].mkv": "another copy of [Grp] Todai - 02v2 (1080p) [1A1B2C3D].mkv",
    }, ["Subtitles/Todai 02 [eng].srt"]),
    "Korean drama": ({
        "등대.E01.170101.1080p-NEXT.mp4": ("E01", "등대.E01.en.srt", "등대.E01.170101.1080p-NEXT.smi"),
        "등대.E02.170102.1080p-NEXT.mp4": ("E02", "Lighthouse.E02.eng.srt", None),
        "등대.E16.END.170219.1080p-NEXT.mp4": ("E16", "등대 16회 영어.en.srt", None),
    }, ["등대.E01.en.srt", "eng/등대 16회 영어.en.srt", "등대.E02.eng.srt"]),
    "a daily show": ({
        "Nightly.Talk.2024.03.04.1080p.WEB.mkv": ("2024-03-04", "Nightly.Talk.2024.03.04.1080p.WEB.en.srt", None),
        "Nightly.Talk.2024.03.05.1080p.WEB.mkv": ("2024-03-05", "nightly talk 2024-03-05.srt", None),
    }, []),
    "several qualities": ({
        "Show.S01E01.720p.mkv": "another copy of Show.S01E01.1080p.mkv",
        "Show.S01E01.1080p.mkv": ("S01E01", "Show.S01E01.srt", None),
        "Show.S01E02.2160p.mkv": "another copy of Show.S01E02.720p.mkv",
        "Show.S01E02.720p.mkv": ("S01E02", "Show.S01E02.720p.en.srt", None),
        "Show.S01E03.1080p.PROPER.mkv": ("S01E03", None, None),
        "Show.S01E03.1080p.mkv": "another copy of Show.S01E03.1080p.PROPER.mkv",
    }, ["Show.S01E01.srt"]),
    "an episode in parts": ({
        "Show.S01E01.cd1.avi": ("S01E01 part 1", "Show.S01E01.cd1.en.srt", None),
        "Show.S01E01.cd2.avi": ("S01E01 part 2", "Show.S01E01.cd2.en.srt", None),
    }, []),
    "clips without numbers": ({
        "interview.mp4": ("interview", "interview.en.srt", None),
        "lecture.mp4": ("lecture", None, "lecture.ko.srt"),
    }, []),
    "a clip among episodes": ({
        "Show S01E01.mkv": ("S01E01", "Show S01E01.srt", None),
        "holiday.mp4": "its name tells no episode, though others do",
    }, []),
    "two shows": ({
        "Alpha/Alpha S01E01.mkv": ("S01E01", "Alpha S01E01.en.srt", None),
        "Beta/Beta S01E01.mkv": ("S01E01", "beta.1x01.srt", None),
    }, ["Beta/Subs/beta.1x01.srt"]),
    "one video": ({"Harbour S03E07.mkv": ("S03E07", "2_English.srt", "Korean.srt")}, ["Subs/2_English.srt", "Korean.srt"]),
    "a plain row": ({
        "Harbour 101.avi": ("E101", "Harbour 101.srt", None), "Harbour 102.avi": ("E102", "Harbour 102.srt", None), "Harbour 103.avi": ("E103", None, None),
    }, []),
    "a double episode and single subtitles": ({"Show S01E01E02.mkv": ("S01E01E02", None, None), "Show S01E03.mkv": ("S01E03", "Show.S01E03.srt", None)}, ["Show.S01E01.srt"]),
    "hidden files": ({"Show S01E01.mkv": ("S01E01", "Show S01E01.en.srt", None)}, ["._Show S01E01.en.srt", "@eaDir/Show S01E01.mkv", ".trash/Show S01E02.mkv"]),
}  # fmt: skip
FIXED = {"등대.E02.170102.1080p-NEXT.mp4": ("E02", "등대.E02.eng.srt", None), "등대.E01.170101.1080p-NEXT.mp4": ("E01", "등대.E01.en.srt", "등대.E01.170101.1080p-NEXT.ko.smi")}


def files_of(videos, others):
    "All files of a library: the paired ones lie beside their video unless the list has them elsewhere."
    placed = {Path(name).name for name in others}
    beside = [str(Path(video).parent / text) for video, told in videos.items() if not isinstance(told, str) for text in told[1:] if text and text not in placed]
    return [*videos, *beside, *others]


def pairs(season):
    made = {
        str(one.video.relative_to(season.root)): (one.label, one.subs and one.subs.path.name, one.subs_target and one.subs_target.path.name) for one in season.episodes
    }  # fmt: skip
    return made | {str(left.path.relative_to(season.root)): left.reason for left in season.left_out if left.path.suffix in (".mkv", ".mp4", ".avi")}


def test_the_table_is_long_enough():
    assert sum(len(videos) + len(others) for videos, others in LIBRARIES.values()) >= 60


@pytest.mark.parametrize("library", LIBRARIES)
def test_libraries(library, tmp_path):
    videos, others = LIBRARIES[library]
    videos = {name: FIXED.get(name, told) for name, told in videos.items()}
    lay(tmp_path / "library", files_of(videos, others))
    assert pairs(find_season(tmp_path / "library")) == videos


def test_every_pair_has_its_reason_and_every_name_is_its_own(tmp_path):
    lay(tmp_path, ["S/Season 1/01.mkv", "S/Season 1/01.srt", "S/Season 2/01.mkv", "S/Season 2/01.srt"])
    season = find_season(tmp_path)
    assert [one.name for one in season.episodes] == ["s S01E01 01", "s S02E01 01"]
    assert {one.subs.reason for one in season.episodes} == {"named like the video"}


def test_gaps_strays_and_pictures_are_told(tmp_path):
    lay(tmp_path, ["Show S01E01.mkv", "Show S01E02.mkv", "Show S01E04.mkv", "Show S01E09.en.srt", "Show S01E02.idx", "Show S01E02.sub"])
    season = find_season(tmp_path)
    assert season.missing == ("S01E03: not there, though later ones are", "S01E02: the subtitles Show S01E02.idx are pictures, not text")
    assert [(left.path.name, left.reason) for left in season.left_out] == [("Show S01E09.en.srt", "subtitles of no episode here")]


def test_lessons_in_the_folder_are_no_episodes(tmp_path):
    lay(tmp_path, ["Show S01E01.mkv", "lessons/Show S01E01/clips/1.mp4", "made/x/lessons/long/001.mp4"])
    for name in ("manifest.json", "report.html"):
        (tmp_path / "made" / "x" / name).write_text("{}")
    assert [one.label for one in find_season(tmp_path, skip=[tmp_path / "lessons"]).episodes] == ["S01E01"]


@pytest.mark.parametrize("names", [[], ["a.txt"], ["Sample/sample.mkv"]])
def test_a_folder_without_episodes(names, tmp_path):
    lay(tmp_path, names)
    with pytest.raises(InputError, match="no episode"):
        find_season(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        find_season(tmp_path / "gone")


def test_the_order_is_that_of_the_show_with_specials_last(tmp_path):
    lay(tmp_path, ["a S02E01.mkv", "a S01E10.mkv", "a S01E09.mkv", "a S00E01.mkv", "b S01E01.mkv"])
    assert [one.video.stem for one in find_season(tmp_path).episodes] == ["a S01E09", "a S01E10", "a S02E01", "a S00E01", "b S01E01"]
