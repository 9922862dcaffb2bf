import pytest
from encoder_reference import build_reference, convert
from torch import nn

from spacy_bert_plugin.encoder import BertEncoder


@pytest.fixture(scope="session")
def bert_reference() -> nn.Module:
    return build_reference("bert")


@pytest.fixture
def bert(bert_reference: nn.Module) -> BertEncoder:
    return convert(bert_reference)
