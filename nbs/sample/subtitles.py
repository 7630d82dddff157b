"""The cues as SRT, WebVTT, ASS and SAMI, and the gold list of expressions."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path

from timeline import Beat, Cue, Play, Timeline

ASS_HEAD = """[Script Info]
Title: {title}
ScriptType: v4.00+
PlayResX: 1280
PlayResY: 720
WrapStyle: 0

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,48,&H00FFFFFF,&H000000FF,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,3,1,2,60,60,40,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""

SMI_HEAD = """<SAMI>
<HEAD>
<TITLE>{title}</TITLE>
<STYLE TYPE="text/css">
<!--
P {{ margin-left: 8pt; margin-right: 8pt; margin-bottom: 2pt; margin-top: 2pt;
    text-align: center; font-size: 20pt; font-family: Arial, Sans-serif; font-weight: bold; color: white; }}
{classes}
-->
</STYLE>
</HEAD>
<BODY>
"""
SMI_CLASSES = {"ENCC": ".ENCC { Name: English; lang: en-US; SAMIType: CC; }",
               "KRCC": ".KRCC { Name: Korean; lang: ko-KR; SAMIType: CC; }"}


@dataclass(frozen=True)
class Line:
    """One subtitle of one language, ready to be written."""

    start_ms: int
    end_ms: int
    text: str
    name: str = ""  # who speaks, for the formats that have a field for it


def english(time: Timeline) -> list[Line]:
    """The English subtitles."""
    return [Line(c.start_ms, c.end_ms, c.beat["en"], c.beat.get("by", "").title()) for c in time.cues]


def shared(cue: Cue, parts: list[str], end_ms: int) -> list[Line]:
    """`parts` one after the other, each as long as its share of the letters."""
    letters = sum(map(len, parts))
    lines, start, done = [], cue.start_ms, 0
    for part in parts:
        done += len(part)
        stop = cue.start_ms + round((end_ms - cue.start_ms) * done / letters / 10) * 10
        lines.append(Line(start, stop, part))
        start = stop
    return lines


def korean(time: Timeline) -> list[Line]:
    """The Korean subtitles; their boundaries are not always those of the English ones."""
    lines: list[Line] = []
    for cue in time.cues:
        if "ko" in cue.beat:
            last = time.cues[cue.number - 2 + cue.beat.get("ko_spans", 1)]
            parts = [cue.beat["ko"]] if isinstance(cue.beat["ko"], str) else cue.beat["ko"]
            lines += shared(cue, parts, last.end_ms)
    return lines


def clock(ms: int, mark: str = ",") -> str:
    """`ms` as hours, minutes, seconds, `mark` and thousandths."""
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}{mark}{ms % 1000:03}"


def srt(lines: list[Line]) -> str:
    """SubRip."""
    return "\n".join(f"{i}\n{clock(x.start_ms)} --> {clock(x.end_ms)}\n{x.text}\n" for i, x in enumerate(lines, 1))


def vtt(lines: list[Line]) -> str:
    """WebVTT."""
    blocks = (f"{i}\n{clock(x.start_ms, '.')} --> {clock(x.end_ms, '.')}\n{x.text}\n" for i, x in enumerate(lines, 1))
    return "WEBVTT\n\n" + "\n".join(blocks)


def ass(lines: list[Line], title: str) -> str:
    """Advanced SubStation Alpha; its clock counts hundredths."""
    def text(line: Line) -> str:
        return line.text.replace("<i>", r"{\i1}").replace("</i>", r"{\i0}").replace("\n", r"\N")
    return ASS_HEAD.format(title=title) + "".join(
        f"Dialogue: 0,{clock(x.start_ms, '.')[1:-1]},{clock(x.end_ms, '.')[1:-1]},Default,{x.name},0,0,0,,{text(x)}\n"
        for x in lines)


def smi_events(lines: list[Line], cls: str) -> list[tuple[int, int, str]]:
    """One class's SYNC points as (ms, order, line); a pause is cleared with `&nbsp;`."""
    points: list[tuple[int, int, str]] = []
    for line, after in zip(lines, [*lines[1:], None], strict=True):
        body = html.escape(line.text, quote=False)
        body = body.replace("&lt;i&gt;", "<i>").replace("&lt;/i&gt;", "</i>").replace("\n", "<br>")
        points.append((line.start_ms, 1, f"<SYNC Start={line.start_ms}><P Class={cls}>{body}"))
        if after is None or after.start_ms > line.end_ms:
            points.append((line.end_ms, 0, f"<SYNC Start={line.end_ms}><P Class={cls}>&nbsp;"))
    return points


def smi(title: str, **languages: list[Line]) -> str:
    """SAMI with one class for each language, all in the order of time."""
    points = [point for cls, lines in languages.items() for point in smi_events(lines, cls)]
    head = SMI_HEAD.format(title=title, classes="\n".join(SMI_CLASSES[cls] for cls in languages))
    return head + "\n".join(text for *_, text in sorted(points, key=lambda p: p[:2])) + "\n</BODY>\n</SAMI>\n"


def plain(beat: Beat) -> str:
    """A cue's text on one line without names and tags."""
    return " ".join(re.sub(r"</?i>|^[A-Z]+: ", "", beat["en"]).split())


def gold(play: Play, time: Timeline) -> list[dict[str, str | int]]:
    """Every marked expression with its cues and times; raises ValueError where the words are not in the cue."""
    kinds = {e: kind for kind, names in play["expressions"].items() for e in names}
    found: list[dict[str, str | int]] = []
    for cue in time.cues:
        for expression, text in cue.beat.get("learn", {}).items():
            last = cue if text in plain(cue.beat) else time.cues[cue.number]
            if text not in plain(cue.beat) and text not in f"{plain(cue.beat)} {plain(last.beat)}":
                raise ValueError(f"cue {cue.number} does not say {text!r}: mend `learn` in play.yaml")
            found.append({"expression": expression, "lexicon_id": expression.lower().replace(" ", "-"),
                          "kind": kinds[expression], "cue_start": cue.number, "cue_end": last.number,
                          "start_ms": cue.start_ms, "end_ms": last.end_ms, "text": text})
    return found


def write_all(play: Play, time: Timeline, out: Path) -> None:
    """Write every subtitle file of the episode into `out`."""
    en, ko, title = english(time), korean(time), play["title"]
    files = {"sample.en.srt": srt(en), "sample.ko.srt": srt(ko), "sample.en.vtt": vtt(en),
             "sample.en.ass": ass(en, title), "sample.en.smi": smi(title, ENCC=en),
             "sample.bilingual.smi": smi(title, ENCC=en, KRCC=ko)}
    for name, text in files.items():
        (out / name).write_text(text, encoding="utf-8", newline="\n")
