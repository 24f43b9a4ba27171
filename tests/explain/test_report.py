"""The page read as a browser reads it: structure, links, policy, and nothing from outside."""

import base64
import hashlib
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from drawn_results import (
    LOST,
    clip,
    evidence,
    explanation,
    observations,
    picture,
    result,
    sound_only,
    track,
)

from demeanor.explain import report
from demeanor.explain.pictures import Media
from demeanor.explain.records import (
    Grounding,
    LabelScore,
    NotMeasured,
    Person,
    Provenance,
    Span,
    Unit,
)
from demeanor.explain.report import Embed, IndexEntry, html_report, write_index, write_report
from demeanor.explain.store import load_result

EVIL = "</script><img src=x onerror=alert(1)>\"'`--><svg onload=alert(1)> {{ 7*7 }}"
VOID = frozenset("meta link img br hr input".split())


class Page(HTMLParser):
    """Elements, ids, text; an element that is closed out of turn is an error."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.text, self.scripts, self.styles, self._open = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        inside = self._open[-1] if self._open else ""
        {"script": self.scripts, "style": self.styles}.get(inside, self.text).append(data)

    @property
    def said(self):
        return " ".join(" ".join(self.text).split())

    def ids(self):
        return [a["id"] for _, a in self.elements if "id" in a]

    def all(self, tag, css=None):
        found = [a for t, a in self.elements if t == tag]
        return [a for a in found if css is None or css in (a.get("class") or "").split()]


def evil():
    """The same text wherever a stranger or a model can put one."""
    claim = evidence(EVIL, "f1", "<f7>", grounding=Grounding.UNSUPPORTED, reason=EVIL)
    told = explanation(
        evidence=(claim, replace(claim, part="observations")),
        labels=(EVIL,),
        best_fit=EVIL,
        alternatives=(LabelScore(EVIL, 0.2),),
        abstained_reason=EVIL,
        provenance=Provenance(EVIL, EVIL, None, None, {}, "0", (EVIL,)),
        raw_reply=EVIL,
        problems=(EVIL,),
        conclusion=EVIL,
    )
    # a file's name cannot hold a slash
    return result(
        EVIL,
        observations=observations(EVIL),
        explanations=(told,),
        path=Path(EVIL.replace("/", "")),
        not_measured=(NotMeasured(EVIL, EVIL),),
        settings={"thresholds": {"a": {"b": EVIL}}, "words_from": EVIL, "other": EVIL},
    )


ALL = {
    "video": result,
    "evil": evil,
    "picture": picture,
    "sound": sound_only,
    "measured only": lambda: result(explanations=()),
    "nothing": lambda: result(
        people=(), tracks=(), utterances=(), observations=(), usual=(), explanations=()
    ),
}


@pytest.fixture(params=ALL, ids=str)
def any_result(request):
    return ALL[request.param]()


def test_the_page_is_well_formed_and_every_link_has_an_end(any_result):
    page = Page(html_report(any_result))
    ids = page.ids()
    assert len(ids) == len(set(ids))
    links = [a["href"] for _, a in page.elements if "href" in a]
    assert links
    assert set(links) <= {f"#{i}" for i in ids}


def test_nothing_is_loaded_from_outside(any_result):
    text = html_report(any_result)
    page = Page(text)
    sources = [a[k] for _, a in page.elements for k in ("src", "href", "data", "action") if k in a]
    assert all(source.startswith(("#", "data:")) for source in sources)
    assert not re.search(r"@import|url\((?!#)", "".join(page.styles))
    assert "http" not in "".join(page.styles)


def test_the_policy_admits_our_own_script_and_style_only(any_result):
    page = Page(html_report(any_result))
    policy = next(a["content"] for a in page.all("meta") if "http-equiv" in a)
    (script,), (style,) = page.scripts, page.styles
    for kind, text in (("script", script), ("style", style)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy


def test_what_strangers_and_models_say_stays_text():
    page = Page(html_report(evil()))
    assert page.all("img") == []
    assert len(page.all("script")) == 1
    assert not [k for _, a in page.elements for k in a if k.startswith("on") or k == "style"]
    assert page.said.count("alert(1)") > 20  # it is all there, to be read
    assert "49" not in page.said  # and no template ran


def test_every_drawing_is_well_formed(any_result):
    drawings = re.findall(r"<svg\b.*?</svg>", html_report(any_result), re.DOTALL)
    assert drawings
    for drawing in drawings:
        ET.fromstring(drawing)  # noqa: S314  our own drawing; raises where it is not well-formed


def test_claims_point_at_what_they_cite():
    page = Page(html_report(result()))
    claims = page.all("li", "claim")
    assert [a["data-cites"] for a in claims] == ["f1", "f1 f2", "", "v1", "f1"]
    assert [a["href"] for a in page.all("a", "go")] == ["#o-f1", "#o-f1", "#o-v1", "#o-f1"]
    assert {a["href"] for a in page.all("a", "chip")} == {"#o-f1", "#o-f2", "#o-v1"}
    assert "pulled up (AU12). " in page.said  # the ids stand beside the sentence, not in it


def test_doubtful_claims_are_marked_in_words():
    page = Page(html_report(result()))
    assert "UNSUPPORTED : there is no observation f9" in page.said
    assert "f9: no such observation" in page.said
    assert "MISPLACED : v1 says lower" in page.said
    assert "3 of 5 claims are backed by what they cite." in page.said


def test_observations_say_who_cites_them():
    page = Page(html_report(result()))
    back = [a["href"] for _, a in page.elements if "cites f1" in a.get("aria-label", "")]
    assert back == ["#c-p1-1", "#c-p1-2", "#c-p1-5"]


def test_the_answer_is_one_plain_sentence():
    told = report.answer(result(), explanation())
    assert told == (
        "The person appears to show happiness. Of the 7 labels of rafdb7, happiness fits best "
        "(confidence 0.60 of 1)."
    )
    near = explanation(
        labels=("surprise", "fear"), best_fit="surprise", alternatives=(LabelScore("fear", 0.55),)
    )
    assert report.answer(result(), near).endswith(
        "(confidence 0.60 of 1); fear (0.55) comes close."
    )
    calm = explanation(labels=("neutral",), best_fit="neutral", confidence=None)
    assert report.answer(result(), calm) == "The person appears neutral."


def test_an_abstention_is_said_with_its_reason():
    nothing = explanation(labels=(), best_fit=None, confidence=None, abstained=True)
    nothing = replace(nothing, abstained_reason="nothing to reason from", alternatives=())
    assert report.answer(result(), nothing) == (
        "No label was given for the person: nothing to reason from."
    )
    page = Page(html_report(result(explanations=(nothing,))))
    assert "No label was given. nothing to reason from" in page.said


def test_rules_are_not_passed_off_as_a_language_model():
    assert "not a language model" in report.maker(explanation().provenance)
    model = replace(explanation().provenance, model="tiny 1", adapter="lora")
    assert report.maker(model) == "Reasoned by the model tiny 1 with the adapter lora."


def test_measuring_only_infers_no_emotion():
    said = Page(html_report(result(explanations=()))).said
    assert "no emotion was inferred" in said
    assert "Conclusion" not in said
    assert "happiness" not in said
    assert "Observations: 2 of the face, 1 of the voice, 1 of words." in said


def test_the_page_tells_what_was_reasoned_from_and_what_could_not_be_read():
    told = replace(explanation(), problems=("the part conclusion is missing",))
    drawn = result(explanations=(told,))
    (line,) = drawn.timelines
    page = Page(html_report(replace(drawn, timelines=(replace(line, text="[f1] <b>"),))))
    assert "[f1] <b>" in page.said
    assert "could not be read in full: the part conclusion is missing" in page.said
    assert "rafdb7: a, b, c, d, e, f, g" in page.said


def test_a_gap_gives_its_reason():
    assert f"not measured 2.50–3.00 s: {LOST}" in Page(html_report(result())).said


def test_a_picture_has_bars_and_no_time():
    page = Page(html_report(picture()))
    assert page.all("svg", "plot") == []
    assert "not measured: the eyes are closed" in page.said
    assert "3.0 (C)" in page.said
    assert "over time" not in page.said


def test_sound_alone_has_a_voice_and_no_face():
    said = Page(html_report(sound_only())).said
    assert "The speaker appears to show happiness." in said
    assert "Voice and words over time" in said
    assert "Face and head" not in said


def test_measurements_without_a_clip_have_neither_pictures_nor_a_width(tmp_path):
    m = result().measurement
    bare = replace(m, clip=clip(Path("of.csv"), width_px=None, height_px=None))
    (person,) = m.people
    bare = replace(bare, people=(replace(person, face_px=float("nan")),))
    page = write_report(replace(result(), measurement=bare), tmp_path)[0].read_text()
    assert "face followed for 3.5 of 4.0 s<" in page
    assert "nan" not in Page(page).said.split()
    assert "There are no pictures" not in page


def test_people_who_were_not_asked_about_are_told_of():
    m = result().measurement
    other = Person("p2", (Span(0.0, 2.0),), 20, 50.0, (0, 0, 1, 1), 1.0)
    both = replace(result(), measurement=replace(m, people=(*m.people, other)))
    page = Page(html_report(both))
    assert {"h-p1", "h-p2"} <= set(page.ids())
    assert "Not asked about: reasoning was done for another person." in page.said


def test_times_can_be_played_where_the_clip_can():
    assert Page(html_report(result())).all("a", "seek") == []
    playing = Page(html_report(result(), media=Media("video", "../a.mp4", None)))
    assert "player" in playing.ids()
    assert [a["data-t"] for a in playing.all("a", "seek")][:2] == ["1.500", "0.000"]  # f1, f2


def test_only_a_media_element_widens_the_policy():
    inside = html_report(result(), media=Media("video", "data:video/mp4;base64,AAAA", None))
    assert "media-src data:;" in inside
    linked = html_report(result(), media=Media("video", "../a.mp4", None))
    assert "media-src &#39;self&#39; file:;" in linked
    assert "media-src" not in html_report(result(), media=Media(None, "../a.avi", None))


def test_ten_minutes_of_many_tracks_stay_small():
    import numpy as np

    long = clip(duration_s=600.0, span=Span(0.0, 600.0))
    times_s = np.arange(18_000) / 30
    values = (2.5 + 2 * np.sin(np.arange(18_000))).astype(np.float32)
    some = [
        replace(t, times_s=times_s, values=values, code=f"AU{n}", missing=())
        for n, t in enumerate([result().measurement.tracks[0]] * 25, start=1)
    ]
    text = html_report(result(clip=long, tracks=tuple(some)))
    assert len(text) < 1_500_000


def test_markdown_shows_text_as_it_is():
    text = report.markdown_report(evil())
    assert "<img" not in text
    assert "&lt;img src=x" in text
    assert report.markdown_text("[a](http://b) *c* |d\n# e") == (
        "\\[a\\](http:\\//b) \\*c\\* \\|d \\# e"
    )
    assert report.markdown_text("1. x") == "1\\. x"
    assert report.markdown_text("- x\n- y") == "\\- x - y"


def test_markdown_has_what_the_page_has():
    text = report.markdown_report(result())
    assert "- The chin trembles \\[f9\\]." not in text
    assert "**UNSUPPORTED: there is no observation f9**" in text
    assert "| f1 | p1 | 1.50–2.40 s | AU12 lip corner puller" in text
    assert "no emotion was inferred" in report.markdown_report(result(explanations=()))


def test_all_files_are_written_and_the_result_comes_back(tmp_path):
    written = write_report(result(), tmp_path / "out", embed=Embed.NONE)
    assert [p.name for p in written] == [
        *("report.html", "report.md", "result.json"),
        *("tracks.csv", "events.vtt", "summary.csv"),
    ]
    assert all(p.stat().st_size > 0 for p in written)
    assert load_result(written[2]).explanations == result().explanations
    assert "without pictures" in written[0].read_text()


def test_a_clip_that_is_gone_leaves_a_page_without_pictures(tmp_path):
    gone = result(path=tmp_path / "gone.mp4")
    page = write_report(gone, tmp_path / "out", embed=Embed.VIDEO)[0].read_text()
    assert "There are no pictures" in page
    assert "cannot be played" in page


def test_a_blurred_report_never_carries_the_clip(tmp_path):
    path = tmp_path / "drawn.mp4"
    path.write_bytes(b"not read")
    media = report._media(result(path=path), tmp_path, Embed.VIDEO, True, 10**6)
    assert media.kind is None
    assert "pictures only" in media.note


def test_the_command_can_be_typed_again():
    shown = result(path=Path("my clip.mp4"))
    assert report.command(shown) == (
        "demeanor explain 'my clip.mp4' --face-backend mesh --labels rafdb7 --chat prototype"
    )
    assert report.command(replace(shown, explanations=())).startswith("demeanor measure")


def test_the_index_has_a_row_per_clip_and_tells_of_failures(tmp_path):
    entries = [
        IndexEntry(Path("a.mp4"), Path("a b"), result(), None),
        IndexEntry(Path("c.mp4"), Path("c"), result(explanations=()), None),
        IndexEntry(Path(EVIL), None, None, f"it is empty {EVIL}"),
    ]
    path = write_index(entries, tmp_path)
    page = Page(path.read_text())
    assert page.all("img") == []
    assert page.scripts == []
    hrefs = [a["href"] for a in page.all("a")]
    assert hrefs == ["a%20b/report.html", "c/report.html", "summary.csv", "index.json"]
    assert "2 read · 1 failed · 3 of 5 claims" in page.said
    assert "measured only, no emotion inferred" in page.said
    data = json.loads((tmp_path / "index.json").read_text())
    assert [c["error"] is None for c in data["clips"]] == [True, True, False]
    assert data["clips"][0]["grounded_share"] == 0.6
    assert len((tmp_path / "summary.csv").read_text().splitlines()) == 3


def test_shipped_pages_are_found_as_package_data():
    for name in ("report.html", "report.md", "index.html", "report.css", "report.js"):
        assert report._text(name)


def test_the_style_uses_no_words_from_the_page():
    """A style or a script that held `</` would end early."""
    assert "</" not in report._text("report.css")
    assert "</" not in report._text("report.js")


def test_valence_and_arousal_are_drawn_with_the_mapping_they_come_from():
    mapped = track("valence", [0.2] * 41, unit=Unit.RATIO)
    mapped = replace(mapped, source=replace(mapped.source, name="A list x A table 1977"))
    text = html_report(result(tracks=(*result().measurement.tracks, mapped)))
    said = Page(text).said
    assert "unpleasant −1 to pleasant 1 *" in said
    assert "* By a published mapping that was not validated here: A list x A table 1977." in said
    assert "valence over time" in text


@pytest.mark.parametrize(
    "claim, words",
    [
        ("[f1] Lips parted.", "Lips parted."),
        ("[f1, f2] Both count [f1].", "Both count."),
        ("Lips parted [f1, f2].", "Lips parted."),
        ("[f1] AU12 and [f2] AU6 are there.", "[f1] AU12 and [f2] AU6 are there."),
        ("As for [f1] AU12, it is strong.", "As for [f1] AU12, it is strong."),
    ],
)
def test_citations_at_either_end_stand_beside_the_words(claim, words):
    told = explanation(evidence=(evidence(claim, "f1", "f2"),))
    found = [c for part in report.parts_of(result(), told) for c in part.claims]
    assert [c.text for c in found] == [words]
    assert found[0].cites == ("f1", "f2")
