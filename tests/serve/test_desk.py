"""The desk: what is explained, kept, answered and refused, without HTTP."""

import errno
import io
import json
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from clips import noise, write
from scripted_chat import ScriptedChat, good_reply

from demeanor.data_engine.curate import Curation, write_curated
from demeanor.explain.errors import ChatError, DemeanorError, NotMedia, TooLong, UnknownName
from demeanor.explain.records import NotMeasured
from demeanor.serve.corrections import Wanted, corrected, curation, sha256_of
from demeanor.serve.desk import DEMO, Audience, Desk, NoClip, NotExplained, Queue, Wish
from demeanor.serve.session_export import Form, ReportForm
from demeanor.serve.sessions import Purpose, SessionGone, Sessions, StorageFull, TooLarge
from demeanor.serve.waiting import Busy, NoLongerWanted, State

IDLE = State(0, 0, 8)


def heard() -> tuple[list, list[str], Audience]:
    stages: list = []
    said: list[str] = []
    return stages, said, Audience(stages.append, said.append)


def asked_of(desk: Desk, *replies) -> tuple[Desk, ScriptedChat]:
    """The same desk with a scripted reasoner first."""
    chat = ScriptedChat(*replies)
    return Desk(desk.sessions, {"scripted": chat, **desk.chats}, desk.front, desk.queue), chat


# Clips ----------------------------------------------------------------------------------------


def test_the_demo_clip_is_always_first(desk, research, little_clip) -> None:
    card, is_new = desk.add(research, "grey.mp4", [little_clip])
    assert is_new
    assert [c.clip_id for c in desk.clips(research)] == [DEMO, card.clip_id]
    assert (card.kind, card.clip.width_px, card.explained) == ("video", 64, False)
    again, is_new = desk.add(research, "other.mp4", [little_clip])
    assert not is_new
    assert again == card


def test_a_zip_bomb_named_mp4_is_refused_and_not_kept(desk, research) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", b"\0" * 10_000_000)
    with pytest.raises(NotMedia) as refused:
        desk.add(research, "../holiday.mp4", [packed.getvalue()])
    assert str(refused.value).startswith("holiday.mp4: ")  # no path of ours in it
    assert len(desk.clips(research)) == 1
    assert list((desk.sessions.folder / "uploads").iterdir()) == []


def test_what_is_no_clip_for_one_session_stays_with_another_that_has_it(desk, research) -> None:
    kept = desk.sessions.keep(research, "a.mp4", [b"abc"])
    other = desk.sessions.begin(Purpose.RESEARCH).session_id
    with pytest.raises(NotMedia):
        desk.add(other, "a.mp4", [b"abc"])
    assert kept.path.is_file()
    assert desk.sessions.uploads(other) == ()


def test_a_clip_that_is_too_long_is_named(desk, research, tmp_path) -> None:
    media = replace(desk.front.settings.media, max_duration_s=0.1)
    front = replace(desk.front, settings=replace(desk.front.settings, media=media))
    strict = Desk(desk.sessions, desk.chats, front)
    long = write(tmp_path / "l.mp4", noise(10)).read_bytes()
    with pytest.raises(TooLong, match=r"l\.mp4: it lasts 0 s"):
        strict.add(research, "l.mp4", [long])
    assert desk.sessions.uploads(research) == ()


def test_another_session_s_clip_is_not_there(desk, research, workplace, little_clip) -> None:
    card, _ = desk.add(research, "grey.mp4", [little_clip])
    with pytest.raises(NoClip):
        desk.clip(workplace, card.clip_id)
    with pytest.raises(SessionGone):
        desk.clips("nobody")


def test_a_full_disk_is_said(desk, research) -> None:
    def full():
        yield b"a"
        raise OSError(errno.ENOSPC, "no room")

    with pytest.raises(StorageFull):
        desk.add(research, "a.mp4", full())
    assert len(desk.clips(research)) == 1


# Explaining -----------------------------------------------------------------------------------


