"""The deck is a package that Anki can import: right fields, stable ids, every clip once."""

import json
import re
import sqlite3
import zipfile

import pytest

from langflix.core import Cue, InputError
from langflix.deck import FIELDS, write_deck
from langflix.export import ClipRecord, Languages, Manifest
from langflix.groups import group_expressions
from langflix.timing import Expression

CUES = [
    Cue(1, 1000, 2000, "Is the moon <b>broken</b>?", speaker="MAYA & co"),
    Cue(2, 2000, 4000, "Can you figure\nit all out? [sound:evil.mp3] \\(x\\)"),
    Cue(3, 4000, 6000, "Hang in there."),
    Cue(4, 60_000, 62_000, "Hang in there."),
]


def said(expression, cue, spans, first, last, **more):
    at = {c.index: c for c in CUES}
    fields = {
        "expression": expression, "start_ms": at[cue].start_ms, "end_ms": at[cue].end_ms, "cue_start": cue, "cue_end": cue,
        "context_start_ms": at[first].start_ms, "context_end_ms": at[last].end_ms, "context_cue_start": first, "context_cue_end": last,
        "text": at[cue].line, "spans": spans, "translation": "버티다", "definition": "to go <on>", "context_translation": (), "example": "An example.",
        "similar": ("hold on",), "level": "B1", "kind": "phrasal verb", "score": 0.5, "source": "gemini",
    }  # fmt: skip
    return Expression(**(fields | more))


FIGURE = said("figure out", 2, ((2, 8, 14), (2, 22, 25)), 1, 3)
HANG, AGAIN = said("hang in there", 3, ((3, 0, 13),), 1, 3), said("hang in there", 4, ((4, 0, 13),), 4, 4)
GROUPS = tuple(group_expressions([FIGURE, HANG, AGAIN]))


def make(**more):
    return Manifest(**({"episode": "The Paper Moon", "groups": GROUPS} | more))


def opened(path, folder):
    "Notes by their fields, guids, cards, decks and media of a package."
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = json.loads(archive.read("media"))
        media = {name: archive.read(number) for number, name in names.items()}
        assert len(media) == len(names) == len(archive.namelist()) - 2
        archive.extract("collection.anki2", folder)
    base = sqlite3.connect(folder / "collection.anki2")
    notes = base.execute("select guid, flds, tags, mid from notes order by id").fetchall()
    (models, decks) = (json.loads(text) for text in base.execute("select models, decks from col").fetchone())
    cards = base.execute("select count(*) from cards").fetchone()[0]
    base.close()
    rows = [dict(zip(FIELDS, flds.split("\x1f"), strict=True)) for _, flds, _, _ in notes]
    return {"rows": rows, "guids": [n[0] for n in notes], "tags": [n[2].split() for n in notes], "models": models, "decks": decks, "cards": cards, "media": media}


def test_notes_hold_what_is_learned(tmp_path):
    deck = opened(write_deck(make(), tmp_path / "deck.apkg", CUES, tmp_path, {2: "다 알아낼 수 <있어>?"}), tmp_path)
    figure, hang, again = deck["rows"]
    assert deck["cards"] == 3
    assert figure["Expression"] == "figure out"
    assert figure["Line"].startswith("Can you <mark>figure</mark> it all <mark>out</mark>?")
    assert figure["Gap"].startswith('Can you <span class="gap">[…]</span> it all <span class="gap">[…]</span>?')
    assert (figure["Translation"], figure["Definition"], figure["Example"]) == ("버티다", "to go &lt;on&gt;", "An example.")
    assert figure["Level"] == "B1 · phrasal verb · 0:02"
    assert "<i>다 알아낼 수 &lt;있어&gt;?</i>" in figure["Context"]
    assert "<b>MAYA &amp; co</b> Is the moon &lt;b&gt;broken&lt;/b&gt;?" in figure["Context"]
    assert hang["Media"] == again["Media"] == ""
    assert set(deck["tags"][0]) == {"langflix", "B1", "phrasal-verb"}


def test_the_answer_is_not_in_the_question(tmp_path):
    for cues in (CUES, []):
        for row in opened(write_deck(make(), tmp_path / "deck.apkg", cues, tmp_path), tmp_path)["rows"]:
            assert "figure" not in row["Gap"]
            assert "Hang" not in row["Gap"]
            assert "gap" in row["Gap"]


