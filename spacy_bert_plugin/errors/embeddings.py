"""Messages SB890 to SB909."""


class EmbeddingMessages:
    """Messages about vectors of texts and their similarity."""
