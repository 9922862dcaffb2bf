"""The exceptions that this package raises. Each is also a built-in one that callers know."""


class BertPluginError(Exception):
    """Base of every error that this package raises on purpose."""


class SettingError(BertPluginError, ValueError):
    """A setting of a config or an argument has a value that cannot work."""


class TextError(BertPluginError, ValueError):
    """A text cannot be turned into pieces."""


class CheckpointError(BertPluginError, ValueError):
    """Files of a checkpoint are missing, damaged or belong to something else."""


class CheckpointNotFoundError(CheckpointError, OSError):
    """There is no checkpoint under the name or path that was given."""


class ListenerError(BertPluginError, ValueError):
    """A listener was asked for vectors that its encoder has not computed."""


class OutOfMemoryError(BertPluginError, MemoryError, RuntimeError):
    """Memory ran out, and a smaller batch was of no help. torch's error is its cause."""


class TrainingError(BertPluginError, RuntimeError):
    """Training cannot go on: the loss or a gradient is not a finite number."""


class DataError(BertPluginError, ValueError):
    """A row of a data file cannot be read. The message names file and line."""


class MissingDependencyError(BertPluginError, ImportError):
    """An optional dependency is not installed. The message names the extra."""


class WorkerError(BertPluginError, RuntimeError):
    """A system under measurement failed, or its process ended.

    trace (str): Traceback of the other process, where it could still send one.
    """

    def __init__(self, message: str, *, trace: str = "") -> None:
        super().__init__(message)
        self.trace = trace
