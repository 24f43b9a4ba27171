"""What demeanor-mini is held to, with a scripted model in place of its weights."""

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
from drawn_observations import SEVEN, au, gap, request, said

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from demeanor.data_engine.mini.tokens import made_tokenizer  # noqa: E402
from demeanor.explain.errors import ChatError, ModelFileError, UnknownName  # noqa: E402
from demeanor.explain.reasoning.chat import chat_model  # noqa: E402
from demeanor.explain.reasoning.mini import Mini  # noqa: E402
from demeanor.explain.reasoning.parse import parse  # noqa: E402
from demeanor.explain.reasoning.short_form import END  # noqa: E402
from demeanor.explain.records import LabelSet  # noqa: E402

SMILE = au("f1", 12, 2.9, (0.2, 3.7))
POSITIONS = 400


class Scripted:
    """A reading whose model wants these tokens, place by place, whatever was written before."""

    def __init__(self, n_tokens, wanted):
        self.n_tokens, self.wanted, self.n_read = n_tokens, wanted, 0

    def read(self, ids):
        self.n_read += len(ids)
        return torch.stack([self.wants(self.n_read - n) for n in reversed(range(len(ids)))])

    def wants(self, place):
        found = torch.zeros(self.n_tokens)
        found[self.wanted[min(place, len(self.wanted) - 1)]] = 1.0
        return found

    def cut(self, n_read):
        self.n_read = n_read


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("mini")
    tokenizer = made_tokenizer(["[f1] AU12 C 2.9\nBest fit: anger", *SEVEN.labels])
    tokenizer.save_pretrained(found)
    (found / "demeanor.json").write_text(json.dumps({"version": "0", "weights": 1000}))
    (found / "label_sets.json").write_text("{}")
    return found


def mini(folder, wanted, *, held=True, positions=POSITIONS, shares=None):
    """shares: what it makes of the labels without reasons; without them reasons come first."""
    found = Mini(folder, held=held, label_first=shares is not None)
    if shares is not None:
        found._shares = lambda shown, labels, asked: {n: shares.get(n, 0.0) for n in labels.labels}
    tokens = found._tokens
    n = tokens.get_vocab_size()
    found.__dict__["_model"] = SimpleNamespace(n_tokens=n, positions=positions)
    if wanted:
        script = Scripted(n, [*tokens.encode(wanted).ids, tokens.token_to_id(END)])
        found._read = lambda ids, room: (script, script.wants(0))
    return found


def test_it_is_deterministic_and_says_what_it_is(folder):
    found = mini(folder, "[f1] AU12 C 2.9")
    assert found.reply(request(SMILE)) == "[f1] AU12 C 2.9"
    assert "0.0 million weights" in found.notes[0]


def test_other_weights_are_another_model(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "own")
    assert Mini(tmp_path / "own").version == Mini(folder).version
    (tmp_path / "own" / "model.safetensors").write_bytes(b"other")
    assert Mini(tmp_path / "own").version != Mini(folder).version


def test_words_are_said_as_they_come(folder):
    heard = []
    reply = mini(folder, "[f1] AU12 C 2.9").reply(replace(request(SMILE), say=heard.append))
    assert "".join(heard) == reply
    assert len(heard) > 3


def test_it_is_asked_for_by_name_or_by_folder(folder):
    assert chat_model(f"mini:{folder}").name == "demeanor-mini"
    with pytest.raises(UnknownName, match="mini:DIR"):
        chat_model("mini:")


def test_its_ids_and_its_quotes_are_put_back(folder):
    seen = [au("f70", 12, 2.0, (1.0, 2.0)), said("s4", "well, yes", (3.0, 4.0))]
    found = mini(folder, "[f1] AU12 and [s1] <said>.").reply(request(*seen))
    assert found == "[f70] AU12 and [s4] “well, yes”."


def test_an_id_that_was_not_shown_cannot_be_written_unless_it_is_free(folder):
    assert "f7" not in mini(folder, "see [f7] AU12").reply(request(SMILE))
    assert "f7" in mini(folder, "see [f7] AU12", held=False).reply(request(SMILE))


