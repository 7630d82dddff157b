"""Every source language: what is spoken is found at its letters, in any form; what is not spoken is not found."""

import unicodedata

import pytest

from langflix.core import Cue
from langflix.inflection import cut, forms, readings
from langflix.prompts import Item
from langflix.timing import locate, verify


def heard(lang, expression, *lines):
    "The words that an expression marks in some lines."
    cues = [Cue(n, n * 2000, n * 2000 + 1900, line) for n, line in enumerate(lines, 1)]
    return [cues[cue - 1].text[start:end] for cue, start, end in locate(expression, cues, lang)]


SPOKEN = [
    # Spanish: inflection, pronouns before and after the verb, irregular verbs, articles
    ("es", "darse cuenta", "¡No me di cuenta!", ["me di cuenta"]),
    ("es", "darse cuenta", "Dándose cuenta, se fue.", ["Dándose cuenta"]),
    ("es", "darse cuenta", "¿Cuándo te diste realmente cuenta?", ["te diste", "cuenta"]),
    ("es", "echar de menos", "Te echo mucho de menos.", ["echo", "de menos"]),
    ("es", "echar una mano", "¿Me echas una mano?", ["echas una mano"]),
    ("es", "tomar el pelo", "Me estás tomando el pelo.", ["tomando el pelo"]),
    ("es", "meter la pata", "He metido la pata.", ["metido la pata"]),
    ("es", "irse", "Se fueron ayer.", ["Se fueron"]),
    ("es", "decir", "Dímelo ya.", ["Dímelo"]),
    ("es", "poner a alguien de los nervios", "Me pone de los nervios.", ["pone de los nervios"]),
    ("es", "hacer caso", "Hazme caso.", ["Hazme caso"]),
    ("es", "hacer caso", "¿Me has hecho caso?", ["hecho caso"]),
    # French: elision, hyphens, participles that agree, negation between
    ("fr", "se rendre compte", "Tu t'es rendue compte ?", ["t", "rendue compte"]),
    ("fr", "se rendre compte", "Je ne m’en rends pas compte.", ["m", "rends", "compte"]),
    ("fr", "avoir faim", "J'ai faim !", ["ai faim"]),
    ("fr", "laisser tomber", "Laisse-moi tomber.", ["Laisse", "tomber"]),
    ("fr", "laisser tomber quelqu'un", "Il l'a laissée tomber.", ["laissée tomber"]),
    ("fr", "d'accord", "D’accord, on y va.", ["D’accord"]),
    ("fr", "avoir l'air", "T'as l'air fatigué.", ["as l'air"]),
    ("fr", "tomber dans les pommes", "Elle est tombée dans les pommes.", ["tombée dans les pommes"]),
    ("fr", "s'en aller", "Va-t'en !", ["Va-t'en"]),
    ("fr", "s'en aller", "Je m'en vais.", ["m'en vais"]),
    # German: separable verbs, word order, cases, zu and ge inside
    ("de", "anrufen", "Ruf mich morgen an!", ["Ruf", "an"]),
    ("de", "jemanden anrufen", "Ich habe dich angerufen.", ["dich angerufen"]),
    ("de", "jemanden anrufen", "Ruf ihn an, wenn du da bist.", ["Ruf ihn an"]),
    ("de", "anrufen", "Du brauchst nicht anzurufen.", ["anzurufen"]),
    ("de", "durchhalten", "Halt noch ein bisschen durch!", ["Halt", "durch"]),
    ("de", "aufhören", "Hör sofort auf!", ["Hör", "auf"]),
    ("de", "aufpassen", "Pass gut auf, ja?", ["Pass", "auf"]),
    ("de", "aufgeben", "Ich gebe nicht auf.", ["gebe", "auf"]),
    ("de", "aufgeben", "Gib nicht auf und komm!", ["Gib", "auf"]),
    ("de", "auf die Nerven gehen", "Das geht mir auf die Nerven.", ["geht", "auf die Nerven"]),
    ("de", "jemandem auf die Nerven gehen", "Du bist mir auf die Nerven gegangen.", ["mir auf die Nerven gegangen"]),
    ("de", "die Daumen drücken", "Drück mir die Daumen!", ["Drück", "die Daumen"]),
    ("de", "sich Sorgen machen", "Mach dir keine Sorgen.", ["Mach dir", "Sorgen"]),
    ("de", "Spaß machen", "Das macht Spass!", ["macht Spass"]),
    ("de", "keine Ahnung haben", "Ich habe keine Ahnung.", ["habe keine Ahnung"]),
    # Arabic: signs, alef, the article, prefixes and suffixes, weak verbs
    ("ar", "فقد الأمل", "لا تَفقِد أملك", ["تَفقِد أملك"]),
    ("ar", "بالتأكيد", "بالتّأكيد يا صديقي", ["بالتّأكيد"]),
    ("ar", "إن شاء الله", "ان شاء الله", ["ان شاء الله"]),
    ("ar", "قال الحقيقة", "يقول لي الحقيقة", ["يقول", "الحقيقة"]),
    ("ar", "مدرسة", "ذهبوا إلى المدرسه", ["المدرسه"]),
    ("ar", "كتاب", "أعطني كتابها", ["كتابها"]),
    # Others by their lemmas
    ("it", "dare una mano", "Mi dai una mano?", ["dai una mano"]),
    ("it", "avere ragione", "Hai ragione.", ["Hai ragione"]),
    ("pt-BR", "ter razão", "Você tem razão.", ["tem razão"]),
    ("ru", "идти домой", "Он идёт домой.", ["идёт домой"]),
    ("hi", "ठीक है", "हाँ, ठीक है।", ["ठीक है"]),
    # Letters tell what language it is where nobody says so
    ("en", "알아내다", "알아냈어", ["알아냈어"]),
    ("en", "手を貸す", "手を貸して", ["手を貸し"]),
    ("en", "大丈夫", "もう大丈夫だよ", ["大丈夫"]),
    ("en", "帮忙", "帮个忙", ["帮个忙"]),
    ("zh-Hans", "帮忙", "帮个忙", ["帮个忙"]),
]

