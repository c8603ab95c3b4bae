"""The page: what it is made of, what it says, and what no key or text can make of it."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
import typer

from effective_embeddings import CategoryUpdate, Client, HistoryKeep
from effective_embeddings.cli import app
from effective_embeddings.report import caps, make_report
from effective_embeddings.report.page import document
from tests.docs.test_names import flags_of, leads_to_a_command
from tests.report.namespaces import DIMENSION, fill_with_everything, fill_with_tags
from tests.report.pages import Node, parse
from tests.support.vectors import random_vectors

SECTIONS = ["map", "learning", "categories", "confusion", "review", "teachers", "suggestions"]
HOSTILE = [
    "<script>alert(1)</script>",
    "</title></style></svg><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x=\'',
    "javascript:alert(1)",
    "&lt;b&gt; &amp; ]]> --> {{7*7}} `rm`",
    "\u202egnp.exe\u2066 \u200b\u2028",
    "Ünî 👩\u200d👩\u200d👧 żółć 漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字",
    "x" * 512,
]


def page(client: Client, ns: str) -> Node:
    return parse(make_report(client, ns).html)


@pytest.fixture(params=["everything", "tags", "empty", "names", "items"])
def anything(request: pytest.FixtureRequest, client: Client, ns: str) -> str:
    if request.param == "everything":
        fill_with_everything(client, ns)
    elif request.param == "tags":
        fill_with_tags(client, ns)
    else:
        client.create_namespace(ns, DIMENSION)
    if request.param == "names":
        client.put_categories(
            ns, [CategoryUpdate("only a name", base=random_vectors(1, DIMENSION)[0])]
        )
    if request.param == "items":
        client.put_items(ns, ["a", "b"], random_vectors(2, DIMENSION))
    return ns


def test_a_page_is_one_file_that_runs_and_loads_nothing(client: Client, anything: str) -> None:
    root = page(client, anything)
    names = {each.name for each in root.all()}
    assert not names & {"script", "link", "iframe", "object", "embed", "form", "base", "img", "a:"}
    for each in root.all():
        for name, value in each.attributes.items():
            assert not name.startswith("on"), (each.name, name)
            assert name not in ("src", "srcset", "xlink:href", "action")
            if name == "href":
                assert str(value).startswith("#")
            if name == "style":
                assert re.fullmatch(r"width:[\d.]+%", str(value))
    style = root.one("style").text
    assert "url(" not in style
    assert "@import" not in style
    (policy,) = (
        each.attributes["content"]
        for each in root.all("meta")
        if each.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert str(policy).startswith("default-src 'none'; style-src 'unsafe-inline';")


def test_a_page_has_every_section_with_what_it_shows_and_what_to_do(
    client: Client, anything: str
) -> None:
    root = page(client, anything)
    assert [each.attributes["id"] for each in root.one("main").all("section")] == [
        "glance",
        *SECTIONS,
    ]
    for name in SECTIONS:
        section = root.by_id(name)
        intro = next(each for each in section.all("div") if each.attributes["class"] == "intro")
        shows, to_do = (each.text for each in intro.all("p"))
        assert len(shows) > 60
        assert to_do.startswith("What to do: ")
        assert section.attributes["aria-labelledby"] == f"{name}-title"
        assert len(section.children) > 2, "a section without content says why"
    assert root.one("html").attributes["lang"] == "en"
    assert anything in root.one("head").one("title").text
    assert root.one("h1").text == anything


def test_a_page_can_be_read_without_seeing_it(client: Client, anything: str) -> None:
    root = page(client, anything)
    ids = [each.attributes["id"] for each in root.all() if "id" in each.attributes]
    assert len(set(ids)) == len(ids)
    for each in root.all():
        for name in ("href", "aria-labelledby"):
            for target in (each.attributes.get(name) or "").split():
                assert target.lstrip("#") in ids
    for table in root.all("table"):
        assert table.one("caption").text
        heads = [each.text for each in table.all("th")]
        assert all(heads)
        for row in table.one("tbody").all("tr"):
            assert [cell.attributes["data-label"] for cell in row.all("td")] == heads
    for svg in root.all("svg"):
        assert svg.attributes["role"] == "img"
        assert svg.one("desc").text
        assert next(svg.all("title")).text


def test_the_commands_that_a_page_names_exist(client: Client, anything: str) -> None:
    command = typer.main.get_command(app)
    codes = [each.text for each in page(client, anything).all("code")]
    assert len(codes) >= 6
    for code in codes:
        program, *words = code.split()
        assert program == "effemb"
        flags = {word for word in words if word.startswith("--")}
        assert flags <= flags_of(command), code
        assert leads_to_a_command(command, [word for word in words if word not in flags]), code


def test_an_empty_namespace_says_what_it_lacks(client: Client, ns: str) -> None:
    client.create_namespace(ns, 3)
    root = page(client, ns)
    assert "Nothing has been assigned yet." in root.by_id("glance").text
    assert not list(root.all("svg"))
    assert not list(root.all("table"))
    for name, words in {
        "map": "nothing to draw",
        "learning": "no assignments",
        "categories": "no categories",
        "confusion": "no members",
        "review": "no members",
        "teachers": "no members",
        "suggestions": "inbox is empty",
    }.items():
        assert words in root.by_id(name).text, name


def test_the_page_shows_the_figures(client: Client, ns: str) -> None:
    fill_with_everything(client, ns)
    namespace = client.get_namespace(ns)
    made = make_report(client, ns)
    root = parse(made.html)
    facts = {each.one("dt").text: each.one("dd").text for each in root.one("dl").all("div")}
    assert facts["Categories"] == f"{namespace.category_count}"
    assert facts["Items"] == f"{namespace.item_count}"
    assert facts["Memberships"] == f"{namespace.membership_count}"
    assert facts["In the inbox"] == "6"
    assert facts["Ranking"] == "COSINE, fairness 0"
    assert facts["History kept"] == "all of it"
    assert facts["State digest"] == namespace.digest.hex()[:16]
    assert f"State at revision {namespace.revision}," in root.one("header").text
    assert made.namespace.digest == namespace.digest
    assert f"{made.misfits} members of {namespace.membership_count}" in root.by_id("glance").text
    authors = root.by_id("teachers").rows()
    influence = next(iter(client.review_actors(ns, actor="carl")))
    moved = f"plain{influence.movement:.3f}"
    assert authors[0][:5] == ["carl", "3", "1", moved, "100 % (3)"]
    queue = root.by_id("review").rows()
    assert len(queue) == made.misfits
    assert {row[0] for row in queue if row[4] == "carl"} == {f"wrong {n}" for n in range(3)}
    leads = [float(row[3]) for row in queue]
    assert leads == sorted(leads, reverse=True)
    assert len(root.by_id("categories").rows()) == namespace.category_count
    waiting = [row[0] for row in root.by_id("suggestions").rows() if len(row) == 5]
    assert sorted(waiting) == [f"the words of item {n}new {n}" for n in range(6)]
    shares = [row for row in root.by_id("suggestions").rows() if len(row) == 3]
    rates = client.estimate_review_rate(ns)
    assert shares == [
        [
            f"{each.level:g}",
            f"{100 * (each.review_share or 0):.0f} %",
            "–" if each.error_share is None else f"{100 * each.error_share:.0f} %",
        ]
        for each in rates.rates
    ]
    level = next(each for each in rates.rates if each.level == 0.1)
    assert (
        f"of about {100 * (level.review_share or 0):.0f} % of new items"
        in root.by_id("glance").text
    )
    sure = {
        each.item: each.best.confidence for each in client.suggest(ns, confidence=True).suggestions
    }
    for row in root.by_id("suggestions").rows():
        if len(row) == 5:
            own = sure[row[0][-5:]]
            assert row[4] == ("no members" if own is None else f"{100 * own:.0f} %")


def test_corrections_and_undos_are_shown(client: Client, ns: str) -> None:
    fill_with_everything(client, ns)
    client.assign(ns, "wrong 0", "bound", actor="ann")
    client.undo(ns, client.assign(ns, "plain 0", "bound", actor="dan").revision)
    root = page(client, ns)
    rows = root.by_id("learning").rows()
    assert ["plain", "bound", "1"] in rows
    assert {row[0]: row[1] for row in rows if row[0] in ("corrected", "taken back")} == {
        "corrected": "1 (1 %)",
        "taken back": "1 (1 %)",
    }


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_keys_and_texts_are_shown_as_they_are(client: Client, ns: str, text: str) -> None:
    client.create_namespace(ns, DIMENSION, description=text, embedding_model=text[:60])
    centres = random_vectors(3, DIMENSION, seed=5)
    key = text.replace("\u2028", "")
    keys = [key, f"{key[:250]}2", "third"]
    client.put_categories(
        ns, [CategoryUpdate(k, base=b) for k, b in zip(keys, centres, strict=True)]
    )
    items = [f"{number}{key[:200]}" for number in range(6)]
    metadata = {"text": text + "\n\x00\x1b[31m"}
    for place in range(3):
        members = centres[place] + random_vectors(6, DIMENSION, seed=place) * 0.2
        client.assign(
            ns,
            [f"{place}{each}" for each in items],
            keys[(place + (place < 1)) % 3],
            members,
            metadata=metadata,
            actor=text[:60],
            reason=text,
        )
    client.assign(ns, f"0{items[0]}", keys[0], actor="someone")
    client.put_items(ns, items, random_vectors(6, DIMENSION, seed=9), metadata=metadata)
    whole = make_report(client, ns).html
    root = parse(whole)
    elements = {each.name for each in root.all()}
    assert not elements & {"script", "img", "b"}
    assert not any(name.startswith("on") for each in root.all() for name in each.attributes)
    assert len(list(root.all("style"))) == len(list(root.one("head").all("title"))) == 1
    # No word makes a table wider than the page.
    assert max(len(part) for cell in root.all("td") for part in cell.unbroken()) <= 25
    # Everything that changes what is around it is gone; what can be seen is there.
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\u2028\x00-\x08\x0b-\x1f]", whole)
    shown = root.by_id("categories").rows()
    if len(text) < caps.MOST_KEY and text.isprintable():
        assert text in {row[0] for row in shown}
    else:
        assert max(len(row[0]) for row in shown) <= caps.MOST_KEY


@pytest.mark.parametrize("fill", [fill_with_everything, fill_with_tags])
def test_the_same_revision_gives_the_same_page(
    client: Client, ns: str, fill: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(fill)
    fill(client, ns)
    first = make_report(client, ns).html
    # Neither the time, nor the place of temporary files, nor the order of earlier reads matters.
    client.match(ns, random_vectors(3, DIMENSION), ranking="local")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert make_report(client, ns).html == first
    client.assign(ns, "one more", client.list_categories(ns).__next__().key, np.ones(DIMENSION))
    assert make_report(client, ns).html != first


def test_a_restored_namespace_has_members_and_no_history_of_them(
    client: Client, ns: str, tmp_path: Path
) -> None:
    fill_with_everything(client, ns)
    client.snapshot(ns, tmp_path / "snapshot")
    client.restore(tmp_path / "snapshot", f"{ns}-copy")
    root = page(client, f"{ns}-copy")
    assert "The history has no assignments." in root.by_id("learning").text
    assert root.by_id("review").rows() == page(client, ns).by_id("review").rows()
    assert {row[6] for row in root.by_id("teachers").rows()} == {"–"}


def test_a_trimmed_history_is_named(client: Client, ns: str) -> None:
    fill_with_everything(client, ns)
    revision = client.trim_history(ns, keep_revisions=2).first_revision
    root = page(client, ns)
    assert f"The history before revision {revision} was trimmed." in root.by_id("learning").text
    assert f"from revision {revision} on" in root.one("dl").text


@pytest.mark.parametrize(
    ("keep", "words"),
    [
        (HistoryKeep(revisions=5000), "all of it; at most 5,000 revisions"),
        (HistoryKeep(age_seconds=30 * 86400), "all of it; at most 30 days"),
        (HistoryKeep(1, 5400), "all of it; at most 1 revision and 90 minutes"),
    ],
)
def test_retention_is_named(client: Client, ns: str, keep: HistoryKeep, words: str) -> None:
    client.create_namespace(ns, DIMENSION, history_keep=keep)
    assert words in page(client, ns).one("dl").text


def test_a_large_namespace_has_a_page_of_bounded_size_that_names_its_caps(
    client: Client, ns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from effective_embeddings.report.sources import misfits  # noqa: PLC0415

    monkeypatch.setattr(misfits, "MOST_MISFITS", 700)
    client.create_namespace(ns, DIMENSION)
    long = '"<&>' * 100
    keys = [f"{number:04}{long}" for number in range(1000)]
    bases = random_vectors(1000, DIMENSION, seed=1)
    client.put_categories(ns, [CategoryUpdate(k, base=b) for k, b in zip(keys, bases, strict=True)])
    items = [f"{number:05}{long}" for number in range(2600)]
    vectors = random_vectors(2600, DIMENSION, seed=2)
    client.put_items(ns, items, vectors, metadata={"text": long * 4})
    for number in range(60):
        some = items[number * 40 : number * 40 + 40]
        client.assign(ns, some, keys[number * 7 : number * 7 + 40], actor=f"{number}{long[:100]}")
    made = make_report(client, ns)
    assert len(made.html.encode()) < 1_500_000
    assert made.misfits == 700
    root = parse(made.html)
    assert "50 members to look at first, of 700 or more" in root.by_id("review").text
    assert f"{caps.MOST_MAP_ITEMS:,} of 2,600 items" in root.by_id("map").text
    assert "200 largest of 1,000 categories" in root.by_id("map").text
    assert len(root.by_id("categories").rows()) == caps.MOST_CATEGORIES_LISTED
    assert len(root.by_id("confusion").rows()) == caps.MOST_CONFUSIONS
    assert len(root.by_id("review").rows()) == caps.MOST_REVIEWED
    assert len(root.by_id("teachers").rows()) == caps.MOST_ACTORS
    rows = root.by_id("suggestions").rows()
    levels = len(client.estimate_review_rate(ns).rates)
    assert len(rows) == 2 * caps.MOST_SUGGESTIONS + caps.MOST_GROUPS + levels


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_texts_have_enough_contrast(scheme: int) -> None:
    blocks = re.findall(r":root \{(.*?)\}", document._style(), re.DOTALL)
    assert len(blocks) == 2
    colours = dict(re.findall(r"--([\w]+): (#[0-9a-f]{6})", blocks[scheme]))
    texts = ["ink", "quiet", "blue", *(f"s{number}" for number in range(caps.MOST_DRIFT_LINES))]
    # WCAG 2.1 AA: 4.5 for texts, 3 for marks.
    for name, least in [*((text, 4.5) for text in texts), *((m, 3) for m in ("orange", "green"))]:
        for ground in ("paper", "ground") if name in ("ink", "quiet", "blue") else ("paper",):
            pair = sorted((_luminance(colours[name]), _luminance(colours[ground])), reverse=True)
            assert (pair[0] + 0.05) / (pair[1] + 0.05) >= least, (name, ground)


def test_a_write_while_the_report_is_made_is_named(client: Client, ns: str) -> None:
    fill_with_everything(client, ns)
    assert "written to while" not in make_report(client, ns).html
    before = client.get_namespace(ns).revision

    def write(stage: str, *_: object) -> None:
        if stage == "review members":
            client.assign(ns, "new 0", "plain")
            client.delete_items(ns, ["new 1", "wrong 1"])

    root = parse(make_report(client, ns, write).html)
    header = root.one("header").text
    assert f"State at revision {before}," in header
    assert f"up to revision {before + 2}:" in header
    waiting = [row[0] for row in root.by_id("suggestions").rows() if len(row) == 5]
    assert len(waiting) == 4  # of six, one is assigned and one deleted meanwhile
