"""Indexes over part of a table hold that part only, on both databases."""

from sqlalchemy import text

from models.database import Database


def test_the_condition_of_an_index_is_said_to_either_database(database: Database) -> None:
    query = (
        "SELECT name, sql FROM sqlite_master WHERE type = 'index'"
        if database.sqlite
        else "SELECT indexname, indexdef FROM pg_indexes"
    )
    with database.engine.connect() as connection:
        made = {row[0]: row[1] for row in connection.execute(text(query))}
    assert "held_for <>" in made["ix_posts_held"].partition("WHERE")[2]
    assert "type =" in made["ix_actors_groups"].partition("WHERE")[2]
