"""Small chunks of invented dialogue, and a processor that asks a stand-in about them over HTTP."""

from langflix.chunks import Chunk
from langflix.config import Settings
from langflix.core import Cue
from langflix.gemini import GeminiAnalyzer, make_transport
from langflix.parallel import ExpressionBatchProcessor
from langflix.quota import Clock
from langflix.stand_in import PHRASES

KEY = "AIzaTestKeyTestKeyTestKey"
SDKS = ("generativeai", "genai")


def make(count, lines=8):
    "Chunks of so many lines each; every second line holds a phrase."
    cues = [Cue(i, i * 3000, i * 3000 + 1500, f"Line {i}: {PHRASES[i % len(PHRASES)]}." if i % 2 else f"Line {i} says little.") for i in range(1, count * lines + 1)]
    return [Chunk(n + 1, tuple(cues[n * lines : (n + 1) * lines]), n * lines + 1, (n + 1) * lines) for n in range(count)]


def asking(server, sdk="generativeai", speed=1.0, **options):
    "A processor that asks a stand-in."
    settings = Settings(gemini={"api_key": KEY, "endpoint": server.url, "sdk": sdk, "timeout_s": 20})
    analyzer = GeminiAnalyzer(make_transport(settings), settings)
    return ExpressionBatchProcessor(analyzer, clock=Clock(speed), **options)


def found(outcomes):
    "What was found, by cue."
    return {(item.cue_start, item.expression) for outcome in outcomes for item in outcome.items}
