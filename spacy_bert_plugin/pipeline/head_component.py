"""What the components with a head of ours have in common: labels, updates, steps."""

import warnings
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

from spacy.tokens import Doc
from spacy.training import Example, validate_examples
from spacy.vocab import Vocab
from thinc.api import set_dropout_rate
from torch import Tensor

from ..errors import Errors, SettingError
from ..layers import finish_model
from ..layers.head import HeadModel, HeadOutput, grow_head
from ..util.pairs import check_sides
from .checked_files import CheckedFiles
from .streamed import StreamedPipe

# Numbers in `cfg` are rounded as JSON would round them, so that a loaded pipeline is the same.
N_DIGITS = 6


class HeadComponent(CheckedFiles, StreamedPipe):
    """A component whose model ends in a torch module with scores for labels.

    `cfg` is what is saved beside the weights: the labels and what calibration has found.
    """

    def __init__(self, vocab: Vocab, model: HeadModel, name: str, **cfg: Any) -> None:
        self.vocab, self.model, self.name = vocab, model, name
        self.cfg: dict[str, Any] = {"labels": [], **cfg}
        self._warned: set[str] = set()

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order of their scores."""
        return tuple(self.cfg["labels"])

    @property
    def label_data(self) -> list[str]:
        """What `spacy init labels` stores."""
        return list(self.labels)

    def add_label(self, label: str) -> int:
        """Add a label; what was learned about the others is kept.

        RETURNS (int): 1, or 0 if it was there already.
        RAISES (SettingError): It is not a name.
        """
        if not isinstance(label, str) or not label:
            raise SettingError(
                Errors.SB002.format(name="label", expected="a name", got=repr(label))
            )
        if label in self.labels:
            return 0
        self.cfg["labels"] = [*self.labels, label]
        self.vocab.strings.add(label)
        grow_head(self.model, n_labels=len(self.labels))
        return 1

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Any = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch; what is not annotated is left out of the loss.

        RETURNS (dict): The losses.
        RAISES (DataError): The annotation cannot be used.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, f"{type(self).__name__}.update")
        check_sides(examples)
        docs = [example.predicted for example in examples]
        if not any(len(doc) for doc in docs):
            return losses
        set_dropout_rate(self.model, drop)
        # What goes back is a loss, which the type of thinc's models does not know.
        result: Any = self.model.begin_update(docs)
        output, backprop = result
        self.check_output(docs, output)
        loss = self.get_loss(examples, output)
        backprop(loss)
        losses[self.name] += float(loss.detach())
        if sgd not in (None, False):
            self.finish_update(sgd)
        return losses

    def check_output(self, docs: Sequence[Doc], output: HeadOutput) -> None:
        """Refuse output that does not belong to the Docs."""

    @abstractmethod
    def get_loss(self, examples: Iterable[Example], scores: HeadOutput) -> Tensor:
        """Compute the loss of a batch, with its graph. Shape: ()"""

    def finish_update(self, sgd: Any) -> None:
        """Step the weights, unless the encoder that is listened to has taken them along."""
        finish_model(self.model, sgd)

    def warn_once(self, kind: str, message: str) -> None:
        """Warn of something the first time that it comes up."""
        if kind not in self._warned:
            self._warned.add(kind)
            warnings.warn(message, stacklevel=4)
