"""The stand-in server, under the name that tests use."""

from langflix.stand_in import Asked, Script, answer, error, exhausted, stand_in, stand_in_process

__all__ = ["Asked", "Script", "answer", "error", "exhausted", "stand_in", "stand_in_process"]