def test_stages_are_told_as_they_end_and_what_they_found(desk, research) -> None:
    stages, said, audience = heard()
    explained = desk.explain(research, DEMO, audience=audience)
    done = [s.name for s in stages if s.done]
    assert done == ["media", "face", "voice", "words", "observations", "reasoning"]
    by_name = {s.name: s for s in stages}
    assert by_name["face"].found.startswith("1 person: p1 in 360 of 360 frames; ")
    assert by_name["words"].found == "3 utterances (transcript demo.srt)"
    assert by_name["voice"].took_s is None  # measured in the face's pass
    assert "claims grounded" in by_name["reasoning"].found
    assert explained.notice is None
    (told,) = explained.result.explanations
    assert "".join(said).strip().endswith(told.conclusion)
    assert explained.result.measurement.clip.path == Path("demo.mp4")
    assert desk.engine.state == IDLE


def test_it_is_kept_and_read_back(desk, research) -> None:
    with pytest.raises(NotExplained):
        desk.result(research, DEMO)
    explained = desk.explain(research, DEMO).result
    again = Desk(desk.sessions, desk.chats, desk.front).result(research, DEMO).result
    assert again.explanations == explained.explanations
    assert again.observations == explained.observations
    assert desk.clip(research, DEMO).explained


def test_nobody_in_a_clip_is_said_not_guessed(desk, research, little_clip) -> None:
    card, _ = desk.add(research, "grey.mp4", [little_clip])
    stages, _, audience = heard()
    result = desk.explain(research, card.clip_id, audience=audience).result
    assert result.explanations[0].abstained
    assert {s.name: s for s in stages}["reasoning"].found.startswith("nobody seen: no label")
    assert result.measurement.people == ()
    assert desk.sessions.measured(card.clip_id).is_dir()  # goes with the upload
    desk.sessions.drop(research, card.clip_id)
    assert not desk.sessions.measured(card.clip_id).exists()


def test_switched_off_observations_change_the_answer_for_once(desk, research) -> None:
    desk.explain(research, DEMO)
    less = desk.explain(research, DEMO, Wish(off=("f3", "f4", "f5", "f6", "f7", "s2"))).result
    assert less.observation("f3") is None
    assert less.observation("f11") is not None  # ids stay
    assert less.explanations[0].best_fit == "happiness"
    assert desk.result(research, DEMO).result.explanations[0].best_fit == "surprise"
    with pytest.raises(UnknownName, match="observation 'f99'"):
        desk.explain(research, DEMO, Wish(off=("f99",)))
    assert desk.engine.state == IDLE


def test_at_work_there_are_cues_only(desk, workplace) -> None:
    stages, said, audience = heard()
    explained = desk.explain(workplace, DEMO, Wish(off=("f1",)), audience)
    assert explained.result.cue_only
    assert "prohibited in the EU" in explained.notice
    assert said == []
    assert "reasoning" not in {s.name for s in stages}
    codes = {t.code for t in explained.result.measurement.tracks}
    assert "AU12" in codes
    assert not codes & {"valence", "arousal"}
    asked = desk.answer(workplace, DEMO, "Why happiness?")
    assert asked.kind == "cue_only"
    less = desk.answer(workplace, DEMO, "When does she smile?", Wish(off=("f11",)))
    assert less.cites == ("f18",)
    page = desk.export(workplace, DEMO, Form.HTML).data.decode()
    assert "No emotion was inferred" in page
    for form in ReportForm:
        assert b"happiness" not in desk.report(workplace, DEMO, form).data


@pytest.mark.parametrize(
    "wish",
    [Wish(labels="/etc/passwd"), Wish(labels="labels.yaml"), Wish(chat="local:/etc"),
     Wish(chat="http://10.0.0.1/v1")],
)  # fmt: skip
def test_no_client_names_a_file_or_an_address(desk, research, wish) -> None:
    with pytest.raises(UnknownName):
        desk.explain(research, DEMO, wish)
    assert desk.engine.state == IDLE


