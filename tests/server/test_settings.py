"""Settings: where they come from, and that a wrong one never passes for a missing one."""

from pathlib import Path

import pytest

from server.settings import Settings, SettingsError, documented, load


def test_without_anything_a_node_is_local_and_talks_to_nobody() -> None:
    settings = load({})
    assert settings.node.origin == "http://localhost:8000"
    assert not settings.node.federates
    assert settings.fetch_allow == settings.trusted_proxies == ()


def test_the_environment_goes_before_the_file_and_the_file_before_the_default(tmp_path: Path) -> None:
    file = tmp_path / "torv.toml"
    file.write_text('listen_port = 8100\nnode_name = "Fra filen"\n')
    settings = load({"TORV_CONFIG": str(file), "TORV_LISTEN_PORT": "8200"})
    assert (settings.listen_port, settings.node_name, settings.listen_host) == (8200, "Fra filen", "127.0.0.1")


def test_the_file_in_the_working_directory_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "torv.toml").write_text("log_level = 'debug'")
    assert load({}).log_level == "debug"


def test_lists_in_the_environment_are_separated_by_commas() -> None:
    assert load({"TORV_TRUSTED_PROXIES": "10.0.0.0/8, ::1/128"}).trusted_proxies == ("10.0.0.0/8", "::1/128")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TORV_LISTEN_PORT", "abc", "int"),
        ("TORV_LISTEN_PORT", "70000", "65535"),
        ("TORV_AUTHORIZED_FETCH", "maybe", "bool"),
        ("TORV_REGISTRATIONS", "anybody", "one of closed, invite, approval, domain, open, not 'anybody'"),
        ("TORV_PER_HOST", "0", ">= 1"),
        ("TORV_ORIGIN", "https://torv.example.dk/sti", "nothing after it"),
        ("TORV_ORIGIN", "https://Torv.example.dk", "lower case"),
        ("TORV_ORIGIN", "https://torv.example.dk:70000", "nothing after it"),
        ("TORV_DOMAIN", "https://example.dk", "host name"),
        ("TORV_CONTACT_EMAIL", "torvet", "e-mail"),
        ("TORV_SOURCE_URL", "javascript:alert(1)", "https://"),
        ("TORV_DATA_DIR", "", "folder"),
        ("TORV_LISTEN_HOST", "", "address of this machine"),
        ("TORV_ADMIN_HOST", "", "address of this machine"),
        ("TORV_ADMIN_HOST", "999.1.1.1", "address of this machine"),
        ("TORV_TIME_ZONE", "Mars/Base", "no zone 'Mars/Base'"),
        ("TORV_TIME_ZONE", "", "no zone"),
        ("TORV_FETCH_DEADLINE", "inf", "86400"),
        ("TORV_DATABASE_URL", "mysql://host/name", "postgresql://"),
        ("TORV_DATABASE_URL", "sqlite://", "sqlite:////path"),
        ("TORV_DATABASE_URL", "postgresql://", "/name"),
        ("DATABASE_URL", "postgresql://torv:pw@host:x/name", "postgresql://"),
        ("TORV_TRUSTED_PROXIES", "10.0.0.1/8", "host bits"),
        ("TORV_FETCH_ALLOW", "alt", "TORV_FETCH_ALLOW: 'alt' is not a network"),
        ("TORV_CA_FILE", "/there/is/none.pem", "no file"),
        ("TORV_LISTENPORT", "1", "did you mean listen_port"),
    ],
)
def test_what_is_wrong_is_named(name: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load({name: value})
    assert str(caught.value).startswith(f"{name}: ")
    assert said in str(caught.value)


def test_a_wrong_database_is_refused_without_repeating_its_password() -> None:
    with pytest.raises(SettingsError) as caught:
        load({"DATABASE_URL": "postgresql://torv:hemmelig@host:x/name"})
    assert "hemmelig" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["sqlite:////srv/torv.db", "postgresql:///torv", "postgres://torv:pw@host:5433/torv", "sqlite:///torv.db"]
)
def test_a_database_that_can_be_is_taken(url: str) -> None:
    assert load({"DATABASE_URL": url}).database_url == url


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::", "localhost", "torv-1.internal"])
def test_one_listens_on_addresses_and_names(host: str) -> None:
    assert load({"TORV_LISTEN_HOST": host}).listen_host == host


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("listen_port = '8000'", "listen_port in"),
        ("listn_port = 8000", "did you mean listen_port"),
        ("listen_port = ", "torv.toml"),
        ("trusted_proxies = 'x'", "trusted_proxies in"),
    ],
)
def test_what_is_wrong_in_the_file_is_named_with_the_file(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "torv.toml"
    file.write_text(content)
    with pytest.raises(SettingsError) as caught:
        load({"TORV_CONFIG": str(file)})
    assert said in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load({"TORV_CONFIG": str(tmp_path / "none.toml")})


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_postgresql_is_chosen_by_database_url(scheme: str) -> None:
    settings = load({"DATABASE_URL": f"{scheme}://torv:secret@db.example/torv"})
    assert settings.database == "postgresql+psycopg://torv:secret@db.example/torv"
    assert settings.sqlite_path is None


def test_sqlite_lies_in_the_data_folder_unless_said_otherwise(tmp_path: Path) -> None:
    assert load({"TORV_DATA_DIR": str(tmp_path)}).sqlite_path == tmp_path / "torv.db"
    assert load({"TORV_DATABASE_URL": f"sqlite:///{tmp_path}/x.db"}).sqlite_path == tmp_path / "x.db"


def test_handles_may_end_in_another_domain_than_the_origins_host() -> None:
    settings = load({"TORV_ORIGIN": "https://torv.example.dk/", "TORV_DOMAIN": "example.dk"})
    assert (settings.node.origin, settings.node.domain) == ("https://torv.example.dk", "example.dk")


def test_every_setting_has_a_meaning() -> None:
    assert set(documented()) == set(Settings.__struct_fields__)
    assert all(meaning.endswith(".") for meaning, _ in documented().values())