def test_dialogue_cannot_play_a_sound_or_set_a_formula(tmp_path):
    deck = opened(write_deck(make(), tmp_path / "deck.apkg", CUES, tmp_path), tmp_path)
    everything = json.dumps(deck["rows"], ensure_ascii=False)
    assert "[sound:" not in everything
    assert "\\\\(" not in everything
    assert "&#91;sound:evil.mp3&#93;" in everything


def test_the_same_input_has_the_same_guids(tmp_path):
    first = opened(write_deck(make(), tmp_path / "a.apkg", CUES, tmp_path), tmp_path)
    second = opened(write_deck(make(), tmp_path / "b.apkg", CUES, tmp_path), tmp_path)
    assert first["guids"] == second["guids"]
    assert len(set(first["guids"])) == 3
    assert set(first["models"]) == set(second["models"])
    assert set(first["decks"]) == set(second["decks"])


def test_better_times_and_another_analyzer_update_the_same_note(tmp_path):
    moved = FIGURE.model_copy(update={"start_ms": 2300, "context_start_ms": 1300, "source": "embedded", "translation": "알아내다", "context_cue_end": 2})
    (group,) = group_expressions([moved])
    new = opened(write_deck(make(groups=(group,)), tmp_path / "b.apkg", CUES, tmp_path), tmp_path)
    old = opened(write_deck(make(), tmp_path / "a.apkg", CUES, tmp_path), tmp_path)
    assert new["guids"] == old["guids"][:1]
    assert new["rows"][0]["Translation"] == "알아내다"


@pytest.mark.parametrize("other", [{"episode": "Another"}, {"languages": Languages(source="fr")}])
def test_another_episode_has_other_notes(tmp_path, other):
    first = opened(write_deck(make(), tmp_path / "a.apkg", CUES, tmp_path), tmp_path)
    second = opened(write_deck(make(**other), tmp_path / "b.apkg", CUES, tmp_path), tmp_path)
    assert not set(first["guids"]) & set(second["guids"])


def test_a_clip_is_included_once_under_a_name_of_its_own(tmp_path):
    (tmp_path / "clips").mkdir()
    clips = []
    for number, group in enumerate(GROUPS):
        (tmp_path / "clips" / f"{group.id}.mp4").write_bytes(b"video %d" % number)
        clips.append(ClipRecord(path=f"clips/{group.id}.mp4", group_id=group.id))
    deck = opened(write_deck(make(clips=tuple(clips)), tmp_path / "a.apkg", CUES, tmp_path), tmp_path)
    named = [re.fullmatch(r"\[sound:(langflix-[0-9a-f]+-g[0-9a-f-]+\.mp4)\]", row["Media"]).group(1) for row in deck["rows"]]
    assert named[0] == named[1] != named[2]
    assert {name: deck["media"][name] for name in named} == {named[0]: b"video 0", named[2]: b"video 1"}
    other = opened(write_deck(make(clips=tuple(clips), episode="Another"), tmp_path / "b.apkg", CUES, tmp_path), tmp_path)
    assert not set(other["media"]) & set(deck["media"])


def test_a_clip_that_is_gone(tmp_path):
    with pytest.raises(InputError, match=r"gone\.mp4: the manifest names this clip") as caught:
        write_deck(make(clips=(ClipRecord(path="clips/gone.mp4", group_id=GROUPS[0].id),)), tmp_path / "a.apkg", CUES, tmp_path)
    assert "langflix render" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_an_empty_deck_is_still_a_deck(tmp_path):
    deck = opened(write_deck(make(groups=()), tmp_path / "a.apkg", [], tmp_path), tmp_path)
    assert deck["rows"] == []
    assert "LangFlix::The Paper Moon" in {one["name"] for one in deck["decks"].values()}


def test_every_field_of_the_card_exists(tmp_path):
    deck = opened(write_deck(make(), tmp_path / "a.apkg", CUES, tmp_path), tmp_path)
    (model,) = deck["models"].values()
    used = set(re.findall(r"{{[#/^]?(\w+)}}", model["tmpls"][0]["qfmt"] + model["tmpls"][0]["afmt"]))
    assert used <= {field["name"] for field in model["flds"]} == set(FIELDS)
    assert "{{Expression}}" not in model["tmpls"][0]["qfmt"]