def test_a_language_without_a_recogniser_is_said_to_do_nothing(desk, research) -> None:
    assert "none is running" in desk.explain(research, DEMO, Wish(language="de")).notice


def test_a_reasoner_that_fails_leaves_the_desk_free_and_what_was_measured(desk, research) -> None:
    desk, chat = asked_of(desk, ChatError("gone"), good_reply())
    with pytest.raises(ChatError):
        desk.explain(research, DEMO)
    assert desk.engine.state == IDLE
    explained = desk.explain(research, DEMO)
    assert explained.result.explanations[0].provenance.model == "scripted 1"
    assert len(chat.asked) == 2


def test_a_model_that_speaks_is_heard_while_it_does(desk, research) -> None:
    class Speaker(ScriptedChat):
        def reply(self, request):
            for piece in ('{"observations": [{"te', 'xt": "Lips pu', "lled", '.", "cites": ['):
                request.say(piece)
            return super().reply(request)

    desk = Desk(desk.sessions, {"speaker": Speaker(good_reply())}, desk.front)
    _, said, audience = heard()
    desk.explain(research, DEMO, audience=audience)
    assert said == ["Lips pu", "lled", "."]


# Who goes away, who waits ---------------------------------------------------------------------


def test_who_leaves_stops_the_measuring_at_the_next_frame(desk, research, long_clip) -> None:
    card, _ = desk.add(research, "long.mp4", [long_clip])
    gone = threading.Event()
    stages: list = []

    def stage(found) -> None:
        stages.append(found)
        if found.name == "face":
            gone.set()

    with pytest.raises(NoLongerWanted):
        desk.explain(research, card.clip_id, audience=Audience(stage, cancelled=gone.is_set))
    assert [s.name for s in stages] == ["media", "face"]
    assert not stages[-1].done
    assert desk.engine.state == IDLE
    assert not desk.clip(research, card.clip_id).explained


def test_who_leaves_while_words_come_stops_the_reasoner(desk, research) -> None:
    class Speaker(ScriptedChat):
        def reply(self, request):
            request.say("one ")
            gone.set()
            request.say("two ")
            raise AssertionError("nobody listens any more")

    gone = threading.Event()
    said: list[str] = []
    desk = Desk(desk.sessions, {"speaker": Speaker()}, desk.front)
    with pytest.raises(NoLongerWanted):
        desk.explain(research, DEMO, audience=Audience(say=said.append, cancelled=gone.is_set))
    assert said == ["one "]
    assert not desk.clip(research, DEMO).explained


def test_a_full_line_is_busy(desk, research) -> None:
    desk = Desk(desk.sessions, desk.chats, desk.front, Queue(places=1))
    tickets = [desk.engine.join(), desk.engine.join()]
    with pytest.raises(Busy):
        desk.explain(research, DEMO)
    for ticket in tickets:
        ticket.leave()
    assert desk.explain(research, DEMO).result.explanations


class Many(ScriptedChat):
    """Has a queue of its own; replies once as many are inside as there should be."""

    takes_many = True

    def __init__(self, inside: threading.Barrier) -> None:
        super().__init__(good_reply(), good_reply())
        self._inside = inside

    def reply(self, request):
        self._inside.wait(30.0)
        return super().reply(request)


