"""The catalogue finds what manifests say, in both databases, with several processes at once, and tells what is wrong with a database."""

import ctypes
import json
import os
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from servers import postgres

from langflix import database
from langflix.catalogue import Catalogue, open_catalogue, search_words
from langflix.config import Settings
from langflix.core import InputError, SettingsError
from langflix.database import CatalogueError, metadata, open_database, read_url, sqlite_url
from langflix.export import Languages, LessonRecord, Manifest, Stats, write_manifest
from langflix.groups import ExpressionGroup
from langflix.timing import Expression


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    "A new database of each kind."
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "catalogue.db")
    name = "t" + os.urandom(6).hex()
    return read_url(request.getfixturevalue("postgresql").new_database(name))


@pytest.fixture
def catalogue(url, tmp_path):
    opened = Catalogue(open_database(url), tmp_path)
    yield opened
    opened.close()


def expression(name, start_ms=1000, **changes):
    fields = {
        "expression": name, "start_ms": start_ms, "end_ms": start_ms + 900, "cue_start": 1, "cue_end": 1, "context_start_ms": start_ms, "context_end_ms": start_ms + 900,
        "context_cue_start": 1, "context_cue_end": 1, "text": f"We {name} now.", "spans": (), "translation": "번역", "definition": "what it means", "context_translation": (),
        "example": "", "similar": (), "level": "B1", "kind": "idiom", "score": 0.5, "source": "embedded",
    }  # fmt: skip
    return Expression(**(fields | changes))


def manifest(episode, *texts, at=1, lessons=(), **changes):
    "A manifest that teaches some expressions, each in a scene of its own."
    found = [text if isinstance(text, Expression) else expression(text, 1000 * n) for n, text in enumerate(texts, 1)]
    groups = tuple(ExpressionGroup(id=f"g{n}", context_start_ms=e.start_ms, context_end_ms=e.end_ms, expressions=(e,)) for n, e in enumerate(found))
    return Manifest(episode=episode, groups=groups, lessons=lessons, created_at=datetime(2026, 1, at, tzinfo=UTC), **changes)


def record(catalogue, *manifests):
    for one in manifests:
        catalogue.record(one, catalogue.root / one.episode)


def found(page):
    return [one.expression for one in page.items]


def rows(catalogue, table):
    with catalogue._database.reading() as connection:
        return connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar()


# What is recorded


def test_an_expression_has_all_that_a_page_needs(catalogue):
    lesson = LessonRecord(path="lessons/long/001.mp4", layout="long", mode="separate", group_id="g0", expression="give up")
    record(catalogue, manifest("Show.S02E03", "give up", lessons=[lesson]))
    (one,) = catalogue.search("give up").items
    assert (one.episode, one.folder, one.show, one.season, one.number) == ("Show.S02E03", "Show.S02E03", "show", 2, 3)
    assert (one.lesson, one.group_id, one.start_ms, one.translation, one.line) == ("lessons/long/001.mp4", "g0", 1000, "번역", "We give up now.")


