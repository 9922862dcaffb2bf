"""Messages SB4xx."""


class TrainingMessages:
    """Messages of the room `training`."""

    SB401 = (
        "{what} is not a finite number at update {step}. The weights are those of the update "
        "before. Lower the learning rate, lengthen the warm-up, or train with precision = "
        '"fp32".'
    )
    SB403 = (
        "The encoder is trained at a learning rate of {got:g}. AdamW moves every weight by about "
        "that much at every step, and above {limit:g} that wipes out what an encoder has learned. "
        "Expected 1e-5 to 5e-4: lower [training.optimizer.learn_rate], or raise head_factor if "
        "only the heads are to learn faster."
    )
    SB402 = (
        "The gradient for the encoder from component '{component}' is not a finite number, in a "
        "batch of {n_docs} Docs. No weight has been changed by this batch. Lower the learning "
        'rate, lengthen the warm-up, or train with precision = "fp32".'
    )
    # Runs: output, resume, guards
    SB420 = (
        "'{path}' holds {found} of an earlier run, and nothing of it was touched. To go on with "
        "that run give --resume, to throw it away --overwrite, to keep it another --output."
    )
    SB421 = "--resume and --overwrite are each other's opposite. Give one of them."
    SB422 = "--resume needs the folder of the run that is to go on. Give it as --output."
    SB423 = (
        "'{path}' holds {found}, but no folder 'resume' to go on from: that run was not made by "
        "'spacy bert train', or was stopped before its first evaluation. Give --overwrite to "
        "throw it away, or another --output."
    )
    SB424 = (
        "The run in '{path}' cannot go on with another config. What differs: {keys}. Put these "
        "back as they were, or start anew with --overwrite or another --output. Free to change: "
        "training.max_steps, max_epochs, patience, eval_frequency and logger."
    )
    SB425 = (
        "The run in '{path}' cannot go on with other data: the first {n_batches} batches are not "
        "those that it has seen. Put the data back as it was, or start anew with --overwrite."
    )
    SB426 = (
        "'{path}' cannot be read as the state of a run: {problem}. Start anew with --overwrite; "
        "the models beside it are whole."
    )
    SB427 = (
        "This is not the machine or not the versions that the run began with: {changes}. It goes "
        "on, but its losses will differ from those of an uninterrupted run."
    )
    SB428 = (
        "The loss of '{name}' is {value}. The batch was left out and no weight was changed by it. "
        'Lower the learning rate, lengthen the warm-up, train with precision = "fp32", or look '
        "at the data of this batch."
    )
    SB429 = "Training stopped at step {step}. {reason}{kept}"
    SB430 = (
        "The model has collapsed: the score on the development data was {score:.4f} and "
        "{before:.4f} in the last two evaluations, after {best:.4f} at step {best_step}. Lower "
        "the learning rate, lengthen the warm-up, or freeze lower layers, and start again."
    )
    SB431 = (
        "The training diverges: the loss of '{name}' has been more than {factor} times its first "
        "values for {n_steps} steps ({value:.4g} a word, after {first:.4g}). Lower the learning "
        "rate, lengthen the warm-up, or lower grad_clip, and start again."
    )
    SB433 = (
        "'{option}' is neither an option of this command nor a value of the config. Expected "
        "--section.name VALUE for a value; --help lists the options."
    )
    SB432 = (
        "{n} arrays that the optimizer has moments of belong to no component of the pipeline, so "
        "this run could not go on exactly after an interruption. Expected that components are the "
        "same from the first step to the last: do not add or replace models while training."
    )
    SB434 = (
        "'{path}' could not be written: {error}. What was saved there before is whole. Free space "
        "or give a folder that may be written, and save again."
    )
    SB435 = (
        "'{path}' holds {got}, which belongs to no pipeline, and saving replaces the whole folder. "
        "Nothing was written: give an empty or a new folder."
    )
    SB436 = (
        "Memory ran out at step {step}. Its batch of {n_examples} texts is learned from in "
        "{n_parts} parts, with the gradients added up. Where it happens often, lower "
        "[training.batcher] or raise training.accumulate_gradient: the second try costs time."
    )
