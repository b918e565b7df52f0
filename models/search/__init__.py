"""Finding: what was said here, by words in any of their forms, and who knows about it.

`words` says what counts as the same word, `store` keeps the words of posts and actors in SQLite's FTS5 or PostgreSQL's
tsvector, where `spans` finds the newest, `documents` says what is kept of whom, `keeping` keeps it in step with every
change, in the same transaction.
`asked` reads what somebody typed, `rights` says what he may find, `finding` finds posts, `people` finds actors.
`spelling`, `similar` and `experts` build on these; `rebuilding` makes everything anew.
"""
