"""Messages SB0xx."""


class GeneralMessages:
    """Messages that any room may need."""

    SB001 = (
        "{purpose} needs the module '{module}', which could not be imported ({error}). "
        "Install it with: python -m pip install '{target}'"
    )
    SB002 = "Setting '{name}' must be {expected}, but it is {got!r}. Change it in the config."
    SB003 = (
        "Expected {module} {expected} or later, but {got} is installed. Install a newer one with: "
        "python -m pip install --upgrade '{module}>={expected}'"
    )
