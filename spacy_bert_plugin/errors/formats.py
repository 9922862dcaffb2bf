"""Messages SB6xx."""


class FormatMessages:
    """Messages of the readers of data files and of the command line."""

    # Files as a whole
    SB601 = "There is no file '{path}'. Check the path; relative paths start at {cwd}."
    SB602 = (
        "{path}, line {line}: expected text in {encoding}, but the bytes {got} are not. Save the "
        "file as UTF-8, or name its encoding (--encoding latin-1, for instance)."
    )
    SB603 = (
        "{path}: expected rows of data, but the file has none. Check that the path is the right "
        "one and that the download is complete."
    )
    SB604 = (
        "{path}: cannot tell the format from the name or the content. Expected columns with tags, "
        "jsonl, csv or tsv; the first line is {got!r}. Name the format (--format conll, jsonl, "
        "csv or tsv)."
    )
    SB605 = (
        "{path}: expected {expected} for the task '{task}', but no row has any. Check the format "
        "and the columns, or choose another task."
    )
    # Columns with tags
    SB611 = (
        "{path}, line {line}: expected {expected} columns as in line {first}, but got {got}. "
        "Repair the row; a blank line ends a sentence."
    )
    SB612 = (
        "{path}: expected a column of tags such as O, B-PER and I-PER, but found none among {got} "
        "columns. Name it with --tag-column (counted from 1)."
    )
    SB613 = (
        "{path}, line {line}: expected a tag such as O, B-PER, I-PER, L-PER or U-PER, but got "
        "{got!r}. Repair the row, or choose another column with --tag-column."
    )
    SB614 = (
        "{path}, line {line}: expected a word in column {column}, but it is empty. Repair the "
        "row, or choose another column with --word-column."
    )
    SB615 = (
        "{path}, line {line}: the words of the sentence do not spell its '# text =' comment. "
        "Repair the comment, or choose another alignment than strict to use the words alone."
    )
    # jsonl
    SB621 = (
        "{path}, line {line}: expected one JSON object, but {got}. Repair the line; every line "
        "is an object of its own."
    )
    SB622 = (
        "{path}, line {line}: expected '{key}' to be {expected}, but it is {got}. Repair the row, "
        "or name another key (--text-column, --label-column, --spans-column)."
    )
    SB623 = (
        "{path}, line {line}: expected a span inside the text of {n_chars} characters with start "
        "before end, but got {start} to {end} ({label}). Offsets count characters from 0, the "
        "end not included."
    )
    SB624 = (
        "{path}, line {line}: expected text that can be stored as UTF-8, but there is one half of "
        "a character (a lone surrogate, \\ud800 to \\udfff). Repair the text where it was cut."
    )
    # csv and tsv
    SB631 = (
        "{path}, line {line}: expected {expected} columns as in the first row, but got {got}. "
        "Repair the row, or say how the file is written with --sep and --quoting."
    )
    SB632 = (
        "{path}, line {line}: expected well-formed quotes, but {got}. Repair the row, or read "
        "quotes as plain characters with --quoting none."
    )
    SB633 = (
        "{path}: expected a column {wanted!r}, but the columns are {got}. Give a name of the "
        "header or a number counted from 1, or 'none' to do without."
    )
    SB634 = (
        "{path}: cannot tell which column holds the {what}; the columns are {got}. Name it with "
        "--{what}-column (a name of the header or a number counted from 1, or 'none')."
    )
    # Labels and spans
    SB641 = (
        "{path}, line {line}: expected a label out of the {n_labels} of the label list (or its "
        "number, from 0), but got {got!r}. Add it to the list, or correct the row."
    )
    SB642 = (
        "{path}, line {line}: expected exactly one label for the task '{task}', but got {got}. "
        "Correct the row, or choose the task textcat_multilabel."
    )
    SB643 = (
        "{path}, line {line}: expected spans that do not overlap for the task '{task}', but got "
        "{first} and {second}. Remove one of them, or choose the task spancat."
    )
    SB644 = (
        "{path}, line {line}: expected spans that begin and end where tokens do, but {got} cuts "
        "a token. Correct it, or choose an alignment (--align expand, contract, split or drop)."
    )
    SB645 = "{path}: expected each label once, but {got!r} stands there twice. Remove one."
    SB646 = (
        "{path}, line {line}: expected at most {expected} characters, but the text has {got}. "
        "Split it, or raise nlp.max_length."
    )
    # Corpora and output
    SB651 = (
        "The corpus '{path}' has no example to {purpose}: no file, or no row with text. Check the "
        "path in the block [paths] of the config, and that the file was converted."
    )
    SB652 = (
        "The corpus has no path. Set it in the config, or on the command line, for instance: "
        "--paths.train corpus/train.spacy --paths.dev corpus/dev.spacy"
    )
    SB653 = "The output '{path}' is also an input. Choose another name, so that no data is lost."
    SB654 = (
        "The output '{path}' must end in .spacy, or be a folder that receives one .spacy file for "
        "each input; {got}."
    )
    SB655 = "Setting '{name}' must be {expected}, but it is {got!r}."
    # Command line
    SB661 = (
        "Cannot write a config for the component(s) {got}. Expected some of: {expected}. Further "
        "components can be added to the written file by hand."
    )
    SB662 = (
        "There is neither a pipeline nor an encoder in '{path}'. Expected a folder with "
        "tokenizer.json, or a spaCy pipeline that has a bert_transformer. Fetch one with: "
        "spacy-bert fetch-encoder minilm-l6 {path}"
    )
    SB664 = "The file '{path}' exists already. Choose another name, or pass --force."
    SB665 = "There is no text to show. Give it as an argument, or in a file with --file."