def test_no_part_is_left_out(tmp_path):
    reply = "Key observations:\n- [f1] x.\nInterpretation:\n- [f1] y.\nConclusion: z.\nLabels: joy"
    tokenizer = made_tokenizer([reply] * 12)
    tokenizer.save_pretrained(tmp_path)
    (tmp_path / "demeanor.json").write_text(json.dumps({"version": "0", "weights": 1000}))
    (tmp_path / "label_sets.json").write_text("{}")
    found = mini(tmp_path, None)
    ids = found._ids(reply)
    openings = {tokenizer.decode([n]).strip("\n.- :["): n for n in found._opened}
    first, second, third, last = (
        openings[name] for name in ("Key observations", "Interpretation", "Conclusion", "Labels")
    )
    for opened, barred in ((first, {third, last}), (second, {last}), (third, set()), (last, set())):
        early = found._too_early(ids[: ids.index(opened) + 1])
        assert set(early.nonzero().ravel().tolist()) == barred
    assert set(found._too_early([]).nonzero().ravel().tolist()) == {second, third, last}


def test_where_nothing_was_observed_there_is_no_label_whatever_it_would_say(folder):
    asked = request(gaps=[gap("face", "no face was seen"), gap("voice")])
    heard = []
    wanted = "Labels: joy\nBest fit: joy"
    reply = mini(folder, wanted).reply(replace(asked, say=heard.append))
    found = parse(reply, SEVEN)
    assert found.readable and found.abstained and not found.labels
    assert "face" in reply and "no face was seen" in reply
    assert "".join(heard) == reply
    assert mini(folder, wanted, held=False).reply(asked) == wanted


def test_what_is_there_of_a_pattern_is_looked_up_among_all_that_was_measured(folder):
    """28 louder movements take every line; the pattern is there all the same."""
    seen = [au(f"f{n}", 12, 4.0, (n, n + 1.0)) for n in range(1, 29)]
    seen += [au("f29", 4, 1.2, (2.0, 3.0)), au("f30", 7, 1.1, (2.1, 3.0))]
    wanted = "- For anger 4+7+24 is listed (X 1999): AU4 absent"
    asked = request(*seen, gaps=[gap("AU24")])
    found = mini(folder, wanted).reply(asked)
    assert found.startswith("- For anger 4+7+24 is listed (X 1999): AU4 [f29] – AU7 [f30] – AU24 ")
    assert mini(folder, wanted, held=False).reply(asked) == wanted


def test_the_best_fit_is_one_of_the_labels_unless_it_is_free(folder):
    wanted = "Labels: joy\nBest fit: smirk"
    held = mini(folder, wanted).reply(request(SMILE))
    label, _, _ = held.partition("Best fit: ")[2].partition("\nConfidence: ")
    assert label in SEVEN.labels
    free = mini(folder, wanted, held=False).reply(request(SMILE))
    assert free == wanted


def test_the_label_that_was_found_first_is_asked_about_and_given_with_its_share(folder):
    shares = {"anger": 0.6, "fear": 0.3, "none": 0.1}
    found = mini(folder, "Labels: joy\nBest fit: smirk", shares=shares)
    asked = []
    written = found._written
    found._written = lambda shown, question, *rest: (
        asked.append(question) or written(shown, question, *rest)
    )
    reply = found.reply(request(SMILE))
    assert asked[0].endswith("neutral\nBest fit: anger\nConfidence: 0.67<say>")
    wanted = "Labels: joy\nBest fit: anger\nConfidence: 0.67\nAlternatives: fear 0.33, "
    assert reply.startswith(wanted)


def test_where_no_label_can_be_read_it_is_asked_without_one(folder):
    found = mini(folder, "[f1] AU12", shares={"anger": 0.2, "none": 0.8})
    asked = []
    found._written = lambda shown, question, *rest: asked.append(question) or ""
    found.reply(request(SMILE))
    assert asked == [f"<ask>explain: {', '.join(SEVEN.labels)}<say>"]


def test_a_set_without_labels_is_not_looked_at_first(folder):
    found = mini(folder, "Labels: joy", shares={"none": 0.1})
    open_set = LabelSet("open", (), {}, "")
    assert found.reply(replace(request(SMILE), label_set=open_set)) == "Labels: joy"


def test_a_timeline_that_is_too_long_says_what_to_do(folder):
    with pytest.raises(ChatError, match="shorter clip"):
        mini(folder, None, positions=20).reply(request(SMILE))


def test_a_folder_without_a_model_says_what_was_wanted(tmp_path):
    with pytest.raises(ModelFileError, match=r"OUT/model"):
        Mini(tmp_path)
