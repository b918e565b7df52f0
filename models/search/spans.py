"""Looking for the newest by words on PostgreSQL, one span of time after the other, and no further than needed.

A GIN index knows what holds a word, in no order: the newest of a common word would be all that hold it, sorted. So the
index here also knows in which span of time each row is, for spans of several lengths, and is asked for a word within a
few of them. It begins with the newest rows; each next stretch is as long as what was found in the last makes likely. The
cost follows how seldom a word is among what is new, and not how much there is.
"""

from functools import cache

from sqlalchemy import TextClause, text

LENGTHS = range(44, 63, 3)
"""Of spans, as powers of two in ids: of 70 minutes, of 9 hours … of 35 years (all ids lie in two of these)."""

FIRST = 1000
"""So many rows are looked through first."""

WIDER = 64
"""So many times as many as before are looked through next at most, and where there was nothing."""

COUNTED = 8000
"""So many rows are counted off, so that hours in which nothing or very much came mislead nobody; more are estimated."""

OF_ROW = f"ARRAY[{', '.join(f'(id >> {length}) + {length << 20}' for length in LENGTHS)}]"
"""The spans that a row is in, each with its length in its number, in the words of the index."""


TITLE = "ts_filter(stems, '{a}')"
"""The words of a title. They stand in the index by themselves: else all that holds them anywhere would be read."""


def index(table: str) -> str:
    """What makes the index."""
    how = "WITH (fastupdate = off)"
    return f"CREATE INDEX ix_{table}_stems ON {table} USING gin (stems, ({OF_ROW}), ({TITLE})) {how}"


HOLDS = {"anywhere": "stems @@ CAST(:anywhere AS tsquery)", "titled": f"{TITLE} @@ CAST(:titled AS tsquery)"}


@cache
def newest(table: str, asked: tuple[str, ...], *, counted: bool = False) -> TextClause:
    """Ids of what holds all that is `asked`, above :after and below :before, newest first, at most :most; or how many.

    A row of `looked` is what was found above the id `high`, how many rows below are looked through next, and how far
    apart rows are on average.
    """
    # OFFSET 0 keeps PostgreSQL from going down the ids of the whole table where it believes a word to be frequent.
    sql = f"""
WITH RECURSIVE looked AS (
  SELECT CAST('{{}}' AS bigint[]) AS ids, least(:before - 1, max(id)) AS high, CAST({FIRST} AS double precision) AS number,
    CAST(0 AS double precision) AS apart
  FROM {table}
  UNION ALL
  SELECT ids || fresh, low,
    least(
      number * least({WIDER}, 1 + 1.5 * (:most - cardinality(ids)) / nullif(cardinality(fresh), 0)),
      CASE WHEN number < {COUNTED} THEN {COUNTED} END
    ),
    (high - low) / number
  FROM looked
  CROSS JOIN LATERAL (
    SELECT greatest(:after, CASE
      WHEN number > {COUNTED} THEN high - CAST(least(number * apart, high) AS bigint)
      ELSE (SELECT id FROM {table} WHERE id > :after AND id <= high ORDER BY id DESC OFFSET CAST(number AS bigint) LIMIT 1)
    END) AS low
    OFFSET 0
  ) AS stretch
  CROSS JOIN LATERAL (
    SELECT min(each) AS span FROM unnest(ARRAY{list(LENGTHS)}) AS each WHERE (high - low) >> each < 8 OFFSET 0
  ) AS fine
  CROSS JOIN LATERAL (
    SELECT ARRAY(
      SELECT id
      FROM (
        SELECT id FROM {table} WHERE {" AND ".join(HOLDS[one] for one in asked)} AND {OF_ROW} && ARRAY(
          SELECT nth + (CAST(span AS bigint) << 20) FROM generate_series(low >> span, high >> span) AS nth
        )
        OFFSET 0
      ) AS there
      WHERE id > low AND id <= high ORDER BY id DESC LIMIT :most - cardinality(ids)
    ) AS fresh
    OFFSET 0
  ) AS part
  WHERE high > :after AND cardinality(ids) < :most
)
SELECT {"cardinality(ids)" if counted else "unnest(ids)"} AS found
FROM (SELECT ids FROM looked ORDER BY high LIMIT 1) AS last ORDER BY found DESC
"""  # noqa: S608
    return text(sql)
