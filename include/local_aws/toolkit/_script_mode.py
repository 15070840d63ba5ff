"""What training and serving share in script mode: the user's code and its requirements.

A container has a writable layer over its image; a job here has a virtual environment over the
image's environment, so that a job's ``requirements.txt`` changes nothing for other jobs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path
from urllib.parse import urlsplit

import _archive

BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
CODE = BASE / "code"
MODEL = BASE / "model"
LAYER = BASE / "layer"

IMAGE_ENVIRONMENT = {
    "SM_INPUT": str(BASE / "input"),
    "SM_INPUT_TRAINING_CONFIG_FILE": str(BASE / "input/config/hyperparameters.json"),
    "SM_INPUT_DATA_CONFIG_FILE": str(BASE / "input/config/inputdataconfig.json"),
    "SM_CHECKPOINT_CONFIG_FILE": str(BASE / "input/config/checkpointconfig.json"),
    "SM_MODEL_DIR": str(MODEL),
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONIOENCODING": "utf-8",
}
"""What AWS's XGBoost image sets itself (docker/3.0-5/{base,final}/Dockerfile.cpu)."""


class ScriptModeError(Exception):
    """The user's code or its requirements could not be put in place."""


def fetch_code(uri: str) -> None:
    """Put the user's code into ``BASE/code``.

    ``uri`` is an ``s3://`` archive, a local archive or a directory, as in the toolkits' own
    ``download_and_extract``. A code directory that already holds files is left as it is.

    Raises:
        ScriptModeError: there is nothing at ``uri``, or it is not a gzipped tar archive.
    """
    CODE.mkdir(parents=True, exist_ok=True)
    if Path(uri) == CODE or any(CODE.iterdir()):
        return
    if uri.startswith("s3://"):
        archive = BASE / "sourcedir.tar.gz"
        _download(uri, archive)
        _extract(archive, uri)
        archive.unlink()
    elif Path(uri).is_dir():
        shutil.copytree(uri, CODE, dirs_exist_ok=True)
    elif Path(uri).is_file():
        _extract(Path(uri), uri)
    else:
        raise ScriptModeError(
            f"SAGEMAKER_SUBMIT_DIRECTORY: nothing at {uri!r}; give an s3:// URI of a .tar.gz,"
            " or a directory or archive inside the container"
        )


def install_requirements() -> str:
    """Install ``BASE/code/requirements.txt``, if there is one, over the image's environment.

    Returns the path of the Python that sees both; the image's own when nothing was asked for. Unlike AWS's
    it compiles only what is imported, which of most packages is little.

    Raises:
        ScriptModeError: pip failed; the text holds the end of what it said.
    """
    requirements = CODE / "requirements.txt"
    if not requirements.is_file():
        return sys.executable
    venv.create(LAYER, with_pip=False, symlinks=True)
    image_packages = sysconfig.get_paths()["purelib"]
    (layer_packages() / "image.pth").write_text(f"{image_packages}\n", encoding="utf-8")
    python = str(LAYER / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-compile"]
    command = [*pip, "-r", str(requirements)]
    done = subprocess.run(command, cwd=CODE, capture_output=True, text=True, check=False)
    print(done.stdout, end="", flush=True)
    print(done.stderr, end="", file=sys.stderr, flush=True)
    if done.returncode:
        raise ScriptModeError(
            f'InstallRequirementsError:\nExitCode {done.returncode}\nErrorMessage "'
            f'{tail(done.stderr)}"\nCommand "{" ".join(command)}"'
        )
    return python


def layer_packages() -> Path:
    """The site-packages directory of the job's own layer."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return LAYER / "lib" / version / "site-packages"


def tail(text: str, characters: int = 600) -> str:
    """The end of ``text``, from the last traceback on when it fits, without cutting a line."""
    text = text.strip()
    start = text.rfind("Traceback (most recent call last)")
    text = text[max(start, 0) :]
    if len(text) <= characters:
        return text
    cut = text[-characters:]
    return cut[cut.find("\n") + 1 :]


def _download(uri: str, target: Path) -> None:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    location = urlsplit(uri)
    try:
        boto3.client("s3").download_file(location.netloc, location.path.lstrip("/"), str(target))
    except (BotoCoreError, ClientError) as error:
        raise ScriptModeError(f"the source archive {uri} could not be read: {error}") from error


def _extract(archive: Path, uri: str) -> None:
    try:
        _archive.extract(archive, CODE)
    except tarfile.TarError as error:
        raise ScriptModeError(f"{uri} could not be unpacked: {error}") from error
