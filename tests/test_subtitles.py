"""Subtitle files as people have them: formats, encodings, marks, damage."""

from __future__ import annotations

import json
import time
from importlib.resources import files
from pathlib import Path

import pytest

from langflix.core import Cue, SubtitleError, format_ms
from langflix.encodings import language_code
from langflix.subtitles import SubtitleFile, load_cues, parse_subtitles, read_subtitles

SAMPLE = Path(str(files("langflix") / "data" / "sample"))


def read(text: str, name: str = "a.srt", lang: str | None = None) -> SubtitleFile:
    return parse_subtitles(text.encode(), name, lang)


def srt(*texts: str) -> str:
    return "\n".join(f"{n}\n{format_ms(n * 3000)} --> {format_ms(n * 3000 + 2000)}\n{text}\n" for n, text in enumerate(texts, 1))


def one(text: str) -> Cue:
    "The cue that a text becomes."
    (cue,) = read(srt(text)).cues
    return cue


def texts(found: SubtitleFile) -> list[str]:
    return [cue.text for cue in found.cues]


# ---- the sample: every format tells the same story

GOLD = json.loads((SAMPLE / "gold.json").read_text())


@pytest.mark.parametrize("name", ["sample.en.srt", "sample.en.vtt", "sample.en.ass", "sample.en.smi", "sample.bilingual.smi"])
def test_every_format_gives_the_same_cues(name: str) -> None:
    expected = [(cue.index, cue.start_ms, cue.text, cue.kind) for cue in load_cues(SAMPLE / "sample.en.srt")]
    assert [(cue.index, cue.start_ms, cue.text, cue.kind) for cue in load_cues(SAMPLE / name, "en")] == expected


def test_a_clean_file_needs_no_repair_and_keeps_its_numbers() -> None:
    found = read_subtitles(SAMPLE / "sample.en.srt")
    numbers = [int(line) for line in (SAMPLE / "sample.en.srt").read_text().split("\n") if line.isdecimal()]
    assert found.notes == ()
    assert [cue.index for cue in found.cues] == numbers


# ---- encodings

LINES = {
    "en": "It’s all right… “naïve”, he said. Don’t worry.", "fr": "À quoi penses-tu, garçon ? Ça va très bien, désolé.",
    "de": "Schön, dass du überlegst. Größe zählt, Mädchen.", "es": "¿Adónde vas, señor? ¡Qué día más bonito! Mañana será otro.",
    "pl": "Właśnie miałem wychodzić. Dokąd idziesz, chłopcze? Żółć.", "cs": "Příliš žluťoučký kůň úpěl ďábelské ódy.",
    "ru": "Куда ты идёшь? Я как раз собирался уходить.", "el": "Πού πας; Μόλις έφευγα. Συγγνώμη, φταίω εγώ.",
    "tr": "Nereye gidiyorsun? Tam çıkmak üzereydim, değil mi? Şaşırdım.", "he": "לאן אתה הולך? בדיוק עמדתי לצאת.",
    "ar": "إلى أين تذهب؟ كنت على وشك الخروج.", "ko": "어디 가는 거야? 지금 나가려던 참이었어. 괜찮아.",
    "ja": "今出かけるところだった。大丈夫、気にしないで。", "zh": "我正要出门。真的对不起，是我的错。你到底在想什么？",
    "th": "คุณกำลังจะไปไหน ฉันกำลังจะออกไป",
}
PAGES = [("en", "cp1252"), ("en", "mac_roman"), ("fr", "cp1252"), ("fr", "mac_roman"), ("de", "cp1252"), ("de", "mac_roman"), ("es", "cp1252"),
         ("pl", "cp1250"), ("cs", "cp1250"), ("ru", "cp1251"), ("ru", "koi8_r"), ("el", "cp1253"), ("tr", "cp1254"), ("he", "cp1255"),
         ("ar", "cp1256"), ("ko", "cp949"), ("ja", "cp932"), ("ja", "euc_jp"), ("zh", "gb18030"), ("th", "cp874")]
