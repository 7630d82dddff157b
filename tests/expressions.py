"""Expressions for tests: told by where they are spoken in some cues, and otherwise alike."""

from collections.abc import Callable, Sequence

from langflix.core import Cue
from langflix.timing import Expression

Spans = tuple[tuple[int, int, int], ...]  # cue, first letter, letter after the last


def spoken_in(cues: Sequence[Cue], first: int = 1, last: int = 1, **alike: object) -> Callable[..., Expression]:
    "Makes expressions of these cues: said(expression, cue, spans), in a context from the first to the last cue, with fields as all have them unless a test says otherwise."
    at = {cue.index: cue for cue in cues}
    usual = {
        "translation": "버티다", "definition": "to go on", "context_translation": (), "example": "An example.", "similar": ("hold on",),
        "level": "B1", "kind": "idiom", "score": 0.5, "source": "gemini", **alike,
    }  # fmt: skip

    def said(expression: str, cue: int, spans: Spans, first: int = first, last: int = last, **more: object) -> Expression:
        place = {
            "expression": expression, "start_ms": at[cue].start_ms, "end_ms": at[cue].end_ms, "cue_start": cue, "cue_end": cue,
            "context_start_ms": at[first].start_ms, "context_end_ms": at[last].end_ms, "context_cue_start": first, "context_cue_end": last,
            "text": at[cue].line, "spans": spans,
        }  # fmt: skip
        return Expression(**(usual | place | more))

    return said