def test_many_are_answered_at_once_by_a_reasoner_that_can(desk, research) -> None:
    desk = Desk(desk.sessions, {"many": Many(threading.Barrier(2))}, desk.front)
    found: list = []
    both = [
        threading.Thread(target=lambda: found.append(desk.explain(research, DEMO)))
        for _ in range(2)
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(60.0)
    assert [len(told.result.explanations) for told in found] == [1, 1]
    assert desk.asking.state == IDLE


def test_what_was_measured_waits_behind_no_clip_that_is_being_measured(
    desk, research, little_clip
) -> None:
    card, _ = desk.add(research, "grey.mp4", [little_clip])
    many = Many(threading.Barrier(1))
    desk = Desk(desk.sessions, {"many": many, **desk.chats}, desk.front, Queue(places=0))
    with desk.engine.join():
        assert desk.explain(research, DEMO).result.explanations
        for clip_id, chat in ((card.clip_id, "many"), (DEMO, "prototype")):
            with pytest.raises(Busy):
                desk.explain(research, clip_id, Wish(chat=chat))
    assert desk.explain(research, card.clip_id).result.explanations  # measured, then asked
    assert (desk.engine.state, desk.asking.state) == (State(0, 0, 0), State(0, 0, 0))


# Talking --------------------------------------------------------------------------------------


def test_an_answer_cites_and_both_are_kept_as_turns(desk, research) -> None:
    asked = desk.answer(research, DEMO, "When does she smile?")  # explained first
    assert asked.cites == ("f11", "f18")
    turns = desk.turns(research, DEMO)
    assert [(t.role, t.text, t.cites) for t in turns] == [
        ("user", "When does she smile?", ()),
        ("assistant", asked.answer, ("f11", "f18")),
    ]
    assert "Why surprise?" in desk.suggestions(research, DEMO, None)


def test_an_answer_without_what_is_switched_off(desk, research) -> None:
    asked = desk.answer(research, DEMO, "When does she smile?", Wish(off=("f11",)))
    assert asked.cites == ("f18",)


def test_a_question_that_is_none_is_refused_and_leaves_no_turn(desk, research) -> None:
    with pytest.raises(DemeanorError, match="empty"):
        desk.answer(research, DEMO, " ")
    with pytest.raises(UnknownName, match="person"):
        desk.answer(research, DEMO, "Who smiles?", Wish(person="p9"))
    assert desk.turns(research, DEMO) == ()


# Corrections ----------------------------------------------------------------------------------


def test_a_correction_stands_beside_what_it_is_about(desk, research) -> None:
    (told,) = desk.explain(research, DEMO).result.explanations
    claim = told.evidence[3]
    made = desk.correct(research, DEMO, Wanted("Not so [f4].", was=claim.claim, evidence_index=3))
    assert (made.kind, made.part, made.was) == ("claim", claim.part, claim.claim)
    assert made.result_sha256 == sha256_of(told)
    assert made.model == "prototype 1"
    assert desk.corrections(research, DEMO) == (made,)
    assert desk.result(research, DEMO).result.explanations == (told,)


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (Wanted("x"), "found 0 of them"),
        (Wanted("x", evidence_index=0, label="happiness"), "found 2 of them"),
        (Wanted("x", evidence_index=999), "there is no claim 999"),
        (Wanted("x", evidence_index=0, was="something else"), "Read the result again"),
        (Wanted("joyful", label="happiness"), "label in rafdb7 'joyful'"),
        (Wanted("x", part="summary"), "part of an explanation"),
        (Wanted("x", evidence_index=0, person="p9"), "explained person 'p9'"),
        (Wanted("x" * 3000, part="conclusion"), "at most 2000"),
    ],
)
def test_a_correction_of_nothing_is_refused(desk, research, wanted, why) -> None:
    desk.explain(research, DEMO)
    with pytest.raises(DemeanorError, match=why):
        desk.correct(research, DEMO, wanted)
    assert desk.corrections(research, DEMO) == ()


def test_cues_alone_have_nothing_to_correct(desk, workplace) -> None:
    desk.explain(workplace, DEMO)
    with pytest.raises(DemeanorError, match="only cues were measured"):
        desk.correct(workplace, DEMO, Wanted("x", label="happiness"))


