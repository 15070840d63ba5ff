"""The training program of AWS's XGBoost and PyTorch images, in script mode, without the container.

Keeps the contract of the toolkit in that image (``sagemaker-containers`` 2.8.6: ``_env.py``,
``_modules.py``, ``_mapping.py``, ``_trainer.py``): JSON-encoded hyperparameters become arguments
and ``SM_*`` variables, the archive named by ``sagemaker_submit_directory`` is unpacked to
``BASE/code``, and the script runs there as ``python -m <module>``, in a child process.

Signals: in a container the toolkit is process 1 and ignores SIGTERM, and does not pass it on. So
does this file; whoever runs it signals the process group to let the script know. Unlike the
image it does not ``pip install`` the code directory itself, and has no algorithm mode.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

from _script_mode import (
    BASE,
    CODE,
    IMAGE_ENVIRONMENT,
    MODEL,
    ScriptModeError,
    fetch_code,
    install_requirements,
    tail,
)

CONFIG = BASE / "input" / "config"
OUTPUT = BASE / "output"

FAILURE_CHARACTERS = 1024
"""How much of the failure file DescribeTrainingJob returns as FailureReason."""

TOOLKIT_HYPERPARAMETERS = frozenset(
    {
        "sagemaker_program",
        "sagemaker_submit_directory",
        "sagemaker_enable_cloudwatch_metrics",
        "sagemaker_region",
        "sagemaker_container_log_level",
        "sagemaker_job_name",
        "sagemaker_s3_output",
        "default_user_module_name",
        "_tuning_objective_metric",
    }
)


def main() -> int:
    """Run the user's script; return its exit code, after writing ``output/failure`` if not 0."""
    signal.signal(signal.SIGTERM, lambda signum, frame: None)
    for directory in (MODEL, OUTPUT / "data"):
        directory.mkdir(parents=True, exist_ok=True)
    try:
        settings = _settings()
        fetch_code(settings["module_dir"])
        code, reason = _run(install_requirements(), settings)
    except ScriptModeError as error:
        code, reason = 1, str(error)
    if code == 0:
        (OUTPUT / "success").touch()
    elif not (OUTPUT / "failure").exists():
        (OUTPUT / "failure").write_text(
            f"AlgorithmError: {reason}"[:FAILURE_CHARACTERS], encoding="utf-8"
        )
    return code


def _settings() -> dict[str, Any]:
    """The properties of the toolkit's ``TrainingEnv``, by name."""
    decoded = {name: _decoded(value) for name, value in _config("hyperparameters").items()}
    own = {k: v for k, v in decoded.items() if _is_toolkits(k)}
    hyperparameters = {k: v for k, v in decoded.items() if not _is_toolkits(k)}
    program = os.environ.get("SAGEMAKER_PROGRAM") or own.get("sagemaker_program")
    if not program:
        raise ScriptModeError(
            "the hyperparameter sagemaker_program is missing: this image runs scripts only, its"
            " built-in algorithm is not available locally"
        )
    resources = _config("resourceconfig")
    channels = _config("inputdataconfig")
    return {
        "additional_framework_parameters": {
            k: v for k, v in own.items() if k not in TOOLKIT_HYPERPARAMETERS
        },
        "channel_input_dirs": {name: str(BASE / "input" / "data" / name) for name in channels},
        "current_host": resources["current_host"],
        "framework_module": os.environ.get(
            "SAGEMAKER_TRAINING_MODULE", "sagemaker_xgboost_container.training:main"
        ),
        "hosts": resources["hosts"],
        "hyperparameters": hyperparameters,
        "input_config_dir": str(CONFIG),
        "input_data_config": channels,
        "input_dir": str(BASE / "input"),
        "is_master": resources["current_host"] == sorted(resources["hosts"])[0],
        "job_name": os.environ.get("TRAINING_JOB_NAME"),
        "log_level": own.get("sagemaker_container_log_level", 20),
        "master_hostname": sorted(resources["hosts"])[0],
        "model_dir": str(MODEL),
        "module_dir": str(own.get("sagemaker_submit_directory", CODE)),
        "module_name": program[:-3] if program.endswith(".py") else program,
        "network_interface_name": resources.get("network_interface_name", "eth0"),
        "num_cpus": os.cpu_count(),
        "num_gpus": 0,
        "output_data_dir": str(OUTPUT / "data"),
        "output_dir": str(OUTPUT),
        "output_intermediate_dir": str(OUTPUT / "intermediate"),
        "resource_config": resources,
        "user_entry_point": program,
    }