def test_a_folder_elsewhere_keeps_its_whole_path(catalogue, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    catalogue.record(manifest("film", "give up"), elsewhere / "film")
    assert catalogue.search().items[0].folder == (elsewhere / "film").as_posix()


def test_recording_again_replaces_and_keeps_the_history_of_runs(catalogue):
    record(catalogue, manifest("a", "give up", "hang on", at=1), manifest("a", "give up", "hang on", at=1))
    assert [rows(catalogue, table) for table in ("episodes", "runs", "expressions", "expression_words", "taught")] == [1, 1, 2, 2, 2]
    record(catalogue, manifest("a", "break down", at=2, stats=Stats(tokens=5_000_000_000)))
    assert found(catalogue.search()) == ["break down"]
    assert found(catalogue.search("hang")) == []
    assert [rows(catalogue, table) for table in ("episodes", "runs", "expressions", "expression_words", "taught")] == [1, 2, 1, 1, 1]


def test_an_episode_without_expressions_is_still_an_episode(catalogue):
    record(catalogue, manifest("quiet"))
    assert [(one.name, one.expressions) for one in catalogue.episodes().items] == [("quiet", 0)]
    assert catalogue.search() == catalogue.search("x")
    assert catalogue.search().next is None


def test_a_failure_in_the_middle_leaves_what_was_there(catalogue, monkeypatch):
    record(catalogue, manifest("a", "give up"))
    monkeypatch.setitem(sys.modules["langflix.catalogue"]._INSERT_WORDS, catalogue._database.url.get_backend_name(), "INSERT INTO nowhere VALUES (:id)")
    with pytest.raises(CatalogueError):
        record(catalogue, manifest("a", "hang on"))
    assert found(catalogue.search()) == ["give up"]


# Search


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("give", ["give up", "never give in"]), ("GIV", ["give up", "never give in"]), ("give u", ["give up"]), ("up give", ["give up"]), ("ive", []),
        ("포기", ["give up"]), ("포기하다", ["give up"]), ("하다", []), ("cafe", ["hang on"]), ("café", ["hang on"]), ("dont", ["don't mention it"]),
        ("don't", ["don't mention it"]), ("DON’T", ["don't mention it"]), ("敗", ["never give in"]), ("失敗", ["never give in"]), ("敗失", []),
        ("कि", ["hang on"]), ("...", []), ('"', []), ("give* OR hang", []), ("'; DROP TABLE expressions --", []), ("give & !up | (", ["give up"]), ("\\", []), ("ﬁne", ["hang on"]),
    ],
)  # fmt: skip
def test_a_query_finds_beginnings_of_words(catalogue, query, expected):
    record(catalogue, manifest(
        "a", expression("give up", translation="포기하다"), expression("never give in", 2000, translation="失敗"), expression("don't mention it", 3000),
        expression("hang on", 4000, text="At the café, fine.", translation="किताब"),
    ))  # fmt: skip
    assert sorted(found(catalogue.search(query))) == sorted(expected)


def test_what_matches_itself_comes_before_what_only_says_it(catalogue):
    record(catalogue, manifest("a", expression("hang on", text="I give up."), expression("give up", 2000), expression("break down", 3000, definition="to give way")))
    assert found(catalogue.search("give")) == ["give up", "hang on", "break down"]


def test_a_lemma_finds_every_inflection(catalogue):
    record(catalogue, manifest("a", "gave up", "giving in", "take up"))
    assert found(catalogue.search(lemma="give")) == ["gave up", "giving in"]
    assert found(catalogue.search(lemma="gave up")) == found(catalogue.search(lemma="to give up")) == ["gave up"]
    assert found(catalogue.search("up", lemma="take")) == ["take up"]
    assert found(catalogue.search(lemma="gi")) == []


def test_filters_narrow_together(catalogue):
    record(catalogue, manifest("Show.S01E01", expression("a one", level="A1"), expression("b two", 2000, level="C1", kind="slang")), manifest("Other.S01E01", "c three"))
    assert found(catalogue.search(level="C1")) == ["b two"]
    assert found(catalogue.search(kind="idiom", show="SHOW")) == ["a one"]
    assert found(catalogue.search("two", level="A1")) == []
    assert found(catalogue.search(show="other")) == ["c three"]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_hold_everything_once(catalogue, limit):
    record(catalogue, *(manifest(f"e{n}", expression("give up"), expression("hang on", 2000, text="Never give in."), expression("let go", 3000)) for n in range(4)))
    for query, expected in (({"q": "give"}, 8), ({}, 12), ({"lemma": "give"}, 4), ({"q": "give", "level": "B1"}, 8)):
        seen, cursor = [], None
        while True:
            page = catalogue.search(**query, limit=limit, cursor=cursor)
            assert len(page.items) <= limit
            seen += [one.id for one in page.items]
            if (cursor := page.next) is None:
                break
        assert len(seen) == len(set(seen)) == expected


@pytest.mark.parametrize("wrong", [{"cursor": "x"}, {"cursor": "2-1"}, {"cursor": "0--1"}, {"cursor": "1-9" + "9" * 30}, {"limit": 0}, {"limit": 501}, {"limit": -5}])
def test_a_wrong_page_is_refused(catalogue, wrong):
    with pytest.raises(InputError):
        catalogue.search(**wrong)
    with pytest.raises(InputError):
        catalogue.episodes(**wrong)


