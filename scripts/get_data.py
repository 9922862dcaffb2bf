"""Put a real data set into a folder: copied from disk, or downloaded from its public source.

The sources are the assets of project.yml, so `python -m spacy project assets` may fetch them as
well. What comes out is checked against the SHA-256 of the files that the scores in this project
were measured on.
"""

import hashlib
import shutil
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import prepare_gutenberg_en
import prepare_rotten_tomatoes
import prepare_snips
import prepare_snli_dev
import prepare_squad_en
import prepare_uner_en_ewt
import prepare_zh_modern_text
import srsly
import typer
from tqdm import tqdm
from wasabi import msg

PROJECT = Path(__file__).parent.parent / "project.yml"
TIMEOUT = 60  # seconds
# Data set -> its files and their SHA-256.
FILES = {
    "snips": {
        "train.jsonl": "a76ef16e697764a8d156c8d4f8e27d79c7c106a2c8e1be9da6fc625a41896df0",
        "validate.jsonl": "11683ff186658f1f3e0a71bd2dd56d144be9a11f94006a6ca022e83269cf76d0",
    },
    "wnut17": {
        "wnut17train.conll": "731820e13f71af324c6b55a1575ec2ce59fbaa2a0806f8f0400b98d56cd6a7a5",
        "emerging.dev.conll": "e053b752b8155113ca66e7db08af5f2f5f43ab993694e4774f1ec5bad42312d8",
        "emerging.test.annotated": "2aa79b764e56ec9264a1b30fdd9b70195bd00ff400b62edd8f399d5f13c178f0",  # noqa: E501
    },
    "rotten_tomatoes": {
        "train.tsv": "55ab560cc182a306fd09a4e604eb19558b3afdb0a247ff5419efbe3c062cd7a5",
        "dev.tsv": "eeb9ebe90171b1d36eb25605512f32057b6f104d73b7619234a1266ab5922018",
        "test.tsv": "321f83955fbe64fce1b0241c11384703edd7e21ab9d882f1eee2fd03af3f085f",
    },
    "uner_en_ewt": {
        "en_ewt-ud-train.early.iob2": "12d3ccba12b57469bef99dd34bc9a20cee30ead19896358ee60b4a420c769db1",  # noqa: E501
        "en_ewt-ud-dev.iob2": "0cafd881cf31d39897b6d588420fab8fbbe4423d271725c59921ac9dd49c0713",
        "en_ewt-ud-test.iob2": "821ad826d5f503ac03b4edc3fbc2174f21fbb005ec25863caf2051c434616d6e",
    },
    "ncbi_disease": {
        "train.tsv": "5f87b0de649eccff21e6d6e49e304aace808056ecae55225ea31602192517be9",
        "devel.tsv": "b4e1e7efcc2a35047bf2f3d281648357470e674f555d4a26a0049ac37d59cc61",
        "test.tsv": "8f088ce45dc4746592188f9e69de3d89d87f3bb8f0ed8c4a287d018123fa148d",
    },
    "goemotions": {
        "train.tsv": "1c254a142be5c00e80d819b9ae1bbd36d94b2eeb8f4b1271846508d57e57d9c5",
        "dev.tsv": "575489c079c9de1097062a01738f998590d6b7ead66dd1c9fd1d2ba01fd8bc62",
        "test.tsv": "0587b2dd8b27b97352adbfc3fb083d46005c8946657fdc2b1ca8b1cc7f1f8be4",
        "labels.txt": "45c3ef86782d2a4d7fedcd6d8c111aa0d0e94720689bd164fac94fefb4495a89",
    },
    "uner_zh_gsdsimp": {
        "zh_gsdsimp-ud-train.iob2": "a03b5260c3d960aa711ff5f12b797de5c7d7f412563593c173cd0e7135001db5",  # noqa: E501
        "zh_gsdsimp-ud-dev.iob2": "8aeab3ac662468e258a65f887844c50cee8311cb080b60a421ff7aa8a05e8032",  # noqa: E501
        "zh_gsdsimp-ud-test.iob2": "f1d8faa790d914fe01a24627874c8e7fad9c40b54742f5aefab5ba3f7c8edede",  # noqa: E501
    },
    "snli_dev": {
        "train.jsonl": "f5452a28d04a089551d7161613962f2a6e34e14a5e6d9dbfc51557577f4b832e",
        "dev.jsonl": "9bb922747e822509089b9291a6dd4b7c6b130699fb4f2e24121caa7109f9abaf",
        "test.jsonl": "974f6ac77521a4aab12e78257b5f279d14d72c89b78c8d218150a919880f281f",
    },
    "squad_en": {
        "train.json": "109e6e90b7bd2426c19436fd01c5da19d3c36a49a41bb6dc26927a8d07a0d413",
        "dev.json": "4b0d862ce2a724583c881b08616423a115be058eeb2d7ba4429683f24c7a7fe4",
        "test.json": "97796148abdf1c8fccc31588cf8ff54f99e35fe0c7036f3093d0438e55cefc16",
    },
    "mnli_dev": {
        "dev.jsonl": "081af9b80f4fe75aba97d034c0ff21a8017c4d18e3b5b2b0b7612ab2cc3c7bf2",
    },
    "gutenberg_en": {
        "pride-and-prejudice.txt": "dfc684d4f857fa938268f9ab9c5567b64bd0691251eca959644adeabe6287a4d",  # noqa: E501
        "moby-dick-or-the-whale.txt": "2c9c21279c63715e338c1e3b7a98f9980256d94c2932a467ffd3c19cdf828cff",  # noqa: E501
        "the-adventures-of-sherlock-holmes.txt": "7b90127b54467e1168a7620aca72c63fd34a4c12daaa5dd2db09d74723274257",  # noqa: E501
        "great-expectations.txt": "62cdd2df84d02a5ebb51d2134183cdc2501aa8053f148ed3056f21782d1a1be6",  # noqa: E501
        "frankenstein.txt": "f91ab8b1dc39f8f84602f622664c6953ed99018a24870ba5d06138596057ebb9",
        "dracula.txt": "054cbcccace9f52b9c22de85f56f0b7c75098fbac8974f17ce01398fb375124a",
    },
    "wikitext2": {
        "valid.txt": "f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8",
        "test.txt": "d790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0",
    },
    "zh_modern_text": {
        "cmrc2018_contexts.txt": "94378c93617f221526efa593b818dc9e66e1ae1785d9f9473724501d9844d5bd",
        "csl_abstracts.txt": "955b28de77f5bd059bbf4d9b3d07549cbcf45a076a3ed964b37cb12ed7904ef2",
        "gsdsimp_sentences.txt": "7f7a42d10d0737a9430aacc713c038c95f169a8922c0da09a1f6e27f1a3b2f8c",
    },
}
# Data set -> what makes files of its public source, which is kept in `upstream`. The others' source
# has the files as they are.
PREPARE: dict[str, Callable[[Path, Path], None]] = {
    "snips": prepare_snips.prepare,
    "rotten_tomatoes": prepare_rotten_tomatoes.prepare,
    "snli_dev": prepare_snli_dev.prepare,
    "squad_en": prepare_squad_en.prepare,
    "uner_en_ewt": prepare_uner_en_ewt.prepare,
    "gutenberg_en": prepare_gutenberg_en.prepare,
    "zh_modern_text": prepare_zh_modern_text.prepare,
}


