"""CSV as every program saves it, and cells that no program runs."""

import csv
import io

import pytest

from langflix.core import InputError
from langflix.tables import read_rows, read_text, write_rows

TEXTS = ["=cmd()", "+1", "-2", "@x", "'=1", "''", "it's", "'quoted'", " =1", "＝1", 'a "b", c; d\te', "line\nline", "한국어 ‘말’", "- Hello", "''-x"]


@pytest.mark.parametrize("text", TEXTS)
def test_every_text_comes_back_and_none_is_a_formula(tmp_path, text):
    path = write_rows(tmp_path / "t.csv", ["text", "number"], [{"text": text, "number": -3}])
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    (raw,) = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))[1:]
    assert raw[0].strip()[0] not in "=+-@＝"
    assert read_rows(path)[1].cells == (text.strip(), "-3")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp949"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_as_other_programs_save_it(tmp_path, separator, encoding, newline):
    path = tmp_path / "t.csv"
    path.write_bytes(newline.join([separator.join(("id", "뜻")), "", separator.join(("a", '"버티다; 견디다, 또는 참다"'))]).encode(encoding))
    assert [(row.line, row.cells) for row in read_rows(path, "ko")] == [(1, ("id", "뜻")), (3, ("a", "버티다; 견디다, 또는 참다"))]


def test_lines_are_counted_through_cells_of_several_lines(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('sep=,\na,b\n"1\n2",3\n4,5\n')
    assert [row.line for row in read_rows(path)] == [2, 3, 5]


def test_an_open_quotation_names_its_line(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('a,b\n1,"2\n3,4\n')
    with pytest.raises(InputError, match=r"t\.csv, line 2: "):
        read_rows(path)


@pytest.mark.parametrize(("data", "what"), [(b"PK\x03\x04rest", "Excel"), (b"SQLite format 3\0" + bytes(90), "database"), (bytes(4000) + b"x", "binary")])
def test_what_is_no_text_is_refused(tmp_path, data, what):
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    with pytest.raises(InputError, match=what):
        read_text(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_rows(tmp_path / "none.csv")
