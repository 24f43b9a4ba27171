"""Files of FACS codes as people keep them, each a small one."""

import numpy as np
import pytest

from demeanor.eval.facs_codes import (
    Coded,
    CodesError,
    parse_facs,
    parse_value,
    read_codes,
    unit_name,
)
from demeanor.explain.records import Span

NAN = float("nan")


@pytest.fixture
def write(tmp_path):
    """Writes a file from lines of text; returns its path."""

    def file(name, *lines):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines), "utf-8")
        return path

    return file


def values(coding, unit):
    return coding.units[unit].values.tolist()


# FACS strings and values ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("12", {"AU12": None}),
        ("AU12C", {"AU12": 3.0}),
        ("1B+2C+12D", {"AU1": 2.0, "AU2": 3.0, "AU12": 4.0}),
        ("R12B", {"AU12R": 2.0}),
        ("L14", {"AU14L": None}),
        ("AU12L", {"AU12L": None}),
        ("12LC", {"AU12L": 3.0}),
        ("12CL", {"AU12L": 3.0}),
        ("U14A", {"AU14": 1.0}),  # one-sided, and which side was not noted
        ("6c 12d", {"AU6": 3.0, "AU12": 4.0}),
    ],
)
def test_facs_strings(text, wanted):
    assert parse_facs(text) == wanted


@pytest.mark.parametrize("text", ["", "smile", "12F", "12B+", "123", "C12D4", "twelve"])
def test_what_is_no_facs_string_is_refused(text):
    with pytest.raises(ValueError, match="is no FACS code"):
        parse_facs(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        *[("AU1", "AU1"), ("AU01", "AU1"), ("au_12", "AU12"), ("12", "AU12"), ("AU2L", "AU2L")],
        *[("L14", "AU14L"), ("AU12 left", "AU12L"), ("AU12_R", "AU12R")],
        *[("words", None), ("AU", None), ("valence", None)],
    ],
)
def test_names_of_columns_and_tiers(text, name):
    assert unit_name(text) == name


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ("3", 3), ("C", 3), ("e", 5), ("2.5", 2.5), ("-", 0)]
)
def test_values(text, value):
    assert parse_value(text) == value


@pytest.mark.parametrize("text", ["", " ", "NA", "9", "nan", "?"])
def test_what_was_not_coded_is_not_zero(text):
    assert np.isnan(parse_value(text))


@pytest.mark.parametrize("text", ["6", "-1", "F", "strong"])
def test_values_beyond_the_scale_are_refused(text):
    with pytest.raises(ValueError, match=r"no intensity|could not convert"):
        parse_value(text)


# Tables ---------------------------------------------------------------------------------------


def test_a_table_by_frame(write):
    path = write("clip.csv", "frame,AU1,AU2L,note", "0,A,0,x", "1,,2,y", "2,C,NA,z")
    (coding,) = read_codes(path)
    assert coding.clip == "clip"
    assert list(coding.units) == ["AU1", "AU2L"]
    np.testing.assert_array_equal(values(coding, "AU1"), [1, NAN, 3])
    np.testing.assert_array_equal(values(coding, "AU2L"), [0, 2, NAN])
    assert coding.units["AU1"].moments.tolist() == [0, 1, 2]
    assert not coding.units["AU1"].in_seconds
    assert coding.has_intensities


def test_a_table_by_time_with_semicolons(write):
    (coding,) = read_codes(write("clip.csv", "time_s;AU12", "0.5;1", "0.0;0"))
    assert coding.units["AU12"].in_seconds
    assert coding.units["AU12"].moments.tolist() == [0.0, 0.5]  # in order
    assert values(coding, "AU12") == [0, 1]
    assert not coding.has_intensities


def test_a_table_of_bp4d_has_numbers_for_names_and_9_for_not_coded(write):
    (coding,) = read_codes(write("F001_T1.csv", "0,1,2,12", "1,0,1,9", "2,0,9,1"))
    assert list(coding.units) == ["AU1", "AU2", "AU12"]
    np.testing.assert_array_equal(values(coding, "AU12"), [NAN, 1])


def test_a_folder_of_disfa_is_one_coding_per_person(write):
    write("labels/SN001/SN001_au1.txt", "1,0", "2,3")
    write("labels/SN001/SN001_au12.txt", "1,5", "2,4")
    folder = write("labels/SN002/SN002_au1.txt", "1,0").parents[1]
    one, two = read_codes(folder)
    assert (one.clip, two.clip) == ("SN001", "SN002")
    assert values(one, "AU1") == [0, 3]
    assert values(one, "AU12") == [5, 4]