def _environment(settings: Mapping[str, Any]) -> dict[str, str]:
    """The script's ``SM_*`` variables and the few others that the toolkit sets."""
    renamed = {
        "hps": "hyperparameters",
        "framework_params": "additional_framework_parameters",
    }
    unset = {"channel_input_dirs", "is_master", "job_name", "master_hostname", *renamed.values()}
    values = {name: value for name, value in settings.items() if name not in unset}
    values |= {short: settings[name] for short, name in renamed.items()}
    values |= {
        "channels": sorted(settings["channel_input_dirs"]),
        "training_env": dict(settings),
        "user_args": _arguments(settings["hyperparameters"]),
    }
    values |= {f"channel_{name}": path for name, path in settings["channel_input_dirs"].items()}
    values |= {f"hp_{name}": value for name, value in settings["hyperparameters"].items()}
    hyperparameters = _config("hyperparameters")
    return {
        **IMAGE_ENVIRONMENT,
        **{f"SM_{name.upper()}": _encoded(value) for name, value in values.items()},
        "CURRENT_HOST": settings["current_host"],
        "SAGEMAKER_JOB_NAME": str(_decoded(hyperparameters.get("sagemaker_job_name", ""))),
        "SAGEMAKER_REGION": str(
            _decoded(hyperparameters.get("sagemaker_region", os.environ.get("AWS_REGION", "")))
        ),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(CODE), os.environ.get("PYTHONPATH")))),
    }


def _run(python: str, settings: Mapping[str, Any]) -> tuple[int, str]:
    command = [python, "-m", settings["module_name"], *_arguments(settings["hyperparameters"])]
    print(f"Invoking script with the following command:\n\n{' '.join(command)}\n", flush=True)
    child = subprocess.Popen(
        command,
        cwd=CODE,
        env={**os.environ, **_environment(settings)},
        stderr=subprocess.PIPE,
    )
    kept: deque[bytes] = deque(maxlen=200)
    copier = threading.Thread(target=_copy_errors, args=(child, kept), daemon=True)
    copier.start()
    code = child.wait()
    copier.join(timeout=5)
    errors = b"".join(kept).decode("utf-8", "replace")
    reason = (
        f'ExecuteUserScriptError:\nExitCode {code}\nErrorMessage "{tail(errors)}"\n'
        f'Command "{" ".join(["python3", *command[1:]])}"'
    )
    return (code if code >= 0 else 128 - code), reason


def _copy_errors(child: subprocess.Popen[bytes], kept: deque[bytes]) -> None:
    assert child.stderr is not None
    for line in child.stderr:
        sys.stderr.buffer.write(line)
        sys.stderr.flush()
        kept.append(line)


def _arguments(hyperparameters: Mapping[str, Any]) -> list[str]:
    """``--name value`` pairs in the order of the names; ``-n`` for a name of one letter."""
    arguments: list[str] = []
    for name, value in sorted(hyperparameters.items()):
        arguments.append(f"--{name}" if len(name) > 1 else f"-{name}")
        if isinstance(value, dict):
            arguments.append(",".join(f"{k}={v}" for k, v in sorted(value.items())))
        else:
            arguments.append("" if value is None else str(value))
    return arguments


def _is_toolkits(hyperparameter: str) -> bool:
    return hyperparameter in TOOLKIT_HYPERPARAMETERS or hyperparameter.startswith("sagemaker_")


def _encoded(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _decoded(value: Any) -> Any:
    try:
        return json.loads(value)
    except (TypeError, ValueError):
        return value


def _config(name: str) -> dict[str, Any]:
    """A file of ``input/config``; SageMaker leaves out ``inputdataconfig`` without channels."""
    path = CONFIG / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return found


if __name__ == "__main__":
    sys.exit(main())