def test_episodes_come_in_the_order_of_the_season(catalogue):
    record(catalogue, *(manifest(name, "x") for name in ("Show.S01E10", "Show.S02E01", "Show.S01E02", "Another.S01E01")))
    pages = [catalogue.episodes(limit=3), catalogue.episodes(limit=3, cursor=catalogue.episodes(limit=3).next)]
    assert [one.name for page in pages for one in page.items] == ["Another.S01E01", "Show.S01E02", "Show.S01E10", "Show.S02E01"]
    assert pages[1].next is None
    assert [one.name for one in catalogue.episodes(show="another").items] == ["Another.S01E01"]


# What was taught


def test_only_earlier_episodes_of_the_show_count(catalogue):
    record(catalogue, manifest("Show.S01E02", "gave up"), manifest("Show.S01E01", "give up", "hang on"), manifest("Show.S02E01", "let go"), manifest("Other.S01E01", "break down"))
    assert catalogue.taught_before("show", 1, 1) == {}
    assert catalogue.taught_before("show", 1, 2) == {"give up": "Show.S01E01", "hang on": "Show.S01E01"}
    assert catalogue.taught_before("Show", 2, 1) == {"give up": "Show.S01E01", "hang on": "Show.S01E01"}
    assert "let go" in catalogue.taught_before("show", 2, 2)
    assert catalogue.taught_before("show", 9, 9, target_lang="es") == {}


def test_each_learners_language_is_remembered_by_itself(catalogue):
    record(catalogue, manifest("Show.S01E01", "give up", languages=Languages(source="en", target="es")))
    assert catalogue.taught_before("show", 1, 2) == {}
    assert catalogue.taught_before("show", 1, 2, target_lang="es") == {"give up": "Show.S01E01"}


# Rebuild


def on_disk(root, *manifests):
    for one in manifests:
        write_manifest(one, root / one.episode / "manifest.json")


def test_a_rebuild_makes_the_catalogue_from_the_files(catalogue, tmp_path):
    on_disk(tmp_path, manifest("Show.S01E01", "give up"), manifest("Show.S01E02", "hang on"))
    on_disk(tmp_path / "deep" / "er", manifest("film", "let go"))
    record(catalogue, manifest("gone", "break down"))
    result = catalogue.rebuild()
    assert (result.recorded, result.removed, result.failures) == (3, 1, ())
    assert sorted(found(catalogue.search())) == ["give up", "hang on", "let go"]
    assert catalogue.search(lemma="let").items[0].folder == "deep/er/film"


@pytest.mark.parametrize("broken", [b"", b"{", b"[]", b'{"schema_version": 99}', b'{"schema_version": 1}', b"\xff\xfe\x00"])
def test_a_broken_manifest_is_told_and_the_rest_goes_on(catalogue, tmp_path, broken):
    on_disk(tmp_path, manifest("a", "give up"), manifest("z", "hang on"))
    record(catalogue, manifest("m", "let go"))
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "manifest.json").write_bytes(broken)
    result = catalogue.rebuild()
    assert (result.recorded, result.removed) == (2, 0)
    ((path, message),) = result.failures
    assert path.endswith("m/manifest.json")
    assert "manifest.json" in message
    assert sorted(found(catalogue.search())) == ["give up", "hang on", "let go"]  # what was known of m stays


def test_a_rebuild_of_one_folder_leaves_the_others(catalogue, tmp_path):
    on_disk(tmp_path / "one", manifest("a", "give up"))
    on_disk(tmp_path / "two", manifest("b", "hang on"))
    catalogue.rebuild()
    (tmp_path / "one" / "a" / "manifest.json").unlink()
    assert catalogue.rebuild(tmp_path / "two").removed == 0
    assert catalogue.rebuild(tmp_path / "one").removed == 1
    assert found(catalogue.search()) == ["hang on"]


def test_a_rebuild_of_no_folder_is_refused(catalogue, tmp_path):
    with pytest.raises(InputError):
        catalogue.rebuild(tmp_path / "nowhere")


# The database itself


