"""Messages SB870 to SB889."""


class AnswerMessages:
    """Messages about questions and their answers."""