class DataSetError(Exception):
    """A data set cannot be had. The message says why and what to do."""


def hash_file(path: Path, algorithm: str = "sha256") -> str:
    return hashlib.new(algorithm, path.read_bytes()).hexdigest()


def list_assets(name: str) -> list[dict[str, Any]]:
    """The public sources of a data set, out of project.yml."""
    assets = srsly.read_yaml(PROJECT)["assets"]
    return [asset for asset in assets if asset["dest"].startswith(f"assets/{name}/")]


def copy_set(name: str, data_dir: Path, folder: Path) -> None:
    """Copy a data set that is on disk.

    name (str): Data set, which is also the name of its folder in `data_dir`.
    RAISES (DataSetError): A file is missing.
    """
    source = data_dir / name
    missing = [file for file in FILES[name] if not (source / file).is_file()]
    if missing:
        raise DataSetError(
            f"{source} has no {', '.join(missing)}. Give --vars.data_dir a folder that has the "
            f"folder {name} in it, relative to the project, or leave it out to download the data."
        )
    for file in FILES[name]:
        shutil.copyfile(source / file, folder / file)


def download(url: str, path: Path, md5: str | None) -> None:
    """Download a file, unless it is there already.

    md5 (str): What the file must hash to, where it is known.
    RAISES (DataSetError): It cannot be had, or is another file.
    """
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT) as answer, part.open("wb") as out:
                shutil.copyfileobj(answer, out)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise DataSetError(
                f"Could not download {url} ({error}). With the data on disk, say where: "
                "--vars.data_dir PATH, a folder that holds one folder for each set."
            ) from error
        part.replace(path)
    if md5 and hash_file(path, "md5") != md5:
        raise DataSetError(
            f"{path} is not the file expected: its MD5 is not {md5}. Delete it and try again."
        )


def download_set(name: str, folder: Path) -> None:
    """Download a data set and bring it into the form used here.

    RAISES (DataSetError): A file cannot be had, or is another than expected.
    """
    for asset in tqdm(list_assets(name), desc=f"Download {name}", unit="file", disable=None):
        inside = Path(asset["dest"]).relative_to(f"assets/{name}")
        download(asset["url"], folder / inside, asset.get("checksum"))
    if name in PREPARE:
        PREPARE[name](folder / "upstream", folder)


def get_data(name: str, data_dir: Path | None, folder: Path) -> list[str]:
    """Put the files of a data set into a folder.

    name (str): Key of `FILES`.
    data_dir (Path): Folder with the data set in a folder of its name; None to download.
    folder (Path): Where the files go.
    RETURNS (list): Files that are not the ones that this project was measured on.
    RAISES (DataSetError): The set is unknown or cannot be had.
    """
    if name not in FILES:
        raise DataSetError(f"There is no data set {name!r}. Choose one of: {', '.join(FILES)}.")
    folder.mkdir(parents=True, exist_ok=True)
    if data_dir is not None:
        copy_set(name, data_dir, folder)
    else:
        download_set(name, folder)
    return [file for file, sha256 in FILES[name].items() if hash_file(folder / file) != sha256]


def main(
    name: str,
    to: Path,
    data_dir: Annotated[
        str, typer.Option(help="Folder of data sets on disk; empty to download.")
    ] = "",
) -> None:
    """Put the data set NAME into the folder TO."""
    try:
        others = get_data(name, Path(data_dir) if data_dir else None, to)
    except (DataSetError, OSError) as error:
        msg.fail(f"No data set {name}", str(error), exits=1)
    if others:
        msg.warn(
            f"Not the files that this project was measured on: {', '.join(others)}",
            "Their SHA-256 differs. Training goes on, but the scores may be others.",
        )
    msg.good(f"{name} is in {to}", f"From {data_dir}" if data_dir else "From its public source")


if __name__ == "__main__":
    typer.run(main)