SILENT = [
    ("es", "darse cuenta", "La cuenta, por favor. Me la dio."), ("es", "echar de menos", "Echa más sal, no menos."), ("es", "meter la pata", "La pata de la mesa."),
    ("es", "tomar el pelo", "Toma. El pelo te queda bien."),
    ("fr", "se rendre compte", "Il tient les comptes."), ("fr", "avoir faim", "Il a soif, la faim viendra."), ("fr", "laisser tomber", "Il tombe, laisse."),
    ("de", "anrufen", "Ich rufe an Weihnachten meine Mutter."), ("de", "aufgeben", "Gib auf dich acht."), ("de", "anrufen", "Ruf mich. Schau das an."),
    ("de", "auf die Nerven gehen", "Er geht auf die Straße."), ("de", "aufgeben", "Auf, gib es mir."),
    ("ar", "فقد الأمل", "الأمل موجود"), ("ar", "كتاب", "ذهبت إلى البيت"),
    ("it", "dare una mano", "Ha una mano grande."), ("ru", "идти домой", "Дом большой."),
    ("en", "give up", "I give. Up there!"), ("en", "give up", "I give? Up!"), ("en", "hang up", "Hang it. Up there is a nail."),
]  # fmt: skip


@pytest.mark.parametrize(("lang", "expression", "line", "expected"), SPOKEN)
def test_what_is_spoken_is_found_at_its_letters(lang, expression, line, expected):
    assert heard(lang, expression, line) == expected


@pytest.mark.parametrize(("lang", "expression", "line"), SILENT)
def test_what_is_not_spoken_is_not_found(lang, expression, line):
    assert heard(lang, expression, line) == []


@pytest.mark.parametrize(("lang", "expression", "line"), [row[:3] for row in SPOKEN])
def test_the_way_accents_are_coded_makes_no_difference(lang, expression, line):
    assert heard(lang, expression, unicodedata.normalize("NFD", line))
    assert heard(lang, unicodedata.normalize("NFD", expression), line)


