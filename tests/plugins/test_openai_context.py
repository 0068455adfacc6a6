"""How much a hosted model reads is known once the list of models is loaded, not before."""

from bottega.compaction import Bounded
from bottega.model import Usage
from bottega_plugins.models.openai.model import OpenAIModel
from bottega_plugins.models.openai.settings import Settings

ONE = Usage(input_tokens=1, output_tokens=1)


def test_a_listed_model_says_what_it_reads():
    model = OpenAIModel("gpt-4o-mini", Settings(key="none"))
    assert isinstance(model, Bounded)
    assert model.cost(ONE) is not None
    assert model.context_tokens == 128_000


def test_others_say_nothing():
    unlisted = OpenAIModel("nonesuch-9", Settings(key="none"))
    assert unlisted.cost(ONE) is None
    assert unlisted.context_tokens is None
    own = OpenAIModel("gpt-4o-mini", Settings(base_url="http://127.0.0.1:8000/v1"))
    assert own.cost(ONE) is None
    assert own.context_tokens is None
