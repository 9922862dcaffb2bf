"""The sections of a config for pretraining, checked."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ..errors import Errors, SettingError
from .documents import Passage
from .masking import MaskSettings
from .windows import PairSettings

CorpusT = Callable[[], Iterator[Passage]]
PARTS = {"masking": MaskSettings, "next_sentence": PairSettings}


@dataclass(frozen=True)
class EncoderChoice:
    """What is pretrained.

    name (str): Checkpoint to go on from; None: a new encoder.
    revision (str): Of a checkpoint on the hub.
    tokenizer (str): Of a new encoder: a folder or a tokenizer.json.
    family (str): Of a new encoder.
    sizes (dict): Of a new encoder: fields of `EncoderConfig`.
    """

    name: str | None = None
    revision: str | None = None
    tokenizer: str | None = None
    family: str = "bert"
    sizes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunSettings:
    """Values of the section [pretraining] itself.

    corpus, dev_corpus (str): Where the corpora stand in the config; without the second one
        nothing is held out.
    seed (int): Of everything that is left to chance.
    max_steps, max_epochs (int): Where the run ends; 0: no limit of that kind.
    eval_frequency (int): Steps between two rows of the log.
    eval_pieces (int): Pieces of the held-out text to evaluate on.
    save_every (int): Steps between two saves of the state; 0: at each row of the log.
    save_minutes (float): Minutes after which it is saved in any case; 0.0: never.
    step_pieces (int): Pieces of one update.
    batch_pieces (int): Pieces of one forward pass; the gradients of several add up to an update.
    max_pieces (int): Of a window, special pieces included.
    short_share (float): Share of windows that are made shorter at random.
    dropout (float): Rate.
    precision (str): "fp32", "bf16" or "auto".
    """

    corpus: str = "corpora.train"
    dev_corpus: str | None = "corpora.dev"
    seed: int = 0
    max_steps: int = 10_000
    max_epochs: int = 0
    eval_frequency: int = 500
    eval_pieces: int = 100_000
    save_every: int = 0
    save_minutes: float = 10.0
    step_pieces: int = 8_192
    batch_pieces: int = 8_192
    max_pieces: int = 128
    short_share: float = 0.1
    dropout: float = 0.1
    precision: str = "auto"

    def __post_init__(self) -> None:
        least = {"eval_frequency": 1, "eval_pieces": 1, "step_pieces": 1, "batch_pieces": 1}
        least |= {"max_steps": 0, "max_epochs": 0, "save_every": 0, "seed": 0}
        for name, low in least.items():
            got = getattr(self, name)
            if type(got) is not int or got < low:
                raise _refuse(name, f"a whole number of at least {low}", got)
        for name in ("short_share", "dropout"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise _refuse(
                    name, "a share from 0 up to, but not including, 1", getattr(self, name)
                )
        if not self.save_minutes >= 0.0:
            raise _refuse("save_minutes", "at least 0.0", self.save_minutes)
        if self.precision not in ("fp32", "bf16", "auto"):
            raise _refuse("precision", "'fp32', 'bf16' or 'auto'", self.precision)
        if not self.max_steps and not self.max_epochs:
            raise _refuse("max_steps", "above 0, or max_epochs to be above 0", self.max_steps)


@dataclass(frozen=True)
class PretrainingPlan:
    """A config, resolved.

    run, masking, pairs, encoder: Values of the sections.
    optimizer (AdamW): At its first step.
    corpus, dev_corpus (Callable): Give passages anew at each call.
    config (Config): All of it, interpolated.
    """

    run: RunSettings
    masking: MaskSettings
    pairs: PairSettings
    encoder: EncoderChoice
    optimizer: Any
    corpus: CorpusT
    dev_corpus: CorpusT | None
    config: Any


def make_plan(config: Any) -> PretrainingPlan:
    """Resolve a config.

    config (Config): With the sections [pretraining] and [corpora].
    RAISES (SettingError): A section or a value is missing, unknown or wrong.
    """
    from spacy.util import registry, resolve_dot_names

    config = config.interpolate()
    section = dict(_get_section(config, "pretraining"))
    parts = {name: _make(cls, section.pop(name, {}), name) for name, cls in PARTS.items()}
    encoder = _make(EncoderChoice, section.pop("encoder", {}), "encoder")
    chosen = section.pop("optimizer", None)
    if not isinstance(chosen, Mapping):
        raise SettingError(
            Errors.SB816.format(section="pretraining.optimizer", problem="it is missing")
        )
    run = _make(RunSettings, section, "")
    if not parts["masking"].weight and not parts["next_sentence"].weight:
        raise SettingError(Errors.SB814)
    optimizer = registry.resolve({"it": chosen})["it"]
    if not hasattr(optimizer, "step_torch"):
        raise SettingError(Errors.SB815.format(got=chosen.get("@optimizers")))
    for name in (run.corpus, run.dev_corpus):
        if name is not None:
            _get_section(config, name)
    corpus, dev_corpus = resolve_dot_names(config, [run.corpus, run.dev_corpus])
    return PretrainingPlan(
        run=run,
        masking=parts["masking"],
        pairs=parts["next_sentence"],
        encoder=encoder,
        optimizer=optimizer,
        corpus=corpus,
        dev_corpus=dev_corpus,
        config=config,
    )


def _get_section(config: Any, name: str) -> Mapping[str, Any]:
    found: Any = config
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping):
        raise SettingError(Errors.SB816.format(section=name, problem="it is missing"))
    return found


def _make(cls: Any, values: Mapping[str, Any], name: str) -> Any:
    known = [field.name for field in fields(cls)]
    unknown = sorted(set(values) - set(known))
    section = f"pretraining.{name}" if name else "pretraining"
    if unknown:
        problem = f"{unknown} is not known, expected {', '.join(known)}"
        raise SettingError(Errors.SB816.format(section=section, problem=problem))
    try:
        return cls(**values)
    except TypeError as error:  # a word where a number belongs
        raise SettingError(Errors.SB816.format(section=section, problem=error)) from error


def _refuse(name: str, expected: str, got: object) -> SettingError:
    name = f"pretraining.{name}"
    return SettingError(Errors.SB002.format(name=name, expected=expected, got=got))