@pytest.mark.parametrize(("lang", "expression", "line"), [row[:3] for row in SPOKEN if row[0] in ("es", "fr", "de", "it", "pt-BR")])
def test_capitals_make_no_difference(lang, expression, line):
    if "ß" not in line + expression:
        assert heard(lang, expression, line.upper())


@pytest.mark.parametrize(
    ("lang", "expression", "lines", "expected"),
    [
        ("ko", "발이 넓다", ("걔가 발이", "정말 넓어."), ["발이", "넓어"]), ("ko", "알아내다", ("알아", "냈어"), ["알아", "냈어"]), ("ja", "手を貸す", ("ちょっと手を", "貸してくれる？"), ["手を", "貸し"]),
        ("zh", "帮忙", ("你帮我一个", "忙吧"), ["帮我一个", "忙"]), ("es", "echar de menos", ("Te echo tanto", "de menos"), ["echo", "de menos"]),
        ("de", "anrufen", ("Ruf mich bitte", "morgen an."), ["Ruf", "an"]), ("fr", "se rendre compte", ("Elle s'est rendu", "compte de tout."), ["s", "rendu", "compte"]),
        ("ar", "فقد الأمل", ("لا تفقد", "الأمل"), ["تفقد", "الأمل"]), ("en", "give up", ("Never give...", "...up"), ["give", "up"]),
    ],
)  # fmt: skip
def test_an_expression_may_cross_cues(lang, expression, lines, expected):
    assert heard(lang, expression, *lines) == expected


@pytest.mark.parametrize("lang", ["ko", "ja", "zh", "th", "es", "fr", "de", "ar", "ru", "xx"])
@pytest.mark.parametrize("expression", ["", " ", "?!", "…", "\n"])
def test_nothing_is_found_for_nothing(lang, expression):
    assert heard(lang, expression, "Hola. 안녕. こんにちは。你好。") == []


@pytest.mark.parametrize("lang", ["es", "fr", "de", "it", "pt", "ar"])
@pytest.mark.parametrize("placeholder", ["alguien", "quelqu'un", "jemanden", "qualcuno", "alguém", "شخص"])
def test_no_reading_is_all_optional(lang, placeholder):
    assert all(any(not word.optional for word in way) for way in readings(placeholder, lang))


def test_french_small_words_come_off_at_their_places():
    line = "Laisse-moi, j’ai pas l’temps; va-t'en, aujourd'hui !"
    tokens = cut(line, "fr")
    assert [token.text for token in tokens] == ["Laisse", "moi", "j", "ai", "pas", "l", "temps", "va", "t", "en", "aujourd'hui"]
    assert all(line[token.start : token.end] == token.text for token in tokens)


@pytest.mark.parametrize(
    ("lang", "word", "lemma"),
    [("es", "fue", "ir"), ("es", "fue", "ser"), ("es", "dándoselo", "dar"), ("es", "siéntate", "sentar"), ("fr", "rendue", "rendre"), ("fr", "perdus", "perdre"),
     ("de", "fällt", "fallen"), ("de", "Hände", "hand"), ("de", "Spaß", "spass"), ("it", "andata", "andare"), ("ar", "والبيت", "بيت")],
)  # fmt: skip
def test_a_form_leads_to_its_dictionary_word(lang, word, lemma):
    assert lemma in forms(word, lang)


@pytest.mark.parametrize(("lang", "expression", "line"), [("ko", "식은 죽 먹기", "그건 식은 죽 먹기야."), ("ja", "気にする", "気にしないで"), ("de", "anrufen", "Ruf mich an!")])
def test_a_model_that_points_right_is_believed_and_else_not(lang, expression, line):
    cues = [Cue(1, 0, 1900, line), Cue(2, 2000, 3900, "OK.")]
    fields = {"level": "B1", "kind": "idiom", "score": 0.5, "context_start": 1, "context_end": 2}
    right = Item(expression=expression, cue_start=1, cue_end=1, **fields)
    wrong = Item(expression=expression, cue_start=2, cue_end=2, **fields)
    found, dropped = verify([right, wrong], cues, "gemini", lang=lang)
    assert [(e.cue_start, e.cue_end) for e in found] == [(1, 1)]
    assert [d.reason for d in dropped] == ["not in its cues"]