def test_the_migrations_make_the_tables_that_the_code_uses(url):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    opened = open_database(url)
    with opened.reading() as connection:
        ours = lambda name, kind, *_: not (kind == "table" and name.startswith("expression_words"))  # noqa: E731
        context = MigrationContext.configure(connection, opts={"include_name": lambda name, kind, parents: ours(name or "", kind), "compare_type": True})
        different = [change for change in compare_metadata(context, metadata) if "expression_words" not in str(change)]
    assert different == []


def test_the_newest_migration_is_the_one_that_the_code_wants():
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(Path(database.__file__).parent / "data" / "migrations"))
    assert script.get_heads() == [database.REVISION]


def test_a_newer_database_is_refused_and_left_alone(url, tmp_path):
    opened = open_database(url)
    with opened.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    opened.close()
    with pytest.raises(CatalogueError, match="newer LangFlix") as told:
        open_database(url)
    assert "rebuild" in told.value.hint
    again = database.Database(url)
    with again.reading() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == "9999"


def test_a_migration_that_was_cut_off_leaves_nothing_half_done(url, monkeypatch):
    upgrade = database._upgrade

    def cut(connection):
        upgrade(connection)
        connection.execute(sa.text("SELECT * FROM nowhere"))

    monkeypatch.setattr(database, "_upgrade", cut)
    with pytest.raises(CatalogueError):
        open_database(url)
    monkeypatch.undo()
    opened = database.Database(url)
    with opened.reading() as connection:
        assert sa.inspect(connection).get_table_names() == []
    opened.migrate()


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_catalogue import manifest, record
from langflix.catalogue import Catalogue
from langflix.database import open_database, read_url
catalogue = Catalogue(open_database(read_url(sys.argv[2])), Path(sys.argv[3]))
for n in range(int(sys.argv[5])):
    record(catalogue, manifest(f"own{sys.argv[4]}-{n}", "give up", "hang on"), manifest("shared", f"take {sys.argv[4]} {n}"))
    assert len(catalogue.search("give").items) > 0
"""


def test_several_processes_write_and_read_at_once(url, tmp_path):
    address = url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", WRITER, str(Path(__file__).parent), address, str(tmp_path)]
    writers = [subprocess.Popen([*command, str(n), "15"], stderr=subprocess.PIPE, text=True) for n in range(5)]
    ends = [(writer.communicate()[1], writer.returncode) for writer in writers]
    assert [status for _, status in ends] == [0] * 5, ends
    catalogue = Catalogue(open_database(url), tmp_path)
    assert [rows(catalogue, table) for table in ("episodes", "expressions", "expression_words")] == [76, 151, 151]
    assert rows(catalogue, "taught") == 151


def test_a_locked_database_says_so(url, tmp_path):
    holder, late = open_database(url), Catalogue(open_database(url, timeout_s=0.2), tmp_path)
    record(late, manifest("a", "give up"))
    with holder.writing() as connection:
        connection.execute(sa.text("UPDATE episodes SET lessons = 5"))
        with pytest.raises(CatalogueError, match="locked by another program") as told:
            record(late, manifest("a", "hang on"))
        assert found(late.search()) == ["give up"]  # readers do not wait
    assert told.value.hint
    record(late, manifest("a", "hang on"))


def test_threads_share_a_catalogue(catalogue):
    errors = []

    def work(number):
        try:
            for n in range(5):
                record(catalogue, manifest(f"t{number}-{n}", "give up"))
                catalogue.search("give")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert rows(catalogue, "episodes") == 30


def test_a_file_that_is_no_database_is_told(tmp_path):
    (tmp_path / "catalogue.db").write_bytes(b"this is not a database at all" * 100)
    with pytest.raises(CatalogueError, match="not a database") as told:
        open_database(sqlite_url(tmp_path / "catalogue.db"))
    assert "rebuild" in told.value.hint


def test_a_place_that_cannot_hold_a_database_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CatalogueError, match="cannot be made"):
        open_database(sqlite_url(tmp_path / "file" / "catalogue.db"))
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(CatalogueError, match="cannot be opened"):
        open_database(sqlite_url(tmp_path / "folder.db"))


READER = """
import sys
from langflix.core import LangFlixError
from langflix.database import open_database, read_url
try:
    with open_database(read_url(sys.argv[1]), timeout_s=1).writing() as connection:
        connection.exec_driver_sql("UPDATE episodes SET lessons = 1")