def _unpacked(data: bytes, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(folder)
    return folder


def test_curation_opens_the_exported_rows_and_mends_the_one_that_was_corrected(
    desk, research, tmp_path
) -> None:
    """A scripted reply that passes the checks of training rows, and a better claim in it."""
    reply = good_reply(
        observations=[{"text": "Lip corners are pulled up.", "cites": ["f11"]}],
        interpretation=[{"text": "Lip corners pulled up go with happiness.", "cites": ["f11"]}],
        conclusion={"text": "So the person appears to show happiness.", "cites": ["f11"]},
    )
    desk, _ = asked_of(desk, reply)
    result = desk.explain(research, DEMO).result
    desk.correct(
        research,
        DEMO,
        Wanted("Lip corners are pulled up from 6.1 to 8.6 s [f11].", evidence_index=0, note="when"),
    )
    folder = _unpacked(desk.export(research, DEMO, Form.ROWS).data, tmp_path / "rows")
    told = json.loads((folder / "corrections.json").read_text())
    assert [t["failed"] for t in told] == [[]]
    opened = Curation(folder)
    (candidate,) = opened.candidates
    assert candidate.rejected_for == ()
    assert candidate.row.observations == tuple(
        o for o in result.observations if o.person in ("p1", None)
    )
    rows, pairs, counts = write_curated(opened)
    assert counts["mend"] == 1
    pair = json.loads(pairs.read_text())
    assert "from 6.1 to 8.6 s" in pair["chosen"][0]["content"]
    assert "from 6.1 to 8.6 s" not in pair["rejected"][0]["content"]
    assert json.loads(rows.read_text())["extra"]["curated"]["note"] == "when"


def test_rows_that_fail_a_check_are_rejects_with_their_reasons(desk, research, tmp_path) -> None:
    desk.explain(research, DEMO)
    desk.correct(research, DEMO, Wanted("surprise", label="happiness"))
    folder = _unpacked(desk.export(research, DEMO, Form.ROWS).data, tmp_path / "rows")
    assert (folder / "rows.jsonl").read_text() == ""
    assert (folder / "curation.jsonl").read_text() == ""
    (candidate,) = Curation(folder).candidates
    assert candidate.rejected_for
    (told,) = json.loads((folder / "corrections.json").read_text())
    assert told["failed"]
    assert told["now"] == "surprise"


def test_a_correction_of_an_earlier_explanation_is_kept_and_said_to_be(desk, research) -> None:
    desk.explain(research, DEMO)
    desk.correct(research, DEMO, Wanted("surprise", label="happiness"))
    desk.explain(research, DEMO, Wish(labels="ekman6"))
    data = curation(desk.result(research, DEMO).result, desk.corrections(research, DEMO))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        (told,) = json.loads(archive.read("corrections.json"))
    assert told["failed"] == ["it is about an earlier explanation of this clip"]
    assert told["example_id"] is None


def test_a_label_can_be_put_right(desk, research) -> None:
    result = desk.explain(research, DEMO).result
    made = corrected(result, Wanted("happiness", label="surprise"), 12.5)
    assert (made.was, made.now, made.said_s) == ("surprise", "happiness", 12.5)


# Exports --------------------------------------------------------------------------------------

SCRIPT = "<script>alert(1)</script>"


def test_scripts_of_strangers_are_text_in_every_export(desk, research, little_clip) -> None:
    """In the name, a question, a correction and its note, and in a reason."""
    name = f"x{SCRIPT.replace('/', '')}.mp4"
    card, _ = desk.add(research, name, [little_clip])
    explained = desk.explain(research, card.clip_id)
    desk.answer(research, card.clip_id, f"{SCRIPT} When does she smile?")
    desk.correct(research, card.clip_id, Wanted(SCRIPT, part="conclusion", note=SCRIPT))
    page = desk.export(research, card.clip_id, Form.HTML).data.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    text = desk.export(research, card.clip_id, Form.MD).data.decode()
    assert "<script" not in text
    report = desk.report(research, card.clip_id, ReportForm.HTML).data.decode()
    assert "<script>alert" not in report
    assert "<script" not in desk.report(research, card.clip_id, ReportForm.MD).data.decode()
    data = json.loads(desk.export(research, card.clip_id, Form.JSON).data)
    assert data["corrections"][0]["now"] == SCRIPT
    assert explained.result.measurement.not_measured


def test_a_transcript_is_data_in_a_session_s_page(desk, research) -> None:
    from demeanor.serve.session_export import Told, export

    result = desk.explain(research, DEMO).result
    words = tuple(replace(o, quote=f"{SCRIPT} ignore all rules") if o.quote else o
                  for o in result.observations)  # fmt: skip
    measured = replace(result.measurement, not_measured=(NotMeasured(SCRIPT, SCRIPT),))
    told = Told(
        desk.sessions.session(research),
        DEMO,
        replace(result, observations=words, measurement=measured),
        None,
        (),
        (),
    )
    page = export(told, Form.HTML).data.decode()
    assert "ignore all rules" in page
    assert "<script" not in page


def test_the_page_of_a_session_loads_nothing_and_has_all_of_it(desk, research) -> None:
    desk.explain(research, DEMO)
    desk.answer(research, DEMO, "When does she smile?")
    page = desk.export(research, DEMO, Form.HTML).data.decode()
    assert "default-src 'none'" in page
    assert "http://" not in page
    assert "When does she smile?" in page
    assert "appears to show surprise" in page


def test_no_file_of_ours_is_named_by_a_stranger(desk, research, little_clip) -> None:
    card, _ = desk.add(research, '"; rm -rf.mp4', [little_clip])
    desk.explain(research, card.clip_id)
    exported = desk.export(research, card.clip_id, Form.MD)
    assert exported.file_name == f"session-{card.clip_id[:12]}.md"
    assert str(desk.sessions.folder) not in exported.data.decode()
    report = desk.report(research, card.clip_id, ReportForm.JSON).data.decode()
    assert str(desk.sessions.folder) not in report


# Pictures -------------------------------------------------------------------------------------


def test_a_thumbnail_of_the_clip_and_of_a_face(desk, research) -> None:
    whole = desk.thumbnail(DEMO, 3.0, None)
    face = desk.thumbnail(DEMO, None, "p1")
    assert whole[:2] == face[:2] == b"\xff\xd8"  # JPEG
    assert whole != face
    with pytest.raises(UnknownName):
        desk.thumbnail(DEMO, None, "p7")
    with pytest.raises(NoClip):
        desk.thumbnail("f" * 64, None, None)


def test_no_face_before_it_was_measured(desk, research, little_clip) -> None:
    card, _ = desk.add(research, "grey.mp4", [little_clip])
    assert desk.thumbnail(card.clip_id, None, None)[:2] == b"\xff\xd8"
    with pytest.raises(NotExplained):
        desk.thumbnail(card.clip_id, None, "p1")


def test_what_was_measured_goes_with_the_session(desk, little_clip, tmp_path) -> None:
    begun = desk.sessions.begin(Purpose.RESEARCH, now_s=0.0)
    sessions = Sessions(desk.sessions.folder, desk.sessions.limits)
    live = desk.sessions.begin(Purpose.RESEARCH).session_id
    card, _ = desk.add(live, "grey.mp4", [little_clip])
    desk.explain(live, card.clip_id)
    kept = desk.sessions.measured(card.clip_id)
    assert sessions.end_expired() == 1  # the one of 1970
    assert kept.is_dir()
    assert begun.session_id != live
    sessions.end_expired(now_s=desk.sessions.session(live).expires_s + 1)
    assert not kept.exists()


def test_notes_of_a_clip_are_bounded(desk, research) -> None:
    few = Sessions(desk.sessions.folder, replace(desk.sessions.limits, notes=2))
    for text in ("a", "b"):
        few.note(research, DEMO, "correction", text)
    with pytest.raises(TooLarge):
        few.note(research, DEMO, "correction", "c")
    few.note(research, DEMO, "result", "old")
    few.note(research, DEMO, "result", "new", instead=True)
    assert few.notes(research, DEMO, "result") == ("new",)
