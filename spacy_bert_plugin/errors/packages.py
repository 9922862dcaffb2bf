"""Messages SB78x and SB79x."""


class PackageMessages:
    """Messages about pipelines that go to a hub."""

    SB780 = (
        "'{path}' is no trained pipeline: {problem}. Expected a folder that nlp.to_disk wrote "
        "(config.cfg, meta.json, a folder a component), a wheel that spacy package built, or the "
        "name of an installed pipeline. Name one of them."
    )
    SB781 = (
        "What would be uploaded of '{path}' does not load: {reason}. Expected a pipeline that "
        "spacy.load opens from these files alone. Left out were: {left_out}. Save the pipeline "
        "again with nlp.to_disk."
    )
    SB782 = (
        "'{name}' in '{path}' holds what looks like {what}, so nothing was uploaded. Expected no "
        "secrets in a pipeline. Take it out of the file, and revoke it if others have seen it."
    )
    SB783 = (
        '\'{name}\' cannot be a repository of a hub. Expected "owner/name" or "name", of letters, '
        "digits and . _ - with neither '--' nor '..'. Choose another name."
    )
    SB784 = (
        "There is no access token for {endpoint}. Expected one with the right to write. Create one "
        "in the settings of your account there, then run: hf auth login. Or set HF_TOKEN."
    )
    SB785 = (
        "{endpoint} does not accept the access token (HTTP 401: {reason}). Expected one that is "
        "valid there. Create a new one and run: hf auth login."
    )
    SB786 = (
        "The access token has no right to write to '{name}' at {endpoint} (HTTP 403: {reason}). "
        "Expected a token with the right to write, of an account that the repository belongs to. "
        "Name a repository of your own, or create such a token and run: hf auth login."
    )
    SB787 = (
        "{endpoint} cannot be reached ({reason}), so nothing was uploaded. Check the network, the "
        "proxy and HF_ENDPOINT, and unset HF_HUB_OFFLINE if it is set; then run it again. "
        "--dry-run shows what would be uploaded without any of them."
    )
    SB788 = (
        "'{name}' at {endpoint} is public, and --private asks for one that is not. Nothing was "
        "uploaded. Make it private in its settings, name another one, or leave out --private."
    )
    SB789 = (
        "'{name}' at {endpoint} ({revision}) holds something else than a pipeline of spaCy "
        "({got}), so nothing was uploaded. Expected an empty repository, or one with config.cfg "
        "and meta.json. Name another one, or another branch with --revision."
    )
    SB790 = (
        "{endpoint} did not take the upload to '{name}': {reason}. What was in '{name}' is still "
        "there, unchanged. Try again later; if it stays, check size and names of the files."
    )
