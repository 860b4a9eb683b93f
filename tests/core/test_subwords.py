"""Tokens that are parts of words: which belong together, and how the word reads."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain import Tokens
from keras_explain.callbacks import Explain
from keras_explain.store import DamagedFile, InputFacts
from keras_explain.subwords import mark_of, reading_of, starts_by_mark, words_in

TEXTS = {
    "##": ["[CLS]", "play", "##ing", "un", "##play", "##able", ",", "##x", "[SEP]", "", ""],
    "▁": ["<s>", "▁play", "ing", "▁", "un", "<0xC3>", "<0xA9>", "</s>", "</s>"],
    "Ġ": ["<s>", "play", "ing", "Ġun", "play", "Ġc", "afÃ©", "<|endoftext|>", "<|endoftext|>"],
    "</w>": ["play", "ing</w>", "un", "play", "able</w>", ",</w>"],
}
WORDS = {
    "##": ["[CLS]", "playing", "unplayable", ",x", "[SEP]", "", ""],
    "▁": ["<s>", "playing", "uné", "</s>", "</s>"],
    "Ġ": ["<s>", "playing", "unplay", "café", "<|endoftext|>", "<|endoftext|>"],
    "</w>": ["playing", "unplayable", ","],
}


@pytest.mark.parametrize("mark", TEXTS)
def test_tokens_of_a_word_are_told_by_their_mark(mark):
    texts = TEXTS[mark]
    if mark == "▁":  # a lone mark begins the word that the next token goes on with
        assert starts_by_mark(texts, mark)[3:5] == [True, False]
    assert mark_of(texts) == mark
    found = words_in(texts, starts_by_mark(texts, mark))
    assert [reading_of(texts[word], mark) for word in found] == WORDS[mark]
    assert [text for word in found for text in texts[word]] == texts


def test_a_vocabulary_of_words_has_no_subwords():
    words = ["", "[UNK]", "good", "#", "##", "bad"]
    assert mark_of(words) is None
    facts = Tokens(words).facts("x", np.array([[2, 4, 5]]))[1]
    assert facts.starts == ()
    assert facts.joined == {}


def test_given_numbers_say_what_belongs_together():
    words = ["", "play", "ing", "now"]
    ids = np.array([[1, 2, 3, 0], [3, 1, 1, 2]])
    numbers = [[0, 0, 1, None], [0, 1, -1, -1]]
    facts = Tokens(words, subwords=numbers).facts("x", ids)[1]
    assert facts.starts == ("1011", "1111")
    assert facts.joined == {"1 2": "playing"}
    for wrong in ([[0, 0, 1]], np.zeros((2, 3)), "words", 3):
        with pytest.raises(ValueError, match="`subwords` must"):
            Tokens(words, subwords=wrong).facts("x", ids)


def test_they_are_kept_in_the_run_and_checked_when_read(tmp_path):
    words = ["[PAD]", "play", "##ing", "bad"]
    ids = np.array([[1, 2, 3, 0], [3, 3, 1, 2]])
    model = keras.Sequential(
        [
            keras.Input((4,), dtype="int32"),
            layers.Embedding(4, 3),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    model.compile("sgd", "mse")
    for name, subwords in (("joined", "auto"), ("apart", None)):
        inputs = Tokens(words, subwords=subwords)
        with Explain(tmp_path / name, (ids, None), "saliency", inputs=inputs, target=0) as explain:
            explain.log(model, 0)
    facts = keras_explain.Run(tmp_path / "joined").probes.facts["input"]
    assert facts.starts == ("1011", "1110")
    assert facts.joined == {"1 2": "playing"}
    assert keras_explain.Run(tmp_path / "apart").probes.facts["input"].starts == ()
    for damaged in ({"starts": "10"}, {"starts": ["12"]}, {"starts": [1]}, {"joined": {"1": 2}}):
        with pytest.raises(DamagedFile):
            InputFacts.from_json(damaged)


def facts_of(tokenizer, texts):
    ids = np.asarray(tokenizer(texts))
    return ids, Tokens(tokenizer).facts("x", ids)[1]


def readings(ids, facts):
    """The words of each text, as the tab writes them."""
    found = []
    for row, starts in zip(ids.tolist(), facts.starts, strict=True):
        parts = words_in(row, [start == "1" for start in starts])
        keys = [" ".join(map(str, row[part])) for part in parts]
        found.append([facts.joined.get(key, facts.words.get(key)) for key in keys])
    return found


@pytest.mark.live
def test_words_of_keras_hub_s_word_pieces():
    hub = pytest.importorskip("keras_hub")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "play", "##ing", "##able"]
    vocabulary += ["un", "##play", "!"]
    pieces = hub.tokenizers.WordPieceTokenizer(vocabulary, sequence_length=8, lowercase=True)
    ids, facts = facts_of(pieces, ["The playing", "unplayable the!"])
    assert readings(ids, facts) == [
        ["the", "playing", *["[PAD]"] * 5],
        ["unplayable", "the", "!", *["[PAD]"] * 3],
    ]


@pytest.mark.live
def test_words_of_keras_hub_s_byte_pairs():
    hub = pytest.importorskip("keras_hub")
    merges = ["p l", "a y", "pl ay", "Ġ pl", "Ġpl ay", "i n", "in g", "c a", "Ġ ca"]
    letters = [*"playingcf", "Ġ", "Ã", "©"]
    parts = ["pl", "ay", "play", "Ġpl", "Ġplay", "in", "ing", "ca", "Ġca"]
    vocabulary = {word: at for at, word in enumerate(["<|endoftext|>", *letters, *parts])}
    pairs = hub.tokenizers.BytePairTokenizer(vocabulary, merges, sequence_length=9)
    ids, facts = facts_of(pairs, ["playing play", "play café"])
    words = [[word for word in row if word] for row in readings(ids, facts)]
    assert [row[:2] for row in words] == [["playing", "play"], ["play", "café"]]
