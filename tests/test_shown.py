"""Tables and pictures for notebooks and logs."""

import pytest

from langflix.core import InputError
from langflix.media import find_tools, run_ffmpeg
from langflix.shown import Picture, gallery, small_pictures, table


def test_what_people_wrote_is_escaped():
    shown = table(("<i>name",), [("<script>x</script>",)], "a & b")
    assert "<script>" not in shown.html
    assert "<i>" not in shown.html
    assert "a &amp; b" in shown.html
    assert "<script>x</script>" in repr(shown)
    assert "<b onclick" not in gallery([Picture(b"", '"<b onclick', "<b onclick")]).html


def test_columns_line_up_where_letters_are_wide():
    lines = repr(table(("one", "two"), [("힘내", "x"), ("abcd", "y")])).splitlines()
    assert lines == ["one   two", "힘내  x", "abcd  y"]


def test_a_table_without_rows_says_so():
    assert "Nothing." in repr(table(("one",), []))
    assert "Nothing." in table(("one",), []).html
    assert repr(gallery([])) == "Nothing."


def test_nothing_is_shown_for_nothing():
    assert repr(table(("a", "b"), [(None, 0)])).splitlines()[1].strip() == "0"


@pytest.fixture(scope="module")
def tools():
    return find_tools()


def test_many_pictures_become_small(tmp_path, tools):
    run_ffmpeg(["-f", "lavfi", "-i", "testsrc=s=640x360:d=1", "-frames:v", "1", str(tmp_path / "one.jpg")], tools)
    made = small_pictures({str(number): tmp_path / "one.jpg" for number in range(43)}, tools, width=96)
    assert list(made) == [str(number) for number in range(43)]
    assert all(data.startswith(b"\xff\xd8") and len(data) < 6000 for data in made.values())


def test_a_picture_that_is_gone_is_named(tmp_path, tools):
    with pytest.raises(InputError, match=r"gone\.jpg"):
        small_pictures({"x": tmp_path / "gone.jpg"}, tools)
