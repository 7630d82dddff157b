"""Lists of known expressions: text, CSV, and what the real Anki writes."""

import shutil
import zipfile

import pytest

from langflix.core import InputError
from langflix.keys import expression_key
from langflix.known import known_keys, read_known

FRONTS = ["<b>give</b> up [sound:x.mp3]", "I {{c1::blew it::failed}} again.", "Change&nbsp;one's mind"]


def texts(path):
    return [known.text for known in read_known(path)]


@pytest.fixture(scope="module")
def anki(tmp_path_factory):
    "A collection of the real Anki, and its packages of both formats."
    from anki.collection import Collection, DeckIdLimit, ExportAnkiPackageOptions

    folder = tmp_path_factory.mktemp("anki")
    collection = Collection(str(folder / "collection.anki2"))
    deck = collection.decks.id("Words")
    for name, field in (("Basic", FRONTS[0]), ("Cloze", FRONTS[1]), ("Basic", FRONTS[2])):
        note = collection.new_note(collection.models.by_name(name))
        note.fields[0], note.fields[1] = field, "뒤"
        collection.add_note(note, deck)
    made = {}
    for legacy in (False, True):
        options = ExportAnkiPackageOptions(with_scheduling=False, with_deck_configs=False, with_media=False, legacy=legacy)
        made[f"deck-{legacy}"] = folder / f"deck-{legacy}.apkg"
        collection.export_anki_package(out_path=str(made[f"deck-{legacy}"]), options=options, limit=DeckIdLimit(deck))
    made["text"], made["bare"] = folder / "notes.txt", folder / "bare.txt"
    all_of_it = {"with_deck": True, "with_notetype": True, "with_guid": True}
    collection.export_note_csv(out_path=str(made["text"]), limit=None, with_html=True, with_tags=True, **all_of_it)
    collection.export_note_csv(out_path=str(made["bare"]), limit=None, with_html=False, with_tags=False, **dict.fromkeys(all_of_it, False))
    collection.close(downgrade=False)
    for legacy in (False, True):
        collection = Collection(str(folder / "collection.anki2"))
        made[f"all-{legacy}"] = folder / f"all-{legacy}.colpkg"
        collection.export_collection_package(str(made[f"all-{legacy}"]), include_media=False, legacy=legacy)
    made["collection"] = folder / "collection.anki2"
    return made


@pytest.mark.parametrize("kind", ["deck-False", "deck-True", "all-False", "all-True", "collection", "text", "bare"])
def test_every_file_of_anki_is_read(anki, kind):
    assert texts(anki[kind]) == ["give up", "blew it", "I blew it again.", "Change one's mind"]


def test_an_open_collection_is_read_and_not_changed(tmp_path, anki):
    from anki.collection import Collection

    path = tmp_path / "collection.anki2"
    shutil.copy(anki["collection"], path)
    collection = Collection(str(path))
    try:
        note = collection.new_note(collection.models.by_name("Basic"))
        note.fields[0] = "hang in there"
        collection.add_note(note, collection.decks.id("Words"))
        before = path.read_bytes()
        assert "hang in there" in texts(path)
        assert path.read_bytes() == before
    finally:
        collection.close()


def test_a_deck_of_ours_is_read_by_its_expression(tmp_path):
    import genanki

    model = genanki.Model(1, "M", fields=[{"name": "Id"}, {"name": "Expression"}], templates=[{"name": "t", "qfmt": "{{Expression}}", "afmt": "{{Id}}"}])
    deck = genanki.Deck(2, "D")
    deck.add_note(genanki.Note(model, ["e17", "hang in there"]))
    genanki.Package(deck).write_to_file(tmp_path / "d.apkg")
    assert texts(tmp_path / "d.apkg") == ["hang in there"]


def test_text_with_remarks(tmp_path):
    path = tmp_path / "w.txt"
    path.write_text("\ufeff# mine\n\nto give (sth) up\r\n  hang in there \t버티다\n#off\n", encoding="utf-8")
    assert [(k.text, k.place) for k in read_known(path)] == [("to give (sth) up", "w.txt, line 3"), ("hang in there", "w.txt, line 4")]


@pytest.mark.parametrize(("table", "found"), [
    ("a,b\nc,d\n", ["a", "c"]), ("n;Expression\n1;give up\n", ["give up"]), ("Front\tBack\ngive up\t포기\n", ["give up"]),
    ("#separator:tab\n#html:true\ngive up\t포기\n", ["give up"]), ('"give up, at last","x"\n', ["give up, at last"]),
])  # fmt: skip
def test_columns_of_tables(tmp_path, table, found):
    path = tmp_path / "w.csv"
    path.write_text(table, encoding="utf-8")
    assert texts(path) == found


def test_keys_say_where_they_are_from(tmp_path):
    path = tmp_path / "w.txt"
    path.write_text("gave it up\nbe fed up (with)\n")
    keys, notes = known_keys([path])
    assert keys["give up"] == "w.txt, line 1: gave it up"
    assert {expression_key("fed up"), expression_key("be fed up with")} <= set(keys)
    assert notes == ["w.txt: 2 known expressions"]


def test_broken_files_say_the_way_out(tmp_path, anki):
    whole = anki["deck-False"].read_bytes()
    cases = {"half.apkg": whole[: len(whole) // 2], "none.apkg": b"", "text.colpkg": b"give up\n", "noise.anki2": b"SQLite format 3\0" + b"x" * 500}
    for name, data in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError, match=name) as error:
            read_known(tmp_path / name)
        assert "Export it again" in error.value.hint
    with zipfile.ZipFile(tmp_path / "other.apkg", "w") as package:
        package.writestr("readme", "hello")
    with pytest.raises(InputError, match="no collection"):
        read_known(tmp_path / "other.apkg")
    with zipfile.ZipFile(tmp_path / "damaged.apkg", "w") as package:
        package.writestr("collection.anki21b", b"\x28\xb5\x2f\xfd damaged")
    with pytest.raises(InputError, match="not a whole"):
        read_known(tmp_path / "damaged.apkg")


def test_a_missing_list_is_an_error(tmp_path):
    with pytest.raises(InputError, match="cannot be read") as error:
        known_keys([tmp_path / "none.txt"])
    assert error.value.exit_status == 2