UNICODE = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]


@pytest.mark.parametrize("encoding", UNICODE)
@pytest.mark.parametrize("lang", ["en", "ko", "ja", "zh", "ar"])
def test_unicode_with_and_without_a_mark(lang: str, encoding: str) -> None:
    found = parse_subtitles(srt(LINES[lang], "ok").encode(encoding), "a.srt")
    assert found.cues[0].text == LINES[lang]
    assert found.notes == ()


def test_utf16_big_endian_with_its_mark() -> None:
    assert parse_subtitles(b"\xfe\xff" + srt("안녕").encode("utf-16-be"), "a.srt").cues[0].text == "안녕"


@pytest.mark.parametrize("hinted", [True, False])
@pytest.mark.parametrize(("lang", "encoding"), PAGES)
def test_a_code_page_is_told_from_one_line(lang: str, encoding: str, hinted: bool) -> None:
    found = parse_subtitles(srt(LINES[lang]).encode(encoding), "a.srt", lang if hinted else None)
    assert texts(found) == [LINES[lang]]


@pytest.mark.parametrize(("lang", "encoding"), PAGES)
def test_damage_does_not_change_the_code_page(lang: str, encoding: str) -> None:
    data = srt(*[LINES[lang]] * 12).encode(encoding)
    at = data.rindex(LINES[lang].encode(encoding)[:3])
    found = parse_subtitles(data[:at] + b"\xff" + data[at:], "a.srt", lang)
    assert texts(found)[:11] == [LINES[lang]] * 11


def test_the_encoding_can_be_ordered() -> None:
    data = srt("é").encode("cp1252")
    assert parse_subtitles(data, "a.srt", encoding="cp1253").cues[0].text == "ι"
    with pytest.raises(SubtitleError, match="not an encoding"):
        parse_subtitles(data, "a.srt", encoding="klingon")


def test_a_wrong_order_is_an_error_that_names_the_line() -> None:
    with pytest.raises(SubtitleError, match="line 3 cannot be decoded") as caught:
        parse_subtitles(srt(*["é"] * 9).encode("cp1252"), "a.srt", encoding="utf-8")
    assert caught.value.details["line"] == 3


def test_damaged_utf8_stays_utf8_and_is_noted() -> None:
    data = srt("안녕", "괜찮아", "정말 미안해").encode()
    found = parse_subtitles(data.replace("괜".encode(), "괜".encode()[:2]), "a.srt")
    assert texts(found)[::2] == ["안녕", "정말 미안해"]
    assert [note.line for note in found.notes] == [7]


def test_a_foreign_line_in_utf8_gets_its_own_guess() -> None:
    data = srt("À bientôt, garçon.", "deux").encode() + "\n3\n00:01:00,000 --> 00:01:01,000\nÇa va très bien.\n".encode("cp1252")
    found = parse_subtitles(data, "a.srt", "fr")
    assert texts(found)[-1] == "Ça va très bien."
    assert "line 11" in str(found.notes[0])


def test_padding_of_a_broken_download_is_ignored() -> None:
    assert len(parse_subtitles(srt("a", "b").encode() + bytes(4000), "a.srt").cues) == 2


def test_decomposed_letters_are_composed() -> None:
    assert one("cafe\u0301").text == "café"


# ---- what is not a subtitle file