except LangFlixError as error:
    print(error)
"""


def test_a_database_that_may_not_be_written_is_told(tmp_path):
    url = sqlite_url(tmp_path / "catalogue.db")
    opened = Catalogue(open_database(url), tmp_path)
    record(opened, manifest("a", "give up"))
    opened.close()
    with sqlite3.connect(tmp_path / "catalogue.db") as plain:
        plain.execute("PRAGMA journal_mode = delete")
    for path in tmp_path.iterdir():
        path.chmod(0o444)
    tmp_path.chmod(0o555)
    drop = (lambda: ctypes.CDLL(None).prctl(24, 1)) if os.getuid() == 0 else None  # root without the right to write everything
    done = subprocess.run([sys.executable, "-c", READER, url.render_as_string()], capture_output=True, text=True, check=True, preexec_fn=drop)
    tmp_path.chmod(0o755)
    assert "cannot be written" in done.stdout
    assert "user of this program" in done.stdout


def test_a_server_that_is_gone_is_told_and_used_again_when_it_is_back(tmp_path):
    with postgres() as own:
        catalogue = Catalogue(open_database(read_url(own.new_database("one")), timeout_s=2), tmp_path)
        record(catalogue, manifest("a", "give up"))
        own.stop()
        with pytest.raises(CatalogueError, match="cannot be reached"):
            catalogue.search()
        own.start()
        assert found(catalogue.search()) == ["give up"]


def test_a_database_that_does_not_exist_is_told(postgresql):
    with pytest.raises(CatalogueError, match="does not exist"):
        open_database(read_url(postgresql.address("nowhere")))


@pytest.mark.parametrize("wrong", ["", "nonsense", "mysql://u:secret@h/d", "sqlite://", "sqlite:///:memory:", "postgresql://u:secret@h:port/d"])
def test_a_wrong_address_is_refused_without_repeating_it(wrong):
    with pytest.raises(SettingsError) as told:
        read_url(wrong)
    assert "secret" not in str(told.value)
    assert told.value.hint


def test_a_password_is_in_no_message():
    with pytest.raises(CatalogueError) as told:
        open_database(read_url("postgres://me:secret@127.0.0.1:1/langflix"), timeout_s=2)
    assert "secret" not in str(told.value)
    assert "127.0.0.1" in str(told.value)


# Settings


def test_the_catalogue_lies_beside_the_episodes(tmp_path):
    opened = open_catalogue(Settings(paths={"output": tmp_path / "lessons"}))
    opened.close()
    assert (tmp_path / "lessons" / "catalogue.db").is_file()
    other = open_catalogue(Settings(), output=tmp_path / "other")
    other.close()
    assert (tmp_path / "other" / "catalogue.db").is_file()


def test_a_catalogue_can_be_switched_off(tmp_path):
    assert open_catalogue(Settings(database={"enabled": False}, paths={"output": tmp_path / "lessons"})) is None
    assert not (tmp_path / "lessons").exists()


def test_words_are_the_same_however_they_are_written():
    assert search_words("Café") == search_words("CAFÉ") == ["cafe"]
    assert search_words("don’t") == search_words("DON'T") == ["dont"]
    assert search_words("한국어를") == ["한국어를"]
    assert search_words("...") == []
    assert json.dumps(search_words("x" * 500)) == json.dumps(["x" * 64])


def test_a_postgresql_without_an_encoding_keeps_every_letter(postgresql, tmp_path):
    import psycopg

    name = "ascii" + os.urandom(4).hex()
    with psycopg.connect(postgresql.address("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    opened = Catalogue(open_database(read_url(postgresql.address(name))), tmp_path)
    try:
        record(opened, manifest("Show.S01E01", expression("버티다", translation="éèß")))
        assert [(one.expression, one.translation) for one in opened.search("버티다").items] == [("버티다", "éèß")]
    finally:
        opened.close()
