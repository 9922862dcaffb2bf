"""The factory `bert_fill_mask`: words for masked tokens, or how surprising every token is."""

from collections.abc import Callable, Iterable, Sequence
from math import log
from typing import Any

import numpy as np
import torch
from spacy.attrs import ORTH
from spacy.language import Language
from spacy.tokens import Doc, Token
from spacy.training import Example
from spacy.vocab import Vocab
from torch import Tensor

from ..errors import Errors, SettingError
from ..heads import MaskedWordHead
from ..layers import EncoderModel, get_shim
from ..layers.listener import find_encoder
from ..layers.masked_language import (
    MaskedModel,
    get_masked_head,
    has_masked_head,
    load_masked_head,
    set_masked_head,
)
from ..layers.masked_scores import score_masked
from ..layers.stored_heads import check_head
from ..pieces import IntArray, PieceTokenizer, PieceWords, read_piece_words
from .checked_files import CheckedFiles
from .masked_places import find_masks, hide_tokens
from .streamed import StreamedPipe

MODES = ("masks", "surprise")
# By the character that a mask begins at: words with their probabilities.
FillsT = dict[int, list[list[Any]]]


class BertFillMask(CheckedFiles, StreamedPipe):
    """Asks the masked-word head of an encoder what stands in the place of hidden words.

    The encoder runs again for that, with pieces hidden; the Doc's text and vectors stay as they
    are. A Doc without a mask costs nothing.

    mode (str): "masks": `token._.fills` of tokens that are a mask, a list of [word, probability].
        "surprise": `token._.surprise`, minus the log2 of the probability of a token, given all
        others, and `doc._.surprise`, the mean of them: Salazar et al. (2020),
        https://aclanthology.org/2020.acl-main.240
    top_k (int): Number of words for each mask.
    mask_text (str | None): What is a mask in a text; None: the encoder's own ("[MASK]", "<mask>").
    max_pieces (int | None): Most pieces of a window; None: those of the encoder.
    RAISES (SettingError): A value cannot work.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: MaskedModel,
        name: str = "bert_fill_mask",
        *,
        mode: str = "masks",
        top_k: int = 5,
        mask_text: str | None = None,
        max_pieces: int | None = None,
    ) -> None:
        for setting, value, expected, is_good in (
            ("mode", mode, f"one of {', '.join(MODES)}", mode in MODES),
            ("top_k", top_k, "at least 1", top_k >= 1),
            ("mask_text", mask_text, "a text, or null", mask_text is None or mask_text.strip()),
            ("max_pieces", max_pieces, "at least 4, or null", max_pieces is None or max_pieces > 3),
        ):
            if not is_good:
                raise SettingError(Errors.SB002.format(name=setting, expected=expected, got=value))
        self.vocab, self.model, self.name = vocab, model, name
        self.mode, self.top_k, self.max_pieces = mode, top_k, max_pieces
        self.mask_text = mask_text
        self.cfg: dict[str, Any] = {}
        self._words: tuple[PieceTokenizer, PieceWords] | None = None
        install_fills()

    @property
    def is_trainable(self) -> bool:
        """Its head is learned by pretraining, not by `nlp.update`."""
        return False

    # Prediction

    def predict(self, docs: Iterable[Doc]) -> list[Any]:
        """Score Docs without changing them.

        RETURNS (list): One a Doc: for "masks" its fills, for "surprise" one number a token, or
            None for a token without pieces (white space).
        RAISES (ListenerError): There is no encoder, or no head yet.
        """
        docs = list(docs)
        if self.mode == "surprise":
            return self._measure(docs)
        fills: list[FillsT] = [{} for _ in docs]
        mask_text = self.find_mask_text(docs)
        masked = [index for index, doc in enumerate(docs) if mask_text in doc.text]
        if masked:
            found = self._fill([docs[index].text for index in masked], docs, mask_text)
            for index, places in zip(masked, found, strict=True):
                fills[index] = places
        return fills

    def find_mask_text(self, docs: Sequence[Doc] = ()) -> str:
        """Find what is a mask in a text. RAISES (SettingError): The encoder has no mask piece."""
        name = self.mask_text or self._find_tokenizer(docs).mask_name
        if name is None:
            raise SettingError(Errors.SB537.format(name=self.name))
        return name

    def _fill(self, texts: Sequence[str], docs: Sequence[Doc], mask_text: str) -> list[FillsT]:
        encoder, tokenizer = self._find_encoder(docs), self._find_tokenizer(docs)
        masks = find_masks(
            texts, mask_text, tokenizer, capacity=self._find_capacity(docs), name=self.name
        )
        words = self._read_words(tokenizer)

        def find_allowed(number: int) -> Any:
            return words.find_allowed(texts[masks.texts[number]], masks.starts[number])

        def read(asked: IntArray, logits: Tensor) -> list[tuple[int, list[list[Any]]]]:
            probabilities = logits.softmax(dim=1)
            size = min(self.top_k, logits.shape[1])
            allowed = np.stack([find_allowed(number) for number in asked.tolist()])
            is_out = torch.from_numpy(~allowed).to(logits.device)
            best = probabilities.masked_fill(is_out, -1.0).topk(size, dim=1)
            rows = zip(asked.tolist(), best.indices.tolist(), best.values.tolist(), strict=True)
            return [
                (number, [[words.read(i), p] for i, p in zip(ids, values, strict=True) if p >= 0.0])
                for number, ids, values in rows
            ]

        fills: list[FillsT] = [{} for _ in texts]
        head = get_masked_head(self.model, name=self.name)
        for found in score_masked(encoder, head, masks.windows, read):
            for number, candidates in found:
                fills[masks.texts[number]][masks.starts[number]] = candidates
        return fills

    def _measure(self, docs: Sequence[Doc]) -> list[list[float | None]]:
        if not any(len(doc) for doc in docs):
            return [[] for _ in docs]
        encoder, tokenizer = self._find_encoder(docs), self._find_tokenizer(docs)
        hidden = hide_tokens(docs, tokenizer, capacity=self._find_capacity(docs))
        targets = hidden.windows.ids[hidden.windows.asked]

        def read(asked: IntArray, logits: Tensor) -> tuple[IntArray, Any]:
            right = torch.from_numpy(targets[asked]).to(logits.device)
            nats = torch.nn.functional.cross_entropy(logits, right, reduction="none")
            return asked, nats.double().cpu().numpy() / log(2.0)

        bits = np.zeros(len(hidden.counts))
        head = get_masked_head(self.model, name=self.name)
        for asked, found in score_masked(encoder, head, hidden.windows, read):
            np.add.at(bits, hidden.tokens[asked], found)
        known = [b if n else None for b, n in zip(bits.tolist(), hidden.counts, strict=True)]
        numbers = iter(known)
        return [[next(numbers) for _ in doc] for doc in docs]

    def set_annotations(self, docs: Iterable[Doc], predictions: Sequence[Any]) -> None:
        """Write fills, or surprises, to the Docs."""
        install_fills()  # an unpickled component may be the first of its process
        for doc, found in zip(docs, predictions, strict=True):
            if self.mode == "masks":
                for start, fills in found.items():
                    token = doc.char_span(start, start + 1, alignment_mode="expand")[0]
                    token._.fills = fills
                continue
            for token, bits in zip(doc, found, strict=True):
                token._.surprise = bits
            known = [bits for bits in found if bits is not None]
            doc._.surprise = sum(known) / len(known) if known else None

    def _find_encoder(self, docs: Sequence[Doc] = ()) -> EncoderModel:
        return find_encoder(self.model, docs, name=self.name)

    def _find_tokenizer(self, docs: Sequence[Doc]) -> PieceTokenizer:
        return get_shim(self._find_encoder(docs)).checkpoint.tokenizer

    def _find_capacity(self, docs: Sequence[Doc]) -> int:
        """Most pieces of a window, special ones not counted."""
        encoder = self._find_encoder(docs)
        checkpoint, asked = get_shim(encoder).checkpoint, encoder.attrs["settings"].max_pieces
        longest = checkpoint.encoder.config.max_pieces
        wanted = self.max_pieces or asked or longest
        if wanted > longest:
            expected = f"at most {longest}, the longest window that this encoder takes"
            raise SettingError(
                Errors.SB002.format(name="max_pieces", expected=expected, got=wanted)
            )
        return int(wanted) - checkpoint.tokenizer.n_special

    def _read_words(self, tokenizer: PieceTokenizer) -> PieceWords:
        known = self._words
        if known is None or known[0] is not tokenizer:
            known = self._words = tokenizer, read_piece_words(tokenizer)
        return known[1]

    # Weights

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]] | None = None,
        *,
        nlp: Language | None = None,
    ) -> None:
        """Load the head, unless there is one already. No examples are needed.

        The tokenizer of `nlp` is told that a mask is one token.

        RAISES (SettingError): The checkpoint has no masked-word head, or one that does not fit.
        """
        encoder = self._find_encoder()
        encoder.initialize()
        if not has_masked_head(self.model):
            self.set_head(load_masked_head(self.model, name=self.name))
        head = get_masked_head(self.model, name=self.name)
        check_head(head, get_shim(encoder).encoder, name=self.name)
        mask_text = self.find_mask_text()
        if nlp is not None and self.mode == "masks" and hasattr(nlp.tokenizer, "add_special_case"):
            nlp.tokenizer.add_special_case(mask_text, [{ORTH: mask_text}])

    def set_head(self, head: MaskedWordHead) -> None:
        """Take over the weights of a head; they are copied.

        RAISES (SettingError): They do not fit the encoder.
        """
        set_masked_head(self.model, head, name=self.name)

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Any = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn nothing. RETURNS (dict): The losses, as they came."""
        return {} if losses is None else losses

    def get_loss(self, examples: Iterable[Example], scores: Any) -> None:
        """There is none."""

    def add_label(self, label: str) -> int:
        """There are no labels."""
        return 0


def install_fills() -> None:
    """Give tokens and Docs the attributes that this component sets; None where nothing has."""
    for holder, name in ((Token, "fills"), (Token, "surprise"), (Doc, "surprise")):
        if not holder.has_extension(name):
            holder.set_extension(name, default=None)
