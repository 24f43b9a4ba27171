import pytest

from demeanor.explain.errors import SettingsError, UnknownName
from demeanor.explain.reasoning.chat import KNOWN_FORMS, SHIPPED, chat_model


def test_the_prototype_needs_nothing():
    model = chat_model("prototype")
    assert (model.name, model.adapter, model.reads_prompt) == ("prototype", None, False)
    assert model.languages == {"en"} and model.notes


def test_the_model_in_the_box_has_a_name_of_its_own():
    assert chat_model("mini").name == chat_model(f"mini:{SHIPPED}").name == "demeanor-mini"


@pytest.mark.parametrize("spec", ["gpt", "mini:", "local:", "vllm", "", "ftp://host/v1"])
def test_an_unknown_spec_lists_the_known_forms(spec):
    with pytest.raises(UnknownName) as caught:
        chat_model(spec)
    assert all(form in str(caught.value) for form in KNOWN_FORMS)


def test_an_adapter_without_a_local_model_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="go with local:"):
        chat_model("prototype", tmp_path)