def test_events(write):
    path = write("clip.csv", "start_s,end_s,code,intensity", "1,2,AU12,C", "1.5,2.5,6B+25,")
    (coding,) = read_codes(path)
    assert coding.units == {
        "AU12": (Coded(Span(1.0, 2.0), 3.0),),
        "AU6": (Coded(Span(1.5, 2.5), 2.0),),
        "AU25": (Coded(Span(1.5, 2.5), None),),
    }


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["smile,frown", "1,2"], "wanted a column `frame` or `time_s`"),
        (["frame,AU1", "0,strong"], "row 1: could not convert"),
        (["frame,AU1", "0,7"], "row 1: 7 is no intensity"),
        (["frame,AU1", "0,1", "0,2"], "wanted each frame once"),
        (["start_s,end_s,code", "2,1,AU12"], "row 1: a span cannot end"),
        (["start_s,end_s,code", "1,2,smile"], "row 1: 'smile' is no FACS code"),
        ([""], "wanted FACS codes, found an empty file"),
        (["1,0", "2,3"], "wanted a column `frame` or `time_s`"),  # and no unit in its name
    ],
)
def test_a_table_that_cannot_be_read_is_named_with_its_row(write, lines, told):
    with pytest.raises(CodesError, match=rf"codes\.csv: {told}"):
        read_codes(write("codes.csv", *lines))


def test_nothing_to_read(tmp_path):
    with pytest.raises(CodesError, match="no such file or folder"):
        read_codes(tmp_path / "none")
    with pytest.raises(CodesError, match="found none"):
        read_codes(tmp_path)


# ELAN -----------------------------------------------------------------------------------------

TIERS = """
<TIER TIER_ID="FACS" LINGUISTIC_TYPE_REF="t">
 <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
  <ANNOTATION_VALUE>6C+12D</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
</TIER>
<TIER TIER_ID="AU14 left" LINGUISTIC_TYPE_REF="t">
 <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts2" TIME_SLOT_REF2="ts3">
  <ANNOTATION_VALUE>B</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
 <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a3" TIME_SLOT_REF1="ts3" TIME_SLOT_REF2="ts4">
  <ANNOTATION_VALUE></ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
</TIER>
<TIER TIER_ID="AU4" LINGUISTIC_TYPE_REF="t"/>
<TIER TIER_ID="words" LINGUISTIC_TYPE_REF="t">
 <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a4" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts4">
  <ANNOTATION_VALUE>12 o'clock</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
</TIER>"""


def eaf(tiers=TIERS, before="", origin=""):
    slots = "".join(
        f'<TIME_SLOT TIME_SLOT_ID="ts{k}" TIME_VALUE="{1000 * k}"/>' for k in range(1, 5)
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>{before}
<ANNOTATION_DOCUMENT FORMAT="3.0" VERSION="3.0">
<HEADER TIME_UNITS="milliseconds"><MEDIA_DESCRIPTOR MEDIA_URL="a.mp4" {origin}/></HEADER>
<TIME_ORDER>{slots}</TIME_ORDER>{tiers}</ANNOTATION_DOCUMENT>"""


def test_elan_tiers_named_after_units_and_tiers_of_facs_strings(write):
    (coding,) = read_codes(write("clip.eaf", eaf()))
    assert coding.units == {
        "AU6": (Coded(Span(1.0, 2.0), 3.0),),
        "AU12": (Coded(Span(1.0, 2.0), 4.0),),
        "AU14L": (Coded(Span(2.0, 3.0), 2.0), Coded(Span(3.0, 4.0), None)),
        "AU4": (),  # coded, and never seen
    }
    assert coding.notes == ("clip.eaf: tiers passed over: words",)


def test_elan_times_are_those_of_the_medium(write):
    (coding,) = read_codes(write("clip.eaf", eaf(origin='TIME_ORIGIN="500"')))
    assert coding.units["AU12"][0].span == Span(1.5, 2.5)


def test_an_elan_file_with_declarations_is_refused(write):
    bomb = '<!DOCTYPE lolz [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    path = write("clip.eaf", eaf(TIERS.replace("6C+12D", "&b;"), before=bomb))
    with pytest.raises(CodesError, match=r"clip\.eaf: .*document type"):
        read_codes(path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no XML", "cannot be read as XML"),
        ("<other/>", "wanted an ELAN ANNOTATION_DOCUMENT, found other"),
        (eaf(TIERS.replace("6C+12D", "smiles")), "tier 'FACS' at 1.0 s: 'smiles' is no FACS code"),
        (eaf(TIERS.replace('TIME_SLOT_REF2="ts2"', 'TIME_SLOT_REF2="ts9"')), "tier 'FACS'"),
        (eaf('<TIER TIER_ID="words"/>'), r"wanted tiers named after units .*\['words'\]"),
    ],
)
def test_an_elan_file_that_cannot_be_read_is_named(write, text, told):
    with pytest.raises(CodesError, match=rf"clip\.eaf: {told}"):
        read_codes(write("clip.eaf", text))
