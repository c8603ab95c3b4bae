"""`effemb report`."""

from __future__ import annotations

from pathlib import Path

import pytest

from effective_embeddings import Client
from effective_embeddings.report import make_report
from effective_embeddings.server import ServerHandle
from tests.support.cli import Cli, run
from tests.support.populated import fill


@pytest.fixture
def cli(shared_server: ServerHandle, shared_remote: Client, ns: str) -> Cli:
    fill(shared_remote, ns)
    return Cli(["--server", shared_server.target], ns)


def test_a_report_is_written_and_summed_up(cli: Cli, shared_remote: Client, tmp_path: Path) -> None:
    file = tmp_path / "out.html"
    text = cli.text("report", cli.ns, "--html", str(file))
    assert f"wrote {file}: {cli.ns} at revision 8" in text
    assert "7 items in the inbox" in text
    assert file.read_text("utf-8") == make_report(shared_remote, cli.ns).html
    told = cli.json("report", cli.ns, "--html", str(file))
    assert (told["file"], told["bytes"]) == (str(file), file.stat().st_size)
    assert (told["misfits"], told["waiting"], told["assignments"]) == (0, 7, 40)
    assert told["namespace"]["digest"] == shared_remote.get_namespace(cli.ns).digest.hex()


def test_a_report_goes_to_standard_output(cli: Cli, shared_remote: Client) -> None:
    done = cli.run("report", cli.ns, "--html", "-")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == make_report(shared_remote, cli.ns).html


def test_a_report_that_cannot_be_made_leaves_the_file_as_it_was(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "out.html"
    file.write_text("before", "utf-8")
    assert cli.refused("report", "unknown", "--html", str(file))["reason"] == "NAMESPACE_NOT_FOUND"
    assert file.read_text("utf-8") == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["out.html"]
    missing = cli.run("report", cli.ns, "--html", str(tmp_path / "nowhere" / "out.html"))
    assert missing.exit_code == 1
    assert "does not exist" in missing.stderr


def test_the_help_says_what_the_page_holds() -> None:
    done = run("report", "--help")
    assert done.exit_code == 0
    assert "keeps" not in done.stdout
    for words in ("--html", "loads nothing", "The same revision gives the same page"):
        assert words in " ".join(done.stdout.split())
    assert run("report", "notes").exit_code == 2
