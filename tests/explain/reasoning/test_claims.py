from demeanor.explain.reasoning.claims import read_cites, split_claims, with_cites


def texts(text):
    return [claim.text for claim in split_claims(text)]


def test_bullets_and_sentences_are_claims_and_headings_are_not():
    text = (
        "Face:\n- The brows rise from 1.0 to 2.5 s [f1]. The jaw drops. [f2]\n"
        "## Voice\n* Louder [v1]"
    )
    assert texts(text) == [
        "The brows rise from 1.0 to 2.5 s [f1].",
        "The jaw drops. [f2]",
        "Louder [v1]",
    ]


def test_a_citation_after_the_full_stop_belongs_to_the_sentence_before():
    first, second = split_claims("The brows rise. [f1] The jaw drops. [f2, v3]")
    assert (first.cites, second.cites) == (("f1",), ("f2", "v3"))


def test_a_quote_neither_ends_a_sentence_nor_cites():
    (claim,) = split_claims("What is said, “Stop. Look [f9]! Now”, is short [s1].")
    assert claim.cites == ("s1",)
    assert claim.quotes == ("Stop. Look [f9]! Now",)


def test_abbreviations_do_not_end_a_sentence():
    assert len(split_claims("Listed by Ekman et al. In the Guide it is AU6 [f1].")) == 1


def test_ranges_are_written_out_unless_they_are_absurd():
    assert read_cites("[f1-f3; v2]") == ("f1", "f2", "f3", "v2")
    assert read_cites("[f1–f999999]") == ("f1", "f999999")
    assert read_cites("(f1) [1] [see f1]") == ()


def test_cites_go_to_every_sentence_that_has_none():
    assert with_cites("One thing. Another [v1]. A third", ["f1", "f2"]) == (
        "One thing [f1, f2]. Another [v1]. A third [f1, f2]."
    )