REFUSED = {
    "matroska": (b"\x1aE\xdf\xa3" + bytes(500), "Matroska video"), "mp4": (b"\0\0\0 ftypisom" + bytes(500), "MP4 video"),
    "zip": (b"PK\x03\x04" + bytes(range(256)), "ZIP"), "pgs": (b"PG\0\0" + bytes(range(256)), "PGS"), "vobsub": (b"\0\0\x01\xba" + bytes(range(99)), "VobSub"),
    "idx": (b"# VobSub index file, v7", "VobSub"), "empty": (b"", "empty"), "blank": (b"\xef\xbb\xbf \r\n\r\n", "empty"), "zeros": (bytes(5000), "empty"),
    "noise": (bytes(range(256)) * 40, "binary"), "prose": (b"Dear Sir,\nthis is a letter.\n" * 40_000, "line 1 is 'Dear Sir,'"),
    "no text": (srt("", "").encode(), "holds no text"), "broken": (b"1\n00:00:xx,000 --> 00:00:01,000\nHi\n", "line 2"),
    "no frame rate": (b"{10}{30}Hello\n{40}{60}World\n", "frame"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_says_what_it_is(kind: str, tmp_path: Path) -> None:
    data, said = REFUSED[kind]
    path = tmp_path / "episode.srt"
    path.write_bytes(data)
    with pytest.raises(SubtitleError, match=said) as caught:
        load_cues(path)
    assert caught.value.hint
    assert "episode.srt" in caught.value.message


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    for path, said in [(tmp_path, "folder"), (tmp_path / "none.srt", "no subtitle file"), (tmp_path / ("x" * 400), "cannot be opened"), ("a\0b", "cannot be opened")]:
        with pytest.raises(SubtitleError, match=said):
            load_cues(path)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "big.srt"
    with path.open("wb") as file:
        file.write(b"1\n00:00:01,000 --> 00:00:02,000\nHi\n\n" * 1_200_000)
        file.truncate(1 << 33)
    with pytest.raises(SubtitleError, match="too large"):
        load_cues(path)


# ---- SRT and VTT

TIMINGS = {
    "00:00:01,000 --> 00:00:02,500": (1000, 2500), "00:00:01.000 --> 00:00:02.500": (1000, 2500), "0:0:1,0 --> 0:0:2,5": (1000, 2500),
    "00:01 --> 00:02.5": (1000, 2500), "00:00:01 --> 00:00:02,500": (1000, 2500), "00:00:01,000-->00:00:02,500": (1000, 2500),
    "00:00:01,000 -> 00:00:02,500": (1000, 2500), "00:00:01,000 → 00:00:02,500": (1000, 2500), " 00:00:01,000 --> 00:00:02,500 ": (1000, 2500),
    "00: 00: 01, 000 --> 00: 00: 02, 500": (1000, 2500), "00:00:01:000 --> 00:00:02:500": (1000, 2500),
    "00:00:01,000 --> 00:00:02,500  X1:100 X2:200 Y1:1 Y2:2": (1000, 2500), "00:00:01,000 --> 00:00:02,500 align:start line:0%": (1000, 2500),
    "00:00:01,000 --? 00:00:02,500": (1000, 2500), "10:00:01,000 --> 10:00:02,000": (36_001_000, 36_002_000),
}


@pytest.mark.parametrize("line", TIMINGS)
def test_times_as_they_are_written(line: str) -> None:
    (cue,) = read(f"1\n{line}\nHi\n").cues
    assert (cue.start_ms, cue.end_ms, cue.text) == (*TIMINGS[line], "Hi")


SHAPES = {
    "crlf": srt("One\ntwo", "Three").replace("\n", "\r\n"), "old mac": srt("One\ntwo", "Three").replace("\n", "\r"),
    "doubled cr": srt("One\ntwo", "Three").replace("\n", "\r\r\n"), "no blank lines": srt("One\ntwo", "Three").replace("\n\n", "\n"),
    "double spaced": srt("One\ntwo", "Three").replace("\n", "\n\n"), "no numbers": srt("One\ntwo", "Three").replace("1\n0", "0").replace("2\n0", "0"),
    "no end": srt("One\ntwo", "Three").rstrip(), "blank in the text": srt("One\n\ntwo", "Three"), "text before": "Ripped by me\n\n" + srt("One\ntwo", "Three"),
    "spaces": srt("  One  \n  two ", "Three "), "form feeds": srt("One\ntwo", "Three\x0c"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_of_srt(shape: str) -> None:
    assert texts(read(SHAPES[shape])) == ["One\ntwo", "Three"]


def test_a_number_alone_is_text_when_it_is_spoken() -> None:
    assert texts(read(srt("How many?", "42", "Right."))) == ["How many?", "42", "Right."]


def test_a_broken_block_is_named_and_does_not_leak_into_its_neighbour() -> None:
    for broken in ("00:00:0x,000 --> 00:00:08,000", "00:00:06,000 --> bad1", "00:0q:06,000 --! 00:00:08,000"):
        found = read(srt("One", "Two", "Three").replace("00:00:06,000 --> 00:00:08,000", broken))
        assert texts(found) == ["One", "Three"]
        assert [note.line for note in found.notes] == [6, 10]
        assert "calls it 3" in found.notes[1].message


def test_empty_and_sound_cues_keep_their_numbers() -> None:
    found = read(srt("One", "", "[door slams]", "♪ la ♪", "Five"))
    assert [(cue.index, cue.kind) for cue in found.cues] == [(1, "speech"), (2, "sound"), (3, "sound"), (4, "music"), (5, "speech")]


VTT = """WEBVTT - a title
X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0

STYLE
::cue { color: white }

NOTE
00 this is not a cue

intro
00:01.000 --> 00:02.000 align:start
<v.loud Mary Ann>Come <c.yellow>in</c>!</v>

2
00:00:03.000 --> 00:00:04.000
<00:00:03.100><i>Who's</i> there &amp;<00:00:03.500> why&lrm;?

left over

NOTE the end
"""


def test_vtt() -> None:
    found = read(VTT, "a.vtt")
    assert found.format == "vtt"
    assert [(cue.start_ms, cue.text, cue.speaker) for cue in found.cues] == [(1000, "Come in!", "Mary Ann"), (3000, "Who's there & why?", "")]
    assert [note.line for note in found.notes] == [18]


def test_vtt_without_its_head_is_told_by_its_name() -> None:
    assert texts(read(VTT.replace("WEBVTT", "WEBVTX"), "a.vtt"))[0] == "Come in!"


# ---- ASS

ASS_HEAD = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline
Style: Default,Arial,20,&H00FFFFFF,&H0,&H0,&H0,0,0,0
Style: Thought,Arial,20,&H00FFFFFF,&H0,&H0,&H0,0,-1,0

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def ass(*events: str) -> SubtitleFile:
    return read(ASS_HEAD + "\n".join(events), "a.ass")


def event(text: str, start: int = 1, style: str = "Default", name: str = "", kind: str = "Dialogue") -> str:
    return f"{kind}: 0,0:00:{start:02}.00,0:00:{start:02}.90,{style},{name},0,0,0,,{text}"


def test_ass_text_speaker_and_italics() -> None:
    found = ass(event(r"Hang in there,\Nbuddy, {\b1}really{\b0}", name="Ann"), event("Hmm, why?", 2, "Thought"), event(r"{\an8\i1}Far{\i0}", 3),
                event(r"{a remark}So{\fad(1,2)}\hit goes", 4), event(r"{\i0}Up", 5, "Thought"))
    assert [(cue.text, cue.speaker, cue.italic) for cue in found.cues] == [
        ("Hang in there,\nbuddy, really", "Ann", False), ("Hmm, why?", "", True), ("Far", "", True), ("So it goes", "", False), ("Up", "", False)]


def test_ass_leaves_out_what_is_not_speech_and_says_so() -> None:
    found = ass(event("Speech."), event(r"{\p1}m 0 0 l 100 0 100 100{\p0}", 2), event("a remark", 3, kind="Comment"), event(r"{\pos(10,20)}Bakery", 4),
                event("Bank", 5, "Signs"), event("Speech."), event("More.", 6), event("Still more.", 7), event(r"{\k20}la{\k30}la", 8))
    assert [(cue.text, cue.kind) for cue in found.cues] == [("Speech.", "speech"), ("More.", "speech"), ("Still more.", "speech"), ("lala", "music")]
    assert [note.line for note in found.notes] == [12, 13, 14, 15, 16]


def test_ass_where_every_line_is_placed_keeps_all() -> None:
    assert len(ass(*(event(rf"{{\pos(1,{n})}}Line {n}", n) for n in range(1, 6))).cues) == 5


def test_ass_with_its_own_order_of_fields_and_ssa() -> None:
    found = read("[Script Info]\n[V4 Styles]\n[Events]\nFormat: Start, End, Text\nDialogue: 0:00:01.00,0:00:02.00,Yes, really\n", "a.ssa")
    assert (found.format, texts(found)) == ("ass", ["Yes, really"])


def test_ass_broken_events_are_named() -> None:
    found = ass(event("Good."), "Dialogue: 0,0:00:0x.00,0:00:02.00,Default,,0,0,0,,Bad", "Dialogue: 0", event("Fine.", 3))
    assert texts(found) == ["Good.", "Fine."]
    assert [note.line for note in found.notes] == [12, 13]


# ---- SMI

SMI = """<SAMI><HEAD><STYLE TYPE="text/css"><!--
P { font-family: Arial }
.EGCC { Name: English; lang: en-US; SAMIType: CC; }
.SUBTTL { Name: 한국어; lang: ko-KR; }
--></STYLE></HEAD><BODY>
<SYNC Start=1000><P Class=EGCC>Hang in<br>there.<P Class=SUBTTL>조금만 <i>참아</i>.
<SYNC Start=3000><P Class=EGCC>&nbsp;<P Class=SUBTTL>&nbsp;
<sync start="4000"><p class='EGCC'>R&amp;B&nbsp
<SYNC Start=60000><P Class=EGCC>Late.
</BODY></SAMI>"""


def test_smi_classes_by_language() -> None:
    english, korean = read(SMI, "a.smi", "eng"), read(SMI, "a.smi", "ko")
    assert [(cue.start_ms, cue.end_ms, cue.text) for cue in english.cues] == [(1000, 3000, "Hang in\nthere."), (4000, 9000, "R&B"), (60_000, 65_000, "Late.")]
    assert [(cue.start_ms, cue.end_ms, cue.text) for cue in korean.cues] == [(1000, 3000, "조금만 참아.")]
    assert [note.line for note in english.notes if note.cue is None] == [6, 8, 9]


def test_smi_without_a_wish_takes_the_first_class_and_names_the_others() -> None:
    found = read(SMI, "a.smi")
    assert found.cues[0].text.startswith("Hang")
    assert "SUBTTL" in found.notes[0].message


def test_smi_without_the_wished_language_names_what_it_has() -> None:
    with pytest.raises(SubtitleError, match="EGCC, SUBTTL"):
        read(SMI, "a.smi", "fr")


@pytest.mark.parametrize("name", ["KRCC", "KOCC", "UNKNOWNCC"])
def test_smi_with_one_class_gives_it_for_any_wish(name: str) -> None:
    assert texts(read(f"<SAMI><BODY><SYNC Start=10><P Class={name}>안녕<SYNC Start=900><P Class={name}>&nbsp;", "a.smi", "ko")) == ["안녕"]


def test_smi_languages_one_after_the_other_and_points_without_paragraph() -> None:
    text = "<SAMI><BODY>\n<SYNC Start=1000>One\n<SYNC Start=2000>&nbsp;\n<SYNC Start=x><P>Lost\n<SYNC Start=500>Zero"
    found = read(text, "a.smi")
    assert [(cue.start_ms, cue.end_ms, cue.text) for cue in found.cues] == [(500, 1000, "Zero"), (1000, 2000, "One")]
    assert [note.line for note in found.notes] == [4]


# ---- TTML

TTML = """<?xml version="1.0"?><!-- a <p begin="0s"> in a remark -->
<tt:tt xmlns:tt="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" ttp:frameRate="24" ttp:frameRateMultiplier="1000 1001" ttp:tickRate="10000000">
<tt:head><tt:styling><tt:style xml:id="s1" tts:fontStyle="italic"/></tt:styling></tt:head>
<tt:body><tt:div begin="10s">
<tt:p begin="00:00:01.500" end="00:00:02:12">One<tt:br/>
   two &lt;3</tt:p>
<tt:p begin="30000000t" dur="500ms" style="s1">Three</tt:p>
<tt:p end="5s">No begin</tt:p>
<tt:p begin="4s" end="5s"><tt:span tts:fontStyle="italic">Four</tt:span></tt:p>
</tt:div></tt:body></tt:tt>"""


def test_ttml() -> None:
    found = read(TTML, "a.ttml")
    assert [(cue.start_ms, cue.end_ms, cue.text, cue.italic) for cue in found.cues] == [
        (11_500, 12_500, "One\ntwo <3", False), (13_000, 13_500, "Three", True), (14_000, 15_000, "Four", True)]
    assert [note.line for note in found.notes] == [8]


def test_ttml_goes_on_after_broken_markup() -> None:
    assert texts(read(TTML.replace('dur="500ms" style="s1">Three</tt:p>', "dur=500ms <<"), "a.ttml")) == ["One\ntwo <3", "Four"]


def test_ttml_languages() -> None:
    text = '<tt><body><div xml:lang="en"><p begin="1s" end="2s">Hi</p></div><div xml:lang="ko"><p begin="1s" end="2s">안녕</p></div></body></tt>'
    assert texts(read(text, "a.ttml", "ko")) == ["안녕"]


def test_entities_are_not_expanded_into_bombs() -> None:
    text = '<!DOCTYPE tt [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><tt><body><div><p begin="1s" end="2s">&b;!</p><p begin="3s" end="4s">x</p></div></body></tt>'
    assert texts(read(text, "a.ttml")) == ["&b;!", "x"]


# ---- the rest, through pysubs2

def test_rarer_formats() -> None:
    assert [(cue.start_ms, cue.text) for cue in read("{1}{1}25\n{25}{50}One|two\n{75}{100}{y:i}Three\n", "a.sub").cues] == [(1000, "One\ntwo"), (3000, "Three")]
    assert texts(read("[10][30]One|two\n[40][60]Three\n", "a.txt")) == ["One\ntwo", "Three"]
    assert texts(read("00:00:01:One\n00:00:03:Two\n", "a.txt")) == ["One", "Two"]


# ---- words

WORDS = {  # text: (words, speaker, kind, sounds)
    "Hang in there.": ("Hang in there.", "", "speech", ()), "- Really?\n- Really.": ("- Really?\n- Really.", "", "speech", ()),
    "JOHN: Go!": ("Go!", "JOHN", "speech", ()), "MR. SMITH 2:\nGo!": ("Go!", "MR. SMITH 2", "speech", ()), "[Man] Stop!": ("Stop!", "Man", "speech", ()),
    "[JOHN]: Hi.": ("Hi.", "JOHN", "speech", ()), "[Laughs] Stop!": ("Stop!", "", "speech", ("Laughs",)), "(민수) 가자": ("가자", "민수", "speech", ()),
    "(太郎)おはよう": ("おはよう", "太郎", "speech", ()), "（笑い声）": ("（笑い声）", "", "sound", ("笑い声",)), "[door slams]": ("[door slams]", "", "sound", ("door slams",)),
    "(sighs)": ("(sighs)", "", "sound", ("sighs",)), "What? (gasps)": ("What?", "", "speech", ("gasps",)), "(SCOFFS) Fine.": ("Fine.", "", "speech", ("SCOFFS",)),
    "He left (in a hurry) at ten.": ("He left (in a hurry) at ten.", "", "speech", ()), "(I have to tell you.)": ("(I have to tell you.)", "", "speech", ()),
    "[man speaking\nSpanish]": ("[man speaking\nSpanish]", "", "sound", ("man speaking Spanish",)), "- [sighs]\n- What now?": ("What now?", "", "speech", ("sighs",)),
    "- ANN: You?\n- BOB: Me.": ("- You?\n- Me.", "ANN / BOB", "speech", ()), ">> ANN: Hi.": ("Hi.", "ANN", "speech", ()),
    "♪ La la la ♪": ("La la la", "", "music", ()), "♪♪": ("♪♪", "", "music", ()), "♪ Hello darkness\nmy old friend ♪": ("Hello darkness\nmy old friend", "", "music", ()),
    "my old friend ♪": ("my old friend", "", "music", ()), "# La la #": ("La la", "", "music", ()), "Turn it off.\n♪ la la ♪": ("Turn it off.\nla la", "", "speech", ("♪",)),
    "Listen: go.": ("Listen: go.", "", "speech", ()), "It is 10:30.": ("It is 10:30.", "", "speech", ()), "NOTE: x": ("NOTE: x", "", "speech", ()),
    "I'm #1 here": ("I'm #1 here", "", "speech", ()), "I <3 you": ("I <3 you", "", "speech", ()), "a < b and c > d": ("a < b and c > d", "", "speech", ()),
    "<font color=\"#fff\">R&amp;B</font>": ("R&B", "", "speech", ()), "AT&T &copy; &bogus; &#xD800;": ("AT&T © &bogus; \ufffd", "", "speech", ()),
    "Well ( ) then": ("Well ( ) then", "", "speech", ()), "( )\nWell": ("Well", "", "speech", ()),
    "# 1 fan": ("# 1 fan", "", "speech", ()), "[♪♪]": ("[♪♪]", "", "music", ("♪♪",)), "(over radio) Copy.": ("Copy.", "", "speech", ("over radio",)),
    "MAN (on TV): Hi": ("Hi", "MAN (on TV)", "speech", ()), "I said (and meant) it.": ("I said (and meant) it.", "", "speech", ()),
    "{\\an8}Up": ("Up", "", "speech", ()), "a&nbsp;b\u00a0c": ("a b c", "", "speech", ()), "\u202bHi\u200e": ("Hi", "", "speech", ()), "...": ("...", "", "sound", ()),
}


@pytest.mark.parametrize("text", WORDS)
def test_words(text: str) -> None:
    cue = one(text) if text != "..." else read(srt(text, "x")).cues[0]
    assert (cue.text, cue.speaker, cue.kind, cue.sounds) == WORDS[text]


ITALICS = {"<i>Yes</i>": True, "<I>Yes</I>": True, "{\\i1}Yes": True, "{\\i1}Yes{\\i0}": True, "- <i>Yes</i>": True, "<i>a</i>\n<i>b</i>": True, "<em>a</em>": True,
           "Yes": False, "No, <i>you</i>": False, "<i>No</i>, you": False, "<i></i>No": False, "<b>No</b>": False}


@pytest.mark.parametrize("text", ITALICS)
def test_italics_are_of_the_whole_cue(text: str) -> None:
    assert one(text).italic is ITALICS[text]


def test_a_name_in_small_letters_counts_when_it_comes_again() -> None:
    found = read(srt("Maya: Hi.", "Look: here.", "Maya: Bye.", "민수: 가자", "민수: 와"))
    assert [(cue.speaker, cue.text) for cue in found.cues] == [("Maya", "Hi."), ("", "Look: here."), ("Maya", "Bye."), ("민수", "가자"), ("민수", "와")]


def test_credits_are_flagged() -> None:
    found = read(srt("Hi.", "Subtitles by someone\nwww.OpenSubtitles.org"))
    assert found.cues[1].kind == "sound"
    assert "credit" in found.notes[0].message


# ---- times

def times(*spans: tuple[int, int]) -> SubtitleFile:
    return read("".join(f"{format_ms(a)} --> {format_ms(b)}\ncue {n}\n\n" for n, (a, b) in enumerate(spans)))


REPAIRS = {
    "overlap": ([(1000, 3000), (2500, 4000)], [(1000, 2500), (2500, 4000)], "into the next"),
    "together": ([(1000, 3000), (1000, 3000)], [(1000, 3000), (1000, 3000)], "same time"),
    "no length": ([(1000, 1000), (9000, 9500)], [(1000, 2035), (9000, 9500)], "no length"),
    "backwards": ([(2000, 1000), (9000, 9500)], [(2000, 3035), (9000, 9500)], "before it began"),
    "order": ([(5000, 6000), (1000, 2000)], [(1000, 2000), (5000, 6000)], "out of order"),
    "negative": ([(-1000, 2000), (3000, 4000)], [(0, 2000), (3000, 4000)], "before the episode"),
    "end after a day": ([(1000, 999 * 3_600_000), (9000, 9500)], [(1000, 2035), (9000, 9500)], "24 hours"),
    "after a day": ([(1000, 2000), (99 * 3_600_000, 99 * 3_600_000 + 5)], [(1000, 2000)], "99 hours"),
}


@pytest.mark.parametrize("fault", REPAIRS)
def test_times_are_repaired_with_a_note(fault: str) -> None:
    spans, expected, said = REPAIRS[fault]
    found = times(*spans)
    assert [(cue.start_ms, cue.end_ms) for cue in found.cues] == expected
    assert [cue.index for cue in found.cues] == list(range(1, len(expected) + 1))
    assert any(said in note.message and note.line for note in found.notes)


def test_languages_by_their_names() -> None:
    assert [language_code(tag) for tag in ("KOR", "pt-BR", "zh_TW", "English", "", None, "xx")] == ["ko", "pt", "zh", "en", None, None, None]


# ---- speed

@pytest.mark.parametrize("name", ["srt", "vtt", "ass", "smi", "ttml"])
def test_ten_thousand_cues_take_well_under_a_second(name: str, tmp_path: Path) -> None:
    def write(count: int) -> Path:
        rows = [(n * 3000, n * 3000 + 2000, "ANN: <i>Hang in there</i>, buddy, we'll [sighs] manage." if n % 3 else "어디 가는 거야?") for n in range(count)]
        body = {
            "srt": lambda: "\n".join(f"{n}\n{format_ms(a)} --> {format_ms(b)}\n{t}\n" for n, (a, b, t) in enumerate(rows, 1)),
            "vtt": lambda: "WEBVTT\n\n" + "\n".join(f"{format_ms(a, '.')} --> {format_ms(b, '.')}\n{t}\n" for a, b, t in rows),
            "ass": lambda: ASS_HEAD + "\n".join(f"Dialogue: 0,{format_ms(a, '.')[1:-1]},{format_ms(b, '.')[1:-1]},Default,,0,0,0,,{t}" for a, b, t in rows),
            "smi": lambda: "<SAMI><BODY>" + "\n".join(f"<SYNC Start={a}><P Class=KRCC>{t}\n<SYNC Start={b}><P Class=KRCC>&nbsp;" for a, b, t in rows),
            "ttml": lambda: "<tt><body><div>" + "\n".join(f'<p begin="{a}ms" end="{b}ms">{t}</p>' for a, b, t in rows) + "</div></body></tt>",
        }[name]()
        path = tmp_path / f"{count}.{name}"
        path.write_text(body, encoding="utf-8")
        return path

    def seconds(path: Path) -> float:
        start = time.process_time()
        load_cues(path)
        return time.process_time() - start

    small, large = write(2_000), write(10_000)
    assert len(load_cues(large)) == 10_000
    assert min(seconds(large) for _ in range(2)) < 5
    assert min(seconds(large) for _ in range(3)) < 15 * min(seconds(small) for _ in range(3))  # five times as much; the square would be 25
