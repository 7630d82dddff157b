"""Anki itself takes the deck: right fields, stable notes, every scene once and playable, two languages in their directions."""

import json
import re
import sqlite3
import subprocess
import tempfile
import zipfile

import pytest
from anki.collection import Collection, ImportAnkiPackageOptions, ImportAnkiPackageRequest
from expressions import spoken_in

from langflix.card_media import line_window, small_clip
from langflix.config import Deck
from langflix.core import Cue, InputError
from langflix.deck import FIELDS, write_deck
from langflix.export import ClipRecord, Languages, Manifest
from langflix.groups import group_expressions
from langflix.media import find_tools, run_ffmpeg

CUES = [
    Cue(1, 1000, 2000, "Is the moon <b>broken</b>?", speaker="MAYA & co"),
    Cue(2, 2000, 4000, "Can you figure\nit all out? [sound:evil.mp3] \\(x\\) {{c2::no::hint}}"),
    Cue(3, 4000, 6000, "Hang in there."),
    Cue(4, 60_000, 62_000, "Hang in there."),
]
DAY = 86_400


said = spoken_in(CUES, definition="to go <on>", kind="phrasal verb")
FIGURE = said("figure out", 2, ((2, 8, 14), (2, 22, 25)), 1, 3)
HANG, AGAIN = said("hang in there", 3, ((3, 0, 13),), 1, 3), said("hang in there", 4, ((4, 0, 13),), 4, 4)
GROUPS = tuple(group_expressions([FIGURE, HANG, AGAIN]))
FIRST, SECOND = GROUPS


