"""JSON as it is written at every step: the same text that the standard library writes."""

import json
from json import encoder as standard

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bottega import encoder
from bottega.encoder import writer

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(VALUES)
def test_it_writes_what_the_standard_library_writes(value):
    assert writer()(value) == json.dumps(value)
    sort = writer(separators=(",", ":"), sort_keys=True)
    assert sort(value) == json.dumps(value, separators=(",", ":"), sort_keys=True)


def test_what_is_no_json_is_refused_or_written_as_told():
    with pytest.raises(TypeError, match="not JSON serializable"):
        writer()({"a": object})
    with pytest.raises(ValueError, match="not JSON compliant"):
        writer(allow_nan=False)([float("nan")])
    assert writer(default=str)({"a": {1}}) == '{"a": "{1}"}'


def test_what_holds_itself_is_refused_and_the_next_value_is_written():
    write, endless = writer(), []
    endless.append(endless)
    with pytest.raises(RecursionError):
        write(endless)
    assert write([1]) == "[1]"


def test_a_python_without_the_quick_way_writes_the_same(monkeypatch):
    assert standard.c_make_encoder is not None, "the tests are to run the quick way, too"
    monkeypatch.setattr(encoder, "_make", None)
    assert writer(separators=(",", ":"))({"a": [1, "é"]}) == '{"a":[1,"\\u00e9"]}'
