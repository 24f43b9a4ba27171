"""Random bases that tests make themselves: no download, no GPU."""

from functools import cache

from demeanor.data_engine.bases import make_base
from demeanor.data_engine.drawn import drawn_rows
from demeanor.data_engine.tuning import MadeBase

TAGGED = (  # another form of turns, no system role, generation tags
    "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "{% for m in messages %}{% if m.role == 'assistant' %}[bot]{% generation %}{{ m.content }}"
    "<|end|>{% endgeneration %}{% else %}[you]{{ m.content }}\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}[bot]{% endif %}"
)


@cache
def few_rows(n=12):
    return tuple(drawn_rows(n))


def texts(n=12):
    return [m.content for row in few_rows(n) for m in row.messages]


def small_base(folder, seed=0, template=None, **changes):
    """A folder with a random two-layer LLaMA whose tokenizer knows the prompts."""
    made = MadeBase(**{"hidden": 64, "heads": 2, "vocabulary": 900, "max_tokens": 4096, **changes})
    make_base(made, texts(), seed, folder)
    if template is not None:
        (folder / "chat_template.jinja").write_text(template)
    return folder
