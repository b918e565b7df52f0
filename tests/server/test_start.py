"""A node starts without what its first answer does not need."""

import subprocess
import sys
from pathlib import Path

HEAVY = (
    *(
        "alembic",
        "cryptography",
        "dateutil",
        "icalendar",
        "linkify_it",
        "markdown_it",
        "obstore",
        "PIL",
        "psycopg",
        "snowballstemmer",
    ),
    "sqlalchemy.dialects.postgresql",
)


def test_a_start_on_sqlite_loads_none_of_the_heavy_libraries_that_wait_for_their_first_use(tmp_path: Path) -> None:
    program = f"""
import sys
import server.commands.serve, server.worker, server.metrics
from models.database import Database, Node
from server.app import create_app
from server.federating import federation_for
from server.settings import Settings

settings = Settings(origin="http://localhost:1")
database = Database("sqlite:///{tmp_path}/node.db", settings.node)
create_app(settings, federation=federation_for(settings, database))
database.close()
print(*(name for name in {HEAVY!r} if name in sys.modules))
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.split() == []
