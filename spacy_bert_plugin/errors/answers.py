"""Messages SB870 to SB889."""


class AnswerMessages:
    """Messages about questions and their answers."""

    SB870 = (
        "'{name}' needs Docs of a question and its context, but Doc {number} of the batch "
        "({n_tokens} tokens) is one text. Make such Docs with make_pair_doc(nlp, question, "
        "context), or set [components.{name}] require_pairs = false to leave other Docs as they "
        "are."
    )
    SB871 = (
        "'{name}' found no question to learn from: a Doc of two texts (doc.spans['pair']) whose "
        "reference has doc.spans['{key}'], the right answers in its second text (an empty group "
        "where there is none). Convert SQuAD files with: spacy bert convert --format squad"
    )
    SB872 = (
        "'{name}' leaves out {n_answers} right answers that do not lie in the second text of "
        "their Doc, in whole tokens of it. Expected spans in the context: correct "
        "doc.spans['{key}']."
    )
    SB873 = (
        "'{name}' leaves out questions that have no answer, because it was made to always "
        "answer. To learn when there is none, set [components.{name}] no_answer = true (or null, "
        "with such questions in the training data) and initialize it anew."
    )
    SB874 = (
        "'{name}' finds answers and has no labels, so that '{label}' cannot be added. Leave the "
        "call out."
    )
    SB875 = (
        "'{name}' answers with at most max_answer_tokens = {max_tokens} tokens, but {n_long} "
        "right answers of {n_answers} are longer; the longest has {longest}. They are learned "
        "from and cannot be found whole."
    )
    # SQuAD files
    SB876 = (
        '{path}: expected a SQuAD file, {{"data": [{{"paragraphs": [{{"context", "qas": [{{"id", '
        '"question", "answers"}}]}}]}}]}}, but {problem} at {place}. Repair the file, or say how '
        "it is written with --format."
    )
    SB877 = (
        "{path}, question '{id}': the {what} is empty. Leave the question out, or put a text in "
        "its place."
    )
    SB878 = (
        "{path}, question '{id}': expected the answer {answer!r} in the context from character "
        "{start} on, but there stands {got!r}. Correct 'answer_start', which counts characters "
        "from 0, or the text."
    )
    SB879 = "{path}: the id '{id}' stands there twice. Give each question its own."
    SB880 = (
        "{path}, question '{id}': 'is_impossible' says that there is no answer, but there are "
        "{n_answers}. Remove one of the two."
    )
    # Command line
    SB881 = (
        "The pipeline in '{model}' has no component that answers questions (its components: "
        "{pipes}). Train one with configs/bert_qa.cfg."
    )
