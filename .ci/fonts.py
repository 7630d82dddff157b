"""Cut the fonts of langflix[media] down to what subtitles are written with, for the images.

    python .ci/fonts.py SITE_PACKAGES TARGET

In regular, every Korean syllable stays, and every ideograph of Unicode's main block, because names of people use rare ones;
of the other blocks those in a national standard of Japan, China, Taiwan or Korea. In bold, which lessons use for the words to
learn, those of the standards that daily texts are written in stay: libass draws others from the regular file, a little
thicker. Korea's and China's own shapes of ideographs stay where they are written there; libass, which knows a language by two letters,
draws China's in all Chinese. With each character stays all that shapes it.
"""

import os
import shutil
import sys
from collections import defaultdict
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
LETTERS = (  # Latin, Greek, Cyrillic, punctuation, signs, kana, letters in circles, full width
    (0x20, 0x24F), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x45F), (0x1E00, 0x1EFF), (0x2000, 0x27BF), (0x2E80, 0x33FF), (0xFE30, 0xFE4F), (0xFF00, 0xFFEF),
)  # fmt: skip
HANGUL, IDEOGRAPHS = range(0xAC00, 0xD7A4), range(0x4E00, 0xA000)
NAMES = "𠮷"  # frequent, and in no standard
OTHER_IDEOGRAPHS = ((0x3400, 0x4DBF), (0xF900, 0xFAFF), (0x20000, 0x2FFFF))


CANTONESE = "咁咗咩咪哋哎唔唞唥唧啩啫啱啲喎喐喺嗌嗰嗱嘅嘞嘢嘥嘩噃噉嚟嚿嬲孖孭冇冚佢揸揾搵搣攞攰曱瞓瞅睇糴餸鬧靚咭啖咯啵"  # said every day, but not of Big5's first level
SHAPING = (  # what libass asks for when lines run from side to side
    "ccmp locl rlig liga clig calt rclt kern mark mkmk curs dist frac numr dnom isol init medi med2 fina fin2 fin3 mset stch "
    "nukt akhn rphf rkrf pref blwf abvf half pstf vatu cjct pres abvs blws psts haln abvm blwm"
).split()


def everything() -> set[int]:
    "All characters of the regular CJK font."
    rare = (code for start, end in OTHER_IDEOGRAPHS for code in range(start, end + 1))
    named = {code for code in rare if any(_coded(code, codec) for codec in ("cp932", "euc_jis_2004", "gb2312", "big5", "euc_kr"))}
    return letters() | named | {*HANGUL, *IDEOGRAPHS, *map(ord, NAMES)}


def letters() -> set[int]:
    "The characters of the CJK font that are neither Hangul nor ideographs."
    return {code for start, end in LETTERS for code in range(start, end + 1)}


def common() -> set[int]:
    "The characters of the bold CJK font."
    ideographs = {code for code in IDEOGRAPHS if _coded(code, "gb2312") or _coded(code, "cp932") or is_daily_big5(code)}
    return letters() | ideographs | {code for code in HANGUL if _coded(code, "euc_kr")} | set(map(ord, CANTONESE))


def is_daily_big5(code: int) -> bool:
    "Whether an ideograph is of the first level of Big5: what nearly all texts in traditional characters are written with."
    return b"\xa4" <= _coded(code, "big5") < b"\xc9"


def _coded(code: int, codec: str) -> bytes:
    "A character's two bytes in a character set; nothing where that lacks it, or spells it in more."
    try:
        coded = chr(code).encode(codec)
    except UnicodeEncodeError:
        return b""
    return coded if len(coded) == 2 else b""


def is_written(code: int, region: str) -> bool:
    "Whether a region writes a character, and so needs its own shape of it; all do where it is no ideograph."
    if code not in IDEOGRAPHS:
        return True
    if region == "KOR ":
        return bool(_coded(code, "euc_kr"))
    return region == "ZHS " and bool(_coded(code, "gb2312") or is_daily_big5(code) or chr(code) in CANTONESE)


def drop_rare_shapes(font: TTFont) -> None:
    "Let regions draw in the font's own, Japan's, shape what they hardly write; and what libass never asks for."
    gsub, codes = font["GSUB"].table, defaultdict(set)
    for code, glyph in font.getBestCmap().items():
        codes[glyph].add(code)
    systems = {(system.LangSysTag, number) for script in gsub.ScriptList.ScriptRecord for system in script.Script.LangSysRecord for number in system.LangSys.FeatureIndex}
    features = gsub.FeatureList.FeatureRecord
    own = {(region, lookup) for region, number in systems if features[number].FeatureTag == "locl" for lookup in features[number].Feature.LookupListIndex}
    for region, lookup in sorted(own):
        for table in gsub.LookupList.Lookup[lookup].SubTable:
            shapes = table.ExtSubTable.mapping if hasattr(table, "ExtSubTable") else table.mapping
            for glyph in [glyph for glyph in shapes if not any(is_written(code, region) for code in codes[glyph])]:
                del shapes[glyph]


def cut(font: Path, target: Path, codes: set[int] | None = None) -> None:
    "Write a font with some characters, or with all, and with all that shapes them."
    face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(font))
    wanted = uharfbuzz.SubsetInput()
    wanted.sets(uharfbuzz.SubsetInputSets.UNICODE).update(codes or face.unicodes)
    wanted.sets(uharfbuzz.SubsetInputSets.NAME_ID).update(range(26))  # its names and its licence
    wanted.sets(uharfbuzz.SubsetInputSets.NAME_LANG_ID).add(0x409)
    wanted.sets(uharfbuzz.SubsetInputSets.DROP_TABLE_TAG).update(map(_tag, ("DSIG", "STAT", "vhea", "vmtx", "VORG")))
    shaping = wanted.sets(uharfbuzz.SubsetInputSets.LAYOUT_FEATURE_TAG)
    shaping.clear()
    shaping.update(map(_tag, SHAPING))
    wanted.flags = uharfbuzz.SubsetFlags.NO_HINTING | uharfbuzz.SubsetFlags.NOTDEF_OUTLINE
    target.write_bytes(uharfbuzz.subset(face, wanted).blob.data)
    leave_whole_tables(target)


def leave_whole_tables(path: Path) -> None:
    "Leave a font only the tables that list all of its characters: libass 0.17.1 looks at the first it meets."
    with TTFont(path, recalcTimestamp=False) as font:
        number_glyphs(font)
        whole = [table for table in font["cmap"].tables if (table.platformID, table.platEncID) in ((0, 4), (3, 10))]
        if any(table.platformID == 3 for table in whole):
            font["cmap"].tables = whole
            font.save(path)


def number_glyphs(font: TTFont) -> None:
    "Call glyphs by their numbers: names of their own would take a minute."
    font.setGlyphOrder([f"glyph{number:05}" for number in range(font["maxp"].numGlyphs)])


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
    with TemporaryDirectory() as folder:
        whole = Path(folder) / "whole"
        for file, codes in zip(CJK, (everything(), common()), strict=True):
            with TTFont(packages / file, recalcTimestamp=False, lazy=True) as font:
                number_glyphs(font)
                drop_rare_shapes(font)
                font.save(whole)
            cut(whole, target / Path(file).name, codes)
        for family in FAMILIES + SYMBOLS:
            for weight, style in STYLES[: 1 if family in SYMBOLS else 2]:
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
