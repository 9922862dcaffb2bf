"""The factory `bert_transformer`: one encoder that every other component listens to."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from spacy.training import Example, validate_examples
from spacy.util import minibatch
from spacy.vocab import Vocab
from thinc.api import set_dropout_rate

from ..checkpoints import load_checkpoint, save_checkpoint
from ..errors import Errors, SettingError
from ..layers import (
    BertListener,
    EncoderModel,
    TorchShim,
    find_shims,
    get_shim,
    run_encoder,
    set_checkpoint,
    step_together,
)
from ..util.pairs import check_sides
from .activations import Activations, ActivationStore, TokenVectors
from .ahead import look_ahead
from .batch import TrainingBatch
from .compute import PendingActivations
from .forks import survive_forks
from .keep import KEEPS, VectorGuard
from .listening import ListenedTo, set_residual_widths
from .streamed import check_batch_size
from .trf_data import install_trf_data, keep_trf_data

UNINITIALIZED = "not-initialized"


class BertTransformer(ListenedTo, TrainablePipe):
    """Runs the encoder once for a batch of Docs and serves the vectors to all listeners.

    The protocol between it and its listeners is written down in docs/design/listeners.md.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: EncoderModel,
        name: str = "bert_transformer",
        *,
        keep: str = "doc",
        precision: str | None = None,
    ) -> None:
        if keep not in KEEPS:
            raise SettingError(
                Errors.SB002.format(name="keep", expected=f"one of {', '.join(KEEPS)}", got=keep)
            )
        get_shim(model)
        if precision is not None:
            model.attrs["settings"].precision = precision
        self.vocab = vocab
        self.model = model
        self.name = name
        self.keep = keep
        self.cfg: dict[str, Any] = {}
        self.listener_map: dict[str, list[BertListener]] = {}
        self.head_shims: dict[str, list[TorchShim]] = {}
        self.store = ActivationStore()
        self._batch: TrainingBatch | None = None
        install_trf_data()
        survive_forks()

    # Prediction

    def predict(self, docs: Iterable[Doc]) -> list[Activations]:
        """Encode Docs without changing them.

        RETURNS (list[Activations]): One a Doc, with everything that its listeners and `keep` ask.
        """
        return self._compute(list(docs))

    def _compute(self, docs: Sequence[Doc]) -> list[Activations]:
        return self._start(docs).finish() if docs else []

    def set_annotations(self, docs: Iterable[Doc], predictions: list[Activations]) -> None:
        """Hold the vectors for the listeners and leave on each Doc what `keep` asks for."""
        install_trf_data()  # an unpickled component may be the first of its process
        docs = list(docs)
        guard = VectorGuard(self.name, self.keep)
        means = self._take_means(predictions)
        for doc, item, mean in zip(docs, predictions, means, strict=True):
            guard.install(doc)
            keep_trf_data(doc, item.outputs.pop("trf_data", None) or guard.no_trf_data)
            if self.keep != "none" and len(doc) and not doc.vocab.vectors.size:
                doc.vector = np.array(mean)  # so that it does not keep those of others alive
            if self.keep in ("tokens", "all"):
                vectors = _to_host(item.outputs["tokens"]).view(TokenVectors)
                vectors.owner = self.store.token
                doc.tensor = vectors
            if not self.listeners:
                item.outputs = {}
        self.store.add(docs, predictions)

    def _take_means(self, predictions: Sequence[Activations]) -> Sequence[Any]:
        """Copy the mean vectors of Docs to the host: all at once, since each copy waits."""
        if self.keep == "none" or not predictions:
            return [None] * len(predictions)
        means = [p.outputs["mean"] for p in predictions]
        # A Doc of texts that are read apart has a mean for each of them.
        means = [mean if len(mean) == 1 else mean.mean(0, keepdims=True) for mean in means]
        rows: Any = self.model.ops.xp.concatenate(means)
        on_host: np.ndarray = rows if isinstance(rows, np.ndarray) else rows.get()
        return list(on_host)

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Encode a stream of Docs, a batch at a time, in order.

        batch_size (int): Number of Docs to buffer. Memory is bounded by the pieces of a forward
            pass as well, however long they are.
        RAISES (SettingError): `batch_size` is not a whole number of at least 1.
        """
        check_batch_size(batch_size)
        return self._pipe(stream, batch_size)

    def _pipe(self, stream: Iterable[Doc], batch_size: int) -> Iterator[Doc]:
        n_ahead = 1 if batch_size > 1 and self._is_on_device() else 0
        batches = minibatch(stream, size=batch_size)
        for batch, pending in look_ahead(batches, self._start, n_ahead):
            try:
                self.set_annotations(batch, pending.finish())
            except Exception as error:  # noqa: BLE001 (spaCy's error handler decides)
                if len(batch) == 1:
                    self.get_error_handler()(self.name, self, batch, error)
                else:  # one at a time, so that only the Docs at fault are lost
                    yield from self._pipe(batch, 1)
                continue
            yield from batch

    def _is_on_device(self) -> bool:
        """Whether the encoder may work on the next batch while this one is with the listeners.

        On a processor both would share the same cores, and nothing is won. Who asks for batches of
        one wants each Doc as soon as it is there.
        """
        shim = get_shim(self.model)
        return shim.is_loaded and shim.encoder.device.type != "cpu"

    def _start(self, docs: Sequence[Doc]) -> PendingActivations:
        if self._batch is not None and self._batch.is_stale_for(docs):
            self._flush()  # a listener would take it for these Docs if their texts are equal
        return PendingActivations(self.model, docs, self.listeners, keep=self.keep)

    # Training

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Any = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Encode a training batch and hand it to the listeners, which send gradients back.

        The backward pass runs when all listeners have reported. The loss recorded is the sum of
        the squared gradients that came, as in spaCy's `tok2vec`.

        RETURNS (dict): The losses.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, "BertTransformer.update")
        check_sides(examples)
        self._flush()
        docs = [example.predicted for example in examples]
        if not any(len(doc) for doc in docs):
            return losses
        set_dropout_rate(self.model, drop)
        names = {listener.output for listener in self.listeners} - {"tokens"}
        encoded, _, backward = run_encoder(self.model, docs, is_train=True, pooled=names)

        def finish(loss: float) -> None:
            losses[self.name] += loss
            if sgd not in (None, False):
                self._step(sgd)

        # A component that annotates during training reads in prediction mode: it is known that
        # the encoder has seen these Docs, so it gets vectors computed without dropout.
        self.store.add(docs, [Activations(len(doc), {}) for doc in docs])
        self._batch = TrainingBatch(docs, encoded, backward, finish)
        self._batch.send(self.listeners)
        return losses

    def finish_update(self, sgd: Any) -> None:
        """Step the weights with the gradients that listeners have sent.

        `nlp.update(sgd=...)` calls this before the listeners have run. The step then waits for
        them: a backward pass through weights that have moved would be wrong.
        """
        batch = self._batch
        if batch is not None and batch.is_waiting and not batch.n_reports:
            batch.postpone(partial(self._step, sgd))
            return
        self._flush()
        self._step(sgd)

    def cancel_update(self) -> None:
        """Forget the batch of an update that has failed, and what listeners have sent for it."""
        batch, self._batch = self._batch, None
        if batch is not None:
            batch.cancel()

    def _step(self, sgd: Any) -> None:
        """Step the encoder together with the torch heads that listen to it, by one norm."""
        step_together([*find_shims(self.model), *self.list_listening_shims()], sgd)

    def _flush(self) -> None:
        batch, self._batch = self._batch, None
        if batch is not None:
            batch.flush()

    def get_loss(self, examples: Iterable[Example], scores: Any) -> None:
        """There is none: what the vectors should be is known to the listeners alone."""

    def score(self, examples: Iterable[Example], **settings: Any) -> dict[str, Any]:
        """There is no score; but what was read as one text must not be scored as a pair.

        RAISES (DataError): A reference is a pair of texts, and the predicted Doc is not.
        """
        check_sides(examples)
        return {}

    def add_label(self, label: str) -> int:
        """An encoder has no labels."""
        return 0

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]] | None = None,
        *,
        nlp: Language | None = None,
    ) -> None:
        """Load the checkpoint, unless there are weights already. No examples are needed."""
        self.model.initialize()
        width = self.model.get_dim("nO")
        for listener in self.listeners:
            listener.set_dim("nO", width, force=True)
        for name, component in nlp.pipeline if nlp is not None else ():
            if name in self.listener_map:
                set_residual_widths(component.model, width)

    # Saving

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write the encoder as a plain Hugging Face checkpoint, all of it or nothing.

        RAISES (CheckpointError): It could not be written. What was there before still loads.
        """
        path, shim = Path(path), get_shim(self.model)
        if shim.is_loaded:
            (path / UNINITIALIZED).unlink(missing_ok=True)
            save_checkpoint(shim.checkpoint, path)
        else:
            path.mkdir(parents=True, exist_ok=True)
            (path / UNINITIALIZED).write_text("")

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "BertTransformer":
        """Load what `to_disk` wrote; every file is checked against its hash.

        RAISES (CheckpointError): A file is missing, damaged or not of this encoder.
        """
        path = Path(path)
        if not (path / UNINITIALIZED).exists():
            set_checkpoint(self.model, load_checkpoint(path, is_own=True))
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """The same files as bytes."""
        return get_shim(self.model).to_bytes()

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "BertTransformer":
        """Load what `to_bytes` gave."""
        shim = get_shim(self.model).from_bytes(bytes_data)
        if shim.is_loaded:
            set_checkpoint(self.model, shim.checkpoint)
        return self


def _to_host(array: Any) -> Any:
    """A copy in the host's memory that keeps nothing else alive."""
    return np.array(array) if isinstance(array, np.ndarray) else array.get()
