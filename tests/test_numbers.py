"""What real file names tell of an episode's place."""

import pytest

from langflix.numbers import numbers_of

NAMES = {  # name: (label, show)
    "The.Harbour.S01E02.1080p.WEB-DL.DDP5.1.H.264-GRP.mkv": ("S01E02", "the harbour"),
    "the harbour s1e2.avi": ("S01E02", "the harbour"),
    "The Harbour - S01E02 - The Net.mkv": ("S01E02", "the harbour"),
    "The Harbour (2019) - s01e02 - The Net [WEBDL-1080p][EAC3 5.1][h264]-GRP.mkv": ("S01E02", "the harbour 2019"),
    "The.Harbour.S01.E02.mkv": ("S01E02", "the harbour"),
    "The Harbour S01 E02.mp4": ("S01E02", "the harbour"),
    "The_Harbour_S01_Ep02.mp4": ("S01E02", "the harbour"),
    "The Harbour S01xE02.mkv": None,
    "The Harbour - 1x02 - The Net.avi": ("S01E02", "the harbour"),
    "the.harbour.1x02.hdtv.xvid-grp.avi": ("S01E02", "the harbour"),
    "The Harbour [1x02].mkv": ("S01E02", "the harbour"),
    "The Harbour Season 1 Episode 2.mp4": ("S01E02", "the harbour"),
    "The Harbour, Season 1, Episode 02 - The Net.mp4": ("S01E02", "the harbour"),
    "Der Hafen Staffel 1 Folge 2.mp4": ("S01E02", "der hafen"),
    "El puerto Temporada 1 Capítulo 2.mp4": ("S01E02", "el puerto"),
    "Le port Saison 1 Épisode 2.mkv": ("S01E02", "le port"),
    "The.Harbour.S01E02E03.720p.mkv": ("S01E02E03", "the harbour"),
    "The.Harbour.S01E02-E03.720p.mkv": ("S01E02E03", "the harbour"),
    "The Harbour S01E02-03.mkv": ("S01E02E03", "the harbour"),
    "The Harbour - S01E02 + E03 - Two Nets.mkv": ("S01E02E03", "the harbour"),
    "The Harbour - S01E02-S01E03.mkv": ("S01E02E03", "the harbour"),
    "The.Harbour.1x02-03.mkv": ("S01E02E03", "the harbour"),
    "The.Harbour.1x02x03.mkv": ("S01E02E03", "the harbour"),
    "The.Harbour.S01E02-E05.mkv": ("S01E02E03E04E05", "the harbour"),
    "The.Harbour.S01E02-1080p.mkv": ("S01E02", "the harbour"),
    "The.Harbour.S00E03.Making.Of.mkv": ("S00E03", "the harbour"),
    "The Harbour/Specials/The Harbour - 02 - Reunion.mkv": ("S00E02", "the harbour"),
    "The Harbour SP2.mkv": ("S00E02", "the harbour"),
    "[Group] The Harbour OVA 2 [720p].mkv": ("S00E02", "the harbour"),
    "The.Harbour.S12E104.mkv": ("S12E104", "the harbour"),
    "The.Harbour.S2019E05.mkv": ("S2019E05", "the harbour"),
    "The Harbour S01E02 Part 1.mkv": ("S01E02 part 1", "the harbour"),
    "The.Harbour.S01E02.cd2.avi": ("S01E02 part 2", "the harbour"),
    "The Harbour/Season 1/S01E02.mkv": ("S01E02", "the harbour"),
    "The Harbour/Season 01/02 - The Net.mkv": ("S01E02", "the harbour"),
    "The Harbour/Season 01/02.mkv": ("S01E02", "the harbour"),
    "The Harbour/Season 2/203 - The Net.mkv": ("S02E03", "the harbour"),
    "The Harbour/Season 2/E03.mkv": ("S02E03", "the harbour"),
    "The Harbour/Season 2/Episode 3.mkv": ("S02E03", "the harbour"),
    "The.Harbour.S02.1080p.BluRay/e03.mkv": ("S02E03", "the harbour"),
    "The Harbour/Staffel 2/Folge 03.mkv": ("S02E03", "the harbour"),
    "등대/시즌 2/3화.mp4": ("S02E03", "등대"),
    "등대 시즌2 3화.mp4": ("S02E03", "등대"),
    "등대.E07.170101.720p-NEXT.mp4": ("E07", "등대"),
    "등대 7회.mp4": ("E07", "등대"),
    "등대 제7화 1080p.mp4": ("E07", "등대"),
    "灯台 第07話.mp4": ("E07", "灯台"),
    "灯塔.第7集.1080p.mp4": ("E07", "灯塔"),
    "灯塔 第2季/第03集.mp4": ("S02E03", "灯塔"),
    "[Group] Todai - 07 (1080p) [0A1B2C3D].mkv": ("E07", "todai"),
    "[Group] Todai - 07v2 [720p][AAC].mkv": ("E07", "todai"),
    "[Group] Todai S2 - 07 [1080p].mkv": ("S02E07", "todai"),
    "[Group] Todai 2nd Season - 07 [1080p].mkv": ("S02E07", "todai"),
    "[Group]_Todai_-_107_[10bit].mkv": ("E107", "todai"),
    "Todai EP07.mp4": ("E07", "todai"),
    "Todai Ep. 7 - The Net.mp4": ("E07", "todai"),
    "Todai #7.mp4": None,
    "Nightly.Talk.2024.03.05.Guest.Name.720p.mkv": ("2024-03-05", "nightly talk"),
    "Nightly Talk - 2024-03-05 - Guest.mkv": ("2024-03-05", "nightly talk"),
    "Nightly Talk 05.03.2024.mkv": ("2024-03-05", "nightly talk"),
    "Nightly.Talk.20240305.mp4": ("2024-03-05", "nightly talk"),
    "S01E02.The.Net.WEBRip.Netflix.en[cc].srt": ("S01E02", ""),
    "The.Harbour.S01E02.WEBRip.Netflix.ko.vtt": ("S01E02", "the harbour"),
    "The Net.S01E02": ("S01E02", "the net"),
    "Apollo 13 (1995).mkv": None, "1080x720.mkv": None, "lesson 12x.mp4": None, "Class1e2.mkv": None, "Film.2019.1080p.x264.AAC5.1.mkv": None,
    "MVI_0123.MOV": None, "holiday 5.1ch.mp4": None,
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names(name):
    place = numbers_of(name)
    assert (place and (place.label, place.show)) == NAMES[name]


BARE = {"The Harbour 102.mkv": "E102", "harbour_07_final.mp4": "E07", "The Harbour/Season 1/The Harbour 102.mkv": "S01E02", "Harbour 2019 1080p.mkv": None}


@pytest.mark.parametrize("name", BARE)
def test_a_number_without_a_sign_is_believed_only_when_asked(name):
    assert numbers_of(name) is None
    place = numbers_of(name, bare=True)
    assert (place and place.label) == BARE[name]


def test_specials_come_last_and_double_episodes_in_between():
    names = ["a S00E01", "a S01E01", "a S01E02E03", "a S01E04", "a S02E01"]
    assert sorted(names, key=lambda name: numbers_of(name).key) == names[1:] + names[:1]
