"""Cut the fonts of langflix[media] down to what subtitles are written with, for the images.

    python .ci/fonts.py SITE_PACKAGES TARGET

Every Korean syllable stays, and every ideograph of Unicode's main block, because names of people use rare ones; of the
other blocks those in a national standard of Japan, China, Taiwan or Korea. With each character stays all that shapes it.
Most families get a regular and a bold file.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import uharfbuzz
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

CJK = ("noto_cjk_sans_jp_regular/NotoSansCJKjp-Regular.otf", "noto_cjk_sans_jp_bold/NotoSansCJKjp-Bold.otf")
# Latin, Greek, Cyrillic and Vietnamese; then the scripts of languages that LangFlix knows, and symbols such as ♪.
FAMILIES = ("NotoSans", "NotoSansArabic", "NotoSansHebrew", "NotoSansDevanagari", "NotoSansThai")
SYMBOLS = ("NotoSansSymbols", "NotoEmoji")
STYLES = ((400, "Regular"), (700, "Bold"))
BLOCKS = (  # of the CJK font: Latin, Greek, Cyrillic, punctuation, signs, kana, letters in circles, ideographs, Hangul, full width
    (0x20, 0x24F), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x45F), (0x1E00, 0x1EFF), (0x2000, 0x27BF), (0x2E80, 0x33FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xFE30, 0xFE4F),
    (0xFF00, 0xFFEF),
)  # fmt: skip
NAMES = "𠮷"  # frequent, and in no standard
OTHER_IDEOGRAPHS = ((0x3400, 0x4DBF), (0xF900, 0xFAFF), (0x20000, 0x2FFFF))


def in_standards() -> Iterator[int]:
    "The rarer ideographs that a national standard holds."
    for start, end in OTHER_IDEOGRAPHS:
        for code in range(start, end + 1):
            if any(_length(chr(code), codec) == 2 for codec in ("cp932", "euc_jis_2004", "gb2312", "big5", "euc_kr")):
                yield code


def _length(char: str, codec: str) -> int:
    "How many bytes a character takes; 0 where a character set lacks it. The rarest kanji take three."
    try:
        return len(char.encode(codec))
    except UnicodeEncodeError:
        return 0


def cut(font: Path, target: Path, codes: set[int] | None = None) -> None:
    "Write a font with some characters, or with all, and with all that shapes them."
    face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(font))
    wanted = uharfbuzz.SubsetInput()
    wanted.sets(uharfbuzz.SubsetInputSets.UNICODE).update(codes or face.unicodes)
    wanted.sets(uharfbuzz.SubsetInputSets.NAME_ID).update(range(26))  # its names and its licence
    wanted.sets(uharfbuzz.SubsetInputSets.NAME_LANG_ID).add(0x409)
    wanted.sets(uharfbuzz.SubsetInputSets.DROP_TABLE_TAG).update(map(_tag, ("DSIG", "STAT", "vhea", "vmtx", "VORG")))
    shaping = wanted.sets(uharfbuzz.SubsetInputSets.LAYOUT_FEATURE_TAG)
    for feature in ("vert", "vrt2", "vkrn", "valt", "ljmo", "vjmo", "tjmo"):  # text from top to bottom, and loose jamo
        shaping.discard(_tag(feature))
    wanted.flags = uharfbuzz.SubsetFlags.NO_HINTING | uharfbuzz.SubsetFlags.NOTDEF_OUTLINE
    target.write_bytes(uharfbuzz.subset(face, wanted).blob.data)
    leave_whole_tables(target)


def leave_whole_tables(path: Path) -> None:
    "Leave a font only the tables that list all of its characters: libass 0.17.1 looks at the first it meets."
    with TTFont(path, recalcTimestamp=False) as font:
        font.setGlyphOrder([f"glyph{number:05}" for number in range(font["maxp"].numGlyphs)])  # names of its own would take a minute
        whole = [table for table in font["cmap"].tables if (table.platformID, table.platEncID) in ((0, 4), (3, 10))]
        if any(table.platformID == 3 for table in whole):
            font["cmap"].tables = whole
            font.save(path)


def _tag(name: str) -> int:
    "A table or a feature, as a number."
    return int.from_bytes(name.encode(), "big")


def static(path: Path, weight: int, style: str) -> TTFont:
    "One weight of a variable font, as a font of its own."
    font = instancer.instantiateVariableFont(TTFont(path, recalcTimestamp=False), {"wght": weight})
    names, os2 = font["name"], font["OS/2"]
    family = names.getDebugName(1).removesuffix(" Light")
    for number, text in ((1, family), (2, style), (4, f"{family} {style}"), (6, f"{family.replace(' ', '')}-{style}")):
        names.setName(text, number, 3, 1, 0x409)
    for number in (16, 17, 25):
        names.removeNames(nameID=number)
    bold = style == "Bold"
    os2.usWeightClass, os2.fsSelection = weight, os2.fsSelection & ~0x61 | (0x20 if bold else 0x40)
    font["head"].macStyle = int(bold)
    return font


def main(packages: Path, target: Path) -> None:
    "Write all fonts."
    target.mkdir(parents=True)
    codes = set(map(ord, NAMES)) | set(in_standards()) | {code for start, end in BLOCKS for code in range(start, end + 1)}
    for file in CJK:
        cut(packages / file, target / Path(file).name, codes)
    for family in FAMILIES + SYMBOLS:
        for weight, style in STYLES[: 1 if family in SYMBOLS else 2]:
            with TemporaryDirectory() as folder:
                whole = Path(folder) / "whole.ttf"
                static(packages / f"manimgx_fonts/{family}[wght].ttf", weight, style).save(whole)
                cut(whole, target / f"{family}-{style}.ttf")
    for licence in packages.glob("noto_cjk_sans_jp_regular-*.dist-info/licenses/LICENSE"):
        shutil.copyfile(licence, target / "OFL.txt")
    for path in sorted(target.glob("*.[ot]tf")):
        print(f"{path.stat().st_size / 1e6:6.2f} MB  {len(TTFont(path, lazy=True).getBestCmap()):6} characters  {path.name}")
    for path in (target, *target.iterdir()):
        os.utime(path, (0, 0))  # two builds make the same layer


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
