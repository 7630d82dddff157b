"""Episodes, runs, expressions and what was taught, with an index of words."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def of_episode() -> sa.Column[int]:
    return sa.Column("episode_id", ID, sa.ForeignKey("episodes.id", ondelete="CASCADE"), nullable=False)


def text(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def whole(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "episodes",
        sa.Column("id", ID, primary_key=True),
        sa.Column("folder", sa.Text, nullable=False, unique=True),
        text("name"), text("show"), whole("season", True), whole("number", True), text("source_lang"), text("target_lang"),
        text("video", True), text("fingerprint", True), whole("expressions"), whole("lessons"), whole("failures"), text("recorded_at"),
    )  # fmt: skip
    op.create_index("episodes_by_place", "episodes", ["show", "season", "number", "name", "id"])
    op.create_index("episodes_by_fingerprint", "episodes", ["fingerprint"])
    op.create_table(
        "runs",
        sa.Column("id", ID, primary_key=True),
        of_episode(), text("made_at"), text("langflix_version"), text("analyzer"), text("model", True), whole("requests"), whole("rate_limited"),
        sa.Column("tokens", sa.BigInteger, nullable=False), sa.Column("cost_usd", sa.Float), sa.Column("wall_s", sa.Float, nullable=False),
        whole("segments_rendered"), whole("segments_reused"), whole("lessons"), whole("failures"),
        sa.UniqueConstraint("episode_id", "made_at", name="one_run_at_a_time"),
    )  # fmt: skip
    op.create_table("taught", of_episode(), text("key"), sa.PrimaryKeyConstraint("episode_id", "key"))
    op.create_table(
        "expressions",
        sa.Column("id", ID, primary_key=True),
        of_episode(), text("show"), text("group_id"), text("expression"), text("key"), text("level"), text("kind"),
        sa.Column("start_ms", sa.BigInteger, nullable=False), sa.Column("end_ms", sa.BigInteger, nullable=False),
        text("translation"), text("definition"), text("example"), text("line"), sa.Column("score", sa.Float, nullable=False),
        text("source"), text("lesson", True),
    )  # fmt: skip
    op.create_index("expressions_by_episode", "expressions", ["episode_id", "id"])
    for name in ("key", "level", "kind", "show"):
        op.create_index(f"expressions_by_{name}", "expressions", [name, "id"])
    index_words()


def index_words() -> None:
    "An index of words: FTS5 in SQLite, a text search vector in PostgreSQL."
    if op.get_bind().dialect.name == "sqlite":
        op.execute("CREATE VIRTUAL TABLE expression_words USING fts5(expression, lemma, rest, prefix='1 2 3', tokenize=\"unicode61 remove_diacritics 0 categories 'L* N* M* Co'\")")
    else:
        op.execute("CREATE TABLE expression_words (rowid bigint PRIMARY KEY REFERENCES expressions (id) ON DELETE CASCADE, words tsvector NOT NULL)")
        op.execute("CREATE INDEX expression_words_by_word ON expression_words USING gin (words) WITH (fastupdate = off)")