def make(**more):
    return Manifest(**({"episode": "The Paper Moon", "groups": GROUPS} | more))


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    "A folder with a clip and a picture of each group, and their records."
    folder, tools, records = tmp_path_factory.mktemp("episode"), find_tools(), []
    (folder / "clips").mkdir()
    for number, group in enumerate(GROUPS):
        length = f"{group.duration_ms / 1000}"
        film = ["-f", "lavfi", "-i", f"testsrc=s=640x480:r=24:d={length}", "-f", "lavfi", "-i", f"sine={440 + 220 * number}:d={length}"]
        place = folder / "clips" / group.id
        run_ffmpeg([*film, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", f"{place}.mp4", "-frames:v", "1", "-s", "320x180", f"{place}.jpg"], tools)
        records.append(ClipRecord(path=f"clips/{group.id}.mp4", group_id=group.id))
    return folder, tuple(records)


class Opened:
    "What a package holds: notes by kind, their ids and tags, note types, decks and media."

    def __init__(self, path, folder):
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            names = json.loads(archive.read("media"))
            self.media = {name: archive.read(number) for number, name in names.items()}
            assert len(self.media) == len(names) == len(archive.namelist()) - 2
            archive.extract("collection.anki2", folder)
        base = sqlite3.connect(folder / "collection.anki2")
        models, decks = (json.loads(text) for text in base.execute("select models, decks from col").fetchone())
        self.types = {model["name"].split()[1]: model for model in models.values()}
        self.decks = {deck["name"] for deck in decks.values()}
        kinds = {str(model["id"]): kind for kind, model in self.types.items()}
        self.notes, self.guids, self.tags = {}, {}, {}
        for guid, flds, tags, mid in base.execute("select guid, flds, tags, mid from notes order by id"):
            kind = kinds[str(mid)]
            self.notes.setdefault(kind, []).append(dict(zip(FIELDS, flds.split("\x1f"), strict=True)))
            self.guids.setdefault(kind, []).append(guid)
            self.tags.setdefault(kind, []).append(set(tags.split()))
        base.close()


def test_notes_hold_what_is_learned(tmp_path):
    deck = Opened(write_deck(make(), tmp_path / "deck.apkg", CUES, tmp_path, {1: "달이 고장 났어?", 2: "다 알아낼 수 <있어>?"}), tmp_path)
    figure, hang, _ = deck.notes["recognition"]
    assert figure["Expression"] == "figure out"
    assert figure["Line"].startswith("Can you <mark>figure</mark> it all <mark>out</mark>?")
    assert figure["Cloze"].startswith("Can you {{c1::figure}} it all {{c1::out}}?")
    assert (figure["Translation"], figure["Definition"], figure["Example"], figure["Similar"]) == ("버티다", "to go &lt;on&gt;", "An example.", "hold on")
    assert (figure["Level"], figure["Source"]) == ("B1 · phrasal verb", "The Paper Moon · 0:02")
    assert figure["LineTranslation"] == "다 알아낼 수 &lt;있어&gt;?"
    assert figure["Before"] == '<div dir="auto"><b>MAYA &amp; co</b> Is the moon &lt;b&gt;broken&lt;/b&gt;?<i dir="auto">달이 고장 났어?</i></div>'
    assert figure["After"] == '<div dir="auto">Hang in there.</div>'
    assert hang["Before"].count("<div") == 2
    assert hang["After"] == ""
    assert deck.tags["cloze"][0] == {"langflix", "langflix::level::B1", "langflix::kind::phrasal-verb", "langflix::episode::The-Paper-Moon"}


def test_without_a_clip_there_is_nothing_to_listen_to(tmp_path):
    deck = Opened(write_deck(make(), tmp_path / "deck.apkg", CUES, tmp_path), tmp_path)
    assert {kind: len(notes) for kind, notes in deck.notes.items()} == {"recognition": 3, "cloze": 3}
    assert {note["Audio"] + note["Clip"] + note["Picture"] for notes in deck.notes.values() for note in notes} == {""}


def test_the_answer_is_not_in_the_question(tmp_path):
    for cues in (CUES, []):
        deck = Opened(write_deck(make(), tmp_path / "deck.apkg", cues, tmp_path), tmp_path)
        for note in deck.notes["cloze"]:
            left = re.sub(r"{{c1::.*?}}", "", note["Cloze"])
            assert left != note["Cloze"]
            assert "figure" not in left
            assert "Hang" not in left


def test_dialogue_cannot_play_a_sound_set_a_formula_or_make_a_gap(tmp_path):
    deck = Opened(write_deck(make(), tmp_path / "deck.apkg", CUES, tmp_path), tmp_path)
    everything = json.dumps(deck.notes, ensure_ascii=False)
    assert "[sound:" not in everything
    assert "\\\\(" not in everything
    assert "&#91;sound:evil.mp3&#93;" in everything
    assert "c2::" not in everything


def test_a_deck_leaves_nothing_among_temporary_files(tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    write_deck(make(), tmp_path / "deck.apkg", CUES, tmp_path)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_the_same_input_has_the_same_ids(tmp_path):
    first, second = (Opened(write_deck(make(), tmp_path / f"{n}.apkg", CUES, tmp_path, made_s=n * DAY), tmp_path) for n in (1, 2))
    assert first.guids == second.guids
    assert len({guid for guids in first.guids.values() for guid in guids}) == 6
    assert [model["id"] for model in first.types.values()] == [model["id"] for model in second.types.values()]
    assert first.decks == second.decks >= {"LangFlix::The Paper Moon::Cloze", "LangFlix::The Paper Moon::Recognition"}


def test_better_times_and_another_analyzer_update_the_same_note(tmp_path):
    moved = FIGURE.model_copy(update={"start_ms": 2300, "context_start_ms": 1300, "source": "embedded", "translation": "알아내다", "context_cue_end": 2})
    new = Opened(write_deck(make(groups=tuple(group_expressions([moved]))), tmp_path / "b.apkg", CUES, tmp_path), tmp_path)
    old = Opened(write_deck(make(), tmp_path / "a.apkg", CUES, tmp_path), tmp_path)
    assert new.guids["cloze"] == old.guids["cloze"][:1]
    assert new.notes["cloze"][0]["Translation"] == "알아내다"


@pytest.mark.parametrize("other", [{"episode": "Another"}, {"languages": Languages(source="fr")}, {"languages": Languages(target="ar")}])
def test_another_episode_and_other_languages_have_other_notes(tmp_path, other):
    first = Opened(write_deck(make(), tmp_path / "a.apkg", CUES, tmp_path), tmp_path)
    second = Opened(write_deck(make(**other), tmp_path / "b.apkg", CUES, tmp_path), tmp_path)
    assert not set(first.guids["cloze"]) & set(second.guids["cloze"])


def test_a_scene_is_in_the_deck_once_and_each_line_by_itself(tmp_path, clips):
    folder, records = clips
    deck = Opened(write_deck(make(clips=records), tmp_path / "a.apkg", CUES, folder), tmp_path)
    notes = deck.notes["listening"]
    films, sounds = ([re.fullmatch(r"\[sound:(langflix-.+)\]", note[field])[1] for note in notes] for field in ("Clip", "Audio"))
    assert films[0] == films[1] != films[2]
    assert len(set(sounds)) == 3
    assert set(deck.media) == {*films, *sounds, *(re.fullmatch('<img src="(.+)">', note["Picture"])[1] for note in notes)}
    assert deck.media[films[0]] == (folder / records[0].path).read_bytes()
    assert [notes[i][field] for i in range(3) for field in ("Clip", "Audio", "Picture")] == [deck.notes["cloze"][i][field] for i in range(3) for field in ("Clip", "Audio", "Picture")]
    other = Opened(write_deck(make(clips=records, episode="Another"), tmp_path / "b.apkg", CUES, folder), tmp_path)
    assert not set(other.media) & set(deck.media)


def test_a_line_is_cut_with_a_little_around_it_and_never_past_its_scene():
    assert line_window(FIGURE, FIRST) == (850, 3150)
    assert line_window(HANG, FIRST) == (2850, 5000)
    assert line_window(AGAIN, SECOND) == (0, 2000)


def test_a_small_film_is_encoded_once_and_none_leaves_the_sound(tmp_path, clips):
    folder, records = clips
    cache, tools = tmp_path / "cache", find_tools()
    small = Opened(write_deck(make(clips=records), tmp_path / "a.apkg", CUES, folder, options=Deck(video="small"), cache=cache), tmp_path)
    kept = {path: path.stat().st_mtime_ns for path in cache.rglob("*.mp4")}
    assert len(kept) == 2
    small_clip(folder / records[0].path, cache, tools)
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*.mp4")} == kept
    assert sorted(data for name, data in small.media.items() if name.endswith(".mp4")) == sorted(path.read_bytes() for path in kept)
    assert {probed(path, "v")["height"] for path in kept} == {"360"}
    none = Opened(write_deck(make(clips=records), tmp_path / "b.apkg", CUES, folder, options=Deck(video="none")), tmp_path)
    assert {name.rsplit(".", 1)[1] for name in none.media} == {"jpg", "m4a"}
    assert {note["Clip"] for note in none.notes["recognition"]} == {""}


def test_a_learner_may_leave_out_kinds_of_cards(tmp_path, clips):
    deck = Opened(write_deck(make(clips=clips[1]), tmp_path / "a.apkg", CUES, clips[0], options=Deck(cards="cloze,listening")), tmp_path)
    assert {kind: len(notes) for kind, notes in deck.notes.items()} == {"cloze": 3, "listening": 3}


def test_a_clip_that_is_gone(tmp_path):
    with pytest.raises(InputError, match=r"gone\.mp4: the manifest names this clip") as caught:
        write_deck(make(clips=(ClipRecord(path="clips/gone.mp4", group_id=FIRST.id),)), tmp_path / "a.apkg", CUES, tmp_path)
    assert "langflix render" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_every_field_of_the_cards_exists_and_no_question_tells_the_answer(tmp_path, clips):
    deck = Opened(write_deck(make(clips=clips[1]), tmp_path / "a.apkg", CUES, clips[0]), tmp_path)
    for model in deck.types.values():
        (card,) = model["tmpls"]
        assert set(re.findall(r"{{[#/^]?(?:cloze:)?(\w+)}}", card["qfmt"] + card["afmt"])) <= {field["name"] for field in model["flds"]} == set(FIELDS)
        assert "{{Expression}}" not in card["qfmt"]
        assert "{{Definition}}" not in card["qfmt"]
    assert "{{Line}}" not in deck.types["listening"]["tmpls"][0]["qfmt"]
    assert "{{Audio}}" not in deck.types["cloze"]["tmpls"][0]["qfmt"]


# What follows asks Anki itself.


@pytest.fixture
def anki(tmp_path):
    collection = Collection(str(tmp_path / "collection.anki2"))
    yield collection
    collection.close()


def take(collection, package):
    "Import a package as Anki's dialog does."
    collection.import_anki_package(ImportAnkiPackageRequest(package_path=str(package), options=ImportAnkiPackageOptions(merge_notetypes=True)))


def probed(path, stream="a"):
    "A stream's facts."
    asked = [find_tools().ffprobe, "-v", "error", "-select_streams", stream, "-show_entries", "stream=codec_name,height:format=duration", "-of", "default=nw=1", path]
    return dict(row.split("=") for row in subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split())


def of_kind(collection, kind, pair="en-ko"):
    return [collection.get_note(number) for number in collection.find_notes(f'"note:LangFlix {kind} ({pair})"')]


def test_a_second_import_adds_nothing(tmp_path, anki, clips):
    for number in (1, 2):
        take(anki, write_deck(make(clips=clips[1]), tmp_path / f"{number}.apkg", CUES, clips[0], made_s=number * DAY))
        assert (anki.note_count(), anki.card_count()) == (9, 9)
        assert {len(of_kind(anki, kind)) for kind in ("recognition", "cloze", "listening")} == {3}
        media = sorted(path.name for path in tmp_path.joinpath("collection.media").iterdir())
        assert len(media) == 2 + 2 + 3
    checked = anki.media.check()
    assert (list(checked.missing), list(checked.unused)) == ([], [])


def test_media_are_there_and_play(tmp_path, anki, clips):
    take(anki, write_deck(make(clips=clips[1]), tmp_path / "a.apkg", CUES, clips[0]))
    folder = tmp_path / "collection.media"
    for note, expression, group in zip(of_kind(anki, "listening"), (FIGURE, HANG, AGAIN), (FIRST, FIRST, SECOND), strict=True):
        sound, film = (note[field].removeprefix("[sound:").removesuffix("]") for field in ("Audio", "Clip"))
        low, high = line_window(expression, group)
        heard, seen = probed(folder / sound), probed(folder / film, "v")
        assert heard["codec_name"] == "aac"
        assert abs(float(heard["duration"]) * 1000 - (high - low)) < 50
        assert seen["codec_name"] == "h264"
        assert abs(float(seen["duration"]) * 1000 - group.duration_ms) < 100
        run_ffmpeg(["-xerror", "-i", str(folder / sound), "-i", str(folder / film), "-map", "0", "-map", "1", "-f", "null", "-"], find_tools())


def test_a_better_translation_updates_the_note_and_keeps_what_was_learned(tmp_path, anki, clips):
    take(anki, write_deck(make(), tmp_path / "a.apkg", CUES, tmp_path, made_s=DAY))
    (card,) = of_kind(anki, "cloze")[0].cards()
    card.reps, card.ivl, card.type, card.queue = 7, 30, 2, 2
    anki.update_card(card)
    better = FIGURE.model_copy(update={"translation": "알아내다"})
    take(anki, write_deck(make(groups=tuple(group_expressions([better, HANG, AGAIN]))), tmp_path / "b.apkg", CUES, tmp_path, made_s=2 * DAY))
    assert [note["Translation"] for note in of_kind(anki, "cloze")] == ["알아내다", "버티다", "버티다"]
    same = anki.get_card(card.id)
    assert (same.reps, same.ivl) == (7, 30)


def test_korean_and_arabic_come_through_in_their_direction(tmp_path, anki):
    arabic = FIGURE.model_copy(update={"translation": "يكتشف", "context_translation": ("هل القمر مكسور؟", "هل تستطيع؟", "اصمد.")})
    manifest = make(groups=tuple(group_expressions([arabic])), languages=Languages(source="en", target="ar"))
    take(anki, write_deck(manifest, tmp_path / "ar.apkg", CUES, tmp_path))
    korean = FIGURE.model_copy(update={"translation": "알아내다"})
    take(anki, write_deck(make(groups=tuple(group_expressions([korean]))), tmp_path / "ko.apkg", CUES, tmp_path, {2: "알아낼 수 있어?"}))
    (note,), (other,) = of_kind(anki, "recognition", "en-ar"), of_kind(anki, "recognition")
    assert (note["Translation"], note["LineTranslation"]) == ("يكتشف", "هل تستطيع؟")
    assert (other["Translation"], other["LineTranslation"]) == ("알아내다", "알아낼 수 있어?")
    sides = {field["name"]: field["rtl"] for field in note.note_type()["flds"]}
    assert {name for name, right_to_left in sides.items() if right_to_left} == {"Translation", "LineTranslation"}
    assert not any(field["rtl"] for field in other.note_type()["flds"])
    assert '<p class="meaning" lang="ar" dir="rtl">يكتشف</p>' in note.cards()[0].answer()
    assert '<p class="meaning" lang="ko" dir="ltr">알아내다</p>' in other.cards()[0].answer()


def test_anki_draws_the_gap_and_knows_what_to_play(tmp_path, anki, clips):
    take(anki, write_deck(make(clips=clips[1]), tmp_path / "a.apkg", CUES, clips[0]))
    (cloze,), (hear,), (see,) = (of_kind(anki, kind)[0].cards() for kind in ("cloze", "listening", "recognition"))
    assert cloze.question().count(">[...]</span>") == 2
    assert "figure" not in re.sub(r'data-cloze="[^"]*"', "", cloze.question().partition("</style>")[2])
    assert [tag.filename.rsplit(".", 1)[1] for tag in cloze.question_av_tags()] == []
    assert [tag.filename.rsplit(".", 1)[1] for tag in cloze.answer_av_tags()] == ["m4a", "mp4"]
    assert [tag.filename.rsplit(".", 1)[1] for tag in hear.question_av_tags()] == ["m4a"]
    assert [tag.filename.rsplit(".", 1)[1] for tag in see.answer_av_tags()] == ["mp4"]
    assert "figure" not in hear.question().partition("</style>")[2]
    assert "{{" not in "".join(side for card in (cloze, hear, see) for side in (card.question(), card.answer())).replace("&#123;&#123;", "")


def test_an_empty_deck_can_still_be_imported(tmp_path, anki):
    take(anki, write_deck(make(groups=()), tmp_path / "a.apkg", [], tmp_path))
    assert anki.note_count() == 0
