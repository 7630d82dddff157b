"""A run in a process of its own, to be killed: `python killed.py URL JOURNAL OUT CHUNKS WORKERS`."""

import http.client
import json
import sys
from pathlib import Path
from urllib.parse import urlsplit

from runs import make

from langflix.config import Settings
from langflix.gemini import GeminiAnalyzer, Reply, Tokens, _read
from langflix.journal import Journal
from langflix.parallel import ExpressionBatchProcessor
from langflix.prompts import request_body
from langflix.quota import Clock


class PlainTransport:
    "The wire by the standard library alone: starts ten times faster than the service's own libraries."

    def __init__(self, url):
        self.place = urlsplit(url).netloc

    def generate(self, prompt):
        connection = http.client.HTTPConnection(self.place, timeout=30)
        connection.request("POST", "/v1beta/models/m:generateContent", json.dumps(request_body(prompt)))
        answer = json.load(connection.getresponse())
        connection.close()
        first = answer.get("candidates", [{}])[0]
        reply = _read({
            "candidates": [{"finish_reason": first.get("finishReason"), "content": first.get("content")}],
            "prompt_feedback": {"block_reason": answer.get("promptFeedback", {}).get("blockReason")},
        })  # fmt: skip
        return Reply(reply.text, Tokens(1, 1, 0), "stand-in")


def main(url, journal, out, chunks, workers):
    analyzer = GeminiAnalyzer(PlainTransport(url), Settings())
    processor = ExpressionBatchProcessor(analyzer, max_workers=int(workers), rpm=10**6, journal=Journal(Path(journal)), clock=Clock())
    try:
        outcomes = processor.analyze_expression_chunks(make(int(chunks)))
    except KeyboardInterrupt:
        print("interrupted", processor.report.requests, flush=True)
        sys.exit(130)
    data = [[o.chunk.number, [i.model_dump() for i in o.items], [(f.cue_start, f.cue_end, f.reason) for f in o.failures]] for o in outcomes]
    Path(out).write_text(json.dumps(data))


if __name__ == "__main__":
    main(*sys.argv[1:])
