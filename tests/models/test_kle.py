"""The list of service areas: read from what people have, never from what would hurt."""

import pytest

from models import kle
from models.database import Database
from models.errors import Invalid

XML = """<?xml version="1.0" encoding="UTF-8"?>
<KLE-Emneplan><UdgivelsesDato>2026-05-01</UdgivelsesDato>
 <Hovedgruppe><HovedgruppeNr>05</HovedgruppeNr><HovedgruppeTitel>Første gruppe</HovedgruppeTitel>
  <Gruppe><GruppeNr>05.04</GruppeNr><GruppeTitel>Anden &amp; tredje</GruppeTitel>
   <Emne><EmneNr>05.04.06</EmneNr><EmneTitel>Et emne</EmneTitel></Emne>
  </Gruppe>
 </Hovedgruppe></KLE-Emneplan>""".encode()
FOUND = {"05": "Første gruppe", "05.04": "Anden & tredje", "05.04.06": "Et emne"}


@pytest.mark.parametrize(
    "data",
    [
        XML,
        "Nr;Titel\n05;Første gruppe\n05.04;Anden & tredje\n05.04.06;Et emne\n".encode(),
        "05,Første gruppe\n05.04,Anden & tredje\n05.04.06,Et emne".encode("cp1252"),
        "\ufeff05\tFørste gruppe\n05\t05.04\tAnden & tredje\n05\t05.04\t05.04.06\tEt emne\n".encode(),
    ],
)
def test_a_list_is_read_from_xml_and_tables(data: bytes) -> None:
    assert kle.read(data) == FOUND


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\x01",
        b"bare tekst",
        b"<KLE><EmneNr>05",
        b"<html></html>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><K><EmneNr>05</EmneNr><EmneTitel>&a;</EmneTitel></K>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><K><EmneNr>05</EmneNr><EmneTitel>x</EmneTitel></K>',
        b"x" * (kle.MAX_BYTES + 1),
    ],
)
def test_what_is_no_list_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        kle.read(data)


def test_a_new_list_takes_the_place_of_the_old(database: Database) -> None:
    database.write(lambda db: kle.replace(db, FOUND))
    database.write(lambda db: kle.replace(db, {"06": "Ny"}))
    with database.reading() as db:
        assert (kle.count(db), kle.title(db, "06"), kle.title(db, "05")) == (1, "Ny", "")


def test_numbers_are_checked_by_the_list_if_there_is_one(database: Database) -> None:
    with database.reading() as db:
        assert kle.checked(db, " 05.04.06 ") == "05.04.06"
        assert kle.checked(db, "") == ""
        for wrong in ("5", "05.4", "05.04.06.01", "x", "٠٥"):
            with pytest.raises(Invalid):
                kle.checked(db, wrong)
    database.write(lambda db: kle.replace(db, FOUND))
    with database.reading() as db:
        assert kle.checked(db, "05.04") == "05.04"
        with pytest.raises(Invalid) as caught:
            kle.checked(db, "05.05")
        assert caught.value.code == "kle_unknown"
        assert [one.number for one in kle.find(db, "emne")] == ["05.04.06"]
        assert [one.number for one in kle.find(db, "05.04")] == ["05.04", "05.04.06"]
        assert kle.find(db, "100%") == []
        assert [one.number for one in kle.main_groups(db)] == ["05"]
